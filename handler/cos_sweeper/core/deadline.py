"""
How much time a run has left, by a clock that is passed in.

SCF kills a function at its time limit and offers no call for the remaining time, so we count from the start of the run.
"""

from collections.abc import Callable
from dataclasses import dataclass

# The timeout of a request to COS. A run also reserves this time for the requests in flight when it stops.
REQUEST_SECONDS = 10.0
# To load the SCF SDK and to invoke the next run, with a few retries.
CONTINUATION_SECONDS = 6.0


@dataclass(frozen=True, slots=True)
class Deadline:
    """
    When to stop starting work, when to stop waiting for COS, and when the run must return. Seconds, by `clock`.

    Between `work_ends` and `ends`, requests in flight finish. Between `ends` and `closes`, the continuation is invoked
    and the report is written. The response is returned before SCF's time limit.
    """

    clock: Callable[[], float]
    work_ends: float
    ends: float
    closes: float

    @property
    def passed(self) -> bool:
        """Whether no new work may start."""
        return self.clock() >= self.work_ends

    def left(self) -> float:
        """Seconds until the run must return; never negative."""
        return max(0.0, self.closes - self.clock())

    def request_seconds(self, after: float = 0.0) -> float:
        """The timeout, in seconds, of a request that starts `after` seconds from now."""
        return min(REQUEST_SECONDS, max(0.0, self.ends - self.clock() - after))

    def storing(self) -> "Deadline":
        """The deadline for storing one report object: half of the time left, so that a slow bucket leaves some."""
        ends = self.clock() + self.left() / 2
        return Deadline(self.clock, ends, ends, ends)


def fitting_workers(workers: int, memory_mb: int | None) -> int:
    """
    How many workers fit into the function's memory. memory_mb: None where SCF does not say.

    The program takes less than 64 MB; a worker that reads a page of 1000 parts over TLS takes up to 1 MB.
    """
    if memory_mb is None:
        return workers
    return min(workers, max(8, memory_mb - 64))


def run_deadline(clock: Callable[[], float], limit_seconds: float, started: float) -> Deadline:
    """The deadline of a run that started at `started` and is killed `limit_seconds` later."""
    closes = started + limit_seconds - min(1.0, 0.1 * limit_seconds)
    ends = closes - min(CONTINUATION_SECONDS, 0.15 * limit_seconds)
    return Deadline(clock, ends - min(REQUEST_SECONDS, 0.2 * limit_seconds), ends, closes)
