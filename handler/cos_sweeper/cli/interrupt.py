"""
Ctrl-C, SIGTERM and SIGHUP: the first one ends a run as its time limit would, the second one stops at once.

A run in a terminal has no time limit, so its deadline is far away. The first Ctrl-C moves it to now: no new work
begins, requests in flight end, the account is written. The second one cancels the run.
"""

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

from cos_sweeper.core.deadline import REQUEST_SECONDS, Deadline

T = TypeVar("T")

FAR_SECONDS = 365 * 24 * 3600.0
# To write the report after a Ctrl-C.
CLOSING_SECONDS = 60.0
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


class MovableDeadline(Deadline):
    """A deadline that is far away until it is moved to now."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        ends = clock() + FAR_SECONDS
        super().__init__(clock, ends, ends, ends)

    def end_now(self) -> None:
        """No new work may start. The one place where a deadline changes."""
        now = self.clock()
        for name, seconds in (("work_ends", 0.0), ("ends", REQUEST_SECONDS), ("closes", CLOSING_SECONDS)):
            object.__setattr__(self, name, now + seconds)


class Stopped(BaseException):
    """The second Ctrl-C."""


class Interrupt:
    """
    deadline: of everything that the command does. say: what a person is told at the first Ctrl-C.

    is_set: whether Ctrl-C was pressed.
    """

    def __init__(self, say: Callable[[], None], deadline: MovableDeadline | None = None) -> None:
        self.deadline = deadline or MovableDeadline()
        self.is_set = False
        self._say = say
        self._changed: asyncio.Event | None = None
        self._task: asyncio.Task[Any] | None = None
        self._is_stopped = False

    def press(self) -> None:
        """Ctrl-C."""
        if not self.is_set:
            self.is_set = True
            self.deadline.end_now()
            if self._changed is not None:
                self._changed.set()
            self._say()
        elif self._task is not None:
            self._is_stopped = True
            self._task.cancel()

    async def sleep(self, seconds: float) -> None:
        """Wait so long, and no longer than until Ctrl-C."""
        if self._changed is None or self.is_set:
            await asyncio.sleep(min(seconds, REQUEST_SECONDS) if self.is_set else seconds)
            return
        pressed = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait([pressed], timeout=seconds)
        finally:
            pressed.cancel()

    async def guard(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run it, with Ctrl-C as described. Raises Stopped after the second one."""
        self._changed = asyncio.Event()
        if self.is_set:
            self._changed.set()
        task = asyncio.ensure_future(coroutine)
        self._task = task
        try:
            with self._signals():
                return await task
        except asyncio.CancelledError:
            if self._is_stopped:
                raise Stopped from None
            raise
        finally:
            self._task = self._changed = None

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        loop, handled = asyncio.get_running_loop(), {}
        for number in _heard():
            before = signal.getsignal(number)
            # Not on Windows, and not outside of the main thread.
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, self.press)
                handled[number] = before
        try:
            yield
        finally:
            for number, before in handled.items():
                loop.remove_signal_handler(number)
                signal.signal(number, before)


def _heard() -> list[signal.Signals]:
    """The signals that stop a command. Not what `nohup` or a shell made it ignore."""
    there = (getattr(signal, name, None) for name in SIGNALS)
    return [one for one in there if one is not None and signal.getsignal(one) is not signal.SIG_IGN]


@contextlib.contextmanager
def as_ctrl_c() -> Iterator[None]:
    """Every signal that stops a command raises KeyboardInterrupt, as Ctrl-C does: at a question, for example."""
    before = {}
    for number in _heard():
        # Not outside of the main thread.
        with contextlib.suppress(ValueError):
            before[number] = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
