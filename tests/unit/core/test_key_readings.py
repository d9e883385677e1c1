"""
The keys that a listing's text or an event's key can mean.
"""

from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cos_sweeper.core import key_readings

keys = st.text(st.sampled_from("ab/%+ 2F5é猫"), min_size=1, max_size=8)


@given(key=keys)
def test_listed_key_is_among_its_readings_in_every_encoding(key: str) -> None:
    texts = [key, quote(key), quote_plus(key), quote(quote(key)), quote_plus(quote_plus(key))]

    assert all(key in key_readings.of_listed(text, text) for text in texts)


@given(key=keys.filter(lambda key: not key.startswith("/")))
def test_named_key_is_among_its_readings_as_it_is_and_decoded(key: str) -> None:
    assert all(key in key_readings.of_named(text) for text in (key, quote(key), quote_plus(key)))


@given(text=keys, key=keys)
def test_readings_begin_with_the_likeliest_and_hold_no_key_twice(text: str, key: str) -> None:
    for readings, likeliest in ((key_readings.of_listed(text, key), key), (key_readings.of_named(text), text)):
        assert readings[0] == likeliest
        assert len(set(readings)) == len(readings)


@pytest.mark.parametrize("text", ["plain", "a/b", "猫", "a b"])
def test_text_without_escapes_has_one_reading(text: str) -> None:
    assert key_readings.of_listed(text, text) == key_readings.of_named(text) == (text,)


def test_named_key_loses_one_leading_slash_that_decoding_shows() -> None:
    assert key_readings.of_named("%2Fa%20b") == ("%2Fa%20b", "a b")
    assert key_readings.of_named("%2F%2Fa") == ("%2F%2Fa", "/a")


@pytest.mark.parametrize(
    ("text", "key", "way"), [("a%20b", "a%20b", 0), ("a%20b", "a b", 1), ("a+b", "a b", 2), ("a%2520b", "a b", 3)]
)
def test_way_of_a_reading_is_the_first_that_leads_to_its_key(text: str, key: str, way: int) -> None:
    assert key_readings.reading_index(text, key) == way
    assert key_readings.reading_index(text, "another") is None
