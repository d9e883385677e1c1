"""
COS as one run sees it: in memory, a second for each request, with faults in force and clients that act meanwhile.

The laws about requests are checked here: no other operation, no foreign bucket, no upload without key or id, and no
abort of a live upload.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from cos_sweeper.core.errors import Stopped, StoreError, Unavailable
from cos_sweeper.core.model import Bucket, BucketsPage, Cursor, ListedUpload, Page, PartsPage, Upload
from cos_sweeper.core.outcomes import BucketFailed, Outcome
from cos_sweeper.core.plan import ListingTarget
from cos_sweeper.core.report import Report
from cos_sweeper.cos.store import Receipt, ReportsPage
from cos_sweeper.engine import task_group
from tests.emulator.public import MemoryStore, listing
from tests.scf_in_memory import Killed
from tests.simulation.in_memory.scene import PLAIN, Act, Fault, Scene, reported
from tests.simulation.in_memory.terms import Rules, Seen, Terms, is_addressable, permits

T = TypeVar("T")

GRACE_SECONDS = 10
_together = task_group.together


@dataclass(frozen=True, slots=True)
class Circumstances:
    """
    What happens to the runs that one step of the simulation starts.

    seconds: for the work of one run. pauses: how often each request gives way to the others, in turn. interference:
    what clients do before (2n) and after (2n+1) the n-th request. deaths: where each run dies, counted likewise, None
    for a run that lives. rejected_invocations: the numbers of the invocations that SCF does not accept; takes: how many
    it accepts before it accepts no more. may_invoke: whether the role may invoke the function. later: continuations
    stay in SCF's queue. faults: in force from now on. targets: failed uploads that travel one by one; bytes: of a
    checkpoint.
    """

    seconds: int = 10**6
    page_size: int = 1000
    pauses: tuple[int, ...] = (0,)
    interference: tuple[tuple[int, Act], ...] = ()
    deaths: tuple[int | None, ...] = ()
    rejected_invocations: tuple[int, ...] = ()
    takes: int | None = None
    may_invoke: bool = True
    later: bool = False
    faults: tuple[Fault, ...] = ()
    targets: int = 500
    bytes: int = 128_000

    @property
    def is_roomy(self) -> bool:
        """Whether a run has time for all that can be under way at once."""
        return self.seconds >= 100


CALM = Circumstances()


@dataclass(slots=True)
class Step:
    """The requests and runs of one step of the world, counted."""

    circumstances: Circumstances
    requests: int = 0
    runs: int = 0
    invocations: int = 0
    taken: int = 0


@dataclass(slots=True)
class Reading:
    """
    How far a task has read an upload's parts.

    seen: the upload when it began to, None when it was gone by then. following: the next page by each that was read.
    """

    seen: Seen | None
    following: dict[int, int | None] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether all pages were read."""
        place: int | None = 0
        while place is not None:
            if place not in self.following:
                return False
            place = self.following[place]
        return True


@dataclass(slots=True, eq=False)
class Run:
    """
    One run as the simulation saw it.

    of: its chain; terms: those of it and of all settings that it has met; number: in it. as_of: what ages are
    judged by; ours: our clock when it began. freed: bytes by upload that COS answered with 204; lost: those whose 204
    was lost. struck: requests that a fault befell, by operation and upload; pages_struck: likewise of listings, by
    bucket. is_stopped: COS accepts the credentials no longer. outcomes: all that the report got, and whether the
    event named the upload; broken: listings that failed; not_swept: those that no run continues.
    continuations: checkpoints that were accepted; failure_events: events that only raise; rejected_invocations: how
    many invocations were not accepted. is_allowed: the permission probe was accepted. saved: reports stored before a
    continuation. wants_again: the platform is to try it again.
    """

    of: object
    rules: Rules
    terms: tuple[Terms, ...]
    step: Step
    as_of: datetime
    ours: datetime
    since: int
    number: int = 1
    ticks: int = 0
    dies_at: int | None = None
    requests: Counter[str] = field(default_factory=Counter)
    reads: dict[tuple[object, Upload], Reading] = field(default_factory=dict)
    owners: dict[object, object] = field(default_factory=dict)
    freed: dict[Upload, int] = field(default_factory=dict)
    lost: list[Upload] = field(default_factory=list)
    struck: Counter[tuple[str, Upload]] = field(default_factory=Counter)
    pages_struck: Counter[Bucket | None] = field(default_factory=Counter)
    is_stopped: bool = False
    outcomes: list[tuple[Outcome, bool]] = field(default_factory=list)
    broken: list[BucketFailed] = field(default_factory=list)
    not_swept: list[ListingTarget] = field(default_factory=list)
    continuations: list[str] = field(default_factory=list)
    failure_events: int = 0
    rejected_invocations: int = 0
    is_allowed: bool = False
    saved: int = 0
    report: Report | None = None
    wants_again: bool = False

    def has_struck(self, upload: Upload) -> bool:
        """Whether a fault struck a request about this upload, under any reading of its key."""
        return any(one.bucket == upload.bucket and one.upload_id == upload.upload_id for _, one in self.struck)

    @property
    def broken_buckets(self) -> set[Bucket | None]:
        """Buckets of which a listing failed."""
        return {failed.bucket for failed in self.broken}

    @property
    def is_late(self) -> bool:
        """No time for new work is left."""
        return self.ticks >= self.step.circumstances.seconds

    @property
    def is_over(self) -> bool:
        """No time for requests is left."""
        return self.ticks >= self.step.circumstances.seconds + GRACE_SECONDS


class SimulatedStore:
    """A Store for one run."""

    def __init__(self, scene: Scene, run: Run) -> None:
        self._scene = scene
        self._run = run
        self._store = MemoryStore(scene.account, lambda: scene.now, run.step.circumstances.page_size)

    async def buckets(self, marker: str) -> BucketsPage:
        number = await self._arrive("buckets", None)
        try:
            self._befall("buckets", None)
        except StoreError:
            self._run.pages_struck[None] += 1
            raise
        page = await self._store.buckets(marker)
        self._leave(number)
        return page

    async def page(self, bucket: Bucket, start: Cursor, prefix: str) -> Page:
        number = await self._arrive("page", bucket)
        assert any(terms.is_listed_for(bucket, prefix) for terms in self._run.terms), "Scope: a listing"
        try:
            self._befall("page", bucket)
            page = await self._store.page(bucket, start, prefix)
        except StoreError:
            self._run.pages_struck[bucket] += 1
            raise
        page = self._under_conditions(page, bucket, start, prefix)
        self._leave(number)
        return page

    def give_back(self, bucket: Bucket) -> None:
        self._store.give_back(bucket)

    def is_throttled(self, bucket: Bucket) -> bool:
        return self._store.is_throttled(bucket)

    async def pause(self, seconds: float) -> bool:
        return await self._store.pause(seconds) and not self._run.is_over

    async def parts(self, upload: Upload, after: int, *, for_abort: bool = False) -> PartsPage:  # noqa: ARG002
        number = await self._arrive("parts", upload.bucket, upload)
        held = self._scene.held(upload)
        reading = self._reading(upload, after)
        try:
            self._befall("parts", upload.bucket, upload)
            page = await self._store.parts(upload, after)
        except StoreError:
            self._run.reads.pop((self._owner, upload), None)
            raise
        reading.following[after] = page.next
        quirk = self._scene.quirks.get(upload.upload_id, PLAIN).parts
        parts = page.parts
        if quirk != PLAIN.parts:
            assert held is not None
            numbers = [one for one in sorted(held.parts.by_number) if one > after]
            parts = tuple(
                replace(part, last_modified=reported(part.last_modified, quirk))
                if one % 2 and part.last_modified
                else part
                for one, part in zip(numbers, page.parts, strict=False)
            )
        self._leave(number)
        return PartsPage(parts, page.next, self._scene.conditions.skew("parts"))

    async def abort(self, upload: Upload, within: float | None = None) -> Receipt:  # noqa: ARG002
        number = await self._arrive("abort", upload.bucket, upload)
        self._must_be_abandoned(upload)
        self._befall("abort", upload.bucket, upload)
        held = self._scene.held(upload)
        receipt = await self._store.abort(upload)
        assert held is not None
        self._scene.leave(upload, held, by=self._run.of)
        lost = self._scene.strike("lost", upload.bucket, upload.key)
        if lost:
            self._run.lost.append(upload)
            self._run.struck["abort", upload] += 1
            raise lost.error()
        assert upload not in self._run.freed, "COS said 204 twice for one upload"
        self._run.freed[upload] = held.parts.bytes
        self._leave(number)
        return receipt

    async def together(self, works: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
        """As `task_group.together`, but we know for whom the pages of one look are read."""
        owner = self._owner
        for key in [key for key in self._run.reads if key[0] is owner]:
            del self._run.reads[key]

        def owned(work: Callable[[], Awaitable[T]]) -> Callable[[], Awaitable[T]]:
            async def run() -> T:
                self._run.owners[asyncio.current_task()] = owner
                return await work()

            return run

        return await _together([owned(work) for work in works])

    async def put_report(self, bucket: Bucket, key: str, body: bytes) -> None:
        raise AssertionError(f"Wire: a report of {len(body)} bytes to {bucket}/{key}, which is not configured")

    async def read_report(self, bucket: Bucket, key: str, max_bytes: int) -> bytes | None:
        raise AssertionError(f"Wire: {max_bytes} bytes of {bucket}/{key}, which nobody asked for")

    async def list_reports(self, bucket: Bucket, prefix: str, after: str) -> ReportsPage:
        raise AssertionError(f"Wire: the objects of {bucket}/{prefix} after {after!r}, which nobody asked for")

    async def invoke(self) -> int:
        """
        Invoking the function is a request like any other: clients act meanwhile, and the instance may die before it.

        Returns its number, for `invoked`: after it, the instance may die as well.
        """
        return await self._arrive("invoke", None)

    def invoked(self, number: int) -> None:
        """The invocation was answered."""
        self._leave(number)

    @property
    def _owner(self) -> object:
        """The task that works on an upload, also in the tasks that read pages for it."""
        return self._run.owners.get(asyncio.current_task(), asyncio.current_task())

    def _reading(self, upload: Upload, after: int) -> Reading:
        key = self._owner, upload
        reading = self._run.reads.get(key)
        if reading is None or reading.is_complete or after in reading.following:
            reading = self._run.reads[key] = Reading(self._scene.seen(upload))
        return reading

    async def _arrive(self, on: str, bucket: Bucket | None, upload: Upload | None = None) -> int:
        """A request arrives: check the laws about requests. Returns its number."""
        run, step = self._run, self._run.step
        if run.is_stopped and on != "invoke":
            raise Stopped("ExpiredToken", 403, "request-of-a-fault")
        number = step.requests
        step.requests += 1
        self._moment(2 * number)
        if upload is not None:
            self._interfere(upload, on)
        for _ in range(step.circumstances.pauses[number % len(step.circumstances.pauses)]):
            await asyncio.sleep(0)
        run.ticks += 1
        run.requests[on] += 1
        if bucket is not None:
            assert bucket.name in run.rules.names, "Scope: a bucket outside BUCKETS"
        if upload is not None:
            assert is_addressable(upload), "Wire: an upload that cannot be addressed"
            # Where COS does not know an upload under its key, List Parts is asked for the other readings of the key.
            read = self._scene.live.get(upload.upload_id, self._scene.gone.get(upload.upload_id, (upload,))[0])
            about = (upload, read) if on == "parts" else (upload,)
            is_asked = any(terms.covers(one) for terms in run.terms for one in about)
            is_reading = on == "parts" and any(
                terms.upload and terms.upload.upload_id == upload.upload_id for terms in run.terms
            )
            assert is_asked or is_reading, "Scope: an upload that no event requested"
        return number

    def _befall(self, on: str, bucket: Bucket | None, upload: Upload | None = None) -> None:
        """Apply the fault in force to a request. Once COS has stopped the run, no request leaves."""
        if self._run.is_stopped:
            raise Stopped("ExpiredToken", 403, "request-of-a-fault")
        if self._run.is_over:
            self._strike(on, upload)
            raise Unavailable("OutOfTime")
        fault = self._scene.strike(on, bucket, upload.key if upload else "")
        if fault:
            self._strike(on, upload)
            self._run.is_stopped = fault.how == "stopped"
            raise fault.error()

    def _strike(self, on: str, upload: Upload | None) -> None:
        if upload is not None:
            self._run.struck[on, upload] += 1

    def _leave(self, number: int) -> None:
        """A request was answered."""
        self._moment(2 * number + 1)

    def _moment(self, moment: int) -> None:
        for when, act in self._run.step.circumstances.interference:
            if when == moment and not act.at_hand:
                self._scene.act(act)
        if self._run.dies_at is not None and moment >= self._run.dies_at:
            raise Killed

    def _interfere(self, upload: Upload, on: str) -> None:
        """A client acts on the very upload, before one of the first looks at parts (odd) or aborts (even)."""
        nth = 2 * self._run.requests[on] + (on == "parts")
        for when, act in self._run.step.circumstances.interference:
            if act.at_hand and when % 10 == nth:
                self._scene.act(act, upload)

    def _must_be_abandoned(self, upload: Upload) -> None:
        """Keep, at the only moment that counts. What came after the parts were read could not be known."""
        run, reading = self._run, self._run.reads.pop((self._owner, upload), None)
        assert not any(terms.dry_run for terms in run.terms), "Keep: an abort in a dry run"
        at_once = any(terms.upload == upload and not terms.min_idle for terms in run.terms)
        was_looked_at = reading is not None or (at_once and run.struck["parts", upload])
        assert was_looked_at, "Keep: an abort before a look at the parts"
        assert at_once or (reading and reading.is_complete), "Keep: an abort before the last of the parts"
        is_sweep = any(terms.upload is None and terms.key is None for terms in run.terms)
        assert run.is_allowed or run.number > 1 or not is_sweep, "Chain: an abort before it is known who may go on"
        if reading and reading.seen is not None:
            assert permits(run.terms, upload, reading.seen, run.as_of, self._scene.conditions.skews), f"Keep: {upload}"

    def _under_conditions(self, page: Page, bucket: Bucket, start: Cursor, prefix: str) -> Page:
        """The page as a stale listing shows it, and with the times in the form that is set."""
        scene = self._scene
        entries = [one for one in page.listed if one.upload.upload_id not in scene.hidden]
        low = listing.order(start.key), start.upload_id
        high = (listing.order(page.next.key), page.next.upload_id) if page.next else None
        for name in scene.ghosts:
            upload, was = scene.gone[name]
            place = listing.order(upload.key), name
            if (
                upload.bucket == bucket
                and upload.key.startswith(prefix)
                and low < place
                and (not high or place <= high)
            ):
                entries.append(ListedUpload(upload, was.initiated.replace(microsecond=0), was.initiator))
        if scene.ghosts:
            entries.sort(key=lambda one: (listing.order(one.upload.key), one.upload.upload_id))
        if scene.quirks:
            entries = [self._with_quirk(one) for one in entries]
        return Page(tuple(entries), page.next, scene.conditions.skew("page"), page.request_id)

    def _with_quirk(self, listed: ListedUpload) -> ListedUpload:
        quirk = self._scene.quirks.get(listed.upload.upload_id)
        if quirk is None or listed.initiated is None:
            return listed
        return replace(listed, initiated=reported(listed.initiated, quirk.initiated))
