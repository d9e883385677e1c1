"""
Writes log lines: one flat JSON object each. CLS makes its texts and numbers searchable and drops other values.

The redactor removes the secrets from every line, and masks keys.
"""

import json
import math
import traceback
from collections.abc import Callable
from pathlib import Path

from cos_sweeper.core.redaction import HIDDEN, Redactor

# SCF drops the part of a line beyond 8 KB.
MAX_LINE_BYTES = 8000
Value = str | int | float | bool | None
Field = str | int | float
# Values of these types are left out: CLS cannot search them, and the redactor does not check their content.
CONTAINERS = (dict, list, tuple, set, frozenset)


class Log:
    """Writes events: a dotted name in the past tense, and flat fields."""

    def __init__(self, write: Callable[[str], object], redactor: Redactor, **bound: Value) -> None:
        self._write = write
        self._redactor = redactor
        self._bound = bound

    def info(self, event: str, **fields: Value) -> None:
        """Log an expected event."""
        self._line("info", event, fields)

    def warning(self, event: str, **fields: Value) -> None:
        """Log an event that an operator should check; the run continues."""
        self._line("warning", event, fields)

    def error(self, event: str, **fields: Value) -> None:
        """Log a failure."""
        self._line("error", event, fields)

    def crash(self, exc: Exception) -> str:
        """Log a defect of this program. Returns what it is and where."""
        where = traceback.extract_tb(exc.__traceback__)[-1]
        name = f"{type(exc).__name__} at {Path(where.filename).name}:{where.lineno}"
        # The text of an exception may quote a key.
        is_hidden = self._redactor.mask.is_on
        reason = HIDDEN if is_hidden else str(exc)
        trace = "".join(traceback.format_tb(exc.__traceback__) if is_hidden else traceback.format_exception(exc))
        # Cut after the secrets are out: no rest of one is found at the cut.
        self.error("run.crashed", error=name, reason=reason, trace=self._redactor.redact(trace)[-3000:])
        return name

    def _line(self, level: str, event: str, fields: dict[str, Value]) -> None:
        given = {"event": event, **self._bound, **fields}
        line = {name: self._field(name, value) for name, value in given.items() if not isinstance(value, CONTAINERS)}
        text = json.dumps({"level": level, **line})
        longest = MAX_LINE_BYTES
        while len(text) > MAX_LINE_BYTES:
            longest //= 2
            text = json.dumps({"level": level, **{name: _cut(value, longest) for name, value in line.items()}})
        self._write(text)

    def _field(self, name: str, value: object) -> Field:
        """The value as a text or a number. Other values become text, so that CLS does not drop them."""
        if value is None:
            return ""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
            return value
        return self._redactor.redact_field(name, str(value))


def _cut(value: Field, length: int) -> Field:
    return value[:length] + "…" if isinstance(value, str) and len(value) > length else value
