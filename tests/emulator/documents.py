"""
COS's XML documents, out and in: what each element is called and how its text is written.

What an operation means is not here. With `encoding-type=url` keys, prefixes and markers are percent-encoded.
"""

import re
from collections.abc import Iterable
from xml.etree import ElementTree

from tests.emulator.account import BucketsPage
from tests.emulator.bucket import OWNER, PartsPage, StoredObject, Upload
from tests.emulator.dialect import COS, Dialect, Encoding, person, text, time_writer
from tests.emulator.errors import CosError, malformed_xml
from tests.emulator.listing import Page, Query
from tests.emulator.wire import as_bytes

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
    owner = person("Owner", OWNER)
    listed = "".join(
        f"<Contents><Key>{write(each.key)}</Key><LastModified>{when(each.last_modified)}</LastModified>"
        f'<ETag>"{each.etag}"</ETag><Size>{each.size}</Size>{owner}'
        f"<StorageClass>{text(each.storage_class)}</StorageClass></Contents>"
        for each in page.entries
    )
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


def read_complete(body: bytes) -> list[tuple[int, str]]:
    """The part numbers and ETags, without quotes, that a Complete Multipart Upload lists; MalformedXML without any."""
    root = _root(body, "CompleteMultipartUpload")
    listed = [{_name(field): field.text or "" for field in part} for part in root if _name(part) == "Part"]
    try:
        parts = [(int(part["PartNumber"]), part["ETag"].strip().strip('"')) for part in listed]
    except (KeyError, ValueError):
        raise malformed_xml() from None
    if not parts:
        raise malformed_xml()
    return parts


def check_lifecycle(body: bytes) -> bytes:
    """A lifecycle configuration as it came, if it is one."""
    if not any(_name(rule) == "Rule" for rule in _root(body, "LifecycleConfiguration")):
        raise malformed_xml()
    return body


def check_object_lock(body: bytes) -> bytes:
    """An Object Lock configuration as it came, if it is one. It can only be enabled."""
    root = _root(body, "ObjectLockConfiguration")
    if [one.text for one in root if _name(one) == "ObjectLockEnabled"] != ["Enabled"]:
        raise malformed_xml()
    return body


def _root(body: bytes, name: str) -> ElementTree.Element:
    try:
        root = ElementTree.fromstring(body)
    except (ElementTree.ParseError, ValueError):
        raise malformed_xml() from None
    if _name(root) != name:
        raise malformed_xml()
    return root


def _name(element: ElementTree.Element) -> str:
    """An element's name without its namespace: clients send several, and none."""
    return element.tag.rpartition("}")[2]


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


def _groups(prefixes: Iterable[str], write: Encoding) -> str:
    return "".join(f"<CommonPrefixes><Prefix>{write(prefix)}</Prefix></CommonPrefixes>" for prefix in prefixes)
