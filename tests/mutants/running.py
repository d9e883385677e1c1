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
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from tests.mutants.making import Mutant

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path("handler") / "cos_sweeper"
# What the tests read; byte code travels with it.
COPIED = (
    "handler",
    "tests",
    "pyproject.toml",
    "serverless.yml",
    "requirements.txt",
    "Makefile",
    "docs",
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "LICENSE",
)

# The tests that tell of each module: files that are quick and in memory first, most mutants end there; then those that
# go through the whole of the sweep, then those that go through the whole of the function.
STAGES = {
    "policy": ("policy guards", "plan checkpoint sweep chain", "laws index"),
    "plan": ("plan guards", "checkpoint sweep chain", "laws index"),
    "triggers": ("triggers guards", "chain index"),
    "messages": ("guards_messages triggers", "plan index"),
    "checkpoint": ("checkpoint guards_checkpoint", "chain relay", "laws"),
    "sweep": ("sweep guards_loop", "chain", "laws index"),
    "settle": ("guards_sweep sweep", "chain", "laws index"),
    "listing": ("guards_sweep sweep", "chain", "laws index"),
    "store": ("guards_sweep plan", "store_contract cos", "index"),
    "cos": ("guards_cos cos", "store_contract pace", "transport laws index"),
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


class Place:
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

    def test(self, module: str, source: str, stage: str, seconds: float) -> tuple[str, str]:
        """Run the files of a stage with this source for the module."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        order = {
            "path": str(PACKAGE / f"{module}.py"),
            "source": source,
            "files": [f"tests/test_{name}.py" for name in stage.split()],
            "seconds": seconds,
        }
        print(json.dumps(order), file=self._server.stdin, flush=True)
        answer = json.loads(self._server.stdout.readline())
        return answer["result"], answer["killer"]

    def output(self) -> str:
        """What pytest said last."""
        return (self._folder / "output.txt").read_text("utf-8", "replace")

    def close(self) -> None:
        """The server ends with its orders."""
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait()


@contextmanager
def _places(jobs: int) -> Iterator[list[Place]]:
    with ExitStack() as stack:
        places = []
        for _ in range(jobs):
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="mutants-"))
            places.append(Place(Path(folder)))
            stack.callback(places[-1].close)
        yield places


def run(chosen: list[Mutant], jobs: int, told: Callable[[Ended], None]) -> list[Ended]:
    """Test them all; `told` hears of each as it ends. Raises NotGreen when the tests fail without any."""
    with _places(jobs) as places, ThreadPoolExecutor(jobs) as pool:
        free: SimpleQueue[Place] = SimpleQueue()
        for place in places:
            free.put(place)
        limits = dict(pool.map(lambda stage: _limit(stage, free), _stages(mutant.module for mutant in chosen)))

        def test(mutant: Mutant) -> Ended:
            place = free.get()
            try:
                tested = _test(mutant, place, limits)
            finally:
                free.put(place)
            told(tested)
            return tested

        return list(pool.map(test, chosen))


def _stages(modules: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(stage for module in dict.fromkeys(modules) for stage in STAGES[module]))


def _limit(stage: str, free: "SimpleQueue[Place]") -> tuple[str, float]:
    """How long a stage may take: six times as long as without a mutant, and ten seconds for a bad moment."""
    place = free.get()
    try:
        began = time.monotonic()
        sound = (ROOT / PACKAGE / "policy.py").read_text("utf-8")
        result, _ = place.test("policy", sound, stage, 600)
        if result != "green":
            raise NotGreen(place.output())
        return stage, 10 + 6 * (time.monotonic() - began)
    finally:
        free.put(place)


def _test(mutant: Mutant, place: Place, limits: dict[str, float]) -> Ended:
    for stage in STAGES[mutant.module]:
        result, killer = place.test(mutant.module, mutant.source, stage, limits[stage])
        if result != "green":
            return Ended(mutant, result, killer)
    return Ended(mutant, "green")
