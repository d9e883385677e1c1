"""
Compares what was played with the oracle: every DELETE that was sent, what is left, and what the function reported.

Pure functions over a `Played`. A disagreement names the rule, so that the same one can be found in a smaller world.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from html import unescape
from typing import Any

from tests.emulator.public import Request, read_dialect, time_writer
from tests.simulation.over_http import oracle
from tests.simulation.over_http.play import Played, Run
from tests.simulation.over_http.world import SweepEvent

LATENCY = timedelta(seconds=1.5)
PLENTY = 1_000
"""More aborts than any limit of a world, but for the default."""
REPORTS = "sweeper-reports/"
READS = frozenset(
    (
        "GetService",
        "ListMultipartUploads",
        "ListParts",
        "GetBucketLifecycle",
        "GetBucketObjectLockConfiguration",
    )
)
OVER = frozenset(("ExpiredToken", "InvalidAccessKeyId", "RequestTimeTooSkewed"))
OWN_OBJECTS = frozenset(("PutObject", "GetObject", "HeadObject"))
TROUBLED_FORMS = ("encoding",)
"""What a dialect may hold that a function need not be able to read, as long as it says so."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Something that the oracle does not expect."""

    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.text}"


def check(played: Played) -> list[Disagreement]:
    """All disagreements about a step."""
    case = _Case(played)
    return [
        *_requests(case),
        *_stops(case),
        *_aborts(case),
        *_limit(case),
        *_claims(case),
        *_left(case),
        *_ends(case),
        *_calm(case),
    ]


# What was shown


class _Case:
    """A step with what the oracle needs to know of it."""

    def __init__(self, played: Played) -> None:
        self.played = played
        self.step = played.step
        self.mentions: dict[str, list[tuple[int, oracle.Mention]]] = {}
        self.pages: dict[tuple[str, str], list[tuple[int, oracle.PartsPage]]] = {}
        for request in played.requests:
            if request.status == 200 and request.operation == "ListMultipartUploads":
                self._note_mentions(request)
            if request.status == 200 and request.operation == "ListParts" and request.body:
                position = (request.key, request.upload_id)
                page = _page(request, self.difference(request))
                self.pages.setdefault(position, []).append((request.number, page))

    def difference(self, request: Request) -> timedelta | None:
        """COS's Date minus the function's clock, at the response."""
        date = _date(request.date)
        return None if date is None else date - (request.time - self.played.clock)

    def _note_mentions(self, request: Request) -> None:
        difference = self.difference(request)
        for block in re.findall(r"<Upload>(.*?)</Upload>", _without_junk(request.body), re.DOTALL):
            mention = oracle.Mention(request.time, _element(block, "Initiated"), difference)
            self.mentions.setdefault(_element(block, "UploadId"), []).append((request.number, mention))

    def runs_of(self, request: Request) -> list[Run]:
        """The run that sent a request; several where they overlap."""
        return [run for run in self.played.runs if run.sent(request)]

    def lineage(self, run: Run) -> list[Run]:
        """A run and those before it in its chain, the first one last."""
        runs = [run]
        while runs[-1].parent is not None:
            runs.append(self.played.runs[runs[-1].parent])
        return runs

    def as_of(self, run: Run) -> datetime:
        """The moment by which ages count in a run: the earliest that any run of its chain has seen."""
        return min(self._first_seen(each) for each in self.lineage(run))

    def _first_seen(self, run: Run) -> datetime:
        for request in self.played.requests:
            if run.sent(request) and request.status is not None:
                ours, date = request.time - self.played.clock, _date(request.date)
                return ours if date is None else min(ours, date)
        return run.started - self.played.clock

    def rules(self, run: Run) -> list[oracle.Rules]:
        """Those in force in a run, and those with which its chain began."""
        return [oracle.read_rules(each.environment) for each in (run, self.lineage(run)[-1])]

    def reported(self, upload: oracle.Upload, as_of: datetime, before: int | None = None) -> oracle.Reported:
        """What was shown of an upload before a request."""
        mentions = self.mentions.get(upload.upload_id, [])
        pages = self.pages.get((upload.key, upload.upload_id), [])
        return oracle.Reported(
            as_of,
            tuple(each for number, each in mentions if before is None or number < before),
            tuple(each for number, each in pages if before is None or number < before),
        )

    def reported_or_to_be_listed(self, upload: oracle.Upload, as_of: datetime) -> oracle.Reported:
        """What was shown of an upload; if it was never listed, what a listing would have shown."""
        reported = self.reported(upload, as_of)
        if reported.mentions:
            return reported
        form = read_dialect({"initiated": dict(self.step.dialect).get("initiated")}).initiated
        mention = oracle.Mention(as_of, unescape(time_writer(form)(upload.started)), self.played.clock)
        return replace(reported, mentions=(mention,))

    @cached_property
    def deletes(self) -> list[Request]:
        return [each for each in self.played.requests if each.operation == "AbortMultipartUpload"]

    @cached_property
    def hit(self) -> list[Request]:
        """The aborts that dropped something, or seemed to."""
        return [each for each in self.deletes if each.dropped_bytes is not None or each.status in (200, 204)]

    @cached_property
    def dropped(self) -> list[Request]:
        return [each for each in self.deletes if each.dropped_bytes is not None]

    @property
    def is_bounded_exception(self) -> bool:
        """Whether something happened after which the limit may be passed, by a stated bound."""
        return bool(self.played.delivery_faults.excuses)

    @property
    def is_calm(self) -> bool:
        """Whether nothing went wrong that could excuse anything."""
        forms = dict(self.step.dialect)
        return (
            not self.step.faults
            and self.step.platform_faults.is_none
            # SCF's API rejects what is signed by a clock that is further off.
            and abs(self.played.clock) <= oracle.CLOCK_TOLERANCE
            and not any(name in forms for name in TROUBLED_FORMS)
            and len({tuple(sorted(run.environment.items())) for run in self.played.runs}) == 1
        )

    @cached_property
    def reports(self) -> list[dict[str, Any]]:
        """The reports of the runs: their responses, or the last line of their logs where they raised."""
        return [report for run in self.played.runs if (report := _report_of(run))]

    @cached_property
    def looked_in_vain(self) -> int:
        """Aborts of which the function says itself that it could not verify them."""
        return sum(each.get("unverified", 0) for each in self.reports)

    @property
    def aborted(self) -> int:
        """Aborts that count for the limit. A shard that has used its part up may leave others' parts unused."""
        shards = any(run.environment.get("FAN_OUT") not in (None, "", "1") for run in self.played.runs)
        deferred = sum(each.get("deferred", 0) for each in self.reports)
        would = sum(each.get("would_abort", 0) for each in self.reports)
        return PLENTY if shards and deferred else max(len(self.hit), would)

    @cached_property
    def unverified(self) -> list[oracle.Upload]:
        """An upload for each 204 without effect after which it need not be looked at again."""
        ineffective = [each for each in self.hit if each.dropped_bytes is None]
        uploads = [self.played.uploads.get(each.upload_id) for each in ineffective]
        return [each for each in uploads if each is not None and (self.looked_in_vain or not self._must_verify(each))]

    def _must_verify(self, upload: oracle.Upload) -> bool:
        if isinstance(self.played.event, oracle.UploadTarget):
            return True
        verify = self.played.runs[0].environment.get("VERIFY") or "recent"
        signs = (upload.started, *(arrival.at for arrival in upload.arrivals))
        recent = max(signs) > self.played.runs[0].started - 23 * oracle.HOUR
        return verify == "all" or (verify == "recent" and recent)


def _date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None


def _without_junk(body: str) -> str:
    return re.sub(r"<Surprise.*?</Surprise>", "", body, flags=re.DOTALL)


def _element(block: str, name: str) -> str:
    found = re.search(rf"<{name}>(.*?)</{name}>", block, re.DOTALL)
    return unescape(found[1]) if found else ""


def _page(request: Request, difference: timedelta | None) -> oracle.PartsPage:
    body = _without_junk(request.body)
    parts = re.findall(r"<Part>(.*?)</Part>", body, re.DOTALL)
    marker = re.search(r"part-number-marker=(\d+)", request.raw_query)
    following = _element(body, "NextPartNumberMarker")
    return oracle.PartsPage(
        arrived=request.arrived,
        answered=request.time,
        marker=int(marker[1]) if marker else 0,
        next_marker=int(following) if following else None,
        parts=tuple((int(_element(each, "PartNumber")), _element(each, "LastModified")) for each in parts),
        difference=difference,
    )


def _report_of(run: Run) -> dict[str, Any]:
    invocation = run.invocation
    if invocation.answer is not None:
        report = invocation.report
        return report if "status" in report else {}
    ended = [line for line in invocation.log if line["event"] in ("run.finished", "run.finished")]
    return ended[-1] if ended else {}


# Requests


def _requests(case: _Case) -> Iterator[Disagreement]:
    """Only what the function may send."""
    for request in case.played.requests:
        own = request.operation in OWN_OBJECTS and request.key.startswith(REPORTS)
        listed = request.operation == "GetBucket" and "sweeper-reports" in request.raw_query
        if request.operation not in READS and request.operation != "AbortMultipartUpload" and not own and not listed:
            yield Disagreement("wire", f"{request.operation} of {request.bucket} {request.key!r} was sent")


def _stops(case: _Case) -> Iterator[Disagreement]:
    """With credentials that are over, or a clock that is not believed, a run sends nothing more."""
    for run in case.played.runs:
        own = [each for each in case.played.requests if run.sent(each)]
        over = next((each for each in own if each.code in OVER), None)
        if over is None or run.ended is not None:
            continue
        # What was under way already, and what was about to be sent by another worker.
        under_way = 2 * int(run.environment.get("WORKERS") or 32) + 4
        later = [each for each in own if each.arrived > over.time]
        if len(later) > under_way:
            yield Disagreement("goes on", f"{len(later)} requests after {over.code} in run {run.number}")


def _aborts(case: _Case) -> Iterator[Disagreement]:
    """Every DELETE that was sent, whatever the response."""
    for request in case.deletes:
        upload = case.played.uploads.get(request.upload_id)
        if upload is None:
            if not _is_named(request, case.played.event):
                yield Disagreement("abort", f"of an upload that never was: {request.key!r} {request.upload_id}")
            continue
        if request.key != upload.key and not _is_named(request, case.played.event):
            yield Disagreement("abort", f"of {upload.key!r} under the key {request.key!r}")
            continue
        others = {each.upload_id for each in case.hit if each.number < request.number} - {request.upload_id}
        moment = oracle.Moment(request.arrived, LATENCY, 0 if case.is_bounded_exception else len(others))
        # Where runs overlap, the one that may most speaks for all.
        run, reasons = min(
            ((run, _why_not(case, request, run, upload, moment)) for run in case.runs_of(request)),
            key=lambda found: len(found[1]),
        )
        if request.key != upload.key:
            reasons = tuple(each for each in reasons if "reading" not in each)
        if reasons:
            yield Disagreement(f"abort: {reasons[0]}", _story(case, request, run, upload, reasons))


def _why_not(case: _Case, request: Request, run: Run, upload: oracle.Upload, moment: oracle.Moment) -> tuple[str, ...]:
    """What the oracle has against a DELETE that this run sent."""
    reported = case.reported(upload, case.as_of(run), request.number)
    return oracle.may_abort(upload, case.played.event, case.rules(run), reported, moment)


def _is_named(request: Request, event: oracle.Event) -> bool:
    """Whether it is the very upload that an event named, in one of its key's readings."""
    return isinstance(event, oracle.UploadTarget) and any(
        (each.bucket, each.upload_id) == (request.bucket, request.upload_id)
        and request.key in oracle.readings(each.key)
        for each in event.targets
    )


def _story(case: _Case, request: Request, run: Run, upload: oracle.Upload, reasons: Sequence[str]) -> str:
    ages = sorted((request.arrived - each.at for each in upload.arrivals), reverse=True)
    reported = case.reported(upload, request.arrived)
    initiated = reported.mentions[-1].initiated if reported.mentions else None
    return (
        f"{upload.bucket} {upload.key!r} {upload.upload_id[:14]}… by run {run.number} (status {request.status},"
        f" dropped {request.dropped_bytes}): {'; '.join(reasons)}."
        f" It started {_hours(request.arrived - upload.started)} h before, its parts arrived"
        f" {[_hours(each) for each in ages[-6:]]} h before; Initiated {initiated!r}"
    )


def _hours(span: timedelta) -> float:
    return round(span.total_seconds() / 3600, 4)


def _limit(case: _Case) -> Iterator[Disagreement]:
    """Where the limit may be passed, it is by no more than a limit for each such happening."""
    event, count = case.played.event, len({each.upload_id for each in case.dropped})
    limits = [
        oracle.narrow(rules, event).max_aborts if isinstance(event, oracle.Sweep) else rules.max_aborts
        for run in case.played.runs
        for rules in case.rules(run)
    ]
    known = [each for each in limits if each is not None]
    happenings = case.played.delivery_faults.excuses
    if known and count > max(known) * (1 + happenings):
        yield Disagreement("limit", f"{count} aborts where {max(known)} are allowed, after {happenings} happenings")


# Claims


def _claims(case: _Case) -> Iterator[Disagreement]:
    """No run says that it did more than the server knows of."""
    unverified = case.unverified
    aborted = sum(each.get("aborted", 0) for each in case.reports)
    freed = sum(each.get("bytes_freed", 0) for each in case.reports)
    dropped = sum(each.dropped_bytes or 0 for each in case.dropped)
    slack = sum(_bytes(each) for each in unverified)
    if aborted > len(case.dropped) + len(unverified):
        yield Disagreement("claim: aborted", f"{aborted} aborted, and the server dropped {len(case.dropped)}")
    if freed > dropped + slack:
        yield Disagreement("claim: bytes", f"{freed} bytes freed, and the server dropped {dropped}")
    verified = sum(each.get("verified", 0) for each in case.reports)
    if verified > len(case.dropped):
        yield Disagreement("claim: verified", f"{verified} verified, and the server dropped {len(case.dropped)}")
    for report in case.reports:
        yield from _sums(report)
    if any(run.invocation.lines("run.crashed") or run.invocation.lines("run.crashed") for run in case.played.runs):
        broken = [line for run in case.played.runs for line in run.invocation.lines("run.crashed")]
        yield Disagreement("crash", f"{[(line.get('error'), line.get('reason')) for line in broken]}")


def _sums(report: dict[str, Any]) -> Iterator[Disagreement]:
    """Every upload has exactly one outcome, and `complete` means that none failed or waits."""
    names = list(report)
    if "uploads" in report and "bytes_freed" in report:
        outcomes = names[names.index("uploads") + 1 : names.index("bytes_freed")]
        if outcomes and report["uploads"] != sum(report[name] for name in outcomes):
            shown = {name: report[name] for name in outcomes if report[name]}
            yield Disagreement("claim: outcomes", f"{report['uploads']} uploads, and the outcomes {shown}")
    if report.get("status") == "complete" and (report.get("failed") or report.get("deferred")):
        yield Disagreement(
            "claim: complete", f"with {report.get('failed')} failed and {report.get('deferred')} deferred"
        )


def _bytes(upload: oracle.Upload) -> int:
    return sum(arrival.size for arrival in upload.arrivals)


def _is_loud(case: _Case) -> bool:
    """Whether it is visible that something was not done."""
    for run in case.played.runs:
        report = _report_of(run)
        if run.invocation.error is not None or not report or report["status"] in ("failed", "rejected"):
            return True
        if report["status"] == "partial" and not report.get("continuations"):
            return True
    return bool(case.played.delivery_faults.lost)


def _left(case: _Case) -> Iterator[Disagreement]:
    """What should be gone and stands without a word."""
    if _is_loud(case) and not case.is_calm:
        return
    excused = {each.upload_id for each in case.unverified}
    if isinstance(case.played.event, oracle.UploadTarget):
        # COS responded that it does not exist, and no listing showed it.
        excused |= {each.upload_id for each in case.played.requests if each.code == "NoSuchUpload" and each.fault}
    as_of = min(case.as_of(run) for run in case.played.runs)
    every_rule = [rules for run in case.played.runs for rules in case.rules(run)]
    for upload_id in sorted(case.played.left - excused):
        upload = case.played.uploads[upload_id]
        reported = case.reported_or_to_be_listed(upload, as_of)
        if not oracle.must_be_gone(upload, case.played.event, every_rule, reported, case.aborted):
            rule = "left after a calm chain" if case.is_calm else "left without a word"
            yield Disagreement(rule, f"{upload.bucket} {upload.key!r} {upload_id[:14]}…; {_summary(case)}")


def _summary(case: _Case) -> str:
    wanted = (
        "status",
        "uploads",
        "kept",
        "aborted",
        "already_gone",
        "failed",
        "deferred",
        "kept_by_reason",
        "failures_by_code",
    )

    def shown(run: Run) -> dict[str, Any]:
        return {name: value for name, value in _report_of(run).items() if name in wanted and value}

    return "; ".join(
        f"run {run.number}: {run.invocation.error!r}"
        if run.invocation.error is not None
        else f"run {run.number}: {shown(run)}"
        for run in case.played.runs
    )


def _ends(case: _Case) -> Iterator[Disagreement]:
    """Chains end, and what did not happen is seen by the platform."""
    if case.played.delivery_faults.endless:
        yield Disagreement("endless", f"the chain goes on after {len(case.played.runs)} runs")
    raised = any(run.invocation.error is not None for run in case.played.runs)
    failed = any(each.get("status") == "failed" for each in case.reports)
    sweeps = isinstance(case.step.event, SweepEvent)
    if sweeps and failed and not raised and not case.played.delivery_faults.lost:
        yield Disagreement("failure without an exception", _summary(case))
    rules = case.rules(case.played.runs[0])[0]
    event = case.played.event
    rejected = isinstance(event, oracle.Nothing) or (isinstance(event, oracle.Sweep) and oracle.is_wider(event, rules))
    if sweeps and rejected and not raised:
        yield Disagreement("rejected sweep without an exception", _summary(case))


def _calm(case: _Case) -> Iterator[Disagreement]:
    """Without a fault, everything is reported exactly."""
    if not case.is_calm:
        return
    event, rules = case.played.event, case.rules(case.played.runs[0])[0]
    if isinstance(event, oracle.Nothing) or (isinstance(event, oracle.Sweep) and oracle.is_wider(event, rules)):
        return
    completing = any(each.completing for each in case.played.uploads.values())
    ghosts = len([each for each in case.played.ghosts if each in case.mentions])
    if any(run.invocation.error is not None for run in case.played.runs) and not completing and not ghosts:
        yield Disagreement("calm: exception", _summary(case))
        return
    aborted = sum(each.get("aborted", 0) for each in case.reports)
    if aborted < len(case.dropped):
        yield Disagreement("calm: aborted", f"{aborted} aborted, and the server dropped {len(case.dropped)}")
    looked = [each for each in case.deletes if case.pages.get((each.key, each.upload_id))]
    freed = sum(each.get("bytes_freed", 0) for each in case.reports)
    dropped = sum(each.dropped_bytes or 0 for each in case.dropped)
    if looked and len(looked) == len(case.deletes) and freed < dropped:
        yield Disagreement("calm: bytes", f"{freed} bytes freed, and the server dropped {dropped}")
    if _beyond_limit(case) and not _is_loud(case):
        yield Disagreement("calm: limit", f"MAX_ABORTS kept {_beyond_limit(case)}: {_summary(case)}")
    if isinstance(event, oracle.Sweep):
        yield from _calm_sweep(case, rules, ghosts=ghosts, completing=completing)


def _ghosts(case: _Case) -> Iterator[Disagreement]:
    """What is listed and cannot be found is counted as that."""
    as_of = min(case.as_of(run) for run in case.played.runs)
    rules = [rules for run in case.played.runs for rules in case.rules(run)]
    ghosts = [case.played.uploads[each] for each in sorted(case.played.ghosts) if each in case.mentions]
    due = [
        ghost
        for ghost in ghosts
        if not oracle.must_be_gone(ghost, case.played.event, rules, case.reported(ghost, as_of), case.aborted)
    ]
    counted = sum(each.get("listed_but_not_found", 0) for each in case.reports)
    if counted < len(due):
        yield Disagreement("ghost", f"{counted} listed but not found, where {[each.key for each in due]} are")


def _beyond_limit(case: _Case) -> list[str]:
    """The keys of what stands for no other reason than the limit."""
    rules = [replace(each, max_aborts=None) for run in case.played.runs for each in case.rules(run)]
    event = case.played.event
    unlimited = replace(event, max_aborts=None) if isinstance(event, oracle.Sweep) else event
    as_of = min(case.as_of(run) for run in case.played.runs)
    standing = [case.played.uploads[upload_id] for upload_id in sorted(case.played.left)]
    return [
        each.key
        for each in standing
        if not oracle.must_be_gone(each, unlimited, rules, case.reported_or_to_be_listed(each, as_of), 0)
        and each.upload_id not in {request.upload_id for request in case.hit}
    ]


def _calm_sweep(case: _Case, rules: oracle.Rules, *, ghosts: int, completing: bool) -> Iterator[Disagreement]:
    assert isinstance(case.played.event, oracle.Sweep)
    yield from _ghosts(case)
    limit = oracle.narrow(rules, case.played.event).max_aborts
    if limit is not None and case.aborted >= limit:
        return
    outcomes = sum(each.get("kept", 0) + each.get("would_abort", 0) for each in case.reports)
    standing = len([each for each in case.mentions if each in case.played.left])
    if outcomes != standing and not ghosts and not completing:
        yield Disagreement("calm: kept", f"{outcomes} kept, and {standing} of those listed stand: {_summary(case)}")
    if not ghosts and not completing and _is_loud(case):
        yield Disagreement("calm: status", _summary(case))
