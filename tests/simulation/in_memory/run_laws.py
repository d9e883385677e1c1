"""
What holds after every run that returned or raised, whatever happened meanwhile.

- Honesty: the report is the sum of the outcomes. It reports as aborted exactly the uploads for which this run received
  a 204, with the bytes that these had.
- Keep: every upload that is kept has a reason, and the design names this reason.
- Chain: a run that aborted something and may invoke the function does not make the platform try it again. A run that
  could not continue raises.
- A run that died reports nothing, so no number of runs reports more aborts than there were.
"""

import json
from collections import Counter

from cos_sweeper.core.model import Bucket, RejectedRequest, Upload
from cos_sweeper.core.outcomes import (
    AT_LIMIT,
    Aborted,
    AlreadyGone,
    Deferred,
    Failed,
    Kept,
    ListedButNotFound,
    Outcome,
    StillReceiving,
    WouldAbort,
)
from cos_sweeper.core.report import Report
from cos_sweeper.scf.events import Source
from tests.simulation.in_memory.chains import Chain
from tests.simulation.in_memory.scene import Scene
from tests.simulation.in_memory.store import Run
from tests.simulation.in_memory.terms import is_addressable, minimum

NAMES = {
    Kept: "kept",
    WouldAbort: "would_abort",
    Aborted: "aborted",
    AlreadyGone: "already_gone",
    StillReceiving: "still_receiving",
    ListedButNotFound: "listed_but_not_found",
    RejectedRequest: "rejected",
    Failed: "failed",
    Deferred: "deferred",
}
OF_THE_CHAIN = ("ContinuationFailed", "NoProgress", "ChainTooLong")
# Failures without a response of COS: what took most of two runs, and what is not requested after many rejections.
TOO_SLOW = "TooSlow"
MAX_REJECTIONS = 20
MAX_SHOWN = 20


def check_run(run: Run, scene: Scene, of: Chain, *, resumed: bool) -> None:
    """Compare the report of a run with what happened."""
    report = run.report
    assert report is not None
    outcomes = [outcome for outcome, _ in run.outcomes]
    changed = scene.changed(run.since, by_others_than=run.of)
    _adds_up(report, run, outcomes)
    _aborts_are_reported_exactly(report, run, outcomes, changed)
    for outcome in outcomes:
        _is_right(outcome, run, scene, changed)
    for bucket in run.broken_buckets:
        # Before a marker is used that can mean several keys, List Parts proves which one is right.
        proofs = any(on == "parts" and upload.bucket == bucket for on, upload in run.struck)
        struck = run.pages_struck[bucket] or proofs
        is_excused = _is_slow(run) or _is_given_up(run, bucket) or run.is_stopped
        assert struck or is_excused, f"Isolation: {run.broken}"
    _requests_are_rejected_rightly(run, of, resumed=resumed)
    _details_are_of_named_uploads(report, run, of, resumed=resumed)
    _status_is_right(report, run)
    _retry_is_asked_for_only_if_needed(run, of)


def _adds_up(report: Report, run: Run, outcomes: list[Outcome]) -> None:
    counts = Counter(_name(outcome) for outcome in outcomes)
    assert {name: count for name, count in report.counts.items() if count} == counts
    assert report.uploads == len(outcomes)
    assert report.kept == Counter(outcome.reason for outcome in outcomes if isinstance(outcome, Kept))
    would = [outcome.bytes for outcome in outcomes if isinstance(outcome, WouldAbort)]
    freed = [outcome.bytes for outcome in outcomes if isinstance(outcome, Aborted)]
    assert report.bytes_freed == sum(size or 0 for size in freed)
    assert report.bytes_would_free == sum(size or 0 for size in would)
    assert report.size_unknown == (freed + would).count(None)
    assert len(report.details) == sum(detailed for _, detailed in run.outcomes)
    left = [one for one, detailed in run.outcomes if detailed and isinstance(one, Deferred)]
    assert report.unreached == sum(one.reason != AT_LIMIT for one in left)
    assert list(report.over_limit) == [one.upload for one in left if one.reason == AT_LIMIT]
    if len(report.prefix_usage) < MAX_SHOWN:
        assert sum(leak["uploads"] for leak in report.prefix_usage) == len(freed + would)
        assert sum(leak["bytes"] for leak in report.prefix_usage) == report.bytes_freed + report.bytes_would_free
    reported = report.as_json()
    assert all(reported[name] == count for name, count in report.counts.items())
    json.dumps(reported)


def _aborts_are_reported_exactly(report: Report, run: Run, outcomes: list[Outcome], changed: set[str]) -> None:
    """Reported aborts are the real ones; bytes are those that COS held, unless a client sent more meanwhile."""
    aborted = [outcome for outcome in outcomes if isinstance(outcome, Aborted)]
    assert Counter(outcome.upload for outcome in aborted) == Counter(run.freed.keys())
    for outcome in aborted:
        if outcome.bytes is None:
            assert run.struck["parts", outcome.upload]
        elif outcome.upload.upload_id not in changed:
            assert outcome.bytes == run.freed[outcome.upload]
    maximum = minimum(*(terms.maximum for terms in run.terms), run.rules.max_aborts)
    assert maximum is None or len(run.freed) + len(run.lost) + report.counts["would_abort"] <= maximum
    assert report.as_of == run.as_of or not (run.requests["page"] or run.requests["parts"])
    assert report.number == run.number or not (run.requests["page"] or run.requests["parts"])
    if any(terms.dry_run for terms in run.terms):
        assert not run.requests["abort"]


def _is_right(outcome: Outcome, run: Run, scene: Scene, changed: set[str]) -> None:
    upload = outcome.upload
    if upload is None or upload.upload_id in changed:
        return
    match outcome:
        case Kept():
            assert outcome.reason in _why_keep(upload, run, scene), f"Keep: {outcome}"
        case WouldAbort(bytes=None) if scene.seen(upload) is None:
            # Named, and nothing could be learned of it: the abort would go ahead, and find nothing.
            assert run.struck["parts", upload], f"Honesty: {outcome}"
        case WouldAbort():
            assert any(terms.dry_run for terms in run.terms)
            assert outcome.bytes is None or upload.upload_id in scene.live, f"Honesty: {outcome}"
            assert _may_go(upload, run, scene), f"Keep: {outcome}"
        case AlreadyGone() | ListedButNotFound():
            assert scene.held(upload) is None, f"Honesty: {outcome}"
            assert isinstance(outcome, AlreadyGone) or upload.upload_id in scene.ghosts, f"Honesty: {outcome}"
        case Failed():
            is_struck = run.has_struck(upload) or run.pages_struck[upload.bucket]
            is_excused = _is_slow(run) if outcome.code == TOO_SLOW else _is_given_up(run, upload.bucket)
            # A bucket that stops a run which did nothing else, for the second time, fails with all that is named in it.
            is_excused = is_excused or (run.is_stopped and outcome.code == "ExpiredToken")
            assert is_struck or is_excused, f"Isolation: {outcome}"
        case RejectedRequest():
            assert not is_addressable(upload) or not any(terms.covers(upload) for terms in run.terms)
        case Deferred():
            limits = [terms.maximum for terms in run.terms if terms.maximum is not None]
            assert limits or outcome.reason != AT_LIMIT, f"Progress: {outcome}"
            is_turned_away = run.is_stopped or not run.step.circumstances.may_invoke
            is_busy = run.struck["abort", upload] > 0
            assert run.is_late or limits or is_turned_away or is_busy, f"Progress: {outcome}"
        case Aborted():
            pass


def _why_keep(upload: Upload, run: Run, scene: Scene) -> set[str]:
    seen = scene.seen(upload)
    if seen is None:
        # An event named what never was: its key alone may keep it.
        return {"under an excluded prefix", "outside the prefixes"}
    why = {"it is not in the listing, so its age is unknown"} if upload.upload_id in scene.hidden else set()
    for terms in run.terms:
        if terms.covers(upload):
            why |= terms.why_keep(seen, run.as_of, scene.conditions.skews)
    return why


def _may_go(upload: Upload, run: Run, scene: Scene) -> bool:
    seen = scene.seen(upload)
    return seen is not None and any(
        terms.covers(upload) and not terms.why_keep(seen, run.as_of, scene.conditions.skews) for terms in run.terms
    )


def _is_slow(run: Run) -> bool:
    """Whether something may have taken most of its time."""
    return run.is_late and not run.step.circumstances.is_roomy


def _is_given_up(run: Run, bucket: Bucket | None) -> bool:
    """Whether COS rejected so many requests to a bucket that the rest need not be sent."""
    struck = (count for (_, upload), count in run.struck.items() if upload.bucket == bucket)
    return sum(struck) >= MAX_REJECTIONS


def _requests_are_rejected_rightly(run: Run, of: Chain, *, resumed: bool) -> None:
    """Each request beyond the settings is rejected once; nothing of a checkpoint is rejected."""
    rejected = [one for one, _ in run.outcomes if isinstance(one, RejectedRequest) and one.origin != "listing"]
    assert len(rejected) == (0 if resumed or None in run.broken_buckets else of.expectation.rejected)
    assert run.report is not None
    assert run.report.rejected == len(rejected)
    assert not run.report.dropped or (resumed and of.narrowed), "Chain: something is dropped under the same settings"


def _details_are_of_named_uploads(report: Report, run: Run, of: Chain, *, resumed: bool) -> None:
    """
    The details are of the uploads that the event named, and of none that a sweep found.

    Of those the first ones, as many as aborts are allowed, are eligible; the others can be sent again.
    """
    asked = set(of.expectation.named)
    assert all(outcome.upload in asked for outcome, detailed in run.outcomes if detailed and outcome.upload)
    maximum = minimum(*(terms.maximum for terms in run.terms), run.rules.max_aborts)
    if not resumed and None not in run.broken_buckets:
        beyond = () if maximum is None else of.expectation.named[maximum:]
        assert report.over_limit == beyond, "Chain: other uploads than the last of the event are left"


def _status_is_right(report: Report, run: Run) -> None:
    """Failed when anything failed, here or before; complete only when nothing is left."""
    own = sum(report.failed.values())
    chain = sum(report.failed.get(name, 0) for name in OF_THE_CHAIN)
    stopped = report.failed.get("ExpiredToken", 0) if run.is_stopped else 0
    codes = [failed.code for failed in run.broken] + [one.code for one, _ in run.outcomes if isinstance(one, Failed)]
    chain += stopped - codes.count("ExpiredToken") if stopped else 0
    sweeps = report.failed.get("SweepRejected", 0)
    assert own == report.counts["failed"] + len(run.broken) + chain + sweeps, "Honesty: a failure was not counted"
    assert report.buckets_failed == len(run.broken_buckets)
    assert len(report.failures) == min(own, MAX_SHOWN)
    prior_failures = report.prior_failures.transient + report.prior_failures.permanent
    doubtful = sum(report.counts[name] for name in ("deferred", "still_receiving", "listed_but_not_found"))
    unaddressable = report.counts["rejected"] - report.rejected
    processed = not (report.stopped_because or report.continuations or doubtful or unaddressable)
    left = not processed or bool(report.not_swept or report.dropped) or report.prior_failures.incomplete
    expected = (
        "failed" if own or prior_failures else "partial" if left else "rejected" if report.rejected else "complete"
    )
    assert report.status.value == report.as_json()["status"] == expected


def _retry_is_asked_for_only_if_needed(run: Run, of: Chain) -> None:
    report = run.report
    assert report is not None
    assert report.continuations == len(run.continuations)
    if report.failed.get("ContinuationFailed"):
        assert run.rejected_invocations >= 2, (
            "Chain: a hand-over failed that was accepted, or was not offered once more"
        )
        assert run.wants_again or of.source is Source.HTTP, "Chain: something was not handed on, and nobody knows"
    if run.wants_again and of.source is Source.ASYNCHRONOUS:
        did = run.freed or run.lost
        assert run.rejected_invocations or not did, "Chain: it aborted something, and the platform would begin anew"
    if run.wants_again and run.continuations:
        assert run.rejected_invocations, "Chain: it handed everything on, and the platform would do it again"


def _name(outcome: Outcome) -> str:
    is_unchecked = isinstance(outcome, AlreadyGone) and not outcome.is_checked
    return "already_gone_unchecked" if is_unchecked else NAMES[type(outcome)]
