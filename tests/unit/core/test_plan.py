"""
What a request becomes under the settings: never more than they allow.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cos_sweeper.core.model import (
    AbortRequest,
    Bucket,
    CompletedObject,
    RejectedRequest,
    ResumeRequest,
    SweepRequest,
    Upload,
)
from cos_sweeper.core.plan import ListingTarget, Plan, PriorFailures, Shard, UploadTarget, build_plan
from tests.fixtures import BUCKETS, HOUR, LOGS, NOW, PHOTOS, aborting_settings


def planned(*requests: AbortRequest | CompletedObject | SweepRequest | RejectedRequest, **settings: object) -> Plan:
    return build_plan(requests, aborting_settings(BUCKETS, **settings), BUCKETS, "run", NOW)


def reasons(plan: Plan) -> str:
    return "; ".join(rejected.reason for rejected in plan.rejected)


def test_sweep_lists_every_bucket_with_the_policy_of_the_settings() -> None:
    plan = planned(SweepRequest(), min_age=90 * HOUR, exclude_prefixes=("keep",))

    assert [(listing.bucket, listing.prefix) for listing in plan.listings] == [(PHOTOS, ""), (LOGS, "")]
    assert {(listing.policy.min_age, listing.policy.exclude_prefixes) for listing in plan.listings} == {
        (90 * HOUR, ("keep",))
    }
    assert (plan.run_id, plan.as_of, plan.rejected) == ("run", NOW, ())


def test_sweep_narrows() -> None:
    request = SweepRequest((LOGS.name,), ("raw/x/",), 100 * HOUR, 50 * HOUR, 5, dry_run=True)

    plan = planned(request, prefixes=("raw/",), max_aborts=10)

    (listing,) = plan.listings
    assert (listing.bucket, listing.prefix, listing.policy.prefixes) == (LOGS, "raw/x/", ("raw/x/",))
    assert (listing.policy.min_age, listing.policy.min_idle) == (100 * HOUR, 50 * HOUR)
    assert (plan.max_aborts, plan.dry_run) == (5, True)


@pytest.mark.parametrize(
    ("wanted", "reason"),
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
def test_sweep_that_widens_the_settings_is_rejected_whole(wanted: SweepRequest, reason: str) -> None:
    plan = planned(wanted, max_aborts=10, dry_run=True, prefixes=("raw/",))

    assert reason in reasons(plan)
    assert plan.listings == ()


def test_bucket_outside_the_list_is_rejected_and_the_others_are_swept() -> None:
    plan = planned(SweepRequest(buckets=("other-1250000000", LOGS.name)))

    assert "'other-1250000000' is not among BUCKETS" in reasons(plan)
    assert [listing.bucket for listing in plan.listings] == [LOGS]


def test_prefixes_inside_one_another_are_listed_once() -> None:
    plan = planned(SweepRequest((PHOTOS.name,)), prefixes=("raw/x", "raw/", "a", "raw/"))

    assert [listing.prefix for listing in plan.listings] == ["a", "raw/"]


segments = st.lists(st.sampled_from(["a", "a/", "a/b", "ab", "b", "b/c"]), max_size=3).map(tuple)


@given(allowed=segments, wanted=segments, key=st.text("ab/c", max_size=4))
def test_key_is_listed_once_if_it_lies_under_both_and_never_otherwise(
    allowed: tuple[str, ...], wanted: tuple[str, ...], key: str
) -> None:
    plan = planned(SweepRequest((PHOTOS.name,), wanted or None), prefixes=allowed)

    lies_under_both = all(not some or any(key.startswith(one) for one in some) for some in (allowed, wanted))
    scanning = [listing for listing in plan.listings if key.startswith(listing.prefix)]
    assert len(scanning) <= 1
    assert not scanning or lies_under_both
    assert scanning or not lies_under_both or plan.rejected


def test_named_upload_takes_its_region_from_the_settings() -> None:
    plan = planned(AbortRequest(LOGS.name, "k", "1"), event_min_idle=5 * HOUR)

    (named,) = plan.targets
    assert named.upload == Upload(LOGS, "k", "1")
    assert (named.policy.min_age, named.policy.min_idle) == (timedelta(0), 5 * HOUR)


@pytest.mark.parametrize(
    ("wanted", "reason"),
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
def test_request_that_is_out_of_scope_or_malformed_is_rejected(
    wanted: AbortRequest | CompletedObject, reason: str
) -> None:
    plan = planned(wanted)

    assert reason in reasons(plan)
    assert (plan.targets, plan.listings) == ((), ())


def test_request_that_stands_twice_is_planned_once() -> None:
    plan = planned(*[AbortRequest(LOGS.name, "k", "1", origin=f"record {n}") for n in range(3)])

    assert len(plan.targets) == 1


def test_named_upload_and_stale_siblings_are_held_to_the_prefixes() -> None:
    plan = planned(AbortRequest(LOGS.name, "k", "1"), CompletedObject(LOGS.name, "raw/k", NOW), prefixes=("raw/",))

    assert [one.policy.prefixes for one in plan.targets] == [("raw/",)]
    assert [listing.policy.prefixes for listing in plan.listings] == [("raw/",)]
    assert planned(CompletedObject(LOGS.name, "k", NOW), prefixes=("raw/",)).listings == ()


def test_stale_siblings_must_be_older_than_the_object_and_idle_for_an_hour_at_least() -> None:
    short = planned(CompletedObject(LOGS.name, "k", NOW - HOUR))
    long = planned(CompletedObject(LOGS.name, "k", NOW + HOUR), event_min_idle=2 * HOUR)

    (listing,), (other,) = short.listings, long.listings
    assert (listing.bucket, listing.prefix, listing.policy.only_key) == (LOGS, "k", "k")
    assert listing.policy.started_before == NOW - HOUR
    assert (listing.policy.min_idle, listing.policy.min_idle_unproven) == (HOUR, 24 * HOUR)
    assert (other.policy.min_idle, other.policy.started_before) == (2 * HOUR, NOW)


def test_completed_object_under_an_excluded_prefix_is_not_listed() -> None:
    assert planned(CompletedObject(LOGS.name, "keep/k", NOW), exclude_prefixes=("keep/",)).listings == ()


def test_dry_run_in_the_settings_holds_for_every_request() -> None:
    assert planned(AbortRequest(LOGS.name, "k", "1"), dry_run=True).dry_run
    assert isinstance(planned(AbortRequest(LOGS.name, "k", "1")).targets[0], UploadTarget)
    assert isinstance(planned(SweepRequest()).listings[0], ListingTarget)


def planned_for_photos(*requests: Any, **settings: Any) -> Plan:
    return build_plan(requests, aborting_settings((PHOTOS,), **settings), (PHOTOS,), "run", NOW)


def test_checkpoint_among_other_requests_is_rejected() -> None:
    plan = planned_for_photos(ResumeRequest({}, "record 1"))

    assert [rejected.origin for rejected in plan.rejected] == ["record 1"]


def test_sweep_that_equals_the_settings_does_not_widen_them() -> None:
    plan = planned_for_photos(SweepRequest(min_age=72 * HOUR, min_idle=24 * HOUR, max_aborts=10), max_aborts=10)

    assert plan.rejected == ()
    assert len(plan.listings) == 1


def test_prefix_wider_than_the_allowed_ones_is_narrowed_to_them() -> None:
    plan = planned_for_photos(SweepRequest(prefixes=("raw/",)), prefixes=("raw/x/", "raw/y/", "logs/"))

    assert plan.rejected == ()
    assert [listing.prefix for listing in plan.listings] == ["raw/x/", "raw/y/"]


def test_completed_object_whose_key_is_not_proven_is_rejected() -> None:
    plan = planned_for_photos(CompletedObject(PHOTOS.name, "a%20b", NOW, other_keys=("a b",)))

    assert "does not prove how its key is encoded" in plan.rejected[0].reason
    assert plan.listings == ()


def test_stale_siblings_have_no_minimum_age() -> None:
    (listing,) = planned_for_photos(CompletedObject(PHOTOS.name, "k", NOW - HOUR)).listings

    assert listing.policy.min_age == timedelta(0)


def test_region_of_a_named_upload_may_be_given_if_it_is_the_buckets() -> None:
    assert len(planned_for_photos(AbortRequest(PHOTOS.name, "k", "1", PHOTOS.region)).targets) == 1


def test_sweep_takes_every_value_that_it_does_not_name_from_the_settings() -> None:
    plan = planned_for_photos(SweepRequest(), dry_run=True, max_aborts=10, min_age=80 * HOUR, min_idle=40 * HOUR)

    assert (plan.dry_run, plan.max_aborts) == (True, 10)
    assert (plan.listings[0].policy.min_age, plan.listings[0].policy.min_idle) == (80 * HOUR, 40 * HOUR)


@pytest.mark.parametrize(("count", "prefixes", "is_planned"), [(100, 100, True), (137, 73, False)])
@pytest.mark.parametrize("is_named", [True, False])
def test_sweep_has_ten_thousand_listings_at_most(
    count: int, prefixes: int, *, is_named: bool, is_planned: bool
) -> None:
    buckets = [Bucket(f"b{n:03}-1250000000", "ap-guangzhou") for n in range(count)]
    settings = aborting_settings(tuple(buckets), prefixes=tuple(f"{n:03}/" for n in range(prefixes)))
    request = SweepRequest(tuple(bucket.name for bucket in buckets) if is_named else None)

    plan = build_plan((request,), settings, buckets, "run", NOW)

    assert (len(plan.listings), len(plan.rejected)) == ((10_000, 0) if is_planned else (0, 1))


def test_rejected_sweep_names_twenty_problems_at_most() -> None:
    (rejected,) = planned_for_photos(SweepRequest(prefixes=tuple(f"/{n}" for n in range(50)))).rejected

    assert rejected.reason.count("matches nothing") == 20


def test_rejected_upload_is_reported_up_to_the_length_of_a_key() -> None:
    request = AbortRequest(PHOTOS.name, "k" * 900, "x y" * 300, origin="record 1")

    (rejected,) = planned_for_photos(request).rejected

    assert rejected.origin == "record 1"
    assert rejected.upload == Upload(PHOTOS, "k" * 850, ("x y" * 300)[:850])


def test_uploads_beyond_the_limit_are_over_limit_in_the_events_order() -> None:
    requests = [AbortRequest(PHOTOS.name, f"{n}", "1") for n in (3, 1, 2, 1)]

    limited, unlimited = planned(*requests, max_aborts=2), planned(*requests, max_aborts=None)

    assert [one.upload.key for one in limited.targets] == ["3", "1"]
    assert [one.upload.key for one in limited.over_limit] == ["2"]
    assert [one.upload.key for one in unlimited.targets] == ["3", "1", "2"]
    assert unlimited.over_limit == ()


def test_named_upload_loses_one_leading_slash_and_the_plan_notes_it() -> None:
    plan = planned(AbortRequest(PHOTOS.name, "/k", "1", origin="record 1"), AbortRequest(PHOTOS.name, "k/", "1"))

    assert [one.upload.key for one in plan.targets] == ["k", "k/"]
    assert plan.notes == ("record 1: the key '/k' begins with '/', which is dropped",)


def test_rejected_request_is_passed_on_and_a_rejected_sweep_is_marked() -> None:
    unreadable = RejectedRequest("why", origin="record 1")
    sweeps = [SweepRequest(min_age=HOUR), SweepRequest(("other-1250000000",))]

    rejected = planned(unreadable, *sweeps, AbortRequest("other", "k", "1", origin="record 2")).rejected

    assert rejected[0] is unreadable
    assert [one.sweep for one in rejected] == [False, True, True, False]
    assert [one.origin for one in rejected[1:]] == [*(one.origin for one in sweeps), "record 2"]


def test_excluded_bucket_is_rejected_by_name() -> None:
    plan = planned(SweepRequest((PHOTOS.name,)), AbortRequest(PHOTOS.name, "k", "1"), exclude_buckets=(PHOTOS.name,))

    assert reasons(plan).count("is excluded by EXCLUDE_BUCKETS") == 2
    assert (plan.targets, plan.listings) == ((), ())


def test_sweep_without_a_bucket_is_rejected() -> None:
    plan = build_plan((SweepRequest(),), aborting_settings(None), (), "run", NOW)

    assert "no bucket to sweep" in reasons(plan)


def test_sweep_may_repeat_what_the_settings_do_not_limit() -> None:
    plan = planned(SweepRequest(max_aborts=10**12, dry_run=False), max_aborts=None, dry_run=False)

    assert (plan.rejected, plan.dry_run, plan.max_aborts) == ((), False, 10**12)


def test_plan_takes_workers_verification_committers_and_its_beginning_from_the_settings() -> None:
    requests = SweepRequest(), AbortRequest(PHOTOS.name, "k", "1")

    plan = planned(*requests, workers=7, verify="all", include_committers=True)

    policies = [one.policy for one in plan.listings] + [one.policy for one in plan.targets]
    assert (plan.workers, plan.verify, plan.began) == (7, "all", NOW)
    assert all(policy.include_committers for policy in policies)


@pytest.mark.parametrize(
    ("limit", "aborted", "remaining"), [(None, 5, None), (7, 0, 7), (7, 5, 2), (7, 7, 0), (7, 9, 0)]
)
def test_remaining_aborts_are_the_limit_less_what_was_aborted(
    limit: int | None, aborted: int, remaining: int | None
) -> None:
    assert replace(planned(), limit=limit, aborted=aborted).max_aborts == remaining


def test_plan_sweeps_with_a_listing_of_all_keys_or_with_an_upload_that_a_sweep_found() -> None:
    sweep = planned(SweepRequest())
    siblings = planned(CompletedObject(PHOTOS.name, "k", NOW))
    named = planned(AbortRequest(PHOTOS.name, "k", "1"), AbortRequest(PHOTOS.name, "l", "1"))
    found = replace(named, targets=(named.targets[0], replace(named.targets[1], is_swept=True)))
    both = replace(siblings, listings=(*siblings.listings, *sweep.listings))

    assert [plan.sweeps for plan in (planned(), siblings, named)] == [False] * 3
    assert [plan.sweeps for plan in (sweep, found, both)] == [True] * 3


@given(key=st.text(max_size=5), count=st.integers(1, 5))
def test_shard_contains_each_upload_exactly_once(key: str, count: int) -> None:
    upload = Upload(PHOTOS, key, "1")

    assert sum(Shard((index,), count).contains(upload) for index in range(count)) == 1
    assert Shard(tuple(range(count)), count).contains(upload)


def test_plan_begins_a_chain_as_its_first_run_with_nothing_done() -> None:
    plan = planned(SweepRequest(), AbortRequest(PHOTOS.name, "k", "1"))

    assert (plan.number, plan.stalled, plan.aborted, plan.fraction) == (1, 0, 0, (1, 1))
    assert (plan.shard, plan.prior_failures) == (Shard((0,), 1), PriorFailures(0, 0, ()))
    assert (plan.listings[0].attempts, plan.targets[0].attempts) == (0, 0)
    assert [one.markers for one in plan.targets] == [(0,)]
    assert str(Shard((0, 2), 3)) == "1,3/3"
