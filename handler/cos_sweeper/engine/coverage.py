"""
Reads what the lifecycle rules of buckets cover. It changes nothing and fails no run: a failure is `unreadable`.

It takes no time from aborts: it runs after them, in the run that ends the work, until new work may not begin any more
and for MAX_COVERAGE_SECONDS at most.
"""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import TypeVar

from cos_sweeper.core.coverage import Coverage, Unread, evaluate
from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.errors import StoreError
from cos_sweeper.core.model import Bucket
from cos_sweeper.cos.store import ConfigurationStore
from cos_sweeper.engine.task_group import Gate, together

T = TypeVar("T")

MAX_COVERED_BUCKETS = 200
MAX_COVERAGE_SECONDS = 20.0
# Buckets that are read at the same time, each by one request after the other.
AT_ONCE = 8


def reading(deadline: Deadline) -> Deadline:
    """The deadline for reading coverage, within that of the run."""
    ends = min(deadline.work_ends, deadline.clock() + MAX_COVERAGE_SECONDS)
    return Deadline(deadline.clock, ends, ends, ends)


async def read(store: ConfigurationStore, buckets: Iterable[Bucket], deadline: Deadline) -> tuple[Coverage, ...]:
    """
    The coverage of each bucket, in order, each once. Raises nothing.

    deadline: see `reading`. The requests of the store must end by it, too: `store.apart(deadline)`.
    """
    chosen = tuple(dict.fromkeys(buckets))
    gate = Gate(AT_ONCE)
    read_now = await together(
        [partial(_of_bucket, store, bucket, deadline, gate) for bucket in chosen[:MAX_COVERED_BUCKETS]]
    )
    too_many = Unread("TooManyBuckets")
    return (*read_now, *(evaluate(bucket, too_many, object_lock=too_many) for bucket in chosen[MAX_COVERED_BUCKETS:]))


async def _of_bucket(store: ConfigurationStore, bucket: Bucket, deadline: Deadline, gate: Gate) -> Coverage:
    await gate.enter()
    try:
        rules = await _answer(store.lifecycle, bucket, deadline)
        return evaluate(bucket, rules, object_lock=await _answer(store.object_lock, bucket, deadline))
    except Exception as exc:  # a defect here must not cost the report of what was aborted
        return evaluate(bucket, Unread(type(exc).__name__), object_lock=False)
    finally:
        gate.leave()


async def _answer(request: Callable[[Bucket], Awaitable[T]], bucket: Bucket, deadline: Deadline) -> T | Unread:
    if deadline.passed:
        return Unread("OutOfTime")
    try:
        return await request(bucket)
    except StoreError as exc:
        return Unread(exc.code, exc.status)
