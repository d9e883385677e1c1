"""
What COS's errors mean for what comes next.
"""

import pytest

from cos_sweeper.cos.error_codes import THROTTLED, Meaning, meaning


@pytest.mark.parametrize(
    ("status", "code", "message", "expected"),
    [
        (500, "InternalError", "", Meaning.RETRY),
        (503, "SlowDown", "", Meaning.RETRY),
        (503, "", "", Meaning.RETRY),
        (502, "Unheard", "", Meaning.RETRY),
        (500, "", "", Meaning.RETRY),
        (425, "", "", Meaning.RETRY),
        (429, "", "", Meaning.RETRY),
        (408, "", "", Meaning.RETRY),
        (400, "RequestTimeout", "", Meaning.RETRY),
        (400, "SlowDown", "", Meaning.RETRY),
        (409, "Unheard", "", Meaning.LATER),
        (400, "UploadConflict", "", Meaning.LATER),
        (403, "ExpiredToken", "", Meaning.STOP),
        (400, "InvalidAccessKeyId", "", Meaning.STOP),
        (403, "RequestTimeTooSkewed", "", Meaning.STOP),
        (403, "AccessDenied", "Request has expired", Meaning.STOP),
        (403, "AccessDenied", "token has expired", Meaning.STOP),
        (403, "AccessDenied", "The security TOKEN is invalid", Meaning.STOP),
        (400, "InvalidArgument", "Request has expired", Meaning.PERMANENT),
        (403, "AccessDenied", "", Meaning.PERMANENT),
        (404, "NoSuchBucket", "", Meaning.PERMANENT),
        (404, "NoSuchUpload", "", Meaning.PERMANENT),
        (301, "", "", Meaning.PERMANENT),
        (499, "", "", Meaning.PERMANENT),
    ],
)
def test_meaning_is_decided_by_status_code_and_message(status: int, code: str, message: str, expected: Meaning) -> None:
    assert meaning(status, code, message) is expected


@pytest.mark.parametrize("code", sorted(THROTTLED))
def test_throttling_is_tried_again_under_any_status(code: str) -> None:
    assert {meaning(status, code, "") for status in (400, 403, 429, 503)} == {Meaning.RETRY}
