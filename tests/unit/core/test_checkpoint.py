"""
What travels from one run to the next, and that it fits.
"""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cos_sweeper.core import checkpoint, plan
from cos_sweeper.core.checkpoint import MAX_BYTES, split, split_evenly, write
from cos_sweeper.core.checkpoint_reader import read
from cos_sweeper.core.errors import RequestRejected
from cos_sweeper.core.model import CHECKPOINT, Bucket, Cursor, SweepRequest, Upload
from cos_sweeper.core.plan import ListingTarget, Plan, PriorFailures, Shard, UploadTarget
from cos_sweeper.core.policy import Policy
from cos_sweeper.core.settings import Settings
from tests.fixtures import NOW, PHOTOS, POLICY, TIMED_ID, aborting_settings

AS_OF = NOW.replace(microsecond=123_456)
SETTINGS = aborting_settings((PHOTOS,))


def sweeping(**changes: Any) -> Plan:
    built = plan.build_plan((SweepRequest(),), SETTINGS, (PHOTOS,), "run-1", AS_OF)
    return replace(built, **changes)


def reread(texts: tuple[str, ...], settings: Settings = SETTINGS, now: datetime = AS_OF) -> list[Plan]:
    return [read(json.loads(text)[CHECKPOINT], settings, (PHOTOS,), now) for text in texts]


def raw(**changes: Any) -> dict[str, Any]:
    (text,) = write(sweeping())
    return {**json.loads(text)[CHECKPOINT], **changes}


def test_plan_is_read_from_a_checkpoint_as_it_was_written() -> None:
    leftovers = replace(
        POLICY, min_age=timedelta(0), only_key="猫", started_before=AS_OF, min_idle_unproven=timedelta(hours=24)
    )
    went = sweeping(
        listings=(
            ListingTarget(
                PHOTOS,
                "raw/",
                POLICY,
                Cursor("raw/猫\udcff", TIMED_ID),
                Cursor("raw/猫\udcff\udcff", TIMED_ID),
                2,
                is_blocked=True,
            ),
            ListingTarget(PHOTOS, "猫", leftovers),
        ),
        targets=(
            UploadTarget(Upload(PHOTOS, "k", TIMED_ID), POLICY),
            UploadTarget(
                Upload(PHOTOS, "m", TIMED_ID),
                POLICY,
                1,
                was_sent=True,
                is_blocked=True,
                is_swept=True,
                markers=(0, 1000, 2000),
            ),
        ),
        dry_run=True,
        limit=7,
        aborted=3,
        fraction=(7, 10_000),
        number=3,
        stalled=1,
        shard=Shard((2, 4), 5),
        prior_failures=PriorFailures(1, 2, (("SlowDown", 3),)),
    )

    (came,) = reread(write(went))

    assert came == went


@pytest.mark.parametrize(
    "character", ["k", "猫", "🐈", "\x01", '"', "\udcff"], ids=["ascii", "cjk", "astral", "control", "quote", "bytes"]
)
def test_checkpoint_fits_for_any_amount_of_work_and_any_length_of_key(character: str) -> None:
    key = character * (850 // len(character.encode("utf-8", "surrogateescape")))
    prefixes = tuple(key[:length] for length in range(1, 5))
    buckets = [Bucket(f"{'b' * 40}{n:03}-1250000000", "ap-guangzhou") for n in range(200)]
    listings = tuple(
        ListingTarget(one, key, replace(POLICY, prefixes=prefixes), Cursor(key, TIMED_ID)) for one in buckets
    )
    named = tuple(
        UploadTarget(Upload(one, "k" * 850, TIMED_ID), replace(POLICY, min_idle=timedelta(n)))
        for n, one in enumerate(buckets)
    )
    went = sweeping(listings=listings, targets=named, limit=10_000)

    texts = write(went)

    settings = replace(SETTINGS, buckets=tuple(buckets))
    came = [read(json.loads(text)[CHECKPOINT], settings, buckets, AS_OF) for text in texts]
    assert max(len(text.encode()) for text in texts) <= MAX_BYTES < 128 * 1024
    assert tuple(listing for one in came for listing in one.listings) == listings
    assert tuple(each for one in came for each in one.targets) == named
    assert sum(one.max_aborts or 0 for one in came) == 10_000


def test_prior_failures_travel_once_even_when_the_work_is_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "MAX_BYTES", 1500)
    named = tuple(UploadTarget(Upload(PHOTOS, f"{n}" * 300, TIMED_ID), POLICY) for n in range(1, 9))

    came = reread(write(sweeping(targets=named, prior_failures=PriorFailures(5, 1, (("SlowDown", 6),)))))

    assert len(came) > 2
    assert [one.prior_failures for one in came] == [PriorFailures(5, 1, (("SlowDown", 6),))] + [PriorFailures()] * (
        len(came) - 1
    )


def test_aborts_of_unknown_result_stay_counted_in_every_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "MAX_BYTES", 1500)
    named = tuple(UploadTarget(Upload(PHOTOS, f"{n}" * 300, TIMED_ID), POLICY, was_sent=n > 6) for n in range(1, 9))

    came = reread(write(sweeping(targets=named, limit=9, aborted=3)), replace(SETTINGS, max_aborts=9))

    assert len(came) > 2
    assert tuple(each for one in came for each in one.targets) == named
    assert (sum(one.aborted for one in came), sum(one.max_aborts or 0 for one in came)) == (3, 6)


@pytest.mark.parametrize(("limit", "aborted", "believed"), [(2, 0, 0), (2, 30, 2), (9, 4, 4), (None, 4, 4)])
def test_aborts_of_unknown_result_are_believed_only_within_the_checkpoints_count(
    limit: int | None, aborted: int, believed: int
) -> None:
    named = tuple(UploadTarget(Upload(PHOTOS, f"{n}", TIMED_ID), POLICY, was_sent=True) for n in range(5))

    (came,) = reread(write(sweeping(listings=(), targets=named, limit=limit, aborted=aborted)))

    assert [one.was_sent for one in came.targets] == [True] * believed + [False] * (5 - believed)


@given(total=st.integers(0, 1000), among=st.integers(1, 50))
def test_limit_is_split_without_a_remainder(total: int, among: int) -> None:
    parts = split_evenly(total, among)

    assert (len(parts), sum(parts)) == (among, total)
    assert max(parts) - min(parts) <= 1


@given(
    limit=st.integers(0, 3000),
    aborted=st.integers(0, 3000),
    parts=st.lists(st.tuples(st.integers(0, 500), st.booleans()), min_size=2, max_size=8),
)
def test_parts_of_a_limit_are_enough_for_the_uploads_that_each_names(
    limit: int, aborted: int, parts: list[tuple[int, bool]]
) -> None:
    uploads, has_listings = [one for one, _ in parts], [one for _, one in parts]

    limits = [
        one.max_aborts or 0 for one in split(sweeping(limit=limit, aborted=aborted), len(parts), uploads, has_listings)
    ]

    left = max(0, limit - aborted)
    assert sum(limits) == left
    if sum(uploads) <= left:
        assert all(total >= wanted for total, wanted in zip(limits, uploads, strict=True))
        if any(has_listings):
            assert all(total == one for total, (one, has) in zip(limits, parts, strict=True) if not has)


@given(
    limit=st.none() | st.integers(0, 10_000),
    used=st.floats(0, 1),
    among=st.lists(st.integers(1, 7), max_size=4),
    now=st.none() | st.integers(1, 20_000),
)
def test_parts_of_a_limit_never_exceed_what_both_settings_allow(
    limit: int | None, used: float, among: list[int], now: int | None
) -> None:
    settings = replace(SETTINGS, max_aborts=now)
    plans = [sweeping(limit=limit, aborted=int((100 if limit is None else limit) * used))]
    aborted = plans[0].aborted
    for parts in among:
        plans = [part for one in plans for part in split(one, parts)]

    came = [one for part in plans for one in reread(write(part), settings)]

    assert sum(one.aborted for one in came) == aborted
    limits = [total for total in (limit, now) if total is not None]
    if limits:
        assert sum(one.max_aborts or 0 for one in came) <= max(0, min(limits) - aborted) + (aborted if now else 0)
        assert sum(one.limit or 0 for one in came) <= min(limits)
    if limit is not None and (now is None or now >= limit) and not among:
        assert came[0].max_aborts == limit - aborted


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": 1}, "version '1'"),
        ({"version": 4}, "version '4'"),
        ({"version": None}, "version 'None'"),
        ({"run_id": "../../x"}, "run id is malformed"),
        ({"as_of": "2026-11-22T12:00:00"}, "without a time zone"),
        ({"as_of": "yesterday"}, "damaged"),
        ({"number": 0}, "number of the run"),
        ({"number": checkpoint.MAX_RUNS + 1}, "number of the run"),
        ({"shard": [[4], 4]}, "shard"),
        ({"shard": [[], 4]}, "shard"),
        ({"shard": [0, 1]}, "shard"),
        ({"shard": [[0], 0]}, "shard"),
        ({"dry_run": None}, "`dry_run`"),
        ({"limit": -1}, "limit of aborts"),
        ({"limit": True}, "limit of aborts"),
        ({"aborted": -1}, "number of aborts"),
        ({"fraction": [1, 0]}, "fraction"),
        ({"fraction": [-1, 2]}, "fraction"),
        ({"stalled": "1"}, "runs without progress"),
        ({"todo": [["listing", 0, PHOTOS.name, "", "", "", {"attempts": 4}]]}, "attempts"),
        ({"todo": [["listing", 0, PHOTOS.name, "", "", "", {"blocked": 1}]]}, "`blocked`"),
        ({"todo": [["upload", 0, PHOTOS.name, "k", TIMED_ID, {"markers": [0]}]]}, "marker"),
        ({"todo": [["delete", 0, PHOTOS.name, "k", TIMED_ID]]}, "does not know"),
        ({"todo": [["listing", 7, PHOTOS.name, "", "", ""]]}, "policy"),
        ({"todo": [["listing", -1, PHOTOS.name, "", "", ""]]}, "policy"),
        ({"todo": [["upload", 0, PHOTOS.name, "/", TIMED_ID]]}, "the key is empty"),
        ({"todo": [["upload", 0, PHOTOS.name, "k", ""]]}, "upload id is empty"),
        ({"todo": 5}, "damaged"),
        ({"policies": [{}]}, "damaged"),
        ({"policies": "x"}, "not an object"),
    ],
)
def test_checkpoint_that_is_damaged_is_rejected_with_its_reason(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(RequestRejected) as caught:
        read(raw(**changes), SETTINGS, (PHOTOS,), AS_OF)

    assert reason in str(caught.value)


def test_settings_that_became_stricter_hold_for_the_rest_of_a_chain() -> None:
    strict = replace(
        SETTINGS,
        min_age=timedelta(hours=200),
        min_idle=timedelta(hours=100),
        prefixes=("raw/", "tmp/"),
        dry_run=True,
        max_aborts=5,
    )

    (came,) = reread(write(sweeping(limit=10, aborted=3)), strict)

    (listing,) = came.listings
    assert (listing.policy.min_age, listing.policy.min_idle) == (timedelta(hours=200), timedelta(hours=100))
    assert (listing.policy.prefixes, came.dry_run, came.max_aborts) == (("raw/", "tmp/"), True, 2)
    assert came.dropped == ()


def test_settings_that_became_laxer_change_nothing_for_the_rest_of_a_chain() -> None:
    went = sweeping(limit=10)
    lax = replace(
        SETTINGS, min_age=timedelta(hours=1), min_idle=timedelta(hours=1), max_aborts=None, include_committers=True
    )

    (came,) = reread(write(went), lax)

    assert came == went


def test_checkpoint_target_out_of_scope_is_dropped_and_reported() -> None:
    gone = Bucket("gone-1250000000", "ap-guangzhou")
    narrow = replace(POLICY, prefixes=("raw/",))
    went = sweeping(
        listings=(
            ListingTarget(gone, "", POLICY),
            ListingTarget(PHOTOS, "", POLICY),
            ListingTarget(PHOTOS, "raw/", narrow),
        ),
        targets=(UploadTarget(Upload(gone, "k", TIMED_ID), POLICY),),
    )

    (came,) = reread(write(went), replace(SETTINGS, prefixes=("logs/",)))

    assert [(listing.bucket, listing.policy.prefixes) for listing in came.listings] == [(PHOTOS, ("logs/",))]
    assert came.targets == ()
    assert came.dropped == (
        "gone-1250000000: no longer among BUCKETS",
        "photos-1250000000: its prefixes are outside PREFIXES",
        "gone-1250000000/k: no longer among BUCKETS",
    )


def test_checkpoint_of_the_previous_version_is_read() -> None:
    old = {
        "version": 2,
        "run_id": "run-1",
        "as_of": AS_OF.isoformat(),
        "began": AS_OF.isoformat(),
        "dry_run": False,
        "limit": 40,
        "aborted": 0,
        "fraction": [1, 4],
        "number": 2,
        "share": [[3], 4],
        "past": [1, 2, [["SlowDown", 3]]],
        "policies": [
            {
                "min_age": 72 * 3600,
                "min_idle": 24 * 3600,
                "prefixes": [],
                "exclude_prefixes": ["keep/"],
                "only_key": None,
                "started_before": None,
            }
        ],
        "todo": [["scan", 0, PHOTOS.name, "raw/", "raw/k", TIMED_ID], ["upload", 0, PHOTOS.name, "k", TIMED_ID]],
    }

    came = read(old, replace(SETTINGS, max_aborts=100), (PHOTOS,), AS_OF)

    assert (came.max_aborts, str(came.shard), came.prior_failures) == (
        25,
        "4/4",
        PriorFailures(1, 2, (("SlowDown", 3),)),
    )
    assert came.listings == (
        ListingTarget(PHOTOS, "raw/", replace(POLICY, exclude_prefixes=("keep/",)), Cursor("raw/k", TIMED_ID)),
    )
    assert [one.upload for one in came.targets] == [Upload(PHOTOS, "k", TIMED_ID)]


def test_prefix_that_is_excluded_since_is_excluded_from_here_on() -> None:
    (came,) = reread(write(sweeping()), replace(SETTINGS, exclude_prefixes=("keep/",)))

    assert came.listings[0].policy.exclude_prefixes == ("keep/",)


def test_clock_of_another_instance_may_be_a_little_ahead() -> None:
    (came,) = reread(write(sweeping()), now=AS_OF - timedelta(seconds=2))

    assert came.as_of == AS_OF - timedelta(seconds=2)


LEFTOVERS = Policy(
    timedelta(0),
    timedelta(hours=1),
    only_key="k",
    started_before=AS_OF - timedelta(hours=1),
    min_idle_unproven=timedelta(hours=24),
)


def test_stale_siblings_have_ages_of_their_own_and_no_future() -> None:
    future = replace(LEFTOVERS, started_before=AS_OF + timedelta(days=1))

    (came,) = reread(
        write(sweeping(listings=(ListingTarget(PHOTOS, "k", LEFTOVERS), ListingTarget(PHOTOS, "k", future))))
    )

    assert [listing.policy for listing in came.listings] == [LEFTOVERS, replace(LEFTOVERS, started_before=AS_OF)]


@pytest.mark.parametrize(
    "policy",
    [
        replace(LEFTOVERS, started_before=None),
        replace(LEFTOVERS, only_key=None),
        replace(LEFTOVERS, min_idle=timedelta(minutes=59)),
    ],
    ids=["any_start", "any_key", "hardly_idle"],
)
def test_policy_that_is_not_quite_a_stale_siblings_is_held_to_the_ages_of_a_sweep(policy: Policy) -> None:
    (came,) = reread(write(sweeping(listings=(ListingTarget(PHOTOS, "k", policy),))))

    (listing,) = came.listings
    is_sibling = policy.only_key is not None and policy.started_before is not None
    assert listing.policy.min_age == (timedelta(0) if is_sibling else POLICY.min_age)
    assert listing.policy.min_idle == (timedelta(hours=1) if is_sibling else POLICY.min_idle)


def test_named_upload_waits_for_the_idle_time_of_the_current_settings() -> None:
    named = (UploadTarget(Upload(PHOTOS, "k", TIMED_ID), replace(POLICY, min_idle=timedelta(minutes=4))),)

    (came,) = reread(
        write(sweeping(listings=(), targets=named)), replace(SETTINGS, event_min_idle=timedelta(minutes=5))
    )

    assert came.targets[0].policy.min_idle == timedelta(minutes=5)
