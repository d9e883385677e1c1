"""
Keys as text that every reader of JSON accepts.

A key whose bytes are not UTF-8 carries them as lone surrogates. Such text cannot be encoded, so it is shown with
percent signs, and marked.
"""

from urllib.parse import quote_from_bytes

PLAIN = "utf-8"
PERCENT = "percent"
HASHED = "hmac"


def is_plain(text: str) -> bool:
    """Whether the text can be encoded as UTF-8."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def percent(text: str) -> str:
    """The bytes of a key that is not UTF-8, every unusual one as `%XX`."""
    try:
        raw = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raw = text.encode("utf-8", "surrogatepass")
    return quote_from_bytes(raw, safe="/")


def shown(text: str) -> str:
    """The text as it is, or with percent signs where it cannot be encoded."""
    return text if is_plain(text) else percent(text)


def encoding(text: str, *, hashed: bool = False) -> str:
    """How `shown` writes this text."""
    if not is_plain(text):
        return PERCENT
    return HASHED if hashed else PLAIN
