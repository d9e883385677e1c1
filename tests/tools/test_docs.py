"""
What the documents repeat of the code, held against the code: tables, links, commands.
"""

import ast
import contextlib
import importlib
import io
import json
import pkgutil
import re
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

import cos_sweeper
from cos_sweeper.core import checkpoint, outcomes, policy, settings
from cos_sweeper.core.coverage import State
from cos_sweeper.core.key_mask import KeyMask
from cos_sweeper.core.model import CHECKPOINT, Bucket, RejectedRequest, Upload
from cos_sweeper.core.plan import build_plan
from cos_sweeper.core.report import CUT_FIRST, Status
from cos_sweeper.core.report_builder import ReportBuilder
from cos_sweeper.core.settings import Settings
from cos_sweeper.core.webhook import HOSTS
from cos_sweeper.scf import cam_policy
from cos_sweeper.scf.messages import NARROWINGS
from tests.schema import SCHEMA

ROOT = Path(__file__).parents[2]
HANDLER = ROOT / "handler"
EVENT_NAME = re.compile(r"[a-z_]+\.[a-z_]+")
LOG_METHODS = {"info", "warning", "error"}
UNITS = {"": 1, "bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "seconds": 1, "minutes": 60}
MAX_README_LINES = 200

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
documents = pytest.mark.parametrize("document", DOCUMENTS, ids=[str(path.relative_to(ROOT)) for path in DOCUMENTS])


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def rows(name: str, heading: str) -> list[list[str]]:
    """The cells of all tables between a heading and the next one, without the tables' heads."""
    (section,) = re.findall(rf"(?ms)^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", text(name))
    lines = re.findall(r"(?m)^\|(.*)\|$", section)
    heads = {number for number, line in enumerate(lines) if re.fullmatch(r"[-|]+", line)}
    body = [line for number, line in enumerate(lines) if number not in heads and number + 1 not in heads]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)] for line in body]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def names_in(name: str, heading: str) -> list[str]:
    """What stands in backticks in the first column."""
    return [one for row in rows(name, heading) for one in quoted(row[0])]


# Settings


@pytest.mark.parametrize(("name", "heading"), [("docs/settings.md", "Settings"), ("README.md", "Settings")])
def test_table_of_settings_has_every_setting_once_with_its_default(name: str, heading: str) -> None:
    table = {quoted(row[0])[0]: row[1] for row in rows(name, heading)}
    defaults = Settings(buckets=None)

    assert list(table) == list(dict.fromkeys(names_in(name, heading)))
    assert sorted(table) == sorted(settings.READERS)
    for setting, cell in table.items():
        field, parse = settings.READERS[setting]
        stated = parse(quoted(cell)[0]) if quoted(cell) else None
        default = getattr(defaults, field)
        assert stated == default or (stated is None and not default), setting


def test_table_of_narrowings_is_what_a_timer_may_say() -> None:
    assert sorted(names_in("docs/settings.md", "Narrowing one timer")) == sorted(NARROWINGS)


def test_paths_of_committers_in_the_table_are_kept() -> None:
    shown = names_in("docs/settings.md", "Committers")

    missed = [one for one in shown if not policy.COMMITTERS_PATH.search(f"output/{one.replace('…', '7')}/part-0")]

    assert len(shown) > 10
    assert missed == []


# Reports and logs


def test_table_of_statuses_is_complete() -> None:
    assert sorted(names_in("docs/reports.md", "Status")) == sorted(status.value for status in Status)


def test_table_of_outcomes_is_complete() -> None:
    assert sorted(names_in("docs/reports.md", "Outcomes")) == sorted([*outcomes.NAMES.values(), outcomes.UNCHECKED])


def test_table_of_coverage_states_is_complete() -> None:
    assert names_in("docs/reports.md", "Lifecycle coverage") == [state.value for state in State]


def test_table_of_report_fields_is_complete() -> None:
    plan = build_plan((), Settings(buckets=()), (), "run", datetime(2026, 11, 22, tzinfo=timezone.utc))

    fields = ReportBuilder(plan).build().as_json()

    assert sorted(names_in("docs/reports.md", "Fields of a report")) == sorted(fields)
    assert set(CUT_FIRST) <= set(fields)


def test_table_of_fields_of_report_json_is_that_of_the_schema() -> None:
    shown = [name for row in rows("docs/reports.md", "Fields of report.json") for name in quoted(row[0])]

    assert sorted(shown) == sorted(SCHEMA["properties"])


def test_table_of_reasons_is_complete_and_says_which_are_doubts() -> None:
    table = {quoted(row[0])[0]: row[1] == "yes" for row in rows("docs/reports.md", "Reasons to keep")}
    reasons = {value for name, value in vars(policy).items() if name.isupper() and isinstance(value, str)}

    assert {reason: reason in policy.DOUBTS for reason in reasons} == table


def calls() -> Iterator[tuple[ast.Call, str]]:
    for path in HANDLER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr != "get_template":
                yield node, node.func.attr


def logged() -> dict[str, set[str]]:
    """The log's events with their levels; the level is unknown where the name is passed on to where it is logged."""
    found: dict[str, set[str]] = {}
    for call, method in calls():
        first = call.args[0] if call.args else None
        if isinstance(first, ast.Constant) and EVENT_NAME.fullmatch(str(first.value)):
            levels = found.setdefault(str(first.value), set())
            if method in LOG_METHODS:
                levels.add(method)
    return found


def test_table_of_log_events_is_complete_and_has_their_levels() -> None:
    table = {quoted(row[0])[0]: row[1] for row in rows("docs/reports.md", "Log events")}
    found = logged()

    assert sorted(table) == sorted(found)
    assert {name: table[name] for name, levels in found.items() if levels and {table[name]} != levels} == {}


def log_fields() -> dict[str, set[type]]:
    """The fields of the log's lines, with the types of their values as far as these can be told without a run."""
    bucket, upload = Bucket("b-1", "r"), Upload(Bucket("b-1", "r"), "k", "1")
    plan = build_plan((), Settings(buckets=()), (), "run", datetime(2026, 11, 22, tzinfo=timezone.utc))
    lines: list[dict[str, Any]] = [
        ReportBuilder(plan).build().as_json(),
        outcomes.fields(outcomes.Kept(upload, "reason")),
        outcomes.fields(outcomes.WouldAbort(upload, 1)),
        outcomes.fields(outcomes.Aborted(upload, 1, "id", verified=True)),
        outcomes.fields(outcomes.StillReceiving(upload, "id")),
        outcomes.fields(outcomes.Failed(upload, "code", 403, "id", permanent=True, detail="detail")),
        outcomes.fields(RejectedRequest("reason", upload, "event")),
        outcomes.fields_of_bucket(outcomes.BucketFailed(bucket, "code", 403, "id", permanent=True)),
    ]
    found: dict[str, set[type]] = {name: {str} for name in ("level", "event", "request_id")}
    for name, value in (pair for line in lines for pair in line.items() if not isinstance(pair[1], (dict, list))):
        found.setdefault(name, set()).add(str if isinstance(value, bool) else type(value))
    for call, method in calls():
        for keyword in call.keywords if method in LOG_METHODS else ():
            if keyword.arg:
                found.setdefault(keyword.arg, set())
    return found


def test_table_of_log_fields_is_complete_and_has_their_types() -> None:
    table = {name: row[1] for row in rows("docs/monitoring.md", "Log fields") for name in quoted(row[0])}
    found = log_fields()

    assert sorted(table) == sorted(found)
    # A field with values of two types is a text for CLS.
    types = {name: {"long" if one is int else "text" for one in known} for name, known in found.items() if known}
    assert {name: table[name] for name, known in types.items() if table[name] not in (*known, "text")} == {}
    assert {name for name, known in types.items() if known == {"long"} and table[name] == "text"} == set()


# Words of CLS's SQL, and its own column.
SQL = {"select", "as", "sum", "count", "group", "by", "order", "desc", "histogram", "interval", "day", "__TIMESTAMP__"}


@pytest.mark.parametrize(
    "query", [quoted(row[1])[0] for table in ("Queries", "Alarms") for row in rows("docs/monitoring.md", table)]
)
def test_query_in_the_documents_names_fields_and_events_that_exist(query: str) -> None:
    search, _, sql = query.replace("\\|", "|").partition("|")
    events = set(re.findall(r'"([a-z_]+\.[a-z_]+)"', search))
    fields = set(re.findall(r"([a-z_]+):", search))
    aliases = set(re.findall(r" as ([a-z_]+)", sql))
    columns = set(re.findall(r"[A-Za-z_]+", sql)) - SQL - aliases

    assert events <= set(logged())
    assert fields | columns <= set(log_fields())


def test_fields_that_serverless_yml_asks_an_index_for_are_those_of_the_queries_and_alarms() -> None:
    types = {name: row[1] for row in rows("docs/monitoring.md", "Log fields") for name in quoted(row[0])}
    queries = [quoted(row[1])[0] for table in ("Queries", "Alarms") for row in rows("docs/monitoring.md", table)]
    named = {word for query in queries for word in re.findall(r"[a-z_]+", re.sub('"[^"]*"', "", query))}

    asked = dict(re.findall(r"(?m)^  #   (text|long): (.*)$", text("serverless.yml")))

    assert asked == {
        kind: ", ".join(name for name in types if name in named and types[name] == kind) for kind in ("text", "long")
    }


def test_condition_of_an_alarm_names_a_column_of_its_query() -> None:
    for _, query, condition, _ in rows("docs/monitoring.md", "Alarms"):
        (column,) = re.findall(r"`\$1\.([a-z]+) [<>] [0-9]+`", condition)

        assert f" as {column}`" in query


def test_table_of_services_is_that_of_the_code() -> None:
    hosts = {host for row in rows("docs/reports.md", "Messages") for host in quoted(row[1])}

    assert hosts == set(HOSTS)


def test_hash_of_a_key_is_computed_as_the_document_says(monkeypatch: pytest.MonkeyPatch) -> None:
    (program,) = re.findall(r"(?ms)^## Hashed keys$.*?^```python\n(.*?)^```$", text("docs/settings.md"))
    monkeypatch.setenv("RECORD_KEYS_SECRET", "an-example-secret")
    for key in ("raw/cat.mp4", "cat", "raw/2026/", "a//b"):
        said = io.StringIO()
        monkeypatch.setattr(sys, "argv", ["", key])
        with contextlib.redirect_stdout(said):
            exec(program, {})

        assert said.getvalue().strip() == KeyMask("an-example-secret").key(key)


# Limits


def constants() -> dict[str, set[Any]]:
    """The values of every constant of the package by name; one name may stand in several modules."""
    found: dict[str, set[Any]] = {}
    for module in pkgutil.walk_packages(cos_sweeper.__path__, "cos_sweeper."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if name.isupper() and isinstance(value, (int, float, timedelta)):
                value = value.total_seconds() if isinstance(value, timedelta) else value
                found.setdefault(name, set()).add(value)
    return found


LIMITS = [
    row
    for heading in (
        "What one event can cause",
        "What COS can cause",
        "A chain of runs",
        "Reports and logs",
        "The account",
    )
    for row in rows("docs/limits.md", heading)
]


@pytest.mark.parametrize(("what", "at_most", "constant"), LIMITS, ids=[row[2] for row in LIMITS])
def test_limit_in_the_table_is_that_of_the_code(what: str, at_most: str, constant: str) -> None:
    number, _, unit = at_most.partition(" ")

    assert int(number.replace(",", "")) * UNITS[unit] in constants()[constant.strip("`")], what


# Design


def test_table_of_checkpoint_fields_is_complete() -> None:
    plan = build_plan((), Settings(buckets=()), (), "run", datetime(2026, 11, 22, tzinfo=timezone.utc))

    (written,) = checkpoint.write(plan)

    assert sorted(names_in("docs/design.md", "The checkpoint")) == sorted(json.loads(written)[CHECKPOINT])


def test_table_of_packages_is_complete() -> None:
    package = HANDLER / "cos_sweeper"
    shown = {name for name in names_in("docs/design.md", "Packages and imports") if name.endswith("/")}

    assert shown == {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}


def test_table_of_dependencies_names_what_is_pinned() -> None:
    pinned = set(re.findall(r"(?m)^([a-z0-9-]+)==", text("requirements.txt")))

    assert set(names_in("docs/testing.md", "Dependencies")) <= pinned


# Permissions


def test_policy_in_the_documents_is_the_one_that_the_tests_enforce() -> None:
    (shown,) = re.findall(r"## Permissions.*?```json\n(.*?)```", text("docs/security.md"), re.DOTALL)[:1]
    place = "photos-1250000000@ap-guangzhou"
    environ = {"BUCKETS": place, "REPORT": f"{place}/sweeper-reports", "DRY_RUN": "false"}
    function = cam_policy.function_resource("ap-guangzhou", "100000000001", "default", "cos-sweeper")

    assert json.loads(shown) == cam_policy.policy(settings.load(environ), function)


def test_table_of_actions_is_all_that_a_policy_may_hold() -> None:
    environ = {"BUCKETS": "*", "REPORT": "photos-1250000000@ap-guangzhou/reports", "DRY_RUN": "false"}
    document = cam_policy.policy(settings.load(environ), "the function")

    actions = [action for statement in document["statement"] for action in statement["action"]]

    assert sorted(quoted(row[0])[0] for row in rows("docs/security.md", "Permissions")) == sorted(actions)


# Links and commands


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as forges make them."""
    prose = re.sub(r"(?ms)^```.*?^```$", "", document.read_text("utf-8"))
    headings = re.findall(r"(?m)^#+ (.*)$", prose)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(document: Path) -> list[str]:
    prose = re.sub(r"(?ms)^```.*?^```$", "", document.read_text("utf-8"))
    return [target for target in re.findall(r"\]\(([^)\s]+)\)", prose) if "://" not in target]


@documents
def test_links_lead_somewhere(document: Path) -> None:
    broken = []
    for link in links(document):
        target, _, anchor = link.partition("#")
        path = (document.parent / target).resolve() if target else document
        if not path.exists() or (anchor and anchor not in anchors(path)):
            broken.append(link)

    assert broken == []


@documents
def test_documents_can_all_be_reached_from_the_readme(document: Path) -> None:
    reached, todo = set(), {ROOT / "README.md"}
    while todo:
        reached |= todo
        found = {(one.parent / link.partition("#")[0]).resolve() for one in todo for link in links(one)}
        todo = {path for path in found if path.suffix == ".md"} - reached

    assert document in reached


@pytest.mark.parametrize("name", ["serverless.yml", "requirements.txt", "handler/cos_sweeper/core/errors.py"])
def test_documents_that_other_files_name_exist(name: str) -> None:
    named = re.findall(r"docs/[\w/-]+\.md", text(name))

    assert named != []
    assert [one for one in named if not (ROOT / one).is_file()] == []


@documents
def test_commands_of_make_exist(document: Path) -> None:
    targets = set(re.findall(r"(?m)^([a-z]+):", text("Makefile")))

    commands = re.findall(r"(?m)(?:`|^    |^\$ )make ([a-z]+)", document.read_text("utf-8"))

    assert set(commands) <= targets


def test_run_in_the_readme_has_chapters_of_the_demo() -> None:
    (run,) = re.findall(r"(?ms)^```\n\$ make demo$(.*?)^```$", text("README.md"))
    stated = "".join(path.read_text("utf-8") for path in (ROOT / "tests/emulator").glob("demo*.py"))

    chapters = re.findall(r"(?m)^[0-9]+  .*$", run)

    assert chapters != []
    assert [one for one in chapters if f'title("{one}")' not in stated] == []


def test_readme_is_short() -> None:
    assert len(text("README.md").splitlines()) <= MAX_README_LINES
