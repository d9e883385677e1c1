"""
Outcome → its name and its fields, flat, for counts, log lines and responses.
"""

from typing import Any

from cos_sweeper.core.model import (
    Aborted,
    AlreadyGone,
    BucketFailed,
    Deferred,
    Failed,
    Kept,
    ListedButNotFound,
    Outcome,
    RejectedRequest,
    StillReceiving,
    WouldAbort,
    never,
)

NAMES: dict[type[Outcome], str] = {
    Kept: "kept",
    WouldAbort: "would_abort",
    Aborted: "aborted",
    StillReceiving: "still_receiving",
    AlreadyGone: "already_gone",
    ListedButNotFound: "listed_but_not_found",
    RejectedRequest: "rejected",
    Failed: "failed",
    Deferred: "deferred",
}
UNCHECKED = "already_gone_unchecked"


def name_of(outcome: Outcome) -> str:
    """The outcome's name in counts, logs and answers."""
    if isinstance(outcome, AlreadyGone) and not outcome.is_checked:
        return UNCHECKED
    return NAMES[type(outcome)]


def fields(outcome: Outcome) -> dict[str, Any]:
    """The outcome's facts, flat, for a log line or an answer."""
    told: dict[str, Any] = {"origin": outcome.origin} if isinstance(outcome, RejectedRequest) else {}
    if outcome.upload is not None:
        upload = outcome.upload
        told |= {"bucket": str(upload.bucket), "key": upload.key, "upload_id": upload.upload_id}
    match outcome:
        case Kept() | RejectedRequest() | Deferred():
            told["reason"] = outcome.reason
        case WouldAbort():
            told["bytes"] = outcome.bytes
        case Aborted():
            told |= {"bytes": outcome.bytes, "cos_request_id": outcome.request_id}
            told |= {} if outcome.verified is None else {"verified": outcome.verified}
        case StillReceiving():
            told["cos_request_id"] = outcome.request_id
        case Failed():
            told |= _fields_of_failure(outcome)
        case AlreadyGone() | ListedButNotFound():
            pass
        case _:
            never(outcome)
    return told


def fields_of_bucket(failed: BucketFailed) -> dict[str, Any]:
    """A broken listing's facts, flat, for a log line or an answer."""
    return {"bucket": str(failed.bucket) if failed.bucket else "*", **_fields_of_failure(failed)}


def _fields_of_failure(failed: Failed | BucketFailed) -> dict[str, Any]:
    fields: dict[str, Any] = {"code": failed.code, "status": failed.status, "cos_request_id": failed.request_id}
    return {**fields, "detail": failed.detail} if failed.detail else fields
