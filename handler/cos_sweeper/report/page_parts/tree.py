"""
The prefixes as rows that open level by level, and the place that leaks most.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cos_sweeper.report.page_parts import groups
from cos_sweeper.report.page_parts.groups import Json, Segment, Sum

# A row with at least this share of all bytes starts open.
OPEN_SHARE = 0.2
# A prefix answers for its parent if it has at least this share of it.
MAIN_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Row:
    """
    A bucket or a prefix. prefix: the whole one; name: its last level. is_open: whether its children show at first.

    others: how many prefixes are summed up in `other`, the row of all that are too small to be named.
    """

    name: str
    prefix: str
    bucket: str
    sum: Sum
    bar: tuple[Segment, ...]
    is_open: bool = False
    children: tuple["Row", ...] = ()
    other: "Row | None" = None
    others: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where it leaks. is_spread: there are levels below it, and none of them has most of it."""

    bucket: str
    prefix: str
    sum: Sum
    is_spread: bool


class Tree:
    """The tree of a report. with_kept: an inventory's, which has all open uploads."""

    def __init__(self, report: Json, limit: int) -> None:
        self.with_kept = report["kind"] == "inventory"
        nodes = report["prefixes"]["tree"]
        kept = largest(nodes, limit, self.size)
        root = {"children": nodes, "other": None}
        self.root = root if kept is None else pruned(root, kept)
        self.nodes: Sequence[Json] = self.root["children"]
        sizes = [self.size(node) for node in nodes]
        self.scale = max(sizes, default=0)
        self.all = sum(sizes)

    def size(self, node: Json) -> int:
        """The bytes of a node."""
        return groups.found(node, with_kept=self.with_kept).bytes

    def rows(self) -> tuple[Row, ...]:
        """One row for each bucket."""
        return tuple(self._row(node) for node in self.nodes)

    def other(self) -> tuple[int, Row] | None:
        """How many buckets are too small to be named, and their sum."""
        other = self.root["other"]
        return (other["prefixes"], self._other(other)) if other else None

    def _row(self, node: Json) -> Row:
        sum_ = groups.found(node, with_kept=self.with_kept)
        return Row(
            node["name"],
            node["prefix"],
            node["bucket"],
            sum_.least() if node["at_least"] else sum_,
            groups.bar(node, self.scale, with_kept=self.with_kept),
            sum_.bytes >= OPEN_SHARE * self.all,
            tuple(self._row(child) for child in node["children"]),
            self._other(node["other"]) if node["other"] else None,
            node["other"]["prefixes"] if node["other"] else 0,
        )

    def _other(self, other: Json) -> Row:
        bar = groups.bar(other, self.scale, with_kept=self.with_kept)
        return Row("", "", "", groups.found(other, with_kept=self.with_kept), bar)

    def places(self) -> list[Place]:
        """The place that leaks most, then the next one that is not inside of it or around it."""
        if not self.nodes:
            return []
        path = self._path(max(self.nodes, key=self.weight))
        beside = [node for parent in path[:-1] for node in parent["children"] if node not in path]
        beside += [node for node in self.nodes if node is not path[0]]
        ends = [self._path(node)[-1] for node in beside]
        second = max(ends, key=self.weight, default=None)
        return [self._place(node) for node in (path[-1], second) if node is not None]

    def weight(self, node: Json) -> tuple[int, int]:
        """What makes one node worse than another: bytes, then uploads."""
        sum_ = groups.found(node, with_kept=self.with_kept)
        return sum_.bytes, sum_.uploads

    def _path(self, node: Json) -> list[Json]:
        """From a node down to where no child has most of its parent's bytes."""
        path = [node]
        while path[-1]["children"]:
            child = max(path[-1]["children"], key=self.weight)
            if self._measure(child) < MAIN_SHARE * self._measure(path[-1]):
                break
            path.append(child)
        return path

    def _measure(self, node: Json) -> int:
        sum_ = groups.found(node, with_kept=self.with_kept)
        return sum_.bytes if self.all else sum_.uploads

    def _place(self, node: Json) -> Place:
        return Place(node["bucket"], node["prefix"], groups.found(node, with_kept=self.with_kept), bool(node["children"]))


def walk(nodes: Iterable[Json]) -> Iterator[Json]:
    """Every node, parents first."""
    for node in nodes:
        yield node
        yield from walk(node["children"])


def largest(nodes: Sequence[Json], limit: int, size: Any) -> set[int] | None:
    """
    The ids of the `limit` largest nodes, None where there are not more. A parent is never smaller than its child.

    Of equal ones the parent wins: it comes first.
    """
    every = list(walk(nodes))
    if len(every) <= limit:
        return None
    return {id(node) for node in heapq.nlargest(limit, every, key=size)}


def pruned(node: Json, kept: set[int]) -> Json:
    """A node whose children that are not kept are part of its `other`."""
    children = [pruned(child, kept) for child in node["children"] if id(child) in kept]
    dropped = [child for child in node["children"] if id(child) not in kept]
    other = node["other"]
    for child in dropped:
        sums = {name: child[name] for name in groups.GROUPS}
        before = {"prefixes": 0, **dict.fromkeys(groups.GROUPS, NOTHING)} if other is None else other
        other = {"prefixes": before["prefixes"] + 1, **groups.add(before, sums)}
    return {**node, "children": children, "other": other}


NOTHING = {"uploads": 0, "bytes": 0, "size_unknown": 0, "per_month": 0.0}
