"""
Guards of the loop that no other test would miss, found by breaking every one of them (`python -m tests.mutants`).
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from cos_sweeper import plan as planning
from cos_sweeper import sweep, turns
from cos_sweeper.budget import Deadline
from cos_sweeper.errors import NoSuchUpload, Rejected, StoreError, Unavailable
from cos_sweeper.log import Log, Scrubber
from cos_sweeper.model import Ask, Bucket, Cursor, Listed, Page, Part, PartsPage, SweepBuckets, Upload
from cos_sweeper.store import Receipt
from cos_sweeper.sweep import Swept
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

    listed: the pages that were asked for, by their place.
    """

    pages: Sequence[Sequence[tuple[str, str, datetime]]]
    before: Callable[[str, object], None] = lambda *_: None
    listed: list[int] = field(default_factory=list)
    gone: set[Upload] = field(default_factory=set)

    def page(self, bucket: Bucket, start: Cursor, _: str) -> Page:
        place = int(start.upload_id.removeprefix("page-") or 0)
        self.listed.append(place)
        self.before("page", place)
        following = Cursor(f"{place + 1:03}", f"page-{place + 1}") if place + 1 < len(self.pages) else None
        listed = tuple(Listed(Upload(bucket, key, one), at) for key, one, at in self.pages[place])
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
        return PartsPage((Part(OLD, 5),), None, IN_STEP)

    def abort(self, upload: Upload, within: float | None = None) -> Receipt:  # noqa: ARG002
        self.before("abort", upload)
        self.gone.add(upload)
        return Receipt("id")


@dataclass(slots=True)
class Clock:
    """A clock that a test moves. At 10 no new work is taken."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def swept(shelf: Shelf, *asks: Ask, clock: Clock | None = None, lines: list[str] | None = None, **more: Any) -> Swept:
    settings = aborting_settings((PHOTOS,), **{"workers": 2, **more})
    plan = planning.make(asks or (SweepBuckets(),), settings, (PHOTOS,), "run", NOW)
    log = Log((lines if lines is not None else []).append, Scrubber(()))
    return sweep.run(plan, shelf, Deadline(clock or Clock(), 10.0, 20.0, 30.0), log)  # type: ignore[arg-type]


def test_while_one_upload_is_slow_a_few_pages_are_listed_and_no_more() -> None:
    seen: list[int] = []

    def before(call: str, _: object) -> None:
        if call == "parts":
            for _turn in range(100):
                turns.sleep(0)
            seen.append(len(shelf.listed))

    shelf = Shelf([[("000", "1", OLD)], *([(f"{n:03}", "1", LATELY)] for n in range(1, 12))], before)
    report = swept(shelf).ledger.close()

    # Three whose uploads are not all settled, the one that waits to be the fourth, and one read ahead.
    assert seen == [3 + 1 + 1]
    assert (report.uploads, report.counts["aborted"], report.counts["kept"]) == (12, 1, 11)


def test_the_next_run_goes_on_after_the_last_upload_whose_id_can_be_a_marker() -> None:
    clock = Clock()

    def before(call: str, _: object) -> None:
        if call == "parts":
            clock.now = 10.0
            raise Unavailable("Timeout")

    done = swept(Shelf([[("a", "1", LATELY), ("b", "", LATELY), ("c", "3", OLD)]], before), clock=clock)

    assert done.left is not None
    assert [scan.start for scan in done.left.scans] == [Cursor("a", "1")]
    assert (done.ledger.close().counts["kept"], done.ledger.close().counts["refused"]) == (1, 1)


@pytest.mark.parametrize(
    ("trouble", "now", "failed", "is_left"),
    [
        (Unavailable("Timeout"), 10.0, {}, True),
        (Unavailable("Timeout"), 9.0, {"Timeout": 1}, False),
        (Rejected("AccessDenied"), 10.0, {"AccessDenied": 1}, False),
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

    assert done.ledger.close().failed == failed
    assert done.ledger.cut_short == ("out of time" if is_left else "")
    assert [scan.start for scan in (done.left.scans if done.left else ())] == [Cursor("001", "page-1")] * is_left


def test_once_the_limit_is_reached_no_parts_are_asked_for() -> None:
    asked: list[object] = []

    def before(call: str, what: object) -> None:
        if call == "parts":
            asked.append(what)

    done = swept(Shelf([[(f"{n}", "1", OLD) for n in range(9)]], before), workers=1, max_aborts=1)

    assert len(asked) == 1
    assert done.ledger.close().counts["aborted"] == 1


def test_why_a_listed_upload_is_refused_is_the_gravest_reason() -> None:
    report = swept(Shelf([[("/", "1", OLD), ("other", "1", OLD)]]), prefixes=("raw/",)).ledger.close()

    assert [one["reason"] for one in report.refusals] == [
        "the key is empty: the request would address the bucket",
        "listed, but outside the prefix that was asked for",
    ]


def test_what_was_gone_beyond_the_upload_to_go_on_from_is_told_by_this_run() -> None:
    clock, gone = Clock(), [False]

    def before(call: str, what: object) -> None:
        is_slow = isinstance(what, Upload) and what.key == "a"
        if call == "parts" and is_slow:
            while not gone[0]:
                turns.sleep(0)
            clock.now = 10.0
            raise Unavailable("Timeout")
        if call == "abort":
            gone[0] = True
            raise NoSuchUpload("NoSuchUpload", 404)

    done = swept(Shelf([[("a", "1", OLD), ("b", "2", OLD)]], before), clock=clock)

    assert done.ledger.close().counts["already_gone"] == done.ledger.close().uploads == 1
    assert done.left is not None
    assert [scan.start for scan in done.left.scans] == [Cursor()]


def test_a_listed_upload_that_is_refused_has_a_line_in_the_log() -> None:
    lines: list[str] = []

    swept(Shelf([[("/k", "1", OLD)]]), lines=lines)

    assert [json.loads(line)["key"] for line in lines if "upload.refused" in line] == ["/k"]
