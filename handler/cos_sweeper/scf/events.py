"""
Raw event → requests, for every trigger.

After `decode`, no other code reads the event. A malformed record is rejected with a reason, never guessed, and does not
affect the other records. The forms are those of SCF's documentation of each trigger. Values in, values out.
"""

import base64
import binascii
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from cos_sweeper.core.errors import RequestRejected
from cos_sweeper.core.json_text import kind_of, parse_json
from cos_sweeper.core.model import CHECKPOINT, Ignored, RejectedRequest, Request, ResumeRequest
from cos_sweeper.core.settings import ReportLocation
from cos_sweeper.scf.cos_events import from_cos
from cos_sweeper.scf.messages import (
    Intake,
    collect,
    from_message,
    from_text,
    from_timer,
    parse_text,
    read_one,
)

# A CLS batch arrives in an event of at most 128 KB, but gzip can hold a thousand times as much. This limit has room for
# MAX_UPLOADS records. Decoding takes up to nine times the limit in memory: the bytes, and a text and its values with
# four bytes a character.
MAX_UNPACKED_BYTES = 4 << 20
WHITE_SPACE = b"\t\n\v\f\r "
# An HTTP response lists each of them.
MAX_HTTP_UPLOADS = 1_000


class Source(Enum):
    """The kind of trigger, as far as it affects the response."""

    ASYNCHRONOUS = "asynchronous"  # direct, Timer, COS, CMQ, CLS, EventBridge
    CKAFKA = "ckafka"
    HTTP = "http"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """
    The part of an HTTP request that is checked before the body is read.

    headers: by lower-case name, each with its only value. size: of the body, in bytes. ambiguous: the lower-case names
    of the headers that have several different values, or a value that is not text; these are not in `headers`.
    """

    method: str
    headers: Mapping[str, str]
    size: int
    ambiguous: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Decoded:
    """
    A decoded event.

    requests: in the order of the event. ignored: records that request nothing. At least one of the two is not empty.
    """

    source: Source
    requests: tuple[Request, ...]
    ignored: tuple[Ignored, ...] = ()


def http_request(raw: object) -> HttpRequest | None:
    """The request behind a Function URL or API Gateway event, None for every other event."""
    if not isinstance(raw, dict) or not isinstance(raw.get("httpMethod"), str):
        return None
    found: dict[str, list[Any]] = {}
    for name, value in (*_pairs(raw.get("headers")), *_pairs(raw.get("multiValueHeaders"))):
        found.setdefault(str(name).lower(), []).extend(value if isinstance(value, list) else [value])
    given = {name: [value for value in values if value is not None] for name, values in found.items()}
    headers = {
        name: values[0]
        for name, values in given.items()
        if values and isinstance(values[0], str) and all(value == values[0] for value in values)
    }
    body = raw.get("body")
    size = len(body.encode("utf-8", "surrogatepass")) if isinstance(body, str) else 0
    ambiguous = frozenset(name for name, values in given.items() if values and name not in headers)
    return HttpRequest(raw["httpMethod"].upper(), headers, size, ambiguous)


def _pairs(headers: Any) -> Iterable[tuple[object, Any]]:
    """The headers of an event, which has them by name or as a list of pairs."""
    if isinstance(headers, dict):
        return headers.items()
    listed = headers if isinstance(headers, list) else []
    return [(pair[0], pair[1]) for pair in listed if isinstance(pair, list) and len(pair) == 2]


def http_text(raw: Mapping[str, Any]) -> Any:
    """The decoded body of an HTTP event. Raises RequestRejected."""
    body = raw.get("body")
    return _utf8(_unbase64(body)) if _is_base64(raw.get("isBase64Encoded")) else body


def cls_text(clslogs: Mapping[str, Any]) -> str:
    """The decompressed batch of a CLS event. Raises RequestRejected."""
    return _utf8(_gunzip(_unbase64(clslogs.get("data"))))


def decode(raw: object, reports: ReportLocation | None = None) -> Decoded:
    """
    Decode an event. Never raises: what cannot be used becomes a `RejectedRequest` among the requests.

    reports: where this function stores its own reports; COS's events about them are ignored.
    """
    intake = Intake(reports)
    records = raw.get("Records") if isinstance(raw, dict) else None
    if http_request(raw):
        source, requests = Source.HTTP, read_one(_http_body, raw, "body", intake)
    elif isinstance(records, list):
        source = Source.CKAFKA if any(_has(record, "Ckafka") for record in records) else Source.ASYNCHRONOUS
        requests = collect(_record, records, "record", intake)
    else:
        source, requests = Source.ASYNCHRONOUS, read_one(_event, raw, "event", intake)
    return Decoded(source, (*requests, *intake.all_excess()), tuple(intake.ignored))


def _has(record: object, name: str) -> bool:
    return isinstance(record, dict) and isinstance(record.get(name), dict)


# The envelope of each trigger


def _event(raw: Any, origin: str, intake: Intake) -> Iterator[Request]:
    if not isinstance(raw, dict):
        raise RequestRejected(f"the event is {kind_of(raw)}, not an object")
    if CHECKPOINT in raw:
        yield ResumeRequest(raw[CHECKPOINT], origin)
    elif raw.get("Type") == "Timer":
        yield _sweep(raw, origin)
    elif _has(raw, "clslogs"):
        yield from _cls(raw["clslogs"], intake)
    elif "specversion" in raw and "data" in raw:
        yield from _eventbridge(raw["data"], origin, intake)
    else:
        yield from from_message(raw, origin, intake)


def _sweep(raw: Mapping[str, Any], origin: str) -> Request:
    """A timer requests a sweep. If its Message is rejected, the sweep does not happen, and the report says so."""
    try:
        return from_timer(raw, origin)
    except RequestRejected as exc:
        return RejectedRequest(str(exc), origin=origin, sweep=True)


def _record(record: Any, origin: str, intake: Intake) -> Iterator[Request]:
    if _has(record, "Ckafka"):
        yield from from_text(record["Ckafka"].get("msgBody"), origin, intake)
    elif _has(record, "CMQ"):
        yield from from_text(record["CMQ"].get("msgBody"), origin, intake)
    elif _has(record, "cos"):
        yield from from_cos(record, origin, intake)
    else:
        raise RequestRejected("the record is not a CKafka, CMQ or COS record")


def _http_body(raw: Any, origin: str, intake: Intake) -> Iterator[Request]:
    """Reject a request with too many uploads as a whole: its caller sees the response and can send several."""
    intake.remaining = MAX_HTTP_UPLOADS
    requests = tuple(from_text(http_text(raw), origin, intake))
    if intake.excess:
        intake.excess.clear()
        raise RequestRejected(f"the request names more than {MAX_HTTP_UPLOADS} uploads; send several requests")
    yield from requests


def _is_base64(flag: Any) -> bool:
    """Gateways send the flag as a boolean or as text, or omit it."""
    word = flag.lower() if isinstance(flag, str) else flag
    if word is True or word == "true":
        return True
    if word is None or word is False or word in ("false", ""):
        return False
    raise RequestRejected("`isBase64Encoded` is neither true nor false")


def _cls(clslogs: Any, intake: Intake) -> Iterator[Request]:
    batch = parse_json(cls_text(clslogs))
    records = batch.get("records") if isinstance(batch, dict) else None
    if not isinstance(records, list):
        raise RequestRejected("the CLS batch has no list of records")
    contents = [record.get("content") if isinstance(record, dict) else None for record in records]
    yield from collect(from_text, contents, "record", intake)


def _eventbridge(data: Any, origin: str, intake: Intake) -> Iterator[Request]:
    """`data` is a message, one or more COS records, a TDMQ envelope with a text in `msgBody`, or JSON text of these."""
    if isinstance(data, str):
        data = parse_text(data)
    records = data.get("Records") if isinstance(data, dict) else None
    if isinstance(records, list):
        yield from collect(_cos_record, records, "record", intake)
    elif _has(data, "cos"):
        yield from from_cos(data, origin, intake)
    elif isinstance(data, dict) and "msgBody" in data:
        yield from from_text(data["msgBody"], origin, intake)
    else:
        yield from from_message(data, origin, intake)


def _cos_record(record: Any, origin: str, intake: Intake) -> Iterator[Request]:
    if not _has(record, "cos"):
        raise RequestRejected("the record is not a COS record")
    yield from from_cos(record, origin, intake)


# Decompression and decoding


def _unbase64(text: Any) -> bytes:
    """Decode standard base64. White space in it, such as the line breaks of MIME, is ignored."""
    try:
        encoded = text.encode("ascii") if isinstance(text, str) else b"?"
        return base64.b64decode(encoded.translate(None, WHITE_SPACE), validate=True)
    except (binascii.Error, ValueError) as exc:
        raise RequestRejected("the data is not base64") from exc


def _gunzip(data: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacker.decompress(data, MAX_UNPACKED_BYTES)
    except zlib.error as exc:
        raise RequestRejected("the data is not gzip") from exc
    if not unpacker.eof:
        raise RequestRejected(f"the data is truncated, or decompresses to more than {MAX_UNPACKED_BYTES >> 20} MiB")
    if unpacker.unused_data:
        raise RequestRejected("the data continues after the end of its gzip archive")
    return unpacked


def _utf8(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as exc:
        raise RequestRejected("the data is not UTF-8") from exc
