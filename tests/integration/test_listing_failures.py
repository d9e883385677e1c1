"""
Listings that fail: for a while, for ever, on a later page, in one bucket of several; buckets that reject all requests.
"""

from typing import Any

import pytest

from tests.emulator.public import Cloud
from tests.function import PHOTOS, Function, timer
from tests.integration.chains import CHAIN_FAILED, LOG_BUCKET, PHOTO_BUCKET, Chain
from tests.integration.platform import Platform, counted, left, status

BUSY = {"status": 503, "code": "ServiceUnavailable"}
PAGE = 1000

FOR_NOW: list[dict[str, Any]] = [
    {"status": 503, "code": "SlowDown"},
    {"status": 500, "code": "InternalError"},
    {"status": 429, "code": "TooManyRequests"},
    {"status": 400, "code": "RequestTimeout"},
    {"status": 409, "code": "OperationConflict"},
    {"reset": "before"},
    {"body": "malformed"},
    {"body": "truncated"},
    {"body": "empty"},
    {"body": "foreign"},
    {"raw": "<html>busy</html>", "status": 200},
    {"raw": "<html>busy</html>", "status": 502},
]


def listings(cloud: Cloud, bucket: str, since: int = 0) -> list[str]:
    """The queries of the listings of a bucket."""
    requests = cloud.requests(since)
    return [one.raw_query for one in requests if (one.operation, one.bucket) == ("ListMultipartUploads", bucket)]


@pytest.mark.parametrize("fault", FOR_NOW, ids=lambda fault: "-".join(map(str, fault.values()))[:30])
@pytest.mark.parametrize("failures", [1, 4, 7])
def test_listing_that_fails_a_few_times_is_read_to_its_end(
    failures: int, fault: dict[str, Any], cloud: Cloud, function: Function
) -> None:
    """A page is rejected four times within seconds when COS is busy; that is no reason to give a bucket up."""
    cloud.seed(PHOTO_BUCKET, "{n}", count=3)
    cloud.fault("ListMultipartUploads", bucket=PHOTO_BUCKET, count=failures, **fault)

    result = function(timer())

    assert (result.report["status"], result.report["aborted"]) == ("complete", 3)
    assert result.lines("bucket.failed") == []


@pytest.mark.parametrize("fault", FOR_NOW, ids=lambda fault: "-".join(map(str, fault.values()))[:30])
def test_listing_that_fails_for_a_minute_is_continued_by_the_next_run(
    fault: dict[str, Any], cloud: Cloud, platform: Platform
) -> None:
    cloud.seed(PHOTO_BUCKET, "{n}", count=3)
    cloud.seed(LOG_BUCKET, "{n}", count=3)
    cloud.fault("ListMultipartUploads", bucket=PHOTO_BUCKET, **fault)
    first = platform.run(timer())
    cloud.heal()

    rest = platform.play(platform.take())

    assert (first.report["status"], first.report["aborted"]) == ("partial", 3)
    assert first.lines("bucket.failed") == []
    assert [status(one) for one in rest] == ["complete"]
    assert (counted([first, *rest]), left(cloud, PHOTO_BUCKET)) == ({"aborted": 6}, [])
    assert platform.failures() == []


def test_later_page_that_fails_is_continued_from_there(cloud: Cloud, platform: Platform) -> None:
    cloud.seed(PHOTO_BUCKET, "{n:04}", count=PAGE + 200, hours_since_start=5)
    cloud.seed(PHOTO_BUCKET, "z", count=1)
    cloud.fault("ListMultipartUploads", bucket=PHOTO_BUCKET, skip=1, **BUSY)
    first = platform.run(timer())
    cloud.heal()
    mark = cloud.mark()

    rest = platform.play(platform.take())

    assert counted([first, *rest]) == {"kept": PAGE + 200, "aborted": 1}
    assert all("key-marker=0999" in query for query in listings(cloud, PHOTO_BUCKET, mark))


def test_listing_that_never_succeeds_is_tried_in_three_runs_and_fails_once(cloud: Cloud, platform: Platform) -> None:
    cloud.seed(PHOTO_BUCKET, "{n}", count=3)
    cloud.seed(LOG_BUCKET, "{n}", count=3)
    cloud.fault("ListMultipartUploads", bucket=PHOTO_BUCKET, **BUSY)

    result = platform.play(timer())

    assert [status(one) for one in result] == ["partial", "partial", "failed"]
    assert (counted(result), result[-1].report["buckets_failed"]) == ({"aborted": 3}, 1)
    (line,) = [line for one in result for line in one.lines("bucket.failed")]
    assert (line["code"], line["bucket"]) == ("ServiceUnavailable", PHOTOS)
    assert platform.failures()[0][CHAIN_FAILED]["codes"] == ["ServiceUnavailable"]


def test_listing_that_fails_permanently_fails_at_once_and_the_others_go_on(cloud: Cloud, platform: Platform) -> None:
    cloud.seed(LOG_BUCKET, "{n}", count=3)
    cloud.fault("ListMultipartUploads", bucket=PHOTO_BUCKET, status=403, code="AccessDenied")

    (result,) = platform.play(timer())

    assert len(listings(cloud, PHOTO_BUCKET)) == 1
    assert (status(result), counted([result])) == ("failed", {"aborted": 3})
    assert (result.report["buckets_swept"], result.report["buckets_failed"]) == (1, 1)
    assert platform.failures()[0][CHAIN_FAILED]["codes"] == ["AccessDenied"]


@pytest.mark.parametrize("bucket", [PHOTO_BUCKET, LOG_BUCKET])
def test_listing_that_fails_does_not_keep_another_from_being_read(
    bucket: str, cloud: Cloud, function: Function
) -> None:
    """Without an SCF to continue, too."""
    for one in (PHOTO_BUCKET, LOG_BUCKET):
        cloud.seed(one, "{n}", count=3)
    cloud.fault("ListMultipartUploads", bucket=bucket, **BUSY)

    result = function(timer(), INVOKE_ENDPOINT="")

    assert type(result.error).__name__ == "RunFailed"
    assert (counted([result]), len(left(cloud, bucket))) == ({"aborted": 3}, 3)


def test_marker_that_does_not_advance_fails_the_bucket_alone(cloud: Cloud, function: Function) -> None:
    """A listing that goes round in circles must end."""
    cloud.seed(LOG_BUCKET, "{n}", count=3)
    page = (
        f"<ListMultipartUploadsResult><Bucket>{PHOTO_BUCKET}</Bucket><IsTruncated>true</IsTruncated>"
        "<NextKeyMarker>a</NextKeyMarker><NextUploadIdMarker>1</NextUploadIdMarker></ListMultipartUploadsResult>"
    )
    cloud.fault("ListMultipartUploads", bucket=PHOTO_BUCKET, raw=page)

    result = function(timer())

    assert len(listings(cloud, PHOTO_BUCKET)) < 20
    assert counted([result]) == {"aborted": 3}
    assert [line["bucket"] for line in result.lines("bucket.failed")] == [PHOTOS]


def test_listing_that_fails_until_the_deadline_of_two_runs_is_reported_with_coss_code(chain: Chain) -> None:
    """At a short time limit no run has a minute to try."""
    chain.cloud.seed(LOG_BUCKET, "{n}", count=3)
    chain.cloud.fault("ListMultipartUploads", bucket=PHOTO_BUCKET, **BUSY)
    chain.set_up(seconds=1.5)

    runs = chain.sweep()

    assert chain.left() == []
    assert runs[-1].answer["status"] == "failed"
    assert {line["code"] for line in chain.lines("bucket.failed")} == {"ServiceUnavailable"}
    assert len(chain.failures()) == 3


# A bucket that rejects everything


@pytest.mark.parametrize("operation", ["AbortMultipartUpload", "ListParts"])
def test_bucket_is_left_after_twenty_equal_rejections_and_the_others_go_on(
    operation: str, cloud: Cloud, function: Function
) -> None:
    cloud.seed(PHOTO_BUCKET, "{n:04}", count=PAGE + 500)
    cloud.seed(LOG_BUCKET, "{n}", count=3)
    cloud.fault(operation, bucket=PHOTO_BUCKET, status=403, code="AccessDenied")

    result = function(timer(), WORKERS="4")

    rejected = [one for one in cloud.requests() if one.status == 403]
    assert 20 <= len(rejected) <= 20 + 4
    assert status(result) == "failed"
    assert counted([result])["aborted"] == 3
    assert counted([result])["failed"] >= PAGE
    assert len(listings(cloud, PHOTO_BUCKET)) <= 3


def test_rejections_that_are_not_in_a_row_do_not_stop_a_bucket(cloud: Cloud, function: Function) -> None:
    cloud.seed(PHOTO_BUCKET, "{n:02}", count=90)
    for tens in range(1, 9):
        cloud.fault("AbortMultipartUpload", key_prefix=str(tens), skip=1, status=403, code="AccessDenied")

    result = function(timer(), WORKERS="1")

    assert counted([result]) == {"aborted": 10 + 8, "failed": 8 * 9}


def test_rejections_that_are_not_equal_do_not_stop_a_bucket(cloud: Cloud, function: Function) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "{n:02}", count=60)
    for one in seeded[::2]:
        cloud.fault("AbortMultipartUpload", key=one.key, status=403, code="AccessDenied")
    cloud.fault("AbortMultipartUpload", status=400, code="InvalidArgument")
    mark = cloud.mark()

    result = function(timer(), WORKERS="1")

    assert counted([result]) == {"failed": 60}
    assert sum(one.operation == "AbortMultipartUpload" for one in cloud.requests(mark)) == 60


def test_bucket_that_was_left_stays_left_when_time_runs_out(cloud: Cloud, platform: Platform) -> None:
    cloud.seed(PHOTO_BUCKET, "{n:04}", count=PAGE + 500)
    cloud.fault("AbortMultipartUpload", bucket=PHOTO_BUCKET, status=403, code="AccessDenied")
    cloud.fault("ListMultipartUploads", bucket=PHOTO_BUCKET, skip=1, count=1, delay_ms=1300)

    result = [platform.run(timer(), WORKERS="4", seconds=1.8)]
    while platform.checkpoints():
        result.append(platform.run(platform.take(), WORKERS="4"))

    assert sum(one.status == 403 for one in cloud.requests()) <= 20 + 4
    assert status(result[-1]) == "failed"


def test_bucket_that_was_left_stays_left_in_the_chain(cloud: Cloud, platform: Platform) -> None:
    cloud.seed(PHOTO_BUCKET, "{n:04}", count=PAGE + 50)
    cloud.seed(LOG_BUCKET, "{n}", count=3)
    cloud.fault("AbortMultipartUpload", bucket=PHOTO_BUCKET, status=403, code="AccessDenied")
    cloud.fault("AbortMultipartUpload", key="1", bucket=LOG_BUCKET, count=1, status=409, code="UploadConflict")

    result = platform.play(timer(), WORKERS="4")

    assert len(result) == 2
    assert sum(one.status == 403 for one in cloud.requests()) <= 20 + 4
    assert counted(result)["aborted"] == 3
    assert platform.failures()[0][CHAIN_FAILED]["codes"] == ["AccessDenied"]
