"""
Trying again what may pass: a few times, at growing, uneven intervals, and never past the time there is.
"""

import random
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

ATTEMPTS = 4
FIRST_PAUSE_SECONDS = 0.4


def retry_while(
    attempt: Callable[[], T],
    is_retryable: Callable[[Exception], bool],
    left: Callable[[], float],
    sleep: Callable[[float], None],
    longest_pause: float,
) -> T:
    """
    What the first good attempt returns; raises what the last one raised.

    left: seconds that a pause may take for another attempt to be worth it. The pauses, in seconds, are random up to a
    bound that doubles ("full jitter"), so that those who failed together do not come again together.
    """
    for number in range(ATTEMPTS - 1):
        try:
            return attempt()
        except Exception as exc:
            pause = backoff(number, longest_pause)
            if not is_retryable(exc) or left() <= pause:
                raise
        sleep(pause)
    return attempt()


def backoff(number: int, longest_pause: float = 4.0) -> float:
    """Seconds to wait after the failure with this number, from 0: random up to a bound that doubles ("full jitter")."""
    return random.uniform(0, min(longest_pause, FIRST_PAUSE_SECONDS * 2**number))  # noqa: S311
