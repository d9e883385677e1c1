"""
Uploads by the million: put into a bucket directly, as if clients had started and abandoned them.

All uploads of one seed share their parts, their times and their texts where they can, to be quick and small.
"""

import gc
import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.emulator.bucket import INITIATOR, MAX_PART_NUMBER, Bucket
from tests.emulator.cam import ACCOUNT_UIN
from tests.emulator.fields import BadInput, Fields
from tests.emulator.listing import order
from tests.emulator.stored import Part, Parts, Upload

NUMBER = re.compile(r"\{n(?::(?P<format>0?[0-9]{0,3}))?\}")


@dataclass(frozen=True, slots=True)
class Seed:
    """
    What to put where. `{n}` in the key, or `{n:08}`, stands for the upload's number.

    Parts arrive in the order of their numbers here, evenly from the start of the upload to `last_part`, the newest.
    Initiators are ids, or account user numbers, and take turns. An upload id can be given for a single upload.
    """

    initiated: datetime
    last_part: datetime
    key: str = "upload-{n}"
    count: int = 1
    first: int = 0
    part_numbers: Sequence[int] = (1,)
    part_size: int = 1 << 20
    initiators: Sequence[str] = (INITIATOR,)
    storage_class: str = "STANDARD"
    upload_id: str | None = None


def plant(bucket: Bucket, seed: Seed) -> list[Upload]:
    """Put the uploads of a seed into a bucket, whatever a client would be allowed to put there."""
    with _collector_resting():
        planted = list(_uploads(bucket, seed))
        bucket.uploads.put_all(((order(upload.key), upload.upload_id), upload) for upload in planted)
    return planted


def read_seed(fields: Fields, now: datetime) -> Seed:
    """Read what to seed; times are hours before now."""
    hours = fields.number("hours_since_start", minimum=0)
    since_start = 100.0 if hours is None else hours
    since_part = fields.number("hours_since_last_part", minimum=0)
    parts, numbers = fields.whole("parts"), fields.items("part_numbers")
    count, part_size = fields.whole("count"), fields.whole("part_size")
    seed = Seed(
        initiated=now - timedelta(hours=since_start),
        last_part=now - timedelta(hours=since_start if since_part is None else since_part),
        key=fields.text("key") or "upload-{n}",
        count=1 if count is None else count,
        first=fields.whole("first") or 0,
        part_numbers=_numbers(1 if parts is None else parts, numbers),
        part_size=1 << 20 if part_size is None else part_size,
        initiators=fields.texts("initiators") or (INITIATOR,),
        storage_class=fields.text("storage_class") or "STANDARD",
        upload_id=fields.text("upload_id"),
    )
    fields.reject_unknown()
    return _checked(seed)


def _numbers(parts: int, numbers: Sequence[object] | None) -> Sequence[int]:
    """The part numbers given, or else as many as there are parts."""
    listed = range(1, parts + 1) if numbers is None else numbers
    checked = [number for number in listed if isinstance(number, int) and 1 <= number <= MAX_PART_NUMBER]
    if len(checked) != len(listed) or len(set(checked)) != len(listed):
        raise BadInput(f"a seed: part numbers must be distinct whole numbers from 1 to {MAX_PART_NUMBER}")
    return checked


def _checked(seed: Seed) -> Seed:
    """A seed whose fields agree with each other."""
    if seed.upload_id is not None and seed.count != 1:
        raise BadInput("a seed: an 'upload_id' is for a 'count' of 1")
    if seed.last_part < seed.initiated:
        raise BadInput("a seed: the last part must not arrive before the upload starts")
    return seed


@contextmanager
def _collector_resting() -> Iterator[None]:
    """Spare the garbage collector from walking millions of young objects, all of which stay."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _uploads(bucket: Bucket, seed: Seed) -> Iterator[Upload]:
    parts = Parts.of(_parts(seed))
    initiators = [_initiator(text) for text in seed.initiators]
    template = _template(seed.key)
    for n in range(seed.first, seed.first + seed.count):
        upload_id = seed.upload_id or bucket.new_upload_id(seed.initiated)
        initiator = initiators[n % len(initiators)]
        yield Upload(template.format(n), upload_id, seed.initiated, initiator, seed.storage_class, parts)


def _parts(seed: Seed) -> Iterator[Part]:
    spread = seed.last_part - seed.initiated
    for step, number in enumerate(seed.part_numbers, start=1):
        etag = hashlib.md5(f"{number} {seed.part_size}".encode(), usedforsecurity=False).hexdigest()
        yield Part(number, seed.part_size, etag, seed.initiated + spread * step / len(seed.part_numbers))


def _initiator(text: str) -> str:
    return text if text.startswith("qcs::") else f"qcs::cam::uin/{ACCOUNT_UIN}:uin/{text}"


def _template(pattern: str) -> str:
    """The key pattern as a format string with the number as its first argument; other braces stand for themselves."""
    pieces: list[str] = []
    end = 0
    for found in NUMBER.finditer(pattern):
        pieces += [_braced(pattern[end : found.start()]), "{0:" + (found["format"] or "") + "}"]
        end = found.end()
    return "".join([*pieces, _braced(pattern[end:])])


def _braced(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
