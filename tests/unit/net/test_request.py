"""
What is sent: exactly the request that was given, once, or nothing.
"""

import threading
from contextlib import closing
from typing import Any

import pytest

from cos_sweeper.net.response import Response, TransportError
from tests.fake_server import Server, always, answer, pause
from tests.unit.net.transport import AMPLE, HOST, NO_CONTENT, SHORT, Client, ok, resolve, started


def test_request_is_sent_as_given() -> None:
    with Server([answer(NO_CONTENT)]) as server, closing(Client(server.port)) as client:
        client.send(
            "DELETE", f"http://{HOST}/a%20b/../c/.//d?uploadId=1", {"X-Text": "a", "x-bytes": b"b"}, None, AMPLE
        )

    assert (
        server.peers[0].received
        == (f"DELETE /a%20b/../c/.//d?uploadId=1 HTTP/1.1\r\nHost: {HOST}\r\nX-Text: a\r\nx-bytes: b\r\n\r\n").encode()
    )


@pytest.mark.parametrize("body", [b"", b"\r\n\x00body"], ids=["empty", "bytes"])
def test_request_body_is_sent_with_its_length(body: bytes) -> None:
    with Server([answer(ok())]) as server, closing(Client(server.port)) as client:
        client.put("/k", body)

    head = f"PUT /k HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {len(body)}\r\n\r\n"
    assert server.peers[0].received == head.encode() + body


def test_request_ignores_proxies_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        Server([always(lambda _: NO_CONTENT)]) as proxy,
        Server([always(lambda _: NO_CONTENT)]) as server,
        closing(Client()) as client,
    ):
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            monkeypatch.setenv(name.lower(), f"http://127.0.0.1:{proxy.port}")
        resolve(monkeypatch, server.port)
        client.get("/k?uploadId=1")

    assert (server.seen, proxy.seen) == ([["/k?uploadId=1"]], [])


@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        ("GET", "", {}),
        ("GET", "/a b", {}),
        ("GET", "/a\n", {}),
        ("GET", "/a\r", {}),
        ("GET", "/a HTTP/1.1\r\nHost: other", {}),
        ("GET /x", "/a", {}),
        ("GET", "/é", {}),
        ("GET", "/", {"X": "a\r\nY: b"}),
        ("GET", "/", {"X": "a\nY: b"}),
        ("GET", "/", {"X": "a\rY: b"}),
        ("GET", "/", {"X": b"a\r\n\r\nGET / HTTP/1.1"}),
        ("GET", "/", {"X: a\r\nY": "b"}),
        ("GET", "/", {"X": "é"}),
    ],
)
def test_request_that_would_not_be_exactly_one_is_not_sent(method: str, target: str, headers: dict[str, Any]) -> None:
    with Server() as server, closing(Client(server.port)) as client, pytest.raises(ValueError):  # noqa: PT011
        client.send(method, f"http://{HOST}{target}", headers, None, AMPLE)

    assert server.peers == []


def test_request_that_the_server_does_not_read_times_out() -> None:
    go_on = threading.Event()

    with Server([pause(go_on)]) as server, closing(Client(server.port)) as client:
        with pytest.raises(TransportError) as caught:
            client.put("/", bytes(16 << 20), SHORT)
        go_on.set()

    assert caught.value.code == "ReadTimeout"


def test_request_that_is_read_late_is_sent_whole() -> None:
    go_on, body = threading.Event(), bytes(16 << 20)

    with (
        Server([pause(go_on), answer(ok("one"))]) as server,
        closing(Client(server.port)) as client,
    ):

        async def put() -> Response:
            task = await started(client.connections.send("PUT", f"http://{HOST}/", {}, body, AMPLE))
            go_on.set()
            return await task

        got = client.run(put())

    assert got.content == b"one"
    assert len(server.peers[0].requests[0]) > len(body)


def test_request_without_time_fails() -> None:
    with Server([answer(ok())]) as server, closing(Client(server.port)) as client:
        code = client.error_code("/", 0.0)

    assert code == "ConnectTimeout"
