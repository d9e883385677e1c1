"""
One upload: judge it, carry the verdict out, and say what became of it.

The answer is always a value: COS's failures are outcomes here, never exceptions. Where the policy asks for evidence, an
abort relies on a look at the parts that is seconds old (`look`). After a 204 the upload must be gone, which a further
look verifies.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from cos_sweeper.budget import Deadline
from cos_sweeper.clock import AsOf
from cos_sweeper.errors import NoSuchUpload, Refusal, Rejected, StoreError, Unavailable
from cos_sweeper.listing import Walk
from cos_sweeper.look import Look, Looker
from cos_sweeper.model import (
    BEGINNING,
    Aborted,
    AlreadyGone,
    Deferred,
    Failed,
    Keep,
    Kept,
    LookAtParts,
    Outcome,
    Refused,
    StillReceiving,
    Upload,
    WouldAbort,
)
from cos_sweeper.plan import Named, Plan
from cos_sweeper.policy import NEW_PART, NOT_LISTED, Policy, decide, keep_by_key, last_sign, screen
from cos_sweeper.retry import backoff
from cos_sweeper.store import Store

OUT_OF_TIME = "out of time"
AT_LIMIT = "the limit of aborts is reached"
NOT_FRESH = "its parts could not be looked at shortly before an abort"
STILL_THERE = "StillThere"
# Of one upload in one run, before the first 204.
MAX_LOOKS = 3
# Before each further abort of an upload that is still there after a 204, in seconds.
VERIFY_PAUSES = (1.0, 5.0, 20.0)


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
class Acknowledged:
    """COS answered an abort with 204. start: None where it is not known; look: the evidence, None without any."""

    aborted: Aborted
    policy: Policy
    start: LookAtParts | None
    look: Look | None


@dataclass(slots=True)
class _Case:
    """An upload that is being judged. look: the last one at its parts; was_sent: an abort left, with unknown result."""

    upload: Upload
    policy: Policy
    start: LookAtParts | None
    look: Look | None = None
    was_sent: bool = False


@dataclass(frozen=True, slots=True)
class Settler:
    """Carries the policy out, one upload at a time."""

    store: Store
    plan: Plan
    deadline: Deadline
    allowance: Allowance
    as_of: AsOf

    def named(self, named: Named) -> Outcome | Acknowledged:
        """Settle an upload that an event named: nothing is known of it but its name."""
        kept = keep_by_key(named.upload.key, named.policy)
        if kept:
            return Kept(named.upload, kept.reason)
        return self._as_outcome(named.upload, lambda: self._settle(named.upload, None, named.policy))

    def listed(self, upload: Upload, start: LookAtParts, policy: Policy) -> Outcome | Acknowledged:
        """Settle an upload that the listing alone could not keep."""
        return self._as_outcome(upload, lambda: self._settle(upload, start, policy))

    def is_recent(self, done: Acknowledged, hours: float) -> bool:
        """Whether its last sign of life is younger than that, or unknown."""
        last = last_sign(done.start, done.look.activity) if done.look else None
        return last is None or (self.as_of.value - last).total_seconds() < 3600 * hours

    def verify(self, done: Acknowledged, pause: Callable[[float], bool]) -> Outcome:
        """
        Look whether an aborted upload is gone. While it is not, abort it again, after pauses.

        pause: waits so many seconds; False, at once, when there is no time for that. Only NoSuchUpload verifies: an
        upload without parts is still there.
        """
        upload, is_there = done.aborted.upload, False
        try:
            for seconds in (*VERIFY_PAUSES, None):
                seen = self._look_again(done)
                if isinstance(seen, StillReceiving) or seen is None:
                    return seen or self._unverified(done, is_there=is_there)
                is_there = True
                if seconds is None:
                    break
                if not pause(seconds):
                    return self._unverified(done, is_there=True)
                seen = self._look_again(done)
                if isinstance(seen, StillReceiving) or seen is None:
                    return seen or self._unverified(done, is_there=True)
                self._abort_again(upload, seen)
        except NoSuchUpload:
            return replace(done.aborted, verified=True)
        except (StoreError, Refusal):
            return self._unverified(done, is_there=is_there)
        return self._still_there(done, lasting=True)

    def _settle(self, upload: Upload, start: LookAtParts | None, policy: Policy) -> Outcome | Acknowledged:
        if not policy.min_idle:
            return self._abort_at_once(upload, policy)
        case = _Case(upload, policy, start)
        for number in range(MAX_LOOKS):
            look = self._gather(case)
            if not isinstance(look, Look):
                return look
            if self.plan.dry_run:
                return WouldAbort(upload, look.activity.bytes) if self.allowance.take() else self._at_limit(upload)
            seconds = look.seconds_left(self.deadline.clock())
            if look.needs_another or seconds <= 0:
                self.store.give_back(upload.bucket)
                continue
            if not case.was_sent and not self.allowance.take():
                return self._at_limit(upload)
            try:
                return self._abort(case, look, seconds)
            except Unavailable as exc:
                if number == MAX_LOOKS - 1 or not exc.again or not self.store.pause(backoff(number)):
                    raise
        return Deferred(upload, NOT_FRESH)

    def _gather(self, case: _Case) -> Look | Kept | Deferred:
        """Gather the evidence for an abort. A Look is such evidence; the case remembers it."""
        upload, earlier = case.upload, case.look
        look = self.looker.look(upload, case.policy, earlier)
        if look is None:
            return Deferred(upload, OUT_OF_TIME)
        if isinstance(look, Keep):
            return self._kept(upload, look.reason)
        if earlier is not None and look.differs_from(earlier):
            return self._kept(upload, NEW_PART)
        case.look = look
        if case.start is None and look.activity.newest is None:
            found = self._find(upload, case.policy)
            if found is None:
                return Deferred(upload, OUT_OF_TIME)
            if isinstance(found, Keep):
                return self._kept(upload, found.reason)
            case.start = found
        verdict = decide(case.start, look.activity, case.policy, self.as_of.value)
        return self._kept(upload, verdict.reason) if isinstance(verdict, Keep) else look

    def _abort(self, case: _Case, look: Look, seconds: float) -> Acknowledged:
        """Send the abort, once. Raises StoreError. One whose answer is lost may have taken place: it stays counted."""
        try:
            receipt = self.store.abort(case.upload, seconds)
        except NoSuchUpload:
            if not case.was_sent:
                self.allowance.give_back()
            raise
        except Unavailable:
            case.was_sent = True
            raise
        aborted = Aborted(case.upload, look.activity.bytes, receipt.request_id)
        return Acknowledged(aborted, case.policy, case.start, look)

    def _abort_at_once(self, upload: Upload, policy: Policy) -> Outcome | Acknowledged:
        """The event is all the evidence that the policy asks for; the parts tell no more than their bytes."""
        size: int | None = None
        look: Look | Keep | None = None
        try:
            look = self.looker.look(upload, policy)
            if look is None:
                return Deferred(upload, OUT_OF_TIME)
            if isinstance(look, Keep):
                return self._kept(upload, look.reason)
            size = look.activity.bytes
        except NoSuchUpload:
            raise
        except StoreError:
            pass
        self.store.give_back(upload.bucket)
        if not self.allowance.take():
            return self._at_limit(upload)
        if self.plan.dry_run:
            return WouldAbort(upload, size)
        try:
            aborted = Aborted(upload, size, self.store.abort(upload).request_id)
        except NoSuchUpload:
            self.allowance.give_back()
            raise
        return Acknowledged(aborted, policy, None, look if isinstance(look, Look) else None)

    def _at_limit(self, upload: Upload) -> Deferred:
        self.store.give_back(upload.bucket)
        return Deferred(upload, AT_LIMIT)

    def _kept(self, upload: Upload, reason: str) -> Kept:
        self.store.give_back(upload.bucket)
        return Kept(upload, reason)

    def _find(self, upload: Upload, policy: Policy) -> LookAtParts | Keep | None:
        """What the listing says of one upload. None: time ran out. It stops at the first other key."""
        walk = Walk(BEGINNING)
        while walk.next is not None:
            if self.deadline.passed:
                return None
            page = self.store.page(upload.bucket, walk.next, upload.key)
            self.as_of.lower(page.date, page.skew)
            for listed in page.listed:
                if listed.upload == upload:
                    return screen(listed, page.skew, policy, self.as_of.value)
            if any(listed.upload.key != upload.key for listed in page.listed):
                break
            walk.advance(page)
        return Keep(NOT_LISTED)

    def _look_again(self, done: Acknowledged) -> Look | StillReceiving | None:
        """A look after a 204. Raises NoSuchUpload when it is gone; None: no time."""
        look = self.looker.look(done.aborted.upload, done.policy, done.look)
        if not done.policy.min_idle:
            return look if isinstance(look, Look) else None
        if isinstance(look, Keep) or (look is not None and done.look is not None and look.shows_more_than(done.look)):
            self.store.give_back(done.aborted.upload.bucket)
            return StillReceiving(done.aborted.upload, done.aborted.request_id)
        return look

    def _abort_again(self, upload: Upload, look: Look) -> None:
        """What comes of it is seen by the next look. Raises NoSuchUpload, which is what is hoped for."""
        seconds = look.seconds_left(self.deadline.clock())
        try:
            if seconds > 0:
                self.store.abort(upload, seconds)
        except Unavailable:
            pass

    def _unverified(self, done: Acknowledged, *, is_there: bool) -> Outcome:
        """It could not be looked at any more. A 204 counts unless a look contradicted it."""
        return self._still_there(done, lasting=False) if is_there else replace(done.aborted, verified=False)

    def _still_there(self, done: Acknowledged, *, lasting: bool) -> Failed:
        detail = "COS answers the abort with 204, and List Parts still shows the upload"
        return Failed(done.aborted.upload, STILL_THERE, 204, done.aborted.request_id, lasting, detail)

    def _as_outcome(self, upload: Upload, work: Callable[[], Outcome | Acknowledged]) -> Outcome | Acknowledged:
        try:
            return work()
        except NoSuchUpload:
            self.store.give_back(upload.bucket)
            return AlreadyGone(upload)
        except Refusal as exc:
            return Refused(str(exc), upload, "listing")
        except StoreError as exc:
            return Failed(upload, exc.code, exc.status, exc.request_id, isinstance(exc, Rejected), exc.detail)

    @property
    def looker(self) -> Looker:
        """What looks at parts."""
        return Looker(self.store, self.deadline, self.as_of)
