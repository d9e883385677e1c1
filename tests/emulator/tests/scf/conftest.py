"""
One emulated SCF for these tests, reset for each.
"""

from collections.abc import Iterator

import pytest

from tests.emulator.client import Cloud
from tests.emulator.tests.scf.deployed import Meeting, deploy, open_meeting
from tests.emulator.tests.scf.support import BUCKET


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    function = deploy(tmp_path_factory.mktemp("function"))
    with Cloud.start(BUCKET, function=function, env={"BUCKETS": BUCKET}, retry_wait_ms=1) as cloud:
        yield cloud


@pytest.fixture
def cloud(running: Cloud) -> Cloud:
    running.reset()
    return running


@pytest.fixture
def meeting() -> Iterator[Meeting]:
    with open_meeting() as meeting:
        yield meeting
