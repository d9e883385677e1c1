"""
The uploads that a question showed. What follows the answer aborts these and no others.

A second listing can show more than the first one did. What the question did not show is left out of that listing, so it
cannot be aborted, and is counted. What the question showed as kept stays in: with the same moment of reference it is
kept again, and the account has it. The store asks before each abort as well, so that no answer of a server, and no
other reading of a key, makes more of it: bucket, key and upload id must be those that were shown.
"""

import hashlib
from collections import Counter
from dataclasses import replace

from cos_sweeper.cli import looking
from cos_sweeper.core import key_readings
from cos_sweeper.core.model import Bucket, ListedUpload, Page, RejectedRequest, Upload
from cos_sweeper.core.outcomes import Aborted, Kept, Outcome, WouldAbort
from cos_sweeper.core.policy import DOUBTS

# What one answer can be about. Each needs some 200 bytes of memory.
MAX_UPLOADS = 1_000_000
DIGEST_BYTES = 16


class Shown:
    """
    First the look, then the aborts: both call `outcome` for each upload.

    Uploads are remembered by digests. maximum: of each kind of them; an upload beyond it counts as not shown.
    """

    def __init__(self, maximum: int = MAX_UPLOADS) -> None:
        # Of bucket and id → those of the keys that the listing can mean.
        self._going: dict[bytes, bytes] = {}
        self._kept: set[bytes] = set()
        self._others: set[bytes] = set()
        self._left: dict[bytes, str] = {}
        self._maximum = maximum
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
        name = _name(listed.upload)
        if self._is_answered:
            self._came_to(name, outcome)
        elif isinstance(outcome, WouldAbort):
            if self.has_room:
                keys = dict.fromkeys((outcome.upload.key, *key_readings.of(listed)))
                self._going[name] = b"".join(map(_digest, keys))
        elif isinstance(outcome, RejectedRequest) or (isinstance(outcome, Kept) and outcome.reason not in DOUBTS):
            self._add(self._kept, name)

    @property
    def has_room(self) -> bool:
        """Whether the answer can be about one upload more."""
        return len(self._going) < self._maximum

    def may_abort(self, upload: Upload) -> bool:
        """Whether the question showed exactly this bucket, key and id as going."""
        keys, key = self._going.get(_name(upload), b""), _digest(upload.key)
        return any(keys[at : at + DIGEST_BYTES] == key for at in range(0, len(keys), DIGEST_BYTES))

    def _add(self, names: set[bytes], name: bytes) -> None:
        if len(names) < self._maximum:
            names.add(name)

    def _came_to(self, name: bytes, outcome: Outcome) -> None:
        if name not in self._going:
            return
        if isinstance(outcome, Aborted):
            self.aborted += 1
            self._left.pop(name, None)
        else:
            self._left[name] = looking.outcome_text(outcome)

    def within(self, bucket: Bucket, page: Page) -> Page:
        """The page without what the question did not show."""
        seen = []
        for listed in page.listed:
            name = _name(replace(listed.upload, bucket=bucket))
            if name in self._going or name in self._kept:
                seen.append(listed)
            else:
                self._add(self._others, name)
        return replace(page, listed=tuple(seen))

    def left_by_reason(self) -> dict[str, int]:
        """What became of those that were shown and not aborted."""
        return dict(Counter(self._left.values()).most_common())


def _name(upload: Upload) -> bytes:
    # Not by the key: one listing may read it otherwise than the next.
    return _digest(f"{upload.bucket}\0{upload.upload_id}")


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()
