"""
A temporary folder with all that the peers need, gone when the benchmark ends, however it ends.

What cannot be installed is no reason to stop: it is noted, with the reason, and its row says so.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
NODE_SDK = "cos-nodejs-sdk-v5@3.0.0"
INSTALL_SECONDS = 180


@dataclass(slots=True)
class Workshop:
    """missing: why what is not here could not be installed, by the name of its package."""

    folder: Path
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def python(self) -> Path:
        """The interpreter of the peers' environment; the one that runs this has none of their packages."""
        return self.folder / "venv" / "bin" / "python"

    @property
    def site(self) -> Path:
        """Where its packages are."""
        return next(self.folder.glob("venv/lib/*/site-packages"), self.folder)

    @property
    def certificate(self) -> Path:
        """Key and certificate of a server at 127.0.0.1."""
        return self.folder / "server.pem"

    @property
    def ca(self) -> Path:
        """Who signed it."""
        return self.folder / "ca.pem"

    @property
    def node_modules(self) -> Path:
        """Where npm put the Node SDK."""
        return self.folder / "node" / "node_modules"

    def why_not(self, *packages: str) -> str:
        """What to say in the place of a row that needs these; '' when all of them are here."""
        return next((f"not installed: {self.missing[each]}" for each in packages if each in self.missing), "")


@contextmanager
def workshop(*, node: bool) -> Iterator[Workshop]:
    """Set everything up, and take it away at the end, also where that is Ctrl-C or a signal to terminate."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: sys.exit("\nstopped; nothing is left behind"))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        built = Workshop(Path(folder))
        _install_python(built)
        _make_certificate(built)
        if node:
            _install_node(built)
        yield built


def environment(**more: str) -> dict[str, str]:
    """What every child gets: where our modules are, and no proxy that would stand between it and the responder."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    paths = os.pathsep.join([str(ROOT / "handler"), str(ROOT)])
    return {**kept, "PYTHONPATH": paths, **more}


def _install_python(built: Workshop) -> None:
    """All at once; where that fails one by one, so that each row can tell about itself."""
    error = _run([sys.executable, "-m", "venv", str(built.folder / "venv")])
    wanted = [line.strip() for line in REQUIREMENTS.read_text().splitlines() if re.match(r"[a-z]", line)]
    if not error:
        error = _pip(built, "--no-deps", "--requirement", str(ROOT / "requirements.txt"))
    if not error and not _pip(built, "--requirement", str(REQUIREMENTS)):
        return
    for each in wanted:
        why = error or _pip(built, each)
        if why:
            built.missing[each.partition("==")[0]] = why


def _pip(built: Workshop, *kind: str) -> str:
    return _run([str(built.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *kind])


def _make_certificate(built: Workshop) -> None:
    error = _run([str(built.python), "-m", "tests.bench.certificate", str(built.folder)])
    if error:
        built.missing["certificate"] = error


def _install_node(built: Workshop) -> None:
    if not shutil.which("npm") or not shutil.which("node"):
        built.missing["node"] = "Node and npm are not here"
        return
    folder = built.folder / "node"
    folder.mkdir()
    quiet = ("--silent", "--no-audit", "--no-fund", "--no-update-notifier")
    cache = ("--cache", str(built.folder / "npm-cache"))
    error = _run(["npm", "install", *quiet, *cache, "--prefix", str(folder), NODE_SDK])
    if error:
        built.missing["node"] = error


def _run(command: list[str]) -> str:
    """Run it quietly. Returns '' or, when it failed, the last line that it said about that."""
    try:
        result = subprocess.run(
            command, cwd=ROOT, env=_with_proxies(), capture_output=True, text=True, timeout=INSTALL_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        return type(exc).__name__
    if result.returncode == 0:
        return ""
    lines = [line for line in (result.stderr + result.stdout).splitlines() if line.strip()]
    return lines[-1].strip()[:100] if lines else f"exit {result.returncode}"


def _with_proxies() -> dict[str, str]:
    """Installing may well need the proxies that measuring must not have."""
    return {**os.environ, **environment()}
