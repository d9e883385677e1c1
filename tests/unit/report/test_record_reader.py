"""
Whoever lost an upload finds what happened to it.
"""

import gzip
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from cos_sweeper.cli.local_folder import LocalFolder
from cos_sweeper.core.outcomes import Aborted, AlreadyGone, Deferred, Failed, Outcome
from cos_sweeper.report import record, record_reader
from cos_sweeper.report.record import Record, Recording
from cos_sweeper.report.record_reader import RecordReader
from cos_sweeper.report.report_folder import Source
from tests.fixtures import NOW
from tests.unit.report.folders import RUN_ID, MemoryFolder, listed, run

ONE = listed(1)
ABORTED, GONE = Aborted(ONE.upload, 5, "r"), AlreadyGone(ONE.upload)
FAILED = Failed(ONE.upload, "InternalError", 500, "r", permanent=False, was_sent=True)
LATER = Deferred(ONE.upload, "out of time", was_sent=True)


def stored(folder: MemoryFolder, kind: str, *lines: Record, number: int = 1, delivery: str = "aa") -> None:
    name = f"{RUN_ID}/uploads/1-of-1.0.run-{number}.{delivery}.{kind}-000001.jsonl.gz"
    folder.objects[name] = gzip.compress(b"".join(map(record.line, lines)), mtime=0)


def made(outcome: Outcome | None, run_number: int = 1, seconds: int = 0) -> Record:
    recording, at = Recording(run_number, "1/1", str, str), NOW + timedelta(seconds=seconds)
    return recording.intent(ONE, at) if outcome is None else recording.outcome(ONE, outcome, at)


def uploads(source: Source) -> tuple[list[Record], list[str]]:
    async def read() -> tuple[list[Record], list[str]]:
        reader = RecordReader(source, RUN_ID)
        return [one async for one in reader.uploads()], reader.problems

    found: tuple[list[Record], list[str]] = run(read())
    return found


@pytest.mark.parametrize(
    ("outcomes", "last"),
    [
        ([], None),
        ([ABORTED], ABORTED),
        ([FAILED, ABORTED], ABORTED),
        ([FAILED, GONE], GONE),
        ([LATER, FAILED], FAILED),
        ([ABORTED, GONE], ABORTED),
        ([GONE, ABORTED], ABORTED),
        ([ABORTED, LATER, GONE], LATER),
    ],
    ids=lambda value: ",".join(type(one).__name__ for one in value) or "no outcome" if isinstance(value, list) else "",
)
@pytest.mark.parametrize("seconds", [0, 5], ids=["in the same second", "later"])
def test_last_outcome_of_an_upload_counts(outcomes: Sequence[Outcome], last: Outcome | None, seconds: int) -> None:
    folder = MemoryFolder()
    stored(folder, "intents", made(None, seconds=100))
    for number, outcome in enumerate(outcomes):
        stored(folder, "outcomes", made(outcome, number + 1, seconds * number), number=number + 1)

    (found,), problems = uploads(folder)

    assert found.outcome == (made(last).outcome if last else "intended")
    assert problems == []


def test_every_upload_has_one_record_of_those_in_one_object() -> None:
    folder = MemoryFolder()
    recording = Recording(1, "1/1", str, str)
    many = [listed(number) for number in range(50)]
    stored(folder, "intents", *(recording.intent(one, NOW) for one in many))
    done = [recording.outcome(one, Aborted(one.upload, 5, "r"), NOW) for one in many[:30]]
    stored(folder, "outcomes", *(recording.outcome(one, LATER, NOW) for one in many[:30]), *done)

    found, _ = uploads(folder)

    assert [one.outcome for one in found] == ["intended"] * 20 + ["aborted"] * 30
    assert {one.upload for one in found} == {recording.intent(one, NOW).upload for one in many}


@pytest.mark.parametrize("key", ["raw/猫", "b\udcffad %25", "a\nb", "100%"])
@pytest.mark.parametrize("is_hashed", [False, True])
def test_records_of_a_key_are_found(key: str, *, is_hashed: bool) -> None:
    mask = (lambda text: f"~{len(text)}") if is_hashed else str
    folder, recording, wanted = MemoryFolder(), Recording(1, "1/1", str, mask), listed(1, key)
    other = listed(2, "elsewhere")
    stored(folder, "intents", recording.intent(wanted, NOW), recording.intent(other, NOW))
    stored(folder, "outcomes", *(recording.outcome(one, AlreadyGone(one.upload), NOW) for one in (wanted, other)))

    async def find() -> list[str]:
        return [one.outcome async for one in RecordReader(folder, RUN_ID).find(key, mask)]

    assert run(find()) == ["intended", "already_gone"]


def test_copy_in_a_directory_is_read_like_the_objects(tmp_path: Path) -> None:
    folder = MemoryFolder()
    stored(folder, "intents", made(None))
    stored(folder, "outcomes", made(ABORTED))
    folder.objects["history/20261122T120000Z-0a1b2c3d.json"] = b"{}"
    for name, body in folder.objects.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(body)
    copy = LocalFolder(tmp_path)

    assert uploads(copy) == uploads(folder)
    assert run(copy.names("history/")) == run(folder.names("history/"))
    assert run(record_reader.run_ids(copy)) == run(record_reader.run_ids(folder)) == [RUN_ID]
    assert run(copy.get("nothing")) is None


def test_damaged_object_is_named_and_the_others_are_read() -> None:
    folder = MemoryFolder()
    stored(folder, "outcomes", made(ABORTED))
    stored(folder, "outcomes", made(GONE), delivery="bb")
    (name,) = [name for name in folder.objects if ".bb." in name]
    folder.objects[name] = folder.objects[name][:-4]

    found, problems = uploads(folder)

    assert [one.outcome for one in found] == ["aborted"]
    assert [problem.partition(":")[0] for problem in problems] == [name]
