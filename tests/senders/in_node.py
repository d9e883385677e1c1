"""
The Node sender, with cos-nodejs-sdk-v5 of `make senders`.
"""

import pytest

from tests.senders.clients import BUCKET, KEY, NEEDS_NODE, World

pytestmark = NEEDS_NODE


@pytest.mark.parametrize(("failing", "skip"), [("UploadPart", 1), ("CompleteMultipartUpload", 0)])
def test_upload_that_is_given_up_is_aborted_and_others_stay(world: World, failing: str, skip: int) -> None:
    world.fail(failing, skip=skip)

    done = world.node("upload.mjs")

    assert done.returncode == 1
    assert sorted(world.aborts()) == sorted((KEY, upload_id) for upload_id in world.started()), done.stderr
    assert len(world.aborts()) >= 1
    assert world.held() == []
    assert world.others_are_untouched()


def test_attempt_that_is_repeated_is_not_reported(world: World) -> None:
    world.fail("CompleteMultipartUpload", count=4)  # so often the SDK itself sends it within one attempt

    done = world.node("upload.mjs")

    assert done.returncode == 0, done.stderr
    assert "attempt 1" in done.stderr
    assert [each.key for each in world.cloud.objects(BUCKET)] == [KEY]
    assert len(world.started()) == 1
    assert world.cloud.invocations() == []
