"""
The prefixes as rows that open level by level, and the place that leaks most.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from cos_sweeper.report.page_parts import groups
from cos_sweeper.report.page_parts.groups import Json, Segment, Sum

# A row with at least this share of all bytes starts open.
OPEN_SHARE = 0.2
# A row with less than this share of all bytes has no row of its own.
SMALL_SHARE = 0.002
MAX_DEPTH = 24
# So many buckets show at first.
MAX_BUCKETS = 20
# A prefix answers for its parent if it has at least this share of it.
MAIN_SHARE = 1 / 3


@dataclass(frozen=True, slots=True)
class Row:
    """
    A bucket or a prefix. prefix: the whole one; name: its last level. is_open: whether its children show at first.

    others: how many prefixes are summed up in `other`, the row of all that are too small to be named. direct: uploads
    whose keys end at this level, where the account does not name them. A row without a name is just that.
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
    direct: "Row | None" = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where it leaks. is_spread: there are levels below it, and none of them answers for it."""

    bucket: str
    prefix: str
    sum: Sum
    is_spread: bool


class Tree:
    """The tree of a report. with_kept: an inventory's, which has all open uploads."""

    def __init__(self, report: Json, limit: int) -> None:
        self.with_kept = report["kind"] == "inventory"
        # The answers are about what is abandoned; about all that is open where nothing is.
        self.answers_kept = self.with_kept and not report["totals"]["found"]["uploads"]
        nodes = report["prefixes"]["tree"]
        self.root = shaped({"children": nodes, "other": report["prefixes"]["other"]}, chosen(nodes, limit, self.size))
        self.nodes: Sequence[Json] = self.root["children"]
        sizes = [self.size(node) for node in nodes]
        self.scale = max(sizes, default=0)
        self.all = sum(sizes)
        self.has_size = any(self.weight(node)[0] for node in nodes)

    def size(self, node: Json) -> int:
        """The bytes of a node."""
        return groups.found(node, with_kept=self.with_kept).bytes

    def rows(self) -> tuple[Row, ...]:
        """One row for each of the first buckets."""
        return tuple(self._row(node) for node in self.nodes[:MAX_BUCKETS])

    def rest(self) -> Row | None:
        """One row for all other buckets, which opens. It has no bar: it can be longer than the scale."""
        nodes = self.nodes[MAX_BUCKETS:]
        if not nodes:
            return None
        all_ = reduce(groups.add, nodes)
        return replace(self._other(all_), bar=(), others=len(nodes), children=tuple(self._row(node) for node in nodes))

    def other(self) -> tuple[int, Row] | None:
        """How many buckets are too small to be named, and their sum."""
        other = self.root["other"]
        return (other["prefixes"], replace(self._other(other), bar=())) if other else None

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
            self._direct(node),
        )

    def _direct(self, node: Json) -> Row | None:
        below = [*node["children"], *([node["other"]] if node["other"] else [])]
        rest: Json = node
        for part in below:
            rest = groups.less(rest, part)
        is_exact = all(rest[name][field] >= 0 for name in groups.GROUPS for field in ("uploads", "bytes"))
        has_some = groups.found(rest, with_kept=self.with_kept).uploads
        return self._other(rest) if below and is_exact and has_some else None

    def _other(self, other: Json) -> Row:
        bar = groups.bar(other, self.scale, with_kept=self.with_kept)
        return Row("", "", "", groups.found(other, with_kept=self.with_kept), bar)

    def places(self) -> list[Place]:
        """The two places that leak most, the worst first; neither is inside of the other."""
        if not self.nodes:
            return []
        path = self._path(max(self.nodes, key=self.weight))
        beside = [node for parent in path[:-1] for node in parent["children"] if node not in path]
        beside += [node for node in self.nodes if node is not path[0]]
        ends = [self._path(node)[-1] for node in beside]
        worst = heapq.nlargest(2, [path[-1], *ends], key=self.weight)
        return [self._place(node) for node in worst if self._measure(node)]

    def weight(self, node: Json) -> tuple[int, int]:
        """What makes one node worse than another: bytes, then uploads."""
        sum_ = groups.found(node, with_kept=self.answers_kept)
        return sum_.bytes, sum_.uploads

    def _path(self, node: Json) -> list[Json]:
        """From a node down to where no child answers for its parent."""
        path = [node]
        while path[-1]["children"]:
            child = max(path[-1]["children"], key=self.weight)
            if not child["name"] or self._measure(child) < MAIN_SHARE * self._measure(path[-1]):
                break
            path.append(child)
        return path

    def _measure(self, node: Json) -> int:
        size, uploads = self.weight(node)
        return size if self.has_size else uploads

    def _place(self, node: Json) -> Place:
        sum_ = groups.found(node, with_kept=self.answers_kept)
        return Place(node["bucket"], node["prefix"], sum_, bool(node["children"]))


def chosen(nodes: Sequence[Json], limit: int, size: Callable[[Json], int]) -> set[int]:
    """
    The ids of the nodes that are worth a row of their own: the `limit` largest, and none that is tiny.

    A parent is never smaller than its child, and of equal ones the parent wins: it comes first.
    """
    every = list(walk(nodes))
    smallest = SMALL_SHARE * sum(map(size, nodes))
    return {id(node) for node in heapq.nlargest(limit, every, key=size) if size(node) >= smallest}


def walk(nodes: Iterable[Json]) -> Iterator[Json]:
    """Every node, parents first."""
    todo = list(nodes)
    while todo:
        node = todo.pop()
        yield node
        todo += node["children"]


def shaped(node: Json, rows: set[int], depth: int = MAX_DEPTH) -> Json:
    """A node with only the children that have rows; the rest is added to its `other`, so that nothing is lost."""
    node = joined(node)
    has_row = [child for child in node["children"] if depth and id(child) in rows]
    dropped = [child for child in node["children"] if not (depth and id(child) in rows)]
    if len(dropped) == 1 and node["other"] is None and rows and depth:  # one row is as long as "1 other"
        has_row, dropped = node["children"], []
    other = node["other"]
    for child in dropped:
        before = NOTHING if other is None else other
        other = {"prefixes": before["prefixes"] + 1, **groups.add(before, child)}
    return {**node, "children": [shaped(child, rows, depth - 1) for child in has_row], "other": other}


def joined(node: Json) -> Json:
    """A prefix as one row with its only child, as long as it holds nothing else: `a/b/`."""
    while node.get("prefix") and node["other"] is None and len(node["children"]) == 1:
        (child,) = node["children"]
        if not child["name"] or any(child[name]["uploads"] != node[name]["uploads"] for name in groups.GROUPS):
            break
        node = {**child, "name": node["name"] + child["name"], "at_least": node["at_least"] or child["at_least"]}
    return node


NONE = {"uploads": 0, "bytes": 0, "size_unknown": 0, "per_month": 0.0}
NOTHING: Json = {"prefixes": 0, **dict.fromkeys(groups.GROUPS, NONE)}
