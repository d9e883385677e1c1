"""
What of a `serverless.yml` a deployment would ignore, read in another way, or fail on. Values in, problems out.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from cos_sweeper.cli.serverless_file import VARIABLES, Deployed, text_of
from cos_sweeper.cli.words import colon, t
from cos_sweeper.cli.yaml_core import Unquoted, inner
from cos_sweeper.core import settings
from cos_sweeper.core.misspelled import intended
from cos_sweeper.core.model import RejectedRequest
from cos_sweeper.scf import events

# What may stand where. A map has these keys; ANY takes what is there.
ANY: Mapping[str, Any] = {}
TRIGGERS: Mapping[str, Mapping[str, Any]] = {
    "timer": dict.fromkeys(("name", "qualifier", "cronExpression", "enable", "argument", "namespace"), ANY),
    "ckafka": dict.fromkeys(
        (
            *("name", "instanceId", "topic", "qualifier", "maxMsgNum", "offset", "retry", "timeout"),
            *("consumerGroupName", "enable"),
        ),
        ANY,
    ),
    "cls": dict.fromkeys(("topicId", "qualifier", "maxWait", "maxSize", "enable"), ANY),
    "cos": {
        **dict.fromkeys(("bucket", "qualifier", "events", "enable"), ANY),
        "filter": dict.fromkeys(("prefix", "suffix"), ANY),
    },
    "http": {
        **dict.fromkeys(("name", "qualifier", "authType", "enable", "corsConfig"), ANY),
        "netConfig": dict.fromkeys(("enableIntranet", "enableExtranet"), ANY),
    },
    "cmq": dict.fromkeys(("name", "qualifier", "filterType", "filterKey", "enable"), ANY),
}
INPUTS: Mapping[str, Any] = {
    **dict.fromkeys(
        (
            *("name", "type", "description", "region", "handler", "runtime", "role", "namespace", "memorySize"),
            *("timeout", "initTimeout", "publicAccess", "installDependency", "eip", "traceEnable", "diskSize"),
            *("tags", "layers", "cfs"),
        ),
        ANY,
    ),
    "src": dict.fromkeys(("src", "exclude", "include", "hook", "dist"), ANY),
    "environment": {"variables": ANY},
    "vpcConfig": dict.fromkeys(("vpcId", "subnetId"), ANY),
    "deadLetter": dict.fromkeys(("type", "name", "filterType"), ANY),
    "cls": dict.fromkeys(("logsetId", "topicId"), ANY),
    "events": ANY,
}
TOP: Mapping[str, Any] = {**dict.fromkeys(("component", "name", "app", "stage", "org"), ANY), "inputs": INPUTS}
# Where another word than `true` or `false`, such as `no`, would be a text, which switches on or counts for nothing.
FLAGS = ("enable", "enableIntranet", "enableExtranet", "installDependency", "eip", "traceEnable")
EVENTS = inner("inputs", "events")
# Known to the platform, and not for this function.
ASYNCHRONOUS = ("asyncRunEnable", "msgTTL", "retryNum")
RESERVED = ("SCF_", "QCLOUD_", "TENCENTCLOUD_")
MAX_ENVIRONMENT_BYTES = 4096
FIELDS_OF_CRON = 7


class Rule(NamedTuple):
    """is_right: of a value as `yaml_core` reads it, None where nothing is there. needed: in words."""

    path: str
    is_right: Callable[[Any], bool]
    needed: str


def problems(deployed: Deployed) -> Iterator[str]:
    """All that keeps the file from being deployed as it was meant, each with its place."""
    yield from deployed.problems
    yield from _unknown(deployed, deployed.document, TOP, "")
    yield from _events(deployed)
    yield from _environment(deployed)
    yield from _values(deployed)
    yield from _urls(deployed)


def notes(deployed: Deployed) -> Iterator[str]:
    """What is allowed, and perhaps not meant."""
    triggers = [(kind, parameters) for _, kind, parameters in triggers_of(deployed)]
    if not any(kind == "timer" for kind, _ in triggers):
        yield t("There is no timer: nothing is swept at night.")
    for kind, parameters in triggers:
        if kind != "http" and not is_true(parameters.get("enable")):
            yield t("The {kind} trigger is created, but switched off: it has no `enable: true`.", kind=kind)
    if deployed.variables.get("HTTP_AUTH") == "platform" and "http" not in dict(triggers):
        yield t("HTTP_AUTH is `platform`, and no http trigger stands here. One that is left must have `authType: CAM`.")


def triggers_of(deployed: Deployed) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Path, kind and parameters of each trigger that has its form."""
    given = deployed.inputs.get("events")
    for index, event in enumerate(given if isinstance(given, list) else ()):
        for kind, trigger in event.items() if isinstance(event, dict) else ():
            parameters = trigger.get("parameters") if isinstance(trigger, dict) else None
            yield f"inputs.events[{index}].{kind}", kind, parameters if isinstance(parameters, dict) else {}


def is_true(value: Any) -> bool:
    """Whether it is YAML's `true`."""
    return isinstance(value, Unquoted) and value.value is True


def _unknown(deployed: Deployed, value: Any, shape: Mapping[str, Any], path: str) -> Iterator[str]:
    """Keys that a deployment ignores where they stand, and what is no map where one belongs."""
    if path == "inputs.src" and isinstance(value, str):
        return
    if not isinstance(value, dict):
        yield t("{place}: `{path}` needs keys with values below it.", place=deployed.place(path), path=path)
        return
    for name, each in value.items():
        where = inner(path, name)
        if name not in shape:
            yield f"{deployed.place(where)}{colon()}{_misplaced(name, where)}"
        elif name in FLAGS and not (isinstance(each, Unquoted) and isinstance(each.value, bool)):
            yield _wrong(deployed, where, t("`true` or `false`"))
        elif shape[name]:
            yield from _unknown(deployed, each, shape[name], where)


def _misplaced(name: str, path: str) -> str:
    if name in ASYNCHRONOUS:
        return t("remove `{path}`: with it, SCF does not retry events that failed.", path=path)
    belongs = home(name)
    if belongs:
        return t("a deployment ignores `{path}` here: it belongs below `{where}`.", path=path, where=belongs)
    return t("`{path}` is not known here, and a deployment may ignore it: correct or remove it.", path=path)


def home(name: str) -> str:
    """Where a key belongs, '' if nobody knows it."""
    if name in settings.NAMES or (name.isupper() and intended(name, settings.NAMES)):
        return VARIABLES
    if name in INPUTS:
        return "inputs"
    return EVENTS if name in TRIGGERS or any(name in known for known in TRIGGERS.values()) else ""


def _events(deployed: Deployed) -> Iterator[str]:
    given = deployed.inputs.get("events", [])
    if not isinstance(given, list):
        yield t("{place}: `{path}` needs a list.", place=deployed.place(EVENTS), path=EVENTS)
        return
    for index, event in enumerate(given):
        path = f"inputs.events[{index}]"
        kinds = {kind: {"parameters": parameters} for kind, parameters in TRIGGERS.items()}
        yield from _unknown(deployed, event, kinds, path)
    for path, kind, parameters in triggers_of(deployed):
        if kind == "timer":
            yield from _timer(deployed, inner(path, "parameters"), parameters)


def _timer(deployed: Deployed, path: str, parameters: Mapping[str, Any]) -> Iterator[str]:
    cron, argument = parameters.get("cronExpression"), parameters.get("argument")
    place = inner(path, "cronExpression")
    if not isinstance(cron, str) or len(cron.split()) != FIELDS_OF_CRON:
        yield _wrong(deployed, place, t("7 fields: second, minute, hour, day, month, day of the week, year"))
    place = inner(path, "argument")
    if not isinstance(argument, str):
        if place not in deployed.unresolved:
            yield _wrong(deployed, place, t("a text, such as '{}'"))
        return
    fired = {"Type": "Timer", "TriggerName": "", "Time": "2026-01-01T00:00:00Z", "Message": argument}
    for request in events.decode(fired).requests:
        if isinstance(request, RejectedRequest):
            yield f"{deployed.place(place)}{colon()}`{place}`{colon()}{request.reason}"


def _environment(deployed: Deployed) -> Iterator[str]:
    """Variables that SCF gets with another value or name than the file shows."""
    found = deployed.inputs.get("environment")
    variables = found.get("variables") if isinstance(found, dict) else None
    for name, value in variables.items() if isinstance(variables, dict) else ():
        path = inner(VARIABLES, name)
        place = deployed.place(path)
        if not name.isidentifier() or not name.isascii() or name.startswith(RESERVED):
            yield t("{place}: `{path}` is no name that a variable can have.", place=place, path=path)
        elif name in INPUTS or name in TOP:
            yield f"{place}{colon()}{_misplaced(name, path)}"
        if path not in deployed.unresolved and not _is_text(value):
            yield t("{place}: put the value of `{path}` in quotes: SCF would get another text.", place=place, path=path)
    size = sum(len(f"{name}={value};".encode()) for name, value in deployed.variables.items())
    if size > MAX_ENVIRONMENT_BYTES:
        yield t(
            "{place}: SCF takes 4,096 bytes of variables; these are {size:,}.",
            place=deployed.place(VARIABLES),
            size=size,
        )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, Unquoted) and value.keeps_its_text)


def _values(deployed: Deployed) -> Iterator[str]:
    for rule in _rules():
        value = _at(deployed.document, rule.path)
        if rule.path not in deployed.unresolved and not rule.is_right(value):
            yield _wrong(deployed, rule.path, rule.needed)


def _rules() -> tuple[Rule, ...]:
    return (
        Rule("component", lambda value: value == "scf", "`scf`"),
        Rule("inputs.type", lambda value: value in (None, "event"), "`event`"),
        Rule("inputs.handler", lambda value: value == "index.main_handler", "`index.main_handler`"),
        Rule("inputs.runtime", lambda value: value == "Python3.10", "`Python3.10`"),
        Rule("inputs.name", _is_given, t("the function's name")),
        Rule("inputs.role", _is_given, t("the name of the execution role")),
        Rule("inputs.region", _is_region, t("a region, such as `ap-guangzhou`")),
        Rule("inputs.timeout", lambda value: 1 <= _whole(value) <= 900, t("a whole number from 1 to 900")),
        Rule(
            "inputs.memorySize",
            lambda value: value is None or _whole(value) in (64, *range(128, 3073, 128)),
            t("64, or a multiple of 128 up to 3072"),
        ),
        Rule(
            "inputs.initTimeout",
            lambda value: value is None or 3 <= _whole(value) <= 300,
            t("a whole number from 3 to 300"),
        ),
        Rule("inputs.publicAccess", lambda value: value is None or is_true(value), "`true`"),
    )


def _urls(deployed: Deployed) -> Iterator[str]:
    """Function URLs that anybody can use, or nobody."""
    is_platform = deployed.variables.get("HTTP_AUTH", "").strip() == "platform"
    has_token = bool(deployed.variables.get("HTTP_TOKEN", "").strip())
    for path, kind, parameters in triggers_of(deployed):
        if kind == "http":
            where = inner(path, "parameters.authType")
            problem = _url_problem(text_of(parameters.get("authType")), is_platform=is_platform, has_token=has_token)
            if problem and where not in deployed.unresolved:
                yield f"{deployed.place(where)}{colon()}{problem}"


def _url_problem(auth_type: str, *, is_platform: bool, has_token: bool) -> str:
    if auth_type not in ("NONE", "CAM"):
        return t("`authType` needs `NONE` or `CAM`.")
    if auth_type == "NONE" and is_platform:
        return t("with `authType: NONE` and HTTP_AUTH `platform` nobody checks the callers. Write `authType: CAM`.")
    if auth_type == "NONE" and not has_token:
        return t("with `authType: NONE` and no HTTP_TOKEN every request gets 403. Set HTTP_TOKEN.")
    if auth_type == "CAM" and not is_platform:
        return t("with `authType: CAM` the function must not ask for a token as well. Set HTTP_AUTH to `platform`.")
    return ""


def _is_given(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_region(value: Any) -> bool:
    return isinstance(value, str) and settings.REGION.fullmatch(value) is not None


def _whole(value: Any) -> int:
    """A whole number as it stands there, else 0."""
    is_whole = isinstance(value, Unquoted) and type(value.value) is int and value.keeps_its_text
    return int(value.text) if is_whole else 0


def _at(document: Any, path: str) -> Any:
    for name in path.split("."):
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _wrong(deployed: Deployed, path: str, needed: str) -> str:
    return t("{place}: `{path}` needs {needed}.", place=deployed.place(path), path=path, needed=needed)
