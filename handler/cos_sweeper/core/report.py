"""
Outcomes → counts, bytes, and where the leaks are.

A ledger takes outcomes in one at a time and keeps no more than the report will show, however many there are. No I/O.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from cos_sweeper.core.clock import AsOf
from cos_sweeper.core.model import (
    AT_LIMIT,
    Aborted,
    AlreadyGone,
    Bucket,
    BucketFailed,
    Deferred,
    Failed,
    Kept,
    ListedButNotFound,
    Outcome,
    RejectedRequest,
    StillReceiving,
    Upload,
    WouldAbort,
    never,
)
from cos_sweeper.core.outcomes import NAMES, UNCHECKED, fields, fields_of_bucket, name_of
from cos_sweeper.core.plan import ListingTarget, Plan, PriorFailures, Shard

# A report is also the function's answer, which SCF logs: examples, not lists.
MAX_FAILURES_SHOWN = 20
MAX_REJECTIONS_SHOWN = 20
MAX_PREFIXES_SHOWN = 20
MAX_DETAILS_SHOWN = 1000
MAX_PREFIXES_KEPT = 1000
MAX_NOT_SWEPT_SHOWN = 100
ELSEWHERE = "(elsewhere)"


class Status(str, Enum):
    """What a run can say of itself."""

    COMPLETE = "complete"
    REJECTED = "rejected"
    PARTIAL = "partial"
    FAILED = "failed"


@dataclass(slots=True)
class PrefixUsage:
    """Abandoned uploads that share a bucket, the first segment of their keys and whoever started them."""

    uploads: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """
    What a run did.

    counts: uploads by outcome, they add up to `uploads`. kept: by reason. bytes_freed: after a 204 only; the uploads
    whose size COS did not tell are counted in size_unknown. verified: aborted, and a look afterwards found them gone;
    unverified: that look could not be taken. failures, refusals: the first few. failed: by COS's code,
    uploads and buckets alike. transient, lasting: failures that a retry may mend, and that none can, those of the
    chain's earlier runs (prior_failures) among them. stopped_because: why the run ended before the listing did, or ''.
    continuations: how many invocations go on with the rest. unreached: uploads that an event named and that were not
    processed; over_limit: those beyond MAX_ABORTS. rejected: requests that were not carried out, rejections: each of
    them. not_swept: listings that no run continues; dropped: what the current settings exclude of a chain. must_raise:
    something is lost unless the platform tries again. details: one outcome for each upload that an event named, the
    first MAX_DETAILS_SHOWN, in no promised order. ignored: records of the event that are of no interest.
    """

    run_id: str
    as_of: datetime
    dry_run: bool
    uploads: int
    counts: dict[str, int]
    kept: dict[str, int]
    bytes_freed: int
    bytes_would_free: int
    size_unknown: int
    verified: int
    unverified: int
    buckets_swept: int
    buckets_failed: int
    failed: dict[str, int]
    transient: int
    permanent: int
    stopped_because: str
    number: int
    shard: Shard
    continuations: int
    unreached: int
    rejected: int
    not_swept: tuple[str, ...]
    dropped: tuple[str, ...]
    over_limit: tuple[Upload, ...]
    rejections: tuple[RejectedRequest, ...]
    must_raise: bool
    prior_failures: PriorFailures
    prefix_usage: tuple[dict[str, Any], ...]
    failures: tuple[dict[str, Any], ...]
    first_rejections: tuple[dict[str, Any], ...]
    details: tuple[dict[str, Any], ...]
    ignored: int = 0
    not_found: tuple[dict[str, Any], ...] = ()
    warnings: tuple[dict[str, Any], ...] = ()

    @property
    def status(self) -> Status:
        """Failed when anything failed, partial when anything was left for later."""
        if self.transient or self.permanent:
            return Status.FAILED
        left = self.stopped_because or self.continuations or self.not_swept or self.dropped
        doubtful = ("deferred", "still_receiving", "listed_but_not_found")
        has_unaddressable_uploads = self.counts["rejected"] > self.rejected
        if left or has_unaddressable_uploads or any(self.counts[name] for name in doubtful):
            return Status.PARTIAL
        return Status.REJECTED if self.rejected else Status.COMPLETE

    def as_json(self) -> dict[str, Any]:
        """The report as the caller gets it; sizes in bytes, times in UTC."""
        return {
            "status": self.status.value,
            "run_id": self.run_id,
            "run": self.number,
            "shard": str(self.shard),
            "as_of": self.as_of.isoformat(timespec="seconds"),
            "dry_run": self.dry_run,
            "uploads": self.uploads,
            **self.counts,
            "ignored": self.ignored,
            "bytes_freed": self.bytes_freed,
            "bytes_would_free": self.bytes_would_free,
            "size_unknown": self.size_unknown,
            "verified": self.verified,
            "unverified": self.unverified,
            "buckets_swept": self.buckets_swept,
            "buckets_failed": self.buckets_failed,
            "kept_by_reason": self.kept,
            "failures_by_code": self.failed,
            "prior_failures": dict(self.prior_failures.failed),
            "stopped_because": self.stopped_because,
            "continuations": self.continuations,
            "not_swept": list(self.not_swept[:MAX_NOT_SWEPT_SHOWN]),
            "dropped": list(self.dropped[:MAX_NOT_SWEPT_SHOWN]),
            "largest_prefixes": list(self.prefix_usage),
            "failures": list(self.failures),
            "not_found": list(self.not_found),
            "warnings": list(self.warnings),
            "rejections": list(self.first_rejections),
            "details": list(self.details),
        }


def cut(told: dict[str, Any], size: Callable[[dict[str, Any]], int], maximum: int) -> dict[str, Any]:
    """
    A report as JSON that is at most so large: its counts are whole, its lists are cut, and `cut` says by how much.

    size: in bytes, as it is sent. The lists that are cut first are those that REPORT and the log have as well.
    """
    for name in CUT_FIRST:
        items = told[name]
        while size(told) > maximum and told[name]:
            kept = told[name][: len(told[name]) // 2]
            told = {**told, name: kept, "cut": {**told.get("cut", {}), name: len(items) - len(kept)}}
    return told


# Lists of a report, those that are cut first for want of room first.
CUT_FIRST = ("details", "failures", "rejections", "not_found", "warnings", "dropped", "not_swept", "largest_prefixes")


@dataclass(slots=True)
class ReportBuilder:
    """Takes outcomes in and closes into a report. as_of: where the run knows it better than the plan."""

    plan: Plan
    as_of: AsOf | None = None
    counts: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    sizes: Counter[str] = field(default_factory=Counter)
    prefix_usage: dict[tuple[str, str, str], PrefixUsage] = field(default_factory=dict)
    failures: list[dict[str, Any]] = field(default_factory=list)
    first_rejections: list[dict[str, Any]] = field(default_factory=list)
    details: list[dict[str, Any]] = field(default_factory=list)
    verified: int = 0
    unverified: int = 0
    transient: int = 0
    permanent: int = 0
    swept: set[Bucket] = field(default_factory=set)
    broken: set[Bucket | None] = field(default_factory=set)
    stopped_because: str = ""
    continuations: int = 0
    unreached: int = 0
    not_found: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    rejected: int = 0
    sweeps_rejected: int = 0
    scans_left: list[str] = field(default_factory=list)
    over_limit: list[Upload] = field(default_factory=list)
    must_raise: bool = False

    def add(self, outcome: Outcome, initiator: str = "", *, detailed: bool = False) -> None:
        """Take one upload's outcome in. initiator: who started it, where a listing told."""
        self.counts[name_of(outcome)] += 1
        match outcome:
            case Kept():
                self.kept[outcome.reason] += 1
            case WouldAbort():
                self._size("would_free", outcome.upload, outcome.bytes, initiator)
            case Aborted():
                self._size("freed", outcome.upload, outcome.bytes, initiator)
                self.verified += outcome.verified is True
                self.unverified += outcome.verified is False
            case Failed():
                self._failure(outcome.code, fields(outcome), permanent=outcome.permanent)
            case RejectedRequest():
                self._refusal(outcome)
            case ListedButNotFound():
                self.not_found += [fields(outcome)] if len(self.not_found) < MAX_FAILURES_SHOWN else []
            case AlreadyGone() | Deferred() | StillReceiving():
                pass
            case _:
                never(outcome)
        self._detail(outcome, detailed=detailed)

    def _detail(self, outcome: Outcome, *, detailed: bool) -> None:
        """What an event named is told of one by one."""
        if detailed and isinstance(outcome, Deferred) and outcome.reason == AT_LIMIT:
            self.over_limit.append(outcome.upload)
        else:
            self.unreached += detailed and isinstance(outcome, Deferred)
        if detailed and len(self.details) < MAX_DETAILS_SHOWN:
            self.details.append({"outcome": name_of(outcome), **fields(outcome)})

    def sweeping(self, bucket: Bucket) -> None:
        """A page of this bucket was listed."""
        self.swept.add(bucket)

    def bucket_failed(self, failed: BucketFailed) -> None:
        """A listing broke off; its other uploads are not counted anywhere."""
        self.broken.add(failed.bucket)
        self._failure(failed.code, fields_of_bucket(failed), permanent=failed.permanent)

    def chain_failed(self, code: str, detail: str) -> None:
        """The rest of the work could not be handed on, or not be gone on with."""
        self._failure(code, {"code": code, "detail": detail}, permanent=False)

    def prior_failures(self) -> PriorFailures:
        """All that failed in the chain so far, this run included, for the next run to know."""
        before = self.plan.prior_failures
        failed = self.failed + Counter(dict(before.failed))
        return PriorFailures(
            before.transient + self.transient,
            before.permanent + self.permanent,
            tuple(failed.most_common(MAX_FAILURES_SHOWN)),
        )

    def not_swept(self, scan: ListingTarget) -> None:
        """A listing that nobody goes on with."""
        self.scans_left.append(f"{scan.bucket}/{scan.prefix}" + (f" after {scan.start.key}" if scan.start.key else ""))

    def warn(self, event: str, **fields: Any) -> None:
        """Something an operator should look at; the run goes on."""
        if len(self.warnings) < MAX_FAILURES_SHOWN:
            self.warnings.append({"event": event, **fields})

    def stopped(self, why: str) -> None:
        """The run ended before the listings did."""
        self.stopped_because = self.stopped_because or why

    def build(self) -> Report:
        """The report of all that was taken in."""
        return Report(
            run_id=self.plan.run_id,
            as_of=self.as_of.value if self.as_of else self.plan.as_of,
            dry_run=self.plan.dry_run,
            uploads=sum(self.counts.values()),
            counts={name: self.counts[name] for name in (*NAMES.values(), UNCHECKED)},
            kept=dict(self.kept.most_common()),
            bytes_freed=self.sizes["freed"],
            bytes_would_free=self.sizes["would_free"],
            size_unknown=self.sizes["unknown"],
            verified=self.verified,
            unverified=self.unverified,
            buckets_swept=len(self.swept - self.broken),
            buckets_failed=len(self.broken),
            failed=dict(self.failed.most_common()),
            transient=self.plan.prior_failures.transient + self.transient,
            permanent=self.plan.prior_failures.permanent + self.permanent,
            stopped_because=self.stopped_because,
            number=self.plan.number,
            shard=self.plan.shard,
            continuations=self.continuations,
            unreached=self.unreached,
            rejected=self.rejected,
            not_swept=tuple(self.scans_left),
            dropped=self.plan.dropped,
            over_limit=tuple(self.over_limit),
            rejections=self.plan.rejected,
            must_raise=self.must_raise or bool(self.sweeps_rejected and not self.swept and not self.continuations),
            prior_failures=self.plan.prior_failures,
            prefix_usage=self._largest_prefixes(),
            failures=tuple(self.failures),
            first_rejections=tuple(self.first_rejections),
            details=tuple(self.details),
            not_found=tuple(self.not_found),
            warnings=tuple(self.warnings),
        )

    def _size(self, kind: str, upload: Upload, size: int | None, initiator: str) -> None:
        self.sizes[kind] += size or 0
        self.sizes["unknown"] += size is None
        head, slash, _ = upload.key.partition("/")
        place = (str(upload.bucket), head + slash if slash else "", initiator)
        if place not in self.prefix_usage and len(self.prefix_usage) >= 2 * MAX_PREFIXES_KEPT:
            self._prune_prefixes()
        leak = self.prefix_usage.setdefault(place, PrefixUsage())
        leak.uploads += 1
        leak.bytes += size or 0

    def _prune_prefixes(self) -> None:
        """
        Keep the largest places and add the others up under ELSEWHERE.

        A listing shows each place in one piece, so the largest are found wherever they stand in the alphabet: only the
        beginning of the piece at hand can be among the others.
        """
        elsewhere = self.prefix_usage.pop((ELSEWHERE, "", ""), PrefixUsage())
        places = sorted(
            self.prefix_usage, key=lambda place: (self.prefix_usage[place].bytes, self.prefix_usage[place].uploads)
        )
        for place in places[: len(places) - MAX_PREFIXES_KEPT]:
            leak = self.prefix_usage.pop(place)
            elsewhere.uploads += leak.uploads
            elsewhere.bytes += leak.bytes
        self.prefix_usage[ELSEWHERE, "", ""] = elsewhere

    def _refusal(self, refused: RejectedRequest) -> None:
        """A sweep that does not happen is a failure: nobody would notice otherwise."""
        self.rejected += refused.origin != "listing"
        self.sweeps_rejected += refused.sweep
        if refused.sweep:
            self._failure("SweepRejected", {"code": "SweepRejected", "detail": refused.reason}, permanent=True)
        if len(self.first_rejections) < MAX_REJECTIONS_SHOWN:
            self.first_rejections.append(fields(refused))

    def _failure(self, code: str, what: dict[str, Any], *, permanent: bool) -> None:
        self.failed[code] += 1
        self.permanent += permanent
        self.transient += not permanent
        if len(self.failures) < MAX_FAILURES_SHOWN:
            self.failures.append(what)

    def _largest_prefixes(self) -> tuple[dict[str, Any], ...]:
        worst = sorted(self.prefix_usage.items(), key=lambda item: (-item[1].bytes, -item[1].uploads, item[0]))
        return tuple(
            {"bucket": bucket, "prefix": prefix, "initiator": initiator, "uploads": leak.uploads, "bytes": leak.bytes}
            for (bucket, prefix, initiator), leak in worst[:MAX_PREFIXES_SHOWN]
        )
