"""
Signed requests to the emulated STS and Cloud Monitor, by the official SDK's common client.
"""

from typing import Any

import pytest
from tencentcloud.common.common_client import CommonClient
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile

from tests.emulator.client import Cloud, Credentials

VERSIONS = {"sts": "2018-08-13", "monitor": "2018-07-24"}


def api(
    cloud: Cloud,
    service: str,
    action: str,
    given: dict[str, Any],
    credentials: Credentials | None = None,
    *,
    region: str = "ap-guangzhou",
    version: str = "",
) -> dict[str, Any]:
    """Send a request, by default as the owner; returns the answer."""
    who = credentials or cloud.owner
    http = HttpProfile(protocol="http", endpoint=cloud.api_endpoint.removeprefix("http://"))
    credential = Credential(who.secret_id, who.secret_key, who.token)
    client = CommonClient(service, version or VERSIONS[service], credential, region, ClientProfile(httpProfile=http))
    response: dict[str, Any] = client.call_json(action, given)["Response"]
    return response


def code(cloud: Cloud, service: str, action: str, given: dict[str, Any], *more: Any, **options: Any) -> str:
    """The code with which a request is rejected."""
    with pytest.raises(TencentCloudSDKException) as rejected:
        api(cloud, service, action, given, *more, **options)
    return str(rejected.value.code)
