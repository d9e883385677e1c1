"""
Guards of the loop that no other test would miss, found by breaking every one of them (`python -m tests.mutants`).
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from cos_sweeper.core import plan as planning
from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.errors import CosRejected, NoSuchUpload, Stopped, StoreError, Unavailable
from cos_sweeper.core.model import Bucket, Cursor, ListedUpload, Page, Part, PartsPage, Request, SweepRequest, Upload
from cos_sweeper.core.plan import UploadTarget
from cos_sweeper.core.redaction import Redactor
from cos_sweeper.cos.store import Receipt
from cos_sweeper.engine import sweep
from cos_sweeper.engine.sweep import RunResult
from cos_sweeper.net import turns
from cos_sweeper.report.log import Log
from tests.aborting import aborting_settings

NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)
IN_STEP = timedelta(0)
PHOTOS = Bucket("photos-1250000000", "ap-guangzhou")
OLD, LATELY = NOW - 100 * HOUR, NOW - HOUR


@dataclass(slots=True)
class Shelf:
    """
    A store whose listing is given, a page at a time: (key, id, start) of each upload. before: a hook into each request.

    sent: when a request for the parts of this upload left. listed: the pages that were asked for, by their place.
    """

    pages: Sequence[Sequence[tuple[str, str, datetime]]]
    before: Callable[[str, object], None] = lambda *_: None
    sent: Callable[[Upload], float | None] = lambda _: None
    listed: list[int] = field(default_factory=list)
    gone: set[Upload] = field(default_factory=set)

    def page(self, bucket: Bucket, start: Cursor, _: str) -> Page:
        place = int(start.upload_id.removeprefix("page-") or 0)
        self.listed.append(place)
        self.before("page", place)
        following = Cursor(f"{place + 1:03}", f"page-{place + 1}") if place + 1 < len(self.pages) else None
        listed = tuple(ListedUpload(Upload(bucket, key, one), at) for key, one, at in self.pages[place])
        return Page(listed, following, IN_STEP)

    def give_back(self, _: Bucket) -> None:
        """No rate limit here."""

    def pause(self, _: float) -> bool:
        turns.sleep(0)
        return True

    def parts(self, upload: Upload, _: int, *, for_abort: bool = False) -> PartsPage:  # noqa: ARG002
        if upload in self.gone:
            raise NoSuchUpload("NoSuchUpload", 404)
        self.before("parts", upload)
        return PartsPage((Part(OLD, 5),), None, IN_STEP, sent=self.sent(upload))

    def abort(self, upload: Upload, within: float | None = None) -> Receipt:  # noqa: ARG002
        self.before("abort", upload)
        self.gone.add(upload)
        return Receipt("id")


@dataclass(slots=True)
class Clock:
    """A clock that a test moves. At 10 no new work is taken; what took 5 by then blocks the rest."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def swept(
    shelf: Shelf,
    *requests: Request,
    clock: Clock | None = None,
    lines: list[str] | None = None,
    targets: Sequence[Upload] = (),
    scan_attempts: int = 0,
    before_abort: Callable[[], str] = lambda: "",
    retries: bool = False,
    **more: Any,
) -> RunResult:
    """One run. targets: uploads that an earlier run left; scan_attempts: of its listing. retries: a later run may."""
    settings = aborting_settings((PHOTOS,), **{"workers": 2, **more})
    plan = planning.build_plan(requests or (SweepRequest(),), settings, (PHOTOS,), "run", NOW)
    if targets or scan_attempts:
        left = tuple(UploadTarget(upload, plan.scans[0].policy, attempts=1, is_swept=True) for upload in targets)
        scans = tuple(replace(scan, attempts=scan_attempts) for scan in plan.scans)
        plan = replace(plan, number=2, named=left, scans=scans)
    log = Log((lines if lines is not None else []).append, Redactor(()))
    deadline = Deadline(clock or Clock(), 10.0, 20.0, 30.0)
    return sweep.run(plan, shelf, deadline, log, retries=retries, before_abort=before_abort)  # type: ignore[arg-type]


def test_while_one_upload_is_slow_a_few_pages_are_listed_and_no_more() -> None:
    seen: list[int] = []

    def before(call: str, _: object) -> None:
        if call == "parts":
            for _turn in range(100):
                turns.sleep(0)
            seen.append(len(shelf.listed))

    shelf = Shelf([[("000", "1", OLD)], *([(f"{n:03}", "1", LATELY)] for n in range(1, 12))], before)
    report = swept(shelf).report_builder.build()

    # Three whose uploads are not all settled, the one that waits to be the fourth, and one read ahead.
    assert seen == [3 + 1 + 1]
    assert (report.uploads, report.counts["aborted"], report.counts["kept"]) == (12, 1, 11)


def test_the_next_run_goes_on_after_the_last_upload_whose_id_can_be_a_marker() -> None:
    clock = Clock()

    def before(call: str, _: object) -> None:
        clock.now = 6.0
        if call == "parts":
            clock.now = 10.0
            raise Unavailable("Timeout")

    done = swept(Shelf([[("a", "1", LATELY), ("b", "", LATELY), ("c", "3", OLD)]], before), clock=clock)

    assert done.left is not None
    assert [scan.start for scan in done.left.scans] == [Cursor("a", "1")]
    assert (done.report_builder.build().counts["kept"], done.report_builder.build().counts["rejected"]) == (1, 1)


@pytest.mark.parametrize(
    ("trouble", "now", "failed", "is_left"),
    [
        (Unavailable("Timeout"), 10.0, {}, True),
        (Unavailable("Timeout"), 9.0, {"Timeout": 1}, False),
        (CosRejected("AccessDenied"), 10.0, {"AccessDenied": 1}, False),
    ],
    ids=["cut_off_by_ourselves", "failed_in_time", "refused_late"],
)
def test_a_page_that_fails_is_left_only_where_our_own_time_limit_cut_it_off(
    trouble: StoreError, now: float, failed: dict[str, int], *, is_left: bool
) -> None:
    clock = Clock()

    def before(_: str, what: object) -> None:
        if what == 1:
            clock.now = now
            raise trouble

    done = swept(Shelf([[], [("001", "1", LATELY)]], before), clock=clock)

    assert done.report_builder.build().failed == failed
    assert done.report_builder.stopped_because == ("out of time" if is_left else "")
    assert [scan.start for scan in (done.left.scans if done.left else ())] == [Cursor("001", "page-1")] * is_left


def test_once_the_limit_is_reached_no_parts_are_asked_for() -> None:
    asked: list[object] = []

    def before(call: str, what: object) -> None:
        if call == "parts":
            asked.append(what)

    done = swept(Shelf([[(f"{n}", "1", OLD) for n in range(9)]], before), workers=1, max_aborts=1)

    assert len(asked) == 1
    assert done.report_builder.build().counts["aborted"] == 1


def test_why_a_listed_upload_is_refused_is_the_gravest_reason() -> None:
    report = swept(Shelf([[("/", "1", OLD), ("other", "1", OLD)]]), prefixes=("raw/",)).report_builder.build()

    assert [one["reason"] for one in report.first_rejections] == [
        "the key is empty: the request would address the bucket",
        "listed, but outside the prefix that was asked for",
    ]


def test_what_was_gone_beyond_the_upload_to_go_on_from_is_told_by_this_run() -> None:
    clock, gone = Clock(), [False]

    def before(call: str, what: object) -> None:
        is_slow = isinstance(what, Upload) and what.key == "a"
        clock.now = 6.0
        if call == "parts" and is_slow:
            while not gone[0]:
                turns.sleep(0)
            clock.now = 10.0
            raise Unavailable("Timeout")
        if call == "abort":
            gone[0] = True
            raise NoSuchUpload("NoSuchUpload", 404)

    done = swept(Shelf([[("a", "1", OLD), ("b", "2", OLD)]], before), clock=clock)

    assert done.report_builder.build().counts["already_gone_unchecked"] == done.report_builder.build().uploads == 1
    assert done.left is not None
    assert [scan.start for scan in done.left.scans] == [Cursor()]


def test_a_listed_upload_that_is_refused_has_a_line_in_the_log() -> None:
    lines: list[str] = []

    swept(Shelf([[("/k", "1", OLD)]]), lines=lines)

    assert [json.loads(line)["key"] for line in lines if "upload.rejected" in line] == ["/k"]


def test_upload_that_a_sweep_found_is_never_offered_as_an_event_that_names_it() -> None:
    """Such an event would need neither the age nor the idle time that the sweep asks for."""
    lines: list[str] = []
    pages = [[("a", "1", OLD), ("b", "2", OLD)]]

    report = swept(Shelf(pages), targets=[Upload(PHOTOS, "b", "2")], lines=lines, max_aborts=1).report_builder.build()

    assert (report.counts["aborted"], report.counts["deferred"]) == (1, 1)
    assert (report.over_limit, report.details, report.unreached) == ((), (), 0)
    assert not any("upload.over_limit" in line for line in lines)


def test_no_abort_leaves_while_it_is_being_asked_whether_one_may() -> None:
    is_asked = False

    def before_abort() -> str:
        nonlocal is_asked
        for _turn in range(100):
            turns.sleep(0)
        is_asked = True
        return "it may not"

    def before(call: str, _: object) -> None:
        assert call != "abort"

    done = swept(Shelf([[(f"{n}", "1", OLD) for n in range(6)]], before), before_abort=before_abort)

    assert is_asked
    assert done.left is not None
    assert ([scan.start for scan in done.left.scans], done.report_builder.build().uploads) == ([Cursor()], 0)


def test_evidence_that_grew_old_while_something_was_asked_is_gathered_anew() -> None:
    clock, looks = Clock(), []

    def before_abort() -> str:
        clock.now += 3.0
        return ""

    def before(call: str, _: object) -> None:
        if call == "parts":
            looks.append(clock.now)
        if call == "abort":
            assert clock.now - looks[-1] <= 2.0

    done = swept(Shelf([[("a", "1", OLD)]], before), clock=clock, before_abort=before_abort, max_aborts=1)

    assert done.report_builder.build().counts["aborted"] == 1


def test_listing_that_nobody_goes_on_with_is_told_whatever_ended_the_run() -> None:
    clock = Clock()

    def before(call: str, _: object) -> None:
        clock.now = 10.0 if call == "abort" else 6.0

    done = swept(Shelf([[("a", "1", OLD)], [("b", "1", OLD)]], before), clock=clock, max_aborts=1)
    done.keep_what_is_left(Log(lambda _: None, Redactor(())))

    report = done.report_builder.build()
    assert (report.counts["deferred"], report.not_swept) == (1, (f"{PHOTOS}/ after 001",))


def test_run_that_settled_the_first_upload_of_a_page_got_on() -> None:
    clock = Clock()

    def before(call: str, _: object) -> None:
        clock.now = 6.0
        if call == "parts":
            clock.now = 10.0
            raise Unavailable("Timeout")

    done = swept(Shelf([[("a", "1", LATELY), ("b", "2", OLD)]], before), clock=clock)

    assert done.got_on
    assert done.left is not None
    assert [scan.start for scan in done.left.scans] == [Cursor("a", "1")]


def left_of_one_page(failing: str, monkeypatch: pytest.MonkeyPatch, *, out_of_time_at: str = "") -> RunResult:
    """A run over one page, in turn; parts of the failing ones cannot be listed, and no target may travel alone."""
    monkeypatch.setattr(sweep, "MAX_TARGETS", 0)
    clock = Clock()

    def before(call: str, what: object) -> None:
        clock.now = max(6.0, clock.now)
        if call == "parts" and isinstance(what, Upload):
            clock.now = 10.0 if what.key == out_of_time_at else clock.now
            if what.key in failing or what.key == out_of_time_at:
                raise Unavailable("SlowDown", 503)

    pages = [[(key, key, OLD) for key in "abcdefg"]]
    return swept(Shelf(pages, before), clock=clock, retries=True, workers=1)


def test_range_that_is_listed_again_reaches_from_the_first_failed_upload_to_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = left_of_one_page("ce", monkeypatch)

    assert done.left is not None
    assert [(one.start, one.end, one.attempts) for one in done.left.scans] == [(Cursor("b", "b"), Cursor("e", "e"), 1)]
    assert done.report_builder.build().counts["aborted"] == done.report_builder.build().uploads == 5


def test_range_does_not_reach_beyond_the_upload_to_go_on_from(monkeypatch: pytest.MonkeyPatch) -> None:
    done = left_of_one_page("ac", monkeypatch, out_of_time_at="d")

    assert done.left is not None
    assert [(one.start, one.end) for one in done.left.scans] == [
        (Cursor("c", "c"), None),
        (Cursor(), Cursor("c", "c")),
    ]


def test_upload_whose_abort_may_have_taken_place_travels_by_itself_and_ends_a_range(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sweep, "MAX_TARGETS", 0)

    def before(call: str, what: object) -> None:
        is_lost = call == "abort" and isinstance(what, Upload) and what.key == "c"
        if is_lost or (call == "parts" and isinstance(what, Upload) and what.key in "be"):
            raise Unavailable("Timeout")

    done = swept(Shelf([[(key, key, OLD) for key in "abcdef"]], before), retries=True)

    assert done.left is not None
    assert [(one.upload.key, one.was_sent) for one in done.left.named] == [("c", True)]
    assert [(one.start.key, one.end and one.end.key) for one in done.left.scans] == [("a", "b"), ("d", "e")]


def test_target_that_a_listing_still_comes_to_is_told_by_the_run_that_lists_it() -> None:
    clock = Clock()

    def before(call: str, what: object) -> None:
        clock.now = 6.0
        if call == "parts" and isinstance(what, Upload) and what.key == "b":
            raise CosRejected("AccessDenied", 403)
        if call == "parts" and isinstance(what, Upload) and what.key == "a":
            clock.now = 10.0
            raise Unavailable("Timeout")

    pages = [[("a", "1", OLD), ("b", "2", OLD)]]
    targets = [Upload(PHOTOS, "b", "2")]
    done = swept(Shelf(pages, before), targets=targets, scan_attempts=1, clock=clock, workers=1)

    assert done.left is not None
    assert ([one.start for one in done.left.scans], done.left.named) == ([Cursor()], ())
    assert done.report_builder.build().uploads == 0


@pytest.mark.parametrize(("attempts", "is_tried_again"), [(0, True), (2, False)])
def test_upload_that_cannot_be_looked_at_shortly_before_its_abort_holds_up_no_listing(
    attempts: int, *, is_tried_again: bool
) -> None:
    shelf = Shelf([[("a", "1", OLD), ("b", "2", OLD)]], sent=lambda upload: -9.0 if upload.key == "a" else 0.0)

    done = swept(shelf, scan_attempts=attempts, retries=True, workers=1)

    report = done.report_builder.build()
    assert (report.counts["aborted"], report.counts["deferred"]) == (1, 0 if is_tried_again else 1)
    left = done.left.named if done.left else ()
    assert [(one.upload.key, one.attempts) for one in left] == [("a", 1)] * is_tried_again
    assert done.left is None or done.left.scans == ()


def test_abort_that_was_refused_for_now_is_not_taken_for_one_that_may_have_taken_place() -> None:
    def before(call: str, what: object) -> None:
        if call == "abort" and isinstance(what, Upload):
            raise Unavailable("x", {"a": 503, "b": 500, "c": None, "d": 409}[what.key])

    done = swept(Shelf([[(key, "1", OLD) for key in "abcd"]], before), retries=True)

    assert done.left is not None
    assert {one.upload.key: one.was_sent for one in done.left.named} == {"a": False, "b": True, "c": True, "d": False}


def test_dry_run_that_comes_to_its_limit_behind_an_upload_not_reached_is_the_last_one() -> None:
    """The first upload is slower than the second, which takes the only abort: every run would end like this."""

    def before(call: str, what: object) -> None:
        if call == "parts" and isinstance(what, Upload) and what.key == "a":
            for _turn in range(9):
                turns.sleep(0)

    done = swept(Shelf([[("a", "1", OLD), ("b", "2", OLD)]], before), dry_run=True, max_aborts=1)

    assert done.left is not None
    assert (done.left.max_aborts, done.left.aborted) == (0, 1)
    done.keep_what_is_left(Log(lambda _: None, Redactor(())))
    report = done.report_builder.build()
    assert (report.counts["would_abort"], report.counts["deferred"]) == (1, 1)


def test_run_whose_aborts_are_all_refused_got_nowhere() -> None:
    def before(call: str, _: object) -> None:
        if call == "abort":
            raise Stopped("ExpiredToken", 403)

    done = swept(Shelf([[("a", "1", OLD), ("b", "2", OLD)]], before), retries=True, max_aborts=1)

    assert done.left is not None
    assert (done.got_on, done.left.max_aborts) == (False, 1)
