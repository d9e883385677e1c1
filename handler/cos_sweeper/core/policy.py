"""
Decides which uploads are abandoned.

Values in, values out: no clock, no network, no log. Every verdict carries its reason; any doubt keeps the upload. An
undocumented fact, such as the time inside an upload id, can keep an upload and is never the reason to abort one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from itertools import pairwise
from unicodedata import combining, normalize

from cos_sweeper.core import key_readings
from cos_sweeper.core.clock import CLOCK_TOLERANCE
from cos_sweeper.core.model import Abort, Keep, ListedUpload, NeedsParts, Part, PartsSeen, Verdict

EXCLUDED = "under an excluded prefix"
OUTSIDE = "outside the prefixes"
OTHER_KEY = "another key"
COMMITTERS = "under a committer's path"
STARTED_RECENTLY = "started recently"
STARTED_LATER = "started after the object was completed"
AGE_UNKNOWN = "its start time cannot be read"
AGE_DISPUTED = "its start time and the time in its upload id differ"
CLOCK_SKEWED = "the clocks of the function and of COS differ"
CLOCK_UNKNOWN = "COS sent no readable date"
PART_RECENT = "a part arrived recently"
PART_UNREADABLE = "the time of a part cannot be read"
IDLE_UNKNOWN = "its idle time is unknown"
PAUSES_TOO_LONG = "its idle time is not much longer than the pauses between its parts"
TOO_FEW_PARTS = "it has too few parts to show how long its pauses are"
NEW_PART = "a part arrived during the check"
NOT_LISTED = "it is not in the listing, so its age is unknown"
# These reasons keep an upload because a fact is missing, not because the upload is young or in use.
DOUBTS = (AGE_UNKNOWN, AGE_DISPUTED, CLOCK_SKEWED, CLOCK_UNKNOWN, PART_UNREADABLE, IDLE_UNKNOWN)

START_TOLERANCE = timedelta(hours=1)
# A stale sibling must be idle for this many times the longest pause between its own parts.
PAUSES = 4
MIN_PARTS_FOR_PAUSES = 3
# Unix seconds of the start, then 64 hexadecimal digits. Seen in every sample, documented nowhere.
TIMED_UPLOAD_ID = re.compile(r"([0-9]{10})[0-9a-f]{64}")
# Where data frameworks write the output of a running job. They complete these uploads when the job ends, which can take
# days. Each pattern matches within one path segment.
COMMITTERS_PATH = re.compile(
    r"(?:^|/)(?:"
    r"__magic(?:_job-[^/]*)?(?:/|\Z)"  # the magic committers of Hadoop's S3A and similar file systems
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
    The limits that make an upload abandoned.

    prefixes: () for all keys. min_age, min_idle: an upload exactly at a limit is kept. min_age does not apply to an
    upload that an event names. include_committers: whether an upload under a committer's path may be aborted.

    only_key, started_before, min_idle_unproven: for the stale siblings of a completed object. A stale sibling must be
    idle for min_idle and for PAUSES times the longest pause between its own parts. If it has fewer than
    MIN_PARTS_FOR_PAUSES parts, it must also be idle for min_idle_unproven.

    is_drain: the bucket is to be deleted, so no age, idle time or clock keeps an upload; only its key does. The
    terminal command alone makes such a policy: no event, checkpoint or setting leads to one.
    """

    min_age: timedelta
    min_idle: timedelta
    prefixes: tuple[str, ...] = ()
    exclude_prefixes: tuple[str, ...] = ()
    only_key: str | None = None
    started_before: datetime | None = None
    min_idle_unproven: timedelta = timedelta(0)
    include_committers: bool = False
    is_drain: bool = False


@dataclass(frozen=True, slots=True)
class Activity:
    """
    The parts read so far, summed up.

    newest: None when there is no part yet. bytes: the size of all parts. times: of every part, filled only if the
    policy needs pauses. parts: how many.
    """

    newest: datetime | None = None
    bytes: int = 0
    times: tuple[datetime, ...] = ()
    parts: int = 0

    def plus(self, other: "Activity") -> "Activity":
        """Both activities as one."""
        newest = max((time for time in (self.newest, other.newest) if time is not None), default=None)
        return Activity(newest, self.bytes + other.bytes, self.times + other.times, self.parts + other.parts)

    @property
    def seen(self) -> PartsSeen:
        """The same for a report, where all parts were read."""
        return PartsSeen(self.bytes, self.parts, self.newest)


def keep_by_key(key: str, policy: Policy) -> Keep | None:
    """The cheapest step: the key alone decides. Excluded prefixes win over everything."""
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
    """Compare in both Unicode forms: a letter has two (NFC, NFD), and the operator cannot see which one a key has."""
    forms = _all_forms(prefixes)
    return key.startswith(forms) or (not key.isascii() and any(one.startswith(forms) for one in _forms(key)))


@lru_cache(maxsize=64)
def _all_forms(prefixes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(form for prefix in prefixes for form in (prefix, *_forms(prefix))))


def _forms(text: str) -> tuple[str, str]:
    return normalize("NFC", text), normalize("NFD", text)


def may_hold_excluded(prefix: str, excluded: str) -> bool:
    """
    Whether a key that begins with `prefix` can be under the excluded prefix, in any Unicode form.

    A mark that follows `prefix` in a key can change its last letter, so that is compared without its marks.
    """
    last = normalize("NFD", prefix)
    while last and combining(last[-1]):
        last = last[:-1]
    forms = (prefix, *_forms(prefix), last)
    return any(one.startswith(form) or form.startswith(one) for one in _all_forms((excluded,)) for form in forms)


def keep_by_readings(keys: Sequence[str], policy: Policy) -> Keep | None:
    """
    Decide by the keys that a listed text can mean, the most likely key first.

    The upload is kept if any of the keys is excluded. It is outside the prefixes only if all of the keys are.
    """
    excluded = _keep_by_any(keys, policy)
    if excluded is not None or not all(keep_by_key(key, policy) for key in keys):
        return excluded
    return keep_by_key(keys[0], policy)


def _keep_by_any(keys: Sequence[str], policy: Policy) -> Keep | None:
    """Keep an upload if any of the keys is excluded. That a key is outside says nothing of the others."""
    for key in keys:
        verdict = keep_by_key(key, policy)
        if verdict is not None and verdict.reason not in (OUTSIDE, OTHER_KEY):
            return verdict
    return None


def prefilter(listed: ListedUpload, skew: timedelta | None, policy: Policy, as_of: datetime) -> Keep | NeedsParts:
    """
    The first step: the listing alone decides, as of a moment that the caller chose.

    skew: COS's clock minus ours when the page was read, None when COS sent no date.
    """
    keys = key_readings.of(listed)
    kept = keep_by_key(keys[0], policy) or _keep_by_any(keys[1:], policy)
    if kept:
        return kept
    if policy.is_drain:
        # Its start decides nothing here.
        return NeedsParts(as_of)
    doubt = doubt_of_clock(skew)
    if doubt:
        return doubt
    started = _started(listed)
    if isinstance(started, Keep):
        return started
    if as_of - started <= policy.min_age:
        return Keep(STARTED_RECENTLY)
    if policy.started_before is not None and started >= policy.started_before:
        return Keep(STARTED_LATER)
    earliest = listed.earliest or listed.initiated
    return NeedsParts(started, None if earliest == started else earliest)


def doubt_of_clock(skew: timedelta | None) -> Keep | None:
    """Keep everything in a response whose date is missing or differs from our clock. None: the times can be trusted."""
    if skew is None:
        return Keep(CLOCK_UNKNOWN)
    return Keep(CLOCK_SKEWED) if abs(skew) > CLOCK_TOLERANCE else None


def time_in(upload_id: str) -> datetime | None:
    """The start time in an upload id, UTC; None for an id of another form. It may only make an upload younger."""
    match = TIMED_UPLOAD_ID.fullmatch(upload_id)
    return datetime.fromtimestamp(int(match[1]), timezone.utc) if match else None


def add_parts(activity: Activity, parts: Sequence[Part], policy: Policy, as_of: datetime) -> Activity | Keep:
    """Add one page of parts. A Keep is final: no later page can change it, so the caller may stop reading."""
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
            return Keep(PART_RECENT)
        newest = part.last_modified if newest is None else max(newest, part.last_modified)
    return Activity(newest, size, tuple(times), activity.parts + len(parts))


def measure(activity: Activity, parts: Sequence[Part]) -> Activity:
    """Add one page of parts, and decide nothing."""
    times = [part.last_modified for part in parts if part.last_modified is not None]
    newest = max((*times, *((activity.newest,) if activity.newest else ())), default=None)
    return Activity(newest, activity.bytes + sum(part.size for part in parts), (), activity.parts + len(parts))


def evaluate(started: NeedsParts | None, activity: Activity, policy: Policy, as_of: datetime) -> Verdict:
    """
    The second step, after every part has been read.

    started: None when the start is unknown. Without a start and without a part, the upload is kept.
    """
    if not policy.min_idle:
        return Abort(activity.bytes)
    last_seen = last_active(started, activity)
    if last_seen is None or (policy.min_idle_unproven and started is None):
        return Keep(IDLE_UNKNOWN)
    if _is_recent(last_seen, policy.min_idle, as_of):
        return Keep(PART_RECENT)
    if started is not None and policy.min_idle_unproven:
        kept = _keep_by_pauses(started, last_seen, activity, policy, as_of)
        if kept:
            return kept
    return Abort(activity.bytes)


def last_active(started: NeedsParts | None, activity: Activity) -> datetime | None:
    """When the upload was last active, UTC: its newest part or its start. None when neither is known."""
    known = (started.started if started else None, activity.newest)
    return max((time for time in known if time is not None), default=None)


def _keep_by_pauses(
    started: NeedsParts, last_seen: datetime, activity: Activity, policy: Policy, as_of: datetime
) -> Keep | None:
    """Keep an upload whose pauses between parts are long: an idle hour does not prove that it is abandoned."""
    is_unproven = len(activity.times) < MIN_PARTS_FOR_PAUSES
    if is_unproven and _is_recent(last_seen, policy.min_idle_unproven, as_of):
        return Keep(TOO_FEW_PARTS)
    moments = sorted((started.earliest or started.started, *activity.times))
    longest = max((later - earlier for earlier, later in pairwise(moments)), default=timedelta(0))
    return Keep(PAUSES_TOO_LONG) if _is_recent(last_seen, PAUSES * longest, as_of) else None


def _is_recent(moment: datetime, span: timedelta, as_of: datetime) -> bool:
    """Whether at most `span` has passed since `moment`. False for an empty span."""
    return bool(span) and as_of - moment <= span


def _started(listed: ListedUpload) -> datetime | Keep:
    """
    The later of the times in the listing and in the upload id, so that an error makes an upload younger, not older.

    The id alone is no evidence. A time without a zone has two readings; the id has to agree with one of them.
    """
    if listed.initiated is None:
        return Keep(AGE_UNKNOWN)
    in_id = time_in(listed.upload.upload_id)
    if in_id is None:
        return listed.initiated
    readings = (listed.initiated, listed.earliest or listed.initiated)
    if min(abs(in_id - reading) for reading in readings) > START_TOLERANCE:
        return Keep(AGE_DISPUTED)
    return max(listed.initiated, in_id)
