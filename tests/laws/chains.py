"""
Chains of runs in memory, with a clock that only work moves; `test_chain_over_http.py` has them in real processes.
"""

from collections import Counter
from typing import Any

from hypothesis import strategies as st

from cos_sweeper.core.report import Report
from tests.fixtures import BUCKETS, aborting_settings
from tests.scf_in_memory import MemoryScf

buckets_of_uploads = st.lists(
    st.tuples(
        st.sampled_from(["a", "a/b", "b", "猫", "z"]), st.sampled_from([1, 100]), st.integers(0, 1), st.integers(1, 5)
    ),
    max_size=30,
)
engines = st.fixed_dictionaries(
    {
        # Time enough for the largest upload, with as many beside it as there are workers.
        "seconds": st.integers(25, 90),
        "page_size": st.integers(1, 7),
        "fan_out": st.integers(1, 4),
        "workers": st.integers(1, 3),
        "dry_run": st.booleans(),
    }
)


def engine_with(found: list[tuple[str, int, int, int]], *, seconds: int, page_size: int, **how: Any) -> MemoryScf:
    scf = MemoryScf(aborting_settings(BUCKETS, **how), seconds=seconds, page_size=page_size)
    for key, idle, bucket, parts in found:
        scf.seed(key, idle=idle, bucket=bucket, parts=parts)
    return scf


def as_one_long_run(found: list[tuple[str, int, int, int]], how: dict[str, Any]) -> tuple[Counter[str], Report]:
    """What one run with all the time there is leaves, by key, and its report."""
    long = engine_with(found, **{**how, "seconds": 10**6, "fan_out": 1})
    long.fire()
    (report,) = long.reports
    return left_by_key(long), report


def left_by_key(scf: MemoryScf) -> Counter[str]:
    return Counter(f"{bucket.name}/{one.key}" for bucket in scf.account.buckets.values() for one in bucket.uploads)
