from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulator.public import Cloud
from tests.senders.clients import World, start_cloud
from tests.senders.stand_ins import function_url


@pytest.fixture(scope="session")
def sweeping_cloud() -> Iterator[Cloud]:
    with start_cloud() as cloud:
        yield cloud


@pytest.fixture
def world(sweeping_cloud: Cloud, tmp_path: Path) -> Iterator[World]:
    sweeping_cloud.reset()
    with function_url(sweeping_cloud) as url:
        yield World(sweeping_cloud, tmp_path, url)
