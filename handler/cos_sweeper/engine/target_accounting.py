"""
The outcomes of uploads that travel as targets, and the plan that remains of a run.

An upload that an event named is always counted by itself. A target that an earlier run of a sweep left is counted by
the run that lists it, where a listing still comes to it.
"""

from collections.abc import Sequence
from dataclasses import replace

from cos_sweeper.core.model import ListedUpload, Upload
from cos_sweeper.core.outcomes import (
    AT_LIMIT,
    Aborted,
    AlreadyGone,
    Deferred,
    Failed,
    Outcome,
    WouldAbort,
    fields,
    name_of,
)
from cos_sweeper.core.plan import ListingTarget, Plan, UploadTarget
from cos_sweeper.engine.accounting import PageAccount
from cos_sweeper.engine.paginator import order
from cos_sweeper.engine.reasons import STOPPED
from cos_sweeper.engine.relisting import GoneUploads
from cos_sweeper.engine.result import Uncounted
from cos_sweeper.engine.retrying import next_target
from cos_sweeper.engine.run_state import RunState, log_problem


class TargetAccount:
    """The targets of one run. pages: where what is left, and not counted yet, is gathered."""

    def __init__(self, state: RunState, gone: GoneUploads, pages: PageAccount) -> None:
        self._state = state
        self._gone = gone
        self._pages = pages
        # Outcomes of targets of an earlier run that are still there.
        self._swept: list[tuple[Outcome, ListedUpload]] = []

    def processed(self, target: UploadTarget, outcome: Outcome, began: float | None = None) -> None:
        """A target has its outcome. Details only of what an event named: an event that names it may come again."""
        state = self._state
        if isinstance(outcome, Deferred) and state.stopped_in == target.upload.bucket:
            if target.is_blocked and state.stopped_early:
                outcome = Failed(target.upload, state.stopped, None, "", permanent=False, detail=STOPPED)
            target = replace(target, is_blocked=True)
            state.progressed = True
        again, listed = next_target(state, target, outcome, began), target.listed(outcome.upload)
        state.recorder.record(listed, outcome)
        if again is not None:
            # Using up an attempt, or going last from now on, is progress too, a few times at most.
            before, after = ((one.attempts, one.is_blocked, len(one.markers)) for one in (target, again))
            state.progressed = state.progressed or after > before
            self._pages.targets.append(again)
            self._pages.uncounted.append(Uncounted(outcome, listed, detailed=not target.is_swept))
            return
        if target.is_swept and isinstance(outcome, AlreadyGone):
            state.progressed = True
            self._gone.remember(listed)
            return
        log_problem(outcome, state.log)
        if isinstance(outcome, Deferred) and outcome.reason == AT_LIMIT:
            state.report_builder.stopped(AT_LIMIT)
            if not target.is_swept:
                state.log.warning("upload.over_limit", **fields(outcome))
        else:
            state.log.info("upload.processed", outcome=name_of(outcome), **fields(outcome))
            state.progressed = True
        if target.is_swept and not isinstance(outcome, (Aborted, AlreadyGone)):
            self._swept.append((outcome, listed))
        else:
            state.count(outcome, listed, detailed=not target.is_swept)

    def count_swept(self, listings: Sequence[ListingTarget]) -> None:
        """Count the targets of an earlier run. listings: those that a later run reads."""
        for outcome, listed in self._swept:
            if any(_comes_to(listing, listed.upload) for listing in listings):
                self._pages.uncounted.append(Uncounted(outcome, listed))
            else:
                self._state.count(outcome, listed)

    def remaining(self, listings: Sequence[ListingTarget]) -> Plan | None:
        """The plan of what is still to do, or None."""
        plan, targets = self._state.plan, self._pages.targets
        if not listings and not targets:
            return None
        # In the plan's order, however they ended: a run that made no progress leaves what it was given.
        indexes = {one.upload: index for index, one in enumerate(plan.targets)}
        targets = sorted(targets, key=lambda one: indexes.get(one.upload, len(indexes)))
        return replace(
            plan,
            as_of=self._state.as_of.value,
            targets=tuple(targets),
            listings=tuple(sorted(listings, key=lambda listing: listing.is_blocked)),
            rejected=(),
            over_limit=(),
            dropped=(),
            aborted=plan.aborted + self._taken_for_good,
            prior_failures=self._state.report_builder.prior_failures(),
        )

    @property
    def _taken_for_good(self) -> int:
        """
        Aborts that count. What a dry run would abort beyond the resume point, the next run evaluates and counts.

        Unless nothing is left by now: then there is no next run, or each would come as far as this one.
        """
        budget = self._state.abort_budget
        uncounted = sum(isinstance(one.outcome, WouldAbort) for one in self._pages.uncounted)
        return budget.taken - (0 if budget.spent else uncounted)


def _comes_to(listing: ListingTarget, upload: Upload) -> bool:
    """Whether a listing has this upload still before it."""
    here = order(upload.key), upload.upload_id
    is_after = here > (order(listing.start.key), listing.start.upload_id)
    is_before = listing.end is None or here <= (order(listing.end.key), listing.end.upload_id)
    return listing.bucket == upload.bucket and upload.key.startswith(listing.prefix) and is_after and is_before
