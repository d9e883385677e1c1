"""
What holds in every cell, besides the table: each law that is broken, as a sentence.
"""

import json
import re
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from cos_sweeper.core.errors import RunFailed
from tests.emulator.public import Request
from tests.faults.scene import BYSTANDER, PART_BYTES, STRUCK, Scene, SeededUpload
from tests.faults.stored import Objects, chain_reports
from tests.function import Invocation
from tests.laws.requests import is_lawful

OUTCOMES = ("aborted", "already_gone", "kept", "would_abort", "rejected", "failed", "deferred")
STILL_THERE = ("kept", "rejected", "failed", "deferred")
SIGNED = re.compile(r"(q-signature|q-ak)=(?!\[hidden\])|Signature=[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Played:
    """
    One invocation on a scene, and what is left of it.

    is_named: the event names uploads. about: the uploads that a listing shows or the event names. report: from wherever
    it can be read. requests: what COS got meanwhile. before, after: the uploads that stood there. heard: all that was
    printed and logged besides the log. stored: the objects under the report prefix, by key.
    """

    scene: Scene
    result: Invocation
    is_named: bool
    about: set[SeededUpload]
    report: dict[str, Any]
    requests: list[Request]
    before: set[SeededUpload]
    after: set[SeededUpload]
    everything_received: str
    stored: Objects
    took_seconds: float
    limit_seconds: float

    @property
    def is_unintended(self) -> bool:
        """Whether the run aborted nothing because its intents could not be stored."""
        return any("NothingAborted" in line["reason"] for line in self.result.lines("run.failed"))

    @property
    def not_listed(self) -> set[str]:
        """Buckets whose listing failed according to the run."""
        failed = {line["bucket"].partition("@")[0] for line in self.result.lines("bucket.failed")}
        if "*" in failed or self.report["stopped_because"] or self.result.lines("run.stopped"):
            return {STRUCK, BYSTANDER}
        return failed


def broken(played: Played, secrets: Iterable[str], *, is_everywhere: bool) -> Iterator[str]:
    """Every law that this run broke. is_everywhere: the fault touches the other bucket as well."""
    if played.took_seconds > played.limit_seconds:
        yield f"it took {played.took_seconds:.2f} s of {played.limit_seconds} s"
    yield from _miscounted(played)
    yield from _untold(played)
    yield from _left_undone(played, is_everywhere=is_everywhere)
    yield from (f"unlawful: {one.method} {one.raw_path}" for one in played.requests if not is_lawful(one))
    yield from leaked(everything_that_left(played), secrets)
    if played.result.answer is not None and played.result.report != played.report:
        yield "the report that is stored is not the one that was answered"
    yield from _contradicted(played)


def _miscounted(played: Played) -> Iterator[str]:
    report = played.report
    if sum(report[name] for name in OUTCOMES) != report["uploads"]:
        yield "the outcomes do not add up to the uploads"
    promised, contradicted = set[tuple[str, str, str]](), set[tuple[str, str, str]]()
    for one in played.requests:
        upload = one.bucket, one.key, one.upload_id
        if one.operation == "AbortMultipartUpload" and one.status == 204:
            promised.add(upload)
            contradicted.discard(upload)
        elif one.operation == "ListParts" and one.status == 200 and upload in promised:
            # If it could be read, the upload is still there.
            contradicted.add(upload)
    if not len(promised - contradicted) <= report["aborted"] <= len(promised):
        yield f"{report['aborted']} reported as aborted, {len(promised)} answered with 204, {len(contradicted)} listed"
    if report["bytes_freed"] != (report["aborted"] - report["size_unknown"]) * PART_BYTES:
        yield f"{report['bytes_freed']} bytes reported as freed"
    # If COS no longer accepts the credentials and no run continues, that is a failure as well.
    failed = report["failed"] > 0 or bool(played.result.lines("bucket.failed") + played.result.lines("run.stopped"))
    failed = failed or played.is_unintended
    if (report["status"] == "failed") != failed:
        yield f"the status is {report['status']}"
    wanted_again = failed or (played.is_named and report["deferred"] > 0)
    if "statusCode" not in (played.result.answer or {}) and isinstance(played.result.error, RunFailed) != wanted_again:
        yield "raised" if played.result.error else "did not raise"


def _contradicted(played: Played) -> Iterator[str]:
    """What report.json says of this run, where it is the only one of its chain."""
    report, whole = played.report, chain_reports(played.stored).get(played.report["run_id"])
    if whole is None or whole["runs"] != 1 or whole["shards"]["count"] != 1:
        return
    totals = whole["totals"]
    theirs = whole["status"], *(totals[name]["uploads"] for name in ("freed", "failed"))
    ours = report["status"], report["aborted"], report["failed"]
    # What was deferred is left where its parts were looked at, and kept where nobody knows.
    if not report["kept"] <= totals["kept"]["uploads"] <= report["kept"] + report["deferred"]:
        yield f"report.json says {totals['kept']['uploads']} kept; the run {report['kept']}"
    if theirs != ours or totals["freed"]["bytes"] != report["bytes_freed"]:
        yield f"report.json says {theirs}, {totals['freed']['bytes']} bytes; the run {ours}, {report['bytes_freed']}"


def _untold(played: Played) -> Iterator[str]:
    """Uploads without an outcome, in a bucket that is not reported as failed."""
    report = played.report
    about = {upload for upload in played.about if upload.bucket not in played.not_listed}
    if report["uploads"] < len(about):
        yield f"{len(about)} were listed or named, {report['uploads']} have an outcome"
    if len(about & played.after) > sum(report[name] for name in STILL_THERE):
        yield f"{len(about & played.after)} are still there, fewer are reported"
    gone = len(played.before - played.after) + len(played.about - played.before)
    if report["aborted"] + report["already_gone"] > gone:
        yield f"{report['aborted']} aborted and {report['already_gone']} gone are reported, {gone} are"


def _left_undone(played: Played, *, is_everywhere: bool) -> Iterator[str]:
    scene = played.scene
    if lost := (set(scene.live) & played.before) - played.after:
        yield f"live uploads were aborted: {sorted(lost)}"
    if played.is_unintended and played.report["aborted"]:
        yield "it aborted without intents"
    if not (is_everywhere or played.is_unintended) and any(
        upload.bucket == BYSTANDER and upload in played.after for upload in scene.abandoned
    ):
        yield "the other bucket was not swept"


def everything_that_left(played: Played) -> str:
    """All that can be read of a run from outside."""
    result = played.result
    return "\n".join(
        [
            result.output,
            json.dumps(result.answer),
            raised(result.error),
            played.everything_received,
            *played.stored.values(),
        ]
    )


def raised(error: BaseException | None) -> str:
    """An exception as it would be printed, and all that it carries along, shown or not."""
    seen: list[str] = []
    while error is not None:
        seen += traceback.format_exception(error)
        seen.append(repr(error) + repr(error.args) + repr(vars(error)))
        error = error.__cause__ or error.__context__
    return "\n".join(seen)


def leaked(text: str, secrets: Iterable[str]) -> Iterator[str]:
    """Each secret that stands in the text. It is not repeated here either."""
    for secret in secrets:
        if secret in text:
            at = text.index(secret)
            yield f"a secret got out, after …{text[max(0, at - 60) : at]!r}"
    if SIGNED.search(text):
        yield "a signature got out"
