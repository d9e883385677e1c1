"""
Bodies of requests: measured and hashed whole, kept as documents or, as far as there is room, as content.
"""

import base64
import hashlib
from collections.abc import Callable

from aiohttp import web

from tests.emulator.checksums import crc64
from tests.emulator.contents import Contents
from tests.emulator.errors import CosError, malformed_xml
from tests.emulator.job import Body
from tests.emulator.stored import Received
from tests.emulator.table import Takes
from tests.emulator.wire import Call

MAX_DOCUMENT_BYTES = 4 << 20
MD5_BYTES = 16
NO_BODY = Body(Received(0, hashlib.md5(usedforsecurity=False).hexdigest(), 0, b""))


async def read_body(
    request: web.BaseRequest, call: Call, takes: Takes, contents: Contents, unframe: Callable[[bytes], bytes]
) -> Body:
    """Take a body in as what the operation takes. unframe: takes off what is around the content, piece by piece."""
    if takes == "nothing":
        return NO_BODY
    is_measured = {"content-length", "transfer-encoding"} & {name for name, _ in call.headers}
    if takes == "content" and not is_measured:
        raise CosError(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
    wanted_md5 = _wanted_md5(call)
    if call.header("expect").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    received = _Receiving(contents if takes == "content" else None)
    async for data in request.content.iter_any():
        received.feed(unframe(data))
    if wanted_md5 not in (None, received.md5.digest()):
        raise CosError(400, "BadDigest", "The Content-MD5 you specified did not match what we received.")
    return received.body()


class _Receiving:
    """A body that comes in: into the contents or, without them, as a document."""

    def __init__(self, contents: Contents | None) -> None:
        self.md5 = hashlib.md5(usedforsecurity=False)
        self._size = 0
        self._crc = 0
        self._kept = contents.receive() if contents is not None else None
        self._document = bytearray()

    def feed(self, data: bytes) -> None:
        self._size += len(data)
        self.md5.update(data)
        if self._kept is not None:
            self._crc = crc64(data, self._crc)
            self._kept.feed(data)
        elif self._size > MAX_DOCUMENT_BYTES:
            raise malformed_xml()
        else:
            self._document += data

    def body(self) -> Body:
        content = self._kept.content() if self._kept is not None else None
        return Body(Received(self._size, self.md5.hexdigest(), self._crc, content), bytes(self._document))


def _wanted_md5(call: Call) -> bytes | None:
    """What Content-MD5 says; `None` without it."""
    if not call.header("content-md5"):
        return None
    try:
        wanted = base64.b64decode(call.header("content-md5"), validate=True)
    except ValueError:
        wanted = b""
    if len(wanted) != MD5_BYTES:
        raise CosError(400, "InvalidDigest", "The Content-MD5 you specified is not valid.")
    return wanted
