"""
The uploads that a report shows one by one: the largest, the oldest, and examples of failures.

Each list keeps the first rows of one order over all their fields, so merging keeps the same rows in any sequence.
"""

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from cos_sweeper.core import account_checks as checks
from cos_sweeper.core.key_text import encoding, shown
from cos_sweeper.core.observation import Observation

MAX_SHOWN = 20
MAX_EXAMPLES = 3
UNKNOWN = -1


NUMBERS = ("bytes", "parts")


class UploadRow(NamedTuple):
    """One upload as a report shows it. Unknown numbers are -1, unknown times ''."""

    bucket: str
    key: str
    upload_id: str
    bytes: int
    parts: int
    initiated: str
    last_part: str
    initiator: str
    storage_class: str
    outcome: str

    def as_json(self, *, hashed: bool) -> dict[str, Any]:
        """As report.json has it."""
        return {
            "bucket": self.bucket,
            "key": shown(self.key),
            "key_encoding": encoding(self.key, hashed=hashed),
            "upload_id": shown(self.upload_id),
            "bytes": None if self.bytes == UNKNOWN else self.bytes,
            "parts": None if self.parts == UNKNOWN else self.parts,
            "initiated": self.initiated or None,
            "last_part": self.last_part or None,
            "initiator": shown(self.initiator),
            "storage_class": self.storage_class,
            "outcome": self.outcome,
        }


def iso(moment: datetime | None) -> str:
    """A time as reports have it, '' without one."""
    return "" if moment is None else moment.isoformat(timespec="seconds")


def row_of(seen: Observation, bucket: str, storage_class: str) -> UploadRow:
    """The row of an observation."""
    parts = seen.seen
    return UploadRow(
        bucket,
        seen.key,
        seen.upload_id,
        UNKNOWN if parts is None else parts.bytes,
        UNKNOWN if parts is None else parts.parts,
        iso(seen.started),
        iso(parts.newest) if parts else "",
        seen.initiator,
        storage_class,
        seen.outcome,
    )


class First:
    """The first so many of what is added, in order."""

    __slots__ = ("items", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.items: list[Any] = []

    def takes(self, start: Any) -> bool:
        """Whether an item that begins with this can be among the first."""
        return len(self.items) < self.limit or start <= self.items[-1][0]

    def add(self, item: Any) -> None:
        """Add it if it is among the first."""
        insort(self.items, item)
        del self.items[self.limit :]

    def merge(self, other: "First") -> None:
        """Add all of the other's."""
        for item in other.items:
            self.add(item)


def _checked(values: list[Any]) -> UploadRow:
    """A row that was stored. Raises ValueError or TypeError for anything else."""
    row = UploadRow(*values)
    for name, value in zip(UploadRow._fields, row, strict=True):
        checks.signed(value) if name in NUMBERS else checks.text(value)
    return row


@dataclass(slots=True)
class Failure:
    """One error code. listings: how many listings failed with it. examples: rows with a status, id and detail."""

    permanent: bool = False
    listings: int = 0
    examples: First = field(default_factory=lambda: First(MAX_EXAMPLES))


@dataclass(slots=True)
class Examples:
    """largest: by (-bytes, row). oldest: by (started, row)."""

    largest: First = field(default_factory=lambda: First(MAX_SHOWN))
    oldest: First = field(default_factory=lambda: First(MAX_SHOWN))
    failures: dict[str, Failure] = field(default_factory=dict)

    def add(self, seen: Observation, bucket: str, storage_class: str) -> None:
        """Look at one upload."""
        if seen.seen is not None and self.largest.takes(-seen.seen.bytes):
            self.largest.add((-seen.seen.bytes, row_of(seen, bucket, storage_class)))
        if seen.started is not None and self.oldest.takes(iso(seen.started)):
            self.oldest.add((iso(seen.started), row_of(seen, bucket, storage_class)))
        if seen.group == "failed":
            self._fail(seen.reason, row_of(seen, bucket, storage_class), seen.example or {})

    def add_listing(self, code: str, bucket: str, example: dict[str, Any]) -> None:
        """Look at a listing that failed."""
        row = UploadRow(bucket, "", "", UNKNOWN, UNKNOWN, "", "", "", "", "listing_failed")
        self._fail(code, row, example)
        self.failures[code].listings += 1

    def merge(self, other: "Examples") -> None:
        """Add the other's."""
        self.largest.merge(other.largest)
        self.oldest.merge(other.oldest)
        for code, theirs in other.failures.items():
            ours = self.failures.setdefault(code, Failure())
            ours.permanent |= theirs.permanent
            ours.listings += theirs.listings
            ours.examples.merge(theirs.examples)

    def aborted_since(self, earlier: "Examples") -> "Examples":
        """The aborted uploads that the earlier lists do not have."""
        rest = Examples()
        for name in ("largest", "oldest"):
            known = getattr(earlier, name).items
            for item in getattr(self, name).items:
                if item not in known and item[1].outcome == "aborted":
                    getattr(rest, name).add(item)
        return rest

    def as_lists(self) -> Iterator[list[Any]]:
        """Everything, as lists that JSON can hold."""
        for rank, row in self.largest.items:
            yield ["largest", rank, row]
        for rank, row in self.oldest.items:
            yield ["oldest", rank, row]
        for code, failure in sorted(self.failures.items()):
            yield ["failure", code, failure.permanent, failure.listings, failure.examples.items]

    def take(self, item: list[Any]) -> None:
        """Add one of these lists."""
        match item:
            case ["failure", code, permanent, listings, examples]:
                failure = self.failures.setdefault(checks.text(code), Failure())
                failure.permanent |= checks.flag(permanent)
                failure.listings += checks.figure(listings)
                for row, status, request_id, detail in examples:
                    facts = checks.signed(status), checks.text(request_id), checks.text(detail)
                    failure.examples.add((_checked(row), *facts))
            case ["largest", rank, row]:
                self.largest.add((checks.signed(rank), _checked(row)))
            case ["oldest", started, row]:
                self.oldest.add((checks.text(started), _checked(row)))
            case _:
                raise ValueError(f"no example: {item[:1]}")

    def _fail(self, code: str, row: UploadRow, example: dict[str, Any]) -> None:
        failure = self.failures.setdefault(code, Failure())
        failure.permanent |= bool(example.get("permanent"))
        if failure.examples.takes(row):
            status = example.get("status")
            facts = (example.get("cos_request_id", ""), example.get("detail", ""))
            failure.examples.add((row, UNKNOWN if status is None else status, *facts))


def failure_example(item: Any, *, hashed: bool) -> dict[str, Any]:
    """One example of a failure, as report.json has it."""
    row, status, request_id, detail = item
    more = {"status": None if status == UNKNOWN else status, "cos_request_id": request_id, "detail": detail}
    return {**row.as_json(hashed=hashed), **more}
