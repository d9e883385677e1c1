"""
A time limit, and cancellations that race with it or with the end of the work.
"""

import asyncio
import time

import pytest

from cos_sweeper.net.timeout import finish_by

FAR = 3600.0


def soon(seconds: float = 0.01) -> float:
    return time.monotonic() + seconds


def test_work_that_finishes_in_time_gives_its_result() -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        return 1

    assert asyncio.run(finish_by(soon(FAR), work())) == 1


def test_work_that_fails_raises_its_exception() -> None:
    async def work() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        asyncio.run(finish_by(soon(FAR), work()))


@pytest.mark.parametrize("seconds", [0.01, 0.0, -1.0])
def test_work_that_takes_too_long_is_cancelled_and_awaited(seconds: float) -> None:
    log: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(FAR)
        finally:
            await asyncio.sleep(0)
            log.append("ended")

    async def main() -> list[str]:
        with pytest.raises(TimeoutError):
            await finish_by(soon(seconds), work())
        return list(log)

    assert asyncio.run(main()) == ["ended"]


def test_result_that_comes_with_the_cancellation_is_returned() -> None:
    async def work() -> int:
        try:
            await asyncio.sleep(FAR)
        except asyncio.CancelledError:
            return 1
        return 0

    assert asyncio.run(finish_by(soon(), work())) == 1


def test_cancelled_caller_ends_the_work() -> None:
    log: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(FAR)
        finally:
            await asyncio.sleep(0)
            log.append("ended")

    async def main() -> list[str]:
        task = asyncio.ensure_future(finish_by(soon(FAR), work()))
        for _ in range(3):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return list(log)

    assert asyncio.run(main()) == ["ended"]


def test_cancellation_that_races_with_the_result_is_raised_and_the_result_discarded() -> None:
    discarded: list[int] = []

    async def main() -> None:
        result: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def work() -> int:
            return await result

        task = asyncio.ensure_future(finish_by(soon(FAR), work(), discard=discarded.append))
        for _ in range(3):
            await asyncio.sleep(0)
        result.set_result(1)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())

    assert discarded == [1]


def test_cancellation_that_races_with_an_exception_is_raised(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        failed: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def work() -> int:
            return await failed

        task = asyncio.ensure_future(finish_by(soon(FAR), work()))
        for _ in range(3):
            await asyncio.sleep(0)
        failed.set_exception(KeyError())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())

    assert caplog.records == []
