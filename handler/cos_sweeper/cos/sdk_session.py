"""
The session that the COS SDK sends its requests through.

An `Exchange` stands where the SDK expects a `requests` session. It carries one request, signed by the SDK, and keeps
the response, of which the SDK drops the status and the request id. The SDK is called inside of `run_in_greenlet`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote_from_bytes

from cos_sweeper.net.client import Connections
from cos_sweeper.net.response import Response
from cos_sweeper.net.sdk_bridge import wait_for


class Exchange:
    """
    What the SDK takes for a session: one request, one response.

    response: None until COS responded. error: why no response came; the SDK raises its own exception, without the
    reason.
    """

    def __init__(self, connections: Connections, seconds: float, within: float | None = None) -> None:
        self._connections = connections
        self._seconds = seconds
        self._within = within
        self.response: Response | None = None
        self.error: Exception | None = None

    def get(self, url: str, **request: Any) -> Response:
        """As `requests.Session.get`, as far as the SDK uses it."""
        return self._exchange("GET", url, **request)

    def put(self, url: str, **request: Any) -> Response:
        """As `requests.Session.put`, as far as the SDK uses it."""
        return self._exchange("PUT", url, **request)

    def delete(self, url: str, **request: Any) -> Response:
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
    ) -> Response:
        """Time-outs, proxies and redirects that the SDK passes are ignored: ours are fixed."""
        try:
            # With the host as a header, the SDK need not find it in the URL.
            signed = _Unsigned(method, url, SilentHeaders(headers, Host=url.split("/", 3)[2]))
            auth(signed)
            del signed.headers["Host"]
            url = _with_query(url, params or {})
            self.response = wait_for(
                self._connections.send(method, url, signed.headers, data, self._seconds, self._within)
            )
        except Exception as exc:
            self.error = exc
            raise
        return self.response


class SilentHeaders(dict[str, Any]):
    """The SDK makes a text of all headers, the token included, for a log that is off. This one is short."""

    def __repr__(self) -> str:
        return "{…}"


@dataclass(slots=True)
class _Unsigned:
    """What the SDK's signer looks at and adds its Authorization header to."""

    method: str
    url: str
    headers: dict[str, Any]


def _with_query(url: str, params: Mapping[str, Any]) -> str:
    """The query as it is signed: a space is %20, never '+'."""
    pairs = [f"{_quoted_name(name)}={_quoted(value)}" for name, value in params.items()]
    return f"{url}?{'&'.join(pairs)}" if pairs else url


@lru_cache(maxsize=32)  # a handful of names, in every request
def _quoted_name(name: str) -> str:
    return _quoted(name)


def _quoted(value: Any) -> str:
    """Only letters, digits and `-_.~` stay as they are."""
    return quote_from_bytes(value if isinstance(value, bytes) else str(value).encode(), safe="")
