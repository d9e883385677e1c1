"""
Outcomes → a report: counts, bytes, and the prefixes with the most abandoned uploads.

ReportBuilder takes outcomes one at a time and keeps no more of them than the report shows. No I/O.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from cos_sweeper.core.clock import AsOf
from cos_sweeper.core.model import Bucket, RejectedRequest, Upload, never
from cos_sweeper.core.outcomes import (
    AT_LIMIT,
    NAMES,
    UNCHECKED,
    Aborted,
    AlreadyGone,
    BucketFailed,
    Deferred,
    Failed,
    Kept,
    ListedButNotFound,
    Outcome,
    StillReceiving,
    WouldAbort,
    fields,
    fields_of_bucket,
    name_of,
)
from cos_sweeper.core.plan import ListingTarget, Plan, PriorFailures
from cos_sweeper.core.report import Report

# A report is also the function's response, which SCF logs, so its lists are cut to examples.
MAX_FAILURES_SHOWN = 20
MAX_REJECTIONS_SHOWN = 20
MAX_PREFIXES_SHOWN = 20
MAX_DETAILS_SHOWN = 1000
MAX_PREFIXES_KEPT = 1000
ELSEWHERE = "(elsewhere)"


@dataclass(slots=True)
class PrefixUsage:
    """Abandoned uploads with the same bucket, first key segment and initiator. bytes: the size of their parts."""

    uploads: int = 0
    bytes: int = 0


@dataclass(slots=True)
class ReportBuilder:
    """Collects outcomes and builds the report. as_of: the run's, if it is newer than the plan's."""

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
    listings_left: list[str] = field(default_factory=list)
    over_limit: list[Upload] = field(default_factory=list)
    must_raise: bool = False

    def add(self, outcome: Outcome, initiator: str = "", *, detailed: bool = False) -> None:
        """
        Count the outcome of one upload.

        initiator: as the listing has it, or ''. detailed: the event named this upload, so it is reported one by one.
        """
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
                self._rejection(outcome)
            case ListedButNotFound():
                self.not_found += [fields(outcome)] if len(self.not_found) < MAX_FAILURES_SHOWN else []
            case AlreadyGone() | Deferred() | StillReceiving():
                pass
            case _:
                never(outcome)
        self._detail(outcome, detailed=detailed)

    def _detail(self, outcome: Outcome, *, detailed: bool) -> None:
        if detailed and isinstance(outcome, Deferred) and outcome.reason == AT_LIMIT:
            self.over_limit.append(outcome.upload)
        else:
            self.unreached += detailed and isinstance(outcome, Deferred)
        if detailed and len(self.details) < MAX_DETAILS_SHOWN:
            self.details.append({"outcome": name_of(outcome), **fields(outcome)})

    def sweeping(self, bucket: Bucket) -> None:
        """Count the bucket as swept: a page of it was listed."""
        self.swept.add(bucket)

    def bucket_failed(self, failed: BucketFailed) -> None:
        """Count a failed listing. The uploads that it did not list are not counted anywhere."""
        self.broken.add(failed.bucket)
        self._failure(failed.code, fields_of_bucket(failed), permanent=failed.permanent)

    def chain_failed(self, code: str, detail: str) -> None:
        """Count a failure of the chain: the rest of the work could not be continued."""
        self._failure(code, {"code": code, "detail": detail}, permanent=False)

    def prior_failures(self) -> PriorFailures:
        """The failures of the chain so far, including this run, for the checkpoint of the next run."""
        before = self.plan.prior_failures
        failed = self.failed + Counter(dict(before.failed))
        doubtful = self.counts["still_receiving"] or self.counts["listed_but_not_found"]
        has_unaddressable_uploads = self.counts["rejected"] > self.rejected
        left = self.over_limit or self.plan.dropped or doubtful or has_unaddressable_uploads
        return PriorFailures(
            before.transient + self.transient,
            before.permanent + self.permanent,
            tuple(failed.most_common(MAX_FAILURES_SHOWN)),
            before.incomplete or bool(left),
        )

    def not_swept(self, listing: ListingTarget) -> None:
        """Report a listing that no run continues."""
        mask = self.plan.mask
        after = f" after {mask.key(listing.start.key)}" if listing.start.key else ""
        self.listings_left.append(f"{listing.bucket}/{mask.prefix(listing.prefix)}{after}")

    def warn(self, event: str, **fields: Any) -> None:
        """Report something that an operator should check; the run continues."""
        if len(self.warnings) < MAX_FAILURES_SHOWN:
            self.warnings.append({"event": event, **fields})

    def stopped(self, why: str) -> None:
        """Report why the run stopped before its listings ended. The first reason counts."""
        self.stopped_because = self.stopped_because or why

    def build(self) -> Report:
        """The report of everything that was counted."""
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
            not_swept=tuple(self.listings_left),
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
        group = (str(upload.bucket), head + slash if slash else "", initiator)
        if group not in self.prefix_usage and len(self.prefix_usage) >= 2 * MAX_PREFIXES_KEPT:
            self._prune_prefixes()
        usage = self.prefix_usage.setdefault(group, PrefixUsage())
        usage.uploads += 1
        usage.bytes += size or 0

    def _prune_prefixes(self) -> None:
        """
        Keep the largest groups and add up the others under ELSEWHERE.

        A listing is ordered by key, so the uploads of a prefix follow one another and a large group is not lost in
        pieces: at most the first uploads of the current prefix are counted under ELSEWHERE.
        """
        elsewhere = self.prefix_usage.pop((ELSEWHERE, "", ""), PrefixUsage())
        groups = sorted(
            self.prefix_usage, key=lambda group: (self.prefix_usage[group].bytes, self.prefix_usage[group].uploads)
        )
        for group in groups[: len(groups) - MAX_PREFIXES_KEPT]:
            usage = self.prefix_usage.pop(group)
            elsewhere.uploads += usage.uploads
            elsewhere.bytes += usage.bytes
        self.prefix_usage[ELSEWHERE, "", ""] = elsewhere

    def _rejection(self, rejected: RejectedRequest) -> None:
        """A sweep that does not happen also counts as a failure, so that an operator notices it."""
        self.rejected += rejected.origin != "listing"
        self.sweeps_rejected += rejected.sweep
        if rejected.sweep:
            self._failure("SweepRejected", {"code": "SweepRejected", "detail": rejected.reason}, permanent=True)
        if len(self.first_rejections) < MAX_REJECTIONS_SHOWN:
            self.first_rejections.append(fields(rejected))

    def _failure(self, code: str, shown: dict[str, Any], *, permanent: bool) -> None:
        self.failed[code] += 1
        self.permanent += permanent
        self.transient += not permanent
        if len(self.failures) < MAX_FAILURES_SHOWN:
            self.failures.append(shown)

    def _largest_prefixes(self) -> tuple[dict[str, Any], ...]:
        largest = sorted(self.prefix_usage.items(), key=lambda item: (-item[1].bytes, -item[1].uploads, item[0]))
        return tuple(
            {"bucket": bucket, "prefix": prefix, "initiator": initiator, "uploads": usage.uploads, "bytes": usage.bytes}
            for (bucket, prefix, initiator), usage in largest[:MAX_PREFIXES_SHOWN]
        )
