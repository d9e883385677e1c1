"""
A chain that records into a bucket over the official SDK, with the permissions that the policy gives.
"""

import asyncio
import json
from collections.abc import Awaitable, Iterator

import pytest

from cos_sweeper.core.deadline import run_deadline
from cos_sweeper.core.errors import Stopped
from cos_sweeper.core.settings import Credentials, ReportLocation
from cos_sweeper.cos import instance
from cos_sweeper.cos.sdk_store import Clients, CosStore
from cos_sweeper.net.client import Connections
from cos_sweeper.report.report_folder import ReportFolder
from tests.emulator.public import Cloud
from tests.fixtures import PHOTOS
from tests.function import role_policy
from tests.laws.hostile_events import REPORTS
from tests.laws.requests import is_lawful
from tests.unit.report.folders import RUN_ID, Room, report, tell

PREFIX = f"{REPORTS}/"


@pytest.fixture
def folder(cloud: Cloud) -> Iterator[tuple[ReportFolder, asyncio.AbstractEventLoop]]:
    environ = {"BUCKETS": str(PHOTOS), "REPORT": f"{PHOTOS}/{REPORTS}", "LIFECYCLE_COVERAGE": "false"}
    cloud.set_role_policy(role_policy(environ))
    role = Credentials(cloud.role.secret_id, cloud.role.secret_key, cloud.role.token or "")
    location, connections = ReportLocation(PHOTOS, PREFIX), Connections(cloud.port)
    deadline = run_deadline(lambda: 0.0, 60, 0.0)
    store = CosStore(Clients(role, plain_http=True), connections, deadline, reports=location)
    loop = asyncio.new_event_loop()
    yield ReportFolder(location, lambda: store, reading=lambda: store.apart(deadline)), loop
    connections.close()
    instance.close(loop)


def test_chain_is_recorded_and_merged_with_the_permissions_of_the_policy(
    cloud: Cloud, folder: tuple[ReportFolder, asyncio.AbstractEventLoop]
) -> None:
    room = Room()
    room.folder = folder[0]  # type: ignore[assignment]

    async def play() -> None:
        first = room.identity()
        async with room.recorder(first) as recorder:
            await tell(recorder, [("freed", 1, 5), ("kept", 2, 1)])
            await recorder.save(report(), ("0",))
            await recorder.finish(report(continuations=1))
        async with room.recorder(room.identity(number=2, before=first.name)) as recorder:
            await tell(recorder, [("freed", 3, 10)])
            await recorder.finish(report())

    folder[1].run_until_complete(play())

    stored = {one.key.removeprefix(PREFIX) for one in cloud.objects(PHOTOS.name)}
    assert {name.split("/")[1] for name in stored if name.startswith(RUN_ID)} == {
        "ends",
        "parts",
        "report.html",
        "report.json",
        "totals",
        "uploads",
    }
    merged = json.loads(cloud.content(PHOTOS.name, f"{PREFIX}{RUN_ID}/report.json"))
    assert (merged["totals"]["freed"]["bytes"], merged["totals"]["kept"]["bytes"], merged["runs"]) == (15, 1, 2)
    assert room.events() == []
    assert [one for one in cloud.requests() if not is_lawful(one)] == []
    assert {one.operation for one in cloud.requests()} == {"PutObject", "GetObject", "GetBucket"}


def test_names_are_read_page_by_page_below_the_prefix(
    cloud: Cloud, folder: tuple[ReportFolder, asyncio.AbstractEventLoop]
) -> None:
    reports, loop = folder

    async def play() -> list[list[str]]:
        for number in range(1002):
            await reports.put(f"a/{number:04}", b"")
        return [await reports.names("a/"), await reports.names("a/", "a/0999"), await reports.names("a/", pages=1)]

    every, later, first_page = loop.run_until_complete(play())

    assert every == [f"a/{number:04}" for number in range(1002)]
    assert (later, first_page) == (every[1000:], every[:1000])
    assert len(cloud.objects(PHOTOS.name, PREFIX)) == 1002


def test_refusal_to_read_stops_nothing_that_is_written_and_a_refusal_to_write_stops_both(
    cloud: Cloud, folder: tuple[ReportFolder, asyncio.AbstractEventLoop]
) -> None:
    reports, loop = folder
    cloud.fault("GetObject", status=403, code="RequestTimeTooSkewed")
    cloud.fault("GetBucket", status=403, code="RequestTimeTooSkewed")

    async def is_stopped(work: Awaitable[object]) -> bool:
        try:
            await work
        except Stopped:
            return True
        return False

    async def play() -> list[bool]:
        return [await is_stopped(work) for work in (reports.get("a"), reports.names("a"), reports.put("a", b""))]

    assert loop.run_until_complete(play()) == [True, True, False]
    cloud.heal()
    cloud.fault("PutObject", status=403, code="ExpiredToken")
    assert loop.run_until_complete(is_stopped(reports.put("a", b"")))
    assert loop.run_until_complete(play()) == [True, True, True]
    assert [one.operation for one in cloud.requests()] == ["GetObject", "GetBucket", "PutObject", "PutObject"]
