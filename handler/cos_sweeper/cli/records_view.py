"""
Runs and records as tables and as JSON.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from cos_sweeper.cli.account_view import kept_reason, left_reason
from cos_sweeper.cli.looking import iso, moment
from cos_sweeper.cli.tables import Column, Long, Table, shown_key
from cos_sweeper.cli.words import pair, t
from cos_sweeper.report import record
from cos_sweeper.report.history import Entry
from cos_sweeper.report.page_parts import numbers, words
from cos_sweeper.report.record import INTENDED, Record

MAX_RECORDS = 200
# Status of a run → its style.
STYLES = {"complete": "good", "failed": "bad", "rejected": "bad"}


@dataclass(frozen=True, slots=True)
class Listed:
    """A run. entry: of the history, None where it has none."""

    run_id: str
    entry: Entry | None

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return self.entry.as_json() if self.entry else {"run_id": self.run_id, "kind": "event"}


def runs(place: str, listed: Sequence[Listed]) -> Table:
    """The runs in a place."""
    table = Table(
        t("Runs in {place}", place=place),
        (
            Column(t("run")),
            Column(t("kind")),
            Column(t("status")),
            Column(t("found"), is_number=True),
            Column(t("freed"), is_number=True),
            Column(t("size freed"), is_number=True),
        ),
    )
    for one in listed:
        entry = one.entry
        if entry is None:
            table.add(one.run_id, t("event"), "–", "", "", "")
            continue
        kind = {"sweep": t("plan") if entry.dry_run else t("sweep"), "inventory": t("inventory")}
        status = Text(pair(words.STATUSES.get(entry.status, (entry.status,) * 2)), STYLES.get(entry.status, "warn"))
        table.add(
            one.run_id,
            kind.get(entry.kind, entry.kind),
            status,
            # A run that was cut short or limited has not seen everything.
            ("" if entry.status == "complete" else "≥ ") + numbers.count(entry.found_uploads),
            numbers.count(entry.freed_uploads),
            numbers.size(entry.freed_bytes),
        )
    return table


def records(found: Sequence[tuple[str, Record]], *, of_key: bool) -> Table:
    """Records, in the order of time. of_key: all are of one key, and of any run; else of one run, and of any key."""
    table = Table(
        "",
        (
            Column(t("when (UTC)"), min_width=90 if of_key else 0),
            Column(t("run") if of_key else t("key"), is_elastic=not of_key),
            Column(t("what"), is_elastic=True),
            Column(t("size"), is_number=True),
            Column(t("upload id")),
            Column(t("request id"), min_width=120),
        ),
    )
    for run_id, one in found[:MAX_RECORDS]:
        table.add(
            moment(one.at),
            run_id if of_key else shown_key(f"{one.bucket.partition('@')[0]}/{one.key}"),
            what(one),
            "?" if one.bytes is None else numbers.size(one.bytes),
            Long(shown_key(one.upload_id)),
            shown_key(one.cos_request_id),
        )
    if len(found) > MAX_RECORDS:
        table.note = t("{n} more", n=numbers.count(len(found) - MAX_RECORDS))
    return table


def what(one: Record) -> str:
    """What came of an upload, with the reason."""
    if one.outcome == INTENDED:
        return t("an abort was intended")
    name = pair(words.OUTCOMES.get(one.outcome, (one.outcome,) * 2))
    if one.verified is False:
        name = t("aborted, not verified")
    reason = kept_reason(one.reason) if one.outcome == "kept" else left_reason(one.reason)
    why = one.code or reason
    return shown_key(f"{name}: {why}" if why else name)


def as_line(one: Record, *, is_json: bool) -> str:
    """A record as a line of `--list`: fields with tabs between them, or JSON."""
    if is_json:
        return json.dumps(as_json(one))
    size = "" if one.bytes is None else str(one.bytes)
    reason = one.code or one.reason
    times = (iso(one.initiated) or "", iso(one.last_part) or "")
    return "\t".join(map(shown_key, (one.bucket, one.key, one.upload_id, size, *times, one.outcome, reason)))


def as_json(one: Record) -> dict[str, Any]:
    """A record as its line has it."""
    flat: dict[str, Any] = json.loads(record.line(one))
    return flat
