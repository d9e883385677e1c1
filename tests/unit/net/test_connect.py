"""
Connecting: one address after the other, within a time limit.
"""

import asyncio
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest
import trustme

from cos_sweeper.net import connect
from cos_sweeper.net.response import TransportError
from tests.fake_server import READ, STAY, Server, answer
from tests.unit.net.transport import HOST, SHORT, Client, identity, ok, refusing, resolve, started


@contextmanager
def full() -> Iterator[int]:
    """A port whose queue is full: it neither accepts nor refuses."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            other = stack.enter_context(socket.socket())
            other.settimeout(0)
            other.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def test_connect_times_out_when_the_port_accepts_nothing() -> None:
    with full() as port, closing(Client(port)) as client:
        error = client.error("/", SHORT)

    assert (error.code, error.detail) == ("ConnectTimeout", "no connection in time")


def test_connect_has_a_time_limit_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "CONNECT_SECONDS", SHORT)

    with Server([STAY]) as server, closing(Client(server.port)) as client:
        code = client.error_code("/", 3600, scheme="https")

    assert code == "ConnectTimeout"


def test_address_that_refuses_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        refusing() as closed,
        Server([answer(ok("one"))]) as server,
        closing(Client()) as client,
    ):
        resolve(monkeypatch, closed, server.port)
        got = client.get("/")

    assert got.content == b"one"


def test_address_of_an_unknown_family_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server([answer(ok("one"))]) as server, closing(Client()) as client:
        found = [(family, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port)) for family in (999, socket.AF_INET)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        got = client.get("/")

    assert got.content == b"one"


def test_connect_fails_without_a_free_file_descriptor() -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)

    with Server() as server, closing(Client(server.port)) as client:
        with socket.socket() as last:
            resource.setrlimit(resource.RLIMIT_NOFILE, (last.fileno(), limits[1]))
        try:
            code = client.error_code("/")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    assert code == "ConnectionFailed"


def test_connect_fails_when_every_address_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    with refusing() as one, refusing() as other, closing(Client()) as client:
        resolve(monkeypatch, one, other)
        with pytest.raises(TransportError) as caught:
            client.get("/")

    assert (caught.value.code, caught.value.detail) == ("ConnectionFailed", "ECONNREFUSED")


def test_bad_certificate_at_one_address_is_not_mended_by_another(
    authority: trustme.CA, roots: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        Server([READ], tls=identity(trustme.CA(), HOST)) as bad,
        Server([answer(ok())], tls=identity(authority, HOST)) as good,
        closing(Client(roots=roots)) as client,
    ):
        resolve(monkeypatch, bad.port, good.port)
        code = client.error_code("/", scheme="https")

    assert code == "BadCertificate"
    assert good.seen == []


def test_address_that_is_silent_does_not_take_all_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with full() as port, Server([answer(ok("one"))]) as server, closing(Client()) as client:
        resolve(monkeypatch, port, server.port)
        got = client.get("/")

    assert got.content == b"one"


def test_address_that_is_silent_in_the_handshake_does_not_take_all_of_the_time(
    authority: trustme.CA, roots: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "CONNECT_SECONDS", 0.5)

    with (
        Server([STAY]) as silent,
        Server([answer(ok("one"))], tls=identity(authority, HOST)) as server,
        closing(Client(roots=roots)) as client,
    ):
        resolve(monkeypatch, silent.port, server.port)
        got = client.get("/", scheme="https")

    assert got.content == b"one"


def test_cancelled_connect_leaves_nothing_open() -> None:
    with Server([STAY], [answer(ok("two"))]) as server, closing(Client(server.port)) as client:

        async def cancel_in_the_handshake() -> None:
            task = await started(client.getting("/1", scheme="https"))
            while not server.peers:
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        client.run(cancel_in_the_handshake())
        got = client.get("/2")
        closed = server.peers[0].closed.wait(5)

    assert (got.content, closed) == (b"two", True)
