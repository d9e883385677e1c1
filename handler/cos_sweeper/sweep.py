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

from cos_sweeper.budget import Deadline
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
    Outcome,
    Page,
    Refused,
    WouldAbort,
)
from cos_sweeper.plan import Named, Plan, Scan
from cos_sweeper.policy import screen
from cos_sweeper.report import Ledger, facts, facts_of_bucket, name_of
from cos_sweeper.settle import AT_LIMIT, OUT_OF_TIME, Allowance, Settler
from cos_sweeper.store import Store, why_unaddressable
from cos_sweeper.turns import Crew

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

    outcomes: by place in the listing, None while open or in nobody's or another's share.
    """

    scan: int
    start: Cursor
    listed: tuple[Listed, ...]
    request_id: str
    outcomes: list[Outcome | None] = field(init=False)
    open: int = 0

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
        self._ledger = Ledger(plan)
        self._allowance = Allowance(plan.max_aborts)
        self._settler = Settler(store, plan, deadline, self._allowance)
        self._in_flight = 0
        self._pages: deque[_OpenPage] = deque()
        # Where to go on, by scan: after the last page that was listed, or before the first upload that was not reached.
        self._not_listed: dict[int, Cursor] = {}
        self._not_reached: dict[int, Cursor] = {}
        self._left_named: list[Named] = []
        self._unsettled: list[tuple[Outcome, str, bool]] = []

    def swept(self) -> Swept:
        for refused in self._plan.refused:
            self._ledger.add(refused)
        for named in self._plan.named:
            self._start(partial(self._settler.named, named), partial(self._named_settled, named))
        for scan, start, page in one_ahead(self._listings(), self._crew):
            self._take(scan, start, page)
        while self._in_flight:
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
                    page = self._store.page(scan.bucket, start, scan.prefix)
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
            while len(self._pages) >= MAX_OPEN_PAGES:
                self._crew.turn()
            self._take_page(number, _OpenPage(number, start, page.listed, page.request_id), page)

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
        screened = screen(listed, page.skew, scan.policy, self._plan.as_of)
        if why := self._why_stop():
            settled(Deferred(upload, why))
        elif isinstance(screened, Keep):
            settled(Kept(upload, screened.reason))
        else:
            self._start(partial(self._settler.listed, listed, screened.started, scan.policy), settled)

    # Settling

    def _start(self, settle: Callable[[], Outcome], settled: Callable[[Outcome], None]) -> None:
        while self._in_flight >= self._plan.workers:
            self._crew.turn()
        self._in_flight += 1
        self._crew.start(lambda: self._work(settle, settled))

    def _work(self, settle: Callable[[], Outcome], settled: Callable[[Outcome], None]) -> None:
        settled(settle())
        self._in_flight -= 1
        self._close_pages()

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
        opened.open -= 1

    def _say_trouble(self, outcome: Outcome) -> None:
        if isinstance(outcome, Failed):
            self._log.error("upload.failed", **facts(outcome))
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
        for place, outcome in enumerate(page.outcomes):
            if outcome is None:
                continue
            if isinstance(outcome, Deferred):
                self._not_reached.setdefault(page.scan, page.cursor_before(place))
            initiator = page.listed[place].initiator
            if page.scan not in self._not_reached or isinstance(outcome, (Aborted, AlreadyGone)):
                self._ledger.add(outcome, initiator)
            else:
                self._unsettled.append((outcome, initiator, False))
        self._say_page(page)

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
        left = sorted({**self._not_listed, **self._not_reached}.items())
        if not left and not self._left_named:
            return None
        scans = tuple(replace(self._plan.scans[number], start=start) for number, start in left)
        # In the plan's order, however they ended: a run that got nowhere leaves what it was given.
        left_named = set(self._left_named)
        # What a dry run would abort beyond the point to go on from is judged, and counted, by the next run.
        untold = sum(isinstance(outcome, WouldAbort) for outcome, _, _ in self._unsettled)
        return replace(
            self._plan,
            named=tuple(named for named in self._plan.named if named in left_named),
            scans=scans,
            refused=(),
            max_aborts=self._allowance.left and self._allowance.left + untold,
            past=self._ledger.past(),
        )
