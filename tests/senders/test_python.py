"""
The Python senders with uploads that really fail: what the function aborts then, and what it leaves alone.
"""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.senders.clients import BUCKET, EXAMPLES, KEY, World
from tests.senders.stand_ins import answers

WAYS = ("send_by_invoke", "send_by_function_url")
DURABLE = EXAMPLES / "python" / "upload_durable.py"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("failing", "skip"), [("UploadPart", 1), ("CompleteMultipartUpload", 0)])
def test_upload_that_is_given_up_is_aborted_and_others_stay(world: World, way: str, failing: str, skip: int) -> None:
    world.fail(failing, skip=skip)

    done = world.python("upload.py", SEND_BY=way)

    assert done.returncode == 1
    assert world.aborts() == [(KEY, upload_id) for upload_id in world.started()], done.stderr
    assert len(world.aborts()) == 1, done.stderr
    assert world.held() == []
    assert world.others_are_untouched()


def test_attempt_that_is_repeated_is_not_reported(world: World) -> None:
    world.fail("CompleteMultipartUpload", count=2)

    done = world.python("upload.py")

    assert done.returncode == 0, done.stderr
    assert [each.key for each in world.cloud.objects(BUCKET)] == [KEY]
    assert world.cloud.invocations() == []
    assert len(world.started()) == 1


def test_upload_of_an_older_state_of_the_file_is_reported_when_the_newer_one_is_complete(world: World) -> None:
    world.fail("CompleteMultipartUpload", count=1)
    # The SDK's first attempt leaves an upload whose parts no longer fit the file: another client replaces one.
    part = {"when": "before", "number": 1, "size": 1234}
    world.cloud.fault("ListParts", key=KEY, skip=1, count=1, part=part)

    done = world.python("upload.py")

    old, _ = world.started()
    assert done.returncode == 0, done.stderr
    assert world.aborts() == [(KEY, old)]
    assert world.held() == []
    assert world.others_are_untouched()


def test_upload_that_the_sender_only_continued_is_not_reported(world: World) -> None:
    world.fail("UploadPart", skip=1)
    world.leave_upload()
    (other,) = world.started()

    done = world.python("upload.py")

    assert done.returncode == 1
    assert world.started() == [other]
    assert [each.upload_id for each in world.held()] == [other]
    assert world.cloud.invocations() == []


def test_upload_that_never_began_is_not_reported(world: World) -> None:
    world.fail("InitiateMultipartUpload")

    done = world.python("upload.py")

    assert done.returncode == 1
    assert world.cloud.invocations() == []


@pytest.mark.parametrize("settings", [{"HTTP_TOKEN": "wrong"}, {"FUNCTION_URL": "http://127.0.0.1:9/"}], ids=str)
def test_failure_of_the_upload_is_shown_where_its_report_fails_too(world: World, settings: dict[str, str]) -> None:
    world.fail("CompleteMultipartUpload")

    done = world.python("upload.py", SEND_BY="send_by_function_url", **settings)

    assert done.returncode == 1
    assert "AccessDenied" in done.stderr
    assert "urllib.error" in done.stderr
    assert len(world.held()) == 1


@pytest.mark.parametrize(("status", "sent"), [(503, 2), (502, 1), (401, 1)])
def test_only_a_report_that_failed_for_now_is_repeated(world: World, status: int, sent: int) -> None:
    world.fail("CompleteMultipartUpload")
    with answers(status, 200) as (url, bodies):
        world.python("upload.py", SEND_BY="send_by_function_url", FUNCTION_URL=url)

    (left,) = world.held()
    named = {"bucket": BUCKET, "key": KEY, "uploadId": left.upload_id}
    assert [json.loads(body) for body in bodies] == [{"uploads": [named]}] * sent


def test_killed_sender_continues_its_upload_and_reports_nothing(world: World, notes: Path) -> None:
    _kill_during_second_part(world, notes)
    world.cloud.heal()

    done = world.python("upload_durable.py", str(notes))

    assert done.returncode == 0, done.stderr
    assert len(world.started()) == 1
    assert world.cloud.invocations() == []
    assert world.held() == []
    assert [*notes.glob("*.json")] == []


def test_killed_sender_reports_what_it_left_when_the_next_one_gives_up(world: World, notes: Path) -> None:
    _kill_during_second_part(world, notes)
    world.cloud.heal()
    world.cloud.clock(advance_seconds=60)
    world.write("changed")
    world.fail("CompleteMultipartUpload")

    done = world.python("upload_durable.py", str(notes))

    assert done.returncode == 1
    assert len(world.started()) == 2
    assert sorted(world.aborts()) == sorted((KEY, upload_id) for upload_id in world.started())
    assert world.others_are_untouched()
    assert [*notes.glob("*.json")] == []


def test_note_stays_until_its_report_is_accepted(world: World, notes: Path) -> None:
    world.fail("CompleteMultipartUpload")
    world.cloud.invoke_fault(status=500, code="InternalError", count=1)

    world.python("upload_durable.py", str(notes))
    (note,) = notes.glob("*.json")
    again = world.python("upload_durable.py", str(notes))

    assert again.returncode == 1
    assert note.stem in [upload_id for _, upload_id in world.aborts()]
    assert not note.exists()
    assert world.held() == []


def test_folder_of_a_running_sender_is_not_read(world: World, notes: Path) -> None:
    with _upload_during_second_part(world, notes) as running:
        second = world.python("upload_durable.py", str(notes))
        running.kill()

    assert "BlockingIOError" in second.stderr
    assert world.cloud.invocations() == []


def test_timer_aborts_what_dead_senders_left_long_ago_and_not_what_a_killed_one_can_continue(
    world: World, notes: Path
) -> None:
    _kill_during_second_part(world, notes)
    world.cloud.heal()

    world.cloud.fire_timer()

    assert world.cloud.wait_idle()
    assert sorted(world.aborts()) == sorted((each.key, each.upload_id) for each in world.others)
    assert [each.upload_id for each in world.held()] == world.started()


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    return folder


def _upload_during_second_part(world: World, notes: Path) -> "subprocess.Popen[bytes]":
    """A durable sender that waits for the answer to its second part."""
    world.cloud.fault("UploadPart", key=KEY, skip=1, body="silent")
    command = [sys.executable, str(DURABLE), str(notes), *world.arguments()]
    running = subprocess.Popen(command, env=world.environment(), stderr=subprocess.DEVNULL)
    world.wait_for_parts(2)
    return running


def _kill_during_second_part(world: World, notes: Path) -> None:
    with _upload_during_second_part(world, notes) as running:
        running.send_signal(signal.SIGKILL)
