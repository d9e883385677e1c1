"""
Faults that tests ask for: which requests they strike, how often, and what they do to them.

Deciding only; `delivery` carries the effects out on the wire.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.cloud.errors import CosError
from tests.cloud.fields import BadInput, Fields
from tests.cloud.routing import OPERATIONS

MANGLINGS = ("truncated", "malformed", "foreign", "empty", "endless", "drip", "silent")
BLOWS = ("expire", "kill")


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
    """Do what was asked, or refuse it if an error is given, and spoil the answer's body."""

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
class Fault:
    """
    What to do to requests of an operation (`*`: any), and of a bucket, key or key prefix if given.

    Strikes `count` times, or for ever if that is `None`, after letting `skip` requests through; each time with the
    given probability. Without an effect the truth comes, late.

    blow: what happens to whoever asks, before anything is done for them: `expire`, all temporary credentials are out of
    date from then on; `kill`, a busy instance of the function is killed.
    """

    operation: str = "*"
    bucket: str | None = None
    key: str | None = None
    key_prefix: str | None = None
    probability: float = 1.0
    count: int | None = None
    skip: int = 0
    delay_ms: int = 0
    effect: Effect | None = None
    blow: str = ""

    def matches(self, operation: str, bucket: str, key: str) -> bool:
        """Whether it is about such a request at all."""
        return (
            self.operation in ("*", operation)
            and self.bucket in (None, bucket)
            and self.key in (None, key)
            and key.startswith(self.key_prefix or "")
        )


class Faults:
    """
    The faults in force, oldest first. Chance comes from a seeded generator, so a run can be repeated.

    deal: carries out the blow of a fault that strikes.
    """

    def __init__(self) -> None:
        self.deal: Callable[[str], object] = lambda _: None
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
                    self.deal(armed.fault.blow)
                return armed.fault
        return None


def read_fault(given: object) -> Fault:
    """Read a fault from JSON; raises `BadInput` with what is wrong."""
    fields = Fields(given, "a fault")
    operation = fields.choice("operation", "*", *sorted(OPERATIONS)) or "*"
    probability = fields.number("probability", least=0, most=1)
    fault = Fault(
        operation=operation,
        bucket=fields.text("bucket"),
        key=fields.text("key"),
        key_prefix=fields.text("key_prefix"),
        probability=1.0 if probability is None else probability,
        count=fields.whole("count", least=1),
        skip=fields.whole("skip") or 0,
        delay_ms=fields.whole("delay_ms") or 0,
        effect=_effect(fields),
        blow=fields.choice("blow", *BLOWS) or "",
    )
    fields.done()
    if fault.effect is None and not fault.delay_ms and not fault.blow:
        raise BadInput("a fault needs an effect: status and code, delay_ms, reset, body, raw, redirect or blow")
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


def _effect(fields: Fields) -> Effect | None:
    reset = fields.choice("reset", "before", "after")
    how = fields.choice("body", *MANGLINGS)
    drip_ms = fields.whole("drip_ms", least=1)
    raw, location = fields.text("raw"), fields.text("redirect")
    status, headers = fields.whole("status", least=200), fields.value("headers")
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
        return Redirect(location, status or 307)
    return Refuse(error) if error else None


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
    return tuple(headers.items())
