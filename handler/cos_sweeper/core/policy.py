"""
Which uploads are abandoned.

Values in, values out: no clock, no network, no log. Every verdict carries its reason; in doubt, keep. What is
documented nowhere, such as the time inside an upload id, can keep an upload and is never the reason to abort one.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from itertools import pairwise
from unicodedata import normalize

from cos_sweeper.core import key_readings
from cos_sweeper.core.clock import CLOCK_TOLERANCE
from cos_sweeper.core.model import Abort, Keep, ListedUpload, NeedsParts, Part, Verdict

EXCLUDED = "under an excluded prefix"
OUTSIDE = "outside the prefixes"
OTHER_KEY = "another key"
COMMITTERS = "under a committer's path"
STARTED_LATELY = "started lately"
STARTED_LATER = "started after the object was completed"
AGE_UNKNOWN = "its start cannot be read"
AGE_DISPUTED = "its start and the time in its upload id disagree"
CLOCK_OFF = "our clock and COS's disagree"
CLOCK_UNKNOWN = "COS did not say what time it is"
PART_LATELY = "a part arrived lately"
PART_UNREADABLE = "the time of a part cannot be read"
IDLE_UNKNOWN = "how long it has been idle cannot be told"
PAUSES_LONGER = "its parts came at intervals that its idle time does not exceed clearly"
TOO_FEW_PARTS = "its parts are too few to tell its pauses"
NEW_PART = "a part arrived while it was being looked at"
NOT_LISTED = "the listing does not show it, so its age cannot be told"
# What keeps an upload because something cannot be told, not because it is young or in use.
DOUBTS = (AGE_UNKNOWN, AGE_DISPUTED, CLOCK_OFF, CLOCK_UNKNOWN, PART_UNREADABLE, IDLE_UNKNOWN)

START_TOLERANCE = timedelta(hours=1)
# A stale sibling must be idle for so many times the longest pause between its own parts.
PAUSES = 4
MIN_PARTS_FOR_PAUSES = 3
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
    upload that an event named. include_committers: whether an upload under a committer's path may be aborted.

    only_key, started_before, min_idle_unproven: for the stale siblings of a completed object. They must be idle for
    min_idle and for PAUSES times the longest pause of their own parts; for min_idle_unproven, too, where they have too
    few parts to tell their pauses.
    """

    min_age: timedelta
    min_idle: timedelta
    prefixes: tuple[str, ...] = ()
    exclude_prefixes: tuple[str, ...] = ()
    only_key: str | None = None
    started_before: datetime | None = None
    min_idle_unproven: timedelta = timedelta(0)
    include_committers: bool = False


@dataclass(frozen=True, slots=True)
class Activity:
    """
    What the parts read so far show.

    newest: None when there is no part yet; bytes: of all of them. times: of every part, only where the policy asks for
    pauses.
    """

    newest: datetime | None = None
    bytes: int = 0
    times: tuple[datetime, ...] = ()

    def plus(self, other: "Activity") -> "Activity":
        """What the parts of both show."""
        newest = max((time for time in (self.newest, other.newest) if time is not None), default=None)
        return Activity(newest, self.bytes + other.bytes, self.times + other.times)


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


def keep_by_readings(keys: Sequence[str], policy: Policy) -> Keep | None:
    """
    What the keys alone decide that a text can mean, the likeliest first.

    If any of them is excluded, the upload is kept; it is outside the prefixes only when all of them are.
    """
    verdicts = [keep_by_key(key, policy) for key in keys]
    for verdict in verdicts:
        if verdict is not None and verdict.reason not in (OUTSIDE, OTHER_KEY):
            return verdict
    return verdicts[0] if all(verdict is not None for verdict in verdicts) else None


def prefilter(listed: ListedUpload, skew: timedelta | None, policy: Policy, as_of: datetime) -> Keep | NeedsParts:
    """
    The first step: what the listing alone decides, as of a moment the caller chose.

    skew: COS's clock minus ours when the page was read, None when COS did not say.
    """
    keys = key_readings.of(listed)
    kept = keep_by_key(keys[0], policy) or keep_by_readings(keys, policy) or doubt_of_clock(skew)
    if kept:
        return kept
    started = _started(listed)
    if isinstance(started, Keep):
        return started
    if as_of - started <= policy.min_age:
        return Keep(STARTED_LATELY)
    if policy.started_before is not None and started >= policy.started_before:
        return Keep(STARTED_LATER)
    earliest = listed.earliest or listed.initiated
    return NeedsParts(started, None if earliest == started else earliest)


def doubt_of_clock(skew: timedelta | None) -> Keep | None:
    """Why no age and no idle time can be trusted that comes with this answer, or None when they can be."""
    if skew is None:
        return Keep(CLOCK_UNKNOWN)
    return Keep(CLOCK_OFF) if abs(skew) > CLOCK_TOLERANCE else None


def time_in(upload_id: str) -> datetime | None:
    """The start of an upload as its id tells it, UTC; None for an id of another shape. It may only make it younger."""
    match = TIMED_UPLOAD_ID.fullmatch(upload_id)
    return datetime.fromtimestamp(int(match[1]), timezone.utc) if match else None


def add_parts(activity: Activity, parts: Iterable[Part], policy: Policy, as_of: datetime) -> Activity | Keep:
    """Take one page of parts in. A Keep is final: no later page can change it, so the reading may stop."""
    newest, size, times = activity.newest, activity.bytes, list(activity.times)
    for part in parts:
        size += part.size
        if part.last_modified is None:
            if policy.min_idle:
                return Keep(PART_UNREADABLE)
            continue
        if policy.min_idle_unproven:
            times.append(part.last_modified)
        if _is_recent(part.last_modified, policy.min_idle, as_of):
            return Keep(PART_LATELY)
        newest = part.last_modified if newest is None else max(newest, part.last_modified)
    return Activity(newest, size, tuple(times))


def evaluate(started: NeedsParts | None, activity: Activity, policy: Policy, as_of: datetime) -> Verdict:
    """
    The second step: every part has been read.

    started: None when the start is unknown; without a part to go by, that is a doubt.
    """
    if not policy.min_idle:
        return Abort(activity.bytes)
    last_seen = last_sign(started, activity)
    if last_seen is None or (policy.min_idle_unproven and started is None):
        return Keep(IDLE_UNKNOWN)
    if _is_recent(last_seen, policy.min_idle, as_of):
        return Keep(PART_LATELY)
    if started is not None and policy.min_idle_unproven:
        kept = _keep_by_pauses(started, last_seen, activity, policy, as_of)
        if kept:
            return kept
    return Abort(activity.bytes)


def last_sign(started: NeedsParts | None, activity: Activity) -> datetime | None:
    """The last sign of life, UTC: the newest part or the start. None when neither is known."""
    known = (started.started if started else None, activity.newest)
    return max((time for time in known if time is not None), default=None)


def _keep_by_pauses(
    started: NeedsParts, last_seen: datetime, activity: Activity, policy: Policy, as_of: datetime
) -> Keep | None:
    """A quiet hour proves nothing for an upload whose parts come further apart."""
    is_unproven = len(activity.times) < MIN_PARTS_FOR_PAUSES
    if is_unproven and _is_recent(last_seen, policy.min_idle_unproven, as_of):
        return Keep(TOO_FEW_PARTS)
    moments = sorted((started.earliest or started.started, *activity.times))
    longest = max((later - earlier for earlier, later in pairwise(moments)), default=timedelta(0))
    return Keep(PAUSES_LONGER) if _is_recent(last_seen, PAUSES * longest, as_of) else None


def _is_recent(moment: datetime, span: timedelta, as_of: datetime) -> bool:
    """Whether less than `span` has passed, or exactly that; never for a span of nothing."""
    return bool(span) and as_of - moment <= span


def _started(listed: ListedUpload) -> datetime | Keep:
    """
    The later of what the listing and the id tell, so that an error makes an upload younger, not older.

    The id alone is no evidence. It is in no dispute with a time without a zone when it agrees with either reading.
    """
    if listed.initiated is None:
        return Keep(AGE_UNKNOWN)
    told = time_in(listed.upload.upload_id)
    if told is None:
        return listed.initiated
    readings = (listed.initiated, listed.earliest or listed.initiated)
    if min(abs(told - reading) for reading in readings) > START_TOLERANCE:
        return Keep(AGE_DISPUTED)
    return max(listed.initiated, told)
