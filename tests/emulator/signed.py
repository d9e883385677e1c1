"""
One signed request to the emulator over HTTP, and its response with every byte and header.

The official SDK signs it and does nothing else: no retry, no pool, no parser.
"""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

import requests
from qcloud_cos import CosConfig, CosS3Auth

from tests.emulator.client import Cloud, Credentials


@dataclass(frozen=True, slots=True)
class Response:
    """A response as it came. Header names are lower-case."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The body; bytes that are not UTF-8 are escaped as `surrogateescape` does."""
        return self.body.decode("utf-8", "surrogateescape")


def send(
    cloud: Cloud,
    method: str,
    bucket: str,
    key: str = "",
    params: Mapping[str, str] | None = None,
    *,
    credentials: Credentials | None = None,
    region: str = "ap-guangzhou",
    body: bytes | None = None,
    timeout_seconds: float = 20,
) -> Response:
    """Send a request, by default with the role's credentials; `TimeoutError` if no response comes in time."""
    credentials, params = credentials or cloud.role, dict(params or {})
    host = f"{bucket}.cos.{region}.myqcloud.com"
    config = CosConfig(
        Region=region, SecretId=credentials.secret_id, SecretKey=credentials.secret_key, Token=credentials.token
    )
    headers = {"Host": host} | ({"x-cos-security-token": credentials.token} if credentials.token else {})
    url = f"http://{host}/{quote(key)}" + ("?" + urlencode(params) if params else "")
    signed = CosS3Auth(config, key, params=params)(requests.Request(method, url, headers, data=body).prepare())
    connection = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=timeout_seconds)
    try:
        connection.request(method, signed.path_url, body, headers=dict(signed.headers))
        response = connection.getresponse()
        return Response(
            response.status, response.read(), {name.lower(): value for name, value in response.getheaders()}
        )
    finally:
        connection.close()
