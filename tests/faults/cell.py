"""
One cell of the table, played: a scene, an event, a fault at an operation, and what was seen of it in the table's words.

Every cell plays on: once with the fault, and once more without it, when all that is left must get done.
"""

import contextlib
import io
import json
import logging
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from cos_sweeper.core import deadline, policy, retry
from cos_sweeper.cos import sdk_store
from cos_sweeper.engine import listing, processing
from tests.emulator.public import Cloud, Credentials
from tests.faults.kinds import KINDS, OPERATIONS, SPECIAL, Kind, arm, delay_listings
from tests.faults.laws import Played, broken
from tests.faults.scene import BYSTANDER, Scene, SeededUpload, furnish, secrets
from tests.faults.stored import chain_reports, misreported, run_report, stored, unfinish
from tests.fixtures import TOKEN
from tests.function import LOGS, PHOTOS, Function, Invocation, event, timer

REPORT = f"{LOGS}/sweeper-reports"
# How long a hurried run waits for an answer.
HURRIED_SECONDS = 0.3
WORDS = {
    "aborted": "aborted",
    "already_gone": "gone",
    "kept": "kept",
    "rejected": "rejected",
    "failed": "failed",
    "deferred": "left",
}
UNSTORED = {
    "store_failed": "lost",
    "read_failed": "unread",
    "not_merged": "not merged",
    "postponed": "postponed",
    "object_unreadable": "damaged",
}
UNREAD = re.compile(r"The (lifecycle rules|Object Lock) .*?could not be read \(([^)]*)\)")


@dataclass(frozen=True, slots=True)
class Way:
    """
    How the function is asked while the fault is in force at an operation.

    names: the uploads that the event names, which is then sent over HTTP as well; None for a sweep. is_after_another:
    an earlier chain ended without a report, and this run completes it beside its sweep.
    """

    operation: str
    settings: dict[str, str] = field(default_factory=dict)
    names: Callable[[Scene], list[SeededUpload]] | None = None
    is_after_another: bool = False

    def event(self, scene: Scene, *, over_http: bool) -> Any:
        """The event as the platform brings it."""
        if self.names is None:
            return timer()
        raw = scene.failure(self.names(scene))
        if not over_http:
            return raw
        headers = {"content-type": "application/json", "authorization": f"Bearer {TOKEN}"}
        return {**event("http_function_url"), "body": json.dumps(raw), "headers": headers}


@dataclass(frozen=True, slots=True)
class Seen:
    """A cell in the table's words, and the laws that were broken on the way there."""

    status: str
    answer: str
    outcome: str
    struck: str
    broken: tuple[str, ...] = ()


def play(cloud: Cloud, way: Way, fault: str) -> Seen:
    """Play one cell; where the event names uploads, once directly and once over HTTP, each on a scene of its own."""
    seen = _play(cloud, way, fault, over_http=False)
    if way.names is None:
        return seen
    http = _play(cloud, way, fault, over_http=True)
    differs = [
        f"over HTTP: {http_says!r}"
        for http_says, says in [(http.status, seen.status), (http.outcome, seen.outcome), (http.struck, seen.struck)]
        if http_says != says
    ]
    broke = (*seen.broken, *http.broken, *differs)
    return Seen(seen.status, f"{seen.answer}, {http.answer}", seen.outcome, seen.struck, broke)


def _play(cloud: Cloud, way: Way, fault: str, *, over_http: bool) -> Seen:
    kind = KINDS[fault]
    cloud.reset(PHOTOS, LOGS)
    is_special = (way.operation, fault) in SPECIAL
    cloud.clock(offset_seconds=0 if is_special else kind.skew_seconds)
    scene = furnish(cloud)
    scene.is_swept = way.names is None
    if way.is_after_another:
        scene.earlier = leave_unfinished(scene)
        if kind.stops:
            delay_listings(scene)
    arm(scene, way.operation, fault)
    raw = way.event(scene, over_http=over_http)
    played = [invoke(scene, way, raw, kind) for _ in range(2 if fault == "delivered twice" else 1)]
    known = secrets(cloud)
    wrong = [
        sentence
        for one in played
        for sentence in broken(one, known, is_everywhere=kind.is_everywhere or BYSTANDER in one.not_listed)
    ]
    struck = [one for one in played[0].requests if one.operation == OPERATIONS[way.operation] and one.fault]
    return Seen(
        played[-1].report["status"],
        answer_of(played[-1].result),
        "; again: ".join(outcome_of(one) for one in played),
        str(len(struck)) if kind.fields or struck else "",
        (*wrong, *finish(scene, way, raw)),
    )


def leave_unfinished(scene: Scene) -> str:
    """Leave a chain behind that ended without a report. Returns its run id."""
    dry = Function(scene.cloud, {"REPORT": REPORT, "DRY_RUN": "true"})(timer())
    run_id: str = dry.report["run_id"]
    unfinish(scene.cloud, run_id)
    return run_id


def finish(scene: Scene, way: Way, raw: Any) -> list[str]:
    """Ask once more, without the fault and with renewed credentials: what was wrong, or is left."""
    cloud = scene.cloud
    cloud.heal()
    cloud.clock(offset_seconds=0)
    scene.unseen.clear()
    scene.ghosts.clear()
    renewed = cloud.add_credentials(token="renewed-" + "t" * 24, expires_in_seconds=3600)
    played = invoke(scene, way, raw, Kind(), renewed)
    wrong = [f"later: {one}" for one in broken(played, secrets(cloud), is_everywhere=False)]
    if played.report["status"] != "complete":
        wrong.append(f"later: the status is {played.report['status']}")
    if left := set(scene.abandoned) & played.after:
        wrong.append(f"later: {len(left)} were not aborted")
    if scene.earlier and scene.earlier not in chain_reports(played.stored):
        wrong.append("later: the earlier chain has no report")
    return [*wrong, *misreported(scene, played.stored)]


def invoke(scene: Scene, way: Way, raw: Any, kind: Kind, role: Credentials | None = None) -> Played:
    """Invoke the function in this process, and look at all that came of it."""
    cloud = scene.cloud
    before, mark = scene.held(), cloud.mark()
    function = Function(cloud, {"REPORT": REPORT, **way.settings, **kind.settings})
    with everything_received() as listening, hurried() if kind.hurried else contextlib.nullcontext():
        began = time.monotonic()
        result = function(raw, seconds=kind.seconds, role=role)
        took = time.monotonic() - began
    requests, objects = cloud.requests(mark), stored(cloud)
    (ended,) = result.lines("run.finished")
    report = run_report(objects, ended["run_id"])
    return Played(
        scene=scene,
        result=result,
        is_named=way.names is not None,
        about=set(way.names(scene)) if way.names else (before | scene.ghosts) - set(scene.unseen),
        report=report or (result.report if result.answer is not None else ended),
        requests=requests,
        before=before,
        after=scene.held(),
        everything_received=listening.getvalue(),
        stored=objects,
        took_seconds=took,
        limit_seconds=kind.seconds,
    )


@contextlib.contextmanager
def everything_received() -> Iterator[io.StringIO]:
    """All that is written to standard error or logged at any level meanwhile."""
    listening = io.StringIO()
    handler, root = logging.StreamHandler(listening), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with contextlib.redirect_stderr(listening):
            yield listening
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


@contextlib.contextmanager
def hurried() -> Iterator[None]:
    """The program's patience, cut down: what it would wait ten seconds for is given up at once, and tried again."""
    with (
        mock.patch.object(deadline, "REQUEST_SECONDS", HURRIED_SECONDS),
        mock.patch.object(sdk_store, "WORTH_TRYING_SECONDS", 0.0),
        mock.patch.object(listing, "PAUSES", (0.0,)),
        mock.patch.object(retry, "backoff", return_value=0.0),
        mock.patch.object(processing, "backoff", return_value=0.0),
    ):
        yield


def answer_of(result: Invocation) -> str:
    if result.answer is None:
        return "raises"
    return f"HTTP {result.answer['statusCode']}" if "statusCode" in result.answer else "returns"


def outcome_of(played: Played) -> str:
    """What became of the uploads, of a bucket that could not be listed, and of the report."""
    report, result = played.report, played.result
    parts = [f"{report[name]} {word}{_why(name, played)}" for name, word in WORDS.items() if report[name]]
    if played.is_unintended:
        # How many were looked at before the intents failed is chance.
        parts = ["nothing aborted"]
    parts += [
        _buckets_failed(code, result) for code in sorted({line["code"] for line in result.lines("bucket.failed")})
    ]
    parts += ["stopped" for _ in result.lines("run.stopped")]
    if report["size_unknown"]:
        parts.append(f"{report['size_unknown']} of unknown size")
    parts += storing_of(result)
    parts += _chain_report_of(played)
    return ", ".join(parts) or "nothing reached"


def _chain_report_of(played: Played) -> Iterator[str]:
    """What the report.json does not say of buckets, or that there is none, of this chain or the earlier one."""
    if played.is_named:
        return
    whole = chain_reports(played.stored).get(played.report["run_id"])
    if whole is None:
        yield "no report.json"
    for one in whole["coverage"] if whole else []:
        yield from (f"{what} unread: {code}" for what, code in UNREAD.findall(one["detail"]))
    if played.scene.earlier and played.scene.earlier not in chain_reports(played.stored):
        yield "no report of the earlier chain"


def storing_of(result: Invocation) -> list[str]:
    """What could not be stored or read under the report prefix. Records may be stored by a later attempt."""
    codes: dict[tuple[str, str], set[str]] = {}
    are_lost = bool(result.lines("records.lost"))
    # Whether the history is read before or after COS stops answering is chance. Without it nothing is merged.
    is_merged = not result.lines("report.not_merged")
    for line in result.log:
        name, _, failure = line["event"].partition(".")
        is_chance = line["event"] == "history.read_failed" and not is_merged
        if failure in UNSTORED and (name != "records" or are_lost) and not is_chance:
            codes.setdefault((UNSTORED[failure], line.get("code", "")), set()).add(name)
    return [
        f"{'/'.join(sorted(names))} {failure}" + (f": {code}" if code else "")
        for (failure, code), names in sorted(codes.items())
    ]


def _buckets_failed(code: str, result: Invocation) -> str:
    buckets = [line["bucket"] for line in result.lines("bucket.failed") if line["code"] == code]
    if buckets == ["*"]:
        return f"no bucket known: {code}"
    return f"{'bucket' if len(buckets) == 1 else f'{len(buckets)} buckets'} failed: {code}"


def _why(name: str, played: Played) -> str:
    if name == "failed":
        return ": " + "/".join(sorted({line["code"] for line in played.result.lines("upload.failed")}))
    reasons = {} if name != "kept" else played.report.get("kept_by_reason", {})
    odd = [f"{count}: {reason}" for reason, count in sorted(reasons.items()) if reason != policy.PART_RECENT]
    return f" ({', '.join(odd)})" if odd else ""
