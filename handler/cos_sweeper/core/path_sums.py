"""
Sums by path, exact up to a limit of paths.

New figures go to a dict, the hot rows. When it is full it becomes a run. Reading merges the runs and the hot rows and
adds up the rows of one path.

Beyond the limit, in rows or in bytes, the smallest rows are folded into their parents. Folding only moves figures up,
so every total stays exact. A path loses at most the size of the largest folded row, and once in each fold. `bound` is
the sum of these sizes: no path holds more bytes beyond what it shows. A row into which others were folded has a slot
FOLDED, and every path below it may be incomplete.
"""

from collections.abc import Iterable, Iterator
from heapq import merge

from cos_sweeper.core.runs import Run, fold_into, joined, line_of, write_run
from cos_sweeper.core.sums import FOLDED, Row, add_to, quads, totals_of

LIMIT = 100_000
# After a fold so much of the limit is in use, so that the next new path does not fold again.
FILL_AFTER_FOLD = 0.9
# The sizes of so many rows show which rows are small.
SAMPLE = 6000
UNLIMITED = 1 << 60
HOT_ROWS = 8192
MAX_RUNS = 32
# Compressed rows. A hundred thousand paths of usual length have a third of it; with long names fewer paths stay exact.
MAX_BYTES = 4 << 20


class PathSums:
    """limit: how many paths are exact. bound: bytes that a path may lack, 0 until the limit is passed."""

    __slots__ = ("bound", "hot", "limit", "runs")

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self.bound = 0
        self.hot: dict[str, Row] = {}
        self.runs: list[Run] = []

    def add(self, path: str, slot: str, size: int, unknown: int) -> None:
        """Count one upload."""
        row = self.hot.get(path)
        if row is None:
            self.put(path, [slot, 1, size, unknown])
        elif row[0] == slot:
            row[1] += 1
            row[2] += size
            row[3] += unknown
        else:
            add_to(row, 0, slot, 1, size, unknown)

    def put(self, path: str, row: Row) -> None:
        """Add a row, without its path."""
        known = self.hot.get(path)
        if known is not None:
            for quad in quads(row):
                add_to(known, 0, *quad)
            return
        if len(self.hot) >= HOT_ROWS:
            self._cool()
        self.hot[path] = row

    def rows(self) -> Iterator[Row]:
        """Every path once, in order, with its slots in order."""
        return joined(merge(*(run.rows() for run in self.runs), self._hot_rows()))

    def lines(self) -> Iterator[str]:
        """Lines of JSON without line breaks; a path can occur several times."""
        for run in self.runs:
            for block in run.blocks():
                yield from block[:-1].split("\n")
        for row in self._hot_rows():
            yield line_of(row)

    def merge(self, other: "PathSums") -> None:
        """Add the other's sums. Its runs are shared."""
        self.bound += other.bound
        self.runs += other.runs
        for path, row in other.hot.items():
            self.put(path, [*row])
        self._compact_if_large()

    def minus(self, earlier: "PathSums", group: str) -> "PathSums":
        """The group's part of these sums that is not yet in the earlier ones."""
        rest = PathSums(self.limit)
        rest.bound = self.bound + earlier.bound
        rows = joined(merge(_signed(self.rows(), group, 1), _signed(earlier.rows(), group, -1)))
        while True:
            # A fold in between moved figures up: what a path lacks then, its parent has.
            lacking: list[Row] = []
            rest.replace(write_run(_without(rows, lacking)))
            if not lacking:
                return rest
            for path, *row in lacking:
                rest.put(fold_into(path) or path, row)
            rows = rest.rows()

    def compact(self) -> None:
        """Merge all rows into one run, and fold while there are more than the limit."""
        while True:
            sizes: list[int] = []
            self.replace(write_run(_sampling(self.rows(), sizes, max(1, self.limit // SAMPLE))))
            limit = self._rows_within_bytes()
            excess = self.runs[0].count - limit
            if excess <= 0 or not sizes:
                return
            self._fold(excess + int(limit * (1 - FILL_AFTER_FOLD)), sorted(sizes))
            if sum(run.count for run in self.runs) + len(self.hot) <= limit:
                return

    def _rows_within_bytes(self) -> int:
        """How many rows may stay: the limit, or fewer where they are long."""
        (run,) = self.runs
        if self.limit == UNLIMITED:
            return self.limit
        return min(self.limit, run.count * MAX_BYTES // len(run.data)) if len(run.data) > MAX_BYTES else self.limit

    def replace(self, run: Run) -> None:
        """Hold this run, and nothing else."""
        self.runs, self.hot = [run], {}

    def _hot_rows(self) -> Iterator[Row]:
        return ([path, *row] for path, row in sorted(self.hot.items()))

    def _cool(self) -> None:
        """Make a run of the hot rows."""
        self.runs.append(write_run(self._hot_rows()))
        self.hot.clear()
        self._compact_if_large()

    def _compact_if_large(self) -> None:
        rows = sum(run.count for run in self.runs)
        size = sum(len(run.data) for run in self.runs)
        is_large = rows > 2 * self.limit or size > 2 * MAX_BYTES
        if len(self.runs) > MAX_RUNS or (len(self.runs) > 1 and is_large):
            self.compact()

    def _fold(self, count: int, sizes: list[int]) -> None:
        """Fold about so many of the smallest rows into their parents. sizes: a sample, in order."""
        run = self.runs[0]
        threshold = sizes[min(len(sizes) - 1, count * len(sizes) // run.count)]
        folded = PathSums(UNLIMITED)
        self.replace(write_run(_folding(run.rows(), folded, threshold, count)))
        self.runs += folded.runs
        self.hot = folded.hot
        self.bound += threshold


def _sampling(rows: Iterable[Row], sizes: list[int], every: int) -> Iterator[Row]:
    """The rows. Of those that can be folded, the size of every so many goes to `sizes`."""
    number = 0
    for row in rows:
        if fold_into(row[0]) is not None:
            if number % every == 0:
                sizes.append(totals_of(row, 1)[1])
            number += 1
        yield row


def _folding(rows: Iterable[Row], folded: PathSums, threshold: int, count: int) -> Iterator[Row]:
    """The rows that stay. So many of the others go to `folded`, under their parents."""
    for row in rows:
        uploads, size, unknown = totals_of(row, 1)
        above = fold_into(row[0])
        if above is None or size > threshold or count <= 0:
            yield row
            continue
        count -= 1
        slots = [figure for quad in quads(row, 1) if quad[0] != FOLDED for figure in quad]
        folded.put(above, [*slots, FOLDED, uploads, size, unknown])


def _signed(rows: Iterable[Row], group: str, sign: int) -> Iterator[Row]:
    """The slots of one group, negative where they are to be taken away, and the marks of what was folded."""
    for row in rows:
        found = [
            figure
            for slot, *figures in quads(row, 1)
            if slot.partition(" ")[0] == group or (slot == FOLDED and sign > 0)
            for figure in (slot, *(sign * number for number in figures))
        ]
        if found:
            yield [row[0], *found]


def _without(rows: Iterable[Row], lacking: list[Row]) -> Iterator[Row]:
    """The rows that hold something. Those with a negative figure go to `lacking`, unless they have no parent."""
    for row in rows:
        held = [quad for quad in quads(row, 1) if quad[0] != FOLDED]
        if any(min(quad[1:]) < 0 for quad in held) and fold_into(row[0]) is not None:
            lacking.append([row[0], *(figure for quad in held for figure in quad)])
        elif any(any(quad[1:]) for quad in held):
            yield row
