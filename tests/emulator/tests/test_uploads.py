"""
What a test can let happen to uploads and buckets behind the function's back.
"""

import re
from xml.etree import ElementTree

import pytest

from tests.emulator.client import Cloud, ControlError, Seeded
from tests.emulator.limits import TokenBucket
from tests.emulator.signed import Response, send

BUCKET = "photos-1250000000"
LOGS = "logs-1250000000"


def listed(cloud: Cloud, **params: str) -> list[tuple[str, str]]:
    """One page of the listing: key and upload id of each upload."""
    response = list_uploads(cloud, **params)
    assert response.status == 200, response.text
    root = ElementTree.fromstring(response.body)
    return [(each.findtext("Key", ""), each.findtext("UploadId", "")) for each in root.findall("Upload")]


def list_uploads(cloud: Cloud, **params: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in params.items()}
    return send(cloud, "GET", BUCKET, params={"uploads": "", **named})


def of_upload(cloud: Cloud, method: str, upload: Seeded) -> Response:
    return send(cloud, method, BUCKET, upload.key, {"uploadId": upload.upload_id})


def code(response: Response) -> str:
    found = re.search("<Code>(.*?)</Code>", response.text)
    return found[1] if found else ""


def pair(upload: Seeded) -> tuple[str, str]:
    return upload.key, upload.upload_id


def test_part_arrives_now_under_the_next_number_unless_one_is_given(cloud: Cloud) -> None:
    (upload,) = cloud.seed(BUCKET, parts=2, part_size=1)

    numbers = [cloud.upload_part(BUCKET, *pair(upload), size=5), cloud.upload_part(BUCKET, *pair(upload), 2, size=7)]

    [held] = cloud.uploads(BUCKET)
    assert (numbers, held.parts, held.bytes) == ([3, 2], 3, 1 + 7 + 5)
    assert held.last_part is not None
    assert (held.last_part - held.initiated).total_seconds() >= 100 * 3600


def test_upload_is_completed_with_all_its_parts_whatever_their_sizes(cloud: Cloud) -> None:
    (upload,) = cloud.seed(BUCKET, parts=3, part_size=7)

    cloud.complete(BUCKET, *pair(upload))

    assert [(each.key, each.size) for each in cloud.objects(BUCKET)] == [(upload.key, 21)]
    assert cloud.uploads(BUCKET) == []


def test_upload_is_aborted_by_another_client_without_a_request(cloud: Cloud) -> None:
    (upload,) = cloud.seed(BUCKET)

    cloud.abort(BUCKET, *pair(upload))

    assert (cloud.uploads(BUCKET), cloud.requests()) == ([], [])
    assert code(of_upload(cloud, "GET", upload)) == "NoSuchUpload"


def test_ghost_is_gone_for_every_operation_and_still_listed(cloud: Cloud) -> None:
    first, ghost, last = cloud.seed(BUCKET, count=3)

    cloud.ghost(BUCKET, *pair(ghost))

    assert [code(of_upload(cloud, method, ghost)) for method in ("GET", "DELETE")] == ["NoSuchUpload"] * 2
    assert [listed(cloud) for _ in range(2)] == [[pair(first), pair(ghost), pair(last)]] * 2
    assert listed(cloud, key_marker=first.key, max_uploads="1") == [pair(ghost)]
    assert listed(cloud, key_marker=ghost.key, upload_id_marker=ghost.upload_id) == [pair(last)]
    assert [each.key for each in cloud.uploads(BUCKET)] == [first.key, last.key]
    assert [each.upload_id for each in cloud.ghosts(BUCKET)] == [ghost.upload_id]
    assert cloud.totals()["buckets"][BUCKET]["upload_count"] == 2


def test_ghost_disappears_after_so_many_listings_that_show_it(cloud: Cloud) -> None:
    first, ghost = cloud.seed(BUCKET, count=2)

    cloud.ghost(BUCKET, *pair(ghost), listings=2)

    assert listed(cloud, max_uploads="1") == [pair(first)]
    assert [len(listed(cloud)) for _ in range(3)] == [2, 2, 1]
    assert cloud.ghosts(BUCKET) == []


@pytest.mark.parametrize(("aborts", "status", "problem"), [("204", 204, ""), ("409", 409, "UploadConflict")])
def test_complete_under_way_shows_the_upload_and_cannot_be_aborted(
    cloud: Cloud, aborts: str, status: int, problem: str
) -> None:
    (upload,) = cloud.seed(BUCKET, part_size=7)

    cloud.begin_complete(BUCKET, *pair(upload), aborts=aborts)  # type: ignore[arg-type]

    aborted = of_upload(cloud, "DELETE", upload)
    assert (aborted.status, code(aborted)) == (status, problem)
    assert of_upload(cloud, "GET", upload).status == 200
    assert listed(cloud) == [pair(upload)]
    assert cloud.objects(BUCKET) == []

    cloud.finish_complete(BUCKET, *pair(upload))

    assert [each.size for each in cloud.objects(BUCKET)] == [7]
    assert code(of_upload(cloud, "DELETE", upload)) == "NoSuchUpload"
    assert listed(cloud) == []


def test_complete_that_is_not_under_way_cannot_be_finished(cloud: Cloud) -> None:
    (upload,) = cloud.seed(BUCKET)

    with pytest.raises(ControlError, match="No Complete"):
        cloud.finish_complete(BUCKET, *pair(upload))


def test_unknown_upload_is_rejected_by_every_call(cloud: Cloud) -> None:
    for call in (cloud.upload_part, cloud.complete, cloud.abort, cloud.ghost, cloud.begin_complete):
        with pytest.raises(ControlError, match="does not exist"):
            call(BUCKET, "a", "1")


def test_content_of_an_object_is_returned_if_it_was_kept(cloud: Cloud) -> None:
    send(cloud, "PUT", BUCKET, "é b", credentials=cloud.owner, body=b"{}\xff")
    (upload,) = cloud.seed(BUCKET)
    cloud.complete(BUCKET, *pair(upload))

    assert cloud.content(BUCKET, "é b") == b"{}\xff"
    with pytest.raises(ControlError, match="1048576 bytes"):
        cloud.content(BUCKET, upload.key)
    with pytest.raises(ControlError, match="does not exist"):
        cloud.content(BUCKET, "nothing")


def test_deleted_bucket_is_gone_with_everything_in_it(cloud: Cloud) -> None:
    cloud.seed(BUCKET)

    cloud.delete_bucket(BUCKET)

    assert code(list_uploads(cloud)) == "NoSuchBucket"
    assert list(cloud.totals()["buckets"]) == [LOGS]
    with pytest.raises(ControlError, match="does not exist"):
        cloud.delete_bucket(BUCKET)


@pytest.mark.parametrize(
    ("how", "of_others", "of_none"),
    [
        pytest.param("accept", ["a2", "b"], ["b"], id="accepted"),
        pytest.param("refuse", "InvalidArgument", "InvalidArgument", id="rejected"),
        pytest.param("refuse_without_uploads", ["a2", "b"], "InvalidArgument", id="refused without uploads"),
        pytest.param("restart_key", ["a0", "a2", "b"], ["b"], id="restarted"),
    ],
)
def test_marker_of_an_upload_that_is_gone(cloud: Cloud, how: str, of_others: object, of_none: object) -> None:
    for key, upload_id in (("a", "a0"), ("a", "a1"), ("a", "a2"), ("aa", "x"), ("b", "b")):
        cloud.seed(BUCKET, key, upload_id=upload_id)
    cloud.gone_markers(how)  # type: ignore[arg-type]

    def after(key: str, upload_id: str) -> object:
        response = list_uploads(cloud, key_marker=key, upload_id_marker=upload_id)
        return code(response) or list(re.findall("<UploadId>(.*?)</UploadId>", response.text))

    there = after("a", "a1")
    cloud.abort(BUCKET, "a", "a1")
    cloud.abort(BUCKET, "aa", "x")

    assert there == ["a2", "x", "b"]
    assert after("a", "a1") == of_others
    assert after("aa", "x") == of_none
    assert list_uploads(cloud, key_marker="aa").status == 200


def test_ghost_is_a_marker_that_is_there(cloud: Cloud) -> None:
    (ghost,) = cloud.seed(BUCKET)
    cloud.ghost(BUCKET, *pair(ghost))
    cloud.gone_markers("refuse")

    assert list_uploads(cloud, key_marker=ghost.key, upload_id_marker=ghost.upload_id).status == 200


def test_throttled_bucket_answers_503_beyond_its_rate_and_others_do_not(cloud: Cloud) -> None:
    cloud.throttle(BUCKET, 0.001, burst=2)

    responses = [list_uploads(cloud) for _ in range(4)]
    of_another = send(cloud, "GET", LOGS, params={"uploads": ""}, region="ap-singapore")
    cloud.throttle(BUCKET, None)

    assert [(each.status, code(each)) for each in responses] == [(200, "")] * 2 + [(503, "SlowDown")] * 2
    assert of_another.status == 200
    assert list_uploads(cloud).status == 200


def test_token_bucket_fills_at_its_rate_up_to_its_burst() -> None:
    bucket = TokenBucket(rate=2, burst=3)

    taken = [(now, sum(bucket.take(now) for _ in range(10))) for now in (0.0, 0.25, 0.5, 1.5, 100.0)]

    assert taken == [(0.0, 3), (0.25, 0), (0.5, 1), (1.5, 2), (100.0, 3)]


def test_hanging_bucket_answers_nothing_until_the_client_leaves(cloud: Cloud) -> None:
    cloud.hang(BUCKET)

    with pytest.raises(TimeoutError):
        send(cloud, "GET", BUCKET, params={"uploads": ""}, timeout_seconds=0.2)
    of_another = send(cloud, "GET", LOGS, params={"uploads": ""}, region="ap-singapore")
    cloud.hang(BUCKET, on=False)

    assert of_another.status == 200
    assert list_uploads(cloud).status == 200
    assert [(each.status, each.fault) for each in cloud.requests()] == [(None, "hang"), (200, ""), (200, "")]


def test_reset_takes_back_how_buckets_behave(cloud: Cloud) -> None:
    cloud.hang(BUCKET)
    cloud.throttle(LOGS, 0)
    cloud.gone_markers("refuse")

    cloud.reset()

    assert list_uploads(cloud, key_marker="a", upload_id_marker="1").status == 200
    for _ in range(3):
        assert send(cloud, "GET", LOGS, params={"uploads": ""}, region="ap-singapore").status == 200
