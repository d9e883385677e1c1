"""
What holds when a chain of runs has come to its end.

Always: it did end. Undisturbed, that is if no run died, no hand-on was lost, refused or delivered twice, and neither
the settings nor a clock changed on the way:

- no upload has two outcomes, and each that was there all the time and is listed has one, unless its bucket's listing
  broke off, the limit of aborts was reached, or the answer to its abort was lost for good: beyond the upload to go on
  from that may be told by nobody, for whether the next run will find it cannot be known;
- what failed anywhere is told by the last run of some branch;
- no more is aborted than MAX_ABORTS.

A run that is delivered or tried twice may tell of the same kept upload twice and may abort up to its limit again; an
abort is told once all the same, by whoever got the 204.
"""

from collections import Counter

from cos_sweeper.model import Refused, Upload
from tests.world.chains import Chain
from tests.world.scene import Scene
from tests.world.terms import least


def chain_has_kept_the_laws(chain: Chain, scene: Scene) -> None:
    """Hold what the runs of a chain told together against what happened."""
    if chain.disturbed:
        return
    outcomes = [outcome for run in chain.runs for outcome, _ in run.outcomes]
    refused = [one for one in outcomes if isinstance(one, Refused) and one.origin != "listing"]
    told = Counter(one.upload for one in outcomes if one.upload is not None and one not in refused)
    stopped = _why_stopped(chain, scene)
    _has_one_outcome_each(chain, scene, told, may_miss=bool(stopped))
    _tells_failures_at_the_end(chain)
    _keeps_its_limit(chain, stopped)


def _why_stopped(chain: Chain, scene: Scene) -> set[str]:
    """Why the chain ended before its work did; there must be a cause."""
    why: set[str] = set()
    for run in chain.runs:
        report = run.report
        assert report is not None
        if report.handed_on or not (report.cut_short or report.counts["deferred"]):
            continue
        if "NoProgress" in report.failed:
            assert not chain.roomy, "Progress: there was time enough"
            why.add("no progress")
        elif "ChainTooLong" in report.failed:
            # A stale listing shows what is gone again and again, while something else takes longer than a run.
            assert scene.ghosts, "Progress: in circles"
            why.add("too long")
        else:
            assert _limit(chain) is not None, "Progress: nothing stood in the way"
            why.add("limit")
    return why


def _has_one_outcome_each(chain: Chain, scene: Scene, told: Counter[Upload], *, may_miss: bool) -> None:
    changed = scene.changed(chain.since, by_others_than=chain)
    broken = {bucket for run in chain.runs for bucket in run.broken}
    ways = [terms for terms in chain.wish.terms if terms.upload is None]
    named = {terms.upload for terms in chain.wish.terms if terms.upload is not None}
    for upload, count in told.items():
        most = sum(terms.lists(upload) for terms in ways) + (upload in named)
        if upload.upload_id not in scene.ghosts and upload.upload_id not in changed:
            assert count <= max(most, 1), f"Honesty: {count} outcomes of {upload}"
    if may_miss or None in broken:
        return
    assert all(told[upload] for upload in named), "Honesty: an upload that was named has no outcome"
    if not ways:
        return
    lost = {upload for run in chain.runs for upload in run.lost}
    for name, upload in chain.present.items():
        if name in changed or name in scene.were_hidden or upload.bucket in broken or upload in lost:
            continue
        most = sum(terms.lists(upload) for terms in ways)
        # What an earlier listing had aborted does not stand on a later one, unless that is stale.
        least_told = min(1, most) if name in scene.gone else most
        assert least_told <= told[upload], f"Honesty: {told[upload]} outcomes of {upload}, {most} listings"


def _tells_failures_at_the_end(chain: Chain) -> None:
    reports = [run.report for run in chain.runs if run.report is not None]
    if any(report.failed for report in reports):
        assert any(report.status.value == "failed" for report in reports if not report.handed_on), "Honesty: unsaid"
    if any(None in run.broken for run in chain.runs):
        # Without the list of buckets a checkpoint cannot be read: that run fails for itself alone, and is tried again.
        return
    codes: Counter[str] = Counter()
    for report in reports:
        codes.update(report.failed)
    last: Counter[str] = Counter()
    for report in reports:
        if not report.handed_on:
            last.update(dict(report.past.failed))
            last.update(report.failed)
    assert last == codes, "Honesty: what failed on the way is not what the ends tell"


def _limit(chain: Chain) -> int | None:
    return least(*(terms.most for terms in chain.wish.terms), chain.rules.max_aborts)


def _keeps_its_limit(chain: Chain, stopped: set[str]) -> None:
    most = _limit(chain)
    if most is None:
        return
    reports = [run.report for run in chain.runs if run.report is not None]
    done = sum(len(run.freed) + len(run.lost) for run in chain.runs)
    done += sum(report.counts["would_abort"] for report in reports)
    assert done <= most, f"{done} aborts, {most} were allowed"
    if stopped == {"limit"} and chain.rules.fan_out == 1:
        tried = sum(count for run in chain.runs for (on, _), count in run.struck.items() if on == "abort")
        assert done + tried >= most, f"stopped at {done} aborts, {most} were allowed"
