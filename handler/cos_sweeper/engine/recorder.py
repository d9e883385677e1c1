"""
What the engine reports about each upload, for the records and the account of a sweep.

The engine calls, `report` implements, and without REPORT nothing is recorded.
"""

from collections.abc import Sequence
from typing import Protocol

from cos_sweeper.core.model import ListedUpload
from cos_sweeper.core.outcomes import Outcome
from cos_sweeper.core.report import Report


class Recorder(Protocol):
    """Records one run. Nothing here raises for COS's sake. is_on: whether anything is recorded."""

    is_on: bool

    async def intend(self, candidates: Sequence[ListedUpload]) -> str:
        """
        Record uploads of one page that may be aborted, before the first of these aborts leaves.

        Returns why none of them may be aborted, or ''.
        """
        ...

    def record(self, listed: ListedUpload, outcome: Outcome) -> None:
        """Record an outcome as soon as it is known. Another run of the chain may record the same upload again."""
        ...

    def count(self, listed: ListedUpload, outcome: Outcome) -> None:
        """Add an upload to the account. Exactly one run of a chain counts each upload."""
        ...


class ChainRecorder(Recorder, Protocol):
    """A recorder that also stores what the runs of a chain add up to. name: under which the next run finds it."""

    name: str

    async def save(self, report: Report, works: Sequence[str]) -> None:
        """
        Store what is known, just before the continuation is invoked.

        works: the pieces of work that continue. One that equals this run's own continues its account.
        """
        ...


class NoRecorder:
    """Records nothing."""

    is_on = False
    name = ""

    async def intend(self, candidates: Sequence[ListedUpload]) -> str:  # noqa: ARG002
        """Allow every abort."""
        return ""

    def record(self, listed: ListedUpload, outcome: Outcome) -> None:
        """Do nothing."""

    def count(self, listed: ListedUpload, outcome: Outcome) -> None:
        """Do nothing."""

    async def save(self, report: Report, works: Sequence[str]) -> None:
        """Do nothing."""


NO_RECORDER = NoRecorder()
