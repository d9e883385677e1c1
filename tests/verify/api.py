"""
Requests to the other services of the cloud, through their common SDK: only these actions, and none of them changes
anything. An asynchronous Invoke carries an event that the function ignores.
"""

import json
from typing import Any

from tencentcloud.common.common_client import CommonClient
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile

from cos_sweeper.core.settings import Credentials
from cos_sweeper.net.sdk_bridge import run_in_greenlet
from cos_sweeper.scf.invoker import HttpAdapter
from tests.verify.outcome import CannotTell, OutOfBounds
from tests.verify.world import World

VERSIONS = {"sts": "2018-08-13", "scf": "2018-04-16"}
ACTIONS = {"GetFederationToken", "GetFunction", "Invoke"}
REQUEST_SECONDS = 15.0


class ApiError(CannotTell):
    """The service refused; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def require(world: World, service: str) -> int | None:
    """The port of the service, None for the cloud. Raises CannotTell where there is no such service."""
    port = world.options.api_ports.get(service)
    if port is None and world.options.is_local:
        raise CannotTell(f"a COS on this machine has no {service} beside it")
    return port


async def call(
    world: World,
    service: str,
    action: str,
    params: dict[str, Any],
    *,
    region: str = "",
    credentials: Credentials | None = None,
) -> dict[str, Any]:
    """The `Response` of one request. Raises ApiError, CannotTell."""
    if action not in ACTIONS:
        raise OutOfBounds(f"{action} is no action of this program")
    port, given = require(world, service), credentials or world.options.credentials
    http = HttpAdapter(port, lambda: REQUEST_SECONDS, REQUEST_SECONDS)
    profile = HttpProfile(reqTimeout=int(REQUEST_SECONDS))
    if port is not None:
        profile = HttpProfile(protocol="http", endpoint=f"127.0.0.1:{port}", reqTimeout=int(REQUEST_SECONDS))
    credential = Credential(given.secret_id, given.secret_key, given.token or None)
    client = CommonClient(
        service, VERSIONS[service], credential, region or world.bucket.region, ClientProfile(httpProfile=profile)
    )
    client.request = http
    try:
        raw = await run_in_greenlet(lambda: client.call(action, params))
    except TencentCloudSDKException as exc:
        raise ApiError(str(exc.code) or "Unknown") from exc
    finally:
        http.close()
    response: dict[str, Any] = json.loads(raw)["Response"]
    return response
