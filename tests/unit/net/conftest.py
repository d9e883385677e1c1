"""
A certificate authority for the tests, and a clock that they move.
"""

from pathlib import Path

import pytest
import trustme

from cos_sweeper.net import clock as net_clock
from tests.fixtures import FakeClock


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def roots(authority: trustme.CA, tmp_path: Path) -> str:
    authority.cert_pem.write_to_path(str(tmp_path / "roots.pem"))
    return str(tmp_path / "roots.pem")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    clock = FakeClock(1000.0)
    monkeypatch.setattr(net_clock, "now", clock)
    return clock
