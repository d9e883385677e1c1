"""
What may be aborted, written a second time: from the design, and without a line of the policy or of the plan.

Prefixes, ages and doubts as sets of reasons. The order in which the function looks for them is its own affair.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

from cos_sweeper.core.model import Bucket, Upload
from tests.fixtures import HOUR, LOGS, PHOTOS

MINUTE = timedelta(minutes=1)
AT_ONCE = timedelta(0)

# COS's clock minus ours, as the responses to List Multipart Uploads and List Parts show it; None where they do not.
Skews = tuple[timedelta | None, timedelta | None]
LEFTOVERS_IDLE = HOUR

OTHERS = Bucket("others-1250000000", "ap-guangzhou")
MISSING = Bucket("missing-1250000000", "ap-guangzhou")
HELD = (PHOTOS, LOGS, OTHERS)


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings as values. buckets: None for `*`."""

    buckets: tuple[Bucket, ...] | None = (PHOTOS, LOGS)
    min_age_hours: int = 72
    min_idle_hours: int = 24
    event_min_idle_minutes: int = 0
    prefixes: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    dry_run: bool = False
    max_aborts: int | None = None
    workers: int = 2
    fan_out: int = 1

    @property
    def names(self) -> frozenset[str]:
        """The allow-list."""
        return frozenset(bucket.name for bucket in (HELD if self.buckets is None else self.buckets))

    @property
    def event_idle(self) -> timedelta:
        """How long an upload must have been idle that an event names."""
        return self.event_min_idle_minutes * MINUTE

    def environ(self) -> dict[str, str]:
        """The same as environment variables."""
        return {
            "BUCKETS": "*" if self.buckets is None else ", ".join(str(bucket) for bucket in self.buckets),
            "MIN_AGE_HOURS": str(self.min_age_hours),
            "MIN_IDLE_HOURS": str(self.min_idle_hours),
            "EVENT_MIN_IDLE_MINUTES": str(self.event_min_idle_minutes),
            "PREFIXES": ",".join(self.prefixes),
            "EXCLUDE_PREFIXES": ",".join(self.excluded),
            "DRY_RUN": str(self.dry_run).lower(),
            "MAX_ABORTS": "none" if self.max_aborts is None else str(self.max_aborts),
            "WORKERS": str(self.workers),
            "FAN_OUT": str(self.fan_out),
        }


@dataclass(frozen=True, slots=True)
class Seen:
    """An upload as COS shows it: times to the second, None where they cannot be read."""

    key: str
    upload_id: str
    initiated: datetime | None
    parts: tuple[datetime | None, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """
    The terms under which one request may abort: a sweep of buckets, one named upload, or the stale siblings of a key.

    prefixes: a key must lie under one of each group. upload: no other. key, before: of this key only, and
    started by then.
    """

    buckets: frozenset[str]
    prefixes: tuple[tuple[str, ...], ...]
    excluded: tuple[str, ...]
    min_age: timedelta
    min_idle: timedelta
    dry_run: bool
    maximum: int | None
    upload: Upload | None = None
    key: str | None = None
    before: datetime | None = None
    unproven_idle: timedelta = AT_ONCE

    def covers(self, upload: Upload) -> bool:
        """Whether the request is about this upload."""
        if upload.bucket.name not in self.buckets:
            return False
        if self.upload is not None:
            return upload == self.upload
        return self.key is None or upload.key.startswith(self.key)

    def lists(self, upload: Upload) -> bool:
        """Whether the request needs a listing that has this upload."""
        asked = upload.key if self.key is None else self.key
        excluded = self.key is not None and asked.startswith(self.excluded)
        is_of_key = self.key is None or upload.key == self.key
        return self.upload is None and self.covers(upload) and is_of_key and self._lets_in(asked) and not excluded

    def is_listed_for(self, bucket: Bucket, prefix: str) -> bool:
        """Whether it is a reason to list; the start of an upload that must be idle is looked up under its key."""
        if bucket.name not in self.buckets:
            return False
        return self.upload is None or (self.upload.key == prefix and bool(self.min_idle))

    def under(self, rules: Rules) -> "Terms":
        """The same under changed settings: a run must respect both."""
        idle = 0 * HOUR if self.upload else LEFTOVERS_IDLE
        floors = AT_ONCE, max(idle, rules.event_idle)
        if self.upload is None and self.key is None:
            floors = rules.min_age_hours * HOUR, rules.min_idle_hours * HOUR
        return replace(
            self,
            buckets=self.buckets & rules.names,
            prefixes=(*self.prefixes, rules.prefixes),
            excluded=(*self.excluded, *rules.excluded),
            min_age=max(self.min_age, floors[0]),
            min_idle=max(self.min_idle, floors[1]),
            unproven_idle=max(self.unproven_idle, rules.min_idle_hours * HOUR),
            dry_run=self.dry_run or rules.dry_run,
            maximum=minimum(self.maximum, rules.max_aborts),
        )

    def why_keep(self, seen: Seen, as_of: datetime, skews: Skews) -> set[str]:
        """All reasons to keep it; there is none if it is abandoned. as_of: by our clock."""
        why = {"under an excluded prefix"} if seen.key.startswith(self.excluded) else set()
        if not self._lets_in(seen.key):
            why.add("outside the prefixes")
        if self.upload is None:
            why |= self._why_young(seen, as_of)
        # A named upload is not listed unless it has no part to go by, and no time matters unless it has to be idle.
        is_listed = self.upload is None or (self.min_idle and not seen.parts)
        reported = skews if is_listed else skews[1:] if self.min_idle else ()
        if any(skew is not None and abs(skew) > 5 * MINUTE for skew in reported):
            why.add("the clocks of the function and of COS differ")
        if any(skew is None for skew in reported):
            why.add("COS sent no readable date")
        return why | self._why_busy(seen, as_of) if self.min_idle else why

    def _lets_in(self, key: str) -> bool:
        return all(not group or key.startswith(group) for group in self.prefixes)

    def _why_young(self, seen: Seen, as_of: datetime) -> set[str]:
        reported = starts(seen)
        if seen.initiated is None:
            return {"its start time cannot be read"}
        why = {"another key"} if self.key is not None and seen.key != self.key else set()
        if max(reported) - min(reported) > HOUR:
            why.add("its start time and the time in its upload id differ")
        if as_of - max(reported) <= self.min_age:
            why.add("started recently")
        if self.before is not None and max(reported) >= min(self.before, as_of):
            why.add("started after the object was completed")
        return why

    def _why_busy(self, seen: Seen, as_of: datetime) -> set[str]:
        known = [part for part in seen.parts if part is not None]
        why = {"the time of a part cannot be read"} if len(known) < len(seen.parts) else set()
        started = starts(seen)
        # The start of an upload that an event names is looked up when there is no part to go by.
        moments = known if self.upload and seen.parts else known + started
        if any(as_of - moment <= self.min_idle for moment in moments):
            why.add("a part arrived recently")
        if self.upload and not seen.parts:
            why |= self._why_young(seen, as_of)
        if self.key is not None and seen.initiated is not None:
            why |= self._why_paused(seen.initiated, max(started), sorted(known), as_of)
        return why

    def _why_paused(self, initiated: datetime, started: datetime, known: list[datetime], as_of: datetime) -> set[str]:
        """
        A stale sibling waits for four times the longest pause of its own parts, or as long as in a sweep.

        Its last sign of life may be the time in its id; a pause may be as long as from the time that is listed.
        """
        last = max([started, *known])
        why: set[str] = set()
        if len(known) < 3 and as_of - last <= self.unproven_idle:
            why.add("it has too few parts to show how long its pauses are")
        moments = sorted([initiated, *known])
        longest = max((later - earlier for earlier, later in pairwise(moments)), default=AT_ONCE)
        if longest and as_of - last <= 4 * longest:
            why.add("its idle time is not much longer than the pauses between its parts")
        return why


def sweep(rules: Rules, narrowing: Mapping[str, Any]) -> Terms | None:
    """What a timer may do; None when it requests more than the settings allow."""
    age, idle = narrowing.get("min_age_hours"), narrowing.get("min_idle_hours")
    maximum, dry = narrowing.get("max_aborts"), narrowing.get("dry_run")
    wanted = tuple(narrowing.get("prefixes", ()))
    wider = [
        age is not None and age < rules.min_age_hours,
        idle is not None and idle < rules.min_idle_hours,
        rules.max_aborts is not None and maximum is not None and maximum > rules.max_aborts,
        rules.dry_run and dry is False,
        any(all(not _meet(one, other) for other in rules.prefixes or ("",)) for one in wanted),
    ]
    if any(wider):
        return None
    return Terms(
        buckets=rules.names & frozenset(narrowing.get("buckets", rules.names)),
        prefixes=(wanted, rules.prefixes),
        excluded=rules.excluded,
        min_age=HOUR * (rules.min_age_hours if age is None else age),
        min_idle=HOUR * (rules.min_idle_hours if idle is None else idle),
        dry_run=rules.dry_run or dry is True,
        maximum=minimum(maximum, rules.max_aborts),
    )


def named(rules: Rules, upload: Upload) -> Terms | None:
    """What an event that names one upload may do; None when it is rejected."""
    if upload.bucket not in (HELD if rules.buckets is None else rules.buckets):
        return None
    if not is_addressable(upload):
        return None
    return replace(_of_an_event(rules), buckets=frozenset([upload.bucket.name]), upload=upload)


def stale_siblings(rules: Rules, bucket: Bucket, key: str, before: datetime) -> Terms | None:
    """What a completed object may lead to; None when it is rejected."""
    if bucket.name not in rules.names or not is_addressable(Upload(bucket, key, "x")):
        return None
    terms = _of_an_event(rules)
    return replace(
        terms,
        buckets=frozenset([bucket.name]),
        key=key,
        before=before,
        min_idle=max(LEFTOVERS_IDLE, terms.min_idle),
        unproven_idle=rules.min_idle_hours * HOUR,
    )


def is_addressable(upload: Upload) -> bool:
    """Whether the SDK would address this upload and nothing else."""
    last = upload.key.split("/")[-1]
    try:
        text = upload.key.encode()
    except UnicodeEncodeError:
        return False
    return (
        bool(text) and text[:1] != b"/" and last not in (".", "..") and bool(re.fullmatch(r"[\w-]+", upload.upload_id))
    )


def starts(seen: Seen) -> list[datetime]:
    """When it began: what the listing says and what its id says, as far as they say anything."""
    return [time for time in (seen.initiated, time_in(seen.upload_id)) if time is not None]


def time_in(upload_id: str) -> datetime | None:
    """The ten digits that an id of COS's usual shape begins with."""
    if len(upload_id) != 74 or not upload_id[:10].isdigit():
        return None
    return datetime.fromtimestamp(int(upload_id[:10]), timezone.utc)


def minimum(*limits: int | None) -> int | None:
    """The lowest of the limits that are set."""
    return min((limit for limit in limits if limit is not None), default=None)


def permits(terms: Iterable[Terms], upload: Upload, seen: Seen, as_of: datetime, skews: Skews) -> bool:
    """Whether any of the requests may abort this upload."""
    return any(one.covers(upload) and not one.dry_run and not one.why_keep(seen, as_of, skews) for one in terms)


def _of_an_event(rules: Rules) -> Terms:
    return Terms(
        buckets=rules.names,
        prefixes=(rules.prefixes,),
        excluded=rules.excluded,
        min_age=AT_ONCE,
        min_idle=rules.event_idle,
        dry_run=rules.dry_run,
        maximum=rules.max_aborts,
    )


def _meet(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)
