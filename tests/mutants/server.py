"""
Runs tests on one mutant after another, each in a fork of a process that has what never changes imported already.

Started in a copy of the tree, by `running`. A line of JSON in, a line of JSON out.
"""

import json
import os
import resource
import select
import signal
import sys
import time
from itertools import count
from pathlib import Path
from typing import Any, TextIO

import hypothesis
import pytest
import qcloud_cos  # noqa: F401 - slow to import, and the same for every mutant
from hypothesis import HealthCheck, Phase

EXAMPLES = 25
# A mutant may ask for more and more; the machine is not its own.
MAX_MEMORY_BYTES = 4 << 30
# The first example that fails is as good as the smallest, and two runs have to agree.
FEW = hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


class Hurry:
    """A pytest plugin: few examples everywhere, and the name of the test that failed."""

    def __init__(self, out: int) -> None:
        self._out = out

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            test: Any = getattr(item, "obj", None)
            if hasattr(test, "_hypothesis_internal_use_settings"):
                test._hypothesis_internal_use_settings = FEW  # noqa: SLF001 - hypothesis has no public way

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            os.write(self._out, f"{report.nodeid}\n".encode())


def test(files: list[str], seconds: float) -> tuple[str, str]:
    """Run the files in a fork. "green", "red" or "hung", and the first test that failed, if one did."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _be_tested(files, writing)
    os.close(writing)
    end = time.monotonic() + seconds
    totals = bytearray()
    while select.select([reading], [], [], max(0.0, end - time.monotonic()))[0]:
        more = os.read(reading, 4096)
        if not more:
            break
        totals += more
    else:
        os.kill(child, signal.SIGKILL)
    hung = time.monotonic() >= end
    os.close(reading)
    _, status = os.waitpid(child, 0)
    _end_group(child)
    result = "hung" if hung else "green" if status == 0 else "red"
    return result, totals.decode().partition("\n")[0]


def _be_tested(files: list[str], out: int) -> None:
    code = 99
    try:
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
        output = os.open("output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        # Hypothesis is imported before pytest could rewrite it, which has nothing to rewrite there.
        arguments = ["-x", "-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
        code = int(pytest.main([*arguments, *files], plugins=[Hurry(out)]))
        sys.stdout.flush()
    finally:
        os._exit(code)


def _end_group(leader: int) -> None:
    """A cloud that a killed test left running."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


def serve(orders: TextIO, answers: TextIO) -> None:
    """
    Until there are no more orders: put a module's mutant in its place, test, and put the module back.

    Each version has a time of its own, or the byte code of one mutant could pass for the next one's.
    """
    now = count(int(time.time()) - 1_000_000)
    for line in orders:
        order = json.loads(line)
        path = Path(order["path"])
        sound = path.read_text("utf-8")
        _write(path, order["source"], next(now))
        result, killer = test(order["files"], order["seconds"])
        _write(path, sound, next(now))
        print(json.dumps({"result": result, "killer": killer}), file=answers, flush=True)


def _write(path: Path, source: str, moment: int) -> None:
    path.write_text(source, "utf-8")
    os.utime(path, (moment, moment))


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout)
