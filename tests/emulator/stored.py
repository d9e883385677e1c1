"""
What a bucket holds, as values: parts, uploads, objects, and what clients said of them.

Nothing here knows COS's rules; these are in `bucket`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from tests.emulator.contents import Content

STANDARD = "STANDARD"
DEFAULT_CONTENT_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Part:
    """
    One part that arrived. The ETag is the MD5 of its content in hex, without quotes.

    crc, content: `None` where they are not known, since nobody sent this part over HTTP or there was no room for it.
    """

    number: int
    size: int
    etag: str
    last_modified: datetime
    crc: int | None = None
    content: Content | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of an upload by their number, and their bytes together. Never changed, so uploads may share one."""

    by_number: Mapping[int, Part] = field(default_factory=lambda: MappingProxyType({}))
    bytes: int = 0

    @classmethod
    def of(cls, parts: Iterable[Part]) -> "Parts":
        """Gather parts whose numbers are distinct."""
        by_number = {part.number: part for part in parts}
        return cls(by_number, sum(part.size for part in by_number.values()))

    def having(self, part: Part) -> "Parts":
        """These parts and one more, which takes the place of an earlier one of its number."""
        replaced = self.by_number.get(part.number)
        freed = replaced.size if replaced else 0
        return Parts({**self.by_number, part.number: part}, self.bytes + part.size - freed)

    @property
    def last_modified(self) -> datetime | None:
        """When the newest part arrived; `None` without parts."""
        return max((part.last_modified for part in self.by_number.values()), default=None)


@dataclass(frozen=True, slots=True)
class Described:
    """What a client says of an object: its type, its storage class, and headers that come back as they were sent."""

    content_type: str = DEFAULT_CONTENT_TYPE
    storage_class: str = STANDARD
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Upload:
    """A multipart upload that was neither completed nor aborted."""

    key: str
    upload_id: str
    initiated: datetime
    initiator: str
    storage_class: str
    parts: Parts
    content_type: str = DEFAULT_CONTENT_TYPE
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Ghost:
    """An upload that is gone but still listed: by so many listings more, or by all if that is `None`."""

    upload: Upload
    listings: int | None


@dataclass(frozen=True, slots=True)
class PartsPage:
    """One page of an upload's parts by number. `next_marker` is the last number on it, or `None` on the last page."""

    upload: Upload
    parts: tuple[Part, ...]
    next_marker: int | None


@dataclass(frozen=True, slots=True)
class Received:
    """Bytes that came in: how many, their MD5 in hex and CRC-64 if known, and the content if there was room for it."""

    size: int
    md5: str
    crc: int | None
    content: Content | None


@dataclass(frozen=True, slots=True)
class StoredObject:
    """
    An object. `content` is `None` where only the size is known.

    headers: what the client wants back with it, such as Cache-Control and `x-cos-meta-*`.
    """

    key: str
    size: int
    etag: str
    last_modified: datetime
    content: Content | None
    content_type: str
    storage_class: str
    crc: int | None = None
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def described(self) -> Described:
        """What its client said of it."""
        return Described(self.content_type, self.storage_class, self.headers)
