"""
Hypothesis strategies for plans, in and out of what the settings allow.
"""

from datetime import timedelta

from hypothesis import strategies as st

from cos_sweeper.core.model import Bucket, Upload
from cos_sweeper.core.plan import ListingTarget, Plan, Shard, UploadTarget
from cos_sweeper.core.policy import Policy
from tests.fixtures import BUCKETS, NOW
from tests.laws.hostile_events import upload_ids, words

policies = st.builds(
    Policy,
    min_age=st.sampled_from([1, 71, 72, 100]).map(lambda hours: timedelta(hours=hours)),
    min_idle=st.sampled_from([0, 0.1, 1, 24, 50]).map(lambda hours: timedelta(hours=hours)),
    prefixes=st.sampled_from([(), ("raw/",), ("raw/x", "logs/"), ("r",)]),
    exclude_prefixes=st.sampled_from([(), ("raw/keep",), ("logs/",)]),
    only_key=st.none() | st.just("raw/x"),
    started_before=st.none() | st.just(NOW) | st.just(NOW + timedelta(days=30)),
)
everywhere = st.sampled_from([*BUCKETS, Bucket("elsewhere-1250000000", "ap-guangzhou")])
listings = st.builds(ListingTarget, everywhere, st.sampled_from(["", "raw/"]), policies)
names = st.builds(UploadTarget, st.builds(Upload, everywhere, words, upload_ids), policies, is_swept=st.booleans())
plans = st.builds(
    Plan,
    run_id=st.sampled_from(["run-1", "../x", ""]),
    as_of=st.sampled_from([NOW, NOW - timedelta(days=9), NOW + timedelta(minutes=4), NOW + timedelta(days=9)]),
    dry_run=st.booleans(),
    limit=st.sampled_from([None, 5, 50]),
    aborted=st.sampled_from([0, 0, 3, 10**9]),
    fraction=st.sampled_from([(1, 1), (1, 3), (3, 1)]),
    workers=st.just(999),
    targets=st.lists(names, max_size=2).map(tuple),
    listings=st.lists(listings, max_size=2).map(tuple),
    rejected=st.just(()),
    number=st.sampled_from([1, 1000, 1001]),
    shard=st.sampled_from([Shard(), Shard((1,), 4), Shard((0, 3), 4), Shard((5,), 4), Shard((), 4)]),
)
