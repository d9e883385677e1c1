"""
Chains of real processes: what the deadline, the rate limit and hanging requests cut off.
"""

from collections import Counter
from typing import Any

import pytest

from tests.function import LOGS, PHOTOS
from tests.integration.chains import (
    CHECKPOINT,
    LOG_BUCKET,
    PHOTO_BUCKET,
    Chain,
    gone,
    totals,
    uploads_of,
)


def hand_overs(chain: Chain) -> int:
    return sum(CHECKPOINT in one.event for one in chain.cloud.invocations())


def test_uploads_that_the_rate_limit_and_the_deadline_cut_off_are_all_aborted_in_the_end(chain: Chain) -> None:
    """No failure of COS's, so nothing of it is reported as one."""
    for bucket in (PHOTO_BUCKET, LOG_BUCKET):
        chain.cloud.seed(bucket, "{n:03}", count=200)
        chain.cloud.throttle(bucket, 150, burst=100)
    chain.set_up(seconds=2, VERIFY="none")

    runs = chain.sweep()

    assert chain.left() == []
    assert len(runs) > 1
    assert {one.end for one in runs} == {"returned"}
    assert runs[-1].answer["status"] == "complete"
    result = totals(runs)
    assert gone(runs) == sum(result.values()) == 400
    assert chain.failures() == []


def test_upload_that_waits_for_the_rate_limit_is_not_too_slow(chain: Chain) -> None:
    chain.cloud.seed(PHOTO_BUCKET, "{n:02}", count=30)
    chain.cloud.throttle(PHOTO_BUCKET, 8, burst=2)
    chain.set_up(seconds=3, WORKERS="30", VERIFY="none")

    runs = chain.sweep()

    # The time limit may cut off the response to an abort; the next run then finds the upload gone.
    assert chain.left() == []
    assert gone(runs) == sum(totals(runs).values()) == 30
    assert chain.failures() == []


@pytest.mark.parametrize("named", [True, False], ids=["named", "swept"])
def test_abort_whose_response_was_cut_off_is_looked_up_again_and_frees_no_bytes(chain: Chain, *, named: bool) -> None:
    seeded = chain.cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    chain.cloud.fault("AbortMultipartUpload", key="raw/1", body="silent")
    chain.set_up(seconds=1.5)

    runs = chain.send(uploads_of(PHOTO_BUCKET, seeded)) if named else chain.sweep()

    assert (chain.left(), len(chain.requests("AbortMultipartUpload"))) == ([], 3)
    assert totals(runs) == {"aborted": 2, "already_gone": 1}
    assert sum(one.answer["bytes_freed"] for one in runs) == 2 << 20
    assert runs[-1].answer["status"] == "complete"


@pytest.mark.sampled(1)
@pytest.mark.parametrize("hanging", [PHOTO_BUCKET, LOG_BUCKET])
def test_hanging_bucket_fails_alone_and_the_healthy_one_is_swept(hanging: str, chain: Chain) -> None:
    chain.cloud.seed(PHOTO_BUCKET, "{n}", count=3)
    chain.cloud.seed(LOG_BUCKET, "{n}", count=3)
    chain.cloud.hang(hanging)
    chain.set_up(seconds=1.5)

    runs = chain.sweep()

    healthy = LOG_BUCKET if hanging == PHOTO_BUCKET else PHOTO_BUCKET
    assert chain.cloud.uploads(healthy) == []
    assert gone(runs) == sum(totals(runs).values()) == 3
    assert runs[-1].answer["status"] == "failed"
    (line,) = chain.lines("bucket.failed")
    assert line["bucket"].startswith(hanging)
    # Each failure event is tried three times; a run that was killed after sending one sends another.
    assert {*Counter(one.request_id for one in chain.failures()).values()} == {3}


def test_several_hanging_buckets_do_not_keep_the_healthy_one_from_being_swept(chain: Chain) -> None:
    hanging = ["aaa-1250000000", "bbb-1250000000"]
    locations = [f"{one}@ap-guangzhou" for one in hanging]
    chain.cloud.reset(PHOTOS, LOGS, *locations)
    chain.cloud.seed(PHOTO_BUCKET, "{n}", count=3)
    for one in hanging:
        chain.cloud.hang(one)
    chain.set_up(seconds=1, BUCKETS=",".join([*locations, PHOTOS]))

    runs = chain.sweep()

    assert chain.cloud.uploads(PHOTO_BUCKET) == []
    assert gone(runs) == sum(totals(runs).values()) == 3
    assert runs[-1].answer["status"] == "failed"


def test_upload_of_ten_thousand_parts_does_not_block_the_pages_behind_it(chain: Chain) -> None:
    """Its ten pages take longer than one run has; where the reading stopped is remembered."""
    chain.cloud.seed(PHOTO_BUCKET, "a-long", parts=10_000, part_size=1 << 10)
    chain.cloud.seed(PHOTO_BUCKET, "raw/{n:04}", count=1100, hours_since_start=5)
    chain.cloud.seed(PHOTO_BUCKET, "z/{n}", count=3)
    chain.cloud.fault("ListParts", key="a-long", delay_ms=200)
    chain.set_up(seconds=2.2, WORKERS="1")

    runs = chain.sweep()

    assert {one.key for one in chain.aborts()} >= {f"z/{n}" for n in range(3)}
    assert totals(runs)["kept"] == 1100
    assert len(chain.left()) in (1100, 1101)
    assert runs[-1].answer["status"] in ("complete", "failed")
    reads = [one.raw_query for one in chain.requests("ListParts") if one.key == "a-long"]
    assert len(reads) <= 2 * 10 + 2


def test_upload_whose_parts_take_several_runs_to_read_is_aborted_in_the_end(chain: Chain) -> None:
    """As long as each run reads more of them, it is not the one that blocks."""
    chain.cloud.seed(PHOTO_BUCKET, "a-long", parts=10_000, part_size=1 << 10)
    chain.cloud.fault("ListParts", key="a-long", delay_ms=250)
    chain.set_up(seconds=2.2, WORKERS="1")

    runs = chain.sweep()

    assert (chain.left(), runs[-1].answer["status"], totals(runs)) == ([], "complete", {"aborted": 1})
    assert len(runs) > 2


@pytest.mark.sampled(1)
@pytest.mark.parametrize("operation", ["ListParts", "AbortMultipartUpload"])
def test_uploads_that_hang_in_one_bucket_do_not_keep_another_from_being_swept(operation: str, chain: Chain) -> None:
    """More of them than there are workers, run after run."""
    chain.cloud.seed(LOG_BUCKET, "{n:02}", count=3)
    chain.cloud.seed(PHOTO_BUCKET, "{n:02}", count=5)
    chain.cloud.fault(operation, bucket=PHOTO_BUCKET, body="silent", ignore=True)
    chain.set_up(seconds=1.2, WORKERS="2")

    runs = chain.sweep()

    assert chain.cloud.uploads(LOG_BUCKET) == []
    assert gone(runs) >= 3
    assert runs[-1].answer["status"] == "failed"


def test_chain_in_which_nothing_moves_ends_with_a_failure(chain: Chain) -> None:
    chain.cloud.seed(PHOTO_BUCKET, "{n}", count=3)
    chain.cloud.hang(PHOTO_BUCKET)
    chain.cloud.hang(LOG_BUCKET)
    chain.set_up(seconds=1)

    runs = chain.sweep()

    assert len(runs) <= 6
    assert runs[-1].answer["status"] == "failed"
    assert len(chain.failures()) == 3
    assert totals(runs)["aborted"] == 0


def test_continuation_that_hangs_ends_before_the_time_limit_and_is_repeated(chain: Chain) -> None:
    chain.cloud.seed(PHOTO_BUCKET, "{n:03}", count=20)
    chain.cloud.fault("ListMultipartUploads", bucket=LOG_BUCKET, delay_ms=1400, count=1)
    chain.cloud.seed(LOG_BUCKET, "{n:03}", count=20)
    chain.set_up(seconds=2)
    # The first request only asks whether the function may invoke itself.
    chain.cloud.invoke_fault(body="silent", status=500, skip=1, count=3)

    runs = chain.sweep()

    assert {one.end for one in runs} <= {"returned", "raised"}
    assert "raised" in {one.end for one in runs}
    assert chain.left() == []
    assert totals(runs)["aborted"] <= 40


def test_checkpoint_that_is_delivered_twice_does_no_harm(chain: Chain) -> None:
    chain.cloud.seed(PHOTO_BUCKET, "{n:03}", count=60)
    chain.cloud.seed(LOG_BUCKET, "{n:03}", count=60)
    chain.set_up(FAN_OUT="3")
    chain.cloud.scf_settings(duplicate=1.0)

    runs = chain.sweep()

    assert chain.left() == []
    assert totals(runs)["aborted"] == len(chain.aborts()) == 120
    assert {one.end for one in runs} == {"returned"}


@pytest.mark.parametrize("fault", [{"status": 200, "code": "RequestLimitExceeded"}, {"reset": "before"}], ids=str)
def test_continuation_that_is_throttled_or_reset_is_repeated(fault: dict[str, Any], chain: Chain) -> None:
    chain.cloud.seed(PHOTO_BUCKET, "{n:03}", count=60)
    chain.set_up(FAN_OUT="4")
    chain.cloud.invoke_fault(skip=2, count=2, **fault)

    runs = chain.sweep()

    assert (chain.left(), totals(runs)["aborted"]) == ([], 60)
    assert {one.end for one in runs} == {"returned"}
    assert hand_overs(chain) == 4


def test_continuation_that_is_accepted_in_part_is_completed_by_the_platforms_retry(chain: Chain) -> None:
    chain.cloud.seed(PHOTO_BUCKET, "{n:03}", count=100)
    chain.set_up(FAN_OUT="10")
    # Three of ten, and not the seven others together either.
    chain.cloud.invoke_fault(status=200, code="ResourceNotFound.Function", skip=3, count=8)

    runs = chain.sweep()

    assert (chain.left(), totals(runs)["aborted"]) == ([], 100)
    raised = [one for one in runs if one.end == "raised"]
    assert len(raised) == 1
    assert raised[0].error is not None
    assert "ContinuationFailed" in raised[0].error.message
