"""
Which outcomes the report gets, and from where a later run goes on.
"""

import asyncio
import json

import pytest

from cos_sweeper.core.errors import NoSuchUpload, Unavailable
from cos_sweeper.core.model import Cursor, Upload
from cos_sweeper.engine import accounting
from cos_sweeper.engine.result import RunResult
from tests.fixtures import FakeClock
from tests.unit.engine.listed_store import LATELY, OLD, ListedStore, swept


def test_slow_upload_lets_few_pages_be_listed() -> None:
    seen: list[int] = []

    async def before(call: str, _: object) -> None:
        if call == "parts":
            for _slot in range(100):
                await asyncio.sleep(0)
            seen.append(len(store.listed))

    store = ListedStore([[("000", "1", OLD)], *([(f"{n:03}", "1", LATELY)] for n in range(1, 12))], before)
    report = swept(store).report_builder.build()

    # Three whose uploads are not all settled, the one that waits to be the fourth, and one read ahead.
    assert seen == [3 + 1 + 1]
    assert (report.uploads, report.counts["aborted"], report.counts["kept"]) == (12, 1, 11)


def test_next_run_goes_on_after_the_last_upload_whose_id_can_be_a_marker() -> None:
    clock = FakeClock()

    def before(call: str, _: object) -> None:
        clock.now = 6.0
        if call == "parts":
            clock.now = 10.0
            raise Unavailable("ReadTimeout")

    result = swept(ListedStore([[("a", "1", LATELY), ("b", "", LATELY), ("c", "3", OLD)]], before), clock=clock)

    assert result.remaining is not None
    assert [listing.start for listing in result.remaining.listings] == [Cursor("a", "1")]
    assert (result.report_builder.build().counts["kept"], result.report_builder.build().counts["rejected"]) == (1, 1)


def test_upload_gone_behind_the_resume_point_is_counted_by_this_run() -> None:
    clock, gone = FakeClock(), [False]

    async def before(call: str, subject: object) -> None:
        is_slow = isinstance(subject, Upload) and subject.key == "a"
        clock.now = 6.0
        if call == "parts" and is_slow:
            while not gone[0]:
                await asyncio.sleep(0)
            clock.now = 10.0
            raise Unavailable("ReadTimeout")
        if call == "abort":
            gone[0] = True
            raise NoSuchUpload("NoSuchUpload", 404)

    result = swept(ListedStore([[("a", "1", OLD), ("b", "2", OLD)]], before), clock=clock)

    assert result.report_builder.build().counts["already_gone_unchecked"] == result.report_builder.build().uploads == 1
    assert result.remaining is not None
    assert [listing.start for listing in result.remaining.listings] == [Cursor()]


def test_range_ends_before_the_resume_point(monkeypatch: pytest.MonkeyPatch) -> None:
    result = left_of_one_page("ac", monkeypatch, out_of_time_at="d")

    assert result.remaining is not None
    assert [(one.start, one.end) for one in result.remaining.listings] == [
        (Cursor("c", "c"), None),
        (Cursor(), Cursor("c", "c")),
    ]


def test_listed_upload_that_is_rejected_has_a_line_in_the_log() -> None:
    lines: list[str] = []

    swept(ListedStore([[("/k", "1", OLD)]]), lines=lines)

    assert [json.loads(line)["key"] for line in lines if "upload.rejected" in line] == ["/k"]


def test_run_that_processed_the_first_upload_of_a_page_made_progress() -> None:
    clock = FakeClock()

    def before(call: str, _: object) -> None:
        clock.now = 6.0
        if call == "parts":
            clock.now = 10.0
            raise Unavailable("ReadTimeout")

    result = swept(ListedStore([[("a", "1", LATELY), ("b", "2", OLD)]], before), clock=clock)

    assert result.progressed
    assert result.remaining is not None
    assert [listing.start for listing in result.remaining.listings] == [Cursor("a", "1")]


def left_of_one_page(failing: str, monkeypatch: pytest.MonkeyPatch, *, out_of_time_at: str = "") -> RunResult:
    """A run over one page, in turn; parts of the failing ones cannot be listed, and no target may travel alone."""
    monkeypatch.setattr(accounting, "MAX_TARGETS", 0)
    clock = FakeClock()

    def before(call: str, subject: object) -> None:
        clock.now = max(6.0, clock.now)
        if call == "parts" and isinstance(subject, Upload):
            clock.now = 10.0 if subject.key == out_of_time_at else clock.now
            if subject.key in failing or subject.key == out_of_time_at:
                raise Unavailable("SlowDown", 503)

    pages = [[(key, key, OLD) for key in "abcdefg"]]
    return swept(ListedStore(pages, before), clock=clock, retries=True, workers=1)


def test_range_that_is_listed_again_reaches_from_the_first_failed_upload_to_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    result = left_of_one_page("ce", monkeypatch)

    assert result.remaining is not None
    assert [(one.start, one.end, one.attempts) for one in result.remaining.listings] == [
        (Cursor("b", "b"), Cursor("e", "e"), 1)
    ]
    assert result.report_builder.build().counts["aborted"] == result.report_builder.build().uploads == 5


def test_upload_whose_abort_may_have_taken_place_travels_by_itself_and_ends_a_range(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(accounting, "MAX_TARGETS", 0)

    def before(call: str, subject: object) -> None:
        is_lost = call == "abort" and isinstance(subject, Upload) and subject.key == "c"
        if is_lost or (call == "parts" and isinstance(subject, Upload) and subject.key in "be"):
            raise Unavailable("ReadTimeout")

    result = swept(ListedStore([[(key, key, OLD) for key in "abcdef"]], before), retries=True)

    assert result.remaining is not None
    assert [(one.upload.key, one.was_sent) for one in result.remaining.targets] == [("c", True)]
    assert [(one.start.key, one.end and one.end.key) for one in result.remaining.listings] == [("a", "b"), ("d", "e")]
