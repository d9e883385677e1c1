"""
The four groups of an account (freed, left, failed, kept) → what a row of the page shows: a sum and a bar.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cos_sweeper.report.page_parts.numbers import percent

Json = Mapping[str, Any]
GROUPS = ("freed", "left", "failed", "kept")
FOUND = GROUPS[:-1]


@dataclass(frozen=True, slots=True)
class Sum:
    """Uploads and bytes. is_least: the true number of bytes may be larger. per_month: None without a price."""

    uploads: int = 0
    bytes: int = 0
    size_unknown: int = 0
    per_month: float | None = None
    is_least: bool = False

    @property
    def has_size(self) -> bool:
        """Whether at least one size is known, or there is nothing to know."""
        return self.size_unknown < self.uploads or bool(self.bytes) or not self.uploads

    def least(self) -> "Sum":
        """The same, marked as a lower bound."""
        return Sum(self.uploads, self.bytes, self.size_unknown, self.per_month, is_least=True)


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a bar: its group, and where it begins and how wide it is in SVG's percent."""

    group: str
    x: str
    width: str


def read(measure: Json) -> Sum:
    """A sum as the report has it."""
    unknown = measure["size_unknown"]
    return Sum(measure["uploads"], measure["bytes"], unknown, measure["per_month"], is_least=bool(unknown))


def total(sums: Iterable[Sum]) -> Sum:
    """All sums as one; without a price if one of them has none."""
    every = list(sums)
    prices = [one.per_month for one in every]
    return Sum(
        sum(one.uploads for one in every),
        sum(one.bytes for one in every),
        sum(one.size_unknown for one in every),
        None if None in prices else sum(price for price in prices if price is not None),
        is_least=any(one.is_least for one in every),
    )


def found(groups: Json, *, with_kept: bool = False) -> Sum:
    """What was abandoned; in an inventory, with all that is open."""
    return total(read(groups[name]) for name in GROUPS if with_kept or name != "kept")


def bar(groups: Json, scale: int, *, with_kept: bool = False) -> tuple[Segment, ...]:
    """The groups beside each other, where `scale` bytes fill the bar."""
    segments, start = [], 0
    for name in GROUPS:
        size = groups[name]["bytes"]
        if size and (with_kept or name != "kept"):
            segments.append(Segment(name, percent(start, scale), percent(size, scale)))
            start += size
    return tuple(segments)


def add(first: Json, second: Json) -> dict[str, Any]:
    """Two groups of sums as one."""
    return {name: _add(first[name], second[name]) for name in GROUPS}


def less(first: Json, second: Json) -> dict[str, Any]:
    """What `first` has more than `second`, without a price."""
    counts = ("uploads", "bytes", "size_unknown")
    return {
        name: {**{count: first[name][count] - second[name][count] for count in counts}, "per_month": None}
        for name in GROUPS
    }


def _add(first: Json, second: Json) -> dict[str, Any]:
    prices = (first["per_month"], second["per_month"])
    counts = {name: first[name] + second[name] for name in ("uploads", "bytes", "size_unknown")}
    return {**counts, "per_month": None if None in prices else sum(prices)}
