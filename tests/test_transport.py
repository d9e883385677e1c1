"""
The transport's promises, over real sockets: what is an answer and what is none, and that everything has an end.
"""

import errno
import resource
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import pytest
import trustme
from hypothesis import example, given
from hypothesis import strategies as st
from qcloud_cos import CosClientError, CosConfig, CosS3Auth, CosS3Client

from cos_sweeper.core.keys import validate_key
from cos_sweeper.cos.sdk_session import Exchange
from cos_sweeper.net import client as http
from cos_sweeper.net import connection
from cos_sweeper.net.client import MAX_IDLE_SECONDS, Connections
from cos_sweeper.net.connection import Answer, TransportError
from cos_sweeper.net.turns import Crew, Task, in_thread
from tests.emulator.cam import FULL_ACCESS, Credentials, read_policy
from tests.emulator.signature import authenticate
from tests.emulator.wire import read_call
from tests.scripted import CLOSE, READ, RESET, STAY, Server, Step, always, answer, drip, pause, say, tell

BUCKET = "bucket-1250000000"
HOST = f"{BUCKET}.cos.ap-guangzhou.myqcloud.com"
# Enough for whatever is expected to succeed, and all there is for what is expected to be given up.
AMPLE, SHORT = 8.0, 0.1


def ok(body: str = "", *headers: str, version: str = "1.1") -> bytes:
    lines = (f"HTTP/{version} 200 OK", *headers, f"Content-Length: {len(body)}", "", body)
    return "\r\n".join(lines).encode()


NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


def get(connections: Connections, target: str, seconds: float = AMPLE, *, scheme: str = "http") -> Answer:
    return connections.send("GET", f"{scheme}://{HOST}{target}", {}, None, seconds)


def put(connections: Connections, target: str, body: bytes, seconds: float = AMPLE) -> Answer:
    return connections.send("PUT", f"http://{HOST}{target}", {}, body, seconds)


def trouble(connections: Connections, target: str, seconds: float = AMPLE, *, scheme: str = "http") -> str:
    """The code of the trouble that a request ends with."""
    with pytest.raises(TransportError) as caught:
        get(connections, target, seconds, scheme=scheme)
    return caught.value.code


# What goes out, and what comes back


def test_a_request_goes_out_as_it_was_given() -> None:
    with Server([answer(NO_CONTENT)]) as server, closing(Connections(server.port)) as connections:
        connections.send(
            "DELETE", f"http://{HOST}/a%20b/../c/.//d?uploadId=1", {"X-Text": "a", "x-bytes": b"b"}, None, AMPLE
        )

    assert (
        server.peers[0].heard
        == (f"DELETE /a%20b/../c/.//d?uploadId=1 HTTP/1.1\r\nHost: {HOST}\r\nX-Text: a\r\nx-bytes: b\r\n\r\n").encode()
    )


@pytest.mark.parametrize("body", [b"", b"\r\n\x00body"], ids=["empty", "bytes"])
def test_a_body_goes_out_with_its_length(body: bytes) -> None:
    with Server([answer(ok())]) as server, closing(Connections(server.port)) as connections:
        put(connections, "/k", body)

    head = f"PUT /k HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {len(body)}\r\n\r\n"
    assert server.peers[0].heard == head.encode() + body


def test_an_answer_is_read_whole() -> None:
    said = b"HTTP/1.1 403 Forbidden\r\nX-Cos-Request-Id: 7\r\nVary: a\r\nVARY: b\r\nContent-Length: 5\r\n\r\n\xffbody"

    with Server([answer(said)]) as server, closing(Connections(server.port)) as connections:
        got = get(connections, "/")

    headers = {"x-cos-request-id": "7", "vary": "a, b", "content-length": "5"}
    assert got == Answer(403, headers, b"\xffbody")
    assert got.text == "\ufffdbody"


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\non\r\n1;x=y\r\ne\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\nX-A: 1\r\n\r\n" + ok("one"),
        b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + ok("one"),
    ],
    ids=["chunked", "100_before", "103_and_100_before"],
)
def test_what_http_allows_before_and_inside_an_answer_is_not_its_content(said: bytes) -> None:
    with Server([answer(said), answer(ok("two"))]) as server, closing(Connections(server.port)) as connections:
        got = get(connections, "/1")
        get(connections, "/2")

    assert (got.status_code, got.content, "x-a" in got.headers) == (200, b"one", False)
    assert server.seen == [["/1", "/2"]]


def test_an_offer_to_upgrade_is_not_taken() -> None:
    said = ok("one", "Connection: Upgrade", "Upgrade: h2,h2c")

    with Server([answer(said), answer(ok("two"))]) as server, closing(Connections(server.port)) as connections:
        got = [get(connections, target).content for target in ("/1", "/2")]

    assert got == [b"one", b"two"]


def test_an_answer_that_comes_byte_by_byte_is_the_same_answer() -> None:
    said = b"HTTP/1.1 100 Continue\r\n\r\n" + ok("one", "X-A: 1")
    bytes_alone: list[Step] = [say(said[number : number + 1]) for number in range(len(said))]

    with Server([READ, *bytes_alone, STAY]) as server, closing(Connections(server.port)) as connections:
        got = get(connections, "/")

    assert got == Answer(200, {"x-a": "1", "content-length": "3"}, b"one")


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_is_whole_with_its_head(status: int) -> None:
    said = f"HTTP/1.1 {status} -\r\n\r\n".encode()

    with Server([answer(said), answer(said)]) as server, closing(Connections(server.port)) as connections:
        statuses = [get(connections, target).status_code for target in ("/1", "/2")]

    assert statuses == [status, status]
    assert server.seen == [["/1", "/2"]]


def test_an_answer_that_tells_no_length_ends_with_the_connection() -> None:
    said = b"HTTP/1.1 200 OK\r\n\r\n"

    with (
        Server([READ, say(said + b"on"), say(b"e"), CLOSE], [answer(ok("two"))]) as server,
        closing(Connections(server.port)) as connections,
    ):
        got = [get(connections, target).content for target in ("/1", "/2")]

    assert got == [b"one", b"two"]
    assert server.seen == [["/1"], ["/2"]]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_followed_nowhere(status: int) -> None:
    with Server([always(lambda _: ok())]) as elsewhere:
        said = f"HTTP/1.1 {status} -\r\nLocation: http://127.0.0.1:{elsewhere.port}/2\r\nContent-Length: 0\r\n\r\n"
        with Server([answer(said.encode())]) as server, closing(Connections(server.port)) as connections:
            got = get(connections, "/1")

    assert got.status_code == status
    assert (server.seen, elsewhere.seen) == ([["/1"]], [])


def test_a_proxy_in_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        Server([always(lambda _: NO_CONTENT)]) as proxy,
        Server([always(lambda _: NO_CONTENT)]) as server,
        closing(Connections()) as connections,
    ):
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            monkeypatch.setenv(name.lower(), f"http://127.0.0.1:{proxy.port}")
        resolve(monkeypatch, server.port)
        abort(connections, "k")

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
def test_what_would_not_be_one_request_is_not_sent(method: str, target: str, headers: dict[str, Any]) -> None:
    with Server() as server, closing(Connections(server.port)) as connections, pytest.raises(ValueError):  # noqa: PT011
        connections.send(method, f"http://{HOST}{target}", headers, None, AMPLE)

    assert server.peers == []


# What the SDK sends

SECRETS = Credentials("AKID", "secret", read_policy(FULL_ACCESS), "token", datetime.now(timezone.utc) + timedelta(1))


def configuration() -> CosConfig:
    return CosConfig(
        Region="ap-guangzhou",
        SecretId=SECRETS.secret_id,
        SecretKey=SECRETS.secret_key,
        Token=SECRETS.token,
        Scheme="http",
    )


def client(connections: Connections) -> CosS3Client:
    return CosS3Client(configuration(), retry=0, session=Exchange(connections, AMPLE))


def abort(connections: Connections, key: str) -> None:
    client(connections).abort_multipart_upload(Bucket=BUCKET, Key=key, UploadId="1")


def is_signed(request: bytes) -> bool:
    line, *fields = request.partition(b"\r\n\r\n")[0].decode("ascii").split("\r\n")
    method, target, _ = line.split(" ")
    headers = [(name, value) for name, _, value in (field.partition(": ") for field in fields)]
    call = read_call(method, target, headers)
    return authenticate(call, {SECRETS.secret_id: SECRETS}.get, datetime.now(timezone.utc)) == SECRETS


@pytest.fixture
def answering() -> Iterator[tuple[Server, Connections]]:
    with Server([always(lambda _: NO_CONTENT)]) as server, closing(Connections(server.port)) as connections:
        yield server, connections


@given(st.text(min_size=1, max_size=60).filter(lambda key: validate_key(key, "1") is None))
@example("a/../b/./c//d/ ")
@example("%2F+?uploads=&x#y;z\r\n\x00\t")
@example("目录/猫🐈\u202e.jpg")
def test_every_key_arrives_as_the_sdk_signed_it(answering: tuple[Server, Connections], key: str) -> None:
    server, connections = answering

    abort(connections, key)

    request = server.peers[0].requests[-1]
    path, _, query = request.split(b" ")[1].partition(b"?")
    assert configuration().uri(bucket=BUCKET, path=key) == f"http://{HOST}{path.decode()}"
    assert unquote_to_bytes(path) == b"/" + key.encode()
    assert query == b"uploadId=1"
    assert is_signed(request)


@given(st.text(max_size=60))
@example("a b+c%20&=?/#~*'\r\n")
def test_every_parameter_arrives_as_the_sdk_signed_it(answering: tuple[Server, Connections], value: str) -> None:
    server, connections = answering
    exchange = Exchange(connections, AMPLE)
    params = {"uploads": "", "prefix": value}

    exchange.get(
        f"http://{HOST}/",
        headers={"x-cos-security-token": SECRETS.token},
        auth=CosS3Auth(configuration(), params=params),
        params=params,
        timeout=1,
        proxies={"http": "http://127.0.0.1:1"},
        allow_redirects=True,
        verify=False,
    )

    call = server.peers[0].requests[-1]
    assert call.split(b" ")[1].decode() == f"/?uploads=&prefix={quote(value, safe='-_.~')}"
    assert is_signed(call)


def test_a_body_arrives_as_the_sdk_signed_it(answering: tuple[Server, Connections]) -> None:
    server, connections = answering

    client(connections).put_object(Bucket=BUCKET, Key="k", Body=b"a\r\n\xff", ContentType="text/plain; charset=utf-8")

    request = server.peers[0].requests[-1]
    assert request.endswith(b"\r\n\r\na\r\n\xff")
    assert request.lower().count(b"content-length: 4\r\n") == request.lower().count(b"content-length") == 1
    assert is_signed(request)


def test_what_the_sdk_forgets_the_exchange_remembers() -> None:
    with Server([answer(ok("one", "X-Cos-Request-Id: 7"))], [READ, RESET]) as server:
        with closing(Connections(server.port)) as connections:
            good = Exchange(connections, AMPLE)
            CosS3Client(configuration(), retry=0, session=good).abort_multipart_upload(BUCKET, "k", "1")
        with closing(Connections(server.port)) as connections:
            bad = Exchange(connections, AMPLE)
            with pytest.raises(CosClientError):
                CosS3Client(configuration(), retry=0, session=bad).abort_multipart_upload(BUCKET, "k", "1")

    assert good.trouble is None
    assert good.answer == Answer(200, {"x-cos-request-id": "7", "content-length": "3"}, b"one")
    assert bad.answer is None
    assert isinstance(bad.trouble, TransportError)
    assert bad.trouble.code == "ConnectionFailed"


# TLS


def identity(authority: trustme.CA, *names: str, ends: datetime | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names, not_after=ends).configure_cert(context)
    return context


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def roots(authority: trustme.CA, tmp_path: Path) -> str:
    authority.cert_pem.write_to_path(str(tmp_path / "roots.pem"))
    return str(tmp_path / "roots.pem")


def test_over_tls_the_host_is_named_and_the_connection_kept(authority: trustme.CA, roots: str) -> None:
    names: list[str | None] = []
    tls = identity(authority, HOST)
    tls.sni_callback = lambda _sock, name, _context: names.append(name)

    with (
        Server([answer(ok("one")), answer(ok("two"))], tls=tls) as server,
        closing(Connections(server.port, roots)) as connections,
    ):
        got = [get(connections, target, scheme="https").content for target in ("/1", "/2")]

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
def test_to_whom_cannot_prove_to_be_the_host_nothing_is_sent(
    certificate: dict[str, Any], authority: trustme.CA, roots: str
) -> None:
    issuer = trustme.CA() if certificate.get("stranger") else authority
    tls = identity(issuer, *certificate["names"], ends=certificate.get("ends"))

    with Server([READ], tls=tls) as server, closing(Connections(server.port, roots)) as connections:
        code = trouble(connections, "/secret", scheme="https")

    assert code == "BadCertificate"
    assert [peer.heard for peer in server.peers] == [b""]


def test_unless_told_otherwise_only_public_authorities_are_trusted(authority: trustme.CA) -> None:
    with (
        Server([READ], tls=identity(authority, HOST)) as server,
        closing(Connections(server.port)) as connections,
    ):
        code = trouble(connections, "/secret", scheme="https")

    assert code == "BadCertificate"
    assert [peer.heard for peer in server.peers] == [b""]


def test_plain_http_where_tls_is_expected_is_an_error() -> None:
    with (
        Server([say(b"HTTP/1.1 400 Bad Request\r\n\r\n"), STAY]) as server,
        closing(Connections(server.port)) as connections,
        pytest.raises(TransportError) as caught,
    ):
        get(connections, "/secret", scheme="https")

    assert caught.value.code == "ConnectionFailed"
    assert caught.value.detail not in errno.errorcode.values()  # TLS has numbers of its own
    assert b"/secret" not in server.peers[0].heard


def test_a_plain_and_a_tls_connection_are_not_taken_for_each_other() -> None:
    with (
        Server([answer(ok("one")), STAY], [say(b"no TLS"), STAY]) as server,
        closing(Connections(server.port)) as connections,
    ):
        get(connections, "/1")
        code = trouble(connections, "/secret", scheme="https")

    assert code == "ConnectionFailed"
    assert server.seen == [["/1"], []]


def test_what_tls_has_decrypted_already_is_not_waited_for(
    authority: trustme.CA, roots: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "READ_BYTES", 1)

    with (
        Server([answer(ok("one")), STAY], tls=identity(authority, HOST)) as server,
        closing(Connections(server.port, roots)) as connections,
    ):
        got = get(connections, "/", scheme="https")

    assert got.content == b"one"


def test_a_request_that_is_read_late_is_sent_whole_over_tls(authority: trustme.CA, roots: str) -> None:
    go_on, body = threading.Event(), bytes(range(256)) * (16 << 12)

    with (
        Server([answer(ok()), pause(go_on), answer(ok("one"))], tls=identity(authority, HOST)) as server,
        closing(Connections(server.port, roots)) as connections,
        Crew() as crew,
    ):
        get(connections, "/", scheme="https")
        task = crew.start(lambda: connections.send("PUT", f"https://{HOST}/k", {}, body, AMPLE))
        go_on.set()
        got = task.result()

    assert got.content == b"one"
    assert server.peers[0].requests[1].endswith(b"\r\n\r\n" + body)


def test_large_answers_cross_tls_whole(authority: trustme.CA, roots: str) -> None:
    said = ok("abcdefgh" * (1 << 18))

    with (
        Server([answer(said)], tls=identity(authority, HOST)) as server,
        closing(Connections(server.port, roots)) as connections,
    ):
        got = get(connections, "/", scheme="https")

    assert said.endswith(b"\r\n\r\n" + got.content)


# Everything has an end


def test_a_port_that_takes_no_connection_is_given_up() -> None:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            other = stack.enter_context(socket.socket())
            other.settimeout(0)
            other.connect_ex(listener.getsockname())
        connections = stack.enter_context(closing(Connections(listener.getsockname()[1])))

        with pytest.raises(TransportError) as caught:
            get(connections, "/", SHORT)

    assert (caught.value.code, caught.value.detail) == ("Timeout", "no connection in time")


def test_connecting_has_a_limit_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CONNECT_SECONDS", SHORT)

    with Server([STAY]) as server, closing(Connections(server.port)) as connections:
        code = trouble(connections, "/", 3600, scheme="https")

    assert code == "Timeout"


HEAD = b"HTTP/1.1 200 OK\r\n"
ENDLESS: dict[str, list[Step]] = {
    "silence": [READ, STAY],
    "silence_before_the_request_was_read": [STAY],
    "silence_in_the_head": [READ, say(HEAD), STAY],
    "silence_in_the_body": [READ, say(HEAD + b"Content-Length: 9\r\n\r\nhalf"), STAY],
    "silence_after_100": [READ, say(b"HTTP/1.1 100 Continue\r\n\r\n"), STAY],
    "silence_without_a_length": [READ, say(HEAD + b"\r\nsome"), STAY],
    "dripping_status": [READ, drip(b"HTTP/1.1 200 ", b"O")],
    "dripping_head": [READ, drip(HEAD, b"a")],
    "dripping_headers": [READ, drip(HEAD, b"A: b\r\n")],
    "dripping_body": [READ, drip(HEAD + b"Content-Length: 100000\r\n\r\n", b"a")],
    "dripping_body_without_a_length": [READ, drip(HEAD + b"\r\n", b"a")],
    "dripping_chunks": [READ, drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n")],
    "dripping_trailers": [READ, drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"A: b\r\n")],
    "dripping_100": [READ, drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n")],
    "dripping_empty_lines": [READ, drip(b"", b"\r\n")],
}


@pytest.mark.parametrize("script", ENDLESS.values(), ids=ENDLESS)
def test_an_answer_that_does_not_end_is_given_up_in_time(script: list[Step]) -> None:
    with Server(script) as server, closing(Connections(server.port)) as connections:
        code = trouble(connections, "/", SHORT)

    assert code == "Timeout"
    assert len(server.peers) == 1


@pytest.mark.parametrize("script", ENDLESS.values(), ids=ENDLESS)
def test_a_task_gives_up_an_answer_that_does_not_end(script: list[Step]) -> None:
    with Server(script) as server, closing(Connections(server.port)) as connections, Crew() as crew:
        code = crew.start(lambda: trouble(connections, "/", SHORT)).result()

    assert code == "Timeout"


@pytest.mark.parametrize("script", [[STAY], [READ, drip(HEAD, b"a")]], ids=["no_handshake", "dripping_head"])
def test_tls_has_an_end_too(
    script: list[Step], authority: trustme.CA, roots: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 3600.0)
    tls = identity(authority, HOST) if len(script) > 1 else None

    with Server(script, tls=tls) as server, closing(Connections(server.port, roots)) as connections:
        code = trouble(connections, "/", SHORT, scheme="https")

    assert code == "Timeout"


def test_an_answer_that_always_goes_on_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MAX_ANSWER_BYTES", 1 << 60)
    extension = say(b"a" * (1 << 20))

    with (
        Server([READ, say(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;"), *[extension] * 2000]) as server,
        closing(Connections(server.port)) as connections,
    ):
        code = trouble(connections, "/", SHORT)

    assert code == "Timeout"


def test_a_request_that_nobody_reads_is_given_up() -> None:
    go_on = threading.Event()

    with Server([pause(go_on)]) as server, closing(Connections(server.port)) as connections:
        with pytest.raises(TransportError) as caught:
            put(connections, "/", bytes(16 << 20), SHORT)
        go_on.set()

    assert caught.value.code == "Timeout"


def test_a_request_that_is_read_late_is_sent_whole() -> None:
    go_on, body = threading.Event(), bytes(16 << 20)

    with (
        Server([pause(go_on), answer(ok("one"))]) as server,
        closing(Connections(server.port)) as connections,
        Crew() as crew,
    ):
        task = crew.start(lambda: put(connections, "/", body))
        go_on.set()
        got = task.result()

    assert got.content == b"one"
    assert len(server.peers[0].requests[0]) > len(body)


def test_no_time_is_no_answer() -> None:
    with Server([answer(ok())]) as server, closing(Connections(server.port)) as connections:
        code = trouble(connections, "/", 0.0)

    assert code == "Timeout"


# No answer


CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
BROKEN: dict[str, list[Step]] = {
    "garbage": [say(b"\x00\xff\x00 garbage\r\n\r\n"), STAY],
    "another_protocol": [say(b"SSH-2.0-OpenSSH_9.6\r\n"), STAY],
    "no_head": [say(b"<html>busy</html>\r\n"), STAY],
    "a_request": [say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), STAY],
    "no_status": [say(b"HTTP/1.1 OK\r\n\r\n"), STAY],
    "status_of_two_digits": [say(b"HTTP/1.1 20 OK\r\n\r\n"), STAY],
    "status_of_four_digits": [say(b"HTTP/1.1 2000 OK\r\n\r\n"), STAY],
    "no_version": [say(b"HTTP 200 OK\r\n\r\n"), STAY],
    "unknown_version": [say(b"HTTP/7.3 200 OK\r\nContent-Length: 0\r\n\r\n"), STAY],
    "bare_line_feeds": [say(b"HTTP/1.1 200 OK\nContent-Length: 3\n\none"), STAY],
    "bare_carriage_return": [say(HEAD + b"A: b\rContent-Length: 0\r\n\r\n"), STAY],
    "no_colon": [say(HEAD + b"Content-Length 3\r\n\r\none"), STAY],
    "space_before_the_colon": [say(HEAD + b"Content-Length : 3\r\n\r\none"), STAY],
    "zero_byte_in_a_header": [say(HEAD + b"A: \x00\r\nContent-Length: 0\r\n\r\n"), STAY],
    "length_negative": [say(HEAD + b"Content-Length: -1\r\n\r\n"), STAY],
    "length_absurd": [say(HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n"), STAY],
    "length_no_number": [say(HEAD + b"Content-Length: three\r\n\r\none"), STAY],
    "length_with_more": [say(HEAD + b"Content-Length: 3 4\r\n\r\none"), STAY],
    "lengths_that_differ": [say(HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\none"), STAY],
    "length_twice": [say(HEAD + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\none"), STAY],
    "lengths_in_a_list": [say(HEAD + b"Content-Length: 3, 3\r\n\r\none"), STAY],
    "length_and_chunks": [say(HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), STAY],
    "chunks_and_length": [say(HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"), STAY],
    "chunk_size_no_number": [say(CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n"), STAY],
    "chunk_size_negative": [say(CHUNKED + b"-1\r\nhello\r\n0\r\n\r\n"), STAY],
    "chunk_size_absurd": [say(CHUNKED + b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n"), STAY],
    "chunk_longer_than_told": [say(CHUNKED + b"2\r\nhello\r\n0\r\n\r\n"), STAY],
    "upgrade": [say(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\nPRI"), STAY],
    "end_at_once": [CLOSE],
    "end_in_the_status": [say(b"HTTP/1.1 20"), CLOSE],
    "end_in_the_head": [say(HEAD + b"Content-Length: 0\r\n"), CLOSE],
    "end_after_100": [say(b"HTTP/1.1 100 Continue\r\n\r\n"), CLOSE],
    "end_after_101": [say(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"), CLOSE],
    "end_in_the_body": [say(HEAD + b"Content-Length: 4\r\n\r\none"), CLOSE],
    "end_in_a_chunk": [say(CHUNKED + b"4\r\none"), CLOSE],
    "end_before_the_last_chunk": [say(CHUNKED + b"3\r\none\r\n"), CLOSE],
    "end_in_the_last_chunk": [say(CHUNKED + b"3\r\none\r\n0\r\n"), CLOSE],
    "end_of_an_unknown_encoding": [say(HEAD + b"Transfer-Encoding: gzip\r\n\r\none"), CLOSE],
    "reset_at_once": [RESET],
    "reset_in_the_head": [say(HEAD), RESET],
    "reset_in_the_body": [say(HEAD + b"Content-Length: 4\r\n\r\none"), RESET],
    "reset_without_a_length": [say(HEAD + b"\r\none"), RESET],
}


@pytest.mark.parametrize("script", BROKEN.values(), ids=BROKEN)
def test_what_is_not_clearly_a_whole_answer_is_none(script: list[Step]) -> None:
    with Server([READ, *script]) as server, closing(Connections(server.port)) as connections:
        code = trouble(connections, "/")

    assert code in {"BrokenAnswer", "ConnectionFailed"}
    assert server.seen == [["/"]]


@pytest.mark.parametrize("script", BROKEN.values(), ids=BROKEN)
def test_after_a_broken_answer_the_connection_is_not_used_again(script: list[Step]) -> None:
    with Server([READ, *script], [answer(ok("two"))]) as server, closing(Connections(server.port)) as connections:
        trouble(connections, "/1")
        got = get(connections, "/2")

    assert got.content == b"two"
    assert server.seen == [["/1"], ["/2"]]


@pytest.mark.parametrize(
    "said",
    [
        HEAD + b"A: " + b"b" * 2000,
        HEAD + b"A: b\r\n" * 500,
        b"HTTP/1.1 200 " + b"O" * 2000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 100,
        b"HTTP/1.1 100 Continue\r\nA: " + b"b" * 2000,
        b"\r\n" * 1000,
    ],
    ids=["header", "headers", "status", "100s", "100", "empty_lines"],
)
def test_a_head_that_is_too_large_is_given_up(said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MAX_HEAD_BYTES", 1000)

    with Server([READ, say(said), STAY]) as server, closing(Connections(server.port)) as connections:
        code = trouble(connections, "/")

    assert code == "AnswerTooLarge"


@pytest.mark.parametrize(
    "said",
    [
        HEAD + b"Content-Length: 10000\r\n\r\n" + b"a" * 5001,
        HEAD + b"\r\n" + b"a" * 5001,
        CHUNKED + b"1\r\na\r\n" * 1000,
        CHUNKED + b"1;" + b"a" * 5001,
        CHUNKED + b"0\r\n" + b"A: b\r\n" * 1000,
    ],
    ids=["length", "no_length", "one_byte_chunks", "chunk_extension", "trailers"],
)
def test_an_answer_that_is_too_large_is_given_up(said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MAX_ANSWER_BYTES", 5000)

    with Server([READ, say(said), STAY]) as server, closing(Connections(server.port)) as connections:
        code = trouble(connections, "/")

    assert code == "AnswerTooLarge"


def test_an_answer_of_the_greatest_size_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    said = ok("a" * 3000)
    monkeypatch.setattr(connection, "MAX_HEAD_BYTES", 1000)
    monkeypatch.setattr(connection, "MAX_ANSWER_BYTES", len(said))

    with Server([answer(said)]) as server, closing(Connections(server.port)) as connections:
        got = get(connections, "/")

    assert len(got.content) == 3000


# Kept connections


def test_a_connection_serves_one_request_after_another() -> None:
    with Server([always(lambda _: ok())]) as server, closing(Connections(server.port)) as connections:
        for target in ("/1", "/2", "/3"):
            get(connections, target)

    assert server.seen == [["/1", "/2", "/3"]]


@pytest.mark.parametrize(
    ("script", "first_sees"),
    [
        ([answer(ok()), CLOSE], ["/1"]),
        ([answer(ok("", "Connection: close")), CLOSE], ["/1"]),
        ([answer(ok("", "Connection: close")), STAY], ["/1"]),
        ([answer(ok()), READ, CLOSE], ["/1", "/2"]),
        ([answer(ok()), READ, RESET], ["/1", "/2"]),
    ],
    ids=["closed", "closed_as_told", "told_to_close", "closed_when_used", "reset_when_used"],
)
def test_a_kept_connection_that_ends_without_a_word_is_replaced(script: list[Step], first_sees: list[str]) -> None:
    with Server(script, [answer(ok("two"))]) as server, closing(Connections(server.port)) as connections:
        get(connections, "/1")
        got = get(connections, "/2")

    assert got.content == b"two"
    assert server.seen == [first_sees, ["/2"]]


@pytest.mark.parametrize("end", [CLOSE, RESET], ids=["closed", "reset"])
def test_a_connection_that_ended_while_idle_is_not_used_again(end: Step) -> None:
    go_on = threading.Event()

    with (
        Server([answer(ok()), pause(go_on), end], [answer(ok("two"))]) as server,
        closing(Connections(server.port)) as connections,
    ):
        get(connections, "/1")
        go_on.set()
        server.peers[0].closed.wait()
        got = get(connections, "/2")

    assert got.content == b"two"
    assert server.seen == [["/1"], ["/2"]]


def test_a_tls_connection_that_ended_while_idle_is_not_used_again(authority: trustme.CA, roots: str) -> None:
    go_on = threading.Event()

    with (
        Server([answer(ok()), pause(go_on)], [answer(ok("two"))], tls=identity(authority, HOST)) as server,
        closing(Connections(server.port, roots)) as connections,
    ):
        get(connections, "/1", scheme="https")
        go_on.set()
        server.peers[0].closed.wait()
        got = get(connections, "/2", scheme="https")

    assert got.content == b"two"
    assert server.seen == [["/1"], ["/2"]]


@pytest.mark.parametrize("end", [CLOSE, RESET], ids=["closed", "reset"])
def test_a_request_is_sent_a_second_time_and_no_third(end: Step) -> None:
    with Server([answer(ok()), READ, end], [READ, end]) as server, closing(Connections(server.port)) as connections:
        get(connections, "/1")
        code = trouble(connections, "/2")

    assert code == "ConnectionFailed"
    assert server.seen == [["/1", "/2"], ["/2"]]


@pytest.mark.parametrize(
    ("script", "sees"),
    [([CLOSE], []), ([RESET], []), ([READ, CLOSE], ["/"]), ([READ, RESET], ["/"])],
    ids=["closed_before", "reset_before", "closed_after", "reset_after"],
)
def test_a_fresh_connection_that_ends_without_a_word_is_an_error(script: list[Step], sees: list[str]) -> None:
    with Server(script, [answer(ok())]) as server, closing(Connections(server.port)) as connections:
        code = trouble(connections, "/")

    assert code == "ConnectionFailed"
    assert server.seen == [sees]


def test_a_request_that_was_not_answered_in_time_is_not_sent_again() -> None:
    with (
        Server([answer(ok()), READ, STAY], [answer(ok())]) as server,
        closing(Connections(server.port)) as connections,
    ):
        get(connections, "/1")
        code = trouble(connections, "/2", SHORT)

    assert code == "Timeout"
    assert server.seen == [["/1", "/2"]]


@pytest.mark.parametrize("part", [b"H", HEAD, HEAD + b"Content-Length: 4\r\n\r\none"], ids=["byte", "head", "body"])
@pytest.mark.parametrize("end", [CLOSE, RESET], ids=["closed", "reset"])
def test_a_request_that_was_answered_in_part_is_not_sent_again(part: bytes, end: Step) -> None:
    with (
        Server([answer(ok()), READ, say(part), end], [answer(ok())]) as server,
        closing(Connections(server.port)) as connections,
    ):
        get(connections, "/1")
        code = trouble(connections, "/2")

    assert code == "ConnectionFailed"
    assert server.seen == [["/1", "/2"]]


def test_a_kept_connection_that_answers_garbage_is_not_replaced() -> None:
    with (
        Server([answer(ok()), READ, say(b"garbage\r\n\r\n"), STAY], [answer(ok())]) as server,
        closing(Connections(server.port)) as connections,
    ):
        get(connections, "/1")
        code = trouble(connections, "/2")

    assert code == "BrokenAnswer"
    assert server.seen == [["/1", "/2"]]


@dataclass
class Clock:
    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(http, "_now", clock)
    return clock


@pytest.mark.parametrize(
    ("seconds", "seen"),
    [(MAX_IDLE_SECONDS, [["/1", "/2"]]), (MAX_IDLE_SECONDS + 1, [["/1"], ["/2"]]), (600.0, [["/1"], ["/2"]])],
    ids=["as_long_as_it_may", "too_long", "ten_minutes"],
)
def test_a_connection_that_was_frozen_for_too_long_is_not_used_again(
    seconds: float, seen: list[list[str]], clock: Clock
) -> None:
    with (
        Server([always(lambda _: ok())], [always(lambda _: ok())]) as server,
        closing(Connections(server.port)) as connections,
    ):
        get(connections, "/1")
        clock.seconds += seconds
        get(connections, "/2")

    assert server.seen == seen


def test_after_a_freeze_all_old_connections_are_closed(clock: Clock) -> None:
    three = Together(3)

    with Server(*three.scripts, [answer(ok()), STAY]) as server, closing(Connections(server.port)) as connections:
        three.get_all(connections)
        clock.seconds += 600
        get(connections, "/new")
        closed = [peer.closed.wait(5) for peer in server.peers[:3]]

    assert closed == [True, True, True]
    assert [peer.targets for peer in server.peers[3:]] == [["/new"]]


@pytest.mark.parametrize("end", [CLOSE, RESET], ids=["closed", "reset"])
def test_many_connections_that_died_at_once_cost_one_more_connection(end: Step) -> None:
    go_on = threading.Event()
    five = Together(5, pause(go_on), end)

    with Server(*five.scripts, [always(lambda _: ok())]) as server, closing(Connections(server.port)) as connections:
        five.get_all(connections)
        go_on.set()
        for peer in server.peers:
            peer.closed.wait()
        for target in ("/a", "/b"):
            get(connections, target)

    assert sorted(target for targets in server.seen[:5] for target in targets) == [f"/{number}" for number in range(5)]
    assert server.seen[5:] == [["/a", "/b"]]


def test_many_connections_that_die_when_they_are_used_cost_one_attempt_more() -> None:
    five = Together(5, READ, CLOSE)

    with Server(*five.scripts, [always(lambda _: ok())]) as server, closing(Connections(server.port)) as connections:
        five.get_all(connections)
        get(connections, "/new")

    asked = [targets for targets in server.seen if "/new" in targets]
    assert [len(targets) for targets in asked] == [2, 1]


@pytest.mark.parametrize(
    "said",
    [
        ok("one") + ok("not asked for"),
        ok("one") + b"garbage",
        ok("one") + b"\x00",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n" + ok("not asked for"),
        ok("one", "Connection: close") + ok("not asked for"),
        ok("one") + b"HTTP/1.1 100 Continue\r\n\r\n",
        ok("one") + b"HTTP/1.1 200",
    ],
    ids=["answer", "garbage", "zero", "after_chunks", "after_the_last", "100", "part"],
)
def test_after_more_than_one_answer_the_connection_is_not_used_again(said: bytes) -> None:
    with (
        Server([READ, say(said), STAY], [answer(ok("two"))]) as server,
        closing(Connections(server.port)) as connections,
    ):
        got = [get(connections, target).content for target in ("/1", "/2")]

    assert got == [b"one", b"two"]
    assert server.seen == [["/1"], ["/2"]]


def test_of_two_answers_nothing_of_the_second_is_taken() -> None:
    unasked = b"HTTP/1.1 500 Error\r\nX-Other: 1\r\nContent-Length: 5\r\n\r\nother"

    with Server([READ, say(ok("one") + unasked), STAY]) as server, closing(Connections(server.port)) as connections:
        got = get(connections, "/")

    assert got == Answer(200, {"content-length": "3"}, b"one")


@pytest.mark.parametrize("late", [ok("not asked for"), b"x", b"\r\n"], ids=["answer", "byte", "empty_line"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_late_word_on_an_idle_connection_is_nobodys_answer(
    late: bytes, scheme: str, authority: trustme.CA, roots: str
) -> None:
    go_on, said = threading.Event(), threading.Event()
    tls = identity(authority, HOST) if scheme == "https" else None

    with (
        Server([answer(ok("one")), pause(go_on), say(late), tell(said), STAY], [answer(ok("two"))], tls=tls) as server,
        closing(Connections(server.port, roots)) as connections,
    ):
        first = get(connections, "/1", scheme=scheme)
        go_on.set()
        said.wait()
        second = get(connections, "/2", scheme=scheme)

    assert (first.content, second.content) == (b"one", b"two")
    assert server.seen == [["/1"], ["/2"]]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (ok("one", version="1.0"), False),
        (ok("one", "Connection: keep-alive", version="1.0"), True),
        (ok("one", "Connection: Keep-Alive"), True),
        (ok("one", "Connection: CLOSE"), False),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", False),
        (b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", False),
    ],
    ids=["1.0", "1.0_keep_alive", "keep_alive", "close", "204_with_a_body", "204_with_chunks"],
)
def test_a_connection_is_kept_only_where_the_answer_allows_it(said: bytes, kept: bool) -> None:  # noqa: FBT001
    again = [answer(ok("two"))]

    with (
        Server([answer(said), *(again if kept else [STAY])], again) as server,
        closing(Connections(server.port)) as connections,
    ):
        first, second = (get(connections, target) for target in ("/1", "/2"))

    assert first.status_code == int(said[9:12])
    assert second.content == b"two"
    assert server.seen == ([["/1", "/2"]] if kept else [["/1"], ["/2"]])


def test_a_connection_is_kept_for_its_own_host() -> None:
    with (
        Server([answer(ok("one")), answer(ok("three"))], [answer(ok("two"))]) as server,
        closing(Connections(server.port)) as connections,
    ):
        for host, target in (("a", "/1"), ("b", "/2"), ("a", "/3")):
            connections.send("GET", f"http://{host}{target}", {}, None, AMPLE)

    assert server.seen == [["/1", "/3"], ["/2"]]


def test_closed_connections_are_closed_and_new_ones_can_be_made() -> None:
    two = Together(2)

    with Server(*two.scripts, [answer(ok("two"))]) as server, closing(Connections(server.port)) as connections:
        two.get_all(connections)
        connections.close()
        closed = [peer.closed.wait(5) for peer in server.peers]
        got = get(connections, "/2")

    assert closed == [True, True]
    assert got.content == b"two"


# Many tasks


def echo(request: bytes) -> bytes:
    return ok(request.split(b" ")[1].decode())


class Together:
    """So many requests at once, of which each is answered when the next one's answer was taken: the first one last."""

    def __init__(self, number: int, *then: Step) -> None:
        self._taken = [threading.Event() for _ in range(number + 1)]
        self._taken[-1].set()
        self.scripts = [self._script(place, then or (STAY,)) for place in range(number)]

    def _script(self, place: int, then: tuple[Step, ...]) -> list[Step]:
        return [READ, pause(self._taken[place + 1]), lambda peer: peer.say(echo(peer.requests[0])), *then]

    def get(self, connections: Connections, place: int) -> str:
        try:
            return get(connections, f"/{place}").text
        finally:
            self._taken[place].set()

    def get_all(self, connections: Connections) -> list[str]:
        with Crew() as crew:
            return [task.result() for task in [self._start(crew, connections, n) for n in range(len(self.scripts))]]

    def _start(self, crew: Crew, connections: Connections, place: int) -> Task[str]:
        return crew.start(lambda: self.get(connections, place))


def getting(connections: Connections, target: str) -> Callable[[], Answer]:
    return lambda: get(connections, target)


def troubled(connections: Connections, seconds: float) -> Callable[[], str]:
    return lambda: trouble(connections, "/", seconds)


def test_everybody_gets_the_answer_to_their_own_request() -> None:
    twenty = Together(20, always(echo))

    with Server(*twenty.scripts) as server, closing(Connections(server.port)) as connections, Crew() as crew:

        def work(name: int) -> list[str]:
            first = twenty.get(connections, name)
            return [first, *(get(connections, f"/{name}/{number}").text for number in range(20))]

        def working(name: int) -> Task[list[str]]:
            return crew.start(lambda: work(name))

        got = [task.result() for task in [working(name) for name in range(20)]]

    assert got == [[f"/{name}", *(f"/{name}/{number}" for number in range(20))] for name in range(20)]
    assert len(server.peers) == 20


def test_no_more_connections_are_kept_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_IDLE", 3)

    closings = threading.Semaphore(0)
    eight = Together(8, STAY, lambda _: closings.release())

    with Server(*eight.scripts) as server, closing(Connections(server.port)) as connections:
        eight.get_all(connections)
        closed = [closings.acquire(timeout=5) for _ in range(5)]

    assert closed == [True] * 5


def test_those_that_are_kept_are_used_before_new_ones_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_IDLE", 3)
    eight = Together(8, always(echo))
    more = [[answer(ok()), STAY] for _ in range(5)]

    with Server(*eight.scripts, *more) as server, closing(Connections(server.port)) as connections:
        eight.get_all(connections)
        eight.get_all(connections)

    assert len(server.peers) == 8 + 5


def test_the_connection_that_was_used_last_is_used_next() -> None:
    three = Together(3, always(echo))

    with Server(*three.scripts) as server, closing(Connections(server.port)) as connections:
        three.get_all(connections)
        for target in ("/a", "/b"):
            get(connections, target)

    assert server.seen == [["/0", "/a", "/b"], ["/1"], ["/2"]]


def test_connections_that_nobody_needs_any_more_grow_old_and_are_closed(clock: Clock) -> None:
    two = Together(2, always(echo))

    with Server(*two.scripts) as server, closing(Connections(server.port)) as connections:
        two.get_all(connections)
        for _ in range(4):
            clock.seconds += MAX_IDLE_SECONDS / 3
            get(connections, "/again")
        closed = server.peers[1].closed.wait(5)

    assert closed
    assert server.seen == [["/0", *["/again"] * 4], ["/1"]]


def test_a_task_that_is_ended_in_mid_request_takes_its_connection_along() -> None:
    arrived = threading.Event()

    with (
        Server([READ, tell(arrived), STAY], [answer(ok("two"))]) as server,
        closing(Connections(server.port)) as connections,
    ):
        with Crew() as crew:
            crew.start(getting(connections, "/1"))
            crew.start(lambda: in_thread(arrived.wait, time.monotonic() + AMPLE)).result()
        closed = server.peers[0].closed.wait(5)
        got = get(connections, "/2")

    assert closed
    assert got.content == b"two"
    assert server.seen == [["/1"], ["/2"]]


def test_a_task_that_is_ended_while_it_connects_leaves_nothing_open() -> None:
    with Server([STAY], [answer(ok("two"))]) as server, closing(Connections(server.port)) as connections:
        with Crew() as crew:
            crew.start(lambda: get(connections, "/1", scheme="https"))
        got = get(connections, "/2")
        closed = server.peers[0].closed.wait(5)

    assert (got.content, closed) == (b"two", True)


def test_connections_outlive_the_crews_that_use_them() -> None:
    with Server([always(echo)]) as server, closing(Connections(server.port)) as connections:
        for target in ("/1", "/2"):
            with Crew() as crew:
                crew.start(getting(connections, target)).result()
        get(connections, "/3")
        with Crew() as crew:
            crew.start(getting(connections, "/4")).result()

    assert server.seen == [["/1", "/2", "/3", "/4"]]


def test_trouble_of_one_task_is_none_of_the_others() -> None:
    scripts: list[list[Step]] = [
        [READ, STAY],
        [READ, say(b"garbage\r\n"), STAY],
        [READ, RESET],
        [answer(ok("well")), STAY],
    ]

    with Server(*scripts) as server, closing(Connections(server.port)) as connections, Crew() as crew:
        tasks = [crew.start(troubled(connections, seconds)) for seconds in (SHORT, AMPLE, AMPLE)]
        well = crew.start(getting(connections, "/well")).result()
        codes = [task.result() for task in tasks]

    assert codes == ["Timeout", "BrokenAnswer", "ConnectionFailed"]
    assert well.content == b"well"


# Names and addresses


def resolve(monkeypatch: pytest.MonkeyPatch, *ports: int) -> list[tuple[str, int]]:
    """Make every name lead to these ports of this machine; what was asked for is told."""
    asked: list[tuple[str, int]] = []

    def getaddrinfo(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append((host, port))
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", each)) for each in ports]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@contextmanager
def refusing() -> Iterator[int]:
    """A port that nobody listens on, and that nobody else can take."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


def test_an_address_that_refuses_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        refusing() as closed,
        Server([answer(ok("one"))]) as server,
        closing(Connections()) as connections,
    ):
        resolve(monkeypatch, closed, server.port)
        got = get(connections, "/")

    assert got.content == b"one"


def test_an_address_of_an_unknown_kind_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server([answer(ok("one"))]) as server, closing(Connections()) as connections:
        found = [(family, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port)) for family in (999, socket.AF_INET)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        got = get(connections, "/")

    assert got.content == b"one"


def test_when_no_socket_can_be_had_there_is_no_connection() -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)

    with Server() as server, closing(Connections(server.port)) as connections:
        with socket.socket() as last:
            resource.setrlimit(resource.RLIMIT_NOFILE, (last.fileno(), limits[1]))
        try:
            code = trouble(connections, "/")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    assert code == "ConnectionFailed"


def test_when_every_address_refuses_there_is_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    with refusing() as one, refusing() as other, closing(Connections()) as connections:
        resolve(monkeypatch, one, other)
        with pytest.raises(TransportError) as caught:
            get(connections, "/")

    assert (caught.value.code, caught.value.detail) == ("ConnectionFailed", "ECONNREFUSED")


def test_connections_are_spread_over_the_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    scripts: list[list[Step]] = [[answer(ok("", "Connection: close"))]] * 2

    with Server(*scripts) as one, Server(*scripts) as other, closing(Connections()) as connections:
        resolve(monkeypatch, one.port, other.port)
        for target in ("/1", "/2", "/3", "/4"):
            get(connections, target)

    assert (one.seen, other.seen) == ([["/1"], ["/3"]], [["/2"], ["/4"]])


def test_a_bad_certificate_at_one_address_is_not_made_good_by_another(
    authority: trustme.CA, roots: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        Server([READ], tls=identity(trustme.CA(), HOST)) as bad,
        Server([answer(ok())], tls=identity(authority, HOST)) as good,
        closing(Connections(roots=roots)) as connections,
    ):
        resolve(monkeypatch, bad.port, good.port)
        code = trouble(connections, "/", scheme="https")

    assert code == "BadCertificate"
    assert good.seen == []


def test_a_name_without_an_address_is_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_: object, **__: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    with closing(Connections()) as connections:
        code = trouble(connections, "/")

    assert code == "ConnectionFailed"


@pytest.mark.parametrize("in_a_task", [False, True], ids=["alone", "in_a_task"])
def test_a_resolver_that_hangs_is_given_up(in_a_task: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    go_on = threading.Event()

    def getaddrinfo(*_: object, **__: object) -> object:
        go_on.wait()
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    with closing(Connections()) as connections, Crew() as crew:
        if in_a_task:
            code = crew.start(lambda: trouble(connections, "/", SHORT)).result()
        else:
            code = trouble(connections, "/", SHORT)
        go_on.set()

    assert code == "Timeout"


def test_a_name_is_looked_up_once_and_again_when_its_addresses_are_old(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Server(*[[answer(ok("", "Connection: close"))]] * 4) as server, closing(Connections()) as connections:
        asked = resolve(monkeypatch, server.port)
        for seconds in (0, http.ADDRESS_SECONDS - 1, 1, 1):
            clock.seconds += seconds
            get(connections, "/")

    assert asked == [(HOST, 80), (HOST, 80)]


@pytest.mark.parametrize(("scheme", "port"), [("http", 80), ("https", 443)])
def test_a_scheme_has_its_port(scheme: str, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with refusing() as closed, closing(Connections()) as connections:
        asked = resolve(monkeypatch, closed)
        trouble(connections, "/", scheme=scheme)

    assert asked == [(HOST, port)]


def test_trouble_with_a_name_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server([answer(ok("one"))]) as server, closing(Connections()) as connections:
        with monkeypatch.context() as patch:
            patch.setattr(socket, "getaddrinfo", lambda *_, **__: (_ for _ in ()).throw(socket.gaierror()))
            trouble(connections, "/")
        resolve(monkeypatch, server.port)
        got = get(connections, "/")

    assert got.content == b"one"
