"""
The producer of pages: every page of every listing, in order, to the end of each listing or of the run.

A listing that fails for now is tried again after a pause, while the others continue. If COS rejects a marker because
its upload is gone, the listing goes back to before it, and leaves out what was listed before.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile

from cos_sweeper.core import key_readings
from cos_sweeper.core.errors import CosRejected, Stopped, StoreError, Unavailable
from cos_sweeper.core.model import BEGINNING, Cursor, ListedUpload, Page
from cos_sweeper.core.outcomes import Failed
from cos_sweeper.engine.key_forms import KeyForms
from cos_sweeper.engine.lookup import rejects_marker
from cos_sweeper.engine.paginator import Paginator, order
from cos_sweeper.engine.reasons import OUT_OF_TIME, STOPPED
from cos_sweeper.engine.run_state import RunState

# Between the attempts at a listing that fails, in seconds; a minute in all. The other listings go on meanwhile.
PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0)


@dataclass(frozen=True, slots=True)
class ListingCutOff:
    """
    A listing ends here for this run.

    why: in words; is_blocking: it took most of the run's time; error: COS's last error, where it failed.
    """

    why: str
    is_blocking: bool = False
    error: StoreError | None = None


class Exhausted(StoreError):
    """A listing failed for now, for as long as a run tries it."""

    def __init__(self, error: StoreError) -> None:
        super().__init__(error.code, error.status, error.request_id, error.detail)
        self.error = error


@dataclass(frozen=True, slots=True)
class Produced:
    """A page of a listing, or why it ends. number: of the listing in the plan; start: the cursor that it begins at."""

    number: int
    start: Cursor
    page: Page | StoreError | ListingCutOff


@dataclass(slots=True)
class _Listing:
    """
    A listing that is being read.

    failures: in a row; failed_at, error: of the last of them. began: when the page at hand was first requested.
    last_key, seen: the last key so far and the ids of the uploads under it; key_before: the one before. rejected:
    markers that the server rejected. goes_on_after: the end of what was listed when the listing went back; is_behind:
    since then nothing new was listed.
    """

    number: int
    walk: Paginator
    began: float
    failures: int = 0
    failed_at: float = 0.0
    error: StoreError | None = None
    seen: set[str] = field(default_factory=set)
    last_key: str = ""
    key_before: str = ""
    rejected: set[Cursor] = field(default_factory=set)
    goes_on_after: Cursor | None = None
    is_behind: bool = False

    @property
    def after(self) -> Cursor:
        """What was listed so far ends here."""
        back = self.goes_on_after if self.is_behind else None
        return back or self.walk.next or BEGINNING

    def without_seen(self, page: Page, keys_of: Callable[[ListedUpload], Sequence[str]]) -> Page:
        """
        The page without uploads that were on an earlier one.

        Servers differ in where they go on after an upload that is gone; a listing that stepped back shows them, too.
        """
        back = order(self.goes_on_after.key) if self.goes_on_after is not None else b""
        fresh = []
        for listed in page.listed:
            key = listed.upload.key
            if back and all(order(one) < back for one in keys_of(listed)):
                continue
            if key != self.last_key:
                self.key_before, self.last_key, self.seen = self.last_key, key, set()
            if listed.upload.upload_id not in self.seen or not listed.upload.upload_id:
                self.seen.add(listed.upload.upload_id)
                fresh.append(listed)
        self.is_behind = self.is_behind and not fresh
        return page if len(fresh) == len(page.listed) else replace(page, listed=tuple(fresh))

    def step_back(self) -> bool:
        """
        Continue before the marker that the server rejects: at the key before it, or the key that is a character
        shorter.

        No upload id, so no upload that is gone, stands in that marker, and nothing is skipped: what lies between is
        listed again. False when there is nothing to step back from, and when that did not help with this very marker.
        """
        here = self.walk.next
        if here is None or not here.upload_id or here in self.rejected:
            return False
        self.rejected.add(here)
        if not self.is_behind:
            self.goes_on_after, self.is_behind = here, True
        before = self.key_before if here.key == self.last_key else ""
        # A key that was read wrongly may stand in the wrong order.
        is_before = b"" < order(before) < order(here.key)
        self.walk = Paginator(Cursor(before if is_before else here.key[:-1]))
        return True


class ListingReader:
    """Reads the listings of one run."""

    def __init__(self, state: RunState, key_forms: KeyForms) -> None:
        self._state = state
        self._key_forms = key_forms

    async def read(self, numbers: Sequence[int], emit: Callable[[Produced], Awaitable[None]]) -> None:
        """Emit every page of these listings. A StoreError or a ListingCutOff ends one, for good or for this run."""
        targets, clock = self._state.plan.listings, self._state.deadline.clock
        queue = deque(_Listing(number, Paginator(targets[number].start), clock()) for number in numbers)
        while queue:
            listing = queue.popleft()
            if not await self._pause_after_failure(listing):
                await emit(Produced(listing.number, listing.after, self._cut_off(listing)))
                continue
            listing.began = listing.began if listing.failures else clock()
            while listing.walk.next is not None:
                start = listing.after
                page = await self._next_page(listing)
                if isinstance(page, Unavailable):
                    # The others go first; it is tried again after a pause.
                    queue.append(listing)
                    break
                await emit(Produced(listing.number, start, page))
                if not isinstance(page, Page):
                    break
                listing.began, listing.failures, listing.error = clock(), 0, None

    async def _next_page(self, listing: _Listing) -> Page | StoreError | ListingCutOff:
        """The next page. Unavailable: it failed for now, and may be requested again in this run."""
        state = self._state
        target = state.plan.listings[listing.number]
        if target.bucket in state.given_up:
            return as_error(state.given_up[target.bucket])
        why = state.why_stop(target.bucket)
        if why:
            return ListingCutOff(why)
        try:
            page = await state.store.page(target.bucket, listing.walk.next or target.start, target.prefix)
            page = await self._key_forms.read(page, target)
            page = listing.without_seen(page, self._key_forms.keys_of)
            page = up_to_other_keys(page, () if target.policy.only_key is None else (target.policy.only_key,))
            page = self._up_to_end(page, target.end)
            listing.walk.advance(page, fresh=len(page.listed))
        except Stopped as exc:
            state.stop(target.bucket, exc.code)
            return ListingCutOff(f"{STOPPED}: {exc.code}")
        except Unavailable as exc:
            listing.failures, listing.failed_at, listing.error = listing.failures + 1, state.deadline.clock(), exc
            # What our own time limit cut off is left for the next run.
            if state.deadline.passed:
                return self._cut_off(listing)
            return exc if listing.failures <= len(PAUSES) else Exhausted(exc)
        except StoreError as exc:
            if rejects_marker(exc) and listing.step_back():
                return await self._next_page(listing)
            return exc
        return page

    def _up_to_end(self, page: Page, end: Cursor | None) -> Page:
        """The page up to the end of a range, where it has one; the listing ends there."""
        if end is None:
            return page
        for index, listed in enumerate(page.listed):
            keys = self._key_forms.keys_of(listed)
            if listed.upload.upload_id == end.upload_id and end.key in keys:
                return replace(page, listed=page.listed[: index + 1], next=None)
            if all(order(key) > order(end.key) for key in keys):
                return replace(page, listed=page.listed[:index], next=None)
        return page

    async def _pause_after_failure(self, listing: _Listing) -> bool:
        if not listing.failures:
            return True
        deadline = self._state.deadline
        # A short run has no time for the longer pauses; it tries until its deadline all the same.
        pause = min(PAUSES[listing.failures - 1], self._state.half / 4)
        seconds = listing.failed_at + pause - deadline.clock()
        return seconds <= 0 or (not deadline.passed and await self._state.store.pause(seconds))

    def _cut_off(self, listing: _Listing) -> ListingCutOff:
        state = self._state
        is_long = state.deadline.clock() - listing.began >= state.half
        # A listing that only waited for the rate limit blocks nothing.
        has_waited = not listing.failures and state.store.is_throttled(state.plan.listings[listing.number].bucket)
        is_blocking = is_long and not has_waited
        return ListingCutOff(OUT_OF_TIME, is_blocking, listing.error)


def up_to_other_keys(page: Page, keys: Sequence[str]) -> Page:
    """The page up to the first upload of another key, where only some are of interest; the listing ends there."""
    if not keys:
        return page
    mine = tuple(takewhile(lambda listed: not set(keys).isdisjoint(key_readings.of(listed)), page.listed))
    return page if len(mine) == len(page.listed) else replace(page, listed=mine, next=None)


def as_error(failed: Failed) -> StoreError:
    """The rejection for which no further request goes to a bucket."""
    return CosRejected(failed.code, failed.status, failed.request_id, failed.detail)
