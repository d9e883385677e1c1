"""
What objects and parts contain: in one temporary file, up to a budget.

A content is read like `bytes`, by slices. It knows neither keys nor uploads; copies and completed uploads refer to the
contents that are there already. Its room is free again as soon as nobody refers to it.
"""

import os
import tempfile
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import IO, Protocol

BLOCK_BYTES = 1 << 16
PIECE_BYTES = 1 << 18
DEFAULT_KEEP_BYTES = 256 << 20


class Content(Protocol):
    """Bytes that can be read by slices with a start and a stop; `bytes` are one, too."""

    def __len__(self) -> int: ...

    def __getitem__(self, span: slice, /) -> bytes: ...


class ContentGone(Exception):
    """A reset took the content away while it was read."""


class Contents:
    """The file with all contents. keep_bytes: how many bytes it holds at most."""

    def __init__(self, keep_bytes: int = DEFAULT_KEEP_BYTES) -> None:
        self.keep_bytes = keep_bytes
        self.kept_bytes = 0
        self.era = 0
        """Which reset it has seen last; what was kept before that is gone."""
        self._file: IO[bytes] | None = None
        self._free: list[int] = []
        self._blocks = 0

    def receive(self) -> "Receiver":
        """Take a content in, piece by piece."""
        return Receiver(self)

    def clear(self) -> None:
        """Forget every content."""
        self.era += 1
        self.kept_bytes = 0
        self._free.clear()
        self._blocks = 0
        if self._file is not None:
            self._file.truncate(0)

    def close(self) -> None:
        """Give the file up, with all that is in it."""
        self.clear()
        if self._file is not None:
            self._file.close()

    def take_room(self, size: int) -> bool:
        """Whether so many bytes more can be kept; if so, they count from now on."""
        if self.kept_bytes + size > self.keep_bytes:
            return False
        self.kept_bytes += size
        return True

    def take_block(self) -> int:
        """The number of a block that nobody uses."""
        if self._free:
            return self._free.pop()
        self._blocks += 1
        return self._blocks - 1

    def give_back(self, blocks: list[int], size: int) -> None:
        """Free blocks and the room of their bytes."""
        self._free += blocks
        self.kept_bytes -= size

    def write(self, block: int, offset: int, data: memoryview) -> None:
        """Write into a block, not beyond its end."""
        if self._file is None:
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - it lives as long as the process
        os.pwrite(self._file.fileno(), data, block * BLOCK_BYTES + offset)

    def read(self, block: int, start: int, stop: int) -> bytes:
        """Read from a block."""
        assert self._file is not None
        return os.pread(self._file.fileno(), stop - start, block * BLOCK_BYTES + start)


class Kept:
    """A content in the file."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._era = contents.era
        self._blocks: list[int] = []
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, span: slice, /) -> bytes:
        if self._era != self._contents.era:
            raise ContentGone
        start, stop, _ = span.indices(self._size)
        return b"".join(
            self._contents.read(self._blocks[at // BLOCK_BYTES], at % BLOCK_BYTES, at % BLOCK_BYTES + length)
            for at, length in _within_blocks(start, stop)
        )

    def __del__(self) -> None:
        if self._era == self._contents.era:
            self._contents.give_back(self._blocks, self._size)

    def append(self, data: bytes) -> bool:
        """Add bytes at the end; False, and nothing is added, where there is no room for them."""
        if self._era != self._contents.era or not self._contents.take_room(len(data)):
            return False
        start = self._size
        self._size += len(data)
        view = memoryview(data)
        for at, length in _within_blocks(start, self._size):
            if at % BLOCK_BYTES == 0:
                self._blocks.append(self._contents.take_block())
            self._contents.write(self._blocks[-1], at % BLOCK_BYTES, view[at - start : at - start + length])
        return True


class Receiver:
    """A content that is coming in."""

    def __init__(self, contents: Contents) -> None:
        self._kept: Kept | None = Kept(contents)

    def feed(self, data: bytes) -> None:
        """Take the next bytes; what is beyond the budget is dropped, and all before it."""
        if self._kept is not None and not self._kept.append(data):
            self._kept = None

    def content(self) -> Content | None:
        """All of it; `None` if there was no room for it."""
        return self._kept


class Joined:
    """Contents in a row."""

    def __init__(self, parts: Sequence[Content]) -> None:
        self._parts = [part for part in parts if len(part)]
        self._ends = list(accumulate(map(len, self._parts)))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, span: slice, /) -> bytes:
        start, stop, _ = span.indices(len(self))
        return b"".join(self._pieces(start, stop))

    def _pieces(self, start: int, stop: int) -> Iterator[bytes]:
        for index in range(bisect_right(self._ends, start), len(self._parts)):
            begins = self._ends[index] - len(self._parts[index])
            if begins >= stop:
                return
            yield self._parts[index][max(start - begins, 0) : stop - begins]


class Cut:
    """A span of a content."""

    def __init__(self, content: Content, span: range) -> None:
        self._content = content
        self._span = span

    def __len__(self) -> int:
        return len(self._span)

    def __getitem__(self, span: slice, /) -> bytes:
        wanted = self._span[span]
        return self._content[wanted.start : wanted.stop] if wanted else b""


def pieces(content: Content) -> Iterator[bytes]:
    """All of a content, in pieces that fit into memory."""
    return (content[at : at + PIECE_BYTES] for at in range(0, len(content), PIECE_BYTES))


def joined(parts: Sequence[Content | None]) -> Content | None:
    """Contents in a row; `None` if one of them is not known."""
    known = [part for part in parts if part is not None]
    return Joined(known) if len(known) == len(parts) else None


def _within_blocks(start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Cut a span at the blocks' borders: places and lengths."""
    while start < stop:
        length = min(BLOCK_BYTES - start % BLOCK_BYTES, stop - start)
        yield start, length
        start += length
