"""
Counts and bytes of uploads, by group and storage class.

A *row* is flat, because a sweep has a hundred thousand of them: `[slot, uploads, bytes, size_unknown, slot, …]`. A slot
names a group and a storage class, such as `freed STANDARD`. bytes: of the uploads whose size is known.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from cos_sweeper.core.price import Price

FREED, LEFT, FAILED, KEPT, GONE = "freed", "left", "failed", "kept", "gone"
# Abandoned uploads that a run saw, by what happened to them.
FOUND = (FREED, LEFT, FAILED)
GROUPS = (*FOUND, KEPT)
# The slot of what a row holds for rows that were folded into it. Its figures are part of the other slots, too.
FOLDED = "~"
WIDTH = 4

Row = list[Any]


def slot_of(group: str, storage_class: str) -> str:
    """The slot of a group and a storage class."""
    return f"{group} {storage_class}"


def quads(row: Row, start: int = 0) -> Iterator[tuple[str, int, int, int]]:
    """The slots of a row with their figures."""
    for index in range(start, len(row), WIDTH):
        yield row[index], row[index + 1], row[index + 2], row[index + 3]


def add_to(row: Row, start: int, slot: str, uploads: int, size: int, unknown: int) -> None:
    """Add figures to a row. start: where its slots begin."""
    for index in range(start, len(row), WIDTH):
        if row[index] == slot:
            row[index + 1] += uploads
            row[index + 2] += size
            row[index + 3] += unknown
            return
    row += (slot, uploads, size, unknown)


def totals_of(row: Row, start: int = 0) -> tuple[int, int, int]:
    """Uploads, bytes and unknown sizes of a whole row."""
    if len(row) == start + WIDTH:
        return row[start + 1], row[start + 2], row[start + 3]
    uploads = size = unknown = 0
    for slot, *figures in quads(row, start):
        if slot != FOLDED:
            uploads, size, unknown = uploads + figures[0], size + figures[1], unknown + figures[2]
    return uploads, size, unknown


class Measure:
    """Uploads and bytes by storage class: what the reports call a measure."""

    __slots__ = ("sizes", "unknown", "uploads")

    def __init__(self) -> None:
        self.uploads = 0
        self.unknown = 0
        self.sizes: dict[str, int] = {}

    def add(self, storage_class: str, uploads: int, size: int, unknown: int) -> None:
        """Add so many uploads of one class; a negative number takes them away."""
        self.uploads += uploads
        self.unknown += unknown
        self.sizes[storage_class] = self.sizes.get(storage_class, 0) + size

    def plus(self, other: "Measure", sign: int = 1) -> None:
        """Add another measure, or take it away."""
        self.uploads += sign * other.uploads
        self.unknown += sign * other.unknown
        for storage_class, size in other.sizes.items():
            self.sizes[storage_class] = self.sizes.get(storage_class, 0) + sign * size

    @property
    def bytes(self) -> int:
        """Of all classes."""
        return sum(self.sizes.values())

    def as_json(self, price: Price | None) -> dict[str, Any]:
        """As report.json has it. per_month: None without a price."""
        return {
            "uploads": self.uploads,
            "bytes": self.bytes,
            "size_unknown": self.unknown,
            "per_month": price.of(self.sizes) if price else None,
        }


class Groups:
    """A measure for each of the groups freed, left, failed and kept."""

    __slots__ = ("measures",)

    def __init__(self) -> None:
        self.measures = {group: Measure() for group in GROUPS}

    def add_row(self, row: Row, start: int = 0) -> None:
        """Add the slots of a row."""
        for slot, uploads, size, unknown in quads(row, start):
            if slot != FOLDED:
                group, _, storage_class = slot.partition(" ")
                self.measures[group].add(storage_class, uploads, size, unknown)

    def plus(self, other: "Groups", sign: int = 1) -> None:
        """Add other groups, or take them away."""
        for group, measure in self.measures.items():
            measure.plus(other.measures[group], sign)

    def minus_all(self, others: Iterable["Groups"]) -> "Groups":
        """What remains after these are taken away."""
        rest = Groups()
        rest.plus(self)
        for other in others:
            rest.plus(other, -1)
        return rest

    @property
    def weight(self) -> tuple[int, int]:
        """What tables are ordered by: bytes, then uploads."""
        measures = self.measures.values()
        return sum(one.bytes for one in measures), sum(one.uploads for one in measures)

    def as_json(self, price: Price | None) -> dict[str, Any]:
        """As report.json has them."""
        return {group: measure.as_json(price) for group, measure in self.measures.items()}
