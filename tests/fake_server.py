"""
A server that follows a script: each connection has its own, which says which bytes to send.
"""

import socket
import ssl
import struct
import threading
from collections.abc import Callable
from queue import SimpleQueue
from select import select
from types import TracebackType

# Long enough for any machine, short enough for a failing test.
PATIENCE_SECONDS = 10.0
DRIP_SECONDS = 0.02
LINGER_NOT = struct.pack("ii", 1, 0)


class Peer:
    """One connection as the server sees it. received: every byte that came; requests: the complete ones."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.received = bytearray()
        self.requests: list[bytes] = []
        self.closed = threading.Event()
        self._taken = 0

    @property
    def targets(self) -> list[str]:
        return [request.split(b" ")[1].decode() for request in self.requests]

    def receive(self) -> bytes:
        data = self.sock.recv(1 << 16)
        self.received += data
        return data

    def read(self) -> None:
        """Take one whole request. Raises EOFError when the connection ends instead."""
        while (body := self.received.find(b"\r\n\r\n", self._taken) + 4) < 4:
            self._receive_more()
        end = body + _length(bytes(self.received[self._taken : body]))
        while len(self.received) < end:
            self._receive_more()
        self.requests.append(bytes(self.received[self._taken : end]))
        self._taken = end

    def _receive_more(self) -> None:
        if not self.receive():
            raise EOFError

    def say(self, data: bytes) -> None:
        self.sock.sendall(data)

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
        self.sock.close()


Step = Callable[[Peer], None]


def say(data: bytes) -> Step:
    return lambda peer: peer.say(data)


def drip(first: bytes, again: bytes) -> Step:
    """Say something, and then something again and again until the other side is gone."""

    def step(peer: Peer) -> None:
        peer.say(first)
        for _ in range(int(PATIENCE_SECONDS / DRIP_SECONDS)):
            if select([peer.sock], [], [], DRIP_SECONDS)[0]:
                return
            peer.say(again)

    return step


def answer(data: bytes) -> Step:
    """Take one request and answer it."""

    def step(peer: Peer) -> None:
        peer.read()
        peer.say(data)

    return step


def always(make: Callable[[bytes], bytes]) -> Step:
    """Answer every request that comes with what is made of it."""

    def step(peer: Peer) -> None:
        while True:
            peer.read()
            peer.say(make(peer.requests[-1]))

    return step


def pause(event: threading.Event) -> Step:
    """Go on once a test says so."""

    def step(_: Peer) -> None:
        if not event.wait(PATIENCE_SECONDS):
            raise TimeoutError("the test did not say to continue")

    return step


def tell(event: threading.Event) -> Step:
    return lambda _: event.set()


def READ(peer: Peer) -> None:  # noqa: N802 - a step without arguments is a word of the script
    """Read a request."""
    peer.read()


def RESET(peer: Peer) -> None:  # noqa: N802
    """End the connection with a RST."""
    peer.reset()


def CLOSE(peer: Peer) -> None:  # noqa: N802
    """Let the other side read to the end, and hear no more of it."""
    peer.sock.close()


def STAY(peer: Peer) -> None:  # noqa: N802
    """Leave the connection open until the other side ends it."""
    while peer.receive():
        pass


class Server:
    """
    A listening port of 127.0.0.1 whose first connection follows the first script, and so on; a connection too many is
    closed at once. As a context: what a script did not say to be left open is over at the end.

    peers: the connections so far. An error on the server's side is raised at the end.
    """

    def __init__(self, *scripts: list[Step], tls: ssl.SSLContext | None = None) -> None:
        self._scripts = scripts
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._threads: list[threading.Thread] = []
        self._errors: SimpleQueue[BaseException] = SimpleQueue()
        self.port: int = self._listener.getsockname()[1]
        self.peers: list[Peer] = []

    @property
    def seen(self) -> list[list[str]]:
        """The targets that were asked for, connection by connection."""
        return [peer.targets for peer in self.peers]

    def __enter__(self) -> "Server":
        self._start(self._listen)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()
        if exc is None and not self._errors.empty():
            raise self._errors.get()

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work)
        self._threads.append(thread)
        thread.start()

    def _listen(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            number = len(self.peers)
            self.peers.append(Peer(sock))
            self._start(lambda peer=self.peers[-1], number=number: self._follow(peer, number))  # type: ignore[misc]

    def _follow(self, peer: Peer, number: int) -> None:
        try:
            peer.sock.settimeout(PATIENCE_SECONDS)
            peer.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls:
                peer.sock = self._tls.wrap_socket(peer.sock, server_side=True)
            for step in self._scripts[number] if number < len(self._scripts) else []:
                step(peer)
        except (ConnectionError, EOFError, ssl.SSLError):
            pass  # the other side has left
        except Exception as exc:
            self._errors.put(exc)
        finally:
            peer.sock.close()
            peer.closed.set()


def _length(head: bytes) -> int:
    """How long the body is, by a request's head."""
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
    return int(fields.get(b"content-length", 0))
