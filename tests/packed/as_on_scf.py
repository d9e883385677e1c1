"""
build/function.zip on a machine like SCF's: `make packed` runs this in the sandbox.

Everything that the function does here it does with what is in the zip: Python 3.10, no other library, no variable that
SCF does not set, nothing that it may write but the temporary folder.
"""

import errno
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cos_sweeper.core.errors import SweeperError
from cos_sweeper.core.version import VERSION
from tests.emulator.public import Cloud, InvocationRecord
from tests.fixtures import ABORTING, TOKEN
from tests.function import EVENTS, LOGS, PHOTOS, event, named
from tests.packed.sandbox import AS_ANOTHER_USER, FUNCTION, USER

BUCKET, LOG_BUCKET = (place.partition("@")[0] for place in (PHOTOS, LOGS))
PREFIX = "sweeper-reports"
SETTINGS = {"BUCKETS": f"{PHOTOS},{LOGS}", "HTTP_TOKEN": TOKEN, "REPORT": f"{PHOTOS}/{PREFIX}", **ABORTING}
# What the function raises on purpose; an InternalError is a defect.
ERRORS = {each.__name__ for each in SweeperError.__subclasses__()} - {"InternalError"}
PROBE = """
import os, socket, sys
from pathlib import Path

def main_handler(event, context):
    def error(call):
        try:
            call()
        except OSError as exc:
            return exc.errno
    return {
        "user": os.getuid(),
        "groups": os.getgroups(),
        "version": list(sys.version_info[:2]),
        "write": error(lambda: Path(event["folder"], "new").write_text("x")),
        "network": error(lambda: socket.create_connection(("192.0.2.1", 443), 1)),
    }
"""


@pytest.fixture(scope="module")
def running() -> Iterator[Cloud]:
    with Cloud.start(
        PHOTOS, LOGS, function=FUNCTION, env=SETTINGS, python=AS_ANOTHER_USER, time_limit_ms=60_000, retries=0
    ) as cloud:
        yield cloud


@pytest.fixture
def cloud(running: Cloud) -> Cloud:
    running.reset(PHOTOS, LOGS)
    return running


def lines(run: InvocationRecord) -> list[dict[str, Any]]:
    """What it printed: the log, and nothing else."""
    return [json.loads(line) for line in run.log.splitlines()]


def test_machine_is_like_scfs() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        Path(folder, "index.py").write_text(PROBE, "utf-8")

        with Cloud.start(PHOTOS, function=Path(folder), python=AS_ANOTHER_USER) as cloud:
            seen = cloud.invoke({"folder": str(FUNCTION)}, sync=True).answer

    assert seen == {
        "user": USER,
        "groups": [],
        "version": [3, 10],
        "write": errno.EROFS,
        "network": errno.ENETUNREACH,
    }


def test_inventory_reads_everything_and_stores_its_page(cloud: Cloud) -> None:
    cloud.seed(BUCKET, "raw/{n}.mov", count=20, parts=3, hours_since_start=200)
    held = cloud.uploads(BUCKET)

    run = cloud.invoke({"inventory": True}, sync=True)

    assert run.error is None
    assert run.answer["would_abort"] == 20
    assert run.answer["version"] == VERSION
    assert cloud.uploads(BUCKET) == held
    page = cloud.content(BUCKET, f"{PREFIX}/{run.answer['run_id']}/report.html").decode()
    assert page.startswith("<!doctype html>")
    assert {line["level"] for line in lines(run)} == {"info"}


def test_named_upload_is_aborted_and_no_other(cloud: Cloud) -> None:
    failed, other = cloud.seed(BUCKET, "app/{n}.mov", count=2, hours_since_start=2)

    run = cloud.invoke(named(BUCKET, failed.key, failed.upload_id), sync=True)

    assert run.answer["aborted"] == 1
    assert [each.upload_id for each in cloud.uploads(BUCKET)] == [other.upload_id]


def test_nightly_timer_aborts_what_is_abandoned_and_keeps_what_is_alive(cloud: Cloud) -> None:
    cloud.seed(BUCKET, "old/取景 {n}.mov", count=30, parts=2, hours_since_start=200)
    cloud.seed(LOG_BUCKET, "old/{n}.gz", count=30, parts=2, hours_since_start=200)
    cloud.seed(BUCKET, "live.mov", parts=2, hours_since_start=200, hours_since_last_part=1)
    cloud.seed(LOG_BUCKET, "young.gz", hours_since_start=5)

    cloud.fire_timer()
    assert cloud.wait_idle()

    (run,) = [each for each in cloud.invocations() if each.answer and "run_id" in each.answer]
    assert (run.answer["status"], run.answer["aborted"]) == ("complete", 60)
    assert [each.key for bucket in (BUCKET, LOG_BUCKET) for each in cloud.uploads(bucket)] == ["live.mov", "young.gz"]


def test_chain_of_runs_finishes_what_one_run_has_no_time_for(cloud: Cloud) -> None:
    cloud.scf_settings(time_limit_ms=10_000)
    cloud.fault(delay_ms=80)
    cloud.seed(BUCKET, "raw/{n:04}.mov", count=1300, parts=2, hours_since_start=200)

    cloud.fire_timer()
    assert cloud.wait_idle(180)

    runs = [each.answer for each in cloud.invocations() if each.answer and "run_id" in each.answer]
    assert len(runs) > 1
    assert sum(each["aborted"] for each in runs) == 1300
    assert cloud.uploads(BUCKET) == []


@pytest.mark.parametrize("name", sorted(path.stem for path in EVENTS.glob("*.json")))
def test_event_in_the_platforms_shape_is_handled(cloud: Cloud, name: str) -> None:
    run = cloud.invoke(event(name), sync=True)

    assert run.error is None or run.error.type in ERRORS
    assert [line for line in lines(run) if line["event"] == "run.crashed"] == []
    assert cloud.wait_idle()
