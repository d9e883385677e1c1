"""
One message → its requests. The form of a message does not depend on the trigger that carries it.

A message names uploads or narrows a timer's sweep. A malformed message raises RequestRejected with a reason; nothing is
guessed. `cos_events` reads COS's own events.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from cos_sweeper.core.errors import RequestRejected
from cos_sweeper.core.json_text import kind_of, parse_json
from cos_sweeper.core.model import AbortRequest, Ignored, RejectedRequest, Request, SweepRequest
from cos_sweeper.core.settings import ReportLocation

MAX_UPLOADS = 10_000
# How many groups of uploads beyond MAX_UPLOADS are reported one by one.
MAX_EXCESS_GROUPS = 20
# A timer's Message has at most 4 KB; only a direct invocation with a timer's event can be longer.
MAX_NAMES_LENGTH = 4096
# The maximum of the setting, too.
MAX_ABORTS = 10**12
# Services send this event when a notification is configured.
TEST_EVENT = re.compile(r"[A-Za-z0-9]+:TestEvent")
# COS and Java use `uploadId`, Python and JavaScript `UploadId`, Go `UploadID`, logs `upload_id`, Java `bucketName`.
# Case, `_` and `-` are ignored.
SPELLINGS = {
    "bucket": "bucket",
    "bucketname": "bucket",
    "key": "key",
    "uploadid": "uploadId",
    "region": "region",
    "regionname": "region",
}
MAX_SPELLING_LENGTH = 16
INVENTORY = "inventory"


@dataclass(slots=True)
class Intake:
    """
    The limits and side results of decoding one event.

    reports: where this function stores its own reports, None if it stores none. remaining: how many more uploads may be
    read. reserved: how many of these are reserved for the records that follow, one each, so that one record cannot use
    up the limit. ignored: records that request nothing. excess: uploads beyond the limit, one rejection for each record
    or group of records.
    """

    reports: ReportLocation | None = None
    remaining: int = MAX_UPLOADS
    reserved: int = 0
    ignored: list[Ignored] = field(default_factory=list)
    excess: list[RejectedRequest] = field(default_factory=list)
    _more: int = 0
    _more_groups: int = 0

    def reserve(self, wanted: int, name: str) -> int:
        """How many of the `wanted` items are read, from the first; the others count as excess. name: of one item."""
        fitting = min(wanted, self.remaining - self.reserved)
        if fitting < wanted and len(self.excess) < MAX_EXCESS_GROUPS:
            items = f"{wanted - fitting} of {wanted} {name.rpartition(' ')[2]}s"
            self.excess.append(_too_many(items, f"{name} {fitting + 1} to {wanted}"))
        elif fitting < wanted:
            self._more += wanted - fitting
            self._more_groups += 1
        return fitting

    def all_excess(self) -> tuple[RejectedRequest, ...]:
        """The rejections of everything beyond the limit: the first groups one by one, the others together."""
        if not self._more_groups:
            return tuple(self.excess)
        items = f"another {self._more} uploads in {self._more_groups} records"
        return (*self.excess, _too_many(items, "further records"))


def _too_many(items: str, origin: str) -> RejectedRequest:
    reason = f"{items} are beyond the limit of {MAX_UPLOADS} uploads in one event; send them in another event"
    return RejectedRequest(reason, origin=origin)


Reader = Callable[[Any, str, Intake], Iterator[Request]]


def collect(read: Reader, items: Sequence[Any], name: str, intake: Intake) -> tuple[Request, ...]:
    """
    Read each record of an event, or each upload of a record. A malformed item does not affect the next one.

    name: of one item, for the origin.
    """
    if not items:
        return (RejectedRequest("the event holds no message"),)
    requests: list[Request] = []
    reserved, fitting = intake.reserved, intake.reserve(len(items), name)
    for number, item in enumerate(items[:fitting], 1):
        intake.reserved = reserved + fitting - number
        requests += read_one(read, item, f"{name} {number}", intake)
    intake.reserved = reserved
    return tuple(requests)


def read_one(read: Reader, item: Any, origin: str, intake: Intake) -> tuple[Request, ...]:
    """Read one item, which may hold several uploads. Never raises: a malformed item becomes a `RejectedRequest`."""
    requests: list[Request] = []
    remaining = intake.remaining
    try:
        # One by one, so that the requests before an error are kept.
        for request in read(item, origin, intake):
            requests.append(request)  # noqa: PERF402
    except RequestRejected as exc:
        requests.append(RejectedRequest(str(exc), origin=origin))
    intake.remaining = remaining - len(requests)
    return tuple(requests)


def from_text(text: Any, origin: str, intake: Intake) -> Iterator[Request]:
    """Read a message that is JSON text."""
    yield from from_message(parse_text(text), origin, intake)


def parse_text(text: Any) -> Any:
    """Parse a message that is JSON text. Raises RequestRejected."""
    if not isinstance(text, str) or not text.strip():
        raise RequestRejected("the message is empty or not text")
    return parse_json(text)


def from_message(message: Any, origin: str, intake: Intake) -> Iterator[Request]:
    """Read a message that names one upload, or a list of them under `uploads`, or requests an inventory."""
    if not isinstance(message, dict):
        raise RequestRejected(f"the message is {kind_of(message)}, not an object")
    if INVENTORY in message:
        yield _inventory(message, origin)
    elif "uploads" not in message:
        if _is_test(message):
            intake.ignored.append(Ignored("a test event", origin))
        else:
            yield _upload(message, origin)
    else:
        uploads = message["uploads"]
        if not isinstance(uploads, list) or not uploads:
            raise RequestRejected("`uploads` is not a list, or it is empty")
        yield from collect(_one, uploads, f"{origin}, upload", intake)


def from_timer(raw: Mapping[str, Any], origin: str) -> SweepRequest:
    """
    Read a timer's `Message`: empty, or a JSON object that narrows the sweep.

    Anything else is rejected: the operator may have meant it to narrow the sweep.
    """
    text = raw.get("Message")
    if text is None or (isinstance(text, str) and not text.strip()):
        return SweepRequest(origin=origin)
    message = parse_json(text) if isinstance(text, str) else text
    if not isinstance(message, dict):
        raise RequestRejected(
            f"the timer's Message is {kind_of(message)}, not a JSON object; leave it empty to sweep everything"
        )
    return _narrowed(message, "the timer's Message", origin)


def _inventory(message: Mapping[str, Any], origin: str) -> SweepRequest:
    """Read a request for an inventory. Nothing but a timer may request a sweep that aborts."""
    request = _narrowed(message, "the message", origin)
    if not request.inventory:
        raise RequestRejected(f"`{INVENTORY}` is not true; only a timer requests a sweep")
    return request


def _narrowed(message: Mapping[str, Any], name: str, origin: str) -> SweepRequest:
    """Read a sweep and what narrows it. name: of the message, for a reason."""
    unknown = next((field for field in message if field not in NARROWINGS), None)
    if unknown is not None:
        raise RequestRejected(
            f"{name} has the unknown field {str(unknown)[:40]!r}; the known fields are {', '.join(NARROWINGS)}"
        )
    return SweepRequest(
        **{field: read(name, message[name]) for name, (field, read) in NARROWINGS.items() if name in message},
        origin=origin,
    )


def _is_test(message: Mapping[str, Any]) -> bool:
    """Whether this is a test event, which names no upload."""
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
    """The field of an upload that a name means, None for other names."""
    if len(name) > MAX_SPELLING_LENGTH or not name.isascii():
        return None
    return SPELLINGS.get(name.lower().replace("_", "").replace("-", ""))


def _field(given: Mapping[str | None, list[tuple[str, Any]]], field: str, *, required: bool = True) -> str:
    found = given.get(field, [])
    if not found:
        if required:
            raise RequestRejected(f"`{field}` is missing; an upload needs `bucket`, `key` and `uploadId`")
        return ""
    for name, value in found:
        if not isinstance(value, str):
            raise RequestRejected(f"`{name}` is {kind_of(value)}, not a string")
    first, text = found[0]
    for name, value in found:
        if value != text:
            raise RequestRejected(f"`{first}` and `{name}` have different values")
    if required and not text:
        raise RequestRejected(f"`{first}` is empty")
    return str(text)


def _strings(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
        raise RequestRejected(f"`{name}` is not a list of strings, or it is empty")
    if sum(map(len, value)) > MAX_NAMES_LENGTH:
        raise RequestRejected(f"`{name}` is longer than {MAX_NAMES_LENGTH} characters, the limit of a timer's Message")
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
    "inventory": ("inventory", _flag),
}
