"""
One connection to COS, and one HTTP/1.1 exchange at a time on it.

Everything has an end: connecting, the answer's size, and the whole exchange. What is not clearly a whole answer is
none. The only module that knows sockets, TLS and `httptools`.
"""

import errno
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import httptools

from cos_sweeper.net.turns import READABLE, WRITABLE, wait

A = TypeVar("A")
T = TypeVar("T")

CONNECT_SECONDS = 3.0
# 1000 entries with keys of 850 bytes, URL-encoded, are under 4 MB.
MAX_ANSWER_BYTES = 16 << 20
MAX_HEAD_BYTES = 64 << 10
READ_BYTES = 64 << 10

Address = tuple[socket.AddressFamily, Any]


class TransportError(Exception):
    """
    No usable answer came. code: `Timeout`, `ConnectionFailed`, `BadCertificate`, `BrokenAnswer` or `AnswerTooLarge`.

    stale: the connection ended without a word, as those do that were idle for too long.
    """

    def __init__(self, code: str, detail: str, *, stale: bool = False) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.stale = stale


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, read to its end. Names of headers are in lower case."""

    status_code: int
    headers: dict[str, str]
    content: bytes

    @property
    def text(self) -> str:
        """The body, for the SDK, which looks for an error document in it."""
        return self.content.decode("utf-8", "replace")


def connect(addresses: Sequence[Address], host: str, tls: ssl.SSLContext | None, ends: float) -> "Connection":
    """
    A connection to the first address that takes one. host: whom the certificate must name. Raises TransportError.

    ends: when the exchange must be over, by time.monotonic; connecting has CONNECT_SECONDS of it at most.
    """
    trouble: OSError = OSError("the name has no address")
    seconds = min(ends - time.monotonic(), CONNECT_SECONDS)
    for number, (family, address) in enumerate(addresses):
        # Each has its share of the time, and what those before left of theirs: one that is silent must not take it all.
        shard = seconds / (len(addresses) - number)
        began = time.monotonic()
        try:
            return Connection(_connected(family, address, host, tls, began + shard))
        except ssl.SSLCertVerificationError as exc:
            raise TransportError("BadCertificate", exc.verify_message) from exc
        except OSError as exc:
            trouble = exc
        seconds -= time.monotonic() - began
    if isinstance(trouble, TimeoutError):
        raise TransportError("Timeout", "no connection in time") from trouble
    raise TransportError("ConnectionFailed", _name_of(trouble)) from trouble


def _connected(
    family: socket.AddressFamily, address: Any, host: str, tls: ssl.SSLContext | None, until: float
) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(0)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = sock.connect_ex(address)
        if code == errno.EINPROGRESS:
            if not wait(sock, WRITABLE, until):
                raise TimeoutError
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, "")
        return _secured(sock, host, tls, until) if tls else sock
    except BaseException:
        sock.close()
        raise


def _secured(sock: socket.socket, host: str, tls: ssl.SSLContext, until: float) -> ssl.SSLSocket:
    # An end that TLS did not announce is none: whoever cuts the line must not decide where an answer ends.
    secured = tls.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False, suppress_ragged_eofs=False)
    try:
        _done(lambda _: secured.do_handshake(), None, secured, READABLE, until)
    except BaseException:
        secured.close()
        raise
    return secured


class Connection:
    """
    A connection that is open. `reusable` tells whether another exchange may follow.

    used_at: for whoever keeps it, when it was used last.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.reusable = True
        self.used_at = 0.0

    def exchange(self, request: bytes, ends: float) -> Answer:
        """Send a request and read its answer, all by `ends`. Raises TransportError; the connection is unfit then."""
        self.reusable = False
        reading = _Reading()
        try:
            self._send(request, ends)
            while not reading.complete:
                reading.feed(self._receive(ends))
        except TimeoutError as exc:
            raise TransportError("Timeout", f"the answer was not complete in time, {reading.bytes} bytes came") from exc
        except OSError as exc:
            raise TransportError("ConnectionFailed", _name_of(exc), stale=not reading.bytes) from exc
        self.reusable = reading.may_go_on
        return reading.answer()

    def is_idle(self) -> bool:
        """Whether nothing came since the last answer, neither an end nor something that nobody asked for."""
        try:
            self._sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        """Let it go. TLS's farewell is left out: nothing hangs on it, every answer tells its length."""
        self._sock.close()

    def _send(self, data: bytes, ends: float) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[_done(self._sock.send, rest, self._sock, WRITABLE, ends) :]

    def _receive(self, ends: float) -> bytes:
        # What TLS has decrypted already does not make the socket readable.
        pending = isinstance(self._sock, ssl.SSLSocket) and self._sock.pending()
        if not pending and not wait(self._sock, READABLE, ends):
            raise TimeoutError
        if time.monotonic() >= ends:
            raise TimeoutError
        return _done(self._sock.recv, READ_BYTES, self._sock, READABLE, ends)


class _Reading:
    """
    What came so far of one answer. The parser calls the methods that begin with `on_`.

    bytes: how many came. complete: nothing more is to come. may_go_on: the connection is as good as new.
    """

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._status = 0
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._in_body = False
        self.bytes = 0
        self.complete = False
        self.may_go_on = False

    def feed(self, data: bytes) -> None:
        """Take in what came, b'' for the connection's end. Raises TransportError; OSError for an end too soon."""
        if not data:
            self._end()
            return
        self.bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as exc:
            if not self.complete:
                raise TransportError("BrokenAnswer", type(exc).__name__) from exc
        if self.bytes > (MAX_ANSWER_BYTES if self._in_body else MAX_HEAD_BYTES):
            raise TransportError("AnswerTooLarge", f"{self.bytes} bytes so far")

    def answer(self) -> Answer:
        """The whole of it."""
        return Answer(self._status, self._headers, bytes(self._body))

    def on_message_begin(self) -> None:
        """After the answer, another one: whoever sends that is not to be trusted with another request."""
        self.may_go_on = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header of the answer. One that comes again is one list (RFC 9110); what trails the body is left aside."""
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
        """An answer is whole. One below 200 only says that the answer is on its way."""
        if self.complete:
            return
        if self._status < 200:
            self._headers.clear()
            self._in_body = False
        else:
            self.complete = True
            self.may_go_on = self._parser.should_keep_alive()

    def _end(self) -> None:
        """The connection's end is an answer's end only where nothing else tells one."""
        if not self._in_body or not self._headers.keys().isdisjoint(("content-length", "transfer-encoding")):
            raise ConnectionResetError
        self.complete = True


def _done(operation: Callable[[A], T], argument: A, sock: socket.socket, event: int, until: float) -> T:
    """Do it, as soon as the socket allows. Raises TimeoutError, and what the operation raises."""
    while True:
        try:
            return operation(argument)
        except BlockingIOError:
            wanted = event
        except ssl.SSLWantReadError:
            wanted = READABLE
        except ssl.SSLWantWriteError:
            wanted = WRITABLE
        if time.monotonic() >= until or not wait(sock, wanted, until):
            raise TimeoutError


def _name_of(exc: OSError) -> str:
    """The kind of trouble, such as ECONNRESET, without addresses."""
    if isinstance(exc, ssl.SSLError):
        return exc.reason or type(exc).__name__
    return errno.errorcode.get(exc.errno or 0, type(exc).__name__)
