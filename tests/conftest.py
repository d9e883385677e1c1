"""
What every test may ask for: a laptop's cloud, fresh, and the function in front of it.
"""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from cos_sweeper import app
from tests.emulator.public import Cloud
from tests.function import LOGS, PHOTOS, Function
from tests.profiles import PROFILE, examples

# No deadline: machines are noisy, and nothing here is a matter of time. The cloud is reset by the examples themselves.
settings.register_profile(
    PROFILE, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(50)
)
settings.load_profile(PROFILE)


@pytest.fixture(scope="session")
def running_cloud() -> Iterator[Cloud]:
    with Cloud.start(PHOTOS, LOGS) as cloud:
        yield cloud
    app.instance.reset()


@pytest.fixture
def cloud(running_cloud: Cloud) -> Cloud:
    running_cloud.reset(PHOTOS, LOGS)
    return running_cloud


@pytest.fixture
def function(cloud: Cloud) -> Function:
    return Function(cloud)
