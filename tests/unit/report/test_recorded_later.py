"""
A run that is cut off: what it freed is what its stored records say, wherever its part stands.
"""

from typing import Any

import pytest

from cos_sweeper.report.run_recorder import RunRecorder
from tests.unit.report.folders import RUN_ID, Room, listed, outcome, run

SIZES = {1: 5, 2: 70, 3: 900}


def freed(room: Room) -> dict[str, Any]:
    report = run(room.completion().complete(RUN_ID, is_over=True))
    measure: dict[str, Any] = report["totals"]["freed"]
    assert report["prefixes"]["tree"][0]["freed"] == measure
    return measure


def abort(recorder: RunRecorder, number: int, *, is_counted: bool) -> None:
    one = listed(number)
    recorder.record(one, outcome("freed", one, SIZES[number]))
    if is_counted:
        recorder.count(one, outcome("freed", one, SIZES[number]))


@pytest.mark.parametrize("counted", [{1}, {2}, {1, 2, 3}, set()], ids=str)
def test_aborted_uploads_count_once_whether_their_pages_are_complete_or_not(counted: set[int]) -> None:
    room = Room()

    async def play() -> None:
        recorder = room.recorder()
        await recorder.intend([listed(number) for number in SIZES])
        for number in SIZES:
            abort(recorder, number, is_counted=number in counted)
            await recorder.flush()

    run(play())
    measure = freed(room)

    assert (measure["uploads"], measure["bytes"]) == (3, 975)


@pytest.mark.parametrize("after", ["part", "records"])
def test_run_that_is_killed_between_its_records_and_its_part_counts_what_is_recorded(after: str) -> None:
    room = Room()

    async def play() -> None:
        recorder = room.recorder()
        await recorder.intend([listed(number) for number in SIZES])
        abort(recorder, 1, is_counted=True)
        abort(recorder, 2, is_counted=False)
        await recorder.flush()
        abort(recorder, 3, is_counted=True)
        room.folder.refuse("/parts/" if after == "records" else "/")
        await recorder.flush()

    run(play())
    room.folder.before = lambda _operation, _name: None
    measure = freed(room)

    assert measure["bytes"] == (975 if after == "records" else 75)


def test_records_that_are_damaged_are_named_and_the_rest_counts() -> None:
    room = Room()

    async def play() -> None:
        recorder = room.recorder()
        await recorder.intend([listed(1), listed(2)])
        abort(recorder, 1, is_counted=True)
        await recorder.flush()
        abort(recorder, 2, is_counted=False)
        await recorder.flush()

    run(play())
    name = max(name for name in room.folder.objects if ".outcomes-" in name)
    room.folder.objects[name] = b"no gzip"

    assert freed(room)["bytes"] == SIZES[1]
    (line,) = [line for line in room.lines if line["event"] == "report.object_unreadable"]
    assert "/uploads/" in line["object"]
