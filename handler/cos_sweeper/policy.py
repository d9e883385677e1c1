"""
Which uploads are abandoned.

Values in, values out: no clock, no network, no log. Every verdict carries its reason; in doubt, keep.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from cos_sweeper.model import Abort, Keep, Listed, LookAtParts, Part, Verdict

SPARED = "under a spared prefix"
OUTSIDE = "outside the prefixes"
OTHER_KEY = "another key"
STARTED_LATELY = "started lately"
STARTED_LATER = "started after the object was completed"
AGE_UNKNOWN = "its start cannot be read"
AGE_DISPUTED = "its start and the time in its upload id disagree"
CLOCK_OFF = "our clock and COS's disagree"
PART_LATELY = "a part arrived lately"
PART_UNREADABLE = "the time of a part cannot be read"
IDLE_UNKNOWN = "how long it has been idle cannot be told"

# COS turns requests away whose clock is more than 15 minutes off; ages are in doubt well before that.
CLOCK_TOLERANCE = timedelta(minutes=5)
START_TOLERANCE = timedelta(hours=1)
# Unix seconds of the start, then 64 hexadecimal digits: so in every sample seen, promised nowhere.
TIMED_UPLOAD_ID = re.compile(r"([0-9]{10})[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Policy:
    """
    What makes an upload abandoned.

    prefixes: () for all keys. min_age, min_idle: an upload exactly at a limit is kept. min_age does not apply to an
    upload that an event named. only_key, started_before: for the leftovers of a completed object.
    """

    min_age: timedelta
    min_idle: timedelta
    prefixes: tuple[str, ...] = ()
    spare_prefixes: tuple[str, ...] = ()
    only_key: str | None = None
    started_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Activity:
    """What the parts read so far tell. newest: None when there is no part yet; bytes: of all of them."""

    newest: datetime | None = None
    bytes: int = 0


def keep_by_key(key: str, policy: Policy) -> Keep | None:
    """The cheapest step: what the key alone decides. Spared prefixes win over everything."""
    if any(key.startswith(prefix) for prefix in policy.spare_prefixes):
        return Keep(SPARED)
    if policy.prefixes and not any(key.startswith(prefix) for prefix in policy.prefixes):
        return Keep(OUTSIDE)
    if policy.only_key is not None and key != policy.only_key:
        return Keep(OTHER_KEY)
    return None


def screen(listed: Listed, skew: timedelta | None, policy: Policy, as_of: datetime) -> Keep | LookAtParts:
    """
    The first step: what the listing alone decides, as of a moment the caller chose.

    skew: COS's clock minus ours when the page was read; None, COS did not say, is no reason to doubt.
    """
    kept = keep_by_key(listed.upload.key, policy)
    if kept:
        return kept
    if clock_is_off(skew):
        return Keep(CLOCK_OFF)
    started = _started(listed)
    if isinstance(started, Keep):
        return started
    if as_of - started <= policy.min_age:
        return Keep(STARTED_LATELY)
    if policy.started_before is not None and started >= policy.started_before:
        return Keep(STARTED_LATER)
    return LookAtParts(started)


def clock_is_off(skew: timedelta | None) -> bool:
    """Whether our clock and COS's are so far apart that no age can be trusted."""
    return skew is not None and abs(skew) > CLOCK_TOLERANCE


def time_in(upload_id: str) -> datetime | None:
    """The start of an upload as its id tells it, UTC; None for an id of another shape."""
    match = TIMED_UPLOAD_ID.fullmatch(upload_id)
    return datetime.fromtimestamp(int(match[1]), timezone.utc) if match else None


def add_parts(activity: Activity, parts: Iterable[Part], policy: Policy, as_of: datetime) -> Activity | Keep:
    """Take one page of parts in. A Keep is final: no later page can change it, so the reading may stop."""
    newest, size = activity.newest, activity.bytes
    for part in parts:
        size += part.size
        if part.last_modified is None:
            if policy.min_idle > timedelta(0):
                return Keep(PART_UNREADABLE)
            continue
        if _is_lately(part.last_modified, policy, as_of):
            return Keep(PART_LATELY)
        newest = part.last_modified if newest is None else max(newest, part.last_modified)
    return Activity(newest, size)


def decide(started: datetime | None, activity: Activity, policy: Policy, as_of: datetime) -> Verdict:
    """
    The second step: every part has been read.

    started: None when the start is unknown; without a part to go by, that is a doubt.
    """
    last_seen = max((time for time in (started, activity.newest) if time is not None), default=None)
    if policy.min_idle > timedelta(0):
        if last_seen is None:
            return Keep(IDLE_UNKNOWN)
        if _is_lately(last_seen, policy, as_of):
            return Keep(PART_LATELY)
    return Abort(activity.bytes)


def _is_lately(moment: datetime, policy: Policy, as_of: datetime) -> bool:
    return policy.min_idle > timedelta(0) and as_of - moment <= policy.min_idle


def _started(listed: Listed) -> datetime | Keep:
    """The later of what the listing and the id tell, so that an error makes an upload younger, not older."""
    told = [time for time in (listed.initiated, time_in(listed.upload.upload_id)) if time is not None]
    if not told:
        return Keep(AGE_UNKNOWN)
    if max(told) - min(told) > START_TOLERANCE:
        return Keep(AGE_DISPUTED)
    return max(told)
