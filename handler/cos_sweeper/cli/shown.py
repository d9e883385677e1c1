"""
The uploads that a question showed. What follows the answer aborts these and no others.

A second listing can show more than the first one did. What the question did not show is left out of that listing, so it
cannot be aborted, and is counted. What the question showed as kept stays in: with the same moment of reference it is
kept again, and the account has it.
"""

from collections import Counter
from dataclasses import replace

from cos_sweeper.cli import looking
from cos_sweeper.core.model import Bucket, ListedUpload, Page, RejectedRequest
from cos_sweeper.core.outcomes import Aborted, Kept, Outcome, WouldAbort
from cos_sweeper.core.policy import DOUBTS


class Shown:
    """
    First the look, then the aborts: both call `outcome` for each upload.

    Uploads are remembered by a number each, so that a million of them need no more than some tens of megabytes.
    """

    def __init__(self) -> None:
        self._going: set[int] = set()
        self._kept: set[int] = set()
        self._others: set[int] = set()
        self._left: dict[int, str] = {}
        self._is_answered = False
        self.aborted = 0

    @property
    def going(self) -> int:
        """How many the question showed as going."""
        return len(self._going)

    @property
    def others(self) -> int:
        """How many were left out, because the question did not show them."""
        return len(self._others)

    @property
    def is_done(self) -> bool:
        """Whether each upload that the question showed has come to an end."""
        return self.aborted + len(self._left) >= len(self._going)

    def answered(self) -> "Shown":
        """From now on it is what may be aborted."""
        self._is_answered = True
        return self

    def outcome(self, listed: ListedUpload, outcome: Outcome) -> None:
        """Remember an upload, by its outcome."""
        number = _number(listed.upload.bucket, listed)
        if self._is_answered:
            self._came_to(number, outcome)
        elif isinstance(outcome, WouldAbort):
            self._going.add(number)
        elif isinstance(outcome, RejectedRequest) or (isinstance(outcome, Kept) and outcome.reason not in DOUBTS):
            self._kept.add(number)

    def _came_to(self, number: int, outcome: Outcome) -> None:
        if number not in self._going:
            return
        if isinstance(outcome, Aborted):
            self.aborted += 1
            self._left.pop(number, None)
        else:
            self._left[number] = looking.outcome_text(outcome)

    def within(self, bucket: Bucket, page: Page) -> Page:
        """The page without what the question did not show."""
        seen = []
        for listed in page.listed:
            number = _number(bucket, listed)
            if number in self._going or number in self._kept:
                seen.append(listed)
            else:
                self._others.add(number)
        return replace(page, listed=tuple(seen))

    def left_by_reason(self) -> dict[str, int]:
        """What became of those that were shown and not aborted."""
        return dict(Counter(self._left.values()).most_common())


def _number(bucket: Bucket, listed: ListedUpload) -> int:
    # Not by the key: one listing may read it otherwise than the next.
    return hash((bucket, listed.upload.upload_id))
