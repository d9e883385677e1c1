"""
Which keys and upload ids may be addressed.
"""

import pytest

from cos_sweeper.core.keys import validate_key


@pytest.mark.parametrize(
    ("key", "upload_id", "reason"),
    [
        ("k", "x" * 256, None),
        ("k", "x" * 257, "malformed"),
        ("k", "x\n", "malformed"),
        ("k", "x y", "malformed"),
        ("k", "", "would delete the object"),
        ("", "x", "would address the bucket"),
        ("/", "x", "would address the bucket"),
        ("/k", "x", "starts with '/'"),
        ("k" * 850, "x", None),
        ("k" * 851, "x", "851 bytes"),
        ("猫" * 284, "x", "852 bytes"),
        (".", "x", "last segment"),
        ("a/..", "x", "last segment"),
        ("a/b/.", "x", "last segment"),
        ("../a", "x", None),
        ("...", "x", None),
        ("a..", "x", None),
        ("\udcff", "x", "not valid UTF-8"),
    ],
)
def test_what_would_address_something_else_never_reaches_the_sdk(key: str, upload_id: str, reason: str | None) -> None:
    told = validate_key(key, upload_id)

    assert told is None if reason is None else reason in (told or "")
