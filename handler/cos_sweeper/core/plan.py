"""
Requests + settings → the plan of one run, or of one chain of runs.

The plan is built once, and the engine reads nothing else. It may narrow what the settings allow, never widen it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zlib import crc32

from cos_sweeper.core import key_readings
from cos_sweeper.core.errors import RequestRejected
from cos_sweeper.core.key_mask import PLAIN, KeyMask
from cos_sweeper.core.keys import MAX_KEY_BYTES, validate_key, validate_prefix
from cos_sweeper.core.model import (
    BEGINNING,
    AbortRequest,
    Bucket,
    CompletedObject,
    Cursor,
    Keep,
    ListedUpload,
    RejectedRequest,
    Request,
    ResumeRequest,
    SweepRequest,
    Upload,
    never,
)
from cos_sweeper.core.policy import Policy, keep_by_key
from cos_sweeper.core.settings import Settings

# A stale sibling of a completed object may be another client's upload that is still in progress. `policy` has further
# conditions.
SIBLINGS_MIN_IDLE = timedelta(hours=1)
# Of one sweep: buckets times prefixes. Each needs at least one request, and a place in the checkpoints.
MAX_LISTINGS = 10_000
# A reason names no more problems than this, so that it stays readable.
MAX_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class UploadTarget:
    """
    Abort this one upload if the policy does not keep it.

    attempts: of earlier runs that failed and may be retried. was_sent: an abort was sent, and its response was cut off.
    is_blocked: it took most of a run's time. is_swept: a sweep found it, so its start is looked up in the listing.
    markers: the part numbers at which the pages of its parts begin, as far as an earlier run read them. text: its key
    as the listing had it, '' where that has only one meaning. initiated, initiator, storage_class: as the listing had
    them, for the account; they decide nothing.
    """

    upload: Upload
    policy: Policy
    attempts: int = 0
    was_sent: bool = False
    is_blocked: bool = False
    is_swept: bool = False
    markers: tuple[int, ...] = (0,)
    text: str = ""
    initiated: datetime | None = None
    initiator: str = ""
    storage_class: str = ""

    def listed(self, upload: Upload | None = None) -> ListedUpload:
        """It as a listing had it. upload: under the key by which COS knows it, if that has been found out."""
        found = upload or self.upload
        return ListedUpload(found, self.initiated, self.initiator, None, self.text, self.storage_class)


def swept_target(
    listed: ListedUpload, upload: Upload, policy: Policy, attempts: int = 0, *, was_sent: bool = False
) -> UploadTarget:
    """The target for an upload that a sweep listed. upload: under the key by which COS knows it."""
    return UploadTarget(
        upload,
        policy,
        attempts,
        was_sent=was_sent,
        is_swept=True,
        text=listed.raw_key if len(key_readings.of(listed)) > 1 else "",
        initiated=listed.initiated,
        initiator=listed.initiator,
        storage_class=listed.storage_class,
    )


@dataclass(frozen=True, slots=True)
class ListingTarget:
    """
    List the unfinished uploads of a bucket whose keys begin with `prefix`, after `start`.

    end: the last upload to process, None for all. attempts, is_blocked: as for `UploadTarget`.
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
    Which uploads of a listing this run processes when several instances share one sweep.

    The shard depends on the upload alone. So instances agree without talking to each other, and each upload is in
    exactly one shard. indexes: the shards of this run, from 0; count: of all shards.
    """

    indexes: tuple[int, ...] = (0,)
    count: int = 1

    def __str__(self) -> str:
        return f"{','.join(str(index + 1) for index in self.indexes)}/{self.count}"

    def contains(self, upload: Upload) -> bool:
        """Whether this run processes this upload."""
        if self.count == 1:
            return True
        name = f"{upload.key}\0{upload.upload_id}".encode("utf-8", "surrogatepass")
        return crc32(name) % self.count in self.indexes


@dataclass(frozen=True, slots=True)
class PriorFailures:
    """
    The failures in the earlier runs of a chain, which the last run reports together with its own.

    transient: a retry may succeed; permanent: a retry cannot succeed; failed: both, by COS's error code.
    incomplete: an earlier run left something that no later run continues, such as uploads beyond MAX_ABORTS.
    """

    transient: int = 0
    permanent: int = 0
    failed: tuple[tuple[str, int], ...] = ()
    incomplete: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """
    Everything that a run needs to know.

    run_id, as_of, began: the chain's id; the moment, UTC, from which ages are measured (see `clock`); the start of the
    chain by our clock. verify: which aborts are verified. limit: how many aborts this branch of the chain may send,
    None without a limit; aborted: how many it has sent; fraction: its share of MAX_ABORTS, as numerator and
    denominator. rejected: requests that are not carried out, each with its reason. over_limit: uploads that an event
    names beyond MAX_ABORTS. dropped: items of a checkpoint that the current settings exclude. notes: what was changed
    in an event. inventory: the parts of every upload are read, and nothing is aborted. works: which pieces of the
    chain's work this run does: "0" is all of it, "0.1" the second piece into which "0" was split. predecessor: the name
    under which the run before this one stored its account, or ''. number: the number of this run in its chain, from 1.
    stalled: how many runs just before this one made no progress. mask: what stands for keys in texts.
    """

    run_id: str
    as_of: datetime
    dry_run: bool
    limit: int | None
    workers: int
    targets: tuple[UploadTarget, ...]
    listings: tuple[ListingTarget, ...]
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
    inventory: bool = False
    works: tuple[str, ...] = ("0",)
    predecessor: str = ""
    mask: KeyMask = field(default=PLAIN, repr=False, compare=False)

    @property
    def max_aborts(self) -> int | None:
        """How many aborts remain, None without a limit."""
        return None if self.limit is None else max(0, self.limit - self.aborted)

    @property
    def sweeps(self) -> bool:
        """Whether this run sweeps buckets, or continues such a sweep."""
        return any(listing.policy.only_key is None for listing in self.listings) or any(
            one.is_swept for one in self.targets
        )


def build_plan(
    requests: Iterable[Request],
    settings: Settings,
    buckets: Sequence[Bucket],
    run_id: str,
    as_of: datetime,
    *,
    has_account: bool | None = None,
) -> Plan:
    """
    Build the plan.

    buckets: the allow-list, from the settings or, for `*`, from COS. has_account: whether there is a place for an
    inventory; None: where REPORT is set. A request beyond the settings goes to `rejected`; equal requests count once.
    Of the uploads that an event names, the first MAX_ABORTS are eligible, in the order of the event, so that a repeated
    delivery of the event aborts no further uploads.
    """
    has_account = settings.report is not None if has_account is None else has_account
    builder = _PlanBuilder(settings, {bucket.name: bucket for bucket in buckets}, as_of, has_account=has_account)
    requests = tuple(requests)
    for request in requests:
        builder.add(request, is_alone=len(requests) == 1)
    targets = tuple(dict.fromkeys(builder.targets))
    return Plan(
        run_id=run_id,
        as_of=as_of,
        dry_run=builder.dry_run,
        limit=builder.max_aborts,
        workers=settings.workers,
        inventory=builder.inventory,
        verify=settings.verify,
        began=as_of,
        targets=targets[: builder.max_aborts],
        over_limit=() if builder.max_aborts is None else targets[builder.max_aborts :],
        listings=tuple(dict.fromkeys(builder.listings)),
        rejected=tuple(builder.rejected),
        notes=tuple(builder.notes),
        mask=settings.key_mask,
    )


class _PlanBuilder:
    def __init__(self, settings: Settings, buckets: dict[str, Bucket], as_of: datetime, *, has_account: bool) -> None:
        self._has_account = has_account
        self._settings = settings
        self._buckets = buckets
        self._as_of = as_of
        self.dry_run = settings.dry_run
        self.max_aborts = settings.max_aborts
        self.inventory = False
        self.targets: list[UploadTarget] = []
        self.listings: list[ListingTarget] = []
        self.rejected: list[RejectedRequest] = []
        self.notes: list[str] = []

    def add(self, request: Request, *, is_alone: bool) -> None:
        """Add a request. is_alone: it is all that the event requests."""
        try:
            match request:
                case RejectedRequest():
                    self.rejected.append(request)
                case AbortRequest():
                    self._abort(request)
                case CompletedObject():
                    self._completed(request)
                case SweepRequest():
                    if request.inventory:
                        self._begin_inventory(is_alone=is_alone)
                    self._sweep(request)
                case ResumeRequest():
                    raise RequestRejected("a checkpoint must be the whole event; it cannot be one record among others")
                case _:
                    never(request)
        except RequestRejected as exc:
            self.rejected.append(
                RejectedRequest(str(exc), origin=request.origin, sweep=isinstance(request, SweepRequest))
            )

    def _begin_inventory(self, *, is_alone: bool) -> None:
        if not is_alone:
            raise RequestRejected("an inventory must be the whole event; it cannot be one request among others")
        if not self._has_account:
            raise RequestRejected("an inventory writes its account under REPORT, which is not set")
        self.inventory = True

    def _abort(self, request: AbortRequest) -> None:
        bucket = self._allowed(request.bucket)
        if request.region is not None and request.region != bucket.region:
            raise RequestRejected(
                f"the bucket {bucket.name} is in {bucket.region}, but the event says {request.region[:40]!r}"
            )
        # The SDK drops one leading '/'; no key in COS begins with one.
        key = request.key[1:] if request.key.startswith("/") else request.key
        reason = validate_key(key, request.upload_id)
        if reason:
            shown = Upload(bucket, request.key[:MAX_KEY_BYTES], request.upload_id[:MAX_KEY_BYTES])
            self.rejected.append(RejectedRequest(reason, shown, request.origin))
            return
        if key != request.key:
            shown_key = self._settings.key_mask.key(request.key[:MAX_KEY_BYTES])[:200]
            self.notes.append(f"{request.origin}: the key {shown_key!r} begins with '/', which is dropped")
        policy = self._policy(min_age=timedelta(0), min_idle=self._settings.event_min_idle)
        self.targets.append(UploadTarget(Upload(bucket, key, request.upload_id), policy))

    def _completed(self, request: CompletedObject) -> None:
        bucket = self._allowed(request.bucket)
        if request.other_keys:
            raise RequestRejected(
                "the COS event does not prove how its key is encoded; the next sweep handles the stale siblings"
            )
        # Only the key is checked here, so any well-formed upload id will do.
        reason = validate_key(request.key, "x")
        if reason:
            raise RequestRejected(reason)
        policy = self._policy(min_age=timedelta(0), min_idle=max(self._settings.event_min_idle, SIBLINGS_MIN_IDLE))
        policy = replace(
            policy,
            only_key=request.key,
            started_before=min(request.completed_at, self._as_of),
            min_idle_unproven=self._settings.min_idle,
        )
        if not isinstance(keep_by_key(request.key, policy), Keep):
            self.listings.append(ListingTarget(bucket, request.key, policy))

    def _sweep(self, request: SweepRequest) -> None:
        """Reject the whole sweep if any field exceeds the settings: half a sweep would surprise the operator."""
        settings = self._settings
        problems = list(_widenings(request, settings))
        prefixes = _narrow(request.prefixes, settings, problems)
        names = request.buckets if request.buckets is not None else tuple(self._buckets)
        outermost = _outermost(prefixes)
        if len(names) * len(outermost) > MAX_LISTINGS:
            problems.append(
                f"{len(names)} buckets times {len(outermost)} prefixes are more than the {MAX_LISTINGS} listings of "
                "one sweep; send several events"
            )
        if not names:
            problems.append("there is no bucket to sweep: EXCLUDE_BUCKETS excludes every bucket of BUCKETS")
        if problems:
            raise RequestRejected("; ".join(problems[:MAX_PROBLEMS]))
        self.dry_run = settings.dry_run or request.dry_run is True or self.inventory
        # An inventory aborts nothing, so no limit ends it.
        self.max_aborts = None if self.inventory else request.max_aborts or settings.max_aborts
        policy = replace(
            self._policy(min_age=request.min_age or settings.min_age, min_idle=request.min_idle or settings.min_idle),
            prefixes=prefixes,
        )
        for name in names:
            try:
                bucket = self._allowed(name)
            except RequestRejected as exc:
                self.rejected.append(RejectedRequest(str(exc), origin=request.origin, sweep=True))
            else:
                self.listings.extend(ListingTarget(bucket, prefix, policy) for prefix in outermost)

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


def _widenings(request: SweepRequest, settings: Settings) -> Iterable[str]:
    for wanted, floor, name, setting in (
        (request.min_age, settings.min_age, "min_age_hours", "MIN_AGE_HOURS"),
        (request.min_idle, settings.min_idle, "min_idle_hours", "MIN_IDLE_HOURS"),
    ):
        if wanted is not None and wanted < floor:
            yield f"`{name}` may not be below {setting} ({_in_hours(floor)})"
    if settings.max_aborts is not None and request.max_aborts is not None and request.max_aborts > settings.max_aborts:
        yield f"`max_aborts` may not be above MAX_ABORTS ({settings.max_aborts})"
    if settings.dry_run and request.dry_run is False:
        yield "`dry_run` may not be false while DRY_RUN is true"


def _in_hours(span: timedelta) -> str:
    return f"{span.total_seconds() / 3600:g}"


def _narrow(wanted: tuple[str, ...] | None, settings: Settings, problems: list[str]) -> tuple[str, ...]:
    """The prefixes that lie under both lists. A wanted prefix that overlaps no allowed one is a problem."""
    allowed = settings.prefixes
    if wanted is None:
        return allowed
    found: list[str] = []
    for prefix in wanted:
        shown = settings.key_mask.prefix(prefix)[:80]
        if validate_prefix(prefix):
            problems.append(f"the prefix {shown!r} matches nothing: {validate_prefix(prefix)}")
        both = [
            max(prefix, one, key=len) for one in allowed or ("",) if prefix.startswith(one) or one.startswith(prefix)
        ]
        if not both:
            problems.append(f"the prefix {shown!r} is outside PREFIXES")
        found.extend(both)
    return tuple(dict.fromkeys(found))


def _outermost(prefixes: tuple[str, ...]) -> tuple[str, ...]:
    """The prefixes to list, without those inside another, so that no upload is listed twice. () means every key."""
    distinct = sorted(prefixes) or [""]
    return tuple(one for one in distinct if not any(one != other and one.startswith(other) for other in distinct))
