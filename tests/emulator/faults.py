"""
Faults that tests ask for: which requests they strike, how often, and what they do to them.

Deciding only; `delivery` carries the effects out on the wire.
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from tests.emulator.bucket import MAX_PART_NUMBER
from tests.emulator.errors import CosError
from tests.emulator.fields import BadInput, Fields
from tests.emulator.table import OPERATIONS

MANGLINGS = ("truncated", "malformed", "foreign", "empty", "endless", "drip", "silent")
BLOWS = ("expire", "kill")
DATES = ("missing", "unreadable")
LATE_PARTS = ("lost", "revives", "stays")
"""What can become of a part that arrives after its upload is gone: nothing, the upload is there again with this part
only, or the part takes up room and no operation shows it."""
PARTLESS = OPERATIONS - {
    "UploadPart",
    "UploadPartCopy",
    "ListParts",
    "CompleteMultipartUpload",
    "AbortMultipartUpload",
}
"""Operations whose requests name no upload."""
HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+: [^\x00-\x08\x0a-\x1f\x7f\ud800-\udc7f\udd00-\udfff]*")
"""A header line: no control characters, and of what is not UTF-8 only what stands for a byte."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with an error instead of doing anything."""

    error: CosError


@dataclass(frozen=True, slots=True)
class Reset:
    """Reset the connection without an answer, before or after doing what was asked."""

    after: bool


@dataclass(frozen=True, slots=True)
class Mangle:
    """Do what was asked, or reject it if an error is given, and spoil the answer's body."""

    how: str
    drip_ms: int = 100
    error: CosError | None = None


@dataclass(frozen=True, slots=True)
class Raw:
    """Answer with this literally, without doing anything."""

    body: str
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Redirect:
    """Point somewhere else, without doing anything."""

    location: str
    status: int = 307


Effect = Refuse | Reset | Mangle | Raw | Redirect


@dataclass(frozen=True, slots=True)
class ArrivingPart:
    """
    A part that arrives before or after the request is carried out; "before" is also before the fault's delay.

    It arrives at the upload of the given key and upload id or, without them, at the one that the request names. number:
    `None` for the next free one. if_gone: what becomes of it where that upload was there when the request came and is
    gone when the part arrives; if the upload was gone before, the part is lost.
    """

    after: bool
    number: int | None = None
    size: int = 1 << 20
    key: str = ""
    upload_id: str = ""
    if_gone: str = "lost"


@dataclass(frozen=True, slots=True)
class Fault:
    """
    What to do to requests of an operation (`*`: any), and of a bucket, a key, a key prefix, or a pattern of the whole
    key if given.

    Strikes `count` times, or for ever if that is `None`, after letting `skip` requests through; each time with the
    given probability. Without an effect the truth comes, late.

    ignore: the request is answered as if it were carried out, but it changes nothing.
    date, date_offset: the response has no `Date` ("missing"), one that is no time ("unreadable"), or a shifted one.

    blow: what happens to whoever asks, before anything is done for them: `expire`, all temporary credentials are out of
    date from then on; `kill`, a busy instance of the function is killed.
    """

    operation: str = "*"
    bucket: str | None = None
    key: str | None = None
    key_prefix: str | None = None
    key_pattern: str | None = None
    probability: float = 1.0
    count: int | None = None
    skip: int = 0
    delay_ms: int = 0
    effect: Effect | None = None
    blow: str = ""
    ignore: bool = False
    part: ArrivingPart | None = None
    date: str = ""
    date_offset: timedelta = timedelta()

    @property
    def name(self) -> str:
        """What the journal calls it."""
        if self.effect is not None:
            return type(self.effect).__name__.lower()
        if self.ignore:
            return "ignore"
        if self.part is not None:
            return "part"
        return "date" if self.date or self.date_offset else "delay"

    def matches(self, operation: str, bucket: str, key: str) -> bool:
        """Whether it is about such a request at all."""
        return (
            self.operation in ("*", operation)
            and self.bucket in (None, bucket)
            and self.key in (None, key)
            and key.startswith(self.key_prefix or "")
            and (self.key_pattern is None or re.fullmatch(self.key_pattern, key, re.DOTALL) is not None)
        )


class Faults:
    """
    The faults in force, oldest first. Chance comes from a seeded generator, so a run can be repeated.

    apply_effect: carries out the effect of a fault that strikes.
    """

    def __init__(self) -> None:
        self.apply_effect: Callable[[str], object] = lambda _: None
        self._armed: list[_Armed] = []
        self._random = random.Random(0)
        self._next_id = 1

    def seed(self, seed: int) -> None:
        """Start the chance over."""
        self._random.seed(seed)

    def add(self, fault: Fault) -> int:
        """Put a fault in force; returns its id."""
        self._armed.append(_Armed(self._next_id, fault, fault.skip, fault.count))
        self._next_id += 1
        return self._armed[-1].id

    def clear(self) -> None:
        """Take all faults out of force, and start the chance over."""
        self._armed.clear()
        self._random.seed(0)

    def strike(self, operation: str, bucket: str, key: str) -> Fault | None:
        """The first fault that strikes this request, if any; what it used up is taken off its count."""
        for armed in self._armed:
            if armed.fault.matches(operation, bucket, key) and armed.strikes(self._random):
                if armed.fault.blow:
                    self.apply_effect(armed.fault.blow)
                return armed.fault
        return None


def read_fault(given: object, operations: frozenset[str] = OPERATIONS) -> Fault:
    """Read a fault from JSON; raises `BadInput` with what is wrong. operations: those that it can be about."""
    fields = Fields(given, "a fault")
    operation = fields.choice("operation", "*", *sorted(operations)) or "*"
    probability = fields.number("probability", minimum=0, maximum=1)
    fault = Fault(
        operation=operation,
        bucket=fields.text("bucket"),
        key=fields.text("key"),
        key_prefix=fields.text("key_prefix"),
        key_pattern=_pattern(fields.text("key_pattern")),
        probability=1.0 if probability is None else probability,
        count=fields.whole("count", minimum=1),
        skip=fields.whole("skip") or 0,
        delay_ms=fields.whole("delay_ms") or 0,
        effect=_effect(fields),
        blow=fields.choice("blow", *BLOWS) or "",
        ignore=fields.flag("ignore"),
        part=_part(fields.value("part"), operation),
        date=fields.choice("date", *DATES) or "",
        date_offset=timedelta(seconds=fields.number("date_offset_seconds", minimum=-1e9, maximum=1e9) or 0),
    )
    fields.reject_unknown()
    return _checked(fault)


def _checked(fault: Fault) -> Fault:
    """A fault that does something, and whose fields agree with each other."""
    if fault.effect is None and not fault.delay_ms and not fault.blow and fault.name == "delay":
        raise BadInput(
            "a fault needs an effect: status and code, delay_ms, reset, body, raw, redirect, blow, ignore, part, date"
            " or date_offset_seconds"
        )
    if fault.date and fault.date_offset:
        raise BadInput("a fault has one of date and date_offset_seconds")
    carried_out = isinstance(fault.effect, Reset) or (isinstance(fault.effect, Mangle) and fault.effect.error is None)
    if fault.ignore and not (fault.effect is None or carried_out):
        raise BadInput("a fault: 'ignore' needs a request that is carried out, and this one is not")
    return fault


@dataclass(slots=True)
class _Armed:
    """A fault in force, and how much of it is left."""

    id: int
    fault: Fault
    skip: int
    left: int | None = field(default=None)

    def strikes(self, chance: random.Random) -> bool:
        if self.left == 0 or (self.fault.probability < 1 and chance.random() >= self.fault.probability):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.left is not None:
            self.left -= 1
        return True


def _pattern(text: str | None) -> str | None:
    try:
        re.compile(text or "")
    except re.error as exc:
        raise BadInput("a fault: 'key_pattern' must be a regular expression") from exc
    return text


def _effect(fields: Fields) -> Effect | None:
    reset = fields.choice("reset", "before", "after")
    how = fields.choice("body", *MANGLINGS)
    drip_ms = fields.whole("drip_ms", minimum=1)
    raw, location = fields.text("raw"), fields.text("redirect")
    status, headers = fields.whole("status", minimum=200, maximum=999), fields.value("headers")
    error = _error(fields, status)
    if sum(each is not None for each in (reset, how, raw, location)) > 1:
        raise BadInput("a fault has one of reset, body, raw and redirect")
    if reset is not None:
        return Reset(after=reset == "after")
    if how is not None:
        return Mangle(how, drip_ms or 100, error)
    if raw is not None:
        return Raw(raw, status or 200, _headers(headers))
    if location is not None:
        _headers({"Location": location})
        return Redirect(location, status or 307)
    return Refuse(error) if error else None


def _part(given: object, operation: str) -> ArrivingPart | None:
    if given is None:
        return None
    fields = Fields(given, "a fault's part")
    when = fields.choice("when", "before", "after")
    if when is None:
        raise BadInput("a fault's part: 'when' is missing")
    size = fields.whole("size")
    key, upload_id = fields.text("key") or "", fields.text("upload_id") or ""
    part = ArrivingPart(
        after=when == "after",
        number=fields.whole("number", minimum=1),
        size=1 << 20 if size is None else size,
        key=key,
        upload_id=upload_id,
        if_gone=fields.choice("if_gone", *LATE_PARTS) or "lost",
    )
    fields.reject_unknown()
    if part.number is not None and part.number > MAX_PART_NUMBER:
        raise BadInput(f"a fault's part: 'number' must be {MAX_PART_NUMBER} or below")
    if bool(key) != bool(upload_id):
        raise BadInput("a fault's part: 'key' and 'upload_id' belong together")
    if operation in PARTLESS and not key:
        raise BadInput(f"a fault's part: {operation} names no upload, so 'key' and 'upload_id' are needed")
    return part


def _error(fields: Fields, status: int | None) -> CosError | None:
    code, message = fields.text("code"), fields.text("message")
    if code is None and (status is None or status < 400):
        return None
    if status is None:
        raise BadInput("a fault: a 'code' needs a 'status'")
    return CosError(status, code or "InternalError", message or "We encountered an internal error. Please try again.")


def _headers(given: object) -> tuple[tuple[str, str], ...]:
    headers = {} if given is None else given
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise BadInput("a fault: 'headers' must be a JSON object of texts")
    if not all(HEADER.fullmatch(f"{name}: {value}") for name, value in headers.items()):
        raise BadInput("a fault: 'headers' has a name or a value that no response can carry")
    return tuple(headers.items())
