"""
The command in a folder of its own, against the emulator.
"""

from pathlib import Path

import pytest

from tests.command import Command
from tests.emulator.public import Cloud


@pytest.fixture
def command(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.chdir(tmp_path)
    return Command(cloud, tmp_path)
