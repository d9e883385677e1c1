"""
What a reader should do next, the most urgent first, and what makes the figures less than complete.
"""

from dataclasses import dataclass, field
from typing import Any

from cos_sweeper.report.page_parts.groups import Json

MAX_TASKS = 4
# A single initiator with this share of the bytes is worth a talk.
TALK_SHARE = 0.2
AT_LIMIT = "the limit of aborts is reached"
UNCOVERED = ("absent", "disabled", "prefixes", "tag_filtered")


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do. kind: which sentence; anchor: the section that explains it."""

    kind: str
    anchor: str
    values: dict[str, Any] = field(default_factory=dict)


def tasks(report: Json) -> list[Task]:
    """At most MAX_TASKS, in the order in which they help."""
    every = [*_failures(report), *_completeness(report), *_settings(report), *_rules(report), *_owners(report)]
    return every[:MAX_TASKS]


def _failures(report: Json) -> list[Task]:
    permanent = [one for one in report["failures"] if one["permanent"]]
    if not permanent:
        return []
    first = permanent[0]
    bucket = first["examples"][0]["bucket"] if first["examples"] else ""
    return [Task("repair", "failures", {"code": first["code"], "bucket": bucket, "more": len(permanent) - 1})]


def _completeness(report: Json) -> list[Task]:
    return [Task("complete", "notices")] if report["shards"]["missing"] else []


def _settings(report: Json) -> list[Task]:
    left = report["totals"]["left"]
    if not left["uploads"]:
        return []
    if report["kind"] == "inventory":
        return [Task("sweep", "policy", {"sum": left})]
    if report["dry_run"]:
        return [Task("switch_on", "policy", {"sum": left})]
    return [Task("wait", "records", {"sum": left, "is_limit": is_at_limit(report)})]


def _rules(report: Json) -> list[Task]:
    buckets = [one["bucket"] for one in report["coverage"] or () if one["state"] in UNCOVERED]
    return [Task("add_rule", "lifecycle", {"bucket": buckets[0], "more": len(buckets) - 1})] if buckets else []


def _owners(report: Json) -> list[Task]:
    rows = report["initiators"]["rows"]
    found = report["totals"]["found"]
    if not rows or not found["uploads"]:
        return []
    measure = "bytes" if found["bytes"] else "uploads"
    worst = max(rows, key=lambda row: _abandoned(row, measure))
    if not worst["id"] or _abandoned(worst, measure) < TALK_SHARE * found[measure]:
        return []
    return [Task("talk", "who", {"name": name_of(worst)})]


def _abandoned(row: Json, measure: str) -> int:
    return sum(int(row[group][measure]) for group in ("freed", "left", "failed"))


def name_of(row: Json) -> str:
    """How a person calls an initiator: the user, else the account, else the whole id."""
    return str(row["user"] or row["account"] or row["id"])


def is_at_limit(report: Json) -> bool:
    """Whether MAX_ABORTS ended the aborts of this sweep."""
    return AT_LIMIT in report["left_by_reason"]


def is_lower_bound(report: Json) -> bool:
    """Whether the totals can only grow: a part of the report is missing."""
    return bool(report["shards"]["missing"])


def warning(item: Any) -> str:
    """A warning of the report as one line of text."""
    if isinstance(item, dict):
        return ", ".join(f"{name} {value}" for name, value in item.items())
    return str(item)
