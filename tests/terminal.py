"""
The terminal command in a real terminal, in a process of its own: what is shown, and what a person types.
"""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Sequence

from tests.command import Command, Ran
from tests.fixtures import ABORTING, HANDLER

Answer = Callable[[], str]
# What moves the cursor or clears a line, colours and other styles, and the rest of what a terminal obeys.
CONTROL = re.compile(r"\x1b\[(?:(\d*)([AK])|\?25[hl]|[\d;]*m)|([\r\n])")


def in_terminal(
    command: Command, *arguments: str, answers: Sequence[str | Answer] = (), columns: int = 80, **settings: str
) -> Ran:
    """
    Run it in a terminal of so many columns. stdout has all that is shown.

    answers: what is typed at each question; a function is called first.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environ = {
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
    with subprocess.Popen(
        [sys.executable, "-m", "cos_sweeper", *arguments],
        cwd=command.folder,
        env=environ,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        shown = _converse(ours, list(answers))
    os.close(ours)
    return Ran(process.returncode, shown, "")


def _converse(terminal: int, answers: list[str | Answer]) -> str:
    """Read to the end, and answer every question, which ends in `: `."""
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
        if answers and shown[asked:].endswith(b": "):
            asked = len(shown)
            answer = answers.pop(0)
            os.write(terminal, (answer if isinstance(answer, str) else answer()).encode() + b"\n")


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
