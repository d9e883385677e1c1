"""
How COS writes times, keys and what surrounds them: its own way, and ways that a client should survive.

Values only. What the elements are called is `documents`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import lru_cache, partial

from tests.emulator.errors import invalid_argument
from tests.emulator.fields import BadInput, Fields
from tests.emulator.wire import encode

UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f&<>\ufffe\uffff]")

Encoding = Callable[[str], str]
TimeWriter = Callable[[datetime], str]


def text(value: object) -> str:
    """A value as the text of an element. Control characters come as references, as they are: no parser takes most."""
    return UNSAFE.sub(lambda found: f"&#{ord(found[0])};", str(value))


def url(value: str) -> str:
    """A value as `encoding-type=url` gives it."""
    return encode(value, "/-_.~")


ENCODINGS: dict[str, Encoding] = {
    "once": url,
    "once_unannounced": url,
    "plain": text,
    "plain_announced": text,
    "twice": lambda value: url(url(value)),
    "plus": lambda value: url(value).replace("%20", "+"),
}
"""How keys can be written although `encoding-type=url` was asked for. The first is COS's."""
UNANNOUNCED = ("once_unannounced", "plain")
"""Without an Encoding-Type element."""

JUNK = {"control_characters": "\x01\x0b", "control_references": "&#1;&#11;", "invalid_utf8": "\udcff\udcfe"}
"""What can follow the texts of echoed elements and of DisplayName."""
GARBAGE = (*JUNK, "unknown_elements", "initiator_without_id", "max_uploads", "namespace", "bare")
UNKNOWN = '<Surprise kind="new"><Key>other</Key><UploadId>1</UploadId><IsTruncated>true</IsTruncated></Surprise>'
NAMESPACE = ' xmlns="http://www.qcloud.com/document/product/436/7751"'


@lru_cache(maxsize=4096)
def moment(when: datetime) -> str:
    """A time in UTC as listings give it: `2026-03-04T10:01:33.000Z`."""
    return when.strftime("%Y-%m-%dT%H:%M:%S.000Z")


@dataclass(frozen=True, slots=True)
class TimeForm:
    """
    A form of a time: always the same text or, without one, a format in a zone.

    format: as `strftime` has it; `%f` is the fraction with so many digits, `%:z` the offset like +08:00.
    """

    literal: str | None = None
    format: str = "%Y-%m-%dT%H:%M:%S.%fZ"
    zone_hours: float = 0.0
    fraction_digits: int = 3

    def write(self, when: datetime) -> str:
        """The text of an element for a time."""
        if self.literal is not None:
            return text(self.literal)
        local = when.astimezone(timezone(timedelta(hours=self.zone_hours)))
        fraction = f"{local.microsecond:06d}".ljust(self.fraction_digits, "0")[: self.fraction_digits]
        offset = local.strftime("%z")
        form = self.format.replace("%f", fraction).replace("%:z", f"{offset[:3]}:{offset[3:5]}")
        return text(local.strftime(form))


@dataclass(frozen=True, slots=True)
class Dialect:
    """
    How responses are written. A time form that is `None` is COS's.

    The next markers are written in an encoding of their own, or in the "same" as keys. garbage: of `GARBAGE`.
    """

    initiated: TimeForm | None = None
    last_modified: TimeForm | None = None
    encoding: str = "once"
    next_key_marker: str = "same"
    next_upload_id_marker: str = "plain"
    garbage: frozenset[str] = field(default_factory=frozenset)

    def writer(self, encoding_type: str, encoding: str = "same") -> Encoding:
        """How keys, or something else with an encoding of its own, are written for a value of `encoding-type`."""
        if encoding_type not in ("", "url"):
            raise invalid_argument("Invalid Encoding Method specified in Request.")
        return ENCODINGS[self.encoding if encoding == "same" else encoding] if encoding_type else text

    def announced(self, name: str, encoding_type: str) -> tuple[tuple[str, object], ...]:
        """The element that says how keys are written, if there is one."""
        return () if encoding_type and self.encoding in UNANNOUNCED else ((name, encoding_type),)

    def needless(self, *fields: tuple[str, object]) -> tuple[tuple[str, object], ...]:
        """Elements that no client needs."""
        return () if "bare" in self.garbage else fields

    @property
    def junk(self) -> str:
        """What follows echoed texts."""
        return "".join(junk for name, junk in JUNK.items() if name in self.garbage)

    def limit(self, limit: int) -> object:
        """The echoed size of a page."""
        return "abc" if "max_uploads" in self.garbage else limit

    def unknown(self) -> str:
        """An element that no document has."""
        return UNKNOWN if "unknown_elements" in self.garbage else ""

    def attributes(self) -> str:
        """The attributes of the root element."""
        return NAMESPACE if "namespace" in self.garbage else ""

    def people(self, owner: str) -> Callable[[str], str]:
        """How the initiator, of which the URI is given, and the owner are written."""
        if "bare" in self.garbage:
            return lambda _: ""
        owner_element = person("Owner", owner, self.junk)
        if "initiator_without_id" in self.garbage:
            return lambda _: f"<Initiator><DisplayName/></Initiator>{owner_element}"
        junk = self.junk
        return lambda initiator: person("Initiator", initiator, junk) + owner_element


COS = Dialect()


def time_writer(form: TimeForm | None) -> TimeWriter:
    """How times are written in a form, without one in COS's."""
    return moment if form is None else partial(_written, form)


@lru_cache(maxsize=4096)
def person(name: str, uri: str, junk: str = "") -> str:
    """An element about somebody."""
    shown = text(uri)
    return f"<{name}><ID>{shown}</ID><DisplayName>{shown.rpartition('/')[2]}{junk}</DisplayName></{name}>"


def read_dialect(given: object) -> Dialect:
    """Read a dialect from JSON; raises `BadInput` with what is wrong."""
    fields = Fields(given, "a dialect")
    encodings = ("same", *ENCODINGS)
    dialect = Dialect(
        initiated=_time_form(fields.value("initiated"), "initiated"),
        last_modified=_time_form(fields.value("last_modified"), "last_modified"),
        encoding=fields.choice("encoding", *ENCODINGS) or "once",
        next_key_marker=fields.choice("next_key_marker", *encodings) or "same",
        next_upload_id_marker=fields.choice("next_upload_id_marker", *encodings) or "plain",
        garbage=frozenset(fields.texts("garbage") or ()),
    )
    fields.reject_unknown()
    if unknown := sorted(dialect.garbage.difference(GARBAGE)):
        raise BadInput(f"a dialect: 'garbage' has {', '.join(unknown)}; known: {', '.join(GARBAGE)}")
    return dialect


def _time_form(given: object, label: str) -> TimeForm | None:
    if given is None:
        return None
    if isinstance(given, str):
        return TimeForm(literal=given)
    fields = Fields(given, f"a dialect's {label}")
    digits, hours = fields.whole("fraction_digits", maximum=100), fields.number("zone_hours", minimum=-23, maximum=23)
    form = TimeForm(
        format=fields.required("format"), zone_hours=hours or 0.0, fraction_digits=3 if digits is None else digits
    )
    fields.reject_unknown()
    return form


@lru_cache(maxsize=4096)
def _written(form: TimeForm, when: datetime) -> str:
    return form.write(when)
