"""
A responder as the runner sees it: started, its port known, stopped, its own account read.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.workshop import ROOT, environment


@dataclass(slots=True)
class Served:
    """A responder. What it did is known once it has stopped."""

    port: int
    requests: int = 0
    aborts: int = 0
    rejected: int = 0
    cpu_seconds: float = 0.0

    @property
    def cpu_us(self) -> float:
        """Its processor time for one request, microseconds."""
        return self.cpu_seconds / self.requests * 1e6 if self.requests else 0.0


@contextmanager
def serving(
    delay_ms: int, uploads: int = 0, certificate: Path | None = None, allowed: int = 0, parts: int = 1
) -> Iterator[Served]:
    """A responder of its own, for one row."""
    command = [sys.executable, "-m", "tests.bench.responder", "--delay-ms", str(delay_ms), "--uploads", str(uploads)]
    command += ["--allowed", str(allowed), "--parts", str(parts)]
    command += ["--certificate", str(certificate)] if certificate else []
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT, env=environment()) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        served = Served(int(process.stdout.readline() or 0))
        try:
            yield served
        finally:
            process.stdin.close()
            reported = process.stdout.readline()
        if not reported:
            raise RuntimeError("the responder broke down")
        account = json.loads(reported)
        served.requests, served.aborts, served.rejected = account["requests"], account["aborts"], account["refused"]
        served.cpu_seconds = account["cpu_seconds"]
