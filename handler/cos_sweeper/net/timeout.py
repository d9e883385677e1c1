"""
A time limit for a piece of async work.

`asyncio.wait_for` of Python 3.10 loses a cancellation, or a result, that races with its timer. Here the work is a task
of its own, so that a cancellation always reaches the caller, and no result is dropped without `discard`.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def finish_by(
    until: float, work: Coroutine[Any, Any, T], *, discard: Callable[[T], object] = lambda _: None
) -> T:
    """
    Return what `work` returns, or raise TimeoutError when it has not finished by `until` (time.monotonic).

    The work has ended when this returns or raises. discard: called with its result when the caller is cancelled and
    cannot take it.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait((task,), timeout=max(0.0, until - time.monotonic()))
        if not task.done():
            task.cancel()
            await asyncio.wait((task,))
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait((task,))
        if not task.cancelled() and task.exception() is None:
            discard(task.result())
        raise
    if task.cancelled():
        raise TimeoutError
    return task.result()
