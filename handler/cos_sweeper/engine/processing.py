"""
One upload: judge it, carry the verdict out, and say what became of it.

The answer is always a value: COS's failures are outcomes here, never exceptions. Where the policy asks for evidence, an
abort relies on a look at the parts that is seconds old (`look`). After a 204 the upload must be gone, which a further
look verifies.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NoReturn

from cos_sweeper.core import key_readings
from cos_sweeper.core.clock import AsOf
from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.errors import CosRejected, NoSuchUpload, RequestRejected, Stopped, StoreError, Unavailable
from cos_sweeper.core.keys import validate_key
from cos_sweeper.core.model import BEGINNING, Cursor, Keep, ListedUpload, NeedsParts, Page, RejectedRequest, Upload
from cos_sweeper.core.outcomes import (
    AT_LIMIT,
    Aborted,
    AlreadyGone,
    Deferred,
    Failed,
    Kept,
    Outcome,
    StillReceiving,
    WouldAbort,
)
from cos_sweeper.core.plan import Plan, UploadTarget
from cos_sweeper.core.policy import (
    NEW_PART,
    NOT_LISTED,
    PART_RECENT,
    Policy,
    evaluate,
    keep_by_key,
    keep_by_readings,
    last_active,
    prefilter,
)
from cos_sweeper.core.retry import backoff
from cos_sweeper.cos.error_codes import THROTTLED
from cos_sweeper.cos.store import Receipt, Store
from cos_sweeper.engine.evidence import CutOff, Gate, Look, Looker
from cos_sweeper.engine.paginator import Paginator
from cos_sweeper.net import turns

OUT_OF_TIME = "out of time"
STOPPED = "COS accepts the credentials or the clock no longer"
NOT_FRESH = "its parts could not be looked at shortly before an abort"
STILL_THERE = "StillThere"
# An abort that did not leave, and why.
OUT_OF_TIME_TO_SEND, TOO_LATE = "OutOfTime", "TooLate"
# Of one upload in one run, before the first 204.
MAX_LOOKS = 3
# One key's listing from its beginning, because a marker was refused.
MAX_BEGUN_AGAIN = 3
# Before each further abort of an upload that is still there after a 204, in seconds.
VERIFY_PAUSES = (1.0, 5.0, 20.0)


class AbortBudget:
    """
    How many aborts are left.

    One that is taken may be given back, so whoever comes when the last one is taken waits until that is certain.

    before_first: asked before the first one is taken: why none may be, or ''. taken: so far. refusal: what it said.
    """

    def __init__(self, most: int | None, before_first: Callable[[], str] | None = None) -> None:
        self._left = most
        self._before_first = before_first
        self._is_asking = False
        self._uncertain = 0
        self.taken = 0
        self.refusal = ""

    @property
    def left(self) -> int | None:
        """How many are left, None without a limit."""
        return self._left

    @property
    def spent(self) -> bool:
        """Nothing is left, and nothing will be given back."""
        return self._left == 0 and not self._uncertain

    def take(self) -> bool:
        """Take one; False when none is left, or none may be taken. Who comes while it is being asked waits for that."""
        if self._before_first is not None:
            ask, self._before_first, self._is_asking = self._before_first, None, True
            self.refusal = ask()
            self._is_asking = False
        while self._is_asking or (self._left == 0 and self._uncertain and not self.refusal):
            turns.sleep(0.01)
        if self._left == 0 or self.refusal:
            return False
        if self._left is not None:
            self._left -= 1
        self.taken += 1
        self._uncertain += 1
        return True

    def use(self) -> None:
        """One that was taken is not given back any more."""
        self._uncertain -= 1

    def give_back(self) -> None:
        """One that was taken was not needed."""
        self._uncertain -= 1
        if self._left is not None:
            self._left += 1
        self.taken -= 1


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
    An upload that is being judged.

    look: the last one at its parts. was_sent: an abort left, with unknown result. is_counted: among the aborts that
    are allowed, by this run or an earlier one. is_taken: by this one, and may be given back.
    """

    upload: Upload
    policy: Policy
    start: NeedsParts | None
    look: Look | None = None
    was_sent: bool = False
    markers: tuple[int, ...] = (0,)
    is_counted: bool = field(init=False)
    is_taken: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self.is_counted = self.was_sent

    def deferred(self, reason: str) -> Deferred:
        """It is not settled in this run."""
        return Deferred(self.upload, reason, self.was_sent, self.markers)


@dataclass(frozen=True, slots=True)
class UploadProcessor:
    """Carries the policy out, one upload at a time."""

    store: Store
    plan: Plan
    deadline: Deadline
    abort_budget: AbortBudget
    as_of: AsOf
    gate: Gate = field(default_factory=Gate)

    def named(self, named: UploadTarget) -> Outcome | Acknowledged:
        """
        Settle an upload of which nothing is known but its name: an event named it, or an earlier run left it.

        Its key may be encoded, or may have been read wrongly; where COS does not know the upload under it, its other
        readings are tried. A key that the policy keeps is not even asked about.
        """
        upload, settle = named.upload, self._process_swept if named.is_swept else self._process
        keys = (
            key_readings.of_listed(named.text or upload.key, upload.key)
            if named.is_swept
            else key_readings.of_named(upload.key)
        )
        kept = keep_by_readings(keys, named.policy)
        if kept:
            return Kept(upload, kept.reason)
        case = _Case(upload, named.policy, None, was_sent=named.was_sent, markers=named.markers)
        kept = keep_by_key(upload.key, named.policy)
        outcome = Kept(upload, kept.reason) if kept else self._as_outcome(case, settle)
        if kept or isinstance(outcome, AlreadyGone):
            return self._try_readings(outcome, keys[1:], replace(case, look=None), settle)
        return outcome

    def listed(self, listed: ListedUpload, start: NeedsParts, policy: Policy) -> Outcome | Acknowledged:
        """
        Settle an upload that the listing alone could not keep.

        Where COS does not know it under its key, the key may have been read wrongly: the other readings are tried.
        """
        upload = listed.upload
        case = _Case(upload, policy, start)
        outcome = self._as_outcome(case, self._process)
        if not isinstance(outcome, AlreadyGone):
            return outcome
        return self._try_readings(outcome, key_readings.of(listed)[1:], replace(case, look=None), self._process)

    def knows(self, upload: Upload) -> bool:
        """Whether COS knows an upload under its key. Raises StoreError."""
        if validate_key(upload.key, upload.upload_id):
            return False
        try:
            self.store.parts(upload, 0)
        except NoSuchUpload:
            return False
        return True

    def _try_readings(
        self,
        outcome: Outcome | Acknowledged,
        keys: Sequence[str],
        case: _Case,
        settle: Callable[[_Case], Outcome | Acknowledged],
    ) -> Outcome | Acknowledged:
        """The same upload under its other keys, each only after List Parts knows it there; `outcome` if none does."""
        for key in keys:
            upload = replace(case.upload, key=key)
            if keep_by_key(key, case.policy) or validate_key(key, upload.upload_id):
                if isinstance(outcome, AlreadyGone):
                    outcome = replace(outcome, is_checked=False)
                continue
            try:
                if not self.knows(upload):
                    continue
            except StoreError as exc:
                return self._as_outcome(case, partial(_raise, exc))
            return self._as_outcome(replace(case, upload=upload, was_sent=False), settle)
        return outcome

    def is_recent(self, done: Acknowledged, hours: float) -> bool:
        """Whether its last sign of life is younger than that, or unknown."""
        last = last_active(done.start, done.look.activity) if done.look else None
        return last is None or (self.as_of.value - last).total_seconds() < 3600 * hours

    def verify(self, done: Acknowledged, pause: Callable[[float], bool]) -> Outcome:
        """
        Look whether an aborted upload is gone. While it is not, abort it again, after pauses.

        pause: waits so many seconds; False, at once, when there is no time for that. Only NoSuchUpload verifies: an
        upload without parts is still there.
        """
        is_there, aborts = False, 1
        word: Aborted | None = done.aborted  # the last 204, until a look contradicts it
        try:
            for seconds in (*VERIFY_PAUSES, None):
                seen = self._look_again(done, None)
                if not isinstance(seen, Look):
                    return self._not_looked_at(done, seen, is_there=is_there)
                is_there, word = True, None
                if seconds is None or not pause(seconds):
                    break
                seen = self._look_again(done, seen)
                if not isinstance(seen, Look):
                    return self._not_looked_at(done, seen, is_there=True)
                word = self._abort_again(done, seen)
                aborts += word is not None
        except NoSuchUpload:
            # One that was still there after a 204 and then vanished may have been completed: nothing is claimed.
            return replace(word, verified=True) if word else AlreadyGone(done.aborted.upload)
        except (StoreError, RequestRejected):
            return self._not_looked_at(done, None, is_there=is_there)
        return self._still_there(done, permanent=aborts > len(VERIFY_PAUSES))

    def _process_swept(self, case: _Case) -> Outcome | Acknowledged:
        """An earlier run of the sweep left it; its age is looked up again. One that is not listed may be gone."""
        found = self._find(case.upload, case.policy)
        if found is None:
            return case.deferred(OUT_OF_TIME)
        if isinstance(found, Keep):
            if found.reason == NOT_LISTED:
                self.store.parts(case.upload, 0)
            return Kept(case.upload, found.reason)
        case.start = found
        return self._process(case)

    def _process(self, case: _Case) -> Outcome | Acknowledged:
        upload, policy = case.upload, case.policy
        if not policy.min_idle:
            return self._abort_at_once(case)
        for number in range(MAX_LOOKS):
            look = self._gather(case)
            if not isinstance(look, Look):
                return look
            if self.plan.dry_run:
                self.store.give_back(upload.bucket)
                return WouldAbort(upload, look.activity.bytes) if self._take(case) else self._at_limit(case)
            try:
                done = self._abort(case, look)
            except Unavailable as exc:
                if exc.code == OUT_OF_TIME_TO_SEND or not self._may_look_again(exc, number):
                    raise
            else:
                if done is not None:
                    return done
        self._take_back(case)
        return case.deferred(NOT_FRESH)

    def _may_look_again(self, exc: Unavailable, number: int) -> bool:
        """After an abort that failed: back off, then look again, where that may help. number: of the look, from 0."""
        if exc.code == TOO_LATE:
            return True
        if number == MAX_LOOKS - 1 or not exc.is_retryable:
            return False
        if not self.store.pause(backoff(number)):
            raise Unavailable(OUT_OF_TIME_TO_SEND) from exc
        return True

    def _gather(self, case: _Case) -> Look | Kept | Deferred:
        """Gather the evidence for an abort. A Look is such evidence; the case remembers it."""
        upload, earlier = case.upload, case.look
        if earlier is None:
            look = self.looker.look(upload, case.policy, case.markers)
        else:
            look = self.looker.look_again(upload, case.policy, earlier)
        if isinstance(look, CutOff):
            case.markers = look.markers
            return case.deferred(OUT_OF_TIME)
        if isinstance(look, Keep):
            return self._kept(upload, look.reason)
        if earlier is not None and look.differs_from(earlier):
            return self._kept(upload, NEW_PART)
        case.look = look
        if case.start is None and look.activity.newest is None:
            found = self._find(upload, case.policy)
            if found is None:
                return case.deferred(OUT_OF_TIME)
            if isinstance(found, Keep):
                return self._kept(upload, found.reason)
            case.start = found
        verdict = evaluate(case.start, look.activity, case.policy, self.as_of.value)
        return self._kept(upload, verdict.reason) if isinstance(verdict, Keep) else look

    def _abort(self, case: _Case, look: Look) -> Acknowledged | Deferred | None:
        """
        Send the abort, once; None when the look is not, or no longer, evidence for it. Raises StoreError.

        An abort whose answer is lost may have taken place: it stays counted.
        """
        if look.needs_another or look.seconds_left(self.deadline.clock()) <= 0:
            self.store.give_back(case.upload.bucket)
            return None
        if not self._take(case):
            self.store.give_back(case.upload.bucket)
            return self._at_limit(case)
        # Before the first abort of a sweep something is asked, which may take longer than a look is good for.
        seconds = look.seconds_left(self.deadline.clock())
        if seconds <= 0:
            self._take_back(case)
            self.store.give_back(case.upload.bucket)
            return None
        receipt = self._send(case, seconds)
        aborted = Aborted(case.upload, look.activity.bytes, receipt.request_id)
        return Acknowledged(aborted, case.policy, case.start, look)

    def _abort_at_once(self, case: _Case) -> Outcome | Acknowledged:
        """The event is all the evidence that the policy asks for; the parts tell no more than their bytes."""
        upload, policy = case.upload, case.policy
        size: int | None = None
        look: Look | Keep | CutOff | None = None
        try:
            look = self.looker.look(upload, policy, for_abort=False)
            if isinstance(look, CutOff):
                return case.deferred(OUT_OF_TIME)
            if isinstance(look, Keep):
                return Kept(upload, look.reason)
            size = look.activity.bytes
        except (NoSuchUpload, Stopped):
            raise
        except StoreError:
            pass
        if not self._take(case):
            return self._at_limit(case)
        if self.plan.dry_run:
            return WouldAbort(upload, size)
        receipt = self._send(case, None)
        aborted = Aborted(upload, size, receipt.request_id)
        return Acknowledged(aborted, policy, None, look if isinstance(look, Look) else None)

    def _send(self, case: _Case, seconds: float | None) -> Receipt:
        """
        The abort itself. Raises StoreError.

        Without `seconds` the store sends it again where that may help. Then the last response says nothing of an
        attempt before it, which may have taken place.
        """
        may_be_sent_again = seconds is None
        try:
            return self.store.abort(case.upload, seconds)
        except (NoSuchUpload, Stopped):
            case.was_sent = case.was_sent or may_be_sent_again
            self._take_back(case)
            raise
        except (Unavailable, CosRejected) as exc:
            is_transient = isinstance(exc, Unavailable)
            case.was_sent = case.was_sent or (may_be_sent_again and is_transient) or _may_have_happened(exc)
            raise

    def _take(self, case: _Case) -> bool:
        """Take an abort, once for each upload; False when none is left."""
        if not case.is_counted:
            case.is_counted = case.is_taken = self.abort_budget.take()
        return case.is_counted

    def _take_back(self, case: _Case) -> None:
        """Nothing was aborted with it."""
        if case.is_taken and not case.was_sent:
            self.abort_budget.give_back()
            case.is_counted = case.is_taken = False

    def _at_limit(self, case: _Case) -> Deferred:
        return case.deferred(self.abort_budget.refusal or AT_LIMIT)

    def _kept(self, upload: Upload, reason: str) -> Kept:
        self.store.give_back(upload.bucket)
        return Kept(upload, reason)

    def _find(self, upload: Upload, policy: Policy) -> NeedsParts | Keep | None:
        """
        What the listing says of one upload. None: time ran out. It stops at the first other key.

        Where the listing refuses a marker, the upload that it names is gone, so it is read from the beginning again.
        """
        walk, began_again = Paginator(BEGINNING), 0
        while walk.next is not None:
            if self.deadline.passed:
                return None
            try:
                page = self.store.page(upload.bucket, walk.next, upload.key)
            except (CosRejected, NoSuchUpload) as exc:
                is_marker_refused = exc.status == 400 or isinstance(exc, NoSuchUpload)
                if not is_marker_refused or not walk.next.upload_id or began_again == MAX_BEGUN_AGAIN:
                    raise
                walk, began_again = Paginator(BEGINNING), began_again + 1
                continue
            self.as_of.lower(page.date, page.skew)
            mine = [one.with_key(upload.key) for one in page.listed if upload.key in key_readings.of(one)]
            for listed in mine:
                if listed.upload == upload:
                    return prefilter(listed, page.skew, policy, self.as_of.value)
            if len(mine) < len(page.listed):
                break
            walk.advance(replace(page, next=_cursor_in(page, upload.key)))
        return Keep(NOT_LISTED)

    def _look_again(self, done: Acknowledged, earlier: Look | None) -> Look | StillReceiving | Keep | CutOff:
        """
        A look after a 204. Raises NoSuchUpload when it is gone; a Keep: it is there, but in doubt.

        earlier: the look before the pause, so that another abort may follow this one.
        """
        upload, looker = done.aborted.upload, self.looker
        if earlier is None:
            look = looker.look(upload, done.policy, for_abort=False)
        else:
            look = looker.look_again(upload, done.policy, earlier)
        if isinstance(look, Keep):
            is_new = look.reason in (PART_RECENT, NEW_PART)
        else:
            # A named upload without an idle time is aborted whatever it shows.
            is_new = (
                isinstance(look, Look)
                and bool(done.policy.min_idle)
                and done.look is not None
                and look.shows_more_than(done.look)
            )
        if earlier is not None and (is_new or isinstance(look, Keep)):
            self.store.give_back(upload.bucket)
        return StillReceiving(upload, done.aborted.request_id) if is_new else look

    def _abort_again(self, done: Acknowledged, look: Look) -> Aborted | None:
        """None: no 204; what came of it is seen by the next look. Raises NoSuchUpload, which is what is hoped for."""
        seconds = look.seconds_left(self.deadline.clock())
        if look.needs_another or seconds <= 0:
            self.store.give_back(done.aborted.upload.bucket)
            return None
        try:
            receipt = self.store.abort(done.aborted.upload, seconds)
        except Unavailable:
            return None
        return replace(done.aborted, bytes=look.activity.bytes, request_id=receipt.request_id)

    def _not_looked_at(
        self, done: Acknowledged, seen: StillReceiving | Keep | CutOff | None, *, is_there: bool
    ) -> Outcome:
        """The look could not be taken, or not to its end. A 204 counts unless a look contradicted it."""
        if isinstance(seen, StillReceiving):
            return seen
        if is_there or isinstance(seen, Keep):
            return self._still_there(done, permanent=False)
        return replace(done.aborted, verified=False)

    def _still_there(self, done: Acknowledged, *, permanent: bool) -> Failed:
        detail = "COS answers the abort with 204, and List Parts still shows the upload"
        return Failed(done.aborted.upload, STILL_THERE, 204, done.aborted.request_id, permanent, detail, was_sent=True)

    def _as_outcome(self, case: _Case, work: Callable[[_Case], Outcome | Acknowledged]) -> Outcome | Acknowledged:
        outcome = self._caught(case, work)
        if isinstance(outcome, (Kept, Deferred, Failed, RejectedRequest)):
            self._take_back(case)
        if case.is_taken:
            case.is_taken = False
            self.abort_budget.use()
        return outcome

    def _caught(self, case: _Case, work: Callable[[_Case], Outcome | Acknowledged]) -> Outcome | Acknowledged:
        upload = case.upload
        try:
            return work(case)
        except NoSuchUpload:
            return AlreadyGone(upload)
        except RequestRejected as exc:
            return RejectedRequest(str(exc), upload, "listing")
        except Stopped as exc:
            return case.deferred(f"{STOPPED}: {exc.code}")
        except StoreError as exc:
            if isinstance(exc, Unavailable) and (self.deadline.passed or exc.code == OUT_OF_TIME_TO_SEND):
                # Our own time limit cut it off, or the rate limit did: no word on COS.
                return case.deferred(OUT_OF_TIME)
            permanent = isinstance(exc, CosRejected)
            return Failed(upload, exc.code, exc.status, exc.request_id, permanent, exc.detail, case.was_sent)

    @property
    def looker(self) -> Looker:
        """What looks at parts."""
        return Looker(self.store, self.deadline, self.as_of, self.gate)


def _cursor_in(page: Page, key: str) -> Cursor | None:
    """Where a page of nothing but one key's uploads goes on."""
    return Cursor(key, page.next.upload_id) if page.next is not None and page.next.upload_id else page.next


def _raise(exc: StoreError, _: object) -> NoReturn:
    raise exc


def _may_have_happened(exc: Unavailable | CosRejected) -> bool:
    """
    Whether COS may have carried out what it did not answer, or answered with an error of its own.

    A success that is no 204 proves nothing, and may be one.
    """
    if isinstance(exc, CosRejected):
        return exc.status is not None and exc.status < 300
    if exc.code in (OUT_OF_TIME_TO_SEND, TOO_LATE):
        return False
    return exc.status is None or (exc.status >= 500 and exc.status != 503 and exc.code not in THROTTLED)
