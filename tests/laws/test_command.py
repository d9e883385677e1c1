"""
The terminal command is the same engine: for the same bucket it has the outcomes that the function has.
"""

from collections import Counter
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.command import Command
from tests.emulator.public import Cloud
from tests.function import PHOTOS, Function, timer
from tests.integration.objects import stored
from tests.laws.buckets import BUCKET, furnish, left
from tests.laws.hostile_events import environments
from tests.laws.requests import is_lawful
from tests.laws.test_keep import Case, cases, plant
from tests.profiles import examples


def left_cases(cloud: Cloud, planted: dict[str, Case]) -> Counter[Case]:
    return Counter(planted[upload_id] for upload_id in left(cloud))


def counts_of(report: dict[str, Any]) -> dict[str, int]:
    """The outcomes of a report of the command, those that there are."""
    return {name: sum_["uploads"] for name, sum_ in report["outcomes"].items() if sum_["uploads"]}


def counts_of_function(report: dict[str, Any]) -> dict[str, int]:
    names = ("aborted", "kept", "would_abort", "already_gone", "failed", "deferred", "still_receiving", "rejected")
    return {name: report[name] for name in names if report[name]}


policies = st.fixed_dictionaries(
    {
        "MIN_AGE_HOURS": st.sampled_from(["1", "24", "72"]),
        "MIN_IDLE_HOURS": st.sampled_from(["1", "24", "48"]),
        "PREFIXES": st.sampled_from(["", "raw/", "raw/,logs/"]),
        "EXCLUDE_PREFIXES": st.sampled_from(["", "keep", "logs/keep,raw/b"]),
    }
)


@pytest.fixture
def command(cloud: Cloud, tmp_path: Path) -> Command:
    return Command(cloud, tmp_path)


@settings(max_examples=examples(20))
@given(found=cases, policy=policies)
def test_command_has_the_outcomes_of_the_function(
    found: list[Case], policy: dict[str, Any], cloud: Cloud, function: Function, command: Command
) -> None:
    planted = plant(cloud, found)
    by_function = function(timer(), **policy, BUCKETS=PHOTOS)
    expected = left_cases(cloud, planted)
    planted = plant(cloud, found)

    ran = command("sweep", "--abort", "--yes", "--json", **policy, BUCKETS=PHOTOS)

    assert left_cases(cloud, planted) == expected
    assert counts_of(ran.json) == counts_of_function(by_function.report)
    kept = {reason: sum_["uploads"] for reason, sum_ in ran.json["kept_by_reason"].items()}
    assert kept == by_function.report["kept_by_reason"]
    assert ran.json["totals"]["freed"]["bytes"] == by_function.report["bytes_freed"]
    assert ran.exit_code == 0


# What differs between two runs over equal buckets: names, and the moments that everything is relative to.
OF_A_RUN = (
    "run_id",
    "began",
    "as_of",
    "ended",
    "history",
    "overlapping",
    "records",
    "upload_id",
    "initiated",
    "last_part",
)


def same(value: Any) -> Any:
    """A report without what differs between runs."""
    if isinstance(value, dict):
        return {name: same(inner) for name, inner in value.items() if name not in OF_A_RUN}
    return [same(inner) for inner in value] if isinstance(value, list) else value


@settings(max_examples=examples(8))
@given(found=cases, policy=policies, is_inventory=st.booleans())
def test_command_writes_the_report_that_the_function_writes(
    found: list[Case], policy: dict[str, Any], *, is_inventory: bool, cloud: Cloud, function: Function, command: Command
) -> None:
    place: dict[str, Any] = {"BUCKETS": PHOTOS, "REPORT": f"{PHOTOS}/reports"}
    plant(cloud, found)
    function(timer(inventory=True) if is_inventory else timer(), **policy, **place)
    (by_function,) = [body for name, body in stored(cloud, PHOTOS, "reports/").items() if name.endswith("/report.json")]
    plant(cloud, found)

    ran = command(*(("inventory",) if is_inventory else ("sweep", "--abort", "--yes")), "--json", **policy, **place)

    (by_command,) = [body for name, body in stored(cloud, PHOTOS, "reports/").items() if name.endswith("/report.json")]
    assert same(by_command) == same(by_function)
    assert ran.json == by_command


@settings(max_examples=examples(8))
@given(found=cases, policy=policies, limit=st.integers(1, 4))
def test_command_respects_the_limit_of_aborts_as_the_function_does(
    found: list[Case], policy: dict[str, Any], limit: int, cloud: Cloud, function: Function, command: Command
) -> None:
    plant(cloud, found)
    by_function = function(timer(), **policy, BUCKETS=PHOTOS, MAX_ABORTS=str(limit))
    plant(cloud, found)

    ran = command("sweep", "--abort", "--yes", "--json", "--max-aborts", str(limit), **policy, BUCKETS=PHOTOS)

    assert counts_of(ran.json).get("aborted", 0) == by_function.report["aborted"] <= limit
    assert (ran.exit_code == 3) == (by_function.report["status"] == "partial")


@settings(max_examples=examples(8))
@given(found=cases, policy=policies, limit=st.integers(1, 4))
def test_command_that_repeats_a_limited_run_leaves_what_an_unlimited_one_leaves(
    found: list[Case], policy: dict[str, Any], limit: int, cloud: Cloud, command: Command
) -> None:
    planted = plant(cloud, found)
    command("sweep", "--abort", "--yes", **policy, BUCKETS=PHOTOS)
    expected = left_cases(cloud, planted)
    planted = plant(cloud, found)

    ran = command(
        *("sweep", "--abort", "--yes", "--json", "--until-empty", "--max-aborts", str(limit)), **policy, BUCKETS=PHOTOS
    )

    assert left_cases(cloud, planted) == expected
    assert all(counts_of(report).get("aborted", 0) <= limit for report in ran.json)
    assert ran.exit_code == 0


@settings(max_examples=examples(8))
@given(found=cases, policy=policies)
def test_command_without_abort_sends_only_reads(
    found: list[Case], policy: dict[str, Any], cloud: Cloud, command: Command
) -> None:
    planted = plant(cloud, found)
    since = cloud.mark()

    plan = command("sweep", "--json", **policy, BUCKETS=PHOTOS)
    account = command("inventory", "--json", **policy, BUCKETS=PHOTOS)

    assert {request.method for request in cloud.requests(since)} <= {"GET"}
    assert left(cloud) == {*planted}
    assert plan.json["totals"]["left"]["uploads"] == account.json["totals"]["left"]["uploads"]
    prefixes = tuple(policy["PREFIXES"].split(","))
    assert account.json["totals"]["open"]["uploads"] == sum(case.key.startswith(prefixes) for case in found)
    assert plan.exit_code == account.exit_code == 0


COMMANDS = (
    ("check",),
    ("check", "--json"),
    ("inventory",),
    ("sweep",),
    ("sweep", "--abort", "--yes"),
    ("sweep", "--abort", "--yes", "--json", "--until-empty", "--records", "kept"),
)


@settings(max_examples=examples(25))
@given(words=st.sampled_from(COMMANDS), environment=environments)
def test_command_sends_lawful_requests_only_and_tells_no_secret(
    words: tuple[str, ...], environment: dict[str, Any], cloud: Cloud, command: Command
) -> None:
    furnish(cloud)
    log = command.folder / "log"

    ran = command(*words, "--log", str(log), **environment)

    assert [request for request in cloud.requests() if not is_lawful(request)] == []
    told = ran.stdout + ran.stderr + log.read_text()
    assert not [secret for secret in (cloud.owner.secret_key, cloud.owner.secret_id) if secret in told]
    assert "Traceback" not in ran.stderr
    if "--abort" not in words:
        assert "AbortMultipartUpload" not in {request.operation for request in cloud.requests()} or words[0] == "check"


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_command_shows_no_key_where_keys_are_hashed(words: tuple[str, ...], cloud: Cloud, command: Command) -> None:
    cloud.seed(BUCKET, "Zqsecret/folder/name-{n}", count=3)
    cloud.fault("AbortMultipartUpload", status=403, code="AccessDenied", skip=1)
    log = command.folder / "log"

    ran = command(
        *words, "--log", str(log), BUCKETS=PHOTOS, RECORD_KEYS="hash", RECORD_KEYS_SECRET="an-example-secret-of-keys"
    )

    assert "Zqsecret" not in ran.stdout + ran.stderr + log.read_text()


def test_command_aborts_only_what_the_question_showed(cloud: Cloud, command: Command) -> None:
    """Every age is judged by the moment of the plan. Here COS's clock, which the plan goes by, is slow until then."""
    cloud.seed(BUCKET, "old", hours_since_start=100)
    cloud.seed(BUCKET, "old-after-the-question", hours_since_start=72 + 50 / 3600)
    cloud.clock(offset_seconds=-100)

    def answer(question: str, **_: Any) -> str:
        cloud.clock(offset_seconds=0)
        return "y" if "Abort 1 upload" in question else ""

    with mock.patch("click.prompt", answer):
        ran = command("sweep", "--abort", "--json", BUCKETS=PHOTOS, typed="")

    assert {upload.key for upload in cloud.uploads(BUCKET)} == {"old-after-the-question"}
    assert counts_of(ran.json) == {"aborted": 1, "kept": 1}
    assert ran.exit_code == 0
