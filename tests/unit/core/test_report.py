"""
Counts, bytes and prefix usage, added up.
"""

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cos_sweeper.core.model import RejectedRequest, Upload
from cos_sweeper.core.outcomes import (
    Aborted,
    AlreadyGone,
    BucketFailed,
    Deferred,
    Failed,
    Kept,
    Outcome,
    StillReceiving,
    WouldAbort,
)
from cos_sweeper.core.plan import build_plan
from cos_sweeper.core.report import Status
from cos_sweeper.core.report_builder import (
    ELSEWHERE,
    MAX_FAILURES_SHOWN,
    MAX_PREFIXES_KEPT,
    MAX_PREFIXES_SHOWN,
    ReportBuilder,
)
from tests.fixtures import PHOTOS, aborting_settings

PLAN = build_plan((), aborting_settings((PHOTOS,)), (PHOTOS,), "run", datetime(2026, 11, 22, tzinfo=timezone.utc))


def upload(key: str = "raw/a") -> Upload:
    return Upload(PHOTOS, key, "1")


sizes = st.none() | st.integers(0, 10**12)
outcomes = st.one_of(
    st.builds(Kept, st.just(upload()), st.sampled_from(["young", "live"])),
    st.builds(WouldAbort, st.just(upload()), sizes),
    st.builds(Aborted, st.just(upload()), sizes, st.just("id")),
    st.just(AlreadyGone(upload())),
    st.builds(RejectedRequest, st.just("why"), st.none() | st.just(upload())),
    st.builds(
        Failed, st.just(upload()), st.sampled_from(["SlowDown", "AccessDenied"]), st.just(1), st.just(""), st.booleans()
    ),
    st.just(Deferred(upload(), "out of time")),
)


@given(found=st.lists(outcomes, max_size=60))
def test_counts_and_bytes_add_up(found: list[Outcome]) -> None:
    report_builder = ReportBuilder(PLAN)
    for outcome in found:
        report_builder.add(outcome)

    report = report_builder.build()

    aborted = [one for one in found if isinstance(one, Aborted)]
    assert report.uploads == sum(report.counts.values()) == len(found)
    assert report.counts["aborted"] == len(aborted)
    assert report.bytes_freed == sum(one.bytes or 0 for one in aborted)
    assert sum(report.kept.values()) == report.counts["kept"]
    assert sum(report.failed.values()) == report.counts["failed"] == report.transient + report.permanent
    assert (
        sum(each["uploads"] for each in report.prefix_usage) == report.counts["aborted"] + report.counts["would_abort"]
    )
    assert sum(each["bytes"] for each in report.prefix_usage) == report.bytes_freed + report.bytes_would_free


def test_unknown_size_is_counted_as_unknown_and_not_as_zero() -> None:
    report_builder = ReportBuilder(PLAN)
    report_builder.add(Aborted(upload(), None, "id"))
    report_builder.add(Aborted(upload(), 0, "id"))

    assert report_builder.build().size_unknown == 1


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (AlreadyGone(upload()), Status.COMPLETE),
        (RejectedRequest("why"), Status.REJECTED),
        (RejectedRequest("why", upload(), "listing"), Status.PARTIAL),
        (RejectedRequest("why", sweep=True), Status.FAILED),
        (StillReceiving(upload(), "id"), Status.PARTIAL),
        (Deferred(upload(), "out of time"), Status.PARTIAL),
        (Failed(upload(), "SlowDown", 503, "", permanent=False), Status.FAILED),
    ],
    ids=["gone", "rejected", "not_addressable", "sweep_rejected", "still_receiving", "deferred", "failed"],
)
def test_status_is_the_worst_of_the_outcomes(outcome: Outcome, status: Status) -> None:
    report_builder = ReportBuilder(PLAN)
    report_builder.add(outcome)

    assert report_builder.build().status is status


def test_listing_that_failed_makes_the_run_failed() -> None:
    report_builder = ReportBuilder(PLAN)
    report_builder.sweeping(PHOTOS)
    report_builder.bucket_failed(BucketFailed(PHOTOS, "AccessDenied", 403, "id", permanent=True))

    report = report_builder.build()

    assert (report.status, report.buckets_swept, report.buckets_failed) == (Status.FAILED, 0, 1)
    assert report.failures[0]["bucket"] == str(PHOTOS)


def test_prefix_usage_is_grouped_by_prefix_and_initiator_the_largest_first() -> None:
    report_builder = ReportBuilder(PLAN)
    for key, size, who in (("raw/a", 1, "x"), ("raw/b", 2, "x"), ("raw/c", 9, "y"), ("top", 5, "x")):
        report_builder.add(Aborted(upload(key), size, "id"), who)

    usage = [
        (each["prefix"], each["initiator"], each["uploads"], each["bytes"])
        for each in report_builder.build().prefix_usage
    ]

    assert usage == [("raw/", "y", 1, 9), ("", "x", 1, 5), ("raw/", "x", 2, 3)]


def test_report_stays_small_for_any_number_of_uploads() -> None:
    report_builder = ReportBuilder(PLAN)
    for n in range(5 * MAX_PREFIXES_KEPT):
        report_builder.add(Aborted(upload(f"{n}/x"), 1, "id"))
        report_builder.add(Failed(upload(f"{n}/x"), "SlowDown", 503, "", permanent=False))

    report = report_builder.build()

    assert len(report.failures) == MAX_FAILURES_SHOWN
    assert len(report.prefix_usage) == MAX_PREFIXES_SHOWN
    assert report.prefix_usage[0]["bucket"] == ELSEWHERE
    assert len(report_builder.prefix_usage) <= 2 * MAX_PREFIXES_KEPT + 1
    assert sum(each.uploads for each in report_builder.prefix_usage.values()) == 5 * MAX_PREFIXES_KEPT
