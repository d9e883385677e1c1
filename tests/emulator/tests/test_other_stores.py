"""
Faults that other stores are known for: late parts, forgetful and old listings, throttling in other words.
"""

import pytest

from tests.emulator.client import Cloud
from tests.emulator.tests.test_uploads import BUCKET, code, list_uploads, listed, of_upload, pair


@pytest.mark.parametrize(
    ("if_gone", "again", "orphan_bytes"), [(None, "NoSuchUpload", 0), ("stays", "NoSuchUpload", 7), ("revives", "", 0)]
)
def test_part_that_arrives_after_the_abort(if_gone: str | None, again: str, orphan_bytes: int, cloud: Cloud) -> None:
    (upload,) = cloud.seed(BUCKET, parts=3, part_size=5)
    cloud.fault("AbortMultipartUpload", count=1, part={"when": "after", "size": 7, "if_gone": if_gone})

    assert of_upload(cloud, "DELETE", upload).status == 204

    assert code(of_upload(cloud, "GET", upload)) == again
    assert [(each.parts, each.bytes) for each in cloud.uploads(BUCKET)] == ([] if again else [(1, 7)])
    assert listed(cloud) == ([] if again else [pair(upload)])
    assert cloud.totals()["buckets"][BUCKET]["orphan_bytes"] == orphan_bytes
    assert [(each.number, each.size) for each in cloud.arrivals(BUCKET)] == ([(4, 7)] if if_gone else [])


def test_part_that_arrives_late_needs_an_upload_that_the_request_ended(cloud: Cloud) -> None:
    (upload,) = cloud.seed(BUCKET)
    cloud.abort(BUCKET, *pair(upload))
    cloud.fault("AbortMultipartUpload", part={"when": "after", "if_gone": "revives"})

    assert of_upload(cloud, "DELETE", upload).status == 404
    assert cloud.uploads(BUCKET) == []


def test_forgotten_upload_is_there_and_left_out_of_so_many_listings(cloud: Cloud) -> None:
    first, forgotten, last = cloud.seed(BUCKET, count=3)
    cloud.forget(BUCKET, *pair(forgotten), listings=3)

    # Pages on which it would not stand do not count: those before it and after it.
    assert listed(cloud, max_uploads="1") == [pair(first)]
    assert listed(cloud, key_marker=forgotten.key) == [pair(last)]
    assert listed(cloud, prefix=last.key) == [pair(last)]
    assert [len(listed(cloud)) for _ in range(2)] == [2, 2]
    assert listed(cloud, max_uploads="1", key_marker=first.key) == [pair(last)]
    assert listed(cloud) == [pair(first), pair(forgotten), pair(last)]
    assert of_upload(cloud, "GET", forgotten).status == 200
    assert len(cloud.uploads(BUCKET)) == 3


def test_frozen_listing_is_of_the_moment_at_which_it_was_frozen(cloud: Cloud) -> None:
    gone, ghost, there = cloud.seed(BUCKET, count=3)
    cloud.ghost(BUCKET, *pair(ghost))
    cloud.freeze(BUCKET)
    cloud.abort(BUCKET, *pair(gone))
    (new,) = cloud.seed(BUCKET, "new")

    assert listed(cloud) == [pair(gone), pair(ghost), pair(there)]
    assert listed(cloud, key_marker=ghost.key) == [pair(there)]
    assert code(of_upload(cloud, "GET", gone)) == "NoSuchUpload"
    assert of_upload(cloud, "GET", new).status == 200

    cloud.freeze(BUCKET, on=False)
    assert listed(cloud) == [pair(new), pair(ghost), pair(there)]


def test_frozen_listing_thaws_after_so_many_responses(cloud: Cloud) -> None:
    cloud.freeze(BUCKET, listings=2)
    cloud.seed(BUCKET)

    assert [len(listed(cloud)) for _ in range(3)] == [0, 0, 1]


def test_listings_are_as_usual_after_a_reset(cloud: Cloud) -> None:
    cloud.freeze(BUCKET)
    cloud.reset()
    (upload,) = cloud.seed(BUCKET)

    assert listed(cloud) == [pair(upload)]


def test_throttled_bucket_answers_as_another_store_does(cloud: Cloud) -> None:
    cloud.throttle(BUCKET, 0, burst=1, status=429, code="TooManyRequests")

    responses = [list_uploads(cloud) for _ in range(2)]

    assert [(each.status, code(each)) for each in responses] == [(200, ""), (429, "TooManyRequests")]
