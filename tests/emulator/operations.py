"""
Each operation of COS: its parameters out of the request, its rule, its answer.

The request's signature and permissions have been checked, its body has been taken in. Nothing here writes to a socket.
"""

import base64
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime, timezone

from tests.emulator import documents, lifecycle, read_documents
from tests.emulator import object_operations as objects
from tests.emulator.bucket import Bucket
from tests.emulator.errors import invalid_argument
from tests.emulator.job import DEFAULT_REGION, XML, Job, OperationResponse
from tests.emulator.listing import Query
from tests.emulator.object_operations import checksum, etag, part_number
from tests.emulator.wire import as_bytes, as_text, whole_number

CREATED: dict[str, Callable[[datetime, datetime], bool]] = {
    "lt": lambda created, time: created < time,
    "gt": lambda created, time: created > time,
    "lte": lambda created, time: created <= time,
    "gte": lambda created, time: created >= time,
}
"""What Get Service's `range` says of the time in `create-time`."""


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
    page = job.account.list_buckets(
        region=region, marker=marker, max_keys=job.number("max-keys", 2000, 2000, 0), matches=_bucket_filter(job)
    )
    return OperationResponse(body=documents.buckets(marker, page), headers=XML)


def _bucket_filter(job: Job) -> Callable[[Bucket], bool]:
    """What Get Service's parameters ask of a bucket. No bucket has tags here."""
    tag = (job.call.param("tagkey"), job.call.param("tagvalue"))
    if any(tag):
        if not all(tag):
            raise invalid_argument("The arguments tagkey and tagvalue belong together.")
        return lambda _: False
    when, compared = job.call.param("create-time"), job.call.param("range")
    if not (when or compared):
        return lambda _: True
    try:
        time = datetime.fromtimestamp(int(when if when.isascii() and when.isdigit() else ""), timezone.utc)
    except (ValueError, OverflowError, OSError):
        raise invalid_argument("create-time must be a number of seconds since 1970.") from None
    if compared not in CREATED:
        raise invalid_argument(f"range must be one of {', '.join(CREATED)}.")
    return lambda bucket: CREATED[compared](bucket.created.replace(microsecond=0), time)


def get_bucket(job: Job) -> OperationResponse:
    query = Query(
        prefix=job.call.param("prefix"),
        delimiter=job.call.param("delimiter"),
        key_marker=job.call.param("marker"),
        limit=job.number("max-keys", 1000, 1000, 0),
    )
    page = job.bucket.list_objects(query)
    shown = documents.objects(job.bucket.name, query, page, job.call.param("encoding-type"), job.account.dialect)
    return OperationResponse(body=shown, headers=XML)


def list_objects_v2(job: Job) -> OperationResponse:
    if job.call.param("list-type") != "2":
        raise invalid_argument("The argument list-type must be 2.")
    token, start_after = job.call.param("continuation-token"), job.call.param("start-after")
    query = Query(
        prefix=job.call.param("prefix"),
        delimiter=job.call.param("delimiter"),
        key_marker=_marker(token) if job.call.has_param("continuation-token") else start_after,
        limit=job.number("max-keys", 1000, 1000, 0),
    )
    page = job.bucket.list_objects(query)
    request = documents.ListingV2(
        token, start_after, job.call.param("encoding-type"), shows_owner=job.call.param("fetch-owner") == "true"
    )
    following = _token(page.next_marker[0]) if page.next_marker else ""
    shown = documents.objects_v2(job.bucket.name, query, page, request, following, job.account.dialect)
    return OperationResponse(body=shown, headers=XML)


def _token(marker: str) -> str:
    """A marker that clients do not read."""
    return base64.urlsafe_b64encode(as_bytes(marker)).decode()


def _marker(token: str) -> str:
    try:
        return as_text(base64.b64decode(token.encode(), b"-_", validate=True))
    except ValueError:
        raise invalid_argument("The continuation token provided is incorrect.") from None


def head_bucket(job: Job) -> OperationResponse:
    return OperationResponse(headers=(("x-cos-bucket-region", job.bucket.region),))


def put_bucket(job: Job) -> OperationResponse:
    region = job.target.region or DEFAULT_REGION
    if job.body.document:
        read_documents.check_bucket_configuration(job.body.document, region)
    job.account.put_bucket(job.target.bucket, region, now=job.now)
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
    job.bucket.lifecycle = lifecycle.checked(job.body.document, whole=job.account.checks_lifecycle)
    return OperationResponse()


def delete_lifecycle(job: Job) -> OperationResponse:
    job.bucket.lifecycle = None
    return OperationResponse(204)


def get_object_lock(job: Job) -> OperationResponse:
    return OperationResponse(body=job.bucket.get_object_lock(), headers=XML)


def put_object_lock(job: Job) -> OperationResponse:
    job.bucket.object_lock = read_documents.check_object_lock(job.body.document)
    return OperationResponse()


def initiate(job: Job) -> OperationResponse:
    job.refuse_overwriting()
    upload = job.bucket.initiate(job.target.key, now=job.now, described=job.described())
    return OperationResponse(body=documents.initiated(job.bucket.name, upload), headers=XML)


def upload_part(job: Job) -> OperationResponse:
    received = job.body.received
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
    return OperationResponse(headers=(*etag(part.etag), *checksum(part.crc)))


def list_parts(job: Job) -> OperationResponse:
    marker = whole_number(job.call.param("part-number-marker") or "0")
    if marker is None:
        raise invalid_argument("The argument part-number-marker must be a number.")
    maximum = job.number("max-parts", 1000, 1000)
    page = job.bucket.list_parts(job.target.key, job.target.upload_id, marker=marker, max_parts=maximum)
    encoding_type = job.call.param("encoding-type")
    shown = documents.parts(job.bucket.name, marker, maximum, page, encoding_type, job.account.dialect)
    return OperationResponse(body=shown, headers=XML)


def complete(job: Job) -> OperationResponse:
    listed = read_documents.read_complete(job.body.document)
    job.bucket.upload(job.target.key, job.target.upload_id)
    job.refuse_overwriting()
    stored = job.bucket.complete(job.target.key, job.target.upload_id, listed, now=job.now)
    location = f"http://{job.call.header('host')}{job.call.raw_path}"
    body = documents.completed(job.bucket.name, location, stored)
    return OperationResponse(body=body, headers=(*XML, *checksum(stored.crc)))


def abort(job: Job) -> OperationResponse:
    job.bucket.abort(job.target.key, job.target.upload_id)
    return OperationResponse(204)


def get_acl(job: Job) -> OperationResponse:
    """The same for every bucket and object: private."""
    if job.target.key:
        job.bucket.get_object(job.target.key)
    return OperationResponse(body=documents.private_acl(), headers=XML)


def get_location(job: Job) -> OperationResponse:
    return OperationResponse(body=documents.location(job.bucket.region), headers=XML)


def get_versioning(job: Job) -> OperationResponse:  # noqa: ARG001 - no bucket has versions
    return OperationResponse(body=documents.no_versioning(), headers=XML)


CARRIERS: dict[str, Callable[[Job], OperationResponse]] = {
    "GetService": get_service,
    "GetBucket": get_bucket,
    "ListObjectsV2": list_objects_v2,
    "HeadBucket": head_bucket,
    "PutBucket": put_bucket,
    "DeleteBucket": delete_bucket,
    "ListMultipartUploads": list_uploads,
    "DeleteMultipleObjects": objects.delete_objects,
    "GetBucketLifecycle": get_lifecycle,
    "PutBucketLifecycle": put_lifecycle,
    "DeleteBucketLifecycle": delete_lifecycle,
    "GetBucketObjectLockConfiguration": get_object_lock,
    "PutBucketObjectLockConfiguration": put_object_lock,
    "GetBucketACL": get_acl,
    "GetBucketLocation": get_location,
    "GetBucketVersioning": get_versioning,
    "InitiateMultipartUpload": initiate,
    "UploadPart": upload_part,
    "UploadPartCopy": objects.copy_part,
    "ListParts": list_parts,
    "CompleteMultipartUpload": complete,
    "AbortMultipartUpload": abort,
    "PutObject": objects.put_object,
    "PutObjectCopy": objects.copy_object,
    "GetObject": objects.get_object,
    "HeadObject": objects.head_object,
    "GetObjectACL": get_acl,
    "DeleteObject": objects.delete_object,
}
