"""
What holds after every run that lived to tell, however it was disturbed.

- Honesty: the report is the sum of the outcomes; what it calls aborted is what this run got a 204 for, no more and no
  less, and the bytes are those that vanished with it.
- Keep: whatever was kept had a reason, and the reason told is among those that the design gives.
- A run that died tells nothing, so that what is told as aborted, over any number of runs, is never more than was done.
"""

import json
from collections import Counter

from cos_sweeper.model import (
    Aborted,
    AlreadyGone,
    Deferred,
    Failed,
    Kept,
    Outcome,
    Refused,
    StillReceiving,
    Upload,
    WouldAbort,
)
from cos_sweeper.report import Report
from tests.world.chains import Chain
from tests.world.door import Run
from tests.world.scene import Scene
from tests.world.terms import is_addressable, least

NAMES = {
    Kept: "kept",
    WouldAbort: "would_abort",
    Aborted: "aborted",
    AlreadyGone: "already_gone",
    StillReceiving: "still_receiving",
    Refused: "refused",
    Failed: "failed",
    Deferred: "deferred",
}
OF_THE_CHAIN = ("NotHandedOn", "NoProgress", "ChainTooLong")
MOST_SHOWN = 20


def run_has_kept_the_laws(run: Run, scene: Scene, of: Chain, *, resumed: bool) -> None:
    """Hold what a run told against what happened."""
    report = run.report
    assert report is not None
    outcomes = [outcome for outcome, _ in run.outcomes]
    changed = scene.changed(run.since, by_others_than=run.of)
    _adds_up(report, run, outcomes)
    _tells_what_was_done(report, run, outcomes, changed)
    for outcome in outcomes:
        _is_right(outcome, run, scene, changed)
    _refuses_what_it_should(run, of, resumed=resumed)
    _status_is_right(report, run)


def _adds_up(report: Report, run: Run, outcomes: list[Outcome]) -> None:
    counts = Counter(NAMES[type(outcome)] for outcome in outcomes)
    assert {name: count for name, count in report.counts.items() if count} == counts
    assert report.uploads == len(outcomes)
    assert report.kept == Counter(outcome.reason for outcome in outcomes if isinstance(outcome, Kept))
    would = [outcome.bytes for outcome in outcomes if isinstance(outcome, WouldAbort)]
    freed = [outcome.bytes for outcome in outcomes if isinstance(outcome, Aborted)]
    assert report.bytes_freed == sum(size or 0 for size in freed)
    assert report.bytes_would_free == sum(size or 0 for size in would)
    assert report.size_unknown == (freed + would).count(None)
    assert len(report.details) == sum(detailed for _, detailed in run.outcomes)
    assert report.unreached == sum(detailed and isinstance(one, Deferred) for one, detailed in run.outcomes)
    if len(report.leaks) < MOST_SHOWN:
        assert sum(leak["uploads"] for leak in report.leaks) == len(freed + would)
        assert sum(leak["bytes"] for leak in report.leaks) == report.bytes_freed + report.bytes_would_free
    told = report.as_json()
    assert all(told[name] == count for name, count in report.counts.items())
    json.dumps(told)


def _tells_what_was_done(report: Report, run: Run, outcomes: list[Outcome], changed: set[str]) -> None:
    """What was aborted is what was told; and bytes are those that COS held, unless a client sent more meanwhile."""
    aborted = [outcome for outcome in outcomes if isinstance(outcome, Aborted)]
    assert Counter(outcome.upload for outcome in aborted) == Counter(run.freed.keys())
    for outcome in aborted:
        if outcome.bytes is None:
            assert run.struck["parts", outcome.upload]
        elif outcome.upload.upload_id not in changed:
            assert outcome.bytes == run.freed[outcome.upload]
    most = least(*(terms.most for terms in run.terms), run.rules.max_aborts)
    assert most is None or len(run.freed) + len(run.lost) + report.counts["would_abort"] <= most
    assert report.as_of == run.as_of or not (run.requests["page"] or run.requests["parts"])
    assert report.handed_on == len(run.handed)
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
        case AlreadyGone():
            assert scene.held(upload) is None, f"Honesty: {outcome}"
        case Failed():
            assert run.struck["parts", upload] or run.struck["abort", upload], f"Isolation: {outcome}"
        case Refused():
            assert not is_addressable(upload) or not any(terms.covers(upload) for terms in run.terms)
        case Deferred():
            limits = [terms.most for terms in run.terms if terms.most is not None]
            assert run.is_late or limits, f"Progress: {outcome}"
        case Aborted():
            pass


def _why_keep(upload: Upload, run: Run, scene: Scene) -> set[str]:
    seen = scene.seen(upload)
    if seen is None:
        # An event named what never was: its key alone may keep it.
        return {"under an excluded prefix", "outside the prefixes"}
    why: set[str] = set()
    for terms in run.terms:
        if terms.covers(upload):
            why |= terms.why_keep(seen, run.as_of, scene.weather.skews)
    return why


def _may_go(upload: Upload, run: Run, scene: Scene) -> bool:
    seen = scene.seen(upload)
    return seen is not None and any(
        terms.covers(upload) and not terms.why_keep(seen, run.as_of, scene.weather.skews) for terms in run.terms
    )


def _refuses_what_it_should(run: Run, of: Chain, *, resumed: bool) -> None:
    """What an event asked for beyond the settings is refused, once; a checkpoint only after a change."""
    refused = [one for one, _ in run.outcomes if isinstance(one, Refused) and one.origin != "listing"]
    if not resumed:
        assert len(refused) == (0 if None in run.broken else of.wish.refused)
    elif refused:
        assert len(refused) == 1
        assert of.disturbed, f"Chain: {refused}"


def _status_is_right(report: Report, run: Run) -> None:
    """Failed when anything failed, here or before; complete only when nothing is left."""
    own = sum(report.failed.values())
    chain = sum(report.failed.get(name, 0) for name in OF_THE_CHAIN)
    assert own == report.counts["failed"] + len(run.broken) + chain, "Honesty: a failure was not counted"
    assert report.failed.get("NotHandedOn", 0) == run.turned_away
    assert report.buckets_failed == len(set(run.broken))
    assert len(report.failures) == min(own, MOST_SHOWN)
    past = report.past.transient + report.past.lasting
    left = report.cut_short or report.handed_on or report.counts["deferred"]
    expected = "failed" if own or past else "partial" if left else "complete"
    assert report.status.value == report.as_json()["status"] == expected
