"""
The shell sender, with this machine's bash and curl.
"""

import os
import shutil
import signal
import subprocess

import pytest

from tests.senders.clients import BUCKET, EXAMPLES, KEY, MIB, REGION, World

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("bash", "curl", "ps"))),
    reason="!!! NOT TESTED: the shell sender, without bash, curl or ps",
)
UPLOAD = ("bash", EXAMPLES / "shell" / "upload.sh")
QUOTES = 'say "hi" \\ 100%+.mov'


@pytest.mark.parametrize("key", [KEY, QUOTES])
def test_file_is_uploaded_and_nothing_is_reported(world: World, key: str) -> None:
    done = world.run([*UPLOAD, BUCKET, REGION, key, world.file], PART_BYTES=str(MIB))

    assert done.returncode == 0, done.stderr
    assert [(each.key, each.size) for each in world.cloud.objects(BUCKET)] == [(key, 3 * MIB + 1)]
    assert world.cloud.invocations() == []


@pytest.mark.parametrize("key", [KEY, QUOTES])
@pytest.mark.parametrize(("failing", "skip"), [("UploadPart", 1), ("CompleteMultipartUpload", 0)])
def test_upload_that_is_given_up_is_aborted_and_others_stay(world: World, failing: str, skip: int, key: str) -> None:
    world.cloud.fault(failing, key=key, status=403, code="AccessDenied", skip=skip)

    done = world.run([*UPLOAD, BUCKET, REGION, key, world.file], PART_BYTES=str(MIB))

    assert done.returncode != 0
    assert "403" in done.stderr
    assert world.aborts() == [(key, upload_id) for upload_id in world.started()]
    assert len(world.aborts()) == 1, done.stderr
    assert world.others_are_untouched()


def test_request_that_failed_for_now_is_repeated(world: World) -> None:
    world.cloud.fault("UploadPart", status=503, code="SlowDown", count=1)

    done = world.run([*UPLOAD, *world.arguments()], PART_BYTES=str(MIB))

    assert done.returncode == 0, done.stderr
    assert world.cloud.invocations() == []


def test_interrupted_sender_reports_its_upload(world: World) -> None:
    with _upload_during_second_part(world) as running:
        os.killpg(running.pid, signal.SIGTERM)  # what Ctrl-C and `timeout` do: bash and curl both get it

    assert world.cloud.wait_idle()
    assert running.returncode != 0
    assert world.aborts() == [(KEY, upload_id) for upload_id in world.started()]
    assert world.others_are_untouched()


def test_secrets_are_no_arguments_of_a_program(world: World) -> None:
    with _upload_during_second_part(world) as running:
        shown = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True, check=False).stdout
        os.killpg(running.pid, signal.SIGKILL)

    assert "--request PUT --header" in shown
    assert "q-signature" not in shown
    assert world.cloud.owner.secret_key not in shown


def _upload_during_second_part(world: World) -> "subprocess.Popen[bytes]":
    """A sender that waits for the answer to its second part."""
    world.cloud.fault("UploadPart", skip=1, body="silent")
    env = world.environment(PART_BYTES=str(MIB))
    running = subprocess.Popen([*UPLOAD, *world.arguments()], env=env, start_new_session=True)
    world.wait_for_parts(2)
    return running
