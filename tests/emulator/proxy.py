"""
A proxy in front of the emulator, so that clients reach it under the cloud's real host names without DNS.

It leads the cloud's hosts to the emulator's ports and nothing anywhere else: http as it comes, https by CONNECT.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import urlsplit

HEAD_SECONDS = 60
SERVICES = {"myqcloud.com": "cos", "tencentcos.cn": "cos", "tencentcloudapi.com": "api"}
"""Which of the ports is meant by a host of this domain. A host that begins with `scf.` is SCF's."""
HOP_BY_HOP = (b"connection", b"proxy-connection", b"keep-alive")
PIECE_BYTES = 1 << 16


class Proxy:
    """Leads connections on. ports: of each service and scheme, such as `("cos", "https")`; what is missing fails."""

    def __init__(self, ports: Mapping[tuple[str, str], int]) -> None:
        self._ports = ports

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection: a tunnel, or one request of plain http."""
        with suppress(OSError, asyncio.TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            await self._lead(reader, writer)
        writer.close()

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), HEAD_SECONDS)
        method, _, rest = head.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")
        scheme, host = _destination(method, rest.partition(" ")[0])
        port = self._ports.get((_service(host), scheme))
        if port is None:
            writer.write(_refusal(f"The emulator leads to no {scheme or 'host'} {host}."))
            await writer.drain()
            return
        upstream, downstream = await asyncio.open_connection("127.0.0.1", port)
        body_bytes = None
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            downstream.write(_closing(head))
            body_bytes = _body_bytes(head)
        await asyncio.gather(_copy(reader, downstream, body_bytes), _copy(upstream, writer))


def _destination(method: str, target: str) -> tuple[str, str]:
    """The scheme and the host that a request asks for; empty where it names none."""
    if method == "CONNECT":
        host, _, port = target.rpartition(":")
        return ("http" if port == "80" else "https"), host.lower()
    try:
        parts = urlsplit(target)
    except ValueError:  # brackets that hold no address
        return "", ""
    return parts.scheme, (parts.hostname or "").lower()


def _closing(head: bytes) -> bytes:
    """The head of a request after whose answer the connection ends: the next request may be meant for another port."""
    first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    kept = [line for line in lines if line.partition(b":")[0].strip().lower() not in HOP_BY_HOP]
    return b"\r\n".join((first, *kept, b"Connection: close", b"", b""))


def _body_bytes(head: bytes) -> int | None:
    """How long a request's body is; `None` where it says so itself."""
    lines = (line.partition(b":") for line in head.split(b"\r\n"))
    headers = {name.strip().lower(): value for name, _, value in lines}
    length = headers.get(b"content-length", b"0").strip()
    return int(length) if length.isdigit() and len(length) < 19 and b"transfer-encoding" not in headers else None


def _service(host: str) -> str:
    service = next((service for domain, service in SERVICES.items() if host.endswith(f".{domain}")), "")
    return "scf" if service == "api" and host.startswith("scf.") else service


def _refusal(message: str) -> bytes:
    body = message.encode("latin-1", "replace") + b"\n"
    head = b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter, limit: int | None = None) -> None:
    """Pass on what comes until it ends, and then the end. limit: of so many bytes; what comes after is dropped."""
    passed = 0
    with suppress(OSError):
        while piece := await source.read(PIECE_BYTES):
            target.write(piece if limit is None else piece[: max(limit - passed, 0)])
            passed += len(piece)
            await target.drain()
    target.close()
