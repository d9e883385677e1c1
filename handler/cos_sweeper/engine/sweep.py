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
from cos_sweeper.core.outcomes import AT_LIMIT, Deferred, Failed, Kept, Outcome
from cos_sweeper.core.plan import ListingTarget, Plan, UploadTarget, swept_target
from cos_sweeper.core.policy import prefilter
from cos_sweeper.core.report_builder import ReportBuilder
from cos_sweeper.cos.store import Store
from cos_sweeper.engine.abort_budget import AbortBudget
from cos_sweeper.engine.accounting import OpenPage, PageAccount
from cos_sweeper.engine.intent import Intent
from cos_sweeper.engine.key_forms import KeyForms
from cos_sweeper.engine.listing import ListingCutOff, ListingReader, Produced
from cos_sweeper.engine.processing import Acknowledged, UploadProcessor
from cos_sweeper.engine.recorder import NO_RECORDER, Recorder
from cos_sweeper.engine.relisting import GoneUploads
from cos_sweeper.engine.result import RunResult
from cos_sweeper.engine.retrying import is_unreached, next_target, unless_too_slow
from cos_sweeper.engine.run_state import RunState
from cos_sweeper.engine.scheduling import Prefetch, UploadWork, Worker, Workers
from cos_sweeper.engine.target_accounting import TargetAccount
from cos_sweeper.engine.task_group import TaskGroup
from cos_sweeper.engine.verification import Verifier
from cos_sweeper.report.log import Log

# The pause before the last attempt at what failed, if nothing else is to do and there is time.
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
    recorder: Recorder = NO_RECORDER,
) -> RunResult:
    """
    Do what the plan says, as far as time allows. Never raises because of COS: what failed is in the report.

    retries: whether a later run can try again what failed for now. before_abort: awaited once, before the first abort
    of a sweep: why nothing may be aborted, or ''. recorder: of every upload, and of the account.
    """
    as_of = AsOf(plan.as_of, is_new=plan.number == 1)
    budget = AbortBudget(plan.max_aborts, before_abort if plan.sweeps and not plan.dry_run else None)
    report_builder = ReportBuilder(plan, as_of)
    return await _Sweep(RunState(plan, store, deadline, log, retries, as_of, report_builder, budget, recorder)).run()


class _Sweep:
    def __init__(self, state: RunState) -> None:
        self._state = state
        self._plan = state.plan
        self._key_forms = KeyForms(state.store, state.deadline)
        self.reader = ListingReader(state, self._key_forms)
        self._processor = UploadProcessor(
            state.store, state.plan, state.deadline, state.abort_budget, state.as_of, state.recorder.is_on
        )
        self._verifier = Verifier(state, self._processor.looker)
        self._gone = GoneUploads(state, self._key_forms)
        self._pages = PageAccount(state, self._gone)
        self._targets = TargetAccount(state, self._gone, self._pages)
        self._swept_targets = frozenset(one.upload for one in state.plan.targets if one.is_swept)

    async def run(self) -> RunResult:
        state, plan = self._state, self._plan
        for rejected in plan.rejected:
            state.report_builder.add(rejected)
        for target in plan.over_limit:
            self._targets.processed(target, Deferred(target.upload, AT_LIMIT))
        await self._work_in_order()
        remaining = self._pages.remaining_listings()
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
            state.abort_budget.why_not,
            state.count,
        )

    async def _work_in_order(self) -> None:
        """First what is new, then what failed before, and last what took most of an earlier run's time."""
        targets, listings = self._plan.targets, self._plan.listings
        later = [one for one in targets if one.attempts or one.is_blocked]
        first = [one for one in targets if not (one.attempts or one.is_blocked)]
        fresh = [number for number, listing in enumerate(listings) if not (listing.attempts or listing.is_blocked)]
        await self._work_through(first, fresh)
        if not first and not fresh:
            await self._wait_before_the_last_attempt()
        rest = sorted(set(range(len(listings))) - set(fresh), key=lambda number: listings[number].is_blocked)
        await self._work_through(sorted(later, key=lambda one: one.is_blocked), rest)

    async def _work_through(self, targets: Sequence[UploadTarget], listings: Sequence[int]) -> None:
        if not targets and not listings:
            return
        async with TaskGroup() as group:
            source = _Source(self, group, targets, listings)
            Workers(self._plan.workers, group, source.next_batch).start()

    async def _wait_before_the_last_attempt(self) -> None:
        attempts = [one.attempts for one in self._plan.targets] + [one.attempts for one in self._plan.listings]
        if MAX_ATTEMPTS - 1 in attempts and self._state.deadline.left() >= WORTH_WAITING_SECONDS:
            await self._state.store.pause(LAST_PAUSE_SECONDS)

    # Taking uploads

    def take_targets(self, targets: Sequence[UploadTarget]) -> Iterator[UploadWork]:
        """The work on uploads that are known by name."""
        return (partial(self._work_on_target, target) for target in targets)

    async def take(self, produced: Produced, group: TaskGroup) -> Iterator[UploadWork]:
        """The work on a page. What needs none is processed while it is taken. group: for what is done meanwhile."""
        listing, page = replace(self._plan.listings[produced.number], start=produced.start), produced.page
        if isinstance(page, ListingCutOff):
            self._pages.cut_off(produced.number, listing, page)
        elif isinstance(page, StoreError):
            self._pages.listing_failed(produced.number, listing, page)
        else:
            self._state.report_builder.sweeping(listing.bucket)
            self._state.as_of.lower(page.date, page.skew)
            await self._pages.has_room()
            return self._take_page(produced.number, produced.start, page, group)
        return iter(())

    def _take_page(self, number: int, start: Cursor, page: Page, group: TaskGroup) -> Iterator[UploadWork]:
        shard = self._plan.shard
        mine = [
            index
            for index, listed in enumerate(page.listed)
            if shard.contains(_as_written(listed)) and not self._is_target(listed)
        ]
        # From here on the page is open for all of them, even before the work on each is taken.
        opened = self._pages.open_page(number, start, page, len(mine))
        intent = self._intent(page, mine, self._plan.listings[number])
        if intent is not None:
            group.start(intent.write)
        works = (self._take_upload(page, index, opened, intent) for index in mine)
        return (work for work in works if work is not None)

    def _intent(self, page: Page, indexes: Sequence[int], listing: ListingTarget) -> Intent | None:
        """What may be aborted of a page of a sweep, to be recorded first. None where nothing is recorded or aborted."""
        if not self._state.recorder.is_on or self._plan.dry_run or listing.policy.only_key is not None:
            return None
        as_of = self._state.as_of.value
        listed = [page.listed[index] for index in indexes]
        candidates = [one for one in listed if isinstance(prefilter(one, page.skew, listing.policy, as_of), NeedsParts)]
        return Intent(self._state.recorder, candidates) if candidates else None

    def _is_target(self, listed: ListedUpload) -> bool:
        if not self._swept_targets:
            return False
        return any(replace(listed.upload, key=key) in self._swept_targets for key in key_readings.of(listed))

    def _take_upload(self, page: Page, index: int, opened: OpenPage, intent: Intent | None) -> UploadWork | None:
        """The work on an upload, or None where its outcome is known without any."""
        listing, listed = self._plan.listings[opened.listing], page.listed[index]
        upload = listed.upload
        why_not = validate_key(upload.key, upload.upload_id)
        if not why_not and not upload.key.startswith(listing.prefix):
            why_not = "listed, but outside the prefix that was asked for"
        if why_not:
            self._pages.processed(opened, index, RejectedRequest(why_not, upload, "listing"))
            return None
        verdict = prefilter(listed, page.skew, listing.policy, self._state.as_of.value)
        given_up = self._state.given_up.get(upload.bucket)
        needs_work = not isinstance(verdict, Keep) or (self._plan.inventory and not given_up)
        if isinstance(verdict, Keep) and not needs_work:
            # Whatever ends the run: this upload is not abandoned.
            self._pages.processed(opened, index, Kept(upload, verdict.reason))
        elif not given_up and (why := self._state.why_stop(upload.bucket)):
            self._pages.processed(opened, index, Deferred(upload, why))
        elif isinstance(verdict, Keep):
            return partial(self._work_on_kept, opened, index, verdict)
        elif given_up:
            self._pages.processed(opened, index, replace(given_up, upload=upload))
        else:
            return partial(self._work_on_listed, opened, index, verdict, intent)
        return None

    # Working on uploads

    async def _work_on_target(self, target: UploadTarget, worker: Worker) -> None:
        began = self._state.deadline.clock()
        why = self._state.why_stop(target.upload.bucket)
        if why:
            self._targets.processed(target, Deferred(target.upload, why, target.was_sent, target.markers))
            return
        outcome = await self._processor.process_target(target)
        self._state.heed(target.upload.bucket, outcome)
        if isinstance(outcome, Acknowledged):
            outcome = await self._verifier.verify_target(outcome, worker)
        self._targets.processed(target, unless_too_slow(self._state, target, outcome, began), began)

    async def _work_on_listed(
        self, opened: OpenPage, index: int, start: NeedsParts, intent: Intent | None, worker: Worker
    ) -> None:
        began = self._state.deadline.clock()
        listed, policy = opened.listed[index], self._plan.listings[opened.listing].policy
        outcome = await self._processor.listed(listed, start, policy, intent)
        self._state.heed(listed.upload.bucket, outcome)
        if isinstance(outcome, Acknowledged):
            outcome = await self._verifier.listed(outcome, worker, opened, index)
        self._close_listed(opened, index, outcome, began)

    async def _work_on_kept(self, opened: OpenPage, index: int, kept: Keep, _: Worker) -> None:
        began = self._state.deadline.clock()
        upload, policy = opened.listed[index].upload, self._plan.listings[opened.listing].policy
        outcome = await self._processor.kept(upload, kept, policy)
        self._state.heed(upload.bucket, outcome)
        self._close_listed(opened, index, outcome, began)

    def _close_listed(self, opened: OpenPage, index: int, outcome: Outcome, began: float) -> None:
        """An upload of a page has its outcome; began: its work."""
        self._state.break_circuit(outcome)
        if isinstance(outcome, (Failed, Deferred)):
            self._leave_target(opened, index, outcome, began)
        self._pages.processed(opened, index, outcome)

    def _leave_target(self, opened: OpenPage, index: int, outcome: Failed | Deferred, began: float) -> None:
        """Leave an upload to a later run by its name, where a listing would not do."""
        listing = self._plan.listings[opened.listing]
        # The outcome may have found out under which key COS knows it.
        target = swept_target(opened.listed[index], outcome.upload, listing.policy, listing.attempts)
        again = next_target(self._state, target, outcome, began)
        if again is not None and (again.was_sent or again.is_blocked or not is_unreached(outcome)):
            opened.targets[index] = again
            if again.is_blocked:
                self._pages.block(opened.listing)


class _Source:
    """The uploads of one phase of a run: its targets, then the pages of its listings, which begin after them."""

    def __init__(
        self, sweep: _Sweep, group: TaskGroup, targets: Sequence[UploadTarget], listings: Sequence[int]
    ) -> None:
        self._sweep = sweep
        self._group = group
        self._targets = targets
        self._listings = listings
        self._pages: Prefetch[Produced] | None = None

    async def next_batch(self) -> Iterator[UploadWork] | None:
        """The work on some of them; None when there are no more."""
        if self._targets:
            targets, self._targets = self._targets, ()
            return self._sweep.take_targets(targets)
        if self._pages is None:
            self._pages = Prefetch(self._group, partial(self._sweep.reader.read, self._listings))
        produced = await self._pages.next()
        return None if produced is None else await self._sweep.take(produced, self._group)


def _as_written(listed: ListedUpload) -> Upload:
    """The same for every instance, whatever each has found out about how COS writes keys."""
    return replace(listed.upload, key=listed.text) if listed.text else listed.upload
