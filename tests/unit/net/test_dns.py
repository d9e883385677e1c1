"""
Names: look-ups, their cache and their time limit.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from cos_sweeper.net import resolver
from cos_sweeper.net.resolver import ADDRESS_SECONDS
from cos_sweeper.net.response import Response
from tests.fake_server import Server, Step, answer
from tests.fixtures import FakeClock
from tests.unit.net.transport import HOST, SHORT, Client, ok, refusing, resolve, started


def test_connections_are_spread_over_the_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    scripts: list[list[Step]] = [[answer(ok("", "Connection: close"))]] * 2

    with Server(*scripts) as one, Server(*scripts) as other, closing(Client()) as client:
        resolve(monkeypatch, one.port, other.port)
        for target in ("/1", "/2", "/3", "/4"):
            client.get(target)

    assert (one.seen, other.seen) == ([["/1"], ["/3"]], [["/2"], ["/4"]])


def test_name_without_an_address_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_: object, **__: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    with closing(Client()) as client:
        code = client.error_code("/")

    assert code == "DnsFailed"


def test_name_is_looked_up_once_and_again_when_its_addresses_are_old(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Server(*[[answer(ok("", "Connection: close"))]] * 4) as server, closing(Client()) as client:
        requested = resolve(monkeypatch, server.port)
        for seconds in (0, ADDRESS_SECONDS - 1, 1, 1):
            clock.now += seconds
            client.get("/")

    assert requested == [(HOST, 80), (HOST, 80)]


@pytest.mark.parametrize(("scheme", "port"), [("http", 80), ("https", 443)])
def test_scheme_has_its_port(scheme: str, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with refusing() as closed, closing(Client()) as client:
        requested = resolve(monkeypatch, closed)
        client.error_code("/", scheme=scheme)

    assert requested == [(HOST, port)]


def test_failed_look_up_is_not_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server([answer(ok("one"))]) as server, closing(Client()) as client:
        with monkeypatch.context() as patch:
            patch.setattr(socket, "getaddrinfo", lambda *_, **__: (_ for _ in ()).throw(socket.gaierror()))
            client.error_code("/")
        resolve(monkeypatch, server.port)
        got = client.get("/")

    assert got.content == b"one"


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A resolver that does not answer during a test. Yields the names that were requested."""
    go_on, requested = threading.Event(), list[str]()

    def getaddrinfo(host: str, *_: object, **__: object) -> object:
        requested.append(host)
        go_on.wait()
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield requested
    go_on.set()


def test_resolver_that_hangs_times_out(hanging: list[str]) -> None:
    with closing(Client()) as client:
        code = client.error_code("/", SHORT)

    assert code == "DnsTimeout"
    assert hanging == [HOST]


def test_look_up_has_a_time_limit_of_its_own(hanging: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver, "CONNECT_SECONDS", SHORT)

    with closing(Client()) as client:
        codes = [client.error_code("/", 3600) for _ in range(2)]

    assert codes == ["DnsTimeout"] * 2
    assert hanging == [HOST] * 2


def test_burst_of_requests_looks_its_host_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server(*[[answer(ok())]] * 20) as server, closing(Client()) as client:
        requested = resolve(monkeypatch, server.port)
        client.gather(*(client.getting("/") for _ in range(20)))

    assert requested == [(HOST, 80)]


def test_cancelled_request_leaves_the_look_up_to_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server([answer(ok("one"))]) as server, closing(Client()) as client:
        resolve(monkeypatch, server.port)

        async def cancel_one_of_two() -> Response:
            first = await started(client.getting("/1"))
            second = await started(client.getting("/2"))
            first.cancel()
            return await second

        got = client.run(cancel_one_of_two())

    assert got.content == b"one"
    assert server.seen == [["/2"]]
