"""
What the account and the records take from an outcome. Values in, values out.

An upload is abandoned if the policy judged it so: it was freed, it is left, or its abort failed. Everything else that
is still there is kept, and what is gone is neither.
"""

from collections.abc import Callable
from typing import Any

from cos_sweeper.core.model import ListedUpload, RejectedRequest, never
from cos_sweeper.core.observation import Observation
from cos_sweeper.core.outcomes import (
    AT_LIMIT,
    Aborted,
    AlreadyGone,
    Deferred,
    Failed,
    Kept,
    ListedButNotFound,
    Outcome,
    StillReceiving,
    WouldAbort,
    name_of,
)
from cos_sweeper.core.policy import NEW_PART, PART_RECENT, PAUSES_TOO_LONG, TOO_FEW_PARTS
from cos_sweeper.core.run_facts import INVENTORY, SWEEP
from cos_sweeper.core.sums import FAILED, FREED, GONE, KEPT, LEFT

DRY_RUN = "this is a dry run"
# An old upload that one of these keeps is what a rule on age alone would have aborted.
STILL_IN_USE = frozenset((PART_RECENT, NEW_PART, PAUSES_TOO_LONG, TOO_FEW_PARTS))


def observation(
    listed: ListedUpload,
    outcome: Outcome,
    clean: Callable[[str], str],
    mask: Callable[[str], str],
    *,
    is_inventory: bool = False,
) -> Observation:
    """What the account takes. clean: removes secrets from a text; mask: what stands for a key."""
    upload, storage_class = listed.upload, listed.storage_class
    if type(outcome) is Kept and outcome.seen is None and not is_inventory:
        # Most uploads of a sweep. The account shows none of their texts.
        return Observation(upload.bucket, "", storage_class, "", listed.initiated, None, "kept", outcome.reason, KEPT)
    upload = outcome.upload or upload
    group, reason = grouped(outcome)
    return Observation(
        upload.bucket,
        mask(clean(upload.key)),
        storage_class,
        clean(listed.initiator),
        listed.initiated,
        None if isinstance(outcome, (AlreadyGone, ListedButNotFound, RejectedRequest)) else outcome.seen,
        name_of(outcome),
        clean(reason),
        group,
        clean(upload.upload_id),
        _example(outcome, clean) if isinstance(outcome, Failed) else None,
    )


def grouped(outcome: Outcome) -> tuple[str, str]:
    """The group of the account, and the reason within it: why it is kept or left, or the code of its failure."""
    found = GONE, ""
    match outcome:
        case Aborted():
            found = FREED, ""
        case WouldAbort():
            found = LEFT, DRY_RUN
        case Deferred():
            # Without a look at its parts it is unknown whether it is abandoned. Beyond the limit it is old, at least.
            is_left = outcome.seen is not None or outcome.reason == AT_LIMIT
            found = LEFT if is_left else KEPT, outcome.reason
        case Failed():
            found = FAILED, outcome.code
        case Kept() | RejectedRequest():
            found = KEPT, outcome.reason
        case StillReceiving():
            found = KEPT, NEW_PART
        case AlreadyGone() | ListedButNotFound():
            pass
        case _:
            never(outcome)
    return found


def is_recorded(outcome: Outcome, *, was_intended: bool, kind: str = SWEEP) -> bool:
    """
    Whether an upload gets a record. kind: of the run, as `RunFacts` has it.

    Every upload that was judged abandoned does, every failure, every old upload that is still in use, and every upload
    for which an intent was recorded, so its result is always known. In an inventory every upload does. An event
    that aborts nothing and in which nothing fails writes no object.
    """
    if was_intended or kind == INVENTORY:
        return True
    if isinstance(outcome, Kept):
        return kind == SWEEP and (outcome.seen is not None or outcome.reason in STILL_IN_USE)
    if isinstance(outcome, Deferred):
        return outcome.was_sent or outcome.seen is not None
    if isinstance(outcome, (AlreadyGone, ListedButNotFound)):
        return kind == SWEEP
    return not isinstance(outcome, RejectedRequest)


def _example(failed: Failed, clean: Callable[[str], str]) -> dict[str, Any]:
    return {
        "status": failed.status,
        "cos_request_id": clean(failed.request_id),
        "detail": clean(failed.detail),
        "permanent": failed.permanent,
        "action": failed.action,
    }
