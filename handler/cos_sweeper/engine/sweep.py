"""
The loop: list, screen, settle.

As many uploads as there are workers are under way at a time, each in a task of its own, and never more than a few pages
are in memory. Where the run stops, what is left is known exactly: the report has what was processed, `RunResult.left`
has the rest, and no upload is in both.

Three things go into the rest. What was not reached: uploads that an event named, and listings from before their first
upload that was not reached. What failed for now: uploads as targets, and beyond MAX_TARGETS as ranges of the listing.
And what took most of a run's time: it goes last, and fails alone the second time.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import takewhile

from cos_sweeper.core import key_readings
from cos_sweeper.core.checkpoint import MAX_ATTEMPTS
from cos_sweeper.core.clock import AsOf
from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.errors import CosRejected, NoSuchUpload, Stopped, StoreError, Unavailable
from cos_sweeper.core.keys import validate_key
from cos_sweeper.core.model import (
    BEGINNING,
    Bucket,
    Cursor,
    Keep,
    ListedUpload,
    NeedsParts,
    Page,
    RejectedRequest,
    Upload,
)
from cos_sweeper.core.outcomes import (
    AT_LIMIT,
    Aborted,
    AlreadyGone,
    BucketFailed,
    Deferred,
    Failed,
    Kept,
    ListedButNotFound,
    Outcome,
    StillReceiving,
    WouldAbort,
    fields,
    fields_of_bucket,
    name_of,
)
from cos_sweeper.core.plan import ListingTarget, Plan, UploadTarget
from cos_sweeper.core.policy import DOUBTS, Policy, prefilter
from cos_sweeper.core.report_builder import ReportBuilder
from cos_sweeper.cos.store import Store
from cos_sweeper.engine.paginator import Paginator, order, prefetch
from cos_sweeper.engine.processing import NOT_FRESH, OUT_OF_TIME, STOPPED, AbortBudget, Acknowledged, UploadProcessor
from cos_sweeper.net import turns
from cos_sweeper.net.turns import Crew
from cos_sweeper.report.log import Log

# An upload whose last sign of life is younger is looked at again after its abort.
RECENT_HOURS = 24
# Pages whose uploads are not all settled yet: one slow upload may hold up a page, but not let the next ones pile up.
MAX_OPEN_PAGES = 3
# Failed uploads that travel one by one; they fit in a checkpoint with keys of the longest kind.
MAX_TARGETS = 500
# Uploads of a page that are asked for, to learn how COS writes keys.
MAX_PROOFS = 3
# Between the attempts at a listing that fails, in seconds; a minute in all. The other listings go on meanwhile.
LISTING_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0)
# After so many equal refusals for good in a row, a bucket is left alone for this chain.
MAX_EQUAL_REFUSALS = 20
# Before the last attempt at what failed, where there is nothing else to do and so much time.
LAST_PAUSE_SECONDS = 60.0
# Uploads still there after a 204 that wait at a time; each holds its page in memory. The others fail for now.
MAX_WAITING = 256
# Listings of single keys at the end, because COS did not know uploads that it had listed; and how many such uploads.
MAX_RELISTINGS = 200
MAX_GONE = 5000
WORTH_WAITING_SECONDS = 120.0
TOO_SLOW = "TooSlow"
UNPROVEN = "how keys are written could not be found out, so that uploads may be missing in the listing"

# A bucket, and whether a key's text has a '%' and a '+'.
_Form = tuple[Bucket, bool, bool]


@dataclass(frozen=True, slots=True)
class RunResult:
    """
    What a run did, and what it left.

    left: the same plan with only what is still to do; None when nothing is. unsettled: outcomes of uploads that `left`
    still holds, in case nobody will take it over; listings likewise. got_on: something was settled. stopped: the code
    with which COS accepted the credentials or the clock no more, or ''.
    """

    report_builder: ReportBuilder
    left: Plan | None
    unsettled: tuple[tuple[Outcome, str, bool], ...]
    unlisted: tuple[BucketFailed, ...]
    got_on: bool
    stopped: str = ""

    def keep_what_is_left(self, log: Log) -> None:
        """Nobody takes it over: what was not settled, and what was not listed, is told in this run's ledger and log."""
        for scan in self.left.scans if self.left else ():
            self.report_builder.not_swept(scan)
        for outcome, initiator, detailed in self.unsettled:
            log_problem(outcome, log)
            self.report_builder.add(outcome, initiator, detailed=detailed)
        for failed in self.unlisted:
            log.error("bucket.failed", **fields_of_bucket(failed))
            self.report_builder.bucket_failed(failed)


def log_problem(outcome: Outcome, log: Log) -> None:
    """A line for what somebody should look at."""
    if isinstance(outcome, Failed):
        log.error("upload.failed", **fields(outcome))
    elif isinstance(outcome, StillReceiving):
        log.warning("upload.still_receiving", **fields(outcome))
    elif isinstance(outcome, RejectedRequest):
        log.warning("upload.rejected", **fields(outcome))


def bucket_failed(bucket: Bucket | None, why: StoreError) -> BucketFailed:
    """A listing that broke off, as a value. bucket: None for the list of buckets."""
    return BucketFailed(bucket, why.code, why.status, why.request_id, isinstance(why, CosRejected), why.detail)


def run(
    plan: Plan,
    store: Store,
    deadline: Deadline,
    log: Log,
    *,
    retries: bool = False,
    before_abort: Callable[[], str] = lambda: "",
) -> RunResult:
    """
    Do what the plan says, as far as time allows. Never raises for COS's sake: what failed stands in the ledger.

    retries: whether a later run can try again what failed for now. before_abort: asked once, before the first abort of
    a sweep: why nothing may be aborted, or ''.
    """
    with Crew() as crew:
        return _Run(plan, store, deadline, log, crew, retries=retries, before_abort=before_abort).swept()


@dataclass(slots=True)
class _Listing:
    """
    A listing that is being read.

    failures: in a row; failed_at, error: of the last of them. began: when the page at hand was first asked for.
    last_key, seen: the last key so far and the ids of the uploads under it; key_before: the one before. refused:
    markers that the server refused. goes_on_after: what was listed ended here, when the listing had to step back;
    is_behind: since then nothing was listed that is new.
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
    refused: set[Cursor] = field(default_factory=set)
    goes_on_after: Cursor | None = None
    is_behind: bool = False

    @property
    def after(self) -> Cursor:
        """What was listed so far ends here."""
        back = self.goes_on_after if self.is_behind else None
        return back or self.walk.next or BEGINNING

    def without_what_was_seen(self, page: Page, keys_of: Callable[[ListedUpload], Sequence[str]]) -> Page:
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
        Go on before the marker that the server refuses: at the key before it, or the key that is a character shorter.

        No upload id, so no upload that is gone, stands in that marker, and nothing is skipped: what lies between is
        listed again. False when there is nothing to step back from, and when that did not help with this very marker.
        """
        here = self.walk.next
        if here is None or not here.upload_id or here in self.refused:
            return False
        self.refused.add(here)
        if not self.is_behind:
            self.goes_on_after, self.is_behind = here, True
        before = self.key_before if here.key == self.last_key else ""
        # A key that was read wrongly may stand in the wrong order.
        is_before = b"" < order(before) < order(here.key)
        self.walk = Paginator(Cursor(before if is_before else here.key[:-1]))
        return True


@dataclass(frozen=True, slots=True)
class _CutOff:
    """
    A listing ends here for this run.

    why: in words; is_blocking: it took most of the run's time, or ended the run before its first page; error: what COS
    said last, where it failed.
    """

    why: str
    is_blocking: bool = False
    error: StoreError | None = None


@dataclass(slots=True)
class _OpenPage:
    """
    A page whose uploads are being settled.

    outcomes: by place in the listing, None while open or in nobody's or another's share. targets: what is to be tried
    again, by place. ranges: places that a later run lists again. late: places whose abort is acknowledged and whose
    verification waits; they hold up neither the page nor a worker. is_sampled: the first abort of this page was
    acknowledged; is_sample_open: and is being looked at.
    """

    number: int
    scan: int
    start: Cursor
    listed: tuple[ListedUpload, ...]
    request_id: str
    outcomes: list[Outcome | None] = field(init=False)
    open: int = 0
    targets: dict[int, UploadTarget] = field(default_factory=dict)
    ranges: list[range] = field(default_factory=list)
    late: set[int] = field(default_factory=set)
    is_sampled: bool = False
    is_sample_open: bool = False
    is_accounted: bool = False

    def __post_init__(self) -> None:
        self.outcomes = [None] * len(self.listed)

    def cursor_before(self, place: int) -> Cursor:
        """Where a listing has to go on for this upload to be the first. An id that is no marker is passed over."""
        for one in reversed(self.listed[:place]):
            if one.upload.upload_id:
                return Cursor(one.upload.key, one.upload.upload_id)
        return self.start

    def cursor_at(self, place: int) -> Cursor:
        """Where a listing has to go on for the next upload to be the first."""
        upload = self.listed[place].upload
        return Cursor(upload.key, upload.upload_id)


class _Run:
    def __init__(
        self,
        plan: Plan,
        store: Store,
        deadline: Deadline,
        log: Log,
        crew: Crew,
        *,
        retries: bool,
        before_abort: Callable[[], str],
    ) -> None:
        self._plan = plan
        self._store = store
        self._deadline = deadline
        self._log = log
        self._crew = crew
        self._retries = retries
        self._as_of = AsOf(plan.as_of, is_new=plan.number == 1)
        self._report_builder = ReportBuilder(plan, self._as_of)
        self._abort_budget = AbortBudget(plan.max_aborts, before_abort if plan.sweeps and not plan.dry_run else None)
        self._processor = UploadProcessor(store, plan, deadline, self._abort_budget, self._as_of)
        # Half of the time for work: what took so long, and was cut off, blocks the rest.
        self._half = (deadline.work_ends - deadline.clock()) / 2
        self._stopped = ""
        self._in_flight = 0
        # Tasks that wait before they look at an aborted upload again, and buckets in which one was still there.
        self._waiting = 0
        self._distrusted: set[Bucket] = set()
        # The last refusal for good of each bucket and how many like it came in a row; and buckets left for that.
        self._refusals: dict[Bucket, tuple[str, int]] = {}
        self._given_up: dict[Bucket, Failed] = {}
        # How COS writes keys with '%' or '+' in a bucket: None as it says, else an entry of readings.LISTING.
        self._ways: dict[_Form, int | None] = {}
        # Such keys stood in markers although nothing proved how they are written.
        self._unproven: set[_Form] = set()
        self._pages: deque[_OpenPage] = deque()
        self._pages_taken = 0
        self._got_on = False
        # Where to go on, by scan: after the last page that was listed, or before the first upload that was not reached,
        # with its page's number and its place there.
        self._not_listed: dict[int, ListingTarget] = {}
        self._not_reached: dict[int, tuple[tuple[int, int], Cursor]] = {}
        self._blocked: set[int] = set()
        self._left_named: list[UploadTarget] = []
        self._left_ranges: list[ListingTarget] = []
        # Targets of an earlier run that are settled, and still there.
        self._settled_targets: list[Outcome] = []
        self._unsettled: list[tuple[Outcome, str, bool]] = []
        self._unlisted: list[BucketFailed] = []
        # Listed, and not known to COS when it was to be aborted: by bucket and what the key can be. The next run lists
        # those again that go with True.
        self._gone: dict[tuple[Bucket, Sequence[str]], list[tuple[Upload, bool]]] = {}
        self._gone_kept = 0
        self._relistings = 0
        self._targets = frozenset(one.upload for one in plan.named if one.is_swept)

    def swept(self) -> RunResult:
        for refused in self._plan.rejected:
            self._report_builder.add(refused)
        for named in self._plan.over_limit:
            self._target_processed(named, Deferred(named.upload, AT_LIMIT))
        later = [one for one in self._plan.named if one.attempts or one.is_blocked]
        first = [one for one in self._plan.named if not (one.attempts or one.is_blocked)]
        scans = list(enumerate(self._plan.scans))
        fresh = [number for number, scan in scans if not (scan.attempts or scan.is_blocked)]
        self._work_through(first, fresh)
        if not first and not fresh:
            self._wait_before_the_last_attempt()
        rest = sorted(set(range(len(scans))) - set(fresh), key=lambda number: self._plan.scans[number].is_blocked)
        self._work_through(sorted(later, key=lambda one: one.is_blocked), rest)
        left = self._left_scans()
        self._check_what_is_gone()
        self._account_for_targets(left)
        if any(self._ways.get(form, 0) is not None for form in self._unproven):
            self._report_builder.stopped(UNPROVEN)
        return RunResult(
            self._report_builder,
            self._left(left),
            tuple(self._unsettled),
            tuple(self._unlisted),
            self._got_on or self._report_builder.counts["aborted"] > 0,
            self._stopped,
        )

    @property
    def _taken_for_good(self) -> int:
        """
        Aborts that count. What a dry run would abort beyond the point to go on from, the next run judges and counts.

        Unless nothing is left by now: then there is no next run, or each would come as far as this one.
        """
        untold = sum(isinstance(outcome, WouldAbort) for outcome, _, _ in self._unsettled)
        return self._abort_budget.taken - (0 if self._abort_budget.spent else untold)

    def _work_through(self, named: Sequence[UploadTarget], scans: Sequence[int]) -> None:
        for one in named:
            self._start(partial(self._work_on_named, one))
        for listing, start, page in prefetch(self._listings(scans), self._crew):
            self._take(listing, start, page)
        while self._in_flight or self._waiting:
            self._crew.turn()

    def _remember_gone(self, listed: ListedUpload, *, is_listed_again: bool = False) -> None:
        """Of many only the first keys are listed once more, so the others need not be remembered."""
        place = listed.upload.bucket, self._keys_of(listed)
        if self._gone_kept < MAX_GONE and (place in self._gone or len(self._gone) < MAX_RELISTINGS):
            self._gone.setdefault(place, []).append((listed.upload, is_listed_again))
            self._gone_kept += 1
        else:
            self._report_builder.add(AlreadyGone(listed.upload, is_checked=False))

    def _check_what_is_gone(self) -> None:
        """
        List the keys once more whose uploads COS did not know: one that it still lists was not simply gone.

        Of many only the first are checked, and none when time is up: the others are counted apart.
        """
        for (bucket, keys), uploads in self._gone.items():
            ids = self._ids_of(bucket, keys)
            for upload, is_listed_again in uploads:
                if ids is None or upload.upload_id not in ids:
                    self._report_builder.add(AlreadyGone(upload, is_checked=ids is not None))
                elif is_listed_again:
                    self._unsettled.append((ListedButNotFound(upload), "", False))
                else:
                    outcome = ListedButNotFound(upload)
                    self._log.warning("upload.listed_but_not_found", **fields(outcome))
                    self._report_builder.add(outcome)

    def _ids_of(self, bucket: Bucket, keys: Sequence[str]) -> set[str] | None:
        """The ids of the uploads that the listing has under any of these keys; None when that cannot be told."""
        ids: set[str] = set()
        try:
            for key in keys:
                walk = Paginator(BEGINNING)
                while walk.next is not None:
                    if self._relistings >= MAX_RELISTINGS or self._why_stop() not in ("", AT_LIMIT):
                        return None
                    self._relistings += 1
                    page = _up_to_other_keys(self._store.page(bucket, walk.next, key), keys)
                    ids.update(one.upload.upload_id for one in page.listed)
                    walk.advance(page)
        except StoreError:
            return None
        return ids

    def _wait_before_the_last_attempt(self) -> None:
        attempts = [one.attempts for one in self._plan.named] + [one.attempts for one in self._plan.scans]
        if MAX_ATTEMPTS - 1 in attempts and self._deadline.left() >= WORTH_WAITING_SECONDS:
            self._store.pause(LAST_PAUSE_SECONDS)

    # Listing

    def _listings(self, scans: Sequence[int]) -> Iterator[tuple[int, Cursor, Page | StoreError | _CutOff]]:
        """Every page of every scan. A StoreError or a _CutOff ends a scan, for good or for this run."""
        queue = deque(_Listing(number, self._walk(number), self._deadline.clock()) for number in scans)
        while queue:
            listing = queue.popleft()
            if not self._pause_after_failure(listing):
                yield listing.number, listing.after, self._cut_off(listing)
                continue
            listing.began = listing.began if listing.failures else self._deadline.clock()
            while listing.walk.next is not None:
                start = listing.after
                page = self._page_of(listing)
                if isinstance(page, Unavailable):
                    # The others first; it comes again after a pause.
                    queue.append(listing)
                    break
                yield listing.number, start, page
                if not isinstance(page, Page):
                    break
                listing.began, listing.failures, listing.error = self._deadline.clock(), 0, None

    def _walk(self, number: int) -> Paginator:
        return Paginator(self._plan.scans[number].start)

    def _start_of(self, listing: _Listing) -> Cursor:
        return listing.walk.next or self._plan.scans[listing.number].start

    def _page_of(self, listing: _Listing) -> Page | StoreError | _CutOff:
        """The next page. Unavailable: it failed for now, and may be asked for again in this run."""
        scan = self._plan.scans[listing.number]
        if scan.bucket in self._given_up:
            return _as_error(self._given_up[scan.bucket])
        why = self._why_stop()
        if why:
            return _CutOff(why)
        try:
            start = self._start_of(listing)
            page = self._store.page(scan.bucket, start, scan.prefix)
            page = self._read_rightly(page, scan)
            page = listing.without_what_was_seen(page, self._keys_of)
            page = self._up_to_end(_up_to_other_keys(page, _only(scan.policy.only_key)), scan.end)
            listing.walk.advance(page, fresh=len(page.listed))
        except Stopped as exc:
            self._stopped = exc.code
            # Where it is this bucket alone that does not accept them, the others go first from now on.
            return _CutOff(f"{STOPPED}: {exc.code}", is_blocking=start == scan.start, error=exc)
        except Unavailable as exc:
            listing.failures, listing.failed_at, listing.error = listing.failures + 1, self._deadline.clock(), exc
            # What our own time limit cut off is left for the next run.
            if self._deadline.passed:
                return self._cut_off(listing)
            return exc if listing.failures <= len(LISTING_PAUSES) else _Exhausted(exc)
        except StoreError as exc:
            if _refuses_marker(exc) and listing.step_back():
                return self._page_of(listing)
            return exc
        return page

    def _read_rightly(self, page: Page, scan: ListingTarget) -> Page:
        """
        The page with its keys and its marker as COS means them.

        By the response's own word first, then by what the listing was asked for. Before the order of keys decides
        something, a marker above all, whose text can mean several keys, List Parts proves for an upload of the page
        which one is right; that holds for the bucket from then on.
        """
        if page.next is not None or scan.start.upload_id or scan.end is not None:
            self._learn_ways(page)
        mine = tuple(self._in_its_way(listed, scan) for listed in page.listed)
        last = mine[-1].upload if mine else None
        following = page.next
        if following is not None and last is not None and following.upload_id == last.upload_id:
            following = Cursor(last.key, last.upload_id)
        return replace(page, listed=mine, next=following)

    def _learn_ways(self, page: Page) -> None:
        """
        Find out how COS writes the ambiguous keys of this page, with a few requests at most. Raises Unavailable.

        An upload that COS does not know under any key may be gone by now, so that the next one is tried; so it is when
        COS does not answer for one.
        """
        tried: dict[_Form, int] = {}
        failures: dict[_Form, Unavailable] = {}
        for listed in reversed(page.listed):
            form = _form(listed)
            if form in self._ways or tried.get(form, 0) >= MAX_PROOFS or not _is_ambiguous(listed):
                continue
            tried[form] = tried.get(form, 0) + 1
            try:
                self._prove(listed)
            except Unavailable as exc:
                if isinstance(exc, Stopped) or self._deadline.passed:
                    raise
                failures[form] = exc
        # The last one stands in the marker.
        last = _form(page.listed[-1]) if page.next is not None and page.listed else None
        if last in tried and last not in self._ways:
            if last in failures:
                raise failures[last]
            self._unproven.add(last)

    def _prove(self, listed: ListedUpload) -> None:
        """Find out how COS writes such a key. Raises Unavailable."""
        for key in key_readings.of(listed):
            try:
                is_known = self._processor.knows(replace(listed.upload, key=key))
            except CosRejected:
                continue
            if is_known:
                way = None if key == listed.upload.key else key_readings.reading_index(listed.raw_key, key)
                self._ways[_form(listed)] = way
                return

    def _in_its_way(self, listed: ListedUpload, scan: ListingTarget) -> ListedUpload:
        """As COS means it where that is proven, else as what was asked for, if it can mean that."""
        form = _form(listed)
        if form in self._ways:
            way = self._ways[form]
            return listed if way is None else listed.with_key(key_readings.LISTING[way](listed.raw_key))
        if listed.upload.key.startswith(scan.prefix):
            return listed
        asked_for = [key for key in key_readings.of(listed) if key.startswith(scan.prefix)]
        return listed.with_key(asked_for[0]) if asked_for else listed

    def _keys_of(self, listed: ListedUpload) -> Sequence[str]:
        """What its key can be: one where it is proven how COS writes such keys."""
        form = _form(listed)
        if form not in self._ways:
            return key_readings.of(listed)
        way = self._ways[form]
        return (listed.upload.key if way is None else key_readings.LISTING[way](listed.raw_key),)

    def _up_to_end(self, page: Page, end: Cursor | None) -> Page:
        """The page up to the end of a range, where it has one; the listing ends there."""
        if end is None:
            return page
        for place, listed in enumerate(page.listed):
            keys = self._keys_of(listed)
            if listed.upload.upload_id == end.upload_id and end.key in keys:
                return replace(page, listed=page.listed[: place + 1], next=None)
            if all(order(key) > order(end.key) for key in keys):
                return replace(page, listed=page.listed[:place], next=None)
        return page

    def _pause_after_failure(self, listing: _Listing) -> bool:
        if not listing.failures:
            return True
        # A short run has no time for the longer pauses; it tries until its deadline all the same.
        pause = min(LISTING_PAUSES[listing.failures - 1], self._half / 4)
        seconds = listing.failed_at + pause - self._deadline.clock()
        return seconds <= 0 or (not self._deadline.passed and self._store.pause(seconds))

    def _cut_off(self, listing: _Listing) -> _CutOff:
        return _CutOff(OUT_OF_TIME, self._deadline.clock() - listing.began >= self._half, listing.error)

    def _why_stop(self) -> str:
        if self._stopped:
            return f"{STOPPED}: {self._stopped}"
        if self._abort_budget.refusal:
            return self._abort_budget.refusal
        if self._deadline.passed:
            return OUT_OF_TIME
        return AT_LIMIT if self._abort_budget.spent else ""

    def _take(self, number: int, start: Cursor, page: Page | StoreError | _CutOff) -> None:
        scan = self._plan.scans[number]
        if isinstance(page, _CutOff):
            self._take_cut_off(number, replace(scan, start=start), page)
        elif isinstance(page, StoreError):
            self._take_failure(number, replace(scan, start=start), page)
        else:
            self._report_builder.sweeping(scan.bucket)
            self._as_of.lower(page.date, page.skew)
            while len(self._pages) >= MAX_OPEN_PAGES:
                self._crew.turn()
            self._pages_taken += 1
            self._take_page(number, _OpenPage(self._pages_taken, number, start, page.listed, page.request_id), page)

    def _take_cut_off(self, number: int, scan: ListingTarget, cut_off: _CutOff) -> None:
        if cut_off.is_blocking and scan.is_blocked:
            detail = "its listing took most of the time of two runs: raise the function's timeout"
            has_answered = cut_off.error is not None and cut_off.error.status is not None
            error = cut_off.error if has_answered else None
            self._bucket_failed(bucket_failed(scan.bucket, error or Unavailable(TOO_SLOW, detail=detail)))
            return
        if scan.bucket in self._given_up:
            self._bucket_failed(bucket_failed(scan.bucket, _as_error(self._given_up[scan.bucket])))
            return
        self._report_builder.stopped(cut_off.why)
        self._got_on = self._got_on or (cut_off.is_blocking and not self._stopped)
        self._not_listed[number] = replace(scan, is_blocked=scan.is_blocked or cut_off.is_blocking)

    def _take_failure(self, number: int, scan: ListingTarget, error: StoreError) -> None:
        failed = bucket_failed(scan.bucket, error.error if isinstance(error, _Exhausted) else error)
        if isinstance(error, _Exhausted) and self._retries and scan.attempts + 1 < MAX_ATTEMPTS:
            self._log.warning("bucket.retried", attempts=scan.attempts + 1, **fields_of_bucket(failed))
            self._report_builder.stopped(f"the listing of {scan.bucket} failed for now")
            self._got_on = True
            self._not_listed[number] = replace(scan, attempts=scan.attempts + 1)
            self._unlisted.append(failed)
        else:
            self._bucket_failed(failed)

    def _bucket_failed(self, failed: BucketFailed) -> None:
        self._log.error("bucket.failed", **fields_of_bucket(failed))
        self._report_builder.bucket_failed(failed)
        # A bucket fails once; the others go on.
        self._got_on = True

    def _take_page(self, number: int, opened: _OpenPage, page: Page) -> None:
        self._pages.append(opened)
        shard = self._plan.shard
        mine = [
            place
            for place, listed in enumerate(page.listed)
            if shard.contains(_as_written(listed)) and not self._is_target(listed)
        ]
        opened.open = len(mine)
        for place in mine:
            self._take_upload(self._plan.scans[number], page, place, opened)
        self._close_pages()

    def _is_target(self, listed: ListedUpload) -> bool:
        if not self._targets:
            return False
        return any(replace(listed.upload, key=key) in self._targets for key in key_readings.of(listed))

    def _take_upload(self, scan: ListingTarget, page: Page, place: int, opened: _OpenPage) -> None:
        listed = page.listed[place]
        upload = listed.upload
        settled = partial(self._listed_processed, opened, place)
        why_not = validate_key(upload.key, upload.upload_id)
        if not why_not and not upload.key.startswith(scan.prefix):
            why_not = "listed, but outside the prefix that was asked for"
        if why_not:
            settled(RejectedRequest(why_not, upload, "listing"))
            return
        screened = prefilter(listed, page.skew, scan.policy, self._as_of.value)
        given_up = self._given_up.get(upload.bucket)
        if not given_up and (why := self._why_stop()):
            settled(Deferred(upload, why))
        elif isinstance(screened, Keep):
            settled(Kept(upload, screened.reason))
        elif given_up:
            settled(replace(given_up, upload=upload))
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

    def _work_on_named(self, named: UploadTarget) -> None:
        began = self._deadline.clock()
        why = self._why_stop()
        if why:
            self._target_processed(named, Deferred(named.upload, why, named.was_sent, named.markers))
            return
        outcome = self._heard(self._processor.named(named))
        if isinstance(outcome, Acknowledged):
            outcome = self._processor.verify(outcome, partial(self._pause, named.upload.bucket))
        self._target_processed(named, self._unless_too_slow(outcome, began, named), began)

    def _work_on_listed(self, opened: _OpenPage, place: int, start: NeedsParts, policy: Policy) -> None:
        began = self._deadline.clock()
        outcome = self._heard(self._processor.listed(opened.listed[place], start, policy))
        if isinstance(outcome, Acknowledged):
            outcome = self._verified(outcome, opened, place)
        self._break_circuit(outcome)
        scan = self._plan.scans[opened.scan]
        listed = opened.listed[place]
        # Under which key COS knows it, the outcome may have found out.
        upload, text = outcome.upload or listed.upload, listed.raw_key if len(key_readings.of(listed)) > 1 else ""
        target = UploadTarget(upload, scan.policy, scan.attempts, is_swept=True, text=text)
        again = self._again(target, outcome, began)
        if again is not None and (again.was_sent or again.is_blocked or not _is_not_reached(outcome)):
            opened.targets[place] = again
            if again.is_blocked:
                # Where one upload took so long, the next ones may: other listings go first from now on.
                self._blocked.add(opened.scan)
        self._listed_processed(opened, place, outcome)

    def _verified(self, done: Acknowledged, opened: _OpenPage, place: int) -> Outcome:
        """
        An acknowledged abort, after a look at what became of it where VERIFY asks for one.

        The first abort of a page is a sample; what is acknowledged beside it waits for its verdict.
        """
        bucket = done.aborted.upload.bucket
        is_sample, opened.is_sampled = not opened.is_sampled, True
        if not self._is_to_verify(done, is_sample=is_sample):
            while opened.is_sample_open and not self._deadline.passed:
                turns.sleep(0.002)
            if bucket not in self._distrusted:
                return done.aborted
        opened.is_sample_open = opened.is_sample_open or is_sample
        outcome = self._processor.verify(done, partial(self._pause, bucket, opened=opened, place=place))
        if isinstance(outcome, (Failed, StillReceiving)):
            self._distrusted.add(bucket)
        opened.is_sample_open = opened.is_sample_open and not is_sample
        return outcome

    def _heard(self, outcome: Outcome | Acknowledged) -> Outcome | Acknowledged:
        if isinstance(outcome, Deferred) and outcome.reason.startswith(STOPPED):
            self._stopped = outcome.reason.removeprefix(f"{STOPPED}: ")
        return outcome

    def _unless_too_slow(self, outcome: Outcome, began: float, named: UploadTarget) -> Outcome:
        """What took most of a run's time for the second time fails, unless more of its parts were read."""
        if not isinstance(outcome, Deferred) or len(outcome.markers) > len(named.markers):
            return outcome
        if named.is_blocked and self._blocks(outcome, began):
            detail = "it took most of the time of two runs: raise the function's timeout"
            return Failed(outcome.upload, TOO_SLOW, None, "", permanent=False, detail=detail)
        return outcome

    def _blocks(self, outcome: Deferred, began: float) -> bool:
        return outcome.reason == OUT_OF_TIME and self._deadline.clock() - began >= self._half

    def _again(self, named: UploadTarget, outcome: Outcome, began: float | None) -> UploadTarget | None:
        """The same as a target of a later run, or None where its outcome is final."""
        if isinstance(outcome, Deferred) and outcome.reason == AT_LIMIT:
            return None
        if isinstance(outcome, Deferred) and outcome.reason != NOT_FRESH:
            is_blocked = named.is_blocked or (began is not None and self._blocks(outcome, began))
            return replace(
                named,
                was_sent=named.was_sent or outcome.was_sent,
                is_blocked=is_blocked,
                markers=max(named.markers, outcome.markers, key=len),
            )
        if not isinstance(outcome, (Failed, Deferred)) or not self._retries or named.attempts + 1 >= MAX_ATTEMPTS:
            return None
        if isinstance(outcome, Failed) and (outcome.permanent or outcome.code == TOO_SLOW):
            return None
        return replace(named, attempts=named.attempts + 1, was_sent=named.was_sent or outcome.was_sent)

    def _break_circuit(self, outcome: Outcome) -> None:
        """Twenty equal refusals for good in a row: the next ones would be no different."""
        bucket = outcome.upload.bucket if outcome.upload else None
        if bucket is None:
            return
        if not isinstance(outcome, Failed) or not outcome.permanent:
            self._refusals.pop(bucket, None)
            return
        code, count = self._refusals.get(bucket, (outcome.code, 0))
        count = count + 1 if code == outcome.code else 1
        self._refusals[bucket] = outcome.code, count
        if count >= MAX_EQUAL_REFUSALS and bucket not in self._given_up:
            detail = f"the bucket is left alone after {MAX_EQUAL_REFUSALS} equal refusals in a row"
            self._given_up[bucket] = replace(outcome, detail=detail)

    def _is_to_verify(self, done: Acknowledged, *, is_sample: bool) -> bool:
        """By VERIFY; where a sample failed, all that follow in its bucket are looked at."""
        if self._plan.verify == "none":
            return False
        if self._plan.verify == "all" or done.aborted.upload.bucket in self._distrusted:
            return True
        return is_sample or self._processor.is_recent(done, RECENT_HOURS)

    def _pause(self, bucket: Bucket, seconds: float, opened: _OpenPage | None = None, place: int = 0) -> bool:
        """
        Wait before another look at an upload that is still there. It holds up no worker and no page meanwhile.

        False, at once, when many wait already: where no abort has an effect, they would fill the memory.
        """
        self._distrusted.add(bucket)
        if opened is not None:
            opened.is_sample_open = False
            if place not in opened.late:
                opened.late.add(place)
                opened.open -= 1
            self._close_pages()
        if self._waiting >= MAX_WAITING:
            return False
        self._in_flight -= 1
        self._waiting += 1
        try:
            if not self._store.pause(seconds):
                return False
            while self._in_flight >= self._plan.workers:
                turns.sleep(0.01)
            return True
        finally:
            self._waiting -= 1
            self._in_flight += 1

    def _target_processed(self, named: UploadTarget, outcome: Outcome, began: float | None = None) -> None:
        """Only of what an event named each is told by itself: an event that names it may come again."""
        again = self._again(named, outcome, began)
        if again is not None:
            # What used up an attempt, or goes last from now on, does so a few times and no more.
            before, after = ((one.attempts, one.is_blocked, len(one.markers)) for one in (named, again))
            self._got_on = self._got_on or after > before
            self._left_named.append(again)
            self._unsettled.append((outcome, "", not named.is_swept))
            return
        if named.is_swept and isinstance(outcome, AlreadyGone):
            self._got_on = True
            self._remember_gone(ListedUpload(outcome.upload, None, text=named.text))
            return
        log_problem(outcome, self._log)
        if isinstance(outcome, Deferred) and outcome.reason == AT_LIMIT:
            self._report_builder.stopped(AT_LIMIT)
            if not named.is_swept:
                self._log.warning("upload.over_limit", **fields(outcome))
        else:
            self._log.info("upload.processed", outcome=name_of(outcome), **fields(outcome))
            self._got_on = True
        if named.is_swept and not isinstance(outcome, (Aborted, AlreadyGone)):
            self._settled_targets.append(outcome)
        else:
            self._report_builder.add(outcome, detailed=not named.is_swept)

    def _listed_processed(self, opened: _OpenPage, place: int, outcome: Outcome) -> None:
        if place not in opened.targets:
            log_problem(outcome, self._log)
        opened.outcomes[place] = outcome
        if place not in opened.late:
            opened.open -= 1
        elif opened.is_accounted:
            self._account_for(opened, place, outcome)

    # Accounting, page after page in the order of the listing

    def _close_pages(self) -> None:
        while self._pages and not self._pages[0].open:
            self._account(self._pages.popleft())

    def _account(self, page: _OpenPage) -> None:
        """
        Take a settled page into the ledger, as far as its first upload that was not reached.

        From there on the next run lists again. What is gone by then it will not find, so that is told here; what is
        still there it will find and tell, so that is not. The same holds for the ranges of a page with many failures.
        """
        page.is_accounted = True
        if page.scan not in self._not_reached:
            self._find_stop(page)
            if len(self._left_named) + len(page.targets) > MAX_TARGETS:
                self._leave_ranges(page)
        for place, outcome in enumerate(page.outcomes):
            if outcome is not None:
                self._account_for(page, place, outcome)
        self._got_on = self._got_on or page.scan not in self._not_reached
        self._say_page(page)
        self._say_doubt(page)

    def _find_stop(self, page: _OpenPage) -> None:
        for place, outcome in enumerate(page.outcomes):
            if place not in page.targets and _is_not_reached(outcome):
                self._not_reached[page.scan] = (page.number, place), page.cursor_before(place)
                return

    def _leave_ranges(self, page: _OpenPage) -> None:
        """
        Leave the targets of a page as ranges of the listing, from the first to the last of them.

        Not those whose abort was sent, which may be gone, and not those that block the rest. Each ends a range.
        """
        (_, stop), _ = self._not_reached.get(page.scan, ((page.number, len(page.listed)), None))
        is_open = False
        for place, target in sorted(page.targets.items()):
            if target.was_sent or target.is_blocked or place >= stop:
                is_open = False
                continue
            first = page.ranges.pop().start if is_open else place
            page.ranges.append(range(first, place + 1))
            is_open = True
        for one in page.ranges:
            self._leave_range(page, page.cursor_before(one.start), page.cursor_at(one.stop - 1))

    def _leave_range(self, page: _OpenPage, start: Cursor, end: Cursor) -> None:
        scan = self._plan.scans[page.scan]
        new = replace(scan, start=start, end=end, attempts=scan.attempts + 1)
        last = self._left_ranges[-1] if self._left_ranges else None
        if last is not None and last.end == start and replace(last, start=start, end=end) == new:
            self._left_ranges[-1] = replace(last, end=end)
        else:
            self._left_ranges.append(new)

    def _account_for(self, page: _OpenPage, place: int, outcome: Outcome) -> None:
        here = page.number, place
        target = page.targets.get(place)
        if target is None and _is_not_reached(outcome):
            self._not_reached.setdefault(page.scan, (here, page.cursor_before(place)))
        initiator = page.listed[place].initiator
        stopped = self._not_reached.get(page.scan)
        is_in_range = any(place in one for one in page.ranges)
        is_listed_again = is_in_range or (stopped is not None and here >= stopped[0])
        if isinstance(outcome, (Kept, WouldAbort)) and self._is_counted(page, place):
            return
        if isinstance(outcome, AlreadyGone):
            self._remember_gone(page.listed[place], is_listed_again=is_listed_again)
        elif isinstance(outcome, Aborted):
            self._report_builder.add(outcome, initiator)
        elif target is not None and (target.was_sent or not is_listed_again):
            self._left_named.append(target)
            self._unsettled.append((outcome, initiator, False))
        elif is_listed_again:
            self._unsettled.append((outcome, initiator, False))
        else:
            self._report_builder.add(outcome, initiator)
            self._got_on = True

    def _say_doubt(self, page: _OpenPage) -> None:
        """Where not one upload of a page can be judged, it is the clock or the server and not the uploads."""
        told = [outcome for outcome in page.outcomes if outcome is not None]
        reasons = Counter(outcome.reason for outcome in told if isinstance(outcome, Kept) and outcome.reason in DOUBTS)
        if told and sum(reasons.values()) == len(told):
            bucket, (reason, _) = str(self._plan.scans[page.scan].bucket), reasons.most_common(1)[0]
            self._log.warning("page.in_doubt", bucket=bucket, uploads=len(told), reason=reason)
            self._report_builder.warn("page.in_doubt", bucket=bucket, uploads=len(told), reason=reason)

    def _account_for_targets(self, left: Sequence[ListingTarget]) -> None:
        """A target that a listing will come to as well is told by the run that lists it."""
        for outcome in self._settled_targets:
            if any(_comes_to(scan, outcome.upload) for scan in left if outcome.upload):
                self._unsettled.append((outcome, "", False))
            else:
                self._report_builder.add(outcome)

    def _is_counted(self, page: _OpenPage, place: int) -> bool:
        """
        Whether an earlier run counted what this run leaves as it is.

        A server that begins a key again, because the upload to go on after is gone, shows what comes before that, too.
        """
        upload, start = page.listed[place].upload, self._plan.scans[page.scan].start
        return upload.key == start.key and upload.upload_id <= start.upload_id

    def _say_page(self, page: _OpenPage) -> None:
        told = [outcome for outcome in page.outcomes if outcome is not None]
        aborted = [outcome for outcome in told if isinstance(outcome, Aborted)]
        counts: dict[str, int] = {}
        for outcome in told:
            counts[name_of(outcome)] = counts.get(name_of(outcome), 0) + 1
        self._log.info(
            "page.processed",
            bucket=str(self._plan.scans[page.scan].bucket),
            uploads=len(told),
            **counts,
            bytes_freed=sum(outcome.bytes or 0 for outcome in aborted),
            cos_request_id=page.request_id,
            cos_request_id_of_last_abort=aborted[-1].request_id if aborted else "",
        )

    def _left_scans(self) -> list[ListingTarget]:
        left = dict(self._not_listed)
        for number, (_, at) in self._not_reached.items():
            left[number] = replace(left.get(number, self._plan.scans[number]), start=at)
        for number in self._blocked & left.keys():
            left[number] = replace(left[number], is_blocked=True)
        return [scan for _, scan in sorted(left.items())] + self._left_ranges

    def _left(self, scans: Sequence[ListingTarget]) -> Plan | None:
        if not scans and not self._left_named:
            return None
        # In the plan's order, however they ended: a run that got nowhere leaves what it was given.
        places = {one.upload: place for place, one in enumerate(self._plan.named)}
        named = sorted(self._left_named, key=lambda one: places.get(one.upload, len(places)))
        return replace(
            self._plan,
            as_of=self._as_of.value,
            named=tuple(named),
            scans=tuple(sorted(scans, key=lambda scan: scan.is_blocked)),
            rejected=(),
            over_limit=(),
            dropped=(),
            aborted=self._plan.aborted + self._taken_for_good,
            prior_failures=self._report_builder.prior_failures(),
        )


class _Exhausted(StoreError):
    """A listing failed for now, for as long as a run tries it."""

    def __init__(self, error: StoreError) -> None:
        super().__init__(error.code, error.status, error.request_id, error.detail)
        self.error = error


def _form(listed: ListedUpload) -> _Form:
    """Where a key stands, and what in its text has several meanings."""
    text = listed.raw_key
    return listed.upload.bucket, "%" in text, "+" in text


def _is_ambiguous(listed: ListedUpload) -> bool:
    """Whether it has several meanings, of which the likeliest can be asked about."""
    return len(key_readings.of(listed)) > 1 and validate_key(listed.upload.key, listed.upload.upload_id) is None


def _refuses_marker(exc: StoreError) -> bool:
    return exc.status == 400 or isinstance(exc, NoSuchUpload)


def _as_error(failed: Failed) -> StoreError:
    return CosRejected(failed.code, failed.status, failed.request_id, failed.detail)


def _is_not_reached(outcome: Outcome | None) -> bool:
    """Whether a later run has to list it again, as if it had not been listed yet."""
    return isinstance(outcome, Deferred) and outcome.reason != NOT_FRESH


def _comes_to(scan: ListingTarget, upload: Upload) -> bool:
    """Whether a listing has this upload still before it."""
    here = order(upload.key), upload.upload_id
    is_after = here > (order(scan.start.key), scan.start.upload_id)
    is_before = scan.end is None or here <= (order(scan.end.key), scan.end.upload_id)
    return scan.bucket == upload.bucket and upload.key.startswith(scan.prefix) and is_after and is_before


def _up_to_other_keys(page: Page, keys: Sequence[str]) -> Page:
    """The page up to the first upload of another key, where only some are of interest; the listing ends there."""
    if not keys:
        return page
    mine = tuple(takewhile(lambda listed: not set(keys).isdisjoint(key_readings.of(listed)), page.listed))
    return page if len(mine) == len(page.listed) else replace(page, listed=mine, next=None)


def _as_written(listed: ListedUpload) -> Upload:
    """The same for every instance, however far each has found out how COS writes keys."""
    return replace(listed.upload, key=listed.text) if listed.text else listed.upload


def _only(key: str | None) -> Sequence[str]:
    return () if key is None else (key,)
