"""
The pool: which connections are used again, for whom, and which are closed.
"""

import asyncio
import threading
from contextlib import closing

import pytest
import trustme

from cos_sweeper.net import client as pool
from cos_sweeper.net import reading
from cos_sweeper.net.client import MAX_IDLE_SECONDS
from cos_sweeper.net.response import Response, TransportError
from tests.fake_server import CLOSE, READ, RESET, STAY, Server, Step, always, answer, pause, say, tell
from tests.fixtures import FakeClock
from tests.unit.net.transport import AMPLE, HEAD, HOST, SHORT, Client, Together, echo, identity, ok, started


def test_connection_serves_one_request_after_another() -> None:
    with Server([always(lambda _: ok())]) as server, closing(Client(server.port)) as client:
        for target in ("/1", "/2", "/3"):
            client.get(target)

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
def test_pooled_connection_that_ends_silently_is_replaced(script: list[Step], first_sees: list[str]) -> None:
    with Server(script, [answer(ok("two"))]) as server, closing(Client(server.port)) as client:
        client.get("/1")
        got = client.get("/2")

    assert got.content == b"two"
    assert server.seen == [first_sees, ["/2"]]


@pytest.mark.parametrize("end", [CLOSE, RESET], ids=["closed", "reset"])
def test_connection_that_ended_while_idle_is_not_used(end: Step) -> None:
    go_on = threading.Event()

    with (
        Server([answer(ok()), pause(go_on), end], [answer(ok("two"))]) as server,
        closing(Client(server.port)) as client,
    ):
        client.get("/1")
        go_on.set()
        server.peers[0].closed.wait()
        got = client.get("/2")

    assert got.content == b"two"
    assert server.seen == [["/1"], ["/2"]]


def test_tls_connection_that_ended_while_idle_is_not_used(authority: trustme.CA, roots: str) -> None:
    go_on = threading.Event()

    with (
        Server([answer(ok()), pause(go_on)], [answer(ok("two"))], tls=identity(authority, HOST)) as server,
        closing(Client(server.port, roots)) as client,
    ):
        client.get("/1", scheme="https")
        go_on.set()
        server.peers[0].closed.wait()
        got = client.get("/2", scheme="https")

    assert got.content == b"two"
    assert server.seen == [["/1"], ["/2"]]


@pytest.mark.parametrize("end", [CLOSE, RESET], ids=["closed", "reset"])
def test_request_is_sent_a_second_time_and_no_third(end: Step) -> None:
    with Server([answer(ok()), READ, end], [READ, end]) as server, closing(Client(server.port)) as client:
        client.get("/1")
        code = client.error_code("/2")

    assert code == "ConnectionReset"
    assert server.seen == [["/1", "/2"], ["/2"]]


@pytest.mark.parametrize(
    ("script", "sees"),
    [([CLOSE], []), ([RESET], []), ([READ, CLOSE], ["/"]), ([READ, RESET], ["/"])],
    ids=["closed_before", "reset_before", "closed_after", "reset_after"],
)
def test_fresh_connection_that_ends_silently_is_an_error(script: list[Step], sees: list[str]) -> None:
    with Server(script, [answer(ok())]) as server, closing(Client(server.port)) as client:
        code = client.error_code("/")

    # One that ends before the request may end while it is being set up.
    assert code == "ConnectionReset" or (code == "ConnectionFailed" and not sees)
    assert server.seen == [sees]


def test_request_that_timed_out_is_not_sent_again() -> None:
    with (
        Server([answer(ok()), READ, STAY], [answer(ok())]) as server,
        closing(Client(server.port)) as client,
    ):
        client.get("/1")
        code = client.error_code("/2", SHORT)

    assert code == "ReadTimeout"
    assert server.seen == [["/1", "/2"]]


@pytest.mark.parametrize("part", [b"H", HEAD, HEAD + b"Content-Length: 4\r\n\r\none"], ids=["byte", "head", "body"])
@pytest.mark.parametrize("end", [CLOSE, RESET], ids=["closed", "reset"])
def test_request_with_a_partial_response_is_not_sent_again(part: bytes, end: Step) -> None:
    with (
        Server([answer(ok()), READ, say(part), end], [answer(ok())]) as server,
        closing(Client(server.port)) as client,
    ):
        client.get("/1")
        code = client.error_code("/2")

    assert code == "ConnectionReset"
    assert server.seen == [["/1", "/2"]]


def test_pooled_connection_with_a_malformed_response_is_not_replaced() -> None:
    with (
        Server([answer(ok()), READ, say(b"garbage\r\n\r\n"), STAY], [answer(ok())]) as server,
        closing(Client(server.port)) as client,
    ):
        client.get("/1")
        code = client.error_code("/2")

    assert code == "MalformedResponse"
    assert server.seen == [["/1", "/2"]]


@pytest.mark.parametrize(
    ("seconds", "seen"),
    [(MAX_IDLE_SECONDS, [["/1", "/2"]]), (MAX_IDLE_SECONDS + 1, [["/1"], ["/2"]]), (600.0, [["/1"], ["/2"]])],
    ids=["as_long_as_it_may", "too_long", "ten_minutes"],
)
def test_connection_that_was_frozen_for_too_long_is_not_used(
    seconds: float, seen: list[list[str]], clock: FakeClock
) -> None:
    with (
        Server([always(lambda _: ok())], [always(lambda _: ok())]) as server,
        closing(Client(server.port)) as client,
    ):
        client.get("/1")
        clock.now += seconds
        client.get("/2")

    assert server.seen == seen


def test_old_connections_are_closed_after_a_freeze(clock: FakeClock) -> None:
    three = Together(3)

    with Server(*three.scripts, [answer(ok()), STAY]) as server, closing(Client(server.port)) as client:
        three.get_all(client)
        clock.now += 600
        client.get("/new")
        closed = [peer.closed.wait(5) for peer in server.peers[:3]]

    assert closed == [True, True, True]
    assert [peer.targets for peer in server.peers[3:]] == [["/new"]]


@pytest.mark.parametrize("end", [CLOSE, RESET], ids=["closed", "reset"])
def test_connections_that_died_at_once_cost_one_more_connection(end: Step) -> None:
    go_on = threading.Event()
    five = Together(5, pause(go_on), end)

    with Server(*five.scripts, [always(lambda _: ok())]) as server, closing(Client(server.port)) as client:
        five.get_all(client)
        go_on.set()
        for peer in server.peers:
            peer.closed.wait()
        for target in ("/a", "/b"):
            client.get(target)

    assert sorted(target for targets in server.seen[:5] for target in targets) == [f"/{number}" for number in range(5)]
    assert server.seen[5:] == [["/a", "/b"]]


def test_connections_that_die_when_used_cost_one_more_attempt() -> None:
    five = Together(5, READ, CLOSE)

    with Server(*five.scripts, [always(lambda _: ok())]) as server, closing(Client(server.port)) as client:
        five.get_all(client)
        client.get("/new")

    requested = [targets for targets in server.seen if "/new" in targets]
    assert [len(targets) for targets in requested] == [2, 1]


@pytest.mark.parametrize(
    "raw",
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
def test_connection_with_more_than_one_response_is_not_used_again(raw: bytes) -> None:
    with (
        Server([READ, say(raw), STAY], [answer(ok("two"))]) as server,
        closing(Client(server.port)) as client,
    ):
        got = [client.get(target).content for target in ("/1", "/2")]

    assert got == [b"one", b"two"]
    assert server.seen == [["/1"], ["/2"]]


@pytest.mark.parametrize("late", [ok("not asked for"), b"x", b"\r\n"], ids=["answer", "byte", "empty_line"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_bytes_on_an_idle_connection_are_no_response(
    late: bytes, scheme: str, authority: trustme.CA, roots: str
) -> None:
    go_on, raw = threading.Event(), threading.Event()
    tls = identity(authority, HOST) if scheme == "https" else None

    with (
        Server([answer(ok("one")), pause(go_on), say(late), tell(raw), STAY], [answer(ok("two"))], tls=tls) as server,
        closing(Client(server.port, roots)) as client,
    ):
        first = client.get("/1", scheme=scheme)
        go_on.set()
        raw.wait()
        second = client.get("/2", scheme=scheme)

    assert (first.content, second.content) == (b"one", b"two")
    assert server.seen == [["/1"], ["/2"]]


@pytest.mark.parametrize(
    ("raw", "kept"),
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
def test_connection_is_pooled_only_where_the_response_allows_it(raw: bytes, kept: bool) -> None:  # noqa: FBT001
    again = [answer(ok("two"))]

    with (
        Server([answer(raw), *(again if kept else [STAY])], again) as server,
        closing(Client(server.port)) as client,
    ):
        first, second = (client.get(target) for target in ("/1", "/2"))

    assert first.status_code == int(raw[9:12])
    assert second.content == b"two"
    assert server.seen == ([["/1", "/2"]] if kept else [["/1"], ["/2"]])


def test_connection_is_pooled_for_its_own_host() -> None:
    with (
        Server([answer(ok("one")), answer(ok("three"))], [answer(ok("two"))]) as server,
        closing(Client(server.port)) as client,
    ):
        for host, target in (("a", "/1"), ("b", "/2"), ("a", "/3")):
            client.send("GET", f"http://{host}{target}", {}, None, AMPLE)

    assert server.seen == [["/1", "/3"], ["/2"]]


def test_closed_pool_can_be_used_again() -> None:
    two = Together(2)

    with Server(*two.scripts, [answer(ok("two"))]) as server, closing(Client(server.port)) as client:
        two.get_all(client)
        client.close_idle()
        closed = [peer.closed.wait(5) for peer in server.peers]
        got = client.get("/2")

    assert closed == [True, True]
    assert got.content == b"two"


def test_tasks_get_the_responses_to_their_own_requests() -> None:
    twenty = Together(20, always(echo))

    with Server(*twenty.scripts) as server, closing(Client(server.port)) as client:

        async def work(name: int) -> list[str]:
            first = await twenty.get(client, name)
            return [first, *[(await client.getting(f"/{name}/{number}")).text for number in range(20)]]

        got = client.gather(*(work(name) for name in range(20)))

    assert got == [[f"/{name}", *(f"/{name}/{number}" for number in range(20))] for name in range(20)]
    assert len(server.peers) == 20


def test_pool_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "MAX_IDLE", 3)

    closings = threading.Semaphore(0)
    eight = Together(8, STAY, lambda _: closings.release())

    with Server(*eight.scripts) as server, closing(Client(server.port)) as client:
        eight.get_all(client)
        closed = [closings.acquire(timeout=5) for _ in range(5)]

    assert closed == [True] * 5


def test_pooled_connections_are_used_before_new_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "MAX_IDLE", 3)
    eight = Together(8, always(echo))
    more = [[answer(ok()), STAY] for _ in range(5)]

    with Server(*eight.scripts, *more) as server, closing(Client(server.port)) as client:
        eight.get_all(client)
        eight.get_all(client)

    assert len(server.peers) == 8 + 5


def test_pool_is_last_in_first_out() -> None:
    three = Together(3, always(echo))

    with Server(*three.scripts) as server, closing(Client(server.port)) as client:
        three.get_all(client)
        for target in ("/a", "/b"):
            client.get(target)

    assert server.seen == [["/0", "/a", "/b"], ["/1"], ["/2"]]


def test_connections_that_are_not_needed_are_closed(clock: FakeClock) -> None:
    two = Together(2, always(echo))

    with Server(*two.scripts) as server, closing(Client(server.port)) as client:
        two.get_all(client)
        for _ in range(4):
            clock.now += MAX_IDLE_SECONDS / 3
            client.get("/again")
        closed = server.peers[1].closed.wait(5)

    assert closed
    assert server.seen == [["/0", *["/again"] * 4], ["/1"]]


def test_cancelled_request_closes_its_connection() -> None:
    arrived = threading.Event()

    with Server([READ, tell(arrived), STAY], [answer(ok("two"))]) as server, closing(Client(server.port)) as client:

        async def cancel_when_it_has_arrived() -> None:
            task = await started(client.getting("/1"))
            await asyncio.get_running_loop().run_in_executor(None, arrived.wait, AMPLE)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        client.run(cancel_when_it_has_arrived())
        closed = server.peers[0].closed.wait(5)
        got = client.get("/2")

    assert closed
    assert got.content == b"two"
    assert server.seen == [["/1"], ["/2"]]


def test_connections_outlive_the_runs_of_the_loop() -> None:
    with Server([always(echo)]) as server, closing(Client(server.port)) as client:
        for target in ("/1", "/2", "/3"):
            client.get(target)

    assert server.seen == [["/1", "/2", "/3"]]


def test_error_of_one_task_leaves_the_others_alone() -> None:
    scripts: list[list[Step]] = [
        [READ, STAY],
        [READ, say(b"garbage\r\n"), STAY],
        [READ, RESET],
        [answer(ok("well")), STAY],
    ]

    with Server(*scripts) as server, closing(Client(server.port)) as client:

        async def code(seconds: float) -> str:
            with pytest.raises(TransportError) as caught:
                await client.getting("/", seconds)
            return caught.value.code

        async def content() -> str:
            return (await client.getting("/well")).text

        got = client.gather(code(SHORT), code(AMPLE), code(AMPLE), content())

    assert got == ["ReadTimeout", "MalformedResponse", "ConnectionReset", "well"]


def test_request_is_sent_once_where_it_must_leave_in_time() -> None:
    with Server([answer(ok()), READ, CLOSE], [answer(ok())]) as server, closing(Client(server.port)) as client:
        client.get("/1")
        with pytest.raises(TransportError) as caught:
            client.run(client.connections.send("DELETE", f"http://{HOST}/2", {}, None, AMPLE, AMPLE))

    assert caught.value.code == "ConnectionReset"
    assert server.seen == [["/1", "/2"]]


def test_request_that_comes_too_late_to_leave_is_not_sent() -> None:
    with Server() as server, closing(Client(server.port)) as client, pytest.raises(TransportError) as caught:
        client.run(client.connections.send("DELETE", f"http://{HOST}/", {}, None, AMPLE, 0.0))

    assert caught.value.code == "TooLate"
    assert server.peers == []


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_large_responses_are_read_a_few_at_a_time(
    scheme: str, authority: trustme.CA, roots: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_LARGE", 2)
    tls = identity(authority, HOST) if scheme == "https" else None
    body = "abcdefgh" * (1 << 15)

    with (
        Server(*[[always(lambda _: ok(body))]] * 6, tls=tls) as server,
        closing(Client(server.port, roots)) as client,
    ):
        for _ in range(2):
            got = client.gather(*(client.getting("/", scheme=scheme) for _ in range(6)))
            assert [response.text == body for response in got] == [True] * 6
        slots = client.connections._reading._slots

    assert slots == {}


def test_large_response_that_fails_or_is_cancelled_makes_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_LARGE", 1)
    part = HEAD + b"Content-Length: 1000000\r\n\r\n" + b"a" * 100_000

    with (
        Server([READ, say(part), STAY], [READ, say(part), STAY], [answer(ok("b" * 100_000))]) as server,
        closing(Client(server.port)) as client,
    ):

        async def main() -> Response:
            tasks = [await started(client.getting("/", SHORT)) for _ in range(2)]
            await asyncio.wait(tasks)
            assert [str(task.exception())[:11] for task in tasks] == ["ReadTimeout"] * 2
            return await client.getting("/")

        got = client.run(main())

    assert len(got.content) == 100_000


def test_large_response_that_is_slow_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_LARGE", 1)
    monkeypatch.setattr(reading, "SLOT_SECONDS", 0.01)
    part = HEAD + b"Content-Length: 1000000\r\n\r\n" + b"a" * 100_000

    with (
        Server([READ, say(part), STAY], [answer(ok("b" * 100_000)), STAY]) as server,
        closing(Client(server.port)) as client,
    ):

        async def main() -> Response:
            slow = await started(client.getting("/slow", AMPLE))
            while not client.connections._reading._slots:
                await asyncio.sleep(0)
            got = await client.getting("/")
            slow.cancel()
            await asyncio.wait((slow,))
            return got

        got = client.run(main())

    assert len(got.content) == 100_000
