"""
Reads the records of runs: from COS, or from a directory on this machine.

An upload may have several records. Its last outcome counts; a run that found the upload gone does not hide the run that
aborted it. An intent without any outcome is shown as it is: the run was cut off, and the upload may have been aborted.
"""

import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import NamedTuple

from cos_sweeper.core import key_text
from cos_sweeper.report import record
from cos_sweeper.report.record import INTENDED, Record
from cos_sweeper.report.record_writer import unpacked
from cos_sweeper.report.report_folder import Source

ABORTED = "aborted"
GONE = ("already_gone", "already_gone_unchecked", "listed_but_not_found")


class Place(NamedTuple):
    """Where a record stands; the greater one of two is the later one. at: Unix seconds, below 0 for an intent."""

    at: float
    run: int
    object: int
    line: int


@dataclass(slots=True)
class _Upload:
    """The records of an upload so far: the last one that found it gone, and the last one of the others."""

    gone: Place | None = None
    other: Place | None = None
    is_aborted: bool = False

    def add(self, place: Place, outcome: str) -> None:
        if outcome in GONE:
            self.gone = max(self.gone or place, place)
        else:
            self.other = max(self.other or place, place)
            self.is_aborted = self.is_aborted or outcome == ABORTED

    @property
    def last(self) -> Place | None:
        """The record that counts."""
        if self.gone is None or (self.other is not None and (self.is_aborted or self.other > self.gone)):
            return self.other
        return self.gone


class RecordReader:
    """
    The records of one chain.

    problems: what could not be read, as sentences, once the records have been read. has_hashes: whether `find` saw
    records that have hashes in place of keys.
    """

    def __init__(self, source: Source, run_id: str) -> None:
        self._source = source
        self._run_id = run_id
        self.problems: list[str] = []
        self.has_hashes = False

    async def every(self) -> AsyncIterator[Record]:
        """Every line: intents first, then outcomes, each in the order in which they were written."""
        for number, name in enumerate(await self._names()):
            async for _, found in self._lines(number, name):
                yield found

    async def uploads(self) -> AsyncIterator[Record]:
        """One record for each upload: its last outcome, or its intent where it has no outcome."""
        known: dict[bytes, _Upload] = {}
        names = await self._names()
        for number, name in enumerate(names):
            async for place, found in self._lines(number, name):
                known.setdefault(_digest(found), _Upload()).add(place, found.outcome)
        last = {place for place in (upload.last for upload in known.values()) if place is not None}
        known.clear()
        self.problems.clear()
        for number, name in enumerate(names):
            async for place, found in self._lines(number, name):
                if place in last:
                    yield found

    async def find(self, key: str, mask: Callable[[str], str] = str) -> AsyncIterator[Record]:
        """All records of a key, in the order of `every`. mask: what the records have instead of it."""
        masked = mask(key)
        async for found in self.every():
            is_hash = found.key_encoding == key_text.HASHED
            self.has_hashes = self.has_hashes or is_hash
            if found.key == (masked if is_hash else key):
                yield found

    async def _names(self) -> list[str]:
        names = await self._source.names(f"{self._run_id}/uploads/")
        return sorted((name for name in names if name.endswith(".jsonl.gz")), key=_order)

    async def _lines(self, number: int, name: str) -> AsyncIterator[tuple[Place, Record]]:
        body = await self._source.get(name)
        if body is None:
            return
        try:
            for line, text in enumerate(unpacked(body)):
                found = record.read(text)
                at = found.at.timestamp() if found.at else 0.0
                yield Place(-1.0 if found.outcome == INTENDED else at, found.run, number, line), found
        except ValueError as exc:
            self.problems.append(f"{name}: {exc}")


async def run_ids(source: Source) -> list[str]:
    """The ids of all chains that have objects, the oldest first."""
    found = {name.partition("/")[0] for name in await source.names("")}
    return sorted(name for name in found if name[:1].isdigit())


def _order(name: str) -> tuple[bool, str]:
    return ".outcomes-" in name, name


def _digest(found: Record) -> bytes:
    text = "\0".join(found.upload).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=16).digest()
