"""
Removes from texts and from JSON what must not leave: secrets, and keys where RECORD_KEYS=hash.

A secret is removed as it is and encoded, and so is every value under the name of a secret. Used for every log line,
report, response and stored event. Values in, values out.
"""

import base64
import re
from collections.abc import Iterable, Iterator
from typing import Any

from cos_sweeper.core.key_mask import PLAIN, KeyMask
from cos_sweeper.core.webhook import secret_parts

HIDDEN = "[hidden]"
SECRET_NAME = re.compile("authorization|token|secret|signature|cookie|password", re.IGNORECASE)
SIGNED = re.compile(
    r"(q-signature=|q-ak=|x-cos-security-token[\"':=\s]+|[Aa]uthorization[\"':=\s]+(?:Bearer\s+)?)[^\s\"'&,<>]+"
)
# The fields of log lines and reports that hold a key, or a part of one.
KEY_FIELDS = frozenset({"key", "prefix", "top_prefix"})
WORD = re.compile("[A-Za-z0-9]+")
ENTITIES = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}
# A shorter text in Base64 could stand in an innocent one.
MIN_BASE64 = 14


class Redactor:
    """
    Removes the given secrets and the secret part of every signature, and masks keys.

    secrets: of a URL, its parts are secrets, too. mask: for the fields of log lines and reports that hold keys.
    """

    def __init__(self, secrets: Iterable[str | None], mask: KeyMask = PLAIN) -> None:
        self.mask = mask
        known = {secret.strip() for secret in secrets if secret and secret.strip()}
        texts = known | {part for secret in known if "://" in secret for part in secret_parts(secret)}
        forms = texts | {form for text in texts for form in _in_base64(text)}
        # The longest first: no rest of it stays when a shorter secret is a part of it.
        self._forms = [_Form(text) for text in sorted(forms, key=lambda text: (-len(text), text))]

    def redact(self, text: str) -> str:
        """The text without any secret."""
        for form in self._forms:
            if form.probe in text:
                text = form.remove(text)
        return SIGNED.sub(lambda match: match[1] + HIDDEN, text)

    def redact_field(self, name: str, text: str) -> str:
        """The text of a field of our own log lines and reports, without any secret, and masked if it holds a key."""
        return self.redact(self.mask.key(text) if name in KEY_FIELDS else text)

    def redact_all(self, value: Any) -> Any:
        """The JSON value without any secret, neither in its texts nor under the name of a secret. Keys stay."""
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, list):
            return [self.redact_all(inner) for inner in value]
        if not isinstance(value, dict):
            return value
        return {
            self.redact_all(name): HIDDEN if SECRET_NAME.search(str(name)) else self.redact_all(inner)
            for name, inner in value.items()
        }

    def redact_report(self, value: Any, name: str = "") -> Any:
        """
        Our own report without any secret and with masked keys.

        A number stays under every name: the report counts failures under COS's error codes, such as `ExpiredToken`.
        """
        if SECRET_NAME.search(name) and not isinstance(value, (int, float)):
            return HIDDEN
        if isinstance(value, dict):
            return {self.redact(str(inner)): self.redact_report(one, str(inner)) for inner, one in value.items()}
        if isinstance(value, list):
            return [self.redact_report(inner) for inner in value]
        return self.redact_field(name, value) if isinstance(value, str) else value


class _Form:
    """
    One text to remove, however its special characters are written.

    probe: its longest word, which every way of writing leaves as it is. The expression is made when it is first found.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self.probe = max(WORD.findall(text), key=len, default="")
        self._pattern: re.Pattern[str] | None = None

    def remove(self, text: str) -> str:
        if len(self.probe) == len(self._text):
            return text.replace(self._text, HIDDEN)
        if self._pattern is None:
            self._pattern = re.compile("".join(map(_written, self._text)))
        return self._pattern.sub(HIDDEN, text)


def _written(character: str) -> str:
    """Every way to write a character: as it is, escaped for JSON, percent-encoded, or as an XML entity; repeatedly."""
    if character.isascii() and character.isalnum():
        return character
    code = ord(character)
    percent = "".join(f"%(?:25)*{byte:02x}" for byte in character.encode("utf-8", "surrogatepass"))
    # The longest first: an `&` also begins its own entity.
    ways = [f"&(?:amp;)*{ENTITIES[character]};"] if character in ENTITIES else []
    ways += [rf"&(?:amp;)*#(?:0*{code}|(?i:x0*{code:x}));", f"(?i:{percent})", rf"\\+u(?i:{code:04x})"]
    ways += [rf"\\*{re.escape(character)}", *([r"\+"] if character == " " else [])]
    return f"(?:{'|'.join(ways)})"


def _in_base64(text: str) -> Iterator[str]:
    """
    What stands in a Base64 text that has this text inside, at each of the three places where it can begin.

    Without the characters at both ends that depend on what is beside it.
    """
    data = text.encode("utf-8", "surrogatepass")
    for before, first in ((0, 0), (1, 2), (2, 3)):
        encoded = base64.b64encode(bytes(before) + data).decode()[first : (before + len(data)) * 8 // 6]
        if len(encoded) >= MIN_BASE64:
            yield encoded
            yield encoded.translate(str.maketrans("+/", "-_"))
