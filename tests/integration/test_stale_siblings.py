"""
An object was completed: which other uploads of its key are what earlier attempts left behind, and which may be in use.
"""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.emulator.public import Cloud
from tests.function import PHOTOS, Function
from tests.integration.events import completed

BUCKET = PHOTOS.partition("@")[0]
KEY = "raw/cat.mp4"
LISTING, ABORT = "ListMultipartUploads", "AbortMultipartUpload"
PART_RECENT = "a part arrived recently"
PART_UNREADABLE = "the time of a part cannot be read"
PAUSES_TOO_LONG = "its idle time is not much longer than the pauses between its parts"
TOO_FEW_PARTS = "it has too few parts to show how long its pauses are"
STARTED_LATER = "started after the object was completed"
GIB = 1 << 30


def seed(cloud: Cloud, start: float, *parts: float, key: str = KEY, size: int = 5 * GIB) -> str:
    """An upload that began so many minutes ago, and whose parts arrived so many minutes ago."""
    (upload,) = cloud.seed(BUCKET, key, parts=0, hours_since_start=start / 60)
    for minutes in parts:
        cloud.clock(offset_seconds=-60 * minutes)
        cloud.upload_part(BUCKET, key, upload.upload_id, size=size)
    cloud.clock(offset_seconds=0)
    return upload.upload_id


def held(cloud: Cloud) -> list[str]:
    return [upload.upload_id for upload in cloud.uploads(BUCKET)]


def wait(function: Function, key: str = KEY, **settings: Any) -> tuple[dict[str, int], int]:
    """What a completed object leads to: why uploads are kept, and how many are aborted."""
    report = function(completed(key), **settings).report
    assert report["failed"] == report["rejected"] == 0
    return report["kept_by_reason"], report["aborted"]


# How long is long


@pytest.mark.parametrize(
    ("start", "parts", "kept"),
    [
        # Parts of 5 GiB, one every 40 minutes: alive 25 minutes and an hour after the last one.
        (265, [225, 185, 145, 105, 65, 25], PART_RECENT),
        (304, [264, 224, 184, 144, 104, 64], PAUSES_TOO_LONG),
        (399, [359, 319, 279, 239, 199, 159], PAUSES_TOO_LONG),
        (402, [362, 322, 282, 242, 202, 162], None),
        # Parts every minute, or all at once: an hour in any case.
        (64, [63, 62, 61.5], None),
        (62, [61, 60, 59], PART_RECENT),
        (62, [62, 62, 62], None),
        # One long pause among many short ones, wherever it is.
        (400, [399, 398, 397, 200, 199, 198], PAUSES_TOO_LONG),
        (1200, [1199, 1198, 1197, 1000, 999, 998], None),
        (400, [399, 300, 200, 199, 198, 197], PAUSES_TOO_LONG),
        (600, [599, 500, 499, 498, 497, 496], None),
        # The time from the start to the first part is a pause, too.
        (600, [300, 299, 298], PAUSES_TOO_LONG),
        (370, [300, 299, 298], None),
        (380, [300, 299, 298], PAUSES_TOO_LONG),
    ],
)
def test_sibling_must_be_idle_for_an_hour_and_four_times_its_longest_pause(
    start: float, parts: list[float], kept: str | None, cloud: Cloud, function: Function
) -> None:
    seed(cloud, start, *parts)

    assert wait(function) == (({kept: 1}, 0) if kept else ({}, 1))


@pytest.mark.parametrize("parts", [0, 1, 2])
@pytest.mark.parametrize(("hours", "is_kept"), [(23, True), (25, False)])
def test_sibling_with_fewer_than_three_parts_must_be_idle_for_as_long_as_in_a_sweep(
    parts: int, hours: float, cloud: Cloud, function: Function, *, is_kept: bool
) -> None:
    minutes = hours * 60
    seed(cloud, minutes + parts, *(minutes + one for one in reversed(range(parts))))

    assert wait(function) == (({TOO_FEW_PARTS: 1}, 0) if is_kept else ({}, 1))


@pytest.mark.parametrize("parts", [[], [100], [100, 90]])
def test_sibling_with_too_few_parts_needs_the_idle_time_of_the_settings(
    parts: list[float], cloud: Cloud, function: Function
) -> None:
    seed(cloud, 100, *parts)

    assert wait(function, MIN_IDLE_HOURS="2") == ({TOO_FEW_PARTS: 1}, 0)
    assert wait(function, MIN_IDLE_HOURS="1") == ({}, 1)


def test_pause_that_two_parts_show_counts_as_well(cloud: Cloud, function: Function) -> None:
    seed(cloud, 1000, 999, 200)

    assert wait(function, MIN_IDLE_HOURS="1") == ({PAUSES_TOO_LONG: 1}, 0)


@pytest.mark.parametrize(
    ("minutes", "idle", "kept"),
    [("180", 179, PART_RECENT), ("180", 181, None), ("5", 59, PART_RECENT), ("5", 61, None)],
)
def test_setting_may_raise_the_hour_and_not_lower_it(
    minutes: str, idle: float, kept: str | None, cloud: Cloud, function: Function
) -> None:
    seed(cloud, idle + 3, idle + 2, idle + 1, idle)

    assert wait(function, EVENT_MIN_IDLE_MINUTES=minutes) == (({kept: 1}, 0) if kept else ({}, 1))


def test_pauses_of_parts_on_every_page_count(cloud: Cloud, function: Function) -> None:
    """Part 1 arrived last, part 1100 long before all others."""
    numbers = [1100, *range(2, 1100), 1]
    cloud.seed(BUCKET, KEY, part_numbers=numbers, hours_since_start=200, hours_since_last_part=100)
    (upload,) = cloud.uploads(BUCKET)
    cloud.clock(offset_seconds=-49 * 3600)
    cloud.upload_part(BUCKET, KEY, upload.upload_id, 1)
    cloud.clock(offset_seconds=0)

    assert wait(function) == ({PAUSES_TOO_LONG: 1}, 0)


@pytest.mark.parametrize(
    "last_modified", ["", "yesterday", "1970-01-01T00:00:00.000Z", {"format": "%Y-%m-%dT%H:%M:%S"}]
)
def test_sibling_with_an_unreadable_time_of_a_part_is_kept(
    last_modified: object, cloud: Cloud, function: Function
) -> None:
    seed(cloud, 10_004, 10_003, 10_002, 10_001)
    cloud.dialect(last_modified=last_modified)

    assert wait(function) == ({PART_UNREADABLE: 1}, 0)


@pytest.mark.parametrize(("start", "kept"), [(44.5, None), (45.5, PAUSES_TOO_LONG)])
def test_start_without_a_zone_is_the_earlier_moment_for_the_first_pause(
    start: float, kept: str | None, cloud: Cloud, function: Function
) -> None:
    """It can be eight hours earlier than it says; of 36 idle hours a pause of nine is the longest that is clear."""
    seed(cloud, start * 60, 44 * 60, 36 * 60 + 2, 36 * 60 + 1)
    cloud.dialect(initiated={"format": "%a %b %d %H:%M:%S %Y", "zone_hours": 0})

    assert wait(function) == (({kept: 1}, 0) if kept else ({}, 1))


# Whose uploads


def test_upload_that_began_after_the_object_was_completed_is_kept(cloud: Cloud, function: Function) -> None:
    seed(cloud, 10_000, 9_999, 9_998, 9_997)
    later = seed(cloud, 9_000, 8_999, 8_998, 8_997)

    result = function(completed(KEY, datetime.now(timezone.utc) - timedelta(minutes=9_010)))

    assert (result.report["kept_by_reason"], result.report["aborted"]) == ({STARTED_LATER: 1}, 1)
    assert held(cloud) == [later]


def test_upload_of_another_key_is_left_alone_and_not_even_listed_to_the_end(cloud: Cloud, function: Function) -> None:
    seed(cloud, 10_000, 9_999, 9_998, 9_997, key="a")
    cloud.seed(BUCKET, "a{n:05}", count=5_000, hours_since_start=1000)
    for key in ("A", "a/", "a/a", "b"):
        cloud.seed(BUCKET, key, hours_since_start=1000)
    mark = cloud.mark()

    assert wait(function, "a") == ({}, 1)

    requests = cloud.requests(mark)
    assert [request.operation for request in requests if request.operation == LISTING] == [LISTING]
    assert {request.key for request in requests} == {"", "a"}
    assert len(held(cloud)) == 5_004


def test_listing_goes_on_while_it_shows_the_completed_key(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "a", count=2_100, parts=0, hours_since_start=1000)
    cloud.seed(BUCKET, "a-other", count=2_000, parts=0, hours_since_start=1000)
    mark = cloud.mark()

    report = function(completed("a", datetime.now(timezone.utc) - timedelta(hours=2000))).report

    assert report["kept_by_reason"] == {STARTED_LATER: 2_100}
    assert [request.operation for request in cloud.requests(mark)] == [LISTING] * 3


def test_parts_of_another_writer_that_arrive_during_the_abort_keep_the_upload(cloud: Cloud, function: Function) -> None:
    upload_id = seed(cloud, 10_000, 9_999, 9_998, 9_997)
    cloud.fault(ABORT, count=1, status=503, code="SlowDown", part={"when": "before"})

    assert wait(function) == ({PART_RECENT: 1}, 0)
    assert held(cloud) == [upload_id]


@pytest.mark.parametrize("settings", [{"DRY_RUN": "true"}, {"EXCLUDE_PREFIXES": "raw/"}, {"PREFIXES": "logs/"}])
def test_settings_hold_for_siblings(settings: dict[str, str], cloud: Cloud, function: Function) -> None:
    seed(cloud, 10_000, 9_999, 9_998, 9_997)

    assert wait(function, **settings)[1] == 0
    assert len(held(cloud)) == 1


def test_limit_of_aborts_holds_for_siblings(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, KEY, count=10, parts=0, hours_since_start=1000)

    result = function(completed(KEY), MAX_ABORTS="4")

    assert len(held(cloud)) == 6
    assert result.report["aborted"] == 4


def test_stale_siblings_whose_intents_cannot_be_stored_are_not_aborted(cloud: Cloud, function: Function) -> None:
    uploads = [seed(cloud, 1000, 999, 998, 997), seed(cloud, 1000, 999, 998, 997)]
    cloud.fault("PutObject", status=403, code="AccessDenied")

    result = function(completed(KEY), REPORT=f"{PHOTOS}/reports")

    assert sorted(held(cloud)) == sorted(uploads)
    assert result.lines("records.store_failed")
