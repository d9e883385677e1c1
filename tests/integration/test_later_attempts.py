"""
What failed for now is tried again by later runs, a bounded number of times.
"""

import json
from typing import Any

import pytest

from tests.emulator.public import Cloud
from tests.function import timer
from tests.integration.chains import (
    CHAIN_FAILED,
    CHECKPOINT,
    LOG_BUCKET,
    PHOTO_BUCKET,
    kafka,
    post,
    uploads_of,
)
from tests.integration.continuation import CONFLICT
from tests.integration.platform import Platform, counted, left, status

FOR_NOW: list[tuple[str, dict[str, Any]]] = [
    ("AbortMultipartUpload", {"status": 409, "code": "UploadConflict"}),
    ("AbortMultipartUpload", {"status": 503, "code": "SlowDown"}),
    ("AbortMultipartUpload", {"status": 500, "code": "InternalError"}),
    ("AbortMultipartUpload", {"reset": "before"}),
    ("ListParts", {"status": 503, "code": "ServiceUnavailable"}),
    ("ListParts", {"body": "malformed"}),
    ("ListParts", {"body": "empty"}),
]
FOR_NOW_IDS = [f"{operation}-{next(iter(fault.values()))}" for operation, fault in FOR_NOW]


@pytest.mark.parametrize("named", [True, False], ids=["named", "swept"])
@pytest.mark.parametrize(("operation", "fault"), FOR_NOW, ids=FOR_NOW_IDS)
def test_upload_that_fails_for_now_is_tried_in_three_runs_and_then_reported_once(
    operation: str, fault: dict[str, Any], cloud: Cloud, platform: Platform, *, named: bool
) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    cloud.fault(operation, key="raw/1", **fault)

    result = platform.play(uploads_of(PHOTO_BUCKET, seeded) if named else timer(), EVENT_MIN_IDLE_MINUTES="60")

    assert (counted(result), left(cloud, PHOTO_BUCKET)) == ({"aborted": 2, "failed": 1}, ["raw/1"])
    # A throttled upload only waits for its turn in the run in which COS accepted another before.
    waits = fault.get("code") in ("SlowDown", "ServiceUnavailable")
    *before, last = [status(one) for one in result]
    assert (set(before), last) == ({"partial"}, "failed")
    assert len(before) in ((2, 3) if waits else (2,))
    assert {one.error for one in result} == {None}
    assert [line["key"] for one in result for line in one.lines("upload.failed")] == ["raw/1"]
    (failure,) = platform.failures()
    assert "NoProgress" not in failure[CHAIN_FAILED]["codes"]
    assert len(failure[CHAIN_FAILED]["codes"]) == 1


@pytest.mark.parametrize("named", [True, False], ids=["named", "swept"])
def test_upload_that_fails_alone_is_tried_in_three_runs(cloud: Cloud, platform: Platform, *, named: bool) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/1")
    cloud.fault("AbortMultipartUpload", **CONFLICT)
    mark = cloud.mark()

    result = platform.play(uploads_of(PHOTO_BUCKET, seeded) if named else timer())

    assert sum(one.operation == "AbortMultipartUpload" for one in cloud.requests(mark)) == 3
    assert [status(one) for one in result] == ["partial", "partial", "failed"]
    assert platform.failures()[0][CHAIN_FAILED]["codes"] == ["UploadConflict"]


@pytest.mark.parametrize("named", [True, False], ids=["named", "swept"])
@pytest.mark.parametrize("failures", [1, 2])
def test_upload_that_succeeds_at_a_later_attempt_is_no_failure(
    failures: int, cloud: Cloud, platform: Platform, *, named: bool
) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    cloud.fault("AbortMultipartUpload", key="raw/1", count=failures, **CONFLICT)

    result = platform.play(uploads_of(PHOTO_BUCKET, seeded) if named else timer())

    assert (counted(result), left(cloud, PHOTO_BUCKET)) == ({"aborted": 3}, [])
    assert [status(one) for one in result] == ["partial"] * failures + ["complete"]
    assert platform.failures() == []
    assert [line for one in result for line in one.lines("upload.failed")] == []


@pytest.mark.parametrize("named", [True, False], ids=["named", "swept"])
@pytest.mark.parametrize(("seconds", "waits"), [(900, [60.0]), (130, [60.0]), (100, []), (10, [])])
def test_run_that_has_nothing_else_to_do_waits_a_minute_before_the_last_attempt_where_there_is_time(
    seconds: int, waits: list[float], cloud: Cloud, platform: Platform, *, named: bool
) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/1")
    cloud.fault("AbortMultipartUpload", **CONFLICT)
    platform.run(uploads_of(PHOTO_BUCKET, seeded) if named else timer())

    platform.run(platform.take(), seconds=seconds)
    before_the_last = list(platform.function.waits)
    platform.run(platform.take(), seconds=seconds)

    assert before_the_last == []
    assert platform.function.waits == waits
    assert len(platform.failures()) == 1


def test_run_that_has_something_else_to_do_does_not_wait(cloud: Cloud, platform: Platform) -> None:
    """The listing was cut off, so it is as good as new."""
    cloud.seed(PHOTO_BUCKET, "raw/1")
    cloud.fault("AbortMultipartUpload", **CONFLICT)
    platform.run(timer(buckets=[PHOTO_BUCKET]))
    platform.run(platform.take())
    checkpoint = platform.take()
    checkpoint[CHECKPOINT]["todo"].append(["listing", 0, LOG_BUCKET, "", "", "", {}])

    platform.run(checkpoint, seconds=900)

    assert platform.function.waits == []


def test_upload_that_is_rejected_for_good_is_not_tried_again(cloud: Cloud, platform: Platform) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    cloud.fault("AbortMultipartUpload", key="raw/1", status=403, code="AccessDenied")

    (result,) = platform.play(uploads_of(PHOTO_BUCKET, seeded))

    assert (counted([result]), status(result)) == ({"aborted": 2, "failed": 1}, "failed")
    assert platform.failures()[0][CHAIN_FAILED]["codes"] == ["AccessDenied"]


def test_failed_upload_is_tried_again_after_everything_else(cloud: Cloud, platform: Platform) -> None:
    """Time runs out behind it, so the next run has uploads that were never tried."""
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n:02}", count=30)
    cloud.fault("AbortMultipartUpload", key="raw/00", count=1, **CONFLICT)
    cloud.fault("ListParts", skip=4, count=30, delay_ms=400)
    platform.run(uploads_of(PHOTO_BUCKET, seeded), seconds=1.5, WORKERS="4")
    cloud.heal()
    mark = cloud.mark()

    result = platform.run(platform.take(), WORKERS="1")

    aborted = [one.key for one in cloud.requests(mark) if one.operation == "AbortMultipartUpload"]
    assert aborted[-1] == "raw/00"
    assert len(aborted) == result.report["aborted"] > 1


@pytest.mark.parametrize("is_well_again", [True, False])
def test_failed_uploads_beyond_500_travel_as_ranges_of_the_listing(
    cloud: Cloud, platform: Platform, *, is_well_again: bool
) -> None:
    cloud.seed(PHOTO_BUCKET, "raw/{n:04}", count=700)
    cloud.seed(PHOTO_BUCKET, "raw/0300-live", hours_since_start=5)
    cloud.fault("AbortMultipartUpload", key_prefix="raw/0", count=690 if is_well_again else None, **CONFLICT)

    result = platform.play(timer())

    assert max(len(json.dumps(one)) for one in platform.offered) < 5_000
    if is_well_again:
        assert (counted(result), [status(one) for one in result]) == (
            {"aborted": 700, "kept": 1},
            ["partial", "complete"],
        )
    else:
        assert counted(result) == {"failed": 700, "kept": 1}
        assert [status(one) for one in result] == ["partial", "partial", "failed"]
    assert len(left(cloud, PHOTO_BUCKET)) == (1 if is_well_again else 701)
    assert len({line["key"] for one in result for line in one.lines("upload.failed")}) == (0 if is_well_again else 700)


@pytest.mark.parametrize("make", [kafka, post], ids=["ckafka", "http"])
def test_queue_and_caller_receive_the_failure_and_nothing_is_continued(
    make: Any, cloud: Cloud, platform: Platform
) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    cloud.fault("AbortMultipartUpload", key="raw/1", **CONFLICT)

    result = platform.run(make(PHOTO_BUCKET, seeded))

    assert platform.offered == []
    assert result.answer["statusCode"] == 503 if result.answer else type(result.error).__name__ == "RunFailed"
    assert (make is post) == (result.answer is not None)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("make", [kafka, post], ids=["ckafka", "http"])
def test_queue_and_caller_hear_of_what_failed_even_when_time_ran_out(
    make: Any, cloud: Cloud, platform: Platform
) -> None:
    """What time cut off may be continued; what failed would be lost if the batch counted as done."""
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n:03}", count=60)
    cloud.fault("AbortMultipartUpload", key="raw/000", **CONFLICT)
    cloud.fault("ListParts", skip=20, delay_ms=900)

    result = platform.run(make(PHOTO_BUCKET, seeded), seconds=1.5, WORKERS="8")

    assert left(cloud, PHOTO_BUCKET)
    assert result.answer["statusCode"] == 503 if result.answer else type(result.error).__name__ == "RunFailed"
    assert (make is post) == (result.answer is not None)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("make", [kafka, post, uploads_of], ids=["ckafka", "http", "direct"])
def test_event_that_is_cut_off_by_time_is_continued(make: Any, cloud: Cloud, platform: Platform) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n:03}", count=60)
    cloud.fault("ListParts", skip=20, count=16, delay_ms=2400)

    result = platform.run(make(PHOTO_BUCKET, seeded), seconds=4, WORKERS="8")
    rest = platform.play(platform.take())

    assert result.error is None
    assert make is not post or result.answer is None or result.answer["statusCode"] == 202
    assert (counted([result, *rest]), left(cloud, PHOTO_BUCKET)) == ({"aborted": 60}, [])


def test_chain_is_not_complete_while_aborts_without_effect_were_not_looked_at(cloud: Cloud, platform: Platform) -> None:
    """A 204 whose verification the time limit cut off proves nothing where another one had no effect."""
    for seeded in cloud.seed(PHOTO_BUCKET, "{n:02}", count=60):
        cloud.fault("AbortMultipartUpload", key=seeded.key, count=1, ignore=True)
    cloud.fault("ListParts", delay_ms=150)

    result = platform.play(timer(), seconds=3, WORKERS="8", VERIFY="all")

    assert len(result) > 1
    assert (status(result[-1]), left(cloud, PHOTO_BUCKET)) == ("complete", [])
    assert sum(counted(result).values()) == 60


def test_upload_that_a_204_left_in_place_is_reported_as_aborted_once(cloud: Cloud, platform: Platform) -> None:
    """The first run counted what it had aborted behind the place where the next run goes on, and so did that one."""
    cloud.seed(PHOTO_BUCKET, "a")
    (slow,) = cloud.seed(PHOTO_BUCKET, "b-slow")
    for seeded in cloud.seed(PHOTO_BUCKET, "c/{n:02}", count=20):
        cloud.fault("AbortMultipartUpload", key=seeded.key, count=1, ignore=True)
    (recent,) = cloud.seed(PHOTO_BUCKET, "d-recent", hours_since_start=200, hours_since_last_part=20)
    cloud.fault("AbortMultipartUpload", key=recent.key, count=1, ignore=True)
    cloud.fault("ListParts", key=slow.key, count=1, body="silent")

    result = platform.play(timer(), seconds=3, WORKERS="8", VERIFY="recent", MIN_IDLE_HOURS="10", MIN_AGE_HOURS="10")

    assert len(result) > 1
    assert left(cloud, PHOTO_BUCKET) == []
    assert sum(counted(result).values()) == 23
