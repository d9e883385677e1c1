"""
What clients made for AWS do differently: how they sign, and how they frame a body they sign chunk by chunk.

Their signatures are recognised, not checked.
"""

from collections.abc import Iterable

from tests.emulator.wire import Call

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


class Unchunker:
    """Takes `aws-chunked` framing off, however the bytes arrive. Trailers are dropped."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._left = 0
        self._ended = False

    def feed(self, data: bytes) -> bytes:
        """The content in the next bytes of the body."""
        self._pending += data
        content = bytearray()
        while not self._ended and self._step(content):
            pass
        return bytes(content)

    def _step(self, content: bytearray) -> bool:
        """Take a piece of content or a chunk's head off what is pending; False when more bytes are needed."""
        if self._left:
            taken = bytes(self._pending[: self._left])
            del self._pending[: len(taken)]
            self._left -= len(taken)
            content += taken
            return bool(taken)
        head, newline, rest = bytes(self._pending).partition(b"\r\n")
        if not newline:
            return False
        self._pending[:] = rest
        if head:  # an empty line ends the chunk before
            self._left = int(head.partition(b";")[0], 16)
            self._ended = self._left == 0
        return True
