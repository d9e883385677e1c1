"""
The tree of prefixes that a report shows: the largest, at whatever depth they are.

A directory that holds nothing but one other directory is no node of its own. Of all nodes the heaviest stay; a node is
never heavier than the one above it, so the nodes above a node that stays, stay as well. What does not stay is the
`other` of the node above it. So the children of a node and its `other` add up to the node, to the byte.

The rows are read twice, in order, and never held: first for the weights, then for the sums of the nodes that stay.
"""

from bisect import insort
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from cos_sweeper.core.key_text import PERCENT, is_plain, shown
from cos_sweeper.core.price import Price
from cos_sweeper.core.runs import parent
from cos_sweeper.core.sums import FOLDED, Groups, Row, totals_of

MAX_NODES = 200
# The path above all buckets.
ROOT = "\n"

Rank = tuple[int, int, int, str, bool]


@dataclass(slots=True)
class _Open:
    """A directory whose rows are being read. size, uploads: of its subtree; own: of the uploads directly in it."""

    path: str
    size: int = 0
    uploads: int = 0
    own: tuple[int, int] | None = None
    is_folded: bool = False
    children: int = 0


@dataclass(slots=True)
class Node:
    """
    A node that stays. entries: how many nodes are directly below it, whether they stay or not.

    is_direct: not the whole directory, only the uploads directly in it, beside its subdirectories.
    """

    path: str
    is_direct: bool = False
    entries: int = 0
    is_incomplete: bool = False
    groups: Groups = field(default_factory=Groups)
    children: list["Node"] = field(default_factory=list)


class _Heaviest:
    """The heaviest nodes of a subtree that is read in order."""

    def __init__(self) -> None:
        self.ranked: list[tuple[Rank, int]] = []
        self._open = [_Open(ROOT)]
        self.entries = 0

    def read(self, rows: Iterable[Row]) -> None:
        """Read all rows."""
        for row in rows:
            path = row[0]
            while not path.startswith(self._open[-1].path):
                self._close()
            top = self._open[-1].path
            while top != path:
                top = path[: path.index("/", len(top)) + 1]
                self._open.append(_Open(top))
            self._count(self._open[-1], row)
        while len(self._open) > 1:
            self._close()
        self.entries = self._open[0].children + (self._open[0].own is not None)

    def _count(self, node: _Open, row: Row) -> None:
        uploads, size, _ = totals_of(row, 1)
        node.own = (size, uploads)
        node.size += size
        node.uploads += uploads
        node.is_folded = any(slot == FOLDED for slot in row[1::4])

    def _close(self) -> None:
        node, above = self._open.pop(), self._open[-1]
        above.size += node.size
        above.uploads += node.uploads
        above.children += 1
        is_bucket = above.path == ROOT
        if node.own is None and node.children == 1 and not is_bucket:
            return
        depth = node.path.count("/")
        has_direct = node.own is not None and node.children > 0
        self._offer((-node.size, -node.uploads, depth, node.path, False), node.children + has_direct)
        if has_direct and not node.is_folded and node.own:
            self._offer((-node.own[0], -node.own[1], depth + 1, node.path, True), 0)

    def _offer(self, rank: Rank, entries: int) -> None:
        if len(self.ranked) < MAX_NODES or rank < self.ranked[-1][0]:
            insort(self.ranked, (rank, entries))
            del self.ranked[MAX_NODES:]


def tree(read: Callable[[], Iterator[Row]], price: Price | None) -> dict[str, Any]:
    r"""The tree. read: gives the rows by `\n<bucket>/<directory>` in order, each time from the beginning."""
    heaviest = _Heaviest()
    heaviest.read(read())
    root = Node(ROOT, entries=heaviest.entries)
    nodes = {ROOT: root}
    direct: dict[str, Node] = {}
    for (_, _, _, path, is_direct), entries in sorted(heaviest.ranked, key=lambda item: (item[0][3], item[0][4])):
        node = Node(path, is_direct, entries)
        (direct if is_direct else nodes)[path] = node
        (nodes[path] if is_direct else _above(nodes, path)).children.append(node)
    _sum_up(read(), nodes, direct)
    return {"tree": [_as_json(node, ROOT, price) for node in _by_weight(root)], "other": _other(root, price)}


def _above(nodes: dict[str, Node], path: str) -> Node:
    """The nearest node above a path."""
    return next(nodes[at] for at in _paths_to(path) if at != path and at in nodes)


def _paths_to(path: str) -> Iterator[str]:
    """The path and all paths above it, the deepest first."""
    at: str | None = path
    while at is not None:
        yield at
        at = parent(at)


def _sum_up(rows: Iterable[Row], nodes: dict[str, Node], direct: dict[str, Node]) -> None:
    """Add each row to the nodes that stay and contain it."""
    above_nodes = {above for path in nodes for above in _paths_to(path)}
    folded = set()
    for row in rows:
        path = row[0]
        if path in direct:
            direct[path].groups.add_row(row, 1)
        for at in _paths_to(path):
            if at in nodes:
                nodes[at].groups.add_row(row, 1)
        if path in above_nodes and FOLDED in row[1::4]:
            folded.add(path)
    if folded:
        for path, node in nodes.items():
            node.is_incomplete = any(at in folded for at in _paths_to(path) if at != path)
        for path, node in direct.items():
            node.is_incomplete = any(at in folded for at in _paths_to(path))


def _by_weight(node: Node) -> list[Node]:
    return sorted(node.children, key=lambda child: (*(-number for number in child.groups.weight), child.path))


def _as_json(node: Node, above: str, price: Price | None) -> dict[str, Any]:
    bucket, _, prefix = node.path[1:].partition("/")
    name = "" if node.is_direct else bucket if above == ROOT else node.path[len(above) :]
    return {
        "name": shown(name),
        "prefix": shown(prefix),
        **({} if is_plain(prefix) else {"key_encoding": PERCENT}),
        "bucket": bucket,
        **node.groups.as_json(price),
        "at_least": node.is_incomplete,
        "children": [_as_json(child, node.path, price) for child in _by_weight(node)],
        "other": _other(node, price),
    }


def _other(node: Node, price: Price | None) -> dict[str, Any] | None:
    """What the children do not show; None if they show everything, or in a directory whose children all stay away."""
    if node.entries == len(node.children) or not (node.children or node.path == ROOT):
        return None
    rest = node.groups.minus_all(child.groups for child in node.children)
    return {"prefixes": node.entries - len(node.children), **rest.as_json(price)}
