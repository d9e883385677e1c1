"""
That the same sources make the same package: `make packed` builds it with every Python of this machine, elsewhere.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools import package

SOURCES = ("handler", "requirements.txt", "tests/__init__.py", "tests/tools")


def pythons() -> dict[str, str]:
    """Every Python of this machine that the project runs on, by its version."""
    installed = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv", "versions").glob("3.*/bin/python")
    found = {}
    for path in (*map(str, installed), sys.executable):
        said = subprocess.run([path, "--version"], capture_output=True, text=True).stdout
        version = re.search(r"3\.(\d+)\.\d+", said)
        if version and int(version[1]) >= 10:
            found[version[0]] = path
    return found


@pytest.mark.parametrize("python", [pytest.param(path, id=version) for version, path in sorted(pythons().items())])
def test_package_replaces_only_itself_and_is_the_same_wherever_it_is_built(python: str, tmp_path: Path) -> None:
    root = tmp_path / "a folder" / "elsewhere"
    for name in SOURCES:
        source, target = package.ROOT / name, root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    page, old = root / "build" / "demo" / "report.html", root / "build" / "function" / "old.py"
    for path in (page, old):
        path.parent.mkdir(parents=True)
        path.touch()
    environment = {**os.environ, "TZ": "Asia/Shanghai", "LC_ALL": "C", "PYTHONHASHSEED": "7"}
    environment.pop("PYTHONPATH", None)

    built = subprocess.run(
        [python, "-m", "tests.tools.package"], cwd=root, env=environment, umask=0o077, capture_output=True, text=True
    )

    assert built.returncode == 0, built.stderr
    assert (root / "build/function.zip").read_bytes() == package.ARCHIVE.read_bytes()
    assert page.exists()
    assert not old.exists()
    assert {path.name for path in (root / "build").iterdir()} == {"demo", "function", "function.zip"}
