"""
A look at an upload's parts: the evidence for an abort.

List Parts shows the parts that have arrived whole, at the moment of each page. So a look is as old as its first
request, and a look of many pages may miss a part that arrived on an early page while a late one was read. Hence two
rules, which `settle` follows. An abort leaves at most MAX_EVIDENCE_SECONDS after the first request of the look that it
relies on. And a look that took long is followed by another, which asks for all pages at once and must show the same
parts.
"""

from array import array
from dataclasses import dataclass
from functools import partial

from cos_sweeper import turns
from cos_sweeper.budget import Deadline
from cos_sweeper.clock import AsOf
from cos_sweeper.errors import Rejected, Unavailable
from cos_sweeper.model import Keep, Part, PartsPage, Upload
from cos_sweeper.policy import Activity, Policy, add_parts, doubt_of_clock
from cos_sweeper.store import Store

# From the first request of a look to the abort, the wait for a connection included.
MAX_EVIDENCE_SECONDS = 5.0
# From the end of a look to the abort; and how long a look of many pages may take without a second one.
MAX_DELAY_SECONDS = 2.0
# An upload has at most 10,000 parts, 1000 to a page; an end is needed all the same.
MAX_PARTS_PAGES = 1000
# Pages of one look that are asked for at the same time; COS has ten at most.
PAGES_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Look:
    """
    All parts of an upload, as one look showed them.

    markers: the part number after which each page begins. parts: a number for each part, the same for the same part
    in this process. began: when its first request left; ended: when the last answer was read; by the deadline's clock.
    """

    activity: Activity
    markers: tuple[int, ...]
    parts: "array[int]"
    began: float
    ended: float

    @property
    def needs_another(self) -> bool:
        """Whether it took so long that a part may have arrived behind its back."""
        return len(self.markers) > 1 and self.ended - self.began > MAX_DELAY_SECONDS

    def seconds_left(self, now: float) -> float:
        """In how many seconds an abort that relies on it must leave; not positive when it is too late."""
        return min(self.began + MAX_EVIDENCE_SECONDS, self.ended + MAX_DELAY_SECONDS) - now

    def shows_more_than(self, earlier: "Look") -> bool:
        """Whether it shows a part that an earlier one did not show."""
        return not set(self.parts) <= set(earlier.parts)

    def differs_from(self, earlier: "Look") -> bool:
        """Whether the two do not show the same parts."""
        return set(self.parts) != set(earlier.parts)


@dataclass(frozen=True, slots=True)
class Looker:
    """Looks at parts for one run."""

    store: Store
    deadline: Deadline
    as_of: AsOf

    def look(self, upload: Upload, policy: Policy, earlier: Look | None = None) -> Look | Keep | None:
        """
        Look at every part, or up to the first that keeps the upload. None: time ran out first. Raises StoreError.

        earlier: a look at the same upload, whose pages are asked for at once this time.
        """
        if earlier is None or len(earlier.markers) == 1:
            return self._in_turn(upload, policy)
        return self._at_once(upload, policy, earlier.markers)

    def _in_turn(self, upload: Upload, policy: Policy) -> Look | Keep | None:
        activity, markers, parts = Activity(), [0], array("q")
        began: float | None = None
        while len(markers) <= MAX_PARTS_PAGES:
            page = self._page(upload, markers[-1], for_abort=len(markers) == 1)
            if page is None:
                return None
            began = page.sent if began is None else began
            seen = self._add(activity, page, policy)
            if isinstance(seen, Keep):
                return seen
            activity = seen
            parts.extend(map(_number_of, page.parts))
            if page.next is None:
                now = self.deadline.clock()
                return Look(activity, tuple(markers), parts, now if began is None else began, now)
            markers.append(page.next)
        raise Rejected("EndlessParts", detail=f"more than {MAX_PARTS_PAGES} pages of parts")

    def _at_once(self, upload: Upload, policy: Policy, markers: tuple[int, ...]) -> Look | Keep | None:
        activity, parts = Activity(), array("q")
        began = self.deadline.clock()
        last = markers[-1]
        for first in range(0, len(markers), PAGES_AT_ONCE):
            some = markers[first : first + PAGES_AT_ONCE]
            asks = [partial(self._page, upload, marker, for_abort=marker == 0) for marker in some]
            for marker, page in zip(some, turns.together(asks), strict=True):
                if page is None:
                    return None
                seen = self._add(activity, page, policy)
                if isinstance(seen, Keep):
                    return seen
                activity = seen
                parts.extend(map(_number_of, page.parts))
                if marker == last and page.next is not None:
                    # More parts than before: whatever they are, the two looks differ.
                    parts.append(-1)
        return Look(activity, markers, parts, began, self.deadline.clock())

    def _page(self, upload: Upload, after: int, *, for_abort: bool) -> PartsPage | None:
        if self.deadline.passed:
            return None
        try:
            return self.store.parts(upload, after, for_abort=for_abort)
        except Unavailable:
            # Cut off by our own time limit: no word on COS, and none on the upload.
            if self.deadline.passed:
                return None
            raise

    def _add(self, activity: Activity, page: PartsPage, policy: Policy) -> Activity | Keep:
        self.as_of.lower(page.date, page.skew)
        doubt = doubt_of_clock(page.skew) if policy.min_idle else None
        return doubt or add_parts(activity, page.parts, policy, self.as_of.value)


def _number_of(part: Part) -> int:
    return hash((part.number, part.etag, part.size, part.last_modified))
