"""
What the tests of several runs ask for: the function as it is deployed, fresh.
"""

from collections.abc import Iterator

import pytest

from tests.emulator.public import Cloud
from tests.fixtures import HANDLER
from tests.function import LOGS, PHOTOS, Function
from tests.integration.chains import ENVIRONMENT, Chain
from tests.integration.platform import Platform, serving


@pytest.fixture(scope="session")
def deployed_cloud() -> Iterator[Cloud]:
    with Cloud.start(PHOTOS, LOGS, function=HANDLER, env=ENVIRONMENT, concurrency=12) as cloud:
        yield cloud


@pytest.fixture
def chain(deployed_cloud: Cloud) -> Chain:
    deployed_cloud.reset(PHOTOS, LOGS)
    built = Chain(deployed_cloud)
    built.set_up()
    return built


@pytest.fixture
def platform(function: Function) -> Iterator[Platform]:
    with serving(function) as built:
        yield built
