"""
How much time is left, over a clock that is passed in.

SCF kills a function at its time limit and has no call for the time that remains: the limit counts from the start.
"""

from collections.abc import Callable
from dataclasses import dataclass

# A request that has not been answered by then is given up; it is also what a run keeps back for what is in flight.
REQUEST_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Deadline:
    """
    When to stop taking work, and when everything must be over. Seconds, by `clock`.

    Between `work_ends` and `ends`, what is in flight finishes. After `ends` no request may be waited for any more, so
    that the answer is out before the platform's limit.
    """

    clock: Callable[[], float]
    work_ends: float
    ends: float

    @property
    def passed(self) -> bool:
        """No new work from here on."""
        return self.clock() >= self.work_ends

    def left(self) -> float:
        """Seconds until everything must be over; never negative."""
        return max(0.0, self.ends - self.clock())

    def request_seconds(self) -> float:
        """How long one request may take if it starts now."""
        return min(REQUEST_SECONDS, self.left())


def deadline(clock: Callable[[], float], limit_seconds: float, started: float) -> Deadline:
    """The deadline of a run that started at `started` and is killed `limit_seconds` later."""
    ends = started + limit_seconds - min(1.0, 0.1 * limit_seconds)
    return Deadline(clock, work_ends=ends - min(REQUEST_SECONDS, 0.25 * limit_seconds), ends=ends)
