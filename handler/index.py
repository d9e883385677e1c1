"""
What SCF calls. Wires the rooms together, runs once, and lets no exception out that does not say what to do.

The environment and the clocks are read here and nowhere else.
"""

import gc

# Loading allocates and throws hardly anything away: a cold start spends a tenth of its time on looking for garbage.
gc.disable()

import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from cos_sweeper import answers, budget, chain, checkpoint, listing, plan, refused, report, settings, sweep, triggers
from cos_sweeper.cos import Clients, CosStore
from cos_sweeper.errors import Refusal, StoreError, SweeperError, Unexplained
from cos_sweeper.log import Log, Scrubber
from cos_sweeper.model import Ask, Bucket, Refused, Resume
from cos_sweeper.policy import CLOCK_OFF
from cos_sweeper.settings import Credentials, Settings
from cos_sweeper.transport import Connections

# What is loaded stays, and need not be looked through again.
gc.freeze()
gc.enable()

# Where SCF does not tell, its own default for a function.
DEFAULT_LIMIT_MS = 3000


def main_handler(event: object, context: object) -> dict[str, Any]:
    """
    Handle one event. Returns the trigger's answer; raises a SweeperError where the trigger should try again.
    """
    started = time.monotonic()
    facts = context if isinstance(context, dict) else {}
    scrubber = Scrubber(os.environ.get(name) for name in (*settings.CREDENTIALS, "HTTP_TOKEN"))
    log = Log(_write, scrubber, request_id=str(facts.get("request_id", "")))
    try:
        answer: dict[str, Any] = scrubber.clean_all(_handle(event, facts, _deadline(facts, started), scrubber, log))
        return answer
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
    environment = settings.load(os.environ)
    request = triggers.http_request(event)
    denied = answers.admit(request, environment) if request else None
    if denied:
        log.warning("http.denied", status=denied.status, reason=denied.why)
        return answers.turn_away(denied)
    decoded = triggers.decode(event)
    role = settings.credentials(os.environ)
    hand_on = _hand_on(context, environment, role, deadline)
    store = _store(environment, role, deadline)
    done = _run(
        decoded.asks,
        environment,
        store,
        deadline,
        log,
        hand_on,
        lambda asked: _say_refused(event, asked, environment.report, store, scrubber, log),
    )
    told = scrubber.clean_all(done.as_json())
    if environment.report is not None:
        _keep(environment.report, done, told, _store(environment, role, deadline.closing()), log)
    if CLOCK_OFF in done.kept:
        log.warning("clock.off", kept=done.kept[CLOCK_OFF])
    log.info("run.ended", **{name: value for name, value in told.items() if not isinstance(value, (dict, list))})
    return answers.answer(decoded.source, done)


def _run(
    asks: tuple[Ask, ...],
    environment: Settings,
    store: CosStore,
    deadline: budget.Deadline,
    log: Log,
    hand_on: chain.HandOn | None,
    say_refused: Callable[[Sequence[Refused]], None],
) -> report.Report:
    now = datetime.now(timezone.utc)
    run_id = f"{now:%Y%m%dT%H%M%SZ}-{os.urandom(4).hex()}"
    try:
        known = environment.buckets if environment.buckets is not None else listing.every_bucket(store)
        buckets = tuple(bucket for bucket in known if bucket.name not in environment.exclude_buckets)
    except StoreError as exc:
        ledger = report.Ledger(plan.make((), environment, (), run_id, now))
        failed = sweep.bucket_failed(None, exc)
        ledger.bucket_failed(failed)
        log.error("bucket.failed", **report.facts_of_bucket(failed))
        return ledger.close()
    try:
        made = _resumed(asks, environment, buckets, now) or plan.make(asks, environment, buckets, run_id, now)
    except Refusal as exc:
        made = plan.make((Refused(str(exc)),), environment, buckets, run_id, now)
    if made.refused:
        say_refused(made.refused)
    return chain.run(made, store, deadline, log, hand_on, environment.fan_out)


def _resumed(
    asks: tuple[Ask, ...], environment: Settings, buckets: tuple[Bucket, ...], now: datetime
) -> plan.Plan | None:
    """The plan of a chain that goes on here; None for every other event."""
    match asks:
        case (Resume(raw),):
            return checkpoint.read(raw, environment, buckets, now)
        case _:
            return None


def _hand_on(
    context: Mapping[str, Any], environment: Settings, role: Credentials, deadline: budget.Deadline
) -> chain.HandOn | None:
    """How to invoke this function again; None where there is no SCF to do it, as on a laptop with a COS alone."""
    name = context.get("function_name")
    if not isinstance(name, str) or not name or (environment.cos_port and not environment.invoke_port):
        return None

    def hand_on(checkpoints: Sequence[str]) -> None:
        # Only a run that hands on pays for loading the SDK of SCF.
        from cos_sweeper.relay import Function, Relay

        me = Function(
            name,
            str(context.get("namespace") or "default"),
            str(context.get("function_version") or "$LATEST"),
            str(context.get("tencentcloud_region") or os.environ.get("TENCENTCLOUD_REGION", "")),
        )
        Relay(role, me, deadline.left, port=environment.invoke_port).hand_on(checkpoints)

    return hand_on


def _keep(place: settings.ReportPlace, done: report.Report, told: dict[str, Any], store: CosStore, log: Log) -> None:
    """A report that cannot be kept is said loudly, but what was done stays done. Each run of a chain keeps its own."""
    part = f"{done.share.index + 1}-of-{done.share.of}.run-{done.number}.{os.urandom(4).hex()}"
    key = f"{place.prefix}{done.run_id}/{part}.json"
    try:
        store.put_report(place.bucket, key, json.dumps(told, indent=1).encode())
    except StoreError as exc:
        log.error("report.not_kept", bucket=str(place.bucket), key=key, code=exc.code, status=exc.status)


def _say_refused(
    event: object,
    asked: Sequence[Refused],
    place: settings.ReportPlace | None,
    store: CosStore,
    scrubber: Scrubber,
    log: Log,
) -> None:
    """Nothing that cannot be used goes without a word, nor, where reports are kept, without a trace."""
    digest = refused.digest(event)
    for each in asked:
        log.warning("request.refused", event_digest=digest, **report.facts(each))
    if place is None or not digest:
        return
    key = f"{place.prefix}refused/{digest}.json"
    try:
        store.put_report(place.bucket, key, refused.document(event, asked, scrubber))
    except StoreError as exc:
        log.error("refused.not_kept", bucket=str(place.bucket), key=key, code=exc.code, status=exc.status)


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


def _deadline(facts: Mapping[str, Any], started: float) -> budget.Deadline:
    limit = facts.get("time_limit_in_ms")
    if not isinstance(limit, int) or limit <= 0:
        limit = DEFAULT_LIMIT_MS
    return budget.deadline(time.monotonic, limit / 1000, started)


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
