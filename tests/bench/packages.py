"""
What a package adds to what is deployed: told by its wheel for SCF's machines, where there is one.
"""

import importlib.metadata
import subprocess
import sys
import zipfile
from pathlib import Path

# What `make package` asks for: Python 3.10, glibc 2.17 (manylinux2014 is the old name for that).
SCF = ("--platform", "manylinux2014_x86_64", "--platform", "manylinux_2_17_x86_64", "--python-version", "3.10")
ONLY_WHEELS = ("--implementation", "cp", "--only-binary", ":all:", "--no-deps")
DOWNLOAD_SECONDS = 120


def version(site: Path, package: str) -> str:
    """Its version in an environment, '' where it is not installed."""
    found = _find(site, package)
    return found.version if found else ""


def scf_wheel(site: Path, package: str, folder: Path) -> Path | None:
    """The wheel of the installed version for SCF's machines, fetched into a folder; None where there is none."""
    wanted = f"{package}=={version(site, package)}"
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    into = folder / package
    done = subprocess.run(
        [*pip, *SCF, *ONLY_WHEELS, "--dest", str(into), wanted], capture_output=True, timeout=DOWNLOAD_SECONDS
    )
    return next(into.glob("*.whl"), None) if done.returncode == 0 else None


def wheel_bytes(wheel: Path) -> int:
    """The size of its files, unpacked, as far as they would be deployed."""
    with zipfile.ZipFile(wheel) as archive:
        return sum(entry.file_size for entry in archive.infolist() if _is_deployed(Path(entry.filename)))


def installed_bytes(site: Path, package: str) -> int:
    """The same of a package that is installed here, for want of a wheel."""
    found = _find(site, package)
    files = (found.files or []) if found else []
    return sum(Path(str(each.locate())).stat().st_size for each in files if _is_deployed(Path(str(each))))


def _find(site: Path, package: str) -> importlib.metadata.Distribution | None:
    return next(iter(importlib.metadata.distributions(name=package, path=[str(site)])), None)


def _is_deployed(path: Path) -> bool:
    return not {"__pycache__", "tests", ".."} & set(path.parts)
