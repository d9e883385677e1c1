"""
Tasks that end together: a group of them, a gate that lets so many through at a time, and waiting within a deadline.

asyncio has a TaskGroup from Python 3.11 on; this one differs in one more point. Where a task fails, the others are
cancelled in the same step, so that none of them sends another request. Nothing here uses `asyncio.wait_for`, which
before 3.12 can lose a cancellation, or a result, when both come at the same moment.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

from cos_sweeper.core.deadline import Deadline

T = TypeVar("T")

Work = Callable[[], Awaitable[None]]


class TaskGroup:
    """
    The tasks of one piece of work. As a context: leaving it waits for all of them, and none outlives it.

    The first exception of a task, or of the context's body, cancels the others and is raised when all have ended. So
    does a cancellation of the task that waits for the group.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._error: BaseException | None = None
        self._is_over = False

    async def __aenter__(self) -> "TaskGroup":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if exc is not None:
            self._fail(exc)
        while self._tasks:
            try:
                await asyncio.wait(self._tasks)
            except asyncio.CancelledError as cancelled:
                self._fail(cancelled)
        self._is_over = True
        if self._error is not None and self._error is not exc:
            raise self._error

    def start(self, work: Work) -> None:
        """Start a task. Where the group ends already, it does not begin."""
        if not self._is_over:
            task = asyncio.get_running_loop().create_task(self._run(work))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run(self, work: Work) -> None:
        try:
            await work()
        except asyncio.CancelledError as exc:
            # Where the group did not ask for it, something was lost.
            self._fail(exc)
            raise
        except BaseException as exc:
            self._fail(exc)

    def _fail(self, exc: BaseException) -> None:
        """Cancel every other task, once, so that none is interrupted while it ends."""
        if self._is_over:
            return
        self._error, self._is_over = exc, True
        current = asyncio.current_task()
        for task in self._tasks:
            if task is not current:
                task.cancel()


async def together(works: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """
    Do all of it at the same time, and return the results in order.

    Raises the first exception, in order, after all have ended.
    """
    if len(works) == 1:
        return [await works[0]()]
    results: dict[int, T] = {}
    errors: dict[int, Exception] = {}

    async def run(index: int) -> None:
        try:
            results[index] = await works[index]()
        except Exception as exc:
            errors[index] = exc

    async with TaskGroup() as group:
        for index in range(len(works)):
            group.start(partial(run, index))
    if errors:
        raise errors[min(errors)]
    return [results[index] for index in range(len(works))]


async def done_in_time(future: "asyncio.Future[Any]", deadline: Deadline) -> bool:
    """Wait for a future until no new work may begin. Returns whether it is done; it is never cancelled."""
    while not future.done() and not deadline.passed:
        await asyncio.wait([future], timeout=deadline.work_ends - deadline.clock())
    return future.done()


class Gate:
    """Lets so many through at a time, in the order in which they come."""

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    def try_enter(self, slots: int = 1) -> bool:
        """Enter if there is room now, and no other task waits."""
        if self._waiting or self._free < slots:
            return False
        self._free -= slots
        return True

    async def enter(self, slots: int = 1, deadline: Deadline | None = None) -> bool:
        """Wait until there is room, then enter; False when no new work may begin before that."""
        if self.try_enter(slots):
            return True
        entry = slots, asyncio.get_running_loop().create_future()
        self._waiting.append(entry)
        try:
            if deadline is None:
                await asyncio.wait([entry[1]])
            elif not await done_in_time(entry[1], deadline):
                self._waiting.remove(entry)
                self._admit()
                return False
        except asyncio.CancelledError:
            self._withdraw(entry)
            raise
        return True

    def leave(self, slots: int = 1) -> None:
        """Make room."""
        self._free += slots
        self._admit()

    def _withdraw(self, entry: tuple[int, "asyncio.Future[None]"]) -> None:
        """The task that waited is cancelled; at the same moment it may have been let in."""
        slots, admitted = entry
        if admitted.done():
            self._free += slots
        else:
            self._waiting.remove(entry)
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._free:
            slots, admitted = self._waiting.popleft()
            self._free -= slots
            admitted.set_result(None)
