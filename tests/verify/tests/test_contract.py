"""
`make contract` holds the store's contract against a bucket that is given, and leaves it as it was.
"""

import os
import subprocess
import sys

from tests.emulator.public import Cloud
from tests.fixtures import HANDLER, ROOT
from tests.function import PHOTOS
from tests.verify.bounds import PREFIX

NAME = PHOTOS.partition("@")[0]


def test_contract_is_held_against_a_bucket_of_the_environment_and_leaves_it_as_it_was(cloud: Cloud) -> None:
    theirs = cloud.seed(NAME, "theirs") + cloud.seed(NAME, "cos-sweeper-verify/0123456789abcdef/theirs")
    environ = {
        "CONTRACT_BUCKET": PHOTOS,
        "COS_ENDPOINT": cloud.endpoint,
        "TENCENTCLOUD_SECRET_ID": cloud.owner.secret_id,
        "TENCENTCLOUD_SECRET_KEY": cloud.owner.secret_key,
        "PYTHONPATH": f"{HANDLER}:{ROOT}",
        "PATH": os.environ["PATH"],
        "HOME": "/nowhere",
    }
    mark = cloud.mark()

    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-k",
        "real or given",
        "tests/unit/cos/test_store.py",
    ]
    ran = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout
    assert " passed" in ran.stdout
    assert "skipped" not in ran.stdout
    assert {one.upload_id for one in cloud.uploads(NAME)} == {one.upload_id for one in theirs}
    assert cloud.objects(NAME) == []
    asked = cloud.requests(mark)
    assert len(asked) > 50
    assert [one.key for one in asked if one.key and not PREFIX.match(one.key)] == []
    assert [one for one in asked if one.bucket not in ("", NAME)] == []
