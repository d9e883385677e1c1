"""
The proxy that leads the cloud's own host names to the emulator, http and https.
"""

import http.client
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from qcloud_cos import CosConfig, CosS3Client
from tencentcloud.common.common_client import CommonClient
from tencentcloud.common.credential import Credential
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile

from tests.emulator.client import Cloud
from tests.emulator.tests.cos_clients import BUCKET, HOST, REGION, receive
from tests.emulator.tests.scf.deployed import deploy

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcfromtimestamp:DeprecationWarning")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls") / "ca.pem"


@pytest.fixture(scope="module", params=[False, True], ids=["http", "tls"])
def proxied(
    request: pytest.FixtureRequest, authority: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cloud]:
    function = deploy(tmp_path_factory.mktemp("function"))
    more: dict[str, Any] = {"tls": authority} if request.param else {}
    with Cloud.start(f"{BUCKET}@{REGION}", function=function, proxy_port=0, **more) as cloud:
        yield cloud


def schemes(cloud: Cloud) -> list[str]:
    return ["http", "https"] if cloud.endpoint.startswith("https") else ["http"]


def test_sdk_reaches_the_buckets_under_their_own_names(
    proxied: Cloud, authority: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority))
    proxies = {"http": proxied.proxy_endpoint, "https": proxied.proxy_endpoint}
    keys = {"SecretId": proxied.owner.secret_id, "SecretKey": proxied.owner.secret_key}

    for scheme in schemes(proxied):
        with requests.Session() as session:
            client = CosS3Client(CosConfig(Region=REGION, Scheme=scheme, Proxies=proxies, **keys), 0, session)
            client.put_object(BUCKET, b"x" * 300_000, scheme)
            assert client.get_object(BUCKET, scheme)["Body"].get_raw_stream().read() == b"x" * 300_000
            assert client.list_buckets()["Buckets"]["Bucket"][0]["Name"] == BUCKET

    assert {each.host for each in proxied.requests()} == {HOST, "service.cos.myqcloud.com"}


@pytest.mark.parametrize(
    ("service", "version", "action", "code"),
    [
        ("sts", "2018-08-13", "AssumeRole", "MissingParameter"),
        ("scf", "2018-04-16", "Invoke", "MissingParameter"),
    ],
)
def test_sdk_reaches_the_api_under_its_own_names(
    service: str, version: str, action: str, code: str, proxied: Cloud, authority: Path
) -> None:
    for scheme in schemes(proxied):
        http = HttpProfile(protocol=scheme, proxy=proxied.proxy_endpoint, certification=str(authority))
        profile = ClientProfile(httpProfile=http)
        credential = Credential(proxied.owner.secret_id, proxied.owner.secret_key)
        client = CommonClient(service, version, credential, "ap-guangzhou", profile)

        with pytest.raises(Exception, match=code):
            client.call_json(action, {})


def test_proxy_leads_nowhere_else(proxied: Cloud) -> None:
    host, _, port = proxied.proxy_endpoint.removeprefix("http://").partition(":")
    for target in ("http://example.com/", "http://127.0.0.1:1/", "/relative", "http://myqcloud.com.example.com/"):
        connection = http.client.HTTPConnection(host, int(port), timeout=20)
        connection.request("GET", target)
        response = connection.getresponse()
        assert (response.status, b"leads to no" in response.read()) == (502, True)
        connection.close()
    tunnel = http.client.HTTPSConnection(host, int(port), timeout=20, context=ssl.create_default_context())
    tunnel.set_tunnel("example.com", 443)
    with pytest.raises(OSError, match="502"):
        tunnel.request("GET", "/")


def test_target_that_is_no_address_leads_nowhere(proxied: Cloud) -> None:
    host, _, port = proxied.proxy_endpoint.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(b"GET http://[x/ HTTP/1.1\r\n\r\n")

        assert receive(connection).startswith(b"HTTP/1.1 502 ")


def test_request_that_never_ends_is_no_trouble_for_others(proxied: Cloud) -> None:
    host, _, port = proxied.proxy_endpoint.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as unfinished:
        unfinished.sendall(b"GET http")

        test_proxy_leads_nowhere_else(proxied)


def test_each_request_of_plain_http_is_led_by_its_own_host(proxied: Cloud) -> None:
    host, _, port = proxied.proxy_endpoint.removeprefix("http://").partition(":")
    targets = (f"http://{HOST}/a", "http://sts.tencentcloudapi.com/", "http://example.com/")
    heads = [f"GET {each} HTTP/1.1\r\nHost: {each.split('/')[2]}\r\n\r\n" for each in targets]
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall("".join(heads).encode())
        received = receive(connection)

    assert received.count(b"HTTP/1.1 ") == 1
    assert b"tencent-cos" in received
    assert b"\r\nConnection: close\r\n" in received
