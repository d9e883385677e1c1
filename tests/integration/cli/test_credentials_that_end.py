"""
Credentials that end in the middle of a command.
"""

import pytest

from tests.command import Command
from tests.emulator.public import Cloud
from tests.function import PHOTOS

BUCKET = PHOTOS.partition("@")[0]


@pytest.mark.parametrize(
    ("arguments", "operation"),
    [
        (["sweep", "--bucket", PHOTOS, "--abort", "--yes"], "AbortMultipartUpload"),
        (["drain", PHOTOS, "--confirm", BUCKET], "AbortMultipartUpload"),
        (["inventory", "--bucket", PHOTOS], "ListParts"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_token_that_expires_in_the_middle_leads_to_new_credentials(
    arguments: list[str], operation: str, cloud: Cloud, command: Command
) -> None:
    cloud.seed(BUCKET, "raw/{n:03}", count=20, hours_since_start=400)
    cloud.fault(operation, skip=5, status=403, code="ExpiredToken")

    ran = command(*arguments, WORKERS="2")

    assert ran.exit_code == 1
    assert "The temporary credentials are over: get new ones. Then run the same command again." in ran.stderr
    assert "Not everything could be processed. Run the same command again." not in ran.stderr
