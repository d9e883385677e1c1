"""
`report` step by step: the list of runs, one run's report, or the records of one key.

A chain that ended without a report is completed, as the next sweep would do it. One that may still run is merged as far
as it came, and nothing of that is stored.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import click

from cos_sweeper.cli import exits, output, records_view, showing, stored_reports
from cos_sweeper.cli.account_view import AccountView
from cos_sweeper.cli.command_line import shell_word
from cos_sweeper.cli.local_folder import KeptFolder
from cos_sweeper.cli.problems import Misused, Problem
from cos_sweeper.cli.records_view import Listed
from cos_sweeper.cli.session import Session
from cos_sweeper.cli.stored_reports import LATEST, Place, Unwritten
from cos_sweeper.cli.words import t
from cos_sweeper.core import key_text
from cos_sweeper.core.key_mask import KeyMask
from cos_sweeper.report import documents, history, page, record_reader, report_json
from cos_sweeper.report.completion import SILENT, Completion
from cos_sweeper.report.history import Entry
from cos_sweeper.report.record import Record
from cos_sweeper.report.record_reader import RecordReader
from cos_sweeper.report.report_folder import Folder

# What reading a report.json raises where it is none.
DAMAGED = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the arguments of `report` say. find: a key."""

    target: str | None = None
    find: str | None = None
    html: Path | None = None
    records: Path | None = None
    is_list: bool = False


def report(session: Session, wishes: Wishes) -> int:
    """Do it. Returns the exit code."""
    place = stored_reports.find(session, wishes.target, wishes.records)
    if wishes.find is not None:
        if wishes.is_list:
            raise Misused(t("`--find` and `--list` contradict each other."), t("Give one of them."))
        if wishes.html is not None:
            raise Misused(t("`--find` shows records, which have no page."), t("Leave out `--html`."))
        return _find(session, place, wishes.find, is_latest=wishes.target == LATEST)
    if wishes.target == LATEST:
        place = Place(place.folder, place.name, session.run(_latest(place)))
    if not place.run_id:
        if wishes.html is not None:
            raise Misused(t("Which run shall be written as a page?"), t("Give its id, or `latest`."))
        if wishes.is_list:
            raise Misused(t("The uploads of which run shall be listed?"), t("Give its id, or `latest`."))
        return _list(session, place)
    if wishes.is_list:
        return _list_uploads(session, place)
    return _show(session, place, wishes.html)


def _list_uploads(session: Session, place: Place) -> int:
    """Print a line for each upload, as it is read: there may be a million of them."""
    reader = RecordReader(place.folder, place.run_id)

    async def lines() -> int:
        printed = 0
        async for one in reader.uploads():
            if session.interrupt.is_set:
                break
            output.mark_data()
            click.echo(records_view.as_line(one, is_json=session.console.is_json))
            printed += 1
        return printed

    if not session.run(lines()) and not reader.problems and not session.interrupt.is_set:
        if not session.run(place.folder.names(f"{place.run_id}/", pages=1)):
            raise _no_run(place)
        session.console.say(t("This run has no record of any upload."))
    return exits.INTERRUPTED if session.interrupt.is_set else _with_problems(session, reader.problems)


# The runs


def _list(session: Session, place: Place) -> int:
    listed = session.run(_with_commands(place))
    session.console.show(records_view.runs(place.name, listed))
    session.console.data({"place": place.name, "runs": [one.as_json() for one in listed]})
    if listed:
        line = f"cos-sweeper report {_target(place, listed[0].run_id)}"
        session.console.next_step(t("`{command}` shows the newest of them.", command=line))
    return exits.COMPLETE


async def _runs(place: Place) -> list[Listed]:
    """The runs of the history, the newest first; in a directory also those that are in no history."""
    entries = {entry.run_id: entry for entry in await history.latest(place.folder, _now())}
    others = [one for one in await record_reader.run_ids(place.folder) if one not in entries] if place.is_local else []
    return sorted(
        (Listed(run_id, entries.get(run_id)) for run_id in (*entries, *others)),
        key=lambda one: one.run_id,
        reverse=True,
    )


async def _with_commands(place: Place) -> list[Listed]:
    """In a directory also by which command, and in which buckets: that is in each run's own documents."""
    runs = await _runs(place)
    return [await _with_command(place, one) for one in runs] if place.is_local else runs


async def _with_command(place: Place, one: Listed) -> Listed:
    if one.entry is None:
        buckets = {found.bucket async for found in RecordReader(place.folder, one.run_id).every()}
        return replace(one, command="abort", buckets=tuple(sorted(buckets)))
    stored = _read(await place.folder.get(f"{one.run_id}/report.json"))
    if stored is None:
        return one
    # No other command has a policy without an age.
    command = "drain" if stored["settings"]["min_age_hours"] == 0 else ""
    return replace(one, command=command, buckets=tuple(row["bucket"] for row in stored["buckets"]))


async def _latest(place: Place) -> str:
    """The newest run with an account, else the newest one."""
    runs = await _runs(place)
    if not runs:
        raise Misused(t("There is no run in {place}.", place=place.name))
    return next((one.run_id for one in runs if one.entry), runs[0].run_id)


def _target(place: Place, run_id: str) -> str:
    """What names a run on a command line, wherever runs are looked for."""
    return shell_word(f"{place.name}/{run_id}" if place.is_local else run_id)


# One run


def _show(session: Session, place: Place, html: Path | None) -> int:
    console = session.console
    found, note = session.run(_report(session, place))
    if found is None:
        return _show_records(session, place, html)
    if note:
        console.say(note, "warn")
    showing.account(session, found)
    for line in AccountView(found).notes():
        console.say(line)
    if html is not None:
        try:
            showing.write_html(console, found, html)
        except DAMAGED:
            raise Problem(t("The report of {run} cannot be read.", run=place.run_id)) from None
    return exits.PARTIAL if note or found["shards"]["missing"] else exits.COMPLETE


async def _report(session: Session, place: Place) -> tuple[dict[str, Any] | None, str]:
    """The report of a run, None where it has no account; and what to say of it. Raises Problem, StoreError."""
    entry = next((one for one in await history.latest(place.folder, _now()) if one.run_id == place.run_id), None)
    body = await place.folder.get(f"{place.run_id}/report.json")
    stored = _read(body)
    is_open = entry is not None and entry.status == documents.RUNNING
    is_whole = stored is not None and (entry is not None or not stored["shards"]["missing"])
    if is_whole and not is_open:
        return stored, ""
    if await _may_run(session, place, entry):
        so_far = await _completion(session, Unwritten(place.folder)).complete(place.run_id)
        return so_far or stored, t("This chain may still run. These figures are what it has stored so far.")
    kept = KeptFolder(place.folder)
    completed = await _completion(session, kept).complete(place.run_id, is_over=True)
    if completed is None:
        if stored is None and body is not None:
            raise Problem(t("The report of {run} cannot be read.", run=place.run_id))
        return stored, ""
    if kept.failed is not None:
        return completed, t(
            "The chain ended without a report. It was completed now, but not stored: {why}", why=kept.failed
        )
    return completed, t("The chain ended without a report. It was completed now, and stored.")


def _read(body: bytes | None) -> dict[str, Any] | None:
    """A report.json, None for what is none."""
    try:
        found = json.loads(body or b"")
        missing = found["shards"]["missing"]
        _require_parts(found)
    except DAMAGED:
        return None
    return dict(found) if isinstance(missing, list) and found.get("schema") == report_json.SCHEMA else None


def _require_parts(found: dict[str, Any]) -> None:
    """Raise one of DAMAGED for a report of which a part is missing or is something else: a file can be anything."""
    view = AccountView(found)
    parts = (view.headline(), *view.tables(), *view.notes(), view.uploads("oldest"), view.kept(), view.outcomes())
    _ = len(parts) + found["settings"]["min_age_hours"], [row["bucket"] for row in found["buckets"]]


def _completion(session: Session, folder: Folder) -> Completion:
    return Completion(folder, session.log, left=session.deadline.left, now=_now, render=page.render)


async def _may_run(session: Session, place: Place, entry: Entry | None) -> bool:
    """Whether a run of the chain may be going on: it is young, and wrote something recently."""
    began = entry.began if entry else _began(place.run_id)
    now = _now()
    if began is None or now - began > session.config.settings_of_all.chain_max:
        return False
    return now - began <= SILENT or not await _completion(session, place.folder).is_silent(place.run_id, began)


def _began(run_id: str) -> datetime | None:
    try:
        return datetime.strptime(run_id.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return None


# Records


def _show_records(session: Session, place: Place, html: Path | None) -> int:
    """A run without an account: an event, or `abort`. Its records are all there is."""
    console = session.console
    if html is not None:
        raise Misused(t("{run} has no account, so it has no page.", run=place.run_id))
    found, problems = session.run(_every(place))
    if not found and not problems and not session.run(place.folder.names(f"{place.run_id}/", pages=1)):
        raise _no_run(place)
    console.say(t("This run has no account: an event or `abort` named its uploads. These are its records."), "quiet")
    console.show(records_view.records(found, of_key=False))
    console.data({"run_id": place.run_id, "records": [records_view.as_json(one) for _, one in found]})
    return _with_problems(session, problems)


def _no_run(place: Place) -> Misused:
    return Misused(
        t("There is no run {run} in {place}.", run=place.run_id, place=place.name),
        t("`cos-sweeper report` without a run lists them."),
    )


async def _every(place: Place) -> tuple[list[tuple[str, Record]], list[str]]:
    reader = RecordReader(place.folder, place.run_id)
    found = [(place.run_id, one) async for one in reader.uploads()]
    return found, reader.problems


def _find(session: Session, place: Place, key: str, *, is_latest: bool) -> int:
    console, mask = session.console, session.config.settings_of_all.key_mask
    if is_latest:
        place = Place(place.folder, place.name, session.run(_latest(place)))
    search = _Search(place, key, mask)
    session.run(search.run(lambda: session.deadline.passed))
    if search.found:
        console.show(records_view.records(records_view.merged(search.found), of_key=True))
    console.data(
        {
            "key": key_text.shown(key),
            "records": [{"run_id": run, **records_view.as_json(one)} for run, one in search.found],
        }
    )
    if not search.found:
        console.show(t("No record of this key in {n} runs of {place}.", n=search.runs, place=place.name))
        if search.latest:
            line = f"cos-sweeper report {_target(place, search.latest)} --list"
            console.next_step(t("The whole key must match. `{command}` shows which keys there are.", command=line))
    if search.has_hashes and not mask.is_on:
        console.say(t("Some records hold hashes in place of keys."), "warn")
        console.next_step(t("Set RECORD_KEYS=hash and RECORD_KEYS_SECRET as they were, and search again."))
    if session.interrupt.is_set:
        return exits.INTERRUPTED
    return _with_problems(session, search.problems)


class _Search:
    """Looks for a key in the records of one run, or of all."""

    def __init__(self, place: Place, key: str, mask: KeyMask) -> None:
        self._place = place
        self._key = key
        self._mask = mask
        self.runs = 0
        self.latest = ""
        self.found: list[tuple[str, Record]] = []
        self.problems: list[str] = []
        self.has_hashes = False

    async def run(self, is_over: Callable[[], bool]) -> None:
        place = self._place
        for run_id in [place.run_id] if place.run_id else await record_reader.run_ids(place.folder):
            if is_over():
                return
            self.runs += 1
            self.latest = run_id
            reader = RecordReader(place.folder, run_id)
            self.found += [(run_id, one) async for one in reader.find(self._key, self._mask.key)]
            self.problems += reader.problems
            self.has_hashes = self.has_hashes or reader.has_hashes


def _with_problems(session: Session, problems: list[str]) -> int:
    for text in problems:
        session.console.say(t("Not readable: {text}", text=text), "warn")
    return exits.PARTIAL if problems else exits.COMPLETE


def _now() -> datetime:
    return datetime.now(timezone.utc)
