"""
Tables with bars, as values: for a terminal of some width, or as plain lines with tabs.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.box import Box
from rich.table import Table as RichTable
from rich.text import Text

# A line under the heads, and nothing else.
LINES = Box("    \n    \n ── \n    \n    \n    \n    \n    \n")
EIGHTHS = " ▏▎▍▌▋▊▉"
FULL = "█"
MIN_BAR, MAX_BAR = 8, 32
BAR_ROOM = 4


@dataclass(frozen=True, slots=True)
class Bar:
    """parts: (style, size); whole: what the full width stands for."""

    parts: tuple[tuple[str, float], ...]
    whole: float


Cell = str | Text | Bar


@dataclass(frozen=True, slots=True)
class Column:
    """head: '' for a bar. is_number: on the right. is_elastic: it is shortened where the terminal is narrow."""

    head: str
    is_number: bool = False
    is_elastic: bool = False
    # A narrow terminal leaves it out.
    min_width: int = 0


@dataclass(slots=True)
class Table:
    """title: '' for none. note: a line below, '' for none."""

    title: str
    columns: Sequence[Column]
    rows: list[Sequence[Cell]] = field(default_factory=list)
    note: str = ""

    def add(self, *cells: Cell) -> None:
        """Add a row."""
        self.rows.append(cells)


def as_rich(table: Table, width: int) -> RichTable:
    """The table for a terminal."""
    shown = [index for index, column in enumerate(table.columns) if column.min_width <= width]
    room = width - sum(_widest(table, index) + 2 for index in shown if not _is_bar(table, index))
    bar_width = max(MIN_BAR, min(MAX_BAR, room - BAR_ROOM))
    made = RichTable(
        title=Text(table.title) if table.title else None,
        caption=Text(table.note) if table.note else None,
        title_style="heading",
        title_justify="left",
        caption_style="quiet",
        caption_justify="left",
        box=LINES,
        header_style="quiet",
        border_style="quiet",
        pad_edge=False,
        show_edge=False,
        padding=(0, 1),
    )
    for index in shown:
        column = table.columns[index]
        made.add_column(
            Text(column.head),
            justify="right" if column.is_number else "left",
            no_wrap=not column.is_elastic,
            overflow="fold" if column.is_elastic else "ellipsis",
            min_width=bar_width if _is_bar(table, index) else None,
        )
    for row in table.rows:
        made.add_row(*(_rich(row[index], bar_width) for index in shown))
    return made


def as_lines(table: Table) -> list[str]:
    """The table as lines with tabs, without bars: the title, the heads, the rows, the note."""
    columns = [index for index in range(len(table.columns)) if not _is_bar(table, index)]
    lines = [f"# {table.title}"] if table.title else []
    if any(table.columns[index].head for index in columns):
        lines.append("\t".join(table.columns[index].head for index in columns))
    lines += ["\t".join(_plain(row[index]) for index in columns) for row in table.rows]
    return [*lines, *([f"# {table.note}"] if table.note else [])]


def bar(parts: Sequence[tuple[str, float]], whole: float, width: int) -> Text:
    """A bar of blocks, with eighths at its end. What exists is at least one eighth."""
    text, drawn = Text(), 0
    edges: list[tuple[str, int]] = []
    total = 0.0
    for style, size in parts:
        total += size
        edges.append((style, _eighths(total, whole, width, drawn=edges[-1][1] if edges else 0, exists=size > 0)))
    for style, edge in edges:
        count = edge - drawn
        if count <= 0:
            continue
        # Within one character only one colour fits, so a part begins on whole characters.
        blocks, rest = divmod(count, 8)
        is_last = edge == edges[-1][1]
        text.append(FULL * blocks + (EIGHTHS[rest] if rest and is_last else FULL if rest else ""), style)
        drawn += (blocks + bool(rest)) * 8
    return text


def shown_key(text: str) -> str:
    """A text from outside, such as a key, without what a terminal would obey."""
    return "".join(
        character if character.isprintable() or character == " " else _escaped(character) for character in text
    )


def _eighths(total: float, whole: float, width: int, *, drawn: int, exists: bool) -> int:
    edge = round(8 * width * min(1.0, total / whole)) if whole else 0
    return max(edge, drawn + 1) if exists else edge


def _escaped(character: str) -> str:
    if unicodedata.category(character) == "Cs":
        # A byte that is not UTF-8, as `surrogateescape` carries it.
        return f"\\x{ord(character) & 0xFF:02x}"
    return character.encode("unicode_escape").decode()


def _is_bar(table: Table, index: int) -> bool:
    return any(isinstance(row[index], Bar) for row in table.rows)


def _widest(table: Table, index: int) -> int:
    cells = [_plain(row[index]) for row in table.rows]
    return max(Text(one).cell_len for one in (table.columns[index].head, *cells))


def _rich(cell: Cell, width: int) -> Text:
    if isinstance(cell, Bar):
        return bar(cell.parts, cell.whole, width)
    return cell if isinstance(cell, Text) else Text(cell)


def _plain(cell: Cell) -> str:
    if isinstance(cell, Bar):
        return ""
    return (cell.plain if isinstance(cell, Text) else cell).replace("\t", " ").replace("\n", " ").replace("\u00a0", " ")
