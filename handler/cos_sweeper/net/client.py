"""
An HTTP client: one pool of kept-alive connections for every host and invocation.

It follows no redirect, asks no proxy, and sends exactly the request that it is given.
"""

import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

import certifi

from cos_sweeper.net.connection import CONNECT_SECONDS, Address, Answer, Connection, TransportError, connect
from cos_sweeper.net.turns import in_thread

# A quarter of the 1024 files that SCF lets a function open; as many again may be in use.
MAX_IDLE = 256
# What was idle for longer is not tried again: routers on the way forget a connection without a word.
MAX_IDLE_SECONDS = 30.0
ADDRESS_SECONDS = 60.0
PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a URL's requests go."""

    scheme: str
    host: str


class Connections:
    """
    Kept-alive connections, for any number of tasks.

    port: a server on this machine that every request goes to, whatever host its URL names; None for the real hosts.
    roots: a file of certificates to trust; certifi's unless given.
    """

    def __init__(self, port: int | None = None, roots: str | None = None) -> None:
        self._port = port
        self._roots = roots
        self._tls: ssl.SSLContext | None = None
        self._idle: list[tuple[_Place, Connection]] = []
        self._addresses: dict[str, tuple[float, list[Address]]] = {}
        self._turn = count()

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, Any],
        body: bytes | None,
        seconds: float,
        within: float | None = None,
    ) -> Answer:
        """
        Send one request and read its response within `seconds`. Raises TransportError; ValueError for no valid request.

        A kept connection that turns out to be dead is replaced, and what is sent here may be sent twice; but not with
        `within`: seconds in which it must leave. It leaves once; TransportError with code `TooLate` when it could not.
        """
        ends = time.monotonic() + seconds
        leaves_by = None if within is None else time.monotonic() + within
        if within is not None and within <= 0:
            raise TransportError("TooLate", "its turn came too late for the request to leave")
        scheme, _, rest = url.partition("://")
        host, slash, path = rest.partition("/")
        request = _request(method, slash + path, host, headers, body or b"")
        place = _Place(scheme, host)
        kept = self._kept(place)
        if kept is not None:
            try:
                return self._exchange(place, kept, request, ends)
            except TransportError as exc:
                if not exc.stale or leaves_by is not None:
                    raise
        fresh = self._connect(place, ends if leaves_by is None else min(ends, leaves_by))
        if leaves_by is not None and time.monotonic() > leaves_by:
            self._keep(place, fresh)
            raise TransportError("TooLate", "no connection in time for the request to leave")
        return self._exchange(place, fresh, request, ends)

    def close(self) -> None:
        """Close every idle connection. The set can be used again."""
        while self._idle:
            self._idle.pop()[1].close()

    def _exchange(self, place: _Place, connection: Connection, request: bytes, ends: float) -> Answer:
        try:
            return connection.exchange(request, ends)
        finally:
            if connection.reusable:
                self._keep(place, connection)
            else:
                connection.close()

    def _keep(self, place: _Place, connection: Connection) -> None:
        connection.used_at = _now()
        self._idle.append((place, connection))
        if len(self._idle) > MAX_IDLE or self._idle[0][1].used_at < connection.used_at - MAX_IDLE_SECONDS:
            self._idle.pop(0)[1].close()

    def _kept(self, place: _Place) -> Connection | None:
        """The one that was used last, so that those too many grow old."""
        for number in range(len(self._idle) - 1, -1, -1):
            if self._idle[number][0] == place:
                connection = self._idle.pop(number)[1]
                if connection.used_at >= _now() - MAX_IDLE_SECONDS and connection.is_idle():
                    return connection
                connection.close()
        return None

    def _connect(self, place: _Place, ends: float) -> Connection:
        if place.scheme == "https" and self._tls is None:
            self._tls = ssl.create_default_context(cafile=self._roots or certifi.where())
        tls = self._tls if place.scheme == "https" else None
        return connect(self._addresses_of(place, ends), place.host, tls, ends)

    def _addresses_of(self, place: _Place, ends: float) -> list[Address]:
        """In an order that spreads connections over all of them."""
        if self._port is not None:
            return [(socket.AF_INET, ("127.0.0.1", self._port))]
        until, addresses = self._addresses.get(place.host, (0.0, []))
        if until <= _now():
            addresses = _look_up(place, ends)
            self._addresses[place.host] = _now() + ADDRESS_SECONDS, addresses
        first = next(self._turn) % len(addresses)
        return addresses[first:] + addresses[:first]


def _request(method: str, target: str, host: str, headers: Mapping[str, Any], body: bytes) -> bytes:
    """The request as it goes over the wire. Raises ValueError for what would be more than one, or none."""
    lines = [
        f"{method} {target} HTTP/1.1",
        f"Host: {host}",
        *(f"{name}: {_word(value)}" for name, value in headers.items()),
    ]
    if body or method == "PUT":
        lines.append(f"Content-Length: {len(body)}")
    if lines[0].count(" ") != 2 or not target.startswith("/") or not "".join(lines).isprintable():
        raise ValueError("a line break, or another character where none may be")
    return "\r\n".join((*lines, "", "")).encode("ascii") + body


def _word(value: str | bytes) -> str:
    """A header's value; the SDK makes most of them bytes."""
    return value.decode() if isinstance(value, bytes) else value


def _look_up(place: _Place, ends: float) -> list[Address]:
    """The addresses of a host. The system's resolver has a patience of its own, so it is waited for beside the rest."""
    until = min(ends, time.monotonic() + CONNECT_SECONDS)
    try:
        found = in_thread(lambda: socket.getaddrinfo(place.host, PORTS[place.scheme], type=socket.SOCK_STREAM), until)
    except TimeoutError as exc:
        raise TransportError("Timeout", "the host's name was not resolved in time") from exc
    except OSError as exc:
        raise TransportError("ConnectionFailed", "the host's name has no address") from exc
    if not found:
        raise TransportError("ConnectionFailed", "the host's name has no address")
    return [(family, address) for family, _, _, _, address in found]


def _now() -> float:
    """Seconds by a clock that goes on while the instance is frozen, where there is one."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
