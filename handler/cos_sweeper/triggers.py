"""
Raw event → what is asked, for every trigger.

Past `decode` nobody looks into an event. What is broken is refused with a reason, never guessed; each record of a batch
stands on its own. Shapes: SCF's documentation of each trigger. Values in, values out.
"""

import base64
import binascii
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from cos_sweeper.errors import Refusal
from cos_sweeper.messages import collect, from_cos, from_message, from_text, from_timer, kind_of, parse_json
from cos_sweeper.model import CHECKPOINT, Ask, Resume

# A CLS batch comes in an event of 128 KB at most, into which gzip gets a thousand times as much. MAX_UPLOADS records
# fit in this, and nine times this in the function's memory: bytes, a text and its values of four bytes a character.
MAX_UNPACKED_BYTES = 4 << 20
# An answer over HTTP tells of each.
MAX_HTTP_UPLOADS = 1_000


class Source(Enum):
    """Where an event came from, as far as it decides the answer."""

    ASYNCHRONOUS = "asynchronous"  # direct, Timer, COS, CMQ, CLS, EventBridge
    CKAFKA = "ckafka"
    HTTP = "http"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What stands at the door before the body is looked at. headers: by lower-case name. size: the body's, in bytes."""

    method: str
    headers: Mapping[str, str]
    size: int


@dataclass(frozen=True, slots=True)
class Decoded:
    """An event, understood. asks: in the order of the event; never empty."""

    source: Source
    asks: tuple[Ask, ...]


def http_request(raw: object) -> HttpRequest | None:
    """The request behind a Function URL or API Gateway event, None for every other event."""
    if not isinstance(raw, dict) or not isinstance(raw.get("httpMethod"), str):
        return None
    headers = raw.get("headers")
    pairs = headers.items() if isinstance(headers, dict) else ()
    body = raw.get("body")
    size = len(body.encode("utf-8", "surrogatepass")) if isinstance(body, str) else 0
    texts = {str(name).lower(): value for name, value in pairs if isinstance(value, str)}
    return HttpRequest(raw["httpMethod"].upper(), texts, size)


def decode(raw: object) -> Decoded:
    """Understand an event. Never raises: what cannot be used is a `Refused` among the asks."""
    if http_request(raw):
        return Decoded(Source.HTTP, collect([("body", _http_body, raw)]))
    records = raw.get("Records") if isinstance(raw, dict) else None
    if isinstance(records, list):
        source = Source.CKAFKA if any(_has(record, "Ckafka") for record in records) else Source.ASYNCHRONOUS
        return Decoded(source, collect((f"record {n}", _record, record) for n, record in enumerate(records, 1)))
    return Decoded(Source.ASYNCHRONOUS, collect([("event", _event, raw)]))


def _has(record: object, name: str) -> bool:
    return isinstance(record, dict) and isinstance(record.get(name), dict)


# Envelopes


def _event(raw: Any, origin: str) -> Iterator[Ask]:
    if not isinstance(raw, dict):
        raise Refusal(f"the event is {kind_of(raw)}, not an object")
    if CHECKPOINT in raw:
        yield Resume(raw[CHECKPOINT], origin)
    elif raw.get("Type") == "Timer":
        yield from_timer(raw, origin)
    elif _has(raw, "clslogs"):
        yield from _cls(raw["clslogs"])
    elif "specversion" in raw and "data" in raw:
        yield from _eventbridge(raw["data"], origin)
    else:
        yield from from_message(raw, origin)


def _record(record: Any, origin: str) -> Iterator[Ask]:
    if _has(record, "Ckafka"):
        yield from from_text(record["Ckafka"].get("msgBody"), origin)
    elif _has(record, "CMQ"):
        yield from from_text(record["CMQ"].get("msgBody"), origin)
    elif _has(record, "cos"):
        yield from_cos(record, origin)
    else:
        raise Refusal("neither a CKafka, a CMQ nor a COS record")


def _http_body(raw: Any, origin: str) -> Iterator[Ask]:
    body = raw.get("body")
    if raw.get("isBase64Encoded") is True:
        body = _utf8(_unbase64(body))
    asks = tuple(from_text(body, origin))
    if len(asks) > MAX_HTTP_UPLOADS:
        raise Refusal(f"more than {MAX_HTTP_UPLOADS} uploads in one request; send several")
    yield from asks


def _cls(clslogs: Any) -> Iterator[Ask]:
    batch = parse_json(_utf8(_gunzip(_unbase64(clslogs.get("data")))))
    records = batch.get("records") if isinstance(batch, dict) else None
    if not isinstance(records, list):
        raise Refusal("the CLS batch has no list of records")
    yield from collect(
        (f"record {n}", from_text, record.get("content") if isinstance(record, dict) else None)
        for n, record in enumerate(records, 1)
    )


def _eventbridge(data: Any, origin: str) -> Iterator[Ask]:
    """`data` is the message itself, its JSON text, or a TDMQ envelope with the text in `msgBody`."""
    if isinstance(data, dict) and "msgBody" in data:
        yield from from_text(data["msgBody"], origin)
    elif isinstance(data, str):
        yield from from_text(data, origin)
    else:
        yield from from_message(data, origin)


# Unpacking


def _unbase64(text: Any) -> bytes:
    try:
        return base64.b64decode(text if isinstance(text, str) else b"?", validate=True)
    except (binascii.Error, ValueError) as exc:
        raise Refusal("the data is not base64") from exc


def _gunzip(data: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacker.decompress(data, MAX_UNPACKED_BYTES)
    except zlib.error as exc:
        raise Refusal("the data is not gzip") from exc
    if not unpacker.eof:
        raise Refusal(f"the data is cut short, or unpacks to more than {MAX_UNPACKED_BYTES >> 20} MiB")
    if unpacker.unused_data:
        raise Refusal("the data goes on behind the end of its archive")
    return unpacked


def _utf8(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as exc:
        raise Refusal("the data is not UTF-8") from exc
