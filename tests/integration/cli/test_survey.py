"""
`survey` shows COS's own count of fragments in few requests, says what it does not say, and lists nothing.
"""

import re
from datetime import datetime, timezone

import pytest

from tests.command import Command
from tests.emulator.public import Cloud
from tests.function import LOGS, PHOTOS
from tests.tap import Tap
from tests.terminal import in_terminal

PHOTO_BUCKET, LOG_BUCKET = (one.partition("@")[0] for one in (PHOTOS, LOGS))


@pytest.fixture(autouse=True)
def _fragments(cloud: Cloud, command: Command) -> None:
    """Uploads of which Cloud Monitor knows."""
    cloud.seed(PHOTO_BUCKET, count=40)
    cloud.seed(LOG_BUCKET, count=12_000)
    cloud.seed(LOG_BUCKET, "archived", count=2, storage_class="ARCHIVE")
    command.settings["MONITOR_ENDPOINT"] = cloud.api_endpoint


def midnight() -> datetime:
    """The latest point of the longest period."""
    return datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)


def test_survey_shows_the_buckets_to_look_at_first(command: Command, cloud: Cloud) -> None:
    ran = command("survey", "--all-buckets")

    assert ran.exit_code == 0
    rows = [line.split("\t") for line in ran.stdout.splitlines()[2:]]
    assert rows == [
        [LOGS, "12,002", "STANDARD 12,000, ARCHIVE 2", f"{midnight():%Y-%m-%d %H:%M}"],
        [PHOTOS, "40", "STANDARD 40", f"{midnight():%Y-%m-%d %H:%M}"],
    ]
    assert "documented in two ways" in ran.stderr
    assert ran.stderr.index(f"inventory --bucket {LOGS}") < ran.stderr.index(f"inventory --bucket {PHOTOS}")
    assert {request.operation for request in cloud.requests()} == {"GetService"}


def test_survey_as_json_says_what_the_number_is(command: Command) -> None:
    ran = command("survey", "--json", BUCKETS=PHOTOS)

    as_of = f"{midnight():%Y-%m-%dT%H:%M:%SZ}"
    assert ran.json["buckets"] == [{"bucket": PHOTOS, "fragments": 40, "by_class": {"STANDARD": 40}, "as_of": as_of}]
    assert "two ways" in ran.json["unit_note"]
    # One about the metrics, and one for each class.
    assert ran.json["requests"] == 1 + 8


def test_survey_leaves_excluded_buckets_out(command: Command, cloud: Cloud) -> None:
    ran = command("survey", "--json", "--exclude-bucket", LOG_BUCKET, "--all-buckets")

    assert [one["bucket"] for one in ran.json["buckets"]] == [PHOTOS]
    assert LOG_BUCKET not in str(cloud.api_requests())


def test_missing_permission_is_named(command: Command, cloud: Cloud) -> None:
    statement = {"effect": "allow", "action": "name/cos:*", "resource": "*"}
    command.credentials = cloud.add_credentials(policy={"version": "2.0", "statement": [statement]})

    ran = command("survey", BUCKETS=PHOTOS)

    assert (ran.exit_code, ran.stdout) == (1, "")
    assert "monitor:GetMonitorData" in ran.stderr
    assert cloud.api_requests()[-1]["request_id"] in ran.stderr


def test_survey_without_all_answers_is_partial(command: Command, cloud: Cloud) -> None:
    cloud.api_fault("GetMonitorData", metric="ArcMultipartNumber", status=400, code="InvalidParameterValue")

    ran = command("survey", BUCKETS=PHOTOS)

    assert ran.exit_code == 3
    assert "ArcMultipartNumber" in ran.stderr


def test_secret_key_is_in_no_request_and_no_output(command: Command, cloud: Cloud) -> None:
    with Tap(int(cloud.api_endpoint.rpartition(":")[2])) as tap:
        ran = command("survey", BUCKETS=PHOTOS, MONITOR_ENDPOINT=tap.endpoint)

    assert b"GetMonitorData" in tap.sent
    assert cloud.owner.secret_key.encode() not in tap.sent
    assert cloud.owner.secret_key not in ran.stdout + ran.stderr


def test_endpoint_beyond_this_machine_is_wrong_use(command: Command) -> None:
    assert command("survey", BUCKETS=PHOTOS, MONITOR_ENDPOINT="http://203.0.113.9:80").exit_code == 2


@pytest.mark.parametrize("columns", [80, 200])
def test_survey_in_a_terminal_fits_it(columns: int, command: Command) -> None:
    ran = in_terminal(command, "survey", "--all-buckets", columns=columns, NO_COLOR="1")

    assert ran.exit_code == 0
    assert "█" in ran.stdout
    plain = re.sub("\x1b\\[[0-9;]*m", "", ran.stdout)
    assert max(len(line) for line in plain.splitlines()) <= columns
