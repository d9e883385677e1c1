"""
The one seam through which every request to COS leaves: the function's connections, with a guard and at a gentle pace.

A request out of bounds is not sent. The store would make an error of COS out of the exception, so the violation is also
remembered, and the run ends with it.
"""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import certifi

from cos_sweeper.net.client import Connections
from cos_sweeper.net.response import Response, ResponseReader, TransportError
from tests.verify.bounds import Bounds
from tests.verify.outcome import OutOfBounds

SECONDS_BETWEEN = 0.02
PORTS = {"https": 443, "http": 80}
Sleep = Callable[[float], Awaitable[object]]


class Sender(Connections):
    """
    port: of a COS on this machine, None for the cloud. sent: how many requests left. violation: what it was, or ''.
    """

    def __init__(
        self, bounds: Bounds, port: int | None, sleep: Sleep, seconds_between: float = SECONDS_BETWEEN
    ) -> None:
        super().__init__(port)
        self.sent = 0
        self.violation = ""
        self._bounds = bounds
        self._local = port
        self._sleep = sleep
        self._between = seconds_between
        self._next = 0.0
        self._unknown = 0

    @property
    def may_have_made(self) -> bool:
        """Whether anything may be there that has to be taken away."""
        return self._unknown > 0

    async def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, Any],
        body: bytes | None,
        seconds: float,
        within: float | None = None,
    ) -> Response:
        """As `Connections.send`. Raises OutOfBounds."""
        self.assert_in_bounds(method, url, headers)
        waited = await self._turn()
        left = None if within is None else within - waited
        return await self._noting(method, super().send(method, url, headers, body, seconds, left))

    async def send_in_two(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, between: Callable[[], Awaitable[object]]
    ) -> Response:
        """Send a request whose body stops halfway, and goes on after `between`. On a connection of its own."""
        self.assert_in_bounds(method, url, headers)
        await self._turn()
        scheme, _, rest = url.partition("://")
        host, _, target = rest.partition("/")
        lines = [f"{method} /{target} HTTP/1.1", f"Host: {host}", "Connection: close", f"Content-Length: {len(body)}"]
        head = "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""])
        try:
            reader, writer = await asyncio.wait_for(self._open(scheme, host), 20)
        except (OSError, asyncio.TimeoutError) as exc:
            raise TransportError("ConnectionFailed", type(exc).__name__) from exc
        try:
            writer.write(head.encode("ascii") + body[: len(body) // 2])
            await writer.drain()
            await between()
            return await asyncio.wait_for(_rest(reader, writer, body[len(body) // 2 :]), 60)
        except (OSError, asyncio.TimeoutError) as exc:
            raise TransportError("ConnectionReset", type(exc).__name__) from exc
        finally:
            writer.close()

    async def _noting(self, method: str, request: Awaitable[Response]) -> Response:
        """Whatever a POST or a PUT made is there even if its answer is lost or odd; a 403 or 404 made nothing."""
        if method not in ("POST", "PUT"):
            return await request
        self._unknown += 1
        response = await request
        if response.status_code in (403, 404):
            self._unknown -= 1
        return response

    def assert_in_bounds(self, method: str, url: str, headers: Mapping[str, Any]) -> None:
        """Raise OutOfBounds for a request that may not leave."""
        reason = self._bounds.why_not(method, url, headers)
        if reason:
            self.violation = self.violation or f"a {method} was not sent, because it names {reason}"
            raise OutOfBounds(self.violation)

    async def _turn(self) -> float:
        """Wait for this request's turn; returns for how long."""
        self.sent += 1
        now = time.monotonic()
        self._next = max(now, self._next) + self._between
        seconds = self._next - self._between - now
        if seconds > 0:
            await self._sleep(seconds)
        return seconds

    def _open(self, scheme: str, host: str) -> Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        if self._local is not None:
            return asyncio.open_connection("127.0.0.1", self._local)
        return asyncio.open_connection(host, PORTS[scheme], ssl=ssl.create_default_context(cafile=certifi.where()))


async def _rest(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> Response:
    writer.write(body)
    await writer.drain()
    parser = ResponseReader()
    while not parser.complete:
        data = await reader.read(1 << 16)
        if data:
            parser.feed(data)
        elif not parser.feed_end():
            raise TransportError("ConnectionReset", "the connection ended before the response")
    return parser.response()
