"""
A port between a client and a server of this machine: what the client sends, and answers that come when a test says so.
"""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType


class Tap:
    """
    As a context. port: where the client goes. sent: what it sent. held: connections that sent `hold` and get no answer
    until `release` is set.
    """

    def __init__(self, server_port: int, hold: bytes | None = None) -> None:
        self._hold = hold
        self.held: list[bytearray] = []
        self.release = threading.Event()
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
        self.release.set()
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
            self._start(self._requests, client, server, heard)
            self._start(self._answers, server, client, heard)

    def _requests(self, client: socket.socket, server: socket.socket, heard: bytearray) -> None:
        with suppress(OSError):  # one of both is gone
            while data := client.recv(1 << 16):
                heard += data
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    def _answers(self, server: socket.socket, client: socket.socket, heard: bytearray) -> None:
        with suppress(OSError):
            while data := server.recv(1 << 16):
                if self._hold is not None and self._hold in heard and not self.release.is_set():
                    self.held.append(heard)
                    self.release.wait()
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)
