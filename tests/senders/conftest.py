import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.public import Cloud
from tests.fixtures import TOKEN
from tests.senders.clients import AUTHORITY, BUCKET, EXAMPLES, World, start_cloud
from tests.senders.stand_ins import function_url, proxy


@pytest.fixture(scope="session")
def sweeping_cloud() -> Iterator[Cloud]:
    with start_cloud() as cloud:
        yield cloud


@pytest.fixture
def world(sweeping_cloud: Cloud, tmp_path: Path) -> Iterator[World]:
    sweeping_cloud.reset()
    with function_url(sweeping_cloud) as url, proxy(sweeping_cloud, tmp_path / AUTHORITY) as address:
        yield World(sweeping_cloud, tmp_path, address, url)


@pytest.fixture
def backend(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The WSGI application of the example."""
    for name, value in {"BUCKET": BUCKET, "FUNCTION_URL": world.url, "HTTP_TOKEN": TOKEN}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "path", [*sys.path, str(EXAMPLES / "python"), str(EXAMPLES / "browser")])
    yield importlib.import_module("backend").application
    for name in ("backend", "send_by_function_url"):
        del sys.modules[name]
