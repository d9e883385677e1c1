"""
What a request becomes under the settings: never more than they allow.
"""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cos_sweeper.core.model import AbortRequest, Bucket, CompletedObject, RejectedRequest, SweepRequest, Upload
from cos_sweeper.core.plan import ListingTarget, Plan, UploadTarget, build_plan
from tests.aborting import aborting_settings

NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)
PHOTOS = Bucket("photos-1250000000", "ap-guangzhou")
LOGS = Bucket("logs-1250000000", "ap-singapore")
BOTH = (PHOTOS, LOGS)


def planned(*requests: AbortRequest | CompletedObject | SweepRequest | RejectedRequest, **settings: object) -> Plan:
    return build_plan(requests, aborting_settings(BOTH, **settings), BOTH, "run", NOW)


def reasons(plan: Plan) -> str:
    return "; ".join(refused.reason for refused in plan.rejected)


def test_a_sweep_scans_every_bucket_with_the_settings_policy() -> None:
    plan = planned(SweepRequest(), min_age=90 * HOUR, exclude_prefixes=("keep",))

    assert [(scan.bucket, scan.prefix) for scan in plan.scans] == [(PHOTOS, ""), (LOGS, "")]
    assert {(scan.policy.min_age, scan.policy.exclude_prefixes) for scan in plan.scans} == {(90 * HOUR, ("keep",))}
    assert (plan.run_id, plan.as_of, plan.rejected) == ("run", NOW, ())


def test_a_sweep_narrows() -> None:
    ask = SweepRequest((LOGS.name,), ("raw/x/",), 100 * HOUR, 50 * HOUR, 5, dry_run=True)

    plan = planned(ask, prefixes=("raw/",), max_aborts=10)

    (scan,) = plan.scans
    assert (scan.bucket, scan.prefix, scan.policy.prefixes) == (LOGS, "raw/x/", ("raw/x/",))
    assert (scan.policy.min_age, scan.policy.min_idle) == (100 * HOUR, 50 * HOUR)
    assert (plan.max_aborts, plan.dry_run) == (5, True)


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (SweepRequest(min_age=71 * HOUR), "`min_age_hours` may not be below MIN_AGE_HOURS (72)"),
        (SweepRequest(min_idle=23 * HOUR), "`min_idle_hours` may not be below MIN_IDLE_HOURS (24)"),
        (SweepRequest(max_aborts=11), "`max_aborts` may not be above MAX_ABORTS (10)"),
        (SweepRequest(dry_run=False), "`dry_run` may not be false while DRY_RUN is true"),
        (SweepRequest(prefixes=("logs/",)), "'logs/' is outside PREFIXES"),
        (SweepRequest(prefixes=("raw/x", "/raw/")), "'/raw/' matches nothing"),
    ],
    ids=["age", "idle", "aborts", "dry_run", "prefix", "slash"],
)
def test_a_sweep_that_wants_more_is_refused_whole(ask: SweepRequest, reason: str) -> None:
    plan = planned(ask, max_aborts=10, dry_run=True, prefixes=("raw/",))

    assert reason in reasons(plan)
    assert plan.scans == ()


def test_a_bucket_outside_the_list_is_refused_and_the_others_are_swept() -> None:
    plan = planned(SweepRequest(buckets=("other-1250000000", LOGS.name)))

    assert "'other-1250000000' is not among BUCKETS" in reasons(plan)
    assert [scan.bucket for scan in plan.scans] == [LOGS]


def test_prefixes_inside_one_another_are_listed_once() -> None:
    plan = planned(SweepRequest((PHOTOS.name,)), prefixes=("raw/x", "raw/", "a", "raw/"))

    assert [scan.prefix for scan in plan.scans] == ["a", "raw/"]


segments = st.lists(st.sampled_from(["a", "a/", "a/b", "ab", "b", "b/c"]), max_size=3).map(tuple)


@given(allowed=segments, wanted=segments, key=st.text("ab/c", max_size=4))
def test_a_key_is_scanned_once_if_it_lies_under_both_and_never_otherwise(
    allowed: tuple[str, ...], wanted: tuple[str, ...], key: str
) -> None:
    plan = planned(SweepRequest((PHOTOS.name,), wanted or None), prefixes=allowed)

    lies_under_both = all(not some or any(key.startswith(one) for one in some) for some in (allowed, wanted))
    scanning = [scan for scan in plan.scans if key.startswith(scan.prefix)]
    assert len(scanning) <= 1
    assert not scanning or lies_under_both
    assert scanning or not lies_under_both or plan.rejected


def test_a_named_upload_takes_its_region_from_the_settings() -> None:
    plan = planned(AbortRequest(LOGS.name, "k", "1"), event_min_idle=5 * HOUR)

    (named,) = plan.named
    assert named.upload == Upload(LOGS, "k", "1")
    assert (named.policy.min_age, named.policy.min_idle) == (timedelta(0), 5 * HOUR)


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (AbortRequest("other-1250000000", "k", "1"), "not among BUCKETS"),
        (AbortRequest(LOGS.name, "k", "1", "ap-beijing"), "is in ap-singapore"),
        (AbortRequest(LOGS.name, "/", "1"), "the key is empty"),
        (AbortRequest(LOGS.name, "a/..", "1"), "last segment"),
        (AbortRequest(LOGS.name, "//k", "1"), "starts with '/'"),
        (AbortRequest(LOGS.name, "k" * 851, "1"), "851 bytes"),
        (AbortRequest(LOGS.name, "\ud800", "1"), "not valid UTF-8"),
        (AbortRequest(LOGS.name, "k", "1 2"), "malformed"),
        (CompletedObject(LOGS.name, "a/.", NOW), "last segment"),
        (CompletedObject("other-1250000000", "k", NOW), "not among BUCKETS"),
    ],
)
def test_what_may_not_be_asked_is_refused(ask: AbortRequest | CompletedObject, reason: str) -> None:
    plan = planned(ask)

    assert reason in reasons(plan)
    assert (plan.named, plan.scans) == ((), ())


def test_what_is_asked_twice_is_done_once() -> None:
    plan = planned(*[AbortRequest(LOGS.name, "k", "1", origin=f"record {n}") for n in range(3)])

    assert len(plan.named) == 1


def test_stale_siblings_must_be_older_than_the_object_and_idle_for_an_hour_at_least() -> None:
    short = planned(CompletedObject(LOGS.name, "k", NOW - HOUR))
    long = planned(CompletedObject(LOGS.name, "k", NOW + HOUR), event_min_idle=2 * HOUR)

    (scan,), (other,) = short.scans, long.scans
    assert (scan.prefix, scan.policy.only_key, scan.policy.started_before) == ("k", "k", NOW - HOUR)
    assert (scan.policy.min_idle, scan.policy.min_idle_unproven) == (HOUR, 24 * HOUR)
    assert (other.policy.min_idle, other.policy.started_before) == (2 * HOUR, NOW)


def test_a_spared_object_is_not_even_listed() -> None:
    assert planned(CompletedObject(LOGS.name, "keep/k", NOW), exclude_prefixes=("keep/",)).scans == ()


def test_a_dry_run_in_the_settings_holds_for_every_request() -> None:
    assert planned(AbortRequest(LOGS.name, "k", "1"), dry_run=True).dry_run
    assert isinstance(planned(AbortRequest(LOGS.name, "k", "1")).named[0], UploadTarget)
    assert isinstance(planned(SweepRequest()).scans[0], ListingTarget)
