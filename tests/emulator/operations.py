"""
Each operation of COS: its parameters out of the request, its rule, its answer.

The request's signature and permissions have been checked, its body has been taken in. Nothing here writes to a socket.
"""

import re
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from tests.emulator import documents
from tests.emulator.account import Account
from tests.emulator.bucket import Bucket, StoredObject
from tests.emulator.errors import CosError, invalid_argument
from tests.emulator.listing import Query
from tests.emulator.routing import Target
from tests.emulator.wire import Call

RANGE = re.compile(r"bytes=(?P<first>[0-9]*)-(?P<last>[0-9]*)")
XML = (("Content-Type", "application/xml"),)
DEFAULT_REGION = "ap-guangzhou"


@dataclass(frozen=True, slots=True)
class Body:
    """A request's body: its size, its MD5 in hex, and as much of its content as was kept (`None` beyond 16 MiB)."""

    size: int
    md5: str
    content: bytes | None


@dataclass(frozen=True, slots=True)
class OperationResponse:
    """What goes back: `zeros` bytes follow the body where an object's content was not kept."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    zeros: int = 0
    code: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """One request, ready to be carried out."""

    account: Account
    call: Call
    target: Target
    body: Body
    now: datetime

    @property
    def bucket(self) -> Bucket:
        """The bucket it is about, or NoSuchBucket."""
        return self.account.bucket(self.target.bucket)

    def number(self, name: str, default: int, maximum: int) -> int:
        """A parameter's value from 1 up, cut down to `most` as COS does it."""
        value = self.call.param(name) or str(default)
        if not (value.isascii() and value.isdigit()) or int(value) < 1:
            raise invalid_argument(f"The argument {name} must be a number from 1 to {maximum}.")
        return min(int(value), maximum)

    def header(self, name: str, default: str) -> str:
        """COS's header of that name, or S3's."""
        return self.call.header(f"x-cos-{name}") or self.call.header(f"x-amz-{name}") or default


def carry_out(job: Job) -> OperationResponse:
    """Do what the request asks for; a refusal is raised."""
    return CARRIERS[job.target.operation](job)


def pretend(job: Job) -> OperationResponse:
    """The response that `carry_out` gives, but nothing is changed."""
    buckets = dict(job.account.buckets)
    try:
        with buckets[job.target.bucket].unchanged() if job.target.bucket in buckets else nullcontext():
            return carry_out(job)
    finally:
        job.account.buckets = buckets


def get_service(job: Job) -> OperationResponse:
    marker = job.call.param("marker")
    region = job.call.param("region") or job.target.region
    page = job.account.list_buckets(region=region, marker=marker, max_keys=job.number("max-keys", 2000, 2000))
    return OperationResponse(body=documents.buckets(marker, page), headers=XML)


def get_bucket(job: Job) -> OperationResponse:
    query = Query(
        prefix=job.call.param("prefix"),
        delimiter=job.call.param("delimiter"),
        key_marker=job.call.param("marker"),
        limit=job.number("max-keys", 1000, 1000),
    )
    page = job.bucket.list_objects(query)
    shown = documents.objects(job.bucket.name, query, page, job.call.param("encoding-type"), job.account.dialect)
    return OperationResponse(body=shown, headers=XML)


def head_bucket(job: Job) -> OperationResponse:
    return OperationResponse(headers=(("x-cos-bucket-region", job.bucket.region),))


def put_bucket(job: Job) -> OperationResponse:
    job.account.put_bucket(job.target.bucket, job.target.region or DEFAULT_REGION, now=job.now)
    return OperationResponse()


def delete_bucket(job: Job) -> OperationResponse:
    job.account.delete_bucket(job.target.bucket)
    return OperationResponse(204)


def list_uploads(job: Job) -> OperationResponse:
    query = Query(
        prefix=job.call.param("prefix"),
        delimiter=job.call.param("delimiter"),
        key_marker=job.call.param("key-marker"),
        id_marker=job.call.param("upload-id-marker"),
        limit=job.number("max-uploads", 1000, 1000),
    )
    page = job.bucket.list_uploads(query, job.account.gone_markers)
    shown = documents.uploads(job.bucket.name, query, page, job.call.param("encoding-type"), job.account.dialect)
    return OperationResponse(body=shown, headers=XML)


def get_lifecycle(job: Job) -> OperationResponse:
    return OperationResponse(body=job.bucket.get_lifecycle(), headers=XML)


def put_lifecycle(job: Job) -> OperationResponse:
    job.bucket.lifecycle = documents.check_lifecycle(job.body.content or b"")
    return OperationResponse()


def delete_lifecycle(job: Job) -> OperationResponse:
    job.bucket.lifecycle = None
    return OperationResponse(204)


def get_object_lock(job: Job) -> OperationResponse:
    return OperationResponse(body=job.bucket.get_object_lock(), headers=XML)


def put_object_lock(job: Job) -> OperationResponse:
    job.bucket.object_lock = documents.check_object_lock(job.body.content or b"")
    return OperationResponse()


def initiate(job: Job) -> OperationResponse:
    storage_class = job.header("storage-class", "STANDARD")
    upload = job.bucket.initiate(job.target.key, now=job.now, storage_class=storage_class)
    return OperationResponse(body=documents.initiated(job.bucket.name, upload), headers=XML)


def upload_part(job: Job) -> OperationResponse:
    number = job.call.param("partNumber")
    if not (number.isascii() and number.isdigit()):
        raise invalid_argument("Part number must be an integer between 1 and 10000.")
    part = job.bucket.upload_part(
        job.target.key, job.target.upload_id, int(number), size=job.body.size, etag=job.body.md5, now=job.now
    )
    return OperationResponse(headers=_etag(part.etag))


def list_parts(job: Job) -> OperationResponse:
    marker = job.call.param("part-number-marker") or "0"
    if not (marker.isascii() and marker.isdigit()):
        raise invalid_argument("The argument part-number-marker must be a number.")
    maximum = job.number("max-parts", 1000, 1000)
    page = job.bucket.list_parts(job.target.key, job.target.upload_id, marker=int(marker), max_parts=maximum)
    encoding_type = job.call.param("encoding-type")
    shown = documents.parts(job.bucket.name, int(marker), maximum, page, encoding_type, job.account.dialect)
    return OperationResponse(body=shown, headers=XML)


def complete(job: Job) -> OperationResponse:
    listed = documents.read_complete(job.body.content or b"")
    stored = job.bucket.complete(job.target.key, job.target.upload_id, listed, now=job.now)
    location = f"http://{job.call.header('host')}{job.call.raw_path}"
    return OperationResponse(body=documents.completed(job.bucket.name, location, stored), headers=XML)


def abort(job: Job) -> OperationResponse:
    job.bucket.abort(job.target.key, job.target.upload_id)
    return OperationResponse(204)


def put_object(job: Job) -> OperationResponse:
    stored = job.bucket.put_object(
        job.target.key,
        size=job.body.size,
        etag=job.body.md5,
        now=job.now,
        content=job.body.content,
        content_type=job.call.header("content-type", "application/octet-stream"),
        storage_class=job.header("storage-class", "STANDARD"),
    )
    return OperationResponse(headers=_etag(stored.etag))


def get_object(job: Job) -> OperationResponse:
    stored = job.bucket.get_object(job.target.key)
    wanted = read_range(job.call.header("range"), stored.size)
    span = wanted if wanted is not None else range(stored.size)
    headers = _object_headers(stored)
    if wanted is not None:
        headers += (("Content-Range", f"bytes {span.start}-{span.stop - 1}/{stored.size}"),)
    status = 200 if wanted is None else 206
    if stored.content is None:
        return OperationResponse(status, headers=headers, zeros=len(span))
    return OperationResponse(status, stored.content[span.start : span.stop], headers)


def head_object(job: Job) -> OperationResponse:
    stored = job.bucket.get_object(job.target.key)
    return OperationResponse(headers=_object_headers(stored), zeros=stored.size)


def delete_object(job: Job) -> OperationResponse:
    job.bucket.delete_object(job.target.key)
    return OperationResponse(204)


CARRIERS: dict[str, Callable[[Job], OperationResponse]] = {
    "GetService": get_service,
    "GetBucket": get_bucket,
    "HeadBucket": head_bucket,
    "PutBucket": put_bucket,
    "DeleteBucket": delete_bucket,
    "ListMultipartUploads": list_uploads,
    "GetBucketLifecycle": get_lifecycle,
    "PutBucketLifecycle": put_lifecycle,
    "DeleteBucketLifecycle": delete_lifecycle,
    "GetBucketObjectLockConfiguration": get_object_lock,
    "PutBucketObjectLockConfiguration": put_object_lock,
    "InitiateMultipartUpload": initiate,
    "UploadPart": upload_part,
    "ListParts": list_parts,
    "CompleteMultipartUpload": complete,
    "AbortMultipartUpload": abort,
    "PutObject": put_object,
    "GetObject": get_object,
    "HeadObject": head_object,
    "DeleteObject": delete_object,
}


def read_range(header: str, size: int) -> range | None:
    """The bytes that a Range header asks for; `None` for all of them, as also where it is not understood."""
    wanted = RANGE.fullmatch(header)
    if wanted is None or wanted["first"] == wanted["last"] == "":
        return None
    if wanted["first"]:
        start, stop = int(wanted["first"]), min(int(wanted["last"] or size) + 1, size)
    else:
        start, stop = max(size - int(wanted["last"]), 0), size
    if start >= stop:
        raise CosError(416, "InvalidRange", "The requested range is not satisfiable.")
    return range(start, stop)


def _etag(etag: str) -> tuple[tuple[str, str], ...]:
    return (("ETag", f'"{etag}"'),)


def _object_headers(stored: StoredObject) -> tuple[tuple[str, str], ...]:
    return (
        *_etag(stored.etag),
        ("Content-Type", stored.content_type),
        ("Last-Modified", format_datetime(stored.last_modified, usegmt=True)),
        ("x-cos-storage-class", stored.storage_class),
    )
