"""
What may leave: requests about keys below the prefix, and a few reads.
"""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cos_sweeper.core.model import Bucket
from tests.verify.bounds import Bounds, new_prefix

PREFIX = "cos-sweeper-verify/0123456789abcdef/"
BUCKET = Bucket("photos-1250000000", "ap-guangzhou")
BOUNDS = Bounds(BUCKET, PREFIX)
AT = f"https://{BOUNDS.host}/"
METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE")
TOKEN = {"x-cos-security-token": "t"}


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("POST", f"{AT}{PREFIX}a%20b?uploads="),
        ("DELETE", f"{AT}{PREFIX}a?uploadId=1"),
        ("PUT", f"{AT}{PREFIX}x/../y"),
        ("POST", f"{AT}/{PREFIX}a?uploads="),
        ("POST", f"{AT}%5C{PREFIX}a?uploads="),
        ("GET", f"{AT}?uploads=&prefix={quote(PREFIX, safe='')}"),
        ("GET", f"{AT}?prefix={quote(PREFIX + 'x', safe='')}"),
        ("GET", f"{AT}?lifecycle="),
        ("GET", "https://service.cos.myqcloud.com/?marker="),
    ],
)
def test_request_of_a_run_may_leave(method: str, url: str) -> None:
    assert BOUNDS.why_not(method, url, TOKEN) == ""


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("DELETE", AT),
        ("DELETE", f"{AT}?uploadId=1"),
        ("PUT", f"{AT}?lifecycle="),
        ("DELETE", f"{AT}?lifecycle="),
        ("POST", f"{AT}?delete="),
        ("GET", f"{AT}?uploads="),
        ("GET", f"{AT}?uploads=&prefix="),
        ("GET", f"{AT}?lifecycle=&uploads="),
        ("GET", f"{AT}?prefix=cos-sweeper-verify%2F"),
        ("DELETE", f"{AT}{PREFIX[:-1]}"),
        ("DELETE", f"{AT}{PREFIX}../a?uploadId=1"),
        ("DELETE", f"{AT}{PREFIX}x/%2E%2E/%2E%2E/a?uploadId=1"),
        ("DELETE", f"{AT}cos-sweeper-verify/0123456789abcdee/a"),
        ("DELETE", f"https://logs-1250000000.cos.ap-guangzhou.myqcloud.com/{PREFIX}a"),
        ("DELETE", f"https://{BOUNDS.host}.evil.com/{PREFIX}a"),
        ("DELETE", f"https://x@{BOUNDS.host}/{PREFIX}a"),
        ("PUT", "https://service.cos.myqcloud.com/"),
        ("GET", f"https://service.cos.myqcloud.com/{PREFIX}a"),
    ],
)
def test_request_to_anything_else_may_not_leave(method: str, url: str) -> None:
    assert BOUNDS.why_not(method, url, TOKEN) != ""


def test_object_is_not_copied_from_elsewhere() -> None:
    assert BOUNDS.why_not("PUT", f"{AT}{PREFIX}a", {"x-cos-copy-source": "theirs"}) != ""


@given(st.sampled_from(METHODS), st.text(max_size=40).filter(lambda key: PREFIX not in key))
def test_key_without_the_prefix_may_not_leave(method: str, key: str) -> None:
    url = f"{AT}{quote(key.encode('utf-8', 'surrogatepass'), safe='/')}"

    assert key == "" or BOUNDS.why_not(method, url, {}) != ""


@pytest.mark.parametrize("prefix", ["", "/", "cos-sweeper-verify/", "a/0123456789abcdef/", f"{PREFIX}x", f"{PREFIX}\n"])
def test_prefix_of_another_form_is_no_bound(prefix: str) -> None:
    with pytest.raises(ValueError, match="16 hex"):
        Bounds(BUCKET, prefix)


def test_prefix_is_used_once() -> None:
    assert new_prefix() != new_prefix()
    assert Bounds(BUCKET, new_prefix())
