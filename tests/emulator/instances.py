"""
Instances of the function: processes that handle one event at a time and are killed at the time limit.

Which event goes to which instance is `dispatch`; what runs in the process is `runtime`.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from tests.emulator.invocations import Died, End, FunctionError, Raised, Returned, Run, TimedOut
from tests.emulator.runtime import memory_bytes

RUNTIME = Path(__file__).with_name("runtime.py")
IMPORT_SECONDS = 65
"""How long SCF lets an instance import the function, unless it is told otherwise."""
EXIT_SECONDS = 2
LOG_LINE_BYTES = 8 << 10
LOG_BYTES = 1 << 20


class Instance:
    """One process. Once it is `over`, it takes no more events."""

    def __init__(self, process: asyncio.subprocess.Process, channel: "_Channel", log: IO[bytes]) -> None:
        self.pid = process.pid
        self.over = False
        self._ready = False
        self._process = process
        self._channel = channel
        self._log = log
        self._log_read = 0
        self._in_use = asyncio.Lock()
        self._gone = asyncio.ensure_future(self._clear_away())

    @classmethod
    async def start(
        cls,
        directory: Path,
        environment: Mapping[str, str],
        on_gone: Callable[["Instance"], None],
        python: Sequence[str] = (),
    ) -> "Instance":
        """
        Start a process with exactly this environment. The function is not imported yet when this returns.

        python: the command that starts it, this Python where it is empty.
        """
        ours, its = socket.socketpair()
        # A file, not a pipe: whatever was written before an answer, or before death, is there to be read after it.
        log = tempfile.TemporaryFile("a+b", buffering=0)  # noqa: SIM115 - it lives as long as the process
        with its:
            channel = _Channel(*await asyncio.open_connection(sock=ours))
            # -B: nothing is written to the function's directory. -u: what was printed before a kill is in the log.
            command = [*(python or (sys.executable,)), "-B", "-u", str(RUNTIME), str(directory), str(its.fileno())]
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=directory,
                pass_fds=(its.fileno(),),
                start_new_session=True,
            )
        started = cls(process, channel, log)
        started._gone.add_done_callback(lambda _: on_gone(started))
        return started

    async def run(self, order: Mapping[str, Any], limit_seconds: float, now: Callable[[], datetime]) -> Run:
        """Hand it an event and wait for the end of that. Importing the function is not on the event's time."""
        async with self._in_use:
            cold = not self._ready
            failed = await self._import() if cold else None
            started, began = now(), time.perf_counter()
            end, memory = failed or await self._exchange(order, limit_seconds)
            duration_ms = (time.perf_counter() - began) * 1000
            if self.over:
                await self._process.wait()
            return Run(started, now(), round(duration_ms, 3), memory, self.pid, cold, end, self._new_log())

    def kill(self) -> None:
        """SIGKILL to it and whatever it started."""
        self.over = True
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    async def gone(self) -> None:
        """Wait until it is gone."""
        await self._gone

    async def _import(self) -> tuple[End, int | None] | None:
        """Wait until the function is imported; `None` when it is."""
        end, memory = await self._exchange(None, IMPORT_SECONDS)
        self._ready = isinstance(end, Returned)
        if not self._ready:
            self.kill()
        return None if self._ready else (end, memory)

    async def _exchange(self, order: Mapping[str, Any] | None, limit_seconds: float) -> tuple[End, int | None]:
        """Send an order, if there is one, and wait for what comes back, no longer than the limit."""
        try:
            payload = await asyncio.wait_for(self._channel.exchange(order), limit_seconds)
            return _read_end(payload)
        except asyncio.TimeoutError:
            memory = memory_bytes(self.pid)
            self.kill()
            return TimedOut(limit_seconds), memory
        except (OSError, EOFError):
            return Died(await self._exit_code()), None
        except (ValueError, LookupError, TypeError):  # the function has written to the socket itself
            self.kill()
            return Died(None), None

    async def _exit_code(self) -> int:
        """How a process ends that no longer listens; one that does not end by itself is killed."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._process.wait(), EXIT_SECONDS)
        self.kill()
        return await self._process.wait()

    async def _clear_away(self) -> None:
        """When the process has ended, end whatever it left behind, and let go of what was for it."""
        await self._process.wait()
        self.kill()
        async with self._in_use:  # who waits for an answer hears first that there will be none
            self._channel.close()
            self._log.close()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _new_log(self) -> str:
        """What was printed since this was asked last. SCF drops what is beyond 8 KB of a line."""
        printed = os.pread(self._log.fileno(), LOG_BYTES, self._log_read)
        size = os.fstat(self._log.fileno()).st_size
        dropped, self._log_read = size - self._log_read - len(printed), size
        text = b"\n".join(line[:LOG_LINE_BYTES] for line in printed.split(b"\n")).decode("utf-8", "replace")
        return f"{text}\n[{dropped} bytes more]\n" if dropped else text


class _Channel:
    """Frames over a socket: 8 bytes of length, then JSON."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def exchange(self, order: Mapping[str, Any] | None) -> Any:
        """Send an order, if there is one, and read one message. EOFError or OSError when the other side is gone."""
        if order is not None:
            body = json.dumps(order).encode()
            self._writer.write(len(body).to_bytes(8, "big") + body)
            await self._writer.drain()
        size = await self._reader.readexactly(8)
        return json.loads(await self._reader.readexactly(int.from_bytes(size, "big")))

    def close(self) -> None:
        self._writer.close()


def _read_end(payload: Any) -> tuple[End, int | None]:
    """How it ended and its memory; ValueError, LookupError or TypeError where that is not what was told."""
    if not isinstance(payload["memory_bytes"], int | None):
        raise TypeError
    if "raised" in payload:
        return Raised(FunctionError(**payload["raised"])), payload["memory_bytes"]
    return Returned(json.loads(payload["answer"]), len(payload["answer"])), payload["memory_bytes"]
