"""
Reading one HTTP/1.1 response, without I/O. The only module that imports `httptools`.

What is not clearly a whole response is an error, and so is one that is too large.
"""

from dataclasses import dataclass

import httptools

# 1000 entries with keys of 850 bytes, URL-encoded, are under 4 MB.
MAX_RESPONSE_BYTES = 16 << 20
MAX_HEAD_BYTES = 64 << 10


class TransportError(Exception):
    """
    No usable response came. code: what failed, named by its phase.

    `DnsTimeout`, `DnsFailed`: the host's name. `ConnectTimeout`, `ConnectionFailed`, `BadCertificate`: connecting.
    `ReadTimeout`, `ConnectionReset`, `MalformedResponse`, `ResponseTooLarge`: the exchange. `TooLate`: nothing was
    sent. stale: the connection ended silently, as connections do that were idle for too long.
    """

    def __init__(self, code: str, detail: str, *, stale: bool = False) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.stale = stale


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response, read to its end. Names of headers are in lower case."""

    status_code: int
    headers: dict[str, str]
    content: bytes

    @property
    def text(self) -> str:
        """The body, for the SDK, which looks for an error document in it."""
        return self.content.decode("utf-8", "replace")


class ResponseReader:
    """
    What came so far of one response. The parser calls the methods that begin with `on_`.

    bytes: how many came. complete: nothing more is to come. reusable: another exchange may follow on the connection.
    """

    __slots__ = ("_body", "_headers", "_in_body", "_parser", "_status", "bytes", "complete", "reusable")

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._status = 0
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._in_body = False
        self.bytes = 0
        self.complete = False
        self.reusable = False

    def feed(self, data: memoryview | bytes) -> None:
        """Take in what came. Raises TransportError."""
        self.bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as exc:
            if not self.complete:
                raise TransportError("MalformedResponse", type(exc).__name__) from exc
        if self.bytes > (MAX_RESPONSE_BYTES if self._in_body else MAX_HEAD_BYTES):
            raise TransportError("ResponseTooLarge", f"{self.bytes} bytes so far")

    def feed_end(self) -> bool:
        """Take in the connection's end. Returns whether it ends the response: only where nothing else tells its end."""
        if self._in_body and self._headers.keys().isdisjoint(("content-length", "transfer-encoding")):
            self.complete = True
        return self.complete

    def release(self) -> None:
        """
        Let go of the parser; nothing is fed after that.

        Parser and reader refer to each other, so that both, and the body, would stay until the garbage is collected.
        """
        del self._parser

    def response(self) -> Response:
        """The whole of it."""
        return Response(self._status, self._headers, bytes(self._body))

    def on_message_begin(self) -> None:
        """A second response: a server that sends it gets no further request on this connection."""
        self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header. One that comes again is one list (RFC 9110); what trails the body is left aside."""
        if self._in_body:
            return
        word, text = name.decode("latin-1").lower(), value.decode("latin-1")
        before = self._headers.get(word)
        self._headers[word] = text if before is None else f"{before}, {text}"

    def on_headers_complete(self) -> None:
        """The body follows, if there is one."""
        if not self.complete:
            self._status = self._parser.get_status_code()
            self._in_body = True

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        if not self.complete:
            self._body += data

    def on_message_complete(self) -> None:
        """A response is whole. One below 200 only says that the response is on its way."""
        if self.complete:
            return
        if self._status < 200:
            self._headers.clear()
            self._in_body = False
        else:
            self.complete = True
            self.reusable = self._parser.should_keep_alive()
