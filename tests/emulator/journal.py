"""
What was asked of COS and what it answered, request by request.
"""

from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import islice

NEVER = datetime.min.replace(tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True)
class Request:
    """
    One request and its answer. Texts are empty where the request says nothing of them.

    `number` counts answers; `status` is `None` where the connection was reset or lost instead of answered; `fault` is
    the effect of the fault that struck it.

    `arrived` is when it came, before any delay, and `time` when it was answered; `date` is the response's Date header.
    `dropped_bytes` is the size of the upload that an abort dropped, `None` where it dropped none. `body` is the text of
    a listing's response if the journal was asked to keep it.
    """

    number: int
    time: datetime
    method: str
    raw_path: str
    raw_query: str
    host: str
    operation: str
    bucket: str
    key: str
    upload_id: str
    status: int | None
    code: str
    request_id: str
    secret_id: str
    fault: str
    arrived: datetime = NEVER
    date: str = ""
    dropped_bytes: int | None = None
    body: str = ""


class Journal:
    """The latest requests, as many as are to be kept, and a count of all of them by operation."""

    def __init__(self, keep: int) -> None:
        self._kept: deque[Request] = deque(maxlen=keep)
        self.counts: Counter[str] = Counter()
        self.next_number = 0
        self.keep_bodies = False

    def add(self, request: Request) -> None:
        """Take down a request that has the next number."""
        self._kept.append(request)
        self.counts[request.operation] += 1
        self.next_number = request.number + 1

    def since(self, number: int) -> list[Request]:
        """The kept requests of that number and above, oldest first."""
        wanted = self.next_number - number
        return list(islice(reversed(self._kept), max(wanted, 0)))[::-1]

    def clear(self) -> None:
        """Forget everything, and count from 0 again."""
        self._kept.clear()
        self.counts.clear()
        self.next_number = 0
        self.keep_bodies = False
