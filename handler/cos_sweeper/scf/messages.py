"""
One message → what it asks for: the words that are the same whichever trigger carries them.

Uploads named one by one, a timer's narrowing of a sweep, and COS's own event of a completed object. What is broken
raises RequestRejected with a reason; nothing is guessed.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import unquote, unquote_plus

from cos_sweeper.core.errors import RequestRejected
from cos_sweeper.core.json_text import kind_of, parse_json
from cos_sweeper.core.model import AbortRequest, CompletedObject, Ignored, RejectedRequest, Request, SweepRequest
from cos_sweeper.core.settings import ReportPlace

MAX_UPLOADS = 10_000
# Of what passes the limit so many groups are reported one by one.
MAX_EXCESS_GROUPS = 20
# A timer's Message has 4 KB at most; only who invokes the function as if a timer did can say more.
MAX_NAMES_LENGTH = 4096
# As for the setting; a checkpoint carries no more.
MAX_ABORTS = 10**12
COMPLETED = "cos:ObjectCreated:CompleteMultipartUpload"
# What a service sends when a notification is configured.
TEST_EVENT = re.compile(r"[A-Za-z0-9]+:TestEvent")
# COS and Java write `uploadId`, Python and JavaScript `UploadId`, Go `UploadID`, logs `upload_id`, Java `bucketName`:
# case, `_` and `-` do not count.
SPELLINGS = {
    "bucket": "bucket",
    "bucketname": "bucket",
    "key": "key",
    "uploadid": "uploadId",
    "region": "region",
    "regionname": "region",
}
MAX_SPELLING_LENGTH = 16
UNIX_SECONDS = re.compile(r"[0-9]+(?:\.[0-9]+)?")
# RFC 3339, and ISO 8601's shorter offsets. A time without an offset could be any of 26 hours.
TIMESTAMP = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:[.,]([0-9]+))?"
    r"(?:[Zz]|([+-][0-9]{2}):?([0-9]{2})?)"
)
BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
# Every encoder encodes white space and controls; some leave letters beyond ASCII as they are.
ALWAYS_ENCODED = re.compile(r"[\x00-\x20\x7f]")
AFTER_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/]*/(.*)", re.DOTALL)


@dataclass(slots=True)
class Intake:
    """
    One event while it is read.

    reports: where this function keeps its own reports, None when it keeps none. remaining: how many uploads more may be
    read. reserved: how many of these are for the records that follow, one each, so that no record takes the place of
    all others. ignored: what is of no interest. excess: what does not fit, one for each record or group of records.
    """

    reports: ReportPlace | None = None
    remaining: int = MAX_UPLOADS
    reserved: int = 0
    ignored: list[Ignored] = field(default_factory=list)
    excess: list[RejectedRequest] = field(default_factory=list)
    _more: int = 0
    _more_groups: int = 0

    def authorize(self, wanted: int, name: str) -> int:
        """How many of so many are read, from the first on; the others are counted as excess. name: of one of them."""
        fitting = min(wanted, self.remaining - self.reserved)
        if fitting < wanted and len(self.excess) < MAX_EXCESS_GROUPS:
            what = f"{wanted - fitting} of {wanted} {name.rpartition(' ')[2]}s"
            self.excess.append(_too_many(what, f"{name} {fitting + 1} to {wanted}"))
        elif fitting < wanted:
            self._more += wanted - fitting
            self._more_groups += 1
        return fitting

    def all_excess(self) -> tuple[RejectedRequest, ...]:
        """What does not fit: the first groups, and the others together."""
        if not self._more_groups:
            return tuple(self.excess)
        what = f"another {self._more} uploads, in {self._more_groups} records,"
        return (*self.excess, _too_many(what, "further records"))


def _too_many(what: str, origin: str) -> RejectedRequest:
    reason = f"{what} do not fit in one event, which holds {MAX_UPLOADS} uploads; send them in another event"
    return RejectedRequest(reason, origin=origin)


Reader = Callable[[Any, str, Intake], Iterator[Request]]


def collect(read: Reader, materials: Sequence[Any], name: str, intake: Intake) -> tuple[Request, ...]:
    """
    Read each of an event's records, or of a record's uploads; what cannot be used of one does not stop the next.

    name: of one of them, for the origin.
    """
    if not materials:
        return (RejectedRequest("the event holds no message"),)
    requests: list[Request] = []
    reserved, fitting = intake.reserved, intake.authorize(len(materials), name)
    for number, material in enumerate(materials[:fitting], 1):
        intake.reserved = reserved + fitting - number
        requests += read_one(read, material, f"{name} {number}", intake)
    intake.reserved = reserved
    return tuple(requests)


def read_one(read: Reader, material: Any, origin: str, intake: Intake) -> tuple[Request, ...]:
    """Read what may hold several uploads. Never raises: what cannot be used is `RejectedRequest`."""
    requests: list[Request] = []
    remaining = intake.remaining
    try:
        # One by one: what was read before a refusal counts.
        for ask in read(material, origin, intake):
            requests.append(ask)  # noqa: PERF402
    except RequestRejected as exc:
        requests.append(RejectedRequest(str(exc), origin=origin))
    intake.remaining = remaining - len(requests)
    return tuple(requests)


def from_text(text: Any, origin: str, intake: Intake) -> Iterator[Request]:
    """A message as JSON text."""
    yield from from_message(parse_text(text), origin, intake)


def parse_text(text: Any) -> Any:
    """What a message says in JSON."""
    if not isinstance(text, str) or not text.strip():
        raise RequestRejected("the message is empty or not text")
    return parse_json(text)


def from_message(message: Any, origin: str, intake: Intake) -> Iterator[Request]:
    """One upload, or a list of them under `uploads`: the same for every trigger."""
    if not isinstance(message, dict):
        raise RequestRejected(f"the message is {kind_of(message)}, not an object")
    if "uploads" not in message:
        if _is_test(message):
            intake.ignored.append(Ignored("a test event", origin))
        else:
            yield _upload(message, origin)
        return
    uploads = message["uploads"]
    if not isinstance(uploads, list) or not uploads:
        raise RequestRejected("`uploads` is not a list with something in it")
    yield from collect(_one, uploads, f"{origin}, upload", intake)


def from_timer(raw: Mapping[str, Any], origin: str) -> SweepRequest:
    """A timer's `Message`: nothing, or a JSON object that narrows. Anything else might have been meant to narrow."""
    text = raw.get("Message")
    if text is None or (isinstance(text, str) and not text.strip()):
        return SweepRequest(origin=origin)
    message = parse_json(text) if isinstance(text, str) else text
    if not isinstance(message, dict):
        raise RequestRejected(
            f"the timer's Message is {kind_of(message)}, not a JSON object; leave it empty to sweep everything"
        )
    unknown = next((name for name in message if name not in NARROWINGS), None)
    if unknown is not None:
        raise RequestRejected(f"the timer's Message has {str(unknown)[:40]!r}; known are {', '.join(NARROWINGS)}")
    return SweepRequest(
        **{field: read(name, message[name]) for name, (field, read) in NARROWINGS.items() if name in message},
        origin=origin,
    )


def from_cos(record: Mapping[str, Any], origin: str, intake: Intake) -> Iterator[Request]:
    """
    A record of COS's own event. Only a completed multipart upload is of interest, and not among our own reports.

    A report that led to another report would do so for ever.
    """
    event = record.get("event")
    name = event.get("eventName") if isinstance(event, dict) else None
    if not isinstance(name, str) or not name:
        raise RequestRejected(f"the COS event's `eventName` is {kind_of(name)}, not the name of an event")
    if name != COMPLETED:
        intake.ignored.append(Ignored(f"the COS event is {name[:80]!r}, not {COMPLETED}", origin))
        return
    place, thing = record["cos"].get("cosBucket"), record["cos"].get("cosObject")
    if not isinstance(place, dict) or not isinstance(thing, dict):
        raise RequestRejected("the COS event has no `cosBucket` or no `cosObject`")
    name, appid = _plain(place, "name"), _plain(place, "appid")
    bucket = name if name.endswith(f"-{appid}") else f"{name}-{appid}"
    keys = _object_keys(thing, appid, name)
    if all(_is_ours(bucket, key, intake.reports) for key in keys):
        intake.ignored.append(Ignored("the object lies where this function keeps its reports", origin))
        return
    yield CompletedObject(bucket, keys[0], _event_time(event), origin, keys[1:])


def _is_ours(bucket: str, key: str, reports: ReportPlace | None) -> bool:
    return reports is not None and bucket == reports.bucket.name and key.startswith(reports.prefix)


def _plain(place: Mapping[str, Any], name: str) -> str:
    value = place.get(name, "")
    if not isinstance(value, (str, int)):
        raise RequestRejected(f"the COS event's `{name}` is {kind_of(value)}, not a string")
    return str(value)


def _is_test(message: Mapping[str, Any]) -> bool:
    """A test event names no upload."""
    event = message.get("Event")
    return isinstance(event, str) and bool(TEST_EVENT.fullmatch(event)) and "uploadId" not in map(_field_of, message)


def _one(message: Any, origin: str, _: Intake) -> Iterator[Request]:
    if not isinstance(message, dict):
        raise RequestRejected(f"the upload is {kind_of(message)}, not an object")
    yield _upload(message, origin)


def _upload(message: Mapping[str, Any], origin: str) -> AbortRequest:
    given: dict[str | None, list[tuple[str, Any]]] = {}
    for name, value in message.items():
        given.setdefault(_field_of(name), []).append((name, value))
    return AbortRequest(
        bucket=_field(given, "bucket"),
        key=_field(given, "key"),
        upload_id=_field(given, "uploadId"),
        region=_field(given, "region", required=False) or None,
        origin=origin,
    )


def _field_of(name: str) -> str | None:
    """Which field of an upload a name spells, None where none."""
    if len(name) > MAX_SPELLING_LENGTH or not name.isascii():
        return None
    return SPELLINGS.get(name.lower().replace("_", "").replace("-", ""))


def _field(given: Mapping[str | None, list[tuple[str, Any]]], field: str, *, required: bool = True) -> str:
    found = given.get(field, [])
    if not found:
        if required:
            raise RequestRejected(f"no `{field}`; an upload is named by `bucket`, `key` and `uploadId`")
        return ""
    for name, value in found:
        if not isinstance(value, str):
            raise RequestRejected(f"`{name}` is {kind_of(value)}, not a string")
    first, text = found[0]
    for name, value in found:
        if value != text:
            raise RequestRejected(f"`{first}` and `{name}` disagree")
    if required and not text:
        raise RequestRejected(f"`{first}` is empty")
    return str(text)


def _strings(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
        raise RequestRejected(f"`{name}` is not a list of names")
    if sum(map(len, value)) > MAX_NAMES_LENGTH:
        raise RequestRejected(f"`{name}` is longer than the {MAX_NAMES_LENGTH} characters that a timer's Message has")
    return tuple(dict.fromkeys(value))


def _hours(name: str, value: object) -> timedelta:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1_000_000:
        raise RequestRejected(f"`{name}` is not a number of hours")
    return timedelta(hours=value)


def _count(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_ABORTS:
        raise RequestRejected(f"`{name}` is not a whole number from 1 to {MAX_ABORTS}")
    return value


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise RequestRejected(f"`{name}` is neither true nor false")
    return value


NARROWINGS: dict[str, tuple[str, Callable[[str, object], Any]]] = {
    "buckets": ("buckets", _strings),
    "prefixes": ("prefixes", _strings),
    "min_age_hours": ("min_age", _hours),
    "min_idle_hours": ("min_idle", _hours),
    "max_aborts": ("max_aborts", _count),
    "dry_run": ("dry_run", _flag),
}


def _event_time(event: Any) -> datetime:
    """When the object was completed, UTC: Unix seconds, also as text, or a timestamp with its offset from UTC."""
    seconds = event.get("eventTime")
    if isinstance(seconds, str):
        seconds = float(seconds) if UNIX_SECONDS.fullmatch(seconds) else _unix_seconds(seconds)
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < 10**11:
        raise RequestRejected(
            "the COS event's `eventTime` is neither a Unix time in seconds nor a timestamp with its offset"
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
    # Cut, not rounded: an earlier completion makes fewer uploads older than it.
    return moment.timestamp() + int((fraction or "0")[:6].ljust(6, "0")) / 10**6


def _object_keys(thing: Mapping[str, Any], appid: str, name: str) -> tuple[str, ...]:
    """
    The key behind `/<appid>/<name>/`: one where that is certain, else each key that it may be.

    Whether COS encodes the key, and the URL beside it, is documented nowhere. A key is possible when both can be read
    as that key: as it stands, percent-encoded, or encoded like a form.
    """
    path, lead = thing.get("key"), f"/{appid}/{name}/"
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
    match = AFTER_HOST.match(url) if isinstance(url := thing.get("url"), str) else None
    if len(possible) > 1 and match:
        by_url = {match[1], *_decoded(match[1]), *_decoded(re.split("[?#]", match[1])[0])}
        possible = {one: None for one in possible if one in by_url}
    if not possible:
        raise RequestRejected("the COS event's key and url cannot be read as the same key")
    return tuple(possible)


def _decoded(text: str) -> tuple[str, ...]:
    """What a text is if it is percent-encoded, and if it is encoded like a form; nothing where it cannot be."""
    if BAD_ESCAPE.search(text) or ALWAYS_ENCODED.search(text):
        return ()
    return unquote(text, errors="surrogateescape"), unquote_plus(text, errors="surrogateescape")
