"""
Removes secrets from texts and from JSON: the known ones, and every value under the name of a secret.

Used for every log line, report, response and stored event. Values in, values out.
"""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

HIDDEN = "[hidden]"
SECRET_NAME = re.compile("authorization|token|secret|signature|cookie|password", re.IGNORECASE)
SIGNED = re.compile(
    r"(q-signature=|q-ak=|x-cos-security-token[\"':=\s]+|[Aa]uthorization[\"':=\s]+(?:Bearer\s+)?)[^\s\"'&,<>]+"
)


class Redactor:
    """Removes the given secrets, plain or URL-encoded, and the secret part of every signature."""

    def __init__(self, secrets: Iterable[str | None]) -> None:
        known = {secret for secret in secrets if secret}
        forms = known | {quote(secret, safe="") for secret in known}
        self._forms = sorted(forms, key=len, reverse=True)

    def redact(self, text: str) -> str:
        """The text without any secret."""
        for form in self._forms:
            text = text.replace(form, HIDDEN)
        return SIGNED.sub(lambda match: match[1] + HIDDEN, text)

    def redact_all(self, value: Any, *, keep_numbers: bool = False) -> Any:
        """
        The JSON value without any secret, neither in its texts nor under the name of a secret.

        keep_numbers: for our own report, which counts failures under COS's error codes, such as `ExpiredToken`.
        """
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, list):
            return [self.redact_all(inner, keep_numbers=keep_numbers) for inner in value]
        if not isinstance(value, dict):
            return value
        return {
            self.redact_all(name): HIDDEN
            if SECRET_NAME.search(str(name)) and not (keep_numbers and isinstance(inner, (int, float)))
            else self.redact_all(inner, keep_numbers=keep_numbers)
            for name, inner in value.items()
        }
