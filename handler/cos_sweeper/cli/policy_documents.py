"""
The documents of the function's role, for the command's settings or for those of a `serverless.yml`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import click

from cos_sweeper.cli import exits, role, serverless_file
from cos_sweeper.cli.problems import Misused
from cos_sweeper.cli.serverless_file import Deployed, NoFunction
from cos_sweeper.cli.session import Session, environment
from cos_sweeper.cli.words import t
from cos_sweeper.core import settings as core_settings
from cos_sweeper.core.errors import BadSettings
from cos_sweeper.core.settings import Settings
from cos_sweeper.scf import cam_policy

DEFAULT_NAME, DEFAULT_NAMESPACE = "cos-sweeper", "default"
# What may stand in a resource name; anything else could name more.
FORMS = {
    "name": re.compile(r"[A-Za-z][A-Za-z0-9_-]{1,59}"),
    "region": core_settings.REGION,
    "namespace": re.compile(r"[A-Za-z][A-Za-z0-9_-]{1,29}"),
    "role": re.compile(r"[\w+=,.@-]{1,128}", re.ASCII),
    "uin": re.compile(r"[0-9]{5,20}"),
    "appid": re.compile(r"[0-9]{5,20}"),
}


@dataclass(frozen=True, slots=True)
class Names:
    """What the resources are called, '' for what is not known."""

    name: str = ""
    region: str = ""
    namespace: str = ""
    role: str = ""
    uin: str = ""
    appid: str = ""

    def over(self, other: "Names") -> "Names":
        """These, and where they are '' the others."""
        return Names(*(getattr(self, one.name) or getattr(other, one.name) for one in fields(self)))


def show(session: Session, file: Path | None, given: Names, only: str | None, *, is_calls: bool) -> int:
    """Print what is asked for. Raises Misused."""
    if is_calls and (only or session.console.is_json):
        raise Misused(t("`--tccli` prints calls and no JSON."), t("Leave out `--only` and `--json`, or `--tccli`."))
    if only == "trust":
        return _print(role.trust())
    environ = environment()
    if file is None:
        settings, names = _settings(session), given
    else:
        deployed = _deployed(file, environ)
        _note_unresolved(session, file, deployed)
        settings = _settings_of(file, deployed)
        names = given.over(Names(deployed.name, deployed.region, deployed.namespace, deployed.role))
    names = names.over(_around(environ, settings))
    _check(names)
    _note(session, settings, names)
    policy = _policy(settings, names)
    if is_calls:
        click.echo("\n".join(role.calls(names.role, policy)))
        return exits.COMPLETE
    return _print(policy if only else {"policy": policy, "trust": role.trust()})


def _print(document: dict[str, Any]) -> int:
    click.echo(json.dumps(document, indent=2))
    return exits.COMPLETE


def _policy(settings: Settings, names: Names) -> dict[str, Any]:
    function = cam_policy.function_resource(names.region, names.uin or "*", names.namespace, names.name)
    return cam_policy.policy(settings, function, names.appid or "*")


def _settings(session: Session) -> Settings:
    if not session.config.only:
        return session.settings
    # `--bucket` narrows BUCKETS; without a region only COS knows the bucket.
    return replace(session.settings, buckets=session.run(session.buckets()))


def _deployed(file: Path, environ: Mapping[str, str]) -> Deployed:
    try:
        return serverless_file.read(file, environ)
    except NoFunction as exc:
        raise Misused(t("{path} describes no function: {why}.", path=file, why=exc)) from exc
    except OSError as exc:
        raise Misused(t("{path} cannot be read: {why}.", path=file, why=exc.strerror)) from None


def _settings_of(file: Path, deployed: Deployed) -> Settings:
    try:
        return core_settings.load(deployed.variables)
    except BadSettings as exc:
        missing = sorted({one for texts in deployed.unresolved.values() for one in texts})
        next_step = (
            t("Set {names} in the environment or in `.env`.", names=_names_of(missing))
            if missing
            else t("Correct `environment.variables` in {path}.", path=file)
        )
        raise Misused(f"{file}: {'; '.join(exc.problems)}.", next_step) from exc


def _around(environ: Mapping[str, str], settings: Settings) -> Names:
    """What is not given: from the environment, from a bucket's name, and what the project's own file has."""
    buckets = [*(settings.buckets or ()), *([settings.report.bucket] if settings.report else [])]
    appids = {bucket.name.rpartition("-")[2] for bucket in buckets}
    return Names(
        DEFAULT_NAME,
        environ.get("TENCENTCLOUD_REGION", ""),
        DEFAULT_NAMESPACE,
        DEFAULT_NAME,
        environ.get("TENCENTCLOUD_UIN", ""),
        environ.get("TENCENTCLOUD_APPID", "") or (appids.pop() if len(appids) == 1 else ""),
    )


def _check(names: Names) -> None:
    if not names.region:
        raise Misused(
            t("The region of the function is not known."), t("Give `--region`, or `--serverless serverless.yml`.")
        )
    for name, form in FORMS.items():
        value = getattr(names, name)
        if value and not form.fullmatch(value):
            raise Misused(t("{value} is no valid {name}.", value=repr(value), name=name))


def _note_unresolved(session: Session, file: Path, deployed: Deployed) -> None:
    for name, missing in deployed.unresolved.items():
        session.console.say(
            t(
                "{path}: {name} uses {references}, which has no value here: a deployment leaves {name} out.",
                path=file,
                name=name,
                references=", ".join(f"${{{one}}}" for one in missing),
            ),
            "warn",
        )


def _note(session: Session, settings: Settings, names: Names) -> None:
    say = session.console.say
    if settings.dry_run:
        say(t("DRY_RUN is true, so the policy allows no abort. Print it again before you set it to false."), "warn")
    if not names.uin:
        say(t("The policy names the function with `uin/*`. Give `--uin` to name the account."))
    if settings.buckets is None and not names.appid:
        say(t("The policy names the buckets with `uid/*`. Give `--appid` to name the account."))
    if settings.buckets is None and settings.exclude_buckets:
        say(
            t("EXCLUDE_BUCKETS does not narrow the policy of BUCKETS `*`; the function itself leaves them out."), "warn"
        )


def _names_of(references: list[str]) -> str:
    return ", ".join(one.removeprefix("env:") for one in references)
