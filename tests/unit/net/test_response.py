"""
What is a response and what is none, and that every one has an end.
"""

import gc
from contextlib import closing

import pytest

from cos_sweeper.net import response
from cos_sweeper.net.response import Response
from tests.fake_server import CLOSE, READ, RESET, STAY, Server, Step, always, answer, drip, say
from tests.unit.net.transport import CHUNKED, HEAD, SHORT, Client, ok


def test_response_is_read_whole() -> None:
    raw = b"HTTP/1.1 403 Forbidden\r\nX-Cos-Request-Id: 7\r\nVary: a\r\nVARY: b\r\nContent-Length: 5\r\n\r\n\xffbody"

    with Server([answer(raw)]) as server, closing(Client(server.port)) as client:
        got = client.get("/")

    headers = {"x-cos-request-id": "7", "vary": "a, b", "content-length": "5"}
    assert got == Response(403, headers, b"\xffbody")
    assert got.text == "\ufffdbody"


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\non\r\n1;x=y\r\ne\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\nX-A: 1\r\n\r\n" + ok("one"),
        b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + ok("one"),
    ],
    ids=["chunked", "100_before", "103_and_100_before"],
)
def test_response_content_is_without_interim_responses_and_chunk_sizes(raw: bytes) -> None:
    with Server([answer(raw), answer(ok("two"))]) as server, closing(Client(server.port)) as client:
        got = client.get("/1")
        client.get("/2")

    assert (got.status_code, got.content, "x-a" in got.headers) == (200, b"one", False)
    assert server.seen == [["/1", "/2"]]


def test_response_leaves_nothing_to_the_garbage_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        with Server([answer(ok("one")), answer(ok("two"))]) as server, closing(Client(server.port)) as client:
            client.get("/1")
            client.get("/2")
        left = [type(one).__name__ for one in gc.get_objects() if isinstance(one, response.ResponseReader)]
    finally:
        gc.enable()

    assert left == []


def test_response_that_offers_an_upgrade_is_an_ordinary_one() -> None:
    raw = ok("one", "Connection: Upgrade", "Upgrade: h2,h2c")

    with Server([answer(raw), answer(ok("two"))]) as server, closing(Client(server.port)) as client:
        got = [client.get(target).content for target in ("/1", "/2")]

    assert got == [b"one", b"two"]


def test_response_that_comes_byte_by_byte_is_the_same() -> None:
    raw = b"HTTP/1.1 100 Continue\r\n\r\n" + ok("one", "X-A: 1")
    bytes_alone: list[Step] = [say(raw[number : number + 1]) for number in range(len(raw))]

    with Server([READ, *bytes_alone, STAY]) as server, closing(Client(server.port)) as client:
        got = client.get("/")

    assert got == Response(200, {"x-a": "1", "content-length": "3"}, b"one")


@pytest.mark.parametrize("status", [204, 304])
def test_response_without_a_body_is_complete_with_its_head(status: int) -> None:
    raw = f"HTTP/1.1 {status} -\r\n\r\n".encode()

    with Server([answer(raw), answer(raw)]) as server, closing(Client(server.port)) as client:
        statuses = [client.get(target).status_code for target in ("/1", "/2")]

    assert statuses == [status, status]
    assert server.seen == [["/1", "/2"]]


def test_response_without_a_length_ends_with_the_connection() -> None:
    raw = b"HTTP/1.1 200 OK\r\n\r\n"

    with (
        Server([READ, say(raw + b"on"), say(b"e"), CLOSE], [answer(ok("two"))]) as server,
        closing(Client(server.port)) as client,
    ):
        got = [client.get(target).content for target in ("/1", "/2")]

    assert got == [b"one", b"two"]
    assert server.seen == [["/1"], ["/2"]]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_a_response_and_is_not_followed(status: int) -> None:
    with Server([always(lambda _: ok())]) as elsewhere:
        raw = f"HTTP/1.1 {status} -\r\nLocation: http://127.0.0.1:{elsewhere.port}/2\r\nContent-Length: 0\r\n\r\n"
        with Server([answer(raw.encode())]) as server, closing(Client(server.port)) as client:
            got = client.get("/1")

    assert got.status_code == status
    assert (server.seen, elsewhere.seen) == ([["/1"]], [])


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
def test_response_that_does_not_end_times_out(script: list[Step]) -> None:
    with Server(script) as server, closing(Client(server.port)) as client:
        code = client.error_code("/", SHORT)

    assert code == "ReadTimeout"
    assert len(server.peers) == 1


def test_response_that_never_stops_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response, "MAX_RESPONSE_BYTES", 1 << 60)
    extension = say(b"a" * (1 << 20))

    with (
        Server([READ, say(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;"), *[extension] * 2000]) as server,
        closing(Client(server.port)) as client,
    ):
        code = client.error_code("/", SHORT)

    assert code == "ReadTimeout"


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
def test_response_that_is_not_clearly_whole_is_an_error(script: list[Step]) -> None:
    with Server([READ, *script]) as server, closing(Client(server.port)) as client:
        code = client.error_code("/")

    assert code in {"MalformedResponse", "ConnectionReset"}
    assert server.seen == [["/"]]


@pytest.mark.parametrize("script", BROKEN.values(), ids=BROKEN)
def test_malformed_response_ends_the_connection(script: list[Step]) -> None:
    with Server([READ, *script], [answer(ok("two"))]) as server, closing(Client(server.port)) as client:
        client.error_code("/1")
        got = client.get("/2")

    assert got.content == b"two"
    assert server.seen == [["/1"], ["/2"]]


@pytest.mark.parametrize(
    "raw",
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
def test_response_head_that_is_too_large_is_an_error(raw: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response, "MAX_HEAD_BYTES", 1000)

    with Server([READ, say(raw), STAY]) as server, closing(Client(server.port)) as client:
        code = client.error_code("/")

    assert code == "ResponseTooLarge"


@pytest.mark.parametrize(
    "raw",
    [
        HEAD + b"Content-Length: 10000\r\n\r\n" + b"a" * 5001,
        HEAD + b"\r\n" + b"a" * 5001,
        CHUNKED + b"1\r\na\r\n" * 1000,
        CHUNKED + b"1;" + b"a" * 5001,
        CHUNKED + b"0\r\n" + b"A: b\r\n" * 1000,
    ],
    ids=["length", "no_length", "one_byte_chunks", "chunk_extension", "trailers"],
)
def test_response_that_is_too_large_is_an_error(raw: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response, "MAX_RESPONSE_BYTES", 5000)

    with Server([READ, say(raw), STAY]) as server, closing(Client(server.port)) as client:
        code = client.error_code("/")

    assert code == "ResponseTooLarge"


def test_response_of_the_maximum_size_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = ok("a" * 3000)
    monkeypatch.setattr(response, "MAX_HEAD_BYTES", 1000)
    monkeypatch.setattr(response, "MAX_RESPONSE_BYTES", len(raw))

    with Server([answer(raw)]) as server, closing(Client(server.port)) as client:
        got = client.get("/")

    assert len(got.content) == 3000


def test_second_response_leaves_the_first_as_it_is() -> None:
    unasked = b"HTTP/1.1 500 Error\r\nX-Other: 1\r\nContent-Length: 5\r\n\r\nother"

    with Server([READ, say(ok("one") + unasked), STAY]) as server, closing(Client(server.port)) as client:
        got = client.get("/")

    assert got == Response(200, {"content-length": "3"}, b"one")
