"""
The keys that a text can mean.

Whether COS encodes the keys of a listing as documented, and whether the sender of an event encoded its keys, cannot be
told from the text. A wrong reading addresses an upload that does not exist, which an upload id makes harmless and
which must not pass for success. So the other readings are tried, each only after List Parts knows the upload id under
it. Values in, values out.
"""

from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from cos_sweeper.core.model import ListedUpload


def _decoded(text: str) -> str:
    return unquote_to_bytes(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def _form_decoded(text: str) -> str:
    return _decoded(text.replace("+", " "))


# How a listing's text can be read, beside what the response says of it.
LISTING: tuple[Callable[[str], str], ...] = (
    lambda text: text,
    _decoded,
    _form_decoded,
    lambda text: _decoded(_decoded(text)),
    lambda text: _form_decoded(_form_decoded(text)),
)


def of_listed(text: str, key: str) -> tuple[str, ...]:
    """The keys that a listing's text can mean: first `key`, what it is taken for; no key twice."""
    if "%" not in text and "+" not in text:
        return (key,)
    once = _decoded(text)
    if "+" not in text and "+" not in once and "%" not in once:
        # The usual case: all other readings are this one.
        return tuple(dict.fromkeys((key, text, once)))
    return tuple(dict.fromkeys((key, *(read(text) for read in LISTING))))


def of(listed: ListedUpload) -> tuple[str, ...]:
    """The keys that a listed upload can have: first the one that it is taken for; no key twice."""
    return of_listed(listed.written, listed.upload.key)


def of_named(key: str) -> tuple[str, ...]:
    """
    The keys that an event's key can mean: first as it is, then decoded, then with `+` as a space; no key twice.

    No key of COS begins with a `/`: of one that shows when the key is decoded, the first is dropped.
    """
    if "%" not in key and "+" not in key:
        return (key,)
    others = (_decoded(key), key.replace("+", " "), _form_decoded(key))
    return tuple(dict.fromkeys((key, *(one.removeprefix("/") for one in others))))


def reading_index(text: str, key: str) -> int | None:
    """Which entry of LISTING reads a text as this key, None for none of them."""
    return next((place for place, read in enumerate(LISTING) if read(text) == key), None)
