"""
Sections of aligned text.

Takes rows, returns lines; measures nothing and prints nothing.
"""

from collections.abc import Iterable, Sequence

from tests.bench.rows import Row

MIB = 1 << 20
NAME = 47


def section(title: str, note: str = "") -> list[str]:
    """A section's heading."""
    return ["", title, *([f"  {note}"] if note else [])]


def aborts(rows: Sequence[Row], limit: Row, ours: Row) -> list[str]:
    """
    A section of aborts.

    Its last column is how often ours goes into it: more than one where ours is ahead.
    """
    head = ("aborts/s", "of limit", "CPU/abort", "of limit", "peak mem.", "server", "ours ahead")
    lines = [f"  {'':<{NAME}}{_cells(head)}"]
    for row in rows:
        if row.figures is None:
            lines.append(f"  {row.name:<{NAME}}  {row.why}")
            continue
        cells = (
            f"{row.rate:,.0f}",
            f"{row.rate / limit.rate:.2f}" if limit.rate else "?",
            f"{row.figures.cpu_us:,.0f} µs",
            f"{row.figures.cpu_us / limit.figures.cpu_us:,.1f} ×" if limit.figures else "?",
            f"{row.figures.peak_bytes / MIB:.1f} MiB",
            f"{row.server_busy:.0%}",
            f"{ours.rate / row.rate:.2f} ×" if row is not limit else "",
        )
        lines.append(f"  {row.name:<{NAME}}{_cells(cells)}")
    return lines


def grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a name and cells under a heading of the same shape."""
    return [f"  {name:<{NAME}}{_cells(cells)}" for name, *cells in (head, *rows)]


def _cells(cells: Iterable[str]) -> str:
    return "".join(f" {cell:>10}" for cell in cells)
