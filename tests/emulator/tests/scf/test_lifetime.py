"""
How the emulated SCF starts, is reset and ends, and which settings it rejects.
"""

import asyncio
import http.client
import json
import os
import signal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.emulator.client import Cloud, ControlError
from tests.emulator.dispatch import Dispatcher, Throttled
from tests.emulator.function import Function, Setup
from tests.emulator.invocations import Invocation
from tests.emulator.state import State
from tests.emulator.tests.scf.deployed import Meeting, deploy, ended
from tests.emulator.tests.scf.support import BUCKET, FAIL, ends


def test_reset_clears_everything(cloud: Cloud, meeting: Meeting) -> None:
    cloud.scf_settings(concurrency=2, retries=0, duplicate=1, env={"A": "b"})
    cloud.invoke(FAIL)
    assert cloud.wait_idle()
    for _ in range(2):
        cloud.invoke(meeting.event)
    guests = [meeting.next(), meeting.next()]

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


def test_wait_for_idle_ends_at_a_reset(cloud: Cloud) -> None:
    cloud.scf_settings(retry_wait_ms=60_000)
    cloud.invoke(FAIL)
    waiter = http.client.HTTPConnection(urlsplit(cloud.control).netloc, timeout=30)
    waiter.request("GET", "/scf/idle?timeout_seconds=60")
    cloud.scf()  # by now the other request has been read, too

    cloud.reset()

    assert json.load(waiter.getresponse()) == {"idle": True}
    waiter.close()


@pytest.mark.parametrize("doing", ["meet", "hang_in_c", "nothing"])
def test_instances_do_not_survive_an_emulator_that_is_killed(tmp_path: Path, meeting: Meeting, doing: str) -> None:
    with Cloud.start(function=deploy(tmp_path)) as cloud:
        pid = cloud.invoke({}, sync=True).pid
        if doing != "nothing":
            cloud.invoke({**meeting.event, "do": doing})
            pid = meeting.next().pid

        os.kill(cloud.pid, signal.SIGKILL)

        assert ended(pid)


def test_instances_do_not_survive_an_emulator_that_is_stopped(tmp_path: Path, meeting: Meeting) -> None:
    with Cloud.start(function=deploy(tmp_path)) as cloud:
        for _ in range(3):
            cloud.invoke(meeting.event)
        pids = [meeting.next().pid for _ in range(3)]

    assert all(ended(pid) for pid in pids)


def test_cos_answers_while_instances_are_busy(cloud: Cloud, meeting: Meeting) -> None:
    for _ in range(10):
        cloud.invoke(meeting.event)
    guests = [meeting.next() for _ in range(10)]

    assert cloud.uploads("photos-1250000000") == []
    for guest in guests:
        guest.release()
    assert ends(cloud) == {"returned": 10}


def test_dispatcher_that_is_closed_takes_nothing_in(tmp_path: Path) -> None:
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


def test_scf_is_absent_without_a_function() -> None:
    with Cloud.start(BUCKET) as cloud:
        assert cloud.invoke_endpoint == ""
        with pytest.raises(ControlError, match="no GET /scf here"):
            cloud.scf()


@pytest.mark.parametrize(
    ("env", "problem"),
    [
        pytest.param({"SCF_X": "1"}, "SCF_X", id="SCF's own"),
        pytest.param({"TENCENTCLOUD_SECRETID": "1"}, "TENCENTCLOUD_SECRETID", id="the credentials"),
        pytest.param({"QCLOUD_X": "1"}, "QCLOUD_X", id="the old name"),
        pytest.param({"1X": "1"}, "1X", id="a digit first"),
        pytest.param({"A-B": "1"}, "A-B", id="a hyphen"),
        pytest.param({"A": "x" * 4095}, "4096 bytes", id="too much"),
    ],
)
def test_variables_that_scf_would_not_take_are_rejected(
    cloud: Cloud, tmp_path: Path, env: dict[str, str], problem: str
) -> None:
    with pytest.raises(ControlError, match=problem):
        Cloud.start(function=deploy(tmp_path), env=env)
    with pytest.raises(ControlError, match=problem):
        cloud.scf_settings(env=env)

    assert cloud.scf_settings()["variables"] == {"BUCKETS": BUCKET}


def test_directory_without_index_py_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match=r"index\.py"):
        Cloud.start(function=tmp_path)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        pytest.param({"time_limit_ms": 0}, "1 or above", id="no time"),
        pytest.param({"concurrency": 0}, "1 or above", id="no instance"),
        pytest.param({"duplicate": 2}, "from 0 to 1", id="no probability"),
        pytest.param({"env": ["A"]}, "object", id="no variables"),
        pytest.param({"timeout": 3}, "unknown 'timeout'", id="misspelt"),
    ],
)
def test_settings_that_are_not_understood_change_nothing(cloud: Cloud, fields: dict[str, Any], problem: str) -> None:
    before = cloud.scf_settings()

    with pytest.raises(ControlError, match=problem):
        cloud.scf_settings(retries=0, **fields)

    assert cloud.scf_settings() == before


def test_events_that_scf_rejects_are_rejected_at_the_control_port(cloud: Cloud) -> None:
    with pytest.raises(ControlError, match="131072"):
        cloud.invoke("x" * (128 << 10))
    with pytest.raises(ControlError, match="6291456"):
        cloud.invoke("x" * (6 << 20), sync=True)
    with pytest.raises(ControlError, match="4096"):
        cloud.fire_timer("x" * 4097)
