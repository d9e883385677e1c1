"""
The function in memory, over a store that checks every request; and the bounds that every event keeps to.
"""

import asyncio
import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from cos_sweeper.core import checkpoint, checkpoint_reader, plan
from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.errors import RequestRejected, RunFailed
from cos_sweeper.core.model import (
    CHECKPOINT,
    Bucket,
    Cursor,
    Page,
    PartsPage,
    RejectedRequest,
    ResumeRequest,
    SweepRequest,
    Upload,
)
from cos_sweeper.core.plan import Plan
from cos_sweeper.core.redaction import Redactor
from cos_sweeper.core.report import Report
from cos_sweeper.core.settings import Settings
from cos_sweeper.cos.store import Receipt
from cos_sweeper.engine import continuation
from cos_sweeper.report.log import Log
from cos_sweeper.scf import http_auth, responses
from cos_sweeper.scf.events import Source, decode, http_request
from tests.emulator.public import MemoryStore, Seed, plant
from tests.fixtures import BUCKETS, NOW, aborting_settings
from tests.fuzz.strategies import (
    BUCKET,
    KEY,
    UPLOAD_ID,
)
from tests.scf_in_memory import MemoryScf

MIB = 1 << 20
# What docs/limits.md promises.
MAX_REQUESTS = 10_000
MAX_HTTP_UPLOADS = 1_000
MAX_LISTINGS = 10_000
MAX_CHECKPOINT_BYTES = 128_000
MAX_LINE_BYTES = 8_000
# SCF: no event is larger, no answer may be.
MAX_RESPONSE_BYTES = 6_000_000
# A reason is a sentence, or a few.
MAX_REASON_LENGTH = 4_000
# Of the function's 128 MB a run takes 50 as it is.
MAX_ALLOCATED = 64 * MIB
# Calls, of C and of Python: a few for each character of an event, not a square of it.
MAX_CALLS = 3_000_000


@dataclass(slots=True)
class Watched:
    """A store that holds every request against the Wire law, before it would be sent; each takes a second."""

    inner: MemoryStore
    allowed: tuple[Bucket, ...]
    requests: int = 0
    aborted: list[Upload] = field(default_factory=list)

    async def page(self, bucket: Bucket, start: Cursor, prefix: str) -> Page:
        self.requests += 1
        assert bucket in self.allowed
        for text in (start.key, start.upload_id, prefix):
            text.encode("utf-8", "surrogateescape")
        return await self.inner.page(bucket, start, prefix)

    def give_back(self, bucket: Bucket) -> None:
        self.inner.give_back(bucket)

    def is_throttled(self, bucket: Bucket) -> bool:
        return self.inner.is_throttled(bucket)

    async def pause(self, seconds: float) -> bool:
        return await self.inner.pause(seconds)

    async def parts(self, upload: Upload, after: int, *, for_abort: bool = False) -> PartsPage:  # noqa: ARG002
        self._hold(upload)
        return await self.inner.parts(upload, after)

    async def abort(self, upload: Upload, within: float | None = None) -> Receipt:  # noqa: ARG002
        self._hold(upload)
        receipt = await self.inner.abort(upload)
        self.aborted.append(upload)
        return receipt

    def _hold(self, upload: Upload) -> None:
        """The rule of `validate_key`, written a second time."""
        self.requests += 1
        assert upload.bucket in self.allowed
        assert upload.upload_id.isascii()
        assert not set(upload.upload_id) & set(" \n\r\t\0?&#%")
        assert 0 < len(upload.upload_id) <= 256
        assert 0 < len(upload.key.encode()) <= 850
        assert not upload.key.startswith("/")
        assert upload.key.split("/")[-1] not in (".", "..")


@dataclass(slots=True)
class Sandbox:
    """What `index` does with an event, without the network: who may come in, what is asked, planned, done, answered."""

    allowed: Settings
    seconds: float = 10**6
    continuations: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    store: Watched = field(init=False)

    def __post_init__(self) -> None:
        scf = MemoryScf(self.allowed)
        for bucket in (0, 1):
            for key in (KEY, "a/..", "猫", "logs/old", "k" * 850):
                scf.seed(key, bucket=bucket)
            start, last = NOW - timedelta(hours=100), NOW - timedelta(hours=90)
            plant(scf.account.bucket(BUCKETS[bucket].name), Seed(start, last, KEY, 1, upload_id=UPLOAD_ID))
        self.store = Watched(MemoryStore(scf.account, lambda: NOW, page_size=3), BUCKETS)

    def __call__(self, raw: Any) -> tuple[Plan | None, Report | None, dict[str, Any] | None]:
        """Invoke it. No plan when unauthorized; no response when the trigger should retry."""
        request = http_request(raw)
        denied = http_auth.authorize(request, self.allowed) if request else None
        if denied:
            return None, None, responses.error_response(denied)
        decoded = decode(raw)
        built = self._plan(decoded.requests)
        time = Deadline(lambda: float(self.store.requests), self.seconds, self.seconds + 50.0, self.seconds + 60.0)
        log = Log(self.lines.append, Redactor(()))
        retries = decoded.source is Source.ASYNCHRONOUS
        run = continuation.run(built, self.store, time, log, self, fan_out=self.allowed.fan_out, retries=retries)  # type: ignore[arg-type]
        report = asyncio.run(run)
        try:
            return built, report, responses.response(decoded.source, report)
        except RunFailed:
            return built, report, None

    def _plan(self, requests: Sequence[Any]) -> Plan:
        """What cannot be read of a checkpoint is a `RejectedRequest` here; the function raises it with its reason."""
        try:
            if len(requests) == 1 and isinstance(requests[0], ResumeRequest):
                return checkpoint_reader.read(requests[0].checkpoint, self.allowed, BUCKETS, NOW)
        except RequestRejected as exc:
            requests = (RejectedRequest(str(exc)),)
        return plan.build_plan(requests, self.allowed, BUCKETS, "run-1", NOW)

    async def invoke(self, payloads: Sequence[str], _seconds: float = 0) -> list[str]:
        """As the Invoker of a chain: all is accepted."""
        self.continuations += [payload for payload in payloads if not continuation.is_probe(json.loads(payload))]
        return [""] * len(payloads)

    def is_permanent(self, _: str) -> bool:
        return False


def cls(data: bytes) -> dict[str, Any]:
    return {"clslogs": {"data": base64.b64encode(data).decode()}}


def names(count: int) -> list[str]:
    return [f"{number:06}" for number in range(count)]


def sweep_checkpoint(**changes: Any) -> dict[str, Any]:
    """A valid checkpoint of a sweep, changed."""
    (text,) = checkpoint.write(plan.build_plan((SweepRequest(),), aborting_settings(BUCKETS), BUCKETS, "run-1", NOW))
    raw: dict[str, Any] = json.loads(text)
    raw[CHECKPOINT] |= changes
    return raw


def upload_checkpoint(count: int) -> dict[str, Any]:
    return sweep_checkpoint(todo=[["upload", 0, BUCKET, f"{number}", UPLOAD_ID] for number in range(count)])
