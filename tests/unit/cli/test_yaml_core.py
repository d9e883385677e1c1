"""
YAML is read as js-yaml 4 reads it, and what two parsers could read in two ways is refused.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cos_sweeper.cli import yaml_core
from cos_sweeper.cli.yaml_core import NotRead, Unquoted


@pytest.mark.parametrize("text", ["yes", "no", "on", "Off", "y", "1:30", "tRUE", "0b2", "0o8", "1.2.3", "1_", "=", "-"])
def test_plain_value_of_yaml_1_1_is_a_text(text: str) -> None:
    assert yaml_core.scalar(text) == text


@pytest.mark.parametrize(
    ("text", "value", "keeps"),
    [
        ("true", True, True),
        ("False", False, False),
        ("168", 168, True),
        ("-5", -5, True),
        ("0160", 160, False),
        ("+1", 1, False),
        ("0x1F", 31, False),
        ("0o17", 15, False),
        ("-0b11", -3, False),
        ("1_000", 1000, False),
        ("1.5", 1.5, True),
        ("1.50", 1.5, False),
        ("1e3", 1000.0, False),
        ("12345678901234567890", 12345678901234567890, False),
        ("-.inf", float("-inf"), False),
        ("~", None, False),
        ("null", None, False),
        ("2026-01-02", None, False),
    ],
)
def test_plain_value_that_is_no_text_says_whether_its_text_stays(text: str, value: object, *, keeps: bool) -> None:
    found = yaml_core.scalar(text)

    assert isinstance(found, Unquoted)
    assert (found.value, found.keeps_its_text) == (value, keeps)


def test_quoted_values_are_texts_and_lines_are_known() -> None:
    found = yaml_core.parse("a:\n  b: 'true'\n  c:\n    - d: \"1\"\n      e: |\n        x\n")

    assert found.document == {"a": {"b": "true", "c": [{"d": "1", "e": "x\n"}]}}
    assert found.lines.items() >= {"a": 1, "a.b": 2, "a.c": 3, "a.c[0]": 4, "a.c[0].e": 5}.items()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: 2\na: 3", 3),
        ("a: {b: 1, b: 2}", 1),
        ("a: 1\n'a': 2", 2),
        ("a: &x 1\nb: *x", 2),
        ("a: &x [*x]", 1),
        ("a:\n  <<: {b: 1}", 2),
        ("a: !!str 1", 1),
        ("a: !x 1", 1),
        ("[a]: 1", 1),
        ("a: 1\n---\nb: 1", 2),
        ("a: [", 1),
        ("a: 1\u2028b: 2", 0),
        ("\x00", 0),
    ],
)
def test_text_with_two_readings_is_refused(text: str, line: int) -> None:
    with pytest.raises(NotRead) as caught:
        yaml_core.parse(text)

    assert caught.value.line == line


def test_number_of_any_length_is_read() -> None:
    assert yaml_core.scalar("9" * 5000) == Unquoted("9" * 5000, None)


@given(text=st.text(alphabet="0123456789._eE+-xobinfa:~", max_size=12))
def test_plain_value_that_keeps_its_text_is_written_like_that_again(text: str) -> None:
    found = yaml_core.scalar(text)

    if isinstance(found, Unquoted) and found.keeps_its_text:
        assert str(found.value) == text
    assert text == (found.text if isinstance(found, Unquoted) else found)
