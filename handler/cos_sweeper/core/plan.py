"""
What is asked + what is allowed → what one run, or one chain of runs, does.

The plan is made once and is the only thing the rest reads. It may narrow what the settings allow and never widen it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zlib import crc32

from cos_sweeper.core.errors import RequestRejected
from cos_sweeper.core.keys import MAX_KEY_BYTES, validate_key, validate_prefix
from cos_sweeper.core.model import (
    BEGINNING,
    AbortRequest,
    Bucket,
    CompletedObject,
    Cursor,
    Keep,
    RejectedRequest,
    Request,
    ResumeRequest,
    SweepRequest,
    Upload,
    never,
)
from cos_sweeper.core.policy import Policy, keep_by_key
from cos_sweeper.core.settings import Settings

# A completed object's stale siblings may be somebody else's upload that is still going on. `policy` asks for more.
SIBLINGS_MIN_IDLE = timedelta(hours=1)
# Of one sweep: buckets by prefixes. Each is a request at least, and has to travel in checkpoints.
MAX_SCANS = 10_000
# A sentence is for reading.
MAX_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class UploadTarget:
    """
    Abort this one upload, if the policy lets it.

    attempts: of earlier runs that failed for now. was_sent: an abort left, and its response was cut off. is_blocked: it
    took most of a run's time. is_swept: a sweep found it, so its start is looked up in the listing. markers: where the
    pages of its parts begin, as far as an earlier run read them. text: its key as a listing had it, '' where that has
    one meaning.
    """

    upload: Upload
    policy: Policy
    attempts: int = 0
    was_sent: bool = False
    is_blocked: bool = False
    is_swept: bool = False
    markers: tuple[int, ...] = (0,)
    text: str = ""


@dataclass(frozen=True, slots=True)
class ListingTarget:
    """
    List the unfinished uploads of a bucket whose keys begin with `prefix`, after `start`.

    end: the last upload of interest, None for all. attempts, is_blocked: as for `UploadTarget`.
    """

    bucket: Bucket
    prefix: str
    policy: Policy
    start: Cursor = BEGINNING
    end: Cursor | None = None
    attempts: int = 0
    is_blocked: bool = False


@dataclass(frozen=True, slots=True)
class Shard:
    """
    Which uploads of a listing are this run's, when several instances share one sweep.

    Derived from the upload alone, so that instances that never speak to each other agree: each upload is in one share.
    places: those of this run, out of `of`.
    """

    indexes: tuple[int, ...] = (0,)
    count: int = 1

    def __str__(self) -> str:
        return f"{','.join(str(place + 1) for place in self.indexes)}/{self.count}"

    def contains(self, upload: Upload) -> bool:
        """Whether this upload is in the share."""
        if self.count == 1:
            return True
        name = f"{upload.key}\0{upload.upload_id}".encode("utf-8", "surrogatepass")
        return crc32(name) % self.count in self.indexes


@dataclass(frozen=True, slots=True)
class PriorFailures:
    """What failed for good in the earlier runs of a chain, by COS's code. The last run speaks for all."""

    transient: int = 0
    permanent: int = 0
    failed: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """
    All that a run needs to know.

    as_of: the moment, UTC, by which every age is judged, as far as it is known (`clock`). began: when the chain began,
    by our clock. verify: which aborts are looked at again. limit: how many aborts this branch of the chain may send,
    None without a limit; aborted: how many it has sent; fraction: its part of MAX_ABORTS, as numerator and denominator.
    refused: asks that will not be done, each with its reason. over_limit: uploads that an event names beyond
    MAX_ABORTS. dropped: what a checkpoint asks for and the current settings exclude. notes: what was changed in an
    event. number: which run of its chain this is, from 1. stalled: how many runs before this one got nowhere.
    """

    run_id: str
    as_of: datetime
    dry_run: bool
    limit: int | None
    workers: int
    named: tuple[UploadTarget, ...]
    scans: tuple[ListingTarget, ...]
    rejected: tuple[RejectedRequest, ...]
    over_limit: tuple[UploadTarget, ...] = ()
    dropped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    number: int = 1
    shard: Shard = Shard()
    prior_failures: PriorFailures = PriorFailures()
    verify: str = "recent"
    began: datetime | None = None
    aborted: int = 0
    fraction: tuple[int, int] = (1, 1)
    stalled: int = 0

    @property
    def max_aborts(self) -> int | None:
        """How many aborts are left, None without a limit."""
        return None if self.limit is None else max(0, self.limit - self.aborted)

    @property
    def sweeps(self) -> bool:
        """Whether it is a sweep of buckets, or the rest of one."""
        return any(scan.policy.only_key is None for scan in self.scans) or any(one.is_swept for one in self.named)


def build_plan(
    requests: Iterable[Request], settings: Settings, buckets: Sequence[Bucket], run_id: str, as_of: datetime
) -> Plan:
    """
    Make the plan.

    buckets: the allow-list, as the settings name it or, for `*`, as COS listed it. Whatever an ask wants beyond the
    settings ends in `refused`; asks that say the same thing twice are done once. Of the uploads that an event names the
    first MAX_ABORTS are eligible, in its order, so that an event that is delivered again reaches no further.
    """
    maker = _PlanBuilder(settings, {bucket.name: bucket for bucket in buckets}, as_of)
    for ask in requests:
        maker.take(ask)
    named = tuple(dict.fromkeys(maker.named))
    return Plan(
        run_id=run_id,
        as_of=as_of,
        dry_run=maker.dry_run,
        limit=maker.max_aborts,
        workers=settings.workers,
        verify=settings.verify,
        began=as_of,
        named=named[: maker.max_aborts],
        over_limit=() if maker.max_aborts is None else named[maker.max_aborts :],
        scans=tuple(dict.fromkeys(maker.scans)),
        rejected=tuple(maker.rejected),
        notes=tuple(maker.notes),
    )


class _PlanBuilder:
    def __init__(self, settings: Settings, buckets: dict[str, Bucket], as_of: datetime) -> None:
        self._settings = settings
        self._buckets = buckets
        self._as_of = as_of
        self.dry_run = settings.dry_run
        self.max_aborts = settings.max_aborts
        self.named: list[UploadTarget] = []
        self.scans: list[ListingTarget] = []
        self.rejected: list[RejectedRequest] = []
        self.notes: list[str] = []

    def take(self, ask: Request) -> None:
        try:
            match ask:
                case RejectedRequest():
                    self.rejected.append(ask)
                case AbortRequest():
                    self._abort(ask)
                case CompletedObject():
                    self._superseded(ask)
                case SweepRequest():
                    self._sweep(ask)
                case ResumeRequest():
                    raise RequestRejected("a checkpoint is an event of its own")
                case _:
                    never(ask)
        except RequestRejected as exc:
            self.rejected.append(RejectedRequest(str(exc), origin=ask.origin, sweep=isinstance(ask, SweepRequest)))

    def _abort(self, ask: AbortRequest) -> None:
        bucket = self._allowed(ask.bucket)
        if ask.region is not None and ask.region != bucket.region:
            raise RequestRejected(f"the bucket {bucket.name} is in {bucket.region}, the event says {ask.region[:40]!r}")
        # One leading '/' is what the SDK drops; no key of COS begins with one.
        key = ask.key[1:] if ask.key.startswith("/") else ask.key
        reason = validate_key(key, ask.upload_id)
        if reason:
            told = Upload(bucket, ask.key[:MAX_KEY_BYTES], ask.upload_id[:MAX_KEY_BYTES])
            self.rejected.append(RejectedRequest(reason, told, ask.origin))
            return
        if key != ask.key:
            self.notes.append(f"{ask.origin}: the key {ask.key[:200]!r} begins with '/', which is dropped")
        policy = self._policy(min_age=timedelta(0), min_idle=self._settings.event_min_idle)
        self.named.append(UploadTarget(Upload(bucket, key, ask.upload_id), policy))

    def _superseded(self, ask: CompletedObject) -> None:
        bucket = self._allowed(ask.bucket)
        if ask.other_keys:
            raise RequestRejected(
                "the COS event does not prove how its key is encoded; a later sweep handles the leftovers"
            )
        # Any well-formed id will do: it is the key that must be addressable.
        reason = validate_key(ask.key, "x")
        if reason:
            raise RequestRejected(reason)
        policy = self._policy(min_age=timedelta(0), min_idle=max(self._settings.event_min_idle, SIBLINGS_MIN_IDLE))
        policy = replace(
            policy,
            only_key=ask.key,
            started_before=min(ask.completed_at, self._as_of),
            min_idle_unproven=self._settings.min_idle,
        )
        if not isinstance(keep_by_key(ask.key, policy), Keep):
            self.scans.append(ListingTarget(bucket, ask.key, policy))

    def _sweep(self, ask: SweepRequest) -> None:
        """A sweep that wants more than is allowed in one respect is refused whole: half of it could surprise."""
        settings = self._settings
        problems = list(_widenings(ask, settings))
        prefixes = _narrow(ask.prefixes, settings.prefixes, problems)
        names = ask.buckets if ask.buckets is not None else tuple(self._buckets)
        outermost = _outermost(prefixes)
        if len(names) * len(outermost) > MAX_SCANS:
            problems.append(f"{len(names)} buckets by {len(outermost)} prefixes are too much for one sweep")
        if not names:
            problems.append("there is no bucket to sweep: BUCKETS, less EXCLUDE_BUCKETS, names none")
        if problems:
            raise RequestRejected("; ".join(problems[:MAX_PROBLEMS]))
        self.dry_run = settings.dry_run or ask.dry_run is True
        self.max_aborts = ask.max_aborts or settings.max_aborts
        policy = replace(
            self._policy(min_age=ask.min_age or settings.min_age, min_idle=ask.min_idle or settings.min_idle),
            prefixes=prefixes,
        )
        for name in names:
            try:
                bucket = self._allowed(name)
            except RequestRejected as exc:
                self.rejected.append(RejectedRequest(str(exc), origin=ask.origin, sweep=True))
            else:
                self.scans.extend(ListingTarget(bucket, prefix, policy) for prefix in outermost)

    def _policy(self, min_age: timedelta, min_idle: timedelta) -> Policy:
        settings = self._settings
        policy = Policy(min_age, min_idle, settings.prefixes, settings.exclude_prefixes)
        return replace(policy, include_committers=settings.include_committers)

    def _allowed(self, name: str) -> Bucket:
        if name in self._settings.exclude_buckets:
            raise RequestRejected(f"the bucket {name[:80]!r} is excluded by EXCLUDE_BUCKETS")
        bucket = self._buckets.get(name)
        if bucket is None:
            raise RequestRejected(f"the bucket {name[:80]!r} is not among BUCKETS")
        return bucket


def _widenings(ask: SweepRequest, settings: Settings) -> Iterable[str]:
    for wanted, floor, name, setting in (
        (ask.min_age, settings.min_age, "min_age_hours", "MIN_AGE_HOURS"),
        (ask.min_idle, settings.min_idle, "min_idle_hours", "MIN_IDLE_HOURS"),
    ):
        if wanted is not None and wanted < floor:
            yield f"`{name}` may not be below {setting} ({_in_hours(floor)})"
    if settings.max_aborts is not None and ask.max_aborts is not None and ask.max_aborts > settings.max_aborts:
        yield f"`max_aborts` may not be above MAX_ABORTS ({settings.max_aborts})"
    if settings.dry_run and ask.dry_run is False:
        yield "`dry_run` may not be false while DRY_RUN is true"


def _in_hours(span: timedelta) -> str:
    return f"{span.total_seconds() / 3600:g}"


def _narrow(wanted: tuple[str, ...] | None, allowed: tuple[str, ...], problems: list[str]) -> tuple[str, ...]:
    """Prefixes that lie under both; each wanted one must have something to do with an allowed one."""
    if wanted is None:
        return allowed
    found: list[str] = []
    for prefix in wanted:
        if validate_prefix(prefix):
            problems.append(f"the prefix {prefix[:80]!r} matches nothing: {validate_prefix(prefix)}")
        both = [
            max(prefix, one, key=len) for one in allowed or ("",) if prefix.startswith(one) or one.startswith(prefix)
        ]
        if not both:
            problems.append(f"the prefix {prefix[:80]!r} is outside PREFIXES")
        found.extend(both)
    return tuple(dict.fromkeys(found))


def _outermost(prefixes: tuple[str, ...]) -> tuple[str, ...]:
    """The prefixes to list: without those inside another, so that no upload is listed twice. () means everything."""
    distinct = sorted(prefixes) or [""]
    return tuple(one for one in distinct if not any(one != other and one.startswith(other) for other in distinct))
