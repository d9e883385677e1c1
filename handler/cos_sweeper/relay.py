"""
The function invoking itself. The only module that imports `tencentcloud`.

Asynchronously, so that SCF's queue, its retries and its dead letters are the engine. An invocation whose answer was
lost is sent again and may then run twice, which is harmless.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.scf.v20180416.models import InvokeRequest
from tencentcloud.scf.v20180416.scf_client import ScfClient

from cos_sweeper.errors import NotHandedOn
from cos_sweeper.retry import persist
from cos_sweeper.settings import Credentials

REQUEST_SECONDS = 3
LONGEST_PAUSE_SECONDS = 2.0
# Documented: 100 invocations a second.
SECONDS_BETWEEN = 0.011
# What SCF will say again. Anything else, broken answers too, whose codes are names of Python's errors, may pass.
REFUSALS = ("AuthFailure", "Unauthorized", "InvalidParameter", "MissingParameter", "ResourceNotFound", "Unsupported")

# At DEBUG the SDK logs whole requests, the token among them.
logging.getLogger("tencentcloud_sdk_common").disabled = True


@dataclass(frozen=True, slots=True)
class Function:
    """Who to invoke: this function, as the context tells."""

    name: str
    namespace: str
    qualifier: str
    region: str


class Relay:
    """
    Invokes a function asynchronously.

    left: seconds until the run must be over. port: an SCF on this machine, None for the cloud.
    """

    def __init__(
        self,
        credentials: Credentials,
        function: Function,
        left: Callable[[], float],
        *,
        port: int | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._function = function
        self._left = left
        self._sleep = sleep
        self._client = _client(credentials, function.region, port)

    def hand_on(self, checkpoints: Sequence[str]) -> None:
        """Invoke the function once for each, not more than 100 a second. Raises NotHandedOn at the first that fails."""
        for accepted, checkpoint in enumerate(checkpoints):
            if accepted:
                self._sleep(SECONDS_BETWEEN)
            try:
                self._persist(checkpoint)
            except TencentCloudSDKException as exc:
                raise NotHandedOn(str(exc.code), accepted) from exc

    def _persist(self, checkpoint: str) -> None:
        """The SDK's own retryer raises the old error after a later success; it stays off, which is its default."""
        persist(
            lambda: self._invoke(checkpoint),
            _may_pass,
            lambda: self._left() - REQUEST_SECONDS,
            self._sleep,
            LONGEST_PAUSE_SECONDS,
        )

    def _invoke(self, checkpoint: str) -> None:
        request = InvokeRequest()
        request.FunctionName = self._function.name
        request.Namespace = self._function.namespace
        request.Qualifier = self._function.qualifier
        request.InvocationType = "Event"
        request.ClientContext = checkpoint
        self._client.Invoke(request)


def _client(credentials: Credentials, region: str, port: int | None) -> ScfClient:
    http = HttpProfile(reqTimeout=REQUEST_SECONDS, keepAlive=True)
    if port is not None:
        http = HttpProfile(protocol="http", endpoint=f"127.0.0.1:{port}", reqTimeout=REQUEST_SECONDS, keepAlive=True)
    role = Credential(credentials.secret_id, credentials.secret_key, credentials.token)
    client = ScfClient(role, region, ClientProfile(httpProfile=http))
    session = client.request.conn._session
    # No proxy that nobody asked for, and no redirect: it would carry the token somewhere else.
    session.trust_env = False
    session.max_redirects = 0
    return client


def _may_pass(exc: Exception) -> bool:
    return isinstance(exc, TencentCloudSDKException) and not str(exc.code).startswith(REFUSALS)
