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
from cos_sweeper.core.webhook import secret_parts, targets

HIDDEN = "[hidden]"
SECRET_NAME = re.compile("authorization|token|secret|signature|cookie|password", re.IGNORECASE)
SIGNED = re.compile(
    r"(q-signature=|q-ak=|x-cos-security-token[\"':=\s]+|[Aa]uthorization[\"':=\s]+(?:Bearer\s+)?)[^\s\"'&,<>]+"
)
# The fields of log lines and reports that hold a key, or a part of one.
KEY_FIELDS = frozenset({"key", "prefix", "top_prefix"})
WORD = re.compile("[A-Za-z0-9]+")
# A letter or a digit by its number: as an XML entity, escaped as in JSON, or percent-encoded.
CODED = re.compile(
    r"&(?:amp;){0,8}#(?:0*([0-9]{2,3})|[xX]0*([0-9a-fA-F]{2}));"
    r"|(?<!\\)\\{1,8}(?:u00|x)([3-7][0-9a-fA-F])"
    r"|%(?:25){0,8}([3-7][0-9a-fA-F])"
)
ASCII = 128
ENTITIES = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}
# A text is hidden from so many characters of the beginning of a secret on: a half of it, within these bounds.
MIN_HEAD, MAX_HEAD = 12, 24
# A shorter one is a mistake, and removing it would make every text unreadable.
MIN_SECRET = 6
# A shorter text in Base64 could stand in an innocent one.
MIN_BASE64 = 14


class Redactor:
    """
    Removes the given secrets and the secret part of every signature, and masks keys.

    secrets: of a URL, its parts are secrets, too. mask: for the fields of log lines and reports that hold keys.
    """

    def __init__(self, secrets: Iterable[str | None], mask: KeyMask = PLAIN) -> None:
        self.mask = mask
        known = {secret.strip() for secret in secrets if secret and len(secret.strip()) >= MIN_SECRET}
        urls = {secret for secret in known if "://" in secret}
        whole = urls | {part for url in urls for part in targets(url)}
        others = (known - urls) | {part for url in urls for part in secret_parts(url)}
        # Texts that quote something are cut, so a beginning is removed, too. That of a URL is no secret.
        forms = {form: False for text in whole for form in (text, *_encoded(text))}
        forms |= {form: len(form) > MIN_HEAD for text in others for form in (text, *_encoded(text))}
        # The longest first: no rest of it stays when a shorter secret is a part of it.
        longest_first = sorted(forms, key=lambda text: (-len(text), text))
        self._forms = [_Form(text) for text in longest_first]
        self._cut_forms = [form for form, text in zip(self._forms, longest_first, strict=True) if forms[text]]

    def redact(self, text: str) -> str:
        """The text without any secret."""
        text = self._redacted(text)
        if ("%" in text or "&" in text or "\\" in text) and (meant := CODED.sub(_meant, text)) != text:
            # Only where that shows a secret, the text is changed.
            cleaned = self._redacted(meant)
            return text if cleaned == meant else cleaned
        return text

    def _redacted(self, text: str) -> str:
        for form in self._forms:
            if form.probe in text:
                text = form.remove(text)
        for form in self._cut_forms:
            if form.head_probe in text:
                text = form.remove_cut(text)
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

    probe: its longest word, which every way of writing leaves as it is; head_probe: that of its beginning. Expressions
    are made when a probe is found.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._head = text[: min(MAX_HEAD, max(MIN_HEAD, len(text) // 2))]
        self._pattern: re.Pattern[str] | None = None
        self._head_pattern: re.Pattern[str] | None = None
        self.probe = _longest_word(text)
        self.head_probe = _longest_word(self._head)

    def remove(self, text: str) -> str:
        if self._pattern is None:
            self._pattern = re.compile("".join(map(_written, self._text)))
        return self._pattern.sub(HIDDEN, text)

    def remove_cut(self, text: str) -> str:
        """Remove the beginning and, from there, all that follows as in the secret."""
        if self._head_pattern is None:
            self._head_pattern = re.compile("".join(map(_written, self._head)))
        pieces, place = [], 0
        for match in self._head_pattern.finditer(text):
            if match.start() >= place:
                pieces += [text[place : match.start()], HIDDEN]
                place = self._end(text, match.end())
        return "".join((*pieces, text[place:]))

    def _end(self, text: str, place: int) -> int:
        for character in self._text[len(self._head) :]:
            match = re.compile(_written(character)).match(text, place)
            if not match:
                break
            place = match.end()
        return place


def _longest_word(text: str) -> str:
    return max(WORD.findall(text), key=len, default="")


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


def _encoded(text: str) -> Iterator[str]:
    yield from _in_base64(text)
    digits = text.encode("utf-8", "surrogatepass").hex()
    yield from (digits, digits.upper())


def _meant(match: re.Match[str]) -> str:
    """A letter or a digit that is written by its number; anything else stays for `_written`."""
    decimal, *others = match.groups()
    number = int(decimal) if decimal else int(next(one for one in others if one), 16)
    return chr(number) if number < ASCII and chr(number).isalnum() else match[0]


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
