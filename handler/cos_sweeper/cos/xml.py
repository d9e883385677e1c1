"""
COS's XML responses → our values.

Takes bytes, returns values, raises Unreadable with what it found. Accepts every form that COS documents or that was
seen, with or without a namespace; never expands an entity. A character that XML forbids is replaced before parsing: it
comes from a text that COS repeats, such as a key, and must not make the whole response unreadable. A key with such a
character is marked.
"""

import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree

from cos_sweeper.core import key_readings
from cos_sweeper.core.model import Bucket, BucketsPage, Cursor, ListedUpload, Page, Part, PartsPage, Upload

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# The only form that is documented for parts, and the usual form for uploads.
ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{3})?Z")
# RFC 3339, also without a time zone.
RFC_3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,12}))?"
    r"([Zz]|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])?"
)
# The form of C's `asctime`, `Wed Jan 18 16:04:17 2017`, and of HTTP and mail, `Wed, 18 Jan 2017 08:04:17 GMT`.
CTIME = re.compile(r"[A-Z][a-z]{2} +([A-Z][a-z]{2}) +([0-9]{1,2}) +([0-9]{2}:[0-9]{2}:[0-9]{2}) +([0-9]{4})")
MAIL_DATE = re.compile(
    r"(?:[A-Z][a-z]{2}, )?([0-9]{1,2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}:[0-9]{2}:[0-9]{2}) "
    r"(?:GMT|([+-])(0[0-9]|1[0-4])([0-5][0-9]))"
)
CHINA = timedelta(hours=8)
# No multipart upload is older. A server without the real time sends an earlier one, such as 1970 or the year 1.
EARLIEST = datetime(2010, 1, 1, tzinfo=timezone.utc)
# Characters that XML does not allow, not even as a character reference (XML 1.0, section 2.2).
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# The ASCII ones among them. Looking for these takes a fraction of the time.
CONTROLS = bytes(set(range(0x20)) - {0x9, 0xA, 0xD})
REFERENCE = re.compile(r"&#(?:x0*([0-9A-Fa-f]+)|0*([0-9]+));")
REPLACEMENT = "\ufffd"
# Elements and attributes; a listing of 1000 uploads has about 15,000. A parsed document takes twenty times its bytes.
MAX_MARKS = 200_000
# Marks a replaced character in a key. No request can carry it, so such an upload is kept.
UNSENDABLE = "\udcff"


class Unreadable(ValueError):
    """The response is not a valid response to the operation."""


def error(body: bytes) -> tuple[str, str]:
    """The code and the request id of an error document; '' for each that is missing or unreadable."""
    try:
        texts = _texts(parse(body, "Error"))
    except Unreadable:
        return "", ""
    return texts.get("Code", ""), texts.get("RequestId", "")


def error_message(body: bytes) -> str:
    """The message of an error document, '' if there is none. Not for a log: it may repeat a part of the request."""
    try:
        return _texts(parse(body, "Error")).get("Message", "")
    except Unreadable:
        return ""


def uploads_page(body: bytes, bucket: Bucket, start: Cursor) -> Page:
    """Read a ListMultipartUploadsResult. start: the cursor of the request."""
    root = parse(body, "ListMultipartUploadsResult")
    texts = _texts(root)
    # Some stores leave a repeated element empty; only a different value shows that the response is a wrong one.
    if (texts.get("Bucket") or bucket.name) != bucket.name:
        raise Unreadable("the listing is of another bucket")
    encoded = _is_encoded(texts)
    listed = tuple(_listed(element, bucket, encoded=encoded) for element in _named(root, "Upload"))
    if not _is_truncated(texts):
        return Page(listed, None)
    following = _following(texts, listed, encoded=encoded)
    if following == Cursor() or following == start:
        raise Unreadable("the listing is truncated but its marker does not advance")
    return Page(listed, following)


def parts_page(body: bytes, upload: Upload, after: int) -> PartsPage:
    """Read a ListPartsResult. after: the part number marker of the request."""
    root = parse(body, "ListPartsResult")
    texts = _texts(root)
    if (texts.get("UploadId") or upload.upload_id) != upload.upload_id:
        raise Unreadable("the parts are of another upload")
    if (texts.get("Bucket") or upload.bucket.name) != upload.bucket.name:
        raise Unreadable("the parts are of an upload in another bucket")
    parts = tuple(_part(_texts(element)) for element in _named(root, "Part"))
    if not _is_truncated(texts):
        return PartsPage(parts, None)
    following = _whole(texts.get("NextPartNumberMarker", ""))
    if following <= after:
        raise Unreadable("the list of parts is truncated but its marker does not advance")
    return PartsPage(parts, following)


def buckets_page(body: bytes, marker: str) -> BucketsPage:
    """Read a ListAllMyBucketsResult. marker: the marker of the request."""
    root = parse(body, "ListAllMyBucketsResult")
    texts = _texts(root)
    entries = [_texts(one) for one in root.iterfind("Buckets/Bucket")]
    buckets = tuple(Bucket(one.get("Name", ""), one.get("Location", "")) for one in entries)
    owner = root.findtext("Owner/ID", "")
    # COS does not document whether IsTruncated is always there; without it the list is complete.
    if not _is_truncated(texts, default="false"):
        return BucketsPage(buckets, None, owner=owner)
    following = texts.get("NextMarker", "") or (buckets[-1].name if buckets else "")
    if following <= marker:
        raise Unreadable("the list of buckets is truncated but its marker does not advance")
    return BucketsPage(buckets, following, owner=owner)


def objects_page(body: bytes, prefix: str, after: str) -> tuple[tuple[str, ...], str | None]:
    """Read a ListBucketResult: keys, and the marker of the next page. prefix, after: as in the request."""
    root = parse(body, "ListBucketResult")
    texts = _texts(root)
    encoded = _is_encoded(texts)
    keys = tuple(_key(one.findtext("Key", ""), encoded=encoded) for one in root.iterfind("Contents"))
    if not all(key.startswith(prefix) for key in keys):
        raise Unreadable("the listing has objects outside the prefix that was asked for")
    if not _is_truncated(texts):
        return keys, None
    following = keys[-1] if keys else _key(texts.get("NextMarker", ""), encoded=encoded)
    # Surrogates sort as the bytes that they stand for, as COS sorts keys.
    if following.encode("utf-8", "surrogateescape") <= after.encode("utf-8", "surrogateescape"):
        raise Unreadable("the listing is truncated but its marker does not advance")
    return keys, following


def parse(body: bytes, name: str) -> ElementTree.Element:
    """The root element, which must have this name; namespaces are removed from all names. Raises Unreadable."""
    if body.count(b"<") + body.count(b"=") > MAX_MARKS:
        raise Unreadable("the response has far more elements than a page of COS has")
    text = _legal(body)
    if "<!DOCTYPE" in text:
        raise Unreadable("the response has a DOCTYPE")
    try:
        # A text is always read as UTF-8, whatever its first line declares; without a DOCTYPE it has no entities.
        root = ElementTree.fromstring(text)  # noqa: S314
    except (ElementTree.ParseError, ValueError, LookupError) as exc:
        raise Unreadable(f"the response is not XML: {len(body)} bytes") from exc
    if b"xmlns" in body:
        for element in root.iter():
            element.tag = element.tag.rpartition("}")[2]
    if root.tag != name:
        raise Unreadable(f"the response is a <{root.tag[:40]}>, not a <{name}>")
    return root


def _legal(body: bytes) -> str:
    """The response as text in which every character that XML forbids is replaced."""
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    if "&#" in text:
        text = REFERENCE.sub(_legal_reference, text)
    is_plain = body.isascii() and len(body.translate(None, CONTROLS)) == len(body)
    return text if is_plain else FORBIDDEN.sub(REPLACEMENT, text)


def _legal_reference(match: re.Match[str]) -> str:
    digits = match[1] or match[2]
    if len(digits) > 7:
        return REPLACEMENT
    code = int(digits, 16 if match[1] else 10)
    legal = code in (0x9, 0xA, 0xD) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF
    return match[0] if legal else REPLACEMENT


@lru_cache(maxsize=8)  # every response of the same second has the same text
def http_date(text: str) -> datetime | None:
    """A Date header, UTC; None if it has another form, or if there is more than one."""
    try:
        return _mail_date(text)[0] if text.endswith(" GMT") else None
    except (ValueError, OverflowError, IndexError):
        return None


def part_time(text: str) -> datetime | None:
    """When a part arrived, UTC. None, a doubt, for every form but the documented one, `2020-03-25T10:07:14.000Z`."""
    try:
        time = _iso(text) if ISO.fullmatch(text) else None
    except ValueError:
        return None
    return time if time is not None and time >= EARLIEST else None


def start_times(text: str) -> tuple[datetime, ...]:
    """
    The moments that a listing's `Initiated` can mean, UTC, the latest first; () when it cannot be read.

    Accepts RFC 3339 with offsets and fractions, and the dates of HTTP and of mail. A time without a time zone, such as
    `Wed Jan 18 16:04:17 2017` or `2017-01-18T16:04:17`, can mean two moments: it is in UTC or in China's time.
    """
    try:
        times = (_iso(text),) if ISO.fullmatch(text) else _rfc_3339(text) or _ctime(text) or _mail_date(text)
    except (ValueError, OverflowError):
        return ()
    return times if times and times[-1] >= EARLIEST else ()


def _iso(text: str) -> datetime:
    """Parse an ISO time. Five times as fast as strptime, which would take most of the time of reading a page."""
    return datetime.fromisoformat(f"{text[:-1]}+00:00")


def _rfc_3339(text: str) -> tuple[datetime, ...]:
    match = RFC_3339.fullmatch(text)
    if not match:
        return ()
    day, clock, fraction, zone = match.groups()
    local = f"{day}T{clock}.{(fraction or '').ljust(6, '0')[:6]}"
    if zone is None:
        return _without_zone(datetime.fromisoformat(local))
    offset = "+00:00" if zone in "Zz" else zone
    return (datetime.fromisoformat(local + offset).astimezone(timezone.utc),)


def _ctime(text: str) -> tuple[datetime, ...]:
    match = CTIME.fullmatch(text)
    return _without_zone(_moment(match[4], match[1], match[2], match[3])) if match else ()


def _mail_date(text: str) -> tuple[datetime, ...]:
    """Parse `Wed, 18 Jan 2017 08:04:17 GMT`. The zone must be GMT or a numeric offset; other names are not read."""
    match = MAIL_DATE.fullmatch(text)
    if not match or (match[5] == "-" and match[6] + match[7] == "0000"):
        return ()  # in a mail date, -0000 means that the offset is unknown
    day, month, year, clock, sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    local = _moment(year, month, day, clock).replace(tzinfo=timezone.utc)
    return (local + offset if sign == "-" else local - offset,)


def _moment(year: str, month: str, day: str, clock: str) -> datetime:
    """The time from its fields. Not by strptime, whose month names depend on the locale. Raises ValueError."""
    hour, minute, second = clock.split(":")
    return datetime(int(year), MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second))  # noqa: DTZ001


def _without_zone(local: datetime) -> tuple[datetime, ...]:
    as_utc = local.replace(tzinfo=timezone.utc)
    return as_utc, as_utc - CHINA


def _following(texts: dict[str, str], listed: tuple[ListedUpload, ...], *, encoded: bool) -> Cursor:
    """
    The cursor of the next page.

    It is the last upload of the page, unless the markers name another one. The markers may be encoded in another way
    than the keys; comparing them with the last upload shows it.
    """
    text, upload_id = texts.get("NextKeyMarker", ""), texts.get("NextUploadIdMarker", "")
    if REPLACEMENT in text + upload_id:
        raise Unreadable("the listing is truncated but its marker has a character that XML does not allow")
    if listed and UNSENDABLE not in listed[-1].raw_key:
        last = listed[-1]
        is_its_id = last.upload.upload_id in key_readings.of_listed(upload_id, upload_id)
        is_its_key = not set(key_readings.of(last)).isdisjoint(key_readings.of_listed(text, text))
        # A key marker alone would skip every other upload of that key.
        if last.upload.upload_id and (is_its_id or (is_its_key and not upload_id)):
            return Cursor(last.upload.key, last.upload.upload_id)
    return Cursor(_key(text, encoded=encoded), upload_id)


def _listed(element: ElementTree.Element, bucket: Bucket, *, encoded: bool) -> ListedUpload:
    texts = _texts(element)
    text = _marked(texts.get("Key", ""))
    upload = Upload(bucket, _key(text, encoded=encoded), texts.get("UploadId", ""))
    initiator = element.find("Initiator")  # two lookups by plain name: a path would be slower
    initiator_id = "" if initiator is None else initiator.findtext("ID", "")
    times = start_times(texts.get("Initiated", "").strip())
    return ListedUpload(
        upload,
        times[0] if times else None,
        initiator_id or "",
        times[1] if len(times) > 1 else None,
        "" if text == upload.key else text,
        texts.get("StorageClass", "").strip().upper()[:64],
    )


def _named(parent: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    """The children with this name. `findall` would compile a path first."""
    return [child for child in parent if child.tag == name]


def _texts(element: ElementTree.Element) -> dict[str, str]:
    """The text of each child, by name. A child that is there twice with different texts becomes unusable."""
    texts = {child.tag: child.text or "" for child in element}
    if len(texts) != len(element):
        for child in element:
            if texts[child.tag] != (child.text or ""):
                texts[child.tag] = REPLACEMENT
    return texts


def _part(texts: dict[str, str]) -> Part:
    return Part(
        part_time(texts.get("LastModified", "").strip()),
        _whole(texts.get("Size", "").strip()),
        _number(texts.get("PartNumber", "")),
        texts.get("ETag", ""),
    )


def _key(text: str, *, encoded: bool) -> str:
    """The decoded key. Surrogates stand for bytes that are not UTF-8, so that a marker is sent back unchanged."""
    text = _marked(text)
    return (
        unquote_to_bytes(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")
        if encoded
        else text
    )


def _marked(text: str) -> str:
    return text.replace(REPLACEMENT, UNSENDABLE) if REPLACEMENT in text else text


def _is_encoded(texts: dict[str, str]) -> bool:
    return any(texts.get(name) == "url" for name in ("Encoding-Type", "EncodingType", "Encoding-type"))


def _is_truncated(texts: dict[str, str], default: str = "") -> bool:
    flag = texts.get("IsTruncated", default).strip().lower()
    if flag not in ("true", "false"):
        raise Unreadable("IsTruncated is neither true nor false, so the list may be incomplete")
    return flag == "true"


def _number(text: str) -> int:
    """A part number, which only identifies the part; 0 when it cannot be read."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise Unreadable(f"{text[:40]!r} is not a number")
    return int(text)
