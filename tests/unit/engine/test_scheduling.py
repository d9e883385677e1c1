"""
Workers and the producer ahead of them, without any upload.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

import pytest

from cos_sweeper.engine.scheduling import Prefetch, UploadWork, Worker, Workers
from cos_sweeper.engine.task_group import TaskGroup


def run(count: int, works: list[UploadWork], pages: int = 1) -> None:
    """Do all the work, taken from so many pages."""

    async def main() -> None:
        batches = [works[page::pages] for page in range(pages)]

        async def next_batch() -> Iterator[UploadWork] | None:
            await asyncio.sleep(0)
            return iter(batches.pop(0)) if batches else None

        async with TaskGroup() as group:
            Workers(count, group, next_batch).start()

    asyncio.run(main())


class Meter:
    """How many are at work at a time, the most of it, and who ended."""

    def __init__(self) -> None:
        self.now = 0
        self.maximum = 0
        self.ended: list[int] = []

    async def work(self, number: int, pauses: int, worker: Worker) -> None:
        self.begin()
        for _round in range(60):
            await asyncio.sleep(0)
        for _pause in range(pauses):
            self.now -= 1
            await worker.pause(a_while)
            self.begin()
            await asyncio.sleep(0)
        self.now -= 1
        self.ended.append(number)

    def begin(self) -> None:
        self.now += 1
        self.maximum = max(self.maximum, self.now)


async def a_while() -> bool:
    await asyncio.sleep(0.001)
    return True


@pytest.mark.parametrize("workers", [1, 3, 100])
@pytest.mark.parametrize("pages", [1, 4])
@pytest.mark.parametrize("pauses", [0, 2])
def test_workers_are_no_more_than_allowed_and_complete_all_work(workers: int, pages: int, pauses: int) -> None:
    meter = Meter()

    run(workers, [partial(meter.work, number, pauses * (number % 2)) for number in range(40)], pages)

    assert sorted(meter.ended) == list(range(40))
    assert meter.maximum == min(workers, 40)


def test_pause_holds_up_no_other_work() -> None:
    others: list[int] = []

    async def waits(worker: Worker) -> None:
        async def until_the_others_are_done() -> bool:
            while len(others) < 5:
                await asyncio.sleep(0)
            return True

        assert await worker.pause(until_the_others_are_done)

    async def other(number: int, _: Worker) -> None:
        others.append(number)

    run(1, [waits, *(partial(other, number) for number in range(5))])

    assert others == list(range(5))


@pytest.mark.parametrize("stays", [True, False])
def test_pause_says_whether_there_was_time_for_it(*, stays: bool) -> None:
    results: list[bool] = []

    async def answer() -> bool:
        return stays

    async def work(worker: Worker) -> None:
        results.append(await worker.pause(answer))

    run(1, [work] * 3)

    assert results == [stays] * 3


def test_producer_is_one_item_ahead_and_no_more() -> None:
    produced: list[int] = []
    ahead: list[int] = []

    async def produce(emit: Callable[[int], Awaitable[None]]) -> None:
        for number in range(1, 6):
            produced.append(number)
            await emit(number)

    async def main() -> None:
        async with TaskGroup() as group:
            pages = Prefetch(group, produce)
            while (page := await pages.next()) is not None:
                for _ in range(10):
                    await asyncio.sleep(0)
                ahead.append(len(produced) - page)
            assert await pages.next() is None

    asyncio.run(main())

    assert ahead == [1, 1, 1, 1, 0]


def test_producer_that_fails_ends_the_work() -> None:
    async def produce(emit: Callable[[int], Awaitable[None]]) -> None:
        await emit(1)
        raise ZeroDivisionError

    async def main() -> None:
        async with TaskGroup() as group:
            pages = Prefetch(group, produce)
            group.start(partial(take_all, pages))

    async def take_all(pages: Prefetch[int]) -> None:
        while await pages.next() is not None:
            pass

    with pytest.raises(ZeroDivisionError):
        asyncio.run(main())
