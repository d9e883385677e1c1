"""
One upload: evaluate it, carry the verdict out, and return the outcome.

COS's failures are outcomes here, never exceptions. Where the policy asks for evidence, an abort relies on a look at the
parts that is seconds old (`evidence`). After a 204 the upload must be gone, which `verification` looks at.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NoReturn, TypeVar

from cos_sweeper.core import key_readings
from cos_sweeper.core.clock import AsOf
from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.errors import CosRejected, NoSuchUpload, RequestRejected, Stopped, StoreError, Unavailable
from cos_sweeper.core.keys import validate_key
from cos_sweeper.core.model import Keep, ListedUpload, NeedsParts, PartsSeen, RejectedRequest, Upload
from cos_sweeper.core.outcomes import AT_LIMIT, Aborted, AlreadyGone, Deferred, Failed, Kept, Outcome, WouldAbort
from cos_sweeper.core.plan import Plan, UploadTarget
from cos_sweeper.core.policy import NEW_PART, NOT_LISTED, Policy, evaluate, keep_by_key, keep_by_readings
from cos_sweeper.core.retry import backoff
from cos_sweeper.cos.error_codes import THROTTLED
from cos_sweeper.cos.store import Receipt, Store
from cos_sweeper.engine.abort_budget import AbortBudget
from cos_sweeper.engine.evidence import MAX_PAGES_AT_ONCE, CutOff, Look, Looker
from cos_sweeper.engine.intent import Intent
from cos_sweeper.engine.lookup import Lookup, is_known
from cos_sweeper.engine.reasons import NOT_FRESH, OUT_OF_TIME, STOPPED
from cos_sweeper.engine.task_group import Gate

R = TypeVar("R")

# An abort that did not leave, and why.
OUT_OF_TIME_TO_SEND, TOO_LATE = "OutOfTime", "TooLate"
# Of one upload in one run, before the first 204.
MAX_LOOKS = 3


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """COS answered an abort with 204. start: None where it is not known; look: the evidence, None without any."""

    aborted: Aborted
    policy: Policy
    start: NeedsParts | None
    look: Look | None


@dataclass(slots=True)
class _Case:
    """
    An upload that is being evaluated.

    look: the last one at its parts. was_sent: an abort left, with unknown result. intent: what must be recorded before
    an abort leaves. is_counted: among the aborts that are allowed, by this run or an earlier one. is_taken: by this
    one, and may be given back.
    """

    upload: Upload
    policy: Policy
    start: NeedsParts | None
    look: Look | None = None
    was_sent: bool = False
    markers: tuple[int, ...] = (0,)
    intent: Intent | None = None
    is_counted: bool = field(init=False)
    is_taken: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self.is_counted = self.was_sent

    def deferred(self, reason: str) -> Deferred:
        """It is not processed in this run."""
        return Deferred(self.upload, reason, self.was_sent, self.markers, self.seen)

    @property
    def seen(self) -> PartsSeen | None:
        """Its parts, as the last look showed them."""
        return self.look.activity.seen if self.look else None


_Process = Callable[[_Case], Awaitable[Outcome | Acknowledged]]


@dataclass(frozen=True, slots=True)
class UploadProcessor:
    """Carries the policy out, one upload at a time. counts_kept: as for `Looker`."""

    store: Store
    plan: Plan
    deadline: Deadline
    abort_budget: AbortBudget
    as_of: AsOf
    counts_kept: bool = False
    looker: Looker = field(init=False)
    lookup: Lookup = field(init=False)

    def __post_init__(self) -> None:
        looker = Looker(self.store, self.deadline, self.as_of, Gate(MAX_PAGES_AT_ONCE), self.counts_kept)
        object.__setattr__(self, "looker", looker)
        object.__setattr__(self, "lookup", Lookup(self.store, self.deadline, self.as_of))

    async def process_target(self, target: UploadTarget, intent: Intent | None = None) -> Outcome | Acknowledged:
        """
        Process an upload of which only the name is known: an event named it, or an earlier run left it.

        Its key may be encoded, or may have been read wrongly; where COS does not know the upload under it, its other
        readings are tried. For a key that the policy keeps, no request is sent.
        """
        upload, process = target.upload, self._process_swept if target.is_swept else self._process
        keys = (
            key_readings.of_listed(target.text or upload.key, upload.key)
            if target.is_swept
            else key_readings.of_named(upload.key)
        )
        kept = keep_by_readings(keys, target.policy)
        if kept:
            return Kept(upload, kept.reason)
        case = _Case(upload, target.policy, None, was_sent=target.was_sent, markers=target.markers, intent=intent)
        kept = keep_by_key(upload.key, target.policy)
        outcome = Kept(upload, kept.reason) if kept else await self._as_outcome(case, process)
        if kept or isinstance(outcome, AlreadyGone):
            return await self._try_readings(outcome, keys[1:], replace(case, look=None), process)
        return outcome

    async def listed(
        self, listed: ListedUpload, start: NeedsParts, policy: Policy, intent: Intent | None = None
    ) -> Outcome | Acknowledged:
        """
        Process an upload that the listing alone could not keep.

        Where COS does not know it under its key, the key may have been read wrongly: the other readings are tried.
        """
        upload = listed.upload
        case = _Case(upload, policy, start, intent=intent)
        outcome = await self._as_outcome(case, self._process)
        if not isinstance(outcome, AlreadyGone):
            return outcome
        return await self._try_readings(outcome, key_readings.of(listed)[1:], replace(case, look=None), self._process)

    async def kept(self, upload: Upload, kept: Keep, policy: Policy) -> Outcome:
        """Read the parts of an upload that the listing keeps, for an inventory."""
        return await self._as_outcome(_Case(upload, policy, None), partial(self._measure, kept))

    async def _measure(self, kept: Keep, case: _Case) -> Kept | Deferred:
        seen = await self.looker.measure(case.upload)
        if isinstance(seen, CutOff):
            return case.deferred(OUT_OF_TIME)
        return Kept(case.upload, kept.reason, seen)

    async def _try_readings(
        self,
        outcome: Outcome | Acknowledged,
        keys: Sequence[str],
        case: _Case,
        process: _Process,
    ) -> Outcome | Acknowledged:
        """The same upload under its other keys, each only after List Parts knows it there; `outcome` if none does."""
        for key in keys:
            upload = replace(case.upload, key=key)
            if keep_by_key(key, case.policy) or validate_key(key, upload.upload_id):
                if isinstance(outcome, AlreadyGone):
                    outcome = replace(outcome, is_checked=False)
                continue
            try:
                if not await is_known(self.store, upload):
                    continue
            except StoreError as exc:
                return await self._as_outcome(case, partial(_raise, exc))
            return await self._as_outcome(replace(case, upload=upload, was_sent=False), process)
        return outcome

    async def _process_swept(self, case: _Case) -> Outcome | Acknowledged:
        """An earlier run of the sweep left it; its age is looked up again. One that is not listed may be gone."""
        found = await self.lookup.find(case.upload, case.policy)
        if found is None:
            return case.deferred(OUT_OF_TIME)
        if isinstance(found, Keep):
            if found.reason == NOT_LISTED:
                await self.store.parts(case.upload, 0)
            return Kept(case.upload, found.reason)
        case.start = found
        return await self._process(case)

    async def _process(self, case: _Case) -> Outcome | Acknowledged:
        upload, policy = case.upload, case.policy
        if not policy.min_idle:
            return await self._abort_at_once(case)
        for number in range(MAX_LOOKS):
            look = await self._gather(case)
            if not isinstance(look, Look):
                return look
            if self.plan.dry_run:
                self.store.give_back(upload.bucket)
                seen = look.activity.seen
                return WouldAbort(upload, seen.bytes, seen) if await self._take(case) else self._at_limit(case)
            try:
                outcome = await self._abort(case, look)
            except Unavailable as exc:
                if exc.code == OUT_OF_TIME_TO_SEND or not await self._may_look_again(exc, number):
                    raise
            else:
                if outcome is not None:
                    return outcome
        self._take_back(case)
        return case.deferred(NOT_FRESH)

    async def _may_look_again(self, exc: Unavailable, number: int) -> bool:
        """After an abort that failed: back off, then look again, where that may help. number: of the look, from 0."""
        if exc.code == TOO_LATE:
            return True
        if number == MAX_LOOKS - 1 or not exc.is_retryable:
            return False
        if not await self.store.pause(backoff(number)):
            raise Unavailable(OUT_OF_TIME_TO_SEND) from exc
        return True

    async def _gather(self, case: _Case) -> Look | Kept | Deferred:
        """Gather the evidence for an abort. A Look is such evidence; the case remembers it."""
        upload, earlier = case.upload, case.look
        if earlier is None:
            look = await self.looker.look(upload, case.policy, case.markers)
        else:
            look = await self.looker.look_again(upload, case.policy, earlier)
        if isinstance(look, CutOff):
            case.markers = look.markers
            return case.deferred(OUT_OF_TIME)
        if isinstance(look, Keep):
            return self._kept(upload, look)
        seen = look.activity.seen
        if earlier is not None and look.differs_from(earlier):
            return self._kept(upload, Keep(NEW_PART, seen))
        case.look = look
        if case.start is None and look.activity.newest is None:
            found = await self.lookup.find(upload, case.policy)
            if found is None:
                return case.deferred(OUT_OF_TIME)
            if isinstance(found, Keep):
                return self._kept(upload, replace(found, seen=seen))
            case.start = found
        verdict = evaluate(case.start, look.activity, case.policy, self.as_of.value)
        return self._kept(upload, replace(verdict, seen=seen)) if isinstance(verdict, Keep) else look

    async def _abort(self, case: _Case, look: Look) -> Acknowledged | Deferred | None:
        """
        Send the abort, once; None when the look is not, or no longer, evidence for it. Raises StoreError.

        An abort whose response is lost may have happened: it stays counted.
        """
        if look.needs_another or look.seconds_left(self.deadline.clock()) <= 0:
            self.store.give_back(case.upload.bucket)
            return None
        if not await self._take(case):
            self.store.give_back(case.upload.bucket)
            return self._at_limit(case)
        # Before the first abort of a sweep comes the permission probe, which may take longer than a look is valid.
        seconds = look.seconds_left(self.deadline.clock())
        if seconds <= 0:
            self._take_back(case)
            self.store.give_back(case.upload.bucket)
            return None
        receipt = await self._send(case, seconds)
        seen = look.activity.seen
        aborted = Aborted(case.upload, seen.bytes, receipt.request_id, seen=seen)
        return Acknowledged(aborted, case.policy, case.start, look)

    async def _abort_at_once(self, case: _Case) -> Outcome | Acknowledged:
        """The policy requires no evidence but the event; the parts only show the bytes."""
        upload, policy = case.upload, case.policy
        look: Look | Keep | CutOff | None = None
        try:
            look = await self.looker.look(upload, policy, for_abort=False)
            if isinstance(look, CutOff):
                return case.deferred(OUT_OF_TIME)
            if isinstance(look, Keep):
                return Kept(upload, look.reason, look.seen)
            case.look = look
        except (NoSuchUpload, Stopped):
            raise
        except StoreError:
            pass
        if not await self._take(case):
            return self._at_limit(case)
        seen = case.seen
        size = seen.bytes if seen else None
        if self.plan.dry_run:
            return WouldAbort(upload, size, seen)
        receipt = await self._send(case, None)
        aborted = Aborted(upload, size, receipt.request_id, seen=seen)
        return Acknowledged(aborted, policy, None, case.look)

    async def _send(self, case: _Case, seconds: float | None) -> Receipt:
        """
        The abort itself. Raises StoreError.

        Without `seconds` the store sends it again where that may help. Then the last response says nothing about an
        earlier attempt, which may have succeeded.
        """
        may_be_sent_again = seconds is None
        try:
            return await self.store.abort(case.upload, seconds)
        except (NoSuchUpload, Stopped):
            case.was_sent = case.was_sent or may_be_sent_again
            self._take_back(case)
            raise
        except (Unavailable, CosRejected) as exc:
            is_transient = isinstance(exc, Unavailable)
            case.was_sent = case.was_sent or (may_be_sent_again and is_transient) or _may_have_happened(exc)
            raise

    async def _take(self, case: _Case) -> bool:
        """Take an abort, once for each upload; False when none is left."""
        if case.intent is not None and (why := await case.intent.refusal()):
            self.abort_budget.forbid(why)
            return False
        if not case.is_counted:
            case.is_counted = case.is_taken = await self.abort_budget.take()
        return case.is_counted

    def _take_back(self, case: _Case) -> None:
        """Nothing was aborted with it."""
        if case.is_taken and not case.was_sent:
            self.abort_budget.give_back()
            case.is_counted = case.is_taken = False

    def _at_limit(self, case: _Case) -> Deferred:
        return case.deferred(self.abort_budget.why_not or AT_LIMIT)

    def _kept(self, upload: Upload, kept: Keep) -> Kept:
        self.store.give_back(upload.bucket)
        return Kept(upload, kept.reason, kept.seen)

    async def _as_outcome(self, case: _Case, work: Callable[[_Case], Awaitable[R]]) -> R | Outcome:
        outcome: R | Outcome
        try:
            outcome = await work(case)
        except (StoreError, RequestRejected) as exc:
            outcome = self._outcome_of(case, exc)
        if isinstance(outcome, (Kept, Deferred, Failed, RejectedRequest)):
            self._take_back(case)
        if case.is_taken:
            case.is_taken = False
            self.abort_budget.use()
        return outcome

    def _outcome_of(self, case: _Case, exc: StoreError | RequestRejected) -> Outcome:
        upload = case.upload
        if isinstance(exc, NoSuchUpload):
            return AlreadyGone(upload)
        if isinstance(exc, RequestRejected):
            return RejectedRequest(str(exc), upload, "listing")
        if isinstance(exc, Stopped):
            return case.deferred(f"{STOPPED}: {exc.code}")
        if isinstance(exc, Unavailable) and (self.deadline.passed or exc.code == OUT_OF_TIME_TO_SEND):
            # Our own time limit or the rate limit cut it off: this says nothing about COS.
            return case.deferred(OUT_OF_TIME)
        permanent = isinstance(exc, CosRejected)
        return Failed(upload, exc.code, exc.status, exc.request_id, permanent, exc.detail, case.was_sent, case.seen)


async def _raise(exc: StoreError, _: object) -> NoReturn:
    raise exc


def _may_have_happened(exc: Unavailable | CosRejected) -> bool:
    """
    Whether COS may have aborted the upload although it did not respond, or responded with a server error. A 2xx that is
    no 204 proves nothing, and may be an abort.
    """
    if isinstance(exc, CosRejected):
        return exc.status is not None and exc.status < 300
    if exc.code in (OUT_OF_TIME_TO_SEND, TOO_LATE):
        return False
    return exc.status is None or (exc.status >= 500 and exc.status != 503 and exc.code not in THROTTLED)
