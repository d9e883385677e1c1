"""
What COS's errors mean for what comes next: the one table of codes.

Transient is what later, other credentials or another clock can mend. Everything else waits for somebody who changes a
permission, a setting or the bucket. Values in, values out.

The codes: COS's documentation, 436/7730, and what its SDKs and S3-compatible gateways in front of it are known to send.
"""

from enum import Enum


class Meaning(Enum):
    """What to do about an error."""

    RETRY = "this run may succeed if it tries again"
    LATER = "a later run may succeed"
    STOP = "no request of this run can succeed: another run, with credentials read again, may"
    PERMANENT = "nothing changes by itself"


# The role's credentials are temporary and SCF renews them between invocations, so even an unknown key id may pass.
_STOP = {
    "ExpiredToken",
    "InvalidToken",
    "TokenRefreshRequired",
    "InvalidAccessKeyId",
    "RequestTimeTooSkewed",
    "RequestExpired",
    "SignatureExpired",
    "RequestHasExpired",
}
# Throttled: COS says so with 503, gateways with 429 or 400.
THROTTLED = {
    "SlowDown",
    "ServiceUnavailable",
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
    "TooManyRequests",
    "QpsLimitExceeded",
    "BandwidthLimitExceeded",
}
_AGAIN = {"RequestTimeout", "InternalError", "InternalServerError", *THROTTLED}
# Somebody else works on the same thing just now, such as a Complete of the upload that is to be aborted.
_LATER = {"UploadConflict", "PathConflict", "OperationAborted", "Conflict", "OperationConflict", "ConcurrentConflict"}
_AGAIN_STATUS = {408, 425, 429}
# COS says AccessDenied for a signature whose time is over, too; only the message tells.
_EXPIRED_MESSAGES = ("request has expired", "token has expired", "security token")


def meaning(status: int, code: str, message: str) -> Meaning:
    """What an error response means. code, message: '' where it has none."""
    if code in _STOP or (status == 403 and any(words in message.lower() for words in _EXPIRED_MESSAGES)):
        return Meaning.STOP
    if status >= 500 or status in _AGAIN_STATUS or code in _AGAIN:
        return Meaning.RETRY
    if status == 409 or code in _LATER:
        return Meaning.LATER
    return Meaning.PERMANENT
