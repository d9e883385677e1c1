"""
One message → what it asks for: the words that are the same whichever trigger carries them.

Uploads named one by one, a timer's narrowing of a sweep, and COS's own event of a completed object. What is broken
raises Refusal with a reason; nothing is guessed.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import unquote, unquote_plus

from cos_sweeper.errors import Refusal
from cos_sweeper.model import AbortUpload, Ask, Ignored, Refused, Superseded, SweepBuckets
from cos_sweeper.settings import ReportPlace

MAX_UPLOADS = 10_000
# Of what passes the limit so many groups are reported one by one.
MAX_EXCESS_GROUPS = 20
# A value that is read takes up to thirty times its text; so many take 25 MB at most, and leave twenty to each upload.
MAX_VALUES = 200_000
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
BYTE_ORDER_MARK = "\ufeff"
UNIX_SECONDS = re.compile(r"[0-9]+(?:\.[0-9]+)?")
# RFC 3339, and ISO 8601's shorter offsets. A time without an offset could be any of 26 hours.
TIMESTAMP = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:[.,]([0-9]+))?"
    r"(?:[Zz]|([+-][0-9]{2}):?([0-9]{2})?)"
)
TEXT = re.compile(r'"[^"]*"')
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
    excess: list[Refused] = field(default_factory=list)
    _more: int = 0
    _more_groups: int = 0

    def admit(self, wanted: int, name: str) -> int:
        """How many of so many are read, from the first on; the others are counted as excess. name: of one of them."""
        fitting = min(wanted, self.remaining - self.reserved)
        if fitting < wanted and len(self.excess) < MAX_EXCESS_GROUPS:
            what = f"{wanted - fitting} of {wanted} {name.rpartition(' ')[2]}s"
            self.excess.append(_too_many(what, f"{name} {fitting + 1} to {wanted}"))
        elif fitting < wanted:
            self._more += wanted - fitting
            self._more_groups += 1
        return fitting

    def all_excess(self) -> tuple[Refused, ...]:
        """What does not fit: the first groups, and the others together."""
        if not self._more_groups:
            return tuple(self.excess)
        what = f"another {self._more} uploads, in {self._more_groups} records,"
        return (*self.excess, _too_many(what, "further records"))


def _too_many(what: str, origin: str) -> Refused:
    reason = f"{what} do not fit in one event, which holds {MAX_UPLOADS} uploads; send them in another event"
    return Refused(reason, origin=origin)


Reader = Callable[[Any, str, Intake], Iterator[Ask]]


def collect(read: Reader, materials: Sequence[Any], name: str, intake: Intake) -> tuple[Ask, ...]:
    """
    Read each of an event's records, or of a record's uploads; what cannot be used of one does not stop the next.

    name: of one of them, for the origin.
    """
    if not materials:
        return (Refused("the event holds no message"),)
    asks: list[Ask] = []
    reserved, fitting = intake.reserved, intake.admit(len(materials), name)
    for number, material in enumerate(materials[:fitting], 1):
        intake.reserved = reserved + fitting - number
        asks += read_one(read, material, f"{name} {number}", intake)
    intake.reserved = reserved
    return tuple(asks)


def read_one(read: Reader, material: Any, origin: str, intake: Intake) -> tuple[Ask, ...]:
    """Read what may hold several uploads. Never raises: what cannot be used is `Refused`."""
    asks: list[Ask] = []
    remaining = intake.remaining
    try:
        # One by one: what was read before a refusal counts.
        for ask in read(material, origin, intake):
            asks.append(ask)
    except Refusal as exc:
        asks.append(Refused(str(exc), origin=origin))
    intake.remaining = remaining - len(asks)
    return tuple(asks)


def from_text(text: Any, origin: str, intake: Intake) -> Iterator[Ask]:
    """A message as JSON text."""
    yield from from_message(parse_text(text), origin, intake)


def parse_text(text: Any) -> Any:
    """What a message says in JSON."""
    if not isinstance(text, str) or not text.strip():
        raise Refusal("the message is empty or not text")
    return parse_json(text)


def from_message(message: Any, origin: str, intake: Intake) -> Iterator[Ask]:
    """One upload, or a list of them under `uploads`: the same for every trigger."""
    if not isinstance(message, dict):
        raise Refusal(f"the message is {kind_of(message)}, not an object")
    if "uploads" not in message:
        if _is_test(message):
            intake.ignored.append(Ignored("a test event", origin))
        else:
            yield _upload(message, origin)
        return
    uploads = message["uploads"]
    if not isinstance(uploads, list) or not uploads:
        raise Refusal("`uploads` is not a list with something in it")
    yield from collect(_one, uploads, f"{origin}, upload", intake)


def from_timer(raw: Mapping[str, Any], origin: str) -> SweepBuckets:
    """A timer's `Message`: nothing, or a JSON object that narrows. Anything else might have been meant to narrow."""
    text = raw.get("Message")
    if text is None or (isinstance(text, str) and not text.strip()):
        return SweepBuckets(origin=origin)
    message = parse_json(text) if isinstance(text, str) else text
    if not isinstance(message, dict):
        raise Refusal(
            f"the timer's Message is {kind_of(message)}, not a JSON object; leave it empty to sweep everything"
        )
    unknown = next((name for name in message if name not in NARROWINGS), None)
    if unknown is not None:
        raise Refusal(f"the timer's Message has {str(unknown)[:40]!r}; known are {', '.join(NARROWINGS)}")
    return SweepBuckets(
        **{field: read(name, message[name]) for name, (field, read) in NARROWINGS.items() if name in message},
        origin=origin,
    )


def from_cos(record: Mapping[str, Any], origin: str, intake: Intake) -> Iterator[Ask]:
    """
    A record of COS's own event. Only a completed multipart upload is of interest, and not among our own reports.

    A report that led to another report would do so for ever.
    """
    event = record.get("event")
    name = event.get("eventName") if isinstance(event, dict) else None
    if not isinstance(name, str) or not name:
        raise Refusal(f"the COS event's `eventName` is {kind_of(name)}, not the name of an event")
    if name != COMPLETED:
        intake.ignored.append(Ignored(f"the COS event is {name[:80]!r}, not {COMPLETED}", origin))
        return
    place, thing = record["cos"].get("cosBucket"), record["cos"].get("cosObject")
    if not isinstance(place, dict) or not isinstance(thing, dict):
        raise Refusal("the COS event has no `cosBucket` or no `cosObject`")
    name, appid = _plain(place, "name"), _plain(place, "appid")
    bucket = name if name.endswith(f"-{appid}") else f"{name}-{appid}"
    keys = _object_keys(thing, appid, name)
    if all(_is_ours(bucket, key, intake.reports) for key in keys):
        intake.ignored.append(Ignored("the object lies where this function keeps its reports", origin))
        return
    yield Superseded(bucket, keys[0], _event_time(event), origin, keys[1:])


def _is_ours(bucket: str, key: str, reports: ReportPlace | None) -> bool:
    return reports is not None and bucket == reports.bucket.name and key.startswith(reports.prefix)


def _plain(place: Mapping[str, Any], name: str) -> str:
    value = place.get(name, "")
    if not isinstance(value, (str, int)):
        raise Refusal(f"the COS event's `{name}` is {kind_of(value)}, not a string")
    return str(value)


def parse_json(text: str) -> Any:
    """JSON as the standard has it, of no more than MAX_VALUES values, and with one meaning only; a BOM is skipped."""
    if _separators(text) >= MAX_VALUES and _separators_between_texts(text) >= MAX_VALUES:
        raise Refusal(f"the message holds more than {MAX_VALUES} values; send several")
    try:
        text = text.removeprefix(BYTE_ORDER_MARK)
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_name_twice)
    except (ValueError, RecursionError) as exc:
        raise Refusal("the message is not JSON") from exc


def _separators(text: str) -> int:
    return sum(map(text.count, ",[{"))


def _separators_between_texts(text: str) -> int:
    """Commas in a log line are no values: a batch of such lines is not too large for them."""
    plain = text.replace("\\\\", "").replace('\\"', "")
    return _separators(plain) - sum(_separators(match[0]) for match in TEXT.finditer(plain))


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands there twice, and which is meant cannot be told")
    return found


def kind_of(value: object) -> str:
    """What a value is, for a sentence."""
    names: tuple[tuple[type, str], ...] = (
        (bool, "a boolean"),
        (str, "a string"),
        (list, "a list"),
        (dict, "an object"),
    )
    return next((name for type_, name in names if isinstance(value, type_)), "nothing" if value is None else "a number")


def _is_test(message: Mapping[str, Any]) -> bool:
    """A test event names no upload."""
    event = message.get("Event")
    return isinstance(event, str) and bool(TEST_EVENT.fullmatch(event)) and "uploadId" not in map(_field_of, message)


def _one(message: Any, origin: str, _: Intake) -> Iterator[Ask]:
    if not isinstance(message, dict):
        raise Refusal(f"the upload is {kind_of(message)}, not an object")
    yield _upload(message, origin)


def _upload(message: Mapping[str, Any], origin: str) -> AbortUpload:
    given: dict[str | None, list[tuple[str, Any]]] = {}
    for name, value in message.items():
        given.setdefault(_field_of(name), []).append((name, value))
    return AbortUpload(
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
            raise Refusal(f"no `{field}`; an upload is named by `bucket`, `key` and `uploadId`")
        return ""
    for name, value in found:
        if not isinstance(value, str):
            raise Refusal(f"`{name}` is {kind_of(value)}, not a string")
    first, text = found[0]
    for name, value in found:
        if value != text:
            raise Refusal(f"`{first}` and `{name}` disagree")
    if required and not text:
        raise Refusal(f"`{first}` is empty")
    return str(text)


def _strings(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
        raise Refusal(f"`{name}` is not a list of names")
    if sum(map(len, value)) > MAX_NAMES_LENGTH:
        raise Refusal(f"`{name}` is longer than the {MAX_NAMES_LENGTH} characters that a timer's Message has")
    return tuple(dict.fromkeys(value))


def _hours(name: str, value: object) -> timedelta:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1_000_000:
        raise Refusal(f"`{name}` is not a number of hours")
    return timedelta(hours=value)


def _count(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_ABORTS:
        raise Refusal(f"`{name}` is not a whole number from 1 to {MAX_ABORTS}")
    return value


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise Refusal(f"`{name}` is neither true nor false")
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
        raise Refusal("the COS event's `eventTime` is neither a Unix time in seconds nor a timestamp with its offset")
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
        raise Refusal(f"the COS event's key does not begin with {lead[:80]!r}")
    match = AFTER_HOST.match(url) if isinstance(url := thing.get("url"), str) else None
    if len(possible) > 1 and match:
        by_url = {match[1], *_decoded(match[1]), *_decoded(re.split("[?#]", match[1])[0])}
        possible = {one: None for one in possible if one in by_url}
    if not possible:
        raise Refusal("the COS event's key and url cannot be read as the same key")
    return tuple(possible)


def _decoded(text: str) -> tuple[str, ...]:
    """What a text is if it is percent-encoded, and if it is encoded like a form; nothing where it cannot be."""
    if BAD_ESCAPE.search(text) or ALWAYS_ENCODED.search(text):
        return ()
    return unquote(text, errors="surrogateescape"), unquote_plus(text, errors="surrogateescape")
