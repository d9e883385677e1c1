"""
The loop: list, screen, settle.

The caller's thread alone lists what to do and keeps the ledger; worker threads settle one upload each and hand back a
value. Never more than two pages and twice as many uploads as there are workers are in memory.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

from cos_sweeper.budget import Deadline
from cos_sweeper.errors import Rejected, StoreError
from cos_sweeper.log import Log
from cos_sweeper.model import (
    Aborted,
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
)
from cos_sweeper.plan import Plan, Scan
from cos_sweeper.policy import screen
from cos_sweeper.report import Ledger, Report, facts, facts_of_bucket, name_of
from cos_sweeper.settings import BUCKET_NAME, REGION
from cos_sweeper.settle import AT_LIMIT, OUT_OF_TIME, Allowance, Settler
from cos_sweeper.store import Store, why_unaddressable

T = TypeVar("T")


def every_bucket(store: Store) -> tuple[Bucket, ...]:
    """All buckets that the role can list. Raises StoreError; a name or a region that is none is left out."""
    found: list[Bucket] = []
    marker: str | None = ""
    while marker is not None:
        page = store.buckets(marker)
        found += (one for one in page.buckets if BUCKET_NAME.fullmatch(one.name) and REGION.fullmatch(one.region))
        marker = page.next
    return tuple(found)


def bucket_failed(bucket: Bucket | None, why: StoreError) -> BucketFailed:
    """A listing that broke off, as a value. bucket: None for the list of buckets."""
    return BucketFailed(bucket, why.code, why.status, why.request_id, isinstance(why, Rejected), why.detail)


def run(plan: Plan, store: Store, deadline: Deadline, log: Log) -> Report:
    """Do what the plan says, as far as time allows. Never raises for COS's sake: what failed stands in the report."""
    with ThreadPoolExecutor(plan.workers, thread_name_prefix="settle") as pool:
        return _Run(plan, store, deadline, log, pool).report()


@dataclass(slots=True)
class _OpenPage:
    """A page whose uploads are being settled: what its log line will say."""

    bucket: Bucket
    request_id: str
    open: int
    counts: dict[str, int] = field(default_factory=dict)
    bytes_freed: int = 0
    last_abort_request_id: str = ""


class _Run:
    def __init__(self, plan: Plan, store: Store, deadline: Deadline, log: Log, pool: Executor) -> None:
        self._plan = plan
        self._store = store
        self._deadline = deadline
        self._log = log
        self._pool = pool
        self._ledger = Ledger(plan)
        self._allowance = Allowance(plan.max_aborts)
        self._settler = Settler(store, plan, deadline, self._allowance)
        self._in_flight = 0
        self._done: SimpleQueue[tuple[Outcome | BaseException, str, _OpenPage | None]] = SimpleQueue()

    def report(self) -> Report:
        for refused in self._plan.refused:
            self._log.warning("request.refused", **facts(refused))
            self._ledger.add(refused)
        for named in self._plan.named:
            self._start(partial(self._settler.named, named), "", None)
        for scan, page in _one_ahead(self._pages(), self._pool):
            self._take(scan, page)
        while self._in_flight:
            self._finish_one()
        return self._ledger.close()

    # Listing

    def _pages(self) -> Iterator[tuple[Scan, Page | StoreError | str]]:
        """Every page of every scan: a StoreError ends one scan, a str, why the run stops, ends them all."""
        for scan in self._plan.scans:
            walk = Walk()
            while walk.next is not None:
                why = self._why_stop()
                if why:
                    yield scan, why
                    return
                try:
                    page = self._store.page(scan.bucket, walk.next, scan.prefix)
                    walk.advance(page)
                except StoreError as exc:
                    yield scan, exc
                    break
                yield scan, page

    def _why_stop(self) -> str:
        if self._deadline.passed:
            return OUT_OF_TIME
        return AT_LIMIT if self._allowance.spent else ""

    def _take(self, scan: Scan, page: Page | StoreError | str) -> None:
        if isinstance(page, str):
            self._ledger.stopped(page)
        elif isinstance(page, StoreError):
            failed = bucket_failed(scan.bucket, page)
            self._log.error("bucket.failed", **facts_of_bucket(failed))
            self._ledger.bucket_failed(failed)
        else:
            self._take_page(scan, page)

    def _take_page(self, scan: Scan, page: Page) -> None:
        self._ledger.sweeping(scan.bucket)
        opened = _OpenPage(scan.bucket, page.request_id, open=len(page.listed))
        if not page.listed:
            self._page_settled(opened)
        for listed in page.listed:
            self._take_upload(scan, page, listed, opened)

    def _take_upload(self, scan: Scan, page: Page, listed: Listed, opened: _OpenPage) -> None:
        upload, plan = listed.upload, self._plan
        why_not = why_unaddressable(upload.key, upload.upload_id)
        if why_not:
            self._record(Refused(why_not, upload, "listing"), listed.initiator, opened)
            return
        if not upload.key.startswith(scan.prefix):
            self._record(Refused("listed, but outside the prefix that was asked for", upload, "listing"), "", opened)
            return
        screened = screen(listed, page.skew, scan.policy, plan.as_of)
        if isinstance(screened, Keep):
            self._record(Kept(upload, screened.reason), listed.initiator, opened)
        elif why := self._why_stop():
            self._record(Deferred(upload, why), listed.initiator, opened)
        else:
            settle = partial(self._settler.listed, listed, screened.started, scan.policy)
            self._start(settle, listed.initiator, opened)

    # Settling

    def _start(self, settle: Callable[[], Outcome], initiator: str, opened: _OpenPage | None) -> None:
        while self._in_flight >= 2 * self._plan.workers:
            self._finish_one()
        self._in_flight += 1
        self._pool.submit(self._work, settle, initiator, opened)

    def _work(self, settle: Callable[[], Outcome], initiator: str, opened: _OpenPage | None) -> None:
        try:
            outcome: Outcome | BaseException = settle()
        except BaseException as exc:  # a defect: it must reach the caller's thread, not vanish in this one
            outcome = exc
        self._done.put((outcome, initiator, opened))

    def _finish_one(self) -> None:
        outcome, initiator, opened = self._done.get()
        self._in_flight -= 1
        if isinstance(outcome, BaseException):
            raise outcome
        self._record(outcome, initiator, opened)

    def _record(self, outcome: Outcome, initiator: str, opened: _OpenPage | None) -> None:
        self._ledger.add(outcome, initiator, detailed=opened is None)
        if isinstance(outcome, Failed):
            self._log.error("upload.failed", **facts(outcome))
        elif isinstance(outcome, Refused):
            self._log.warning("upload.refused", **facts(outcome))
        if opened is None:
            self._log.info("upload.settled", outcome=name_of(outcome), **facts(outcome))
        else:
            self._count(outcome, opened)

    def _count(self, outcome: Outcome, opened: _OpenPage) -> None:
        name = name_of(outcome)
        opened.counts[name] = opened.counts.get(name, 0) + 1
        if isinstance(outcome, Aborted):
            opened.bytes_freed += outcome.bytes or 0
            opened.last_abort_request_id = outcome.request_id
        opened.open -= 1
        if not opened.open:
            self._page_settled(opened)

    def _page_settled(self, page: _OpenPage) -> None:
        self._log.info(
            "sweep.page_settled",
            bucket=str(page.bucket),
            uploads=sum(page.counts.values()),
            **page.counts,
            bytes_freed=page.bytes_freed,
            cos_request_id=page.request_id,
            cos_request_id_of_last_abort=page.last_abort_request_id,
        )


@dataclass(slots=True)
class Walk:
    """
    The way through one listing, which must end.

    Keys may not go back, and within one key no upload id may come twice as a marker; COS promises no order of ids.
    """

    next: Cursor | None = field(default_factory=Cursor)
    _ids: set[str] = field(default_factory=set)

    def advance(self, page: Page) -> None:
        """Go on after this page. Raises Rejected when its marker does not advance."""
        here, there = self.next, page.next
        if there is not None and here is not None:
            here_key, there_key = _order(here.key), _order(there.key)
            if there_key != here_key:
                self._ids.clear()
            if there_key < here_key or there.upload_id in self._ids:
                raise Rejected(
                    "MarkerStuck", request_id=page.request_id, detail="the listing's marker does not advance"
                )
            self._ids.add(there.upload_id)
        self.next = there


def _order(key: str) -> bytes:
    return key.encode("utf-8", "surrogateescape")


def _one_ahead(items: Iterator[T], pool: Executor) -> Iterator[T]:
    """The same items; while one is being used, the next is made in the pool."""
    coming = pool.submit(next, items, None)
    while (item := coming.result()) is not None:
        coming = pool.submit(next, items, None)
        yield item
