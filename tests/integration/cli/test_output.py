"""
Where the command writes: streams that are closed or full, one JSON document in every case, and files of its owner.
"""

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import Command
from tests.emulator.public import Cloud
from tests.fake_server import Server, always
from tests.function import PHOTOS
from tests.terminal import PATIENCE_SECONDS, environ_of, terminal

BUCKET = PHOTOS.partition("@")[0]


@pytest.fixture
def command(command: Command, cloud: Cloud) -> Command:
    command.settings = {"BUCKETS": PHOTOS}
    cloud.seed(BUCKET, "raw/{n:03}", count=3, hours_since_start=400)
    return command


def shell(command: Command, line: str) -> subprocess.CompletedProcess[bytes]:
    """The command line of a shell, with its streams as the line redirects them."""
    return subprocess.run(
        ["bash", "-c", f"{sys.executable} -m cos_sweeper {line}"],
        cwd=command.folder,
        env=environ_of(command),
        capture_output=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


@pytest.mark.parametrize(
    ("line", "exit_code"),
    [
        ("inventory <&-", 0),
        ("inventory 2>&-", 0),
        ("inventory >&-", 1),
        ("inventory --json >&-", 1),
        ("inventory >/dev/full", 1),
        ("inventory --json >/dev/full", 1),
        ("events timer --bucket photos-1250000000@ap-guangzhou >/dev/full", 1),
        ("inventory 2>/dev/full", 1),
        ("sweep --abort <&- >&- 2>&-", 1),
        ("inventory --html /dev/full", 1),
        ("inventory --log /dev/full", 1),
    ],
)
def test_stream_that_cannot_be_written_has_a_documented_exit_code_and_no_traceback(
    line: str, exit_code: int, command: Command
) -> None:
    ran = shell(command, line)

    assert ran.returncode == exit_code
    assert not any(text in ran.stderr for text in (b"Traceback", b"Exception ignored", b"defect"))
    assert b"written" in ran.stderr or not exit_code or "2>" in line or ">&-" in line


def test_sweep_whose_output_cannot_be_written_still_aborts_and_records(cloud: Cloud, command: Command) -> None:
    ran = shell(command, "sweep --abort --yes >/dev/full 2>/dev/full")

    assert (ran.returncode, cloud.uploads(BUCKET)) == (1, [])
    assert list((command.folder / "cos-sweeper-records").glob("*/report.json"))


@pytest.mark.parametrize(
    ("arguments", "typed", "exit_code"),
    [
        (["inventory", "--colour"], None, 2),
        (["inventory", "--min-age-hours", "x"], None, 2),
        (["inventory", "--bucket", "none-1250000000"], None, 2),
        (["sweep", "--abort"], None, 2),
        (["sweep", "--abort"], "n\n", 130),
        (["sweep", "--abort", "--html", "no/such.html"], None, 2),
        (["abort", PHOTOS, "raw/000"], "\n", 130),
        (["drain", PHOTOS], "no\n", 130),
        (["drain", PHOTOS], None, 2),
        (["explain", PHOTOS, "raw/000", "none"], None, 3),
        (["lifecycle", "--add-rule", "30"], "n\n", 130),
        (["lifecycle", "--add-rule", "0"], None, 2),
        (["report", "20261126T000000Z-aa"], None, 2),
        (["report"], None, 2),
        (["policy"], None, 2),
        (["inventory", "--config", "none.toml"], None, 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_json_is_one_document_whatever_happens(
    arguments: list[str], typed: str | None, exit_code: int, command: Command
) -> None:
    ran = command(*arguments, "--json", typed=typed)

    assert ran.exit_code == exit_code
    error = ran.json.get("error")
    assert error is None or (error["exit_code"] == exit_code and error["sentence"] and "next_step" in error)


@pytest.mark.parametrize("option", ["--html", "--log"])
@pytest.mark.parametrize("is_link", [False, True], ids=["file", "link"])
def test_file_that_is_there_is_replaced_and_not_written_into(option: str, is_link: bool, command: Command) -> None:  # noqa: FBT001
    there, place = command.folder / "there", command.folder / "out"
    there.write_text("old")
    place.symlink_to(there) if is_link else os.link(there, place)

    ran = command("inventory", option, str(place))

    assert ran.exit_code == 0
    assert there.read_text() == "old"
    assert not place.is_symlink()
    assert (place.stat().st_size > 3, stat.S_IMODE(place.stat().st_mode)) == (True, 0o600)
    assert [one.name for one in command.folder.iterdir() if one.name.startswith(".out")] == []


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_signal_at_a_question_ends_it_as_ctrl_c_does(name: str, cloud: Cloud, command: Command) -> None:
    with terminal(command, "sweep", "--abort") as running:
        running.until_asked("[y/N]")
        running.signal(getattr(signal, name))
        ran = running.end()

    assert (ran.exit_code, len(cloud.uploads(BUCKET))) == (130, 3)
    assert "Stopped." in ran.stdout


def test_log_on_a_disk_that_is_full_stops_no_sweep(cloud: Cloud, command: Command) -> None:
    ran = command("sweep", "--abort", "--yes", "--json", "--log", "/dev/full", "--html", "/dev/full")

    assert (ran.exit_code, cloud.uploads(BUCKET), ran.json["totals"]["freed"]["uploads"]) == (1, [], 3)
    assert ran.stderr.count("/dev/full cannot be written") == 2
    assert Path("/dev/full").is_char_device()
    assert json.loads(ran.stdout)


@pytest.mark.parametrize("sent", ["code", "id"])
def test_signature_that_a_server_sends_back_as_code_or_id_is_not_shown(sent: str, command: Command) -> None:
    signature = "0123456789abcdef0123456789abcdef01234567"
    code, request_id = (signature, "NjVm") if sent == "code" else ("AccessDenied", f"NjVm {signature}")
    body = f"<Error><Code>{code}</Code></Error>"
    head = f"HTTP/1.1 403 Forbidden\r\nx-cos-request-id: {request_id}\r\nContent-Length: {len(body)}\r\n\r\n"

    with Server([always(lambda _: f"{head}{body}".encode())]) as server:
        ran = command("sweep", COS_ENDPOINT=f"http://127.0.0.1:{server.port}")

    assert ("Http403" if sent == "code" else "AccessDenied (request id NjVm [hidden])") in ran.stderr
    assert signature not in f"{ran.stdout}{ran.stderr}"
