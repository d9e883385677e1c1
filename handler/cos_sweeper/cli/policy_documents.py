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
from rich.text import Text

from cos_sweeper.cli import exits, output, role, serverless_file, serverless_rules
from cos_sweeper.cli.command_line import completed
from cos_sweeper.cli.effect import require_effect
from cos_sweeper.cli.problems import Misused
from cos_sweeper.cli.serverless_file import VARIABLES, Deployed, NoFunction
from cos_sweeper.cli.session import Session, environment
from cos_sweeper.cli.tables import safe
from cos_sweeper.cli.words import colon, t
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
        deployed = read_file(file, environ)
        problems = list(serverless_rules.problems(deployed))
        if problems:
            raise Misused("\n".join(problems), t("Correct it. `make deploy` checks it again."))
        for text in left_out(deployed):
            _comment(session, text, "warn")
        settings, names = settings_of(deployed), given.over(names_of(deployed))
    names = names.over(around(environ, settings))
    check_names(names, settings)
    _note(session, settings, names, file)
    policy = policy_of(settings, names)
    if is_calls:
        _comment(session, _what_calls_do(names.role, is_update=is_update))
        lines = [role.update_call(names.role, policy)] if is_update else role.calls(names.role, policy)
        click.echo("\n".join(lines))
        return exits.COMPLETE
    return _print(policy if only else {"policy": policy, "trust": role.trust()})


def _print(document: dict[str, Any]) -> int:
    output.mark_data()
    click.echo(json.dumps(document, indent=2))
    return exits.COMPLETE


def policy_of(settings: Settings, names: Names) -> dict[str, Any]:
    """The policy of a function with these settings."""
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


def read_file(file: Path, environ: Mapping[str, str]) -> Deployed:
    """What the file deploys. Raises Misused."""
    try:
        return serverless_file.read(file, environ)
    except NoFunction as exc:
        raise Misused(t("{path} describes no function: {why}.", path=file, why=exc)) from exc
    except OSError as exc:
        path = Path(exc.filename or file)
        next_step = t("Give the path of serverless.yml.") if path == file else ""
        raise Misused(t("{path} cannot be read: {why}.", path=path, why=exc.strerror), next_step) from None


def settings_of(deployed: Deployed) -> Settings:
    """The settings that the function would get. Raises Misused; the message says where each wrong value stands."""
    try:
        return core_settings.load(deployed.variables)
    except BadSettings as exc:
        texts = [f"{deployed.origin(problem.partition(':')[0])}{colon()}{problem}." for problem in exc.problems]
        raise Misused("\n".join(texts), set_them(deployed) if deployed.unresolved else t("Correct it there.")) from exc


def around(environ: Mapping[str, str], settings: Settings) -> Names:
    """What is not given: from the environment, from a bucket's name, and what the project's own file has."""
    appids = _appids(settings)
    return Names(
        DEFAULT_NAME,
        environ.get("TENCENTCLOUD_REGION", ""),
        DEFAULT_NAMESPACE,
        DEFAULT_NAME,
        environ.get("TENCENTCLOUD_UIN", ""),
        environ.get("TENCENTCLOUD_APPID", "") or (appids.pop() if len(appids) == 1 else ""),
    )


def _appids(settings: Settings) -> set[str]:
    buckets = [*(settings.buckets or ()), *([settings.report.bucket] if settings.report else [])]
    return {bucket.name.rpartition("-")[2] for bucket in buckets}


def check_names(names: Names, settings: Settings) -> None:
    """Raises Misused for a name that is none, or that names something else."""
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
    if names.uin and names.uin in _appids(settings) | {names.appid}:
        raise Misused(
            t("{uin} is the APPID, which a bucket's name ends in. The UIN is another number.", uin=names.uin),
            t("Both stand on the page Account information of the console."),
        )


def names_of(deployed: Deployed) -> Names:
    """What the file calls them."""
    return Names(deployed.name, deployed.region, deployed.namespace, deployed.role)


def left_out(deployed: Deployed) -> list[str]:
    """What the deployment would leave out without a word."""
    return [
        t(
            "{path}: {name} uses {references}, which has no value here: a deployment leaves {name} out.",
            path=deployed.place(path),
            name=path.removeprefix(f"{VARIABLES}."),
            references=", ".join(f"${{{one}}}" for one in missing),
        )
        for path, missing in deployed.unresolved.items()
    ]


def _comment(session: Session, text: str, style: str = "") -> None:
    """A note among calls: pasted into a shell it does nothing, even in one that takes no comments."""
    session.console.block(safe(Text(f"# {completed(text)}".replace("`", ""), style)))


def _what_calls_do(role_name: str, *, is_update: bool) -> str:
    if is_update:
        return t("This call changes the policy of the role {role}, which is there already:", role=role_name)
    return t(
        "These three calls create the role {role}. If it is there, take the one of `--update`: `make policy UPDATE=1`.",
        role=role_name,
    )


def _note(session: Session, settings: Settings, names: Names, file: Path | None) -> None:
    if settings.dry_run:
        _comment(session, t("The policy allows no abort, because DRY_RUN is not false."), "warn")
        if file is None:
            _comment(session, t("`{command}` allows it.", command="cos-sweeper policy --abort"))
        else:
            _comment(session, t("Print it again after you set DRY_RUN to false in {file}.", file=file))
    if not names.uin:
        text = t("The policy names the function with `uin/*`. Give `--uin` (`make policy UIN=…`) to name it.")
        _comment(session, text)
    if settings.buckets is None and not names.appid:
        text = t("The policy names the buckets with `uid/*`. Give `--appid` (`make policy APPID=…`) to name it.")
        _comment(session, text)
    if settings.buckets is None and settings.exclude_buckets:
        text = t("EXCLUDE_BUCKETS does not narrow the policy of BUCKETS `*`; the function itself leaves them out.")
        _comment(session, text, "warn")


def set_them(deployed: Deployed) -> str:
    """What to do about what is left out."""
    references = sorted({one for texts in deployed.unresolved.values() for one in texts})
    names = ", ".join(one.removeprefix("env:") for one in references)
    file = deployed.env_file.name if deployed.env_file else ".env"
    return t("Set {names} in the environment or in `{file}`.", names=names, file=file)
