"""
COS as one run gets to it: in memory, a second a request, with whatever is amiss, and with clients acting meanwhile.

What must never reach COS is held up here: no other operation, no foreign bucket, nothing half named, nothing alive.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from greenlet import getcurrent

from cos_sweeper import turns
from cos_sweeper.errors import Rejected, StoreError, Unavailable
from cos_sweeper.model import Bucket, BucketsPage, Cursor, Listed, Outcome, Page, Part, PartsPage, Upload
from cos_sweeper.report import Report
from cos_sweeper.store import Receipt
from tests.cloud import listing
from tests.cloud.memory import MemoryStore
from tests.engine import Killed
from tests.world.scene import PLAIN, Act, Scene, told
from tests.world.terms import Rules, Seen, Terms, is_addressable, permits

GRACE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Circumstances:
    """
    What happens to the runs that one step of the world sets off.

    seconds: for the work of one run. pauses: how often each request gives way to the others, in turn. meddling: what
    clients do before (2n) and after (2n+1) the n-th request. deaths: where each run dies, counted likewise, None for a
    run that lives. takes: how many invocations SCF takes. later: what is handed on stays in SCF's queue.
    """

    seconds: int = 10**6
    page_size: int = 1000
    pauses: tuple[int, ...] = (0,)
    meddling: tuple[tuple[int, Act], ...] = ()
    deaths: tuple[int | None, ...] = ()
    takes: int | None = None
    later: bool = False

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
    taken: int = 0


@dataclass(slots=True)
class Reading:
    """How far a task has read an upload's parts. seen: the upload when it began to, None when it was gone by then."""

    seen: Seen | None
    is_done: bool = False


@dataclass(slots=True, eq=False)
class Run:
    """One run as the world saw it. of: its chain; terms: those of it and of the settings of the day; number: in it."""

    of: object
    rules: Rules
    terms: tuple[Terms, ...]
    step: Step
    as_of: datetime
    since: int
    number: int = 1
    ticks: int = 0
    dies_at: int | None = None
    requests: Counter[str] = field(default_factory=Counter)
    reads: dict[tuple[object, Upload], Reading] = field(default_factory=dict)
    freed: dict[Upload, int] = field(default_factory=dict)
    lost: list[Upload] = field(default_factory=list)
    struck: Counter[tuple[str, Upload]] = field(default_factory=Counter)
    broken: list[Bucket | None] = field(default_factory=list)
    outcomes: list[tuple[Outcome, bool]] = field(default_factory=list)
    handed: list[str] = field(default_factory=list)
    turned_away: int = 0
    report: Report | None = None

    @property
    def is_late(self) -> bool:
        """No time for new work is left."""
        return self.ticks >= self.step.circumstances.seconds

    @property
    def is_over(self) -> bool:
        """No time for requests is left."""
        return self.ticks >= self.step.circumstances.seconds + GRACE_SECONDS


class Door:
    """A Store for one run."""

    def __init__(self, scene: Scene, run: Run) -> None:
        self._scene = scene
        self._run = run
        self._store = MemoryStore(scene.account, lambda: scene.now, run.step.circumstances.page_size)

    def buckets(self, marker: str) -> BucketsPage:
        number = self._arrive("buckets", None)
        self._befall("buckets", None)
        page = self._store.buckets(marker)
        self._leave(number)
        return page

    def page(self, bucket: Bucket, start: Cursor, prefix: str) -> Page:
        number = self._arrive("page", bucket)
        assert any(terms.is_listed_for(bucket, prefix) for terms in self._run.terms), "Scope: a listing"
        try:
            self._befall("page", bucket)
            page = self._store.page(bucket, start, prefix)
        except StoreError as exc:
            if isinstance(exc, Rejected) or not self._run.is_late:
                self._run.broken.append(bucket)
            raise
        page = self._as_the_weather_has_it(page, bucket, start, prefix)
        self._leave(number)
        return page

    def give_back(self, bucket: Bucket) -> None:
        self._store.give_back(bucket)

    def pause(self, seconds: float) -> bool:
        return self._store.pause(seconds) and not self._run.is_over

    def parts(self, upload: Upload, after: int, *, for_abort: bool = False) -> PartsPage:  # noqa: ARG002
        number = self._arrive("parts", upload.bucket, upload)
        held = self._scene.held(upload)
        if not after:
            self._run.reads[getcurrent(), upload] = Reading(self._scene.seen(upload))
        self._befall("parts", upload.bucket, upload)
        page = self._store.parts(upload, after)
        self._run.reads[getcurrent(), upload].is_done = page.next is None
        quirk = self._scene.quirks.get(upload.upload_id, PLAIN).parts
        parts = page.parts
        if quirk != PLAIN.parts:
            assert held is not None
            numbers = [one for one in sorted(held.parts.by_number) if one > after]
            parts = tuple(
                Part(told(part.last_modified, quirk), part.size) if one % 2 and part.last_modified else part
                for one, part in zip(numbers, page.parts, strict=False)
            )
        self._leave(number)
        return PartsPage(parts, page.next, self._scene.weather.skew("parts"))

    def abort(self, upload: Upload, within: float | None = None) -> Receipt:  # noqa: ARG002
        number = self._arrive("abort", upload.bucket, upload)
        self._must_not_be_alive(upload)
        self._befall("abort", upload.bucket, upload)
        held = self._scene.held(upload)
        receipt = self._store.abort(upload)
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

    def put_report(self, bucket: Bucket, key: str, body: bytes) -> None:
        raise AssertionError(f"Wire: a report of {len(body)} bytes to {bucket}/{key}, which nobody asked for")

    def hand_on(self, send: Callable[[], None]) -> None:
        """Invoking the function is a request like any other: clients act meanwhile, and the instance may die of it."""
        number = self._arrive("invoke", None)
        send()
        self._leave(number)

    def _arrive(self, on: str, bucket: Bucket | None, upload: Upload | None = None) -> int:
        """A request is on its way; the laws of what may be asked at all. Returns its number."""
        run, step = self._run, self._run.step
        number = step.requests
        step.requests += 1
        self._moment(2 * number)
        if upload is not None:
            self._meddle_with(upload, on)
        for _ in range(step.circumstances.pauses[number % len(step.circumstances.pauses)]):
            turns.sleep(0)
        run.ticks += 1
        run.requests[on] += 1
        if bucket is not None:
            assert bucket.name in run.rules.names, "Scope: a bucket outside BUCKETS"
        if upload is not None:
            assert is_addressable(upload), "Wire: an upload that cannot be addressed"
            assert any(terms.covers(upload) for terms in run.terms), "Scope: an upload that nobody asked for"
        return number

    def _befall(self, on: str, bucket: Bucket | None, upload: Upload | None = None) -> None:
        """What the weather does to it on its way, if anything."""
        if self._run.is_over:
            self._strike(on, upload)
            raise Unavailable("OutOfTime")
        fault = self._scene.strike(on, bucket, upload.key if upload else "")
        if fault:
            self._strike(on, upload)
            raise fault.error()

    def _strike(self, on: str, upload: Upload | None) -> None:
        if upload is not None:
            self._run.struck[on, upload] += 1

    def _leave(self, number: int) -> None:
        """A request was answered."""
        self._moment(2 * number + 1)

    def _moment(self, moment: int) -> None:
        for when, act in self._run.step.circumstances.meddling:
            if when == moment and not act.at_hand:
                self._scene.act(act)
        if self._run.dies_at is not None and moment >= self._run.dies_at:
            raise Killed

    def _meddle_with(self, upload: Upload, on: str) -> None:
        """A client acts on the very upload, before one of the first looks at parts (odd) or aborts (even)."""
        nth = 2 * self._run.requests[on] + (on == "parts")
        for when, act in self._run.step.circumstances.meddling:
            if act.at_hand and when % 10 == nth:
                self._scene.act(act, upload)

    def _must_not_be_alive(self, upload: Upload) -> None:
        """Keep, at the only moment that counts. What came after the parts were read could not be known."""
        run, reading = self._run, self._run.reads.get((getcurrent(), upload))
        assert not any(terms.dry_run for terms in run.terms), "Keep: an abort in a dry run"
        assert reading is not None, "Keep: an abort before a look at the parts"
        at_once = any(terms.upload == upload and not terms.min_idle for terms in run.terms)
        assert reading.is_done or at_once, "Keep: an abort before the last of the parts"
        if reading.seen is not None:
            assert permits(run.terms, upload, reading.seen, run.as_of, self._scene.weather.skews), f"Keep: {upload}"

    def _as_the_weather_has_it(self, page: Page, bucket: Bucket, start: Cursor, prefix: str) -> Page:
        """The page with what is gone and without what is new, where it is stale; and with the times as told."""
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
                entries.append(Listed(upload, was.initiated.replace(microsecond=0), was.initiator))
        if scene.ghosts:
            entries.sort(key=lambda one: (listing.order(one.upload.key), one.upload.upload_id))
        if scene.quirks:
            entries = [self._with_quirk(one) for one in entries]
        return Page(tuple(entries), page.next, scene.weather.skew("page"), page.request_id)

    def _with_quirk(self, listed: Listed) -> Listed:
        quirk = self._scene.quirks.get(listed.upload.upload_id)
        if quirk is None or listed.initiated is None:
            return listed
        return replace(listed, initiated=told(listed.initiated, quirk.initiated))
