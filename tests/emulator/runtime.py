"""
What runs inside an instance: imports the function once, then handles one event after the other.

A program of its own, with the standard library only and nothing of the cloud's. Orders come and answers go over a
socket, each a frame of 8 bytes of length and JSON; what the function prints goes elsewhere and is never taken for them.
"""

import contextlib
import ctypes
import importlib
import json
import os
import resource
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

MAX_ANSWER_BYTES = 6 << 20
PR_SET_PDEATHSIG = 1

Handler = Callable[[Any, Any], Any]


def main(directory: str, channel: str) -> None:
    """Serve orders until the cloud closes the socket. channel: the socket's file descriptor."""
    _die_with_the_cloud()
    sys.argv[1:] = []
    if os.environ.get("LC_CTYPE") == "C.UTF-8":  # Python's own addition where no locale is set
        del os.environ["LC_CTYPE"]
    sys.path[0] = directory  # in place of this file's own directory
    with socket.socket(fileno=int(channel)) as connection:
        connection.set_inheritable(False)  # a process that the function starts does not hold it open
        orders = connection.makefile("rb")
        handler = _load(connection)
        while handler is not None and (size := orders.read(8)):
            order = json.loads(orders.read(int.from_bytes(size, "big")))
            os.environ.update(order["environment"])
            _send(connection, _handle(handler, json.loads(order["event"]), order["context"]))


def _load(connection: socket.socket) -> Handler | None:
    """Import the function, and say that it is ready or why not."""
    try:
        handler: Handler = importlib.import_module("index").main_handler
    except Exception as exc:
        _send(connection, _raised(exc, exc.__traceback__))
        return None
    _send(connection, {"answer": "null", "memory_bytes": memory_bytes()})
    return handler


def _handle(handler: Handler, event: Any, context: Any) -> dict[str, Any]:
    """Run the function on one event. What is no Exception (SystemExit) ends the process, as it does in SCF."""
    try:
        answer = json.dumps(handler(event, context))
    except Exception as exc:
        # Without this frame: the trace begins where the function does.
        return _raised(exc, exc.__traceback__ and exc.__traceback__.tb_next)
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):  # the function has closed it
                stream.flush()
    if len(answer) > MAX_ANSWER_BYTES:
        too_large = {"type": "ResponseTooLarge", "message": "The size of response exceeds the upper limit (6MB)"}
        return {"raised": {**too_large, "trace": ""}, "memory_bytes": memory_bytes()}
    return {"answer": answer, "memory_bytes": memory_bytes()}


def _raised(exc: Exception, trace: TracebackType | None) -> dict[str, Any]:
    payload = "".join(traceback.format_exception(type(exc), exc, trace))
    error = {"type": type(exc).__name__, "message": str(exc), "trace": payload}
    return {"raised": error, "memory_bytes": memory_bytes()}


def memory_bytes(pid: int | str = "self") -> int | None:
    """
    The most memory that a process has had in real memory so far; `None` where that cannot be told.

    Not `ru_maxrss` where there is better: that counts the parent's memory from before `exec` as the child's.
    """
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) << 10
    if pid != "self":
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak << 10


def _send(connection: socket.socket, message: dict[str, Any]) -> None:
    body = json.dumps(message).encode()
    connection.sendall(len(body).to_bytes(8, "big") + body)


def _die_with_the_cloud() -> None:
    """End with the cloud, however that ends: its end of our standard input closes."""
    lifeline = os.dup(0)
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    # Where there is such a thing, the kernel sees to it: no thread gets a turn while C code holds the interpreter.
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_wait_for_the_end, args=(lifeline,), daemon=True, name="lifeline").start()


def _wait_for_the_end(lifeline: int) -> None:
    while os.read(lifeline, 1):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main(*sys.argv[1:])
