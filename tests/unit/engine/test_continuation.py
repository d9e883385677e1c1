"""
More than one invocation: continuation, splitting, and the end of a chain.
"""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from cos_sweeper.core import checkpoint
from cos_sweeper.core.errors import RunFailed
from cos_sweeper.core.model import AbortRequest, SweepRequest
from cos_sweeper.core.report import Report, Status
from cos_sweeper.core.report_builder import MAX_DETAILS_SHOWN
from cos_sweeper.scf.events import Source
from cos_sweeper.scf.responses import response
from tests.fixtures import BUCKETS, NOW, aborting_settings
from tests.scf_in_memory import MemoryScf

PHOTOS, LOGS = BUCKETS


def engine(*, seconds: int = 1000, **settings: object) -> MemoryScf:
    return MemoryScf(aborting_settings(BUCKETS, **{"workers": 1, **settings}), seconds=seconds)


def total(reports: list[Report], name: str) -> int:
    return sum(report.counts[name] for report in reports)


def test_run_with_enough_time_is_a_chain_of_one() -> None:
    scf = engine()
    scf.seed("{n}", 7)

    scf.fire()

    assert [(report.status, report.continuations) for report in scf.reports] == [(Status.COMPLETE, 0)]


def test_run_out_of_time_continues_the_rest_and_is_partial() -> None:
    scf = engine(seconds=9)
    scf.seed("{n:02}", 20)
    scf.seed("live/{n}", 4, idle=1)
    scf.seed("{n}", 3, bucket=1)

    scf.fire()

    *before, last = scf.reports
    assert {report.status for report in before} == {Status.PARTIAL}
    assert {report.continuations for report in before} == {1}
    assert (last.status, last.continuations) == (Status.COMPLETE, 0)
    assert [report.number for report in scf.reports] == list(range(1, len(scf.reports) + 1))
    assert {(report.run_id, report.as_of) for report in scf.reports} == {("run-0", NOW)}
    assert (total(scf.reports, "aborted"), total(scf.reports, "kept"), total(scf.reports, "deferred")) == (23, 4, 0)


@pytest.mark.parametrize("seconds", range(9, 30))
def test_upload_aborted_behind_the_resume_point_is_reported_once(seconds: int) -> None:
    """One upload of many parts is not reached in time, while the small ones after it are aborted."""
    scf = engine(seconds=seconds, workers=2)
    scf.page_size = 2
    scf.seed("a", parts=12)
    scf.seed("b{n}", 12, parts=1)

    scf.fire()

    assert scf.held() == set()
    assert total(scf.reports, "aborted") == sum(report.uploads for report in scf.reports) == 13


def test_uploads_that_an_event_named_travel_too() -> None:
    scf = engine(seconds=5)
    uploads = scf.seed("{n}", 12)

    scf.fire(*[AbortRequest(upload.bucket.name, upload.key, upload.upload_id) for upload in uploads])

    assert scf.held() == set()
    assert len(scf.reports) > 2
    assert sum(len(report.details) for report in scf.reports) == 12


def test_sweep_is_split_into_one_shard_for_each_instance() -> None:
    scf = engine(fan_out=4)
    scf.seed("{n}", 40)
    scf.seed("{n}", 40, bucket=1)

    scf.fire()

    first, *workers = scf.reports
    assert (first.uploads, first.continuations, first.status) == (0, 4, Status.PARTIAL)
    assert [report.shard.indexes for report in workers] == [(0,), (1,), (2,), (3,)]
    assert sum(report.uploads for report in workers) == 80
    assert all(0 < report.counts["aborted"] < 40 for report in workers)
    assert scf.held() == set()


def test_shard_is_not_split_again() -> None:
    scf = engine(seconds=9, fan_out=3)
    scf.seed("{n}", 60)

    scf.fire()

    assert {(report.shard.count, report.continuations <= 1) for report in scf.reports[1:]} == {(3, True)}
    assert scf.held() == set()


@pytest.mark.parametrize("fan_out", [1, 3])
@pytest.mark.parametrize("seconds", [9, 1000])
def test_limit_of_aborts_holds_for_the_whole_chain(seconds: int, fan_out: int) -> None:
    scf = engine(seconds=seconds, fan_out=fan_out, max_aborts=17)
    scf.seed("{n:02}", 60)

    scf.fire()

    assert total(scf.reports, "aborted") <= 17
    assert total(scf.reports, "aborted") == 60 - len(scf.held())
    assert fan_out > 1 or total(scf.reports, "aborted") == 17
    assert total(scf.reports, "deferred") > 0
    assert scf.reports[-1].status is Status.PARTIAL


def test_failure_of_an_earlier_run_is_reported_by_the_last_run() -> None:
    scf = engine(seconds=9)
    scf.seed("{n:02}", 20)
    scf.account.delete_bucket(LOGS.name)
    scf.settings = replace(scf.settings, prefixes=("",))

    scf.fire(SweepRequest(buckets=(LOGS.name, PHOTOS.name)))

    first, last = scf.reports[0], scf.reports[-1]
    assert first.failed == {"NoSuchBucket": 1}
    assert (last.failed, last.prior_failures.failed, last.permanent) == ({}, (("NoSuchBucket", 1),), 1)
    assert last.status is Status.FAILED


def test_rest_that_scf_does_not_accept_is_deferred_and_the_run_fails() -> None:
    scf = engine(seconds=9)
    scf.seed("{n:02}", 20)
    scf.accepts = 0

    scf.fire()

    (report,) = scf.reports
    assert (report.failed, report.continuations, report.status) == ({"ContinuationFailed": 1}, 0, Status.FAILED)
    assert report.counts["deferred"] > 0
    assert "photos-1250000000@ap-guangzhou after '0" in report.failures[0]["detail"]
    with pytest.raises(RunFailed):
        response(Source.ASYNCHRONOUS, report)


def test_continuation_that_is_accepted_in_part_raises_and_names_the_missing_shard() -> None:
    """An accepted part that continues twice does no harm; a part that is not accepted would be lost."""
    scf = engine(fan_out=4)
    scf.seed("{n:02}", 40)
    scf.accepts = 3

    scf.fire()

    first = scf.reports[0]
    assert (first.failed, first.continuations, first.status) == ({"ContinuationFailed": 1}, 3, Status.FAILED)
    assert "missing: shard 4/4: all of photos-1250000000@ap-guangzhou" in first.failures[0]["detail"]
    with pytest.raises(RunFailed):
        response(Source.ASYNCHRONOUS, first, is_raised_elsewhere=True)
    assert response(Source.HTTP, first)["statusCode"] == 503
    assert 0 < len(scf.held()) < 40


def test_named_uploads_beyond_the_limit_are_reported_and_not_wanted_again() -> None:
    scf = engine(seconds=100_000, max_aborts=MAX_DETAILS_SHOWN)
    uploads = scf.seed("{n:04}", MAX_DETAILS_SHOWN + 5)

    scf.fire(*[AbortRequest(upload.bucket.name, upload.key, upload.upload_id) for upload in uploads])

    (report,) = scf.reports
    assert (report.counts["aborted"], report.counts["deferred"], report.unreached) == (MAX_DETAILS_SHOWN, 5, 0)
    assert report.over_limit == tuple(uploads[MAX_DETAILS_SHOWN:])
    for source in (Source.ASYNCHRONOUS, Source.CKAFKA):
        assert response(source, report)["status"] == "partial"
    assert response(Source.HTTP, report)["statusCode"] == 200


def test_http_response_to_a_continued_run_is_202() -> None:
    scf = engine(seconds=9)
    uploads = scf.seed("{n:02}", 20)
    scf.fire(*[AbortRequest(upload.bucket.name, upload.key, upload.upload_id) for upload in uploads])

    assert response(Source.HTTP, scf.reports[0])["statusCode"] == 202
    assert response(Source.HTTP, scf.reports[-1])["statusCode"] == 200


def test_chain_ends_with_an_error_after_two_runs_without_progress() -> None:
    scf = engine(seconds=0)
    scf.seed("{n}", 3)

    scf.fire()

    _, report = scf.reports
    assert (report.status, report.failed) == (Status.FAILED, {"NoProgress": 1})
    assert "timeout" in report.failures[0]["detail"]


def test_chain_that_is_too_long_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "MAX_RUNS", 3)
    scf = engine(seconds=6)
    scf.seed("{n:02}", 30)

    scf.fire()

    assert len(scf.reports) == 3
    assert scf.reports[-1].failed == {"ChainTooLong": 1}
    assert scf.reports[-1].status is Status.FAILED


def test_upload_whose_parts_are_never_read_in_time_does_not_continue_for_ever() -> None:
    scf = engine(seconds=2)
    scf.seed("{n}", 3)

    scf.fire()

    assert scf.reports[-1].continuations == 0
    assert scf.reports[-1].status in (Status.COMPLETE, Status.FAILED)


def test_shards_are_no_more_than_the_aborts_allowed() -> None:
    scf = engine(fan_out=4, max_aborts=2)
    scf.seed("{n:02}", 40)

    scf.fire()

    assert total(scf.reports, "aborted") == 2
    assert [str(report.shard) for report in scf.reports[1:]] == ["1/2", "2/2"]


def test_limit_of_one_abort_is_not_split() -> None:
    scf = engine(fan_out=4, max_aborts=1)
    scf.seed("{n:02}", 40)

    scf.fire()

    assert (total(scf.reports, "aborted"), len(scf.reports)) == (1, 1)


def test_named_uploads_that_take_most_of_two_runs_fail_alone_in_whatever_order_they_were_cut_off() -> None:
    """The first one's parts take longer than the second's, so that they are cut off the other way round."""
    scf = engine(seconds=3, workers=2, event_min_idle=timedelta(minutes=1))
    scf.page_size = 1
    uploads = scf.seed("{n}", 2, parts=5)
    waits = iter([9])

    async def slowly() -> None:
        for _ in range(next(waits, 0)):
            await asyncio.sleep(0)

    scf.before_parts = slowly
    scf.fire(*(AbortRequest(one.bucket.name, one.key, one.upload_id) for one in uploads))

    assert sum((Counter(report.failed) for report in scf.reports), Counter()) == {"TooSlow": 2}
    assert len(scf.held()) == 2
