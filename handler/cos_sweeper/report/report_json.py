"""
The account of a chain → report.json. No I/O.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cos_sweeper.core.version import VERSION
from cos_sweeper.report import chain, history
from cos_sweeper.report.chain import Merged
from cos_sweeper.report.history import Entry

SCHEMA = 1
MAX_RECORDS = 1000
MAX_WARNINGS = 100
MAX_NOT_SWEPT = 100
HASHED = "hash"


def assembled(
    merged: Merged, entries: Sequence[Entry], ended: datetime, more: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """
    The report. merged: with facts. entries: of the history, the oldest first. ended: UTC. more: sections that others
    know, such as `coverage`.
    """
    facts = merged.facts
    if facts is None:
        raise ValueError("a chain of which nothing is known has no report")
    hashed = facts.settings.get("record_keys") == HASHED
    sums = merged.account.as_json(facts.policy, facts.price, hashed=hashed)
    head = {
        "schema": SCHEMA,
        "version": VERSION,
        "run_id": merged.run_id,
        "kind": facts.kind,
        "dry_run": facts.dry_run,
        "status": chain.status(merged),
        "began": _time(facts.began),
        "as_of": _time(facts.as_of),
        "ended": _time(ended),
        "runs": sum(summary.runs for summary, _ in merged.summaries),
        "shards": chain.shards(merged),
        "stopped_because": next((one.stopped_because for one, is_split in merged.summaries if not is_split), ""),
        "warnings": _warnings(merged),
        "not_swept": [text for summary, _ in merged.summaries for text in summary.not_swept][:MAX_NOT_SWEPT],
        "settings": dict(facts.settings),
        "price": facts.price.as_json() if facts.price else None,
    }
    report = {**head, **sums, "coverage": None, "rule_to_add": "", **(more or {})}
    own = history.ending(merged.run_id, facts, report, ended)
    before = [entry for entry in entries if entry.run_id != merged.run_id]
    known = sorted((*before, own), key=lambda entry: entry.run_id)[-history.MAX_ENTRIES :]
    records = sorted(set(merged.records), key=lambda one: one.object)
    return {
        **report,
        "history": [_in_history(entry) for entry in known],
        "overlapping": history.overlapping(before, merged.run_id, facts.began, ended),
        "records": [{"object": one.object, "lines": one.lines} for one in records[:MAX_RECORDS]],
    }


def _warnings(merged: Merged) -> list[dict[str, Any]]:
    """What an operator should look at: what the runs said, and what the merge could not read or find."""
    found = [dict(one) for summary, _ in merged.summaries for one in summary.warnings]
    if merged.missing:
        found.append({"code": "PartMissing", "detail": f"{len(merged.missing)} pieces of work did not end"})
    if merged.lost:
        found.append({"code": "AccountLost", "detail": f"{len(merged.lost)} accounts of earlier runs cannot be read"})
    if merged.strays:
        detail = f"{len(merged.strays)} runs were cut off or delivered twice; what they freed is counted"
        found.append({"code": "RunRepeated", "detail": detail})
    return found[:MAX_WARNINGS]


def _in_history(entry: Entry) -> dict[str, Any]:
    shown = {name: value for name, value in entry.as_json().items() if name not in ("began", "ended")}
    return {**shown, "as_of": _time(entry.as_of)}


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
