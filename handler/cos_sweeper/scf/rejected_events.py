"""
What an event asked for and what was not done, put down so that an operator can look at it and send it again.

The digest stands in the log and in the name of what is kept; the same event, delivered again, has the same one.
"""

import base64
import contextlib
import gzip
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from cos_sweeper.core.errors import RequestRejected
from cos_sweeper.core.json_text import parse_json
from cos_sweeper.core.model import RejectedRequest, Upload
from cos_sweeper.core.outcomes import fields
from cos_sweeper.core.redaction import HIDDEN, SECRET_NAME, Redactor
from cos_sweeper.core.report import Report
from cos_sweeper.scf.events import cls_text, http_request, http_text

DIGEST_LENGTH = 32
# An asynchronous event has 128 KB at most; only what somebody waits for the answer of can be larger.
MAX_EVENT_LENGTH = 1 << 20
MAX_REASONS = 1000
# SCF takes 128 KB for an asynchronous event.
MAX_EVENT_BYTES = 120_000
# Of an HTTP request nothing else is wanted when it is sent again, and nothing else may be kept.
HTTP_NAMES = ("httpMethod", "body", "isBase64Encoded")
# Headers stand elsewhere as well: in COS's events those of the request that COS got.
HEADERS = re.compile(r"headers?(?:parameters)?\Z", re.IGNORECASE)
JSON_TEXT = re.compile(r"\ufeff?\s*[\[{\"]")
# In a text that is not JSON: the name of a secret, and its value; of an object or a list all the rest. Lengths are
# bounded where the expression would try each of them at each place.
NAMED_SECRET = re.compile(
    rf"""((?:["'][^"']*(?:{SECRET_NAME.pattern})[^"']*["']|(?:{SECRET_NAME.pattern})[\w.-]{{0,64}})\s{{0,8}}[:=]\s{{0,8}})"""
    r"""(".*?(?:(?<!\\)"|\Z)|'.*?(?:(?<!\\)'|\Z)|[\[{].*|[^\s,;&\]}]+)""",
    re.IGNORECASE | re.DOTALL,
)


def digest(event: object) -> str:
    """Hexadecimal, of the event as JSON with its names sorted; '' for one that is nested too deeply to be written."""
    try:
        text = json.dumps(event, sort_keys=True, default=str)
    except (RecursionError, ValueError, TypeError):
        return ""
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]


def documents(event: object, report: Report, redactor: Redactor) -> Iterator[tuple[str, bytes]]:
    """
    The names and bodies of what is stored of an event: what was rejected, and uploads beyond MAX_ABORTS.

    An event that is delivered again has the same names, so that it is stored once.
    """
    name = digest(event) if report.rejections or report.over_limit else ""
    if name and report.rejections:
        yield f"rejected/{name}.json", document(event, report.rejections, redactor)
    for number, body in enumerate(events_of(report.over_limit), 1):
        yield f"over-limit/{name or report.run_id}-{number}.json", body


def document(event: Any, refused: Sequence[RejectedRequest], redactor: Redactor) -> bytes:
    """
    The first reasons, and under `event` what can be sent again, without secrets and without any header.

    In place of an event that is too large or nested too deeply for the function's memory stands what it was.
    """
    reasons = redactor.redact_all([fields(each) for each in refused[:MAX_REASONS]])
    kept = {"reasons": len(refused), "rejected": reasons, "event": _kept(event, redactor)}
    return json.dumps(kept, default=str).encode()


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


def _kept(event: Any, redactor: Redactor) -> Any:
    try:
        size = len(json.dumps(event, default=str))
        if size > MAX_EVENT_LENGTH:
            return f"not kept: {size} characters of JSON"
        cleaned = _cleaned(_unpacked(event, redactor), redactor)
        json.dumps(cleaned, default=str)
    except (RecursionError, ValueError, TypeError):
        return "not kept: nested too deeply"
    return cleaned


def _unpacked(event: Any, redactor: Redactor) -> Any:
    """The event with the messages that it carries packed as texts that can be cleaned, or without those that cannot."""
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
    """What cannot be read may hold a secret."""
    return f"not kept: {len(str(packed))} characters that cannot be unpacked"


def _cleaned(value: Any, redactor: Redactor) -> Any:
    """Without headers and without secrets at any depth, and in texts that are JSON."""
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
    """A text as it is where nothing in it has to go."""
    if JSON_TEXT.match(text):
        with contextlib.suppress(RequestRejected):
            value = parse_json(text)
            cleaned = _cleaned(value, redactor)
            return text if cleaned == value else json.dumps(cleaned)
    return NAMED_SECRET.sub(lambda match: f'{match[1]}"{HIDDEN}"', text)
