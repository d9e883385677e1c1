"""
What `--trace` shows of one exchange, whatever the server does.
"""

import asyncio
import re
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cos_sweeper.cli import trace_text, words
from cos_sweeper.cli.trace import Trace
from cos_sweeper.core.redaction import HIDDEN, Redactor
from cos_sweeper.net.client import Connections
from cos_sweeper.net.response import TransportError
from tests.fake_server import CLOSE, READ, RESET, STAY, Server, Step, always, answer, say
from tests.unit.net.transport import HEAD, ok

SECRET, TOKEN, SIGNATURE = "the-secret-key-0123456789", "the-token-of-an-hour-0123456789", "0a1b2c3d" * 5
AUTHORIZATION = f"q-sign-algorithm=sha1&q-ak=AKIDabcdefghijklmnop&q-sign-time=1;2&q-signature={SIGNATURE}"
HEADERS = {"Authorization": AUTHORIZATION, "x-cos-security-token": TOKEN}


class Shown:
    """The blocks that came of requests to a server that follows these scripts."""

    def __init__(self, *scripts: list[Step], seconds: float = 5.0, times: int = 1, at_once: int = 0) -> None:
        self.blocks: list[str] = []
        self.errors: list[BaseException] = []
        self._trace = Trace(lambda text: self.blocks.append(text.plain), Redactor([SECRET, TOKEN]))
        with Server(*scripts) as server:
            asyncio.run(self._send(self._trace.connections(server.port), seconds, times, at_once))

    async def _send(self, connections: Connections, seconds: float, times: int, at_once: int) -> None:
        def one() -> Any:
            return connections.send("GET", "http://photos.example/raw/cat?uploadId=1", HEADERS, None, seconds)

        try:
            if at_once:
                self.errors += await asyncio.gather(*(one() for _ in range(times)), return_exceptions=True)
            else:
                for _ in range(times):
                    try:
                        await one()
                    except TransportError as exc:
                        self.errors.append(exc)
        finally:
            connections.close()
            await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def in_english() -> None:
    words.use(words.ENGLISH)


def test_block_has_request_and_response_as_on_the_wire_without_secrets() -> None:
    (block,) = Shown([answer(b"HTTP/1.1 200 Fine\r\nX-Cos-Request-Id: r1\r\nContent-Length: 2\r\n\r\nhi")]).blocks

    title, details, *lines = block.splitlines()
    assert re.fullmatch(r"\[1] GET http://photos\.example · 200 · \d+ ms · request id r1", title)
    assert re.fullmatch(r"    [\d:.]{12} UTC · attempt 1 · new connection in \d+ ms", details)
    assert lines == [
        "> GET /raw/cat?uploadId=1 HTTP/1.1",
        "> Host: photos.example",
        f"> Authorization: q-sign-algorithm=sha1&q-ak=AKID{HIDDEN}mnop&q-sign-time=1;2&q-signature={HIDDEN}",
        f"> x-cos-security-token: {HIDDEN}",
        ">",
        "< HTTP/1.1 200 Fine",
        "< X-Cos-Request-Id: r1",
        "< Content-Length: 2",
        "<",
        "< hi",
    ]


@pytest.mark.parametrize(
    "echo",
    [
        f"Set-Cookie: {TOKEN}",
        f"X-Echo: {SIGNATURE} {SECRET} {TOKEN}",
        f"\r\n<Error><SecurityToken>{TOKEN[:9]}</SecurityToken><Given>q-signature={SIGNATURE}</Given></Error>",
        f'\r\n{{"Credentials": {{"Token": "{TOKEN[:9]}", "TmpSecretKey": "the-s\\"hush"}}, "Sig": "{SIGNATURE}"}}',
        f'\r\n{{"text": "{{\\"sessionToken\\": \\"{TOKEN[:9]}\\"}}"}}',
    ],
    ids=["header of a secret", "other header", "xml", "json", "json in json"],
)
def test_secret_that_a_server_sends_back_is_hidden(echo: str) -> None:
    (block,) = Shown([READ, say(HEAD + f"{echo}\r\n\r\n".encode()), CLOSE]).blocks

    assert HIDDEN in block.rpartition("\n<\n")[2] or HIDDEN in block.rpartition("< HTTP/1.1")[2]
    assert [one for one in (SECRET, TOKEN[:9], SIGNATURE, "hush") if one in block] == []


@given(
    st.binary(max_size=300), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=40)
)
def test_server_cannot_write_to_the_terminal(body: bytes, header: str) -> None:
    masks = trace_text.masks_of(b"GET / HTTP/1.1\r\n\r\n", Redactor([]))

    lines = [*trace_text.head_lines(b"HTTP/1.1 200 \x1b[2J\r\nX: " + header.encode(), masks)]
    lines += trace_text.body_lines(body, masks)

    assert [line for line in lines if not line.replace("\t", "").isprintable()] == []
    assert lines[0] == r"HTTP/1.1 200 \x1b[2J"


def test_long_body_is_cut_and_the_rest_is_counted() -> None:
    (block,) = Shown([answer(ok("x" * 5000))]).blocks

    assert block.rstrip().endswith("x\n< … 3000 more bytes")
    assert block.count("x") < 2100


def test_secret_across_the_end_of_what_is_shown_leaves_no_part() -> None:
    (block,) = Shown([answer(ok("x" * (trace_text.MAX_SHOWN - 5) + SECRET))]).blocks

    assert SECRET[:4] not in block


@pytest.mark.parametrize(
    ("script", "seconds", "title"),
    [
        ([READ, CLOSE], 5, "no response: ConnectionReset: ConnectionResetError · after the request was sent"),
        ([READ, RESET], 5, "no response: ConnectionReset: ECONNRESET · after the request was sent"),
        ([READ, STAY], 0.2, "no response: ReadTimeout: the response was not complete in time, 0 bytes came"),
        ([READ, say(b"nonsense"), STAY], 5, "no response: MalformedResponse"),
    ],
    ids=["closed", "reset", "silent", "malformed"],
)
def test_request_without_a_response_shows_why_and_in_which_phase(
    script: list[Step], seconds: float, title: str
) -> None:
    shown = Shown(script, seconds=seconds)

    assert len(shown.blocks) == len(shown.errors) == 1
    assert title in shown.blocks[0].splitlines()[0]
    assert "> GET /raw/cat" in shown.blocks[0]


def test_refused_connection_is_shown_with_what_was_not_sent() -> None:
    with Server() as server:
        port = server.port
    blocks: list[str] = []
    connections = Trace(lambda text: blocks.append(text.plain), Redactor([])).connections(port)

    with pytest.raises(TransportError):
        asyncio.run(connections.send("GET", "http://photos.example/a", {}, None, 5))

    (block,) = blocks
    assert "no response: ConnectionFailed: ECONNREFUSED · while connecting; nothing was sent" in block
    assert "> GET /a HTTP/1.1" in block


def test_request_that_is_cancelled_is_shown() -> None:
    blocks: list[str] = []

    async def cancelled(port: int, came: Callable[[], bool]) -> None:
        connections = Trace(lambda text: blocks.append(text.plain), Redactor([])).connections(port)
        task = asyncio.ensure_future(connections.send("GET", "http://photos.example/a", {}, None, 5))
        while not came():
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    read = threading.Event()
    with Server([READ, lambda _: read.set(), STAY]) as server:
        asyncio.run(cancelled(server.port, read.is_set))

    assert ["no response: cancelled · after the request was sent" in block for block in blocks] == [True]


def test_attempts_are_counted_until_one_succeeds_and_a_replaced_connection_is_one() -> None:
    busy = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n"
    shown = Shown([answer(busy), answer(ok()), READ, CLOSE], [answer(ok()), STAY], times=3)

    found = [re.findall(r"attempt \d+|kept connection|new connection", block) for block in shown.blocks]
    assert found == [
        ["attempt 1", "new connection"],
        ["attempt 2", "kept connection"],
        ["attempt 1", "kept connection"],
        ["attempt 2", "new connection"],
    ]
    assert shown.errors == []


def test_exchanges_at_the_same_time_are_a_block_each() -> None:
    shown = Shown(*[[always(lambda _: ok("body"))]] * 8, times=8, at_once=8)

    assert sorted(block[: block.index("]") + 1] for block in shown.blocks) == [f"[{n}]" for n in range(1, 9)]
    assert [len(re.findall(r"^\[|^> GET|^< HTTP|^< body", block, re.MULTILINE)) for block in shown.blocks] == [4] * 8


def test_short_secret_id_is_hidden_whole() -> None:
    masks = trace_text.masks_of(b"", Redactor([]))

    lines = trace_text.request_lines(
        b"GET /?q-ak=AKIDabcdefghijklmn HTTP/1.1\r\nAuthorization: q-ak=AKID1&q-b=1\r\n\r\n", masks
    )

    assert lines == [f"GET /?q-ak={HIDDEN} HTTP/1.1", f"Authorization: q-ak={HIDDEN}&q-b={HIDDEN}", ""]


def test_signature_of_an_earlier_request_is_hidden_too() -> None:
    sent: deque[str] = deque(maxlen=2)
    for number in "123":
        request = f"GET / HTTP/1.1\r\nAuthorization: q-signature={number * 40}\r\n\r\n".encode()
        masks = trace_text.masks_of(request, Redactor([]), sent)

    lines = trace_text.body_lines(f"<Code>{'2' * 40}</Code>".encode(), masks)

    assert lines == [f"<Code>{HIDDEN}</Code>"]
    assert list(sent) == ["2" * 40, "3" * 40]
