"""
The cells that need an SCF: the function invoking itself, and instances that are killed. Real processes, real kills.
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from time import monotonic
from typing import Any
from unittest import mock

from cos_sweeper.core.errors import RunFailed
from cos_sweeper.core.model import CHAIN_FAILED, PROBE
from cos_sweeper.core.retry import ATTEMPTS
from cos_sweeper.scf import invoker
from tests.emulator.public import Cloud, InvocationRecord
from tests.fake_server import READ, STAY, Server, Step, drip
from tests.faults.cell import REPORT, WORDS, Seen, Way, answer_of, finish, heard, outcome_of
from tests.faults.kinds import KINDS, arm
from tests.faults.laws import Played, broken, leaked, raised
from tests.faults.scene import Scene, echo, furnish, furnish_shares, reports, secrets
from tests.fixtures import ABORTING, HANDLER, TOKEN
from tests.function import LOGS, PHOTOS, Function, Invocation, timer
from tests.laws.requests import is_lawful

# Long enough for both Pythons to start on a busy machine.
PATIENCE_SECONDS = 120
HURRIED_SECONDS = 0.3
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def start() -> Cloud:
    """A cloud whose SCF runs one instance at a time, so that what happens happens in one order."""
    env = {"BUCKETS": f"{PHOTOS},{LOGS}", "REPORT": REPORT, "HTTP_TOKEN": TOKEN, **ABORTING}
    return Cloud.start(PHOTOS, LOGS, function=HANDLER, env=env, concurrency=1, retry_wait_ms=10)


def play_killed(cloud: Cloud, way: Way) -> Seen:
    """The instance is killed as it asks for an operation, which is carried out all the same; SCF tries again."""
    cloud.reset(PHOTOS, LOGS)
    cloud.scf_settings(env={**way.settings, **KINDS["instance killed"].settings})
    scene = furnish(cloud)
    arm(scene, way.operation, "instance killed")
    mark = cloud.mark()
    raw = way.event(scene, over_http=False)
    cloud.invoke(raw)
    assert cloud.wait_idle(PATIENCE_SECONDS)
    runs = _runs(cloud)
    played = _last_run(scene, way, runs, mark)
    wrong = [*broken(played, secrets(cloud), is_everywhere=False), *finish(scene, way, raw)]
    ends = ", ".join("is killed" if run.end == "died" else "returns" for run in runs)
    return Seen(played.told["status"], ends, outcome_of(played), str(len(runs) - 1), tuple(wrong))


def _runs(cloud: Cloud) -> list[InvocationRecord]:
    """The invocations that do something: not those that ask whether they are accepted, nor those that only raise."""
    return [one for one in cloud.invocations() if not {PROBE, CHAIN_FAILED} & set(one.event)]


def _last_run(scene: Scene, way: Way, runs: list[InvocationRecord], mark: int) -> Played:
    """The run that was not killed; all that any of them let out."""
    cloud, last = scene.cloud, runs[-1]
    requests = [one for one in cloud.requests(mark) if one.time >= last.started]
    aborted = {one.upload_id for one in requests if one.operation == "AbortMultipartUpload" and one.status == 204}
    after = scene.held()
    before = after | {place for place in scene.abandoned if place.upload_id in aborted}
    return Played(
        scene=scene,
        done=Invocation(last.answer, None, last.log),
        is_named=way.names is not None,
        about=set(way.names(scene)) if way.names else before,
        told=last.answer,
        requests=requests,
        before=before,
        after=after,
        heard=_let_out(runs),
        kept=reports(cloud),
        took_seconds=0,
        limit_seconds=60,
    )


def _let_out(runs: list[InvocationRecord]) -> str:
    return "\n".join(f"{run.log}\n{json.dumps(run.answer)}\n{run.error}" for run in runs)


# The function invoking itself. The first run is in this process, so that its waits can be cut short.

INVOKE_FAULTS: dict[str, dict[str, Any]] = {
    "503 SlowDown burst": {"status": 200, "code": "RequestLimitExceeded", "count": ATTEMPTS - 1},
    "500 once": {"raw": "busy", "status": 500, "count": 1},
    "500 for ever": {"raw": "busy", "status": 500},
    "reset before the effect": {"reset": "before", "count": 1},
    "reset after the effect": {"reset": "after", "count": 1},
    "a truncated body": {"raw": '{"Response": {"Result": {"Func', "count": 1},
    "malformed XML": {"raw": "busy"},
    # An error whose content type the SDK does not look into.
    "XML of another kind": {
        "raw": '{"Response": {"Error": {"Code": "InternalError", "Message": ""}, "RequestId": "1"}}',
        "headers": {"Content-Type": "application/json; charset=utf-8"},
    },
    "an empty 200": {"raw": ""},
    "301": {"raw": "", "status": 301},
    "307": {"raw": "", "status": 307},
    "403 from now on": {"status": 200, "code": "UnauthorizedOperation", "skip": 1},
    "credentials expire": {"blow": "expire", "count": 1},
    "404 NoSuchBucket": {"status": 200, "code": "ResourceNotFound.FunctionName"},
    "RequestTimeTooSkewed": {"status": 200, "code": "AuthFailure.SignatureExpire"},
    "instance killed": {"blow": "kill", "reset": "before", "count": 1},
}
SCRIPTS: dict[str, list[Step]] = {
    "no answer": [READ, STAY],
    "no answer until time is up": [READ, STAY],
    "a body that drips": [READ, drip(HEAD + b"Content-Length: 9999\r\n\r\n{", b" ")],
    "an answer without end": [READ, drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"4\r\n    \r\n")],
}
# An Invoke waits three seconds for its answer, and a run that has less left does not try again.
ONE_TRY_SECONDS = 4.2


def play_invoke(cloud: Cloud, fault: str) -> Seen:
    """A sweep that is shared by two: the first run deals out both shares, and instances take them."""
    cloud.reset(PHOTOS, LOGS)
    scene = furnish_shares(cloud)
    if fault in INVOKE_FAULTS:
        cloud.invoke_fault(**_worded(scene, INVOKE_FAULTS[fault]))
    if fault == "instance killed":
        cloud.scf_settings(env={"FAN_OUT": "2"})
        cloud.fire_timer()
        return _seen(scene, None, "", [])
    if fault == "delivered twice":
        cloud.scf_settings(duplicate=1.0)
    cloud.clock(offset_seconds=KINDS[fault].skew_seconds)
    limit = ONE_TRY_SECONDS if fault in SCRIPTS else 60.0
    with _endpoint(cloud, fault) as endpoint, _quick(is_hurried=fault in SCRIPTS and "until" not in fault):
        function = Function(cloud, {"REPORT": REPORT, "FAN_OUT": "2", "INVOKE_ENDPOINT": endpoint})
        with heard() as listening:
            began = monotonic()
            done = function(timer(), seconds=limit, TENCENTCLOUD_REGION="ap-guangzhou")
            took = monotonic() - began
    wrong = [f"it took {took:.1f} s of {limit} s"] if took > limit else []
    return _seen(scene, done, listening.getvalue(), wrong)


@contextmanager
def _endpoint(cloud: Cloud, fault: str) -> Iterator[str]:
    """Where Invoke requests go: to the laptop's SCF, or to a server that does what no SCF is told to do."""
    if fault not in SCRIPTS:
        yield cloud.invoke_endpoint
        return
    # Two shares, and the two packed together, each as often as it is tried.
    with Server(*[SCRIPTS[fault]] * (3 * ATTEMPTS)) as server:
        yield f"http://127.0.0.1:{server.port}"


@contextmanager
def _quick(*, is_hurried: bool) -> Iterator[None]:
    """Pauses between attempts are not waited for, and in a hurry neither is an answer for long."""
    seconds = HURRIED_SECONDS if is_hurried else invoker.REQUEST_SECONDS
    with (
        mock.patch.object(invoker, "FunctionInvoker", partial(invoker.FunctionInvoker, sleep=_at_once)),
        mock.patch.object(invoker, "REQUEST_SECONDS", seconds),
    ):
        yield


async def _at_once(_: float) -> None:
    """No pause is waited for."""


def _worded(scene: Scene, fields: dict[str, Any]) -> dict[str, Any]:
    """With what the request said in the answer, and where it redirects, a place that nobody may go to."""
    said = echo(scene.cloud)
    if "code" in fields:
        return {**fields, "message": said}
    if fields.get("status") in (301, 307):
        return {**fields, "headers": {"Location": f"{scene.cloud.endpoint}/{PHOTOS.partition('@')[0]}/raw/live"}}
    return {**fields, "raw": f"busy {said}"} if fields.get("raw") == "busy" else fields


def _seen(scene: Scene, done: Invocation | None, listened: str, wrong: list[str]) -> Seen:
    """What the first run said, and what the runs together did. done: None where it ran on an instance."""
    cloud = scene.cloud
    assert cloud.wait_idle(PATIENCE_SECONDS)
    runs = _runs(cloud)
    children = [run.answer for run in runs if run.answer and (done or run.answer["run"] > 1)]
    firsts = [run.answer for run in runs if run.answer and run.answer["run"] == 1]
    first = done.lines("run.finished")[0] if done else firsts[-1]
    counts = Counter({name: sum(child[name] for child in children) for name in WORDS})
    parts = [f"{first['continuations']} handed on"] if first["continuations"] else []
    parts += [f"not handed on: {line['code']}" for line in done.lines("continuation.failed")] if done else []
    parts += [f"report lost: {line['code']}" for line in done.lines("report.store_failed")] if done else []
    parts += [f"{counts[name]} {word}" for name, word in WORDS.items() if counts[name]]
    ends = [answer_of(done)] if done else []
    ends += ["is killed" for run in runs if run.end == "died"] + ([] if done else ["returns"])
    wrong = [*wrong, *_wrong(scene, counts, first, done, runs, listened), *finish(scene, Way("Invoke"), timer())]
    return Seen(first["status"], ", ".join(ends), ", ".join(parts), f"{len(children)} runs", tuple(wrong))


def _wrong(
    scene: Scene,
    counts: Counter[str],
    first: dict[str, Any],
    done: Invocation | None,
    runs: list[InvocationRecord],
    listened: str,
) -> Iterator[str]:
    """What must hold of a chain, whatever the table says."""
    left = scene.held()
    if lost := set(scene.live) - left:
        yield f"live uploads were aborted: {sorted(lost)}"
    undone = set(scene.abandoned) & left
    if undone and first["status"] != "failed":
        yield f"{len(undone)} are left, and the run said nothing of it"
    if counts["aborted"] != len(scene.abandoned) - len(undone):
        yield f"{counts['aborted']} told as aborted, {len(scene.abandoned) - len(undone)} are"
    if done and isinstance(done.error, RunFailed) != (first["status"] == "failed"):
        yield "raised" if done.error else "did not raise"
    out = [listened, _let_out(runs), json.dumps(scene.cloud.scf()["dead_letters"]), *reports(scene.cloud)]
    out += [done.output, json.dumps(done.answer), raised(done.error)] if done else []
    yield from leaked("\n".join(out), secrets(scene.cloud))
    yield from (
        f"unlawful: {one.method} {one.raw_path}"
        for one in scene.cloud.requests()
        if one.secret_id != scene.cloud.owner.secret_id and not is_lawful(one)
    )
