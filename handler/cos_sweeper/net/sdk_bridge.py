"""
The bridge from a synchronous SDK to asyncio. The only module that imports `greenlet`.

An SDK builds a request, calls its HTTP client and reads the response, all in one synchronous call. The call runs in a
greenlet; where its HTTP client has to wait, `wait_for` switches back to the task, which awaits in its place. So the
SDK's code stays as it is, no thread is needed, and two calls never run at the same time.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

from greenlet import getcurrent, greenlet

T = TypeVar("T")


class _Bridge(greenlet):
    """A greenlet whose parent awaits what it is given."""


async def run_in_greenlet(function: Callable[[], T]) -> T:
    """Call a synchronous function that may call `wait_for`, and return what it returns."""
    bridge = _Bridge(function)
    value = bridge.switch()
    while not bridge.dead:
        try:
            awaited = await value
        except BaseException as exc:
            # The function sees what its wait ended with; a cancellation, too, passes through the SDK.
            value = bridge.throw(exc)
        else:
            value = bridge.switch(awaited)
    return cast(T, value)


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
