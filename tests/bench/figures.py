"""
What is measured of one row, and how: a warm-up, then a stretch of time in which calls are counted.

Runs inside the process that is measured; its figures go to the runner as one line of JSON.
"""

import json
import re
import resource
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

WARM_UP_SECONDS = 0.5
NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Figures:
    """calls: in the stretch of `seconds`. cpu_seconds: of the whole process in it. peak_bytes: of all its life."""

    calls: int
    seconds: float
    cpu_seconds: float
    peak_bytes: int

    @property
    def rate(self) -> float:
        """Calls per second."""
        return self.calls / self.seconds

    @property
    def cpu_us(self) -> float:
        """Processor time of one call, microseconds."""
        return self.cpu_seconds / self.calls * 1e6

    def line(self) -> str:
        """As a row's process prints them."""
        return json.dumps(asdict(self))


def read(line: str) -> Figures:
    """The figures of a line that a row's process printed."""
    return Figures(**json.loads(line))


class Stretch:
    """The time between two looks at the clocks and at a count of calls."""

    def __init__(self, count: int) -> None:
        self._began = (count, time.perf_counter(), time.process_time())

    def figures(self, count: int) -> Figures:
        """What happened since."""
        calls, seconds, cpu = self._began
        return Figures(count - calls, time.perf_counter() - seconds, time.process_time() - cpu, peak_bytes())


class Watch:
    """Tells when the counting begins and ends, where one thread does everything. done: calls so far."""

    def __init__(self, seconds: float) -> None:
        self._warm = time.perf_counter() + WARM_UP_SECONDS
        self._ends = self._warm + seconds
        self._stretch = Stretch(0)
        self.done = 0

    @property
    def over(self) -> bool:
        """Whether the time is. To be asked often: the counting begins when the warm-up is found to be over."""
        now = time.perf_counter()
        if now >= self._warm:
            self._stretch, self._warm = Stretch(self.done), NEVER
        return now >= self._ends

    def figures(self) -> Figures:
        """What was counted."""
        return self._stretch.figures(self.done)


def in_threads(call: Callable[[], object], threads: int, seconds: float) -> Figures:
    """Make the same call over and over in so many threads; a call that raises ends the row."""
    result = [0] * threads
    over = False

    def work(index: int) -> None:
        while not over:
            call()
            result[index] += 1

    with ThreadPoolExecutor(threads) as pool:
        working = [pool.submit(work, index) for index in range(threads)]
        time.sleep(WARM_UP_SECONDS)
        stretch = Stretch(sum(result))
        time.sleep(seconds)
        figures = stretch.figures(sum(result))
        over = True
    for each in working:
        each.result()
    return figures


def peak_bytes() -> int:
    """
    The largest resident size of this process so far.

    Linux's own account where there is one: ru_maxrss begins with the size of the process that started this one.
    """
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+([0-9]+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) * 1024 if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
