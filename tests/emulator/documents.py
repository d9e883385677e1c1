"""
The XML documents that COS sends: what each element is called and how its text is written. What it gets is read in
`read_documents`.

What an operation means is not here. With `encoding-type=url` keys, prefixes and markers are percent-encoded.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tests.emulator.account import BucketsPage
from tests.emulator.bucket import OWNER
from tests.emulator.dialect import COS, Dialect, Encoding, TimeWriter, moment, person, text, time_writer
from tests.emulator.errors import CosError
from tests.emulator.listing import Page, Query
from tests.emulator.stored import PartsPage, StoredObject, Upload
from tests.emulator.wire import as_bytes

XSI = "http://www.w3.org/2001/XMLSchema-instance"
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def echo(value: str) -> str:
    """A key that the client knows already, with U+FFFD for what no XML can carry, so that the rest can be read."""
    return text(UNFIT.sub("\ufffd", value))


def error(rejected: CosError, resource: str, request_id: str, trace_id: str) -> bytes:
    """An error document, with the quotes and tabs of the real ones."""
    fields = {
        "Code": rejected.code,
        "Message": rejected.message,
        "Resource": resource,
        "RequestId": request_id,
        "TraceId": trace_id,
    }
    lines = "".join(f"\t<{name}>{text(value)}</{name}>\n" for name, value in fields.items())
    return as_bytes(f"<?xml version='1.0' encoding='utf-8' ?>\n<Error>\n{lines}</Error>\n\n")


def uploads(bucket: str, query: Query, page: Page[Upload], encoding_type: str, dialect: Dialect = COS) -> bytes:
    """The answer to List Multipart Uploads."""
    write, junk = dialect.writer(encoding_type), dialect.junk
    head = _elements(
        ("Bucket", bucket),
        *dialect.announced("Encoding-Type", encoding_type),
        *dialect.needless(
            ("KeyMarker", write(query.key_marker) + junk),
            ("UploadIdMarker", text(query.id_marker) + junk),
            ("MaxUploads", dialect.limit(query.limit)),
            ("Prefix", write(query.prefix) + junk),
            ("Delimiter", write(query.delimiter) + junk),
        ),
        ("IsTruncated", "true" if page.next_marker else "false"),
    )
    if page.next_marker:
        key, upload_id = page.next_marker
        head += _elements(
            ("NextKeyMarker", dialect.writer(encoding_type, dialect.next_key_marker)(key)),
            ("NextUploadIdMarker", dialect.writer(encoding_type, dialect.next_upload_id_marker)(upload_id)),
        )
    listed = _uploads(page.entries, write, dialect)
    return _document("ListMultipartUploadsResult", head + listed + _groups(page.common_prefixes, write), dialect)


def parts(
    bucket: str, marker: int, max_parts: int, page: PartsPage, encoding_type: str, dialect: Dialect = COS
) -> bytes:
    """The answer to List Parts."""
    upload, when, unknown = page.upload, time_writer(dialect.last_modified), dialect.unknown()
    head = _elements(
        ("Bucket", bucket),
        *dialect.announced("Encoding-type", encoding_type),
        ("Key", dialect.writer(encoding_type)(upload.key)),
        ("UploadId", upload.upload_id),
        *dialect.needless(
            ("PartNumberMarker", marker),
            ("MaxParts", dialect.limit(max_parts)),
            ("StorageClass", text(upload.storage_class)),
        ),
        ("IsTruncated", "false" if page.next_marker is None else "true"),
    )
    if page.next_marker is not None:
        head += _elements(("NextPartNumberMarker", page.next_marker))
    listed = "".join(
        f"<Part><PartNumber>{part.number}</PartNumber><LastModified>{when(part.last_modified)}</LastModified>"
        f'<ETag>"{part.etag}"</ETag><Size>{part.size}</Size>{unknown}</Part>'
        for part in page.parts
    )
    return _document("ListPartsResult", head + dialect.people(OWNER)(upload.initiator) + listed, dialect)


def objects(bucket: str, query: Query, page: Page[StoredObject], encoding_type: str, dialect: Dialect = COS) -> bytes:
    """The answer to Get Bucket."""
    write, when = dialect.writer(encoding_type), time_writer(dialect.last_modified)
    head = _elements(
        ("Name", bucket),
        *dialect.announced("EncodingType", encoding_type),
        ("Prefix", write(query.prefix)),
        ("Marker", write(query.key_marker)),
        ("MaxKeys", query.limit),
        ("Delimiter", write(query.delimiter)),
        ("IsTruncated", "true" if page.next_marker else "false"),
    )
    if page.next_marker:
        next_marker = dialect.writer(encoding_type, dialect.next_key_marker)(page.next_marker[0])
        head += _elements(("NextMarker", next_marker))
    listed = _contents(page.entries, write, when, person("Owner", OWNER))
    return _document("ListBucketResult", head + listed + _groups(page.common_prefixes, write), dialect)


@dataclass(frozen=True, slots=True)
class ListingV2:
    """What a listing of version 2 was asked for, beside its query."""

    token: str
    start_after: str
    encoding_type: str
    shows_owner: bool


def objects_v2(
    bucket: str,
    query: Query,
    page: Page[StoredObject],
    request: ListingV2,
    next_token: str,
    dialect: Dialect = COS,
) -> bytes:
    """The answer to Get Bucket in its version 2. Tokens are not encoded."""
    write, when = dialect.writer(request.encoding_type), time_writer(dialect.last_modified)
    head = _elements(
        ("Name", bucket),
        *dialect.announced("EncodingType", request.encoding_type),
        ("Prefix", write(query.prefix)),
        ("MaxKeys", query.limit),
        ("KeyCount", len(page.entries) + len(page.common_prefixes)),
        ("Delimiter", write(query.delimiter)),
        ("IsTruncated", "true" if page.next_marker else "false"),
    )
    places = (
        ("ContinuationToken", text(request.token)),
        ("NextContinuationToken", next_token),
        ("StartAfter", write(request.start_after)),
    )
    head += _elements(*(each for each in places if each[1]))
    listed = _contents(page.entries, write, when, person("Owner", OWNER) if request.shows_owner else "")
    return _document("ListBucketResult", head + listed + _groups(page.common_prefixes, write), dialect)


def buckets(marker: str, page: BucketsPage) -> bytes:
    """The answer to Get Service."""
    listed = "".join(
        f"<Bucket><Name>{each.name}</Name><Location>{text(each.region)}</Location>"
        f"<CreationDate>{each.created.strftime('%Y-%m-%dT%H:%M:%SZ')}</CreationDate><BucketType>cos</BucketType></Bucket>"
        for each in page.buckets
    )
    tail = _elements(
        ("Marker", text(marker)),
        ("NextMarker", page.next_marker or ""),
        ("IsTruncated", "true" if page.next_marker else "false"),
    )
    return _document("ListAllMyBucketsResult", person("Owner", OWNER) + f"<Buckets>{listed}</Buckets>" + tail)


def initiated(bucket: str, upload: Upload) -> bytes:
    """The answer to Initiate Multipart Upload."""
    fields = (("Bucket", bucket), ("Key", echo(upload.key)), ("UploadId", upload.upload_id))
    return _document("InitiateMultipartUploadResult", _elements(*fields))


def completed(bucket: str, location: str, stored: StoredObject) -> bytes:
    """The answer to Complete Multipart Upload."""
    fields = (
        ("Location", text(location)),
        ("Bucket", bucket),
        ("Key", echo(stored.key)),
        ("ETag", f'"{stored.etag}"'),
    )
    return _document("CompleteMultipartUploadResult", _elements(*fields))


def copied(name: str, etag: str, when: datetime, crc: int | None) -> bytes:
    """The answer to a copy of an object or a part."""
    known = () if crc is None else (("CRC64", crc),)
    return _document(name, _elements(("ETag", f'"{etag}"'), ("LastModified", moment(when)), *known))


def deleted(keys: Iterable[str], denied: Iterable[tuple[str, CosError]]) -> bytes:
    """The answer to a multi-object delete: what was deleted, and what was not."""
    done = "".join(f"<Deleted><Key>{echo(key)}</Key></Deleted>" for key in keys)
    failed = "".join(
        "<Error>" + _elements(("Key", echo(key)), ("Code", why.code), ("Message", text(why.message))) + "</Error>"
        for key, why in denied
    )
    return _document("DeleteResult", done + failed)


def private_acl() -> bytes:
    """The access control list of what only its owner may use."""
    owner = _elements(("ID", OWNER), ("DisplayName", OWNER.rpartition("/")[2]))
    grantee = f'<Grantee xmlns:xsi="{XSI}" xsi:type="CanonicalUser">{owner}</Grantee>'
    grant = f"<Grant>{grantee}<Permission>FULL_CONTROL</Permission></Grant>"
    return _document("AccessControlPolicy", f"<Owner>{owner}</Owner><AccessControlList>{grant}</AccessControlList>")


def location(region: str) -> bytes:
    """Where a bucket is."""
    return _document("LocationConstraint", text(region))


def no_versioning() -> bytes:
    """The configuration of a bucket that never had versions."""
    return _document("VersioningConfiguration", "")


def _document(name: str, inner: str, dialect: Dialect = COS) -> bytes:
    return as_bytes(f"{DECLARATION}<{name}{dialect.attributes()}>{dialect.unknown()}{inner}</{name}>")


def _elements(*fields: tuple[str, object]) -> str:
    """Elements whose texts are safe already."""
    return "".join(f"<{name}>{value}</{name}>" if value != "" else f"<{name}/>" for name, value in fields)


def _uploads(listed: Iterable[Upload], write: Encoding, dialect: Dialect) -> str:
    people, when, unknown = dialect.people(OWNER), time_writer(dialect.initiated), dialect.unknown()
    bare = "bare" in dialect.garbage
    return "".join(
        f"<Upload><Key>{write(upload.key)}</Key><UploadId>{text(upload.upload_id)}</UploadId>"
        f"{people(upload.initiator)}{'' if bare else _elements(('StorageClass', text(upload.storage_class)))}"
        f"<Initiated>{when(upload.initiated)}</Initiated>{unknown}</Upload>"
        for upload in listed
    )


def _contents(listed: Iterable[StoredObject], write: Encoding, when: TimeWriter, owner: str) -> str:
    return "".join(
        f"<Contents><Key>{write(each.key)}</Key><LastModified>{when(each.last_modified)}</LastModified>"
        f'<ETag>"{each.etag}"</ETag><Size>{each.size}</Size>{owner}'
        f"<StorageClass>{text(each.storage_class)}</StorageClass></Contents>"
        for each in listed
    )


def _groups(prefixes: Iterable[str], write: Encoding) -> str:
    return "".join(f"<CommonPrefixes><Prefix>{write(prefix)}</Prefix></CommonPrefixes>" for prefix in prefixes)
