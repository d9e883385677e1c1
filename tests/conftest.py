"""
What every test may use: an emulator, fresh, and the function in front of it.
"""

from collections import defaultdict
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from cos_sweeper import app
from tests.emulator.public import Cloud
from tests.function import LOGS, PHOTOS, Function
from tests.profiles import IS_NIGHTLY, PROFILE, examples, sample

# No deadline: machines are noisy, and nothing here is a matter of time. The cloud is reset by the examples themselves.
settings.register_profile(
    PROFILE, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(50)
)
settings.load_profile(PROFILE)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of the cases of a test marked `sampled(n)` the nightly profile runs all, and the usual one n, evenly spaced."""
    cases: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if item.get_closest_marker("sampled") and not IS_NIGHTLY:
            cases[item.nodeid.partition("[")[0]].append(item)
    left_out: set[pytest.Item] = set()
    for each in cases.values():
        marker = each[0].get_closest_marker("sampled")
        assert marker is not None
        left_out |= {*each} - {*sample(each, *marker.args)}
    config.hook.pytest_deselected(items=[item for item in items if item in left_out])
    items[:] = [item for item in items if item not in left_out]


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
