"""
What cos-python-sdk-v5 leaves behind, claim by claim, as docs/client-leaks.md makes them.
"""

import io

import pytest
from qcloud_cos import CosClientError, CosServiceError

from tests.senders.clients import BUCKET, KEY, MIB, World

FAILURES = (CosClientError, CosServiceError)


@pytest.mark.parametrize(("failing", "skip"), [("UploadPart", 1), ("CompleteMultipartUpload", 0)])
def test_failed_upload_file_aborts_nothing(world: World, failing: str, skip: int) -> None:
    world.fail(failing, skip=skip)

    world.leave_upload()

    (left,) = world.held()
    assert left.parts >= 1
    assert world.aborts() == []


def test_next_upload_file_continues_the_upload_and_sends_only_what_is_missing(world: World) -> None:
    world.fail("UploadPart", skip=1, count=3)
    world.leave_upload()
    world.cloud.heal()
    mark = world.cloud.mark()

    world.client().upload_file(BUCKET, KEY, str(world.file))

    assert len(world.started()) == 1
    assert [each.operation for each in world.cloud.requests(mark)].count("UploadPart") == 3
    assert world.held() == []


@pytest.mark.parametrize("other", ["content", "part size"])
def test_upload_of_a_changed_file_or_with_another_part_size_leaves_the_old_one(world: World, other: str) -> None:
    world.fail("CompleteMultipartUpload", count=1)
    world.leave_upload()
    world.cloud.clock(advance_seconds=60)
    if other == "content":
        world.write("changed")

    world.client().upload_file(BUCKET, KEY, str(world.file), PartSize=1 if other == "content" else 2)

    old, _ = world.started()
    assert [each.upload_id for each in world.held()] == [old]
    assert [each.key for each in world.cloud.objects(BUCKET)] == [KEY]


@pytest.mark.parametrize(("leftovers", "uploads"), [(999, 1), (1000, 2)])
def test_own_upload_is_not_found_behind_a_thousand_leftovers_of_its_key(
    world: World, leftovers: int, uploads: int
) -> None:
    # Two are there already.
    world.cloud.seed(BUCKET, KEY, count=leftovers - 2, part_size=777)
    world.fail("CompleteMultipartUpload")

    for _ in range(2):
        world.leave_upload()

    assert len(world.started()) == uploads


def test_upload_file_continues_what_another_client_is_uploading(world: World) -> None:
    started = world.client().create_multipart_upload(BUCKET, KEY)["UploadId"]

    world.client().upload_file(BUCKET, KEY, str(world.file))

    assert world.started() == [started]
    with pytest.raises(CosServiceError, match="NoSuchUpload"):
        world.client().upload_part(BUCKET, KEY, b"the other client's", 1, started)


@pytest.mark.parametrize(("failing", "left"), [("UploadPart", 2), ("CompleteMultipartUpload", 0)])
def test_upload_file_from_buffer_continues_nothing_and_aborts_only_when_complete_fails(
    world: World, failing: str, left: int
) -> None:
    world.fail(failing)

    for _ in range(2):
        with pytest.raises(FAILURES):
            world.client().upload_file_from_buffer(BUCKET, KEY, io.BytesIO(bytes(3 * MIB)), MaxBufferSize=1, PartSize=1)

    assert len(world.held()) == left
    assert len(world.aborts()) == 2 - left


def test_attempts_under_new_keys_leave_one_upload_each(world: World) -> None:
    world.cloud.fault("CompleteMultipartUpload", status=403, code="AccessDenied")

    for attempt in range(2):
        with pytest.raises(FAILURES):
            world.client().upload_file(BUCKET, f"{KEY}-{attempt}", str(world.file))

    assert sorted(each.key for each in world.held()) == [f"{KEY}-0", f"{KEY}-1"]
