"""
What `inventory` and `sweep` share: the run with its progress, the account, where it is stored, and the exit code.
"""

import errno
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cos_sweeper.cli import exits, looking, private_file
from cos_sweeper.cli.account_view import AccountView, gap, uploads
from cos_sweeper.cli.command_line import shell_word
from cos_sweeper.cli.console import Console
from cos_sweeper.cli.interrupt import Stopped
from cos_sweeper.cli.local_folder import LocalFolder
from cos_sweeper.cli.problems import Misused, Problem, problem_of
from cos_sweeper.cli.progress import Counted, Watch
from cos_sweeper.cli.session import DEFAULT_RECORDS, Swept, place_of
from cos_sweeper.cli.shown import Shown
from cos_sweeper.cli.tables import Column, Table
from cos_sweeper.cli.words import sentence, t
from cos_sweeper.core import errors
from cos_sweeper.engine.reasons import STOPPED
from cos_sweeper.report.page_parts import numbers

if TYPE_CHECKING:
    from cos_sweeper.cli.session import Session
    from cos_sweeper.core.plan import Plan
    from cos_sweeper.report.report_folder import NamedFolder


LIST_LATEST = f"cos-sweeper report latest --list --records {DEFAULT_RECORDS}"


def swept(
    session: "Session",
    plan: "Plan",
    folder: "NamedFolder | None",
    doing: str,
    *watches: Watch,
    shown: Shown | None = None,
) -> tuple[Swept, Counted]:
    """
    Run the plan with its progress shown, and what it counted. Raises Problem where no account could be made.

    watches: they see each outcome, too. shown: nothing else is aborted.
    """
    seeing = (*watches, *([shown] if shown else []))
    try:
        with Counted(session.console, doing, seeing) as progress:
            result = session.run(progress.during(session.sweep(plan, folder, progress, shown)))
    except Stopped:
        if place := place_of(folder, plan.run_id):
            session.console.say(t("Records so far: {place}", place=place), "quiet")
        raise
    error = looking.listing_error(result.report)
    if error is not None and not progress.pages:
        # An account of nothing would read as if nothing were there.
        raise problem_of(error)
    if result.report_json is None:
        counts, freed = result.report.counts, numbers.size(result.report.bytes_freed)
        raise Problem(
            t("{n} aborted, {size} freed.", n=uploads(counts["aborted"]), size=freed)
            + gap()
            + t("The account of this run could not be made."),
            t("Run the same command with `--log FILE`; the log says why."),
        )
    if error is None and not result.report.stopped_because and not result.report.not_swept:
        session.say_unmatched()
    return result, progress


def difference(session: "Session", shown: Shown) -> None:
    """What came of the uploads that the question showed, where it is not the abort of all of them."""
    console = session.console
    if shown.aborted != shown.going:
        text = t("Shown {n}, aborted {m}.", n=numbers.count(shown.going), m=numbers.count(shown.aborted))
        reasons = [f"{reason} ({numbers.count(n)})" for reason, n in shown.left_by_reason().items()]
        console.say(text + (gap() + sentence("; ".join(reasons)) if reasons else ""), "warn")
    if shown.others:
        text = t("{n} left as they are: the question did not show them.", n=uploads(shown.others))
        console.say(text, "warn")
    bound(session, shown)


def bound(session: "Session", shown: Shown) -> None:
    """That an answer cannot be about all of it."""
    if not shown.has_room:
        text = t("One answer is about {n} uploads at most. Run the same command again for the rest.", n=shown.going)
        session.console.say(text, "warn")


def after(session: "Session", result: Swept, html: Path | None = None, name: str = "") -> int:
    """What comes after the account: files, notes, the exit code. name: of a command that can store more."""
    console, report = session.console, result.report_json or {}
    if console.err.is_terminal:
        console.say()
    for note in view_of(session, report).notes():
        console.say(note)
    if name and not session.interrupt.is_set and not report["price"] and AccountView(report).totals["open"].bytes:
        console.say(t("`--price-per-gb-month PRICE --currency NAME` adds what this costs a month."), "quiet")
    is_written = html is None or _wrote_html(console, report, html)
    place = place_of(result.folder.inner, result.report.run_id)
    if result.folder.failed is not None:
        console.say(t("Not everything could be stored: {why}", why=str(result.folder.failed)), "warn")
    elif place:
        console.say(t("Records and report: {place}", place=place), "quiet")
        _say_where_all_are(session, result, place)
    elif name and not session.interrupt.is_set and _found(result):
        line = f"cos-sweeper {name} --records {DEFAULT_RECORDS}"
        text = t("`{command}` records the uploads, and `{list}` lists them one by one.", command=line, list=LIST_LATEST)
        console.next_step(text)
    if result.report.counts["rejected"]:
        console.next_step(t("Some keys cannot be sent to COS. A lifecycle rule ends them: `cos-sweeper lifecycle`."))
    if session.interrupt.is_set:
        return exits.INTERRUPTED
    _say_credentials(console, stopped_by(report))
    code = exits.worst(exits.OF_STATUS[result.report.status.value], of_doubts(report))
    if not is_written:
        code = exits.worst(code, exits.FAILED)
    return exits.worst(code, exits.PARTIAL if result.folder.failed is not None else exits.COMPLETE)


def of_doubts(report: dict[str, Any]) -> int:
    """The exit code of a look by which uploads could not be judged."""
    return exits.PARTIAL if AccountView(report).unjudged else exits.COMPLETE


def _wrote_html(console: Console, report: dict[str, Any], path: Path) -> bool:
    """Write the page, and say where that fails: the account of what was aborted follows in any case."""
    try:
        write_html(console, report, path)
    except Problem as exc:
        console.problem(exc)
        return False
    return True


def _say_credentials(console: Console, code: str) -> None:
    if code:
        step = problem_of(errors.Stopped(code)).next_step
        console.next_step(f"{step}{gap()}{t('Then run the same command again.')}")


def stopped_by(report: dict[str, Any]) -> str:
    """The code with which COS stopped to accept the credentials or the clock in the middle, '' where it did not."""
    reasons = (*report.get("left_by_reason", ()), *report.get("kept_by_reason", ()))
    return next((one.removeprefix(f"{STOPPED}: ") for one in reasons if one.startswith(STOPPED)), "")


def _found(result: Swept) -> int:
    """How many uploads have a record: not those that a sweep keeps by their age alone."""
    view = AccountView(result.report_json or {})
    names = ("freed", "left", "failed", *(("kept",) if view.is_inventory else ()))
    return sum(view.totals[name].uploads for name in names)


def _say_where_all_are(session: "Session", result: Swept, place: str) -> None:
    """How to see every upload, where tables show only the largest."""
    if _found(result):
        target = place if isinstance(result.folder.inner, LocalFolder) else result.report.run_id
        line = f"cos-sweeper report {shell_word(target)} --list"
        session.console.next_step(t("`{command}` lists the uploads one by one.", command=line))


def write_html(console: Console, report: dict[str, Any], path: Path) -> None:
    """The page of a report, as a file of its owner only. Raises Problem."""
    from cos_sweeper.report import page

    write(path, page.render(report))
    console.say(t("Page: {path}", path=path), "quiet")


def write(path: Path, body: bytes) -> None:
    """Write a file that only its owner reads. Raises Problem."""
    try:
        private_file.write(path, body)
    except OSError as exc:
        problem = _unwritable(path, exc.strerror)
        raise Problem(problem.sentence, problem.next_step) from None


def require_place(path: Path | None) -> None:
    """Raise Misused for a file that cannot be written, before the work whose result it is for."""
    if path is not None and not path.absolute().parent.is_dir():
        raise _unwritable(path, os.strerror(errno.ENOENT))


def _unwritable(path: Path, why: str | None) -> Misused:
    return Misused(t("{path} cannot be written: {why}.", path=path, why=why), t("Give another file."))


def view_of(session: "Session", report: dict[str, Any]) -> AccountView:
    """What is shown of the report of a run that this command did."""
    return AccountView(report, is_interrupted=session.interrupt.is_set)


def plan(session: "Session", report: dict[str, Any]) -> None:
    """What a sweep would abort."""
    view = view_of(session, report)
    tables = (view.outcomes(), view.buckets(), view.prefixes(), view.uploads("oldest"), view.kept(), view.failures())
    _show(session.console, view, tables)


def aborted(session: "Session", report: dict[str, Any], names: Sequence[str]) -> None:
    """What a sweep aborted. names: of the tables to show beside the failures."""
    view = view_of(session, report)
    _show(session.console, view, [getattr(view, name)() for name in (*names, "failures")])


def times(seen: Counted) -> Table:
    """From when the uploads are that would go."""
    table = Table("", (Column(""), Column("", is_elastic=True)))
    for name, time in ((t("oldest"), seen.oldest), (t("newest"), seen.newest), (t("last part"), seen.last_part)):
        table.add(name, f"{looking.moment(time)} UTC" if time else looking.moment(time))
    return table


def _show(console: Console, view: AccountView, tables: Iterable[Table]) -> None:
    console.show(view.headline())
    for table in tables:
        if table.rows:
            console.show("", table)


def account(session: "Session", report: dict[str, Any]) -> None:
    """The whole account, for people or as JSON."""
    view = view_of(session, report)
    _show(session.console, view, view.tables())
    session.console.data(report)
