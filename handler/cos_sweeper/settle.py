"""
One upload: judge it, carry the verdict out, and say what became of it.

The answer is always a value: COS's failures are outcomes here, never exceptions.
"""

from dataclasses import dataclass
from datetime import datetime

from cos_sweeper.budget import Deadline
from cos_sweeper.errors import NoSuchUpload, Refusal, Rejected, StoreError, Unavailable
from cos_sweeper.model import (
    Abort,
    Aborted,
    AlreadyGone,
    Deferred,
    Failed,
    Keep,
    Kept,
    Listed,
    Outcome,
    Refused,
    Upload,
    WouldAbort,
)
from cos_sweeper.plan import Named, Plan
from cos_sweeper.policy import CLOCK_OFF, Activity, Policy, add_parts, clock_is_off, decide, keep_by_key, time_in
from cos_sweeper.store import Store

OUT_OF_TIME = "out of time"
AT_LIMIT = "the limit of aborts is reached"
# An upload has at most 10,000 parts, 1000 to a page; an end is needed all the same.
MAX_PARTS_PAGES = 1000


class Allowance:
    """How many aborts are left."""

    def __init__(self, most: int | None) -> None:
        self._left = most

    @property
    def left(self) -> int | None:
        """How many are left, None without a limit."""
        return self._left

    @property
    def spent(self) -> bool:
        """Nothing is left."""
        return self._left == 0

    def take(self) -> bool:
        """Take one; False when none is left."""
        if self._left == 0:
            return False
        if self._left is not None:
            self._left -= 1
        return True

    def give_back(self) -> None:
        """One that was taken was not needed."""
        if self._left is not None:
            self._left += 1


@dataclass(frozen=True, slots=True)
class Settler:
    """Carries the policy out, one upload at a time."""

    store: Store
    plan: Plan
    deadline: Deadline
    allowance: Allowance

    def named(self, named: Named) -> Outcome:
        """Settle an upload that an event named: nothing is known of it but its name."""
        kept = keep_by_key(named.upload.key, named.policy)
        if kept:
            return Kept(named.upload, kept.reason)
        return self._settle(
            named.upload, time_in(named.upload.upload_id), named.policy, blind=not named.policy.min_idle
        )

    def listed(self, listed: Listed, started: datetime, policy: Policy) -> Outcome:
        """Settle an upload that the listing alone could not keep. started: its start, UTC."""
        return self._settle(listed.upload, started, policy, blind=False)

    def _settle(self, upload: Upload, started: datetime | None, policy: Policy, *, blind: bool) -> Outcome:
        """Judge one upload and carry the verdict out. blind: abort even when its parts cannot be read."""
        try:
            try:
                verdict = self._judge(upload, started, policy)
            except StoreError as exc:
                if not blind or isinstance(exc, NoSuchUpload):
                    raise
                verdict = Abort(None)
            if isinstance(verdict, Keep):
                return Kept(upload, verdict.reason)
            if verdict is None:
                return Deferred(upload, OUT_OF_TIME)
            return self._abort(upload, verdict)
        except NoSuchUpload:
            return AlreadyGone(upload)
        except Refusal as exc:
            return Refused(str(exc), upload, "listing")
        except StoreError as exc:
            return Failed(upload, exc.code, exc.status, exc.request_id, isinstance(exc, Rejected), exc.detail)

    def _judge(self, upload: Upload, started: datetime | None, policy: Policy) -> Keep | Abort | None:
        """Read the parts, up to the first fresh one. None: time ran out before the verdict."""
        activity, after = Activity(), 0
        for _ in range(MAX_PARTS_PAGES):
            if self.deadline.passed:
                return None
            try:
                page = self.store.parts(upload, after)
            except Unavailable:
                # Cut off by our own time limit: no word on COS, and none on the upload.
                if self.deadline.passed:
                    return None
                raise
            if policy.min_idle and clock_is_off(page.skew):
                return Keep(CLOCK_OFF)
            seen = add_parts(activity, page.parts, policy, self.plan.as_of)
            if isinstance(seen, Keep):
                return seen
            if page.next is None:
                return decide(started, seen, policy, self.plan.as_of)
            activity, after = seen, page.next
        raise Rejected("EndlessParts", detail=f"more than {MAX_PARTS_PAGES} pages of parts")

    def _abort(self, upload: Upload, verdict: Abort) -> Outcome:
        if not self.allowance.take():
            return Deferred(upload, AT_LIMIT)
        if self.plan.dry_run:
            return WouldAbort(upload, verdict.bytes)
        try:
            return Aborted(upload, verdict.bytes, self.store.abort(upload).request_id)
        except NoSuchUpload:
            self.allowance.give_back()
            raise
