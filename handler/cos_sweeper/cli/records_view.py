"""
Runs and records as tables and as JSON.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from cos_sweeper.cli.account_view import kept_reason, left_reason
from cos_sweeper.cli.command_line import shell_text
from cos_sweeper.cli.looking import iso, moment
from cos_sweeper.cli.tables import Column, Long, Table, shown_key
from cos_sweeper.cli.words import colon, pair, t
from cos_sweeper.report import record
from cos_sweeper.report.history import Entry
from cos_sweeper.report.page_parts import numbers, words
from cos_sweeper.report.record import INTENDED, Record

MAX_RECORDS = 200
# Of a run, in the list of runs.
MAX_BUCKETS = 3
# Status of a run → its style.
STYLES = {"complete": "good", "failed": "bad", "rejected": "bad"}


@dataclass(frozen=True, slots=True)
class Listed:
    """
    A run. entry: of the history, None where it has none. command: that did it, '' where it is not known. buckets: that
    it found something in, as far as that is known.
    """

    run_id: str
    entry: Entry | None
    command: str = ""
    buckets: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        known = self.entry.as_json() if self.entry else {"run_id": self.run_id, "kind": "event"}
        return {**known, "command": self.command or None, "buckets": list(self.buckets)}


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
            Column(t("buckets"), is_elastic=True, min_width=100),
        ),
    )
    for one in listed:
        entry, buckets = one.entry, _few(one.buckets)
        if entry is None:
            table.add(one.run_id, one.command or t("event"), "–", "", "", "", buckets)
            continue
        kind = {"sweep": t("plan") if entry.dry_run else t("sweep"), "inventory": t("inventory")}
        status = Text(pair(words.STATUSES.get(entry.status, (entry.status,) * 2)), STYLES.get(entry.status, "warn"))
        table.add(
            one.run_id,
            one.command or kind.get(entry.kind, entry.kind),
            status,
            # A run that was cut short or limited has not seen everything.
            ("" if entry.status == "complete" else "≥ ") + numbers.count(entry.found_uploads),
            numbers.count(entry.freed_uploads),
            numbers.size(entry.freed_bytes),
            buckets,
        )
    return table


def _few(buckets: Sequence[str]) -> str:
    more = len(buckets) - MAX_BUCKETS
    return ", ".join(buckets[:MAX_BUCKETS]) + (t(" and {n} more", n=more) if more > 0 else "")


def merged(found: Sequence[tuple[str, Record]]) -> list[tuple[str, Record]]:
    """One record for each upload of a run: its last outcome, or its intent where it has no other."""
    last: dict[tuple[str, str, str], Record] = {}
    for run_id, one in found:
        upload = (run_id, *one.upload)
        if upload not in last or one.outcome != INTENDED:
            last[upload] = one
    return [(run_id, one) for (run_id, *_), one in last.items()]


def records(found: Sequence[tuple[str, Record]], *, of_key: bool) -> Table:
    """Records, in the order of time. of_key: all are of one key, and of any run; else of one run, and of any key."""
    table = Table(
        t("Uploads with exactly this key") if of_key else "",
        (
            Column(t("when (UTC)")),
            Column(t("bucket") if of_key else t("key"), is_elastic=True),
            Column(t("what"), is_elastic=True),
            Column(t("size"), is_number=True),
            Column(t("upload id")),
            *((Column(t("run"), min_width=110),) if of_key else ()),
            Column(t("request id"), min_width=150),
        ),
    )
    for run_id, one in found[:MAX_RECORDS]:
        table.add(
            moment(one.at),
            one.bucket if of_key else shown_key(f"{one.bucket.partition('@')[0]}/{one.key}"),
            what(one),
            "?" if one.bytes is None else numbers.size(one.bytes),
            Long(shown_key(one.upload_id)),
            *((run_id,) if of_key else ()),
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
    return shown_key(f"{name}{colon()}{why}" if why else name)


def as_line(one: Record, *, is_json: bool) -> str:
    """A record as a line of `--list`: fields with tabs between them, each as $'…' has it, or JSON."""
    if is_json:
        return json.dumps(as_json(one))
    size = "" if one.bytes is None else str(one.bytes)
    reason = one.code or one.reason
    times = (iso(one.initiated) or "", iso(one.last_part) or "")
    return "\t".join(map(shell_text, (one.bucket, one.key, one.upload_id, size, *times, one.outcome, reason)))


def as_json(one: Record) -> dict[str, Any]:
    """A record as its line has it."""
    flat: dict[str, Any] = json.loads(record.line(one))
    return flat
