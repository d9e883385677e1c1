"""
The shell sender, with the curl and bash of this machine, over TLS.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.senders.clients import BUCKET, EXAMPLES, KEY, MIB, REGION, World
from tests.senders.stand_ins import tls_front

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("bash", "curl", "ps"))),
    reason="!!! NOT TESTED: the shell sender, without bash, curl or ps",
)
UPLOAD = ("bash", EXAMPLES / "shell" / "upload.sh")
QUOTES = 'say "hi" \\ 100%+.mov'


@pytest.fixture
def shell(world: World) -> Iterator[World]:
    """A world whose curl finds COS at its own name."""
    host = f"{BUCKET}.cos.{REGION}.myqcloud.com"
    with tls_front(world.cloud, host, world.folder) as (port, signer):
        (world.folder / ".curlrc").write_text(f'connect-to = "{host}:443:127.0.0.1:{port}"\ncacert = "{signer}"\n')
        yield world


@pytest.mark.parametrize("key", [KEY, QUOTES])
def test_file_is_uploaded_and_nothing_is_reported(shell: World, key: str) -> None:
    done = shell.run([*UPLOAD, BUCKET, REGION, key, shell.file], PART_BYTES=str(MIB))

    assert done.returncode == 0, done.stderr
    assert [(each.key, each.size) for each in shell.cloud.objects(BUCKET)] == [(key, 3 * MIB + 1)]
    assert shell.cloud.invocations() == []


@pytest.mark.parametrize("key", [KEY, QUOTES])
@pytest.mark.parametrize(("failing", "skip"), [("UploadPart", 1), ("CompleteMultipartUpload", 0)])
def test_upload_that_is_given_up_is_aborted_and_others_stay(shell: World, failing: str, skip: int, key: str) -> None:
    shell.cloud.fault(failing, key=key, status=403, code="AccessDenied", skip=skip)

    done = shell.run([*UPLOAD, BUCKET, REGION, key, shell.file], PART_BYTES=str(MIB))

    assert done.returncode != 0
    assert "403" in done.stderr
    assert shell.aborts() == [(key, upload_id) for upload_id in shell.started()]
    assert len(shell.aborts()) == 1
    assert shell.others_are_untouched()


def test_request_that_failed_for_now_is_repeated(shell: World) -> None:
    shell.cloud.fault("UploadPart", status=503, code="SlowDown", count=1)

    done = shell.run([*UPLOAD, *shell.arguments()], PART_BYTES=str(MIB))

    assert done.returncode == 0, done.stderr
    assert shell.cloud.invocations() == []


def test_interrupted_sender_reports_its_upload(shell: World) -> None:
    with _upload_during_second_part(shell) as running:
        os.killpg(running.pid, signal.SIGTERM)  # what Ctrl-C and `timeout` do: bash and curl both get it

    assert shell.cloud.wait_idle()
    assert running.returncode != 0
    assert shell.aborts() == [(KEY, upload_id) for upload_id in shell.started()]
    assert shell.others_are_untouched()


def test_secrets_are_no_arguments_of_a_program(shell: World) -> None:
    with _upload_during_second_part(shell) as running:
        shown = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True, check=False).stdout
        os.killpg(running.pid, signal.SIGKILL)

    assert "--request PUT --header" in shown
    assert "q-signature" not in shown
    assert shell.cloud.owner.secret_key not in shown


def _upload_during_second_part(shell: World) -> "subprocess.Popen[bytes]":
    """A sender one of whose parts has arrived and whose next one has not."""
    shell.cloud.fault("UploadPart", skip=1, body="silent")
    env = shell.environment(PART_BYTES=str(MIB))
    running = subprocess.Popen([*UPLOAD, *shell.arguments()], env=env, start_new_session=True)
    shell.wait_for_part()
    return running
