"""
Ctrl-C, SIGTERM and a reader that goes away, in a real terminal or pipe. The moment is one that the cloud sees.
"""

import os
import signal
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from tests.command import Command
from tests.emulator.public import Cloud
from tests.function import PHOTOS
from tests.tap import Tap
from tests.terminal import CTRL_C, PATIENCE_SECONDS, environ_of, terminal

BUCKET = PHOTOS.partition("@")[0]
ABORTS = {
    "sweep": ("sweep", "--abort", "--yes", "--until-empty"),
    "drain": ("drain", PHOTOS, "--confirm", BUCKET),
}
QUESTIONS = {
    "sweep": (("sweep", "--abort"), "[y/N]"),
    "abort": (("abort", PHOTOS, "raw/000"), "[y/N]"),
    "drain": (("drain", PHOTOS), f"Type {BUCKET} to abort all of it"),
    "lifecycle": (("lifecycle", "--add-rule", "30"), "[y/N]"),
}
MANY = 150


def tapped(cloud: Cloud, hold: bytes) -> Tap:
    port = urlsplit(cloud.endpoint).port
    assert port
    return Tap(port, hold)


@pytest.fixture
def command(command: Command, cloud: Cloud) -> Command:
    command.settings = {"BUCKETS": PHOTOS, "NO_COLOR": "1", "WORKERS": "4"}
    cloud.seed(BUCKET, "raw/{n:03}", count=MANY, parts=2, hours_since_start=400)
    return command


def gone(cloud: Cloud) -> set[str]:
    return {f"raw/{number:03}" for number in range(MANY)} - {upload.key for upload in cloud.uploads(BUCKET)}


def recorded(command: Command, outcome: str) -> set[str]:
    """The keys with this outcome in the records of the command, read as an operator would."""
    runs = command("report", "--records", "cos-sweeper-records", "--json").json["runs"]
    found: set[str] = set()
    for key in (f"raw/{number:03}" for number in range(MANY)) if runs else ():
        records = command("report", "--find", key, "--json").json["records"]
        found |= {key for record in records if record["outcome"] == outcome}
    return found


@pytest.mark.parametrize("stop", ["ctrl-c", "sigterm"])
@pytest.mark.parametrize("name", ABORTS)
def test_first_stop_ends_what_is_in_flight_and_says_how_to_go_on(
    name: str, stop: str, cloud: Cloud, command: Command
) -> None:
    with tapped(cloud, b"DELETE ") as tap, terminal(command, *ABORTS[name], COS_ENDPOINT=tap.endpoint) as running:
        running.when(lambda: bool(tap.held))
        running.type(CTRL_C) if stop == "ctrl-c" else running.signal(signal.SIGTERM)
        running.until("Press Ctrl-C again")
        tap.release.set()
        ran = running.end()

    aborted = gone(cloud)
    assert ran.exit_code == 130
    assert 0 < len(aborted) < MANY
    assert recorded(command, "aborted") == aborted
    assert f"{len(aborted)} upload" in ran.stdout
    assert "The same command goes on: what is left is found again." in ran.stdout
    assert "Traceback" not in ran.stdout


@pytest.mark.parametrize("name", ["sweep", "drain"])
def test_what_was_typed_before_a_question_is_no_answer_to_it(name: str, cloud: Cloud, command: Command) -> None:
    arguments, question = QUESTIONS[name]
    with tapped(cloud, b"GET ") as tap, terminal(command, *arguments, COS_ENDPOINT=tap.endpoint) as running:
        running.when(lambda: bool(tap.held))
        running.type("y\n" if name == "sweep" else f"{BUCKET}\n")
        tap.release.set()
        running.until_asked(question)
        running.type("\n")
        ran = running.end()

    assert ran.exit_code == 130
    assert gone(cloud) == set()


@pytest.mark.parametrize("name", ABORTS)
def test_second_ctrl_c_stops_at_once_and_every_abort_has_its_intent(name: str, cloud: Cloud, command: Command) -> None:
    with tapped(cloud, b"DELETE ") as tap, terminal(command, *ABORTS[name], COS_ENDPOINT=tap.endpoint) as running:
        running.when(lambda: bool(tap.held))
        running.type(CTRL_C)
        running.until("Press Ctrl-C again")
        running.type(CTRL_C)
        # No answer came yet.
        ran = running.end()
        assert not tap.release.is_set()

    aborted = gone(cloud)
    assert ran.exit_code == 130
    assert 0 < len(aborted) < MANY
    assert aborted <= recorded(command, "intended")
    assert "Records so far: cos-sweeper-records/" in ran.stdout
    assert "Stopped." in ran.stdout
    assert "Traceback" not in ran.stdout


def test_interrupted_inventory_shows_the_account_so_far(cloud: Cloud, command: Command) -> None:
    with tapped(cloud, b"uploadId=") as tap, terminal(command, "inventory", COS_ENDPOINT=tap.endpoint) as running:
        running.when(lambda: bool(tap.held))
        running.type(CTRL_C)
        running.until("Press Ctrl-C again")
        tap.release.set()
        ran = running.end()

    assert ran.exit_code == 130
    assert "uploads unfinished" in ran.stdout
    assert "Traceback" not in ran.stdout
    assert b"DELETE" not in tap.sent


@pytest.mark.parametrize("stop", ["ctrl-c", "end of input"])
@pytest.mark.parametrize("name", QUESTIONS)
def test_ctrl_c_at_a_question_sends_nothing(name: str, stop: str, cloud: Cloud, command: Command) -> None:
    arguments, question = QUESTIONS[name]
    with terminal(command, *arguments) as running:
        running.until_asked(question)
        asked = cloud.mark()
        running.type(CTRL_C if stop == "ctrl-c" else "\x04")
        ran = running.end()

    assert ran.exit_code == 130
    assert "Stopped." in ran.stdout
    assert "Traceback" not in ran.stdout
    assert cloud.requests(asked) == []
    assert gone(cloud) == set()


@pytest.mark.parametrize("arguments", [("inventory", "--json"), ("inventory",), ("report", "--help")], ids=" ".join)
def test_reader_that_goes_away_ends_the_command_silently(arguments: tuple[str, ...], command: Command) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    try:
        ran = subprocess.run(
            [sys.executable, "-m", "cos_sweeper", *arguments],
            cwd=command.folder,
            env=environ_of(command),
            stdout=theirs,
            stderr=subprocess.PIPE,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    finally:
        os.close(theirs)

    assert ran.returncode in (0, 1)
    assert b"Broken" not in ran.stderr
    assert b"Traceback" not in ran.stderr
    assert b"Exception ignored" not in ran.stderr
    assert b"error:" not in ran.stderr
