"""
Whether a later run tries an upload again, and in which order.

What failed for now is tried a few times. Being throttled is none of these times while COS accepts other aborts in the
bucket: then it only waits for its turn. What was cut off although it had most of a run's time goes last from then on;
the second time it fails alone, so that it never stops the others.
"""

from dataclasses import replace

from cos_sweeper.core.checkpoint import MAX_ATTEMPTS
from cos_sweeper.core.outcomes import AT_LIMIT, Deferred, Failed, Outcome
from cos_sweeper.core.plan import UploadTarget
from cos_sweeper.cos.error_codes import THROTTLED
from cos_sweeper.engine.reasons import NOT_FRESH
from cos_sweeper.engine.run_state import RunState

TOO_SLOW = "TooSlow"


def next_target(state: RunState, target: UploadTarget, outcome: Outcome, began: float | None) -> UploadTarget | None:
    """The same as a target of a later run, or None where its outcome is final. began: its work, None without any."""
    if isinstance(outcome, Deferred) and outcome.reason == AT_LIMIT:
        return None
    if isinstance(outcome, Deferred) and outcome.reason != NOT_FRESH:
        return replace(
            target,
            was_sent=target.was_sent or outcome.was_sent,
            is_blocked=target.is_blocked or (began is not None and state.blocks(outcome, began)),
            markers=max(target.markers, outcome.markers, key=len),
        )
    if not isinstance(outcome, (Failed, Deferred)) or not state.retries:
        return None
    if isinstance(outcome, Failed) and (outcome.permanent or outcome.code == TOO_SLOW):
        return None
    attempts = target.attempts + (0 if _waits_for_its_turn(state, outcome) else 1)
    if attempts >= MAX_ATTEMPTS:
        return None
    return replace(target, attempts=attempts, was_sent=target.was_sent or outcome.was_sent)


def _waits_for_its_turn(state: RunState, outcome: Failed | Deferred) -> bool:
    upload, is_throttled = outcome.upload, isinstance(outcome, Failed) and outcome.code in THROTTLED
    return is_throttled and upload is not None and upload.bucket in state.accepting


def unless_too_slow(state: RunState, target: UploadTarget, outcome: Outcome, began: float) -> Outcome:
    """What took most of a run's time for the second time fails, unless more of its parts were read."""
    if not isinstance(outcome, Deferred) or len(outcome.markers) > len(target.markers):
        return outcome
    if target.is_blocked and state.blocks(outcome, began):
        detail = "it took most of the time of two runs: raise the function's timeout"
        return Failed(outcome.upload, TOO_SLOW, None, "", permanent=False, detail=detail)
    return outcome


def is_unreached(outcome: Outcome | None) -> bool:
    """Whether a later run has to list the upload again, as if it had not been listed yet."""
    return isinstance(outcome, Deferred) and outcome.reason != NOT_FRESH
