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
from tests.faults.cell import REPORT, WORDS, Seen, Way, answer_of, everything_received, finish, outcome_of, storing_of
from tests.faults.kinds import KINDS, arm, delay_listings
from tests.faults.laws import Played, broken, leaked, raised
from tests.faults.scene import STRUCK, STRUCK_KEY, Scene, echo, furnish, furnish_shares, secrets
from tests.faults.stored import chain_reports, stored
from tests.fixtures import ABORTING, HANDLER, TOKEN
from tests.function import LOGS, PHOTOS, Function, Invocation, timer
from tests.laws.requests import is_lawful

ENDS = {"returned": "returns", "raised": "raises", "died": "is killed"}
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
    scene.is_swept = way.names is None
    if way.is_after_another:
        delay_listings(scene)
    arm(scene, way.operation, "instance killed")
    mark = cloud.mark()
    raw = way.event(scene, over_http=False)
    cloud.invoke(raw)
    assert cloud.wait_idle(PATIENCE_SECONDS)
    runs = _runs(cloud)
    played = _last_run(scene, way, runs, mark)
    wrong = [*broken(played, secrets(cloud), is_everywhere=False), *finish(scene, way, raw)]
    ends = ", ".join(ENDS[run.end] for run in runs)
    return Seen(played.report["status"], ends, outcome_of(played), str(len(runs) - 1), tuple(wrong))


def _runs(cloud: Cloud) -> list[InvocationRecord]:
    """The invocations that do something: not those that ask whether they are accepted, nor those that only raise."""
    return [one for one in cloud.invocations() if not {PROBE, CHAIN_FAILED} & set(one.event)]


def _last_run(scene: Scene, way: Way, runs: list[InvocationRecord], mark: int) -> Played:
    """The run that was not killed; all that any of them let out."""
    cloud, last = scene.cloud, runs[-1]
    requests = [one for one in cloud.requests(mark) if one.time >= last.started]
    aborted = {one.upload_id for one in requests if one.operation == "AbortMultipartUpload" and one.status == 204}
    after = scene.held()
    before = after | {upload for upload in scene.abandoned if upload.upload_id in aborted}
    return Played(
        scene=scene,
        result=Invocation(last.answer, None, last.log),
        is_named=way.names is not None,
        about=set(way.names(scene)) if way.names else before,
        report=last.answer,
        requests=requests,
        before=before,
        after=after,
        everything_received=_let_out(runs),
        stored=stored(cloud),
        took_seconds=0,
        limit_seconds=60,
    )


def _let_out(runs: list[InvocationRecord]) -> str:
    return "\n".join(f"{run.log}\n{json.dumps(run.answer)}\n{run.error}" for run in runs)


def play_chain(cloud: Cloud, way: Way, fault: str) -> Seen:
    """A sweep of two runs: an upload cannot be read as often as the first one tries, and the second one aborts it."""
    cloud.reset(PHOTOS, LOGS)
    cloud.scf_settings(env=KINDS[fault].settings, duplicate=1.0 if fault == "delivered twice" else 0.0)
    scene = furnish(cloud)
    cloud.fault("ListParts", bucket=STRUCK, key=STRUCK_KEY, status=500, code="InternalError", count=ATTEMPTS)
    arm(scene, way.operation, fault)
    cloud.fire_timer()
    assert cloud.wait_idle(PATIENCE_SECONDS)
    runs, objects = _runs(cloud), stored(cloud)
    result = Invocation(None, None, "".join(run.log for run in runs))
    finished = result.lines("run.finished")
    counts = Counter({name: sum(line[name] for line in finished) for name in WORDS})
    freed = [one["totals"]["freed"]["uploads"] for one in chain_reports(objects).values()]
    parts = [f"{counts[name]} {word}" for name, word in WORDS.items() if counts[name]]
    parts += [*storing_of(result), f"report.json: {sum(freed)} freed" if freed else "no report.json"]
    if any(run.end == "died" for run in runs):
        # What a killed run aborted it could not report.
        counts["aborted"] = len(set(scene.abandoned) - scene.held())
    last = finished[-1]
    wrong = [*_wrong(scene, counts, last, None, runs, result.output), *finish(scene, way, timer())]
    return Seen(
        last["status"], ", ".join(ENDS[run.end] for run in runs), ", ".join(parts), f"{len(runs)} runs", tuple(wrong)
    )


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
    """A sweep of two shards: the first run splits it, and instances process them."""
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
        with everything_received() as listening:
            began = monotonic()
            result = function(timer(), seconds=limit, TENCENTCLOUD_REGION="ap-guangzhou")
            took = monotonic() - began
    wrong = [f"it took {took:.1f} s of {limit} s"] if took > limit else []
    return _seen(scene, result, listening.getvalue(), wrong)


@contextmanager
def _endpoint(cloud: Cloud, fault: str) -> Iterator[str]:
    """Where Invoke requests go: to the emulator, or to a server with a fault that the emulator does not have."""
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
    """With the request's texts echoed in the response, and where it redirects, a forbidden location."""
    echoed = echo(scene.cloud)
    if "code" in fields:
        return {**fields, "message": echoed}
    if fields.get("status") in (301, 307):
        return {**fields, "headers": {"Location": f"{scene.cloud.endpoint}/{PHOTOS.partition('@')[0]}/raw/live"}}
    return {**fields, "raw": f"busy {echoed}"} if fields.get("raw") == "busy" else fields


def _seen(scene: Scene, result: Invocation | None, listened: str, wrong: list[str]) -> Seen:
    """The report of the first run, and what the runs did together. result: None where it ran on an instance."""
    cloud = scene.cloud
    assert cloud.wait_idle(PATIENCE_SECONDS)
    runs = _runs(cloud)
    children = [run.answer for run in runs if run.answer and (result or run.answer["run"] > 1)]
    firsts = [run.answer for run in runs if run.answer and run.answer["run"] == 1]
    first = result.lines("run.finished")[0] if result else firsts[-1]
    counts = Counter({name: sum(child[name] for child in children) for name in WORDS})
    parts = [f"{first['continuations']} handed on"] if first["continuations"] else []
    parts += [f"not handed on: {line['code']}" for line in result.lines("continuation.failed")] if result else []
    parts += storing_of(result) if result else []
    parts += [f"{counts[name]} {word}" for name, word in WORDS.items() if counts[name]]
    ends = [answer_of(result)] if result else []
    ends += ["is killed" for run in runs if run.end == "died"] + ([] if result else ["returns"])
    wrong = [*wrong, *_wrong(scene, counts, first, result, runs, listened), *finish(scene, Way("Invoke"), timer())]
    return Seen(first["status"], ", ".join(ends), ", ".join(parts), f"{len(children)} runs", tuple(wrong))


def _wrong(
    scene: Scene,
    counts: Counter[str],
    first: dict[str, Any],
    result: Invocation | None,
    runs: list[InvocationRecord],
    listened: str,
) -> Iterator[str]:
    """What must hold for a chain, besides the table."""
    left = scene.held()
    if lost := set(scene.live) - left:
        yield f"live uploads were aborted: {sorted(lost)}"
    undone = set(scene.abandoned) & left
    if undone and first["status"] != "failed":
        yield f"{len(undone)} are left, and the run said nothing of it"
    if counts["aborted"] != len(scene.abandoned) - len(undone):
        yield f"{counts['aborted']} reported as aborted, {len(scene.abandoned) - len(undone)} are"
    if result and isinstance(result.error, RunFailed) != (first["status"] == "failed"):
        yield "raised" if result.error else "did not raise"
    out = [listened, _let_out(runs), json.dumps(scene.cloud.scf()["dead_letters"]), *stored(scene.cloud).values()]
    out += [result.output, json.dumps(result.answer), raised(result.error)] if result else []
    yield from leaked("\n".join(out), secrets(scene.cloud))
    yield from (
        f"unlawful: {one.method} {one.raw_path}"
        for one in scene.cloud.requests()
        if one.secret_id != scene.cloud.owner.secret_id and not is_lawful(one)
    )
