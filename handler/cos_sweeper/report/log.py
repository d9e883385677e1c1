"""
One flat JSON object a line, which CLS turns into searchable fields: it keeps texts and numbers and drops all else.

Nothing secret passes: what must not be seen is given once and taken out of every line.
"""

import json
import math
from collections.abc import Callable

from cos_sweeper.core.redaction import Redactor

# SCF drops what is beyond 8 KB of a line.
MAX_LINE_BYTES = 8000
Fact = str | int | float | bool | None
Field = str | int | float
# Never in a line: nobody could search them, and what is in them was not looked at.
CONTAINERS = (dict, list, tuple, set, frozenset)


class Log:
    """Writes events: a dotted name in the past tense, and flat facts."""

    def __init__(self, write: Callable[[str], object], redactor: Redactor, **bound: Fact) -> None:
        self._write = write
        self._redactor = redactor
        self._bound = bound

    def info(self, event: str, **fields: Fact) -> None:
        """Something went as it should."""
        self._line("info", event, fields)

    def warning(self, event: str, **fields: Fact) -> None:
        """Somebody should look at this; the run went on."""
        self._line("warning", event, fields)

    def error(self, event: str, **fields: Fact) -> None:
        """Something failed."""
        self._line("error", event, fields)

    def _line(self, level: str, event: str, fields: dict[str, Fact]) -> None:
        given = {"event": event, **self._bound, **fields}
        line = {name: self._field(value) for name, value in given.items() if not isinstance(value, CONTAINERS)}
        text = json.dumps({"level": level, **line})
        longest = MAX_LINE_BYTES
        while len(text) > MAX_LINE_BYTES:
            longest //= 2
            text = json.dumps({"level": level, **{name: _cut(value, longest) for name, value in line.items()}})
        self._write(text)

    def _field(self, value: object) -> Field:
        """A text or a number. What is neither becomes text, so that CLS does not drop it."""
        if value is None:
            return ""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
            return value
        return self._redactor.redact(str(value))


def _cut(value: Field, length: int) -> Field:
    return value[:length] + "…" if isinstance(value, str) and len(value) > length else value
