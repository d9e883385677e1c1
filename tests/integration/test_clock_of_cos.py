"""
Whose clock counts: the earlier of ours and COS's, as the first response says it, and none where they disagree.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any
from unittest import mock

import pytest

import index
from tests.emulator.public import Cloud
from tests.function import LOGS, PHOTOS, Function, Invocation, named, timer
from tests.integration.events import completed
from tests.integration.little_cos import LittleCos, Part
from tests.integration.little_scf import LittleScf

BUCKET, OTHER = (bucket.partition("@")[0] for bucket in (PHOTOS, LOGS))
LISTING, LOOK, ABORT = "ListMultipartUploads", "ListParts", "AbortMultipartUpload"
CLOCK_SKEWED = "the clocks of the function and of COS differ"
CLOCK_UNKNOWN = "COS sent no readable date"
PART_RECENT = "a part arrived recently"
MINUTE, DAY = 60, 86_400
# MIN_AGE_HOURS is 72 here, and MIN_IDLE_HOURS is 24.
AGE, IDLE = 72 * 60, 24 * 60


def seed(cloud: Cloud, key: str, minutes: float, *, idle: float | None = None, bucket: str = BUCKET) -> str:
    """An upload that began so many minutes ago, without parts unless its last part came `idle` minutes ago."""
    parts, since_part = (0, None) if idle is None else (3, idle / 60)
    (upload,) = cloud.seed(
        bucket,
        key,
        parts=parts,
        hours_since_start=minutes / 60,
        hours_since_last_part=since_part,
        upload_id=key.replace(" ", "-"),
    )
    return upload.upload_id


def shift(cloud: Cloud, operation: str, seconds: int) -> None:
    """Let the responses to an operation be of another time."""
    if seconds:
        cloud.fault(operation, date_offset_seconds=seconds)


def held(cloud: Cloud, bucket: str = BUCKET) -> list[str]:
    return [upload.key for upload in cloud.uploads(bucket)]


def as_of(result: Invocation) -> datetime:
    return datetime.fromisoformat(result.report["as_of"])


# No clock to go by


@pytest.mark.parametrize("date", ["missing", "unreadable"])
@pytest.mark.parametrize("operation", [LISTING, LOOK])
def test_response_without_a_time_keeps_where_an_age_or_an_idle_time_decides(
    operation: str, date: str, cloud: Cloud, function: Function
) -> None:
    upload_id = seed(cloud, "a", 10_000, idle=9_000)
    empty_id = seed(cloud, "b", 10_000)
    cloud.fault(operation, date=date)
    failed = {"uploads": [named(BUCKET, "a", upload_id), named(BUCKET, "b", empty_id)]}

    swept = function(timer(buckets=[BUCKET]))
    leftovers = function(completed("a"))
    kept = function(failed, EVENT_MIN_IDLE_MINUTES="60")

    assert (swept.report["kept_by_reason"], swept.report["aborted"]) == ({CLOCK_UNKNOWN: 2}, 0)
    assert (leftovers.report["kept_by_reason"], leftovers.report["aborted"]) == ({CLOCK_UNKNOWN: 1}, 0)
    # The listing is only asked for the start of the one without parts.
    assert kept.report["kept_by_reason"] == {CLOCK_UNKNOWN: 2 if operation == LOOK else 1}
    assert function(failed).report["aborted"] == (2 if operation == LOOK else 1)


@pytest.mark.parametrize(
    "date",
    [
        "Wed, 25 Nov 2026 12:00:00",
        "Wed, 25 Nov 2026 12:00:00 -0000",
        "Wed, 25 Nov 2026 20:00:00 +0800",
        "Wednesday, 25-Nov-26 12:00:00 GMT",
        "Wed Nov 25 12:00:00 2026",
        "1795608000",
        "{now}, {now}",
        "",
    ],
)
def test_date_in_another_form_than_that_of_http_is_no_time(date: str) -> None:
    with LittleCos() as cos:
        cos.put("a", Part(1))
        cos.headers["Date"] = date.format(now=format_datetime(datetime.now(timezone.utc), usegmt=True))

        report = cos.function(timer(buckets=[BUCKET])).report

        assert (report["kept_by_reason"], len(cos.uploads)) == ({CLOCK_UNKNOWN: 1}, 1)


@pytest.mark.parametrize("seconds", [305, -310, DAY, -DAY, 400 * DAY, -8000 * DAY])
@pytest.mark.parametrize("operation", [LISTING, LOOK])
def test_response_of_another_time_keeps_where_an_age_or_an_idle_time_decides(
    operation: str, seconds: int, cloud: Cloud, function: Function
) -> None:
    upload_id = seed(cloud, "a", 100 * IDLE, idle=90 * IDLE)
    cloud.fault(operation, date_offset_seconds=seconds)
    failed = named(BUCKET, "a", upload_id)

    swept = function(timer(buckets=[BUCKET]))
    leftovers = function(completed("a"))

    assert (swept.report["kept_by_reason"], swept.report["aborted"]) == ({CLOCK_SKEWED: 1}, 0)
    assert [line["kept"] for line in swept.lines("clock.skewed")] == [1]
    assert (leftovers.report["kept_by_reason"], leftovers.report["aborted"]) == ({CLOCK_SKEWED: 1}, 0)
    if operation == LOOK:
        assert function(failed, EVENT_MIN_IDLE_MINUTES="60").report["kept_by_reason"] == {CLOCK_SKEWED: 1}
    assert function(failed).report["aborted"] == 1


# The earlier clock counts


@pytest.mark.parametrize(
    ("seconds", "kept"), [(-240, ["2 minutes over"]), (-120, []), (0, []), (240, [])], ids=lambda value: str(value)
)
def test_age_is_judged_by_the_earlier_clock(seconds: int, kept: list[str], cloud: Cloud, function: Function) -> None:
    seed(cloud, "2 minutes short", AGE - 2)
    seed(cloud, "2 minutes over", AGE + 2.5)
    seed(cloud, "6 minutes over", AGE + 6)
    shift(cloud, LISTING, seconds)

    result = function(timer(buckets=[BUCKET]))

    assert held(cloud) == ["2 minutes over"] * len(kept) + ["2 minutes short"]
    assert as_of(result) <= datetime.now(timezone.utc) + timedelta(seconds=min(0, seconds))


@pytest.mark.parametrize(("seconds", "is_kept"), [(-240, True), (0, False), (240, False)])
def test_idle_time_is_judged_by_the_earlier_clock(
    seconds: int, cloud: Cloud, function: Function, *, is_kept: bool
) -> None:
    seed(cloud, "short", 2 * AGE, idle=IDLE - 2)
    seed(cloud, "over", 2 * AGE, idle=IDLE + 2.5)
    seed(cloud, "well over", 2 * AGE, idle=IDLE + 6)
    upload_id = seed(cloud, "named", 2 * AGE, idle=62.5)
    shift(cloud, LOOK, seconds)

    failed = function(named(BUCKET, "named", upload_id), EVENT_MIN_IDLE_MINUTES="60")
    function(timer(buckets=[BUCKET], min_age_hours=100))

    assert held(cloud) == [*(["named", "over"] if is_kept else []), "short"]
    assert failed.report["kept_by_reason"] == ({PART_RECENT: 1} if is_kept else {})


@pytest.mark.parametrize("seconds", [DAY, -DAY])
def test_wrong_time_of_the_first_response_only_makes_the_others_younger(
    seconds: int, cloud: Cloud, function: Function
) -> None:
    seed(cloud, "a", AGE * 3)
    for hours in (71, 73, 95, 97):
        seed(cloud, f"{hours}", hours * 60, bucket=OTHER)
    cloud.fault(LISTING, count=1, date_offset_seconds=seconds)

    report = function(timer()).report

    assert held(cloud) == ["a"]
    assert held(cloud, OTHER) == (["71"] if seconds > 0 else ["71", "73", "95"])
    assert report["kept_by_reason"][CLOCK_SKEWED] == 1


@pytest.mark.parametrize("seconds", [DAY, -DAY])
def test_wrong_time_of_a_later_response_keeps_what_came_with_it_and_nothing_else(
    seconds: int, cloud: Cloud, function: Function
) -> None:
    seed(cloud, "a", AGE + 5)
    seed(cloud, "b", AGE + 5, bucket=OTHER)
    cloud.fault(LISTING, skip=1, date_offset_seconds=seconds)

    report = function(timer(), WORKERS="1").report

    assert (held(cloud), held(cloud, OTHER)) == ([], ["b"])
    assert report["kept_by_reason"] == {CLOCK_SKEWED: 1}


@pytest.mark.parametrize("days", [8, 400, 0.01, -0.01])
def test_our_clock_that_is_wrong_only_at_the_start_of_a_run_does_not_matter(
    days: float, cloud: Cloud, function: Function
) -> None:
    seed(cloud, "short", AGE - 1)
    seed(cloud, "over", AGE + 60)
    upload_id = seed(cloud, "named", AGE, idle=59)

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(days=days)

    with mock.patch.object(index, "datetime", Wrong):
        failed = function(named(BUCKET, "named", upload_id), EVENT_MIN_IDLE_MINUTES="60")
        swept = function(timer(buckets=[BUCKET]))

    assert held(cloud) == ["named", "short"]
    assert failed.report["kept_by_reason"] == {PART_RECENT: 1}
    assert as_of(swept) <= datetime.now(timezone.utc)


def test_object_that_is_completed_in_the_future_makes_no_younger_upload_a_stale_sibling(
    cloud: Cloud, function: Function
) -> None:
    seed(cloud, "a", 0)
    cloud.fault(LISTING, date_offset_seconds=240)

    report = function(completed("a", datetime.now(timezone.utc) + timedelta(days=9000))).report

    assert report["aborted"] == 0
    assert held(cloud) == ["a"]


# Over the runs of a chain


@pytest.fixture
def scf() -> Iterator[LittleScf]:
    with LittleScf() as scf:
        yield scf


def two_runs(cloud: Cloud, function: Function, scf: LittleScf, first: int, second: int) -> list[Invocation]:
    """Two runs of a chain, each with COS's clock off by so many seconds."""
    function.settings |= {"INVOKE_ENDPOINT": scf.endpoint, "WORKERS": "1", "VERIFY": "none"}
    cloud.fault(ABORT, delay_ms=150)
    for operation in (LISTING, LOOK):
        shift(cloud, operation, first)
    runs = [function(timer(buckets=[BUCKET]), seconds=2)]
    cloud.heal()
    for operation in (LISTING, LOOK):
        shift(cloud, operation, second)
    (checkpoint,) = [event for event in scf.accepted if "cos_sweeper_probe" not in event]
    runs.append(function(checkpoint))
    assert [run.report["run"] for run in runs] == [1, 2]
    return runs


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        (0, 0, ["z 2 minutes short"]),
        (0, 240, ["z 2 minutes short"]),
        (0, -240, ["z 2 minutes over", "z 2 minutes short"]),
        (-240, 0, ["z 2 minutes over", "z 2 minutes short"]),
        (-240, 240, ["z 2 minutes over", "z 2 minutes short"]),
        (240, -240, ["z 2 minutes over", "z 2 minutes short"]),
    ],
)
def test_later_runs_of_a_chain_only_lower_the_moment_that_ages_are_judged_by(
    first: int, second: int, kept: list[str], cloud: Cloud, function: Function, scf: LittleScf
) -> None:
    for number in range(15):
        seed(cloud, f"a {number:02}", 2 * AGE)
    seed(cloud, "z 2 minutes short", AGE - 2)
    seed(cloud, "z 2 minutes over", AGE + 2.5)
    seed(cloud, "z 6 minutes over", AGE + 6)

    runs = two_runs(cloud, function, scf, first, second)

    assert held(cloud) == kept
    assert as_of(runs[1]) <= as_of(runs[0])


def test_later_run_whose_clock_is_off_keeps_what_it_lists(cloud: Cloud, function: Function, scf: LittleScf) -> None:
    for number in range(15):
        seed(cloud, f"{number:02}", 2 * AGE)

    first, second = two_runs(cloud, function, scf, 0, -DAY)

    assert first.report["aborted"] > 0
    assert (second.report["aborted"], set(second.report["kept_by_reason"])) == (0, {CLOCK_SKEWED})
    assert as_of(second) == as_of(first)
