"""
A record of COS's own event → a request: a completed object may have stale siblings.

COS does not document how it encodes the key in its events. So a key that is not certain is never used to abort.
Values in, values out.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any
from urllib.parse import unquote, unquote_plus

from cos_sweeper.core.errors import RequestRejected
from cos_sweeper.core.json_text import kind_of
from cos_sweeper.core.model import CompletedObject, Ignored, Request
from cos_sweeper.core.settings import ReportLocation
from cos_sweeper.scf.messages import Intake

COMPLETED = "cos:ObjectCreated:CompleteMultipartUpload"
UNIX_SECONDS = re.compile(r"[0-9]+(?:\.[0-9]+)?")
# RFC 3339, and the shorter offsets of ISO 8601. The offset is required: a time without one can mean any of 26 hours.
TIMESTAMP = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:[.,]([0-9]+))?"
    r"(?:[Zz]|([+-][0-9]{2}):?([0-9]{2})?)"
)
BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
# Every encoder encodes white space and control characters; some do not encode letters beyond ASCII.
ALWAYS_ENCODED = re.compile(r"[\x00-\x20\x7f]")
AFTER_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/]*/(.*)", re.DOTALL)


def from_cos(record: Mapping[str, Any], origin: str, intake: Intake) -> Iterator[Request]:
    """
    Read a record of COS's own event. Only a completed multipart upload outside our own reports requests something.

    If an event about a report led to a run, that run would write the next report, without end.
    """
    event = record.get("event")
    name = event.get("eventName") if isinstance(event, dict) else None
    if not isinstance(name, str) or not name:
        raise RequestRejected(f"the COS event's `eventName` is {kind_of(name)}, not the name of an event")
    if name != COMPLETED:
        intake.ignored.append(Ignored(f"the COS event is {name[:80]!r}, not {COMPLETED}", origin))
        return
    cos_bucket, cos_object = record["cos"].get("cosBucket"), record["cos"].get("cosObject")
    if not isinstance(cos_bucket, dict) or not isinstance(cos_object, dict):
        raise RequestRejected("the COS event has no `cosBucket` or no `cosObject`")
    name, appid = _as_text(cos_bucket, "name"), _as_text(cos_bucket, "appid")
    bucket = name if name.endswith(f"-{appid}") else f"{name}-{appid}"
    keys = _object_keys(cos_object, appid, name)
    if all(_is_ours(bucket, key, intake.reports) for key in keys):
        intake.ignored.append(Ignored("the object is under the prefix of this function's reports", origin))
        return
    yield CompletedObject(bucket, keys[0], _event_time(event), origin, keys[1:])


def _is_ours(bucket: str, key: str, reports: ReportLocation | None) -> bool:
    return reports is not None and bucket == reports.bucket.name and key.startswith(reports.prefix)


def _as_text(cos_bucket: Mapping[str, Any], name: str) -> str:
    value = cos_bucket.get(name, "")
    if not isinstance(value, (str, int)):
        raise RequestRejected(f"the COS event's `{name}` is {kind_of(value)}, not a string")
    return str(value)


def _event_time(event: Any) -> datetime:
    """
    When the object was completed, UTC.

    `eventTime` is Unix seconds, as a number or as text, or a timestamp with its offset from UTC.
    """
    seconds = event.get("eventTime")
    if isinstance(seconds, str):
        seconds = float(seconds) if UNIX_SECONDS.fullmatch(seconds) else _unix_seconds(seconds)
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < 10**11:
        raise RequestRejected(
            "the COS event's `eventTime` is not a Unix time in seconds, and not a timestamp with an offset from UTC"
        )
    return datetime.fromtimestamp(seconds, timezone.utc)


def _unix_seconds(text: str) -> float | None:
    match = TIMESTAMP.fullmatch(text)
    if not match:
        return None
    date, time, fraction, hours, minutes = match.groups()
    try:
        moment = datetime.fromisoformat(f"{date}T{time}{hours or '+00'}:{minutes or '00'}")
    except ValueError:
        return None
    # Cut off, not rounded: with an earlier completion, fewer uploads count as older than it.
    return moment.timestamp() + int((fraction or "0")[:6].ljust(6, "0")) / 10**6


def _object_keys(cos_object: Mapping[str, Any], appid: str, name: str) -> tuple[str, ...]:
    """
    The key after `/<appid>/<name>/`: one key if it is certain, otherwise every key that it can mean.

    COS does not document whether `key` and `url` are encoded. A key is possible if both fields can be read as that key:
    as they are, percent-encoded, or form-encoded.
    """
    path, lead = cos_object.get("key"), f"/{appid}/{name}/"
    encoded_lead = lead.replace("/", "%2F")
    if isinstance(path, str) and path.startswith(lead):
        key = path[len(lead) :]
        possible = {key: None, **dict.fromkeys(_decoded(key))}
    elif isinstance(path, str) and path[: len(encoded_lead)].replace("%2f", "%2F") == encoded_lead:
        key = path[len(encoded_lead) :]
        possible = dict.fromkeys(_decoded(key))
    else:
        key, possible = "", {}
    if not key:
        raise RequestRejected(f"the COS event's key does not begin with {lead[:80]!r}")
    match = AFTER_HOST.match(url) if isinstance(url := cos_object.get("url"), str) else None
    if len(possible) > 1 and match:
        by_url = {match[1], *_decoded(match[1]), *_decoded(re.split("[?#]", match[1])[0])}
        possible = {one: None for one in possible if one in by_url}
    if not possible:
        raise RequestRejected("the COS event's key and url cannot be read as the same key")
    return tuple(possible)


def _decoded(text: str) -> tuple[str, ...]:
    """The text decoded as percent-encoded and as form-encoded; () if it cannot be encoded."""
    if BAD_ESCAPE.search(text) or ALWAYS_ENCODED.search(text):
        return ()
    return unquote(text, errors="surrogateescape"), unquote_plus(text, errors="surrogateescape")
