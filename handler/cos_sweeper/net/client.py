"""
An HTTP client: one pool of kept-alive connections for every host and invocation.

It follows no redirect, asks no proxy, and sends exactly the request that it is given.
"""

import socket
import ssl
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import certifi

from cos_sweeper.net import clock
from cos_sweeper.net.connect import connect
from cos_sweeper.net.connection import Connection
from cos_sweeper.net.reading import Reading
from cos_sweeper.net.resolver import Resolver
from cos_sweeper.net.response import Response, TransportError

# A quarter of the 1024 files that SCF lets a function open; as many again may be in use.
MAX_IDLE = 256
# A connection that was idle for longer is not used again: routers drop such connections silently.
MAX_IDLE_SECONDS = 30.0
PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Where a URL's requests go. A tuple, because every request compares it."""

    scheme: str
    host: str
    port: int


class Connections:
    """
    Kept-alive connections, for any number of tasks of one event loop.

    port: a server on this machine that every request goes to, whatever host its URL names; None for the real hosts.
    roots: a file of certificates to trust; certifi's unless given.
    """

    def __init__(self, port: int | None = None, roots: str | None = None) -> None:
        self._port = port
        self._roots = roots
        self._tls: ssl.SSLContext | None = None
        self._idle: list[tuple[Origin, Connection]] = []
        self._resolver = Resolver()
        self._reading = Reading()

    async def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, Any],
        body: bytes | None,
        seconds: float,
        within: float | None = None,
    ) -> Response:
        """
        Send one request and read its response within `seconds`. Raises TransportError; ValueError for no valid request.

        A pooled connection that turns out to be dead is replaced, and what is sent here may be sent twice; but not with
        `within`: seconds in which it must leave. It leaves once; TransportError with code `TooLate` when it could not.
        """
        ends = time.monotonic() + seconds
        leaves_by = None if within is None else time.monotonic() + within
        if within is not None and within <= 0:
            raise TransportError("TooLate", "the time in which the request had to leave was over")
        scheme, _, rest = url.partition("://")
        authority, slash, path = rest.partition("/")
        request = _request(method, slash + path, authority, headers, body or b"")
        host, colon, port = authority.partition(":")
        origin = Origin(scheme, host, int(port) if colon else PORTS[scheme])
        return await self._send(origin, request, ends, leaves_by)

    async def _send(self, origin: Origin, request: bytes, ends: float, leaves_by: float | None) -> Response:
        pooled = self._pop(origin)
        if pooled is not None and not (_is_recent(pooled) and pooled.is_idle()):
            pooled = await self._first_usable(origin, pooled)
        if pooled is not None:
            try:
                return await self._exchange(origin, pooled, request, ends)
            except TransportError as exc:
                if not exc.stale or leaves_by is not None:
                    raise
        fresh = await self._connect(origin, ends if leaves_by is None else min(ends, leaves_by))
        if leaves_by is not None and time.monotonic() > leaves_by:
            self._put_back(origin, fresh)
            raise TransportError("TooLate", "no connection in time for the request to leave")
        return await self._exchange(origin, fresh, request, ends)

    def close(self) -> None:
        """Close every idle connection; the loop frees them when it runs next. The set can be used again."""
        while self._idle:
            self._idle.pop()[1].close()

    async def _exchange(self, origin: Origin, used: Connection, request: bytes, ends: float) -> Response:
        try:
            return await used.exchange(request, ends)
        finally:
            if used.reusable:
                self._put_back(origin, used)
            else:
                used.close()

    def _put_back(self, origin: Origin, used: Connection) -> None:
        used.used_at = clock.now()
        self._idle.append((origin, used))
        if len(self._idle) > MAX_IDLE or self._idle[0][1].used_at < used.used_at - MAX_IDLE_SECONDS:
            self._idle.pop(0)[1].close()

    async def _first_usable(self, origin: Origin, pooled: Connection | None) -> Connection | None:
        """Return this pooled connection, or the next that can be used. Those before it are closed."""
        while pooled is not None:
            if _is_recent(pooled) and (pooled.is_idle() or await pooled.stays_idle()):
                return pooled
            pooled.close()
            pooled = self._pop(origin)
        return None

    def _pop(self, origin: Origin) -> Connection | None:
        """The one that was used last, so that superfluous ones become too old."""
        for number in range(len(self._idle) - 1, -1, -1):
            if self._idle[number][0] == origin:
                return self._idle.pop(number)[1]
        return None

    async def _connect(self, origin: Origin, ends: float) -> Connection:
        if origin.scheme == "https" and self._tls is None:
            self._tls = ssl.create_default_context(cafile=self._roots or certifi.where())
        tls = self._tls if origin.scheme == "https" else None
        if self._port is not None:
            addresses = [(socket.AF_INET, ("127.0.0.1", self._port))]
        else:
            addresses = await self._resolver.addresses(origin.host, origin.port, ends)
        return await connect(addresses, origin.host, tls, ends, self._reading)


def _is_recent(pooled: Connection) -> bool:
    return pooled.used_at >= clock.now() - MAX_IDLE_SECONDS


def _request(method: str, target: str, host: str, headers: Mapping[str, Any], body: bytes) -> bytes:
    """The request as it goes over the wire. Raises ValueError for what would be more than one, or none."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    for name, value in headers.items():
        # The SDK makes most values bytes.
        lines.append(f"{name}: {value.decode() if isinstance(value, bytes) else value}")
    if body or method == "PUT":
        lines.append(f"Content-Length: {len(body)}")
    if lines[0].count(" ") != 2 or not target.startswith("/") or not "".join(lines).isprintable():
        raise ValueError("a line break, or another character where none may be")
    return "\r\n".join((*lines, "", "")).encode("ascii") + body
