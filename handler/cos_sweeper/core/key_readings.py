"""
The keys that a text can mean.

A text does not show whether it is encoded: COS may encode the keys of a listing or not, and the sender of an event may
encode its keys or not. A wrong reading addresses an upload that does not exist. The upload id makes that harmless, but
it must not count as a success. So the caller tries the other readings, each only after List Parts finds the upload id
under it. Values in, values out.
"""

from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from cos_sweeper.core.model import ListedUpload


def _decoded(text: str) -> str:
    return unquote_to_bytes(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def _form_decoded(text: str) -> str:
    return _decoded(text.replace("+", " "))


# The ways to read a key in a listing, in addition to the encoding that the response declares.
LISTING: tuple[Callable[[str], str], ...] = (
    lambda text: text,
    _decoded,
    _form_decoded,
    lambda text: _decoded(_decoded(text)),
    lambda text: _form_decoded(_form_decoded(text)),
)


def of_listed(text: str, key: str) -> tuple[str, ...]:
    """The keys that a listing's text can mean: first `key`, the reading in use; no key twice."""
    if "%" not in text and "+" not in text:
        return (key,)
    once = _decoded(text)
    if "+" not in text and "+" not in once and "%" not in once:
        # The usual case: all other readings are equal to this one.
        return tuple(dict.fromkeys((key, text, once)))
    return tuple(dict.fromkeys((key, *(read(text) for read in LISTING))))


def of(listed: ListedUpload) -> tuple[str, ...]:
    """The keys that a listed upload can have: first the reading in use; no key twice."""
    return of_listed(listed.raw_key, listed.upload.key)


def of_named(key: str) -> tuple[str, ...]:
    """
    The keys that an event's key can mean: first as it is, then decoded, then with `+` as a space; no key twice.

    No key in COS begins with a `/`. If a decoded key begins with one, it is dropped.
    """
    if "%" not in key and "+" not in key:
        return (key,)
    others = (_decoded(key), key.replace("+", " "), _form_decoded(key))
    return tuple(dict.fromkeys((key, *(one.removeprefix("/") for one in others))))


def reading_index(text: str, key: str) -> int | None:
    """The index of the first entry of LISTING that reads the text as this key, None if there is none."""
    return next((index for index, read in enumerate(LISTING) if read(text) == key), None)
