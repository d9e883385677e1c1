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
# What stands for a style where there are no colours.
FILLS = {"freed": "█", "left": "▓", "failed": "▒", "kept": "░"}
# A word up to this length is not broken; a longer one is a key.
WORD = 40
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
    """title: '' for none. note: a line below, '' for none. legend: of bars with several parts."""

    title: str
    columns: Sequence[Column]
    rows: list[Sequence[Cell]] = field(default_factory=list)
    note: str = ""
    # Each style of a part and its name. It is the same for several tables, and one of them shows it.
    legend: Sequence[tuple[str, str]] = ()
    shows_legend: bool = False

    def add(self, *cells: Cell) -> None:
        """Add a row."""
        self.rows.append(cells)


def as_rich(table: Table, width: int, *, has_colours: bool = True) -> RichTable:
    """
    The table for a terminal. Where its columns have no room, each row is a block of lines: nothing is cut.
    """
    # Bars of one kind need no filling of their own.
    has_colours = has_colours or not table.legend
    shown = [index for index, column in enumerate(table.columns) if column.min_width <= width]
    if _least_of_all(table, shown) > width:
        shown = [index for index in shown if not _is_bar(table, index)]
    if _least_of_all(table, shown) > width:
        return _as_blocks(table, shown)
    room = width - sum(_widest(table, index) + GAP for index in shown if not _is_bar(table, index))
    is_whole = room >= 0
    bar_width = max(MIN_BAR, min(MAX_BAR, room))
    made = RichTable(
        title=Text(table.title) if table.title else None,
        caption=_caption(table, shown, has_colours=has_colours),
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
    widths = _widths(table, shown, width, bar_width, is_whole=is_whole)
    for index in shown:
        column = table.columns[index]
        made.add_column(
            Text(column.head),
            justify="right" if column.is_number else "left",
            no_wrap=not column.is_elastic,
            overflow="fold" if column.is_elastic else "ellipsis",
            width=widths[index],
        )
    for row in table.rows:
        cells = (_rich(row[index], bar_width, is_whole=is_whole, has_colours=has_colours) for index in shown)
        made.add_row(*cells)
    return made


def _widths(table: Table, shown: Sequence[int], width: int, bar_width: int, *, is_whole: bool) -> dict[int, int]:
    """What each column gets: what it needs, and the elastic ones what is left, those that lack least first."""
    widths = {index: bar_width if _is_bar(table, index) else _least(table, index) for index in shown}
    wanted = {index: _widest(table, index) for index in shown if table.columns[index].is_elastic or is_whole}
    lacking = {index: one - widths[index] for index, one in wanted.items() if one > widths[index]}
    left = width - sum(widths.values()) - GAP * (len(shown) - 1)
    for place, (index, lack) in enumerate(sorted(lacking.items(), key=lambda item: item[1])):
        more = max(0, min(lack, left // (len(lacking) - place)))
        widths[index] += more
        left -= more
    return widths


def _caption(table: Table, shown: Sequence[int], *, has_colours: bool) -> Text | None:
    """The note, and below bars what their parts are."""
    parts = [Text(table.note)] if table.note else []
    if table.shows_legend and any(_is_bar(table, index) for index in shown):
        parts += [Text.assemble((FULL if has_colours else FILLS[style], style), f" {n}") for style, n in table.legend]
    return Text("  ").join(parts) if parts else None


def _as_blocks(table: Table, shown: Sequence[int]) -> RichTable:
    """Each row as lines of a head and a value, with an empty line between two rows."""
    made = RichTable.grid(padding=(0, 1, 0, 0))
    made.title, made.title_style, made.title_justify = Text(table.title) if table.title else None, "heading", "left"
    made.caption, made.caption_style, made.caption_justify = table.note or None, "quiet", "left"
    made.add_column(style="quiet")
    made.add_column(overflow="fold")
    for number, row in enumerate(table.rows):
        if number:
            made.add_row()
        for index in shown:
            value = _rich(row[index], 0, is_whole=True, has_colours=True)
            if value.plain.strip() and not _is_bar(table, index):
                made.add_row(table.columns[index].head, value)
    return made


def _least_of_all(table: Table, shown: Sequence[int]) -> int:
    widths = [MIN_BAR if _is_bar(table, index) else _least(table, index) for index in shown]
    return sum(widths) + GAP * (len(widths) - 1)


def _least(table: Table, index: int) -> int:
    """What a column needs, so that no word of it is broken."""
    cells = [row[index] for row in table.rows]
    texts = [table.columns[index].head, *(one.short if isinstance(one, Long) else _plain(one) for one in cells)]
    if table.columns[index].is_elastic:
        return max(min(WORD, Text(word).cell_len) for text in texts for word in (*text.split(), ""))
    return max(Text(text).cell_len for text in texts)


def as_lines(table: Table) -> list[str]:
    """The table as lines with tabs, without bars: the title, the heads, the rows, the note."""
    columns = [index for index in range(len(table.columns)) if not _is_bar(table, index)]
    lines = [f"# {table.title}"] if table.title else []
    if any(table.columns[index].head for index in columns):
        lines.append("\t".join(table.columns[index].head for index in columns))
    lines += ["\t".join(_plain(row[index]) for index in columns) for row in table.rows]
    return [*lines, *([f"# {table.note}"] if table.note else [])]


def bar(parts: Sequence[tuple[str, float]], whole: float, width: int, *, has_colours: bool = True) -> Text:
    """
    A bar of blocks, exact to an eighth of one. What exists is at least an eighth long.

    Without colours its parts differ by their filling, and a last piece of a block is there or not.
    """
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
        is_full = end - start == 8 or (not has_colours and style != "freed")
        text.append((FULL if has_colours else FILLS.get(style, FULL)) if is_full else EIGHTHS[end - start], style)
    return text


def shown_key(text: str) -> str:
    """A text from outside, such as a key, without what a terminal would obey."""
    return "".join(
        character if character.isprintable() or character == " " else _escaped(character) for character in text
    )


def safe(text: Text) -> Text:
    """A text without what a terminal would obey and without an end of line, wherever it is from. Fixed spaces stay."""
    if text.plain.replace("\u00a0", "").isprintable():
        return text
    shown = "".join(one if one == "\u00a0" else shown_key(one) for one in text.plain)
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


def _rich(cell: Cell, width: int, *, is_whole: bool, has_colours: bool) -> Text:
    if isinstance(cell, Bar):
        return bar(cell.parts, cell.whole, width, has_colours=has_colours)
    if isinstance(cell, Long):
        return safe(Text(cell.text if is_whole else cell.short))
    return safe(cell if isinstance(cell, Text) else Text(cell))


def _plain(cell: Cell) -> str:
    if isinstance(cell, Bar):
        return ""
    cell = cell.text if isinstance(cell, Long) else cell
    plain = cell.plain if isinstance(cell, Text) else cell
    return safe(Text(plain.replace("\t", " ").replace("\n", " ").replace("\u00a0", " "))).plain
