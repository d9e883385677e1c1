"""
Guards of the sweep that no other test would miss, found by breaking every one of them (`python -m tests.mutants`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from cos_sweeper.core import plan as planning
from cos_sweeper.core.clock import AsOf
from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.errors import CosRejected, NoSuchUpload, RequestRejected, Unavailable
from cos_sweeper.core.keys import validate_key
from cos_sweeper.core.model import (
    Bucket,
    BucketsPage,
    Cursor,
    Page,
    Part,
    PartsPage,
    RejectedRequest,
    SweepRequest,
    Upload,
)
from cos_sweeper.core.outcomes import Aborted, AlreadyGone, Deferred, Failed, Kept, Outcome, WouldAbort
from cos_sweeper.core.plan import UploadTarget
from cos_sweeper.core.policy import Policy
from cos_sweeper.cos.store import Receipt
from cos_sweeper.engine.paginator import Paginator, every_bucket
from cos_sweeper.engine.processing import OUT_OF_TIME, AbortBudget, Acknowledged, UploadProcessor
from tests.aborting import aborting_settings

NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)
IN_STEP = timedelta(0)
RULES = Policy(min_age=72 * HOUR, min_idle=24 * HOUR)
AT_ONCE = Policy(timedelta(0), timedelta(0))
PHOTOS = Bucket("photos-1250000000", "ap-guangzhou")
UPLOAD = Upload(PHOTOS, "k", "1585130821" + "a" * 64)
OLD = Part(NOW - 100 * HOUR, 5)


@dataclass(slots=True)
class Shelf:
    """A store that answers as it is told. asked: the parts that were asked for, by the number after which."""

    parts_page: Callable[[int], PartsPage] = lambda _: PartsPage((OLD,), None, IN_STEP)
    aborting: Callable[[], Receipt] = lambda: Receipt("id")
    asked: list[int] = field(default_factory=list)
    aborts: int = 0
    pauses: bool = True

    def parts(self, _: Upload, after: int, *, for_abort: bool = False) -> PartsPage:  # noqa: ARG002
        self.asked.append(after)
        return self.parts_page(after)

    def abort(self, _: Upload, within: float | None = None) -> Receipt:  # noqa: ARG002
        self.aborts += 1
        return self.aborting()

    def give_back(self, _: Bucket) -> None:
        """No rate limit here."""

    def pause(self, _: float) -> bool:
        return self.pauses


def settled(
    shelf: Shelf,
    policy: Policy = RULES,
    *,
    abort_budget: AbortBudget | None = None,
    passed: Callable[[], bool] = lambda: False,
    dry_run: bool = False,
) -> Outcome:
    plan = planning.build_plan((SweepRequest(),), aborting_settings((PHOTOS,), dry_run=dry_run), (PHOTOS,), "run", NOW)
    deadline = Deadline(lambda: 1.0 if passed() else 0.0, 1.0, 2.0, 3.0)
    processor = UploadProcessor(shelf, plan, deadline, abort_budget or AbortBudget(None), AsOf(NOW, is_new=True))  # type: ignore[arg-type]
    outcome = processor.named(UploadTarget(UPLOAD, policy))
    return outcome.aborted if isinstance(outcome, Acknowledged) else outcome


def raising(exc: Exception) -> Callable[..., Any]:
    def fail(*_: object) -> Any:
        raise exc

    return fail


# Settle


def test_parts_that_never_end_are_given_up_after_a_thousand_pages() -> None:
    shelf = Shelf(lambda after: PartsPage((OLD,), after + 7, IN_STEP))

    outcome = settled(shelf)

    assert isinstance(outcome, Failed)
    assert (outcome.code, outcome.permanent) == ("EndlessParts", True)
    assert shelf.asked == [7 * page for page in range(1000)]
    assert shelf.aborts == 0


@pytest.mark.parametrize("minutes", [6, -6])
def test_a_clock_that_is_off_while_parts_are_read_keeps_what_has_an_idle_time(minutes: int) -> None:
    shelf = Shelf(lambda _: PartsPage((OLD,), None, timedelta(minutes=minutes)))

    assert isinstance(settled(shelf), Kept)
    assert isinstance(settled(shelf, AT_ONCE), Aborted)


@pytest.mark.parametrize(
    ("trouble", "outcome"),
    [
        (NoSuchUpload("NoSuchUpload", 404), AlreadyGone),
        (RequestRejected("malformed"), RejectedRequest),
        (Unavailable("SlowDown", 503), Failed),
        (CosRejected("AccessDenied", 403), Failed),
    ],
    ids=["gone", "refused", "for_now", "for_good"],
)
def test_what_goes_wrong_while_parts_are_read_or_at_the_abort_is_an_outcome(
    trouble: Exception, outcome: type[Outcome]
) -> None:
    reading, aborting = Shelf(parts_page=raising(trouble)), Shelf(aborting=raising(trouble))

    assert [type(settled(reading)), type(settled(aborting))] == [outcome, outcome]
    assert (reading.aborts, aborting.aborts) == (0, 1)


def test_whether_a_failure_lasts_is_told() -> None:
    for_now, for_good = (
        settled(Shelf(raising(trouble))) for trouble in (Unavailable("SlowDown"), CosRejected("AccessDenied"))
    )

    assert isinstance(for_now, Failed)
    assert isinstance(for_good, Failed)
    assert (for_now.permanent, for_good.permanent) == (False, True)


def test_only_a_named_upload_without_an_idle_time_is_aborted_though_its_parts_cannot_be_read() -> None:
    blind, gone = Shelf(raising(CosRejected("AccessDenied"))), Shelf(raising(NoSuchUpload("NoSuchUpload", 404)))

    assert settled(blind, AT_ONCE) == Aborted(UPLOAD, None, "id")
    assert settled(gone, AT_ONCE) == AlreadyGone(UPLOAD)
    assert gone.aborts == 0


def test_out_of_time_no_parts_are_asked_for() -> None:
    shelf = Shelf()

    assert isinstance(settled(shelf, passed=lambda: True), Deferred)
    assert shelf.asked == []


def test_parts_that_were_cut_off_by_our_own_time_limit_are_no_failure() -> None:
    shelf = Shelf(raising(Unavailable("Timeout")))

    assert isinstance(settled(shelf, passed=lambda: bool(shelf.asked)), Deferred)
    assert isinstance(settled(Shelf(raising(CosRejected("x"))), passed=lambda: False), Failed)


def test_an_allowance_is_taken_for_an_abort_and_given_back_only_when_none_was_needed() -> None:
    abort_budget = AbortBudget(2)
    gone, failed = NoSuchUpload("NoSuchUpload", 404), Unavailable("Timeout")

    left = []
    for shelf, dry_run in (
        (Shelf(aborting=raising(gone)), False),
        (Shelf(aborting=raising(failed)), False),
        (Shelf(), True),
    ):
        outcome = settled(shelf, abort_budget=abort_budget, dry_run=dry_run)
        left.append((type(outcome), abort_budget.left, abort_budget.spent))

    assert left == [(AlreadyGone, 2, False), (Failed, 1, False), (WouldAbort, 0, True)]
    assert isinstance(settled(Shelf(), abort_budget=abort_budget), Deferred)
    assert abort_budget.left == 0


@pytest.mark.parametrize("code", ["TooLate", "OutOfTime"])
def test_upload_whose_abort_never_left_is_left_for_later_and_takes_no_place_under_the_limit(code: str) -> None:
    abort_budget = AbortBudget(1)
    shelf = Shelf(aborting=raising(Unavailable(code, is_retryable=code == "TooLate")))

    outcome = settled(shelf, abort_budget=abort_budget)

    assert isinstance(outcome, Deferred)
    assert (shelf.aborts, len(shelf.asked), abort_budget.left) == ((3, 3, 1) if code == "TooLate" else (1, 1, 1))


def test_upload_whose_abort_was_sent_and_cannot_be_looked_up_is_left_for_later_and_says_so() -> None:
    abort_budget = AbortBudget(1)
    shelf = Shelf(aborting=raising(Unavailable("Timeout", is_retryable=True)))

    outcome = settled(shelf, abort_budget=abort_budget, passed=lambda: shelf.aborts > 0)
    without_pause = settled(Shelf(aborting=raising(Unavailable("Timeout", is_retryable=True)), pauses=False))

    assert outcome == without_pause == Deferred(UPLOAD, OUT_OF_TIME, was_sent=True)
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

    shelf = Shelf(page)
    plan = planning.build_plan((SweepRequest(),), aborting_settings((PHOTOS,)), (PHOTOS,), "run", NOW)
    deadline = Deadline(lambda: now[0], 1000.0, 1000.0, 1000.0)
    processor = UploadProcessor(shelf, plan, deadline, AbortBudget(None), AsOf(NOW, is_new=True))  # type: ignore[arg-type]
    done = processor.named(UploadTarget(UPLOAD, RULES, markers=tuple(range(known))))

    assert type(done.aborted if isinstance(done, Acknowledged) else done) is outcome
    assert len(shelf.asked) == requests


def test_an_allowance_without_a_limit_stays_without_one() -> None:
    abort_budget = AbortBudget(None)

    assert abort_budget.take()
    abort_budget.give_back()
    assert (abort_budget.left, abort_budget.spent) == (None, False)


# Listing


def walked(start: Cursor, *markers: Cursor | None) -> Cursor | None:
    walk = Paginator(start)
    for marker in markers:
        walk.advance(Page((), marker))
    return walk.next


@pytest.mark.parametrize(
    "markers",
    [
        (("a", "1"),),
        (("b", "1"), ("b", "1")),
        (("b", "1"), ("b", "2"), ("b", "1")),
        (("c", "1"), ("b", "2")),
        (("b\udcff", "1"), ("b猫", "1")),
    ],
    ids=["before_the_start", "same", "circle", "back", "back_by_bytes"],
)
def test_a_listing_that_goes_back_or_in_circles_is_rejected(markers: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(CosRejected) as caught:
        walked(Cursor("b", "0"), *(Cursor(*marker) for marker in markers))

    assert caught.value.code == "MarkerStuck"


def test_a_listing_may_come_to_the_same_id_under_another_key_and_to_smaller_ids_under_the_same_one() -> None:
    way = [Cursor("b", "9"), Cursor("b", "5"), Cursor("c", "9"), Cursor("c", "5"), Cursor("d", "9"), None]

    assert walked(Cursor(), *way) is None


@pytest.mark.parametrize(
    ("name", "region", "is_one"),
    [
        (PHOTOS.name, PHOTOS.region, True),
        (f"{PHOTOS.name}.evil", PHOTOS.region, False),
        ("photos", PHOTOS.region, False),
        (PHOTOS.name, f"{PHOTOS.region}.evil", False),
        (PHOTOS.name, "", False),
    ],
)
def test_only_what_is_wholly_a_bucket_in_a_region_is_swept(name: str, region: str, *, is_one: bool) -> None:
    found = Bucket(name, region)

    class Two:
        def buckets(self, marker: str) -> BucketsPage:
            return {"": BucketsPage((found,), "m"), "m": BucketsPage((PHOTOS,), None)}[marker]

    assert every_bucket(Two(), NOW) == (((found,) if is_one else ()) + (PHOTOS,), NOW)  # type: ignore[arg-type]


# Store


@pytest.mark.parametrize(
    ("key", "upload_id", "reason"),
    [
        ("k", "x" * 256, None),
        ("k", "x" * 257, "malformed"),
        ("k", "x\n", "malformed"),
        ("k", "x y", "malformed"),
        ("k", "", "would delete the object"),
        ("", "x", "would address the bucket"),
        ("/", "x", "would address the bucket"),
        ("/k", "x", "starts with '/'"),
        ("k" * 850, "x", None),
        ("k" * 851, "x", "851 bytes"),
        ("猫" * 284, "x", "852 bytes"),
        (".", "x", "last segment"),
        ("a/..", "x", "last segment"),
        ("a/b/.", "x", "last segment"),
        ("../a", "x", None),
        ("...", "x", None),
        ("a..", "x", None),
        ("\udcff", "x", "not valid UTF-8"),
    ],
)
def test_what_would_address_something_else_never_reaches_the_sdk(key: str, upload_id: str, reason: str | None) -> None:
    told = validate_key(key, upload_id)

    assert told is None if reason is None else reason in (told or "")
