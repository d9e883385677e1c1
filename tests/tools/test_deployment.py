"""
What is deployed, read through the code that it configures: serverless.yml and requirements.txt.
"""

import ast
import importlib
import re
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cos_sweeper.core import settings
from cos_sweeper.core.model import SweepRequest
from cos_sweeper.scf import events
from tests.fixtures import HANDLER, ROOT
from tests.tools import package

TEXT = (ROOT / "serverless.yml").read_text(encoding="utf-8")

# What a user might have in the environment, for each `${env:NAME}`.
GIVEN = {
    "BUCKETS": "photos-1250000000@ap-guangzhou,logs-1250000000@ap-beijing",
    "HTTP_TOKEN": "0123456789abcdef0123456789abcdef",
    "NOTIFY_URL": "https://hooks.example.com/cos-sweeper",
    "CLS_LOGSET_ID": "a-log-set",
    "CLS_TOPIC_ID": "a-topic",
    "FAILED_UPLOADS_TOPIC_ID": "another-topic",
}

# SCF's machine, whatever this one is.
DEPLOYED_ON = {
    "extra": "",
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.10.0",
    "python_version": "3.10",
    "sys_platform": "linux",
}


# Dependencies of dependencies that the function does without: encryption at the client, and the detection of character
# sets. test_package has the proof.
NEVER_LOADED = {"charset-normalizer", "pycryptodome"}


def switched_on(text: str) -> str:
    """Every line that begins with `#` in the first column and is no comment, without it."""
    return re.sub(r"(?m)^#(?=  )", "", text)


def resolve(value: Any) -> Any:
    """`${env:NAME}`, filled in. Only ever a whole value: of the tools that deploy, some replace no less."""
    if isinstance(value, dict):
        return {name: resolve(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [resolve(inner) for inner in value]
    if isinstance(value, str) and "${" in value:
        return GIVEN[value.removeprefix("${env:").removesuffix("}")]
    return value


SHIPPED: dict[str, Any] = resolve(yaml.safe_load(TEXT))["inputs"]
EVERYTHING_ON: dict[str, Any] = resolve(yaml.safe_load(switched_on(TEXT)))["inputs"]

# The two lines that its comment says, changed together.
CALLERS_CHECKED_BY_CAM: dict[str, Any] = resolve(
    yaml.safe_load(
        switched_on(TEXT)
        .replace("authType: NONE\n", "authType: CAM\n")
        .replace("HTTP_TOKEN: ${env:HTTP_TOKEN}\n", "HTTP_AUTH: 'platform'\n")
    )
)["inputs"]

both = pytest.mark.parametrize(
    "inputs",
    [pytest.param(SHIPPED, id="as shipped"), pytest.param(EVERYTHING_ON, id="everything switched on")],
)


def kinds(inputs: dict[str, Any]) -> list[str]:
    return [kind for event in inputs["events"] for kind in event]


def only_timer() -> dict[str, Any]:
    (event,) = SHIPPED["events"]
    parameters: dict[str, Any] = event["timer"]["parameters"]
    return parameters


def fire(argument: object) -> tuple[object, ...]:
    """What the function understands when a timer with this argument fires."""
    event = {"Type": "Timer", "TriggerName": "nightly", "Time": "2026-02-21T03:30:00Z", "Message": argument}
    return events.decode(event).requests


# The environment


@both
def test_environment_is_one_that_the_function_accepts(inputs: dict[str, Any]) -> None:
    environment = inputs["environment"]["variables"]

    loaded = settings.load(environment)

    assert [str(bucket) for bucket in loaded.buckets or ()] == GIVEN["BUCKETS"].split(",")
    assert loaded.dry_run


@both
def test_environment_names_only_settings_that_exist(inputs: dict[str, Any]) -> None:
    assert set(inputs["environment"]["variables"]) <= set(settings.READERS)


@both
def test_environment_holds_only_strings(inputs: dict[str, Any]) -> None:
    values = inputs["environment"]["variables"].values()

    assert [value for value in values if not isinstance(value, str)] == []


@both
def test_environment_names_nothing_that_the_platform_reserves(inputs: dict[str, Any]) -> None:
    kept = ("SCF_", "QCLOUD_", "TENCENTCLOUD_")

    assert [name for name in inputs["environment"]["variables"] if name.startswith(kept)] == []


@both
def test_environment_stays_under_four_kilobytes(inputs: dict[str, Any]) -> None:
    size = sum(len(f"{name}={value};".encode()) for name, value in inputs["environment"]["variables"].items())

    assert size < 4096


@both
def test_shipped_settings_are_the_defaults_of_the_code(inputs: dict[str, Any]) -> None:
    loaded, default = settings.load(inputs["environment"]["variables"]), settings.load({"BUCKETS": "*"})

    assert (loaded.min_age, loaded.min_idle, loaded.dry_run) == (default.min_age, default.min_idle, default.dry_run)


def test_serverless_yml_holds_no_secret() -> None:
    environment = yaml.safe_load(switched_on(TEXT))["inputs"]["environment"]["variables"]

    secrets = {name: value for name, value in environment.items() if re.search("TOKEN|SECRET|KEY|PASSWORD", name)}

    assert secrets == {"HTTP_TOKEN": "${env:HTTP_TOKEN}"}


# The triggers


def test_nightly_timer_is_on_and_leaves_everything_to_the_settings() -> None:
    timer = only_timer()

    assert fire(timer["argument"]) == (SweepRequest(),)
    assert timer["enable"] is True


def test_dry_run_is_the_one_line_that_turns_a_deployment_into_one_that_aborts() -> None:
    line = "      DRY_RUN: 'true'\n"
    changed: dict[str, Any] = resolve(yaml.safe_load(TEXT.replace(line, "      DRY_RUN: 'false'\n")))["inputs"]

    assert TEXT.count(line) == 1
    assert not settings.load(changed["environment"]["variables"]).dry_run
    assert changed["events"] == SHIPPED["events"]


def test_timer_fires_once_a_night() -> None:
    second, minute, hour, *rest = only_timer()["cronExpression"].split()

    assert all(field.isdecimal() for field in (second, minute, hour))
    assert rest == ["*"] * 4, "day, month, day of the week, year"


def test_triggers_have_a_block_each_to_switch_on() -> None:
    assert sorted(kinds(EVERYTHING_ON)) == ["ckafka", "cls", "cos", "http", "timer"]


def test_cmq_is_not_offered_because_it_is_closed() -> None:
    assert {"deadLetter", "asyncRunEnable"}.isdisjoint(EVERYTHING_ON)


def test_timer_fires_at_night_in_utc_plus_8() -> None:
    hour = int(only_timer()["cronExpression"].split()[2])
    comment = TEXT[: TEXT.index("    - timer:")].rpartition("  events:\n")[2]

    assert 0 <= hour < 6
    assert f"at {hour:02}:30. SCF's timers go by UTC+8" in comment


@pytest.mark.parametrize("inputs", [SHIPPED, EVERYTHING_ON, CALLERS_CHECKED_BY_CAM], ids=["shipped", "all on", "CAM"])
def test_function_url_is_checked_by_the_function_or_by_cam_and_by_one_of_them_only(inputs: dict[str, Any]) -> None:
    loaded = settings.load(inputs["environment"]["variables"])
    urls = [event["http"]["parameters"] for event in inputs["events"] if "http" in event]

    assert [each["authType"] for each in urls] == ["CAM" if loaded.http_platform_auth else "NONE"] * len(urls)
    assert loaded.http_platform_auth or loaded.http_token or not urls


def test_triggers_start_switched_on_and_call_the_default_version() -> None:
    parameters = {kind: event[kind]["parameters"] for event in EVERYTHING_ON["events"] for kind in event}

    assert {kind: (given.get("enable"), given.get("qualifier")) for kind, given in parameters.items()} == dict.fromkeys(
        parameters, (True, "$DEFAULT")
    )


# The function


def test_handler_exists_and_can_be_called() -> None:
    module, name = SHIPPED["handler"].split(".")

    entry = getattr(importlib.import_module(module), name)

    assert callable(entry)
    assert (HANDLER / f"{module}.py").is_file(), "the platform finds it at the root of the zip only"


def test_time_and_memory_are_what_the_platform_offers() -> None:
    assert 1 <= SHIPPED["timeout"] <= 900
    assert SHIPPED["memorySize"] in {64, *range(128, 3073, 128)}


def test_uploaded_folder_is_what_make_package_builds_without_dot_files() -> None:
    source = SHIPPED["src"]

    assert (ROOT / source["src"]).resolve() == package.FOLDER
    assert {"**/.*", "**/.*/**"} <= set(source["exclude"])


@both
def test_network_and_time_to_start_are_explicit(inputs: dict[str, Any]) -> None:
    assert inputs["publicAccess"] is True
    assert 3 <= inputs["initTimeout"] <= 300


# What it needs


def pins() -> dict[str, str]:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    named = [Requirement(line.removesuffix(" \\")) for line in lines if line and not line.startswith(("#", " "))]
    return {canonicalize_name(one.name): str(one.specifier) for one in named}


def imported() -> Iterator[str]:
    """The names that the deployed modules import and neither Python nor the handler has, to their second level."""
    own = {path.stem for path in HANDLER.iterdir()}
    for path in HANDLER.rglob("*.py"):
        if path.is_relative_to(HANDLER / "cos_sweeper" / "cli"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules = [node.module]
            for module in modules:
                if module.partition(".")[0] not in own | sys.stdlib_module_names:
                    yield ".".join(module.split(".")[:2])


def providers() -> dict[str, set[str]]:
    """Which distributions bring a name of one or two levels (packages_distributions does not know all on 3.10)."""
    found: dict[str, set[str]] = {}
    for distribution in metadata.distributions():
        for file in distribution.files or ():
            for parts in (file.parts[:1], file.parts[:2]):
                found.setdefault(".".join(parts).removesuffix(".py"), set()).add(distribution.metadata["Name"])
    return found


def with_dependencies(names: Iterable[str]) -> set[str]:
    """These distributions and all that they need on SCF's machine, but what is never loaded there."""
    found: set[str] = set()
    todo = [canonicalize_name(name) for name in names]
    while todo:
        name = todo.pop()
        if name not in found | NEVER_LOADED:
            found.add(name)
            needs = [Requirement(text) for text in metadata.requires(name) or ()]
            todo += [canonicalize_name(n.name) for n in needs if not n.marker or n.marker.evaluate(DEPLOYED_ON)]
    return found


def test_requirements_are_pinned_to_one_version_each() -> None:
    loose = {name: pin for name, pin in pins().items() if not re.fullmatch(r"==[0-9]+(\.[0-9]+)*", pin)}

    assert loose == {}


def test_requirements_have_hashes_each() -> None:
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    blocks = re.findall(r"^[a-z0-9.-]+==.*(?:\n    --hash=sha256:[0-9a-f]{64}(?: \\)?)+$", text, re.MULTILINE)

    assert len(blocks) == len(pins()) > 10


def test_requirements_are_what_the_handler_imports_with_dependencies_and_nothing_else() -> None:
    bringing = providers()

    needed = {
        provider
        for name in imported()
        for provider in bringing.get(name) or bringing.get(name.partition(".")[0]) or {name}
    }

    assert set(pins()) == with_dependencies(needed)
