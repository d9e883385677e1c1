"""
What the emulated SCF gives a function, and what it records of a run.
"""

import json
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.emulator.client import Cloud
from tests.emulator.tests.scf.deployed import deploy
from tests.emulator.tests.scf.support import BUCKET

MINUTE = timedelta(minutes=1)
INSTANCE_VARIABLES = {
    "COS_ENDPOINT",
    "INVOKE_ENDPOINT",
    "BUCKETS",
    "TENCENTCLOUD_RUNENV",
    "TENCENTCLOUD_REGION",
    "TENCENTCLOUD_APPID",
    "TENCENTCLOUD_UIN",
    "TENCENTCLOUD_SECRETID",
    "TENCENTCLOUD_SECRETKEY",
    "TENCENTCLOUD_SESSIONTOKEN",
    "SCF_FUNCTIONNAME",
    "SCF_FUNCTIONVERSION",
    "TZ",
    "PYTHONPATH",
}


@pytest.mark.parametrize("event", [{"a": [1, None, "文\udcff"]}, [], "text", 7, None, {"big": 12345678901234567890.0}])
def test_event_comes_as_it_was_sent(cloud: Cloud, event: object) -> None:
    assert cloud.invoke(event, sync=True).answer["event"] == event


def test_instance_has_the_environment_that_scf_gives_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIS_MASTERS_SECRET", "x")
    with Cloud.start(BUCKET, function=deploy(tmp_path), env={"BUCKETS": "a=b"}) as cloud:
        environment = cloud.invoke({}, sync=True).answer["environment"]

        assert set(environment) == INSTANCE_VARIABLES
        assert (environment["COS_ENDPOINT"], environment["INVOKE_ENDPOINT"]) == (cloud.endpoint, cloud.invoke_endpoint)
    assert environment["BUCKETS"] == "a=b"
    assert environment["TENCENTCLOUD_RUNENV"] == "SCF"
    assert environment["TENCENTCLOUD_REGION"] == "ap-guangzhou"
    assert environment["TENCENTCLOUD_APPID"] == "1250000000"
    assert environment["SCF_FUNCTIONNAME"] == "cos-sweeper"
    assert environment["TZ"] == "UTC"
    assert environment["PYTHONPATH"].startswith(str(tmp_path))


def test_instance_of_another_python_has_no_libraries_but_those_beside_its_code(tmp_path: Path) -> None:
    with Cloud.start(BUCKET, function=deploy(tmp_path), python=f"env MARK='a b' {sys.executable}") as cloud:
        environment = cloud.invoke({}, sync=True).answer["environment"]

    assert set(environment) == {*INSTANCE_VARIABLES, "MARK"} - {"BUCKETS"}
    assert environment["MARK"] == "a b"
    assert environment["PYTHONPATH"] == str(tmp_path)


def test_context_has_the_fields_of_scfs(cloud: Cloud) -> None:
    cloud.scf_settings(time_limit_ms=1234_000)

    run = cloud.invoke({}, sync=True)

    context = run.answer["context"]
    assert json.loads(context.pop("environment")) == {"SCF_NAMESPACE": "default", "BUCKETS": BUCKET}
    environ = dict(pair.split("=", 1) for pair in context.pop("environ").split(";"))
    assert environ["TENCENTCLOUD_SECRETKEY"] == run.answer["environment"]["TENCENTCLOUD_SECRETKEY"]
    assert context == {
        "memory_limit_in_mb": 128,
        "time_limit_in_ms": 1234_000,
        "request_id": run.request_id,
        "function_version": "$LATEST",
        "function_name": "cos-sweeper",
        "namespace": "default",
        "tencentcloud_region": "ap-guangzhou",
        "tencentcloud_appid": "1250000000",
        "tencentcloud_uin": run.answer["environment"]["TENCENTCLOUD_UIN"],
    }


def test_functions_own_directory_comes_first_and_the_dependencies_are_there(tmp_path: Path) -> None:
    (tmp_path / "errors.py").write_text("where = 'with the function'")
    source = "import errors, qcloud_cos, sys\ndef main_handler(event, context): return errors.where, sys.argv[1:]"

    with Cloud.start(function=deploy(tmp_path, source)) as cloud:
        assert cloud.invoke({}, sync=True).answer == ["with the function", []]
    assert not (tmp_path / "__pycache__").exists()


def test_timers_event_looks_as_scf_sends_it(cloud: Cloud) -> None:
    cloud.clock(now="2026-02-21T03:00:00Z")

    request_id = cloud.fire_timer(dry_run=True)
    cloud.fire_timer("free text", name="hourly")

    assert cloud.wait_idle()
    first, second = sorted(cloud.invocations(), key=lambda each: each.event["TriggerName"], reverse=True)
    assert first.event == {
        "Type": "Timer",
        "TriggerName": "nightly",
        "Time": first.event["Time"],
        "Message": '{"dry_run": true}',
    }
    assert first.event["Time"].startswith("2026-02-21T03:0")
    assert (first.request_id, first.kind) == (request_id, "timer")
    assert (second.event["TriggerName"], second.event["Message"]) == ("hourly", "free text")


def test_run_is_recorded_with_its_response_log_memory_and_times(cloud: Cloud) -> None:
    before = datetime.now(timezone.utc) - MINUTE

    request_id = cloud.invoke({"do": "write", "text": "hello 文"})

    assert cloud.wait_idle()
    (run,) = cloud.invocations()
    assert (run.number, run.request_id, run.kind, run.attempt, run.end) == (0, request_id, "async", 1, "returned")
    assert run.event == {"do": "write", "text": "hello 文"}
    assert run.event_bytes == len(json.dumps(run.event))
    assert (run.answer, run.error) == (None, None)
    assert run.log == "hello 文\nto stderr\n"
    assert before < run.started <= run.ended < before + 2 * MINUTE
    assert run.duration_ms > 0
    assert run.memory_bytes is not None
    assert run.memory_bytes > 1 << 20


def test_runs_are_listed_from_a_number_on(cloud: Cloud) -> None:
    for _ in range(3):
        cloud.invoke({}, sync=True)

    assert [run.number for run in cloud.invocations(1)] == [1, 2]
    assert cloud.invocations(3) == []


def test_runs_have_a_log_each(cloud: Cloud) -> None:
    logs = [cloud.invoke({"do": "write", "text": text}, sync=True).log for text in ("one", "two")]

    assert logs == ["one\nto stderr\n", "two\nto stderr\n"]


def test_log_keeps_eight_kilobytes_of_a_line_and_a_megabyte_in_all(cloud: Cloud) -> None:
    one = cloud.invoke({"do": "write_much", "lines": 1, "width": 9000}, sync=True)
    many = cloud.invoke({"do": "write_much", "lines": 3000, "width": 999}, sync=True)
    then = cloud.invoke({"do": "write", "text": "after"}, sync=True)

    assert one.log == "x" * 8192 + "\n"
    assert many.log.endswith(f"[{3000 * 1000 - (1 << 20)} bytes more]\n")
    assert then.log == "after\nto stderr\n"


def test_memory_is_the_instances_own_and_not_the_emulators(cloud: Cloud) -> None:
    cloud.seed("photos-1250000000", count=100_000)

    run = cloud.invoke({}, sync=True)

    status = Path(f"/proc/{cloud.pid}/status").read_text()
    clouds = next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmRSS"))
    assert run.memory_bytes is not None
    assert run.memory_bytes < clouds / 2


def test_event_that_only_a_synchronous_invocation_can_carry_is_shown_by_its_beginning(cloud: Cloud) -> None:
    event = {"do": "answer_bytes", "bytes": 3, "text": "x" * (200 << 10)}

    run = cloud.invoke(event, sync=True)

    assert run.event == json.dumps(event)[:1024]
    assert run.event_bytes == len(json.dumps(event))
    assert run.answer == "xxx"
