"""
Isolation: one bad upload, key, bucket or message does not stop the others.
"""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.emulator.public import Cloud
from tests.function import LOGS, PHOTOS, Function, named, timer
from tests.laws.buckets import BUCKET, OTHER, left
from tests.laws.hostile_events import anything, gzipped, uploads
from tests.profiles import examples


@settings(max_examples=examples(30))
@given(bad=st.lists(st.one_of(anything, uploads), max_size=6), way=st.sampled_from(["ckafka", "cls", "uploads"]))
def test_isolation_of_messages_lets_good_ones_through_beside_bad_ones(
    bad: list[Any], way: str, cloud: Cloud, function: Function
) -> None:
    cloud.reset()
    good = [named(BUCKET, each.key, each.upload_id) for each in cloud.seed(BUCKET, "good/{n}", count=2)]
    batch = [good[0], *bad, good[1]]
    raw: dict[str, Any] = {"uploads": batch}
    if way == "ckafka":
        raw = {"Records": [{"Ckafka": {"msgBody": json.dumps(message)}} for message in batch]}
    elif way == "cls":
        raw = {"clslogs": {"data": gzipped({"records": [{"content": json.dumps(message)} for message in batch]})}}

    function(raw)

    assert left(cloud) == set()


def test_isolation_of_uploads_and_buckets_lets_good_ones_through_beside_bad_ones(
    cloud: Cloud, function: Function
) -> None:
    cloud.seed(BUCKET, "{n}", count=10)
    cloud.seed(OTHER, "{n}", count=10)
    for key in ("/lead", "a/..", ".", "bad\udcff"):
        cloud.seed(BUCKET, key)
    cloud.fault("AbortMultipartUpload", bucket=BUCKET, key="3", status=403, code="AccessDenied")
    cloud.fault("ListParts", bucket=OTHER, key="7", body="malformed")

    result = function(timer(), BUCKETS=f"gone-1250000000@ap-beijing,{PHOTOS},{LOGS}")

    ended = result.lines("run.finished")[0]
    assert result.error is not None
    assert (ended["aborted"], ended["failed"], ended["rejected"], ended["buckets_failed"]) == (18, 2, 4, 1)
    assert {upload.key for upload in cloud.uploads(BUCKET)} == {"3", "/lead", "a/..", ".", "bad\udcff"}
    assert {upload.key for upload in cloud.uploads(OTHER)} == {"7"}
