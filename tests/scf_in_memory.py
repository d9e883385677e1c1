"""
SCF as far as a chain of runs needs it, in memory and with a clock that only work moves.

Runs what is queued, one after the other; delivers twice, loses, and kills where a test says so, and tries again as SCF
does. The buckets are those of the emulator.
"""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from math import inf

from cos_sweeper.core import checkpoint_reader, plan
from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.model import Bucket, Cursor, Page, PartsPage, Request, ResumeRequest, SweepRequest, Upload
from cos_sweeper.core.redaction import Redactor
from cos_sweeper.core.report import Report
from cos_sweeper.core.settings import Settings
from cos_sweeper.cos.store import Receipt
from cos_sweeper.engine import continuation
from cos_sweeper.report.log import Log
from cos_sweeper.scf.events import decode
from tests.emulator.public import Account, MemoryStore, Seed, plant
from tests.fixtures import BUCKETS, NOW

RETRIES = 2
NOT_ALLOWED = "UnauthorizedOperation"


async def at_once() -> None:
    """No request is held up."""


class Killed(BaseException):
    """SCF killed the instance: nothing in it gets another word."""


@dataclass(slots=True)
class Ticking:
    """A store in which every request takes a second, and that dies at a given tick."""

    inner: MemoryStore
    ticks: int = 0
    dies_at: int | None = None
    before_parts: Callable[[], Awaitable[None]] = at_once

    def _tick(self) -> None:
        self.ticks += 1
        if self.dies_at is not None and self.ticks >= self.dies_at:
            raise Killed

    async def page(self, bucket: Bucket, start: Cursor, prefix: str) -> Page:
        self._tick()
        return await self.inner.page(bucket, start, prefix)

    async def parts(self, upload: Upload, after: int, *, for_abort: bool = False) -> PartsPage:  # noqa: ARG002
        await self.before_parts()
        self._tick()
        return await self.inner.parts(upload, after)

    def give_back(self, bucket: Bucket) -> None:
        self.inner.give_back(bucket)

    def is_throttled(self, bucket: Bucket) -> bool:
        return self.inner.is_throttled(bucket)

    async def pause(self, seconds: float) -> bool:
        return await self.inner.pause(seconds)

    async def abort(self, upload: Upload, within: float | None = None) -> Receipt:  # noqa: ARG002
        """The effect comes before the death, as bad luck has it."""
        receipt = await self.inner.abort(upload)
        self._tick()
        return receipt


@dataclass(slots=True)
class MemoryScf:
    """
    The account, the settings, and how SCF behaves.

    seconds: how much work one run has time for. deliver: how often each continuation arrives, by its number; usually
    once. dies_at: the tick at which a run dies, by the number of the run; None for a run that lives. accepts: how many
    invocations SCF takes before it takes no more; None for all.
    """

    settings: Settings
    seconds: int = 1000
    page_size: int = 3
    deliver: Callable[[int], int] = lambda _: 1
    dies_at: Callable[[int], int | None] = lambda _: None
    account: Account = field(default_factory=lambda: empty())
    queue: deque[tuple[str, int]] = field(default_factory=deque)
    reports: list[Report] = field(default_factory=list)
    sent: int = 0
    runs: int = 0
    dead_letters: int = 0
    accepts: int | None = None
    longest_checkpoint: int = 0
    before_parts: Callable[[], Awaitable[None]] = at_once

    def seed(self, key: str, count: int = 1, *, idle: float = 100, bucket: int = 0, parts: int = 2) -> list[Upload]:
        """Uploads that began 100 hours ago, with parts of 5 bytes, the last one `idle` hours ago."""
        seed_of = Seed(
            NOW - timedelta(hours=100),
            NOW - timedelta(hours=idle),
            key,
            count,
            part_numbers=tuple(range(1, parts + 1)),
            part_size=5,
        )
        home = BUCKETS[bucket]
        return [Upload(home, one.key, one.upload_id) for one in plant(self.account.bucket(home.name), seed_of)]

    def fire(self, *requests: Request) -> None:
        """A timer fires, or another event comes; the chain that it starts is run to its end."""
        first = plan.build_plan(requests or (SweepRequest(),), self.settings, BUCKETS, f"run-{self.runs}", NOW)
        self._attempt(lambda: first)
        while self.queue:
            text, _ = self.queue.popleft()
            self._attempt(lambda text=text: resume(text, self.settings))  # type: ignore[misc]

    def held(self) -> set[str]:
        """The ids of all uploads that are still there."""
        return {one.upload_id for bucket in self.account.buckets.values() for one in bucket.uploads}

    def _attempt(self, make: Callable[[], plan.Plan]) -> None:
        """Run an event, and run it again if it dies, as SCF does."""
        for _ in range(1 + RETRIES):
            if self._run(make()):
                return
        self.dead_letters += 1

    def _run(self, first: plan.Plan) -> bool:
        self.runs += 1
        assert self.runs < 5000, "a chain goes on for ever"
        memory = MemoryStore(self.account, lambda: NOW, self.page_size)
        store = Ticking(memory, dies_at=self.dies_at(self.runs), before_parts=self.before_parts)
        # A thousandth of a second a request, so that no look at parts is old when its abort is sent.
        ends = [seconds / 1000 for seconds in (self.seconds, self.seconds + 50, self.seconds + 60)]
        deadline = Deadline(lambda: store.ticks / 1000, *ends)
        log = Log(lambda _: None, Redactor(()))
        try:
            run = continuation.run(first, store, deadline, log, self, fan_out=self.settings.fan_out, now=NOW)  # type: ignore[arg-type]
            report = asyncio.run(run)
        except Killed:
            return False
        self.reports.append(report)
        return True

    async def invoke(self, payloads: Sequence[str], seconds: float = inf) -> list[str]:  # noqa: ARG002
        """As the Invoker of a chain. An event that only asks whether it may be sent is not counted."""
        return [self._take(payload) for payload in payloads]

    def is_permanent(self, code: str) -> bool:
        return code == NOT_ALLOWED

    def _take(self, text: str) -> str:
        if continuation.is_probe(json.loads(text)):
            return ""
        if self.accepts == 0:
            return "ResourceNotFound.Function"
        self.accepts = self.accepts and self.accepts - 1
        self.longest_checkpoint = max(self.longest_checkpoint, len(text.encode()))
        self.sent += 1
        self.queue.extend([(text, self.sent)] * self.deliver(self.sent))
        return ""


def resume(text: str, settings: Settings) -> plan.Plan:
    """What the next run makes of a checkpoint, by the way that every event goes."""
    (request,) = decode(json.loads(text)).requests
    assert isinstance(request, ResumeRequest)
    return checkpoint_reader.read(request.checkpoint, settings, BUCKETS, NOW)


def empty() -> Account:
    """An account with both buckets and nothing in them."""
    account = Account("1250000000")
    for bucket in BUCKETS:
        account.put_bucket(bucket.name, bucket.region, now=NOW)
    return account
