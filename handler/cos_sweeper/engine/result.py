"""
What a run did, and what it left.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from cos_sweeper.core.model import ListedUpload
from cos_sweeper.core.outcomes import BucketFailed, Outcome, fields_of_bucket
from cos_sweeper.core.plan import Plan
from cos_sweeper.core.report_builder import ReportBuilder
from cos_sweeper.engine.run_state import log_problem
from cos_sweeper.report.log import Log


class Count(Protocol):
    """Counts an upload; `RunState.count`."""

    def __call__(self, outcome: Outcome, listed: ListedUpload, *, detailed: bool = False) -> None:
        """Count it. detailed: an event named it."""
        ...


class Uncounted(NamedTuple):
    """An outcome that the report does not have yet. detailed: an event named the upload."""

    outcome: Outcome
    listed: ListedUpload
    detailed: bool = False


@dataclass(frozen=True, slots=True)
class RunResult:
    """
    A run that has ended.

    remaining: the same plan with only what is still to do; None when nothing is. uncounted: outcomes of uploads that
    `remaining` still holds, in case no later run continues; unlisted: listings likewise. progressed: something was
    processed. stopped: the code with which COS accepts the credentials or the clock no longer, or ''. why_not: why
    nothing may be aborted, or ''. count: as in `RunState`.
    """

    report_builder: ReportBuilder
    remaining: Plan | None
    uncounted: tuple[Uncounted, ...]
    unlisted: tuple[BucketFailed, ...]
    progressed: bool
    stopped: str
    why_not: str
    count: Count

    def count_remaining(self, log: Log) -> None:
        """No later run continues: count what is left in the report and the log of this run."""
        for listing in self.remaining.listings if self.remaining else ():
            self.report_builder.not_swept(listing)
        for outcome, listed, detailed in self.uncounted:
            log_problem(outcome, log)
            self.count(outcome, listed, detailed=detailed)
        for failed in self.unlisted:
            log.error("bucket.failed", **fields_of_bucket(failed))
            self.report_builder.bucket_failed(failed)
