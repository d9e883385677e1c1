"""
What SCF calls. Wires the rooms together, runs once, and lets no exception out that does not say what to do.

The environment and the clocks are read here and nowhere else.
"""

import gc

# Loading allocates and throws hardly anything away: a cold start spends a tenth of its time on looking for garbage.
gc.disable()

import json
import math
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from cos_sweeper import answers, budget, chain, checkpoint, listing, plan, refused, report, settings, sweep, triggers
from cos_sweeper.cos import Clients, CosStore
from cos_sweeper.errors import Refusal, RunFailed, StoreError, SweeperError, Unexplained
from cos_sweeper.log import Log, Scrubber
from cos_sweeper.model import Ask, Bucket, Refused, Resume, SweepBuckets
from cos_sweeper.policy import CLOCK_OFF
from cos_sweeper.settings import Credentials, Settings
from cos_sweeper.transport import Connections

# What is loaded stays, and need not be looked through again.
gc.freeze()
gc.enable()

# Where SCF does not tell, its own default for a function.
DEFAULT_LIMIT_MS = 3000
# A page of a listing or a long list of parts may take seconds, and one request ten of them.
SHORT_LIMIT_SECONDS = 60


def main_handler(event: object, context: object) -> dict[str, Any]:
    """
    Handle one event. Returns the trigger's answer; raises a SweeperError where the trigger should try again.
    """
    started = time.monotonic()
    facts = context if isinstance(context, dict) else {}
    scrubber = Scrubber(os.environ.get(name) for name in (*settings.CREDENTIALS, "HTTP_TOKEN"))
    log = Log(_write, scrubber, request_id=str(facts.get("request_id", "")))
    try:
        answer = _handle(event, facts, _deadline(facts, started), scrubber, log)
        cleaned: dict[str, Any] = scrubber.clean_all(answer, keep_numbers=True)
        return cleaned
    except SweeperError as exc:
        log.error("run.failed", error=type(exc).__name__, reason=str(exc))
        exc.args = (scrubber.clean(str(exc)),)
        known = exc
    except Exception as exc:
        where = traceback.extract_tb(exc.__traceback__)[-1]
        told = f"{type(exc).__name__} at {Path(where.filename).name}:{where.lineno}"
        log.error("run.broke", error=told, reason=str(exc), trace=traceback.format_exc()[-3000:])
        known = Unexplained(f"a defect of COS Sweeper, {told}: report it with this function's log of this request")
    if triggers.http_request(event):
        return answers.broken()
    # Without its cause: SCF prints that too, and a cause may quote what it was given.
    raise known from None


def _handle(
    event: object, context: Mapping[str, Any], deadline: budget.Deadline, scrubber: Scrubber, log: Log
) -> dict[str, Any]:
    chain.raise_for_failed_chain(event)
    if chain.is_probe(event):
        return {"status": "complete"}
    environment = settings.load(os.environ)
    request = triggers.http_request(event)
    denied = answers.admit(request, environment) if request else None
    if denied:
        log.warning("http.denied", status=denied.status, reason=denied.why)
        return answers.turn_away(denied)
    decoded = triggers.decode(event, environment.report)
    if decoded.ignored:
        first = decoded.ignored[0]
        log.info("event.ignored", records=len(decoded.ignored), origin=first.origin, reason=first.reason)
    role = settings.credentials(os.environ)
    fitting = budget.fitting_workers(environment.workers, context.get("memory_limit_in_mb"))
    if fitting < environment.workers:
        log.warning("workers.bounded", workers=fitting, reason="more do not fit into the function's memorySize")
        environment = replace(environment, workers=fitting)
    seconds = _limit_seconds(context)
    if seconds < SHORT_LIMIT_SECONDS:
        log.warning("time_limit.short", seconds=seconds, reason="items that take long fail at so short a time limit")
    link = _link(context, environment, deadline)
    store, retries = _store(environment, role, deadline), decoded.source is triggers.Source.ASYNCHRONOUS
    shelf = _Shelf(environment.report, lambda: store.until(deadline.storing()), scrubber, log)
    done = _run(event, decoded.asks, environment, store, deadline, log, link, shelf, retries=retries)
    done = replace(done, ignored=len(decoded.ignored))
    told = shelf.keep_report(done) if _is_worth_a_report(decoded.asks, done) else shelf.told(done)
    shelf.keep_rejected(event, done.rejections)
    shelf.keep_over_limit(event, done)
    if CLOCK_OFF in done.kept:
        log.warning("clock.off", kept=done.kept[CLOCK_OFF])
    log.info("run.ended", **{name: value for name, value in told.items() if not isinstance(value, (dict, list))})
    return answers.answer(decoded.source, done, lambda: _raise_elsewhere(done, link, log), told)


def _run(
    event: object,
    asks: tuple[Ask, ...],
    environment: Settings,
    store: CosStore,
    deadline: budget.Deadline,
    log: Log,
    link: chain.Link | None,
    shelf: "_Shelf",
    *,
    retries: bool,
) -> report.Report:
    now = datetime.now(timezone.utc)
    run_id = f"{now:%Y%m%dT%H%M%SZ}-{os.urandom(4).hex()}"
    try:
        # Which buckets there are matters only where something is asked.
        listed = environment.buckets is None and asks
        known, as_of = listing.every_bucket(store, now) if listed else (environment.buckets or (), now)
        buckets = tuple(bucket for bucket in known if bucket.name not in environment.exclude_buckets)
    except StoreError as exc:
        # Without the list of buckets nothing can be done for anybody: the platform keeps the event and tries again.
        ledger = report.Ledger(plan.make((), environment, (), run_id, now))
        failed = sweep.bucket_failed(None, exc)
        ledger.bucket_failed(failed)
        ledger.must_raise = True
        log.error("bucket.failed", **report.facts_of_bucket(failed))
        return ledger.close()
    made = _resumed(asks, environment, buckets, as_of) or plan.make(asks, environment, buckets, run_id, as_of)
    digest = refused.digest(event) if made.refused else ""
    for rejected in made.refused:
        log.warning("request.refused", event_digest=digest, **report.facts(rejected))
    for note in made.notes:
        log.warning("event.key_adjusted", reason=note)
    for dropped in made.dropped:
        log.warning("continuation.narrowed", reason=dropped)
    return chain.run(
        made,
        store,
        deadline,
        log,
        link,
        fan_out=environment.fan_out,
        retries=retries,
        now=now,
        max_age=environment.chain_max,
        save=shelf.keep_report,
    )


def _resumed(
    asks: tuple[Ask, ...], environment: Settings, buckets: tuple[Bucket, ...], now: datetime
) -> plan.Plan | None:
    """The plan of a chain that goes on here; None for every other event. Raises RunFailed for one that cannot."""
    match asks:
        case (Resume(raw),):
            try:
                return checkpoint.read(raw, environment, buckets, now)
            except Refusal as exc:
                raise RunFailed(f"the chain ends here: {exc}; the next sweep begins anew") from exc
        case _:
            return None


def _raise_elsewhere(done: report.Report, link: chain.Link | None, log: Log) -> bool:
    """Whether another invocation raises in place of this one."""
    if link is None:
        return False
    (code,) = link.invoke([chain.failure_event(done)])
    if code:
        log.error("chain.failure_not_reported", code=code)
    return not code


def _link(context: Mapping[str, Any], environment: Settings, deadline: budget.Deadline) -> chain.Link | None:
    """How to invoke this function again; None where there is no SCF to do it, as on a laptop with a COS alone."""
    name = context.get("function_name")
    if not isinstance(name, str) or not name or (environment.cos_port and not environment.invoke_port):
        return None
    return _LazyLink(
        name,
        str(context.get("namespace") or "default"),
        str(context.get("function_version") or "$LATEST"),
        str(context.get("tencentcloud_region") or os.environ.get("TENCENTCLOUD_REGION", "")),
        deadline,
        environment.invoke_port,
    )


@dataclass(frozen=True, slots=True)
class _LazyLink:
    """
    Only a run that invokes the function pays for loading the SDK of SCF.

    The credentials are read again each time: those that the run began with may be the reason why it stops.
    """

    name: str
    namespace: str
    version: str
    region: str
    deadline: budget.Deadline
    port: int | None

    def invoke(self, texts: Sequence[str], seconds: float = math.inf) -> list[str]:
        """As chain.Link."""
        from cos_sweeper.relay import Function, Relay

        me = Function(self.name, self.namespace, self.version, self.region)
        role, until = settings.credentials(os.environ), time.monotonic() + seconds
        return Relay(role, me, lambda: min(self.deadline.left(), until - time.monotonic()), port=self.port).invoke(
            texts
        )

    def is_refusal(self, code: str) -> bool:
        """As chain.Link."""
        from cos_sweeper.relay import is_refusal

        return is_refusal(code)


def _is_worth_a_report(asks: tuple[Ask, ...], done: report.Report) -> bool:
    """A sweep in any case; an event only when it did, failed or left something: objects lead to events in turn."""
    is_sweep = any(isinstance(ask, (SweepBuckets, Resume)) for ask in asks)
    did = done.counts["aborted"] or done.counts["would_abort"] or done.counts["refused"]
    return is_sweep or bool(did) or done.status is not report.Status.COMPLETE


class _Shelf:
    """
    What a run keeps where reports are kept. What cannot be kept is logged, but what was done stays done.

    The report of a run has one name, made once: it is kept before the rest is handed over, and again at the end.
    """

    def __init__(
        self, place: settings.ReportPlace | None, store: Callable[[], CosStore], scrubber: Scrubber, log: Log
    ) -> None:
        """store: makes the store for one object, with the time that this object may take."""
        self._place = place
        self._store = store
        self._scrubber = scrubber
        self._log = log
        self._delivery = os.urandom(4).hex()

    def told(self, done: report.Report) -> dict[str, Any]:
        """A report as the caller gets it."""
        told: dict[str, Any] = self._scrubber.clean_all(done.as_json(), keep_numbers=True)
        return told

    def keep_report(self, done: report.Report) -> dict[str, Any]:
        """Keep a report. Returns it as the caller gets it."""
        told = self.told(done)
        share = str(done.share).replace("/", "-of-").replace(",", "+")
        name = f"{done.run_id}/{share}.run-{done.number}.{self._delivery}.json"
        self._put("report.not_kept", name, json.dumps(told, indent=1).encode())
        return told

    def keep_rejected(self, event: object, rejections: Sequence[Refused]) -> None:
        """After the work: a bucket that hangs must not cost the run that found something to reject."""
        digest = refused.digest(event) if rejections and self._place else ""
        if digest:
            self._put("refused.not_kept", f"refused/{digest}.json", refused.document(event, rejections, self._scrubber))

    def keep_over_limit(self, event: object, done: report.Report) -> None:
        """
        The uploads of an event beyond MAX_ABORTS, in events that can be sent as they are.

        They are named for the event, so that one that is delivered again stores them once.
        """
        name = refused.digest(event) if done.over_limit and self._place else ""
        for number, body in enumerate(refused.events_of(done.over_limit), 1):
            self._put("refused.not_kept", f"over-limit/{name or done.run_id}-{number}.json", body)

    def _put(self, trouble: str, name: str, body: bytes) -> None:
        if self._place is None:
            return
        key = f"{self._place.prefix}{name}"
        try:
            self._store().put_report(self._place.bucket, key, body)
        except StoreError as exc:
            self._log.error(trouble, bucket=str(self._place.bucket), key=key, code=exc.code, status=exc.status)


@dataclass(slots=True)
class _Warm:
    """What survives between the invocations of an instance."""

    port: int | None
    connections: Connections
    clients: Clients


_warm: _Warm | None = None


def forget() -> None:
    """Begin anew, as a fresh instance would."""
    global _warm
    if _warm is not None:
        _warm.connections.close()
    _warm = None


def _store(environment: Settings, credentials: Credentials, deadline: budget.Deadline) -> CosStore:
    """Connections stay for as long as their settings do, clients for as long as the credentials do."""
    global _warm
    port = environment.cos_port
    if _warm is not None and _warm.port != port:
        forget()
    if _warm is None:
        _warm = _Warm(port, Connections(port), Clients(credentials, plain_http=port is not None))
    if _warm.clients.credentials != credentials:
        _warm.clients = Clients(credentials, plain_http=port is not None)
    return CosStore(_warm.clients, _warm.connections, deadline)


def _limit_seconds(facts: Mapping[str, Any]) -> float:
    limit = facts.get("time_limit_in_ms")
    return (limit if isinstance(limit, int) and limit > 0 else DEFAULT_LIMIT_MS) / 1000


def _deadline(facts: Mapping[str, Any], started: float) -> budget.Deadline:
    return budget.deadline(time.monotonic, _limit_seconds(facts), started)


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
