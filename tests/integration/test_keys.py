"""
Keys: every one that the SDK addresses rightly is aborted, every other is rejected.
"""

import pytest

from cos_sweeper.core.model import Bucket
from tests.emulator.public import Cloud
from tests.function import PHOTOS, Function, named, timer

BUCKET = Bucket(*PHOTOS.split("@"))

ADDRESSABLE = {
    "spaces": "a b/ c ",
    "plus": "a+b",
    "percent": "a%2Fb%",
    "question_mark": "a?b=c",
    "hash": "a#b",
    "chinese": "目录/猫.jpg",
    "astral": "🐈",
    "control_characters": "a\x01\t\n\r\x7fb",
    "dot_segment_inside": "a/./b",
    "dots_segment_inside": "a/../b",
    "leading_dots": "../b",
    "double_slash_inside": "a//b",
    "trailing_slash": "a/",
    "backslash": "a\\b",
    "quotes_and_angles": "'\"<&>",
    "looks_like_a_query": "k?uploadId=1&x",
    "longest": "k" * 850,
}
FORBIDDEN = {
    "leading_slash": "/a",
    "slash": "/",
    "dot": ".",
    "dots": "..",
    "ends_in_dot": "a/.",
    "ends_in_dots": "a/..",
}


@pytest.mark.parametrize("key", ADDRESSABLE.values(), ids=ADDRESSABLE)
def test_unusual_key_is_aborted_and_nothing_else(key: str, cloud: Cloud, function: Function) -> None:
    (swept,) = cloud.seed(BUCKET.name, key)
    bystanders = {
        cloud.seed(BUCKET.name, other, hours_since_last_part=1)[0].upload_id for other in ("a", "b", "k", "a/b")
    }

    by_sweep = function(timer(buckets=[BUCKET.name]))
    (failed,) = cloud.seed(BUCKET.name, key)
    by_event = function(named(BUCKET.name, key, failed.upload_id))

    assert (by_sweep.report["aborted"], by_event.report["aborted"]) == (1, 1)
    assert {upload.upload_id for upload in cloud.uploads(BUCKET.name)} == bystanders
    assert swept.key == key


@pytest.mark.parametrize("key", FORBIDDEN.values(), ids=FORBIDDEN)
def test_forbidden_key_is_rejected_and_nothing_is_touched(key: str, cloud: Cloud, function: Function) -> None:
    (upload,) = cloud.seed(BUCKET.name, key)
    cloud.seed(BUCKET.name, "a", hours_since_last_part=1)

    by_sweep = function(timer(buckets=[BUCKET.name]))
    by_event = function(named(BUCKET.name, key, upload.upload_id))

    # One leading '/' of an event's key is dropped: it names another upload, which is not there.
    name = "already_gone" if key == FORBIDDEN["leading_slash"] else "rejected"
    assert (by_sweep.report["rejected"], by_event.report[name]) == (1, 1)
    assert len(cloud.uploads(BUCKET.name)) == 2
    assert "AbortMultipartUpload" not in {request.operation for request in cloud.requests()}
