"""
How COS lists: in byte order, by prefix and delimiter, in pages that start after a marker.

Uploads and objects are listed by the same rules. Nothing here knows what is listed.
"""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from operator import itemgetter
from typing import Any, Generic, TypeVar

from sortedcontainers import SortedDict

T = TypeVar("T")

Position = tuple[str, str]
"""Where an entry stands in an index: its key as `order` gives it, and its upload id ("" for an object)."""

AFTER_EVERY_BYTE = "\u0100"


@dataclass(frozen=True, slots=True)
class Query:
    """What to list. An id marker counts only together with a key marker; a key marker alone skips all of that key."""

    prefix: str = ""
    delimiter: str = ""
    key_marker: str = ""
    id_marker: str = ""
    limit: int = 1000


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """
    One page of a listing: entries and common prefixes together are never more than the query's limit.

    `next_marker` is the key and the id to go on after (the id is empty after a common prefix and for objects), or
    `None` on the last page.
    """

    entries: tuple[T, ...]
    common_prefixes: tuple[str, ...]
    next_marker: tuple[str, str] | None


class Index(Generic[T]):
    """Entries by their place, in order."""

    def __init__(self) -> None:
        self._entries: Any = SortedDict()
        self._changed: list[tuple[Position, T | None]] | None = None
        """The places that were changed and what was there before, while somebody wants to undo that."""

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[T]:
        return iter(self._entries.values())

    def get(self, position: Position) -> T | None:
        """The entry at a place, if there is one."""
        entry: T | None = self._entries.get(position)
        return entry

    def put(self, position: Position, entry: T) -> None:
        """Put an entry at a place, instead of an earlier one."""
        self._note(position)
        self._entries[position] = entry

    def put_all(self, entries: Iterable[tuple[Position, T]]) -> None:
        """Put many entries, much faster than one by one."""
        self._entries.update(entries)

    def drop(self, position: Position) -> None:
        """Drop the entry at a place, if there is one."""
        self._note(position)
        self._entries.pop(position, None)

    def after(self, position: Position) -> Iterator[tuple[Position, T]]:
        """The entries at or after a place."""
        return ((each, self._entries[each]) for each in self._entries.irange(minimum=position))

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Undo at the end what `put` and `drop` did in between."""
        changed: list[tuple[Position, T | None]] = []
        self._changed = changed
        try:
            yield
        finally:
            self._changed = None
            for position, entry in reversed(changed):
                if entry is None:
                    self.drop(position)
                else:
                    self.put(position, entry)

    def _note(self, position: Position) -> None:
        if self._changed is not None:
            self._changed.append((position, self.get(position)))


class Both(Generic[T]):
    """Two indexes as one, without some places. No place is in both."""

    def __init__(self, one: Index[Any], other: Index[Any], without: Collection[Position] = ()) -> None:
        self._one = one
        self._other = other
        self._without = without

    def get(self, position: Position) -> T | None:
        """The entry at a place, if there is one."""
        entry: T | None = self._one.get(position) or self._other.get(position)
        return entry

    def after(self, position: Position) -> Iterator[tuple[Position, T]]:
        """The entries at or after a place."""
        merged = merge(self._one.after(position), self._other.after(position), key=itemgetter(0))
        return (each for each in merged if each[0] not in self._without)


def order(key: str) -> str:
    """The key with one character for each of its UTF-8 bytes, so that strings compare as the bytes do."""
    return key if key.isascii() else key.encode("utf-8", "surrogateescape").decode("latin-1")


def key_of(ordered: str) -> str:
    """The key that `order` was given."""
    return ordered if ordered.isascii() else ordered.encode("latin-1").decode("utf-8", "surrogateescape")


def page(index: Index[T] | Both[T], query: Query) -> Page[T]:
    """List one page. Following `next_marker` to the end lists every entry and every common prefix exactly once."""
    steps = _steps(index, query)
    taken = list(islice(steps, query.limit))
    more = bool(taken) and next(steps, None) is not None
    return Page(
        entries=tuple(found.entry for found in taken if isinstance(found, _Single)),
        common_prefixes=tuple(key_of(found.position[0]) for found in taken if isinstance(found, _Group)),
        next_marker=(key_of(taken[-1].position[0]), taken[-1].position[1]) if more else None,
    )


@dataclass(frozen=True, slots=True)
class _Single(Generic[T]):
    position: Position
    entry: T


@dataclass(frozen=True, slots=True)
class _Group:
    position: Position


def _steps(index: Index[T] | Both[T], query: Query) -> Iterator[_Single[T] | _Group]:
    """Yield entries and common prefixes in order, from the markers on."""
    prefix, delimiter, marker = order(query.prefix), order(query.delimiter), order(query.key_marker)
    start: Position | None = max((prefix, ""), _after(marker, query.id_marker))
    while start is not None:
        entries, start = index.after(start), None
        for position, entry in entries:
            if not position[0].startswith(prefix):
                return
            group = _group(position[0], prefix, delimiter)
            if not group:
                yield _Single(position, entry)
                continue
            if group > marker:
                yield _Group((group, ""))
            start = (group + AFTER_EVERY_BYTE, "")
            break


def _group(ordered: str, prefix: str, delimiter: str) -> str:
    """The common prefix that a key is listed under; empty if it stands for itself."""
    cut = ordered.find(delimiter, len(prefix)) if delimiter else -1
    return ordered[: cut + len(delimiter)] if cut >= 0 else ""


def _after(marker: str, id_marker: str) -> Position:
    """The first place after the markers. Appending the smallest character gives a string's successor."""
    if not marker:
        return ("", "")
    return (marker, id_marker + "\0") if id_marker else (marker + "\0", "")
