"""
The addresses of hosts: looked up by the system's resolver, one look-up for each host at a time, and cached.
"""

import asyncio
import socket
import time
from itertools import count

from cos_sweeper.net import clock
from cos_sweeper.net.connect import CONNECT_SECONDS, Address
from cos_sweeper.net.response import TransportError
from cos_sweeper.net.timeout import finish_by

ADDRESS_SECONDS = 60.0

_Name = tuple[str, int]


class Resolver:
    """A cache of addresses, and the look-ups that are under way."""

    def __init__(self) -> None:
        self._cache: dict[_Name, tuple[float, list[Address]]] = {}
        # A task gives the addresses, or the error that each of those who wait for it raises.
        self._lookups: dict[_Name, asyncio.Task[list[Address] | TransportError]] = {}
        self._turn = count()

    async def addresses(self, host: str, port: int, ends: float) -> list[Address]:
        """The host's addresses, in an order that spreads connections over all of them. Raises TransportError."""
        until, addresses = self._cache.get((host, port), (0.0, []))
        if until <= clock.now():
            addresses = await self._look_up((host, port), ends)
        first = next(self._turn) % len(addresses)
        return addresses[first:] + addresses[:first]

    async def _look_up(self, name: _Name, ends: float) -> list[Address]:
        lookup = self._lookups.get(name)
        if lookup is None:
            lookup = self._lookups[name] = asyncio.ensure_future(self._resolve(name))
            lookup.add_done_callback(lambda _: self._lookups.pop(name, None))
        # Not cancelled with the caller: others may wait for it.
        await asyncio.wait((lookup,), timeout=max(0.0, ends - time.monotonic()))
        if not lookup.done():
            raise TransportError("DnsTimeout", "the host's name was not resolved in time")
        found = lookup.result()
        if isinstance(found, TransportError):
            raise TransportError(found.code, found.detail)
        return found

    async def _resolve(self, name: _Name) -> list[Address] | TransportError:
        """The resolver has time limits of its own, which are longer; its thread is left to its end."""
        asked = asyncio.get_running_loop().getaddrinfo(*name, type=socket.SOCK_STREAM)
        try:
            found = await finish_by(time.monotonic() + CONNECT_SECONDS, asked)
        except TimeoutError:
            return TransportError("DnsTimeout", "the host's name was not resolved in time")
        except (OSError, UnicodeError):
            found = []
        if not found:
            return TransportError("DnsFailed", "the host's name has no address")
        addresses: list[Address] = [(family, address) for family, _, _, _, address in found]
        self._cache[name] = clock.now() + ADDRESS_SECONDS, addresses
        return addresses
