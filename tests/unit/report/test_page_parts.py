"""
The parts of the page that compute: numbers, texts that anybody could have written, the tree, the matrix.
"""

import html
import json
import re
import shlex
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cos_sweeper.report.page_parts import grids, numbers, printable
from cos_sweeper.report.page_parts.groups import GROUPS
from cos_sweeper.report.page_parts.tree import MAX_BUCKETS, Row, Tree
from tests.page import samples
from tests.page.reporter import MEDIA, Reporter, Upload

CHIP = re.compile(r'<span class="chip">U\+([0-9A-F]{4,6})</span>')
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


# Numbers


@given(st.integers(1, 2**60), st.integers(1, 2**60))
def test_share_is_never_nothing_of_something_and_never_all_of_less(part: int, rest: int) -> None:
    shown = numbers.share(part, part + rest)

    assert shown != "0 %"
    assert shown != "100 %"


@given(st.integers(0, 2**60), st.integers(0, 2**60))
def test_size_that_exists_is_never_shown_as_zero(size: int, like: int) -> None:
    value, _ = numbers.figure(size, like)

    assert (float(value.replace(",", "")) == 0) == (size == 0)


@pytest.mark.parametrize(
    ("size", "like", "shown"),
    [
        (0, 0, "0 B"),
        (1, 0, "1 B"),
        (1024**3, 0, "1.00 GiB"),
        (700 * 1024**3, 0, "700 GiB"),
        (700 * 1024**3, 4 * 1024**4, "0.68 TiB"),
        (7 * 1024**3, 4 * 1024**4, "7.00 GiB"),
        (12_345 * 1024**5, 0, "12,345 PiB"),
    ],
)
def test_size_has_three_digits_and_the_unit_of_its_neighbour(size: int, like: int, shown: str) -> None:
    assert numbers.size(size, like).replace("\u00a0", " ") == shown


@pytest.mark.parametrize(("size", "shown"), [(0, "0"), (1, "<0.1"), (1024**3, "1.0"), (1024**4, "1,024")])
def test_size_in_the_unit_of_a_picture(size: int, shown: str) -> None:
    assert numbers.unit_for([100 * 1024**3]).show(size) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0 h"), (-5, "0 h"), (47 * 3600, "47 h"), (48 * 3600, "2 d"), (9e8, "10,417 d")]
)
def test_time_span_is_shown_in_hours_then_in_days(seconds: float, shown: str) -> None:
    assert numbers.days(seconds) == shown


# Texts


@given(texts)
@example("\u202egpj.exe</bdi><script>")
def test_visible_text_is_harmless_and_loses_no_character(text: str) -> None:
    shown = str(printable.visible(text))

    bare = CHIP.sub("", shown)
    assert not any(printable.is_hidden(letter) for letter in shown)
    assert not set('<>"') & set(bare)
    assert html.unescape(CHIP.sub(lambda match: chr(int(match[1], 16)), shown)) == text


@given(st.dictionaries(texts, texts), texts, st.sampled_from(["", "more"]))
@example({"key": "'; rm -rf ~; '"}, "'; rm -rf ~; '", "")
@example({}, "$(touch x)`y`\\", "more")
def test_command_finds_the_value_and_runs_nothing_else(record: dict[str, str], text: str, rest: str) -> None:
    command = printable.find(text, is_whole=not rest)

    if command:
        program, options, flag, pattern, glob = shlex.split(command)
        assert (program, options, flag, glob) == ("zgrep", "-hF", "-e", "uploads/*outcomes-*.jsonl.gz")
        line = json.dumps({**record, "key": text + rest}, ensure_ascii=False)
        assert pattern in line
        assert "\n" not in command


def test_command_for_a_field_of_the_matrix_asks_for_its_ages_and_idle_times() -> None:
    command = printable.between("2026-11-25T01:00:00Z", (7, 14), (None, 3))

    *program, query = shlex.split(command)
    assert program == ["duckdb", "-c"]
    assert query == (
        "SELECT bucket, key, upload_id, bytes, outcome FROM 'uploads/*outcomes-*.jsonl.gz' "
        "WHERE initiated < '2026-11-18T01:00:00Z' AND initiated >= '2026-11-11T01:00:00Z' "
        "AND greatest(initiated, coalesce(last_part, initiated)) >= '2026-11-22T01:00:00Z'"
    )
    assert printable.between("someday", (7, None), (None, None)) == ""


def test_command_for_a_region_finds_buckets_that_end_with_it() -> None:
    assert printable.find_end("ap-x") == "zgrep -hF -e 'ap-x\"' uploads/*outcomes-*.jsonl.gz"
    assert printable.find_end("a\nb") == ""


@pytest.mark.parametrize("text", ["", "a\nb", "a\x1bb", "a\u202eb", "a\u200bb"])
def test_text_that_a_terminal_could_misread_has_no_command(text: str) -> None:
    assert printable.find(text) == ""


# The tree


def measure(uploads: int, size: int) -> dict[str, Any]:
    return {"uploads": uploads, "bytes": size if uploads else 0, "size_unknown": 0, "per_month": None}


groups = st.fixed_dictionaries({name: st.builds(measure, st.integers(0, 9), st.integers(0, 2**40)) for name in GROUPS})


def node(
    children: list[dict[str, Any]], own: dict[str, Any], other: dict[str, Any] | None, name: str
) -> dict[str, Any]:
    parts = [own, *children, *([other] if other else [])]
    sums = {
        group: measure(*(sum(part[group][of] for part in parts) for of in ("uploads", "bytes"))) for group in GROUPS
    }
    rest = None if other is None else {"prefixes": 3, **other}
    return {"name": name, "prefix": name, "bucket": "b", "at_least": False, "children": children, "other": rest, **sums}


names = st.sampled_from(["a/", "b/", "c/"])
leaves = st.builds(node, st.just([]), groups, st.none(), names)
nodes = st.recursive(
    leaves, lambda inner: st.builds(node, st.lists(inner, max_size=4), groups, st.none() | groups, names), max_leaves=12
)


def report_of(tree: list[dict[str, Any]], kind: str = "sweep") -> dict[str, Any]:
    return {"kind": kind, "prefixes": {"tree": tree, "other": None}, "totals": {"found": {"uploads": 1}}}


def below(row: Row) -> list[Row]:
    return [*row.children, *(one for one in (row.other, row.direct) if one)]


def every(rows: tuple[Row, ...]) -> list[Row]:
    return [one for row in rows for one in (row, *every(tuple(below(row))))]


@given(
    st.lists(nodes, max_size=4) | st.lists(leaves, max_size=30),
    st.integers(0, 40),
    st.sampled_from(["sweep", "inventory"]),
)
def test_rows_of_a_level_add_up_to_the_row_above_whatever_is_left_out(
    tree: list[dict[str, Any]], limit: int, kind: str
) -> None:
    shown = Tree(report_of(tree, kind), limit)

    rest, other = shown.rest(), shown.other()
    top = [*shown.rows(), *([rest] if rest else []), *([other[1]] if other else [])]
    assert len(shown.rows()) <= MAX_BUCKETS
    assert sum(row.sum.bytes for row in top) == sum(map(shown.size, tree))
    for row in every(shown.rows()):
        if below(row):
            assert sum(one.sum.bytes for one in below(row)) == row.sum.bytes
            assert sum(one.sum.uploads for one in below(row)) == row.sum.uploads


@given(st.lists(nodes, max_size=3) | st.lists(leaves, max_size=30), st.integers(0, 40))
def test_bars_have_the_same_length_for_the_same_bytes_at_every_level(tree: list[dict[str, Any]], limit: int) -> None:
    shown = Tree(report_of(tree), limit)

    rest = shown.rest()
    assert rest is None or rest.bar == ()
    for row in every((*shown.rows(), *(rest.children if rest else ()))):
        width = sum(float(one.width.rstrip("%")) for one in row.bar)
        assert width == pytest.approx(100 * row.sum.bytes / max(1, shown.scale), abs=0.01)


@given(st.lists(nodes, min_size=2, max_size=4))
def test_places_that_leak_most_are_named_worst_first_and_do_not_overlap(tree: list[dict[str, Any]]) -> None:
    places = Tree(report_of(tree), 1000).places()

    assert len(places) <= 2
    assert [one.sum.bytes for one in places] == sorted((one.sum.bytes for one in places), reverse=True)
    assert sum(one.sum.bytes for one in places) <= sum(Tree(report_of(tree), 1000).size(one) for one in tree)


def test_prefix_with_a_third_of_its_bucket_is_named_instead_of_the_bucket() -> None:
    uploads = [Upload(MEDIA, f"{name}/1", size, 20, 20) for name, size in (("a", 35), ("b", 33), ("c", 32))]

    places = Tree(Reporter(uploads).report(), 100).places()

    assert [one.prefix for one in places] == ["a/", "b/"]


def test_chain_of_prefixes_with_one_child_each_is_one_row() -> None:
    uploads = [Upload(MEDIA, f"a/b/c/{name}/1", 5, 20, 20) for name in ("x", "y")]

    (bucket,) = Tree(Reporter(uploads).report(), 100).rows()

    assert [(one.name, one.prefix) for one in bucket.children] == [("a/b/c/", "a/b/c/")]
    assert [one.name for one in bucket.children[0].children] == ["x/", "y/"]


def test_tree_deeper_than_any_page_is_cut_and_not_lost() -> None:
    sums = {name: measure(1, 8) for name in GROUPS}
    tree = node([], sums, None, "leaf/")
    for _ in range(200):
        tree = node([tree, node([], sums, None, "b/")], sums, None, "a/")

    (row,) = Tree(report_of([tree]), 1000).rows()

    depth = 0
    while row.children:
        row, depth = row.children[0], depth + 1
    assert depth < 30
    assert row.other is not None


# The matrix


def framed(settings: dict[str, Any]) -> list[str]:
    report = Reporter([]).report()
    report["settings"].update(settings)
    rows = grids.matrix(report).rows
    marks = {(True, False): "x", (False, True): "k", (False, False): "."}
    return ["".join(marks[cell.is_abandoned, cell.is_kept] for cell in row.cells) for row in rows]


@pytest.mark.parametrize(
    ("ages", "rows"),
    [
        ((168, 72), [".....", ".....", ".....", "kkxx.", "kkxx.", "kkxxx", "kkxxx"]),
        ((24, 24), [".....", "kx...", "kxx..", "kxxx.", "kxxx.", "kxxxx", "kxxxx"]),
        ((0, 0), ["x....", "xx...", "xxx..", "xxxx.", "xxxx.", "xxxxx", "xxxxx"]),
        ((200, 72), [".....", ".....", ".....", ".....", "kkxx.", "kkxxx", "kkxxx"]),
    ],
    ids=["the default", "one day", "no limits", "between two edges"],
)
def test_frame_of_the_matrix_follows_the_settings(ages: tuple[int, int], rows: list[str]) -> None:
    assert framed({"min_age_hours": ages[0], "min_idle_hours": ages[1]}) == rows


def test_bands_name_their_edges() -> None:
    assert grids.labels([1, 3, 7]) == ("≤ 1", "1–3", "3–7", "> 7")


def test_policy_of_the_run_is_marked_and_unknown_ones_are_not_zero() -> None:
    table = grids.policies(samples.typical())

    assert [(one.age, one.idle) for row in table for one in row if one.is_current] == [(7, 3)]
    assert {one.is_known for row in table for one in row if one.idle < 3 or one.age < 7} == {False}
