"""
Outcome → its name and its flat fields, for counts, log lines and responses.
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
    """The outcome's name in counts, logs and responses."""
    if isinstance(outcome, AlreadyGone) and not outcome.is_checked:
        return UNCHECKED
    return NAMES[type(outcome)]


def fields(outcome: Outcome) -> dict[str, Any]:
    """The outcome's fields, flat, for a log line or a response."""
    flat: dict[str, Any] = {"origin": outcome.origin} if isinstance(outcome, RejectedRequest) else {}
    if outcome.upload is not None:
        upload = outcome.upload
        flat |= {"bucket": str(upload.bucket), "key": upload.key, "upload_id": upload.upload_id}
    match outcome:
        case Kept() | RejectedRequest() | Deferred():
            flat["reason"] = outcome.reason
        case WouldAbort():
            flat["bytes"] = outcome.bytes
        case Aborted():
            flat |= {"bytes": outcome.bytes, "cos_request_id": outcome.request_id}
            flat |= {} if outcome.verified is None else {"verified": outcome.verified}
        case StillReceiving():
            flat["cos_request_id"] = outcome.request_id
        case Failed():
            flat |= _fields_of_failure(outcome)
        case AlreadyGone() | ListedButNotFound():
            pass
        case _:
            never(outcome)
    return flat


def fields_of_bucket(failed: BucketFailed) -> dict[str, Any]:
    """The fields of a failed listing, flat, for a log line or a response."""
    return {"bucket": str(failed.bucket) if failed.bucket else "*", **_fields_of_failure(failed)}


def _fields_of_failure(failed: Failed | BucketFailed) -> dict[str, Any]:
    flat: dict[str, Any] = {"code": failed.code, "status": failed.status, "cos_request_id": failed.request_id}
    return {**flat, "detail": failed.detail} if failed.detail else flat
