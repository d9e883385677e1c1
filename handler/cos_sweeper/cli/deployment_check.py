"""
Whether a `serverless.yml` can be deployed, and what it then deploys. `make deploy` runs it first.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cos_sweeper.cli import exits, policy_check, serverless_rules
from cos_sweeper.cli.policy_check import Permission
from cos_sweeper.cli.policy_documents import (
    Names,
    around,
    check_names,
    left_out,
    names_of,
    policy_of,
    read_file,
    set_them,
    settings_of,
)
from cos_sweeper.cli.problems import Misused, Problem
from cos_sweeper.cli.serverless_file import Deployed
from cos_sweeper.cli.session import Session, environment
from cos_sweeper.cli.words import t
from cos_sweeper.core import settings as core_settings
from cos_sweeper.core.settings import Settings

UIN = re.compile(r":uin/([0-9]+):")
ABORT = "name/cos:AbortMultipartUpload"
# Said in a line of their own.
SAID = ("BUCKETS", "DRY_RUN")


def check(session: Session, file: Path | None, printed: Path, given: Names) -> int:
    """Whether a file can be deployed, and a policy that was printed earlier allows what it needs. Raises Problem."""
    if file is None:
        raise Misused(t("Nothing says what is deployed."), t("Give `--serverless serverless.yml`, too."))
    environ = environment()
    deployed = read_file(file, environ)
    _require_deployable(deployed)
    settings = settings_of(deployed)
    names = given.over(names_of(deployed)).over(around(environ, settings))
    check_names(names, settings)
    policy, needed = _read_policy(printed), policy_of(settings, names)
    lacking = policy_check.lacking(policy, needed)
    if lacking:
        raise Problem(
            t("{path} does not allow:", path=printed) + "".join(f"\n  {one.action} {one.resource}" for one in lacking),
            _print_again(policy),
        )
    _show_deployment(session, deployed, names, settings)
    _show_policy(session, printed, policy_check.lacking(needed, policy))
    return exits.COMPLETE


def _require_deployable(deployed: Deployed) -> None:
    problems, missing = list(serverless_rules.problems(deployed)), left_out(deployed)
    if problems or missing:
        raise Problem("\n".join([*problems, *missing]), set_them(deployed) if missing else t("Correct it there."))


def _print_again(policy: Mapping[str, Any]) -> str:
    """With the account that the printed policy names."""
    match = UIN.search(json.dumps(policy))
    return t(
        "Print it again and run its call: `make policy UPDATE=1 UIN={uin}`, or `cos-sweeper policy --tccli --update`.",
        uin=match[1] if match else "…",
    )


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


def _show_deployment(session: Session, deployed: Deployed, names: Names, settings: Settings) -> None:
    buckets = "*" if settings.buckets is None else ", ".join(map(str, settings.buckets))
    say = session.console.say
    if deployed.env_file:
        say(t("Read: {path}, {env}.", path=deployed.path, env=deployed.env_file))
    say(t("Function {name} in {region}, with the role {role}.", name=names.name, region=names.region, role=names.role))
    say(t("Triggers: {triggers}.", triggers=", ".join(_triggers(deployed)) or "-"))
    say(t("Buckets: {buckets}.", buckets=buckets))
    for line in _settings(deployed, settings):
        say(f"  {line}")
    for note in serverless_rules.notes(deployed):
        say(note, "warn")
    if settings.dry_run:
        say(t("DRY_RUN is true: it aborts nothing."))
    else:
        say(t("DRY_RUN is false: it aborts uploads."), "warn")


def _triggers(deployed: Deployed) -> Iterator[str]:
    for _, kind, parameters in serverless_rules.triggers_of(deployed):
        cron = parameters.get("cronExpression")
        yield f"{kind} {cron}" if isinstance(cron, str) else kind


def _settings(deployed: Deployed, settings: Settings) -> Iterator[str]:
    """What differs from the defaults; of secrets and of other programs' variables only that they are set."""
    default = core_settings.load({"BUCKETS": "*"})
    for name, (field_name, _) in core_settings.READERS.items():
        if name not in SAID and getattr(settings, field_name) != getattr(default, field_name):
            shown = t("(set)") if name in core_settings.SECRETS else deployed.variables[name]
            yield f"{name}: {shown}"
    for name in sorted(deployed.variables.keys() - core_settings.READERS.keys()):
        yield t("{name}: (set; no setting of COS Sweeper)", name=name)


def _show_policy(session: Session, printed: Path, more: list[Permission]) -> None:
    say = session.console.say
    if any(one.action == ABORT for one in more):
        say(t("{path} allows more aborts than this needs. `make policy UPDATE=1` prints less.", path=printed), "warn")
    elif more:
        say(t("{path} allows more than this needs. `make policy UPDATE=1` prints less.", path=printed), "warn")
    say(t("{path} allows what this needs. Nobody knows here whether the role has this policy.", path=printed))
