"""
`sweep` step by step: the plan, the question, the aborts, and the runs that follow.

What is aborted after a question is part of what the question showed: the runs judge every age by the moment of the
plan, so that nothing becomes abandoned in between, and list nothing that it did not show.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.text import Text

from cos_sweeper.cli import exits, showing
from cos_sweeper.cli.account_view import AccountView, gap, size, uploads
from cos_sweeper.cli.console import Console
from cos_sweeper.cli.local_folder import require_writable
from cos_sweeper.cli.problems import Misused
from cos_sweeper.cli.progress import Counted
from cos_sweeper.cli.session import Session, Swept, place_of
from cos_sweeper.cli.shown import Shown
from cos_sweeper.cli.tables import Table
from cos_sweeper.cli.words import t
from cos_sweeper.report.page_parts import answers, groups, numbers
from cos_sweeper.report.page_parts.groups import Sum


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the options of `sweep` say."""

    abort: bool = False
    yes: bool = False
    until_empty: bool = False
    html: Path | None = None
    records: Path | None = None


def sweep(session: Session, wishes: Wishes) -> int:
    """Do it. Returns the exit code."""
    showing.require_place(wishes.html)
    if not wishes.abort:
        if wishes.yes or wishes.until_empty:
            raise Misused(t("`--yes` and `--until-empty` need `--abort`."), t("Without `--abort` nothing is aborted."))
        return _plan(session, wishes)
    if session.is_dry_run:
        origin = session.config.origin("DRY_RUN")
        session.console.say(t("DRY_RUN is true ({origin}), and it wins: this is only a plan.", origin=origin), "warn")
        return exits.worst(_plan(session, wishes), exits.PARTIAL)
    if wishes.yes:
        session.say_where()
        return _abort(session, wishes)
    session.console.require_person()
    return _ask_and_abort(session, wishes)


def _plan(session: Session, wishes: Wishes) -> int:
    plan = session.run(session.sweep_plan(dry_run=True))
    result, _ = showing.swept(session, plan, session.folder(wishes.records, is_needed=False), t("Looking"))
    showing.plan(session, result.report_json or {})
    for text in _limit(session, AccountView(result.report_json or {})):
        session.console.say(text)
    session.console.data(result.report_json)
    code = showing.after(session, result, wishes.html, "sweep")
    if _left(result) and not wishes.abort and not session.interrupt.is_set:
        session.console.next_step(
            t("`{command}` shows this, asks, and aborts it.", command="cos-sweeper sweep --abort")
        )
    return code


def _ask_and_abort(session: Session, wishes: Wishes) -> int:
    console = session.console
    plan = session.run(session.sweep_plan(dry_run=True))
    shown = Shown()
    result, seen = showing.swept(session, plan, None, t("Looking"), shown)
    report = result.report_json or {}
    # The question goes where a person reads it, also with --json.
    for item in _what_will_go(session, wishes, report, seen):
        console.say(item)
    if session.interrupt.is_set:
        return showing.after(session, result)
    if not _left(result):
        console.data([report] if wishes.until_empty else report)
        return showing.after(session, result)
    found = AccountView(report).totals["left"]
    showing.bound(session, shown)
    session.say_where()
    if not console.confirm(_question(session, wishes, found)):
        console.say(t("Nothing was aborted."))
        return exits.INTERRUPTED
    # A run lowers it to the clock of COS.
    code = _abort(session, wishes, min(plan.as_of, result.report.as_of), shown.answered())
    return exits.worst(code, showing.of_doubts(report))


def _question(session: Session, wishes: Wishes, found: Sum) -> str:
    limit = session.settings.max_aborts
    if limit is not None and limit < found.uploads and not wishes.until_empty:
        text = t("Abort {limit} of {n}?", limit=numbers.count(limit), n=uploads(found.uploads))
    else:
        text = t("Abort {n}, {size}?", n=uploads(found.uploads), size=size(found))
    return text + gap() + t("This cannot be undone.")


def _what_will_go(session: Session, wishes: Wishes, report: dict[str, Any], seen: Counted) -> Iterator[Text | Table]:
    view = showing.view_of(session, report)
    yield view.headline(is_asked=True)
    if view.failures().rows:
        yield Text()
        yield view.failures()
    if not view.totals["left"].uploads:
        return
    yield Text()
    yield view.prefixes()
    yield Text()
    facts = showing.times(seen)
    facts.add(t("buckets"), ", ".join(row["bucket"] for row in report["buckets"] if groups.found(row).uploads))
    facts.add(t("records"), place_of(session.folder(wishes.records, is_needed=True), ""))
    yield facts
    for table in (view.uploads("oldest"), view.kept()):
        if table.rows:
            yield Text()
            yield table
    yield from _limit(session, view)
    yield Text()


def _limit(session: Session, view: AccountView) -> Iterator[Text]:
    """That one run does not abort all of it."""
    limit = session.settings.max_aborts
    if limit is not None and limit < view.totals["left"].uploads:
        text = t("One run aborts {n} at most (MAX_ABORTS); `--until-empty` repeats it.", n=numbers.count(limit))
        yield Text(text, "warn")


def _abort(session: Session, wishes: Wishes, as_of: datetime | None = None, shown: Shown | None = None) -> int:
    """One run, or with --until-empty as many as make progress. as_of, shown: of the question."""
    console, folder = session.console, session.folder(wishes.records, is_needed=True)
    require_writable(folder)
    reports: list[Any] = []
    is_lost = False
    while True:
        plan = session.run(session.sweep_plan(dry_run=False, as_of=as_of))
        result, _ = showing.swept(session, plan, folder, t("Aborting"), shown=shown)
        reports.append(result.report_json)
        is_last = not (wishes.until_empty and _goes_on(result) and not session.interrupt.is_set)
        # What the question showed is not shown again.
        is_whole, is_asked = is_last and len(reports) == 1, shown is not None
        tables = ("outcomes", *(() if is_asked else ("prefixes",)), "kept") if is_whole else ()
        showing.aborted(session, result.report_json or {}, tables)
        code = showing.after(session, result, wishes.html if is_last else None)
        is_lost = is_lost or result.folder.failed is not None
        if is_last:
            break
    console.data(reports if wishes.until_empty else reports[0])
    if len(reports) > 1:
        _total(console, reports)
    if shown is not None and not session.interrupt.is_set and not result.report.stopped_because:
        showing.difference(session, shown)
    _say_how_to_go_on(session, result)
    # The last run found what all the others left. What they could not store is lost.
    return exits.worst(code, exits.PARTIAL if is_lost else exits.COMPLETE)


def _goes_on(result: Swept) -> bool:
    """Whether another run has something to do, and this one made progress."""
    return bool(result.report.counts["aborted"]) and _is_unfinished(result)


def _is_unfinished(result: Swept) -> bool:
    report = result.report
    return bool(report.stopped_because or report.counts["deferred"] or report.not_swept)


def _left(result: Swept) -> int:
    return int((result.report_json or {})["totals"]["left"]["uploads"])


def _say_how_to_go_on(session: Session, result: Swept) -> None:
    if session.interrupt.is_set:
        session.console.next_step(t("The same command goes on: what is left is found again."))
    elif answers.is_at_limit(result.report_json or {"left_by_reason": {}}):
        session.console.next_step(
            t("The limit of one run is reached. The same command goes on; `--until-empty` repeats it.")
        )
    elif _is_unfinished(result) and not showing.stopped_by(result.report_json or {}):
        session.console.next_step(t("Not everything could be processed. Run the same command again."))


def _total(console: Console, reports: list[Any]) -> None:
    freed = groups.total(groups.read(one["totals"]["freed"]) for one in reports)
    text = t("{runs} runs: {n} aborted, {size} freed.", runs=len(reports), n=uploads(freed.uploads), size=size(freed))
    console.show("", Text(text, "strong"))
