"""
Honesty: every upload has exactly one outcome, and the report agrees with what COS answered.
"""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.emulator.public import Cloud
from tests.function import Function, timer
from tests.laws.buckets import BUCKET, left
from tests.profiles import examples

effects: list[dict[str, Any]] = [
    {"status": 503, "code": "SlowDown"},
    {"status": 400, "code": "RequestTimeout"},
    {"status": 403, "code": "AccessDenied"},
    {"reset": "before"},
    {"reset": "after"},
    {"body": "malformed"},
    {"body": "truncated"},
    {"raw": "", "status": 200},
    {"redirect": "http://127.0.0.1:1/", "status": 301},
]
where = st.fixed_dictionaries(
    {"operation": st.sampled_from(["ListParts", "AbortMultipartUpload"])},
    optional={"count": st.integers(1, 6), "skip": st.integers(0, 5)},
)
faults = st.tuples(where, st.sampled_from(effects)).map(lambda both: {**both[0], **both[1]})


@settings(max_examples=examples(40))
@given(faults=st.lists(faults, max_size=3), dry=st.booleans(), count=st.integers(0, 12))
def test_honesty_gives_every_upload_one_outcome_and_counts_only_acknowledged_aborts(
    faults: list[dict[str, Any]], *, dry: bool, count: int, cloud: Cloud, function: Function
) -> None:
    cloud.reset()
    cloud.seed(BUCKET, "{n}", count=count, parts=2)
    for fault in faults:
        cloud.fault(**fault)

    result = function(timer(buckets=[BUCKET], dry_run=dry))

    ended = result.lines("run.finished")[0]
    outcomes = ["kept", "would_abort", "aborted", "already_gone", "rejected", "failed", "deferred"]
    promised = [one for one in cloud.requests() if one.operation == "AbortMultipartUpload" and one.status == 204]
    assert sum(ended[name] for name in outcomes) == ended["uploads"] == count
    assert ended["aborted"] == len([one for one in promised if not one.fault])
    assert ended["bytes_freed"] == ended["aborted"] * (2 << 20)
    assert (ended["status"] == "failed") == (ended["failed"] > 0) == (result.error is not None)
    assert count - len(left(cloud)) >= ended["aborted"] + ended["already_gone"]
    assert not dry or len(left(cloud)) == count
