"""
What holds at the end of a chain of runs.

Always: the chain has ended for a reason. If anything failed, the platform counts an error, or the caller of an HTTP
request receives it.

If nothing was reported twice (no run died or raised and was tried again, no continuation was delivered twice):

- no upload has two outcomes; an upload that failed for now and was tried again has one, like every other;
- every failure is in the report of the last run of a branch;
- no more is aborted than MAX_ABORTS, and an upload that failed for now was tried in three runs.

If nothing was lost (every continuation was delivered, every run that raised or died was tried again): each upload that
existed all the time and is listed or named has an outcome. The exceptions are reported too: the listing of its bucket
failed, the listing from there on was not swept, or the current settings exclude it and it was dropped. What a run
aborted before it died is in no report.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from cos_sweeper.core.model import CHECKPOINT, RejectedRequest, Upload
from cos_sweeper.core.outcomes import Failed
from cos_sweeper.engine.paginator import order
from cos_sweeper.scf.events import Source
from tests.simulation.in_memory.chains import Chain
from tests.simulation.in_memory.scene import Scene
from tests.simulation.in_memory.terms import minimum

MAX_ATTEMPTS = 3
MAX_AGE = timedelta(hours=23)


def check_chain(chain: Chain, scene: Scene) -> None:
    """Compare the reports of all runs of a chain with what happened."""
    _failures_are_counted_by_the_platform(chain)
    ends = _why_ended(chain, scene)
    reported = _reported(chain)
    if not chain.twice:
        _uploads_are_reported_once(chain, scene, reported)
        _limit_is_kept(chain, ends)
    if not chain.lost:
        _uploads_are_all_reported(chain, scene, reported)
    if not chain.twice and not chain.lost:
        _failures_are_reported_at_the_end(chain)
        _failures_were_tried_three_times(chain, ends)


def check_limit_of_event(attempts: Sequence[Chain]) -> None:
    """Of the uploads that an event names no more are aborted than MAX_ABORTS, however often it is tried again."""
    expectation, limit = attempts[0].expectation, _limit(attempts[0])
    if limit is None or not expectation.named:
        return
    gone = {upload for chain in attempts for run in chain.runs for upload in (*run.freed, *run.lost)}
    assert len(gone) <= limit, f"{len(gone)} aborts follow from one event, {limit} were allowed"
    assert gone <= set(expectation.named[:limit])


def _reported(chain: Chain) -> Counter[Upload]:
    outcomes = [outcome for run in chain.runs if run.report is not None for outcome, _ in run.outcomes]
    rejected = [one for one in outcomes if isinstance(one, RejectedRequest) and one.origin != "listing"]
    return Counter(one.upload for one in outcomes if one.upload is not None and one not in rejected)


def _failures_are_counted_by_the_platform(chain: Chain) -> None:
    """The platform counts at least one error for a chain that failed."""
    if chain.source is Source.HTTP or chain.lost or chain.twice:
        return
    if any(run.report and run.report.failed for run in chain.runs):
        assert chain.failure_events or chain.raised or chain.source is Source.CKAFKA, (
            "Honesty: a chain failed, and nobody knows"
        )


def _why_ended(chain: Chain, scene: Scene) -> set[str]:
    """Why the chain ended before its work did; there must be a cause."""
    why: set[str] = set()
    for run in chain.runs:
        report = run.report
        if report is None or report.continuations or not (report.stopped_because or report.counts["deferred"]):
            continue
        if "NoProgress" in report.failed:
            is_struck = any(run.struck.values()) or any(run.pages_struck.values())
            assert not chain.roomy or is_struck, "Progress: there was time enough"
            why.add("no progress")
        elif "ChainTooLong" in report.failed:
            # A stale listing shows what is gone again and again, while something else takes longer than a run.
            is_old = run.ours - chain.as_of >= MAX_AGE
            assert scene.ghosts or is_old, "Progress: in circles"
            why.add("too long")
        elif "ContinuationFailed" in report.failed:
            why.add("not handed on")
        elif chain.source is not Source.ASYNCHRONOUS and report.failed:
            # Who sent the event hears of what failed, and sends all of it again.
            assert run.wants_again or chain.source is Source.HTTP, "Progress: nobody goes on, and nobody knows"
            why.add("sent again")
        elif run.is_stopped:
            why.add("stopped")
        elif report.stopped_because.startswith("how keys are written"):
            why.add("keys in doubt")
        else:
            assert _limit(chain) is not None or chain.narrowed, "Progress: nothing stood in the way"
            why.add("limit")
    return why


def _uploads_are_reported_once(chain: Chain, scene: Scene, reported: Counter[Upload]) -> None:
    changed = scene.changed(chain.since, by_others_than=chain)
    ways = [terms for terms in chain.expectation.terms if terms.upload is None]
    named = set(chain.expectation.named)
    loose = _loose_ends(chain, scene)
    for upload, count in reported.items():
        maximum = sum(terms.lists(upload) for terms in ways) + (upload in named)
        if (upload.bucket.name, upload.key) in loose:
            continue
        if upload.upload_id not in scene.ghosts and upload.upload_id not in changed:
            assert count <= max(maximum, 1), f"Honesty: {count} outcomes of {upload}"


def _continued_items(chain: Chain) -> list[Any]:
    """All that was left to do by a run of this chain."""
    return [item for run in chain.runs for text in run.continuations for item in json.loads(text)[CHECKPOINT]["todo"]]


def _loose_ends(chain: Chain, scene: Scene) -> set[tuple[str, str]]:
    """Keys at which a range of a listing ended, with an upload that is gone since: it then ends with the key."""
    ends = [(item[2], *item[-1]["end"]) for item in _continued_items(chain) if "end" in item[-1]]
    return {(bucket, key) for bucket, key, upload_id in ends if upload_id not in scene.live}


def _uploads_are_all_reported(chain: Chain, scene: Scene, reported: Counter[Upload]) -> None:
    changed = scene.changed(chain.since, by_others_than=chain)
    dead = {upload for run in chain.runs if run.report is None for upload in (*run.freed, *run.lost)}
    reports = [run.report for run in chain.runs if run.report is not None]
    broken = {bucket for run in chain.runs if run.report for bucket in run.broken_buckets}
    dropped = {re.split("[:/]", text)[0] for report in reports for text in report.dropped}
    not_swept = [listing for run in chain.runs if run.report for listing in run.not_swept]
    if None in broken:
        return
    for upload in chain.expectation.named:
        assert reported[upload] or upload.bucket.name in dropped, f"Honesty: {upload} was named and has no outcome"
    ways = [terms for terms in chain.expectation.terms if terms.upload is None]
    targets = {item[4] for item in _continued_items(chain) if item[0] == "upload"}
    for name, upload in chain.present.items():
        if name in changed or name in scene.were_hidden or upload.bucket in broken or upload in dead:
            continue
        if upload.bucket.name in dropped:
            continue
        if any(
            listing.bucket == upload.bucket
            and upload.key.startswith(listing.prefix)
            and (order(upload.key), upload.upload_id) > (order(listing.start.key), listing.start.upload_id)
            for listing in not_swept
        ):
            continue
        maximum = sum(terms.lists(upload) for terms in ways)
        # What an earlier listing had aborted does not stand on a later one, unless that is stale. And of two listings
        # that left the same upload, one speaks for both.
        minimum = min(1, maximum) if name in scene.gone or name in targets else maximum
        assert minimum <= reported[upload], f"Honesty: {reported[upload]} outcomes of {upload}, {maximum} listings"


def _failures_are_reported_at_the_end(chain: Chain) -> None:
    reports = [run.report for run in chain.runs if run.report is not None]
    if any(report.failed for report in reports):
        assert any(report.status.value == "failed" for report in reports if not report.continuations), "Honesty: unsaid"
    codes: Counter[str] = Counter()
    for report in reports:
        codes.update(report.failed)
    last: Counter[str] = Counter()
    for report in reports:
        if not report.continuations:
            last.update(dict(report.prior_failures.failed))
            last.update(report.failed)
    assert last == codes, "Honesty: what failed on the way is not what the ends tell"


def _failures_were_tried_three_times(chain: Chain, ends: set[str]) -> None:
    """What failed for now was tried in three runs, where a later run could be started and something was left to do."""
    stalled = any(run.report and "NoProgress" in run.report.failed for run in chain.runs)
    if chain.source is not Source.ASYNCHRONOUS or ends or stalled or any(run.broken for run in chain.runs):
        return
    if any(run.step.circumstances.targets < 500 for run in chain.runs):
        # A range of a listing is tried three times, and something else in it may fail each time.
        return
    limit = _limit(chain)
    if limit is not None and _aborts_of(chain) >= limit:
        # Nothing may be aborted any more, so nothing is tried again.
        return
    failed = [outcome for run in chain.runs for outcome, _ in run.outcomes if isinstance(outcome, Failed)]
    for one in failed:
        # The start of an upload that an earlier run left is looked up in the listing.
        tries = sum(run.has_struck(one.upload) or run.pages_struck[one.upload.bucket] > 0 for run in chain.runs)
        if not one.permanent and one.code != "TooSlow":
            assert tries >= MAX_ATTEMPTS, f"Chain: given up too early: {one}"


def _limit(chain: Chain) -> int | None:
    return minimum(*(terms.maximum for terms in chain.expectation.terms), chain.rules.max_aborts)


def _aborts_of(chain: Chain) -> int:
    """How many aborts count for the limit."""
    would = sum(run.report.counts["would_abort"] for run in chain.runs if run.report is not None)
    return sum(len(run.freed) + len(run.lost) for run in chain.runs) + would


def _limit_is_kept(chain: Chain, ends: set[str]) -> None:
    maximum = _limit(chain)
    if maximum is None:
        return
    aborts = _aborts_of(chain)
    assert aborts <= maximum, f"{aborts} aborts, {maximum} were allowed"
    is_one_branch = all(len(run.continuations) <= 1 for run in chain.runs)
    is_plain = not (chain.narrowed or chain.lost or chain.expectation.named)
    if ends == {"limit"} and is_one_branch and is_plain:
        tried = sum(run.requests["abort"] for run in chain.runs)
        assert aborts >= maximum or tried >= maximum, f"stopped at {aborts} aborts, {maximum} were allowed"
