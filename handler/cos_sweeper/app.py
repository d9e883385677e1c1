"""
One invocation from its event to its response: wires the packages together, and decides nothing of its own.

event → scf.events → core.plan → engine → core.report → scf.responses
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cos_sweeper.core import checkpoint_reader, plan, settings
from cos_sweeper.core.deadline import Deadline, fitting_workers, run_deadline
from cos_sweeper.core.errors import RequestRejected, RunFailed, StoreError
from cos_sweeper.core.model import Bucket, Request, ResumeRequest, SweepRequest
from cos_sweeper.core.outcomes import fields, fields_of_bucket
from cos_sweeper.core.policy import CLOCK_SKEWED
from cos_sweeper.core.redaction import Redactor
from cos_sweeper.core.report import Report, Status
from cos_sweeper.core.report_builder import ReportBuilder
from cos_sweeper.core.settings import Settings
from cos_sweeper.cos.instance import InstanceCache
from cos_sweeper.cos.sdk_store import CosStore
from cos_sweeper.engine import continuation, paginator, run_state
from cos_sweeper.engine.continuation import Invoker
from cos_sweeper.engine.recorder import NO_RECORDER
from cos_sweeper.report.log import Log
from cos_sweeper.report.report_store import ReportStore
from cos_sweeper.scf import events, http_auth, rejected_events, responses
from cos_sweeper.scf.context import Context
from cos_sweeper.scf.lazy_invoker import LazyInvoker

if TYPE_CHECKING:
    from cos_sweeper.recording import Recording
    from cos_sweeper.report.report_folder import NamedFolder

# A page of a listing or a long list of parts may take seconds, and one request ten of them.
SHORT_LIMIT_SECONDS = 60

instance = InstanceCache()


async def handle(
    event: object,
    context: Context,
    environ: Mapping[str, str],
    redactor: Redactor,
    log: Log,
    started: float,
    now: datetime,
) -> dict[str, Any]:
    """
    Handle one event. Returns the trigger's response; raises SweeperError where the trigger should retry.

    started: when the invocation began, by time.monotonic; now: our clock, UTC.
    """
    continuation.raise_for_failed_chain(event)
    if continuation.is_probe(event):
        return {"status": "complete"}
    allowed = settings.load(environ)
    request = events.http_request(event)
    unauthorized = http_auth.authorize(request, allowed) if request else None
    if unauthorized:
        log.warning("http.unauthorized", status=unauthorized.status, reason=unauthorized.why)
        return responses.error_response(unauthorized)
    decoded = events.decode(event, allowed.report)
    if decoded.ignored:
        first = decoded.ignored[0]
        log.info("event.ignored", records=len(decoded.ignored), origin=first.origin, reason=first.reason)
    credentials = settings.credentials(environ)
    deadline = run_deadline(time.monotonic, context.limit_seconds, started)
    store = instance.store(allowed.cos_port, credentials, deadline, allowed.report)
    retries, invoker = decoded.source is events.Source.ASYNCHRONOUS, _invoker(context, environ, allowed, deadline)
    if not retries or invoker is None:
        # No later run begins with the other buckets.
        store.stop_buckets_alone()
    run = _Run(
        event,
        decoded.requests,
        _bounded(allowed, context, log),
        now,
        store,
        deadline,
        log,
        invoker,
        ReportStore(_folder(allowed, store, deadline.storing), redactor, log, delivery=os.urandom(4).hex()),
        retries=retries,
    )
    async with AsyncExitStack() as until_the_end:
        result, recorder = await run.report(until_the_end)
        report = replace(result, ignored=len(decoded.ignored))
        payload = await run.store_report(report)
        if CLOCK_SKEWED in report.kept:
            log.warning("clock.skewed", kept=report.kept[CLOCK_SKEWED])
        shown = {name: value for name, value in payload.items() if not isinstance(value, (dict, list))}
        log.info("run.finished", **shown)
        is_raised_elsewhere = responses.raises_elsewhere(decoded.source, report) and await run.raise_elsewhere(report)
        if recorder is not None:
            await recorder.end(report)
    response = responses.response(
        decoded.source, report, is_raised_elsewhere=is_raised_elsewhere, report_as_json=payload
    )
    cleaned: dict[str, Any] = redactor.redact_report(response)
    return cleaned


@dataclass(frozen=True, slots=True)
class _Run:
    """One run of the engine, for one event. retries: a later run of the chain tries again what failed for now."""

    event: object
    requests: tuple[Request, ...]
    settings: Settings
    now: datetime
    store: CosStore
    deadline: Deadline
    log: Log
    invoker: Invoker | None
    reports: ReportStore
    retries: bool

    async def report(self, until_the_end: AsyncExitStack) -> tuple[Report, "Recording | None"]:
        """
        Do what the event requests, as far as this run's time allows.

        Returns the report, and what recorded the run, with REPORT. until_the_end: of the invocation; it ends that, too.
        """
        run_id = f"{self.now:%Y%m%dT%H%M%SZ}-{os.urandom(4).hex()}"
        try:
            buckets, as_of = await self._buckets()
        except StoreError as exc:
            return self._without_buckets(exc, run_id), None
        planned = self._resumed(buckets, as_of) or plan.build_plan(self.requests, self.settings, buckets, run_id, as_of)
        self._log_plan(planned)
        recorder = self._recorder(planned, buckets)
        if recorder is not None:
            await until_the_end.enter_async_context(recorder)
        report = await continuation.run(
            planned,
            self.store,
            self.deadline,
            self.log,
            self.invoker,
            fan_out=self.settings.fan_out,
            retries=self.retries,
            now=self.now,
            max_age=self.settings.chain_max,
            recorder=recorder or NO_RECORDER,
        )
        return report, recorder

    def _recorder(self, planned: plan.Plan, buckets: Sequence[Bucket]) -> "Recording | None":
        location = self.settings.report
        if location is None:
            return None
        # Without REPORT a cold start does not pay for it.
        from cos_sweeper.recording import Recording
        from cos_sweeper.report.report_folder import ReportFolder

        return Recording(
            planned,
            self.settings,
            lambda until: ReportFolder(location, lambda: self.store.until(until())),
            buckets,
            self.store,
            self.deadline,
            self.log,
            self.reports.redactor,
            self.reports,
        )

    async def store_report(self, report: Report) -> dict[str, Any]:
        """Store the report, and events that can be sent again. Returns the report as JSON, without secrets."""
        is_worth_storing = self._is_worth_storing(report)
        stored = await self.reports.put_report(report) if is_worth_storing else self.reports.redacted(report)
        if self.reports.is_on:
            for name, body in rejected_events.documents(self.event, report, self.reports.redactor):
                await self.reports.put_event(name, body)
        return stored

    async def raise_elsewhere(self, report: Report) -> bool:
        """Invoke the function with an event that only raises. Returns whether SCF accepted it."""
        if self.invoker is None:
            return False
        (code,) = await self.invoker.invoke([continuation.failure_event(report)])
        if code:
            self.log.error("chain.failure_not_reported", code=code)
        return not code

    async def _buckets(self) -> tuple[Sequence[Bucket], datetime]:
        """The buckets that the settings allow, and the earlier of our clock and COS's. Raises StoreError."""
        allowed = self.settings.buckets
        # The list of buckets is needed only if something is requested.
        listed = allowed is None and bool(self.requests)
        known, as_of = await paginator.every_bucket(self.store, self.now) if listed else (allowed or (), self.now)
        return tuple(bucket for bucket in known if bucket.name not in self.settings.exclude_buckets), as_of

    def _without_buckets(self, exc: StoreError, run_id: str) -> Report:
        """Without the list of buckets nothing can be done: the platform keeps the event and retries."""
        builder = ReportBuilder(plan.build_plan((), self.settings, (), run_id, self.now))
        failed = run_state.bucket_failed(None, exc)
        builder.bucket_failed(failed)
        builder.must_raise = True
        self.log.error("bucket.failed", **fields_of_bucket(failed))
        return builder.build()

    def _resumed(self, buckets: Sequence[Bucket], now: datetime) -> plan.Plan | None:
        """The plan of a chain that continues here; None for every other event. Raises RunFailed for one that cannot."""
        match self.requests:
            case (ResumeRequest(raw),):
                try:
                    return checkpoint_reader.read(raw, self.settings, buckets, now)
                except RequestRejected as exc:
                    raise RunFailed(f"the chain ends here: {exc}; the next sweep begins anew") from exc
            case _:
                return None

    def _log_plan(self, planned: plan.Plan) -> None:
        digest = rejected_events.digest(self.event, self.settings.key_mask) if planned.rejected else ""
        for rejected in planned.rejected:
            self.log.warning("request.rejected", event_digest=digest, **fields(rejected))
        for note in planned.notes:
            self.log.warning("event.key_adjusted", reason=note)
        for dropped in planned.dropped:
            self.log.warning("continuation.narrowed", reason=dropped)

    def _is_worth_storing(self, report: Report) -> bool:
        """A sweep always; an event only if something happened: a stored object can cause another event."""
        is_sweep = any(isinstance(one, (SweepRequest, ResumeRequest)) for one in self.requests)
        did = report.counts["aborted"] or report.counts["would_abort"] or report.counts["rejected"]
        return is_sweep or bool(did) or report.status is not Status.COMPLETE


def _folder(allowed: Settings, store: CosStore, until: Callable[[], Deadline]) -> "NamedFolder | None":
    """Where reports are stored. until: how long one object may take."""
    location = allowed.report
    if location is None:
        return None
    from cos_sweeper.report.report_folder import ReportFolder

    return ReportFolder(location, lambda: store.until(until()))


def _bounded(allowed: Settings, context: Context, log: Log) -> Settings:
    """The settings with as many workers as fit into the function's memory. Warns of that, and of a short time limit."""
    workers = fitting_workers(allowed.workers, context.memory_mb)
    if workers < allowed.workers:
        log.warning("workers.bounded", workers=workers, reason="more do not fit into the function's memorySize")
    if context.limit_seconds < SHORT_LIMIT_SECONDS:
        log.warning(
            "time_limit.short",
            seconds=context.limit_seconds,
            reason="items that take long fail at so short a time limit",
        )
    return replace(allowed, workers=workers)


def _invoker(context: Context, environ: Mapping[str, str], allowed: Settings, deadline: Deadline) -> LazyInvoker | None:
    """How to invoke this function again; None where there is no SCF, as with an emulator of COS alone."""
    if context.function is None or (allowed.cos_port and not allowed.invoke_port):
        return None
    return LazyInvoker(context.function, lambda: settings.credentials(environ), deadline, allowed.invoke_port)
