"""
A stored account that is not as we wrote it is unreadable, and nothing worse.
"""

import contextlib
import gzip
import json
from datetime import timedelta
from typing import Any

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
    "before",
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
