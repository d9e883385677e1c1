"""
Who works on what: a producer of pages, one ahead, and WORKERS tasks that take one upload after the other.

The workers live as long as the run's phase. They take uploads from the page at hand, one worker at a time, so that an
upload is looked at by the policy just before its work begins. A worker whose upload has to wait for a while is replaced
by another task, and ends with that upload; when its pause is over, it waits for a free slot like every other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Generic, TypeVar

from cos_sweeper.engine.task_group import Gate, TaskGroup

T = TypeVar("T")

Emit = Callable[[T], Awaitable[None]]


class Prefetch(Generic[T]):
    """
    The items of a producer, which runs one item ahead.

    produce: awaits the function that it is given for each item, and returns after the last one.
    """

    def __init__(self, group: TaskGroup, produce: Callable[[Emit[T]], Awaitable[None]]) -> None:
        self._produce = produce
        self._items: asyncio.Queue[T | None] = asyncio.Queue(1)
        self._is_exhausted = False
        group.start(self._run)

    async def next(self) -> T | None:
        """The next item; None after the last one."""
        if self._is_exhausted:
            return None
        item = await self._items.get()
        self._is_exhausted = item is None
        self._items.task_done()
        # The next item is requested before this one is used.
        await asyncio.sleep(0)
        return item

    async def _run(self) -> None:
        await self._produce(self._emit)
        await self._items.put(None)

    async def _emit(self, item: T) -> None:
        await self._items.put(item)
        await self._items.join()


class Worker:
    """The task that works on an upload."""

    def __init__(self, workers: "Workers") -> None:
        self._workers = workers
        self.is_replaced = False

    async def pause(self, wait: Callable[[], Awaitable[bool]]) -> bool:
        """Wait, and let another task work meanwhile. False when there is no time for it."""
        return await self._workers.pause(self, wait)


UploadWork = Callable[[Worker], Awaitable[None]]


class Workers:
    """
    At most `count` uploads are under way at a time.

    next_batch: the work on some uploads, as far as it was not done while iterating; None when there is no more.
    """

    def __init__(
        self, count: int, group: TaskGroup, next_batch: Callable[[], Awaitable[Iterator[UploadWork] | None]]
    ) -> None:
        self._count = count
        self._group = group
        self._next_batch = next_batch
        self._batch: Iterator[UploadWork] | None = None
        self._taking = asyncio.Lock()
        self._slots = Gate(count)
        self._started = 0

    def start(self) -> None:
        """Start the first worker. Each starts another one when it takes work, until there are enough."""
        self._started += 1
        self._group.start(self._work)

    async def pause(self, worker: Worker, wait: Callable[[], Awaitable[bool]]) -> bool:
        """As `Worker.pause`."""
        if not worker.is_replaced:
            worker.is_replaced = True
            self._group.start(self._work)
        self._slots.leave()
        is_over = await wait()
        await self._slots.enter()
        return is_over

    async def _work(self) -> None:
        worker = Worker(self)
        while not worker.is_replaced:
            work = await self._next()
            if work is None:
                return
            if self._started < self._count:
                self.start()
            await work(worker)
            self._slots.leave()

    async def _next(self) -> UploadWork | None:
        """The next upload to work on, together with a slot for it; None after the last one."""
        async with self._taking:
            while True:
                if self._batch is None:
                    self._batch = await self._next_batch()
                if self._batch is None:
                    return None
                if not self._slots.try_enter():
                    await self._slots.enter()
                work = next(self._batch, None)
                if work is not None:
                    return work
                self._batch = None
                self._slots.leave()
