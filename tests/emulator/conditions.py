"""
Ranges and conditions of requests: `Range`, `If-Match` and the others, on an object or on the source of a copy.
"""

import re
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

from tests.emulator.errors import CosError, invalid_argument
from tests.emulator.stored import StoredObject
from tests.emulator.wire import MAX_DIGITS, Call

RANGE = re.compile(r"bytes=(?P<first>[0-9]*)-(?P<last>[0-9]*)")
COPY = "x-cos-copy-source-"


class NotModified(Exception):
    """The client has what it asks for: 304."""


def read_range(call: Call, stored: StoredObject) -> range | None:
    """
    The bytes that a Range header asks for; `None` for all of them, as also where it is not understood, or where the
    object is not the one that If-Range names.
    """
    size, wanted = stored.size, _bounds(call.header("range"))
    if not _is_that(call.header("if-range"), stored):
        return None
    if wanted is None or wanted["first"] == wanted["last"] == "":
        return None
    if wanted["first"]:
        start, stop = int(wanted["first"]), min(int(wanted["last"] or size) + 1, size)
        if wanted["last"] and int(wanted["last"]) < start:
            return None
    else:
        start, stop = max(size - int(wanted["last"]), 0), size
    if start >= stop:
        raise invalid_range()
    return range(start, stop)


def _is_that(named: str, stored: StoredObject) -> bool:
    """Whether an If-Range, an ETag or a time, names the object as it is."""
    time = None if named.startswith(('"', "W/")) else _time(named)
    return named in ("", f'"{stored.etag}"', stored.etag) or time == _changed(stored)


def read_copy_range(header: str, size: int) -> range:
    """The bytes that a part is copied from; unlike those of a download they must all be there."""
    if not header:
        return range(size)
    wanted = _bounds(header)
    if wanted is None or not (wanted["first"] and wanted["last"]):
        raise invalid_argument("x-cos-copy-source-range must have the form bytes=first-last.")
    span = range(int(wanted["first"]), int(wanted["last"]) + 1)
    if not span or span.stop > size:
        raise invalid_range()
    return span


def _bounds(header: str) -> re.Match[str] | None:
    wanted = RANGE.fullmatch(header)
    if wanted and any(len(each) > MAX_DIGITS for each in wanted.groups()):
        raise invalid_argument("The numbers of a range are too long.")
    return wanted


def check_conditions(call: Call, stored: StoredObject) -> None:
    """Let a GET or HEAD through; 412, or `NotModified`, where one of its conditions does not hold."""
    _check_present(call, stored, "")
    if not _is_new(call, stored, ""):
        raise NotModified


def check_copy_conditions(call: Call, source: StoredObject) -> None:
    """Let a copy of a source through; 412 where one of its conditions does not hold."""
    _check_present(call, source, COPY)
    if not _is_new(call, source, COPY):
        raise _failed()


def invalid_range() -> CosError:
    """Bytes that are not there."""
    return CosError(416, "InvalidRange", "The requested range is not satisfiable.")


def _check_present(call: Call, stored: StoredObject, prefix: str) -> None:
    """`If-Match` and, where it is not there, `If-Unmodified-Since`."""
    tags, since = call.cos_header(f"{prefix}if-match"), _time(call.cos_header(f"{prefix}if-unmodified-since"))
    if tags:
        if not _names(tags, stored.etag):
            raise _failed()
    elif since is not None and _changed(stored) > since:
        raise _failed()


def _is_new(call: Call, stored: StoredObject, prefix: str) -> bool:
    """`If-None-Match` and, where it is not there, `If-Modified-Since`."""
    tags, since = call.cos_header(f"{prefix}if-none-match"), _time(call.cos_header(f"{prefix}if-modified-since"))
    if tags:
        return not _names(tags, stored.etag)
    return since is None or _changed(stored) > since


def _names(tags: str, etag: str) -> bool:
    named = [each.strip().removeprefix("W/").strip('"') for each in tags.split(",")]
    return "*" in named or etag in named


def _changed(stored: StoredObject) -> datetime:
    """When it was stored, as Last-Modified says it."""
    return stored.last_modified.replace(microsecond=0)


def _time(text: str) -> datetime | None:
    """A time of a header; `None` without one, and for what is no time."""
    try:
        time = parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
    return time.replace(tzinfo=timezone.utc) if time is not None and time.tzinfo is None else time


def _failed() -> CosError:
    return CosError(412, "PreconditionFailed", "At least one of the preconditions you specified did not hold.")
