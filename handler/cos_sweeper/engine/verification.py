"""
After a 204: whether the upload is gone.

VERIFY says which aborts are looked at again. Unless it is `none`, the first abort of each page is a sample, and what is
acknowledged beside it waits for the sample's result. A bucket in which an upload was still there, or received a part,
is distrusted: every later abort in it is looked at. While an upload is still there it is aborted again, after pauses in
which it holds neither a worker nor its page; a bucket in which too many wait is left alone. A 204 that no look
contradicts counts, unless the look could not be taken in a distrusted bucket: then a later run looks.
"""

import asyncio
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Protocol

from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.errors import NoSuchUpload, RequestRejected, StoreError, Unavailable
from cos_sweeper.core.model import Bucket, Keep, Upload
from cos_sweeper.core.outcomes import Aborted, AlreadyGone, Deferred, Failed, Outcome, StillReceiving
from cos_sweeper.core.policy import NEW_PART, PART_RECENT, last_active
from cos_sweeper.engine.evidence import CutOff, Look, Looker
from cos_sweeper.engine.processing import Acknowledged
from cos_sweeper.engine.reasons import OUT_OF_TIME
from cos_sweeper.engine.run_state import RunState
from cos_sweeper.engine.scheduling import Worker
from cos_sweeper.engine.task_group import done_in_time

STILL_THERE = "StillThere"
# An upload whose last sign of life is younger is looked at again after its abort.
RECENT_HOURS = 24
# Uploads that wait at a time; each holds its page in memory. The others fail for now.
MAX_WAITING = 256
# Before each further abort of an upload that is still there after a 204, in seconds.
PAUSES = (1.0, 5.0, 20.0)


class Sample:
    """
    The sample of a page: its first acknowledged abort. Only the first caller takes it. It is decided when the sample
    was looked at, or has to wait for another look.
    """

    def __init__(self) -> None:
        self._decided: asyncio.Future[None] | None = None

    def take(self) -> bool:
        """Whether the caller's abort is the sample."""
        if self._decided is not None:
            return False
        self._decided = asyncio.get_running_loop().create_future()
        return True

    def decide(self) -> None:
        """No task waits for it any more."""
        if self._decided is not None and not self._decided.done():
            self._decided.set_result(None)

    async def decided(self, deadline: Deadline) -> None:
        """Wait until it is decided, or no new work may begin."""
        if self._decided is not None and not self._decided.done():
            await done_in_time(self._decided, deadline)


class PageInWork(Protocol):
    """The page on which an upload was listed."""

    sample: Sample

    def detach(self, index: int) -> None:
        """The upload at this index does not hold up its page any longer."""
        ...


class Verifier:
    """Verifies acknowledged aborts, for one run."""

    def __init__(self, state: RunState, looker: Looker) -> None:
        self._state = state
        self._store = state.store
        self._deadline = state.deadline
        self._looker = looker
        self._verify = state.plan.verify
        self._distrusted = state.distrusted
        self._waiting: Counter[Bucket] = Counter()

    async def verify_target(self, sent: Acknowledged, worker: Worker) -> Outcome:
        """The outcome for an upload that a target named: it is looked at in any case."""
        return self._unless_doubtful(await self._look_until_gone(sent, worker, None, 0))

    async def listed(self, sent: Acknowledged, worker: Worker, page: PageInWork, index: int) -> Outcome:
        """The outcome for an upload that was listed at this index of a page."""
        bucket = sent.aborted.upload.bucket
        is_sample = page.sample.take()
        if not self._is_to_verify(sent, is_sample=is_sample):
            if is_sample:
                page.sample.decide()
            await page.sample.decided(self._deadline)
            if bucket not in self._distrusted:
                return sent.aborted
        outcome = await self._look_until_gone(sent, worker, page, index)
        if isinstance(outcome, (Failed, StillReceiving)):
            self._distrusted.add(bucket)
        if is_sample:
            page.sample.decide()
        return self._unless_doubtful(outcome)

    def _unless_doubtful(self, outcome: Outcome) -> Outcome:
        """An abort that could not be verified, in a distrusted bucket, is left to the next run."""
        if not isinstance(outcome, Aborted) or outcome.verified is not False:
            return outcome
        if outcome.upload.bucket not in self._distrusted or not (self._deadline.passed or self._state.retries):
            return outcome
        return Deferred(outcome.upload, OUT_OF_TIME, was_sent=True)

    def _is_to_verify(self, sent: Acknowledged, *, is_sample: bool) -> bool:
        """By VERIFY; where a sample failed, all that follow in its bucket are looked at."""
        if self._verify == "none":
            return False
        if self._verify == "all" or sent.aborted.upload.bucket in self._distrusted:
            return True
        return is_sample or self._is_recent(sent)

    def _is_recent(self, sent: Acknowledged) -> bool:
        """Whether its last sign of life is recent, or unknown."""
        last = last_active(sent.start, sent.look.activity) if sent.look else None
        return last is None or (self._state.as_of.value - last).total_seconds() < 3600 * RECENT_HOURS

    async def _look_until_gone(
        self, sent: Acknowledged, worker: Worker, page: PageInWork | None, index: int
    ) -> Outcome:
        """
        Look whether an aborted upload is gone. While it is not, abort it again, after pauses.

        Only NoSuchUpload verifies: an upload without parts is still there.
        """
        is_there, aborts = False, 1
        word: Aborted | None = sent.aborted  # the last 204, until a look contradicts it
        try:
            for seconds in (*PAUSES, None):
                seen = await self._look(sent, None)
                if not isinstance(seen, Look):
                    return self._not_looked_at(sent, seen, is_there=is_there)
                is_there, word = True, None
                if seconds is None or not await self._pause(sent, worker, page, index, seconds):
                    break
                seen = await self._look(sent, seen)
                if not isinstance(seen, Look):
                    return self._not_looked_at(sent, seen, is_there=True)
                word = await self._abort_again(sent, seen)
                aborts += word is not None
        except NoSuchUpload:
            # An upload that was still there after a 204 and then vanished may have been completed: no bytes count as
            # freed.
            return replace(word, verified=True) if word else AlreadyGone(sent.aborted.upload)
        except (StoreError, RequestRejected):
            return self._not_looked_at(sent, None, is_there=is_there)
        return _still_there(sent, permanent=aborts > len(PAUSES))

    async def _pause(
        self, sent: Acknowledged, worker: Worker, page: PageInWork | None, index: int, seconds: float
    ) -> bool:
        """
        Wait before another look at an upload that is still there. It holds up no worker and no page meanwhile.

        False, at once, when too many wait already: where no abort has an effect, they would fill the memory.
        """
        bucket = sent.aborted.upload.bucket
        self._distrusted.add(bucket)
        if page is not None:
            page.sample.decide()
            page.detach(index)
        if self._waiting.total() >= MAX_WAITING:
            self._leave_alone(bucket)
            return False
        self._waiting[bucket] += 1
        try:
            return await worker.pause(partial(self._store.pause, seconds))
        finally:
            self._waiting[bucket] -= 1

    def _leave_alone(self, bucket: Bucket) -> None:
        """Abort no further upload of a bucket in which so many are still there."""
        waiting = self._waiting[bucket]
        if waiting >= MAX_WAITING // 2:
            detail = f"the bucket is left alone: {waiting} uploads at a time were still there after a 204"
            failed = Failed(Upload(bucket, "", ""), STILL_THERE, 204, "", permanent=False, detail=detail)
            self._state.given_up.setdefault(bucket, failed)

    async def _look(self, sent: Acknowledged, earlier: Look | None) -> Look | StillReceiving | Keep | CutOff:
        """
        A look after a 204. Raises NoSuchUpload when it is gone; a Keep: it is there, but in doubt.

        earlier: the look before the pause, so that another abort may follow this one.
        """
        upload, looker = sent.aborted.upload, self._looker
        if earlier is None:
            look = await looker.look(upload, sent.policy, for_abort=False)
        else:
            look = await looker.look_again(upload, sent.policy, earlier)
        if isinstance(look, Keep):
            is_new = look.reason in (PART_RECENT, NEW_PART)
        else:
            # A named upload without an idle time is aborted whatever it shows.
            is_new = (
                isinstance(look, Look)
                and bool(sent.policy.min_idle)
                and sent.look is not None
                and look.shows_more_than(sent.look)
            )
        if earlier is not None and (is_new or isinstance(look, Keep)):
            self._store.give_back(upload.bucket)
        return StillReceiving(upload, sent.aborted.request_id, sent.aborted.seen) if is_new else look

    async def _abort_again(self, sent: Acknowledged, look: Look) -> Aborted | None:
        """None: no 204; the next look shows the result. Raises NoSuchUpload: the upload is gone."""
        seconds = look.seconds_left(self._deadline.clock())
        if look.needs_another or seconds <= 0:
            self._store.give_back(sent.aborted.upload.bucket)
            return None
        try:
            receipt = await self._store.abort(sent.aborted.upload, seconds)
        except Unavailable:
            return None
        seen = look.activity.seen
        return replace(sent.aborted, bytes=seen.bytes, request_id=receipt.request_id, seen=seen)

    def _not_looked_at(
        self, sent: Acknowledged, seen: StillReceiving | Keep | CutOff | None, *, is_there: bool
    ) -> Outcome:
        """The look could not be taken, or not to its end. A 204 counts unless a look contradicted it."""
        if isinstance(seen, StillReceiving):
            return seen
        if is_there or isinstance(seen, Keep):
            return _still_there(sent, permanent=False)
        return replace(sent.aborted, verified=False)


def _still_there(sent: Acknowledged, *, permanent: bool) -> Failed:
    detail = "COS answers the abort with 204, and List Parts still shows the upload"
    one = sent.aborted
    return Failed(one.upload, STILL_THERE, 204, one.request_id, permanent, detail, was_sent=True, seen=one.seen)
