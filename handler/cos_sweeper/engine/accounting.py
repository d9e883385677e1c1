"""
Which outcomes go to the report, and which uploads to the remaining plan: each upload to exactly one of the two.

The states of a page: open, while one of its uploads is in work; closed, when none is and no earlier page is open; then
it is accounted for, in the order of the listing. An upload whose verification waits is detached: it is accounted for
when it ends, after its page if need be.

The resume point of a listing is before its first upload that was not reached. A later run lists again what lies behind
it. That run counts what is kept or failed there. This run counts what is gone there, because no later run finds it. The
invariant between any two pages: the report has every upload before the resume point and every abort behind it,
`uncounted` has the others, and the remaining plan leads to all of these.

An upload that failed for now is a target of the remaining plan; more than MAX_TARGETS are ranges of the listing.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from cos_sweeper.core.checkpoint import MAX_ATTEMPTS
from cos_sweeper.core.errors import StoreError, Unavailable
from cos_sweeper.core.model import Cursor, ListedUpload, Page
from cos_sweeper.core.outcomes import (
    Aborted,
    AlreadyGone,
    BucketFailed,
    Kept,
    Outcome,
    WouldAbort,
    fields_of_bucket,
    name_of,
)
from cos_sweeper.core.plan import ListingTarget, UploadTarget, swept_target
from cos_sweeper.core.policy import DOUBTS
from cos_sweeper.engine.listing import Exhausted, ListingCutOff, as_error
from cos_sweeper.engine.relisting import GoneUploads
from cos_sweeper.engine.result import Uncounted
from cos_sweeper.engine.retrying import TOO_SLOW, is_unreached
from cos_sweeper.engine.run_state import RunState, bucket_failed, log_problem
from cos_sweeper.engine.verification import Sample

# Pages that are not accounted for yet: one slow upload may hold up a page, but not let the next ones pile up.
MAX_OPEN_PAGES = 3
# Failed uploads that travel one by one; they fit in a checkpoint with keys of the longest kind.
MAX_TARGETS = 500


@dataclass(slots=True)
class OpenPage:
    """
    A page of a listing whose uploads are processed.

    number: of the page in this run; listing: its index in the plan. open: uploads without an outcome that hold up the
    page. outcomes: by index in the listing, None while open, and for uploads of another shard. targets: what is to be
    tried again, by index. ranges: of indexes that a later run lists again. detached: whose verification waits.
    """

    number: int
    listing: int
    start: Cursor
    listed: tuple[ListedUpload, ...]
    request_id: str
    close: Callable[[], None]
    open: int
    outcomes: list[Outcome | None] = field(init=False)
    targets: dict[int, UploadTarget] = field(default_factory=dict)
    ranges: list[range] = field(default_factory=list)
    detached: set[int] = field(default_factory=set)
    sample: Sample = field(default_factory=Sample)
    is_accounted: bool = False

    def __post_init__(self) -> None:
        self.outcomes = [None] * len(self.listed)

    def detach(self, index: int) -> None:
        """The upload at this index does not hold up the page any longer."""
        if index not in self.detached:
            self.detached.add(index)
            self.open -= 1
        self.close()

    def cursor_before(self, index: int) -> Cursor:
        """The cursor after which the listing begins with this upload. An id that is no marker is skipped."""
        for one in reversed(self.listed[:index]):
            if one.upload.upload_id:
                return Cursor(one.upload.key, one.upload.upload_id)
        return self.start

    def cursor_at(self, index: int) -> Cursor:
        """The cursor after which the listing begins with the next upload."""
        upload = self.listed[index].upload
        return Cursor(upload.key, upload.upload_id)


class PageAccount:
    """The pages of one run, their resume points, and what their listings leave to a later run."""

    def __init__(self, state: RunState, gone: GoneUploads) -> None:
        self._state = state
        self._gone = gone
        self._pages: deque[OpenPage] = deque()
        self._opened = 0
        self._closed = asyncio.Event()
        # The resume point of each listing: after the last page that was listed, or before the first upload that was not
        # reached, with its page's number and its index there.
        self._not_listed: dict[int, ListingTarget] = {}
        self._not_reached: dict[int, tuple[tuple[int, int], Cursor]] = {}
        self._blocked: set[int] = set()
        self._ranges: list[ListingTarget] = []
        self.targets: list[UploadTarget] = []
        self.uncounted: list[Uncounted] = []
        self.unlisted: list[BucketFailed] = []

    async def has_room(self) -> None:
        """Wait until another page may be opened."""
        while len(self._pages) >= MAX_OPEN_PAGES:
            await self._closed.wait()

    def open_page(self, listing: int, start: Cursor, page: Page, uploads: int) -> OpenPage:
        """Begin a page. uploads: how many of its uploads this run processes."""
        self._opened += 1
        opened = OpenPage(self._opened, listing, start, page.listed, page.request_id, self.close_pages, uploads)
        self._pages.append(opened)
        self.close_pages()
        return opened

    def processed(self, page: OpenPage, index: int, outcome: Outcome) -> None:
        """The upload at this index of a page has its outcome."""
        if index not in page.targets:
            log_problem(outcome, self._state.log)
        page.outcomes[index] = outcome
        self._state.recorder.record(page.listed[index], outcome)
        if index not in page.detached:
            page.open -= 1
            if not page.open:
                self.close_pages()
        elif page.is_accounted:
            self._account_for(page, index, outcome)

    def close_pages(self) -> None:
        """Account for the pages that are complete, in the order of the listing."""
        while self._pages and not self._pages[0].open:
            self._account(self._pages.popleft())
            self._closed.set()
            self._closed.clear()

    def block(self, listing: int) -> None:
        """One upload of this listing took most of the time, and the next ones may as well: other listings go first."""
        self._blocked.add(listing)

    def cut_off(self, number: int, listing: ListingTarget, cut_off: ListingCutOff) -> None:
        """A listing ended early for this run. listing: from where it continues."""
        state = self._state
        if cut_off.is_blocking and listing.is_blocked:
            detail = "its listing took most of the time of two runs: raise the function's timeout"
            has_answered = cut_off.error is not None and cut_off.error.status is not None
            error = cut_off.error if has_answered else None
            self._fail(bucket_failed(listing.bucket, error or Unavailable(TOO_SLOW, detail=detail)))
            return
        if listing.bucket in state.given_up:
            self._fail(bucket_failed(listing.bucket, as_error(state.given_up[listing.bucket])))
            return
        state.report_builder.stopped(cut_off.why)
        state.progressed = state.progressed or cut_off.is_blocking
        self._not_listed[number] = replace(listing, is_blocked=listing.is_blocked or cut_off.is_blocking)

    def listing_failed(self, number: int, listing: ListingTarget, error: StoreError) -> None:
        """A listing failed, for good or for as long as this run tries it. listing: from where it continues."""
        state = self._state
        failed = bucket_failed(listing.bucket, error.error if isinstance(error, Exhausted) else error)
        if isinstance(error, Exhausted) and state.retries and listing.attempts + 1 < MAX_ATTEMPTS:
            state.log.warning("bucket.retried", attempts=listing.attempts + 1, **fields_of_bucket(failed))
            state.report_builder.stopped(f"the listing of {listing.bucket} failed for now")
            state.progressed = True
            self._not_listed[number] = replace(listing, attempts=listing.attempts + 1)
            self.unlisted.append(failed)
        else:
            self._fail(failed)

    def remaining_listings(self) -> list[ListingTarget]:
        """The listings that a later run reads, each from its resume point."""
        left = dict(self._not_listed)
        for number, (_, at) in self._not_reached.items():
            left[number] = replace(left.get(number, self._state.plan.listings[number]), start=at)
        for number in self._blocked & left.keys():
            left[number] = replace(left[number], is_blocked=True)
        listings = [listing for _, listing in sorted(left.items())] + self._ranges
        return [one for one in map(self._after_stop, listings) if one is not None]

    def _after_stop(self, listing: ListingTarget) -> ListingTarget | None:
        """The bucket that stopped the run goes last. When it stops one that made no progress again, it fails: None."""
        state = self._state
        if listing.bucket != state.stopped_in:
            return listing
        if listing.is_blocked and state.stopped_early:
            detail = "this bucket alone does not accept the credentials or the clock"
            self._fail(bucket_failed(listing.bucket, Unavailable(state.stopped, detail=detail)))
            return None
        state.progressed = state.progressed or not listing.is_blocked
        return replace(listing, is_blocked=True)

    def _fail(self, failed: BucketFailed) -> None:
        self._state.log.error("bucket.failed", **fields_of_bucket(failed))
        self._state.report_builder.bucket_failed(failed)
        # A bucket fails once; the others go on.
        self._state.progressed = True

    def _account(self, page: OpenPage) -> None:
        """
        Take a page into the report, as far as its first upload that was not reached.

        The next run lists again from there on. It does not find what is gone, so this run counts it; it finds and
        counts what is still there, so this run does not. The same holds for the ranges of a page with many failures.
        """
        page.is_accounted = True
        if page.listing not in self._not_reached:
            self._find_resume_point(page)
            if len(self.targets) + len(page.targets) > MAX_TARGETS:
                self._leave_ranges(page)
        for index, outcome in enumerate(page.outcomes):
            if outcome is not None:
                self._account_for(page, index, outcome)
        self._state.progressed = self._state.progressed or page.listing not in self._not_reached
        self._log_page(page)
        self._warn_of_doubt(page)

    def _find_resume_point(self, page: OpenPage) -> None:
        for index, outcome in enumerate(page.outcomes):
            if index not in page.targets and is_unreached(outcome):
                self._not_reached[page.listing] = (page.number, index), page.cursor_before(index)
                return

    def _leave_ranges(self, page: OpenPage) -> None:
        """
        Leave the targets of a page as ranges of the listing, from the first to the last of them.

        Not those whose abort was sent, which may be gone, and not those that block the rest. Each ends a range.
        """
        (_, stop), _ = self._not_reached.get(page.listing, ((page.number, len(page.listed)), None))
        is_open = False
        for index, target in sorted(page.targets.items()):
            if target.was_sent or target.is_blocked or index >= stop:
                is_open = False
                continue
            first = page.ranges.pop().start if is_open else index
            page.ranges.append(range(first, index + 1))
            is_open = True
        for one in page.ranges:
            self._leave_range(page, page.cursor_before(one.start), page.cursor_at(one.stop - 1))

    def _leave_range(self, page: OpenPage, start: Cursor, end: Cursor) -> None:
        listing = self._state.plan.listings[page.listing]
        new = replace(listing, start=start, end=end, attempts=listing.attempts + 1)
        last = self._ranges[-1] if self._ranges else None
        if last is not None and last.end == start and replace(last, start=start, end=end) == new:
            self._ranges[-1] = replace(last, end=end)
        else:
            self._ranges.append(new)

    def _account_for(self, page: OpenPage, index: int, outcome: Outcome) -> None:
        here = page.number, index
        target = page.targets.get(index)
        if target is None and is_unreached(outcome):
            self._not_reached.setdefault(page.listing, (here, page.cursor_before(index)))
        listed = page.listed[index]
        resume = self._not_reached.get(page.listing)
        is_in_range = any(index in one for one in page.ranges)
        is_listed_again = is_in_range or (resume is not None and here >= resume[0])
        if isinstance(outcome, (Kept, WouldAbort)) and self._is_counted(page, index):
            return
        if isinstance(outcome, AlreadyGone):
            self._gone.remember(listed, is_listed_again=is_listed_again)
        elif isinstance(outcome, Aborted) and (is_listed_again or self._state.retries) and self._may_be_there(outcome):
            # A later run looks at this upload, and may list it as well; it must not count twice.
            policy = self._state.plan.listings[page.listing].policy
            self.targets.append(swept_target(listed, outcome.upload, policy, was_sent=True))
            self.uncounted.append(Uncounted(outcome, listed))
        elif isinstance(outcome, Aborted):
            self._state.count(outcome, listed)
        elif target is not None and (target.was_sent or not is_listed_again):
            self.targets.append(target)
            self.uncounted.append(Uncounted(outcome, listed))
        elif is_listed_again:
            self.uncounted.append(Uncounted(outcome, listed))
        else:
            self._state.count(outcome, listed)
            self._state.progressed = True

    def _is_counted(self, page: OpenPage, index: int) -> bool:
        """
        Whether an earlier run counted what this run leaves as it is.

        A server that begins a key again, because the upload to go on after is gone, shows what comes before that, too.
        This can be known only if the server lists the uploads of a key in the order of their ids.
        """
        upload, start = page.listed[index].upload, self._state.plan.listings[page.listing].start
        if upload.key != start.key or upload.upload_id > start.upload_id:
            return False
        ids = [listed.upload.upload_id for listed in page.listed if listed.upload.key == start.key]
        return ids == sorted(ids)

    def _may_be_there(self, outcome: Aborted) -> bool:
        """Whether it was aborted without a look in a distrusted bucket; a few such travel as targets."""
        is_doubtful = outcome.upload.bucket in self._state.distrusted and outcome.verified is not True
        return is_doubtful and len(self.targets) < MAX_TARGETS

    def _log_page(self, page: OpenPage) -> None:
        outcomes = [outcome for outcome in page.outcomes if outcome is not None]
        aborted = [outcome for outcome in outcomes if isinstance(outcome, Aborted)]
        counts: dict[str, int] = {}
        for outcome in outcomes:
            counts[name_of(outcome)] = counts.get(name_of(outcome), 0) + 1
        self._state.log.info(
            "page.processed",
            bucket=str(self._state.plan.listings[page.listing].bucket),
            uploads=len(outcomes),
            **counts,
            bytes_freed=sum(outcome.bytes or 0 for outcome in aborted),
            cos_request_id=page.request_id,
            cos_request_id_of_last_abort=aborted[-1].request_id if aborted else "",
        )

    def _warn_of_doubt(self, page: OpenPage) -> None:
        """If no upload of a page can be evaluated, the cause is the clock or the server, not the uploads."""
        outcomes = [outcome for outcome in page.outcomes if outcome is not None]
        reasons = Counter(one.reason for one in outcomes if isinstance(one, Kept) and one.reason in DOUBTS)
        if outcomes and sum(reasons.values()) == len(outcomes):
            bucket, (reason, _) = str(self._state.plan.listings[page.listing].bucket), reasons.most_common(1)[0]
            self._state.log.warning("page.in_doubt", bucket=bucket, uploads=len(outcomes), reason=reason)
            self._state.report_builder.warn("page.in_doubt", bucket=bucket, uploads=len(outcomes), reason=reason)
