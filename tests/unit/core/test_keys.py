"""
Keys, upload ids and prefixes that must not reach the SDK.
"""

import pytest

from cos_sweeper.core.keys import validate_key, validate_prefix
from tests.fixtures import TIMED_ID


@pytest.mark.parametrize("key", ["k", "a/b", "a//b", "./a", "../a", "a/.b", "a/...", "猫" * 283, "k" * 850, "?", "%"])
def test_key_that_is_addressable_is_valid(key: str) -> None:
    assert validate_key(key, TIMED_ID) is None


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("", "the key is empty"),
        ("/", "the key is empty"),
        ("/k", "starts with '/'"),
        ("//", "starts with '/'"),
        (".", "last segment"),
        ("..", "last segment"),
        ("a/.", "last segment"),
        ("a/..", "last segment"),
        ("\ud800", "not valid UTF-8"),
        ("a\udcff", "not valid UTF-8"),
        ("k" * 851, "851 bytes"),
        ("猫" * 284, "852 bytes"),
    ],
)
def test_key_that_would_address_something_else_is_invalid(key: str, reason: str) -> None:
    assert reason in (validate_key(key, TIMED_ID) or "")


@pytest.mark.parametrize("upload_id", ["1", TIMED_ID, "a" * 256, "Az09._~+/=-"])
def test_upload_id_of_harmless_characters_is_valid(upload_id: str) -> None:
    assert validate_key("k", upload_id) is None


@pytest.mark.parametrize("upload_id", ["x y", "1\n", "a" * 257, "1&uploads", "%31", "猫", "１"])
def test_upload_id_of_other_characters_is_invalid(upload_id: str) -> None:
    assert "the upload id is malformed" in (validate_key("k", upload_id) or "")


def test_upload_id_that_is_empty_would_delete_the_object() -> None:
    assert "would delete the object" in (validate_key("k", "") or "")


@pytest.mark.parametrize("prefix", ["", "a", "a/", "\udcff", "."])
def test_prefix_that_can_match_is_valid(prefix: str) -> None:
    assert validate_prefix(prefix) == ""


@pytest.mark.parametrize("prefix", ["/", "/a", "\\a", "\ud800"])
def test_prefix_that_matches_nothing_is_invalid(prefix: str) -> None:
    assert validate_prefix(prefix)
