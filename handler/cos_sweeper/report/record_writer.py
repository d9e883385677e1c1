"""
Writes the records of one run: gzipped JSON Lines, about 10,000 lines in each object.

Lines are compressed as they come, so that a buffer has a tenth of their size. The states of a line of an outcome: in
the open buffer; in a closed object that waits to be stored; stored. A closed object is dropped only when MAX_WAITING
wait, and then it is counted as lost. So memory is bounded, and the invariant is: every line is in one of the three
states or counted. Intents do not wait: they are stored, or the caller knows that they are not.

The same lines make the same bytes: the gzip header has no time.
"""

import asyncio
import zlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from cos_sweeper.core.errors import StoreError

MAX_LINES = 10_000
# Closed objects that wait for a store that does not accept them; each has up to a megabyte.
MAX_WAITING = 4
# More than any object of ours unpacks to, and than any of its lines has.
MAX_UNPACKED_BYTES = 64 << 20
MAX_LINE_BYTES = 1 << 20
# Window and header of gzip.
GZIP = 31
LEVEL = 6


@dataclass(frozen=True, slots=True)
class StoredRecords:
    """An object with records. object: its name under the run's directory."""

    object: str
    lines: int


class Place(NamedTuple):
    """Where the line of an outcome is among those of a run. object: the number of its object; line: in it, from 0."""

    object: int
    line: int


BEGINNING = Place(1, 0)


class LineBuffer:
    """Lines, compressed."""

    def __init__(self) -> None:
        self._packer = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
        self._packed = bytearray()
        self.lines = 0

    def add(self, line: bytes) -> None:
        """Add one line, which ends with a line feed."""
        self._packed += self._packer.compress(line)
        self.lines += 1

    def close(self) -> bytes:
        """The object. The buffer takes no more lines."""
        return bytes(self._packed + self._packer.flush())


class RecordWriter:
    """
    put: stores an object by its name under the run's directory, and raises StoreError. name: of the run, unique in its
    chain.

    stored: the objects with outcomes so far. lost: lines that could not be kept. full: set when an object waits.
    """

    def __init__(self, put: Callable[[str, bytes], Awaitable[None]], name: str) -> None:
        self._put = put
        self._name = name
        self._numbers = {"intents": 0, "outcomes": 0}
        self._open = LineBuffer()
        self._waiting: deque[tuple[StoredRecords, bytes]] = deque()
        self._in_flight: tuple[StoredRecords, bytes] | None = None
        self._storing = asyncio.Lock()
        self.stored: list[StoredRecords] = []
        self.lost = 0
        self.full = asyncio.Event()

    @property
    def buffered(self) -> int:
        """How many lines are not stored."""
        in_flight = self._in_flight[0].lines if self._in_flight else 0
        return self._open.lines + in_flight + sum(records.lines for records, _ in self._waiting)

    @property
    def next(self) -> Place:
        """Where the next line will be."""
        return Place(self._numbers["outcomes"] + 1, self._open.lines)

    @property
    def is_behind(self) -> bool:
        """Whether more objects wait than one that is being stored."""
        return len(self._waiting) > 1

    def add(self, line: bytes) -> None:
        """Add the line of an outcome."""
        self._open.add(line)
        if self._open.lines >= MAX_LINES:
            self._close()

    async def intents(self, lines: Iterable[bytes]) -> None:
        """Store lines at once. Raises StoreError."""
        buffer = LineBuffer()
        for line in lines:
            buffer.add(line)
            if buffer.lines >= MAX_LINES:
                await self._put(self._next("intents"), buffer.close())
                buffer = LineBuffer()
        if buffer.lines:
            await self._put(self._next("intents"), buffer.close())

    async def flush(self) -> None:
        """Store all outcomes that were added. Raises StoreError; what is not stored waits for the next time."""
        if self._open.lines:
            self._close()
        await self.store_waiting()

    async def store_waiting(self) -> None:
        """Store the objects that are closed. Raises StoreError."""
        async with self._storing:
            self.full.clear()
            while self._waiting:
                self._in_flight = self._waiting.popleft()
                records, body = self._in_flight
                try:
                    await self._put(records.object, body)
                except BaseException:
                    self._waiting.appendleft(self._in_flight)
                    raise
                finally:
                    self._in_flight = None
                self.stored.append(records)

    def _close(self) -> None:
        if len(self._waiting) >= MAX_WAITING:
            self.lost += self._waiting.popleft()[0].lines
        self._waiting.append((StoredRecords(self._next("outcomes"), self._open.lines), self._open.close()))
        self._open = LineBuffer()
        self.full.set()

    def _next(self, kind: str) -> str:
        self._numbers[kind] += 1
        return records_object(self._name, kind, self._numbers[kind])


def records_object(name: str, kind: str, number: int) -> str:
    """An object with records, under the run's directory. name: of the run; kind: `intents` or `outcomes`."""
    return f"uploads/{name}.{kind}-{number:06}.jsonl.gz"


def unpacked(body: bytes) -> Iterable[bytes]:
    """
    The lines of an object, without their ends, in little memory. Raises ValueError where it is damaged or too large.

    A small object can unpack to a huge one, so what is unpacked has a limit, and so has a line.
    """
    unpacker, rest, size = zlib.decompressobj(GZIP), b"", 0
    data = body
    try:
        while data:
            block = unpacker.decompress(data, 1 << 16)
            size += len(block)
            *lines, rest = (rest + block).split(b"\n")
            yield from lines
            if size > MAX_UNPACKED_BYTES or len(rest) > MAX_LINE_BYTES:
                raise ValueError("the object is larger than any that this program writes")
            data = unpacker.unconsumed_tail
            if unpacker.eof and unpacker.unused_data:
                # Files that were joined with `cat` are one stream after the other.
                data, unpacker = unpacker.unused_data, zlib.decompressobj(GZIP)
    except zlib.error as exc:
        raise ValueError("the object is damaged") from exc
    if not unpacker.eof:
        raise ValueError("the object is cut off")
    if rest:
        yield rest


async def quietly(work: Awaitable[None]) -> StoreError | None:
    """Wait for a request to store something. Returns why it failed."""
    try:
        await work
    except StoreError as exc:
        return exc
    return None
