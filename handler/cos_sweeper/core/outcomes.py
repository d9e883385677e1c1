"""
What happened to an upload: one class for each outcome, its name, and its flat fields for log lines and responses.
"""

from dataclasses import dataclass
from typing import Any

from cos_sweeper.core.model import Bucket, PartsSeen, RejectedRequest, Upload, never

# Why an upload was not processed: MAX_ABORTS, or a request's own lower limit, is reached. No later run of the chain
# processes it.
AT_LIMIT = "the limit of aborts is reached"


@dataclass(frozen=True, slots=True)
class Kept:
    """The policy keeps it. seen: its parts, None where they were not all read."""

    upload: Upload
    reason: str
    seen: PartsSeen | None = None


@dataclass(frozen=True, slots=True)
class WouldAbort:
    """The upload is abandoned, and is not aborted because this is a dry run. seen: as for `Kept`."""

    upload: Upload
    bytes: int | None
    seen: PartsSeen | None = None


@dataclass(frozen=True, slots=True)
class Aborted:
    """
    COS answered the abort with 204.

    bytes: freed, None when unknown. request_id: COS's, of the abort. verified: True after List Parts answered
    NoSuchUpload; False when that check failed; None when no check was wanted. seen: its parts before the abort.
    """

    upload: Upload
    bytes: int | None
    request_id: str
    verified: bool | None = None
    seen: PartsSeen | None = None


@dataclass(frozen=True, slots=True)
class StillReceiving:
    """COS answered 204, then a part arrived: the upload is in use, so it is not aborted again. Nothing is freed."""

    upload: Upload
    request_id: str
    seen: PartsSeen | None = None


@dataclass(frozen=True, slots=True)
class AlreadyGone:
    """
    The upload was completed or aborted before our abort arrived: a success.

    is_checked: False in two cases. A listing showed the upload, and no second listing confirmed that it is gone. Or
    its key has another reading that must not, or cannot, be sent to COS.
    """

    upload: Upload
    is_checked: bool = True


@dataclass(frozen=True, slots=True)
class ListedButNotFound:
    """The listing still shows the upload at the end of the run, but COS answers NoSuchUpload. Nothing is freed."""

    upload: Upload


@dataclass(frozen=True, slots=True)
class Failed:
    """
    COS did not do what was requested.

    permanent: COS rejected it (such as 403, or 404 for the bucket), so a retry cannot succeed. was_sent: an abort was
    sent, and its result is unknown. action: the CAM action of the request, '' where it is not known.
    """

    upload: Upload
    code: str
    status: int | None
    request_id: str
    permanent: bool
    detail: str = ""
    was_sent: bool = False
    seen: PartsSeen | None = None
    action: str = ""


@dataclass(frozen=True, slots=True)
class Deferred:
    """
    The upload was not processed in this run. reason: such as out of time, or AT_LIMIT.

    was_sent: an abort was sent, and its result is unknown. markers: the part numbers at which the pages of its parts
    begin, as far as they were read.
    """

    upload: Upload
    reason: str
    was_sent: bool = False
    markers: tuple[int, ...] = (0,)
    seen: PartsSeen | None = None


@dataclass(frozen=True, slots=True)
class BucketFailed:
    """The listing of a bucket failed. bucket: None for the list of all buckets."""

    bucket: Bucket | None
    code: str
    status: int | None
    request_id: str
    permanent: bool
    detail: str = ""


Outcome = (
    Kept | WouldAbort | Aborted | StillReceiving | AlreadyGone | ListedButNotFound | RejectedRequest | Failed | Deferred
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
