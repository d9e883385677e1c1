"""
The session that the COS SDK sends through: what it signs is what is sent.
"""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from qcloud_cos import CosClientError, CosConfig, CosS3Auth, CosS3Client

from cos_sweeper.core.keys import validate_key
from cos_sweeper.cos.sdk_session import Exchange
from cos_sweeper.net.response import Response, TransportError
from cos_sweeper.net.sdk_bridge import run_in_greenlet
from tests.emulator.public import FULL_ACCESS, authenticate, read_call, read_policy
from tests.emulator.public import StoredCredentials as Credentials
from tests.fake_server import READ, RESET, Server, always, answer
from tests.unit.net.transport import AMPLE, BUCKET, HOST, NO_CONTENT, Client, ok

SECRETS = Credentials("AKID", "secret", read_policy(FULL_ACCESS), "token", datetime.now(timezone.utc) + timedelta(1))


def configuration() -> CosConfig:
    return CosConfig(
        Region="ap-guangzhou",
        SecretId=SECRETS.secret_id,
        SecretKey=SECRETS.secret_key,
        Token=SECRETS.token,
        Scheme="http",
    )


def exchange_of(client: Client) -> Exchange:
    return Exchange(client.connections, AMPLE)


def call(client: Client, exchange: Exchange, method: str, **fields: Any) -> None:
    """Call the SDK as the store does."""
    sdk = CosS3Client(configuration(), retry=0, session=exchange)
    client.run(run_in_greenlet(lambda: getattr(sdk, method)(Bucket=BUCKET, **fields)))


def is_signed(request: bytes) -> bool:
    line, *fields = request.partition(b"\r\n\r\n")[0].decode("ascii").split("\r\n")
    method, target, _ = line.split(" ")
    headers = [(name, value) for name, _, value in (field.partition(": ") for field in fields)]
    return (
        authenticate(read_call(method, target, headers), {SECRETS.secret_id: SECRETS}.get, datetime.now(timezone.utc))
        == SECRETS
    )


@pytest.fixture
def answering() -> Iterator[tuple[Server, Client]]:
    with Server([always(lambda _: NO_CONTENT)]) as server, closing(Client(server.port)) as client:
        yield server, client


@given(st.text(min_size=1, max_size=60).filter(lambda key: validate_key(key, "1") is None))
@example("a/../b/./c//d/ ")
@example("%2F+?uploads=&x#y;z\r\n\x00\t")
@example("目录/猫🐈\u202e.jpg")
def test_key_arrives_as_the_sdk_signed_it(answering: tuple[Server, Client], key: str) -> None:
    server, client = answering

    call(client, exchange_of(client), "abort_multipart_upload", Key=key, UploadId="1")

    request = server.peers[0].requests[-1]
    path, _, query = request.split(b" ")[1].partition(b"?")
    assert configuration().uri(bucket=BUCKET, path=key) == f"http://{HOST}{path.decode()}"
    assert unquote_to_bytes(path) == b"/" + key.encode()
    assert query == b"uploadId=1"
    assert is_signed(request)


@given(st.text(max_size=60))
@example("a b+c%20&=?/#~*'\r\n")
def test_parameter_arrives_as_the_sdk_signed_it(answering: tuple[Server, Client], value: str) -> None:
    server, client = answering
    exchange = exchange_of(client)
    params = {"uploads": "", "prefix": value}

    client.run(
        run_in_greenlet(
            lambda: exchange.get(
                f"http://{HOST}/",
                headers={"x-cos-security-token": SECRETS.token},
                auth=CosS3Auth(configuration(), params=params),
                params=params,
                timeout=1,
                proxies={"http": "http://127.0.0.1:1"},
                allow_redirects=True,
                verify=False,
            )
        )
    )

    request = server.peers[0].requests[-1]
    assert request.split(b" ")[1].decode() == f"/?uploads=&prefix={quote(value, safe='-_.~')}"
    assert is_signed(request)


def test_body_arrives_as_the_sdk_signed_it(answering: tuple[Server, Client]) -> None:
    server, client = answering

    call(client, exchange_of(client), "put_object", Key="k", Body=b"a\r\n\xff", ContentType="text/plain; charset=utf-8")

    request = server.peers[0].requests[-1]
    assert request.endswith(b"\r\n\r\na\r\n\xff")
    assert request.lower().count(b"content-length: 4\r\n") == request.lower().count(b"content-length") == 1
    assert is_signed(request)


def test_exchange_keeps_the_response_and_the_error_that_the_sdk_drops() -> None:
    with Server([answer(ok("one", "X-Cos-Request-Id: 7"))], [READ, RESET]) as server:
        with closing(Client(server.port)) as client:
            good = exchange_of(client)
            call(client, good, "abort_multipart_upload", Key="k", UploadId="1")
        with closing(Client(server.port)) as client:
            bad = exchange_of(client)
            with pytest.raises(CosClientError):
                call(client, bad, "abort_multipart_upload", Key="k", UploadId="1")

    assert good.error is None
    assert good.response == Response(200, {"x-cos-request-id": "7", "content-length": "3"}, b"one")
    assert bad.response is None
    assert isinstance(bad.error, TransportError)
    assert bad.error.code == "ConnectionReset"
