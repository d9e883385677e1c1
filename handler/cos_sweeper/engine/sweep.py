"""
One run of a plan: list, prefilter, process, verify, account.

Here the parts of the engine are put together, and uploads are taken from targets and pages. As many uploads as there
are workers are under way at a time, and never more than a few pages are in memory. Where the run stops, what is left is
known exactly: the report has what was processed, `RunResult.remaining` has the rest, and no upload is in both.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from cos_sweeper.core import key_readings
from cos_sweeper.core.checkpoint import MAX_ATTEMPTS
from cos_sweeper.core.clock import AsOf
from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.errors import StoreError
from cos_sweeper.core.keys import validate_key
from cos_sweeper.core.model import Cursor, Keep, ListedUpload, NeedsParts, Page, RejectedRequest, Upload
from cos_sweeper.core.outcomes import AT_LIMIT, Deferred, Failed, Kept
from cos_sweeper.core.plan import Plan, UploadTarget
from cos_sweeper.core.policy import Policy, prefilter
from cos_sweeper.core.report_builder import ReportBuilder
from cos_sweeper.cos.store import Store
from cos_sweeper.engine.abort_budget import AbortBudget
from cos_sweeper.engine.accounting import OpenPage, PageAccount
from cos_sweeper.engine.key_forms import KeyForms
from cos_sweeper.engine.listing import ListingCutOff, ListingReader, Produced
from cos_sweeper.engine.processing import Acknowledged, UploadProcessor
from cos_sweeper.engine.relisting import GoneUploads
from cos_sweeper.engine.result import RunResult
from cos_sweeper.engine.retrying import is_unreached, next_target, unless_too_slow
from cos_sweeper.engine.run_state import RunState
from cos_sweeper.engine.scheduling import Prefetch, UploadWork, Worker, Workers
from cos_sweeper.engine.target_accounting import TargetAccount
from cos_sweeper.engine.task_group import TaskGroup
from cos_sweeper.engine.verification import Verifier
from cos_sweeper.report.log import Log

# Before the last attempt at what failed, where there is nothing else to do and so much time.
LAST_PAUSE_SECONDS = 60.0
WORTH_WAITING_SECONDS = 120.0
UNPROVEN = "how keys are written could not be found out, so that uploads may be missing in the listing"


async def _allowed() -> str:
    return ""


async def run(
    plan: Plan,
    store: Store,
    deadline: Deadline,
    log: Log,
    *,
    retries: bool = False,
    before_abort: Callable[[], Awaitable[str]] = _allowed,
) -> RunResult:
    """
    Do what the plan says, as far as time allows. Never raises for COS's sake: what failed stands in the report.

    retries: whether a later run can try again what failed for now. before_abort: awaited once, before the first abort
    of a sweep: why nothing may be aborted, or ''.
    """
    as_of = AsOf(plan.as_of, is_new=plan.number == 1)
    budget = AbortBudget(plan.max_aborts, before_abort if plan.sweeps and not plan.dry_run else None)
    return await _Sweep(RunState(plan, store, deadline, log, retries, as_of, ReportBuilder(plan, as_of), budget)).run()


class _Sweep:
    def __init__(self, state: RunState) -> None:
        self._state = state
        self._plan = state.plan
        self._key_forms = KeyForms(state.store, state.deadline)
        self.reader = ListingReader(state, self._key_forms)
        self._processor = UploadProcessor(state.store, state.plan, state.deadline, state.abort_budget, state.as_of)
        self._verifier = Verifier(state, self._processor.looker)
        self._gone = GoneUploads(state, self._key_forms)
        self._pages = PageAccount(state, self._gone)
        self._targets = TargetAccount(state, self._gone, self._pages)
        self._swept_targets = frozenset(one.upload for one in state.plan.named if one.is_swept)

    async def run(self) -> RunResult:
        state, plan = self._state, self._plan
        for refused in plan.rejected:
            state.report_builder.add(refused)
        for target in plan.over_limit:
            self._targets.processed(target, Deferred(target.upload, AT_LIMIT))
        await self._work_in_order()
        remaining = self._pages.remaining_scans()
        self._pages.uncounted += await self._gone.list_again()
        self._targets.count_swept(remaining)
        if self._key_forms.has_doubt:
            state.report_builder.stopped(UNPROVEN)
        return RunResult(
            state.report_builder,
            self._targets.remaining(remaining),
            tuple(self._pages.uncounted),
            tuple(self._pages.unlisted),
            state.progressed or state.report_builder.counts["aborted"] > 0,
            state.stopped,
        )

    async def _work_in_order(self) -> None:
        """First what is new, then what failed before, and last what took most of an earlier run's time."""
        named, scans = self._plan.named, self._plan.scans
        later = [one for one in named if one.attempts or one.is_blocked]
        first = [one for one in named if not (one.attempts or one.is_blocked)]
        fresh = [number for number, scan in enumerate(scans) if not (scan.attempts or scan.is_blocked)]
        await self._work_through(first, fresh)
        if not first and not fresh:
            await self._wait_before_the_last_attempt()
        rest = sorted(set(range(len(scans))) - set(fresh), key=lambda number: scans[number].is_blocked)
        await self._work_through(sorted(later, key=lambda one: one.is_blocked), rest)

    async def _work_through(self, targets: Sequence[UploadTarget], scans: Sequence[int]) -> None:
        if not targets and not scans:
            return
        async with TaskGroup() as group:
            source = _Source(self, group, targets, scans)
            Workers(self._plan.workers, group, source.next_batch).start()

    async def _wait_before_the_last_attempt(self) -> None:
        attempts = [one.attempts for one in self._plan.named] + [one.attempts for one in self._plan.scans]
        if MAX_ATTEMPTS - 1 in attempts and self._state.deadline.left() >= WORTH_WAITING_SECONDS:
            await self._state.store.pause(LAST_PAUSE_SECONDS)

    # Taking uploads

    def take_targets(self, targets: Sequence[UploadTarget]) -> Iterator[UploadWork]:
        """The work on uploads that are known by name."""
        return (partial(self._work_on_target, target) for target in targets)

    async def take(self, produced: Produced) -> Iterator[UploadWork]:
        """The work on a page. What needs none is processed while the work is taken."""
        scan, page = replace(self._plan.scans[produced.number], start=produced.start), produced.page
        if isinstance(page, ListingCutOff):
            self._pages.cut_off(produced.number, scan, page)
        elif isinstance(page, StoreError):
            self._pages.listing_failed(produced.number, scan, page)
        else:
            self._state.report_builder.sweeping(scan.bucket)
            self._state.as_of.lower(page.date, page.skew)
            await self._pages.has_room()
            return self._take_page(produced.number, produced.start, page)
        return iter(())

    def _take_page(self, number: int, start: Cursor, page: Page) -> Iterator[UploadWork]:
        shard = self._plan.shard
        mine = [
            place
            for place, listed in enumerate(page.listed)
            if shard.contains(_as_written(listed)) and not self._is_target(listed)
        ]
        # From here on the page is open for all of them, whenever the work on each is taken.
        opened = self._pages.open_page(number, start, page, len(mine))
        works = (self._take_upload(page, place, opened) for place in mine)
        return (work for work in works if work is not None)

    def _is_target(self, listed: ListedUpload) -> bool:
        if not self._swept_targets:
            return False
        return any(replace(listed.upload, key=key) in self._swept_targets for key in key_readings.of(listed))

    def _take_upload(self, page: Page, place: int, opened: OpenPage) -> UploadWork | None:
        """The work on an upload, or None where its outcome is known without any."""
        scan, listed = self._plan.scans[opened.scan], page.listed[place]
        upload = listed.upload
        why_not = validate_key(upload.key, upload.upload_id)
        if not why_not and not upload.key.startswith(scan.prefix):
            why_not = "listed, but outside the prefix that was asked for"
        if why_not:
            self._pages.processed(opened, place, RejectedRequest(why_not, upload, "listing"))
            return None
        verdict = prefilter(listed, page.skew, scan.policy, self._state.as_of.value)
        given_up = self._state.given_up.get(upload.bucket)
        if not given_up and (why := self._state.why_stop(upload.bucket)):
            self._pages.processed(opened, place, Deferred(upload, why))
        elif isinstance(verdict, Keep):
            self._pages.processed(opened, place, Kept(upload, verdict.reason))
        elif given_up:
            self._pages.processed(opened, place, replace(given_up, upload=upload))
        else:
            return partial(self._work_on_listed, opened, place, verdict, scan.policy)
        return None

    # Working on uploads

    async def _work_on_target(self, target: UploadTarget, worker: Worker) -> None:
        began = self._state.deadline.clock()
        why = self._state.why_stop(target.upload.bucket)
        if why:
            self._targets.processed(target, Deferred(target.upload, why, target.was_sent, target.markers))
            return
        outcome = await self._processor.named(target)
        self._state.heed(target.upload.bucket, outcome)
        if isinstance(outcome, Acknowledged):
            outcome = await self._verifier.named(outcome, worker)
        self._targets.processed(target, unless_too_slow(self._state, target, outcome, began), began)

    async def _work_on_listed(
        self, opened: OpenPage, place: int, start: NeedsParts, policy: Policy, worker: Worker
    ) -> None:
        began = self._state.deadline.clock()
        listed = opened.listed[place]
        outcome = await self._processor.listed(listed, start, policy)
        self._state.heed(listed.upload.bucket, outcome)
        if isinstance(outcome, Acknowledged):
            outcome = await self._verifier.listed(outcome, worker, opened, place)
        self._state.break_circuit(outcome)
        if isinstance(outcome, (Failed, Deferred)):
            self._try_again(opened, place, outcome, began)
        self._pages.processed(opened, place, outcome)

    def _try_again(self, opened: OpenPage, place: int, outcome: Failed | Deferred, began: float) -> None:
        """Leave an upload to a later run, where that may help."""
        scan, listed = self._plan.scans[opened.scan], opened.listed[place]
        text = listed.raw_key if len(key_readings.of(listed)) > 1 else ""
        # Under which key COS knows it, the outcome may have found out.
        target = UploadTarget(outcome.upload, scan.policy, scan.attempts, is_swept=True, text=text)
        again = next_target(self._state, target, outcome, began)
        if again is not None and (again.was_sent or again.is_blocked or not is_unreached(outcome)):
            opened.targets[place] = again
            if again.is_blocked:
                self._pages.block(opened.scan)


class _Source:
    """The uploads of one phase of a run: its targets, then the pages of its listings, which begin after them."""

    def __init__(self, sweep: _Sweep, group: TaskGroup, targets: Sequence[UploadTarget], scans: Sequence[int]) -> None:
        self._sweep = sweep
        self._group = group
        self._targets = targets
        self._scans = scans
        self._pages: Prefetch[Produced] | None = None

    async def next_batch(self) -> Iterator[UploadWork] | None:
        """The work on some of them; None when there are no more."""
        if self._targets:
            targets, self._targets = self._targets, ()
            return self._sweep.take_targets(targets)
        if self._pages is None:
            self._pages = Prefetch(self._group, partial(self._sweep.reader.read, self._scans))
        produced = await self._pages.next()
        return None if produced is None else await self._sweep.take(produced)


def _as_written(listed: ListedUpload) -> Upload:
    """The same for every instance, however far each has found out how COS writes keys."""
    return replace(listed.upload, key=listed.text) if listed.text else listed.upload
