"""
Tables: with bars in a terminal of some width, and as plain lines.
"""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from cos_sweeper.cli.tables import Bar, Column, Long, Table, as_lines, as_rich, bar, safe, shown_key
from cos_sweeper.cli.theme import THEME


def table() -> Table:
    made = Table(
        "Where", (Column("prefix", is_elastic=True), Column("size", is_number=True), Column("")), note="a note"
    )
    made.add("photos/2025/", "64.5\u00a0GiB", Bar((("left", 60), ("kept", 30)), 90))
    made.add("a\tb", "1 B", Bar((("left", 0.1),), 90))
    return made


def rendered(width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None, theme=THEME)
    console.print(as_rich(table(), width))
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_plain_lines_have_tabs_and_no_bars() -> None:
    assert as_lines(table()) == ["# Where", "prefix\tsize", "photos/2025/\t64.5 GiB", "a b\t1 B", "# a note"]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_table_fits_into_the_terminal(width: int) -> None:
    lines = rendered(width)

    assert max(len(line) for line in lines) <= width
    assert any("photos/2025/" in line and "█" in line for line in lines)
    assert any(line.endswith("▏") for line in lines)


@given(
    parts=st.lists(st.tuples(st.sampled_from(["freed", "left"]), st.floats(0, 1e18)), max_size=4),
    whole=st.floats(0, 1e18),
    width=st.integers(1, 40),
)
def test_bar_is_as_long_as_its_parts_and_never_longer_than_its_place(
    parts: list[tuple[str, float]], whole: float, width: int
) -> None:
    drawn = bar(parts, whole, width)

    total = sum(size for _, size in parts)
    assert drawn.cell_len <= width
    assert bool(drawn.plain) == bool(total and whole)
    if total >= whole > 0:
        assert drawn.plain == "█" * width


def test_parts_of_a_bar_have_their_colours() -> None:
    drawn = bar((("freed", 1), ("left", 3)), 4, 4)

    assert [(drawn.plain[span.start : span.end], span.style) for span in drawn.spans] == [
        *[("█", "freed")],
        *[("█", "left")] * 3,
    ]


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("a b/猫.jpg", "a b/猫.jpg"),
        ("\x1b[2Jx", "\\x1b[2Jx"),
        ("a\nb", "a\\nb"),
        ("\udcff", "\\xff"),
        ("\u202eabc", "\\u202eabc"),
    ],
    ids=["usual", "escape", "line", "byte", "direction"],
)
def test_key_is_shown_without_what_a_terminal_would_obey(key: str, shown: str) -> None:
    assert shown_key(key) == shown


def test_value_with_an_end_of_line_forges_no_line() -> None:
    assert safe(Text("Owner x\n→ All is well.\x85")).plain == "Owner x\\n→ All is well.\\x85"
    assert safe(Text("64.5\u00a0GiB")).plain == "64.5\u00a0GiB"


def test_table_without_heads_has_no_line_for_them() -> None:
    made = Table("", (Column(""), Column("")))
    made.add("oldest", Text("2026"))

    assert as_lines(made) == ["oldest\t2026"]
    assert as_rich(made, 80).show_header is False


def test_long_text_is_short_in_a_terminal_and_whole_in_a_pipe() -> None:
    upload_id = "1585130821" + "cb" * 32
    made = Table("", (Column("id"),), [(Long(upload_id),), (Long("short"),)])

    assert as_lines(made) == ["id", upload_id, "short"]
    assert [Long(upload_id).short, Long("short").short] == ["1585130…cbcbcb", "short"]


def test_long_text_is_whole_in_a_terminal_where_it_fits() -> None:
    upload_id = "1585130821" + "cb" * 32
    made = Table("", (Column("key"), Column("id")), [("raw/cat.mp4", Long(upload_id))])
    console = Console(file=io.StringIO(), width=200, color_system=None, theme=THEME)

    for width, is_whole in ((100, True), (60, False)):
        with console.capture() as shown:
            console.print(as_rich(made, width))
        assert (upload_id in shown.get()) == is_whole


def drawn(made: Table, width: int, *, has_colours: bool = True) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None, theme=THEME)
    with console.capture() as shown:
        console.print(as_rich(made, width, has_colours=has_colours))
    return [line.rstrip() for line in shown.get().splitlines()]


WORDS = st.lists(st.text("ab", min_size=1, max_size=12), min_size=1, max_size=6)


@given(
    rows=st.lists(st.tuples(st.text("ab-@", min_size=1, max_size=35), WORDS), min_size=1), width=st.integers(40, 120)
)
def test_no_word_is_cut_or_broken_at_any_width(rows: list[tuple[str, list[str]]], width: int) -> None:
    heads = ("bucket", "lifecycle rule", "size freed")
    made = Table("", (Column(heads[0], is_elastic=True), Column(heads[1], is_elastic=True), Column(heads[2])))
    for first, second in rows:
        made.add(first, " ".join(second), Long("x" * 74))

    lines = drawn(made, width)

    assert max(len(line) for line in lines) <= width
    words = {word for line in lines for word in line.split()}
    assert {word for first, second in rows for word in (first, *second)} <= words
    assert {"bucket", "rule", "freed"} <= words


def test_parts_of_a_bar_differ_without_colours_and_are_explained_once() -> None:
    made = table()
    made.legend, made.shows_legend = (("left", "abandoned"), ("kept", "kept")), True

    plain, coloured = drawn(made, 80, has_colours=False), drawn(made, 80)

    assert ("▓" in "".join(plain), "░" in "".join(plain)) == (True, True)
    assert plain[-1].endswith("▓ abandoned  ░ kept")
    assert coloured[-1].endswith("█ abandoned  █ kept")
