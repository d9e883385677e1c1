"""
One flat JSON object a line, which CLS turns into searchable fields: it keeps texts and numbers and drops all else.

Nothing secret passes: what must not be seen is given once and taken out of every line.
"""

import json
import math
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

# SCF drops what is beyond 8 KB of a line.
MAX_LINE_BYTES = 8000
HIDDEN = "[hidden]"
SECRET_NAME = re.compile("authorization|token|secret|signature|cookie|password", re.IGNORECASE)
SIGNED = re.compile(
    r"(q-signature=|q-ak=|x-cos-security-token[\"':=\s]+|[Aa]uthorization[\"':=\s]+(?:Bearer\s+)?)[^\s\"'&,<>]+"
)

Fact = str | int | float | bool | None
Field = str | int | float
# Never in a line: nobody could search them, and what is in them was not looked at.
CONTAINERS = (dict, list, tuple, set, frozenset)


class Scrubber:
    """Takes secrets out of text: the ones it was given, as they are or URL-encoded, and what a signature carries."""

    def __init__(self, secrets: Iterable[str | None]) -> None:
        known = {secret for secret in secrets if secret}
        forms = known | {quote(secret, safe="") for secret in known}
        self._forms = sorted(forms, key=len, reverse=True)

    def clean(self, text: str) -> str:
        """The text without any secret."""
        for form in self._forms:
            text = text.replace(form, HIDDEN)
        return SIGNED.sub(lambda match: match[1] + HIDDEN, text)

    def clean_all(self, value: Any, *, keep_numbers: bool = False) -> Any:
        """
        A value of JSON without any secret: in its texts, and whatever stands under names that are a secret's.

        keep_numbers: for our own report, which counts failures under COS's codes, `ExpiredToken` among them.
        """
        if isinstance(value, str):
            return self.clean(value)
        if isinstance(value, list):
            return [self.clean_all(inner, keep_numbers=keep_numbers) for inner in value]
        if not isinstance(value, dict):
            return value
        return {
            self.clean_all(name): HIDDEN
            if SECRET_NAME.search(str(name)) and not (keep_numbers and isinstance(inner, (int, float)))
            else self.clean_all(inner, keep_numbers=keep_numbers)
            for name, inner in value.items()
        }


class Log:
    """Writes events: a dotted name in the past tense, and flat facts."""

    def __init__(self, write: Callable[[str], object], scrubber: Scrubber, **bound: Fact) -> None:
        self._write = write
        self._scrubber = scrubber
        self._bound = bound

    def info(self, event: str, **facts: Fact) -> None:
        """Something went as it should."""
        self._line("info", event, facts)

    def warning(self, event: str, **facts: Fact) -> None:
        """Somebody should look at this; the run went on."""
        self._line("warning", event, facts)

    def error(self, event: str, **facts: Fact) -> None:
        """Something failed."""
        self._line("error", event, facts)

    def _line(self, level: str, event: str, facts: dict[str, Fact]) -> None:
        given = {"event": event, **self._bound, **facts}
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
        return self._scrubber.clean(str(value))


def _cut(value: Field, length: int) -> Field:
    return value[:length] + "…" if isinstance(value, str) and len(value) > length else value
