"""
`python -m tests.verify` as a person runs it: what it asks, shows, and answers to the shell.
"""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.emulator.public import Cloud
from tests.fixtures import HANDLER, ROOT
from tests.function import PHOTOS
from tests.unit.cli.little_monitor import LittleMonitor
from tests.verify import monitor_later, table
from tests.verify.__main__ import main
from tests.verify.bounds import PREFIX
from tests.verify.monitor_later import Note, verdict
from tests.verify.tests.scene import Scene

NAME, REGION = PHOTOS.split("@")
TARGET = ("--bucket", NAME, "--region", REGION)


def environment(cloud: Cloud) -> dict[str, str]:
    return {
        "COS_ENDPOINT": cloud.endpoint,
        "TENCENTCLOUD_SECRET_ID": cloud.owner.secret_id,
        "TENCENTCLOUD_SECRET_KEY": cloud.owner.secret_key,
        "HOME": "/nowhere",
        "COLUMNS": "80",
    }


def started(cloud: Cloud, *arguments: str) -> "subprocess.Popen[str]":
    environ = {**environment(cloud), "PYTHONPATH": f"{HANDLER}:{ROOT}", "PATH": os.environ["PATH"]}
    command = [sys.executable, "-m", "tests.verify", *TARGET, "--many", "5", *arguments]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environ,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_run_shows_a_table_that_fits_and_holds_no_secret(cloud: Cloud, tmp_path: Path) -> None:
    names = ("abort-204", "service", "initiator-form", "sign-unknown", "permission-list", "monitor-unit")
    only = [word for name in names for word in ("--only", name)]
    process = started(cloud, "--yes", "--markdown", str(tmp_path / "report.md"), *only)
    shown, said = process.communicate(timeout=60)
    markdown = (tmp_path / "report.md").read_text("utf-8")

    assert process.returncode == table.SOMETHING_NOT_CHECKED, said
    assert max(len(line) for line in (shown + said).splitlines() if "report.md" not in line) <= 80
    assert "As expected" in shown
    assert "Not checked" in shown
    assert "| `abort-204` | as expected |" in markdown
    for secret in (cloud.owner.secret_id, cloud.owner.secret_key, "100000000001", "100000000011"):
        assert secret not in shown + said + markdown
    # The command that cleans up has to name the bucket; what is passed on does not.
    assert "1250000000" not in shown + markdown


def test_json_is_the_only_thing_on_stdout(cloud: Cloud) -> None:
    process = started(cloud, "--yes", "--json", "--only", "abort-204", "--only", "sign-wrong")
    shown, said = process.communicate(timeout=60)

    assert process.returncode == table.ALL_AS_EXPECTED, said
    assert [(one["name"], one["result"]) for one in json.loads(shown)["checks"]] == [
        ("sign-wrong", "as expected"),
        ("abort-204", "as expected"),
    ]


def test_nothing_is_sent_before_the_question_is_answered(cloud: Cloud) -> None:
    mark = cloud.mark()
    process = started(cloud)
    _, said = process.communicate(timeout=60)

    assert process.returncode == table.INTERRUPTED
    assert "requests to photos-" in said
    assert "YES=1" in said
    assert cloud.requests(mark) == []


def test_what_a_killed_run_left_is_cleaned_by_the_command_that_it_printed(cloud: Cloud) -> None:
    cloud.fault("AbortMultipartUpload", key_pattern=".*/abort-204/.*", delay_ms=30_000)
    process = started(cloud, "--yes", "--only", "abort-204")
    while not cloud.uploads(NAME) or not cloud.uploads(NAME)[0].parts:
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    _, said = process.communicate(timeout=60)
    cloud.heal()
    match = re.search(f"CLEAN=({PREFIX.pattern})", said)
    assert match is not None

    code = main([*TARGET, "--clean", match[1]], environment(cloud))

    assert code == 0
    assert cloud.uploads(NAME) == []


def test_terminated_run_cleans_up_by_itself(cloud: Cloud) -> None:
    cloud.fault("AbortMultipartUpload", key_pattern=".*/abort-204/.*", delay_ms=30_000, count=1)
    process = started(cloud, "--yes", "--only", "abort-204")
    while not cloud.uploads(NAME) or not cloud.uploads(NAME)[0].parts:
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    shown, said = process.communicate(timeout=60)

    assert process.returncode == table.INTERRUPTED
    assert "the run was interrupted" in shown
    assert "CLEAN=" in said
    assert cloud.uploads(NAME) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["--bucket", "photos", "--region", REGION],
        ["--bucket", NAME, "--region", "evil.com"],
        ["--bucket", "", "--region", ""],
        [*TARGET, "--only", "no-such-check"],
        [*TARGET, "--clean", "cos-sweeper-verify/"],
        [*TARGET, "--clean", ""],
    ],
    ids=" ".join,
)
def test_wrong_option_sends_nothing(arguments: list[str], cloud: Cloud) -> None:
    mark = cloud.mark()

    code = main(arguments, environment(cloud))

    assert code in (table.NOT_RUN, table.INTERRUPTED)
    assert cloud.requests(mark) == []


@pytest.mark.parametrize("change", [{"COS_ENDPOINT": "http://evil.com"}, {"TENCENTCLOUD_SECRET_KEY": ""}], ids=str)
def test_wrong_environment_sends_nothing(change: dict[str, str], cloud: Cloud) -> None:
    assert main([*TARGET, "--yes"], {**environment(cloud), **change}) == table.NOT_RUN


def test_contract_is_told_first_whether_credentials_are_there(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    given, mark = environment(cloud), cloud.mark()
    assert main([*TARGET, "--ready"], given) == 0
    del given["TENCENTCLOUD_SECRET_ID"], given["TENCENTCLOUD_SECRET_KEY"]

    assert main([*TARGET, "--ready"], given) == table.NOT_RUN

    assert [line[:2] for line in capsys.readouterr().err.splitlines()] == ["er", "→ "]
    assert cloud.requests(mark) == []


# The check that needs a day


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (10, 17, "a fragment is one of the uploads"),
        (10, 31, "a fragment is one of the parts"),
        (None, 7, "a fragment is one of the uploads"),
        (10, 12, "not checked: the count rose by 2"),
        (30, 10, "not checked: the count rose by -20"),
        (None, None, "not checked"),
    ],
)
def test_difference_of_the_counts_says_the_unit(before: int | None, after: int | None, expected: str) -> None:
    assert verdict(Note("b", "p", "", before), after).startswith(expected)


def test_uploads_for_the_count_stay_until_the_end_of_the_check(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monitor = LittleMonitor({("StdMultipartNumber", NAME): ([1_790_000_000], [4])})
    with monitor.server() as server:
        scene = Scene(cloud)
        options = scene.options({"monitor": server.port})
        assert monitor_later.main(options, "start") == 0
        (note,) = tmp_path.glob("*.json")
        held = cloud.uploads(NAME)
        too_early = monitor_later.main(options, str(note))
        scene.waited += 25 * 3600
        cloud.clock(offset_seconds=scene.waited)
        monitor.points = {("StdMultipartNumber", NAME): ([1_790_090_000], [4 + 21])}
        code = monitor_later.main(options, str(note))

    assert ([one.parts for one in held], too_early, code) == ([3] * 7, table.SOMETHING_NOT_CHECKED, 0)
    assert "a fragment is one of the parts" in capsys.readouterr().out
    assert cloud.uploads(NAME) == []
