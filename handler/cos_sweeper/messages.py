"""
One message → what it asks for: the words that are the same whichever trigger carries them.

Uploads named one by one, a timer's narrowing of a sweep, and COS's own word of a completed object. What is broken
raises Refusal with a reason; nothing is guessed.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import unquote, urlsplit

from cos_sweeper.errors import Refusal
from cos_sweeper.model import AbortUpload, Ask, Refused, Superseded, SweepBuckets

MAX_UPLOADS = 10_000
# A value that is read takes up to thirty times its text; so many take 25 MB at most, and leave twenty to each upload.
MAX_VALUES = 200_000
# A timer's Message has 4 KB at most; only who invokes the function as if a timer did can say more.
MAX_NAMES_LENGTH = 4096
# As for the setting; a checkpoint carries no more.
MAX_ABORTS = 10**12
COMPLETED = "cos:ObjectCreated:CompleteMultipartUpload"

Reader = Callable[[Any, str], Iterator[Ask]]


def collect(items: Iterable[tuple[str, Reader, Any]]) -> tuple[Ask, ...]:
    """Read (origin, reader, material) triples; what one of them cannot use does not stop the next."""
    asks: list[Ask] = []
    for ask in _each(items):
        asks.append(ask)
        if len(asks) > MAX_UPLOADS:
            return (Refused(f"more than {MAX_UPLOADS} uploads in one event; send several", origin=ask.origin),)
    return tuple(asks) or (Refused("the event holds no message"),)


def _each(items: Iterable[tuple[str, Reader, Any]]) -> Iterator[Ask]:
    for origin, read, material in items:
        try:
            yield from read(material, origin)
        except Refusal as exc:
            yield Refused(str(exc), origin=origin)


def from_text(text: Any, origin: str) -> Iterator[Ask]:
    """A message as JSON text."""
    if not isinstance(text, str) or not text.strip():
        raise Refusal("the message is empty or not text")
    yield from from_message(parse_json(text), origin)


def from_message(message: Any, origin: str) -> Iterator[Ask]:
    """One upload, or a list of them under `uploads`: the same for every trigger."""
    if not isinstance(message, dict):
        raise Refusal(f"the message is {kind_of(message)}, not an object")
    if "uploads" not in message:
        yield _upload(message, origin)
        return
    uploads = message["uploads"]
    if not isinstance(uploads, list) or not uploads:
        raise Refusal("`uploads` is not a list with something in it")
    yield from collect((f"{origin}, upload {n}", _one, upload) for n, upload in enumerate(uploads, 1))


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


def from_cos(record: Mapping[str, Any], origin: str) -> Superseded:
    """A record of COS's own event, of which only a completed multipart upload is of use."""
    event = record.get("event")
    name = event.get("eventName") if isinstance(event, dict) else None
    if name != COMPLETED:
        told = repr(name[:80]) if isinstance(name, str) else kind_of(name)
        raise Refusal(f"the COS event is {told}; only {COMPLETED} tells of leftovers")
    place, thing = record["cos"].get("cosBucket"), record["cos"].get("cosObject")
    if not isinstance(place, dict) or not isinstance(thing, dict):
        raise Refusal("the COS event has no `cosBucket` or no `cosObject`")
    name, appid = _plain(place, "name"), _plain(place, "appid")
    bucket = name if name.endswith(f"-{appid}") else f"{name}-{appid}"
    key = _object_key(thing, f"/{appid}/{name}/")
    return Superseded(bucket, key, _event_time(event), origin)


def _plain(place: Mapping[str, Any], name: str) -> str:
    value = place.get(name, "")
    if not isinstance(value, (str, int)):
        raise Refusal(f"the COS event's `{name}` is {kind_of(value)}, not a string")
    return str(value)


def parse_json(text: str) -> Any:
    """JSON as the standard has it, of no more than MAX_VALUES values, and with one meaning only."""
    if sum(map(text.count, ",[{")) >= MAX_VALUES:
        raise Refusal(f"the message holds more than {MAX_VALUES} values; send several")
    try:
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_name_twice)
    except (ValueError, RecursionError) as exc:
        raise Refusal("the message is not JSON") from exc


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


def _one(message: Any, origin: str) -> Iterator[Ask]:
    if not isinstance(message, dict):
        raise Refusal(f"the upload is {kind_of(message)}, not an object")
    yield _upload(message, origin)


def _upload(message: Mapping[str, Any], origin: str) -> AbortUpload:
    return AbortUpload(
        bucket=_field(message, "bucket", "Bucket"),
        key=_field(message, "key", "Key"),
        upload_id=_field(message, "uploadId", "UploadId"),
        region=_field(message, "region", "Region", required=False) or None,
        origin=origin,
    )


def _field(message: Mapping[str, Any], *spellings: str, required: bool = True) -> str:
    found = [message[name] for name in spellings if name in message]
    if not found:
        if required:
            raise Refusal(f"no `{spellings[0]}`; an upload is named by `bucket`, `key` and `uploadId`")
        return ""
    for value in found:
        if not isinstance(value, str):
            raise Refusal(f"`{spellings[0]}` is {kind_of(value)}, not a string")
    if len(set(found)) > 1:
        raise Refusal(f"`{spellings[0]}` and `{spellings[1]}` disagree")
    if required and not found[0]:
        raise Refusal(f"`{spellings[0]}` is empty")
    return str(found[0])


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
    seconds = event.get("eventTime")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < 10**11:
        raise Refusal("the COS event's `eventTime` is not a Unix time in seconds")
    return datetime.fromtimestamp(seconds, timezone.utc)


def _object_key(thing: Mapping[str, Any], lead: str) -> str:
    """
    The key behind `/<appid>/<name>/`. Whether COS URL-encodes it is documented nowhere.

    Where that could matter, the URL in the same event has to prove that the key stands there as it is.
    """
    path = thing.get("key")
    if not isinstance(path, str) or not path.startswith(lead) or len(path) == len(lead):
        raise Refusal(f"the COS event's key does not begin with {lead[:80]!r}")
    key = path[len(lead) :]
    if "%" in key or "+" in key:
        on_the_wire = _path(thing.get("url"))
        if on_the_wire == key or unquote(on_the_wire) != key:
            raise Refusal(
                "whether the COS event's key is URL-encoded cannot be told; a sweep will see to its leftovers"
            )
    return key


def _path(url: object) -> str:
    try:
        return urlsplit(url).path[1:] if isinstance(url, str) else ""
    except ValueError:
        return ""
