"""
No line is lost and memory is bounded, whatever the store does.
"""

import asyncio
import gzip
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cos_sweeper.core.errors import CosRejected, StoreError
from cos_sweeper.core.model import ListedUpload, PartsSeen, Upload
from cos_sweeper.core.outcomes import Aborted
from cos_sweeper.report import record
from cos_sweeper.report.record import Recording
from cos_sweeper.report.record_writer import MAX_LINES, MAX_WAITING, RecordWriter, unpacked
from tests.fixtures import NOW, PHOTOS
from tests.unit.report.folders import MemoryFolder


def writer_in(folder: MemoryFolder) -> RecordWriter:
    return RecordWriter(folder.put, "run")


def lines_in(folder: MemoryFolder, kind: str = "outcomes") -> list[bytes]:
    return [line for name in sorted(folder.objects) if kind in name for line in unpacked(folder.objects[name])]


def line(number: int) -> bytes:
    return f'{{"n":{number}}}\n'.encode()


def test_object_has_ten_thousand_lines_and_the_last_one_the_rest() -> None:
    folder = MemoryFolder()

    async def write() -> RecordWriter:
        writer = writer_in(folder)
        for number in range(2 * MAX_LINES + 1):
            writer.add(line(number))
        await writer.flush()
        return writer

    writer = asyncio.run(write())

    assert [(one.object, one.lines) for one in writer.stored] == [
        ("uploads/run.outcomes-000001.jsonl.gz", MAX_LINES),
        ("uploads/run.outcomes-000002.jsonl.gz", MAX_LINES),
        ("uploads/run.outcomes-000003.jsonl.gz", 1),
    ]
    assert lines_in(folder) == [line(number)[:-1] for number in range(2 * MAX_LINES + 1)]
    assert writer.buffered == 0


def test_flush_without_new_lines_stores_nothing() -> None:
    folder = MemoryFolder()

    asyncio.run(writer_in(folder).flush())

    assert folder.objects == {}


def test_same_lines_make_the_same_bytes_and_every_gzip_reads_them() -> None:
    def written() -> dict[str, bytes]:
        folder = MemoryFolder()

        async def write() -> None:
            writer = writer_in(folder)
            writer.add(line(1))
            await writer.flush()

        asyncio.run(write())
        return folder.objects

    assert written() == written()
    assert [gzip.decompress(body) for body in written().values()] == [line(1)]


def test_intents_are_stored_before_the_call_returns_or_it_raises() -> None:
    folder = MemoryFolder()

    async def write() -> None:
        writer = writer_in(folder)
        await writer.intents(map(line, range(MAX_LINES + 1)))
        folder.refuse("intents")
        with pytest.raises(CosRejected):
            await writer.intents([line(0)])

    asyncio.run(write())

    assert lines_in(folder, "intents") == [line(number)[:-1] for number in range(MAX_LINES + 1)]


@given(
    steps=st.lists(
        st.sampled_from(["add", "add", "add", "flush", "flush refused", "store", "flush cut off"]), max_size=40
    )
)
def test_every_line_is_stored_once_in_order_or_waits(steps: list[str]) -> None:
    folder = MemoryFolder()

    async def write() -> tuple[RecordWriter, int]:
        writer, added = writer_in(folder), 0
        for step in steps:
            folder.refuse(*(["outcomes"] if step == "flush refused" else []))
            if step == "add":
                writer.add(line(added))
                added += 1
            elif step == "flush cut off":
                task = asyncio.ensure_future(writer.flush())
                await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            else:
                await asyncio.gather(
                    writer.store_waiting() if step == "store" else writer.flush(), return_exceptions=True
                )
        return writer, added

    writer, added = asyncio.run(write())

    stored = lines_in(folder)
    assert stored == [line(number)[:-1] for number in range(len(stored))]
    # Too many refusals in a row lose whole objects, and say so.
    assert len(stored) + writer.buffered + writer.lost == added
    assert sum(one.lines for one in writer.stored) == len(stored)


def test_buffer_is_bounded_while_nothing_can_be_stored_and_what_is_lost_is_counted() -> None:
    folder = MemoryFolder()
    folder.refuse("outcomes")

    async def write() -> RecordWriter:
        writer = writer_in(folder)
        for number in range(2 * MAX_WAITING):
            writer.add(line(number))
            with pytest.raises(StoreError):
                await writer.flush()
        return writer

    writer = asyncio.run(write())

    assert (writer.buffered, writer.lost) == (MAX_WAITING, MAX_WAITING)
    assert writer.is_behind


@pytest.mark.parametrize(
    "spoil", [lambda body: body[:-9], lambda body: body[:30] + b"x" + body[31:], lambda _: b"", lambda _: b"text"]
)
def test_damaged_object_is_rejected_after_what_can_be_read(spoil: Callable[[bytes], bytes]) -> None:
    body = gzip.compress(b"".join(map(line, range(1000))), mtime=0)

    with pytest.raises(ValueError):  # noqa: PT011  # any kind of it
        list(unpacked(spoil(body)))


def test_joined_objects_are_read_one_after_the_other() -> None:
    bodies: list[Any] = [gzip.compress(line(number), mtime=0) for number in range(3)]

    assert list(unpacked(b"".join(bodies))) == [line(number)[:-1] for number in range(3)]


def test_last_line_without_an_end_is_read() -> None:
    assert list(unpacked(gzip.compress(b"a\nb", mtime=0))) == [b"a", b"b"]


def test_object_of_usual_records_is_smaller_than_a_megabyte() -> None:
    folder, ids = MemoryFolder(), Random(1)

    async def write() -> None:
        writer, recording = writer_in(folder), Recording(1, "1/1", str, str)
        for number in range(MAX_LINES):
            upload = Upload(PHOTOS, f"raw/2026/11/{number % 100}/{ids.randbytes(8).hex()}.mp4", ids.randbytes(37).hex())
            aborted = Aborted(upload, ids.randrange(2**32), ids.randbytes(24).hex(), seen=PartsSeen(5, 2, NOW))
            writer.add(record.line(recording.outcome(ListedUpload(upload, NOW), aborted, NOW)))
        await writer.flush()

    asyncio.run(write())

    assert sum(map(len, folder.objects.values())) < 1 << 20
