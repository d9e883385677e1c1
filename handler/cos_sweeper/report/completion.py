"""
Completes chains: merges what their runs stored and writes report.json, report.html and the entry of the history.

The run that ends a work does it for its own chain, and the first run of a sweep for chains that ended without a report:
their last run was killed, or had no time. Two at once do no harm, because both write what they find and look again
afterwards.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from cos_sweeper.core.errors import StoreError, SweeperError
from cos_sweeper.report import chain, documents, history, report_json
from cos_sweeper.report.chain import ChainReader, Merged
from cos_sweeper.report.documents import DocumentUnreadable
from cos_sweeper.report.history import Entry
from cos_sweeper.report.log import Log
from cos_sweeper.report.record_writer import quietly
from cos_sweeper.report.report_folder import Folder

# A run stores its part every ten seconds, so a chain that was silent for so long does not run any more, unless SCF
# keeps it waiting. Then its last run writes the report again.
SILENT = timedelta(minutes=30)
# Of the parts of a chain so many are looked at to find out when it wrote last.
MAX_LOOKED_AT = 16
# Chains that one sweep completes.
MAX_COMPLETED = 5
# The merge of one more account begins only with this much time, in seconds; that of another chain only with more.
RESERVE_SECONDS = 2.0
RESERVE_SECONDS_OTHERS = 5.0
# Ends that appear while the report is written: merge again, so often at most.
MAX_MERGES = 4
UNKNOWN = "unknown"

Render = Callable[[Mapping[str, Any]], bytes]
Sections = Callable[[], Awaitable[Mapping[str, Any]]]


class OutOfTime(SweeperError):
    """No time is left for the merge."""


async def no_sections() -> Mapping[str, Any]:
    """No further sections."""
    return {}


class Completion:
    """
    left: seconds until this run must return. render: report.json → report.html. now: our clock, UTC. clean: removes
    secrets from a text.
    """

    def __init__(
        self,
        folder: Folder,
        log: Log,
        *,
        left: Callable[[], float],
        now: Callable[[], datetime],
        render: Render,
        clean: Callable[[str], str] = str,
    ) -> None:
        self._folder = folder
        self._log = log
        self._left = left
        self._now = now
        self._render = render
        self._clean = clean

    async def complete(
        self, run_id: str, *, is_over: bool = False, sections: Sections = no_sections
    ) -> dict[str, Any] | None:
        """
        Write the report of a chain. Returns it, or None where it could not be written, which is logged.

        is_over: nothing of the chain is running any more. sections: what goes into the report besides.
        """
        entries: list[Entry] = []
        try:
            entries = await history.latest(self._folder, self._now())
            return await self._write(run_id, entries, await sections(), is_over=is_over)
        except StoreError as exc:
            self._log.error("report.not_merged", of_run=run_id, code=exc.code, status=exc.status)
        except OutOfTime:
            self._log.warning("report.postponed", of_run=run_id)
        except Exception as exc:
            # What is stored may be anything, and a defect here must not cost the answer of a run that did its work.
            self._log.error("report.not_merged", of_run=run_id, code=type(exc).__name__, status=None)
        await self._leave_to_next(run_id, entries)
        return None

    async def _leave_to_next(self, run_id: str, entries: Sequence[Entry]) -> None:
        """A report that another delivery wrote lacks what this one did: the next sweep merges again."""
        for entry in entries:
            if entry.run_id == run_id and entry.status != documents.RUNNING:
                await quietly(history.put(self._folder, replace(entry, status=documents.RUNNING, ended=None)))

    async def complete_others(self, own: str, chain_max: timedelta) -> list[dict[str, Any]]:
        """Complete the chains of the history that ended without a report. Returns their reports. Raises StoreError."""
        now = self._now()
        entries = await history.latest(self._folder, now)
        running = [entry for entry in entries if entry.status == documents.RUNNING and entry.run_id != own]
        reports: list[dict[str, Any]] = []
        for entry in running:
            if len(reports) < MAX_COMPLETED and (
                now - entry.began > chain_max or await self.is_silent(entry.run_id, entry.began)
            ):
                report = await self.complete(entry.run_id, is_over=True)
                if report is not None:
                    reports.append(report)
                    self._log.warning("chain.completed_later", of_run=entry.run_id, status=report["status"])
        return reports

    async def _write(
        self, run_id: str, entries: Sequence[Entry], more: Mapping[str, Any], *, is_over: bool
    ) -> dict[str, Any] | None:
        for _ in range(MAX_MERGES):
            reader = ChainReader(self._folder, run_id, lambda: self._hurry(is_over=is_over))
            merged = await chain.merge(reader, is_over=is_over)
            for name in reader.unreadable:
                self._log.error("report.object_unreadable", object=name)
            if merged.facts is None:
                # What could not be unpacked may have come damaged: a later sweep reads it again, once.
                if is_over or not reader.unreadable:
                    await self._close_unknown(run_id, entries)
                return None
            report = await self._put(merged, entries, more, is_over=is_over)
            if await reader.ended_works() <= merged.looked_at:
                break
        return report

    async def _put(
        self, merged: Merged, entries: Sequence[Entry], more: Mapping[str, Any], *, is_over: bool
    ) -> dict[str, Any]:
        ended = merged.at if is_over and merged.at else self._now()
        report: dict[str, Any] = _cleaned(report_json.assembled(merged, entries, ended, more), self._clean)
        self._hurry(is_over=is_over)
        await self._folder.put(f"{merged.run_id}/report.json", json.dumps(report).encode())
        await self._folder.put(f"{merged.run_id}/report.html", self._render(report))
        if merged.facts is not None and (is_over or not merged.missing):
            await history.put(self._folder, history.ending(merged.run_id, merged.facts, report, ended))
        return report

    async def _close_unknown(self, run_id: str, entries: Sequence[Entry]) -> None:
        """A chain that stored nothing is looked at once."""
        for entry in entries:
            if entry.run_id == run_id:
                closed = Entry(run_id, entry.kind, entry.as_of, UNKNOWN, entry.dry_run, entry.began, self._now())
                await history.put(self._folder, closed)

    async def is_silent(self, run_id: str, began: datetime) -> bool:
        """Whether no run of a chain wrote anything recently. began: the chain, by our clock. Raises StoreError."""
        now = self._now()
        if now - began <= SILENT:
            return False
        names = await ChainReader(self._folder, run_id).part_names()
        newest = sorted(names, key=lambda name: -_number(name))[:MAX_LOOKED_AT]
        for name in newest:
            body = await self._folder.get(chain.part_object(run_id, name))
            try:
                if body is not None and now - documents.unpack_head(body).at <= SILENT:
                    return False
            except DocumentUnreadable:
                continue
        return True

    def _hurry(self, *, is_over: bool) -> None:
        if self._left() < (RESERVE_SECONDS_OTHERS if is_over else RESERVE_SECONDS):
            raise OutOfTime


def _cleaned(value: Any, clean: Callable[[str], str]) -> Any:
    """The JSON value with every text cleaned, names included."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(name): _cleaned(inner, clean) for name, inner in value.items()}
    return [_cleaned(inner, clean) for inner in value] if isinstance(value, (list, tuple)) else value


def _number(name: str) -> int:
    match = documents.NAME.fullmatch(name)
    return int(match["number"]) if match else 0
