"""
Made-up observations, and what their sums are, counted one by one.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from cos_sweeper.core import policy
from cos_sweeper.core.account import Account, Observation
from cos_sweeper.core.model import Bucket, PartsSeen
from tests.fixtures import BUCKETS, HOUR, NOW

# Names whose order differs with and without '/', one that is no UTF-8, and one that needs escapes.
SEGMENTS = ("a", "a-b", "b", "c c", "x\udcff", 'n"\n~', "日", "")
ALL_BUCKETS = (*BUCKETS, Bucket("a-125", "ap-x"))
OUTCOMES = (
    ("freed", "aborted", ""),
    ("left", "would_abort", "dry run"),
    ("left", "deferred", "out of time"),
    ("failed", "failed", "SlowDown"),
    ("failed", "failed", "AccessDenied"),
    ("kept", "kept", policy.STARTED_RECENTLY),
    ("kept", "kept", policy.PART_RECENT),
    ("kept", "kept", policy.EXCLUDED),
    ("kept", "still_receiving", ""),
    ("gone", "already_gone", ""),
)
DAYS = (0, 1, 3, 7, 14, 30, 90)
moments = st.one_of(
    st.sampled_from(DAYS).map(lambda days: NOW - timedelta(days=days)),
    st.integers(0, 2400).map(lambda hours: NOW - hours * HOUR),
)
keys = st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=5).map("/".join)
failures = st.fixed_dictionaries(
    {
        "status": st.just(503),
        "detail": st.just("x"),
        "permanent": st.booleans(),
        "action": st.sampled_from(("", "name/cos:ListParts", "name/cos:AbortMultipartUpload")),
    }
)
parts = st.builds(PartsSeen, st.integers(0, 5), st.integers(0, 3), st.none() | moments)


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    """One upload with a random outcome."""
    group, outcome, reason = draw(st.sampled_from(OUTCOMES))
    return Observation(
        bucket=draw(st.sampled_from(ALL_BUCKETS)),
        key=draw(keys),
        storage_class=draw(st.sampled_from(("STANDARD", "ARCHIVE", ""))),
        initiator=draw(st.sampled_from(("", "qcs::cam::uin/1:uin/2", "qcs::cam::uin/1:uin/3", "x\ny"))),
        started=draw(st.none() | moments),
        seen=draw(st.none() | parts),
        outcome=outcome,
        reason=reason,
        group=group,
        upload_id=draw(st.sampled_from("123")),
        example=draw(failures) if group == "failed" else None,
    )


def account_of(seen: Iterable[Observation], *, inventory: bool, limit: int = 100_000) -> Account:
    """The account of these observations."""
    account = Account(inventory=inventory, limit=limit)
    for one in seen:
        account.add(one, NOW)
    return account


def placed(seen: Sequence[Observation], *, inventory: bool) -> list[Observation]:
    """Those that prefixes and initiators show."""
    groups = ("freed", "left", "failed", *(("kept",) if inventory else ()))
    return [one for one in seen if one.group in groups]


def figures(measures: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """The groups of a row of the report, as numbers."""
    return {
        group: tuple(measures[group][name] for name in ("uploads", "bytes", "size_unknown"))
        for group in ("freed", "left", "failed", "kept")
    }


def counted(seen: Iterable[Observation]) -> dict[str, tuple[int, ...]]:
    """The same, counted one by one."""
    sums = {group: [0, 0, 0] for group in ("freed", "left", "failed", "kept")}
    for one in seen:
        row = sums[one.group]
        row[0] += 1
        row[1] += one.seen.bytes if one.seen else 0
        row[2] += one.seen is None
    return {group: tuple(row) for group, row in sums.items()}
