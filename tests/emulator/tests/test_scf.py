"""
How the laptop's SCF runs a function: instances, the queue, retries, time limits, and what is told of all that.
"""

import asyncio
import http.client
import json
import os
import signal
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.deployed import Meeting, deploy, ended, meeting
from tests.emulator.client import Cloud, ControlError
from tests.emulator.dispatch import Dispatcher, Throttled
from tests.emulator.function import Function, Setup
from tests.emulator.invocations import Invocation
from tests.emulator.state import State

BUCKET = "photos-1250000000@ap-guangzhou"
MINUTE = timedelta(minutes=1)
FAIL = {"do": "fail", "message": "it broke"}
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


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    function = deploy(tmp_path_factory.mktemp("function"))
    with Cloud.start(BUCKET, function=function, env={"BUCKETS": BUCKET}, retry_wait_ms=1) as cloud:
        yield cloud


@pytest.fixture
def cloud(running: Cloud) -> Cloud:
    running.reset()
    return running


@pytest.fixture
def place() -> Iterator[Meeting]:
    with meeting() as place:
        yield place


def ends(cloud: Cloud) -> dict[str, int]:
    """How the executions ended, once everything has."""
    assert cloud.wait_idle()
    told: dict[str, int] = cloud.scf()["ends"]
    return told


def role(answer: Any) -> tuple[str, ...]:
    """The credentials in the answer of an instance."""
    return tuple(answer["environment"][f"TENCENTCLOUD_{name}"] for name in ("SECRETID", "SECRETKEY", "SESSIONTOKEN"))


# What the function is given


@pytest.mark.parametrize("event", [{"a": [1, None, "文\udcff"]}, [], "text", 7, None, {"big": 12345678901234567890.0}])
def test_the_event_comes_as_it_was_sent(cloud: Cloud, event: object) -> None:
    assert cloud.invoke(event, sync=True).answer["event"] == event


def test_an_instance_has_the_environment_that_scf_gives_and_no_other(
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


def test_the_context_tells_what_scfs_does(cloud: Cloud) -> None:
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


def test_the_functions_own_directory_comes_first_and_the_dependencies_are_there(tmp_path: Path) -> None:
    (tmp_path / "errors.py").write_text("where = 'with the function'")
    source = "import errors, qcloud_cos, sys\ndef main_handler(event, context): return errors.where, sys.argv[1:]"

    with Cloud.start(function=deploy(tmp_path, source)) as cloud:
        assert cloud.invoke({}, sync=True).answer == ["with the function", []]
    assert not (tmp_path / "__pycache__").exists()


def test_a_timers_event_looks_as_scf_sends_it(cloud: Cloud) -> None:
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


# What is told of a run


def test_a_run_is_told_with_its_answer_log_memory_and_times(cloud: Cloud) -> None:
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


def test_runs_are_told_from_a_number_on(cloud: Cloud) -> None:
    for _ in range(3):
        cloud.invoke({}, sync=True)

    assert [run.number for run in cloud.invocations(1)] == [1, 2]
    assert cloud.invocations(3) == []


def test_each_run_has_its_own_log(cloud: Cloud) -> None:
    logs = [cloud.invoke({"do": "write", "text": text}, sync=True).log for text in ("one", "two")]

    assert logs == ["one\nto stderr\n", "two\nto stderr\n"]


def test_a_log_keeps_eight_kilobytes_of_a_line_and_a_megabyte_in_all(cloud: Cloud) -> None:
    one = cloud.invoke({"do": "write_much", "lines": 1, "width": 9000}, sync=True)
    many = cloud.invoke({"do": "write_much", "lines": 3000, "width": 999}, sync=True)
    then = cloud.invoke({"do": "write", "text": "after"}, sync=True)

    assert one.log == "x" * 8192 + "\n"
    assert many.log.endswith(f"[{3000 * 1000 - (1 << 20)} bytes more]\n")
    assert then.log == "after\nto stderr\n"


def test_memory_is_the_instances_own_and_not_the_clouds(cloud: Cloud) -> None:
    cloud.seed("photos-1250000000", count=100_000)

    run = cloud.invoke({}, sync=True)

    status = Path(f"/proc/{cloud.pid}/status").read_text()
    clouds = next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmRSS"))
    assert run.memory_bytes is not None
    assert run.memory_bytes < clouds / 2


def test_an_event_that_only_a_synchronous_invocation_can_carry_is_shown_by_its_beginning(cloud: Cloud) -> None:
    event = {"do": "answer_bytes", "bytes": 3, "text": "x" * (200 << 10)}

    run = cloud.invoke(event, sync=True)

    assert run.event == json.dumps(event)[:1024]
    assert run.event_bytes == len(json.dumps(event))
    assert run.answer == "xxx"


# Instances


def test_a_warm_instance_is_used_again(cloud: Cloud) -> None:
    runs = [cloud.invoke({}, sync=True) for _ in range(3)]

    assert len({run.pid for run in runs}) == 1
    assert [run.cold for run in runs] == [True, False, False]
    assert cloud.scf()["instances"] == [{"pid": runs[0].pid, "busy": False, "request_id": None}]


def test_the_instance_that_was_used_last_is_used_first(cloud: Cloud, place: Meeting) -> None:
    for _ in range(2):
        cloud.invoke(place.event)
    first, second = place.next(), place.next()
    mark = cloud.scf()["next"]
    first.release()
    cloud.invoke({})  # comes after the first is free again, whichever of the two takes it
    second.release()
    assert cloud.wait_idle()
    last = cloud.invocations(mark)[-1].pid

    assert cloud.invoke({}, sync=True).pid == last


def test_one_event_at_a_time_on_an_instance_and_as_many_instances_as_allowed(cloud: Cloud, place: Meeting) -> None:
    cloud.scf_settings(concurrency=3)
    for _ in range(7):
        cloud.invoke(place.event)

    guests = [place.next() for _ in range(3)]
    shown = cloud.scf()
    busy = not cloud.wait_idle(0)
    for _ in range(4):
        guests.pop(0).release()
        guests.append(place.next())
    for guest in guests:
        guest.release()

    assert busy
    assert (shown["running"], shown["queued"], shown["waiting"]) == (3, 4, 0)
    assert sum(each["busy"] for each in shown["instances"]) == 3
    assert ends(cloud) == {"returned": 7}
    after = cloud.scf()
    assert (after["most_running"], after["running"], after["queued"]) == (3, 0, 0)
    assert len({run.pid for run in cloud.invocations()}) == after["started_instances"] == 3


def test_fewer_instances_are_kept_when_fewer_are_allowed(cloud: Cloud, place: Meeting) -> None:
    for _ in range(3):
        cloud.invoke(place.event)
    guests = [place.next() for _ in range(3)]
    guests[0].release()
    cloud.scf_settings(concurrency=1)
    for guest in guests[1:]:
        guest.release()

    assert ends(cloud) == {"returned": 3}
    assert len(cloud.scf()["instances"]) == 1


def test_new_variables_are_for_new_instances(cloud: Cloud) -> None:
    idle = cloud.invoke({}, sync=True)
    told = cloud.scf_settings(env={"PREFIXES": "raw/", "BUCKETS": None})

    fresh = cloud.invoke({}, sync=True)

    assert told["variables"] == {"PREFIXES": "raw/"}
    assert fresh.pid != idle.pid
    assert ended(idle.pid)
    assert fresh.answer["environment"]["PREFIXES"] == "raw/"
    assert "BUCKETS" not in fresh.answer["environment"]


def test_variables_can_change_between_two_runs(cloud: Cloud) -> None:
    cloud.scf_settings(env={"PREFIXES": "raw/"}, after_runs=2)

    runs = [cloud.invoke({}, sync=True) for _ in range(4)]

    seen = [run.answer["environment"].get("PREFIXES") for run in runs]
    assert seen == [None, None, "raw/", "raw/"]
    assert len({run.pid for run in runs[:2]} & {run.pid for run in runs[2:]}) == 0
    assert json.loads(runs[2].answer["context"]["environment"])["PREFIXES"] == "raw/"


def test_variables_change_for_a_run_that_begins_while_the_first_is_busy(cloud: Cloud, place: Meeting) -> None:
    cloud.scf_settings(env={"PREFIXES": "raw/"}, after_runs=1)

    cloud.invoke(place.event)
    guest = place.next()
    second = cloud.invoke({}, sync=True)
    guest.release()

    assert second.answer["environment"]["PREFIXES"] == "raw/"
    assert ends(cloud) == {"returned": 2}
    assert ended(guest.pid)


def test_reading_settings_leaves_a_change_that_waits_and_a_reset_drops_it(cloud: Cloud) -> None:
    cloud.scf_settings(env={"PREFIXES": "raw/"}, after_runs=1)
    cloud.scf_settings()
    cloud.invoke({}, sync=True)
    changed = cloud.invoke({}, sync=True)
    cloud.scf_settings(env={"PREFIXES": "b/"}, after_runs=1)
    cloud.reset()

    cloud.invoke({}, sync=True)

    assert changed.answer["environment"]["PREFIXES"] == "raw/"
    assert "PREFIXES" not in cloud.invoke({}, sync=True).answer["environment"]


def test_an_instance_that_is_busy_when_variables_change_is_not_used_again(cloud: Cloud, place: Meeting) -> None:
    cloud.invoke(place.event)
    guest = place.next()
    cloud.scf_settings(env={"PREFIXES": "raw/"})
    guest.release()

    assert ends(cloud) == {"returned": 1}
    assert cloud.invoke({}, sync=True).pid != guest.pid


# The role's credentials


def test_credentials_are_renewed_in_a_warm_instance_when_half_of_their_time_is_over(cloud: Cloud) -> None:
    cloud.scf_settings(credentials_seconds=3600)
    first = cloud.invoke({}, sync=True)
    cloud.clock(advance_seconds=1700)
    second = cloud.invoke({}, sync=True)
    cloud.clock(advance_seconds=200)
    third = cloud.invoke({}, sync=True)

    assert first.pid == second.pid == third.pid
    assert role(first.answer) == role(second.answer)
    assert not set(role(second.answer)) & set(role(third.answer))


def test_an_instances_credentials_may_do_what_the_role_may_and_invoke_the_function(cloud: Cloud) -> None:
    secret_id, secret_key, token = role(cloud.invoke({}, sync=True).answer)

    held = {each["secret_id"]: each for each in cloud._ask("GET", "/credentials")["credentials"]}[secret_id]

    resources = [statement["resource"] for statement in held["policy"]["statement"]]
    actions = [statement["action"] for statement in held["policy"]["statement"]]
    assert (held["secret_key"], held["token"]) == (secret_key, token)
    assert actions[-1] == ["scf:InvokeFunction"]
    assert resources[-1] == ["qcs::scf:ap-guangzhou:uin/100000000001:namespace/default/function/cos-sweeper"]


def test_a_reset_takes_lent_credentials_back(cloud: Cloud) -> None:
    secret_id = role(cloud.invoke({}, sync=True).answer)[0]

    cloud.reset()

    assert secret_id not in {each["secret_id"] for each in cloud._ask("GET", "/credentials")["credentials"]}


# Failures


def test_what_fails_is_tried_three_times_and_then_is_a_dead_letter(cloud: Cloud) -> None:
    request_id = cloud.invoke(FAIL)

    assert ends(cloud) == {"raised": 3}
    runs = cloud.invocations()
    assert [run.attempt for run in runs] == [1, 2, 3]
    assert {run.request_id for run in runs} == {request_id}
    assert all(run.event == FAIL for run in runs)
    (letter,) = cloud.scf()["dead_letters"]
    assert (letter["request_id"], letter["event"]) == (request_id, FAIL)
    assert (letter["error"]["type"], letter["error"]["message"]) == ("ValueError", "it broke")


def test_an_error_is_told_with_a_trace_that_begins_in_the_function(cloud: Cloud) -> None:
    error = cloud.invoke(FAIL, sync=True).error

    assert error is not None
    lines = error.trace.splitlines()
    assert lines[1].endswith("in main_handler")
    assert lines[-1] == "ValueError: it broke"


def test_an_instance_survives_an_exception(cloud: Cloud) -> None:
    assert cloud.invoke(FAIL, sync=True).pid == cloud.invoke({}, sync=True).pid


def test_a_retry_that_succeeds_leaves_no_dead_letter(cloud: Cloud, tmp_path: Path) -> None:
    cloud.invoke({"do": "fail_at_first", "directory": str(tmp_path), "times": 2})

    assert ends(cloud) == {"raised": 2, "returned": 1}
    assert cloud.invocations()[-1].answer == "at last"
    assert cloud.scf()["dead_letters"] == []


def test_without_retries_the_first_failure_is_final(cloud: Cloud) -> None:
    cloud.scf_settings(retries=0)

    cloud.invoke(FAIL)

    assert ends(cloud) == {"raised": 1}
    assert len(cloud.scf()["dead_letters"]) == 1


def test_a_synchronous_invocation_is_not_tried_again(cloud: Cloud) -> None:
    run = cloud.invoke(FAIL, sync=True)

    assert (run.end, run.attempt, run.kind) == ("raised", 1, "sync")
    assert ends(cloud) == {"raised": 1}
    assert cloud.scf()["dead_letters"] == []


def test_an_event_that_waits_for_its_retry_is_not_forgotten_and_holds_up_no_other(cloud: Cloud, place: Meeting) -> None:
    cloud.scf_settings(retry_wait_ms=60_000, concurrency=1)

    cloud.invoke(FAIL)
    cloud.invoke(place.event)
    place.next()

    shown = cloud.scf()
    assert (shown["waiting"], shown["queued"], shown["running"]) == (1, 0, 1)
    assert shown["ends"] == {"raised": 1}


def test_at_the_time_limit_an_instance_is_killed_and_that_is_an_error(cloud: Cloud) -> None:
    cloud.scf_settings(time_limit_ms=300, retries=1)

    cloud.invoke({"do": "hang"})

    assert ends(cloud) == {"timed_out": 2}
    first, second = cloud.invocations()
    assert first.error is not None
    assert first.error.message == "Task timed out after 0.3 seconds"
    assert first.duration_ms >= 300
    assert first.log == "hanging\n"
    assert first.memory_bytes is not None
    assert first.pid != second.pid
    assert ended(first.pid)
    assert ended(second.pid)
    assert cloud.scf()["dead_letters"][0]["error"] == {
        "type": "TimeLimitReached",
        "message": "Task timed out after 0.3 seconds",
        "trace": "",
    }


def test_what_an_instance_started_is_killed_with_it(cloud: Cloud) -> None:
    cloud.scf_settings(time_limit_ms=300, retries=0)

    run = cloud.invoke({"do": "leave_a_child"}, sync=True)

    assert run.end == "timed_out"
    assert ended(int(run.log))


@pytest.mark.parametrize("by", ["the control door", "somebody else"])
def test_an_event_survives_the_death_of_its_instance(cloud: Cloud, place: Meeting, by: str) -> None:
    request_id = cloud.invoke(place.event)
    first = place.next()

    if by == "the control door":
        assert cloud.kill_instance() == first.pid
    else:
        os.kill(first.pid, signal.SIGKILL)
    second = place.next()
    second.release()

    assert ends(cloud) == {"died": 1, "returned": 1}
    dead, alive = cloud.invocations()
    assert (dead.request_id, alive.request_id) == (request_id, request_id)
    assert (dead.attempt, alive.attempt) == (1, 2)
    assert dead.event == alive.event == place.event
    assert dead.error is not None
    assert dead.error.message == "The instance's process ended: killed by signal 9"
    assert (dead.pid, alive.pid) == (first.pid, second.pid)
    assert first.pid != second.pid


def test_a_chosen_instance_can_be_killed_busy_or_idle_and_nothing_else_can(cloud: Cloud) -> None:
    assert cloud.kill_instance() is None
    idle = cloud.invoke({}, sync=True).pid
    assert cloud.kill_instance() is None
    assert cloud.kill_instance(os.getpid()) is None

    assert cloud.kill_instance(idle) == idle

    after = cloud.invoke({}, sync=True)
    assert (after.end, after.attempt, after.cold) == ("returned", 1, True)
    assert ended(idle)


def test_a_random_busy_instance_is_killed_and_the_others_go_on(cloud: Cloud, place: Meeting) -> None:
    for _ in range(3):
        cloud.invoke(place.event)
    guests = {guest.pid: guest for guest in (place.next() for _ in range(3))}

    killed = cloud.kill_instance()
    again = place.next()
    for guest in (again, *guests.values()):
        guest.release()

    assert killed in guests
    assert ends(cloud) == {"died": 1, "returned": 3}


def test_leaving_the_process_is_an_error(cloud: Cloud) -> None:
    run = cloud.invoke({"do": "leave"}, sync=True)

    assert run.end == "died"
    assert run.error is not None
    assert run.error.message == "The instance's process ended: exit code 3"
    assert run.memory_bytes is None


@pytest.mark.parametrize(
    ("written", "then"),
    [
        pytest.param("0000000000000064" + b'{"answer": "1'.hex(), "die", id="dies in the middle of an answer"),
        pytest.param("0000", "die", id="dies in the middle of an answer's length"),
        pytest.param("0000000000000002" + b"{}".hex(), "wait", id="an answer that says nothing"),
        pytest.param("0000000000000023" + b'{"answer": "1", "memory_bytes": ""}'.hex(), "wait", id="no memory"),
        pytest.param("0000000000000002" + b"xx".hex(), "wait", id="an answer that is no JSON"),
        pytest.param("0000000000000001" + b"7".hex(), "wait", id="an answer that is no object"),
    ],
)
def test_an_instance_that_does_not_answer_as_one_does_is_over(cloud: Cloud, written: str, then: str) -> None:
    cloud.scf_settings(retries=1)

    cloud.invoke({"do": "forge", "bytes": written, "then": then})

    assert ends(cloud) == {"died": 2}
    assert all(ended(run.pid) for run in cloud.invocations())
    assert cloud.invoke({}, sync=True).end == "returned"


def test_what_is_printed_is_never_taken_for_an_answer(cloud: Cloud) -> None:
    forged = '\x00\x00\x00\x00\x00\x00\x00\x15{"answer": "\\"forged\\""}'

    run = cloud.invoke({"do": "write", "text": forged}, sync=True)

    assert (run.end, run.answer) == ("returned", None)
    assert forged in run.log


def test_an_answer_may_take_six_megabytes_and_no_more(cloud: Cloud) -> None:
    most = 6 << 20

    largest = cloud.invoke({"do": "answer_bytes", "bytes": most - 2}, sync=True)
    too_large = cloud.invoke({"do": "answer_bytes", "bytes": most - 1}, sync=True)

    assert len(largest.answer) == most - 2
    assert (too_large.end, too_large.answer) == ("raised", None)
    assert too_large.error is not None
    assert too_large.error.type == "ResponseTooLarge"


def test_an_answer_that_is_no_json_is_an_error(cloud: Cloud) -> None:
    run = cloud.invoke({"do": "no_json"}, sync=True)

    assert run.end == "raised"
    assert run.error is not None
    assert run.error.type == "TypeError"


def test_a_function_that_cannot_be_imported_fails_every_event_with_the_reason(tmp_path: Path) -> None:
    source = "print('importing')\nraise RuntimeError('no good')"
    with Cloud.start(function=deploy(tmp_path, source), retries=1, retry_wait_ms=1) as cloud:
        cloud.invoke({})

        assert ends(cloud) == {"raised": 2}
        runs = cloud.invocations()
        assert len({run.pid for run in runs}) == 2
        assert all(run.cold and run.log == "importing\n" for run in runs)
        assert runs[0].error is not None
        assert (runs[0].error.type, runs[0].error.message) == ("RuntimeError", "no good")
        assert cloud.scf()["instances"] == []


# Delivered twice, or not at all


def test_an_event_may_be_delivered_twice(cloud: Cloud, place: Meeting) -> None:
    cloud.scf_settings(duplicate=1)

    request_id = cloud.invoke(place.event)
    guests = [place.next(), place.next()]  # at the same time
    for guest in guests:
        guest.release()

    assert ends(cloud) == {"returned": 2}
    assert [guest.request_id for guest in guests] == [request_id, request_id]
    assert [run.attempt for run in cloud.invocations()] == [1, 1]
    assert cloud.scf()["duplicated"] == 1


def test_an_event_may_be_lost(cloud: Cloud) -> None:
    cloud.scf_settings(lose=1)

    cloud.invoke({})
    cloud.fire_timer()

    assert ends(cloud) == {}
    assert cloud.scf()["lost"] == 2
    assert cloud.invoke({}, sync=True).end == "returned"


def test_exactly_one_event_can_be_lost(cloud: Cloud) -> None:
    cloud.scf_settings(lose=1, skip=2, count=1)

    for number in range(5):
        cloud.invoke(number)

    assert ends(cloud) == {"returned": 4}
    assert {run.event for run in cloud.invocations()} == {0, 1, 3, 4}


# The end


def test_a_reset_clears_everything(cloud: Cloud, place: Meeting) -> None:
    cloud.scf_settings(concurrency=2, retries=0, duplicate=1, env={"A": "b"})
    cloud.invoke(FAIL)
    assert cloud.wait_idle()
    for _ in range(2):
        cloud.invoke(place.event)
    guests = [place.next(), place.next()]

    cloud.reset()

    assert all(ended(guest.pid) for guest in guests)
    assert cloud.scf() == {
        "queued": 0,
        "waiting": 0,
        "running": 0,
        "most_running": 0,
        "instances": [],
        "started_instances": 0,
        "dead_letters": [],
        "ends": {},
        "duplicated": 0,
        "lost": 0,
        "next": 0,
    }
    assert cloud.invocations() == []
    assert cloud.wait_idle()
    assert cloud.scf_settings()["variables"] == {"BUCKETS": BUCKET}
    assert cloud.scf_settings()["concurrency"] == 10


def test_who_waits_for_idle_is_told_when_a_reset_makes_it_so(cloud: Cloud) -> None:
    cloud.scf_settings(retry_wait_ms=60_000)
    cloud.invoke(FAIL)
    waiter = http.client.HTTPConnection(urlsplit(cloud.control).netloc, timeout=30)
    waiter.request("GET", "/scf/idle?timeout_seconds=60")
    cloud.scf()  # by now the other request has been read, too

    cloud.reset()

    assert json.load(waiter.getresponse()) == {"idle": True}
    waiter.close()


@pytest.mark.parametrize("doing", ["meet", "hang_in_c", "nothing"])
def test_no_instance_survives_a_cloud_that_is_killed(tmp_path: Path, place: Meeting, doing: str) -> None:
    with Cloud.start(function=deploy(tmp_path)) as cloud:
        pid = cloud.invoke({}, sync=True).pid
        if doing != "nothing":
            cloud.invoke({**place.event, "do": doing})
            pid = place.next().pid

        os.kill(cloud.pid, signal.SIGKILL)

        assert ended(pid)


def test_no_instance_survives_a_cloud_that_is_stopped(tmp_path: Path, place: Meeting) -> None:
    with Cloud.start(function=deploy(tmp_path)) as cloud:
        for _ in range(3):
            cloud.invoke(place.event)
        pids = [place.next().pid for _ in range(3)]

    assert all(ended(pid) for pid in pids)


def test_cos_answers_while_instances_are_busy(cloud: Cloud, place: Meeting) -> None:
    for _ in range(10):
        cloud.invoke(place.event)
    guests = [place.next() for _ in range(10)]

    assert cloud.uploads("photos-1250000000") == []
    for guest in guests:
        guest.release()
    assert ends(cloud) == {"returned": 10}


def test_a_dispatcher_that_is_closed_takes_nothing_in(tmp_path: Path) -> None:
    async def close_and_go_on() -> dict[str, Any]:
        dispatcher = Dispatcher(State([]), Function(deploy(tmp_path)), Setup(), {})
        await dispatcher.close()
        dispatcher.accept(Invocation("1", "async", "{}"))
        with pytest.raises(Throttled):
            await dispatcher.call(Invocation("2", "sync", "{}"))
        assert dispatcher.idle.is_set()
        return dispatcher.show()

    shown = asyncio.run(close_and_go_on())

    assert (shown["queued"], shown["running"], shown["started_instances"]) == (0, 0, 0)


# Starting it, and what is not understood


def test_without_a_function_there_is_no_scf() -> None:
    with Cloud.start(BUCKET) as cloud:
        assert cloud.invoke_endpoint == ""
        with pytest.raises(ControlError, match="no GET /scf here"):
            cloud.scf()


@pytest.mark.parametrize(
    ("env", "said"),
    [
        pytest.param({"SCF_X": "1"}, "SCF_X", id="SCF's own"),
        pytest.param({"TENCENTCLOUD_SECRETID": "1"}, "TENCENTCLOUD_SECRETID", id="the credentials"),
        pytest.param({"QCLOUD_X": "1"}, "QCLOUD_X", id="the old name"),
        pytest.param({"1X": "1"}, "1X", id="a digit first"),
        pytest.param({"A-B": "1"}, "A-B", id="a hyphen"),
        pytest.param({"A": "x" * 4095}, "4096 bytes", id="too much"),
    ],
)
def test_variables_that_scf_would_not_take_are_refused(
    cloud: Cloud, tmp_path: Path, env: dict[str, str], said: str
) -> None:
    with pytest.raises(ControlError, match=said):
        Cloud.start(function=deploy(tmp_path), env=env)
    with pytest.raises(ControlError, match=said):
        cloud.scf_settings(env=env)

    assert cloud.scf_settings()["variables"] == {"BUCKETS": BUCKET}


def test_a_directory_without_index_py_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match=r"index\.py"):
        Cloud.start(function=tmp_path)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param({"time_limit_ms": 0}, "1 or above", id="no time"),
        pytest.param({"concurrency": 0}, "1 or above", id="no instance"),
        pytest.param({"duplicate": 2}, "from 0 to 1", id="no probability"),
        pytest.param({"env": ["A"]}, "object", id="no variables"),
        pytest.param({"timeout": 3}, "unknown 'timeout'", id="misspelt"),
    ],
)
def test_settings_that_are_not_understood_change_nothing(cloud: Cloud, fields: dict[str, Any], said: str) -> None:
    before = cloud.scf_settings()

    with pytest.raises(ControlError, match=said):
        cloud.scf_settings(retries=0, **fields)

    assert cloud.scf_settings() == before


def test_events_that_scf_would_not_take_are_refused_at_the_control_door_too(cloud: Cloud) -> None:
    with pytest.raises(ControlError, match="131072"):
        cloud.invoke("x" * (128 << 10))
    with pytest.raises(ControlError, match="6291456"):
        cloud.invoke("x" * (6 << 20), sync=True)
    with pytest.raises(ControlError, match="4096"):
        cloud.fire_timer("x" * 4097)
