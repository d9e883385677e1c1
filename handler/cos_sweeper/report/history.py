"""
The history: one small object for each chain, written when it begins and again when its report is.

Names begin with the time at which the chain began, so the newest ones are found by listing from a day onward.
"""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from cos_sweeper.core import account_checks as checks
from cos_sweeper.core import run_facts
from cos_sweeper.core.plan import RUN_ID
from cos_sweeper.core.run_facts import RunFacts
from cos_sweeper.report.documents import RUNNING
from cos_sweeper.report.report_folder import Folder, Source

MAX_ENTRIES = 60
# How far to look back for that many, the shorter spans first: sweeps may be minutes or months apart.
SPANS = (timedelta(days=2), timedelta(days=14), timedelta(days=120))
MAX_PAGES = 5
AT_A_TIME = 8
FOLDER = "history/"
TIMED = re.compile(r"[0-9]{8}T[0-9]{6}Z")
CLOCKS_DIFFER = timedelta(hours=1)
FIGURES = ("found_uploads", "found_bytes", "freed_uploads", "freed_bytes", "left_bytes")


@dataclass(frozen=True, slots=True)
class Entry:
    """
    A chain in the history.

    status: RUNNING until its report is written, then as the report has it. began, ended: UTC; ended None while it runs.
    """

    run_id: str
    kind: str
    as_of: datetime
    status: str
    dry_run: bool
    began: datetime
    ended: datetime | None = None
    found_uploads: int = 0
    found_bytes: int = 0
    freed_uploads: int = 0
    freed_bytes: int = 0
    left_bytes: int = 0

    def as_json(self) -> dict[str, Any]:
        """For its object, and for report.json."""
        flat = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in flat.items()}


def beginning(run_id: str, facts: RunFacts) -> Entry:
    """The entry of a chain that begins."""
    return Entry(run_id, facts.kind, facts.as_of, RUNNING, facts.dry_run, facts.began)


def ending(run_id: str, facts: RunFacts, report: Mapping[str, Any], ended: datetime) -> Entry:
    """The entry of a chain whose report is written."""
    totals = report["totals"]
    return Entry(
        run_id,
        facts.kind,
        facts.as_of,
        report["status"],
        facts.dry_run,
        facts.began,
        ended,
        found_uploads=totals["found"]["uploads"],
        found_bytes=totals["found"]["bytes"],
        freed_uploads=totals["freed"]["uploads"],
        freed_bytes=totals["freed"]["bytes"],
        left_bytes=totals["left"]["bytes"],
    )


def read(body: bytes, run_id: str) -> Entry | None:
    """The entry of this chain, None for what is none."""
    try:
        given = json.loads(body)
        if given["run_id"] != run_id or given["kind"] not in (run_facts.SWEEP, run_facts.INVENTORY):
            return None
        return Entry(
            run_id,
            given["kind"],
            run_facts.moment(given["as_of"]),
            checks.text(given["status"]),
            checks.flag(given["dry_run"]),
            run_facts.moment(given["began"]),
            run_facts.moment(given["ended"]) if given["ended"] else None,
            *(checks.figure(given[name]) for name in FIGURES),
        )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None


async def put(folder: Folder, entry: Entry) -> None:
    """Write an entry, in place of an earlier one of the chain. Raises StoreError."""
    await folder.put(f"{FOLDER}{entry.run_id}.json", json.dumps(entry.as_json()).encode())


async def latest(source: Source, now: datetime) -> list[Entry]:
    """The newest entries, MAX_ENTRIES at most, the oldest first. Raises StoreError."""
    names = await _newest_names(source, now)
    entries: list[Entry] = []
    for start in range(0, len(names), AT_A_TIME):
        some = names[start : start + AT_A_TIME]
        bodies = await asyncio.gather(*(source.get(name) for name in some))
        found = [read(body, _run_id(name)) for name, body in zip(some, bodies, strict=True) if body is not None]
        entries += [entry for entry in found if entry is not None]
    return entries


async def _newest_names(source: Source, now: datetime) -> list[str]:
    for span in (*SPANS, None):
        after = f"{FOLDER}{now - span:%Y%m%dT%H%M%SZ}" if span else ""
        names = await source.names(FOLDER, after, MAX_PAGES if span else 1000)
        names = [name for name in names if name.endswith(".json") and _is_possible(_run_id(name), now)]
        if len(names) >= MAX_ENTRIES:
            break
    return names[-MAX_ENTRIES:]


def _is_possible(run_id: str, now: datetime) -> bool:
    """Whether it is the id of a chain that has begun: an id of the future would hide the newest ones."""
    is_future = bool(TIMED.match(run_id)) and run_id > f"{now + CLOCKS_DIFFER:%Y%m%dT%H%M%SZ}~"
    return bool(RUN_ID.fullmatch(run_id)) and not is_future


def _run_id(name: str) -> str:
    return name.removeprefix(FOLDER).removesuffix(".json")


def overlapping(entries: list[Entry], of: str, began: datetime, ended: datetime) -> list[str]:
    """The other chains that were running at some time between these two moments."""
    return [
        entry.run_id
        for entry in entries
        if entry.run_id != of and entry.began <= ended and (entry.ended is None or entry.ended >= began)
    ]
