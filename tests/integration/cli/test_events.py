"""
`events` prints an example event for each trigger, with the settings' buckets, and none of them aborts anything.
"""

import json

import pytest

from tests.command import Command
from tests.emulator.public import Cloud
from tests.fixtures import TOKEN
from tests.function import LOGS, PHOTOS, Function
from tests.terminal import in_terminal

BOTH = f"{PHOTOS},{LOGS}"
TRIGGERS = ("timer", "inventory", "direct", "ckafka", "cmq", "cls", "eventbridge", "cos", "http")
BUCKET = PHOTOS.partition("@")[0]


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_example_event_is_understood_and_aborts_nothing(
    trigger: str, command: Command, cloud: Cloud, function: Function
) -> None:
    cloud.seed(BUCKET, count=2, hours_since_start=1000)
    example = command("events", trigger, BUCKETS=BOTH).stdout.replace("<HTTP_TOKEN>", TOKEN)

    report = function(json.loads(example), HTTP_TOKEN=TOKEN, REPORT=f"{LOGS}/reports").report

    assert (report["status"], report["aborted"], report["rejected"]) == ("complete", 0, 0)
    assert len(cloud.uploads(BUCKET)) == 2


def test_example_event_of_an_upload_aborts_it(command: Command, cloud: Cloud, function: Function) -> None:
    (upload,) = cloud.seed(BUCKET, key="raw/中 a.bin", hours_since_start=1)
    ran = command("events", "direct", "--key", upload.key, "--upload-id", upload.upload_id, BUCKETS=BOTH)

    assert function(ran.json).report["aborted"] == 1
    assert "DRY_RUN" in ran.stderr


def test_events_as_json_has_all_triggers_with_a_bucket_that_was_looked_up(command: Command) -> None:
    ran = command("events", "--json", "--bucket", LOGS.partition("@")[0])

    assert tuple(ran.json) == TRIGGERS
    assert ran.json["direct"]["region"] == "ap-singapore"


def test_events_without_a_trigger_lists_them_without_settings(command: Command, cloud: Cloud) -> None:
    ran = command("events")

    assert ran.exit_code == 0
    assert all(f"\n{name}\t" in ran.stdout for name in TRIGGERS)
    assert cloud.requests() == []


@pytest.mark.parametrize("arguments", [["sns"], ["direct", "--key", "/"], ["direct", "--upload-id", ""]])
def test_event_that_could_mean_something_else_is_wrong_use(arguments: list[str], command: Command) -> None:
    ran = command("events", *arguments, BUCKETS=BOTH)

    assert (ran.exit_code, ran.stdout) == (2, "")


def test_inventory_without_a_place_for_its_account_is_noted(command: Command) -> None:
    assert "REPORT" in command("events", "inventory", BUCKETS=BOTH).stderr
    assert "REPORT" not in command("events", "inventory", BUCKETS=BOTH, REPORT=f"{LOGS}/reports").stderr


def test_event_in_a_terminal_is_json(command: Command) -> None:
    ran = in_terminal(command, "events", "timer", BUCKETS=BOTH)

    assert json.loads(ran.stdout)["Type"] == "Timer"
