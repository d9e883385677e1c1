"""
Bodies of requests: measured and hashed whole, kept as documents or, as far as there is room, as content.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping

from aiohttp import web

from tests.emulator.aws import Unchunker
from tests.emulator.checksums import AWS_CHECKSUMS, Digest, crc64
from tests.emulator.contents import Contents
from tests.emulator.errors import CosError, malformed_xml
from tests.emulator.job import Body
from tests.emulator.stored import Received
from tests.emulator.table import Takes
from tests.emulator.wire import Call

MAX_DOCUMENT_BYTES = 4 << 20
SHA256 = "x-amz-content-sha256"
MD5_BYTES = 16
NO_BODY = Body(Received(0, hashlib.md5(usedforsecurity=False).hexdigest(), 0, b""))


async def read_body(
    request: web.BaseRequest, call: Call, takes: Takes, contents: Contents, unframed: Unchunker | None
) -> Body:
    """Take a body in as what the operation takes. unframed: takes off what is around the content."""
    if takes == "nothing":
        return NO_BODY
    is_measured = {"content-length", "transfer-encoding"} & {name for name, _ in call.headers}
    if takes == "content" and not is_measured:
        raise CosError(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
    wanted_md5 = _wanted_md5(call)
    if awaits_continue(request, call):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    received = _Receiving(contents if takes == "content" else None)
    sums = _announced(call)
    async for data in request.content.iter_any():
        content = unframed.feed(data) if unframed else data
        received.feed(content)
        for digest in sums.values():
            digest.update(content)
    if wanted_md5 not in (None, received.md5.digest()):
        raise CosError(400, "BadDigest", "The Content-MD5 you specified did not match what we received.")
    _check_sums((*call.headers, *(unframed.trailers(call) if unframed else ())), sums)
    return received.body()


def awaits_continue(request: web.BaseRequest, call: Call) -> bool:
    """Whether the client holds its body back until it is told to go on, or did and not all of it was read."""
    return call.header("expect").lower() == "100-continue" and not request.content.at_eof()


def _announced(call: Call) -> dict[str, Digest]:
    """Checksums to compute: those that the headers hold, and those that come behind the content."""
    trailers = {each.strip().lower() for each in call.header("x-amz-trailer").split(",")}
    names = {name for name, _ in call.headers} | trailers
    sums = {name: start() for name, start in AWS_CHECKSUMS.items() if name in names}
    if len(call.header(SHA256)) == 2 * hashlib.sha256().digest_size:
        sums[SHA256] = hashlib.sha256()
    return sums


def _check_sums(headers: Iterable[tuple[str, str]], sums: Mapping[str, Digest]) -> None:
    """400 for a checksum of AWS's that is not the body's."""
    for name, value in headers:
        if name == SHA256 and name in sums and value.lower() != sums[name].digest().hex():
            message = "The provided 'x-amz-content-sha256' header does not match what was computed."
            raise CosError(400, "XAmzContentSHA256Mismatch", message)
        if name in AWS_CHECKSUMS and name in sums and value != base64.b64encode(sums[name].digest()).decode():
            raise CosError(400, "BadDigest", f"The {name} you specified did not match what we received.")


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
