"""
Which uploads are abandoned.

Values in, values out: no clock, no network, no log. Every verdict carries its reason; in doubt, keep.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from unicodedata import normalize

from cos_sweeper.model import Abort, Keep, Listed, LookAtParts, Part, Verdict

EXCLUDED = "under an excluded prefix"
OUTSIDE = "outside the prefixes"
OTHER_KEY = "another key"
COMMITTERS = "under a committer's path"
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
# Where data frameworks write what a job that may last for days publishes at its end. One path segment each:
COMMITTERS_PATH = re.compile(
    r"(?:^|/)(?:"
    r"__magic(?:_job-[^/]*)?(?:/|\Z)"  # the magic committers of Hadoop's S3A and its kin
    r"|_temporary(?![0-9A-Za-z])"  # Hadoop's FileOutputCommitter and manifest committer, Spark
    r"|\.spark-staging(?![0-9A-Za-z])"  # Spark, where partitions are overwritten
    r"|\.hive-staging(?![0-9A-Za-z])|_task_tmp\.|_tmp\.|-ext-[0-9]{5}(?:/|\Z)"  # Hive
    r"|\.staging_[0-9]"  # Flink's file system tables
    r"|_impala_insert_staging(?:/|\Z)"
    r"|\.distcp\.tmp\."  # Hadoop's DistCp
    r")"
)


@dataclass(frozen=True, slots=True)
class Policy:
    """
    What makes an upload abandoned.

    prefixes: () for all keys. min_age, min_idle: an upload exactly at a limit is kept. min_age does not apply to an
    upload that an event named. only_key, started_before: for the leftovers of a completed object. include_committers:
    whether an upload under a committer's path may be aborted.
    """

    min_age: timedelta
    min_idle: timedelta
    prefixes: tuple[str, ...] = ()
    exclude_prefixes: tuple[str, ...] = ()
    only_key: str | None = None
    started_before: datetime | None = None
    include_committers: bool = False


@dataclass(frozen=True, slots=True)
class Activity:
    """What the parts read so far tell. newest: None when there is no part yet; bytes: of all of them."""

    newest: datetime | None = None
    bytes: int = 0


def keep_by_key(key: str, policy: Policy) -> Keep | None:
    """The cheapest step: what the key alone decides. Excluded prefixes win over everything."""
    if policy.exclude_prefixes and _is_excluded(key, policy.exclude_prefixes):
        return Keep(EXCLUDED)
    if policy.prefixes and not key.startswith(policy.prefixes):
        return Keep(OUTSIDE)
    if policy.only_key is not None and key != policy.only_key:
        return Keep(OTHER_KEY)
    if not policy.include_committers and COMMITTERS_PATH.search(key):
        return Keep(COMMITTERS)
    return None


def _is_excluded(key: str, prefixes: tuple[str, ...]) -> bool:
    """One letter can be written in two ways (NFC, NFD), and who typed the setting cannot see which one a key has."""
    forms = _all_forms(prefixes)
    return key.startswith(forms) or (not key.isascii() and any(one.startswith(forms) for one in _forms(key)))


@lru_cache(maxsize=64)
def _all_forms(prefixes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(form for prefix in prefixes for form in (prefix, *_forms(prefix))))


def _forms(text: str) -> tuple[str, str]:
    return normalize("NFC", text), normalize("NFD", text)


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
