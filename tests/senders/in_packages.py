"""
The ways of sending that need packages beyond this project's: CKafka and tccli, as `make senders` installs them.

CKafka is librdkafka's own broker for tests; what is delivered from it to the function is an event in SCF's shape.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.fixtures import ROOT
from tests.senders.clients import BUCKET, EXAMPLES, KEY, MIB, NEEDS_PACKAGES, PACKAGES, World

TOPIC = "upload-failures"
pytestmark = NEEDS_PACKAGES
PYTHON = PACKAGES / "python"
UPLOAD = EXAMPLES / "python" / "upload.py"


def test_upload_that_is_given_up_is_aborted_through_ckafka_and_others_stay(world: World) -> None:
    world.fail("UploadPart", skip=1)

    with _broker() as (address, messages):
        kafka = {"SEND_BY": "send_by_ckafka", "KAFKA_SERVERS": address, "KAFKA_TOPIC": TOPIC}
        done = world.run([PYTHON, UPLOAD, *world.arguments()], **kafka)
        message = json.loads(next(messages))
    record = world.cloud.invoke({"Records": [{"Ckafka": {"topic": TOPIC, "msgKey": "None", **message}}]}, sync=True)

    assert done.returncode == 1
    assert record.end == "returned"
    assert world.aborts() == [(KEY, upload_id) for upload_id in world.started()], done.stderr
    assert len(world.aborts()) == 1
    assert world.others_are_untouched()


def test_failure_is_shown_where_ckafka_cannot_be_reached(world: World) -> None:
    world.fail("CompleteMultipartUpload")
    kafka = {"KAFKA_SERVERS": "127.0.0.1:9", "KAFKA_OPTIONS": '{"delivery.timeout.ms": 1000}', "KAFKA_TOPIC": TOPIC}

    done = world.run([PYTHON, UPLOAD, *world.arguments()], SEND_BY="send_by_ckafka", **kafka)

    assert done.returncode == 1
    assert "AccessDenied" in done.stderr
    assert "did not store every message" in done.stderr


@pytest.mark.parametrize("key", [KEY, 'say "hi" \\ 100%+.mov'])
def test_upload_that_is_given_up_is_aborted_through_tccli_and_others_stay(world: World, key: str) -> None:
    world.cloud.fault("UploadPart", key=key, status=403, code="AccessDenied", skip=1)
    upload, path = EXAMPLES / "shell" / "upload.sh", f"{PACKAGES}:{world.environment()['PATH']}"
    arguments = (BUCKET, world.arguments()[1], key, world.file)

    done = world.run(["bash", upload, *arguments], SEND_BY="invoke", PATH=path, PART_BYTES=str(MIB))

    assert done.returncode != 0
    assert world.aborts() == [(key, upload_id) for upload_id in world.started()], done.stderr
    assert len(world.aborts()) == 1
    assert world.others_are_untouched()


@contextmanager
def _broker() -> Iterator[tuple[str, Iterator[str]]]:
    """A broker's address, and the messages that it stores."""
    command = [str(PYTHON), str(ROOT / "tests" / "senders" / "kafka_broker.py"), TOPIC]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield next(process.stdout).strip(), process.stdout
        process.communicate()
