"""
A client of the transport on a loop of its own, and what its tests share.
"""

import asyncio
import socket
import ssl
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

import pytest
import trustme

from cos_sweeper.net.client import Connections
from cos_sweeper.net.response import Response, TransportError
from tests.fake_server import READ, STAY, Step, pause

T = TypeVar("T")

BUCKET = "bucket-1250000000"


HOST = f"{BUCKET}.cos.ap-guangzhou.myqcloud.com"


AMPLE, SHORT = 8.0, 0.1


def ok(body: str = "", *headers: str, version: str = "1.1") -> bytes:
    lines = (f"HTTP/{version} 200 OK", *headers, f"Content-Length: {len(body)}", "", body)
    return "\r\n".join(lines).encode()


NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


def identity(authority: trustme.CA, *names: str, ends: datetime | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names, not_after=ends).configure_cert(context)
    return context


HEAD = b"HTTP/1.1 200 OK\r\n"


CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def echo(request: bytes) -> bytes:
    return ok(request.split(b" ")[1].decode())


def resolve(monkeypatch: pytest.MonkeyPatch, *ports: int) -> list[tuple[str, int]]:
    """Make every name lead to these ports of this machine. Returns the names that were looked up."""
    requested: list[tuple[str, int]] = []

    def getaddrinfo(host: str, port: int, *_: object) -> list[tuple[object, ...]]:
        requested.append((host, port))
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", each)) for each in ports]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return requested


@contextmanager
def refusing() -> Iterator[int]:
    """A port that no server listens on, and that no other program can take."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


class Client:
    """The transport on an event loop of its own, which runs only while something is requested."""

    def __init__(self, port: int | None = None, roots: str | None = None) -> None:
        self.connections = Connections(port, roots)
        self.loop = asyncio.new_event_loop()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(coroutine)

    def gather(self, *coroutines: Coroutine[Any, Any, T]) -> list[T]:
        """Run them at the same time."""

        async def together() -> list[T]:
            return list(await asyncio.gather(*coroutines))

        return self.run(together())

    def send(
        self, method: str, url: str, headers: dict[str, Any], body: bytes | None, seconds: float = AMPLE
    ) -> Response:
        return self.run(self.connections.send(method, url, headers, body, seconds))

    def get(self, target: str, seconds: float = AMPLE, *, scheme: str = "http") -> Response:
        return self.run(self.getting(target, seconds, scheme=scheme))

    def getting(self, target: str, seconds: float = AMPLE, *, scheme: str = "http") -> Coroutine[Any, Any, Response]:
        return self.connections.send("GET", f"{scheme}://{HOST}{target}", {}, None, seconds)

    def put(self, target: str, body: bytes, seconds: float = AMPLE) -> Response:
        return self.send("PUT", f"http://{HOST}{target}", {}, body, seconds)

    def error(self, target: str, seconds: float = AMPLE, *, scheme: str = "http") -> TransportError:
        """The error that a request ends with."""
        with pytest.raises(TransportError) as caught:
            self.get(target, seconds, scheme=scheme)
        return caught.value

    def error_code(self, target: str, seconds: float = AMPLE, *, scheme: str = "http") -> str:
        return self.error(target, seconds, scheme=scheme).code

    def close_idle(self) -> None:
        """Close the idle connections, as far as the loop must run for it."""
        self.connections.close()
        self.run(rounds(3))

    def close(self) -> None:
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.close_idle()
        self.loop.close()


async def rounds(number: int) -> None:
    """Let the loop run so many times."""
    for _ in range(number):
        await asyncio.sleep(0)


async def started(coroutine: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
    """A task that has gone on up to its first wait."""
    task = asyncio.ensure_future(coroutine)
    await asyncio.sleep(0)
    return task


class Together:
    """So many requests at once. Each is answered when the next one's response was taken: the first one last."""

    def __init__(self, number: int, *then: Step) -> None:
        self._taken = [threading.Event() for _ in range(number + 1)]
        self._taken[-1].set()
        self.scripts = [self._script(index, then or (STAY,)) for index in range(number)]

    def _script(self, index: int, then: tuple[Step, ...]) -> list[Step]:
        return [READ, pause(self._taken[index + 1]), lambda peer: peer.say(echo(peer.requests[0])), *then]

    async def get(self, client: Client, index: int) -> str:
        try:
            return (await client.getting(f"/{index}")).text
        finally:
            self._taken[index].set()

    def get_all(self, client: Client) -> list[str]:
        return client.gather(*(self.get(client, index) for index in range(len(self.scripts))))
