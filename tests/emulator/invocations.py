"""
The values of SCF: what is invoked with which event, how a run of it ended, and the record that is kept of it.

No process, no clock and no HTTP here.
"""

import json
from collections import Counter, deque
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any, Literal

KB = 1 << 10
EVENT_SHOWN_BYTES = 128 * KB
KEEP_RECORDS = 10_000
KEEP_BYTES = 256 << 20

Kind = Literal["async", "sync", "timer"]


@dataclass(frozen=True, slots=True)
class Invocation:
    """One event for the function. `event` is its JSON text; retries and duplicates have the same request id."""

    request_id: str
    kind: Kind
    event: str


@dataclass(frozen=True, slots=True)
class FunctionError:
    """What the function raised."""

    type: str
    message: str
    trace: str = ""


@dataclass(frozen=True, slots=True)
class Returned:
    """It returned. The answer is its value; `size` is how long that is as JSON."""

    answer: Any
    size: int


@dataclass(frozen=True, slots=True)
class Raised:
    """It raised, could not be imported, or returned what cannot be sent."""

    error: FunctionError


@dataclass(frozen=True, slots=True)
class TimedOut:
    """It was killed at the time limit."""

    limit_seconds: float


@dataclass(frozen=True, slots=True)
class Died:
    """Its process ended before it answered. `exit_code` is minus the signal's number where a signal ended it."""

    exit_code: int | None


End = Returned | Raised | TimedOut | Died


@dataclass(frozen=True, slots=True)
class Run:
    """One execution, from the moment the event was handed to the instance."""

    started: datetime
    ended: datetime
    duration_ms: float
    memory_bytes: int | None
    """The instance's peak so far; `None` where it died and took that with it."""
    pid: int
    cold: bool
    """Whether it was the instance's first event."""
    end: End
    log: str


@dataclass(frozen=True, slots=True)
class InvocationRecord:
    """
    One execution, for people and tests to look at. Numbers follow the order in which executions ended.

    `event` is whole up to 128 KB, and beyond that the beginning of its text; `answer` is `None` unless it returned.
    """

    number: int
    request_id: str
    kind: Kind
    attempt: int
    """1 for the first; 2 and above are retries."""
    event: Any
    event_bytes: int
    started: datetime
    ended: datetime
    duration_ms: float
    memory_bytes: int | None
    pid: int
    cold: bool
    end: str
    """returned, raised, timed_out or died."""
    answer: Any
    error: FunctionError | None
    log: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that failed as often as SCF tries."""

    request_id: str
    event: Any
    error: FunctionError


def error_of(end: End) -> FunctionError | None:
    """What went wrong, in SCF's words; `None` where nothing did."""
    match end:
        case Returned():
            return None
        case Raised(error):
            return error
        case TimedOut(seconds):
            return FunctionError("TimeLimitReached", f"Task timed out after {seconds:g} seconds")
        case Died(exit_code):
            return FunctionError("ProcessExited", f"The instance's process ended: {_how(exit_code)}")


def name_of(end: End) -> str:
    """The end in one word."""
    names = {Returned: "returned", Raised: "raised", TimedOut: "timed_out", Died: "died"}
    return names[type(end)]


def record(number: int, invocation: Invocation, attempt: int, run: Run) -> InvocationRecord:
    """What is kept of a run."""
    return InvocationRecord(
        number=number,
        request_id=invocation.request_id,
        kind=invocation.kind,
        attempt=attempt,
        event=shown_event(invocation.event),
        event_bytes=len(invocation.event.encode()),
        started=run.started,
        ended=run.ended,
        duration_ms=run.duration_ms,
        memory_bytes=run.memory_bytes,
        pid=run.pid,
        cold=run.cold,
        end=name_of(run.end),
        answer=run.end.answer if isinstance(run.end, Returned) else None,
        error=error_of(run.end),
        log=run.log,
    )


def shown_event(event: str) -> Any:
    """An event's value, or the beginning of its text where it is longer than an asynchronous event may be."""
    return json.loads(event) if len(event.encode()) <= EVENT_SHOWN_BYTES else event[:KB]


class Records:
    """The latest records, as many as are to be kept, and a count of all of them by end."""

    def __init__(self) -> None:
        self._kept: deque[tuple[int, InvocationRecord]] = deque()
        self._bytes = 0
        self.counts: Counter[str] = Counter()
        self.next_number = 0

    def add(self, invocation: Invocation, attempt: int, run: Run) -> InvocationRecord:
        """Take down how a run ended."""
        kept = record(self.next_number, invocation, attempt, run)
        size = len(run.log) + min(kept.event_bytes, EVENT_SHOWN_BYTES)
        size += run.end.size if isinstance(run.end, Returned) else 0
        self._kept.append((size, kept))
        self._bytes += size
        self.counts[kept.end] += 1
        self.next_number += 1
        while len(self._kept) > KEEP_RECORDS or self._bytes > KEEP_BYTES:
            self._bytes -= self._kept.popleft()[0]
        return kept

    def since(self, number: int) -> list[InvocationRecord]:
        """The kept records of that number and above, oldest first."""
        wanted = max(self.next_number - number, 0)
        return [kept for _, kept in islice(reversed(self._kept), wanted)][::-1]

    def clear(self) -> None:
        """Forget everything, and count from 0 again."""
        self._kept.clear()
        self._bytes = 0
        self.counts.clear()
        self.next_number = 0


def show_record(kept: InvocationRecord) -> dict[str, Any]:
    """A record as JSON."""
    return {**asdict(kept), "started": kept.started.isoformat(), "ended": kept.ended.isoformat()}


def read_record(shown: dict[str, Any]) -> InvocationRecord:
    """The record that `show_record` showed."""
    kept = InvocationRecord(**shown)
    return replace(
        kept,
        started=datetime.fromisoformat(shown["started"]),
        ended=datetime.fromisoformat(shown["ended"]),
        error=FunctionError(**shown["error"]) if shown["error"] else None,
    )


def _how(exit_code: int | None) -> str:
    if exit_code is None:
        return "it does not answer as an instance does"
    return f"killed by signal {-exit_code}" if exit_code < 0 else f"exit code {exit_code}"
