"""
The running emulator: its ports on 127.0.0.1, from the first to the last moment.
"""

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import ssl
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.http import HttpProcessingError

from tests.emulator.api import Api, ApiDoor
from tests.emulator.control import Control, show_credentials
from tests.emulator.cos import Door
from tests.emulator.function import Function, Setup
from tests.emulator.proxy import Proxy
from tests.emulator.scf import InvokeDoor, Scf
from tests.emulator.state import State
from tests.emulator.tls import LocalCertificates

HOST = "127.0.0.1"
BACKLOG = 1024
KEEP_ALIVE_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Ports:
    """
    Where it listens; 0 is any port. scf: only where there is a function. proxy: None for none.

    authority: COS speaks https, and the CA's certificate is written there.
    """

    cos: int
    control: int
    api: int
    scf: int
    proxy: int | None
    authority: Path | None
    stops_at_eof: bool


async def serve(state: State, function: Function | None, setup: Setup, ports: Ports) -> None:
    """Serve until a signal or the end of standard input; says one line of JSON when it is ready."""
    stop = asyncio.Event()
    _stop_when_told(stop, at_eof=ports.stops_at_eof)
    names = {"cos": ports.cos, "control": ports.control, "api": ports.api, **({"scf": ports.scf} if function else {})}
    listeners = dict(zip(names, _listen(*names.values()), strict=True))
    tls = _tls(ports.authority)
    endpoints = {
        name: f"{'https' if tls and name == 'cos' else 'http'}://{HOST}:{_port(listener)}"
        for name, listener in listeners.items()
    }
    api, scf = Api(state), None
    if function is not None:
        variables = {"COS_ENDPOINT": endpoints["cos"], "INVOKE_ENDPOINT": endpoints["scf"]}
        scf = Scf(state, function, setup, variables)
    handlers = {"cos": Door(state).handle, "control": Control(state, api, scf).handle, "api": ApiDoor(api).handle}
    handlers |= {"scf": InvokeDoor(scf).handle} if scf else {}
    doors = {name: web.Server(handler, **_server_settings()) for name, handler in handlers.items()}
    servers = [await _open(doors[name], each, tls if name == "cos" else None) for name, each in listeners.items()]
    if ports.proxy is not None:
        taken = {(name, endpoints[name].partition(":")[0]): _port(each) for name, each in listeners.items()}
        more, endpoints["proxy"] = await _open_proxy(ports.proxy, taken, doors, tls)
        servers += more
    sys.stdout.write(json.dumps(_greeting(state, endpoints)) + "\n")
    sys.stdout.flush()
    await stop.wait()
    for server in servers:
        server.close()
    if scf is not None:
        await scf.close()
    for door in doors.values():
        await door.shutdown(timeout=0.5)


async def _open_proxy(
    port: int, taken: dict[tuple[str, str], int], doors: dict[str, web.Server], tls: ssl.SSLContext | None
) -> tuple[list[asyncio.AbstractServer], str]:
    """
    Open the proxy, and ports for the schemes that services do not have on their own; returns where it listens.

    taken: the ports of services and schemes so far.
    """
    servers, leads = [], {each: taken[each] for each in taken if each[0] != "control"}
    wanted = [(name, scheme) for name in doors if name != "control" for scheme in ("http", *(["https"] if tls else []))]
    for name, scheme in wanted:
        if (name, scheme) not in leads:
            (listener,) = _listen(0)
            servers.append(await _open(doors[name], listener, tls if scheme == "https" else None))
            leads[name, scheme] = _port(listener)
    (listener,) = _listen(port)
    servers.append(await asyncio.start_server(Proxy(leads).handle, sock=listener))
    return servers, f"http://{HOST}:{_port(listener)}"


async def _open(door: web.Server, listener: socket.socket, tls: ssl.SSLContext | None) -> asyncio.AbstractServer:
    return await asyncio.get_running_loop().create_server(door, sock=listener, ssl=tls)


def _port(listener: socket.socket) -> int:
    number: int = listener.getsockname()[1]
    return number


def _tls(authority: Path | None) -> ssl.SSLContext | None:
    """What COS's port needs to speak https, if it is to."""
    if authority is None:
        return None
    certificates = LocalCertificates()
    certificates.write_authority(authority)
    return certificates.context()


def _server_settings() -> dict[str, Any]:
    return {
        "auto_decompress": False,
        "access_log": None,
        "logger": _logger(),
        "keepalive_timeout": KEEP_ALIVE_SECONDS,
        "tcp_keepalive": False,
    }


def _logger() -> logging.Logger:
    """Where the server tells of failures: of its own, not of requests that are no HTTP, which get 400."""
    logger = logging.getLogger(__name__)
    logger.addFilter(_is_own_failure)
    return logger


def _is_own_failure(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


def _listen(*ports: int) -> list[socket.socket]:
    """Listening sockets on these ports; all of them or none."""
    listeners: list[socket.socket] = []
    for port in ports:
        try:
            listeners.append(socket.create_server((HOST, port), backlog=BACKLOG))
        except OSError as wrong:
            for listener in listeners:
                listener.close()
            raise OSError(f"cannot listen on {HOST}:{port}: {wrong.strerror}") from wrong
    return listeners


def _stop_when_told(stop: asyncio.Event, *, at_eof: bool) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if at_eof:
        threading.Thread(target=_stop_at_eof, args=(loop, stop), daemon=True).start()


def _stop_at_eof(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Read standard input to its end in a thread, since not every kind of file can be watched by the loop."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    with contextlib.suppress(RuntimeError):  # the loop has ended first
        loop.call_soon_threadsafe(stop.set)


def _greeting(state: State, endpoints: dict[str, str]) -> dict[str, Any]:
    owner, role = show_credentials(state.owner), show_credentials(state.role)
    return {
        **endpoints,
        "buckets": [f"{each.name}@{each.region}" for each in state.account.buckets.values()],
        "owner": {name: owner[name] for name in ("secret_id", "secret_key")},
        "role": {name: role[name] for name in ("secret_id", "secret_key", "token", "expires")},
    }
