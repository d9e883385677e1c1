"""
What build/function.zip reaches in a small function: a cgroup with a part of a core and little memory.

SCF documents no CPU for a memory size. That 128 MB bring a tenth of a core is an assumption of this measurement, and so
is that the time is dealt out in tenths of a second. The responder runs outside of the cgroup, over plain HTTP.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import load, table
from tests.bench.serving import serving
from tests.bench.terminal import progress, show
from tests.tools import package

CGROUPS = Path("/sys/fs/cgroup")
PERIOD_US = 100_000
MIB = 1 << 20
ROUNDS = 5
DELAY_MS = 20
NAMED_UPLOADS = 500
# Prints when its import was done and when its event was, on the clock that all processes share, and what that took.
CODE = """
import sys, time, json
import index
imported, cpu = time.monotonic(), time.process_time()
context = {"time_limit_in_ms": 900000, "memory_limit_in_mb": int(sys.argv[2])}
answer = index.main_handler(json.loads(sys.argv[1]), context)
ended, cpu = time.monotonic(), time.process_time() - cpu
peak = int(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0])
print(json.dumps([imported, ended, answer["status"], answer["aborted"], cpu, peak]))
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One process. imported, ended: seconds since its start. cpu: seconds of the event. peak_kib: of all its life."""

    imported: float
    ended: float
    status: str
    aborted: int
    cpu: float
    peak_kib: int

    @property
    def rate(self) -> float:
        """Aborts a second, without the import."""
        return self.aborted / (self.ended - self.imported)


@dataclass(frozen=True, slots=True)
class Box:
    """A cgroup, in one folder (version 2) or in one for each resource (version 1)."""

    folders: tuple[Path, ...]

    def command(self, command: list[str]) -> list[str]:
        """The command that runs another one in it."""
        enter = " && ".join(f'echo $$ > "{folder}/cgroup.procs"' for folder in self.folders)
        return ["sh", "-c", f'{enter} && exec "$@"', "sh", *command]


def main() -> None:
    """Measure and print. Where this machine has no cgroup to give, that is said loudly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--percent", type=int, default=10, help="of a core")
    parser.add_argument("--megabytes", type=int, default=128, help="of memory")
    parser.add_argument("--uploads", type=int, default=5000, help="in the bucket that is swept, all abandoned")
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        try:
            small = stack.enter_context(box(given.percent, given.megabytes))
        except OSError as exc:
            print(f"!!! NOT MEASURED: a small function, because this machine gives no cgroup ({exc})", file=sys.stderr)
        else:
            measure(small, folder, given.percent, given.megabytes, given.uploads)


def measure(small: Box, folder: Path, percent: int, megabytes: int, uploads: int) -> None:
    """All rows."""
    compiled, bare = folder / "compiled", folder / "bare"
    for target in (compiled, bare):
        with zipfile.ZipFile(package.ARCHIVE) as packed:
            packed.extractall(target)
    for cache in bare.rglob("__pycache__"):
        shutil.rmtree(cache)
    how = f"{percent} % of a core and {megabytes} MB, Python 3.10, build/function.zip"
    show(table.section(f"Cold start in {how}", f"medians of {ROUNDS} new processes; files in the system's cache"))
    starts = {"with its byte code": compiled, "without byte code": bare}
    show(["`imported`: from the start of the process until its code is loaded; `1st abort`: until its event is done."])
    show(table.grid(("", "imported", "1st abort"), [cold(small, name, starts[name], megabytes) for name in starts]))
    show(table.section(f"A run in {how}", f"responses after {DELAY_MS} ms, plain HTTP; without the import"))
    event = {"uploads": [load.named(number) for number in range(NAMED_UPLOADS)]}
    progress("uploads that an event names")
    named = run(small, compiled, megabytes, event, NAMED_UPLOADS)
    progress("a sweep")
    swept = run(small, compiled, megabytes, {"Type": "Timer", "Message": ""}, uploads)
    show(
        [
            "`a second`: uploads aborted; `in 900 s`: the same in a run of the longest timeout; `CPU each`: processor",
            "time for an upload; `peak mem.`: of the whole process, its import included.",
        ]
    )
    show(
        table.grid(
            ("", "uploads", "a second", "in 900 s", "CPU each", "peak mem.", "status"),
            [
                row("uploads that an event names, verified", named),
                row("a sweep: listed, parts listed, aborted", swept),
            ],
        )
    )


def row(name: str, done: Run) -> tuple[str, ...]:
    """A run as cells."""
    each = f"{done.cpu / max(done.aborted, 1) * 1e6:.0f} µs"
    rates = f"{done.rate:.0f}", f"{done.rate * 900:,.0f}"
    return name, f"{done.aborted:,}", *rates, each, f"{done.peak_kib / 1024:.1f} MiB", done.status


def cold(small: Box, name: str, function: Path, megabytes: int) -> tuple[str, ...]:
    """The median of several starts, each up to its first abort."""
    runs = []
    for number in range(ROUNDS + 1):
        progress(f"a cold start {name}, {number} of {ROUNDS}")
        runs.append(run(small, function, megabytes, load.named(number), ROUNDS + 1))
    # The first one fills the system's cache.
    imported, ended = (statistics.median(getattr(each, when) for each in runs[1:]) for when in ("imported", "ended"))
    return name, f"{imported:.1f} s", f"{ended:.1f} s"


def run(small: Box, function: Path, megabytes: int, event: object, uploads: int) -> Run:
    """One new process that handles one event, against a responder of its own. Raises RuntimeError where it died."""
    with serving(DELAY_MS, uploads) as served:
        started, line = timed(small, function, [json.dumps(event), str(megabytes)], load.environment(served.port))
    imported, ended, *rest = line
    return Run(imported - started, ended - started, *rest)


def timed(small: Box, function: Path, arguments: list[str], environment: Mapping[str, str]) -> tuple[float, Any]:
    """When it was started, and what it printed last."""
    # -B: as on SCF's machine, no byte code is written.
    command = small.command([package.find_python(), "-B", "-s", "-c", CODE, *arguments])
    env = {**environment, "PYTHONPATH": str(function), "TZ": "UTC", "PATH": os.environ["PATH"]}
    started = time.monotonic()
    result = subprocess.run(command, env=env, capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError(f"exit code {result.returncode}: {result.stderr.strip()[-500:]}")
    return started, json.loads(result.stdout.splitlines()[-1])


@contextmanager
def box(percent: int, megabytes: int) -> Iterator[Box]:
    """A cgroup of our own; gone afterwards. Raises OSError where there is none to have."""
    quota, memory = str(PERIOD_US * percent // 100), str(megabytes * MIB)
    name = f"cos-sweeper-{os.getpid()}"
    if (CGROUPS / "cgroup.controllers").exists():
        (CGROUPS / "cgroup.subtree_control").write_text("+cpu +memory")
        limits = {CGROUPS / name: {"cpu.max": f"{quota} {PERIOD_US}", "memory.max": memory}}
    else:
        limits = {
            CGROUPS / "cpu" / name: {"cpu.cfs_period_us": str(PERIOD_US), "cpu.cfs_quota_us": quota},
            CGROUPS / "memory" / name: {"memory.limit_in_bytes": memory},
        }
    made: list[Path] = []
    try:
        for folder, files in limits.items():
            folder.mkdir()
            made.append(folder)
            for file, text in files.items():
                (folder / file).write_text(text)
        yield Box(tuple(made))
    finally:
        for folder in made:
            folder.rmdir()


if __name__ == "__main__":
    main()
