"""
The terminal command as a test holds it: arguments in, an exit code and what it printed out.
"""

import contextlib
import fcntl
import io
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from cos_sweeper.cli.main import cli
from tests.emulator.public import Cloud
from tests.fixtures import HANDLER

Answer = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a command. In a terminal stdout has all of it."""

    code: int
    stdout: str
    stderr: str = ""

    @property
    def data(self) -> Any:
        """What it printed as JSON."""
        return json.loads(self.stdout)


@dataclass(slots=True)
class Command:
    """Runs `cos-sweeper` in a folder, with the owner's credentials and nothing else in the environment."""

    cloud: Cloud
    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str, **environ: str) -> Ran:
        """Run it in this process, piped."""
        out, err = io.StringIO(), io.StringIO()
        with (
            mock.patch.dict(os.environ, self._environ(environ), clear=True),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            _in(self.folder),
        ):
            try:
                cli.main(arguments)
            except SystemExit as exc:
                code = exc.code
        assert isinstance(code, int)
        return Ran(code, out.getvalue(), err.getvalue())

    def in_terminal(
        self, *arguments: str, answers: Sequence[str | Answer] = (), columns: int = 80, **environ: str
    ) -> Ran:
        """
        Run it in a process of its own, in a terminal of so many columns.

        answers: what is typed at each question; a function is called first.
        """
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        settings = {"TERM": "xterm-256color", "PYTHONPATH": str(HANDLER), **self._environ(environ)}
        command = [sys.executable, "-m", "cos_sweeper", *arguments]
        with subprocess.Popen(
            command, cwd=self.folder, env=settings, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        ) as process:
            os.close(theirs)
            shown = _converse(ours, list(answers))
        os.close(ours)
        return Ran(process.returncode, shown)

    def _environ(self, more: dict[str, str]) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "COS_ENDPOINT": self.cloud.endpoint,
            "TENCENTCLOUD_SECRET_ID": self.cloud.owner.secret_id,
            "TENCENTCLOUD_SECRET_KEY": self.cloud.owner.secret_key,
            **self.environ,
            **more,
        }


def _converse(terminal: int, answers: list[str | Answer]) -> str:
    """Read to the end, and answer every question, which ends in `] ` or `: `."""
    shown = b""
    asked = 0
    while True:
        try:
            data = os.read(terminal, 1 << 16)
        except OSError:  # the other side has ended
            data = b""
        if not data:
            return shown.decode("utf-8", "replace")
        shown += data
        if answers and shown[asked:].rstrip(b" ").endswith((b"]:", b"]")):
            asked = len(shown)
            answer = answers.pop(0)
            os.write(terminal, (answer if isinstance(answer, str) else answer()).encode() + b"\n")


@contextlib.contextmanager
def _in(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
