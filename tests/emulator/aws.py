"""
What clients made for AWS do differently: how they sign, and how they frame a body they sign chunk by chunk.

Their signatures are recognised, not checked.
"""

import re
from collections.abc import Iterable

from tests.emulator.errors import CosError, invalid_argument
from tests.emulator.wire import Call, as_text, whole_number

RENAMED = ("x-cos-meta-", "x-cos-storage-class", "x-cos-bucket-region", "x-cos-request-id")


def is_aws_signed(call: Call) -> bool:
    """Whether a request carries a signature of AWS's scheme, new or old, in a header or in its query."""
    if authorization := call.header("authorization"):
        return authorization.startswith(("AWS4-HMAC-SHA256", "AWS "))
    return call.has_param("X-Amz-Signature") or (call.has_param("AWSAccessKeyId") and call.has_param("Signature"))


def is_chunked(call: Call) -> bool:
    """Whether the body is framed in `aws-chunked` chunks."""
    return call.header("x-amz-content-sha256").startswith("STREAMING-") or "aws-chunked" in call.header(
        "content-encoding"
    )


def as_aws(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """COS's headers by the names that AWS's clients know; COS writes them so for who signs so."""
    return tuple(
        (name.replace("x-cos-", "x-amz-", 1) if name.startswith(RENAMED) else name, value) for name, value in headers
    )


SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}")
MAX_HEAD_BYTES = 4096


class Unchunker:
    """Takes `aws-chunked` framing off, however the bytes arrive."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._left = 0
        self._size = 0
        self._ended = False

    def feed(self, data: bytes) -> bytes:
        """The content in the next bytes of the body."""
        self._pending += data
        content = bytearray()
        while not self._ended and self._step(content):
            pass
        return bytes(content)

    def trailers(self, call: Call) -> tuple[tuple[str, str], ...]:
        """What follows the content, as headers; IncompleteBody where not all of the content has come."""
        wanted = call.header("x-amz-decoded-content-length")
        if not self._ended or (wanted and whole_number(wanted) != self._size):
            raise CosError(400, "IncompleteBody", "The body has fewer bytes than it says.")
        lines = (line.partition(b":") for line in self._pending.split(b"\r\n"))
        return tuple((as_text(bytes(name)).strip().lower(), as_text(bytes(value)).strip()) for name, _, value in lines)

    def _step(self, content: bytearray) -> bool:
        """Take a piece of content or a chunk's head off what is pending; False when more bytes are needed."""
        if self._left:
            taken = bytes(self._pending[: self._left])
            del self._pending[: len(taken)]
            self._left -= len(taken)
            content += taken
            self._size += len(taken)
            return bool(taken)
        head, newline, rest = bytes(self._pending).partition(b"\r\n")
        if len(head) > MAX_HEAD_BYTES:
            raise _bad_chunk()
        if not newline:
            return False
        self._pending[:] = rest
        if head:  # an empty line ends the chunk before
            size = SIZE.fullmatch(head.partition(b";")[0])
            if size is None:
                raise _bad_chunk()
            self._left = int(size[0], 16)
            self._ended = self._left == 0
        return True


def _bad_chunk() -> CosError:
    return invalid_argument("A chunk of the body has no size in hexadecimal digits.")
