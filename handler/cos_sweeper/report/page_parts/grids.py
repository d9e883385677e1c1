"""
The two pictures of age and idle time: what is open now, and what another policy would abort.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from cos_sweeper.report.page_parts import groups
from cos_sweeper.report.page_parts.commands import between
from cos_sweeper.report.page_parts.groups import Json, Sum

STEPS = 6


@dataclass(frozen=True, slots=True)
class Cell:
    """
    One field of the matrix. heat: 0 to STEPS. frame: the sides at which the abandoned part ends, such as 'tl'.

    is_kept: old, and a part arrived recently. is_possible: an upload cannot be idle for longer than it is old.
    """

    sum: Sum
    heat: int
    frame: str
    is_kept: bool
    is_abandoned: bool
    is_possible: bool
    command: str


@dataclass(frozen=True, slots=True)
class Band:
    """A row of the matrix. unread: uploads of this age whose parts were not read, so that no idle time is known."""

    label: str
    cells: tuple[Cell, ...]
    unread: int

    @property
    def is_unread(self) -> bool:
        """Whether nothing is known of this age."""
        return bool(self.unread) and not any(cell.sum.uploads for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Matrix:
    """Age down, idle time across."""

    columns: tuple[str, ...]
    rows: tuple[Band, ...]
    corner: Sum
    age_unknown: Sum
    unread: int
    read: int
    largest: int


@dataclass(frozen=True, slots=True)
class Alternative:
    """What a policy would abort; None values where this run cannot know. active: uploads that still receive parts."""

    age: int
    idle: int
    uploads: int
    bytes: int
    active: int
    is_known: bool
    is_current: bool
    command: str
    size_unknown: int = 0


def labels(edges: Sequence[int]) -> tuple[str, ...]:
    """Names of the bands; exactly at an edge belongs to the band below it."""
    middle = (f"{low}–{high}" for low, high in pairwise(edges))
    return (f"≤ {edges[0]}", *middle, f"> {edges[-1]}")


def matrix(report: Json) -> Matrix:
    """The matrix of a report, framed where its policy aborts."""
    data = report["matrix"]
    ages, idles = data["age_days"], data["idle_days"]
    sums = [[groups.read(cell) for cell in row] for row in data["cells"]]
    found = [[cell["uploads"] > 0 for cell in row] for row in data["found"]]
    largest = max((cell.bytes for row in sums for cell in row), default=0)
    shape = _Shape(report["settings"], ages, idles, found, report["as_of"])
    rows = [
        Band(label, tuple(shape.cell(i, j, sum_, largest) for j, sum_ in enumerate(row)), unread)
        for i, (label, row, unread) in enumerate(zip(labels(ages), sums, data["unread"], strict=True))
    ]
    read = sum(cell.uploads for row in sums for cell in row)
    return Matrix(
        labels(idles),
        tuple(rows),
        groups.read(data["corner"]),
        groups.read(data["age_unknown"]),
        sum(data["unread"]),
        read,
        largest,
    )


class _Shape:
    """Which fields of the matrix the policy aborts, and which it keeps although they are old."""

    def __init__(
        self, settings: Json, ages: Sequence[int], idles: Sequence[int], found: list[list[bool]], as_of: str
    ) -> None:
        self.from_age = [0, *ages]
        self.to_age = [*ages, math.inf]
        self.from_idle = [0, *idles]
        self.to_idle = [*idles, math.inf]
        self.min_age = settings["min_age_hours"] / 24
        self.min_idle = settings["min_idle_hours"] / 24
        self.found = found
        self.as_of = as_of

    def cell(self, i: int, j: int, sum_: Sum, largest: int) -> Cell:
        heat = math.ceil(STEPS * math.sqrt(sum_.bytes / largest)) if largest else 0
        inside = self.aborts(i, j)
        sides = {"t": (i - 1, j), "r": (i, j + 1), "b": (i + 1, j), "l": (i, j - 1)}
        frame = "".join(side for side, place in sides.items() if inside and not self.aborts(*place))
        return Cell(sum_, heat, frame, self.keeps(i, j), inside, self.is_possible(i, j), self.command(i, j))

    def command(self, i: int, j: int) -> str:
        """What finds the records of a field."""
        return between(self.as_of, _open(self.from_age[i], self.to_age[i]), _open(self.from_idle[j], self.to_idle[j]))

    def is_possible(self, i: int, j: int) -> bool:
        return self.from_idle[j] < self.to_age[i]

    def aborts(self, i: int, j: int) -> bool:
        if not (0 <= i < len(self.from_age) and 0 <= j < len(self.from_idle) and self.is_possible(i, j)):
            return False
        in_policy = self.from_age[i] >= self.min_age and self.from_idle[j] >= self.min_idle
        return in_policy or self.found[i][j]

    def keeps(self, i: int, j: int) -> bool:
        return self.from_age[i] >= self.min_age and self.to_idle[j] <= self.min_idle and self.is_possible(i, j)


def _open(low: float, high: float) -> tuple[float | None, float | None]:
    """A band without the limits that are none."""
    return low or None, None if math.isinf(high) else high


def policies(report: Json) -> list[list[Alternative]]:
    """One row for each age, one alternative for each idle time."""
    data, settings = report["policies"], report["settings"]
    current = (settings["min_age_hours"] / 24, settings["min_idle_hours"] / 24)
    return [
        [
            _alternative(age, idle, cell, is_current=(age, idle) == current, as_of=report["as_of"])
            for idle, cell in zip(data["idle_days"], row, strict=True)
        ]
        for age, row in zip(data["age_days"], data["cells"], strict=True)
    ]


def _alternative(age: int, idle: int, cell: Json | None, *, is_current: bool, as_of: str) -> Alternative:
    known = cell or {"uploads": 0, "bytes": 0, "active": 0}
    command = between(as_of, (age or None, None), (idle or None, None), by_policy=True)
    return Alternative(
        age, idle, known["uploads"], known["bytes"], known["active"], cell is not None, is_current, command
    )
