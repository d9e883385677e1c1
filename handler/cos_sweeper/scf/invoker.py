"""
The function invoking itself. The only module that imports `tencentcloud`.

Asynchronously, so that SCF's queue, its retries and its dead letters do the work. An invocation whose response was lost
is sent again and may then run twice, which is harmless.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from types import SimpleNamespace
from typing import Any

from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.scf.v20180416.models import InvokeRequest
from tencentcloud.scf.v20180416.scf_client import ScfClient

from cos_sweeper.core.retry import RetryPolicy, retry
from cos_sweeper.core.settings import Credentials
from cos_sweeper.net.client import Connections
from cos_sweeper.net.response import TransportError
from cos_sweeper.net.sdk_bridge import run_in_greenlet, wait_for
from cos_sweeper.scf.context import FunctionName

REQUEST_SECONDS = 3
OUT_OF_TIME = "OutOfTime"
RETRIES = RetryPolicy(longest_pause_seconds=2.0)
# Documented: 100 invocations a second.
SECONDS_BETWEEN = 0.011
# SCF would respond with these again. Every other code may be temporary, also that of a malformed response, which is the
# name of a Python error.
REFUSALS = ("AuthFailure", "Unauthorized", "InvalidParameter", "MissingParameter", "ResourceNotFound", "Unsupported")

# At DEBUG the SDK logs whole requests, the token among them.
logging.getLogger("tencentcloud_sdk_common").disabled = True


class FunctionInvoker:
    """
    Invokes a function asynchronously.

    left: seconds until the run must be over. port: an SCF on this machine, None for the cloud.
    """

    def __init__(
        self,
        credentials: Credentials,
        function: FunctionName,
        left: Callable[[], float],
        *,
        port: int | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._function = function
        self._left = left
        self._sleep = sleep
        self._http = HttpAdapter(port, left)
        self._client = _client(credentials, function.region, port)
        self._client.request = self._http

    async def invoke(self, payloads: Sequence[str]) -> list[str]:
        """
        Invoke the function once for each payload, not more than 100 a second. Returns '' or the code of the failure.

        One that fails does not stop the others; when no time is left, the rest is not sent.
        """
        codes: list[str] = []
        try:
            for number, payload in enumerate(payloads):
                if number:
                    await self._sleep(SECONDS_BETWEEN)
                codes.append(await self._code_of(payload))
        finally:
            self._http.close()
        return codes

    async def _code_of(self, payload: str) -> str:
        if self._left() <= 0:
            return OUT_OF_TIME
        try:
            await self._retry(payload)
        except TencentCloudSDKException as exc:
            return str(exc.code) or "Unknown"
        return ""

    async def _retry(self, payload: str) -> None:
        """The SDK's own retryer raises the old error after a later success; it stays off, which is its default."""
        await retry(
            RETRIES,
            lambda: self._invoke(payload),
            _is_retryable,
            lambda: self._left() - REQUEST_SECONDS,
            self._sleep,
        )

    async def _invoke(self, payload: str) -> None:
        request = InvokeRequest()
        request.FunctionName = self._function.name
        request.Namespace = self._function.namespace
        request.Qualifier = self._function.qualifier
        request.InvocationType = "Event"
        request.ClientContext = payload
        # Without a content type that the SDK knows, an error passes for a result.
        result = (await run_in_greenlet(lambda: self._client.Invoke(request))).Result
        if result is None or not result.FunctionRequestId:
            raise TencentCloudSDKException("NotAccepted", "the response names no invocation")


class HttpAdapter:
    """
    What the SDK takes for its HTTP client: one request, one response, all of it within `seconds`.

    The SDK's own waits that long for each read, so that a response that drips would hold the run until it is killed. It
    would ask proxies, too, and follow redirects with the token.
    """

    def __init__(
        self,
        port: int | None,
        left: Callable[[], float],
        seconds: float = REQUEST_SECONDS,
        connections: Connections | None = None,
    ) -> None:
        self._left = left
        self._seconds = seconds
        self._scheme = "https" if port is None else "http"
        self._connections = connections or Connections(port)

    def close(self) -> None:
        """Close the connection: no other run continues from here soon."""
        self._connections.close()

    def send_request(self, request: Any) -> Any:
        """As the SDK's own. Raises what it raises."""
        headers = {name: value for name, value in request.header.items() if name != "Host"}
        url = f"{self._scheme}://{request.host}/"
        try:
            seconds = min(self._seconds, self._left())
            response = wait_for(self._connections.send("POST", url, headers, request.data.encode(), seconds))
        except TransportError as exc:
            raise TencentCloudSDKException(exc.code, exc.detail) from exc
        return SimpleNamespace(
            status_code=response.status_code,
            headers={"Content-Type": response.headers.get("content-type", "")},
            content=response.content,
        )


def _client(credentials: Credentials, region: str, port: int | None) -> ScfClient:
    http = HttpProfile(reqTimeout=REQUEST_SECONDS)
    if port is not None:
        http = HttpProfile(protocol="http", endpoint=f"127.0.0.1:{port}", reqTimeout=REQUEST_SECONDS)
    credential = Credential(credentials.secret_id, credentials.secret_key, credentials.token)
    return ScfClient(credential, region, ClientProfile(httpProfile=http))


def is_permanent(code: str) -> bool:
    """Whether SCF would always respond with this code again."""
    return code.startswith(REFUSALS)


def _is_retryable(exc: Exception) -> bool:
    return isinstance(exc, TencentCloudSDKException) and not is_permanent(str(exc.code))
