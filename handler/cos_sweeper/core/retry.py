"""
Retries: a few attempts, with random pauses that grow, within the time that is left.
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
    Return the result of the first attempt that succeeds; raise the error of the last one.

    left: the seconds that a pause may take; there is no retry if the pause would be longer. See `backoff` for the
    pauses.
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
    """
    Seconds to wait after failure `number`, from 0: random, up to a bound that doubles ("full jitter").

    Random pauses keep clients that failed together from returning together.
    """
    return random.uniform(0, min(longest_pause, FIRST_PAUSE_SECONDS * 2**number))  # noqa: S311
