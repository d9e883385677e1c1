"""
The loop: list, screen, settle.

As many uploads as there are workers are under way at a time, each in a task of its own, and never more than a few pages
are in memory. Where time runs out, what is left is told exactly: the ledger has what was settled, `Swept.left` has the
rest, and no upload is in both.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import takewhile

from cos_sweeper import turns
from cos_sweeper.budget import Deadline
from cos_sweeper.clock import AsOf
from cos_sweeper.errors import Rejected, StoreError, Unavailable
from cos_sweeper.listing import Walk, one_ahead
from cos_sweeper.log import Log
from cos_sweeper.model import (
    Aborted,
    AlreadyGone,
    Bucket,
    BucketFailed,
    Cursor,
    Deferred,
    Failed,
    Keep,
    Kept,
    Listed,
    LookAtParts,
    Outcome,
    Page,
    Refused,
    StillReceiving,
    WouldAbort,
)
from cos_sweeper.plan import Named, Plan, Scan
from cos_sweeper.policy import Policy, screen
from cos_sweeper.report import Ledger, facts, facts_of_bucket, name_of
from cos_sweeper.settle import AT_LIMIT, OUT_OF_TIME, Acknowledged, Allowance, Settler
from cos_sweeper.store import Store, why_unaddressable
from cos_sweeper.turns import Crew

# An upload whose last sign of life is younger is looked at again after its abort.
RECENT_HOURS = 24
# Pages whose uploads are not all settled yet: one slow upload may hold up a page, but not let the next ones pile up.
MAX_OPEN_PAGES = 3


@dataclass(frozen=True, slots=True)
class Swept:
    """
    What a run did, and what it left.

    left: the same plan with only what is still to do; None when nothing is. unsettled: outcomes of uploads that `left`
    still holds, in case nobody will take it over.
    """

    ledger: Ledger
    left: Plan | None
    unsettled: tuple[tuple[Outcome, str, bool], ...]

    def keep_what_is_left(self) -> None:
        """Nobody takes it over: what was not settled is told in this run's ledger."""
        for outcome, initiator, detailed in self.unsettled:
            self.ledger.add(outcome, initiator, detailed=detailed)


def bucket_failed(bucket: Bucket | None, why: StoreError) -> BucketFailed:
    """A listing that broke off, as a value. bucket: None for the list of buckets."""
    return BucketFailed(bucket, why.code, why.status, why.request_id, isinstance(why, Rejected), why.detail)


def run(plan: Plan, store: Store, deadline: Deadline, log: Log) -> Swept:
    """Do what the plan says, as far as time allows. Never raises for COS's sake: what failed stands in the ledger."""
    with Crew() as crew:
        return _Run(plan, store, deadline, log, crew).swept()


@dataclass(slots=True)
class _OpenPage:
    """
    A page whose uploads are being settled.

    outcomes: by place in the listing, None while open or in nobody's or another's share. late: places whose abort is
    acknowledged and whose verification waits; they hold up neither the page nor a worker. is_sampled: an abort of this
    page is being verified.
    """

    number: int
    scan: int
    start: Cursor
    listed: tuple[Listed, ...]
    request_id: str
    outcomes: list[Outcome | None] = field(init=False)
    open: int = 0
    late: set[int] = field(default_factory=set)
    is_sampled: bool = False
    is_accounted: bool = False

    def __post_init__(self) -> None:
        self.outcomes = [None] * len(self.listed)

    def cursor_before(self, place: int) -> Cursor:
        """Where a listing has to go on for this upload to be the first. An id that is no marker is passed over."""
        for one in reversed(self.listed[:place]):
            if one.upload.upload_id:
                return Cursor(one.upload.key, one.upload.upload_id)
        return self.start


class _Run:
    def __init__(self, plan: Plan, store: Store, deadline: Deadline, log: Log, crew: Crew) -> None:
        self._plan = plan
        self._store = store
        self._deadline = deadline
        self._log = log
        self._crew = crew
        self._as_of = AsOf(plan.as_of, is_new=plan.number == 1)
        self._ledger = Ledger(plan, self._as_of)
        self._allowance = Allowance(plan.max_aborts)
        self._settler = Settler(store, plan, deadline, self._allowance, self._as_of)
        self._in_flight = 0
        # Tasks that wait before they look at an aborted upload again, and buckets in which one was still there.
        self._waiting = 0
        self._distrusted: set[Bucket] = set()
        self._pages: deque[_OpenPage] = deque()
        self._pages_taken = 0
        # Where to go on, by scan: after the last page that was listed, or before the first upload that was not reached,
        # with its page's number and its place there.
        self._not_listed: dict[int, Cursor] = {}
        self._not_reached: dict[int, tuple[tuple[int, int], Cursor]] = {}
        self._left_named: list[Named] = []
        self._unsettled: list[tuple[Outcome, str, bool]] = []

    def swept(self) -> Swept:
        for refused in self._plan.refused:
            self._ledger.add(refused)
        for named in self._plan.named:
            self._start(partial(self._work_on_named, named))
        for scan, start, page in one_ahead(self._listings(), self._crew):
            self._take(scan, start, page)
        while self._in_flight or self._waiting:
            self._crew.turn()
        return Swept(self._ledger, self._left(), tuple(self._unsettled))

    # Listing

    def _listings(self) -> Iterator[tuple[int, Cursor, Page | StoreError | str]]:
        """Every page of every scan: a StoreError ends one scan; a str, why the run stops, each from there on."""
        for number, scan in enumerate(self._plan.scans):
            walk = Walk(scan.start)
            while walk.next is not None:
                start, why = walk.next, self._why_stop()
                if why:
                    yield number, start, why
                    break
                try:
                    page = _up_to_other_keys(self._store.page(scan.bucket, start, scan.prefix), scan.policy.only_key)
                    walk.advance(page)
                except StoreError as exc:
                    # What our own time limit cut off is left for the next run.
                    cut_off = isinstance(exc, Unavailable) and self._deadline.passed
                    yield number, start, OUT_OF_TIME if cut_off else exc
                    break
                yield number, start, page

    def _why_stop(self) -> str:
        if self._deadline.passed:
            return OUT_OF_TIME
        return AT_LIMIT if self._allowance.spent else ""

    def _take(self, number: int, start: Cursor, page: Page | StoreError | str) -> None:
        bucket = self._plan.scans[number].bucket
        if isinstance(page, str):
            self._ledger.stopped(page)
            self._not_listed[number] = start
        elif isinstance(page, StoreError):
            failed = bucket_failed(bucket, page)
            self._log.error("bucket.failed", **facts_of_bucket(failed))
            self._ledger.bucket_failed(failed)
        else:
            self._ledger.sweeping(bucket)
            self._as_of.lower(page.date, page.skew)
            while len(self._pages) >= MAX_OPEN_PAGES:
                self._crew.turn()
            self._pages_taken += 1
            self._take_page(number, _OpenPage(self._pages_taken, number, start, page.listed, page.request_id), page)

    def _take_page(self, number: int, opened: _OpenPage, page: Page) -> None:
        self._pages.append(opened)
        mine = [place for place, listed in enumerate(page.listed) if self._plan.share.has(listed.upload)]
        opened.open = len(mine)
        for place in mine:
            self._take_upload(self._plan.scans[number], page, place, opened)
        self._close_pages()

    def _take_upload(self, scan: Scan, page: Page, place: int, opened: _OpenPage) -> None:
        listed = page.listed[place]
        upload = listed.upload
        settled = partial(self._listed_settled, opened, place)
        why_not = why_unaddressable(upload.key, upload.upload_id)
        if not why_not and not upload.key.startswith(scan.prefix):
            why_not = "listed, but outside the prefix that was asked for"
        if why_not:
            settled(Refused(why_not, upload, "listing"))
            return
        screened = screen(listed, page.skew, scan.policy, self._as_of.value)
        if why := self._why_stop():
            settled(Deferred(upload, why))
        elif isinstance(screened, Keep):
            settled(Kept(upload, screened.reason))
        else:
            self._start(partial(self._work_on_listed, opened, place, screened, scan.policy))

    # Settling

    def _start(self, work: Callable[[], None]) -> None:
        while self._in_flight >= self._plan.workers:
            self._crew.turn()
        self._in_flight += 1
        self._crew.start(lambda: self._work(work))

    def _work(self, work: Callable[[], None]) -> None:
        work()
        self._in_flight -= 1
        self._close_pages()

    def _work_on_named(self, named: Named) -> None:
        outcome = self._settler.named(named)
        if isinstance(outcome, Acknowledged):
            outcome = self._settler.verify(outcome, self._pause)
        self._named_settled(named, outcome)

    def _work_on_listed(self, opened: _OpenPage, place: int, start: LookAtParts, policy: Policy) -> None:
        outcome = self._settler.listed(opened.listed[place].upload, start, policy)
        if isinstance(outcome, Acknowledged):
            if self._is_to_verify(outcome, opened):
                outcome = self._settler.verify(outcome, partial(self._pause, opened=opened, place=place))
            else:
                outcome = outcome.aborted
        self._listed_settled(opened, place, outcome)

    def _is_to_verify(self, done: Acknowledged, opened: _OpenPage) -> bool:
        """By VERIFY; the first abort of each page is a sample, and where one failed, all that follow are looked at."""
        if self._plan.verify == "none":
            return False
        if self._plan.verify == "all" or done.aborted.upload.bucket in self._distrusted:
            return True
        is_sample, opened.is_sampled = not opened.is_sampled, True
        return is_sample or self._settler.is_recent(done, RECENT_HOURS)

    def _pause(self, seconds: float, opened: _OpenPage | None = None, place: int = 0) -> bool:
        """Wait before another look at an upload that is still there. It holds up no worker and no page meanwhile."""
        if opened is not None:
            self._distrusted.add(self._plan.scans[opened.scan].bucket)
            if place not in opened.late:
                opened.late.add(place)
                opened.open -= 1
        self._in_flight -= 1
        self._waiting += 1
        try:
            self._close_pages()
            if not self._store.pause(seconds):
                return False
            while self._in_flight >= self._plan.workers:
                turns.sleep(0.01)
            return True
        finally:
            self._waiting -= 1
            self._in_flight += 1

    def _named_settled(self, named: Named, outcome: Outcome) -> None:
        if isinstance(outcome, Deferred):
            self._left_named.append(named)
            self._unsettled.append((outcome, "", True))
            return
        self._say_trouble(outcome)
        self._log.info("upload.settled", outcome=name_of(outcome), **facts(outcome))
        self._ledger.add(outcome, detailed=True)

    def _listed_settled(self, opened: _OpenPage, place: int, outcome: Outcome) -> None:
        self._say_trouble(outcome)
        opened.outcomes[place] = outcome
        if place not in opened.late:
            opened.open -= 1
        elif opened.is_accounted:
            self._account_for(opened, place, outcome)

    def _say_trouble(self, outcome: Outcome) -> None:
        if isinstance(outcome, Failed):
            self._log.error("upload.failed", **facts(outcome))
        elif isinstance(outcome, StillReceiving):
            self._log.warning("upload.still_receiving", **facts(outcome))
        elif isinstance(outcome, Refused):
            self._log.warning("upload.refused", **facts(outcome))

    # Accounting, page after page in the order of the listing

    def _close_pages(self) -> None:
        while self._pages and not self._pages[0].open:
            self._account(self._pages.popleft())

    def _account(self, page: _OpenPage) -> None:
        """
        Take a settled page into the ledger, as far as its first upload that was not reached.

        From there on the next run lists again. What is gone by then it will not find, so that is told here; what is
        still there it will find and tell, so that is not.
        """
        page.is_accounted = True
        for place, outcome in enumerate(page.outcomes):
            if outcome is not None:
                self._account_for(page, place, outcome)
        self._say_page(page)

    def _account_for(self, page: _OpenPage, place: int, outcome: Outcome) -> None:
        here = page.number, place
        if isinstance(outcome, Deferred):
            self._not_reached.setdefault(page.scan, (here, page.cursor_before(place)))
        initiator = page.listed[place].initiator
        stopped = self._not_reached.get(page.scan)
        if stopped is None or here < stopped[0] or isinstance(outcome, (Aborted, AlreadyGone)):
            self._ledger.add(outcome, initiator)
        else:
            self._unsettled.append((outcome, initiator, False))

    def _say_page(self, page: _OpenPage) -> None:
        told = [outcome for outcome in page.outcomes if outcome is not None]
        aborted = [outcome for outcome in told if isinstance(outcome, Aborted)]
        counts: dict[str, int] = {}
        for outcome in told:
            counts[name_of(outcome)] = counts.get(name_of(outcome), 0) + 1
        self._log.info(
            "sweep.page_settled",
            bucket=str(self._plan.scans[page.scan].bucket),
            uploads=len(told),
            **counts,
            bytes_freed=sum(outcome.bytes or 0 for outcome in aborted),
            cos_request_id=page.request_id,
            cos_request_id_of_last_abort=aborted[-1].request_id if aborted else "",
        )

    def _left(self) -> Plan | None:
        left = sorted({**self._not_listed, **{scan: at for scan, (_, at) in self._not_reached.items()}}.items())
        if not left and not self._left_named:
            return None
        scans = tuple(replace(self._plan.scans[number], start=start) for number, start in left)
        # In the plan's order, however they ended: a run that got nowhere leaves what it was given.
        left_named = set(self._left_named)
        # What a dry run would abort beyond the point to go on from is judged, and counted, by the next run.
        untold = sum(isinstance(outcome, WouldAbort) for outcome, _, _ in self._unsettled)
        return replace(
            self._plan,
            as_of=self._as_of.value,
            named=tuple(named for named in self._plan.named if named in left_named),
            scans=scans,
            refused=(),
            max_aborts=self._allowance.left and self._allowance.left + untold,
            past=self._ledger.past(),
        )


def _up_to_other_keys(page: Page, only_key: str | None) -> Page:
    """The page up to the first upload of another key, where only one key is of interest; the listing ends there."""
    if only_key is None:
        return page
    mine = tuple(takewhile(lambda listed: listed.upload.key == only_key, page.listed))
    return page if len(mine) == len(page.listed) else replace(page, listed=mine, next=None)
