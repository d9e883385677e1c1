"""
The bridge from a synchronous SDK to asyncio. The only module that imports `greenlet`.

An SDK builds a request, calls its HTTP client and reads the response, all in one synchronous call. The call runs in a
greenlet; where its HTTP client has to wait, `wait_for` switches back to the task, which awaits in its place. So the
SDK's code stays as it is, no thread is needed, and two calls never run at the same time.
"""

import threading
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

from greenlet import GreenletExit, getcurrent, greenlet

T = TypeVar("T")


class _Bridge(greenlet):
    """
    A greenlet that calls one function after the other: a new one for each would cost more than the call's own waits.

    outcome: what came of the last function; None while it waits for an awaitable, which is switched to the parent.
    """

    outcome: tuple[object, BaseException | None] | None = None

    def run(self, function: Callable[[], object] | None) -> None:
        while function is not None:
            try:
                self.outcome = function(), None
            except GreenletExit:
                raise
            except BaseException as exc:
                self.outcome = None, exc
            # Nothing of the call is referred to while this waits for the next one.
            function = None
            function = cast(greenlet, self.parent).switch()


class _Idle(threading.local):
    """The bridges of a thread that wait for a function: as many as there were calls at a time."""

    def __init__(self) -> None:
        self.bridges: list[_Bridge] = []


_idle = _Idle()


async def run_in_greenlet(function: Callable[[], T]) -> T:
    """Call a synchronous function that may call `wait_for`, and return what it returns."""
    idle = _idle.bridges
    bridge = idle.pop() if idle else _Bridge()
    awaitable: Any = bridge.switch(function)
    while bridge.outcome is None:
        try:
            value = await awaitable
        except BaseException as exc:
            # The function sees what its wait ended with; a cancellation, too, passes through the SDK.
            awaitable = bridge.throw(exc)
        else:
            awaitable = bridge.switch(value)
    (result, error), bridge.outcome = bridge.outcome, None
    idle.append(bridge)
    if error is not None:
        try:
            raise error
        finally:
            del error
    return cast(T, result)


def wait_for(awaitable: Awaitable[T]) -> T:
    """Wait, inside of `run_in_greenlet`, for an awaitable. Returns its result, raises its exception."""
    current = getcurrent()
    parent = current.parent
    if parent is None or not isinstance(current, _Bridge):
        close = getattr(awaitable, "close", None)
        if close is not None:
            close()
        raise RuntimeError("wait_for works inside of run_in_greenlet alone")
    return cast(T, parent.switch(awaitable))
