"""
What the SDK can ride on in one thread: each of its calls is a greenlet that waits while the others go on.

The sessions are those of `sessions`; what differs is who waits for the network: libcurl, asyncio or uvloop.
"""

import asyncio
import select
from collections.abc import Callable
from typing import Any, cast

from greenlet import getcurrent, greenlet

from tests.bench.figures import Figures, Watch
from tests.bench.sessions import Answer, CurlHandle, Request, Session, headers_of

END = b"\r\n\r\n"


class CurlMulti(Session):
    """libcurl's multi interface, told by epoll which sockets are ready."""

    def __init__(self, _port: int, _size: int) -> None:
        import pycurl

        self._pycurl = pycurl
        self._hub = getcurrent()
        self._epoll = select.epoll()
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        self._timer_ms = -1
        self._watched: set[int] = set()
        self._idle: list[CurlHandle] = []
        self._waiting: dict[Any, greenlet] = {}

    def send(self, request: Request, body: bytes | None) -> Answer:
        """Send it and let the others go on until the answer is there."""
        handle = self._idle.pop() if self._idle else CurlHandle()
        handle.prepare(request, body)
        self._waiting[handle.curl] = getcurrent()
        self._multi.add_handle(handle.curl)
        self._hub.switch()
        self._idle.append(handle)
        return handle.answer()

    def run(self, call: Callable[[], object], tasks: int, seconds: float) -> Figures:
        """Make the call over and over in so many tasks."""
        watch = Watch(seconds)
        _start(call, tasks, watch)
        while not watch.over:
            self._turn()
        return watch.figures()

    def _turn(self) -> None:
        pycurl, timer_ms = self._pycurl, self._timer_ms
        ready = self._epoll.poll(0.05 if timer_ms < 0 else timer_ms / 1000)
        for fd, event in ready:
            flags = pycurl.CSELECT_IN if event & select.EPOLLIN else 0
            self._multi.socket_action(fd, flags | (pycurl.CSELECT_OUT if event & select.EPOLLOUT else 0))
        if not ready or timer_ms == 0:
            self._timer_ms = -1
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        _, finished, failed = self._multi.info_read()
        if failed:
            raise AssertionError(f"libcurl failed: {failed[0][1:]}")
        for curl in finished:
            self._multi.remove_handle(curl)
            self._waiting.pop(curl).switch()

    def _watch(self, what: int, fd: int, *_: object) -> None:
        if what == self._pycurl.POLL_REMOVE:
            self._watched.discard(fd)
            # Already gone where libcurl has closed it.
            if fd >= 0:
                try:
                    self._epoll.unregister(fd)
                except OSError:
                    return
            return
        events = select.EPOLLIN if what & self._pycurl.POLL_IN else 0
        events |= select.EPOLLOUT if what & self._pycurl.POLL_OUT else 0
        if fd in self._watched:
            self._epoll.modify(fd, events)
        else:
            self._watched.add(fd)
            self._epoll.register(fd, events)

    def _set_timer(self, milliseconds: int) -> None:
        self._timer_ms = milliseconds


class Asyncio(Session):
    """Connections that asyncio's loop, or uvloop's, reads from."""

    def __init__(self, port: int, size: int, loop: Callable[[], Any] = asyncio.new_event_loop) -> None:
        self._port = port
        self._size = size
        self._loop = loop()
        self._hub = getcurrent()
        self._idle: list[Wire] = []

    def send(self, request: Request, body: bytes | None) -> Answer:
        """Send it and let the others go on until the answer is there."""
        wire = self._idle.pop()
        wire.task = getcurrent()
        wire.transport.write(_wire_format(request, body or b""))
        answer: Answer = self._hub.switch()
        self._idle.append(wire)
        return answer

    def run(self, call: Callable[[], object], tasks: int, seconds: float) -> Figures:
        """Make the call over and over in so many tasks."""
        figures: Figures = self._loop.run_until_complete(self._run(call, tasks, seconds))
        return figures

    async def _run(self, call: Callable[[], object], tasks: int, seconds: float) -> Figures:
        for _ in range(self._size):
            _, wire = await self._loop.create_connection(Wire, "127.0.0.1", self._port)
            self._idle.append(wire)
        watch = Watch(seconds)
        _start(call, tasks, watch)
        while not watch.over:
            await asyncio.sleep(0.01)
        return watch.figures()


class Wire(asyncio.Protocol):
    """One connection. task: who waits for its next answer."""

    transport: asyncio.Transport
    task: greenlet

    def __init__(self) -> None:
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what is written to."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Wake the task when its answer is whole."""
        self._data += data
        head, found, content = self._data.partition(END)
        if not found:
            return
        first, *lines = head.split(b"\r\n")
        headers = headers_of(lines)
        if len(content) < int(headers["content-length"]):
            return
        self._data = b""
        self.task.switch(Answer(int(first.split()[1]), headers, content))


def _wire_format(request: Request, body: bytes) -> bytes:
    lines = [
        f"{request.method} {request.target} HTTP/1.1",
        *(f"{name}: {value}" for name, value in request.headers.items()),
    ]
    lines += [f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def _start(call: Callable[[], object], tasks: int, watch: Watch) -> None:
    """Greenlets that make the call over and over, each up to its first wait."""

    def work() -> None:
        while True:
            call()
            watch.done += 1

    for _ in range(tasks):
        greenlet(work).switch()
