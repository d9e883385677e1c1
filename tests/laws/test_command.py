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
from tests.laws.buckets import BUCKET, left
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
