"""
TLS: the host proves its name, and everything has an end there, too.
"""

import errno
import ssl
import threading
from contextlib import closing
from datetime import datetime, timezone
from typing import Any

import pytest
import trustme

from cos_sweeper.net import connect, reading
from cos_sweeper.net.response import Response, TransportError
from tests.fake_server import CLOSE, READ, STAY, Peer, Server, Step, answer, drip, pause, say
from tests.unit.net.transport import AMPLE, HEAD, HOST, SHORT, Client, identity, ok, started


def test_tls_connection_names_the_host_and_is_pooled(authority: trustme.CA, roots: str) -> None:
    names: list[str | None] = []
    tls = identity(authority, HOST)
    tls.sni_callback = lambda _sock, name, _context: names.append(name)

    with (
        Server([answer(ok("one")), answer(ok("two"))], tls=tls) as server,
        closing(Client(server.port, roots)) as client,
    ):
        got = [client.get(target, scheme="https").content for target in ("/1", "/2")]

    assert got == [b"one", b"two"]
    assert (server.seen, names) == ([["/1", "/2"]], [HOST])


@pytest.mark.parametrize(
    "certificate",
    [
        {"names": ["other-1250000000.cos.ap-guangzhou.myqcloud.com"]},
        {"names": ["127.0.0.1", "localhost"]},
        {"names": [HOST], "ends": datetime(2020, 1, 1, tzinfo=timezone.utc)},
        {"names": [HOST], "stranger": True},
    ],
    ids=["another_host", "only_the_address", "expired", "unknown_authority"],
)
def test_bad_certificate_stops_the_request(certificate: dict[str, Any], authority: trustme.CA, roots: str) -> None:
    issuer = trustme.CA() if certificate.get("stranger") else authority
    tls = identity(issuer, *certificate["names"], ends=certificate.get("ends"))

    with Server([READ], tls=tls) as server, closing(Client(server.port, roots)) as client:
        code = client.error_code("/secret", scheme="https")

    assert code == "BadCertificate"
    assert [peer.received for peer in server.peers] == [b""]


def test_default_roots_are_the_public_authorities(authority: trustme.CA) -> None:
    with (
        Server([READ], tls=identity(authority, HOST)) as server,
        closing(Client(server.port)) as client,
    ):
        code = client.error_code("/secret", scheme="https")

    assert code == "BadCertificate"
    assert [peer.received for peer in server.peers] == [b""]


def test_plain_http_where_tls_is_expected_is_an_error() -> None:
    with (
        Server([say(b"HTTP/1.1 400 Bad Request\r\n\r\n"), STAY]) as server,
        closing(Client(server.port)) as client,
        pytest.raises(TransportError) as caught,
    ):
        client.get("/secret", scheme="https")

    assert caught.value.code == "ConnectionFailed"
    assert caught.value.detail not in errno.errorcode.values()  # TLS has numbers of its own
    assert b"/secret" not in server.peers[0].received


def test_plain_connection_is_not_used_for_tls() -> None:
    with (
        Server([answer(ok("one")), STAY], [say(b"no TLS"), STAY]) as server,
        closing(Client(server.port)) as client,
    ):
        client.get("/1")
        code = client.error_code("/secret", scheme="https")

    assert code == "ConnectionFailed"
    assert server.seen == [["/1"], []]


def test_decrypted_bytes_are_read_before_the_socket_is_readable(
    authority: trustme.CA, roots: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "READ_BYTES", 1)

    with (
        Server([answer(ok("one")), STAY], tls=identity(authority, HOST)) as server,
        closing(Client(server.port, roots)) as client,
    ):
        got = client.get("/", scheme="https")

    assert got.content == b"one"


def test_tls_request_that_is_read_late_is_sent_whole(authority: trustme.CA, roots: str) -> None:
    go_on, body = threading.Event(), bytes(range(256)) * (16 << 12)

    with (
        Server([answer(ok()), pause(go_on), answer(ok("one"))], tls=identity(authority, HOST)) as server,
        closing(Client(server.port, roots)) as client,
    ):
        client.get("/", scheme="https")

        async def put() -> Response:
            task = await started(client.connections.send("PUT", f"https://{HOST}/k", {}, body, AMPLE))
            go_on.set()
            return await task

        got = client.run(put())

    assert got.content == b"one"
    assert server.peers[0].requests[1].endswith(b"\r\n\r\n" + body)


def test_tls_response_that_is_large_is_read_whole(authority: trustme.CA, roots: str) -> None:
    raw = ok("abcdefgh" * (1 << 18))

    with (
        Server([answer(raw)], tls=identity(authority, HOST)) as server,
        closing(Client(server.port, roots)) as client,
    ):
        got = client.get("/", scheme="https")

    assert raw.endswith(b"\r\n\r\n" + got.content)


@pytest.mark.parametrize("script", [[STAY], [READ, drip(HEAD, b"a")]], ids=["no_handshake", "dripping_head"])
def test_tls_handshake_and_response_time_out(
    script: list[Step], authority: trustme.CA, roots: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "CONNECT_SECONDS", 3600.0)
    tls = identity(authority, HOST) if len(script) > 1 else None

    with Server(script, tls=tls) as server, closing(Client(server.port, roots)) as client:
        code = client.error_code("/", SHORT, scheme="https")

    assert code == ("ReadTimeout" if tls else "ConnectTimeout")


@pytest.mark.parametrize("announced", [True, False], ids=["close_notify", "cut"])
def test_tls_response_without_a_length_ends_only_with_an_announced_end(
    announced: bool,  # noqa: FBT001
    authority: trustme.CA,
    roots: str,
) -> None:
    end = UNWRAP if announced else CLOSE

    with (
        Server([READ, say(HEAD + b"\r\none"), end], tls=identity(authority, HOST)) as server,
        closing(Client(server.port, roots)) as client,
    ):
        if announced:
            assert client.get("/", scheme="https").content == b"one"
        else:
            assert client.error_code("/", scheme="https") == "ConnectionReset"


def UNWRAP(peer: Peer) -> None:  # noqa: N802 - a step without arguments is a word of the script
    """End TLS properly, and the connection."""
    assert isinstance(peer.sock, ssl.SSLSocket)
    peer.sock.unwrap()
    peer.sock.close()
