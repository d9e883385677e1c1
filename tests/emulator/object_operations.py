"""
The operations on objects: put, get, head, copy, delete.
"""

import hashlib
import re
from dataclasses import dataclass, replace
from email.utils import format_datetime

from tests.emulator import documents, read_documents
from tests.emulator.account import BUCKET_NAME
from tests.emulator.checksums import AWS_CHECKSUMS, crc64
from tests.emulator.conditions import (
    NotModified,
    check_conditions,
    check_copy_conditions,
    read_copy_range,
    read_range,
)
from tests.emulator.contents import Content, Cut, pieces
from tests.emulator.errors import CosError, access_denied, invalid_argument, no_such_bucket, not_implemented
from tests.emulator.job import XML, Job, OperationResponse
from tests.emulator.routing import region_of
from tests.emulator.stored import STANDARD, Described, Received, StoredObject
from tests.emulator.table import OVERRIDES
from tests.emulator.wire import decode, whole_number

MAX_COPY_BYTES = 5 << 30
MAX_DELETED = 1000
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
FROZEN = ("ARCHIVE", "DEEP_ARCHIVE", "MAZ_ARCHIVE")


def put_object(job: Job) -> OperationResponse:
    job.refuse_overwriting()
    received, described = job.body.received, job.described()
    stored = job.bucket.put_object(
        job.target.key,
        size=received.size,
        etag=received.md5,
        now=job.now,
        content=received.content,
        content_type=described.content_type,
        storage_class=described.storage_class,
        crc=received.crc,
        headers=described.headers,
    )
    return OperationResponse(headers=(*etag(stored.etag), *checksum(stored.crc)))


def get_object(job: Job) -> OperationResponse:
    stored = job.bucket.get_object(job.target.key)
    try:
        check_conditions(job.call, stored)
    except NotModified:
        return OperationResponse(304, headers=etag(stored.etag))
    _check_readable(stored)
    status, span, headers = _ranged(job, stored)
    headers = (*_overridden(_object_headers(stored), job), *headers)
    return OperationResponse(status, headers=headers, content=_known(stored), span=span)


def head_object(job: Job) -> OperationResponse:
    stored = job.bucket.get_object(job.target.key)
    try:
        check_conditions(job.call, stored)
    except NotModified:
        return OperationResponse(304, headers=etag(stored.etag))
    status, span, headers = _ranged(job, stored)
    return OperationResponse(status, headers=(*_object_headers(stored), *headers), length=len(span))


def _ranged(job: Job, stored: StoredObject) -> tuple[int, range, tuple[tuple[str, str], ...]]:
    """The status, the bytes, and the header that names them."""
    span = read_range(job.call, stored)
    if span is None:
        return 200, range(stored.size), ()
    return 206, span, (("Content-Range", f"bytes {span.start}-{span.stop - 1}/{stored.size}"),)


def delete_object(job: Job) -> OperationResponse:
    job.bucket.delete_object(job.target.key)
    return OperationResponse(204)


def delete_objects(job: Job) -> OperationResponse:
    """Multi-object delete: each key by itself, and each as far as the signer may delete it."""
    is_aws_checked = any(name in AWS_CHECKSUMS for name, _ in job.call.headers)
    if not (job.call.header("content-md5") or is_aws_checked):
        raise CosError(400, "InvalidRequest", "Missing required header for this request: Content-MD5.")
    wanted = read_documents.read_delete(job.body.document)
    if len(wanted.keys) > MAX_DELETED:
        raise CosError(400, "MalformedXML", f"At most {MAX_DELETED} objects can be deleted at a time.")
    bucket, deleted, denied = job.bucket, [], []
    for key in wanted.keys:
        if job.may("DeleteMultipleObjects", bucket.name, key):
            bucket.delete_object(key)
            deleted.append(key)
        else:
            denied.append((key, access_denied()))
    shown = documents.deleted([] if wanted.quiet else deleted, denied)
    return OperationResponse(body=shown, headers=XML)


def copy_object(job: Job) -> OperationResponse:
    job.refuse_overwriting()
    source = _source(job)
    described = _directed(job, source)
    if source.stored.size > MAX_COPY_BYTES:
        raise CosError(400, "InvalidRequest", "The specified copy source is larger than the maximum allowed size.")
    stored = job.bucket.put_object(
        job.target.key,
        size=source.stored.size,
        etag=source.stored.etag,
        now=job.now,
        content=source.stored.content,
        content_type=described.content_type,
        storage_class=described.storage_class,
        crc=source.stored.crc,
        headers=described.headers,
    )
    body = documents.copied("CopyObjectResult", stored.etag, stored.last_modified, stored.crc)
    return OperationResponse(body=body, headers=XML)


def copy_part(job: Job) -> OperationResponse:
    job.bucket.upload(job.target.key, job.target.upload_id)
    source = _source(job).stored
    span = read_copy_range(job.call.cos_header("x-cos-copy-source-range"), source.size)
    received = _whole(source) if len(span) == source.size and "-" not in source.etag else _cut(source, span)
    part = job.bucket.upload_part(
        job.target.key,
        job.target.upload_id,
        part_number(job),
        size=received.size,
        etag=received.md5,
        now=job.now,
        crc=received.crc,
        content=received.content,
    )
    body = documents.copied("CopyPartResult", part.etag, part.last_modified, part.crc)
    return OperationResponse(body=body, headers=XML)


def part_number(job: Job) -> int:
    """The number of a part that is sent or copied."""
    number = whole_number(job.call.param("partNumber"))
    if number is None:
        raise invalid_argument("Part number must be an integer between 1 and 10000.")
    return number


def etag(value: str) -> tuple[tuple[str, str], ...]:
    """The header with an ETag."""
    return (("ETag", f'"{value}"'),)


def checksum(crc: int | None) -> tuple[tuple[str, str], ...]:
    """The header with a checksum, if it is known."""
    return () if crc is None else (("x-cos-hash-crc64ecma", str(crc)),)


@dataclass(frozen=True, slots=True)
class _Source:
    """What is copied, and whether it is the object that is written."""

    stored: StoredObject
    is_target: bool


def _source(job: Job) -> _Source:
    """The source of a copy, if it is there, may be read and meets the conditions."""
    name, key = _source_name(job)
    bucket = job.account.bucket(name)
    if not job.may("GetObject", name, key):
        raise access_denied()
    stored = bucket.get_object(key)
    check_copy_conditions(job.call, stored)
    _check_readable(stored)
    return _Source(stored, is_target=(name, key) == (job.target.bucket, job.target.key))


def _source_name(job: Job) -> tuple[str, str]:
    """Bucket and key of a source: after a host as COS has it, or after a bucket's name as S3 has it."""
    given, _, version = job.call.cos_header("x-cos-copy-source").partition("?versionId=")
    if version:
        raise not_implemented("The emulator's COS does not implement versions of objects.")
    place, _, raw_key = given.lstrip("/").partition("/")
    name, _, host = decode(place).partition(".")
    if not (BUCKET_NAME.fullmatch(name) and raw_key):
        raise invalid_argument("x-cos-copy-source must name a bucket and a key.")
    region = region_of(host)
    if region is None or (host and not (region or "accelerate" in host)):
        raise invalid_argument("x-cos-copy-source must name a host of COS.")
    if region not in ("", job.account.bucket(name).region):
        raise no_such_bucket()
    return name, decode(raw_key)


def _directed(job: Job, source: _Source) -> Described:
    """What is said of the copy: what was said of the source, or what the request says."""
    directive = job.call.cos_header("x-cos-metadata-directive", "Copy").lower()
    if directive not in ("copy", "replace", "replaced"):
        raise invalid_argument("x-cos-metadata-directive must be Copy or Replaced.")
    given = job.described()
    if directive != "copy":
        return given
    if source.is_target and given.storage_class == source.stored.storage_class:
        raise CosError(400, "InvalidRequest", "This copy request is illegal: it changes nothing of the object.")
    return replace(source.stored.described, storage_class=given.storage_class)


def _whole(source: StoredObject) -> Received:
    return Received(source.size, source.etag, source.crc, source.content)


def _cut(source: StoredObject, span: range) -> Received:
    content, md5, crc = Cut(_known(source), span), hashlib.md5(usedforsecurity=False), 0
    for piece in pieces(content):
        md5.update(piece)
        crc = crc64(piece, crc)
    return Received(len(content), md5.hexdigest(), crc, content)


def _known(stored: StoredObject) -> Content:
    """The content of an object, or 501 with the reason why there is none."""
    if stored.content is None:
        raise not_implemented(
            "The emulator's COS knows the size of this object and not its content: it was put there without content,"
            " or there was no room for it (--keep-bytes)."
        )
    return stored.content


def _check_readable(stored: StoredObject) -> None:
    if stored.storage_class in FROZEN:
        raise CosError(403, "InvalidObjectState", "The operation is not valid for the object's storage class.")


def _overridden(headers: tuple[tuple[str, str], ...], job: Job) -> tuple[tuple[str, str], ...]:
    """An object's headers with those that the request wants instead. Only who signs gets here."""
    wanted = {name.removeprefix("response-").title(): job.call.param(name) for name in OVERRIDES}
    wanted = {name: value for name, value in wanted.items() if value}
    if any(CONTROL.search(value) for value in wanted.values()):
        raise invalid_argument("A header of the response must not hold control characters.")
    return (*(each for each in headers if each[0] not in wanted), *wanted.items())


def _object_headers(stored: StoredObject) -> tuple[tuple[str, str], ...]:
    shown_class = () if stored.storage_class == STANDARD else (("x-cos-storage-class", stored.storage_class),)
    return (
        *etag(stored.etag),
        ("Content-Type", stored.content_type),
        ("Last-Modified", format_datetime(stored.last_modified, usegmt=True)),
        ("Accept-Ranges", "bytes"),
        *checksum(stored.crc),
        *shown_class,
        *stored.headers,
    )
