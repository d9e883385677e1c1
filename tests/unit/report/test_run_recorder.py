"""
A run that is killed leaves no abort without a line, and its chain no upload uncounted.
"""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cos_sweeper.core.errors import Unavailable
from cos_sweeper.core.key_mask import KeyMask
from cos_sweeper.core.model import RejectedRequest
from cos_sweeper.core.outcomes import Kept
from cos_sweeper.core.run_facts import EVENT, INVENTORY
from cos_sweeper.report import chain
from cos_sweeper.report.record_writer import MAX_LINES, unpacked
from cos_sweeper.report.run_recorder import PART_OF_TIME
from tests.fixtures import FakeClock
from tests.schema import problems
from tests.unit.report.folders import FACTS, RUN_ID, MemoryFolder, Room, fails, listed, outcome, report, run, tell

YOUNG = Kept(listed(1).upload, "started recently")


def lines_in(folder: MemoryFolder) -> list[dict[str, Any]]:
    names = sorted(name for name in folder.objects if "/uploads/" in name)
    return [json.loads(line) for name in names for line in unpacked(folder.objects[name])]


def totals(room: Room, group: str = "freed") -> tuple[int, int]:
    measure = room.folder.json(f"{RUN_ID}/report.json")["totals"][group]
    return measure["uploads"], measure["bytes"]


# Records


@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("page"), st.integers(1, 3)),
            st.tuples(st.sampled_from(["abort", "record", "flush", "refuse", "accept"]), st.just(0)),
        ),
        max_size=40,
    )
)
def test_run_that_is_killed_at_any_moment_leaves_no_abort_without_a_line(steps: list[tuple[str, int]]) -> None:
    room = Room()
    aborted: list[str] = []

    async def play() -> None:
        # It is killed: nothing is awaited at its end.
        recorder = room.recorder()
        intended: list[int] = []
        unrecorded: list[int] = []
        seen = 0
        for step, pages in steps:
            if step == "page":
                page = range(seen, seen + pages)
                seen += pages
                if not await recorder.intend([listed(number) for number in page]):
                    intended += page
            elif step == "abort" and intended:
                number = intended.pop()
                aborted.append(f"id-{number}")
                unrecorded.append(number)
            elif step == "record" and unrecorded:
                number = unrecorded.pop()
                recorder.record(listed(number), outcome("freed", listed(number)))
            elif step == "flush":
                await recorder.flush()
            elif step in ("refuse", "accept"):
                room.folder.refuse(*(["uploads"] if step == "refuse" else []))

    run(play())

    assert {*aborted} <= {line["upload_id"] for line in lines_in(room.folder)}


def test_intents_that_cannot_be_stored_forbid_the_aborts_and_are_logged() -> None:
    room = Room()
    room.folder.refuse("intents")

    async def play() -> str:
        return await room.recorder().intend([listed(1)])

    assert run(play()) == "the record of what may be aborted cannot be stored: AccessDenied"
    assert [line["event"] for line in room.lines] == ["records.store_failed"]


def test_records_are_stored_every_ten_seconds_and_when_an_object_is_full() -> None:
    room = Room()

    async def play() -> list[int]:
        turns: asyncio.Queue[None] = asyncio.Queue()
        seconds: list[float] = []

        async def sleep(wanted: float) -> None:
            seconds.append(wanted)
            await turns.get()

        found = []
        async with room.recorder(facts=replace(FACTS, kind=INVENTORY), sleep=sleep) as recorder:
            for number in range(MAX_LINES + 5):
                recorder.record(listed(number), YOUNG)
            await rounds()
            found.append(len(lines_in(room.folder)))
            turns.put_nowait(None)
            await rounds()
            found.append(len(lines_in(room.folder)))
        assert set(seconds) == {10.0}
        return found

    assert run(play()) == [MAX_LINES, MAX_LINES + 5]


async def rounds() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_run_waits_for_records_before_it_aborts_more() -> None:
    room = Room()

    async def play() -> None:
        recorder = room.recorder(facts=replace(FACTS, kind=INVENTORY))
        for number in range(2 * MAX_LINES):
            recorder.record(listed(number), YOUNG)
        await recorder.intend([listed(1)])

    run(play())

    stored = [name for _, name in room.folder.requests if "/uploads/" in name]
    assert [name.rpartition("/")[2].split(".")[4] for name in stored] == [
        "outcomes-000001",
        "outcomes-000002",
        "intents-000001",
    ]


def test_record_of_an_event_is_all_that_it_stores() -> None:
    room = Room()

    async def play() -> Any:
        async with room.recorder(facts=replace(FACTS, kind=EVENT)) as recorder:
            await tell(recorder, [("freed", 1, 5)])
            recorder.record(listed(2), outcome("kept", listed(2)))
            await recorder.save(report(), ("0",))
            return await recorder.finish(report())

    assert run(play()) is None
    assert [line["outcome"] for line in lines_in(room.folder)] == ["intended", "aborted"]
    assert all("/uploads/" in name for name in room.folder.objects)


def test_event_that_aborts_nothing_stores_nothing() -> None:
    room = Room()

    async def play() -> None:
        async with room.recorder(facts=replace(FACTS, kind=EVENT)) as recorder:
            recorder.record(listed(2), outcome("kept", listed(2)))
            await recorder.finish(report())

    run(play())

    assert room.folder.objects == {}


def test_records_that_could_not_be_stored_are_stored_later_or_missed_in_the_report() -> None:
    room = Room()

    async def play(until: str) -> None:
        async with room.recorder() as recorder:
            await tell(recorder, [("freed", 1, 5)])
            room.folder.refuse("outcomes")
            await recorder.flush()
            if until == "flush":
                room.folder.refuse()
            await recorder.finish(report())
            room.folder.refuse()

    run(play("flush"))
    assert room.folder.json(f"{RUN_ID}/report.json")["warnings"] == []
    assert "records.lost" not in room.events()
    run(play("never"))
    report_json = room.folder.json(f"{RUN_ID}/report.json")
    assert {"code": "RecordsNotStored", "lines": 1} in report_json["warnings"]
    assert "records.lost" in room.events()


# The account


def test_run_of_its_own_writes_its_report_and_its_history() -> None:
    room = Room()

    async def play() -> Any:
        async with room.recorder() as recorder:
            await tell(recorder, [("freed", 1, 5), ("left", 2, 7), ("kept", 3, 1), ("failed", 4, 2), ("gone", 5, 0)])
            return await recorder.finish(report())

    report_json = run(play())

    assert room.folder.json(f"{RUN_ID}/report.json") == report_json
    assert problems(report_json) == []
    assert room.folder.objects[f"{RUN_ID}/report.html"] == f"<p>{RUN_ID}".encode()
    names = ("open", "found", "freed", "left", "failed", "kept")
    assert [report_json["totals"][name]["bytes"] for name in names] == [15, 14, 5, 7, 2, 1]
    assert (report_json["status"], report_json["runs"], report_json["kind"]) == ("complete", 1, "sweep")
    assert report_json["records"] == [
        {"object": "uploads/1-of-1.0.run-1.00000000.outcomes-000001.jsonl.gz", "lines": 5}
    ]
    assert [(entry["run_id"], entry["freed_bytes"]) for entry in report_json["history"]] == [(RUN_ID, 5)]
    entry = room.folder.json(f"history/{RUN_ID}.json")
    assert (entry["status"], entry["found_uploads"], entry["left_bytes"]) == ("complete", 3, 7)
    assert room.events() == []


def test_chain_is_in_the_history_from_its_first_moment() -> None:
    room = Room()

    async def play() -> None:
        async with room.recorder():
            await rounds()

    run(play())

    assert room.folder.json(f"history/{RUN_ID}.json")["status"] == "running"


def test_save_stores_everything_before_the_continuation_may_begin() -> None:
    room = Room()

    async def play() -> list[str]:
        async with room.recorder() as recorder:
            await tell(recorder, [("freed", 1, 5)])
            await recorder.save(report(), ("0",))
            return sorted(name.split("/")[1] for name in room.folder.objects if name.startswith(RUN_ID))

    assert run(play()) == ["parts", "totals", "uploads", "uploads"]


def test_run_whose_continuation_was_not_accepted_ends_its_work() -> None:
    room = Room()

    async def play() -> Any:
        async with room.recorder() as recorder:
            await recorder.save(report(), ("0",))
            await tell(recorder, [("left", 1, 5)])
            return await recorder.finish(report(permanent=1))

    report_json = run(play())

    assert (report_json["status"], report_json["totals"]["left"]["bytes"]) == ("failed", 5)
    assert report_json["shards"] == {"count": 1, "finished": 1, "missing": []}


@pytest.mark.parametrize("failures", [1, 100], ids=["once", "always"])
def test_totals_of_the_predecessor_that_could_not_be_read_are_added_later(failures: int) -> None:
    room = Room()

    async def play() -> None:
        first = room.identity()
        async with room.recorder(first) as recorder:
            await tell(recorder, [("freed", 1, 5), ("kept", 2, 3)])
            await recorder.save(report(), ("0",))
            await recorder.finish(report(continuations=1))
        left = [failures]

        def fail(operation: str, name: str) -> None:
            if operation == "get" and "/totals/" in name and left[0]:
                left[0] -= 1
                raise Unavailable("ReadTimeout")

        room.folder.before = fail
        second = room.identity(number=2, before=first.name)
        async with room.recorder(second) as recorder:
            await tell(recorder, [("freed", 3, 10)])
            await recorder.save(report(), ("0",))
            await recorder.finish(report(continuations=1))
        room.folder.before = lambda _operation, _name: None
        async with room.recorder(room.identity(number=3, before=second.name)) as recorder:
            await recorder.finish(report())

    run(play())

    assert (totals(room), totals(room, "kept")) == ((2, 15), (1, 3))
    assert room.folder.json(f"{RUN_ID}/report.json")["runs"] == 3
    assert "account.read_failed" in room.events()


def test_part_is_stored_with_each_flush_that_has_something_new() -> None:
    room = Room()

    async def play() -> list[int]:
        stored = []
        recorder = room.recorder()
        for outcomes in ([("freed", 1, 5)], [], [("freed", 2, 5)]):
            before = len(room.folder.requests)
            await tell(recorder, outcomes)
            await recorder.flush()
            stored.append(sum("/parts/" in name for _, name in room.folder.requests[before:]))
        return stored

    # The first one is stored before the intents, too.
    assert run(play()) == [2, 0, 1]


class SlowClock(FakeClock):
    """A clock that moves by a second whenever it is read."""

    def __call__(self) -> float:
        self.advance(1)
        return self.now


def test_part_that_takes_long_to_pack_is_stored_less_often() -> None:
    room = Room(clock=SlowClock())

    async def play() -> list[int]:
        recorder, stored = room.recorder(), []
        for number in range(40):
            await tell(recorder, [("freed", number, 5)])
            before = len(room.folder.requests)
            await recorder.flush()
            stored += [number] * any("/parts/" in name for _, name in room.folder.requests[before:])
        return stored

    first, second = run(play())

    assert second - first == PART_OF_TIME


def test_account_that_takes_too_long_to_pack_gives_way_to_the_continuation() -> None:
    room = Room(clock=SlowClock())

    async def play() -> None:
        recorder = room.recorder()
        await tell(recorder, [("freed", 1, 5)])
        await recorder.flush()
        room.clock.now = room.seconds - 2
        await recorder.save(report(), ("0",))

    run(play())

    assert [line["code"] for line in room.lines if line["event"] == "account.store_failed"] == ["OutOfTime"] * 2
    assert not any("/totals/" in name for name in room.folder.objects)


def test_listing_that_failed_is_counted_once_and_a_failure_of_the_chain_is_a_warning() -> None:
    room = Room()
    failures: tuple[dict[str, Any], ...] = (
        {"bucket": "b-125@ap-x", "code": "AccessDenied", "status": 403, "cos_request_id": "r"},
        {"code": "ContinuationFailed", "detail": "x" * 9999},
        {"bucket": "b-125@ap-x", "key": "k", "upload_id": "1", "code": "Other"},
    )

    async def play() -> Any:
        async with room.recorder() as recorder:
            await recorder.save(report(failures=failures[:1]), ("0",))
            return await recorder.finish(report(failures=failures, permanent=2))

    report_json = run(play())

    assert [(one["code"], one["listings"]) for one in report_json["failures"]] == [("AccessDenied", 1)]
    assert [(one["code"], len(one["detail"])) for one in report_json["warnings"]] == [("ContinuationFailed", 500)]


@pytest.mark.parametrize("refused", ["/parts/", "/totals/", "/ends/", "report.json", "report.html", "history/"])
def test_object_that_cannot_be_stored_is_logged_and_the_run_goes_on(refused: str) -> None:
    room = Room()

    async def play() -> None:
        room.folder.refuse(refused)
        async with room.recorder() as recorder:
            await tell(recorder, [("freed", 1, 5)])
            await recorder.save(report(), ("0",))
            await recorder.finish(report())

    run(play())

    assert {line["code"] for line in room.lines} == {"AccessDenied"}
    assert not any(refused in name for name in room.folder.objects)
    assert len(lines_in(room.folder)) == 2


def test_nothing_can_be_reached_and_the_run_goes_on() -> None:
    room = Room()
    room.folder.before = fails(Unavailable("ConnectionFailed"))

    async def play() -> Any:
        async with room.recorder(room.identity(number=2, before="1-of-1.0.run-1.aa")) as recorder:
            await tell(recorder, [("freed", 1, 5)])
            await recorder.save(report(), ("0",))
            return await recorder.finish(report())

    assert run(play()) is None
    assert room.folder.objects == {}
    assert {"records.store_failed", "account.store_failed", "report.not_merged"} <= {*room.events()}


def test_report_that_does_not_fit_into_the_time_is_left_to_the_next_sweep() -> None:
    room = Room()

    async def play() -> Any:
        async with room.recorder() as recorder:
            await tell(recorder, [("freed", 1, 5)])
            room.clock.advance(room.seconds - 1)
            return await recorder.finish(report())

    def later() -> Any:
        room.clock.now = 0
        return run(room.completion().complete(RUN_ID, is_over=True))

    assert run(play()) is None
    assert chain.end_object(RUN_ID, "0") in room.folder.objects
    assert f"{RUN_ID}/report.json" not in room.folder.objects
    assert room.folder.json(f"history/{RUN_ID}.json")["status"] == "running"
    assert (later()["status"], totals(room)) == ("complete", (1, 5))


def test_key_is_masked_in_the_account_and_the_records() -> None:
    room, mask = Room(), KeyMask("a secret")
    facts = replace(FACTS, settings={**FACTS.settings, "record_keys": "hash"})

    async def play() -> Any:
        async with room.recorder(facts=facts, mask=mask) as recorder:
            await tell(recorder, [("freed", 1, 5)])
            return await recorder.finish(report())

    report_json = run(play())

    assert [(row["key"], row["key_encoding"]) for row in report_json["largest"]] == [(mask.key("raw/1/1"), "hmac")]
    written = {line["outcome"]: line["key"] for line in lines_in(room.folder)}
    assert written == {"intended": "raw/1/1", "aborted": mask.key("raw/1/1")}
    assert "raw" not in json.dumps(report_json["prefixes"])


def test_what_needs_no_record_makes_no_line() -> None:
    room = Room()

    async def play() -> None:
        recorder = room.recorder()
        recorder.record(listed(1), YOUNG)
        recorder.record(listed(1), RejectedRequest("its key", listed(1).upload, "listing"))
        await recorder.flush()

    run(play())

    assert room.folder.objects == {}
