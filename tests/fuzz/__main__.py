"""
Fuzz what reads other people's bytes: `python -m tests.fuzz [TARGET …] [--seconds N]`, all targets in turn without one.

Installs atheris for the run alone. What breaks a target is kept under build/fuzz/, and `--input FILE` runs it again.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
import venv
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz import fallback
from tests.fuzz.targets import TARGETS, WORDS

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
KEPT = ROOT / "build" / "fuzz"
# The longest input, in bytes: room for every seed a few times.
MAX_BYTES = 20_000
MAX_MIB = 600
EXECUTED = re.compile(r"(?:stat::number_of_executed_units:\s*|^#)([0-9]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one target. crash: the file with what broke it, None where nothing did."""

    executions: int
    seconds: float
    crash: Path | None
    log: str = ""


def main() -> int:
    """Fuzz, print, and return 1 when anything broke."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=int, default=30, help="for each target (default: 30)")
    parser.add_argument("--input", type=Path, help="run one target on this file once")
    given = parser.parse_args()
    unknown = set(given.targets) - set(TARGETS)
    if unknown:
        parser.error(f"no target {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    if given.input:
        for name in given.targets:
            TARGETS[name].run(given.input.read_bytes())
        return 0
    with tempfile.TemporaryDirectory() as room:
        python = _fuzzer(Path(room))
        _say(f"{'target':<16}{'executions':>12}{'seconds':>9}  crash")
        result = [_fuzz(name, given.seconds, python, Path(room)) for name in given.targets or TARGETS]
    return int(any(one.crash for one in result))


def _fuzzer(room: Path) -> Path | None:
    """A Python that has atheris; None where it cannot be had."""
    venv.create(room / "venv", with_pip=True)
    python = room / "venv" / "bin" / "python"
    wanted = ["--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]
    command = [str(python), "-m", "pip", "install", *wanted, "--requirement", str(HERE / "requirements.txt")]
    process = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if process.returncode == 0:
        return python
    _say("!" * 80)
    _say("atheris could not be installed: WITHOUT COVERAGE, hypothesis throws pieces of the seeds instead.")
    _say(process.stdout.strip())
    _say("!" * 80)
    return None


def _fuzz(name: str, seconds: int, python: Path | None, room: Path) -> Result:
    kept = KEPT / name
    kept.mkdir(parents=True, exist_ok=True)
    result = _without(name, seconds, kept) if python is None else _with(name, seconds, python, room, kept)
    crash = result.crash.relative_to(ROOT) if result.crash else "none"
    _say(f"{name:<16}{result.executions:>12}{result.seconds:>9.1f}  {crash}")
    if result.crash:
        _say(result.log)
        _say(f"again: python -m tests.fuzz {name} --input {crash}")
    return result


def _with(name: str, seconds: int, python: Path, room: Path, kept: Path) -> Result:
    """Under libFuzzer."""
    corpus = room / name
    corpus.mkdir()
    for number, seed in enumerate(TARGETS[name].seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    command = [str(python), "-m", "tests.fuzz.engine", name, str(corpus), f"-artifact_prefix={kept}/"]
    command += [
        f"-max_total_time={seconds}",
        f"-max_len={MAX_BYTES}",
        f"-rss_limit_mb={MAX_MIB}",
        "-print_final_stats=1",
        f"-dict={_dictionary(room)}",
    ]
    began = time.monotonic()
    process = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'handler'}{os.pathsep}{ROOT}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    spent = time.monotonic() - began
    executed = max((int(count) for count in EXECUTED.findall(process.stdout)), default=0)
    if process.returncode == 0:
        return Result(executed, spent, None)
    written = re.findall(r"Test unit written to (\S+)", process.stdout)
    log = kept / "log"
    log.write_text(process.stdout)
    return Result(executed, spent, Path(written[-1]) if written else log, process.stdout[-3000:])


def _dictionary(room: Path) -> Path:
    """The words in libFuzzer's spelling."""
    path = room / "words"
    spelt = ["".join(f"\\x{byte:02x}" for byte in word.encode()) for word in WORDS]
    path.write_text("".join(f'"{word}"\n' for word in spelt))
    return path


def _without(name: str, seconds: int, kept: Path) -> Result:
    began = time.monotonic()
    executed, crash = fallback.run(TARGETS[name], seconds, kept)
    return Result(executed, time.monotonic() - began, crash)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
