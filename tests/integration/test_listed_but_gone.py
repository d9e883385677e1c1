"""
Uploads of a sweep that COS does not know (404 NoSuchUpload): gone in between, still listed, or under a wrong key.

What a listing still shows is no success.
"""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.emulator.public import Cloud
from tests.fixtures import ABORTING, HANDLER
from tests.function import PHOTOS, Function, event, timer
from tests.integration.gone import BUCKET, OTHER, UNCHECKED, keys_requested, left, outcomes, outcomes_of, seeded

ENCODINGS = ("once", "once_unannounced", "plain", "plain_announced", "twice", "plus")
KEYS = ("raw/a", "a b", "a+b", "a%20b", "a%2Bb", "100%", "é/ü", "x%252Fy", "p q+r%2B/s")


def listings(cloud: Cloud) -> int:
    return sum(one.operation == "ListMultipartUploads" for one in cloud.requests())


def completed(key: str) -> dict[str, Any]:
    """COS's event for this object; it was completed just now."""
    raw: dict[str, Any] = event("cos_completed")
    (record,) = raw["Records"]
    record["cos"]["cosObject"]["key"] = f"/1250000000/photos/{key}"
    record["cos"]["cosObject"]["url"] = f"http://{BUCKET}.cos.ap-guangzhou.myqcloud.com/{quote(key)}"
    record["cos"]["cosBucket"].update(name="photos", appid="1250000000")
    record["event"]["eventTime"] = 4_000_000_000
    return raw


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("key", KEYS)
def test_upload_that_stays_listed_and_is_not_known_is_reported_and_no_success(
    key: str, encoding: str, cloud: Cloud, function: Function
) -> None:
    ghost, other = seeded(cloud, key), seeded(cloud, "raw/other")
    cloud.ghost(BUCKET, key, ghost.upload_id)
    cloud.dialect(encoding=encoding)

    result = function(timer())

    assert result.error is None
    assert outcomes(result) == {"status": "partial", "aborted": 1, "listed_but_not_found": 1}
    assert result.report["bytes_freed"] == 1
    (entry,) = result.report["not_found"]
    (line,) = result.lines("upload.listed_but_not_found")
    for one in (entry, line):
        assert (one["bucket"], one["upload_id"]) == (PHOTOS, ghost.upload_id)
    assert entry["key"] == line["key"]
    assert line["level"] == "warning"
    assert encoding not in ("once", "plain") or entry["key"] == key
    assert other.upload_id not in left(cloud)


@pytest.mark.parametrize("encoding", ["once_unannounced", "twice"])
def test_upload_whose_key_is_no_text_is_no_success(encoding: str, cloud: Cloud, function: Function) -> None:
    """Its bytes look like an encoded key, and no request can name it."""
    seeded(cloud, "raw/\udcff")
    cloud.dialect(encoding=encoding)

    result = function(timer())

    assert outcomes(result) == {"status": "partial", "listed_but_not_found": 1}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("key", KEYS)
def test_upload_that_ended_after_it_was_listed_is_already_gone(
    key: str, encoding: str, cloud: Cloud, function: Function
) -> None:
    gone = seeded(cloud, key)
    seeded(cloud, key, hours_since_last_part=1)
    cloud.ghost(BUCKET, key, gone.upload_id, listings=1)
    cloud.dialect(encoding=encoding)

    result = function(timer())

    assert outcomes(result) == {"status": "complete", "already_gone": 1, "kept": 1}
    assert result.report["bytes_freed"] == 0


def test_ordinary_upload_that_ended_costs_one_listing_and_no_other_request(cloud: Cloud, function: Function) -> None:
    gone = seeded(cloud, "raw/a b")
    cloud.ghost(BUCKET, gone.key, gone.upload_id, listings=1)

    function(timer(), BUCKETS=PHOTOS)

    assert [one.operation for one in cloud.requests()].count("AbortMultipartUpload") == 0
    assert len(keys_requested(cloud)) <= 2
    assert listings(cloud) <= 3


def test_dry_run_reports_what_is_listed_and_not_known(cloud: Cloud, function: Function) -> None:
    ghost, gone = seeded(cloud, "raw/a"), seeded(cloud, "raw/b")
    seeded(cloud, "raw/c")
    cloud.ghost(BUCKET, ghost.key, ghost.upload_id)
    cloud.ghost(BUCKET, gone.key, gone.upload_id, listings=1)

    result = function(timer(dry_run=True))

    assert outcomes(result) == {"status": "partial", "would_abort": 1, "listed_but_not_found": 1, "already_gone": 1}
    assert result.report["bytes_would_free"] == 1


def test_uploads_of_one_key_that_stay_listed_are_distinguished_from_one_that_ended(
    cloud: Cloud, function: Function
) -> None:
    uploads = cloud.seed(BUCKET, "k", count=40, part_size=1)
    for upload in uploads[:20]:
        cloud.ghost(BUCKET, "k", upload.upload_id, listings=None if upload in uploads[:10] else 1)
    seeded(cloud, "k2")

    result = function(timer(), BUCKETS=PHOTOS)

    assert outcomes(result) == {"status": "partial", "aborted": 21, "listed_but_not_found": 10, "already_gone": 10}
    assert len(result.report["not_found"]) == len(result.lines("upload.listed_but_not_found")) == 10
    assert listings(cloud) == 2


def test_gone_uploads_are_checked_by_at_most_200_listings_and_the_others_count_apart(
    cloud: Cloud, function: Function
) -> None:
    for upload in cloud.seed(BUCKET, "raw/{n:03}", count=215, part_size=1):
        cloud.ghost(BUCKET, upload.key, upload.upload_id)

    result = function(timer(), BUCKETS=PHOTOS)

    assert outcomes(result) == {"status": "partial", "listed_but_not_found": 200, UNCHECKED: 15}
    assert listings(cloud) == 1 + 200
    assert len(result.lines("upload.listed_but_not_found")) == 200


def test_keys_with_several_meanings_cost_no_more_than_200_listings(cloud: Cloud, function: Function) -> None:
    for upload in cloud.seed(BUCKET, "a b+c%20d/{n:03}", count=205, part_size=1):
        cloud.ghost(BUCKET, upload.key, upload.upload_id)

    result = function(timer(), BUCKETS=PHOTOS)

    counts = outcomes(result)
    assert counts["status"] == "partial"
    assert counts["listed_but_not_found"] + counts[UNCHECKED] == 205
    assert listings(cloud) <= 1 + 200


@pytest.mark.parametrize(
    "fault",
    [{"status": 403, "code": "AccessDenied"}, {"status": 503, "code": "SlowDown"}, {"raw": "<Nothing/>"}],
    ids=["denied", "slow down", "unreadable"],
)
def test_gone_upload_that_cannot_be_listed_again_counts_as_unchecked(
    fault: dict[str, Any], cloud: Cloud, function: Function
) -> None:
    ghost = seeded(cloud)
    cloud.ghost(BUCKET, ghost.key, ghost.upload_id)
    cloud.fault("ListMultipartUploads", bucket=BUCKET, skip=1, **fault)

    result = function(timer())

    assert result.error is None
    assert outcomes(result) == {"status": "complete", UNCHECKED: 1}


def test_gone_upload_counts_as_unchecked_when_time_is_up(cloud: Cloud, function: Function) -> None:
    ghost = seeded(cloud)
    cloud.ghost(BUCKET, ghost.key, ghost.upload_id)
    cloud.hang(OTHER)

    result = function(timer(), seconds=2)

    assert (result.lines("run.finished")[0][UNCHECKED], result.lines("run.finished")[0]["listed_but_not_found"]) == (
        1,
        0,
    )
    assert listings(cloud) == 2


def test_stale_siblings_that_stay_listed_are_reported(cloud: Cloud, function: Function) -> None:
    ghost = seeded(cloud, "raw/a b")
    cloud.ghost(BUCKET, ghost.key, ghost.upload_id)

    result = function(completed("raw/a b"))

    assert result.error is None
    assert outcomes(result) == {"status": "partial", "listed_but_not_found": 1}


def test_upload_that_stays_listed_is_found_though_its_key_could_be_read_only_later(
    cloud: Cloud, function: Function
) -> None:
    ghost = seeded(cloud, "a b")
    cloud.ghost(BUCKET, ghost.key, ghost.upload_id)
    # More than a page: how keys are written is found out here, while the first upload is being looked at.
    cloud.seed(BUCKET, "b c{n}", count=1001, hours_since_start=1)
    cloud.fault("ListParts", key="a b", delay_ms=500)
    cloud.dialect(encoding="plus")

    result = function(timer(), PREFIXES="a,b", BUCKETS=PHOTOS)

    assert outcomes(result) == {"status": "partial", "kept": 1001, "listed_but_not_found": 1}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_sweep_aborts_the_right_uploads_however_their_keys_are_encoded(
    encoding: str, cloud: Cloud, function: Function
) -> None:
    for key in KEYS:
        seeded(cloud, key)
    live = [seeded(cloud, key, hours_since_last_part=1).upload_id for key in KEYS]
    excluded = [seeded(cloud, f"keep/{key}").upload_id for key in KEYS]
    cloud.dialect(encoding=encoding)

    result = function(timer(), EXCLUDE_PREFIXES="keep/")

    assert sorted(left(cloud)) == sorted(live + excluded)
    assert outcomes(result) == {"status": "complete", "aborted": len(KEYS), "kept": 2 * len(KEYS)}
    assert result.report["bytes_freed"] == len(KEYS)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("folder", ["a b/", "a+b/", "a%20b/", "é/", "100%/"])
def test_sweep_of_a_prefix_reaches_its_uploads_however_their_keys_are_encoded(
    folder: str, encoding: str, cloud: Cloud, function: Function
) -> None:
    seeded(cloud, f"{folder}x")
    others = [seeded(cloud, key).upload_id for key in ("a/x", "b/x", "zzz/x")]
    excluded = seeded(cloud, f"{folder}keep/x").upload_id
    cloud.dialect(encoding=encoding)

    result = function(timer(), PREFIXES=json.dumps([folder]), EXCLUDE_PREFIXES=json.dumps([f"{folder}keep/"]))

    assert outcomes(result) == {"status": "complete", "aborted": 1, "kept": 1}
    assert sorted(left(cloud)) == sorted([*others, excluded])


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("key", ["raw/a b", "raw/a+b", "raw/é"])
def test_stale_siblings_are_reached_however_their_keys_are_encoded(
    key: str, encoding: str, cloud: Cloud, function: Function
) -> None:
    seeded(cloud, key, parts=3)
    other = seeded(cloud, f"{key}2", parts=3)
    cloud.dialect(encoding=encoding)

    result = function(completed(key))

    assert outcomes(result) == {"status": "complete", "aborted": 1}
    assert left(cloud) == [other.upload_id]


def test_key_of_a_listing_is_kept_when_any_of_its_meanings_is_excluded(cloud: Cloud, function: Function) -> None:
    kept = [seeded(cloud, "a%20b/x"), seeded(cloud, "a+b/x"), seeded(cloud, "a b/x"), seeded(cloud, "a%2Bb/x")]
    seeded(cloud, "ab/x")
    cloud.dialect(encoding="plain")

    result = function(timer(), EXCLUDE_PREFIXES="a b/")

    assert sorted(left(cloud)) == sorted(one.upload_id for one in kept)
    assert outcomes(result) == {"status": "complete", "aborted": 1, "kept": 4}


@pytest.fixture(scope="module")
def running() -> Iterator[Cloud]:
    with Cloud.start(PHOTOS, function=HANDLER, env={"BUCKETS": PHOTOS, **ABORTING}) as cloud:
        yield cloud


@pytest.fixture
def scf(running: Cloud) -> Cloud:
    running.reset(PHOTOS)
    return running


def reports(scf: Cloud) -> list[dict[str, Any]]:
    """The answers of a chain's runs."""
    scf.fire_timer()
    assert scf.wait_idle(120)
    return [one.answer for one in scf.invocations() if one.answer and "run" in one.answer]


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("key", "encoding"), [("a%20b", "plain_announced"), ("a b", "once_unannounced"), ("a b", "plus")]
)
def test_upload_that_is_tried_again_by_a_later_run_is_found_under_the_right_key(
    key: str, encoding: str, scf: Cloud
) -> None:
    seeded(scf, key)
    scf.fault("ListParts", key=key, count=4, status=503, code="ServiceUnavailable")
    scf.dialect(encoding=encoding)

    runs = reports(scf)

    assert [outcomes_of(one) for one in runs[:-1]] == [{"status": "partial"}] * (len(runs) - 1)
    assert outcomes_of(runs[-1]) == {"status": "complete", "aborted": 1}
    assert len(runs) > 1
    assert scf.uploads(BUCKET) == []


@pytest.mark.parametrize(("key", "encoding"), [("a%20b", "plain_announced"), ("a b", "plus")])
def test_abort_that_fails_for_now_is_sent_again_by_a_later_run_under_the_right_key(
    key: str, encoding: str, scf: Cloud
) -> None:
    seeded(scf, key)
    scf.fault("AbortMultipartUpload", key=key, count=3, status=500, code="InternalError")
    scf.dialect(encoding=encoding)

    runs = reports(scf)

    assert [outcomes_of(one) for one in runs[:-1]] == [{"status": "partial"}] * (len(runs) - 1)
    assert outcomes_of(runs[-1]) == {"status": "complete", "aborted": 1}
    assert len(runs) > 1
    assert scf.uploads(BUCKET) == []
