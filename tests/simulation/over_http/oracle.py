"""
A second, deliberately naive opinion on which uploads may be aborted and which must be gone.

It is written from the design's texts alone, without a look at the engine. It judges with hindsight: it knows the true
history of every upload and everything that the server responded. Pure functions over values; no clock, no network.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from urllib.parse import unquote, unquote_plus

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)

EVIDENCE_LIFETIME = 5 * SECOND
"""From the first request of a look to the DELETE."""
CLOCK_TOLERANCE = 5 * MINUTE
ID_TOLERANCE = HOUR
BEIJING = timezone(timedelta(hours=8))
"""The zone in which COS has been seen to write times without one."""
COMPLETED_FLOOR = HOUR
COMMITTER = re.compile(
    r"__magic|__magic_job-.*|_temporary|_temporary-.*|\.spark-staging|\.spark-staging-.*|\.hive-staging|\.hive-staging_hive_.*"
    r"|_task_tmp\..*|_tmp\..*|-ext-10000|\.staging_[0-9]+"
)
"""Directories in which frameworks keep finished uploads open until a job commits, as docs/settings.md lists them."""


# What is true


@dataclass(frozen=True, slots=True)
class Arrival:
    """A part that reached the server."""

    number: int
    size: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Upload:
    """The true history of an upload. arrivals: of all parts, replaced ones among them, in any order."""

    bucket: str
    key: str
    upload_id: str
    started: datetime
    arrivals: tuple[Arrival, ...] = ()
    completing: bool = False


# What the server showed


@dataclass(frozen=True, slots=True)
class Mention:
    """
    A listing that named an upload.

    difference: COS's `Date` minus the function's clock at that response; `None` without a readable `Date`.
    """

    at: datetime
    initiated: str
    difference: timedelta | None


@dataclass(frozen=True, slots=True)
class PartsPage:
    """A 200 of List Parts. parts: the number and the text of LastModified. next_marker: `None` on the last page."""

    arrived: datetime
    answered: datetime
    marker: int
    next_marker: int | None
    parts: tuple[tuple[int, str], ...]
    difference: timedelta | None


@dataclass(frozen=True, slots=True)
class Reported:
    """
    What the server showed of an upload in a chain.

    as_of: the earlier of the function's clock and COS's `Date` at the chain's first response.
    """

    as_of: datetime
    mentions: tuple[Mention, ...] = ()
    pages: tuple[PartsPage, ...] = ()


# What was asked for, and what is allowed


@dataclass(frozen=True, slots=True)
class Rules:
    """Settings. buckets, prefixes: `None` for all. max_aborts: `None` for no limit."""

    buckets: frozenset[str] | None = None
    min_age: timedelta = 168 * HOUR
    min_idle: timedelta = 72 * HOUR
    event_min_idle: timedelta = timedelta(0)
    prefixes: tuple[str, ...] | None = None
    exclude_prefixes: tuple[str, ...] = ()
    exclude_buckets: frozenset[str] = frozenset()
    dry_run: bool = True
    max_aborts: int | None = 10_000
    include_committers: bool = False


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep of whole buckets, narrowed. `None`: not narrowed in that."""

    buckets: frozenset[str] | None = None
    prefixes: tuple[str, ...] | None = None
    min_age: timedelta | None = None
    min_idle: timedelta | None = None
    max_aborts: int | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """An upload as an event names it."""

    bucket: str
    key: str
    upload_id: str


@dataclass(frozen=True, slots=True)
class UploadTarget:
    """An event that names failed uploads, in its own order."""

    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Completed:
    """COS's event that an object was completed."""

    bucket: str
    key: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Nothing:
    """An event that asks for nothing that can be done: rejected, or of no interest."""


Event = Sweep | UploadTarget | Completed | Nothing


# The two questions


@dataclass(frozen=True, slots=True)
class Moment:
    """
    A DELETE that reaches the server.

    latency: how long a request may have been under way. aborted_before: uploads that the event's earlier DELETEs hit.
    """

    at: datetime
    latency: timedelta = timedelta(0)
    aborted_before: int = 0


def may_abort(
    upload: Upload, event: Event, rules: Sequence[Rules], reported: Reported, moment: Moment
) -> tuple[str, ...]:
    """
    Why a DELETE of this upload must not reach the server at this moment; empty when it may.

    rules: those in force now and those with which the chain began; each of them binds.
    """
    reasons = dict.fromkeys(reason for each in rules for reason in _why_keep(upload, event, each, reported, moment))
    return tuple(reasons)


def must_be_gone(
    upload: Upload, event: Event, rules: Sequence[Rules], reported: Reported, aborted: int
) -> tuple[str, ...]:
    """
    Why this upload may still be there after a chain without any fault; empty when it has to be gone.

    The upload is as it was before the chain. rules: all that were in force meanwhile. aborted: uploads that the chain
    aborted. What is within a minute of a limit is left open.
    """
    reasons = dict.fromkeys(reason for each in rules for reason in _excuses(upload, event, each, reported, aborted))
    return tuple(reasons)


def _why_keep(upload: Upload, event: Event, rules: Rules, reported: Reported, moment: Moment) -> Iterable[str]:
    """Every reason under one set of rules."""
    if rules.dry_run:
        yield "DRY_RUN"
    yield from why_out_of_scope(upload.bucket, (upload.key,), rules)
    match event:
        case Nothing():
            yield "nothing was asked for"
        case Sweep():
            yield from _why_not_swept(upload, event, rules)
            narrowed = narrow(rules, event)
            yield from _why_too_young(upload, narrowed.min_age, reported)
            yield from _why_alive(upload, narrowed.min_idle, reported, moment)
            yield from _why_over_limit(narrowed.max_aborts, moment.aborted_before)
        case UploadTarget():
            yield from _why_not_named(upload, event, rules, reported)
            if rules.event_min_idle:
                yield from _why_alive(upload, rules.event_min_idle, reported, moment)
            yield from _why_over_limit(rules.max_aborts, moment.aborted_before)
        case Completed():
            yield from _why_no_leftover(upload, event, reported)
            yield from _why_alive(upload, completed_floor(upload, rules, reported), reported, moment)
            yield from _why_over_limit(rules.max_aborts, moment.aborted_before)


def _excuses(upload: Upload, event: Event, rules: Rules, reported: Reported, aborted: int) -> Iterable[str]:
    """Reasons to be still there, none of which is a fault."""
    # Judged a minute early, and knowing all that came later.
    early = Reported(reported.as_of - MINUTE, reported.mentions, reported.pages)
    # No look follows. Whether there was a look is checked at the DELETE.
    yield from (
        each for each in _why_keep(upload, event, rules, early, Moment(reported.as_of + 24 * HOUR)) if each != NO_LOOK
    )
    if upload.completing:
        yield "a Complete is under way"
    differences = [each.difference for each in reported.mentions] + [each.difference for each in reported.pages]
    if (not isinstance(event, UploadTarget) or rules.event_min_idle) and not all(map(_is_right, differences)):
        yield "the clocks disagreed, or there was no Date, at some response"
    yield from _excuses_of_kind(upload, event, rules, reported)
    narrowed = narrow(rules, event) if isinstance(event, Sweep) else rules
    if narrowed.max_aborts is not None and aborted >= narrowed.max_aborts:
        yield "the limit was reached"


def _excuses_of_kind(upload: Upload, event: Event, rules: Rules, reported: Reported) -> Iterable[str]:
    """Where the texts leave a choice, who keeps data is excused."""
    if not isinstance(event, UploadTarget) and not _is_documented(_initiated(reported)):
        yield "Initiated is in an unusual form"
    if isinstance(event, UploadTarget) and rules.max_aborts is not None:
        first = [each.upload_id for each in event.targets[: rules.max_aborts]]
        if upload.upload_id not in first:
            yield "it may be beyond the first MAX_ABORTS of the event"
    if isinstance(event, Completed):
        # With few parts the texts ask for less than with many.
        last = max((upload.started, *(each.at for each in upload.arrivals)))
        if reported.as_of - last <= 4 * longest_pause(upload.started, upload.arrivals):
            yield "it has not been idle for four of its pauses"


# Scope


def narrow(rules: Rules, sweep: Sweep) -> Rules:
    """The rules of a sweep that asks for less than the settings allow. Scope is checked for both."""
    limits = [each for each in (rules.max_aborts, sweep.max_aborts) if each is not None]
    return Rules(
        min_age=max(rules.min_age, sweep.min_age or rules.min_age),
        min_idle=max(rules.min_idle, sweep.min_idle or rules.min_idle),
        max_aborts=min(limits) if limits else None,
    )


def why_out_of_scope(bucket: str, keys: Sequence[str], rules: Rules) -> Iterable[str]:
    """Why nothing of this bucket, or none of a key's readings, is in reach of these settings."""
    if rules.buckets is not None and bucket not in rules.buckets:
        yield "the bucket is not in BUCKETS"
    if bucket in rules.exclude_buckets:
        yield "the bucket is in EXCLUDE_BUCKETS"
    for key in keys:
        if rules.prefixes is not None and not key.startswith(rules.prefixes):
            yield "the key is under no prefix of PREFIXES"
        if is_excluded(key, rules.exclude_prefixes):
            yield "the key is under a prefix of EXCLUDE_PREFIXES"
        if not rules.include_committers and any(map(COMMITTER.fullmatch, key.split("/")[:-1])):
            yield "the key is under a committer's path"


def is_excluded(key: str, prefixes: Iterable[str]) -> bool:
    """Whether a key is under a prefix, however the two are composed."""
    return any(one.startswith(other) for prefix in prefixes for one in forms(key) for other in forms(prefix))


def forms(text: str) -> frozenset[str]:
    """A text as it is, composed and decomposed."""
    return frozenset((text, unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)))


def _why_not_swept(upload: Upload, sweep: Sweep, rules: Rules) -> Iterable[str]:
    if sweep.dry_run:
        yield "the sweep is a dry run"
    if sweep.buckets is not None and upload.bucket not in sweep.buckets:
        yield "the bucket is not among those of the sweep"
    if sweep.prefixes is not None and not upload.key.startswith(sweep.prefixes):
        yield "the key is under no prefix of the sweep"
    if is_wider(sweep, rules):
        yield "the sweep asks for more than the settings allow"


def is_wider(sweep: Sweep, rules: Rules) -> bool:
    """Whether a sweep asks for what the settings do not allow. Then nothing of it is done."""
    return (
        (sweep.min_age is not None and sweep.min_age < rules.min_age)
        or (sweep.min_idle is not None and sweep.min_idle < rules.min_idle)
        or (sweep.max_aborts is not None and rules.max_aborts is not None and sweep.max_aborts > rules.max_aborts)
        or (sweep.buckets is not None and rules.buckets is not None and not sweep.buckets <= rules.buckets)
    )


def _why_over_limit(limit: int | None, aborted_before: int) -> Iterable[str]:
    if limit is not None and aborted_before >= limit:
        yield "MAX_ABORTS is reached"


# Named uploads


def readings(key: str) -> tuple[str, ...]:
    """What a key in an event can mean, first as it is without one leading slash."""
    given = key[1:] if key.startswith("/") and not key.startswith("//") else key
    return tuple(dict.fromkeys((given, unquote(given), given.replace("+", " "), unquote_plus(given))))


def _why_not_named(upload: Upload, event: UploadTarget, rules: Rules, reported: Reported) -> Iterable[str]:
    positions = [
        position
        for position, each in enumerate(event.targets)
        if (each.bucket, each.upload_id) == (upload.bucket, upload.upload_id) and upload.key in readings(each.key)
    ]
    if not positions:
        yield "the event does not name it"
        return
    given = readings(event.targets[positions[0]].key)
    yield from why_out_of_scope(upload.bucket, given, rules)
    if upload.key != given[0] and not reported.pages:
        yield "another reading of the key was never looked at"
    # What is rejected for its bucket or key may have no place in the order; what is kept has one.
    before = {each for each in event.targets[: positions[0]] if not is_rejected(each, rules)}
    if rules.max_aborts is not None and len(before) >= rules.max_aborts:
        yield "it is beyond the first MAX_ABORTS of the event"


def is_rejected(target: Target, rules: Rules) -> bool:
    """Whether an event asks for an upload where the settings do not allow anything."""
    outside = rules.prefixes is not None and not readings(target.key)[0].startswith(rules.prefixes)
    return outside or (rules.buckets is not None and target.bucket not in rules.buckets)


# Times


ZONED = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):(\d\d))")
ZONELESS = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?")
DOCUMENTED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
SPOKEN = "%a %b %d %H:%M:%S %Y"
ID_WITH_TIME = re.compile(r"(\d{10})[0-9a-f]{64}", re.IGNORECASE)


def start_readings(text: str) -> tuple[datetime, ...]:
    """The moments that a text of Initiated can mean: none when it cannot be read, two when it has no zone."""
    try:
        if found := ZONED.fullmatch(text):
            seconds, _, sign, hours, minutes = found.groups()
            ahead = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
            return (datetime.fromisoformat(seconds).replace(tzinfo=timezone(ahead)),)
        if found := ZONELESS.fullmatch(text):
            local = datetime.fromisoformat(found[1])
        else:
            local = datetime.strptime(text, SPOKEN)
    except ValueError:
        return ()
    return (local.replace(tzinfo=timezone.utc), local.replace(tzinfo=BEIJING))


def judged_start(text: str, upload_id: str) -> datetime | None:
    """
    The latest moment at which an upload may have started; `None` when that is in doubt.

    The time in an upload id may make the upload younger, or doubtful when it is far from every reading.
    """
    possible = start_readings(text)
    if not possible:
        return None
    reported = max(possible)
    found = ID_WITH_TIME.fullmatch(upload_id)
    if found is None:
        return reported
    in_id = datetime.fromtimestamp(int(found[1]), timezone.utc)
    if min(abs(in_id - each) for each in possible) > ID_TOLERANCE:
        return None
    return max(reported, in_id)


def _is_documented(text: str) -> bool:
    """Whether COS's documents show Initiated like this."""
    return bool(DOCUMENTED.fullmatch(text)) or len(start_readings(text)) == 2


def _initiated(reported: Reported) -> str:
    return reported.mentions[-1].initiated if reported.mentions else ""


def _is_right(difference: timedelta | None) -> bool:
    return difference is not None and abs(difference) <= CLOCK_TOLERANCE


def _why_start_in_doubt(upload: Upload, reported: Reported) -> Iterable[str]:
    if not reported.mentions:
        yield "no listing named it"
    elif judged_start(_initiated(reported), upload.upload_id) is None:
        yield "its start is in doubt"
    elif not any(_is_right(each.difference) for each in reported.mentions):
        yield "the clocks disagreed, or there was no Date, when it was listed"


def _why_too_young(upload: Upload, min_age: timedelta, reported: Reported) -> Iterable[str]:
    doubts = tuple(_why_start_in_doubt(upload, reported))
    yield from doubts
    start = judged_start(_initiated(reported), upload.upload_id)
    if not doubts and start is not None and reported.as_of - start <= min_age:
        yield "it is too young"
    if reported.as_of - upload.started <= min_age:
        yield "it is too young in truth"


NO_LOOK = "there was no complete look with right clocks in the last seconds"


def _why_alive(upload: Upload, min_idle: timedelta, reported: Reported, moment: Moment) -> Iterable[str]:
    """Signs of life: real ones, reported ones, or missing fresh evidence."""
    unseen = moment.at - EVIDENCE_LIFETIME - moment.latency
    for arrival in upload.arrivals:
        if reported.as_of - arrival.at <= min_idle and arrival.at < unseen:
            yield "a part arrived recently"
    for page in reported.pages:
        if page.answered <= moment.at:
            yield from _why_page_shows_life(page, min_idle, reported)
    fresh = [page for page in reported.pages if page.arrived >= unseen and page.answered <= moment.at]
    if not is_complete([page for page in fresh if _is_right(page.difference)]):
        yield NO_LOOK
    if not upload.arrivals:
        yield from _why_start_in_doubt(upload, reported)
        start = judged_start(_initiated(reported), upload.upload_id)
        if start is not None and reported.as_of - start <= min_idle:
            yield "it has no part and started recently"


def _why_page_shows_life(page: PartsPage, min_idle: timedelta, reported: Reported) -> Iterable[str]:
    for _, text in page.parts:
        if not DOCUMENTED.fullmatch(text) or not start_readings(text):
            yield "a part's time is not in the documented form"
        elif reported.as_of - start_readings(text)[0] <= min_idle:
            yield "a look showed a recent part"


def is_complete(pages: Sequence[PartsPage]) -> bool:
    """Whether these pages, in whatever order they came, hold a whole list of parts."""
    by_marker = {page.marker: page for page in pages}
    marker: int | None = 0
    for _ in pages:
        page = by_marker.get(marker or 0)
        if page is None:
            return False
        marker = page.next_marker
        if marker is None:
            return True
    return False


# Leftovers of a completed object


def _why_no_leftover(upload: Upload, event: Completed, reported: Reported) -> Iterable[str]:
    if (upload.bucket, upload.key) != (event.bucket, event.key):
        yield "it is of another key"
    doubts = tuple(_why_start_in_doubt(upload, reported))
    yield from doubts
    start = judged_start(_initiated(reported), upload.upload_id)
    if not doubts and start is not None and start >= event.at:
        yield "it did not start before the completed one"
    if upload.started >= event.at:
        yield "it did not start before the completed one, in truth"


def completed_floor(upload: Upload, rules: Rules, reported: Reported) -> timedelta:
    """How long a leftover of a completed object must have been idle."""
    base = max(COMPLETED_FLOOR, rules.event_min_idle)
    if len({arrival.number for arrival in upload.arrivals}) < 3:
        return max(base, rules.min_idle)
    starts = (upload.started, *start_readings(_initiated(reported)))
    return max(base, 4 * max(longest_pause(start, upload.arrivals) for start in starts))


def longest_pause(started: datetime, arrivals: Iterable[Arrival]) -> timedelta:
    """The longest time from one sign of life to the next."""
    moments = sorted([started, *(arrival.at for arrival in arrivals)])
    return max((later - earlier for earlier, later in pairwise(moments)), default=timedelta(0))


# Settings as an operator writes them


@dataclass(frozen=True, slots=True)
class _Texts:
    """Reads settings that are known to be right."""

    environment: dict[str, str] = field(default_factory=dict)

    def number(self, name: str, default: float) -> float:
        return float(self.environment.get(name) or default)

    def listed(self, name: str) -> tuple[str, ...]:
        return tuple(each for each in self.environment.get(name, "").split(",") if each)


def read_rules(environment: dict[str, str]) -> Rules:
    """The rules that these variables set. They must be right: what is wrong in them is for other tests."""
    texts = _Texts(environment)
    buckets = environment.get("BUCKETS", "")
    limit = environment.get("MAX_ABORTS") or "10000"
    return Rules(
        buckets=None if buckets == "*" else frozenset(each.partition("@")[0] for each in buckets.split(",")),
        min_age=texts.number("MIN_AGE_HOURS", 168) * HOUR,
        min_idle=texts.number("MIN_IDLE_HOURS", 72) * HOUR,
        event_min_idle=texts.number("EVENT_MIN_IDLE_MINUTES", 0) * MINUTE,
        prefixes=texts.listed("PREFIXES") or None,
        exclude_prefixes=texts.listed("EXCLUDE_PREFIXES"),
        exclude_buckets=frozenset(each.partition("@")[0] for each in texts.listed("EXCLUDE_BUCKETS")),
        dry_run=(environment.get("DRY_RUN") or "true") != "false",
        max_aborts=None if limit == "none" else int(limit),
        include_committers=environment.get("INCLUDE_COMMITTERS") == "true",
    )
