"""
JSON text is read within bounds and with one meaning only.
"""

import json

import pytest

from cos_sweeper.core.json_text import kind_of
from cos_sweeper.core.model import (
    AbortRequest,
    RejectedRequest,
)
from tests.fixtures import ABORT_MESSAGE
from tests.unit.scf.decoding import only, reason


@pytest.mark.parametrize(
    "text",
    ["NaN", "Infinity", '{"a":', "[" * 100_000, "\ufeff", "\ufeff\ufeff{}", "{}\ufeff"],
    ids=["nan", "inf", "cut", "deep", "bom_alone", "two_boms", "bom_behind"],
)
def test_text_that_is_no_json_is_rejected(text: str) -> None:
    assert reason({"Records": [{"CMQ": {"msgBody": text}}]}) == "the message is not JSON"


def test_kind_of_a_value_has_a_name() -> None:
    values = [True, "", [], {}, 5, 0.5, None]

    assert [kind_of(value) for value in values] == [
        "a boolean",
        "a string",
        "a list",
        "an object",
        "a number",
        "a number",
        "nothing",
    ]


@pytest.mark.parametrize(("values", "is_read"), [(199_999, True), (200_000, False)])
def test_message_holds_fewer_than_two_hundred_thousand_values(values: int, *, is_read: bool) -> None:
    text = json.dumps(ABORT_MESSAGE | {"rest": [0]})
    text = text.replace("[0]", "[0" + ",0" * (values - sum(map(text.count, ",[{"))) + "]")

    request = only({"Records": [{"CMQ": {"msgBody": text}}]})

    assert isinstance(request, AbortRequest if is_read else RejectedRequest)


@pytest.mark.parametrize(
    "note",
    [",[{" * 100_000, '",' * 100_000, '\\",' * 100_000, '\\\\",[' * 100_000],
    ids=["commas", "quotes", "backslash", "two_backslashes"],
)
def test_separators_within_texts_are_no_values(note: str) -> None:
    fits = json.dumps(ABORT_MESSAGE | {"note": note, "rest": [0] * 100})
    too_many = json.dumps(ABORT_MESSAGE | {"note": note, "rest": [0] * 200_000})

    assert isinstance(only({"Records": [{"CMQ": {"msgBody": fits}}]}), AbortRequest)
    assert "more than 200000 values" in reason({"Records": [{"CMQ": {"msgBody": too_many}}]})


@pytest.mark.parametrize(
    "text", ['{"a": 1, "a": 1}', '{"uploads": [{"key": "k", "key": "l"}]}'], ids=["same", "inside"]
)
def test_text_with_a_name_twice_is_rejected(text: str) -> None:
    assert reason({"Records": [{"CMQ": {"msgBody": text}}]}) == "the message is not JSON"
