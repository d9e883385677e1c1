"""
When an upload began and when its parts arrived: an inferred or undocumented time may keep, never abort.
"""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.emulator.public import Cloud
from tests.function import Function, named
from tests.integration.events import completed
from tests.integration.evidence import BUCKET, PART_RECENT, sweep

AGE_UNKNOWN = "its start time cannot be read"
AGE_DISPUTED = "its start time and the time in its upload id differ"
STARTED_RECENTLY = "started recently"
PART_UNREADABLE = "the time of a part cannot be read"
NOT_LISTED = "it is not in the listing, so its age is unknown"
# Values of `Initiated` that do not show when the upload began.
UNREADABLE = {
    "nothing": "",
    "words": "yesterday",
    "a number": "1488600093",
    "a date": "2020-01-01",
    "no such month": "2020-13-01T00:00:00.000Z",
    "no such hour": "2020-01-01T25:00:00.000Z",
    "an offset that no zone has": "2020-01-01T00:00:00+23:00",
    "an offset without a colon": "2020-01-01T00:00:00+0800",
    "a short offset": "2020-01-01T00:00:00+08",
    "a zone's name": "2020-01-01T00:00:00 PST",
    "days first": "01/02/2020 00:00:00",
    "a two-digit year": "Wed Jan 18 16:04:17 17",
    "a mail date with a two-digit year": "Wed, 18 Jan 17 16:04:17 GMT",
    "a mail date without a zone": "Wed, 18 Jan 2017 16:04:17",
    "a mail date with an unknown zone": "Wed, 18 Jan 2017 16:04:17 -0000",
    "wide digits": "２０２０-01-01T00:00:00.000Z",
    "two times": "2020-01-01T00:00:00.000Z 2020-01-01T00:00:00.000Z",
    "the year 1": "0001-01-01T00:00:00Z",
    "the Unix epoch": "1970-01-01T00:00:00.000Z",
    "the Unix epoch without a zone": "Thu Jan  1 00:00:00 1970",
}
CTIME = "%a %b %d %H:%M:%S %Y"
NO_ZONE = "%Y-%m-%dT%H:%M:%S"


def id_of(hours_ago: float) -> str:
    """An upload id with a time in it."""
    return f"{(datetime.now(timezone.utc) - timedelta(hours=hours_ago)).timestamp():.0f}" + "a" * 64


@pytest.mark.parametrize("initiated", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("upload_id", [id_of(1000), "an-id-of-another-form"], ids=["timed id", "other id"])
def test_upload_whose_start_is_unreadable_is_kept_for_every_upload_id(
    upload_id: str, initiated: str, cloud: Cloud, function: Function
) -> None:
    cloud.seed(BUCKET, "a", hours_since_start=1000, upload_id=upload_id)
    cloud.seed(BUCKET, "without-parts", parts=0, hours_since_start=1000, upload_id=upload_id)
    cloud.dialect(initiated=initiated)

    swept = sweep(function)
    leftovers = function(completed("a"))

    assert (swept.report["kept_by_reason"], swept.report["aborted"]) == ({AGE_UNKNOWN: 2}, 0)
    assert (leftovers.report["kept_by_reason"], leftovers.report["aborted"]) == ({AGE_UNKNOWN: 1}, 0)
    assert len(cloud.uploads(BUCKET)) == 2


def test_upload_without_any_start_is_kept(cloud: Cloud, function: Function) -> None:
    (upload,) = cloud.seed(BUCKET, "a", hours_since_start=1000)
    entry = f"<Upload><Key>a</Key><UploadId>{upload.upload_id}</UploadId></Upload>"
    page = f"<Bucket>{BUCKET}</Bucket><IsTruncated>false</IsTruncated>{entry}"
    cloud.fault("ListMultipartUploads", raw=f"<ListMultipartUploadsResult>{page}</ListMultipartUploadsResult>")

    swept = sweep(function)

    assert swept.report["kept_by_reason"] == {AGE_UNKNOWN: 1}
    assert len(cloud.uploads(BUCKET)) == 1


@pytest.mark.parametrize(
    "form",
    [
        {"format": "%Y-%m-%dT%H:%M:%SZ"},
        {"format": "%Y-%m-%dT%H:%M:%S.%fZ", "fraction_digits": 6},
        {"format": "%Y-%m-%dT%H:%M:%S.%fZ", "fraction_digits": 9},
        {"format": "%Y-%m-%dt%H:%M:%Sz"},
        {"format": "%Y-%m-%dT%H:%M:%S%:z", "zone_hours": 8},
        {"format": "%Y-%m-%dT%H:%M:%S%:z", "zone_hours": -11.5},
        {"format": "%Y-%m-%dT%H:%M:%S.%f%:z", "zone_hours": 14, "fraction_digits": 1},
        {"format": "%Y-%m-%d %H:%M:%S%:z"},
        {"format": "%a, %d %b %Y %H:%M:%S GMT"},
        {"format": "%a, %d %b %Y %H:%M:%S %z", "zone_hours": -8},
    ],
    ids=lambda form: "{format} {zone_hours}".format(**{"zone_hours": "", **form}),
)
def test_start_in_a_standard_form_is_read_exactly(form: dict[str, Any], cloud: Cloud, function: Function) -> None:
    for hours in (71, 73):
        cloud.seed(BUCKET, f"{hours}", parts=0, hours_since_start=hours, upload_id="an-id-of-another-form")
    cloud.dialect(initiated=form)

    swept = sweep(function)

    assert (swept.report["kept_by_reason"], swept.report["aborted"]) == ({STARTED_RECENTLY: 1}, 1)
    assert [upload.key for upload in cloud.uploads(BUCKET)] == ["71"]


@pytest.mark.parametrize("form", [CTIME, NO_ZONE], ids=["ctime", "no zone"])
@pytest.mark.parametrize(
    ("zone_hours", "hours", "id_hours", "kept"),
    [
        (8, 79, None, STARTED_RECENTLY),
        (8, 79, 79, STARTED_RECENTLY),
        (8, 79, 71, STARTED_RECENTLY),
        (8, 81, None, None),
        (8, 81, 81, None),
        (8, 81, 73, None),
        (8, 85, 81, AGE_DISPUTED),
        (0, 71, None, STARTED_RECENTLY),
        (0, 71, 71, STARTED_RECENTLY),
        (0, 71, 79, STARTED_RECENTLY),
        (0, 73, 73, None),
        (0, 73, 81, None),
    ],
)
def test_start_without_a_zone_is_the_later_of_the_moments_that_it_can_mean(
    zone_hours: int,
    hours: float,
    id_hours: float | None,
    kept: str | None,
    form: str,
    cloud: Cloud,
    function: Function,
) -> None:
    upload_id = "an-id-of-another-form" if id_hours is None else id_of(id_hours)
    cloud.seed(BUCKET, "a", parts=0, hours_since_start=hours, upload_id=upload_id)
    cloud.dialect(initiated={"format": form, "zone_hours": zone_hours})

    swept = sweep(function)

    assert (swept.report["kept_by_reason"], swept.report["aborted"]) == (({kept: 1}, 0) if kept else ({}, 1))


@pytest.mark.parametrize(
    ("hours", "id_hours", "kept"),
    [
        (71.5, 72.4, STARTED_RECENTLY),
        (72.4, 71.5, STARTED_RECENTLY),
        (72.4, 72.6, None),
        (100, 98, AGE_DISPUTED),
        (100, 102, AGE_DISPUTED),
        (100, 1, AGE_DISPUTED),
        (71, 1000, AGE_DISPUTED),
    ],
)
def test_time_in_an_id_makes_an_upload_younger_or_doubtful_and_never_older(
    hours: float, id_hours: float, kept: str | None, cloud: Cloud, function: Function
) -> None:
    cloud.seed(BUCKET, "a", parts=0, hours_since_start=hours, upload_id=id_of(id_hours))

    swept = sweep(function)

    assert (swept.report["kept_by_reason"], swept.report["aborted"]) == (({kept: 1}, 0) if kept else ({}, 1))


@pytest.mark.parametrize(
    "form",
    [
        "",
        "soon",
        "1488600093",
        "1970-01-01T00:00:00.000Z",
        "0001-01-01T00:00:00Z",
        "２０２０-01-01T00:00:00.000Z",
        {"format": CTIME, "zone_hours": 8},
        {"format": "%a, %d %b %Y %H:%M:%S GMT"},
        {"format": NO_ZONE},
        {"format": "%Y-%m-%dT%H:%M:%S.%fZ", "fraction_digits": 6},
        {"format": "%Y-%m-%dT%H:%M:%S%:z"},
        {"format": "%Y-%m-%dt%H:%M:%Sz"},
    ],
    ids=str,
)
def test_part_whose_time_has_another_form_than_the_documented_one_keeps_its_upload(
    form: object, cloud: Cloud, function: Function
) -> None:
    (upload,) = cloud.seed(BUCKET, "a", parts=5, hours_since_start=1000)
    cloud.dialect(last_modified=form)

    swept = sweep(function)
    leftovers = function(completed("a"))
    failed = function(named(BUCKET, "a", upload.upload_id), EVENT_MIN_IDLE_MINUTES="1")

    for result in (swept, leftovers, failed):
        assert (result.report["kept_by_reason"], result.report["aborted"]) == ({PART_UNREADABLE: 1}, 0)
    assert len(cloud.uploads(BUCKET)) == 1


@pytest.mark.parametrize(
    ("hours", "dialect", "kept"),
    [
        (2, {}, None),
        (0.5, {}, PART_RECENT),
        (1000, {"initiated": "yesterday"}, AGE_UNKNOWN),
        (2, {"initiated": {"format": CTIME, "zone_hours": 8}}, STARTED_RECENTLY),
        (10, {"initiated": {"format": CTIME, "zone_hours": 8}}, None),
    ],
    ids=["old", "young", "unreadable", "perhaps young", "old in any case"],
)
def test_named_upload_without_parts_takes_its_start_from_the_listing_where_an_idle_time_is_set(
    hours: float, dialect: dict[str, Any], kept: str | None, cloud: Cloud, function: Function
) -> None:
    (upload,) = cloud.seed(BUCKET, "a/b", parts=0, hours_since_start=hours)
    cloud.seed(BUCKET, "a", parts=0, hours_since_start=1)
    cloud.seed(BUCKET, "a/b/c", parts=0, hours_since_start=1)
    cloud.dialect(**dialect)

    result = function(named(BUCKET, "a/b", upload.upload_id), EVENT_MIN_IDLE_MINUTES="60")

    assert (result.report["kept_by_reason"], result.report["aborted"]) == (({kept: 1}, 0) if kept else ({}, 1))


def test_named_upload_without_parts_that_is_not_listed_is_kept_where_an_idle_time_is_set(
    cloud: Cloud, function: Function
) -> None:
    (upload,) = cloud.seed(BUCKET, "a", parts=0, hours_since_start=1000)
    page = f"<Bucket>{BUCKET}</Bucket><IsTruncated>false</IsTruncated>"
    cloud.fault("ListMultipartUploads", raw=f"<ListMultipartUploadsResult>{page}</ListMultipartUploadsResult>")

    kept = function(named(BUCKET, "a", upload.upload_id), EVENT_MIN_IDLE_MINUTES="60")
    held = len(cloud.uploads(BUCKET))
    aborted = function(named(BUCKET, "a", upload.upload_id))

    assert (kept.report["kept_by_reason"], held) == ({NOT_LISTED: 1}, 1)
    assert aborted.report["aborted"] == 1


def test_named_upload_is_found_among_many_of_its_key(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "a", count=1500, parts=0, hours_since_start=500)
    (upload,) = cloud.seed(BUCKET, "a", parts=0, hours_since_start=300, upload_id="zzz")

    result = function(named(BUCKET, "a", upload.upload_id), EVENT_MIN_IDLE_MINUTES="60")

    assert result.report["aborted"] == 1
    assert len(cloud.uploads(BUCKET)) == 1500
