"""
The newest chains are found without reading all names, and chains that ended without a report get one.
"""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from cos_sweeper.report import history
from cos_sweeper.report.history import MAX_ENTRIES, Entry
from tests.fixtures import HOUR, NOW
from tests.unit.report.folders import FACTS, RUN_ID, MemoryFolder, Room, report, run, tell


def entry(began: datetime, status: str = "complete", ended: datetime | None = None) -> Entry:
    return Entry(f"{began:%Y%m%dT%H%M%SZ}-00000000", "sweep", began, status, False, began, ended)  # noqa: FBT003


def filled(*entries: Entry) -> MemoryFolder:
    folder = MemoryFolder()
    for one in entries:
        run(history.put(folder, one))
    return folder


@pytest.mark.parametrize(
    ("every", "count"),
    [
        (timedelta(minutes=1), 500),
        (HOUR, 500),
        (timedelta(days=1), 500),
        (timedelta(days=30), 70),
        (HOUR, 3),
        (HOUR, 0),
    ],
    ids=["each minute", "each hour", "each day", "each month", "three", "none"],
)
def test_newest_entries_are_found_whatever_their_distance(every: timedelta, count: int) -> None:
    entries = [entry(NOW - number * every, ended=NOW) for number in range(count)][::-1]
    folder = filled(*entries)
    folder.requests.clear()

    found = run(history.latest(folder, NOW))

    assert found == entries[-MAX_ENTRIES:]
    assert sum(operation == "get" for operation, _ in folder.requests) <= MAX_ENTRIES


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"\xff", json.dumps({"run_id": "x"}).encode()])
def test_object_that_is_no_entry_is_passed_over(body: bytes) -> None:
    folder = filled(entry(NOW))
    folder.objects[f"history/{NOW:%Y%m%d}T130000Z-11111111.json"] = body

    assert run(history.latest(folder, NOW)) == [entry(NOW)]


def test_chains_that_ran_at_the_same_time_are_named() -> None:
    entries = [
        entry(NOW - 5 * HOUR, ended=NOW - 4 * HOUR),
        entry(NOW - 3 * HOUR, ended=NOW - 2 * HOUR),
        entry(NOW - 2 * HOUR, "running"),
        entry(NOW + HOUR, ended=NOW + 2 * HOUR),
    ]

    found = history.overlapping(entries, "own", NOW - 2.5 * HOUR, NOW)

    assert found == [entries[1].run_id, entries[2].run_id]


def left_running(room: Room, began: datetime, wrote: datetime, *, is_ended: bool = False) -> str:
    """An earlier chain whose last run was killed, or had no time for the report. Returns its id."""
    run_id = entry(began).run_id
    facts = history.beginning(run_id, FACTS)
    room.now = wrote

    async def play() -> None:
        async with room.recorder() as recorder:
            await tell(recorder, [("freed", 1, 5)])
            await (recorder.finish(report()) if is_ended else recorder.flush())

    run(play())
    for name in [name for name in room.folder.objects if RUN_ID in name]:
        body = room.folder.objects.pop(name)
        if "report." not in name and "history/" not in name:
            room.folder.objects[name.replace(RUN_ID, run_id)] = body
    run(history.put(room.folder, Entry(run_id, facts.kind, began, "running", False, began)))  # noqa: FBT003
    room.now = NOW
    room.lines.clear()
    return run_id


def sweep(room: Room) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A sweep of one run: its report, and those that it wrote for others."""

    async def play() -> tuple[dict[str, Any], list[dict[str, Any]]]:
        async with room.recorder() as recorder:
            own = await recorder.finish(report())
            return own or {}, recorder.completed

    played: tuple[dict[str, Any], list[dict[str, Any]]] = run(play())
    return played


@pytest.mark.parametrize("is_ended", [False, True])
@pytest.mark.parametrize(
    ("began", "wrote"),
    [(NOW - 2 * HOUR, NOW - HOUR), (NOW - 24 * HOUR, NOW)],
    ids=["silent", "too old"],
)
def test_next_sweep_completes_a_chain_that_ended_without_a_report(
    began: datetime, wrote: datetime, *, is_ended: bool
) -> None:
    room = Room()
    run_id = left_running(room, began, wrote, is_ended=is_ended)

    _, completed = sweep(room)

    assert [one["run_id"] for one in completed] == [run_id]
    stored = room.folder.json(f"{run_id}/report.json")
    assert stored == completed[0]
    assert stored["totals"]["freed"]["bytes"] == 5
    assert stored["status"] == ("complete" if is_ended else "partial")
    assert stored["ended"] == wrote.isoformat()
    assert room.folder.json(f"history/{run_id}.json")["status"] == stored["status"]
    assert [(line["event"], line["of_run"]) for line in room.lines] == [("chain.completed_later", run_id)]
    assert sweep(room)[1] == []


@pytest.mark.parametrize("began", [NOW - 2 * HOUR, NOW - timedelta(minutes=10)], ids=["wrote just now", "young"])
def test_chain_that_still_runs_is_left_alone_and_named(began: datetime) -> None:
    room = Room()
    run_id = left_running(room, began, NOW - timedelta(minutes=29))

    own, completed = sweep(room)

    assert completed == []
    assert f"{run_id}/report.json" not in room.folder.objects
    assert own["overlapping"] == [run_id]
    assert [one["status"] for one in own["history"]] == ["running", "complete"]


def test_chain_that_stored_nothing_is_looked_at_once() -> None:
    room = Room(folder=filled(entry(NOW - 2 * HOUR, "running")))

    _, completed = sweep(room)

    assert completed == []
    assert room.folder.json(f"history/{entry(NOW - 2 * HOUR).run_id}.json")["status"] == "unknown"


def test_chain_whose_account_came_damaged_is_left_to_the_next_sweep() -> None:
    room = Room()

    def damage(operation: str, name: str) -> None:
        if operation == "get" and name.endswith(".gz") and name in room.folder.objects:
            room.folder.objects[name] = b"damaged"

    room.folder.before = damage

    assert sweep(room) == ({}, [])
    assert room.folder.json(f"history/{RUN_ID}.json")["status"] == "running"


def test_one_sweep_completes_five_chains_at_most() -> None:
    room = Room()
    for hours in range(2, 9):
        left_running(room, NOW - hours * HOUR, NOW - HOUR)

    assert [len(sweep(room)[1]) for _ in range(3)] == [5, 2, 0]


def test_entry_of_the_future_does_not_hide_the_newest_chains() -> None:
    known = [entry(NOW - HOUR, ended=NOW), entry(NOW)]
    future = [entry(NOW + timedelta(days=1000 + number), "running") for number in range(MAX_ENTRIES)]

    assert run(history.latest(filled(*known, *future), NOW)) == known
