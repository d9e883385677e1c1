"""
Adds one lifecycle rule to one bucket, in the order that loses nothing: read, edit, ask, keep the old document, read
again, write, read back.

COS has no conditional write for this document. What another program writes between the second read and our write is
lost; the outcome says how long that time was at most.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cos_sweeper.cli import lifecycle_edit
from cos_sweeper.cli.lifecycle_edit import NewRule
from cos_sweeper.cli.lifecycle_store import LifecycleStore
from cos_sweeper.core.errors import StoreError, Unavailable
from cos_sweeper.core.model import Bucket

READ_BACKS = 3
PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Edit:
    """What would be written. before: None if the bucket has no document."""

    bucket: Bucket
    rule: NewRule
    before: bytes | None
    after: bytes


@dataclass(frozen=True, slots=True)
class Written:
    """The bucket has the old rules and the new one. is_exact: byte for byte. seconds: the window, at most."""

    seconds: float
    is_exact: bool


@dataclass(frozen=True, slots=True)
class Changed:
    """Another program changed the document since it was shown. Nothing was written."""


@dataclass(frozen=True, slots=True)
class NotWritten:
    """The bucket has what it had. is_certain: COS rejected the document, too; otherwise it may still arrive."""

    code: str
    is_certain: bool


@dataclass(frozen=True, slots=True)
class Different:
    """
    After the write the bucket has another document than the one that was written.

    lost: how many rules or other elements of the old document are not in it; None if it could not be read.
    """

    lost: int | None
    code: str = ""


Outcome = Written | Changed | NotWritten | Different


def edit(bucket: Bucket, before: bytes | None, prefix: str, days: int, rule_id: str = "") -> Edit:
    """What adding the rule would write. before: what the bucket has; rule_id: '' for a free one. Raises Refused."""
    rule = NewRule(rule_id or lifecycle_edit.free_id(before), prefix, days)
    return Edit(bucket, rule, before, lifecycle_edit.add(before, rule))


async def write(
    store: LifecycleStore,
    wanted: Edit,
    clock: Callable[[], float],
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> Outcome:
    """Write what was shown, if the bucket still has what it had. Raises StoreError where nothing was sent."""
    began = clock()
    if await store.read(wanted.bucket) != wanted.before:
        return Changed()
    code, is_rejected = "", False
    try:
        await store.write(wanted.bucket, wanted.after)
    except StoreError as exc:
        # Whatever the answer was: stored or not, reading it shows that.
        code, is_rejected = exc.code, not isinstance(exc, Unavailable)
    seconds = clock() - began
    try:
        stored = await _read_back(store, wanted, sleep)
    except StoreError as exc:
        return Different(None, code or exc.code)
    if stored == wanted.after or lifecycle_edit.is_same(stored, wanted.after):
        return Written(seconds, stored == wanted.after)
    if code and stored == wanted.before:
        return NotWritten(code, is_certain=is_rejected)
    return Different(_lost(wanted.before, stored), code)


async def _read_back(store: LifecycleStore, wanted: Edit, sleep: Callable[[float], Awaitable[object]]) -> bytes | None:
    """What the bucket has now. COS may show the old document for a moment."""
    stored = await store.read(wanted.bucket)
    for _ in range(READ_BACKS - 1):
        if stored != wanted.before:
            break
        await sleep(PAUSE_SECONDS)
        stored = await store.read(wanted.bucket)
    return stored


def _lost(before: bytes | None, stored: bytes | None) -> int | None:
    try:
        return lifecycle_edit.lost(before, stored)
    except lifecycle_edit.Refused:
        return None
