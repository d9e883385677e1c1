"""
The wheel as it is built and used. `make installed` runs this: pip needs a registry for it.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from cos_sweeper.core.version import VERSION
from tests.emulator.public import Cloud
from tests.function import PHOTOS
from tests.tools import package

ROOT = Path(__file__).parents[2]
WHEEL = f"build/cos_sweeper-{VERSION}-py3-none-any.whl"
# This one, and the one that is deployed.
PYTHONS = (sys.executable, package.find_python())


def make(folder: Path, python: str = sys.executable, umask: int = 0o022) -> bytes:
    """The wheel of the sources in another directory, of another time."""
    folder.mkdir()
    for name in ("handler", "Makefile", "pyproject.toml", "LICENSE"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    (folder / "build").mkdir()
    (folder / "build" / "demo").touch()
    for path in (folder / "handler").rglob("*.py"):
        os.utime(path, (1e9, 1e9 + umask))
    subprocess.run(["make", "wheel", f"PYTHON={python}"], cwd=folder, umask=umask, check=True, capture_output=True)
    assert (folder / "build" / "demo").exists()
    return (folder / WHEEL).read_bytes()


def test_wheel_is_the_same_in_every_place_and_python(tmp_path: Path) -> None:
    wheels = [
        make(tmp_path / f"{index}-{umask}", python, umask)
        for index, python in enumerate(PYTHONS)
        for umask in (0o022, 0o077)
    ]

    assert {len(one) for one in wheels} == {len(wheels[0])}
    assert len({*wheels}) == 1


def test_wheel_has_all_of_the_package_and_nothing_else(tmp_path: Path) -> None:
    make(tmp_path / "built")

    sources = ROOT / "handler" / "cos_sweeper"
    wanted = {path for path in sources.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    names = ZipFile(tmp_path / "built" / WHEEL).namelist()
    assert {name for name in names if ".dist-info/" not in name} == {
        path.relative_to(sources.parent).as_posix() for path in wanted
    }
    assert any(name.endswith("LICENSE") for name in names)


@pytest.mark.parametrize("python", PYTHONS, ids=os.path.dirname)
def test_installed_command_works(python: str, tmp_path: Path) -> None:
    make(tmp_path / "built")
    subprocess.run([python, "-m", "venv", tmp_path / "venv"], check=True)
    bin_ = f"{tmp_path}/venv/bin"
    pip = [f"{bin_}/python", "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    subprocess.run([*pip, f"{tmp_path / 'built' / WHEEL}[cli]"], check=True)

    with Cloud.start(PHOTOS) as cloud:
        cloud.seed(PHOTOS.partition("@")[0], "raw/{n}", count=3, hours_since_start=400)
        environ = {
            "HOME": str(tmp_path),
            "BUCKETS": PHOTOS,
            "COS_ENDPOINT": cloud.endpoint,
            "TENCENTCLOUD_SECRET_ID": cloud.owner.secret_id,
            "TENCENTCLOUD_SECRET_KEY": cloud.owner.secret_key,
        }
        for command, text in (
            ([f"{bin_}/cos-sweeper", "--help"], "First steps"),
            ([f"{bin_}/cos-sweeper", "--help", "--lang", "zh"], "从这里开始"),
            ([f"{bin_}/cos-sweeper", "check"], "✓ credentials"),
            ([f"{bin_}/cos-sweeper", "inventory", "--html", "page.html"], "3 uploads abandoned"),
            ([f"{bin_}/python", "-m", "cos_sweeper", "sweep"], "would be aborted\t3"),
        ):
            ran = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, encoding="utf-8")
            assert (ran.returncode, text in ran.stdout) == (0, True), ran.stderr
    assert (tmp_path / "page.html").read_text("utf-8").startswith("<!doctype html>")
