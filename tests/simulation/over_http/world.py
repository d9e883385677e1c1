"""
Random worlds as plain values: settings, uploads, and what happens to them in which order.

A world is made whole from its seed before anything is played, so that it can be played again with less in it. `play`
carries it out.
"""

import random
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

PHOTOS = "photos-1250000000@ap-guangzhou"
LOGS = "logs-1250000000@ap-singapore"
BACKUP = "backup-1250000000@ap-guangzhou"
BUCKETS = (PHOTOS, LOGS, BACKUP)
NAMES = tuple(each.partition("@")[0] for each in BUCKETS)

MANY_PARTS = 1003
"""More than one page of List Parts shows."""


@dataclass(frozen=True, slots=True)
class Planted:
    """
    An upload that a client started. Times are hours before the moment at which it is planted.

    parts: when each part arrived. even_parts: so many parts, the last of which arrived at the only time in `parts`.
    id_shift: how many hours the time in the upload id is off; `None` for an id without a time.
    state: "open", "ghost" (gone, but listed), or "completing" with what an abort is answered: "204" or "409".
    """

    number: int
    bucket: str
    key: str
    hours: float
    parts: tuple[float, ...] = ()
    even_parts: int = 0
    part_size: int = 1 << 20
    id_shift: float | None = 0.0
    state: str = "open"

    def __str__(self) -> str:
        times = f"{self.even_parts} parts until" if self.even_parts else "parts"
        shape = {0.0: "", None: ", id without time"}.get(self.id_shift, f", id {self.id_shift} h off")
        state = "" if self.state == "open" else f", {self.state}"
        return f"#{self.number} {self.bucket} {self.key!r}: {self.hours} h, {times} {list(self.parts)} h{shape}{state}"


@dataclass(frozen=True, slots=True)
class Crowd:
    """Many uploads with one part each, which arrived when they started. The key may hold {n}."""

    bucket: str
    key: str
    count: int
    hours: float


@dataclass(frozen=True, slots=True)
class SweepEvent:
    """A timer. narrowing: its Message; `None` in place of it is rejected text."""

    narrowing: dict[str, Any] | None = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NamedEvent:
    """An event that names uploads by their numbers. spelling: "as_is", "percent" or "slash"."""

    door: str
    numbers: tuple[int, ...]
    spelling: str = "as_is"


@dataclass(frozen=True, slots=True)
class CompletedEvent:
    """COS's event that this upload was completed, after it was."""

    number: int


WorldEvent = SweepEvent | NamedEvent | CompletedEvent


@dataclass(frozen=True, slots=True)
class Injected:
    """A fault of COS. number: of the upload at whose key it strikes."""

    fields: dict[str, Any]
    number: int | None = None

    def __str__(self) -> str:
        return f"{self.fields}" + ("" if self.number is None else f" at #{self.number}")


@dataclass(frozen=True, slots=True)
class PlatformFaults:
    """
    What goes wrong on the platform while an event and its chain are handled.

    rejected_invokes: the numbers of the Invoke requests that are rejected. deliveries: how often the accepted
    checkpoints are delivered, in order; once after the end of that. settings: changes before the n-th run of the chain.

    Where the function is deployed: kills is the number of instances that are killed, duplicate and lose are the
    probabilities of what happens to accepted events.
    """

    rejected_invokes: tuple[int, int] = (0, 0)
    deliveries: tuple[int, ...] = ()
    settings: tuple[tuple[int, tuple[tuple[str, str], ...]], ...] = ()
    reverse: bool = False
    kills: int = 0
    duplicate: float = 0.0
    lose: float = 0.0

    @property
    def is_none(self) -> bool:
        """Whether everything goes well."""
        return self == PlatformFaults()


@dataclass(frozen=True, slots=True)
class Step:
    """
    One event, and how COS and the platform behave meanwhile.

    clock_minutes: how far COS's clock is ahead of the function's. seconds: the function's time limit. crowds: many
    uploads of the same kind, with {n} in their keys.
    """

    event: WorldEvent
    plant: tuple[Planted, ...] = ()
    crowds: tuple["Crowd", ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    faults: tuple[Injected, ...] = ()
    platform_faults: PlatformFaults = PlatformFaults()
    dialect: tuple[tuple[str, Any], ...] = ()
    gone_markers: str = "accept"
    clock_minutes: float = 0.0
    seconds: float = 60


@dataclass(frozen=True, slots=True)
class World:
    """Everything that happens. settings: those that are not named are unset."""

    seed: int
    settings: tuple[tuple[str, str], ...]
    steps: tuple[Step, ...]
    kind: str = "usual"


# Making one up

KEYS = (
    "raw/cat.mov",
    "raw/2026/dog 1.mov",
    "raw/a+b.bin",
    "raw/100%25.mp4",
    "raw/100%.mp4",
    "tmp/x",
    "tmp/x/y",
    "tmp//double",
    "new/今日.mov",
    unicodedata.normalize("NFC", "café/menu.pdf"),
    unicodedata.normalize("NFD", "café/menu.pdf"),
    unicodedata.normalize("NFD", "naïve/é.bin"),
    "keep/this.bin",
    "keep",
    "out/_temporary/0/part-0001",
    "out/__magic/job/part-0002",
    "a",
    "a/",
    "aa",
    "q?x=1&y=<2>#'\"",
    "🚀/launch.bin",
    "end~.-_",
    "tab\there",
)
DOORS = ("direct", "ckafka", "http", "eventbridge", "cmq")
WIDE_SETTINGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("MIN_AGE_HOURS", ("", "168", "72", "24", "240")),
    ("MIN_IDLE_HOURS", ("", "72", "24", "1", "100")),
    ("EVENT_MIN_IDLE_MINUTES", ("", "", "0", "30", "180")),
    ("PREFIXES", ("", "", "", "", "", "raw/,tmp/,new/", "raw/")),
    ("EXCLUDE_PREFIXES", ("", "", "", "keep/", unicodedata.normalize("NFC", "café/"), "keep,naïve/")),
    ("EXCLUDE_BUCKETS", ("", "", "", "", "", "logs-1250000000")),
    ("BUCKETS", (f"{PHOTOS},{LOGS}", f"{PHOTOS},{LOGS}", PHOTOS, "*")),
    ("MAX_ABORTS", ("", "", "", "none", "3", "7", "20", "1")),
    ("DRY_RUN", ("false",) * 18 + ("true", "")),
    ("WORKERS", ("", "1", "4")),
    ("FAN_OUT", ("", "", "", "2", "4")),
    ("VERIFY", ("", "", "all", "none")),
    ("INCLUDE_COMMITTERS", ("", "", "", "true")),
    ("REPORT", ("", "", f"{PHOTOS}/sweeper-reports")),
)
SETTINGS = tuple(name for name, _ in WIDE_SETTINGS)
"""All that worlds set. What a world leaves out is unset."""
LIMIT_HOURS = {"MIN_AGE_HOURS": 168.0, "MIN_IDLE_HOURS": 72.0}
NEAR = (-0.033, 0.033, -0.3, 0.3)
"""How far from a limit things happen that are to be told apart, in hours; 0.033 are two minutes."""

TIME_FORMS: tuple[Any, ...] = (
    None,
    {"format": "%a %b %d %H:%M:%S %Y", "zone_hours": 8},
    {"format": "%a %b %d %H:%M:%S %Y"},
    {"format": "%Y-%m-%dT%H:%M:%S"},
    {"format": "%Y-%m-%dT%H:%M:%S", "zone_hours": 8},
    {"format": "%Y-%m-%dT%H:%M:%S.%f%:z", "zone_hours": 8},
    {"format": "%Y-%m-%dT%H:%M:%S%:z", "zone_hours": -7},
    {"format": "%Y-%m-%dT%H:%M:%S.%fZ", "fraction_digits": 6},
    {"format": "%Y-%m-%dT%H:%M:%S.%f+8", "zone_hours": 8},
    {"format": "%d/%m/%Y %H:%M", "zone_hours": 8},
    {"format": "%s"},
    "",
    "yesterday",
    "2026-02-30T10:00:00.000Z",
)
SURE_FORMS = 5
"""The first so many are documented, or have no zone."""
PART_TIME_FORMS: tuple[Any, ...] = (
    {"format": "%Y-%m-%dT%H:%M:%S.%fZ", "fraction_digits": 6},
    {"format": "%Y-%m-%dT%H:%M:%S"},
    {"format": "%a %b %d %H:%M:%S %Y", "zone_hours": 8},
    "",
    "soon",
)
GARBAGE = ("control_characters", "unknown_elements", "initiator_without_id", "max_uploads", "namespace", "bare")
ENCODINGS = ("once_unannounced", "plain", "plain_announced", "twice", "plus")
ERRORS = (
    (503, "SlowDown"),
    (503, "ServiceUnavailable"),
    (500, "InternalError"),
    (400, "RequestTimeout"),
    (403, "AccessDenied"),
    (403, "RequestTimeTooSkewed"),
    (403, "InvalidAccessKeyId"),
    (400, "ExpiredToken"),
    (409, "OperationAborted"),
    (404, "NoSuchUpload"),
    (404, "NoSuchBucket"),
)
OPERATIONS = ("ListMultipartUploads", "ListParts", "AbortMultipartUpload")


KINDS = ("usual", "late", "short", "paged", "deployed")
"""
late: with waits of several seconds, without which old evidence cannot be seen. short: with short time limits. paged:
with more uploads than one page of a listing shows. deployed: with instances that are processes and are killed.
"""


def make_world(seed: int, kind: str = "usual", *, steps: int = 4) -> World:
    """Make a world up, of one of `KINDS`."""
    maker = _PlanBuilder(random.Random(seed), kind)
    settings = maker.settings()
    made = tuple(maker.step(settings) for _ in range(steps if kind == "usual" else 1))
    return World(seed, tuple(settings.items()), made, kind)


class _PlanBuilder:
    """Makes the pieces of a world up."""

    def __init__(self, chance: random.Random, kind: str) -> None:
        self._chance = chance
        self._kind = kind
        self._uploads: list[Planted] = []

    def settings(self) -> dict[str, str]:
        chosen = {name: self._chance.choice(values) for name, values in WIDE_SETTINGS}
        return (
            chosen
            if self._kind == "usual"
            else {name: chosen[name] for name in ("MIN_AGE_HOURS", "FAN_OUT")}
            | {
                "BUCKETS": f"{PHOTOS},{LOGS}",
                "DRY_RUN": "false",
                "WORKERS": "1" if self._kind == "short" else "",
            }
        )

    def step(self, settings: dict[str, str]) -> Step:
        match self._kind:
            case "late":
                return self._late_step(settings)
            case "short":
                return self._short_step(settings)
            case "paged":
                return self._paged_step(settings)
            case "deployed":
                return self._deployed_step(settings)
        chance = self._chance
        clock = chance.choice((0.0,) * 10 + (4.0, -4.0, 4.0, -4.0, 6.0, -6.0))
        plant = self._plant(settings, chance.randint(4, 12))
        event = self._event()
        calm = chance.random() < 0.3
        return Step(
            event=event,
            plant=plant,
            settings=() if calm or chance.random() < 0.7 else self._changes(),
            faults=() if calm else self._faults(),
            platform_faults=PlatformFaults() if calm else self._platform_faults(),
            dialect=self._dialect(),
            gone_markers=chance.choice(("accept", "accept", "refuse", "refuse_without_uploads", "restart_key")),
            clock_minutes=clock,
        )

    def _late_step(self, settings: dict[str, str]) -> Step:
        """A part arrives at an abandoned upload, and the request takes seven seconds: what was seen is old then."""
        chance = self._chance
        plant = self._plant(settings, 3)
        shape = chance.choice(("late refusal", "late first page", "late last page", "late response"))
        old = float(settings["MIN_AGE_HOURS"] or LIMIT_HOURS["MIN_AGE_HOURS"]) + 100
        aim = Planted(
            len(self._uploads), NAMES[0], "raw/late.mov", old, (old - 1,), MANY_PARTS if "page" in shape else 2
        )
        part = {"when": "after" if shape == "late response" else "before", "number": 1}
        fields: dict[str, Any] = {"operation": "ListParts", "part": part, "delay_ms": 7000, "count": 1}
        if shape == "late refusal":
            fields |= {"operation": "AbortMultipartUpload", "status": 503, "code": "SlowDown"}
        if shape == "late last page":
            fields["skip"] = 1
        return Step(SweepEvent(), (*plant, aim), faults=(Injected(fields, aim.number),))

    def _short_step(self, settings: dict[str, str]) -> Step:
        """Every response is late, and the time limit is short: a chain of several runs."""
        chance = self._chance
        age = float(settings["MIN_AGE_HOURS"] or LIMIT_HOURS["MIN_AGE_HOURS"]) + 100
        plant = tuple(
            replace(each, bucket=NAMES[0], key=f"raw/{each.number}", hours=age, parts=(age - 1,), state="open")
            if chance.random() < 0.6
            else each
            for each in self._plant(settings, chance.randint(25, 40))
        )
        faults = tuple(self._fault() for _ in range(chance.randint(0, 2)))
        return Step(
            SweepEvent(),
            plant,
            faults=(*faults, Injected({"delay_ms": 150})),
            platform_faults=self._platform_faults(),
            gone_markers=chance.choice(("accept", "refuse", "restart_key")),
            seconds=chance.choice((3, 4)),
        )

    def _paged_step(self, settings: dict[str, str]) -> Step:
        """More uploads than a page shows, abandoned ones at the places where pages end."""
        chance = self._chance
        old = float(settings["MIN_AGE_HOURS"] or LIMIT_HOURS["MIN_AGE_HOURS"]) + 100
        young, abandoned = chance.choice(((990, 30), (1990, 30), (500, 1005), (0, 1005)))
        key = chance.choice(("m {n:04}", "m+{n:04}", "m%{n:04}", "m%2F{n:04}", "今/{n:04}", "same"))
        crowds = (Crowd(NAMES[0], "lively/{n:04}", young, 3.0), Crowd(NAMES[0], key, abandoned, old))
        return Step(
            SweepEvent(),
            self._plant(settings, 5),
            crowds,
            faults=() if chance.random() < 0.5 else (self._fault(),),
            dialect=() if chance.random() < 0.5 else (("encoding", chance.choice(ENCODINGS)),),
            gone_markers=chance.choice(("accept", "refuse", "refuse_without_uploads", "restart_key")),
        )

    def _deployed_step(self, settings: dict[str, str]) -> Step:
        """As a short step, with a platform that kills."""
        chance = self._chance
        platform_faults = PlatformFaults(
            settings=((chance.randint(1, 3), self._changes()),) if chance.random() < 0.4 else (),
            kills=chance.choice((0, 1, 2, 4)),
            duplicate=chance.choice((0.0, 0.0, 0.4)),
            lose=chance.choice((0.0, 0.0, 0.0, 0.3)),
        )
        return replace(self._short_step(settings), platform_faults=platform_faults, seconds=chance.choice((4, 6)))

    def _changes(self) -> tuple[tuple[str, str], ...]:
        changed = self._chance.sample(WIDE_SETTINGS, 2)
        return tuple((name, self._chance.choice(values)) for name, values in changed)

    # Uploads

    def _plant(self, settings: dict[str, str], count: int) -> tuple[Planted, ...]:
        limits = {name: float(settings.get(name) or usual) for name, usual in LIMIT_HOURS.items()}
        planted = [self._upload(limits["MIN_AGE_HOURS"], limits["MIN_IDLE_HOURS"]) for _ in range(count)]
        return tuple(planted)

    def _upload(self, min_age: float, min_idle: float) -> Planted:
        chance = self._chance
        near = chance.choice(NEAR)
        age = chance.choice((min_age + near,) * 2 + (min_age + 200,) * 3 + (min_age + 500, min_age + 20, 5.0, 2.0, 0.5))
        many = chance.random() < 0.04
        parts = self._parts(age, min_idle)
        upload = Planted(
            number=len(self._uploads),
            bucket=chance.choice((NAMES[0],) * 5 + (NAMES[1],) * 3 + (NAMES[2],)),
            key=self._key(),
            hours=round(age, 3),
            parts=parts[-1:] if many else parts,
            even_parts=MANY_PARTS if many and parts else 0,
            part_size=chance.choice((1 << 20, 5 << 20, 1)),
            id_shift=chance.choice((0.0,) * 24 + (None, None, 0.5, -0.5, 0.5, -0.5, 3.0, -3.0, -8.0)),
            state=chance.choice(("open",) * 48 + ("ghost", "204", "409")),
        )
        self._uploads.append(upload)
        return upload

    def _key(self) -> str:
        chance = self._chance
        key = chance.choice(KEYS)
        # Several uploads of one key, and keys of their own.
        return key if chance.random() < 0.6 else f"{key}.{chance.randint(0, 99)}"

    def _parts(self, age: float, min_idle: float) -> tuple[float, ...]:
        """When parts arrived: oldest first, as hours before now."""
        chance = self._chance
        near = chance.choice(NEAR)
        last = chance.choice((0.05, 1.1, min_idle + near, min_idle + 30, min_idle + 30, age * 0.9, age * 0.9))
        last = min(last, age)
        match chance.randrange(6):
            case 0:
                times: Sequence[float] = ()
            case 1:
                times = (last,)
            case 2:
                times = (min(age, last + 0.1), last)
            case 3:  # slow and steady
                pause = chance.choice((0.2, 0.6, 1.0, 5.0))
                times = [last + pause * step for step in range(5) if last + pause * step <= age][::-1]
            case 4:  # a long pause at the beginning
                times = [last + 0.1 * step for step in range(4) if last + 0.1 * step <= age][::-1]
            case _:  # any
                times = sorted((chance.uniform(last, age) for _ in range(chance.randint(0, 4))), reverse=True)
                times = [*times, last]
        return tuple(round(each, 3) for each in times)

    # Events

    def _event(self) -> WorldEvent:
        chance = self._chance
        kind = chance.random()
        if kind < 0.55:
            return SweepEvent(self._narrowing())
        open_numbers = [each.number for each in self._uploads if each.state != "ghost" or chance.random() < 0.3]
        if kind < 0.85:
            numbers = chance.sample(open_numbers, min(len(open_numbers), chance.randint(1, 6)))
            spelling = chance.choice(("as_is", "as_is", "as_is", "percent", "slash"))
            return NamedEvent(chance.choice(DOORS), tuple(numbers), spelling)
        # One that shares its key with others tests more.
        keys = [(each.bucket, each.key) for each in self._uploads]
        shared = [each.number for each in self._uploads if keys.count((each.bucket, each.key)) > 1]
        return CompletedEvent(chance.choice(shared or open_numbers))

    def _narrowing(self) -> dict[str, Any] | None:
        chance = self._chance
        if chance.random() < 0.6:
            return {}
        if chance.random() < 0.1:
            return None
        wide: dict[str, Any] = {
            "buckets": [NAMES[0]],
            "prefixes": ["raw/"],
            "min_age_hours": chance.choice((300, 1000, 30)),
            "min_idle_hours": chance.choice((100, 2)),
            "max_aborts": chance.choice((1, 2)),
            "dry_run": True,
        }
        name = chance.choice(list(wide))
        return {name: wide[name]}

    # What goes wrong

    def _dialect(self) -> tuple[tuple[str, Any], ...]:
        chance = self._chance
        kind = chance.random()
        if kind < 0.55:
            return ()
        if kind < 0.72:
            forms = TIME_FORMS if chance.random() < 0.4 else TIME_FORMS[:SURE_FORMS]
            return (("initiated", chance.choice(forms)),)
        if kind < 0.80:
            return (("last_modified", chance.choice(PART_TIME_FORMS)),)
        if kind < 0.90:
            return (("garbage", sorted(chance.sample(GARBAGE, 2))),)
        return (("encoding", chance.choice(ENCODINGS)),)

    def _faults(self) -> tuple[Injected, ...]:
        return tuple(self._fault() for _ in range(self._chance.randint(0, 3)))

    def _fault(self) -> Injected:
        chance = self._chance
        operation = chance.choice(OPERATIONS)
        fields: dict[str, Any] = {"operation": operation}
        number = None
        times = chance.choice((1, 1, 2, 4, 8, None))
        match chance.randrange(10):
            case 0 | 1:  # a part arrives
                number = chance.choice(self._uploads).number
                fields["operation"] = chance.choice(("ListParts", "AbortMultipartUpload"))
                fields["part"] = {"when": chance.choice(("before", "after")), "size": chance.choice((1, 1 << 20))}
                times = chance.choice((1, 1, 1, 2))
                fields["skip"] = chance.choice((0, 0, 1, 2))
            case 2:  # 204 without effect
                fields = {"operation": "AbortMultipartUpload", "ignore": True}
                number = chance.choice((None, chance.choice(self._uploads).number))
            case 3 | 4:
                fields["status"], fields["code"] = chance.choice(ERRORS)
                number = chance.choice((None, None, chance.choice(self._uploads).number))
            case 5:
                fields["reset"] = chance.choice(("before", "after"))
            case 6:
                fields["body"] = chance.choice(("truncated", "malformed", "foreign", "empty"))
            case 7:
                fields["date"] = chance.choice(("missing", "unreadable"))
            case 8:
                fields["date_offset_seconds"] = chance.choice((240, -240, 400, -400, 7200, -7200))
            case _:
                fields["status"], fields["code"] = chance.choice(ERRORS[:3])
                fields["probability"] = 0.3
        if times is not None:
            fields["count"] = times
        fields.setdefault("skip", chance.choice((0, 0, 0, 1, 3)))
        return Injected(fields, number if fields["operation"] != "ListMultipartUploads" else None)

    def _platform_faults(self) -> PlatformFaults:
        chance = self._chance
        rejected = chance.choice(((0, 0), (0, 0), (0, 0), (0, 1), (1, 3), (1, 99)))
        deliveries = tuple(chance.choice((1, 1, 1, 1, 2, 0)) for _ in range(8)) if chance.random() < 0.4 else ()
        changes = ((chance.randint(1, 3), self._changes()),) if chance.random() < 0.4 else ()
        return PlatformFaults(rejected, deliveries, changes, reverse=chance.random() < 0.3)
