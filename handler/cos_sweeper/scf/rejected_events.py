"""
The stored copies of rejected events and of uploads beyond MAX_ABORTS, which an operator can check and send again.

The digest of the event is in the log and in the name of the stored object. A repeated delivery has the same digest.
"""

import base64
import contextlib
import gzip
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from cos_sweeper.core.errors import RequestRejected
from cos_sweeper.core.json_text import parse_json
from cos_sweeper.core.key_mask import PLAIN, KeyMask
from cos_sweeper.core.model import RejectedRequest, Upload
from cos_sweeper.core.outcomes import fields
from cos_sweeper.core.redaction import HIDDEN, SECRET_NAME, Redactor
from cos_sweeper.core.report import Report
from cos_sweeper.scf.events import cls_text, http_request, http_text

# An asynchronous event has at most 128 KB; only a synchronous one can be larger.
MAX_EVENT_LENGTH = 1 << 20
MAX_REASONS = 1000
# SCF accepts 128 KB for an asynchronous event.
MAX_EVENT_BYTES = 120_000
# The only fields of an HTTP request that are stored: they are enough to send it again, and the others may be secret.
HTTP_NAMES = ("httpMethod", "body", "isBase64Encoded")
# The names of fields that hold headers. COS's events also hold those of the request that COS received.
HEADERS = re.compile(r"headers?(?:parameters)?\Z", re.IGNORECASE)
JSON_TEXT = re.compile(r"\ufeff?\s*[\[{\"]")
# In a text that is not JSON: the name of a secret, and its value. If the value is an object or a list, all the rest.
# Lengths are bounded so that the expression does not try every length at every position.
NAMED_SECRET = re.compile(
    rf"""((?:["'][^"']*(?:{SECRET_NAME.pattern})[^"']*["']|(?:{SECRET_NAME.pattern})[\w.-]{{0,64}})\s{{0,8}}[:=]\s{{0,8}})"""
    r"""(".*?(?:(?<!\\)"|\Z)|'.*?(?:(?<!\\)'|\Z)|[\[{].*|[^\s,;&\]}]+)""",
    re.IGNORECASE | re.DOTALL,
)


def digest(event: object, mask: KeyMask = PLAIN) -> str:
    """The digest, in hexadecimal, of the event as JSON with sorted names; '' if it is nested too deeply for JSON."""
    try:
        text = json.dumps(event, sort_keys=True, default=str)
    except (RecursionError, ValueError, TypeError):
        return ""
    return mask.digest(text)


def documents(event: object, report: Report, redactor: Redactor) -> Iterator[tuple[str, bytes]]:
    """
    The names and bodies of the objects to store for an event: rejected requests, and uploads beyond MAX_ABORTS.

    A repeated delivery of the event has the same names, so the event is stored once.
    """
    name = digest(event, redactor.mask) if report.rejections or report.over_limit else ""
    if name and report.rejections:
        yield f"rejected/{name}.json", document(event, report.rejections, redactor)
    for number, body in enumerate(events_of(report.over_limit), 1):
        yield f"over-limit/{name or report.run_id}-{number}.json", body


def document(event: Any, rejected: Sequence[RejectedRequest], redactor: Redactor) -> bytes:
    """
    The first reasons and, under `event`, the event without secrets and headers, ready to be sent again.

    If the event is too large or nested too deeply for the function's memory, a short description replaces it.
    """
    reasons = redactor.redact_report([fields(each) for each in rejected[:MAX_REASONS]])
    stored = {"reasons": len(rejected), "rejected": reasons, "event": _stored(event, redactor)}
    return json.dumps(stored, default=str).encode()


def events_of(uploads: Sequence[Upload]) -> Iterator[bytes]:
    """Events that name these uploads, each small enough for an asynchronous invocation."""
    items: list[str] = []
    size = 0
    for upload in uploads:
        item = json.dumps({"bucket": upload.bucket.name, "key": upload.key, "uploadId": upload.upload_id})
        if items and size + len(item) > MAX_EVENT_BYTES:
            yield _event_of(items)
            items, size = [], 0
        items.append(item)
        size += len(item) + 2
    if items:
        yield _event_of(items)


def _event_of(items: Sequence[str]) -> bytes:
    return f'{{"uploads": [{", ".join(items)}]}}'.encode()


def _stored(event: Any, redactor: Redactor) -> Any:
    try:
        size = len(json.dumps(event, default=str))
        if size > MAX_EVENT_LENGTH:
            return f"not stored: {size} characters of JSON"
        cleaned = _cleaned(_unpacked(event, redactor), redactor)
        json.dumps(cleaned, default=str)
    except (RecursionError, ValueError, TypeError):
        return "not stored: nested too deeply"
    return cleaned


def _unpacked(event: Any, redactor: Redactor) -> Any:
    """The event with its packed messages made readable for cleaning, or removed if they cannot be read."""
    if http_request(event):
        event = {name: event[name] for name in HTTP_NAMES if name in event}
        try:
            event |= {"body": http_text(event), "isBase64Encoded": False}
        except RequestRejected:
            event["body"] = _not_unpacked(event.get("body"))
    elif isinstance(event, dict) and isinstance(event.get("clslogs"), dict):
        try:
            text = _cleaned_text(cls_text(event["clslogs"]), redactor)
            packed = base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
        except RequestRejected:
            packed = _not_unpacked(event["clslogs"].get("data"))
        event = event | {"clslogs": {"data": packed}}
    return event


def _not_unpacked(packed: object) -> str:
    """Replaces text that cannot be read, as it may hold a secret."""
    return f"not stored: {len(str(packed))} characters that cannot be unpacked"


def _cleaned(value: Any, redactor: Redactor) -> Any:
    """The value without headers and secrets, at any depth and in texts that are JSON."""
    return redactor.redact_all(_without_headers(value, redactor))


def _without_headers(value: Any, redactor: Redactor) -> Any:
    if isinstance(value, dict):
        return {
            name: _without_headers(inner, redactor) for name, inner in value.items() if not HEADERS.search(str(name))
        }
    if isinstance(value, list):
        return [_without_headers(inner, redactor) for inner in value]
    return _cleaned_text(value, redactor) if isinstance(value, str) else value


def _cleaned_text(text: str, redactor: Redactor) -> str:
    """The text without headers and secrets; unchanged if it has none."""
    if JSON_TEXT.match(text):
        with contextlib.suppress(RequestRejected):
            value = parse_json(text)
            cleaned = _cleaned(value, redactor)
            return text if cleaned == value else json.dumps(cleaned)
    return NAMED_SECRET.sub(lambda match: f'{match[1]}"{HIDDEN}"', text)
