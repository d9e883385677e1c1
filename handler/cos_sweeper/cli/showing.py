"""
What `inventory` and `sweep` share: the run with its progress, the account, where it is stored, and the exit code.
"""

import errno
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cos_sweeper.cli import exits, looking
from cos_sweeper.cli.account_view import AccountView, gap, uploads
from cos_sweeper.cli.console import Console
from cos_sweeper.cli.interrupt import Stopped
from cos_sweeper.cli.problems import Misused, Problem, problem_of
from cos_sweeper.cli.progress import Counted
from cos_sweeper.cli.session import Swept, place_of
from cos_sweeper.cli.tables import Column, Table
from cos_sweeper.cli.words import t
from cos_sweeper.report.page_parts import numbers

if TYPE_CHECKING:
    from cos_sweeper.cli.session import Session
    from cos_sweeper.core.plan import Plan
    from cos_sweeper.report.report_folder import NamedFolder


def swept(session: "Session", plan: "Plan", folder: "NamedFolder | None", doing: str) -> tuple[Swept, Counted]:
    """Run the plan with its progress shown, and what it counted. Raises Problem where no account could be made."""
    try:
        with Counted(session.console, doing) as progress:
            result = session.run(progress.during(session.sweep(plan, folder, progress)))
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
    return result, progress


def after(session: "Session", result: Swept, html: Path | None = None) -> int:
    """What comes after the account: files, notes, the exit code."""
    console, report = session.console, result.report_json or {}
    if console.err.is_terminal:
        console.say()
    for note in AccountView(report).notes(is_interrupted=session.interrupt.is_set):
        console.say(note)
    if html is not None:
        write_html(console, report, html)
    place = place_of(result.folder.inner, result.report.run_id)
    if result.folder.failed is not None:
        console.say(t("Not everything could be stored: {why}", why=str(result.folder.failed)), "warn")
    elif place:
        console.say(t("Records and report: {place}", place=place), "quiet")
    if result.report.counts["rejected"]:
        console.next_step(t("Some keys cannot be sent to COS. A lifecycle rule ends them: `cos-sweeper lifecycle`."))
    if session.interrupt.is_set:
        return exits.INTERRUPTED
    code = exits.OF_STATUS[result.report.status.value]
    return exits.worst(code, exits.PARTIAL if result.folder.failed is not None else exits.COMPLETE)


def write_html(console: Console, report: dict[str, Any], path: Path) -> None:
    """The page of a report, as a file of its owner only. Raises Misused."""
    from cos_sweeper.report import page

    write(path, page.render(report))
    console.say(t("Page: {path}", path=path), "quiet")


def write(path: Path, body: bytes) -> None:
    """Write a file that only its owner reads. Raises Misused."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)
    except OSError as exc:
        raise _unwritable(path, exc.strerror) from None


def require_place(path: Path | None) -> None:
    """Raise Misused for a file that cannot be written, before the work whose result it is for."""
    if path is not None and not path.absolute().parent.is_dir():
        raise _unwritable(path, os.strerror(errno.ENOENT))


def _unwritable(path: Path, why: str | None) -> Misused:
    return Misused(t("{path} cannot be written: {why}.", path=path, why=why), t("Give another file."))


def plan(console: Console, report: dict[str, Any]) -> None:
    """What a sweep would abort."""
    view = AccountView(report)
    tables = (view.outcomes(), view.buckets(), view.prefixes(), view.uploads("oldest"), view.kept(), view.failures())
    _show(console, view, tables)


def aborted(console: Console, report: dict[str, Any], names: Sequence[str]) -> None:
    """What a sweep aborted. names: of the tables to show beside the failures."""
    view = AccountView(report)
    _show(console, view, [getattr(view, name)() for name in (*names, "failures")])


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


def account(console: Console, report: dict[str, Any]) -> None:
    """The whole account, for people or as JSON."""
    view = AccountView(report)
    _show(console, view, view.tables())
    console.data(report)
