"""
Answers on the wire, whole or spoilt as a fault wants it.

What the answer says was decided elsewhere.
"""

import asyncio
import re
import socket
import struct
from dataclasses import replace

from aiohttp import web
from aiohttp.http import StreamWriter

from tests.emulator.faults import Mangle
from tests.emulator.job import OperationResponse
from tests.emulator.wire import as_bytes

SURROGATE = re.compile(r"[\ud800-\udfff]")
PIECE_BYTES = 1 << 18
ENDLESS_CHUNK = b" " * (1 << 14)
ENDLESS_PAUSE_SECONDS = 0.01
SILENT_PAUSE_SECONDS = 0.05
MALFORMED = b"<?xml version='1.0' encoding='utf-8' ?>\n<Error><Code>Internal"
FOREIGN = (
    b"<?xml version='1.0' encoding='utf-8' ?>\n"
    b"<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><UploadId>1</UploadId></InitiateMultipartUploadResult>"
)


def spoilable(answer: OperationResponse) -> OperationResponse:
    """An answer whose body can be spoilt: a 204 has none, so it becomes a 200."""
    return replace(answer, status=200) if answer.status == 204 else answer


async def deliver(request: web.BaseRequest, answer: OperationResponse, spoil: Mangle | None) -> web.StreamResponse:
    """Write an answer, its body spoilt if a fault wants that; an answer to HEAD has none."""
    response = await _deliver(request, answer, spoil)
    if ("Connection", "close") in answer.headers:
        response.force_close()
        request.protocol._lingering_time = 0  # noqa: SLF001 - nobody sends the rest of this body
    return response


async def _deliver(request: web.BaseRequest, answer: OperationResponse, spoil: Mangle | None) -> web.StreamResponse:
    if spoil is None or request.method == "HEAD":
        return await _send(request, answer)
    answer = _whole(answer)
    match spoil:
        case Mangle(how="empty"):
            return await _send(request, replace(answer, body=b""))
        case Mangle(how="malformed"):
            return await _send(request, replace(answer, body=MALFORMED))
        case Mangle(how="foreign"):
            return await _send(request, replace(answer, body=FOREIGN))
        case Mangle(how="silent"):
            return await silent(request)
        case Mangle(how="truncated"):
            return await _truncated(request, answer)
        case Mangle(how="drip"):
            return await _dripped(request, answer, spoil.drip_ms / 1000)
        case Mangle():
            return await _endless(request, answer)


def reset(request: web.BaseRequest) -> web.StreamResponse:
    """Reset the connection (RST, not FIN). The response is never sent; the server wants one."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()


async def silent(request: web.BaseRequest) -> web.StreamResponse:
    """Send nothing until the caller is gone."""
    while request.transport is not None:
        await asyncio.sleep(SILENT_PAUSE_SECONDS)
    return web.Response()


def _whole(answer: OperationResponse) -> OperationResponse:
    """The same answer with all of its body in memory."""
    if answer.content is None:
        return answer
    return replace(answer, body=answer.content[answer.span.start : answer.span.stop], content=None)


async def _send(request: web.BaseRequest, answer: OperationResponse) -> web.StreamResponse:
    if len(answer.span) <= PIECE_BYTES:
        answer = _whole(answer)
    if answer.content is None and answer.length is None:
        whole = _Response if _has_date(answer) else _DatelessResponse
        return whole(status=answer.status, body=answer.body, headers=answer.headers)
    response = await _open(request, answer, len(answer.span) if answer.length is None else answer.length)
    if answer.content is not None:
        for start in range(answer.span.start, answer.span.stop, PIECE_BYTES):
            await response.write(answer.content[start : min(start + PIECE_BYTES, answer.span.stop)])
    return response


async def _open(request: web.BaseRequest, answer: OperationResponse, length: int | None) -> web.StreamResponse:
    """Send the head of an answer of that length, or without one in chunks."""
    stream = _Stream if _has_date(answer) else _DatelessStream
    response = stream(status=answer.status, headers=answer.headers)
    if length is None:
        response.enable_chunked_encoding()
    else:
        response.content_length = length
    await response.prepare(request)
    return response


def _has_date(answer: OperationResponse) -> bool:
    return any(name == "Date" for name, _ in answer.headers)


class _Stream(web.StreamResponse):
    """A response whose headers go out byte for byte, those that are not UTF-8 as well."""

    async def _write_headers(self) -> None:
        texts = [f"{name}: {value}" for name, value in self.headers.items()]
        if not any(SURROGATE.search(each) for each in texts):
            return await super()._write_headers()
        assert isinstance(self._payload_writer, StreamWriter)
        head = "\r\n".join((f"HTTP/1.1 {self.status} {self.reason}", *texts, "", ""))
        self._payload_writer._headers_buf = as_bytes(head)  # noqa: SLF001 - it takes no bytes otherwise
        if self._send_headers_immediately:
            self._payload_writer.send_headers()
        return None


class _Response(_Stream, web.Response):
    pass


class _DatelessStream(_Stream):
    """A response without the `Date` that aiohttp adds where there is none."""

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        self.headers.popall("Date", None)


class _DatelessResponse(_DatelessStream, _Response):
    pass


async def _truncated(request: web.BaseRequest, answer: OperationResponse) -> web.StreamResponse:
    body = answer.body or MALFORMED
    response = await _open(request, answer, len(body))
    await response.write(body[: len(body) // 2])
    return _cut_off(request, response)


async def _dripped(request: web.BaseRequest, answer: OperationResponse, pause: float) -> web.StreamResponse:
    response = await _open(request, answer, len(answer.body))
    for position in range(len(answer.body)):
        await response.write(answer.body[position : position + 1])
        await asyncio.sleep(pause)
    return response


async def _endless(request: web.BaseRequest, answer: OperationResponse) -> web.StreamResponse:
    """Never ends by itself, at a pace that leaves a reader of it all some time before memory is full."""
    response = await _open(request, answer, None)
    await response.write(answer.body[: len(answer.body) // 2])
    while request.transport is not None:
        await response.write(ENDLESS_CHUNK)
        await asyncio.sleep(ENDLESS_PAUSE_SECONDS)
    return response


def _cut_off(request: web.BaseRequest, response: web.StreamResponse) -> web.StreamResponse:
    """Close the connection as if the answer had been written whole."""
    response.force_close()
    if request.transport is not None:
        request.transport.close()
    return response
