"""
One more rule in a lifecycle document: what was there stays byte for byte, and what cannot be proven is refused.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cos_sweeper.cli import lifecycle_edit
from cos_sweeper.cli.lifecycle_edit import NewRule, Refused
from cos_sweeper.core.coverage import LifecycleRule
from cos_sweeper.cos.lifecycle_xml import lifecycle_rules
from tests.lifecycle_documents import documents

RULE = NewRule("ours", "tmp/", 30)
ADDED = LifecycleRule("ours", "Enabled", aborts=True, days=30, prefix="tmp/")
EXPIRE = "<Rule><ID>old</ID><Filter/><Status>Enabled</Status><Expiration><Days>9</Days></Expiration></Rule>"


@given(document=documents())
def test_every_document_is_contained_byte_for_byte_in_the_edited_one(document: bytes) -> None:
    edited = lifecycle_edit.add(document, RULE)

    start = edited.index(RULE.xml.encode(), document.rindex(b"</Rule>") if b"</Rule>" in document else 0)
    assert edited[:start] + edited[start + len(RULE.xml.encode()) :] == document
    assert lifecycle_rules(edited) == (*lifecycle_rules(document), ADDED)


@given(document=documents())
def test_edited_document_loses_nothing_and_the_old_one_lacks_only_the_rule(document: bytes) -> None:
    edited = lifecycle_edit.add(document, RULE)

    assert lifecycle_edit.lost(document, edited) == 0
    assert lifecycle_edit.lost(edited, document) == 1
    assert lifecycle_edit.is_same(document, document.replace(b"</Rule>", b"\n</Rule>\n"))
    assert not lifecycle_edit.is_same(document, edited)


@given(
    document=st.binary(max_size=40) | documents().flatmap(lambda one: st.sampled_from([one[:-9], one + b"<", one[9:]]))
)
def test_document_that_is_no_lifecycle_document_is_refused(document: bytes) -> None:
    with pytest.raises(Refused):
        lifecycle_edit.add(document, RULE)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(
            f"<!DOCTYPE a [<!ENTITY e 'x'>]><LifecycleConfiguration>{EXPIRE}</LifecycleConfiguration>", id="entities"
        ),
        pytest.param(f"\ufeff<LifecycleConfiguration>{EXPIRE}</LifecycleConfiguration>", id="byte order mark"),
        pytest.param(
            f"<?xml version='1.0' encoding='gbk'?><LifecycleConfiguration>{EXPIRE}</LifecycleConfiguration>",
            id="encoding",
        ),
        pytest.param(
            f"<a:LifecycleConfiguration xmlns:a='x'>{EXPIRE}</a:LifecycleConfiguration>", id="namespace prefix"
        ),
        pytest.param(
            f"<LifecycleConfiguration>{EXPIRE.replace('old', 'a&#1;')}</LifecycleConfiguration>", id="illegal character"
        ),
        pytest.param(
            f"<LifecycleConfiguration>{EXPIRE.replace('old', 'ours')}</LifecycleConfiguration>", id="id taken"
        ),
        pytest.param(f"<LifecycleConfiguration>{EXPIRE * 1000}</LifecycleConfiguration>", id="1000 rules"),
        pytest.param("<LifecycleConfiguration xmlns='x'/>", id="empty tag with attributes"),
        pytest.param("<LifecycleConfiguration><Other/></LifecycleConfiguration>", id="no rule among its elements"),
        pytest.param("<Error><Code>AccessDenied</Code></Error>", id="another document"),
    ],
)
def test_document_that_cannot_be_preserved_for_certain_is_refused(document: str) -> None:
    with pytest.raises(Refused):
        lifecycle_edit.add(document.encode(), RULE)


@pytest.mark.parametrize(
    "document", [None, b"<LifecycleConfiguration/>", b"<?xml version='1.0'?>\n<LifecycleConfiguration />\n"]
)
def test_document_without_rules_becomes_one_with_the_rule(document: bytes | None) -> None:
    assert lifecycle_rules(lifecycle_edit.add(document, RULE)) == (ADDED,)


@given(prefix=st.text(max_size=12), days=st.integers(1, 3650))
def test_rule_is_read_back_as_it_was_asked_for_or_refused(prefix: str, days: int) -> None:
    try:
        edited = lifecycle_edit.add(None, NewRule("ours", prefix, days))
    except Refused:
        assert (
            prefix.startswith(("/", "\\")) or prefix != prefix.strip() or not prefix.isprintable() or "\ufffd" in prefix
        )
        return

    assert lifecycle_rules(edited) == (LifecycleRule("ours", "Enabled", aborts=True, days=days, prefix=prefix),)


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(NewRule("ours", " ", 30), id="a space, which would be every key"),
        pytest.param(NewRule("ours", "tmp/\n", 30), id="line break"),
        pytest.param(NewRule("ours", "é" * 426, 30), id="longer than a key"),
        pytest.param(NewRule("a b", "", 30), id="id with a space"),
        pytest.param(NewRule("ours", "", 0), id="no day"),
        pytest.param(NewRule("ours", "", 3651), id="too many days"),
    ],
)
def test_rule_that_cos_could_take_for_another_one_is_refused(rule: NewRule) -> None:
    with pytest.raises(Refused):
        lifecycle_edit.add(None, rule)


@pytest.mark.parametrize("document", [None, f"<LifecycleConfiguration>{EXPIRE}</LifecycleConfiguration>".encode()])
def test_rule_that_is_not_read_as_it_is_meant_is_refused(document: bytes | None) -> None:
    with pytest.raises(Refused):
        lifecycle_edit.add(document, NewRule("ours", "a\ufffd", 30))


def test_rule_in_the_wrong_place_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    document = f"<LifecycleConfiguration>{EXPIRE}<New>1</New></LifecycleConfiguration>".encode()
    right = document.index(b"</LifecycleConfiguration>")

    for place in range(len(document)):
        monkeypatch.setattr(lifecycle_edit, "_closing_tag", lambda _, place=place: place)
        if place == right:
            assert lifecycle_edit.add(document, RULE)
        else:
            with pytest.raises(Refused):
                lifecycle_edit.add(document, RULE)


def test_free_id_is_one_that_no_rule_has() -> None:
    document = f"<LifecycleConfiguration>{EXPIRE.replace('old', 'abort-incomplete-uploads')}</LifecycleConfiguration>"

    assert lifecycle_edit.free_id(None) == "abort-incomplete-uploads"
    assert lifecycle_edit.free_id(document.encode()) == "abort-incomplete-uploads-2"


def test_document_of_one_line_is_shown_with_an_element_in_each_line() -> None:
    document = b"<A><B>1</B><Filter></Filter><Filter> <Prefix/></Filter> <C><D/></C></A>"

    assert lifecycle_edit.lines(document) == [
        *("<A>", "  <B>1</B>", "  <Filter></Filter>", "  <Filter>", "    <Prefix/>", "  </Filter>"),
        *("  <C>", "    <D/>", "  </C>", "</A>"),
    ]
    assert lifecycle_edit.lines(None) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("<Filter><Prefix></Prefix></Filter>", "<Filter/>"),
        ("<Filter>\n</Filter>", "<Filter></Filter>"),
    ],
)
def test_filter_of_every_key_is_the_same_in_each_of_its_forms(one: str, other: str) -> None:
    document = f"<LifecycleConfiguration>{EXPIRE.replace('<Filter/>', one)}</LifecycleConfiguration>".encode()

    assert lifecycle_edit.is_same(document, document.replace(one.encode(), other.encode()))
    assert not lifecycle_edit.is_same(document, document.replace(one.encode(), b"<Filter><Prefix>a</Prefix></Filter>"))
