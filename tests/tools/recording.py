"""
Makes docs/demo.cast, a recording of `make demo` that `asciinema play` shows: python -m tests.tools.recording.

The form is asciicast, version 2: a header, then a line for each piece of output with its seconds since the start.
"""

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
RECORDING = ROOT / "docs" / "demo.cast"
COLUMNS, LINES = 120, 40
# Nobody likes to watch a program that waits.
LONGEST_PAUSE = 1.5


def record(command: list[str]) -> Iterator[tuple[float, str]]:
    """What the command shows in a terminal: seconds since the start, and the text. Raises CalledProcessError."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    environ = {**os.environ, "TERM": "xterm-256color"}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT, env=environ) as process:
        os.close(theirs)
        before, shown, rest = time.monotonic(), 0.0, b""
        while data := _read(ours):
            now = time.monotonic()
            shown += min(now - before, LONGEST_PAUSE)
            before = now
            text, rest = _whole(rest + data)
            yield shown, text
    os.close(ours)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # the other side has ended
        return b""


def _whole(data: bytes) -> tuple[str, bytes]:
    """The text, without a character that is not complete, and the rest."""
    for end in range(len(data), max(-1, len(data) - 4), -1):
        try:
            return data[:end].decode(), data[end:]
        except UnicodeDecodeError:
            continue
    return data.decode(errors="replace"), b""


def main() -> None:
    """Write the recording."""
    header = {"version": 2, "width": COLUMNS, "height": LINES, "title": "COS Sweeper: make demo"}
    pieces = [[round(seconds, 3), "o", text] for seconds, text in record([sys.executable, "-m", "tests.emulator.demo"])]
    RECORDING.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in [header, *pieces]))
    print(f"{RECORDING.relative_to(ROOT)}: {pieces[-1][0]:.0f} seconds, {RECORDING.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
