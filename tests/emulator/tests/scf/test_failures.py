"""
Failures: retries, dead letters, time limits, killed instances, and events that arrive twice or never.
"""

import os
import signal
from pathlib import Path

import pytest

from tests.emulator.client import Cloud
from tests.emulator.tests.scf.deployed import Meeting, deploy, ended
from tests.emulator.tests.scf.support import FAIL, ends


def test_failing_event_is_tried_three_times_and_then_is_a_dead_letter(cloud: Cloud) -> None:
    request_id = cloud.invoke(FAIL)

    assert ends(cloud) == {"raised": 3}
    runs = cloud.invocations()
    assert [run.attempt for run in runs] == [1, 2, 3]
    assert {run.request_id for run in runs} == {request_id}
    assert all(run.event == FAIL for run in runs)
    (letter,) = cloud.scf()["dead_letters"]
    assert (letter["request_id"], letter["event"]) == (request_id, FAIL)
    assert (letter["error"]["type"], letter["error"]["message"]) == ("ValueError", "it broke")


def test_error_has_a_trace_that_begins_in_the_function(cloud: Cloud) -> None:
    error = cloud.invoke(FAIL, sync=True).error

    assert error is not None
    lines = error.trace.splitlines()
    assert lines[1].endswith("in main_handler")
    assert lines[-1] == "ValueError: it broke"


def test_instance_survives_an_exception(cloud: Cloud) -> None:
    assert cloud.invoke(FAIL, sync=True).pid == cloud.invoke({}, sync=True).pid


def test_retry_that_succeeds_leaves_no_dead_letter(cloud: Cloud, tmp_path: Path) -> None:
    cloud.invoke({"do": "fail_at_first", "directory": str(tmp_path), "times": 2})

    assert ends(cloud) == {"raised": 2, "returned": 1}
    assert cloud.invocations()[-1].answer == "at last"
    assert cloud.scf()["dead_letters"] == []


def test_first_failure_is_final_without_retries(cloud: Cloud) -> None:
    cloud.scf_settings(retries=0)

    cloud.invoke(FAIL)

    assert ends(cloud) == {"raised": 1}
    assert len(cloud.scf()["dead_letters"]) == 1


def test_synchronous_invocation_is_not_tried_again(cloud: Cloud) -> None:
    run = cloud.invoke(FAIL, sync=True)

    assert (run.end, run.attempt, run.kind) == ("raised", 1, "sync")
    assert ends(cloud) == {"raised": 1}
    assert cloud.scf()["dead_letters"] == []


def test_event_that_waits_for_its_retry_is_not_forgotten_and_holds_up_no_other(cloud: Cloud, meeting: Meeting) -> None:
    cloud.scf_settings(retry_wait_ms=60_000, concurrency=1)

    cloud.invoke(FAIL)
    cloud.invoke(meeting.event)
    meeting.next()

    shown = cloud.scf()
    assert (shown["waiting"], shown["queued"], shown["running"]) == (1, 0, 1)
    assert shown["ends"] == {"raised": 1}


def test_instance_is_killed_at_the_time_limit_which_is_an_error(cloud: Cloud) -> None:
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


def test_processes_of_an_instance_are_killed_with_it(cloud: Cloud) -> None:
    cloud.scf_settings(time_limit_ms=300, retries=0)

    run = cloud.invoke({"do": "leave_a_child"}, sync=True)

    assert run.end == "timed_out"
    assert ended(int(run.log))


@pytest.mark.parametrize("by", ["the control door", "somebody else"])
def test_event_survives_the_death_of_its_instance(cloud: Cloud, meeting: Meeting, by: str) -> None:
    request_id = cloud.invoke(meeting.event)
    first = meeting.next()

    if by == "the control door":
        assert cloud.kill_instance() == first.pid
    else:
        os.kill(first.pid, signal.SIGKILL)
    second = meeting.next()
    second.release()

    assert ends(cloud) == {"died": 1, "returned": 1}
    dead, alive = cloud.invocations()
    assert (dead.request_id, alive.request_id) == (request_id, request_id)
    assert (dead.attempt, alive.attempt) == (1, 2)
    assert dead.event == alive.event == meeting.event
    assert dead.error is not None
    assert dead.error.message == "The instance's process ended: killed by signal 9"
    assert (dead.pid, alive.pid) == (first.pid, second.pid)
    assert first.pid != second.pid


def test_chosen_instance_can_be_killed_busy_or_idle_and_nothing_else_can(cloud: Cloud) -> None:
    assert cloud.kill_instance() is None
    idle = cloud.invoke({}, sync=True).pid
    assert cloud.kill_instance() is None
    assert cloud.kill_instance(os.getpid()) is None

    assert cloud.kill_instance(idle) == idle

    after = cloud.invoke({}, sync=True)
    assert (after.end, after.attempt, after.cold) == ("returned", 1, True)
    assert ended(idle)


def test_random_busy_instance_is_killed_and_the_others_go_on(cloud: Cloud, meeting: Meeting) -> None:
    for _ in range(3):
        cloud.invoke(meeting.event)
    guests = {guest.pid: guest for guest in (meeting.next() for _ in range(3))}

    killed = cloud.kill_instance()
    again = meeting.next()
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
def test_instance_whose_response_is_malformed_ends(cloud: Cloud, written: str, then: str) -> None:
    cloud.scf_settings(retries=1)

    cloud.invoke({"do": "forge", "bytes": written, "then": then})

    assert ends(cloud) == {"died": 2}
    assert all(ended(run.pid) for run in cloud.invocations())
    assert cloud.invoke({}, sync=True).end == "returned"


def test_output_is_never_taken_for_a_response(cloud: Cloud) -> None:
    forged = '\x00\x00\x00\x00\x00\x00\x00\x15{"answer": "\\"forged\\""}'

    run = cloud.invoke({"do": "write", "text": forged}, sync=True)

    assert (run.end, run.answer) == ("returned", None)
    assert forged in run.log


def test_answer_may_take_six_megabytes_and_no_more(cloud: Cloud) -> None:
    maximum = 6 << 20

    largest = cloud.invoke({"do": "answer_bytes", "bytes": maximum - 2}, sync=True)
    too_large = cloud.invoke({"do": "answer_bytes", "bytes": maximum - 1}, sync=True)

    assert len(largest.answer) == maximum - 2
    assert (too_large.end, too_large.answer) == ("raised", None)
    assert too_large.error is not None
    assert too_large.error.type == "ResponseTooLarge"


def test_answer_that_is_no_json_is_an_error(cloud: Cloud) -> None:
    run = cloud.invoke({"do": "no_json"}, sync=True)

    assert run.end == "raised"
    assert run.error is not None
    assert run.error.type == "TypeError"


def test_function_that_cannot_be_imported_fails_every_event_with_the_reason(tmp_path: Path) -> None:
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


def test_event_may_be_delivered_twice(cloud: Cloud, meeting: Meeting) -> None:
    cloud.scf_settings(duplicate=1)

    request_id = cloud.invoke(meeting.event)
    guests = [meeting.next(), meeting.next()]  # at the same time
    for guest in guests:
        guest.release()

    assert ends(cloud) == {"returned": 2}
    assert [guest.request_id for guest in guests] == [request_id, request_id]
    assert [run.attempt for run in cloud.invocations()] == [1, 1]
    assert cloud.scf()["duplicated"] == 1


def test_event_may_be_lost(cloud: Cloud) -> None:
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
