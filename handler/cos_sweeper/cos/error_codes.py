"""
COS's error codes → what the caller should do. This is the only table of codes.

An error is transient if it can disappear with time, new credentials or a corrected clock. Every other error stays until
an operator changes a permission, a setting or the bucket. Values in, values out.

Sources of the codes: COS's documentation (436/7730), and what its SDKs and S3-compatible gateways are known to send.
"""

from enum import Enum


class Meaning(Enum):
    """What the caller should do after an error."""

    RETRY = "retry in this run"
    LATER = "retry in a later run"
    STOP = "stop this run: none of its requests can succeed; a later run, with new credentials, may succeed"
    PERMANENT = "do not retry: an operator has to act"


# The role's credentials are temporary, and SCF renews them between invocations. So even an unknown key id is transient.
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
# Throttled: COS answers 503; gateways answer 429 or 400.
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
_RETRY = {"RequestTimeout", "InternalError", "InternalServerError", *THROTTLED}
# Another request changes the same object now, such as a Complete of the upload that we want to abort.
_LATER = {"UploadConflict", "PathConflict", "OperationAborted", "Conflict", "OperationConflict", "ConcurrentConflict"}
_RETRY_STATUS = {408, 425, 429}
# COS also answers AccessDenied to an expired signature; only the message shows the difference.
_EXPIRED_MESSAGES = ("request has expired", "token has expired", "security token")


def meaning(status: int, code: str, message: str) -> Meaning:
    """The meaning of an error response. code, message: '' if it has none."""
    if code in _STOP or (status == 403 and any(words in message.lower() for words in _EXPIRED_MESSAGES)):
        return Meaning.STOP
    if status >= 500 or status in _RETRY_STATUS or code in _RETRY:
        return Meaning.RETRY
    if status == 409 or code in _LATER:
        return Meaning.LATER
    return Meaning.PERMANENT
