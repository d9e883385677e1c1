"""
A look at an upload's parts: the evidence for an abort.

List Parts shows the parts that have arrived whole, at the moment of each page. So a look is as old as its first
request, and a look of many pages may miss a part that arrived on an early page while a late one was read. Hence two
rules, which `processing` follows. An abort leaves at most MAX_EVIDENCE_SECONDS after the first request of the look that
it relies on. And a look that took long is followed by another, which requests all pages at once and must show the same
parts.
"""

from array import array
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from functools import partial

from cos_sweeper.core.clock import AsOf
from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.errors import CosRejected, StoreError, Unavailable
from cos_sweeper.core.model import Keep, Part, PartsPage, PartsSeen, Upload
from cos_sweeper.core.policy import NEW_PART, Activity, Policy, add_parts, doubt_of_clock, measure
from cos_sweeper.cos.store import Store
from cos_sweeper.engine.task_group import Gate, together

# From the first request of a look to the abort, the wait for a connection included.
MAX_EVIDENCE_SECONDS = 5.0
# From the end of a look to the abort; and how long a look of many pages may take without a second one.
MAX_DELAY_SECONDS = 2.0
# An upload has at most 10,000 parts, 1000 to a page; an end is needed all the same.
MAX_PARTS_PAGES = 1000
# Pages of one look that are asked for at the same time; COS has ten at most.
PAGES_AT_ONCE = 16
# Of all looks together, beyond one page for each worker: each is a connection, and SCF lets a function open 1024 files.
MAX_PAGES_AT_ONCE = 64
NOTHING_READ = Activity()


@dataclass(frozen=True, slots=True)
class Look:
    """
    All parts of an upload, as one look showed them.

    markers: the part number after which each page begins. parts: a number for each part, the same for the same part
    in this process. began: when its first request left; ended: when the last answer was read; by the deadline's clock.
    confirms: it is of an upload that was looked at before, and all of its pages were asked for at the same time.
    """

    activity: Activity
    markers: tuple[int, ...]
    parts: "array[int]"
    began: float
    ended: float
    confirms: bool = False

    @property
    def needs_another(self) -> bool:
        """Whether it took so long that a part may have arrived on a page that was already read."""
        return len(self.markers) > 1 and not self.confirms and self.ended - self.began > MAX_DELAY_SECONDS

    def seconds_left(self, now: float) -> float:
        """In how many seconds an abort that relies on it must leave; not positive when it is too late."""
        return min(self.began + MAX_EVIDENCE_SECONDS, self.ended + MAX_DELAY_SECONDS) - now

    def shows_more_than(self, earlier: "Look") -> bool:
        """Whether it shows a part that an earlier one did not show."""
        return not set(self.parts) <= set(earlier.parts)

    def differs_from(self, earlier: "Look") -> bool:
        """Whether the two do not show the same parts."""
        return sorted(self.parts) != sorted(earlier.parts)


@dataclass(frozen=True, slots=True)
class CutOff:
    """Time ran out before the look was complete. markers: where the pages begin, as far as they were read."""

    markers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Read:
    """What is left of a page of parts once it was read. after, next: where it begins, and the page behind it."""

    after: int
    next: int | None
    activity: Activity
    parts: "array[int]"


@dataclass(frozen=True, slots=True)
class Looker:
    """
    Looks at parts for one run.

    counts_kept: whether the parts of an upload are read to the end for the account, although an earlier one keeps it.
    """

    store: Store
    deadline: Deadline
    as_of: AsOf
    gate: Gate
    counts_kept: bool = False

    def look(
        self, upload: Upload, policy: Policy, markers: tuple[int, ...] = (0,), *, for_abort: bool = True
    ) -> Awaitable[Look | Keep | CutOff]:
        """
        Look at every part, or up to the first that keeps the upload. Raises StoreError.

        markers: where the pages begin, as far as an earlier run read them. That run found nothing that keeps the
        upload, which is no evidence for an abort: when the rest is read, all pages are asked for at once. for_abort: an
        abort may follow at once, so a slot of the rate limit is reserved for it; a caller that does not need it returns
        it.
        """
        in_turn = self._in_turn(upload, policy, markers, for_abort=for_abort)
        return in_turn if len(markers) == 1 else self._confirmed(in_turn, upload, policy, for_abort=for_abort)

    async def _confirmed(
        self, rest: Awaitable[Look | Keep | CutOff], upload: Upload, policy: Policy, *, for_abort: bool
    ) -> Look | Keep | CutOff:
        """A look whose first pages an earlier run read. rest: what reads the others."""
        look = await rest
        if isinstance(look, Look):
            whole = await self._at_once(upload, policy, look.markers, confirms=False)
            if whole is not None:
                return whole
            # The pages do not join, so they are not all: then they are read one after the other.
            self.store.give_back(upload.bucket)
            return await self._in_turn(upload, policy, (0,), for_abort=for_abort)
        return look

    async def measure(self, upload: Upload, activity: Activity = NOTHING_READ, after: int = 0) -> PartsSeen | CutOff:
        """Read every part, and decide nothing. activity: of the parts up to number `after`. Raises StoreError."""
        following = after
        for _ in range(MAX_PARTS_PAGES):
            page = await self._page(upload, following, for_abort=False)
            if page is None:
                return CutOff((0,))
            activity = measure(activity, page.parts)
            if page.next is None:
                return activity.seen
            following = page.next
        raise _endless()

    async def look_again(self, upload: Upload, policy: Policy, earlier: Look) -> Look | Keep | CutOff:
        """Look at an upload whose pages are known: all of them are asked for at once. Raises StoreError."""
        if len(earlier.markers) == 1:
            return await self._in_turn(upload, policy, earlier.markers, for_abort=True)
        look = await self._at_once(upload, policy, earlier.markers, confirms=True)
        return Keep(NEW_PART) if look is None else look

    async def _in_turn(
        self, upload: Upload, policy: Policy, first: tuple[int, ...], *, for_abort: bool
    ) -> Look | Keep | CutOff:
        activity, markers, parts = Activity(), [*first], array("q")
        began: float | None = None
        while len(markers) <= MAX_PARTS_PAGES:
            page = await self._page(upload, markers[-1], for_abort=for_abort and len(markers) == 1)
            if page is None:
                return CutOff(tuple(markers))
            began = page.sent if began is None else began
            seen = self._add(activity, page, policy)
            if isinstance(seen, Keep):
                return await self._with_parts(seen, upload, measure(activity, page.parts), page.next)
            activity = seen
            parts.extend(map(_number_of, page.parts))
            if page.next is None:
                now = self.deadline.clock()
                return Look(activity, tuple(markers), parts, now if began is None else began, now)
            markers.append(page.next)
        raise _endless()

    async def _with_parts(self, kept: Keep, upload: Upload, activity: Activity, following: int | None) -> Keep:
        """The same with what all parts of the upload are, where that is known or wanted. following: where to go on."""
        if following is None:
            return replace(kept, seen=activity.seen)
        if not self.counts_kept:
            return kept
        try:
            seen = await self.measure(upload, activity, following)
        except StoreError:
            return kept
        return kept if isinstance(seen, CutOff) else replace(kept, seen=seen)

    async def _at_once(
        self, upload: Upload, policy: Policy, markers: tuple[int, ...], *, confirms: bool
    ) -> Look | Keep | CutOff | None:
        """None: a page does not end where the next one begins."""
        many = min(len(markers), PAGES_AT_ONCE)
        if not await self.gate.enter(many, self.deadline):
            return CutOff(markers)
        try:
            return await self._pages_at_once(upload, policy, markers, confirms=confirms)
        finally:
            self.gate.leave(many)

    async def _pages_at_once(
        self, upload: Upload, policy: Policy, markers: tuple[int, ...], *, confirms: bool
    ) -> Look | Keep | CutOff | None:
        activity, parts = Activity(), array("q")
        began = self.deadline.clock()
        following = dict(zip(markers, (*markers[1:], None), strict=True))
        for first in range(0, len(markers), PAGES_AT_ONCE):
            some = markers[first : first + PAGES_AT_ONCE]
            for read in await together([partial(self._read, upload, marker, policy) for marker in some]):
                if not isinstance(read, _Read):
                    return CutOff(markers) if read is None else read
                if read.next != following[read.after]:
                    return None
                activity = activity.plus(read.activity)
                parts.extend(read.parts)
        return Look(activity, markers, parts, began, self.deadline.clock(), confirms)

    async def _read(self, upload: Upload, after: int, policy: Policy) -> _Read | Keep | None:
        """A page, without its parts: many of them are read at the same time."""
        page = await self._page(upload, after, for_abort=after == 0)
        if page is None:
            return None
        seen = self._add(Activity(), page, policy)
        if isinstance(seen, Keep):
            return seen
        return _Read(after, page.next, seen, array("q", map(_number_of, page.parts)))

    async def _page(self, upload: Upload, after: int, *, for_abort: bool) -> PartsPage | None:
        if self.deadline.passed:
            return None
        try:
            return await self.store.parts(upload, after, for_abort=for_abort)
        except Unavailable:
            # Our own time limit cut it off: this says nothing about COS or the upload.
            if self.deadline.passed:
                return None
            raise

    def _add(self, activity: Activity, page: PartsPage, policy: Policy) -> Activity | Keep:
        self.as_of.lower(page.date, page.skew)
        doubt = doubt_of_clock(page.skew) if policy.min_idle else None
        return doubt or add_parts(activity, page.parts, policy, self.as_of.value)


def _endless() -> CosRejected:
    return CosRejected("EndlessParts", detail=f"more than {MAX_PARTS_PAGES} pages of parts")


def _number_of(part: Part) -> int:
    return hash((part.number, part.etag, part.size, part.last_modified))
