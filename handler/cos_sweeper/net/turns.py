"""
Tasks that take turns in one thread: while one waits for the network, the others go on.

A task is ordinary code in a greenlet, so that the SDK, which knows nothing of it, can wait in the middle of a call. No
two tasks ever run at once: what they share needs no lock, and the interpreter's is not fought over. Outside a task the
same waits simply block. The only module that imports `greenlet`.
"""

import selectors
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from heapq import heappop, heappush
from itertools import count
from types import TracebackType
from typing import Any, Generic, TypeVar

from greenlet import GreenletExit, getcurrent, greenlet

T = TypeVar("T")

READABLE = selectors.EVENT_READ
WRITABLE = selectors.EVENT_WRITE
READY, TOO_LATE = True, False
NEVER = float("inf")


def wait(sock: socket.socket, event: int, until: float) -> bool:
    """Wait for a socket to become READABLE or WRITABLE; False when it is not by `until` (time.monotonic)."""
    task = getcurrent()
    if isinstance(task, Task):
        return task.crew._wait(task, sock, event, until)
    with selectors.DefaultSelector() as selector:
        selector.register(sock, event)
        return bool(selector.select(_seconds_to(until)))


def sleep(seconds: float) -> None:
    """Let the others go on for so long; 0 lets everybody who can have a turn."""
    task = getcurrent()
    if isinstance(task, Task):
        task.crew._sleep(task, time.monotonic() + seconds)
    else:
        time.sleep(seconds)


def together(works: Sequence[Callable[[], T]]) -> list[T]:
    """
    Do all of it at the same time, and return what came of each, in order. Raises the first exception, after all.

    Outside a task it is done one after the other.
    """
    task = getcurrent()
    if not isinstance(task, Task) or len(works) < 2:
        return [work() for work in works]
    return task.crew._together(task, works)


def in_thread(work: Callable[[], T], until: float) -> T:
    """
    Wait for what can only block, such as a name's address. Raises what it raises, or TimeoutError.

    Past `until` the thread is left to its end; nobody looks at what comes of it.
    """
    ours, theirs = socket.socketpair()
    done: list[Callable[[], T]] = []

    def run() -> None:
        with theirs:
            try:
                result = work()
                done.append(lambda: result)
            except Exception as exc:
                trouble = exc
                done.append(lambda: _raise(trouble))

    with ours:
        threading.Thread(target=run, daemon=True).start()
        if not wait(ours, READABLE, until):
            raise TimeoutError
    return done[0]()


class Task(greenlet, Generic[T]):
    """Work that was started; see `Crew.start`."""

    crew: "Crew"
    _result: T

    def result(self) -> T:
        """What the work returned; until it has, the others take turns. Not from within a task."""
        while not self.dead:
            self.crew.turn()
        return self._result


@dataclass(slots=True)
class _Watched:
    """A socket that the system watches for us, and who waits for it, if anybody does."""

    sock: socket.socket
    event: int
    number: int
    task: Task[Any] | None = None


@dataclass(frozen=True, slots=True)
class _Begin:
    """A task that is still to begin."""

    task: Task[Any]
    work: Callable[[], object]

    def switch(self) -> object:
        return self.task.switch(self.task, self.work)


class Crew:
    """
    The tasks of one piece of work. As a context: none outlives it.

    An exception that a task lets out is raised in whoever started it or let it go on, which ends the piece of work.
    """

    def __init__(self) -> None:
        self._home = getcurrent()
        self._selector = selectors.DefaultSelector()
        self._tasks: set[Task[Any]] = set()
        # Until when each one waits for a socket, and a moment before which nobody's time is up.
        self._until: dict[Task[Any], float] = {}
        self._nobody_before = NEVER
        # By file number. A socket stays watched when nobody waits for it: it is waited for again and again.
        self._watched: dict[int, _Watched] = {}
        self._asleep: list[tuple[float, int, Task[Any] | _Begin]] = []
        self._number = count()
        self._is_over = False

    def __enter__(self) -> "Crew":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """What has not ended is ended where it waits, as by an exception that nothing catches."""
        self._is_over = True
        trouble = None
        while self._tasks:
            try:
                self._tasks.pop().throw()
            except Exception as own:
                trouble = own
        self._selector.close()
        if trouble is not None and exc is None:
            raise trouble

    def start(self, work: Callable[[], T]) -> Task[T]:
        """Begin at once, up to the first wait. Only for whoever opened the crew: a task cannot start another."""
        if getcurrent() is not self._home:
            raise RuntimeError("a task cannot start another")
        task: Task[T] = Task(self._run, self._home)
        task.crew = self
        self._tasks.add(task)
        task.switch(task, work)
        return task

    def _together(self, waiting: Task[Any], works: Sequence[Callable[[], T]]) -> list[T]:
        """Each is a task of its own, begun in the next turn; the last to end lets the waiting one go on."""
        self._go_on_only_if_open()
        done: list[Callable[[], T] | None] = [None] * len(works)
        left = len(works)

        def run(place: int) -> None:
            nonlocal left
            try:
                result = works[place]()
                done[place] = lambda: result
            except Exception as exc:
                trouble = exc
                done[place] = lambda: _raise(trouble)
            left -= 1
            if not left:
                heappush(self._asleep, (0.0, next(self._number), waiting))

        for place in range(len(works)):
            task: Task[None] = Task(self._run, self._home)
            task.crew = self
            self._tasks.add(task)
            heappush(self._asleep, (0.0, next(self._number), _Begin(task, partial(run, place))))
        self._home.switch()
        return [result() for result in done if result is not None]

    def turn(self) -> None:
        """Wait until a task can go on, and let all that can. Raises RuntimeError when none ever could."""
        if not self._until and not self._asleep:
            raise RuntimeError("nobody is waiting for anything")
        until = min(self._nobody_before, self._asleep[0][0] if self._asleep else NEVER)
        for key, _ in self._selector.select(_seconds_to(until)):
            if key.data.task is not None:
                key.data.task.switch(READY)
            else:
                self._forget(key.data)
        now = time.monotonic()
        if now >= self._nobody_before:
            self._give_up(now)
        number = next(self._number)
        while self._asleep and self._asleep[0][0] <= now and self._asleep[0][1] < number:
            heappop(self._asleep)[2].switch()

    def _run(self, task: Task[T], work: Callable[[], T]) -> None:
        try:
            task._result = work()
        finally:
            self._tasks.discard(task)

    def _wait(self, task: Task[Any], sock: socket.socket, event: int, until: float) -> bool:
        self._go_on_only_if_open()
        watched = self._watched.get(sock.fileno())
        if watched is None or watched.sock is not sock or watched.event != event:
            watched = self._watch(sock, event)
        watched.task = task
        self._until[task] = until
        self._nobody_before = min(until, self._nobody_before)
        try:
            ready: bool = self._home.switch()
            return ready
        finally:
            del self._until[task]
            watched.task = None

    def _watch(self, sock: socket.socket, event: int) -> "_Watched":
        number = sock.fileno()
        if number in self._watched:
            self._forget(self._watched[number])
        watched = self._watched[number] = _Watched(sock, event, number)
        self._selector.register(number, event, watched)
        return watched

    def _forget(self, watched: "_Watched") -> None:
        """Something happened that nobody waits for, or another socket has this number now."""
        del self._watched[watched.number]
        self._selector.unregister(watched.number)

    def _sleep(self, task: Task[Any], until: float) -> None:
        self._go_on_only_if_open()
        heappush(self._asleep, (until, next(self._number), task))
        self._home.switch()

    def _go_on_only_if_open(self) -> None:
        """A task that is being ended does not get to wait once more."""
        if self._is_over:
            raise GreenletExit

    def _give_up(self, now: float) -> None:
        """Let go on whose time is up. Looked through only when it may be anybody's: most waits end long before."""
        for task, until in list(self._until.items()):
            if until <= now:
                task.switch(TOO_LATE)
        self._nobody_before = min(self._until.values(), default=NEVER)


def _seconds_to(moment: float) -> float | None:
    return None if moment == NEVER else max(0.0, moment - time.monotonic())


def _raise(exc: Exception) -> Any:
    raise exc
