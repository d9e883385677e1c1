"""
The peers that are command lines: one request in flight, whatever one sets.

Their process does more than aborting, so a run over an empty bucket is taken off: start-up and the first listing.
"""

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench import load
from tests.bench.figures import Figures
from tests.bench.serving import Served, serving
from tests.bench.workshop import ROOT, Workshop, environment

CONF = f"""[common]
secret_id = {load.SECRET_ID}
secret_key = {load.SECRET_KEY}
token = {load.TOKEN}
bucket = {load.BUCKET}
region = {load.REGION}
schema = http
"""

# The command line, and what it needs in its environment, for a server at a port.
Command = Callable[[int], tuple[list[str], dict[str, str]]]


@dataclass(frozen=True, slots=True)
class Took:
    """What a whole process took."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int


def coscmd(built: Workshop, delay_ms: int, uploads: int) -> tuple[Figures, Served]:
    """`coscmd abort`. Its way to this machine is the proxy that `requests` finds in the environment."""
    conf = built.folder / "coscmd.conf"
    conf.write_text(CONF)
    log = built.folder / "coscmd.log"
    command = [str(built.python.with_name("coscmd")), "-c", str(conf), "-l", str(log), "abort"]
    return _aborts(built, delay_ms, uploads, lambda port: (command, {"http_proxy": f"http://127.0.0.1:{port}"}))


def rclone(built: Workshop, delay_ms: int, uploads: int) -> tuple[Figures, Served]:
    """`rclone backend cleanup` of everything that is unfinished."""

    def command(port: int) -> tuple[list[str], dict[str, str]]:
        access = f"access_key_id={load.SECRET_ID},secret_access_key={load.SECRET_KEY}"
        remote = f":s3,provider=TencentCOS,{access},endpoint='http://127.0.0.1:{port}',force_path_style=true"
        cleanup = ["--config", os.devnull, "backend", "cleanup", "-o", "max-age=0s", f"{remote}:{load.BUCKET}"]
        return [str(built.python.with_name("rclone")), *cleanup], {}

    return _aborts(built, delay_ms, uploads, command)


def _aborts(built: Workshop, delay_ms: int, uploads: int, command: Command) -> tuple[Figures, Served]:
    empty, _ = _run(built, delay_ms, 0, command)
    full, served = _run(built, delay_ms, uploads, command)
    if served.aborts != uploads:
        raise RuntimeError(f"{served.aborts} of {uploads} aborts arrived")
    seconds, cpu_seconds = full.seconds - empty.seconds, full.cpu_seconds - empty.cpu_seconds
    return Figures(uploads, seconds, cpu_seconds, full.peak_bytes), served


def _run(built: Workshop, delay_ms: int, uploads: int, command: Command) -> tuple[Took, Served]:
    with serving(delay_ms, uploads) as served:
        line, more = command(served.port)
        took = _took(line, environment(HOME=str(built.folder), **more), built.folder)
    return took, served


def _took(line: list[str], env: dict[str, str], folder: Path) -> Took:
    with (folder / "said").open("w+") as output:
        began = time.perf_counter()
        with subprocess.Popen(
            line, env=env, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        ) as process:
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - began
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise RuntimeError(output.read().strip().rpartition("\n")[2][:100] or f"exit {process.returncode}")
    return Took(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
