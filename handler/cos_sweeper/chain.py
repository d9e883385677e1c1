"""
More than one invocation: what a run does itself, and what it hands on.

A run that runs out of time hands its rest to the next; a sweep that may use several instances is dealt out in shares.
How a checkpoint gets to an instance is none of this room's business: `hand_on` does it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from cos_sweeper import checkpoint, sweep
from cos_sweeper.budget import Deadline
from cos_sweeper.errors import NotHandedOn
from cos_sweeper.log import Log
from cos_sweeper.plan import Plan, Share
from cos_sweeper.report import Ledger, Report
from cos_sweeper.store import Store

# Takes checkpoints, in order; raises NotHandedOn with how many got through.
HandOn = Callable[[Sequence[str]], None]


def run(plan: Plan, store: Store, deadline: Deadline, log: Log, hand_on: HandOn | None, fan_out: int) -> Report:
    """
    Do what the plan says: here, or in as many runs and on as many instances as it takes.

    hand_on: None where there is nobody to hand on to. fan_out: instances that one sweep may use at a time.
    """
    shares = _shares(plan, fan_out) if hand_on else []
    swept = sweep.run(replace(plan, scans=()) if shares else plan, store, deadline, log)
    ledger = swept.ledger
    if shares and hand_on:
        _hand_on(shares, hand_on, ledger, log)
    if swept.left is None or not _taken_over(plan, swept.left, hand_on, ledger, log):
        swept.keep_what_is_left()
    return ledger.close()


def _shares(plan: Plan, fan_out: int) -> list[Plan]:
    """
    A sweep that is just starting, dealt out; empty where it is not worth it, or dealt out already.

    Leftovers of one object are a page at the most and stay here.
    """
    is_sweep = any(scan.policy.only_key is None for scan in plan.scans)
    # A share that may not abort would not be looked at by anybody.
    shares = min(fan_out, plan.max_aborts or fan_out)
    if shares == 1 or plan.number > 1 or not is_sweep:
        return []
    return [
        replace(plan, named=(), refused=(), number=2, share=Share(index, shares), max_aborts=allowance)
        for index, allowance in enumerate(checkpoint.deal(plan.max_aborts, shares))
    ]


def _taken_over(plan: Plan, left: Plan, hand_on: HandOn | None, ledger: Ledger, log: Log) -> bool:
    """Whether the next run goes on with what is left. A chain that cannot get anywhere ends here, and says so."""
    if hand_on is None or left.max_aborts == 0:
        return False
    if (left.scans, left.named) == (plan.scans, plan.named) and not ledger.counts["aborted"]:
        ledger.chain_failed("NoProgress", "not one upload was settled in time: raise the function's timeout")
        return False
    if plan.number >= checkpoint.MAX_RUNS:
        ledger.chain_failed("ChainTooLong", f"{checkpoint.MAX_RUNS} runs were not enough: narrow the sweep")
        return False
    return _hand_on([replace(left, number=plan.number + 1)], hand_on, ledger, log)


def _hand_on(plans: Sequence[Plan], hand_on: HandOn, ledger: Ledger, log: Log) -> bool:
    """Hand plans on; False when nobody took anything. What failed so far travels with the first of them."""
    texts = [text for plan in plans for text in checkpoint.write(plan)]
    try:
        hand_on(texts)
    except NotHandedOn as exc:
        log.error("chain.not_handed_on", wanted=len(texts), accepted=exc.accepted, code=exc.code)
        missing = f"{len(texts) - exc.accepted} of {len(texts)} invocations: {exc.code}"
        ledger.chain_failed("NotHandedOn", f"{missing}; left, to begin with: {_first(plans[0])}")
        ledger.handed_on += exc.accepted
        return exc.accepted > 0
    log.info("chain.handed_on", invocations=len(texts), run=plans[0].number)
    ledger.handed_on += len(texts)
    return True


def _first(plan: Plan) -> str:
    """What a plan does first, for whoever has to look for it."""
    if plan.scans:
        scan = plan.scans[0]
        return f"{scan.bucket} after {scan.start.key!r}" if scan.start.key else f"all of {scan.bucket}"
    return str(plan.named[0].upload) if plan.named else "nothing"
