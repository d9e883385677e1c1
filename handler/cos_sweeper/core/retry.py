"""
Retrying what may succeed: a few times, after growing, uneven pauses, and never past the time there is.
"""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

ATTEMPTS = 4


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long to retry. The bound of the pauses doubles from the first to the longest."""

    attempts: int = ATTEMPTS
    first_pause_seconds: float = 0.4
    longest_pause_seconds: float = 4.0


async def retry(
    policy: RetryPolicy,
    attempt: Callable[[], Awaitable[T]],
    is_retryable: Callable[[Exception], bool],
    left: Callable[[], float],
    sleep: Callable[[float], Awaitable[object]],
) -> T:
    """
    What the first good attempt returns; raises what the last one raised.

    left: seconds that a pause may take for another attempt to be worth it.
    """
    for number in range(policy.attempts - 1):
        try:
            return await attempt()
        except Exception as exc:
            pause = backoff(number, policy)
            if not is_retryable(exc) or left() <= pause:
                raise
        await sleep(pause)
    return await attempt()


def backoff(number: int, policy: RetryPolicy = RetryPolicy()) -> float:
    """
    Seconds to wait after the failure with this number, from 0: random up to a bound that doubles ("full jitter").

    So callers that failed together do not come again together.
    """
    longest = min(policy.longest_pause_seconds, policy.first_pause_seconds * 2**number)
    return random.uniform(0, longest)  # noqa: S311
