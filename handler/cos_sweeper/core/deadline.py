"""
How much time is left, over a clock that is passed in.

SCF kills a function at its time limit and has no call for the time that remains: the limit counts from the start.
"""

from collections.abc import Callable
from dataclasses import dataclass

# A request that has not been answered by then is given up; it is also what a run keeps back for what is in flight.
REQUEST_SECONDS = 10.0


# Enough to load the SCF SDK and to try a few times.
CONTINUATION_SECONDS = 6.0


@dataclass(frozen=True, slots=True)
class Deadline:
    """
    When to stop taking work, when to stop waiting for COS, and when everything must be over. Seconds, by `clock`.

    Between `work_ends` and `ends`, what is in flight finishes. Between `ends` and `closes`, the rest is handed on and
    the report is written; the answer is out before the platform's limit.
    """

    clock: Callable[[], float]
    work_ends: float
    ends: float
    closes: float

    @property
    def passed(self) -> bool:
        """No new work from here on."""
        return self.clock() >= self.work_ends

    def left(self) -> float:
        """Seconds until everything must be over; never negative."""
        return max(0.0, self.closes - self.clock())

    def request_seconds(self, after: float = 0.0) -> float:
        """How long a request of the sweep may take if it starts `after` seconds from now."""
        return min(REQUEST_SECONDS, max(0.0, self.ends - self.clock() - after))

    def storing(self) -> "Deadline":
        """The time for an object of a report: half of what is left, so that a bucket that hangs leaves some."""
        ends = self.clock() + self.left() / 2
        return Deadline(self.clock, ends, ends, ends)


def fitting_workers(workers: int, memory_mb: int | None) -> int:
    """
    How many workers fit into the function's memory, in MB as SCF tells it.

    The program takes under 64 MB; a worker that reads a page of 1000 parts over TLS takes up to 1 MB.
    """
    if memory_mb is None:
        return workers
    return min(workers, max(8, memory_mb - 64))


def run_deadline(clock: Callable[[], float], limit_seconds: float, started: float) -> Deadline:
    """The deadline of a run that started at `started` and is killed `limit_seconds` later."""
    closes = started + limit_seconds - min(1.0, 0.1 * limit_seconds)
    ends = closes - min(CONTINUATION_SECONDS, 0.15 * limit_seconds)
    return Deadline(clock, ends - min(REQUEST_SECONDS, 0.2 * limit_seconds), ends, closes)
