"""
The session that the COS SDK sends its requests through.

An `Exchange` stands where the SDK expects a `requests` session. It carries one request, signed by the SDK, and keeps
the response, of which the SDK drops the status and the request id. The SDK is called inside of `run_in_greenlet`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

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
            request = _Unsigned(method, _with_query(url, params or {}), headers)
            auth(request)
            self.response = wait_for(
                self._connections.send(method, request.url, request.headers, data, self._seconds, self._within)
            )
        except Exception as exc:
            self.error = exc
            raise
        return self.response


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
