"""
A stand-in for SCF's Invoke API in the test's own process: it keeps what a run sends, and a test delivers it.

So a chain of runs takes no process and no pause, settings may differ from run to run, and a test decides what is
accepted. What needs real processes, kills or time limits is tested with `chains`.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.emulator.public import Cloud
from tests.function import Function, Invocation
from tests.integration.chains import CHAIN_FAILED, CHECKPOINT, LOG_BUCKET, OUTCOMES, PROBE

# Longer than any chain of these tests.
MAX_RUNS = 60


@dataclass(slots=True)
class Platform:
    """
    Accepts invocations, and delivers them when a test says so.

    codes: what the next requests are answered, one after the other: '' accepts. then: what those after them are. raw:
    statuses and bodies of the next responses, where they are no answers. delay_seconds: before each answer; on_offer:
    called for each request, before it is answered. sent: the events that were accepted, in order; offered: all events,
    those that were rejected included.
    """

    function: Function
    endpoint: str = ""
    codes: list[str] = field(default_factory=list)
    then: str = ""
    delay_seconds: float = 0.0
    on_offer: Callable[[], object] = lambda: None
    raw: list[tuple[int, str]] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    offered: list[dict[str, Any]] = field(default_factory=list)

    def run(self, event: object, *, seconds: float = 60, **settings: Any) -> Invocation:
        """One run, which can invoke the function."""
        more: dict[str, Any] = {"INVOKE_ENDPOINT": self.endpoint, "TENCENTCLOUD_REGION": "ap-guangzhou"}
        return self.function(event, seconds=seconds, **more, **settings)

    def play(self, event: object, **settings: Any) -> list[Invocation]:
        """A run and all that follow from it, one after the other. Returns the runs."""
        result = [self.run(event, **settings)]
        while self.checkpoints():
            result.append(self.run(self.take(), **settings))
            assert len(result) < MAX_RUNS
        return result

    def take(self) -> dict[str, Any]:
        """The checkpoint that was accepted first and not taken yet."""
        first = self.checkpoints()[0]
        self.sent.remove(first)
        return first

    def checkpoints(self) -> list[dict[str, Any]]:
        """The checkpoints that were accepted and not taken yet."""
        return [one for one in self.sent if CHECKPOINT in one]

    def failures(self) -> list[dict[str, Any]]:
        """The events that do nothing but raise."""
        return [one for one in self.sent if CHAIN_FAILED in one]

    def probes(self) -> list[dict[str, Any]]:
        """The events that only ask whether the function may invoke itself."""
        return [one for one in self.offered if PROBE in one]

    def answer(self, event: dict[str, Any]) -> dict[str, Any]:
        """What one request is answered."""
        self.offered.append(event)
        self.on_offer()
        time.sleep(self.delay_seconds)
        code = self.codes.pop(0) if self.codes else self.then
        if code:
            return {"Error": {"Code": code, "Message": "no"}}
        self.sent.append(event)
        return {"Result": {"FunctionRequestId": f"request-{len(self.sent)}"}}


@contextmanager
def serving(function: Function) -> Iterator[Platform]:
    """A platform in front of this function, for as long as the context lasts."""
    platform = Platform(function)

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            requests = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if platform.raw:
                code, text = platform.raw.pop(0)
            else:
                answer = platform.answer(json.loads(requests["ClientContext"]))
                code, text = 200, json.dumps({"Response": {**answer, "RequestId": "1"}})
            body = text.encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            # A run that has no time left does not wait for the response.
            with suppress(ConnectionError):
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        platform.endpoint = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
        thread.start()
        try:
            yield platform
        finally:
            server.shutdown()
            thread.join()


def left(cloud: Cloud, bucket: str = LOG_BUCKET) -> list[str]:
    """The keys of the uploads of a bucket."""
    return [one.key for one in cloud.uploads(bucket)]


def counted(result: list[Invocation]) -> Counter[str]:
    """The outcomes of the runs, added up; without those that are 0."""
    sums: Counter[str] = Counter()
    for one in result:
        (line,) = one.lines("run.finished")
        sums.update({name: line[name] for name in OUTCOMES if line[name]})
    return sums


def status(result: Invocation) -> str:
    """What a run says of itself, whether it raised or not."""
    (line,) = result.lines("run.finished")
    return str(line["status"])
