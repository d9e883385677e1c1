"""
What all parts of one run share: its plan, and what ends it, or its work in a bucket, early.
"""

from dataclasses import dataclass, field, replace

from cos_sweeper.core.clock import AsOf
from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.errors import CosRejected, StoreError
from cos_sweeper.core.model import Bucket, ListedUpload, RejectedRequest
from cos_sweeper.core.outcomes import (
    AT_LIMIT,
    Aborted,
    BucketFailed,
    Deferred,
    Failed,
    Outcome,
    StillReceiving,
    fields,
)
from cos_sweeper.core.plan import Plan
from cos_sweeper.core.report_builder import ReportBuilder
from cos_sweeper.cos.store import Store
from cos_sweeper.engine.abort_budget import AbortBudget
from cos_sweeper.engine.processing import Acknowledged
from cos_sweeper.engine.reasons import OUT_OF_TIME, STOPPED
from cos_sweeper.engine.recorder import Recorder
from cos_sweeper.report.log import Log

# After so many equal permanent rejections in a row, the chain sends no more requests to a bucket.
MAX_EQUAL_REFUSALS = 20


@dataclass(slots=True)
class RunState:
    """
    One run.

    retries: whether a later run can try again what failed for now. half: half of the time for work; what took so long,
    and was cut off, blocks the rest. stopped: the code with which COS accepts the credentials or the clock no longer;
    stopped_in: the first bucket that did so; stopped_early: this run had made no progress by then. progressed: a later
    run that does the same as this one has less to do. given_up: buckets without further requests, with the failure that
    they had too often. distrusted: buckets in which an upload was still there after a 204. accepting: buckets in which
    COS accepted an abort.
    """

    plan: Plan
    store: Store
    deadline: Deadline
    log: Log
    retries: bool
    as_of: AsOf
    report_builder: ReportBuilder
    abort_budget: AbortBudget
    recorder: Recorder
    half: float = field(init=False)
    stopped: str = field(init=False, default="")
    stopped_in: Bucket | None = field(init=False, default=None)
    stopped_early: bool = field(init=False, default=False)
    _is_stopped_whole: bool = field(init=False, default=False)
    progressed: bool = field(init=False, default=False)
    given_up: dict[Bucket, Failed] = field(init=False, default_factory=dict)
    distrusted: set[Bucket] = field(init=False, default_factory=set)
    accepting: set[Bucket] = field(init=False, default_factory=set)
    # The last permanent rejection of each bucket, and how many equal ones came in a row.
    _refusals: dict[Bucket, tuple[str, int]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.half = (self.deadline.work_ends - self.deadline.clock()) / 2

    def count(self, outcome: Outcome, listed: ListedUpload, *, detailed: bool = False) -> None:
        """Count an upload in the report and in the account. detailed: an event named it."""
        self.report_builder.add(outcome, listed.initiator, detailed=detailed)
        self.recorder.count(listed, outcome)

    def why_stop(self, bucket: Bucket | None = None) -> str:
        """Why no new work begins, or ''. bucket: in this one."""
        if self.stopped and (self._is_stopped_whole or bucket == self.stopped_in):
            return f"{STOPPED}: {self.stopped}"
        if self.abort_budget.why_not:
            return self.abort_budget.why_not
        if self.deadline.passed:
            return OUT_OF_TIME
        return AT_LIMIT if self.abort_budget.spent else ""

    def heed(self, bucket: Bucket, outcome: object) -> None:
        """Note what an outcome, or a 204 that is not verified yet, says about its bucket and about the run."""
        if isinstance(outcome, (Acknowledged, Aborted)):
            self.accepting.add(bucket)
        if isinstance(outcome, Deferred) and outcome.reason.startswith(STOPPED):
            self.stop(bucket, outcome.reason.removeprefix(f"{STOPPED}: "))

    def stop(self, bucket: Bucket, code: str) -> None:
        """
        COS accepts the credentials or the clock no longer.

        The run ends. If only one bucket does so, it goes last in the next run. Without a next run the other buckets
        continue, until a second one does the same.
        """
        if self.retries or (self.stopped and bucket != self.stopped_in):
            self._is_stopped_whole = True
        if not self.stopped:
            self.stopped, self.stopped_in, self.stopped_early = code, bucket, not self.progressed

    def break_circuit(self, outcome: Outcome) -> None:
        """Give a bucket up after many equal permanent rejections in a row: the next ones would be no different."""
        bucket = outcome.upload.bucket if outcome.upload else None
        if bucket is None:
            return
        if not isinstance(outcome, Failed) or not outcome.permanent:
            self._refusals.pop(bucket, None)
            return
        code, count = self._refusals.get(bucket, (outcome.code, 0))
        count = count + 1 if code == outcome.code else 1
        self._refusals[bucket] = outcome.code, count
        if count >= MAX_EQUAL_REFUSALS and bucket not in self.given_up:
            detail = f"the bucket is left alone after {MAX_EQUAL_REFUSALS} equal refusals in a row"
            self.given_up[bucket] = replace(outcome, detail=detail)

    def blocks(self, outcome: Outcome, began: float) -> bool:
        """
        Whether an upload, whose work began then, was cut off although it took most of the run's time.

        In a throttled bucket it waited for the rate limit, which is not the upload's fault.
        """
        is_cut_off = isinstance(outcome, Deferred) and outcome.reason == OUT_OF_TIME
        if not is_cut_off or outcome.upload is None or self.store.is_throttled(outcome.upload.bucket):
            return False
        return self.deadline.clock() - began >= self.half


def log_problem(outcome: Outcome, log: Log) -> None:
    """A line for an outcome that the operator should look at."""
    if isinstance(outcome, Failed):
        log.error("upload.failed", **fields(outcome))
    elif isinstance(outcome, StillReceiving):
        log.warning("upload.still_receiving", **fields(outcome))
    elif isinstance(outcome, RejectedRequest):
        log.warning("upload.rejected", **fields(outcome))


def bucket_failed(bucket: Bucket | None, error: StoreError) -> BucketFailed:
    """A listing that failed, as a value. bucket: None for the list of buckets."""
    return BucketFailed(
        bucket, error.code, error.status, error.request_id, isinstance(error, CosRejected), error.detail
    )
