"""
The connections that the SDK rides on.

One set of kept-alive connections serves every bucket, region and invocation. An `Exchange` stands where the SDK expects
a `requests` session, carries one request, and keeps the answer that the SDK would throw away. It decides nothing: what
an answer means is said in `cos`. Redirects, proxies and retries do not exist here.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import certifi
import urllib3
from urllib3.exceptions import HTTPError

CONNECT_SECONDS = 3.0
# 1000 entries with keys of 850 bytes, URL-encoded, are under 4 MB.
MAX_BODY_BYTES = 16 << 20
# Half of the 1024 files that SCF lets a function open. A host is a bucket; the longest unused one is let go first.
MAX_CONNECTIONS = 512


class NoAnswer(Exception):
    """No usable answer came. code: `Timeout`, `ConnectionFailed` or `AnswerTooLarge`."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, read to its end. Header names are case-insensitive."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        """The body, for the SDK, which looks for an error document in it."""
        return self.content.decode("utf-8", "replace")


class Connections:
    """
    Kept-alive connections, at most `size` to a host. Safe for several threads.

    port: a server on this machine that every request goes to, whatever host its URL names; None for the real hosts.
    """

    def __init__(self, size: int, port: int | None = None) -> None:
        self._pools = urllib3.PoolManager(
            num_pools=max(2, MAX_CONNECTIONS // size),
            maxsize=size,
            retries=False,
            cert_reqs="CERT_REQUIRED",
            ca_certs=certifi.where(),
        )
        self._port = port

    def send(self, method: str, url: str, headers: Mapping[str, Any], body: bytes | None, seconds: float) -> Answer:
        """Send one request and read its answer within `seconds`. Raises NoAnswer."""
        ends = time.monotonic() + seconds
        try:
            return self._send(method, url, headers, body, ends)
        except HTTPError as exc:
            raise NoAnswer(_code_of(exc), _without_address(exc)) from exc

    def close(self) -> None:
        """Close every idle connection. The set can be used again."""
        self._pools.clear()

    def _send(self, method: str, url: str, headers: Mapping[str, Any], body: bytes | None, ends: float) -> Answer:
        parts = urlsplit(url)
        if self._port is None:
            pool = self._pools.connection_from_host(parts.hostname, parts.port, parts.scheme)
        else:
            pool = self._pools.connection_from_host("127.0.0.1", self._port, "http")
        left = ends - time.monotonic()
        answer = pool.urlopen(
            method,
            f"{parts.path}?{parts.query}" if parts.query else parts.path,
            body=body,
            headers={**headers, "Host": parts.netloc},
            redirect=False,
            retries=False,
            timeout=urllib3.Timeout(connect=min(CONNECT_SECONDS, left), read=left),
            preload_content=False,
            decode_content=False,
        )
        try:
            content = _read(answer, ends)
        except BaseException:
            answer.close()
            raise
        answer.release_conn()
        return Answer(answer.status, answer.headers, content)


class Exchange:
    """
    What the SDK takes for a session: one request, one answer.

    answer: None until COS answered. trouble: why no answer came; the SDK turns it into an exception of its own that has
    lost the reason.
    """

    def __init__(self, connections: Connections, seconds: float) -> None:
        self._connections = connections
        self._seconds = seconds
        self.answer: Answer | None = None
        self.trouble: Exception | None = None

    def get(self, url: str, **request: Any) -> Answer:
        """As `requests.Session.get`, as far as the SDK uses it."""
        return self._exchange("GET", url, **request)

    def put(self, url: str, **request: Any) -> Answer:
        """As `requests.Session.put`, as far as the SDK uses it."""
        return self._exchange("PUT", url, **request)

    def delete(self, url: str, **request: Any) -> Answer:
        """As `requests.Session.delete`, as far as the SDK uses it."""
        return self._exchange("DELETE", url, **request)

    def _exchange(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, Any],
        auth: Callable[[Any], Any],
        params: Mapping[str, Any] | None = None,
        data: bytes | None = None,
        **_unused: Any,
    ) -> Answer:
        """Time-outs, proxies and redirects that the SDK passes are left aside: ours are fixed."""
        try:
            request = _Unsigned(method, _with_query(url, params or {}), headers)
            auth(request)
            self.answer = self._connections.send(method, request.url, request.headers, data, self._seconds)
        except Exception as exc:
            self.trouble = exc
            raise
        return self.answer


@dataclass(slots=True)
class _Unsigned:
    """What the SDK's signer looks at and adds its Authorization header to."""

    method: str
    url: str
    headers: dict[str, Any]


def _with_query(url: str, params: Mapping[str, Any]) -> str:
    """The query as it is signed: a space is %20, never '+'."""
    pairs = (f"{quote(name, safe='-_.~')}={quote(_text(value), safe='-_.~')}" for name, value in params.items())
    return f"{url}?{'&'.join(pairs)}" if params else url


def _text(value: Any) -> str | bytes:
    return value if isinstance(value, (str, bytes)) else str(value)


def _read(answer: urllib3.BaseHTTPResponse, ends: float) -> bytes:
    """Read piece by piece, so that neither an endless nor a dripping body holds on to us."""
    pieces: list[bytes] = []
    size = 0
    while piece := answer.read1(1 << 18):
        pieces.append(piece)
        size += len(piece)
        if size > MAX_BODY_BYTES:
            raise NoAnswer("AnswerTooLarge", f"more than {MAX_BODY_BYTES >> 20} MiB")
        if time.monotonic() > ends:
            raise NoAnswer("Timeout", f"the answer was not complete in time, {size} bytes came")
    return b"".join(pieces)


def _code_of(exc: HTTPError) -> str:
    return "Timeout" if isinstance(exc, urllib3.exceptions.TimeoutError) else "ConnectionFailed"


def _without_address(exc: HTTPError) -> str:
    """The kind of trouble; urllib3's text repeats the URL and the pool."""
    reason = exc.args[-1] if exc.args and isinstance(exc.args[-1], BaseException) else exc
    return type(reason).__name__
