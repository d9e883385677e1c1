"""
The account loses no byte: however it is split, merged, stored or cut, the sums of its parts are its sums.
"""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cos_sweeper.core import path_sums, prefix_usage, runs
from cos_sweeper.core.account import Account, Observation
from cos_sweeper.core.key_text import percent
from cos_sweeper.core.policy import Policy
from cos_sweeper.core.price import Price
from tests.fixtures import NOW
from tests.laws.accounts import ALL_BUCKETS, account_of, counted, figures, observations, placed
from tests.profiles import examples

POLICY = Policy(min_age=timedelta(days=7), min_idle=timedelta(days=3))
PRICE = Price("USD", (("*", 0.5), ("ARCHIVE", 0.25)))
EXACT = 100_000
seen = st.lists(observations(), max_size=40)


@pytest.fixture(autouse=True, scope="module")
def _small_stores() -> Any:
    """Few hot rows and nodes, so that a few uploads already use runs, folds and `other`."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(path_sums, "HOT_ROWS", 3)
        patched.setattr(path_sums, "MAX_RUNS", 3)
        patched.setattr(runs, "BLOCK_ROWS", 2)
        patched.setattr(runs, "READ_BYTES", 16)
        patched.setattr(prefix_usage, "MAX_NODES", 6)
        yield


def report(account: Account) -> dict[str, Any]:
    return account.as_json(POLICY, PRICE)


def copy(account: Account) -> Account:
    return Account.read(account.lines())


def merged(*accounts: Account) -> Account:
    """A new account; the arguments stay as they are."""
    total = copy(accounts[0])
    for account in accounts[1:]:
        total.merge(account)
    return total


@settings(max_examples=examples(60))
@given(everything=seen, data=st.data(), inventory=st.booleans())
def test_parts_of_an_account_merge_to_the_whole_in_any_order(
    everything: list[Observation], data: st.DataObject, *, inventory: bool
) -> None:
    which = [data.draw(st.integers(0, 2)) for _ in everything]
    parts = [
        account_of([one for one, part in zip(everything, which, strict=True) if part == number], inventory=inventory)
        for number in range(3)
    ]
    whole = report(account_of(everything, inventory=inventory))

    assert report(merged(merged(parts[0], parts[1]), parts[2])) == whole
    assert report(merged(parts[0], merged(parts[2], parts[1]))) == whole
    assert report(merged(parts[2], parts[1], parts[0])) == whole


@settings(max_examples=examples(60))
@given(everything=seen, inventory=st.booleans())
def test_account_survives_being_written_and_read(everything: list[Observation], *, inventory: bool) -> None:
    account = account_of(everything, inventory=inventory)
    lines = list(account.lines())
    again = Account.read(lines)

    assert report(again) == report(account)
    assert list(account_of(everything, inventory=inventory).lines()) == lines
    for line in lines:
        assert line.isascii()
        assert "\n" not in line
    json.dumps(report(account), ensure_ascii=False).encode()


@settings(max_examples=examples(60))
@given(everything=seen, inventory=st.booleans())
def test_totals_are_what_one_counts_by_hand(everything: list[Observation], *, inventory: bool) -> None:
    result = report(account_of(everything, inventory=inventory))
    open_uploads = [one for one in everything if one.group != "gone"]
    expected = counted(open_uploads)

    assert figures(result["totals"]) == expected
    assert result["totals"]["open"]["uploads"] == len(open_uploads)
    assert result["totals"]["found"]["bytes"] == sum(expected[group][1] for group in ("freed", "left", "failed"))
    assert sum(one["uploads"] for one in result["outcomes"].values()) == len(everything)
    assert sum(one["uploads"] for one in result["kept_by_reason"].values()) == expected["kept"][0]
    assert sum(one["uploads"] for one in result["failures"]) == expected["failed"][0]
    for section in ("buckets", "storage_classes"):
        assert total(result[section]) == expected
    matrix = result["matrix"]
    in_cells = sum(cell["uploads"] for row in matrix["cells"] for cell in row)
    assert in_cells + sum(matrix["unread"]) + matrix["age_unknown"]["uploads"] == len(open_uploads)


def total(rows: list[dict[str, Any]]) -> dict[str, tuple[int, ...]]:
    """The sum of rows, as numbers."""
    return {
        group: tuple(sum(column) for column in zip((0, 0, 0), *(figures(row)[group] for row in rows), strict=True))
        for group in ("freed", "left", "failed", "kept")
    }


@settings(max_examples=examples(100))
@given(everything=seen, inventory=st.booleans())
def test_nodes_of_the_tree_hold_what_is_under_their_prefix(everything: list[Observation], *, inventory: bool) -> None:
    prefixes = report(account_of(everything, inventory=inventory))["prefixes"]
    shown = placed(everything, inventory=inventory)
    nodes = [node for top in prefixes["tree"] for node in walk(top)]

    assert total([*prefixes["tree"], *other(prefixes)]) == counted(shown)
    assert len(nodes) <= 6
    assert prefixes["error_bound"] == 0
    for node in nodes:
        below = [one for one in shown if lies_in(one, node)]
        assert figures(node) == counted(below)
        assert not node["at_least"]
        if node["children"]:
            assert total([*node["children"], *other(node)]) == figures(node)


def walk(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [node, *(below for child in node["children"] for below in walk(child))]


def other(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [node["other"]] if node["other"] else []


def lies_in(one: Observation, node: dict[str, Any]) -> bool:
    """Whether a node counts this upload. A node without a name counts only what is directly in its directory."""
    head, slash, _ = one.key.rpartition("/")
    directory = head + slash
    if node.get("key_encoding") == "percent":
        directory = percent(directory)
    is_here = directory == node["prefix"] if node["name"] == "" else directory.startswith(node["prefix"])
    return str(one.bucket) == node["bucket"] and is_here


@settings(max_examples=examples(100))
@given(st.lists(observations(), max_size=60), st.integers(1, 4), st.data())
def test_figures_beyond_the_limit_of_prefixes_are_within_the_error_bound(
    everything: list[Observation], limit: int, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(everything)))
    account = account_of(everything[:cut], inventory=True, limit=limit)
    account.merge(account_of(everything[cut:], inventory=True, limit=limit))
    account.prefixes.compact()
    account = copy(account)
    prefixes = report(account)["prefixes"]
    shown = placed(everything, inventory=True)
    # Beyond the limit only buckets remain: they are not folded.
    assert len(list(account.prefixes.rows())) <= max(limit, len(ALL_BUCKETS))

    assert total([*prefixes["tree"], *other(prefixes)]) == counted(shown)
    for node in (node for top in prefixes["tree"] for node in walk(top)):
        truth, here = counted([one for one in shown if lies_in(one, node)]), figures(node)
        lacks = sum(truth[group][1] - here[group][1] for group in truth)
        assert 0 <= lacks <= prefixes["error_bound"]
        assert all(here[group][0] <= truth[group][0] for group in truth)
        assert node["at_least"] or here == truth


@settings(max_examples=examples(60))
@given(seen, seen, st.sampled_from([1, 3, EXACT]))
def test_what_was_freed_since_an_earlier_account_is_what_came_after(
    before: list[Observation], after: list[Observation], limit: int
) -> None:
    earlier = account_of(before, inventory=False, limit=limit)
    later = copy(earlier)
    for one in after:
        later.add(one, NOW)
    if limit < EXACT:
        later.prefixes.compact()
    freed = [one for one in after if one.group == "freed"]
    rest = report(later.freed_since(earlier))

    assert figures(rest["totals"]) == counted(freed)
    assert total([*rest["prefixes"]["tree"], *other(rest["prefixes"])]) == counted(freed)
    assert sum(cell["uploads"] for row in rest["matrix"]["cells"] for cell in row) <= len(freed)
    if limit == EXACT:
        expected = report(account_of(freed, inventory=False))
        same = ("totals", "outcomes", "buckets", "storage_classes", "initiators", "prefixes", "matrix", "policies")
        assert {name: rest[name] for name in same} == {name: expected[name] for name in same}
