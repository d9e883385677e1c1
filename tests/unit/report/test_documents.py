"""
A stored account that is not as we wrote it is unreadable, and nothing worse.
"""

import contextlib
import gzip
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cos_sweeper.core import run_facts
from cos_sweeper.core.account import Account
from cos_sweeper.core.price import Price
from cos_sweeper.core.run_facts import RunFacts
from cos_sweeper.report import documents
from cos_sweeper.report.documents import Document, DocumentUnreadable, Head, Summary
from cos_sweeper.report.record_writer import StoredRecords
from tests.fixtures import NOW
from tests.unit.report.folders import FACTS

HEAD = Head(
    "1-of-1.0.run-2.aa",
    ("0", "0.1"),
    "1,2/2",
    2,
    "1-of-1.0.run-1.bb",
    NOW,
    FACTS,
    (StoredRecords("uploads/a", 3),),
    Summary(2, "failed", "out of time", has_failed=True, warnings=({"code": "X"},), not_swept=("b",)),
    ("1-of-1.0.run-2.aa",),
    "1-of-1.0.run-1.cc",
    documents.SPLIT,
    ("0.0",),
    "0",
)
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=3), inner, max_size=2)),
    max_leaves=3,
)


def test_head_is_read_as_it_was_written() -> None:
    body = Document(HEAD, Account()).pack()

    assert documents.unpack(body).head == documents.unpack_head(body) == HEAD


def test_facts_are_read_as_they_were_written() -> None:
    price = Price("CNY", (("*", 0.1), ("STANDARD", 0.2)))
    facts = RunFacts("inventory", dry_run=True, began=NOW, as_of=NOW, settings={"min_age_hours": 1.5}, price=price)

    assert run_facts.read(json.loads(json.dumps(facts.as_json()))) == facts
    assert (facts.policy.min_age, facts.policy.min_idle) == (timedelta(hours=1.5), timedelta(0))


@given(data=st.data())
def test_document_with_another_value_in_its_head_is_read_or_unreadable(data: st.DataObject) -> None:
    first, *rest = gzip.decompress(Document(HEAD, Account()).pack()).splitlines()
    head: dict[str, Any] = json.loads(first)
    inside = head
    for _ in range(data.draw(st.integers(0, 2))):
        nested = [value for value in inside.values() if isinstance(value, dict) and value]
        inside = data.draw(st.sampled_from(nested)) if nested else inside
    name = data.draw(st.sampled_from(sorted(inside)))
    if data.draw(st.booleans()):
        inside[name] = data.draw(anything)
    else:
        del inside[name]
    body = gzip.compress(b"\n".join([json.dumps(head).encode(), *rest]), mtime=0)

    with contextlib.suppress(DocumentUnreadable):
        assert documents.unpack(body).head.as_json().keys() == documents.unpack_head(body).as_json().keys()


HOSTILE_HEADS: dict[str, list[Any]] = {
    "works": [["../../x"], [""], ["0"] * 3 + ["x"]],
    "children": [["abc"], ["../../x"], [5]],
    "before": ["../x", "1-of-1.0.run-1.aa/../b"],
    "predecessor": ["history/x"],
    "name": ["", "../../x"],
    "shard": ["a/b", "1/../2"],
    "number": [-1, 10**4000, True, 1.5],
    "at": ["0001-01-01T00:00:00+00:00", "2026-11-26T00:00:00"],
    "records": [[["uploads/a", 10**4000]], [[5, 1]]],
}


@pytest.mark.parametrize(
    ("field", "value"), [(name, value) for name, values in HOSTILE_HEADS.items() for value in values]
)
def test_head_that_could_lead_to_another_object_is_unreadable(field: str, value: object) -> None:
    first, *rest = gzip.decompress(Document(HEAD, Account()).pack()).splitlines()
    head = json.dumps({**json.loads(first), field: value}).encode()

    with pytest.raises(documents.DocumentUnreadable):
        documents.unpack(gzip.compress(b"\n".join([head, *rest]) + b"\n"))


@pytest.mark.parametrize(
    "line",
    [
        ["total", ["b@r", "STANDARD", "freed", "aborted", ""], [1, 10**30, 0]],
        ["total", ["b@r", "STANDARD", "other", "aborted", ""], [1, 1, 0]],
        ["total", ["b@r", None, "freed", "aborted", ""], [1, 1, 0]],
        ["total", ["b@r", "STANDARD", "freed", "aborted", ""], [1, -1, 0]],
        ["cell", [99, 0, "STANDARD", "freed", False], [1, 1, 0]],
        ["cell", [0, 0, "STANDARD", "anything", False], [1, 1, 0]],
        ["listed", "b@r", ["STANDARD", "kept", "x", 0], "many"],
        ["failure", "X", False, 10**30, []],
        ["largest", {"a": 1}, []],
    ],
    ids=lambda line: line[0],
)
def test_account_with_a_figure_of_another_kind_is_unreadable(line: list[Any]) -> None:
    first, account, *rest = gzip.decompress(Document(HEAD, Account()).pack()).splitlines()
    end = json.dumps(["end", json.loads(rest[-1])[1] + 1]).encode()

    with pytest.raises(documents.DocumentUnreadable):
        documents.unpack(gzip.compress(b"\n".join([first, account, json.dumps(line).encode(), *rest[:-1], end])))


@pytest.mark.parametrize("content", [b"x" * (200 << 20), b"[]\n" * (40 << 20)], ids=["one_line", "many_lines"])
def test_small_object_that_unpacks_to_a_huge_one_is_unreadable(content: bytes) -> None:
    with pytest.raises(documents.DocumentUnreadable):
        documents.unpack(gzip.compress(content, 1))
