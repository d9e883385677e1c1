"""
One upload: evidence, the abort, and the outcome.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from cos_sweeper.core import plan as planning
from cos_sweeper.core.clock import AsOf
from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.errors import CosRejected, NoSuchUpload, RequestRejected, Unavailable
from cos_sweeper.core.model import Bucket, Part, PartsPage, RejectedRequest, SweepRequest, Upload
from cos_sweeper.core.outcomes import Aborted, AlreadyGone, Deferred, Failed, Kept, Outcome, WouldAbort
from cos_sweeper.core.plan import UploadTarget
from cos_sweeper.core.policy import Policy
from cos_sweeper.cos.store import Receipt
from cos_sweeper.engine.abort_budget import AbortBudget
from cos_sweeper.engine.processing import Acknowledged, UploadProcessor
from cos_sweeper.engine.reasons import OUT_OF_TIME
from tests.fixtures import HOUR, NOW, PHOTOS, aborting_settings

IN_STEP = timedelta(0)


RULES = Policy(min_age=72 * HOUR, min_idle=24 * HOUR)


AT_ONCE = Policy(timedelta(0), timedelta(0))


UPLOAD = Upload(PHOTOS, "k", "1585130821" + "a" * 64)


OLD = Part(NOW - 100 * HOUR, 5)


@dataclass(slots=True)
class PartsStore:
    """A store with given responses. requested: the part number after which each page was requested."""

    parts_page: Callable[[int], PartsPage] = lambda _: PartsPage((OLD,), None, IN_STEP)
    aborting: Callable[[], Receipt] = lambda: Receipt("id")
    requested: list[int] = field(default_factory=list)
    aborts: int = 0
    pauses: bool = True

    async def parts(self, _: Upload, after: int, *, for_abort: bool = False) -> PartsPage:  # noqa: ARG002
        self.requested.append(after)
        return self.parts_page(after)

    async def abort(self, _: Upload, within: float | None = None) -> Receipt:  # noqa: ARG002
        self.aborts += 1
        return self.aborting()

    def give_back(self, _: Bucket) -> None:
        """No rate limit here."""

    def is_throttled(self, _: Bucket) -> bool:
        return False

    async def pause(self, _: float) -> bool:
        return self.pauses


def processed(
    store: PartsStore,
    policy: Policy = RULES,
    *,
    abort_budget: AbortBudget | None = None,
    passed: Callable[[], bool] = lambda: False,
    dry_run: bool = False,
) -> Outcome:
    plan = planning.build_plan((SweepRequest(),), aborting_settings((PHOTOS,), dry_run=dry_run), (PHOTOS,), "run", NOW)
    deadline = Deadline(lambda: 1.0 if passed() else 0.0, 1.0, 2.0, 3.0)
    processor = UploadProcessor(store, plan, deadline, abort_budget or AbortBudget(None), AsOf(NOW, is_new=True))  # type: ignore[arg-type]
    outcome = asyncio.run(processor.process_target(UploadTarget(UPLOAD, policy)))
    return outcome.aborted if isinstance(outcome, Acknowledged) else outcome


def raising(exc: Exception) -> Callable[..., Any]:
    def fail(*_: object) -> Any:
        raise exc

    return fail


def test_parts_that_never_end_are_given_up_after_a_thousand_pages() -> None:
    store = PartsStore(lambda after: PartsPage((OLD,), after + 7, IN_STEP))

    outcome = processed(store)

    assert isinstance(outcome, Failed)
    assert (outcome.code, outcome.permanent) == ("EndlessParts", True)
    assert store.requested == [7 * page for page in range(1000)]
    assert store.aborts == 0


@pytest.mark.parametrize("minutes", [6, -6])
def test_clock_that_is_off_while_parts_are_read_keeps_what_has_an_idle_time(minutes: int) -> None:
    store = PartsStore(lambda _: PartsPage((OLD,), None, timedelta(minutes=minutes)))

    assert isinstance(processed(store), Kept)
    assert isinstance(processed(store, AT_ONCE), Aborted)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (NoSuchUpload("NoSuchUpload", 404), AlreadyGone),
        (RequestRejected("malformed"), RejectedRequest),
        (Unavailable("SlowDown", 503), Failed),
        (CosRejected("AccessDenied", 403), Failed),
    ],
    ids=["gone", "refused", "for_now", "for_good"],
)
def test_error_while_parts_are_read_or_at_the_abort_is_an_outcome(error: Exception, outcome: type[Outcome]) -> None:
    reading, aborting = PartsStore(parts_page=raising(error)), PartsStore(aborting=raising(error))

    assert [type(processed(reading)), type(processed(aborting))] == [outcome, outcome]
    assert (reading.aborts, aborting.aborts) == (0, 1)


def test_failure_says_whether_it_is_permanent() -> None:
    for_now, for_good = (
        processed(PartsStore(raising(error))) for error in (Unavailable("SlowDown"), CosRejected("AccessDenied"))
    )

    assert isinstance(for_now, Failed)
    assert isinstance(for_good, Failed)
    assert (for_now.permanent, for_good.permanent) == (False, True)


def test_upload_whose_parts_cannot_be_read_is_aborted_only_if_named_and_without_an_idle_time() -> None:
    blind, gone = (
        PartsStore(raising(CosRejected("AccessDenied"))),
        PartsStore(raising(NoSuchUpload("NoSuchUpload", 404))),
    )

    assert processed(blind, AT_ONCE) == Aborted(UPLOAD, None, "id")
    assert processed(gone, AT_ONCE) == AlreadyGone(UPLOAD)
    assert gone.aborts == 0


def test_parts_are_not_requested_without_time() -> None:
    store = PartsStore()

    assert isinstance(processed(store, passed=lambda: True), Deferred)
    assert store.requested == []


def test_parts_that_were_cut_off_by_our_own_time_limit_are_no_failure() -> None:
    store = PartsStore(raising(Unavailable("ReadTimeout")))

    assert isinstance(processed(store, passed=lambda: bool(store.requested)), Deferred)
    assert isinstance(processed(PartsStore(raising(CosRejected("x"))), passed=lambda: False), Failed)


def test_place_under_the_limit_is_taken_for_an_abort_and_given_back_only_when_none_was_needed() -> None:
    abort_budget = AbortBudget(2)
    gone, failed = NoSuchUpload("NoSuchUpload", 404), Unavailable("ReadTimeout")

    left = []
    for store, dry_run in (
        (PartsStore(aborting=raising(gone)), False),
        (PartsStore(aborting=raising(failed)), False),
        (PartsStore(), True),
    ):
        outcome = processed(store, abort_budget=abort_budget, dry_run=dry_run)
        left.append((type(outcome), abort_budget.left, abort_budget.spent))

    assert left == [(AlreadyGone, 2, False), (Failed, 1, False), (WouldAbort, 0, True)]
    assert isinstance(processed(PartsStore(), abort_budget=abort_budget), Deferred)
    assert abort_budget.left == 0


@pytest.mark.parametrize("code", ["TooLate", "OutOfTime"])
def test_upload_whose_abort_never_left_is_left_for_later_and_takes_no_place_under_the_limit(code: str) -> None:
    abort_budget = AbortBudget(1)
    store = PartsStore(aborting=raising(Unavailable(code, is_retryable=code == "TooLate")))

    outcome = processed(store, abort_budget=abort_budget)

    assert isinstance(outcome, Deferred)
    assert (store.aborts, len(store.requested), abort_budget.left) == ((3, 3, 1) if code == "TooLate" else (1, 1, 1))


def test_upload_whose_abort_was_sent_and_cannot_be_looked_up_is_left_for_later_and_says_so() -> None:
    abort_budget = AbortBudget(1)
    store = PartsStore(aborting=raising(Unavailable("ReadTimeout", is_retryable=True)))

    outcome = processed(store, abort_budget=abort_budget, passed=lambda: store.aborts > 0)
    without_pause = processed(PartsStore(aborting=raising(Unavailable("ReadTimeout", is_retryable=True)), pauses=False))

    assert isinstance(outcome, Deferred)
    assert outcome == without_pause == Deferred(UPLOAD, OUT_OF_TIME, was_sent=True, seen=outcome.seen)
    assert abort_budget.left == 0


@pytest.mark.parametrize(
    ("seconds", "pages", "known", "outcome", "requests"),
    [
        (4.9, 1, 1, Aborted, 1),
        (5.1, 1, 1, Deferred, 3),
        (0.9, 2, 1, Aborted, 2),
        (1.1, 2, 1, Aborted, 2 + 2),
        (2.6, 2, 1, Deferred, 2 + 2 + 2),
        # An earlier run read the first page, and is no evidence.
        (0.9, 2, 2, Aborted, 1 + 2),
        (1.1, 2, 2, Aborted, 1 + 2 + 2),
        (2.6, 2, 2, Deferred, 1 + 2 + 2 + 2),
    ],
)
def test_abort_relies_on_a_look_of_less_than_five_seconds_that_a_second_one_confirms_after_a_slow_first_one(
    seconds: float, pages: int, known: int, outcome: type[Outcome], requests: int
) -> None:
    now = [0.0]

    def page(after: int) -> PartsPage:
        sent = now[0]
        now[0] += seconds
        return PartsPage((OLD,), after + 1 if after + 1 < pages else None, IN_STEP, NOW, sent)

    store = PartsStore(page)
    plan = planning.build_plan((SweepRequest(),), aborting_settings((PHOTOS,)), (PHOTOS,), "run", NOW)
    deadline = Deadline(lambda: now[0], 1000.0, 1000.0, 1000.0)
    processor = UploadProcessor(store, plan, deadline, AbortBudget(None), AsOf(NOW, is_new=True))  # type: ignore[arg-type]
    result = asyncio.run(processor.process_target(UploadTarget(UPLOAD, RULES, markers=tuple(range(known)))))

    assert type(result.aborted if isinstance(result, Acknowledged) else result) is outcome
    assert len(store.requested) == requests
