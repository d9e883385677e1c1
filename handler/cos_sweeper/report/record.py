"""
The record of one upload: a value ↔ one line of JSON.

A key whose bytes are not UTF-8 is written with percent signs, and `key_encoding` says so. A masked key stays masked:
nothing leads from it back to the key.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from urllib.parse import unquote_to_bytes

from cos_sweeper.core import key_text, run_facts
from cos_sweeper.core.model import ListedUpload, RejectedRequest
from cos_sweeper.core.outcomes import Aborted, Deferred, Failed, Kept, Outcome, StillReceiving, name_of

INTENDED = "intended"


@dataclass(frozen=True, slots=True)
class Record:
    """
    One line of the records. The fields are those of the line, in its order.

    key: as COS has it, or its mask; key_encoding: `utf-8`, `percent` for a key that is not UTF-8, `hmac` for a mask.
    bytes, parts, last_part: what the last look at the parts showed, None where they were not all read. outcome:
    `intended` for a record that was made before an abort. verified: as for `Aborted`. at: when the record was made.
    """

    bucket: str
    key: str
    key_encoding: str
    upload_id: str
    bytes: int | None
    parts: int | None
    initiated: datetime | None
    last_part: datetime | None
    initiator: str
    storage_class: str
    outcome: str
    reason: str
    cos_request_id: str
    verified: bool | None
    code: str
    status: int | None
    at: datetime | None
    run: int
    shard: str

    @property
    def upload(self) -> tuple[str, str]:
        """What tells an upload from all others: its bucket and its id."""
        return self.bucket, self.upload_id


FIELDS = tuple(field.name for field in fields(Record))
TIMES = ("initiated", "last_part", "at")
NUMBERS = ("bytes", "parts", "status", "run")
TYPES: dict[str, tuple[type, ...]] = dict.fromkeys(FIELDS, (str,)) | {name: (int, type(None)) for name in NUMBERS}
TYPES |= {"verified": (bool, type(None))}
DEFAULTS: dict[str, Any] = dict.fromkeys(FIELDS, "") | {
    "bytes": None,
    "parts": None,
    "verified": None,
    "status": None,
    "run": 0,
}


@dataclass(frozen=True, slots=True)
class Recording:
    """
    What the records of one run have in common.

    clean: removes secrets from a text. mask: what stands for a key; intents have the key itself, because somebody may
    have to look it up in COS.
    """

    run: int
    shard: str
    clean: Callable[[str], str]
    mask: Callable[[str], str]

    def intent(self, listed: ListedUpload, at: datetime) -> Record:
        """The record of an upload that may be aborted soon."""
        key = self.clean(listed.upload.key)
        return self._record(listed, key, key_text.encoding(key), {"outcome": INTENDED}, at)

    def outcome(self, listed: ListedUpload, outcome: Outcome, at: datetime) -> Record:
        """The record of what happened to an upload."""
        key = self.clean((outcome.upload or listed.upload).key)
        masked = self.mask(key)
        encoding = key_text.encoding(key) if masked == key else key_text.HASHED
        return self._record(listed, masked, encoding, _facts(outcome), at)

    def _record(self, listed: ListedUpload, key: str, encoding: str, facts: dict[str, Any], at: datetime) -> Record:
        return Record(
            bucket=str(listed.upload.bucket),
            key=key,
            key_encoding=encoding,
            upload_id=self.clean(listed.upload.upload_id),
            bytes=facts.get("bytes"),
            parts=facts.get("parts"),
            initiated=listed.initiated,
            last_part=facts.get("last_part"),
            initiator=self.clean(listed.initiator),
            storage_class=listed.storage_class,
            outcome=facts["outcome"],
            reason=facts.get("reason", ""),
            cos_request_id=self.clean(facts.get("cos_request_id", "")),
            verified=facts.get("verified"),
            code=self.clean(facts.get("code", "")),
            status=facts.get("status"),
            at=at,
            run=self.run,
            shard=self.shard,
        )


def _facts(outcome: Outcome) -> dict[str, Any]:
    facts: dict[str, Any] = {"outcome": name_of(outcome)}
    seen = getattr(outcome, "seen", None)
    if seen is not None:
        facts |= {"bytes": seen.bytes, "parts": seen.parts, "last_part": seen.newest}
    elif isinstance(outcome, Aborted):
        facts["bytes"] = outcome.bytes
    match outcome:
        case Kept() | Deferred() | RejectedRequest():
            facts["reason"] = outcome.reason
        case Aborted():
            facts |= {"cos_request_id": outcome.request_id, "verified": outcome.verified}
        case StillReceiving():
            facts["cos_request_id"] = outcome.request_id
        case Failed():
            facts |= {"code": outcome.code, "status": outcome.status, "cos_request_id": outcome.request_id}
        case _:
            pass
    return facts


def line(record: Record) -> bytes:
    """The record as a line, its end included."""
    # One by one: `asdict` copies everything and takes ten times as long.
    flat = {
        "bucket": record.bucket,
        "key": key_text.shown(record.key),
        "key_encoding": record.key_encoding,
        "upload_id": record.upload_id,
        "bytes": record.bytes,
        "parts": record.parts,
        "initiated": _time(record.initiated),
        "last_part": _time(record.last_part),
        "initiator": record.initiator,
        "storage_class": record.storage_class,
        "outcome": record.outcome,
        "reason": record.reason,
        "cos_request_id": record.cos_request_id,
        "verified": record.verified,
        "code": record.code,
        "status": record.status,
        "at": _time(record.at),
        "run": record.run,
        "shard": record.shard,
    }
    text = json.dumps(flat, ensure_ascii=False, separators=(",", ":"))
    # Texts of COS other than the key can hold characters that have no UTF-8.
    return text.encode("utf-8", "replace") + b"\n"


def read(line: bytes | str) -> Record:
    """
    A line → the record. Raises ValueError for what is no record.

    Fields that are missing get a default and unknown ones are ignored: a later version may have written the line.
    """
    try:
        given = json.loads(line)
    except RecursionError as exc:
        raise ValueError("not the record of an upload") from exc
    if not isinstance(given, dict) or not isinstance(given.get("upload_id"), str):
        raise ValueError("not the record of an upload")
    values = DEFAULTS | {name: given[name] for name in FIELDS if given.get(name) is not None}
    if any(not isinstance(values[name], TYPES[name]) for name in FIELDS):
        raise ValueError("a field of the record is of another kind")
    values |= {name: run_facts.moment(values[name]) if values[name] else None for name in TIMES}
    if values["key_encoding"] == key_text.PERCENT:
        values["key"] = unquote_to_bytes(values["key"]).decode("utf-8", "surrogateescape")
    return Record(**values)


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
