"""
What the SDK can ride on instead of `requests`, in threads: sessions as short as they can be.

Each signs by what the SDK gives it, sends one request at a time for each thread, and answers with what the SDK looks
at. They measure what a library costs; time-outs, retries and certificates are left out.
"""

import http.client
import io
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote


@dataclass(slots=True)
class Request:
    """What the SDK's signer looks at and adds its Authorization header to."""

    method: str
    url: str
    headers: dict[str, str]

    @property
    def target(self) -> str:
        """What stands between the method and the version on the wire."""
        return "/" + self.url.split("/", 3)[3]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the SDK looks at."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode("utf-8", "replace")


class Session:
    """The verbs that the SDK calls; a child says how a signed request is sent."""

    def send(self, request: Request, body: bytes | None) -> Answer:
        """Send it and read the answer to its end."""
        raise NotImplementedError

    def get(self, url: str, **given: Any) -> Answer:
        """As requests.Session.get."""
        return self._signed("GET", url, **given)

    def put(self, url: str, **given: Any) -> Answer:
        """As requests.Session.put."""
        return self._signed("PUT", url, **given)

    def post(self, url: str, **given: Any) -> Answer:
        """As requests.Session.post."""
        return self._signed("POST", url, **given)

    def delete(self, url: str, **given: Any) -> Answer:
        """As requests.Session.delete."""
        return self._signed("DELETE", url, **given)

    def head(self, url: str, **given: Any) -> Answer:
        """As requests.Session.head."""
        return self._signed("HEAD", url, **given)

    def _signed(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str],
        auth: Callable[[Any], object],
        params: Mapping[str, str] | None = None,
        data: bytes | None = None,
        **_unused: Any,
    ) -> Answer:
        request = Request(method, _with_query(url, params or {}), headers)
        auth(request)
        return self.send(request, data)


class Urllib3(Session):
    """urllib3's pool, which `requests` itself rides on."""

    def __init__(self, port: int, size: int) -> None:
        import urllib3

        self._pool = urllib3.HTTPConnectionPool("127.0.0.1", port, maxsize=size, retries=False)

    def send(self, request: Request, body: bytes | None) -> Answer:
        """Send it and read the answer to its end."""
        answer = self._pool.urlopen(request.method, request.target, body=body, headers=request.headers, redirect=False)
        return Answer(answer.status, answer.headers, answer.data)


class HttpClient(Session):
    """The standard library's client, a connection for each thread."""

    def __init__(self, port: int, _size: int) -> None:
        self._port = port
        self._mine = threading.local()

    def send(self, request: Request, body: bytes | None) -> Answer:
        """Send it and read the answer to its end."""
        connection = getattr(self._mine, "connection", None)
        if connection is None:
            connection = self._mine.connection = http.client.HTTPConnection("127.0.0.1", self._port)
        connection.request(request.method, request.target, body, request.headers)
        answer = connection.getresponse()
        return Answer(answer.status, dict(answer.headers), answer.read())


class Curl(Session):
    """libcurl's easy interface, a handle for each thread."""

    def __init__(self, _port: int, _size: int) -> None:
        self._mine = threading.local()

    def send(self, request: Request, body: bytes | None) -> Answer:
        """Send it and read the answer to its end."""
        handle = getattr(self._mine, "handle", None)
        if handle is None:
            handle = self._mine.handle = CurlHandle()
        handle.prepare(request, body)
        handle.curl.perform()
        return handle.answer()


class CurlHandle:
    """One of libcurl's handles and what it has received."""

    def __init__(self) -> None:
        import pycurl

        self.curl = pycurl.Curl()
        self._pycurl = pycurl
        self._lines: list[bytes] = []
        self._content = io.BytesIO()

    def prepare(self, request: Request, body: bytes | None) -> None:
        """Set it up for a request. Its connection stays."""
        curl, pycurl = self.curl, self._pycurl
        self._lines, self._content = [], io.BytesIO()
        curl.setopt(pycurl.URL, request.url)
        curl.setopt(pycurl.CUSTOMREQUEST, request.method)
        curl.setopt(pycurl.HTTPHEADER, [f"{name}: {value}" for name, value in request.headers.items()])
        curl.setopt(pycurl.NOSIGNAL, 1)
        if body is not None:
            curl.setopt(pycurl.POSTFIELDS, body)
        curl.setopt(pycurl.HEADERFUNCTION, self._lines.append)
        curl.setopt(pycurl.WRITEFUNCTION, self._content.write)

    def answer(self) -> Answer:
        """What came."""
        status = self.curl.getinfo(self._pycurl.RESPONSE_CODE)
        return Answer(status, headers_of(self._lines[1:]), self._content.getvalue())


def headers_of(lines: Iterable[bytes]) -> dict[str, str]:
    """Header lines as a mapping, names in lower case."""
    pairs = (line.decode("latin-1").partition(":") for line in lines)
    return {name.lower(): value.strip() for name, found, value in pairs if found}


def _with_query(url: str, params: Mapping[str, str]) -> str:
    query = "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in params.items())
    return f"{url}?{query}" if query else url
