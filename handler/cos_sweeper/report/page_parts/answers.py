"""
What a reader should do next: each step with what it gains, and in that order.
"""

from dataclasses import dataclass, field
from typing import Any

from cos_sweeper.report.page_parts import groups
from cos_sweeper.report.page_parts.groups import Json, Sum

MAX_TASKS = 5
# A single initiator with this share of the bytes is worth a talk.
TALK_SHARE = 0.2
AT_LIMIT = "the limit of aborts is reached"
UNCOVERED = ("absent", "disabled", "prefixes", "tag_filtered")
# What a step does, in the order in which steps help: it lets the next ones count at all; it frees bytes; it prevents
# that new ones are left behind.
COMPLETES, FREES, PREVENTS = "completes", "frees", "prevents"
ORDER = (COMPLETES, FREES, PREVENTS)


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do. kind: which sentence. gain: the abandoned uploads that it is about, None where not known."""

    kind: str
    purpose: str
    gain: Sum | None = None
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def rank(self) -> tuple[int, int, int]:
        """The most useful one is the least."""
        gain = self.gain or Sum()
        return ORDER.index(self.purpose), -gain.bytes, -gain.uploads


def tasks(report: Json) -> list[Task]:
    """At most MAX_TASKS, in the order in which they help."""
    every = [*_failures(report), *_completeness(report), *_settings(report), *_rules(report), *_owners(report)]
    return sorted(every, key=lambda task: task.rank)[:MAX_TASKS]


def _failures(report: Json) -> list[Task]:
    permanent = [one for one in report["failures"] if one["permanent"]]
    if not permanent:
        return []
    first = max(permanent, key=lambda one: (one["listings"], one["bytes"], one["uploads"]))
    bucket = first["examples"][0]["bucket"] if first["examples"] else ""
    values = {"code": first["code"], "actions": first["actions"], "bucket": bucket, "more": len(permanent) - 1}
    if any(one["listings"] for one in permanent):
        return [Task("repair", COMPLETES, None, values)]
    return [Task("repair", FREES, groups.total(map(groups.read, permanent)), values)]


def _completeness(report: Json) -> list[Task]:
    return [Task("complete", COMPLETES)] if report["shards"]["missing"] else []


def _settings(report: Json) -> list[Task]:
    left = report["totals"]["left"]
    if not left["uploads"]:
        return []
    kind = "sweep" if report["kind"] == "inventory" else "switch_on" if report["dry_run"] else "again"
    return [Task(kind, FREES, groups.read(left), {"is_limit": is_at_limit(report)})]


def _rules(report: Json) -> list[Task]:
    buckets = [one["bucket"] for one in report["coverage"] or () if one["state"] in UNCOVERED]
    if not buckets:
        return []
    gain = groups.total(groups.found(row) for row in report["buckets"] if row["bucket"] in buckets)
    return [Task("add_rule", PREVENTS, gain, {"bucket": buckets[0], "more": len(buckets) - 1})]


def _owners(report: Json) -> list[Task]:
    rows = report["initiators"]["rows"]
    found = report["totals"]["found"]
    if not rows or not found["uploads"]:
        return []
    measure = "bytes" if found["bytes"] else "uploads"
    worst = max(rows, key=lambda row: getattr(groups.found(row), measure))
    gain = groups.found(worst)
    if not worst["id"] or getattr(gain, measure) < TALK_SHARE * found[measure]:
        return []
    return [Task("talk", PREVENTS, gain, {"name": name_of(worst)})]


def name_of(row: Json) -> str:
    """How a person calls an initiator: the user, else the account, else the whole id."""
    return str(row["user"] or row["account"] or row["id"])


def is_at_limit(report: Json) -> bool:
    """Whether MAX_ABORTS ended the aborts of this sweep."""
    return AT_LIMIT in report["left_by_reason"]


def is_lower_bound(report: Json) -> bool:
    """Whether the totals can only grow: a part of the report is missing."""
    return bool(report["shards"]["missing"])
