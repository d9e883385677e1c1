"""
A question covers what it showed: what failed during the look is not aborted after the answer.
"""

from typing import Any

import pytest

from tests.command import Command
from tests.emulator.public import Cloud
from tests.function import LOGS, PHOTOS
from tests.integration.cli.test_protection import answered

PHOTO_BUCKET, LOG_BUCKET = PHOTOS.partition("@")[0], LOGS.partition("@")[0]
DENIED: dict[str, Any] = {"status": 403, "code": "AccessDenied"}


@pytest.mark.parametrize(
    ("arguments", "operation", "fault"),
    [
        (["sweep", "--all-buckets", "--abort"], "ListMultipartUploads", {"bucket": LOG_BUCKET}),
        (["sweep", "--all-buckets", "--abort"], "ListParts", {"bucket": LOG_BUCKET}),
        (["abort", PHOTOS, "a"], "ListParts", {"count": 1}),
    ],
    ids=["listing", "parts", "one_key"],
)
def test_upload_whose_look_failed_is_not_aborted_after_the_answer(
    arguments: list[str], operation: str, fault: dict[str, Any], cloud: Cloud, command: Command
) -> None:
    cloud.seed(PHOTO_BUCKET, "a", count=2 if arguments[0] == "abort" else 1, hours_since_start=300)
    cloud.seed(LOG_BUCKET, "b", count=3, hours_since_start=300)
    cloud.fault(operation, **fault, **DENIED)

    ran = answered(command, *arguments, answer="y", meanwhile=cloud.heal)

    left = {PHOTO_BUCKET: 1, LOG_BUCKET: 3} if arguments[0] == "abort" else {PHOTO_BUCKET: 0, LOG_BUCKET: 3}
    assert {bucket: len(cloud.uploads(bucket)) for bucket in left} == left
    assert "left as they are: the question did not show them." in ran.stderr
