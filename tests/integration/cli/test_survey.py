"""
`survey` shows COS's own count of fragments in few requests, says what it does not say, and lists nothing.
"""

import re

import pytest

from tests.command import Command
from tests.emulator.public import Cloud
from tests.fixtures import NOW
from tests.function import LOGS, PHOTOS
from tests.terminal import in_terminal
from tests.unit.cli.little_monitor import LittleMonitor

HOURS = [int(NOW.timestamp()) - 3600, int(NOW.timestamp())]
PHOTO_BUCKET, LOG_BUCKET = (one.partition("@")[0] for one in (PHOTOS, LOGS))
COUNTS = {
    ("StdMultipartNumber", PHOTO_BUCKET): (HOURS, [3, 40]),
    ("StdMultipartNumber", LOG_BUCKET): (HOURS, [9000, 12000]),
    ("ArcMultipartNumber", LOG_BUCKET): (HOURS, [1, 2]),
}


@pytest.fixture
def monitor() -> LittleMonitor:
    return LittleMonitor(dict(COUNTS))


def test_survey_shows_the_buckets_to_look_at_first(monitor: LittleMonitor, command: Command, cloud: Cloud) -> None:
    with monitor.server() as server:
        ran = command("survey", "--all-buckets", MONITOR_ENDPOINT=f"http://127.0.0.1:{server.port}")

    assert ran.exit_code == 0
    rows = [line.split("\t") for line in ran.stdout.splitlines()[2:]]
    assert rows == [
        [LOGS, "12,002", "STANDARD 12,000, ARCHIVE 2", "2026-11-22 12:00"],
        [PHOTOS, "40", "STANDARD 40", "2026-11-22 12:00"],
    ]
    assert "documented in two ways" in ran.stderr
    assert ran.stderr.index(f"inventory --bucket {LOGS}") < ran.stderr.index(f"inventory --bucket {PHOTOS}")
    assert {request.operation for request in cloud.requests()} == {"GetService"}


def test_survey_as_json_says_what_the_number_is(monitor: LittleMonitor, command: Command) -> None:
    with monitor.server() as server:
        ran = command("survey", "--json", BUCKETS=PHOTOS, MONITOR_ENDPOINT=f"http://127.0.0.1:{server.port}")

    assert ran.json["buckets"] == [
        {"bucket": PHOTOS, "fragments": 40, "by_class": {"STANDARD": 40}, "as_of": "2026-11-22T12:00:00Z"}
    ]
    assert "two ways" in ran.json["unit_note"]
    assert ran.json["requests"] == 3


def test_survey_leaves_excluded_buckets_out(monitor: LittleMonitor, command: Command) -> None:
    with monitor.server() as server:
        port = f"http://127.0.0.1:{server.port}"
        ran = command("survey", "--json", "--exclude-bucket", LOG_BUCKET, "--all-buckets", MONITOR_ENDPOINT=port)

    assert [one["bucket"] for one in ran.json["buckets"]] == [PHOTOS]
    assert LOG_BUCKET.encode() not in b"".join(monitor.sent)


def test_missing_permission_is_named(monitor: LittleMonitor, command: Command) -> None:
    monitor.errors = {"DescribeBaseMetrics": ["AuthFailure.UnauthorizedOperation"]}
    with monitor.server() as server:
        ran = command("survey", BUCKETS=PHOTOS, MONITOR_ENDPOINT=f"http://127.0.0.1:{server.port}")

    assert (ran.exit_code, ran.stdout) == (1, "")
    assert "monitor:GetMonitorData" in ran.stderr
    assert "r-1" in ran.stderr


def test_survey_without_all_answers_is_partial(monitor: LittleMonitor, command: Command) -> None:
    monitor.errors = {"ArcMultipartNumber": ["InvalidParameterValue"]}
    with monitor.server() as server:
        ran = command("survey", BUCKETS=PHOTOS, MONITOR_ENDPOINT=f"http://127.0.0.1:{server.port}")

    assert ran.exit_code == 3
    assert "ArcMultipartNumber" in ran.stderr


def test_secret_key_is_in_no_request_and_no_output(monitor: LittleMonitor, command: Command, cloud: Cloud) -> None:
    with monitor.server() as server:
        ran = command("survey", BUCKETS=PHOTOS, MONITOR_ENDPOINT=f"http://127.0.0.1:{server.port}")

    key = cloud.owner.secret_key
    assert key.encode() not in b"".join(monitor.sent)
    assert key not in ran.stdout + ran.stderr


def test_endpoint_beyond_this_machine_is_wrong_use(command: Command) -> None:
    assert command("survey", BUCKETS=PHOTOS, MONITOR_ENDPOINT="http://203.0.113.9:80").exit_code == 2


@pytest.mark.parametrize("columns", [80, 200])
def test_survey_in_a_terminal_fits_it(columns: int, monitor: LittleMonitor, command: Command) -> None:
    with monitor.server() as server:
        port = f"http://127.0.0.1:{server.port}"
        ran = in_terminal(command, "survey", "--all-buckets", columns=columns, NO_COLOR="1", MONITOR_ENDPOINT=port)

    assert ran.exit_code == 0
    assert "█" in ran.stdout
    plain = re.sub("\x1b\\[[0-9;]*m", "", ran.stdout)
    assert max(len(line) for line in plain.splitlines()) <= columns
