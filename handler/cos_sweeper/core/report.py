"""
The report of a run: what it did, and the JSON that its caller receives.

`report_builder` collects it. No I/O.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from cos_sweeper.core.model import RejectedRequest, Upload
from cos_sweeper.core.plan import PriorFailures, Shard
from cos_sweeper.core.version import VERSION

# A report is also the function's response, which SCF logs, so its lists are cut to examples.
MAX_NOT_SWEPT_SHOWN = 100


class Status(str, Enum):
    """The overall result of a run."""

    COMPLETE = "complete"
    REJECTED = "rejected"
    PARTIAL = "partial"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Report:
    """
    What a run did.

    Uploads. counts: by outcome; they add up to `uploads`. kept: by reason. bytes_freed: only after a 204; size_unknown:
    uploads whose size is unknown. verified: aborted, and List Parts then answered NoSuchUpload; unverified: aborted,
    and that check failed. unreached: uploads that an event named and that were not processed; over_limit: those beyond
    MAX_ABORTS. details: one outcome for each upload that an event named, the first MAX_DETAILS_SHOWN, in any order.

    Failures. failed: of uploads and buckets, by COS's error code. transient, permanent: failures for which a retry may
    or cannot succeed, including those of the chain's earlier runs (prior_failures). failures: the first of them.

    Requests. rejected: how many were not carried out; rejections: each of them; first_rejections: the first of them,
    as JSON. ignored: records of the event that request nothing.

    Rest of the work. stopped_because: why the run stopped before its listings ended, or ''. continuations: how many
    invocations continue the work. not_swept: listings that no run continues. dropped: items of a checkpoint that the
    current settings exclude. must_raise: work is lost unless the platform retries.
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
        """FAILED if anything failed, else PARTIAL if anything remains or is in doubt, else REJECTED or COMPLETE."""
        if self.transient or self.permanent:
            return Status.FAILED
        if self.prior_failures.incomplete:
            return Status.PARTIAL
        left = self.stopped_because or self.continuations or self.not_swept or self.dropped
        doubtful = ("deferred", "still_receiving", "listed_but_not_found")
        has_unaddressable_uploads = self.counts["rejected"] > self.rejected
        if left or has_unaddressable_uploads or any(self.counts[name] for name in doubtful):
            return Status.PARTIAL
        return Status.REJECTED if self.rejected else Status.COMPLETE

    def as_json(self) -> dict[str, Any]:
        """The report as the caller receives it; sizes in bytes, times in UTC."""
        return {
            "status": self.status.value,
            "version": VERSION,
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


def cut(report: dict[str, Any], size: Callable[[dict[str, Any]], int], maximum: int) -> dict[str, Any]:
    """
    The report with its lists shortened until `size` returns at most `maximum` bytes.

    The field `cut` says how many items of which list are missing; the counts stay complete. The lists that are cut
    first are also in the stored report and in the log.
    """
    for name in CUT_FIRST:
        items = report[name]
        while size(report) > maximum and report[name]:
            kept = report[name][: len(report[name]) // 2]
            report = {**report, name: kept, "cut": {**report.get("cut", {}), name: len(items) - len(kept)}}
    return report


# The lists of a report, in the order in which they are cut.
CUT_FIRST = ("details", "failures", "rejections", "not_found", "warnings", "dropped", "not_swept", "largest_prefixes")
