"""
What an instance keeps between invocations, and what does not outlive one.
"""

import asyncio
from collections.abc import Iterator

import pytest

from cos_sweeper.core.deadline import run_deadline
from cos_sweeper.core.model import Bucket, Upload
from cos_sweeper.core.settings import Credentials
from cos_sweeper.cos.instance import InstanceCache
from tests.fake_server import STAY, Server, answer
from tests.unit.net.transport import NO_CONTENT

ROLE, OTHER = Credentials("AKIDa", "a", "token"), Credentials("AKIDb", "b", "token")
UPLOAD = Upload(Bucket("photos-1250000000", "ap-guangzhou"), "k", "1")


@pytest.fixture
def instance() -> Iterator[InstanceCache]:
    instance = InstanceCache()
    yield instance
    instance.reset()


async def loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def abort(instance: InstanceCache, port: int, credentials: Credentials = ROLE) -> None:
    store = instance.store(port, credentials, run_deadline(lambda: 0.0, 60, 0.0))
    instance.run(store.abort(UPLOAD))


def test_invocations_share_one_loop_until_a_reset(instance: InstanceCache) -> None:
    first, second = instance.run(loop()), instance.run(loop())
    instance.reset()
    third = instance.run(loop())

    assert first is second
    assert third is not first
    assert (first.is_closed(), third.is_closed()) == (True, False)


def test_exception_of_the_coroutine_is_raised(instance: InstanceCache) -> None:
    async def broken() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        instance.run(broken())


@pytest.mark.parametrize("fails", [False, True], ids=["returns", "raises"])
def test_task_does_not_outlive_its_invocation(fails: bool, instance: InstanceCache) -> None:  # noqa: FBT001
    log: list[str] = []

    async def rest(name: str) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0)
            log.append(name)
            if name == "first":
                asyncio.ensure_future(rest("started at the end"))  # noqa: RUF006

    async def main() -> None:
        task = asyncio.ensure_future(rest("first"))
        await asyncio.sleep(0)
        assert not task.done()
        if fails:
            raise KeyError

    if fails:
        with pytest.raises(KeyError):
            instance.run(main())
    else:
        instance.run(main())

    assert log[0] == "first"
    assert asyncio.all_tasks(instance.run(loop())) == set()


def test_exception_of_a_task_that_is_left_is_raised(instance: InstanceCache) -> None:
    async def broken() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            raise KeyError

    async def main() -> asyncio.Task[None]:
        task = asyncio.ensure_future(broken())
        await asyncio.sleep(0)
        return task

    with pytest.raises(KeyError):
        instance.run(main())


def test_connections_are_kept_between_invocations_and_for_other_credentials(instance: InstanceCache) -> None:
    with Server([answer(NO_CONTENT)] * 3) as server:
        for credentials in (ROLE, ROLE, OTHER):
            abort(instance, server.port, credentials)

        assert len(server.peers) == 1


def test_reset_closes_the_connections(instance: InstanceCache) -> None:
    with Server([answer(NO_CONTENT), STAY], [answer(NO_CONTENT)]) as server:
        abort(instance, server.port)
        instance.reset()
        closed = server.peers[0].closed.wait(5)
        abort(instance, server.port)

    assert closed
    assert len(server.peers) == 2


def test_other_port_closes_the_connections(instance: InstanceCache) -> None:
    with Server([answer(NO_CONTENT), STAY]) as one, Server([answer(NO_CONTENT)]) as other:
        for server in (one, other):
            abort(instance, server.port)

        assert one.peers[0].closed.wait(5)
