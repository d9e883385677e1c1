"""
What the engine tells about each upload, for the records and the account of a sweep.

The engine calls, `report` implements, and without REPORT nothing is recorded.
"""

from collections.abc import Sequence
from typing import Protocol

from cos_sweeper.core.model import ListedUpload
from cos_sweeper.core.outcomes import Outcome


class Recorder(Protocol):
    """Records one run. Nothing here raises for COS's sake."""

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


class NoRecorder:
    """Records nothing."""

    async def intend(self, candidates: Sequence[ListedUpload]) -> str:  # noqa: ARG002
        """Allow every abort."""
        return ""

    def record(self, listed: ListedUpload, outcome: Outcome) -> None:
        """Do nothing."""

    def count(self, listed: ListedUpload, outcome: Outcome) -> None:
        """Do nothing."""
