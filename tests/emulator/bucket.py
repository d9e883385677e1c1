"""
COS's rules for one bucket: its multipart uploads, its objects and its configurations.

Nothing here knows HTTP or XML, who asks, or what time it is: the moment is passed in. A rejection is a `CosError`.
"""

import hashlib
import random
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from tests.emulator.cam import ACCOUNT_UIN, USER_UIN
from tests.emulator.checksums import combined
from tests.emulator.contents import Content, joined
from tests.emulator.errors import CosError, invalid_argument, no_such_key, no_such_upload, upload_conflict
from tests.emulator.listing import Index, Page, Position, Query, order, page
from tests.emulator.sightings import Sightings
from tests.emulator.stored import (
    DEFAULT_CONTENT_TYPE,
    STANDARD,
    Described,
    Part,
    Parts,
    PartsPage,
    StoredObject,
)
from tests.emulator.stored import Upload as Upload  # other tests know it by this module

INITIATOR = f"qcs::cam::uin/{ACCOUNT_UIN}:uin/{USER_UIN}"
OWNER = f"qcs::cam::uin/{ACCOUNT_UIN}:uin/{ACCOUNT_UIN}"

MAX_KEY_BYTES = 850
MAX_PART_NUMBER = 10_000
MIN_PART_BYTES = 1 << 20
MAX_PART_BYTES = 5 << 30
MAX_ARRIVALS = 10_000

ABORTS_WHILE_COMPLETING = ("204", "409")


class Bucket:
    """One bucket. Keys are text whose invalid UTF-8, if any, is escaped as `surrogateescape` does."""

    def __init__(self, name: str, region: str, created: datetime, ids: random.Random | None = None) -> None:
        self.name = name
        self.region = region
        self.created = created
        self.lifecycle: bytes | None = None
        self.object_lock: bytes | None = None
        self.uploads: Index[Upload] = Index()
        self.sightings = Sightings(self.uploads)
        self.objects: Index[StoredObject] = Index()
        self.arrivals: deque[tuple[str, str, Part]] = deque(maxlen=MAX_ARRIVALS)
        """Key, upload id and part of what arrived lately, those of uploads that are gone among them."""
        self.orphans: list[Part] = []
        """Parts that arrived after their upload was gone, and take up room."""
        self._completing: dict[Position, str] = {}
        """The uploads whose Complete is under way, and what an abort of them is answered."""
        self._ids = ids or random.Random()

    def initiate(
        self,
        key: str,
        *,
        now: datetime,
        initiator: str = INITIATOR,
        described: Described = Described(),  # noqa: B008 - a value
    ) -> Upload:
        """Start an upload."""
        _check_key(key)
        upload = Upload(
            key,
            self.new_upload_id(now),
            now,
            initiator,
            described.storage_class,
            Parts(),
            described.content_type,
            described.headers,
        )
        self.uploads.put(_position(upload), upload)
        return upload

    def make_ghost(self, key: str, upload_id: str, listings: int | None) -> None:
        """From now on an upload is gone, but so many listings (`None`: all) still show it."""
        self.sightings.make_ghost(self.upload(key, upload_id), listings)

    def new_upload_id(self, now: datetime) -> str:
        """The Unix second of the start as 10 digits, then 64 random hex characters."""
        return f"{int(now.timestamp()):010d}{self._ids.getrandbits(256):064x}"

    def upload(self, key: str, upload_id: str) -> Upload:
        """The unfinished upload of exactly that key and id, or NoSuchUpload."""
        upload = self.uploads.get((order(key), upload_id))
        if upload is None:
            raise no_such_upload()
        return upload

    def upload_part(
        self,
        key: str,
        upload_id: str,
        number: int,
        *,
        size: int,
        etag: str,
        now: datetime,
        crc: int | None = None,
        content: Content | None = None,
    ) -> Part:
        """Take a part in; one that arrived under the same number before is replaced."""
        if not 1 <= number <= MAX_PART_NUMBER:
            raise invalid_argument(f"Part number must be an integer between 1 and {MAX_PART_NUMBER}.")
        _check_size(size)
        upload = self.upload(key, upload_id)
        part = Part(number, size, etag, now, crc, content)
        self.uploads.put(_position(upload), replace(upload, parts=upload.parts.having(part)))
        self.arrivals.append((key, upload_id, replace(part, content=None)))
        return part

    def receive_part(self, key: str, upload_id: str, number: int | None, *, size: int, now: datetime) -> Part:
        """Take a part whose content is not known. number: `None` for the next free one."""
        if number is None:
            number = max(self.upload(key, upload_id).parts.by_number, default=0) + 1
        return self.upload_part(key, upload_id, number, size=size, etag=_made_up_etag(number, size), now=now)

    def receive_late_part(self, gone: Upload, number: int | None, *, size: int, now: datetime, revives: bool) -> None:
        """
        Take a part in whose upload is gone, as some stores do: with that part it is there again, or the part takes up
        room and nothing shows it.
        """
        number = number or max(gone.parts.by_number, default=0) + 1
        part = Part(number, size, _made_up_etag(number, size), now)
        self.arrivals.append((gone.key, gone.upload_id, part))
        if revives:
            self.uploads.put(_position(gone), replace(gone, parts=Parts.of([part])))
        else:
            self.orphans.append(part)

    def list_parts(self, key: str, upload_id: str, *, marker: int = 0, max_parts: int = 1000) -> PartsPage:
        """List the parts whose number is above the marker."""
        upload = self.upload(key, upload_id)
        numbers = sorted(number for number in upload.parts.by_number if number > marker)
        shown = numbers[:max_parts]
        next_marker = shown[-1] if shown and len(numbers) > len(shown) else None
        return PartsPage(upload, tuple(upload.parts.by_number[number] for number in shown), next_marker)

    def list_uploads(self, query: Query, gone_markers: str = "accept") -> Page[Upload]:
        """List unfinished uploads by key and then by upload id, both in byte order."""
        return self.sightings.list(query, gone_markers)

    def complete(self, key: str, upload_id: str, listed: Sequence[tuple[int, str]], *, now: datetime) -> StoredObject:
        """Put the listed parts, as number and ETag, together into an object. The upload is gone then."""
        upload = self.upload(key, upload_id)
        return self._finish(upload, _listed_parts(upload, listed), now)

    def complete_all(self, key: str, upload_id: str, *, now: datetime) -> StoredObject:
        """Put all parts together into an object, whatever their sizes. The upload is gone then."""
        upload = self.upload(key, upload_id)
        parts = [part for _, part in sorted(upload.parts.by_number.items())]
        return self._finish(upload, parts, now)

    def begin_complete(self, key: str, upload_id: str, aborts: str) -> None:
        """A Complete is under way from now on. aborts: "204", an abort has no effect; "409", it is rejected."""
        self._completing[_position(self.upload(key, upload_id))] = aborts

    def finish_complete(self, key: str, upload_id: str, *, now: datetime) -> StoredObject:
        """End a Complete that is under way."""
        if _position(self.upload(key, upload_id)) not in self._completing:
            raise upload_conflict("No Complete of this upload is under way.")
        return self.complete_all(key, upload_id, now=now)

    def abort(self, key: str, upload_id: str) -> Upload:
        """Drop an upload and its parts, unless a Complete of it is under way; returns the upload."""
        upload = self.upload(key, upload_id)
        aborts = self._completing.get(_position(upload))
        if aborts == "409":
            raise upload_conflict("A Complete of this upload is under way.")
        if aborts is None:
            self.uploads.drop(_position(upload))
        return upload

    def _finish(self, upload: Upload, parts: Sequence[Part], now: datetime) -> StoredObject:
        whole = hashlib.md5(b"".join(bytes.fromhex(part.etag) for part in parts), usedforsecurity=False)
        stored = StoredObject(
            key=upload.key,
            size=sum(part.size for part in parts),
            etag=f"{whole.hexdigest()}-{len(parts)}",
            last_modified=now,
            content=joined([part.content for part in parts]),
            content_type=upload.content_type,
            storage_class=upload.storage_class,
            crc=combined((part.crc, part.size) for part in parts),
            headers=upload.headers,
        )
        self.uploads.drop(_position(upload))
        self._completing.pop(_position(upload), None)
        self.objects.put((order(upload.key), ""), stored)
        return stored

    def put_object(
        self,
        key: str,
        *,
        size: int,
        etag: str,
        now: datetime,
        content: Content | None = None,
        content_type: str = DEFAULT_CONTENT_TYPE,
        storage_class: str = STANDARD,
        crc: int | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> StoredObject:
        """Store an object, in place of an earlier one."""
        _check_key(key)
        _check_size(size)
        stored = StoredObject(key, size, etag, now, content, content_type, storage_class, crc, headers)
        self.objects.put((order(key), ""), stored)
        return stored

    def has_object(self, key: str) -> bool:
        """Whether there is an object of that key."""
        return self.objects.get((order(key), "")) is not None

    def get_object(self, key: str) -> StoredObject:
        """The object of that key, or NoSuchKey."""
        stored = self.objects.get((order(key), ""))
        if stored is None:
            raise no_such_key()
        return stored

    def delete_object(self, key: str) -> None:
        """Delete an object. That there is none is not an error."""
        self.objects.drop((order(key), ""))

    def list_objects(self, query: Query) -> Page[StoredObject]:
        """List objects by key in byte order."""
        return page(self.objects, query)

    def get_lifecycle(self) -> bytes:
        """The lifecycle configuration as it was written, or NoSuchLifecycleConfiguration."""
        if self.lifecycle is None:
            raise CosError(404, "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist.")
        return self.lifecycle

    def get_object_lock(self) -> bytes:
        """The Object Lock configuration as it was written. Without one, S3's error: COS documents none."""
        if self.object_lock is None:
            raise CosError(404, "ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist.")
        return self.object_lock

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Undo at the end what was done to this bucket in between."""
        lifecycle, object_lock, arrivals = self.lifecycle, self.object_lock, self.arrivals.copy()
        try:
            with self.uploads.unchanged(), self.objects.unchanged():
                yield
        finally:
            self.lifecycle, self.object_lock, self.arrivals = lifecycle, object_lock, arrivals


def _position(upload: Upload) -> Position:
    return (order(upload.key), upload.upload_id)


def _made_up_etag(number: int, size: int) -> str:
    return hashlib.md5(f"{number} {size}".encode(), usedforsecurity=False).hexdigest()


def _check_key(key: str) -> None:
    if len(key.encode("utf-8", "surrogateescape")) > MAX_KEY_BYTES:
        raise CosError(400, "KeyTooLong", "Your key is too long.")
    if not key or key[0] in "/\\":
        raise invalid_argument("An object key must not be empty or start with a slash or a backslash.")


def _check_size(size: int) -> None:
    if size > MAX_PART_BYTES:
        raise CosError(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size.")


def _listed_parts(upload: Upload, listed: Sequence[tuple[int, str]]) -> list[Part]:
    """The parts a Complete names, after COS's checks of their order, presence and size."""
    numbers = [number for number, _ in listed]
    if numbers != sorted(set(numbers)):
        raise CosError(400, "InvalidPartOrder", "The list of parts was not in ascending order.")
    parts = []
    for number, etag in listed:
        part = upload.parts.by_number.get(number)
        if part is None or part.etag != etag:
            raise CosError(400, "InvalidPart", "One or more of the specified parts could not be found.")
        parts.append(part)
    if any(part.size < MIN_PART_BYTES for part in parts[:-1]):
        raise CosError(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size.")
    return parts
