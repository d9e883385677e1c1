"""
What holds in every cell, whatever the table says: each law that is broken, as a sentence.
"""

import json
import re
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from cos_sweeper.core.errors import RunFailed
from tests.emulator.public import Request
from tests.faults.scene import BYSTANDER, PART_BYTES, STRUCK, Place, Scene
from tests.function import Invocation
from tests.laws.requests import is_lawful

OUTCOMES = ("aborted", "already_gone", "kept", "would_abort", "rejected", "failed", "deferred")
STILL_THERE = ("kept", "rejected", "failed", "deferred")
SIGNED = re.compile(r"(q-signature|q-ak)=(?!\[hidden\])|Signature=[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Played:
    """
    One invocation on a scene, and what is left of it.

    is_named: the event names uploads. about: the uploads that a listing shows or the event names. told: the report,
    from wherever it can be read. requests: what COS got meanwhile. before, after: the uploads that stood there. heard:
    all that was printed and logged besides the log. kept: the texts of the reports in the bucket.
    """

    scene: Scene
    done: Invocation
    is_named: bool
    about: set[Place]
    told: dict[str, Any]
    requests: list[Request]
    before: set[Place]
    after: set[Place]
    heard: str
    kept: list[str]
    took_seconds: float
    limit_seconds: float

    @property
    def not_listed(self) -> set[str]:
        """Buckets whose listing broke off, and the run says so."""
        failed = {line["bucket"].partition("@")[0] for line in self.done.lines("bucket.failed")}
        if "*" in failed or self.told["stopped_because"] or self.done.lines("run.stopped"):
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
    if played.done.answer is not None and played.done.report != played.told:
        yield "the report that is kept is not the one that was answered"


def _miscounted(played: Played) -> Iterator[str]:
    told = played.told
    if sum(told[name] for name in OUTCOMES) != told["uploads"]:
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
    if not len(promised - contradicted) <= told["aborted"] <= len(promised):
        yield f"{told['aborted']} told as aborted, {len(promised)} answered with 204, {len(contradicted)} still listed"
    if told["bytes_freed"] != (told["aborted"] - told["size_unknown"]) * PART_BYTES:
        yield f"{told['bytes_freed']} bytes told as freed"
    # Where COS accepts the credentials no longer and there is nobody to go on, that is a failure as well.
    trouble = told["failed"] > 0 or bool(played.done.lines("bucket.failed") + played.done.lines("run.stopped"))
    if (told["status"] == "failed") != trouble:
        yield f"the status is {told['status']}"
    wanted_again = trouble or (played.is_named and told["deferred"] > 0)
    if "statusCode" not in (played.done.answer or {}) and isinstance(played.done.error, RunFailed) != wanted_again:
        yield "raised" if played.done.error else "did not raise"


def _untold(played: Played) -> Iterator[str]:
    """Uploads without an outcome, in a bucket that is not told as failed."""
    told = played.told
    about = {place for place in played.about if place.bucket not in played.not_listed}
    if told["uploads"] < len(about):
        yield f"{len(about)} were listed or named, {told['uploads']} have an outcome"
    if len(about & played.after) > sum(told[name] for name in STILL_THERE):
        yield f"{len(about & played.after)} are still there, fewer are told"
    gone = len(played.before - played.after) + len(played.about - played.before)
    if told["aborted"] + told["already_gone"] > gone:
        yield f"{told['aborted']} aborted and {told['already_gone']} gone are told, {gone} are"


def _left_undone(played: Played, *, is_everywhere: bool) -> Iterator[str]:
    scene = played.scene
    if lost := (set(scene.live) & played.before) - played.after:
        yield f"live uploads were aborted: {sorted(lost)}"
    if not is_everywhere and any(place.bucket == BYSTANDER and place in played.after for place in scene.abandoned):
        yield "the other bucket was not swept"


def everything_that_left(played: Played) -> str:
    """All that anybody outside could read of a run."""
    done = played.done
    return "\n".join([done.output, json.dumps(done.answer), raised(done.error), played.heard, *played.kept])


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
