"""
Mutants → which of them a test noticed. Each process has a copy of the tree of its own; the tree itself is only read.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from tests.mutants.making import Mutant

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path("handler") / "cos_sweeper"
# What the tests read; byte code travels with it.
COPIED = ("handler", "tests", "pyproject.toml")

# The modules that only decide, and the unit tests that must notice a broken guard in each. What touches the world is
# held by the contract suite, the simulations and the table of faults.
TESTS = {
    "core/checkpoint": "core/test_checkpoint core/test_checkpoint_fields",
    "core/clock": "core/test_clock",
    "core/deadline": "core/test_deadline",
    "core/json_text": "core/test_json_text scf/test_messages",
    "core/key_readings": "core/test_key_readings scf/test_completed_objects",
    "core/keys": "core/test_keys",
    "core/misspelled": "core/test_misspelled",
    "core/plan": "core/test_plan",
    "core/policy": "core/test_policy",
    "core/redaction": "core/test_redaction report/test_log",
    "core/settings": "core/test_settings core/test_misspelled",
    "cos/error_codes": "cos/test_error_codes",
    "cos/xml": "cos/test_xml",
    "scf/context": "scf/test_context",
    "scf/events": "scf/test_events",
    "scf/http_auth": "scf/test_http_auth",
    "scf/messages": "scf/test_messages scf/test_timer scf/test_completed_objects",
    "scf/responses": "scf/test_responses",
}


@dataclass(frozen=True, slots=True)
class Ended:
    """
    A mutant's end.

    result: "red" or "hung", both killed, or "green", survived. killer: the first test that failed, if one did.
    """

    mutant: Mutant
    result: str
    killer: str = ""

    @property
    def survived(self) -> bool:
        """No test noticed."""
        return self.result == "green"


class NotGreen(Exception):
    """The tests fail without any mutant."""


class Location:
    """A copy of the tree with a server in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name)
            elif (ROOT / name).exists():
                shutil.copy(ROOT / name, folder / name)
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.mutants.server"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": "handler", "PYTHONHASHSEED": "0"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def test(self, module: str, source: str, seconds: float) -> tuple[str, str]:
        """Run the tests of a module with this source for it."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        order = {
            "path": str(PACKAGE / f"{module}.py"),
            "source": source,
            "files": [f"tests/unit/{name}.py" for name in TESTS[module].split()],
            "seconds": seconds,
        }
        print(json.dumps(order), file=self._server.stdin, flush=True)
        answer = json.loads(self._server.stdout.readline())
        return answer["result"], answer["killer"]

    def output(self) -> str:
        """The last line of pytest."""
        return (self._folder / "output.txt").read_text("utf-8", "replace")

    def close(self) -> None:
        """The server ends with its orders."""
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait()


@contextmanager
def _locations(jobs: int) -> Iterator[list[Location]]:
    with ExitStack() as stack:
        paths = []
        for _ in range(jobs):
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="mutants-"))
            paths.append(Location(Path(folder)))
            stack.callback(paths[-1].close)
        yield paths


def run(chosen: list[Mutant], jobs: int, totals: Callable[[Ended], None]) -> list[Ended]:
    """Test them all; `told` hears of each as it ends. Raises NotGreen when the tests fail without any."""
    with _locations(jobs) as paths, ThreadPoolExecutor(jobs) as pool:
        free: SimpleQueue[Location] = SimpleQueue()
        for path in paths:
            free.put(path)
        modules = list(dict.fromkeys(mutant.module for mutant in chosen))
        limits = dict(pool.map(lambda module: _limit(module, free), modules))

        def test(mutant: Mutant) -> Ended:
            path = free.get()
            try:
                tested = _test(mutant, path, limits)
            finally:
                free.put(path)
            totals(tested)
            return tested

        return list(pool.map(test, chosen))


def _limit(module: str, free: "SimpleQueue[Location]") -> tuple[str, float]:
    """How long a module's tests may take: six times as long as without a mutant, and ten seconds for a bad moment."""
    path = free.get()
    try:
        began = time.monotonic()
        sound = (ROOT / PACKAGE / f"{module}.py").read_text("utf-8")
        result, _ = path.test(module, sound, 600)
        if result != "green":
            raise NotGreen(path.output())
        return module, 10 + 6 * (time.monotonic() - began)
    finally:
        free.put(path)


def _test(mutant: Mutant, path: Location, limits: dict[str, float]) -> Ended:
    result, killer = path.test(mutant.module, mutant.source, limits[mutant.module])
    return Ended(mutant, result, killer)
