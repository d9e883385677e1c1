"""
What a run stores of its account: one head and the account's lines, as gzipped JSON Lines. A value ↔ bytes.

A *part* is what one run counted. *Totals* are what a line of runs counted up to a hand-over. An *end* is the totals of
a work that is over.
"""

import json
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any

from cos_sweeper.core import account_checks as checks
from cos_sweeper.core import run_facts
from cos_sweeper.core.account import Account
from cos_sweeper.core.errors import SweeperError
from cos_sweeper.core.run_facts import RunFacts
from cos_sweeper.report.record_writer import BEGINNING, GZIP, Place, StoredRecords, unpacked

VERSION = 1
# The name of a run, unique in its chain; its shard, and a piece of the chain's work.
NAME = re.compile(
    r"(?P<shard>[0-9+]{1,4000}-of-[0-9]{1,4})\.(?P<work>[0-9]+(?:\.[0-9]+)*)"
    r"\.run-(?P<number>[0-9]{1,9})\.(?P<delivery>[0-9a-f]+)"
)
SHARD = re.compile(r"[0-9,]{1,4000}/[0-9]{1,4}")
WORK = re.compile(r"(?=.{1,200}\Z)[0-9]+(?:\.[0-9]+)*")
# A large account is packed while the run ends: in half of the time that the usual level takes, and a little larger.
LEVEL = 1
# Lines that are packed at a time.
AT_A_TIME = 512
# What reading something else than we wrote can raise.
NOT_OURS = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    StopIteration,
    SweeperError,
)
MAX_RECORDS = 2000
MAX_WARNINGS = 50
MAX_NOT_SWEPT = 100
RUNNING, FINISHED, FAILED, SPLIT = "running", "finished", "failed", "split"


class DocumentUnreadable(SweeperError):
    """A stored object is damaged, or another version of this program wrote it."""


@dataclass(frozen=True, slots=True)
class Summary:
    """
    What the reports of runs say beyond sums. status: of the last run; stopped_because: as it says.

    warnings, not_swept: of all runs, the first of them. has_failed, is_partial: whether a run of a work that was split
    left something that no other run continues.
    """

    runs: int = 0
    status: str = ""
    stopped_because: str = ""
    has_failed: bool = False
    is_partial: bool = False
    warnings: tuple[Mapping[str, Any], ...] = ()
    not_swept: tuple[str, ...] = ()

    def after(self, earlier: "Summary") -> "Summary":
        """The summary of a later run, with what an earlier one said."""
        return replace(
            self,
            runs=earlier.runs + self.runs,
            has_failed=earlier.has_failed or self.has_failed,
            is_partial=earlier.is_partial or self.is_partial,
            warnings=(*earlier.warnings, *self.warnings)[:MAX_WARNINGS],
            not_swept=(*earlier.not_swept, *self.not_swept)[:MAX_NOT_SWEPT],
        )


@dataclass(frozen=True, slots=True)
class Head:
    """
    Whose account it is.

    name: of the run, unique in its chain: shard, work, number and delivery. works: those that the run works on; it
    counts them together. predecessor: the name of the run before it, or ''. at: when this was written, UTC. records:
    its objects with outcomes. counted_to, uncounted: which of the records of aborted uploads a part counts: those
    before this place, without those at the others.

    lineage: the runs whose accounts are in this one. before: the name of a run of the same line whose account, and
    those of the runs before it, could not be read and are not in this one, or ''. status, children, same_as: of an end.
    same_as: the work whose end has the account of this one, too.
    """

    name: str
    works: tuple[str, ...]
    shard: str
    number: int
    predecessor: str
    at: datetime
    facts: RunFacts
    records: tuple[StoredRecords, ...] = ()
    summary: Summary = field(default_factory=Summary)
    lineage: tuple[str, ...] = ()
    before: str = ""
    status: str = RUNNING
    children: tuple[str, ...] = ()
    same_as: str = ""
    counted_to: Place = BEGINNING
    uncounted: tuple[Place, ...] = ()

    @property
    def is_final(self) -> bool:
        """Whether the run came to its end, or to its hand-over, and counted all that it recorded."""
        return self.summary.status != ""

    def as_json(self) -> dict[str, Any]:
        """The first line of a document."""
        summary = self.summary
        return {
            "document": VERSION,
            "name": self.name,
            "works": self.works,
            "shard": self.shard,
            "number": self.number,
            "predecessor": self.predecessor,
            "at": self.at.isoformat(),
            "facts": self.facts.as_json(),
            "records": [[one.object, one.lines] for one in self.records[:MAX_RECORDS]],
            "summary": {
                "runs": summary.runs,
                "status": summary.status,
                "stopped_because": summary.stopped_because,
                "has_failed": summary.has_failed,
                "is_partial": summary.is_partial,
                "warnings": [dict(one) for one in summary.warnings],
                "not_swept": summary.not_swept,
            },
            "lineage": self.lineage,
            "before": self.before,
            "status": self.status,
            "children": self.children,
            "same_as": self.same_as,
            "counted_to": self.counted_to,
            "uncounted": self.uncounted,
        }


@dataclass(frozen=True, slots=True)
class Document:
    """A head and its account."""

    head: Head
    account: Account

    def pack(self) -> bytes:
        """The object's content; the same document makes the same bytes. It never holds all lines at a time."""
        packer = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
        packed = bytearray(packer.compress(json.dumps(self.head.as_json()).encode() + b"\n"))
        lines = self.account.lines()
        while some := list(islice(lines, AT_A_TIME)):
            some.append("")
            packed += packer.compress("\n".join(some).encode())
        return bytes(packed + packer.flush())


def unpack(body: bytes) -> Document:
    """Read a document. Raises DocumentUnreadable."""
    try:
        lines = iter(unpacked(body))
        head = _head(json.loads(next(lines)))
        return Document(head, Account.read(_texts(lines)))
    except NOT_OURS as exc:
        raise DocumentUnreadable(f"a stored account cannot be read: {type(exc).__name__}") from exc


def unpack_head(body: bytes) -> Head:
    """Read only the head. Raises DocumentUnreadable."""
    try:
        return _head(json.loads(next(iter(unpacked(body)))))
    except NOT_OURS as exc:
        raise DocumentUnreadable(f"a stored account cannot be read: {type(exc).__name__}") from exc


def _texts(lines: Iterable[bytes]) -> Iterable[str]:
    for line in lines:
        yield line.decode()


def _head(given: Mapping[str, Any]) -> Head:
    if given["document"] != VERSION:
        raise ValueError("another version")
    summary = given["summary"]
    return Head(
        name=_matching(given["name"], NAME),
        works=tuple(_matching(one, WORK) for one in given["works"]),
        shard=_matching(given["shard"], SHARD),
        number=checks.figure(given["number"]),
        predecessor=_name(given["predecessor"]),
        at=run_facts.moment(given["at"]),
        facts=run_facts.read(given["facts"]),
        records=tuple(StoredRecords(checks.text(name), checks.figure(lines)) for name, lines in given["records"]),
        summary=Summary(
            checks.figure(summary["runs"]),
            checks.text(summary["status"]),
            checks.text(summary["stopped_because"]),
            checks.flag(summary["has_failed"]),
            checks.flag(summary["is_partial"]),
            tuple(_warning(one) for one in summary["warnings"]),
            tuple(map(checks.text, summary["not_swept"])),
        ),
        lineage=tuple(_matching(one, NAME) for one in given["lineage"]),
        before=_name(given["before"]),
        status=checks.text(given["status"]),
        children=tuple(_matching(one, WORK) for one in given["children"]),
        same_as=_matching(given["same_as"], WORK) if given["same_as"] else "",
        counted_to=_place(given["counted_to"]),
        uncounted=tuple(map(_place, given["uncounted"])),
    )


def _place(given: Sequence[Any]) -> Place:
    number, line = given
    return Place(checks.figure(number), checks.figure(line))


def _matching(value: Any, form: re.Pattern[str]) -> str:
    """A text that becomes a part of a name. Raises ValueError for one that could lead elsewhere."""
    if not form.fullmatch(checks.text(value)):
        raise ValueError("a name has another form")
    return str(value)


def _name(value: Any) -> str:
    return _matching(value, NAME) if value else ""


def _warning(given: Any) -> dict[str, Any]:
    kinds = (str, int, float, bool)
    return {checks.text(name): value for name, value in given.items() if isinstance(value, kinds)}
