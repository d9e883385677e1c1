"""
COS's XML documents, out and in: what each element is called and how its text is written.

What an operation means is not here. With `encoding-type=url` keys, prefixes and markers are percent-encoded.
"""

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from xml.etree import ElementTree

from tests.cloud.account import BucketsPage
from tests.cloud.bucket import OWNER, PartsPage, StoredObject, Upload
from tests.cloud.errors import CosError, invalid_argument, malformed_xml
from tests.cloud.listing import Page, Query
from tests.cloud.wire import as_bytes, encode

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f&<>\ufffe\uffff]")
UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

Encoding = Callable[[str], str]


def text(value: object) -> str:
    """A value as the text of an element. Control characters come as references, as they are: no parser takes most."""
    return UNSAFE.sub(lambda found: f"&#{ord(found[0])};", str(value))


def echo(value: str) -> str:
    """A key that the client knows already, with U+FFFD for what no XML can carry, so that the rest can be read."""
    return text(UNFIT.sub("\ufffd", value))


def url(value: str) -> str:
    """A value as `encoding-type=url` gives it."""
    return encode(value, "/-_.~")


def encoding(encoding_type: str) -> Encoding:
    """How keys are written for a value of `encoding-type`."""
    if encoding_type not in ("", "url"):
        raise invalid_argument("Invalid Encoding Method specified in Request.")
    return url if encoding_type else text


@lru_cache(maxsize=4096)
def moment(when: datetime) -> str:
    """A time in UTC as listings give it: `2026-03-04T10:01:33.000Z`."""
    return when.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def error(refused: CosError, resource: str, request_id: str, trace_id: str) -> bytes:
    """An error document, with the quotes and tabs of the real ones."""
    fields = {
        "Code": refused.code,
        "Message": refused.message,
        "Resource": resource,
        "RequestId": request_id,
        "TraceId": trace_id,
    }
    lines = "".join(f"\t<{name}>{text(value)}</{name}>\n" for name, value in fields.items())
    return as_bytes(f"<?xml version='1.0' encoding='utf-8' ?>\n<Error>\n{lines}</Error>\n\n")


def uploads(bucket: str, query: Query, page: Page[Upload], encoding_type: str) -> bytes:
    """The answer to List Multipart Uploads."""
    write = encoding(encoding_type)
    head = _elements(
        ("Bucket", bucket),
        ("Encoding-Type", encoding_type),
        ("KeyMarker", write(query.key_marker)),
        ("UploadIdMarker", text(query.id_marker)),
        ("MaxUploads", query.limit),
        ("Prefix", write(query.prefix)),
        ("Delimiter", write(query.delimiter)),
        ("IsTruncated", "true" if page.next_marker else "false"),
    )
    if page.next_marker:
        key, upload_id = page.next_marker
        head += _elements(("NextKeyMarker", write(key)), ("NextUploadIdMarker", text(upload_id)))
    owner = _person("Owner", OWNER)
    listed = "".join(_upload(upload, write, owner) for upload in page.entries)
    return _document("ListMultipartUploadsResult", head + listed + _groups(page.common_prefixes, write))


def parts(bucket: str, marker: int, max_parts: int, page: PartsPage, encoding_type: str) -> bytes:
    """The answer to List Parts."""
    upload = page.upload
    head = _elements(
        ("Bucket", bucket),
        ("Encoding-type", encoding_type),
        ("Key", encoding(encoding_type)(upload.key)),
        ("UploadId", upload.upload_id),
        ("PartNumberMarker", marker),
        ("MaxParts", max_parts),
        ("StorageClass", text(upload.storage_class)),
        ("IsTruncated", "false" if page.next_marker is None else "true"),
    )
    if page.next_marker is not None:
        head += _elements(("NextPartNumberMarker", page.next_marker))
    listed = "".join(
        f"<Part><PartNumber>{part.number}</PartNumber><LastModified>{moment(part.last_modified)}</LastModified>"
        f'<ETag>"{part.etag}"</ETag><Size>{part.size}</Size></Part>'
        for part in page.parts
    )
    people = _person("Initiator", upload.initiator) + _person("Owner", OWNER)
    return _document("ListPartsResult", head + people + listed)


def objects(bucket: str, query: Query, page: Page[StoredObject], encoding_type: str) -> bytes:
    """The answer to Get Bucket."""
    write = encoding(encoding_type)
    head = _elements(
        ("Name", bucket),
        ("EncodingType", encoding_type),
        ("Prefix", write(query.prefix)),
        ("Marker", write(query.key_marker)),
        ("MaxKeys", query.limit),
        ("Delimiter", write(query.delimiter)),
        ("IsTruncated", "true" if page.next_marker else "false"),
    )
    if page.next_marker:
        head += _elements(("NextMarker", write(page.next_marker[0])))
    owner = _person("Owner", OWNER)
    listed = "".join(
        f"<Contents><Key>{write(each.key)}</Key><LastModified>{moment(each.last_modified)}</LastModified>"
        f'<ETag>"{each.etag}"</ETag><Size>{each.size}</Size>{owner}'
        f"<StorageClass>{text(each.storage_class)}</StorageClass></Contents>"
        for each in page.entries
    )
    return _document("ListBucketResult", head + listed + _groups(page.common_prefixes, write))


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
    return _document("ListAllMyBucketsResult", _person("Owner", OWNER) + f"<Buckets>{listed}</Buckets>" + tail)


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


def _document(name: str, inner: str) -> bytes:
    return as_bytes(f"{DECLARATION}<{name}>{inner}</{name}>")


def _elements(*fields: tuple[str, object]) -> str:
    """Elements whose texts are safe already."""
    return "".join(f"<{name}>{value}</{name}>" if value != "" else f"<{name}/>" for name, value in fields)


@lru_cache(maxsize=4096)
def _person(name: str, uin: str) -> str:
    shown = text(uin)
    return f"<{name}><ID>{shown}</ID><DisplayName>{shown.rpartition('/')[2]}</DisplayName></{name}>"


def _upload(upload: Upload, write: Encoding, owner: str) -> str:
    return (
        f"<Upload><Key>{write(upload.key)}</Key><UploadId>{text(upload.upload_id)}</UploadId>"
        f"{_person('Initiator', upload.initiator)}{owner}<StorageClass>{text(upload.storage_class)}</StorageClass>"
        f"<Initiated>{moment(upload.initiated)}</Initiated></Upload>"
    )


def _groups(prefixes: Iterable[str], write: Encoding) -> str:
    return "".join(f"<CommonPrefixes><Prefix>{write(prefix)}</Prefix></CommonPrefixes>" for prefix in prefixes)
