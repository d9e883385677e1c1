"""
Runs the laptop's COS on 127.0.0.1: one port for COS, one for the control door, and one line of JSON when ready.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import threading
from typing import Any

from aiohttp import web

from tests.cloud.control import Control, show_credentials
from tests.cloud.cos import Door
from tests.cloud.fields import BadInput
from tests.cloud.state import State

HOST = "127.0.0.1"
BACKLOG = 1024
KEEP_ALIVE_SECONDS = 300

EPILOG = """\
When it is ready it prints one line of JSON: the two endpoints, the buckets, the owner's credentials (permanent, may do
everything) and the role's (temporary, may do exactly what the sweeper needs). SIGTERM or SIGINT stops it.

A bucket is known by the first label of Host (photos-1250000000.cos.ap-guangzhou.myqcloud.com,
photos-1250000000.localhost:9000) or by the first segment of the path (127.0.0.1:9000/photos-1250000000/key).
"""


def main(arguments: list[str]) -> int:
    """Run until told to stop; returns the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        state = State(
            options.bucket, keep_requests=options.keep_requests, accept_aws_signatures=options.accept_aws_signatures
        )
        asyncio.run(_serve(state, options))
    except (BadInput, OSError) as wrong:
        parser.error(str(wrong))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.cloud",
        description="A Tencent Cloud COS small enough for a laptop, in memory, on 127.0.0.1 only.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--cos-port", type=_port, default=9000, metavar="PORT", help="COS's port; 0: any (default: 9000)"
    )
    parser.add_argument(
        "--control-port",
        type=_port,
        default=9001,
        metavar="PORT",
        help="the control door's port; 0: any (default: 9001)",
    )
    parser.add_argument(
        "--bucket", action="append", default=[], metavar="NAME-APPID@REGION", help="a bucket to start with; repeatable"
    )
    parser.add_argument(
        "--accept-aws-signatures", action="store_true", help="let requests signed in AWS's way in, unchecked"
    )
    parser.add_argument(
        "--keep-requests", type=_count, default=100_000, metavar="N", help="requests to remember (default: 100000)"
    )
    parser.add_argument("--stop-at-eof", action="store_true", help="stop also when standard input ends")
    return parser


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port number")
    return int(text)


def _count(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 up")
    return int(text)


async def _serve(state: State, options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if options.stop_at_eof:
        threading.Thread(target=_stop_at_eof, args=(loop, stop), daemon=True).start()
    doors = (
        web.Server(Door(state).handle, **_server_settings()),
        web.Server(Control(state).handle, **_server_settings()),
    )
    servers = [
        await loop.create_server(door, sock=listener)
        for door, listener in zip(doors, _listen(options.cos_port, options.control_port), strict=True)
    ]
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    sys.stdout.write(json.dumps(_greeting(state, *ports)) + "\n")
    sys.stdout.flush()
    await stop.wait()
    for server in servers:
        server.close()
    for door in doors:
        await door.shutdown(timeout=0.5)


def _server_settings() -> dict[str, Any]:
    return {"access_log": None, "keepalive_timeout": KEEP_ALIVE_SECONDS, "tcp_keepalive": False}


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


def _stop_at_eof(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Read standard input to its end in a thread, since not every kind of file can be watched by the loop."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    with contextlib.suppress(RuntimeError):  # the loop has ended first
        loop.call_soon_threadsafe(stop.set)


def _greeting(state: State, cos_port: int, control_port: int) -> dict[str, Any]:
    owner, role = show_credentials(state.owner), show_credentials(state.role)
    return {
        "cos": f"http://{HOST}:{cos_port}",
        "control": f"http://{HOST}:{control_port}",
        "buckets": [f"{each.name}@{each.region}" for each in state.account.buckets.values()],
        "owner": {name: owner[name] for name in ("secret_id", "secret_key")},
        "role": {name: role[name] for name in ("secret_id", "secret_key", "token", "expires")},
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
