"""
Tables with bars, as values: for a terminal of some width, or as plain lines with tabs.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from rich.box import Box
from rich.table import Table as RichTable
from rich.text import Text

# A line under the heads, and nothing else.
LINES = Box("    \n    \n ── \n    \n    \n    \n    \n    \n")
EIGHTHS = " ▏▎▍▌▋▊▉"
FULL = "█"
# Characters of a long text in a terminal.
LONG = 14
MIN_BAR, MAX_BAR = 8, 32
# Between two columns.
GAP = 2


@dataclass(frozen=True, slots=True)
class Bar:
    """parts: (style, size); whole: what the full width stands for."""

    parts: tuple[tuple[str, float], ...]
    whole: float


@dataclass(frozen=True, slots=True)
class Long:
    """A long text, such as an upload id, of which a narrow terminal shows the beginning and the end."""

    text: str

    @property
    def short(self) -> str:
        """What a terminal shows."""
        return self.text if len(self.text) <= LONG else f"{self.text[: LONG - 7]}…{self.text[-6:]}"


Cell = str | Text | Bar | Long


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
    room = width - sum(_widest(table, index) + GAP for index in shown if not _is_bar(table, index))
    is_whole = room >= 0
    bar_width = max(MIN_BAR, min(MAX_BAR, room))
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
        show_header=any(column.head for column in table.columns),
        pad_edge=False,
        show_edge=False,
        padding=(0, 1, 0, 0),
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
        made.add_row(*(_rich(row[index], bar_width, is_whole=is_whole) for index in shown))
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
    """A bar of blocks, exact to an eighth of one. What exists is at least an eighth long."""
    text, total = Text(), sum(size for _, size in parts)
    if not total or not whole:
        return text
    length = max(1, round(8 * width * min(1.0, total / whole)))
    edges = list(accumulate(size for _, size in parts))
    for start in range(0, length, 8):
        end = min(start + 8, length)
        # In one block only one colour fits: that of the part in its middle.
        middle = (start + end) / 2 / length * total
        style = next(style for (style, _), edge in zip(parts, edges, strict=True) if edge >= middle)
        text.append(FULL if end - start == 8 else EIGHTHS[end - start], style)
    return text


def shown_key(text: str) -> str:
    """A text from outside, such as a key, without what a terminal would obey."""
    return "".join(
        character if character.isprintable() or character == " " else _escaped(character) for character in text
    )


def safe(text: Text) -> Text:
    """A text without what a terminal would obey, wherever it is from. Our own line ends and fixed spaces stay."""
    if text.plain.replace("\n", "").replace("\u00a0", "").isprintable():
        return text
    shown = "".join(one if one in "\n\u00a0" else shown_key(one) for one in text.plain)
    return Text(shown, text.style)


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


def _rich(cell: Cell, width: int, *, is_whole: bool) -> Text:
    if isinstance(cell, Bar):
        return bar(cell.parts, cell.whole, width)
    if isinstance(cell, Long):
        return safe(Text(cell.text if is_whole else cell.short))
    return safe(cell if isinstance(cell, Text) else Text(cell))


def _plain(cell: Cell) -> str:
    if isinstance(cell, Bar):
        return ""
    cell = cell.text if isinstance(cell, Long) else cell
    plain = cell.plain if isinstance(cell, Text) else cell
    return safe(Text(plain.replace("\t", " ").replace("\n", " ").replace("\u00a0", " "))).plain
