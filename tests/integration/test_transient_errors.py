"""
An error that time, new credentials or a right clock can end is not permanent, whatever its status.
"""

import json
from typing import Any

import pytest

from tests.emulator.public import Cloud
from tests.function import PHOTOS, Function, Invocation, timer
from tests.integration.chains import LOG_BUCKET, PHOTO_BUCKET, Chain, kafka, post, uploads_of
from tests.integration.platform import Platform, counted, left, status

REPORT = f"{PHOTOS}/reports"
EXPIRED = "Request has expired"
# After these no request of the run can succeed.
STOPPING: list[dict[str, Any]] = [
    {"status": 403, "code": "ExpiredToken"},
    {"status": 400, "code": "ExpiredToken"},
    {"status": 403, "code": "RequestTimeTooSkewed"},
    {"status": 403, "code": "InvalidAccessKeyId"},
    {"status": 403, "code": "AccessDenied", "message": EXPIRED},
    {"status": 403, "code": "InvalidToken"},
]
PASSING: list[dict[str, Any]] = [
    {"status": 409, "code": "UploadConflict"},
    {"status": 409, "code": "OperationAborted"},
    {"status": 409, "code": "SomethingNew"},
    {"status": 400, "code": "SlowDown"},
    {"status": 429, "code": "SlowDown"},
    {"status": 503, "code": "SlowDown"},
    {"status": 400, "code": "RequestLimitExceeded"},
    {"status": 400, "code": "RequestTimeout"},
    {"status": 429, "code": "TooManyRequests"},
    {"status": 500, "code": "InternalError"},
    {"status": 502, "raw": "<html>bad gateway</html>"},
]
PERMANENT: list[dict[str, Any]] = [
    {"status": 403, "code": "AccessDenied"},
    {"status": 404, "code": "NoSuchBucket"},
    {"status": 403, "code": "SignatureDoesNotMatch"},
    {"status": 400, "code": "InvalidArgument"},
    {"status": 405, "code": "MethodNotAllowed"},
    {"status": 451, "code": "UnavailableForLegalReasons"},
]
OPERATIONS = ["AbortMultipartUpload", "ListParts"]


def named_by(fault: dict[str, Any]) -> str:
    return "-".join(str(value) for value in fault.values())[:40]


def raised(result: Invocation) -> bool:
    return type(result.error).__name__ == "RunFailed"


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("fault", STOPPING + PASSING, ids=named_by)
def test_message_of_a_queue_is_kept(fault: dict[str, Any], operation: str, cloud: Cloud, function: Function) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n}", count=2)
    cloud.fault(operation, **fault)

    result = function(kafka(PHOTO_BUCKET, seeded), EVENT_MIN_IDLE_MINUTES="60")

    assert raised(result)
    assert len(left(cloud, PHOTO_BUCKET)) == 2


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("fault", STOPPING + PASSING, ids=named_by)
def test_message_of_a_queue_is_kept_where_the_function_can_invoke_itself(
    fault: dict[str, Any], operation: str, cloud: Cloud, platform: Platform
) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n}", count=2)
    cloud.fault(operation, **fault)

    result = platform.run(kafka(PHOTO_BUCKET, seeded), EVENT_MIN_IDLE_MINUTES="60")

    assert raised(result)
    assert platform.offered == []


@pytest.mark.parametrize("fault", STOPPING + PASSING, ids=named_by)
def test_http_caller_gets_503_for_a_transient_error(fault: dict[str, Any], cloud: Cloud, platform: Platform) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n}", count=2)
    cloud.fault("AbortMultipartUpload", **fault)

    result = platform.run(post(PHOTO_BUCKET, seeded))

    assert result.answer is not None
    assert result.answer["statusCode"] == 503
    assert len(result.report["details"]) == 2
    assert platform.offered == []


@pytest.mark.parametrize("operation", [*OPERATIONS, "ListMultipartUploads"])
@pytest.mark.parametrize("fault", STOPPING + PASSING, ids=named_by)
def test_sweep_goes_on_in_another_run(fault: dict[str, Any], operation: str, cloud: Cloud, platform: Platform) -> None:
    cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    cloud.fault(operation, **fault)
    first = platform.run(timer())
    cloud.heal()

    rest = platform.play(platform.take())

    assert (first.error, status(first)) == (None, "partial")
    assert (counted([first, *rest]), left(cloud, PHOTO_BUCKET)) == ({"aborted": 3}, [])
    assert [status(one) for one in rest] == ["complete"]
    assert platform.failures() == []


@pytest.mark.parametrize("fault", PERMANENT, ids=named_by)
def test_permanent_failure_does_not_block_a_queue(fault: dict[str, Any], cloud: Cloud, platform: Platform) -> None:
    """Only an operator can correct it, and the partition would wait for days."""
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n}", count=2)
    cloud.fault("AbortMultipartUpload", key="raw/0", **fault)

    queue = platform.run(kafka(PHOTO_BUCKET, seeded[:1]))
    caller = platform.run(post(PHOTO_BUCKET, seeded[:1]))

    assert (queue.error, status(queue)) == (None, "failed")
    assert caller.answer is not None
    assert caller.answer["statusCode"] == 502
    assert queue.lines("upload.failed")[0]["key"] == "raw/0"


# Nothing leaves a run whose credentials or clock COS does not accept


@pytest.mark.sampled(24)
@pytest.mark.parametrize("operation", [*OPERATIONS, "ListMultipartUploads"])
@pytest.mark.parametrize("fault", STOPPING, ids=named_by)
@pytest.mark.parametrize("make", [kafka, post, uploads_of, None], ids=["ckafka", "http", "direct", "timer"])
def test_stopped_run_sends_no_further_request_to_cos(
    make: Any, fault: dict[str, Any], operation: str, cloud: Cloud, platform: Platform
) -> None:
    """Neither for an upload nor for a bucket, nor to store a report."""
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n:03}", count=200)
    cloud.seed(LOG_BUCKET, "{n}", count=3)
    cloud.fault(operation, skip=1, **fault)
    raw = make(PHOTO_BUCKET, seeded) if make else timer()

    result = platform.run(raw, REPORT=REPORT, WORKERS="4", EVENT_MIN_IDLE_MINUTES="60")

    requests = cloud.requests()
    faults = [index for index, one in enumerate(requests) if one.fault == "refuse"]
    if operation == "ListMultipartUploads" and make:
        assert faults == []
    else:
        assert len(faults) >= 1
        # What was under way already may still come in; of four workers that is a few.
        assert len(requests) - faults[0] <= 1 + 4
        assert "PutObject" not in [one.operation for one in requests[faults[0] :]]
        assert result.lines("report.store_failed") or not any(one.operation == "PutObject" for one in requests)


def test_credentials_that_expire_in_a_sweep_are_renewed_by_the_next_run(chain: Chain) -> None:
    chain.cloud.seed(PHOTO_BUCKET, "{n:03}", count=60)
    chain.cloud.seed(LOG_BUCKET, "{n:03}", count=60)
    chain.set_up(WORKERS="4")
    chain.cloud.scf_settings(credentials_seconds=3600)
    chain.cloud.fault("AbortMultipartUpload", skip=30, count=1, status=403, code="ExpiredToken")

    runs = chain.sweep()

    assert chain.left() == []
    assert [one.answer["status"] for one in runs] == ["partial", "complete"]
    assert chain.failures() == []


def test_credentials_that_are_never_accepted_end_the_chain_with_a_failure(cloud: Cloud, platform: Platform) -> None:
    cloud.seed(PHOTO_BUCKET, "{n}", count=3)
    cloud.fault(status=403, code="InvalidAccessKeyId")

    result = platform.play(timer())

    # Each of the two buckets might be the only one that does not accept them, so each is tried twice.
    assert len(result) <= 4
    assert status(result[-1]) == "failed"
    assert len(cloud.requests()) <= 4
    assert len(platform.failures()) == 1


@pytest.mark.parametrize("operation", ["ListMultipartUploads", "ListParts", "AbortMultipartUpload"])
@pytest.mark.parametrize("code", ["InvalidAccessKeyId", "RequestTimeTooSkewed"])
@pytest.mark.parametrize("prefixes", ["", "a/,b/"], ids=["whole", "prefixes"])
def test_bucket_that_alone_does_not_accept_the_credentials_fails_alone(
    prefixes: str, code: str, operation: str, cloud: Cloud, platform: Platform
) -> None:
    for bucket in (PHOTO_BUCKET, LOG_BUCKET):
        cloud.seed(bucket, "a/{n}", count=5)
        cloud.seed(bucket, "b/{n}", count=5)
    cloud.fault(operation, bucket=PHOTO_BUCKET, status=403, code=code)

    result = platform.play(timer(), PREFIXES=prefixes, WORKERS="2")

    assert (len(left(cloud, PHOTO_BUCKET)), left(cloud, LOG_BUCKET)) == (10, [])
    assert status(result[-1]) == "failed"
    assert {line["code"] for one in result for line in one.lines("bucket.failed")} == {code}


def test_uploads_of_a_bucket_that_alone_does_not_accept_the_credentials_fail_alone(
    cloud: Cloud, platform: Platform
) -> None:
    bad = cloud.seed(PHOTO_BUCKET, "{n}", count=2)
    good = cloud.seed(LOG_BUCKET, "{n}", count=10)
    cloud.fault("ListParts", bucket=PHOTO_BUCKET, status=403, code="InvalidAccessKeyId")
    named = [{"bucket": PHOTO_BUCKET, "key": one.key, "uploadId": one.upload_id} for one in bad]
    named += [{"bucket": LOG_BUCKET, "key": one.key, "uploadId": one.upload_id} for one in good]

    result = platform.play({"uploads": named}, WORKERS="1", EVENT_MIN_IDLE_MINUTES="60")

    assert (left(cloud, PHOTO_BUCKET), left(cloud, LOG_BUCKET)) == (["0", "1"], [])
    assert (status(result[-1]), counted(result)) == ("failed", {"aborted": 10, "failed": 2})


@pytest.mark.parametrize("make", [kafka, post], ids=["ckafka", "http"])
def test_bucket_that_alone_does_not_accept_the_credentials_blocks_no_other_of_a_queue_or_caller(
    make: Any, cloud: Cloud, platform: Platform
) -> None:
    """Nothing is continued for these, so the run goes on with the other buckets."""
    bad = cloud.seed(PHOTO_BUCKET, "{n}", count=1)
    good = cloud.seed(LOG_BUCKET, "{n:02}", count=40)
    cloud.fault("ListParts", bucket=PHOTO_BUCKET, status=403, code="InvalidAccessKeyId")
    first, second = make(PHOTO_BUCKET, bad), make(LOG_BUCKET, good)
    if make is kafka:
        raw: dict[str, Any] = {"Records": [*first["Records"], *second["Records"]]}
    else:
        uploads = [one for each in (first, second) for one in json.loads(each["body"])["uploads"]]
        raw = {**first, "body": json.dumps({"uploads": uploads})}

    result = platform.run(raw, WORKERS="4", EVENT_MIN_IDLE_MINUTES="60")

    assert (left(cloud, PHOTO_BUCKET), left(cloud, LOG_BUCKET)) == (["0"], [])
    assert status(result) == "failed"


def test_run_whose_credentials_expired_raises_when_it_cannot_continue(cloud: Cloud, platform: Platform) -> None:
    cloud.seed(PHOTO_BUCKET, "{n}", count=3)
    cloud.fault("ListParts", status=403, code="ExpiredToken")
    platform.then = "AuthFailure.TokenFailure"

    result = platform.run(timer())

    assert raised(result)
    assert len(left(cloud, PHOTO_BUCKET)) == 3


def test_upload_that_its_age_keeps_is_kept_although_the_run_was_stopped_before(
    cloud: Cloud, function: Function
) -> None:
    cloud.seed(PHOTO_BUCKET, "a/old", hours_since_start=1000)
    cloud.seed(PHOTO_BUCKET, "b/young", hours_since_start=1)
    cloud.fault("ListParts", status=403, code="ExpiredToken")

    result = function(timer(), WORKERS="1")

    (finished,) = result.lines("run.finished")
    assert (finished["kept"], finished["deferred"]) == (1, 1)
