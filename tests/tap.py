"""
What a client sends to a server of this machine, byte by byte: a port between the two.
"""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType


class Tap:
    """As a context. port: where the client goes. sent: what it sent, a text for each connection."""

    def __init__(self, server_port: int) -> None:
        self._server = ("127.0.0.1", server_port)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._sent: list[bytearray] = []
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.port: int = self._listener.getsockname()[1]

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def sent(self) -> bytes:
        return b"".join(self._sent)

    def __enter__(self) -> "Tap":
        self._start(self._listen)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for one in (self._listener, *self._sockets):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for one in (self._listener, *self._sockets):
            one.close()

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _listen(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server, heard = socket.create_connection(self._server), bytearray()
            self._sent.append(heard)
            self._sockets += [client, server]
            self._start(_pass_on, client, server, heard)
            self._start(_pass_on, server, client, bytearray())


def _pass_on(source: socket.socket, target: socket.socket, heard: bytearray) -> None:
    with suppress(OSError):  # one of both is gone
        while data := source.recv(1 << 16):
            heard += data
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
