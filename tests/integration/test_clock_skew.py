"""
Our clock, COS's clock and the times of uploads and parts, each of them wrong in turn.
"""

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cos_sweeper.core.report import Report
from tests import fixtures
from tests.emulator.public import Cloud, Seed
from tests.fixtures import HOUR
from tests.function import PHOTOS, Function, timer
from tests.simulation.in_memory import events, terms
from tests.simulation.in_memory.chains import Expectation
from tests.simulation.in_memory.platform import Platform
from tests.simulation.in_memory.scene import Quirk, Scene
from tests.simulation.in_memory.tally import Tally
from tests.simulation.in_memory.terms import MINUTE, Rules

BUCKET = PHOTOS.partition("@")[0]
CLOCK_SKEWED = "the clocks of the function and of COS differ"
PART_RECENT = "a part arrived recently"
PART_UNREADABLE = "the time of a part cannot be read"
STARTED_RECENTLY = "started recently"
YEARS = timedelta(days=20000)


def as_cos_writes(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"


def date(ahead: timedelta) -> dict[str, str]:
    """COS's Date, so far ahead of our clock."""
    return {"Date": format_datetime(datetime.now(timezone.utc) + ahead, usegmt=True)}


def uploads_listing(cloud: Cloud, initiated: str = "") -> str:
    entries = "".join(
        f"<Upload><Key>{one.key}</Key><UploadId>{one.upload_id}</UploadId>"
        f"<Initiated>{initiated or as_cos_writes(one.initiated)}</Initiated></Upload>"
        for one in cloud.uploads(BUCKET)
    )
    head = f"<Bucket>{BUCKET}</Bucket><IsTruncated>false</IsTruncated>"
    return f"<ListMultipartUploadsResult>{head}{entries}</ListMultipartUploadsResult>"


def parts_listing(last_modified: str) -> str:
    part = f"<Part><PartNumber>1</PartNumber><LastModified>{last_modified}</LastModified><Size>5</Size></Part>"
    return f"<ListPartsResult><IsTruncated>false</IsTruncated>{part}</ListPartsResult>"


def sweep(function: Function) -> dict[str, Any]:
    """The report of a sweep without another fault: every reason once, with a count, and no line for each upload."""
    aborts = function(timer(buckets=[BUCKET]))
    assert aborts.error is None
    assert len(aborts.lines("run.finished")) == 1
    assert {line["event"] for line in aborts.log} <= {"page.processed", "run.finished", "clock.skewed", "page.in_doubt"}
    # A skewed clock is reported once in a run, however many uploads it keeps.
    off = aborts.report["kept_by_reason"].get(CLOCK_SKEWED)
    assert [line["kept"] for line in aborts.lines("clock.skewed")] == ([off] if off else [])
    return aborts.report


@pytest.mark.parametrize("minutes", [6, -6, 60 * 24 * 400], ids=["ahead", "behind", "a_year_ahead"])
@pytest.mark.parametrize("operation", ["ListMultipartUploads", "ListParts"])
def test_clock_skew_above_five_minutes_keeps_everything(
    operation: str, minutes: int, cloud: Cloud, function: Function
) -> None:
    cloud.seed(BUCKET, "{n}", count=3)
    raw = uploads_listing(cloud) if operation == "ListMultipartUploads" else parts_listing("2020-01-01T00:00:00.000Z")
    cloud.fault(operation, raw=raw, headers=date(minutes * MINUTE))

    report = sweep(function)

    assert (report["kept_by_reason"], report["kept"], report["aborted"]) == ({CLOCK_SKEWED: 3}, 3, 0)
    assert len(cloud.uploads(BUCKET)) == 3


@pytest.mark.parametrize("minutes", [4, 0, -4])
def test_clock_skew_of_four_minutes_keeps_nothing(minutes: int, cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "{n}", count=3)
    cloud.fault("ListMultipartUploads", raw=uploads_listing(cloud), headers=date(minutes * MINUTE))

    report = sweep(function)

    assert (report["kept_by_reason"], report["aborted"]) == ({}, 3)
    assert cloud.uploads(BUCKET) == []


@pytest.mark.parametrize("ahead", [timedelta(minutes=1), HOUR, YEARS], ids=["a_minute", "an_hour", "decades"])
def test_upload_that_begins_in_the_future_is_kept(ahead: timedelta, cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "a", upload_id="not-a-timed-id", hours_since_start=1000)
    initiated = as_cos_writes(datetime.now(timezone.utc) + ahead)
    cloud.fault("ListMultipartUploads", raw=uploads_listing(cloud, initiated), headers={})

    report = sweep(function)

    assert (report["kept_by_reason"], report["uploads"]) == ({STARTED_RECENTLY: 1}, 1)
    assert len(cloud.uploads(BUCKET)) == 1


@pytest.mark.parametrize(
    ("reported", "reason"),
    [("2079-01-01T00:00:00.000Z", PART_RECENT), ("9999-12-31T23:59:59.000Z", PART_RECENT), ("soon", PART_UNREADABLE)],
    ids=["in_the_future", "at_the_end_of_time", "unreadable"],
)
def test_part_that_arrives_in_the_future_keeps_its_upload(
    reported: str, reason: str, cloud: Cloud, function: Function
) -> None:
    cloud.seed(BUCKET, "{n}", count=2, hours_since_start=1000)
    cloud.fault("ListParts", raw=parts_listing(reported), headers={})

    report = sweep(function)

    assert (report["kept_by_reason"], report["uploads"]) == ({reason: 2}, 2)
    assert len(cloud.uploads(BUCKET)) == 2


def swept(scene: Scene) -> Report:
    """The report of one sweep with the usual settings."""
    on = terms.sweep(Rules(), {})
    assert on is not None
    chain = Platform(scene, Tally()).event(Expectation(events.timer({}), (on,)))
    (run,) = chain.runs
    assert run.report is not None
    return run.report


def abandoned(count: int, quirk: Quirk) -> Scene:
    scene = Scene()
    began = scene.now - 1000 * HOUR
    scene.start(fixtures.PHOTOS, Seed(began, began, "{n}", count, part_numbers=(1, 2)), quirk)
    return scene


@given(minutes=st.integers(-3000, 3000), count=st.integers(1, 5))
def test_clock_skew_of_five_minutes_is_tolerated_and_more_is_not(minutes: int, count: int) -> None:
    scene = abandoned(count, Quirk())
    scene.conditions.our_lead = minutes * MINUTE

    report = swept(scene)

    is_off = abs(minutes) > 5
    assert report.kept == ({CLOCK_SKEWED: count} if is_off else {})
    assert len(scene.live) == (count if is_off else 0)


@given(
    initiated=st.integers(-900, 100_000).map(lambda hours: hours * HOUR) | st.none(),
    parts=st.integers(0, 100_000).map(lambda hours: hours * HOUR) | st.none(),
    count=st.integers(1, 5),
)
def test_kept_uploads_of_one_kind_are_counted_under_one_reason(
    initiated: timedelta | None, parts: timedelta | None, count: int
) -> None:
    scene = abandoned(count, Quirk(initiated, parts))

    report = swept(scene)

    is_reported = initiated is not None and abs(initiated) <= HOUR
    is_idle = parts is not None and parts < 976 * HOUR
    assert list(report.kept.values()) == ([] if is_reported and is_idle else [count])
    assert len(scene.live) == sum(report.kept.values())
