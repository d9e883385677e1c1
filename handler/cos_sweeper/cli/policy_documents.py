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

from cos_sweeper.cli import exits, policy_check, role, serverless_file
from cos_sweeper.cli.effect import require_effect
from cos_sweeper.cli.problems import Misused, Problem
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
EXAMPLES = {
    "name": DEFAULT_NAME,
    "region": "ap-guangzhou",
    "namespace": DEFAULT_NAMESPACE,
    "role": DEFAULT_NAME,
    "uin": "100000000001",
    "appid": "1250000000",
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


def show(
    session: Session, file: Path | None, given: Names, only: str | None, *, is_calls: bool, is_update: bool
) -> int:
    """Print what is asked for. Raises Misused."""
    if is_update and not is_calls:
        raise Misused(t("`--update` is about calls."), t("Give `--tccli`, too."))
    if is_calls and (only or session.console.is_json):
        raise Misused(t("`--tccli` prints calls and no JSON."), t("Leave out `--only` and `--json`, or `--tccli`."))
    if only == "trust":
        return _print(role.trust())
    environ = environment()
    if file is None:
        settings, names = _settings(session), given
    else:
        _require_effect(session, file)
        deployed = _deployed(file, environ)
        for text in _left_out(file, deployed):
            session.console.say(text, "warn")
        settings, names = _settings_of(file, deployed), given.over(_names(deployed))
    names = names.over(_around(environ, settings))
    _check(names)
    _note(session, settings, names, file)
    policy = _policy(settings, names)
    if is_calls:
        lines = [role.update_call(names.role, policy)] if is_update else role.calls(names.role, policy)
        click.echo("\n".join(lines))
        return exits.COMPLETE
    return _print(policy if only else {"policy": policy, "trust": role.trust()})


def check(session: Session, file: Path | None, printed: Path, given: Names) -> int:
    """Whether a file can be deployed, and a policy that was printed earlier allows what it needs. Raises Problem."""
    if file is None:
        raise Misused(t("Nothing says what is deployed."), t("Give `--serverless serverless.yml`, too."))
    environ = environment()
    deployed = _deployed(file, environ)
    left_out = _left_out(file, deployed)
    if left_out:
        raise Problem("\n".join(left_out), _set_them(deployed))
    settings = _settings_of(file, deployed)
    names = given.over(_names(deployed)).over(_around(environ, settings))
    _check(names)
    lacking = policy_check.lacking(_read_policy(printed), _policy(settings, names))
    if lacking:
        raise Problem(
            t("{path} does not allow:", path=printed) + "".join(f"\n  {one.action} {one.resource}" for one in lacking),
            t("Print the policy again and change it in CAM: `make policy`, or `cos-sweeper policy --tccli --update`."),
        )
    _show_deployment(session, names, settings)
    return exits.COMPLETE


def _read_policy(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
        policy: dict[str, Any] = document.get("policy", document)
        policy_check.lacking(policy, policy)
    except OSError as exc:
        raise Problem(
            t("{path} cannot be read: {why}.", path=path, why=exc.strerror),
            t("Print the policy, and give it to the role: `make policy`, or `cos-sweeper policy --only policy`."),
        ) from None
    except (ValueError, AttributeError, KeyError, TypeError):
        raise Problem(t("{path} is no policy.", path=path), t("Print it again: `make policy`.")) from None
    return policy


def _show_deployment(session: Session, names: Names, settings: Settings) -> None:
    buckets = "*" if settings.buckets is None else ", ".join(map(str, settings.buckets))
    say = session.console.say
    say(t("Function {name} in {region}, with the role {role}.", name=names.name, region=names.region, role=names.role))
    say(t("Buckets: {buckets}.", buckets=buckets))
    if settings.dry_run:
        say(t("DRY_RUN is true: it aborts nothing."))
    else:
        say(t("DRY_RUN is false: it aborts uploads."), "warn")


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


def _require_effect(session: Session, file: Path) -> None:
    next_step = t("The settings are those of {file}.", file=file)
    require_effect(session.config, session.config.given, next_step)
    if session.config.only:
        raise Misused(t("`{option}` has no effect here.", option="--bucket"), next_step)


def _deployed(file: Path, environ: Mapping[str, str]) -> Deployed:
    try:
        return serverless_file.read(file, environ)
    except NoFunction as exc:
        raise Misused(t("{path} describes no function: {why}.", path=file, why=exc)) from exc
    except OSError as exc:
        raise Misused(
            t("{path} cannot be read: {why}.", path=file, why=exc.strerror), t("Give the path of serverless.yml.")
        ) from None


def _settings_of(file: Path, deployed: Deployed) -> Settings:
    try:
        return core_settings.load(deployed.variables)
    except BadSettings as exc:
        next_step = (
            _set_them(deployed) if deployed.unresolved else t("Correct `environment.variables` in {path}.", path=file)
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
            raise Misused(
                t("{value} is no valid {name}.", value=repr(value), name=name),
                t("Write it as the console shows it, such as {example}.", example=EXAMPLES[name]),
            )


def _names(deployed: Deployed) -> Names:
    return Names(deployed.name, deployed.region, deployed.namespace, deployed.role)


def _left_out(file: Path, deployed: Deployed) -> list[str]:
    return [
        t(
            "{path}: {name} uses {references}, which has no value here: a deployment leaves {name} out.",
            path=file,
            name=name,
            references=", ".join(f"${{{one}}}" for one in missing),
        )
        for name, missing in deployed.unresolved.items()
    ]


def _note(session: Session, settings: Settings, names: Names, file: Path | None) -> None:
    say = session.console.say
    if settings.dry_run:
        say(t("The policy allows no abort, because DRY_RUN is not false."), "warn")
        if file is None:
            session.console.next_step(t("`{command}` allows it.", command="cos-sweeper policy --abort"))
        else:
            session.console.next_step(t("Print it again after you set DRY_RUN to false in {file}.", file=file))
    if not names.uin:
        say(t("The policy names the function with `uin/*`. Give `--uin` to name the account."))
    if settings.buckets is None and not names.appid:
        say(t("The policy names the buckets with `uid/*`. Give `--appid` to name the account."))
    if settings.buckets is None and settings.exclude_buckets:
        say(
            t("EXCLUDE_BUCKETS does not narrow the policy of BUCKETS `*`; the function itself leaves them out."), "warn"
        )


def _set_them(deployed: Deployed) -> str:
    references = sorted({one for texts in deployed.unresolved.values() for one in texts})
    names = ", ".join(one.removeprefix("env:") for one in references)
    return t("Set {names} in the environment or in `.env`.", names=names)
