r"""
Sorted rows, compressed: how a hundred thousand of them fit in a few megabytes.

A row is `[path, slot, uploads, bytes, size_unknown, slot, …]`. A path is `<owner>\n<bucket>/<directory>`; the owner may
be ''. A run never changes, so accounts can share it.
"""

import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii

from cos_sweeper.core.sums import Row, add_to, quads

BLOCK_ROWS = 256
# Reading many runs at once holds the rows of so many bytes of each.
READ_BYTES = 1024
_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Run:
    """count: rows. data: lines of JSON, ASCII, compressed."""

    count: int
    data: bytes

    def blocks(self) -> Iterator[str]:
        """The lines, many at a time; each ends in a line break."""
        reader = zlib.decompressobj()
        rest, data = b"", self.data
        for start in range(0, len(data), READ_BYTES):
            whole, _, rest = (rest + reader.decompress(data[start : start + READ_BYTES])).rpartition(b"\n")
            if whole:
                yield whole.decode("ascii") + "\n"
        if last := rest + reader.flush():
            yield last.decode("ascii")

    def rows(self) -> Iterator[Row]:
        """The rows, in order."""
        for block in self.blocks():
            # No line break stands inside a JSON text, so this makes one list of all lines.
            yield from json.loads(f"[{block[:-1].replace(chr(10), ',')}]")


def line_of(row: Row) -> str:
    """A row as a line of JSON, ASCII. A row with one slot, the usual one, is written without the slower encoder."""
    if len(row) == 5:
        return f"[{encode_basestring_ascii(row[0])},{encode_basestring_ascii(row[1])},{row[2]},{row[3]},{row[4]}]"
    return _encode(row)


def write_run(rows: Iterable[Row]) -> Run:
    """Compress rows that are in order."""
    writer, written, count = zlib.compressobj(1), [], 0
    block: list[str] = []
    for row in rows:
        block.append(line_of(row))
        count += 1
        if len(block) == BLOCK_ROWS:
            written.append(writer.compress(("\n".join(block) + "\n").encode("ascii")))
            block.clear()
    if block:
        written.append(writer.compress(("\n".join(block) + "\n").encode("ascii")))
    return Run(count, b"".join([*written, writer.flush()]))


def parent(path: str) -> str | None:
    """The path above: a directory's parent, then its bucket, then the owner alone; None for that."""
    start = path.index("\n") + 1
    if start == len(path):
        return None
    cut = path.rfind("/", start, -1)
    return path[: cut + 1] if cut >= 0 else path[:start]


def fold_into(path: str) -> str | None:
    """The parent, if a row may be folded into it: a bucket's figures stay with the bucket, or with its owner."""
    above = parent(path)
    return None if above == "\n" else above


def joined(rows: Iterable[Row]) -> Iterator[Row]:
    """Rows in order, with repeated paths → every path once, its slots in order."""
    current: Row | None = None
    for row in rows:
        if current is not None and current[0] == row[0]:
            for quad in quads(row, 1):
                add_to(current, 1, *quad)
            continue
        if current is not None:
            yield _ordered(current)
        current = row
    if current is not None:
        yield _ordered(current)


def _ordered(row: Row) -> Row:
    if len(row) <= 5:
        return row
    return [row[0], *(figure for quad in sorted(quads(row, 1)) for figure in quad)]
