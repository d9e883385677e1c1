"""
A small function that does what its event says, and what tests need to meet it while it runs.

Nothing sleeps: a function that should be busy calls the test and waits until the test releases it.
"""

import json
import os
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 30

HANDLER = '''
import json, os, re, socket, stat, subprocess, sys, time
from pathlib import Path


def main_handler(event, context):
    act = globals()[event["do"]] if isinstance(event, dict) and "do" in event else echo
    return act(event, context)


def echo(event, context):
    return {"event": event, "context": context, "environment": dict(os.environ), "pid": os.getpid()}


def write(event, context):
    print(event["text"])
    print("to stderr", file=sys.stderr)


def write_much(event, context):
    for _ in range(event["lines"]):
        print("x" * event["width"])


def answer_bytes(event, context):
    return "x" * event["bytes"]


def fail(event, context):
    raise ValueError(event.get("message", "it failed"))


def fail_at_first(event, context):
    tried = Path(event["directory"], context["request_id"])
    with tried.open("a") as file:
        file.write("x")
    if tried.stat().st_size <= event["times"]:
        raise ValueError("not yet")
    return "at last"


def no_json(event, context):
    return {1, 2}


def leave(event, context):
    sys.exit(3)


def hang(event, context):
    print("hanging")
    time.sleep(1000)


def hang_in_c(event, context):
    """Holds the interpreter: no other thread gets a turn."""
    call(event, context)
    re.match("(a+)+b", "a" * 60)


def leave_a_child(event, context):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    print(child.pid)
    time.sleep(1000)


def channel():
    """The socket that its answers go over."""
    for number in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                return number
        except OSError:
            pass


def forge(event, context):
    os.write(channel(), bytes.fromhex(event["bytes"]))
    if event["then"] == "die":
        os._exit(1)
    time.sleep(1000)


def call(event, context):
    """Tell the test who is here."""
    connection = socket.create_connection(("127.0.0.1", event["port"]))
    told = {"pid": os.getpid(), "request_id": context["request_id"], "event": event}
    connection.sendall(json.dumps(told).encode() + b"\\n")
    return connection


def meet(event, context):
    with call(event, context) as connection:
        connection.recv(1)
    return os.getpid()
'''


def deploy(directory: Path, source: str = HANDLER) -> Path:
    """A function's directory with this source as its index.py."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "index.py").write_text(source, "utf-8")
    return directory


@dataclass(frozen=True, slots=True)
class Guest:
    """A function that runs and waits to be let go."""

    pid: int
    request_id: str
    event: dict[str, Any]
    connection: socket.socket

    def release(self) -> None:
        """Let it return."""
        self.connection.close()


class Meeting:
    """Where functions that run come to, in the order in which they do."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._guests: list[Guest] = []
        self.event = {"do": "meet", "port": listener.getsockname()[1]}

    def next(self) -> Guest:
        """The next one to come."""
        connection, _ = self._listener.accept()
        with connection.makefile("rb") as lines:
            told = json.loads(lines.readline())
        self._guests.append(Guest(told["pid"], told["request_id"], told["event"], connection))
        return self._guests[-1]

    def end(self) -> None:
        """Release every function that still waits."""
        for guest in self._guests:
            guest.release()


@contextmanager
def open_meeting() -> Iterator[Meeting]:
    """A place to meet functions that run."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_SECONDS)
        place = Meeting(listener)
        yield place
        place.end()


def ended(pid: int) -> bool:
    """Whether a process has ended, or does so within some patience."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], PATIENCE_SECONDS)[0])
    finally:
        os.close(descriptor)
