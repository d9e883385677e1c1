"""
More than one invocation: what a run does itself, and what it leaves to the next.

A chain is the runs that follow from one event. A run ends in one of these states: complete, nothing remains; continued,
a checkpoint of the remaining plan was accepted by SCF; split, as the first run of a sweep that several instances share,
each shard in a checkpoint of its own; failed, what remains stands in the report and the platform counts an error.

The invariant: what remains is either in a checkpoint that SCF accepted or counted in this run's report, never in none
of them. A checkpoint that is delivered twice does no harm, one that is lost does. So what SCF does not accept is packed
together and offered once more, and if that is not accepted either, the run raises. The report is saved before anything
is offered. A chain ends: it fails when runs in a row make no progress, when it has too many runs or gets too old.

At its end a chain that failed says so by an invocation that does nothing but raise: the platform counts the error and
retries nothing that costs. This module does not know how an invocation reaches SCF: `Invoker` does it.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import inf
from typing import Protocol

from cos_sweeper.core import checkpoint
from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.errors import RunFailed
from cos_sweeper.core.model import CHAIN_FAILED, PROBE
from cos_sweeper.core.plan import Plan, Shard
from cos_sweeper.core.report import Report
from cos_sweeper.core.report_builder import ReportBuilder
from cos_sweeper.cos.store import Store
from cos_sweeper.engine import sweep
from cos_sweeper.engine.recorder import NO_RECORDER, ChainRecorder
from cos_sweeper.engine.result import RunResult
from cos_sweeper.report.log import Log

# A chain fails after so many runs in a row without progress.
MAX_STALLED = 2
MAX_CODES = 20
# The permission probe takes at most this part of the time for work.
PART_FOR_PROBE = 4
NOT_YET = "the continuation is not invoked yet"
NOT_ALLOWED = "the function may not invoke itself, so a sweep of more than one run would be lost"

# A plan and its checkpoints.
_Written = tuple[Plan, tuple[str, ...]]


class Invoker(Protocol):
    """How the function invokes itself."""

    async def invoke(self, payloads: Sequence[str], seconds: float = inf) -> list[str]:
        """
        Invoke it once for each event. Returns for each '' when SCF accepted it, or the code of the failure.

        seconds: that all of it may take, where that is less than what is left of the run.
        """
        ...

    def is_permanent(self, code: str) -> bool:
        """Whether SCF would always respond with this code again."""
        ...


async def run(
    plan: Plan,
    store: Store,
    deadline: Deadline,
    log: Log,
    invoker: Invoker | None,
    *,
    fan_out: int = 1,
    retries: bool = True,
    now: datetime | None = None,
    max_age: timedelta = timedelta(hours=23),
    recorder: ChainRecorder = NO_RECORDER,
) -> Report:
    """
    Do what the plan says: here, or in as many runs and on as many instances as it takes.

    invoker: None where there is no SCF to invoke. fan_out: instances that one sweep may use at a time. retries: what
    failed for now is tried again by a later run, and not by the sender of the event. now: our clock, UTC; max_age: of a
    chain. recorder: of every upload; it stores the report before the continuation is invoked.
    """
    shards = _shards(plan, fan_out) if invoker else []
    result = await sweep.run(
        replace(plan, listings=()) if shards else plan,
        store,
        deadline,
        log,
        retries=retries and invoker is not None,
        before_abort=lambda: _probe(plan, invoker, deadline, log),
        recorder=recorder,
    )
    report_builder = result.report_builder
    left = _continuation(plan, result, invoker, age=(now or plan.as_of) - (plan.began or plan.as_of), max_age=max_age)
    if not retries and (report_builder.transient or report_builder.unreached or result.stopped):
        # The sender receives the failure and sends everything again; what is continued would be done twice.
        left = None
    if shards and left is None:
        # The end of the chain reports what this run could not do.
        shards[0] = replace(shards[0], prior_failures=report_builder.prior_failures())
    if invoker and (shards or left):
        split = _written(shards)
        rest = _written([] if left is None else [_named_in_chain(left, len(shards), recorder.name)])
        so_far = report_builder.build()
        await recorder.save(
            replace(so_far, stopped_because=so_far.stopped_because or NOT_YET), _works(split) + _works(rest)
        )
        is_split = await _schedule(split, invoker, report_builder, log) if split else True
        if rest and not await _schedule(rest, invoker, report_builder, log):
            left = None
        if not is_split:
            report_builder.must_raise = True
    if result.remaining is not None and left is None:
        result.count_remaining(log)
        if result.why_not and not report_builder.transient:
            report_builder.chain_failed("NothingAborted", result.why_not)
        if result.stopped:
            log.error("run.stopped", code=result.stopped)
            report_builder.chain_failed(
                result.stopped, "COS accepts the credentials or the clock of this run no longer"
            )
    return report_builder.build()


def failure_event(report: Report) -> str:
    """The event that does nothing but raise: which chain failed, and with which codes."""
    codes = {**dict(report.prior_failures.failed), **report.failed}
    return json.dumps({CHAIN_FAILED: {"run_id": report.run_id, "codes": sorted(codes)[:MAX_CODES]}})


def raise_for_failed_chain(event: object) -> None:
    """
    Raise RunFailed for an event that `failure_event` made, so that the platform counts an error.

    It is recognised before anything else is looked at: the platform's retries of it do nothing either.
    """
    failed = event.get(CHAIN_FAILED) if isinstance(event, dict) else None
    if isinstance(failed, dict):
        run_id, codes = failed.get("run_id"), failed.get("codes")
        known = [code for code in codes if isinstance(code, str)] if isinstance(codes, list) else []
        raise RunFailed(f"the chain {str(run_id)[:64]} failed with {', '.join(known)[:1000]}; its reports say where")


def is_probe(event: object) -> bool:
    """Whether an event only asks whether the function can be invoked."""
    return isinstance(event, dict) and PROBE in event and len(event) == 1


async def _probe(plan: Plan, invoker: Invoker | None, deadline: Deadline, log: Log) -> str:
    """
    Before the first abort of a sweep: why nothing may be aborted, or ''.

    Only a permanent rejection is a reason. The run waits for the response, so a missing response must not use up its
    time.
    """
    if invoker is None or plan.number > 1:
        return ""
    seconds = (deadline.work_ends - deadline.clock()) / PART_FOR_PROBE
    (code,) = await invoker.invoke([json.dumps({PROBE: plan.run_id})], seconds)
    if not code or not invoker.is_permanent(code):
        return ""
    log.error("continuation.unauthorized", code=code, reason=NOT_ALLOWED)
    return f"{NOT_ALLOWED}: {code}"


def _shards(plan: Plan, fan_out: int) -> list[Plan]:
    """
    A sweep that is just starting, split; empty where it is not worth it, or split already.

    The stale siblings of one object are at most one page; they stay in this run.
    """
    is_sweep = any(listing.policy.only_key is None for listing in plan.listings)
    # No run would look at a shard that may not abort.
    shards = min(fan_out, plan.max_aborts or fan_out)
    if shards == 1 or plan.number > 1 or not is_sweep:
        return []
    whole = replace(plan, targets=(), over_limit=(), rejected=(), number=2, predecessor="")
    return [
        replace(part, shard=Shard((index,), shards), works=(f"{plan.works[0]}.{index}",))
        for index, part in enumerate(checkpoint.split(whole, shards))
    ]


def _continuation(
    plan: Plan, result: RunResult, invoker: Invoker | None, *, age: timedelta, max_age: timedelta
) -> Plan | None:
    """The plan of the next run, or None. A chain that makes no progress ends here with a failure."""
    left, report_builder = result.remaining, result.report_builder
    if left is None or invoker is None or left.max_aborts == 0:
        return None
    stalled = 0 if result.progressed else plan.stalled + 1
    if stalled >= MAX_STALLED:
        reason = result.why_not or "raise the function's timeout"
        report_builder.chain_failed("NoProgress", f"{stalled} runs in a row made no progress: {reason}")
        return None
    if plan.number >= checkpoint.MAX_RUNS or age >= max_age:
        report_builder.chain_failed(
            "ChainTooLong",
            f"{plan.number} runs in {age.total_seconds() / 3600:.0f} h were not enough: narrow the sweep",
        )
        return None
    return replace(left, number=plan.number + 1, stalled=stalled)


def _named_in_chain(left: Plan, shards: int, name: str) -> Plan:
    """The rest of a run's own work: it continues the run's account, or is one more piece beside the shards."""
    if shards:
        return replace(left, works=(f"{left.works[0]}.{shards}",), predecessor="")
    return replace(left, predecessor=name)


def _written(plans: Sequence[Plan]) -> list[_Written]:
    return [(plan, checkpoint.write(plan)) for plan in plans]


def _works(written: Sequence[_Written]) -> list[str]:
    """The works that continue in these checkpoints."""
    return [work for plan, texts in written for works, _ in checkpoint.works(plan, len(texts)) for work in works]


async def _schedule(written: Sequence[_Written], invoker: Invoker, report_builder: ReportBuilder, log: Log) -> bool:
    """Invoke the function with these plans. False when SCF did not accept all of them twice: the run must raise."""
    offers = [(plan, text) for plan, texts in written for text in texts]
    wanted = len(offers)
    codes: list[str] = []
    for _ in range(2):
        codes = await invoker.invoke([text for _, text in offers])
        accepted = codes.count("")
        report_builder.continuations += accepted
        offers = [offer for offer, code in zip(offers, codes, strict=True) if code]
        if not offers:
            log.info("continuation.invoked", invocations=wanted, run=written[0][0].number)
            return True
        offers = _packed(offers)
    code = next(code for code in codes if code)
    missing = "; ".join(_name(plan) for plan, _ in offers[:MAX_CODES])
    log.error("continuation.failed", wanted=wanted, accepted=report_builder.continuations, code=code, missing=missing)
    report_builder.chain_failed("ContinuationFailed", f"{code}; missing: {missing}")
    report_builder.must_raise = True
    return len(offers) < wanted and len(written) == 1


def _packed(offers: Sequence[tuple[Plan, str]]) -> list[tuple[Plan, str]]:
    """What was not accepted, in as few checkpoints as possible: shards of one sweep fit into one."""
    plans = [plan for plan, _ in offers]
    first = plans[0]
    if first.shard.count == 1 or len({plan.shard for plan in plans}) < len(plans):
        return list(offers)
    limits = [plan.limit for plan in plans]
    merged = replace(
        first,
        shard=Shard(tuple(index for plan in plans for index in plan.shard.indexes), first.shard.count),
        limit=None if first.limit is None else sum(limit or 0 for limit in limits),
        aborted=sum(plan.aborted for plan in plans),
        fraction=(sum(plan.fraction[0] for plan in plans), first.fraction[1]),
        works=tuple(work for plan in plans for work in plan.works),
    )
    return [(merged, text) for text in checkpoint.write(merged)]


def _name(plan: Plan) -> str:
    """What a plan does, for the operator who has to look for it."""
    shard = f"shard {plan.shard}: " if plan.shard.count > 1 else ""
    key = plan.mask.key
    todo = [
        f"{listing.bucket} after {key(listing.start.key)!r}" if listing.start.key else f"all of {listing.bucket}"
        for listing in plan.listings
    ]
    todo += [f"{one.upload.bucket}/{key(one.upload.key)}" for one in plan.targets]
    return f"{shard}{', '.join(todo[:3])}" + (f" and {len(todo) - 3} more" if len(todo) > 3 else "")
