"""
A message on its way to a receiver of the test's own, over TCP and TLS.
"""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.redaction import Redactor
from cos_sweeper.core.settings import SECRETS, Settings, load
from cos_sweeper.core.webhook import HOSTS, Service
from cos_sweeper.net.client import Connections
from cos_sweeper.report import notifier
from cos_sweeper.report.log import Log
from tests.fake_server import CLOSE, READ, RESET, STAY, Server, Step, always, answer, drip, say
from tests.function import PHOTOS
from tests.unit.net.transport import HEAD, identity, ok, refusing
from tests.unit.report.reports import report

PATH = "/hooks/0f3b2a6c-5d7e-4a19-9c3d?key=Wm4p8Rt6Yc1Ln5Qx"
SECRET = "SEC-an-example-secret"
FINE = {service: ok('{"errcode":0,"code":0}') for service in Service} | {Service.SLACK: ok("ok")}


class Notified:
    """One call of `notify`. said: whether it said that the receiver took it; log: its lines."""

    def __init__(self, url: str, connections: Connections | None, seconds: float = 30, **environ: str) -> None:
        values = {"BUCKETS": PHOTOS, "REPORT": f"{PHOTOS}/reports", "NOTIFY_URL": url, "NOTIFY": "always", **environ}
        values = {"COS_ENDPOINT": "http://127.0.0.1:1", **values}
        lines: list[str] = []
        log = Log(lines.append, Redactor(values.get(name) for name in SECRETS))
        ends = time.monotonic() + seconds
        deadline = Deadline(time.monotonic, ends, ends, ends)
        settings: Settings = load(values)
        self.said = asyncio.run(_notify(settings, deadline, log, connections))
        self.text = "\n".join(lines)
        self.log = [json.loads(line) for line in lines]


async def _notify(settings: Settings, deadline: Deadline, log: Log, connections: Connections | None) -> bool:
    try:
        return await notifier.notify(settings, report(), deadline, log, connections=connections, clock=lambda: 1.5)
    finally:
        if connections is not None:
            connections.close()
        await asyncio.sleep(0)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def roots(authority: trustme.CA, tmp_path: Path) -> str:
    authority.cert_pem.write_to_path(str(tmp_path / "roots.pem"))
    return str(tmp_path / "roots.pem")


@pytest.mark.parametrize(("host", "service"), [*HOSTS.items(), ("alerts.example.com", Service.PLAIN)])
def test_message_reaches_each_service_over_tls(host: str, service: Service, authority: trustme.CA, roots: str) -> None:
    with Server([answer(FINE[service]), STAY], tls=identity(authority, host)) as server:
        done = Notified(f"https://{host}{PATH}", Connections(server.port, roots))

    (request,) = server.peers[0].requests
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert done.said
    assert lines[0] == f"POST {PATH} HTTP/1.1"
    assert f"Host: {host}" in lines
    assert "Content-Type: application/json; charset=utf-8" in lines
    assert "COS Sweeper found no abandoned upload." in json.dumps(json.loads(body))
    assert done.log == [
        {
            "level": "info",
            "event": "notification.sent",
            "service": service.value,
            "status": 200,
            "attempts": 1,
        }
    ]


@pytest.mark.parametrize(
    ("url", "signed"),
    [
        ("https://oapi.dingtalk.com/robot/send?access_token=Wm4p8Rt6Yc1Ln5Qx", b"&timestamp=1500&sign="),
        ("https://open.feishu.cn/open-apis/bot/v2/hook/0f3b2a6c", b'"timestamp": "1", "sign": "'),
        ("https://alerts.example.com:8443/hook", b"X-Cos-Sweeper-Signature: sha256="),
    ],
)
def test_message_is_signed_where_there_is_a_secret(url: str, signed: bytes, authority: trustme.CA, roots: str) -> None:
    host = url.split("/")[2].partition(":")[0]
    with Server([answer(ok('{"errcode":0,"code":0}')), STAY], tls=identity(authority, host)) as server:
        done = Notified(url, Connections(server.port, roots), NOTIFY_SECRET=SECRET)

    assert done.said
    assert signed in server.peers[0].requests[0]
    assert SECRET.encode() not in server.peers[0].requests[0]


def test_receiver_of_this_machine_is_reached_without_tls() -> None:
    with Server([answer(ok("thanks")), STAY]) as server:
        done = Notified(f"http://127.0.0.1:{server.port}{PATH}", None)

    assert done.said
    assert f"Host: 127.0.0.1:{server.port}".encode() in server.peers[0].requests[0]


def again(data: bytes) -> list[Step]:
    return [always(lambda _: data)]


REDIRECT = b"HTTP/1.1 307 R\r\nLocation: https://elsewhere.example.com/hook\r\nContent-Length: 0\r\n\r\n"
FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 13\r\n\r\ninvalid_token"
HALF = HEAD + b"Content-Length: 9\r\n\r\nhalf"
FAILURES: dict[str, tuple[list[Step], int | str, str]] = {
    "redirect": (again(REDIRECT), 307, "Http307"),
    "rejection": (again(FORBIDDEN), 403, "Http403"),
    "error code": (again(ok('{"errcode":310000,"errmsg":"token Wm4p8Rt6Yc1Ln5Qx"}')), 200, "310000"),
    "garbage": (again(ok("<html>Wm4p8Rt6Yc1Ln5Qx</html>")), 200, "Unreadable"),
    "no HTTP": ([answer(b"\x00\xff nonsense\r\n\r\n"), STAY], "", "MalformedResponse"),
    "closed after the request": ([READ, CLOSE], "", "ConnectionReset"),
    "reset": ([READ, RESET], "", "ConnectionReset"),
    "half an answer": ([READ, say(HALF), CLOSE], "", "ConnectionReset"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_failure_is_tried_once_more_and_logged_without_the_answer(
    failure: str, authority: trustme.CA, roots: str
) -> None:
    steps, status, code = FAILURES[failure]
    with Server(steps, steps, steps, tls=identity(authority, "oapi.dingtalk.com")) as server:
        done = Notified(f"https://oapi.dingtalk.com{PATH}", Connections(server.port, roots))

    assert not done.said
    assert sum(len(peer.requests) for peer in server.peers) == 2
    (line,) = done.log
    assert (line["level"], line["event"], line["service"]) == ("error", "notification.failed", "dingtalk")
    assert (line["status"], line["code"], line["attempts"]) == (status, code, 2)
    assert not [word for word in ("Wm4p", "0f3b2a6c", "invalid", "elsewhere", "html") if word in done.text]


def test_message_is_taken_at_the_second_attempt(authority: trustme.CA, roots: str) -> None:
    tls = identity(authority, "hooks.slack.com")
    with Server([READ, RESET], [answer(ok("ok")), STAY], tls=tls) as server:
        done = Notified(f"https://hooks.slack.com{PATH}", Connections(server.port, roots))

    assert done.said
    assert [len(peer.requests) for peer in server.peers] == [1, 1]
    assert (done.log[0]["event"], done.log[0]["attempts"]) == ("notification.sent", 2)


SLOW: dict[str, Callable[[], list[Step]]] = {
    "silent": lambda: [READ, STAY],
    "drips": lambda: [READ, drip(HEAD, b"X: y\r\n")],
}


@pytest.mark.parametrize("how", SLOW)
def test_slow_receiver_takes_no_longer_than_two_attempts_may(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifier, "ATTEMPT_SECONDS", 0.2)
    with Server(SLOW[how](), SLOW[how]()) as server:
        done = Notified(f"http://127.0.0.1:{server.port}{PATH}", None)

    assert done.log[0]["code"] in ("ReadTimeout", "ConnectTimeout")
    assert done.log[0]["attempts"] == 2


def test_run_without_time_sends_nothing() -> None:
    with refusing() as port:
        done = Notified(f"http://127.0.0.1:{port}/hook", None, seconds=0)

    assert (done.log[0]["code"], done.log[0]["status"]) == ("OutOfTime", "")


def test_receiver_that_refuses_connections_is_logged() -> None:
    with refusing() as port:
        done = Notified(f"http://127.0.0.1:{port}{PATH}", None)

    assert (done.log[0]["code"], done.log[0]["status"]) == ("ConnectionFailed", "")
    assert "Wm4p" not in done.text


@pytest.mark.parametrize("name", ["other.example.com", "*.weixin.qq.com.example.com"])
def test_receiver_with_a_certificate_of_another_name_gets_nothing(name: str, authority: trustme.CA, roots: str) -> None:
    with Server([STAY], [STAY], tls=identity(authority, name)) as server:
        done = Notified(f"https://qyapi.weixin.qq.com{PATH}", Connections(server.port, roots))

    assert done.log[0]["code"] == "BadCertificate"
    assert [peer.requests for peer in server.peers] == [[], []]


def test_certificate_of_an_unknown_authority_is_not_trusted(authority: trustme.CA) -> None:
    with Server([STAY], [STAY], tls=identity(authority, "hooks.slack.com")) as server:
        done = Notified(f"https://hooks.slack.com{PATH}", Connections(server.port))

    assert done.log[0]["code"] == "BadCertificate"
    assert [bytes(peer.heard) for peer in server.peers] == [b"", b""]


@pytest.mark.parametrize(
    "environ", [{"NOTIFY": "problems"}, {"NOTIFY_URL": ""}], ids=["nothing to tell", "nobody to tell"]
)
def test_message_that_is_not_due_is_not_sent(environ: dict[str, Any]) -> None:
    with Server() as server:
        values = {"NOTIFY_URL": f"http://127.0.0.1:{server.port}{PATH}", **environ}
        done = Notified(values.pop("NOTIFY_URL"), None, **values)

    assert (done.said, done.log, server.peers) == (False, [], [])
