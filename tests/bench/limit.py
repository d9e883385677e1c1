"""
The least that an abort can cost in Python: bare sockets, and a signature for each request.

One thread, one request in flight on each kept-alive connection, each answer read to the end that its Content-Length
tells. There is nothing here of what a program needs besides: no time-outs, no retries, no errors but an end to it all.
"""

import hashlib
import hmac
import itertools
import select
import socket
import ssl
import time
from collections.abc import Iterator
from urllib.parse import quote

from tests.bench import load
from tests.bench.figures import Figures, Stretch, Watch

END = b"\r\n\r\n"
LENGTH = b"Content-Length: "
READ_BYTES = 1 << 16
SHARED_UPLOADS = 4096
VALID_SECONDS = 10_000
# As long as the answers that are waited for are late.
SPREAD_SECONDS = 0.02


class Signer:
    """
    Signs requests as COS wants them, `q-sign-algorithm=sha1`, for one stretch of time.

    The stretch's key is derived once. It signs the host and the token, as the SDK does.
    """

    def __init__(self, now: int) -> None:
        self._time = f"{now - 60};{now + VALID_SECONDS}"
        self._key = hmac.digest(load.SECRET_KEY.encode(), self._time.encode(), "sha1").hex().encode()
        self._headers = f"host={load.HOST}&x-cos-security-token={quote(load.TOKEN, safe='-_.~')}"

    def authorization(self, method: str, path: str, params: tuple[tuple[str, str], ...]) -> str:
        """
        The Authorization header's value. path: decoded.

        params: encoded as they go out, names in lower case, sorted.
        """
        listed = "&".join([f"{name}={value}" for name, value in params])
        http = hashlib.sha1(f"{method}\n{path}\n{listed}\n{self._headers}\n".encode()).hexdigest()
        signature = hmac.digest(self._key, f"sha1\n{self._time}\n{http}\n".encode(), "sha1").hex()
        names = ";".join([name for name, _ in params])
        return (
            f"q-sign-algorithm=sha1&q-ak={load.SECRET_ID}&q-sign-time={self._time}&q-key-time={self._time}"
            f"&q-header-list=host;x-cos-security-token&q-url-param-list={names}&q-signature={signature}"
        )


def abort_requests() -> Iterator[bytes]:
    """Signed aborts without end."""
    signer = Signer(int(time.time()))
    for key, upload_id in itertools.cycle(load.uploads(SHARED_UPLOADS)):
        yield _request(signer, "DELETE", f"/{key}", f"uploadId={upload_id}", (("uploadid", upload_id),))


def abort_requests_ahead() -> Iterator[bytes]:
    """The same, all signed before the first one is sent."""
    return itertools.cycle(list(itertools.islice(abort_requests(), SHARED_UPLOADS)))


def sweep_requests(uploads: int) -> Iterator[bytes]:
    """What a sweep of so many uploads has to send: lists a page, then the parts and the abort of each upload on it."""
    signer = Signer(int(time.time()))
    for number, (key, upload_id) in enumerate(load.uploads(uploads)):
        if number % 1000 == 0:
            marker = quote(load.key(number - 1), safe="-_.~") if number else ""
            listing = (("encoding-type", "url"), ("key-marker", marker), ("max-uploads", "1000"), ("uploads", ""))
            yield _request(signer, "GET", "/", "&".join(f"{name}={value}" for name, value in listing), listing)
        params = (("uploadid", upload_id),)
        yield _request(signer, "GET", f"/{key}", f"uploadId={upload_id}", params)
        yield _request(signer, "DELETE", f"/{key}", f"uploadId={upload_id}", params)


def unsigned_requests() -> Iterator[bytes]:
    """The same abort over and over, written once: the cheapest client there can be."""
    key, upload_id = load.uploads(1)[0]
    return itertools.repeat(f"DELETE /{key}?uploadId={upload_id} HTTP/1.1\r\nHost: {load.HOST}\r\n\r\n".encode())


def _request(signer: Signer, method: str, path: str, query: str, params: tuple[tuple[str, str], ...]) -> bytes:
    """A request of a path in which nothing needs encoding."""
    authorization = signer.authorization(method.lower(), path, params)
    return (
        f"{method} {path}?{query} HTTP/1.1\r\nHost: {load.HOST}\r\nx-cos-security-token: {load.TOKEN}\r\n"
        f"Authorization: {authorization}\r\n\r\n"
    ).encode()


def rate(port: int, in_flight: int, seconds: float, requests: Iterator[bytes], ca: str | None = None) -> Figures:
    """Send requests, `in_flight` at a time, for so many seconds or as long as there are any."""
    sockets = _Sockets(port, in_flight, ca)
    try:
        return sockets.drive(requests, Watch(seconds))
    finally:
        sockets.close()


def pipelined(port: int, depth: int, seconds: float) -> Figures:
    """One connection on which `depth` requests, written once, are always on their way together."""
    request = next(unsigned_requests()) * depth
    with socket.create_connection(("127.0.0.1", port)) as sock:
        stretch, answered, ends = Stretch(0), 0, time.monotonic() + seconds
        while time.monotonic() < ends:
            sock.sendall(request)
            expected = answered + depth
            while answered < expected:
                answered += sock.recv(1 << 20).count(b"HTTP/1.1 204")
        return stretch.figures(answered)


class _Sockets:
    """Kept-alive connections, each with at most one request on its way."""

    def __init__(self, port: int, size: int, ca: str | None) -> None:
        context = ssl.create_default_context(cafile=ca) if ca else None
        self._sockets = {sock.fileno(): sock for sock in (_connect(port, context) for _ in range(size))}
        self._epoll = select.epoll()
        for fd in self._sockets:
            self._epoll.register(fd, select.EPOLLIN)
        self._busy: set[int] = set()
        self._partial: dict[int, bytes] = {}

    def drive(self, requests: Iterator[bytes], watch: Watch) -> Figures:
        """
        Keep every connection busy until the time is over or the requests are.

        The first requests leave one after the other: sent together, they would be answered together for ever, and wait
        for each other.
        """
        for fd in self._sockets:
            self._send_next(fd, requests)
            time.sleep(SPREAD_SECONDS / len(self._sockets))
        while self._busy and not watch.over:
            for fd, _ in self._epoll.poll():
                if self._is_answered(fd):
                    watch.done += 1
                    self._busy.discard(fd)
                    self._send_next(fd, requests)
        return watch.figures()

    def close(self) -> None:
        """Close every connection."""
        self._epoll.close()
        for sock in self._sockets.values():
            sock.close()

    def _send_next(self, fd: int, requests: Iterator[bytes]) -> None:
        request = next(requests, None)
        if request is None:
            return
        if self._sockets[fd].send(request) != len(request):
            raise AssertionError("a socket with nothing on its way did not take a request of a thousand bytes")
        self._busy.add(fd)

    def _is_answered(self, fd: int) -> bool:
        """Read what has come; whether that was the end of an answer."""
        try:
            data = self._partial.pop(fd, b"") + self._sockets[fd].recv(READ_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        head = data.find(END)
        if head < 0 or len(data) < head + len(END) + _length(data):
            self._partial[fd] = data
            return False
        # Where many are in flight, an upload may be aborted before its parts are asked for.
        if not data.startswith((b"HTTP/1.1 20", b"HTTP/1.1 404")):
            raise AssertionError(f"not an answer to go on from: {data[:80]!r}")
        return True


def _length(data: bytes) -> int:
    begin = data.index(LENGTH) + len(LENGTH)
    return int(data[begin : data.index(b"\r", begin)])


def _connect(port: int, context: ssl.SSLContext | None) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port))
    if context is not None:
        sock = context.wrap_socket(sock, server_hostname=load.HOST)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.settimeout(0)
    return sock
