"""
A program in a real terminal, in a process of its own: what is shown, and what a person types.
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from tests.command import Command, Ran
from tests.fixtures import ABORTING, HANDLER

Answer = Callable[[], str]
# What moves the cursor or clears a line, colours and other styles, and the ends of lines.
CONTROL = re.compile(r"\x1b\[(?:(\d*)([AK])|\?25[hl]|[\d;]*m)|([\r\n])")
CTRL_C = "\x03"
# Long enough for any machine, short enough for a failing test.
PATIENCE_SECONDS = 30.0
# Ctrl-C reaches a process through the terminal that controls it.
CONTROLLED = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
)


class Terminal:
    """As a context: a program in a terminal of so many columns. shown: all that it showed so far."""

    def __init__(
        self, arguments: Sequence[str], environ: Mapping[str, str], folder: str | os.PathLike[str], columns: int = 80
    ) -> None:
        self._terminal, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self._process = subprocess.Popen(
            [sys.executable, "-c", CONTROLLED, *arguments],
            cwd=folder,
            env=dict(environ),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self._bytes = b""
        self._is_over = False

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._terminal)

    @property
    def shown(self) -> str:
        return self._bytes.decode("utf-8", "replace")

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def until(self, text: str) -> None:
        """Wait until this is shown."""
        self.when(lambda: text in self.shown)

    def when(self, holds: Callable[[], bool]) -> None:
        """Wait until this holds, and read meanwhile."""
        ends = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            assert not self._is_over, f"it ended before that:\n{self.shown}"
            assert time.monotonic() < ends, f"it does not come:\n{self.shown}"
            self._read(0.02)

    def until_asked(self, question: str) -> None:
        """
        Wait until it has asked this and waits for the answer.

        Before that, a signal may come between the look for signals and the wait, and then nobody sees it.
        """
        self.until(question)
        state = Path(f"/proc/{self._process.pid}/stat")
        self.when(lambda: not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "S")

    def answer(self, answers: Sequence[str | Answer]) -> None:
        """Answer every question, which ends in `: `, until the end."""
        left, asked = list(answers), 0
        while not self._is_over:
            assert self._read(PATIENCE_SECONDS), f"nothing more is shown, and it does not end:\n{self.shown}"
            if left and self._bytes[asked:].endswith(b": "):
                asked = len(self._bytes)
                one = left.pop(0)
                self.type((one if isinstance(one, str) else one()) + "\n")

    def end(self) -> Ran:
        """Wait for the end. stdout has all that was shown."""
        self.answer(())
        return Ran(self._process.wait(PATIENCE_SECONDS), self.shown, "")

    def _read(self, seconds: float) -> bool:
        """Take in what is shown next, or that it is over. Returns whether there was anything."""
        if not select.select([self._terminal], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._terminal, 1 << 16)
        except OSError:  # the other side has ended
            data = b""
        self._bytes += data
        self._is_over = not data
        return True


def environ_of(command: Command, **settings: str) -> dict[str, str]:
    """The environment of a command in a process of its own."""
    return {
        **{name: value for name, value in ABORTING.items() if name != "DRY_RUN"},
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": str(HANDLER),
        "TERM": "xterm-256color",
        "HOME": str(command.folder),
        "LANG": "C.UTF-8",
        "COS_ENDPOINT": command.cloud.endpoint,
        "TENCENTCLOUD_SECRET_ID": command.cloud.owner.secret_id,
        "TENCENTCLOUD_SECRET_KEY": command.cloud.owner.secret_key,
        **command.settings,
        **settings,
    }


def screen(shown: str) -> list[str]:
    """The lines that stay on the screen, without styles. What it does not know stays in them as it is."""
    lines, row, start = [""], 0, 0
    for found in CONTROL.finditer(shown):
        lines[row] += shown[start : found.start()]
        start = found.end()
        if found[2] == "A":
            row = max(0, row - int(found[1] or 1))
        elif found[2] == "K":
            lines[row] = ""
        elif found[3] == "\n":
            row += 1
            lines += [""] * (row == len(lines))
    lines[row] += shown[start:]
    return lines


def terminal(command: Command, *arguments: str, columns: int = 80, **settings: str) -> Terminal:
    """The command in a terminal."""
    program = [sys.executable, "-m", "cos_sweeper", *arguments]
    return Terminal(program, environ_of(command, **settings), command.folder, columns)


def in_terminal(
    command: Command, *arguments: str, answers: Sequence[str | Answer] = (), columns: int = 80, **settings: str
) -> Ran:
    """
    Run it in a terminal of so many columns. stdout has all that is shown.

    answers: what is typed at each question; a function is called first.
    """
    with terminal(command, *arguments, columns=columns, **settings) as running:
        running.answer(answers)
        return running.end()
