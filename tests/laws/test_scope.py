"""
Scope: nothing outside BUCKETS is touched, and a request or a checkpoint narrows what the settings allow.
"""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cos_sweeper.core import checkpoint, checkpoint_reader
from cos_sweeper.core.errors import RequestRejected, RunFailed
from cos_sweeper.core.keys import validate_key
from cos_sweeper.core.model import CHECKPOINT
from cos_sweeper.core.plan import Plan
from cos_sweeper.core.settings import Settings
from tests.emulator.public import Cloud
from tests.fixtures import BUCKETS, NOW, aborting_settings
from tests.function import LOGS, PHOTOS, Function, named, timer
from tests.laws.buckets import BUCKET, OTHER, furnish, left, uploads_listing
from tests.laws.checkpoints import plans
from tests.laws.hostile_events import anything
from tests.profiles import examples

FIELDS = ["version", "run_id", "as_of", "began", "dry_run", "limit", "aborted", "fraction", "number", "stalled"]
FIELDS += ["shard", "prior_failures", "policies", "todo"]


@settings(max_examples=examples(60))
@given(
    names=st.lists(st.sampled_from([BUCKET, OTHER, "elsewhere-1250000000"]), min_size=1, max_size=3, unique=True),
    narrowed=st.one_of(
        st.none(), st.lists(st.sampled_from(["raw/", "raw/c", "logs/", "猫", "x"]), min_size=1, max_size=2)
    ),
    prefixes=st.sampled_from([[], ["raw/"], ["logs/o", "raw/cat"]]),
    excluded=st.sampled_from([[], ["raw/cat"], ["logs/"]]),
    by=st.sampled_from(["timer", "names"]),
)
def test_scope_holds_for_sweeps_and_named_uploads(
    names: list[str],
    narrowed: list[str] | None,
    prefixes: list[str],
    excluded: list[str],
    by: str,
    cloud: Cloud,
    function: Function,
) -> None:
    furnish(cloud)
    before = {upload.upload_id: upload.key for upload in cloud.uploads(BUCKET)}
    elsewhere = left(cloud, OTHER)
    mark = cloud.mark()
    raw: Any = {"uploads": [named(name, key, upload_id) for name in names for upload_id, key in before.items()]}
    if by == "timer":
        raw = timer(buckets=names, **({"prefixes": narrowed} if narrowed else {}))

    function(raw, BUCKETS=PHOTOS, PREFIXES=",".join(prefixes), EXCLUDE_PREFIXES=",".join(excluded))

    gone = {key for upload_id, key in before.items() if upload_id not in left(cloud)}
    assert left(cloud, OTHER) == elsewhere
    assert {request.host for request in cloud.requests(mark)} <= {f"{BUCKET}.cos.ap-guangzhou.myqcloud.com"}
    assert BUCKET in names or not gone
    assert not [key for key in gone if any(key.startswith(one) for one in excluded)]
    assert not [key for key in gone if prefixes and not any(key.startswith(one) for one in prefixes)]
    if by == "timer" and narrowed:
        assert not [key for key in gone if not any(key.startswith(one) for one in narrowed)]


def test_scope_holds_against_a_listing_of_another_bucket_or_outside_the_prefix(
    cloud: Cloud, function: Function
) -> None:
    furnish(cloud)
    count = len(left(cloud))
    cloud.fault("ListMultipartUploads", raw=uploads_listing(cloud), headers={})
    outside = function(timer(buckets=[BUCKET]), PREFIXES="videos/")
    other = function(timer(), BUCKETS=LOGS)

    assert outside.report["aborted"] == 0
    assert outside.report["rejected"] == count
    assert other.lines("bucket.failed")[0]["code"] == "Unreadable"
    assert len(left(cloud)) == count


@pytest.mark.parametrize(
    "widening",
    [{"min_age_hours": 71}, {"min_idle_hours": 23}, {"max_aborts": 11}, {"dry_run": False}, {"prefixes": ["logs/"]}],
    ids=lambda widening: next(iter(widening)),
)
def test_scope_cannot_be_widened_by_a_timer(widening: dict[str, Any], cloud: Cloud, function: Function) -> None:
    furnish(cloud)
    before = left(cloud)
    mark = cloud.mark()

    result = function(timer(**widening), MAX_ABORTS="10", DRY_RUN="true", PREFIXES="raw/")

    (refused,) = result.lines("request.rejected")
    assert next(iter(widening)) in refused["reason"] or "PREFIXES" in refused["reason"]
    # A sweep that does not happen is an error that the platform counts.
    assert isinstance(result.error, RunFailed)
    assert result.lines("run.finished")[0]["status"] == "failed"
    assert left(cloud) == before
    assert cloud.requests(mark) == []


allowed = st.builds(
    Settings,
    buckets=st.sampled_from([BUCKETS, BUCKETS[:1]]),
    min_age=st.just(timedelta(hours=72)),
    event_min_idle=st.sampled_from([timedelta(0), timedelta(minutes=5)]),
    prefixes=st.sampled_from([(), ("raw/",)]),
    exclude_prefixes=st.sampled_from([(), ("raw/keep/",)]),
    dry_run=st.booleans(),
    max_aborts=st.sampled_from([None, 10]),
)


@settings(max_examples=examples(200))
@given(wanted=plans, allowed=allowed)
def test_scope_cannot_be_widened_by_a_checkpoint(wanted: Plan, allowed: Settings) -> None:
    assert allowed.buckets is not None
    for text in checkpoint.write(wanted):
        try:
            built = checkpoint_reader.read(json.loads(text)[CHECKPOINT], allowed, allowed.buckets, NOW)
        except RequestRejected:
            continue

        assert {one.bucket for one in built.listings} | {one.upload.bucket for one in built.targets} <= set(
            allowed.buckets
        )
        assert built.as_of <= NOW
        assert built.dry_run or not allowed.dry_run
        assert allowed.max_aborts is None or (built.max_aborts or 0) <= allowed.max_aborts
        assert built.workers == allowed.workers
        assert built.shard.indexes
        assert all(0 <= place < built.shard.count for place in built.shard.indexes)
        assert built.number <= checkpoint.MAX_RUNS
        # What the current settings exclude is reported, and nothing else is left out.
        assert len({*built.listings, *built.targets}) + len(built.dropped) >= min(
            1, len(wanted.listings) + len(wanted.targets)
        )
        assert all(validate_key(one.upload.key, one.upload.upload_id) is None for one in built.targets)
        for policy in [one.policy for one in built.listings] + [one.policy for one in built.targets]:
            assert set(allowed.exclude_prefixes) <= set(policy.exclude_prefixes)
            assert not allowed.prefixes or (policy.prefixes and all(one.startswith("raw/") for one in policy.prefixes))
        for policy in [one.policy for one in built.listings] + [one.policy for one in built.targets if one.is_swept]:
            leftovers = policy.only_key is not None and policy.started_before is not None
            assert leftovers or policy.min_age >= allowed.min_age
            assert policy.min_idle >= (timedelta(hours=1) if leftovers else allowed.min_idle)
            assert not leftovers or policy.min_idle_unproven >= allowed.min_idle
            assert not leftovers or (policy.started_before or NOW) <= NOW
        assert all(one.policy.min_idle >= allowed.event_min_idle for one in built.targets)


@settings(max_examples=examples(100))
@given(wanted=plans, damage=st.dictionaries(st.sampled_from(FIELDS), anything, min_size=1, max_size=3))
def test_scope_cannot_be_widened_by_a_damaged_checkpoint(wanted: Plan, damage: dict[str, Any]) -> None:
    """Any content is rejected with a reason or read; nothing else happens."""
    for text in checkpoint.write(wanted):
        raw = {**json.loads(text)[CHECKPOINT], **damage}
        built: Plan | str = "rejected"

        try:
            built = checkpoint_reader.read(raw, aborting_settings(BUCKETS), BUCKETS, NOW)
        except RequestRejected as refused:
            built = str(refused)

        assert built
