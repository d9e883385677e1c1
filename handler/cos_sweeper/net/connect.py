"""
Opening a connection: TCP to one of several addresses, and TLS.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Sequence
from typing import Any

from cos_sweeper.net.connection import Connection, error_name
from cos_sweeper.net.reading import Reading
from cos_sweeper.net.response import TransportError
from cos_sweeper.net.timeout import finish_by

CONNECT_SECONDS = 3.0
# RFC 8305 ("Happy Eyeballs"): how long to wait for an address before the next one is tried in parallel.
NEXT_ADDRESS_SECONDS = 0.25

Address = tuple[socket.AddressFamily, Any]


async def connect(
    addresses: Sequence[Address], host: str, tls: ssl.SSLContext | None, ends: float, reading: Reading
) -> Connection:
    """
    Connect to the first address that accepts. host: the name that the certificate must have. Raises TransportError.

    ends: when the exchange must be over, by time.monotonic; connecting has CONNECT_SECONDS of it at most.
    """
    until = min(ends, time.monotonic() + CONNECT_SECONDS)
    try:
        return await finish_by(
            until, _connect(list(addresses), host, tls, until, reading), discard=lambda connection: connection.close()
        )
    except ssl.SSLCertVerificationError as exc:
        raise TransportError("BadCertificate", exc.verify_message) from exc
    except TimeoutError as exc:
        raise TransportError("ConnectTimeout", "no connection in time") from exc
    except OSError as exc:
        raise TransportError("ConnectionFailed", error_name(exc)) from exc


async def _connect(
    untried: list[Address], host: str, tls: ssl.SSLContext | None, until: float, reading: Reading
) -> Connection:
    loop = asyncio.get_running_loop()
    while True:
        sock = await _first_to_accept(untried)
        _, opened = await loop.create_connection(lambda: Connection(reading), sock=sock)
        if tls is None:
            return opened
        # A server that accepts and then sends nothing must not use up the time of the other addresses.
        share = (until - time.monotonic()) / (len(untried) + 1)
        try:
            if untried:
                await finish_by(time.monotonic() + share, opened.start_tls(tls, host))
            else:
                await opened.start_tls(tls, host)
        except BaseException as exc:
            opened.close()
            if isinstance(exc, ssl.SSLCertVerificationError) or not isinstance(exc, OSError) or not untried:
                raise
        else:
            return opened


async def _first_to_accept(untried: list[Address]) -> socket.socket:
    """
    A socket that is connected to one of the addresses; those that were tried are taken out of the list.

    The next address is tried when one has failed, or has been silent for NEXT_ADDRESS_SECONDS.
    """
    if len(untried) == 1:
        return await _connected(*untried.pop())  # the usual case: no task of its own
    error = OSError("the name has no address")
    attempts: set[asyncio.Task[socket.socket]] = set()
    try:
        while untried or attempts:
            if untried:
                attempts.add(asyncio.ensure_future(_connected(*untried.pop(0))))
            finished, _ = await asyncio.wait(
                attempts,
                timeout=NEXT_ADDRESS_SECONDS if untried else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for attempt in finished:
                attempts.discard(attempt)
                try:
                    return attempt.result()
                except OSError as exc:
                    error = exc
        raise error
    finally:
        await _end(attempts)


async def _end(attempts: set[asyncio.Task[socket.socket]]) -> None:
    for attempt in attempts:
        attempt.cancel()
    if attempts:
        await asyncio.wait(attempts)
    for attempt in attempts:
        if not attempt.cancelled() and attempt.exception() is None:
            attempt.result().close()


async def _connected(family: socket.AddressFamily, address: Any) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(0)
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock
