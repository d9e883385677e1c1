"""
Uploads → a value of report.json whose figures all agree, because each is summed up from the uploads.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any

AS_OF = datetime(2026, 11, 25, 1, 0, tzinfo=timezone.utc)
AGE_EDGES = (1, 3, 7, 14, 30, 90)
IDLE_EDGES = (1, 3, 7, 30)
POLICY_AGES = (1, 3, 7, 14, 30)
POLICY_IDLES = (0, 1, 3, 7)
MIN_AGE, MIN_IDLE = 7, 3
MEDIA, BACKUP, MODELS = (
    "media-ingest-1250012345@ap-guangzhou",
    "backup-db-1250012345@ap-guangzhou",
    "ml-datasets-1250012345@ap-singapore",
)
PRICES = {"*": 0.024, "STANDARD_IA": 0.018, "ARCHIVE": 0.005}
EXCLUDED, RECENT = "under an excluded prefix", "a part arrived recently"
AT_LIMIT = "the limit of aborts is reached"
ACCOUNT = "100000000001"
REQUEST_ID = "NjcxYTNmMGVfOTJkNzE0MGFfMTU4Y18xYjQ5"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload. size: None where COS did not say it. age, idle: in days; idle None where no part was read."""

    bucket: str
    key: str
    size: int | None
    age: float
    idle: float | None
    group: str = "freed"
    reason: str = ""
    who: str = "100012345678"
    storage_class: str = "STANDARD"
    encoding: str = "utf-8"

    @property
    def outcome(self) -> str:
        """The outcome's name, as the records have it."""
        return {"freed": "aborted", "left": "deferred", "failed": "failed", "kept": "kept"}[self.group]


def price_of(storage_class: str, prices: Mapping[str, float]) -> float | None:
    return prices.get(storage_class, prices.get("*"))


def measure(uploads: Iterable[Upload], prices: Mapping[str, float] | None) -> Json:
    """Sum up: uploads, bytes, how many have no size, cost per month."""
    by_class: Counter[str] = Counter()
    count = unknown = 0
    for upload in uploads:
        count += 1
        unknown += upload.size is None
        by_class[upload.storage_class] += upload.size or 0
    cost = None
    if prices is not None:
        rates = {name: price_of(name, prices) for name, size in by_class.items() if size}
        if None not in rates.values():
            cost = sum(by_class[name] / 1024**3 * (rate or 0) for name, rate in rates.items())
    return {"uploads": count, "bytes": by_class.total(), "size_unknown": unknown, "per_month": cost}


class Reporter:
    """Makes the sections of a report from its uploads."""

    def __init__(
        self,
        uploads: Sequence[Upload],
        *,
        kind: str = "sweep",
        dry_run: bool = False,
        price: bool = True,
        children: int = 8,
        depth: int = 9,
    ) -> None:
        self.kind, self.dry_run = kind, dry_run
        self.uploads = [self.seen(one) for one in uploads]
        self.prices = PRICES if price else None
        self.children, self.depth = children, depth
        self.shown = [one for one in self.uploads if one.group != "kept" or kind == "inventory"]

    @property
    def keeps_all(self) -> bool:
        """Whether this run aborts nothing."""
        return self.dry_run or self.kind == "inventory"

    def seen(self, upload: Upload) -> Upload:
        """What becomes of an upload in a run of this kind: one that aborts nothing fails only where it reads."""
        if self.keeps_all and upload.group == "failed":
            return replace(upload, size=None, idle=None)
        if self.keeps_all and upload.group in ("freed", "left"):
            return replace(upload, group="left", reason="this is a dry run")
        return upload

    def sum(self, uploads: Iterable[Upload]) -> Json:
        return measure(uploads, self.prices)

    def groups(self, uploads: Iterable[Upload]) -> Json:
        by_group = grouped(uploads, lambda one: one.group)
        return {group: self.sum(by_group.get(group, ())) for group in ("freed", "left", "failed", "kept")}

    def totals(self) -> Json:
        abandoned = [one for one in self.uploads if one.group != "kept"]
        return {"open": self.sum(self.uploads), "found": self.sum(abandoned), **self.groups(self.uploads)}

    def tree(self) -> Json:
        by_bucket = grouped(self.shown, lambda one: one.bucket)
        nodes = [
            {"name": bucket, "bucket": bucket, **self.node("", inside, self.depth)}
            for bucket, inside in by_bucket.items()
        ]
        return {"tree": sorted(nodes, key=size_of_node, reverse=True), "other": None, "error_bound": 0}

    def node(self, prefix: str, uploads: Sequence[Upload], depth: int) -> Json:
        inside = grouped(uploads, lambda one: first_segment(one.key, prefix)) if depth else {}
        direct = inside.pop("", [])
        largest = sorted(inside.items(), key=lambda item: (-sum(one.size or 0 for one in item[1]), item[0]))
        kept, rest = largest[: self.children], largest[self.children :]
        bucket = uploads[0].bucket
        children = [
            {"name": name, "bucket": bucket, **self.node(prefix + name, part, depth - 1)} for name, part in kept
        ]
        other = {"prefixes": len(rest), **self.groups(one for _, part in rest for one in part)} if rest else None
        return {
            "prefix": prefix,
            **self.groups(uploads),
            "at_least": False,
            "children": [*children, *([self.direct(prefix, direct)] if direct and children else [])],
            "other": other,
        }

    def direct(self, prefix: str, uploads: Sequence[Upload]) -> Json:
        """The uploads whose keys end at this level."""
        bucket = uploads[0].bucket
        rest = {"at_least": False, "children": [], "other": None}
        return {"name": "", "prefix": prefix, "bucket": bucket, **self.groups(uploads), **rest}

    def initiators(self, maximum: int = 25) -> Json:
        by_who = sorted(
            grouped(self.shown, lambda one: one.who).items(), key=lambda item: -sum(o.size or 0 for o in item[1])
        )
        rows = [self.initiator(who, inside) for who, inside in by_who[:maximum]]
        rest = by_who[maximum:]
        other = {"initiators": len(rest), **self.groups(one for _, inside in rest for one in inside)} if rest else None
        return {"rows": rows, "other": other}

    def initiator(self, who: str, uploads: Sequence[Upload]) -> Json:
        prefixes: Counter[str] = Counter()
        for one in uploads:
            prefixes["/".join(one.key.split("/")[:2]) + "/" if "/" in one.key else ""] += one.size or 1
        (top, _), *_ = prefixes.most_common(1)
        return {
            "account": ACCOUNT if who else "",
            "user": who,
            "id": cam_id(who),
            "top_bucket": uploads[0].bucket,
            "top_prefix": top,
            **self.groups(uploads),
        }

    def matrix(self) -> Json:
        cells: dict[tuple[int, int], list[Upload]] = defaultdict(list)
        unread: Counter[int] = Counter()
        for one in self.uploads:
            row = band(one.age, AGE_EDGES)
            if one.idle is None:
                unread[row] += 1
            else:
                cells[row, band(one.idle, IDLE_EDGES)].append(one)
        rows, columns = range(len(AGE_EDGES) + 1), range(len(IDLE_EDGES) + 1)
        abandoned = {place: [one for one in inside if one.group != "kept"] for place, inside in cells.items()}
        corner = [one for one in self.uploads if one.age > MIN_AGE and one.idle is not None and one.idle <= MIN_IDLE]
        return {
            "age_days": list(AGE_EDGES),
            "idle_days": list(IDLE_EDGES),
            "cells": [[self.sum(cells.get((row, column), ())) for column in columns] for row in rows],
            "found": [[self.sum(abandoned.get((row, column), ())) for column in columns] for row in rows],
            "unread": [unread[row] for row in rows],
            "age_unknown": self.sum(()),
            "corner": self.sum(one for one in corner if one.reason == RECENT),
        }

    def policies(self) -> Json:
        return {
            "age_days": list(POLICY_AGES),
            "idle_days": list(POLICY_IDLES),
            "cells": [[self.policy(age, idle) for idle in POLICY_IDLES] for age in POLICY_AGES],
            "unread": sum(one.idle is None and one.group != "kept" for one in self.uploads),
        }

    def policy(self, age: int, idle: int) -> Json | None:
        if self.kind != "inventory" and (age < MIN_AGE or idle < MIN_IDLE):
            return None
        hit = [
            one
            for one in self.uploads
            if one.idle is not None and one.age > age and (not idle or one.idle > idle) and one.reason != EXCLUDED
        ]
        active = sum(one.idle is not None and one.idle <= MIN_IDLE for one in hit)
        return {"uploads": len(hit), "bytes": sum(one.size or 0 for one in hit), "active": active}

    def failures(self) -> list[Json]:
        by_code = grouped((one for one in self.uploads if one.group == "failed"), lambda one: one.reason)
        return [
            {
                "code": code,
                **self.sum(inside),
                "listings": 0,
                "permanent": code == "AccessDenied",
                "actions": ["name/cos:ListParts" if self.keeps_all else "name/cos:AbortMultipartUpload"],
                "examples": [self.failure(one) for one in inside[:3]],
            }
            for code, inside in by_code.items()
        ]

    def failure(self, upload: Upload) -> Json:
        status = {"AccessDenied": 403, "SlowDown": 503}.get(upload.reason)
        detail = "Access Denied by bucket policy." if status == 403 else ""
        return {**record(upload), "status": status, "cos_request_id": REQUEST_ID if status else "", "detail": detail}

    def kept_by_reason(self) -> Json:
        by_reason = grouped((one for one in self.uploads if one.group == "kept"), lambda one: one.reason)
        return {reason: self.sum(inside) for reason, inside in by_reason.items()}

    def left_by_reason(self) -> Json:
        left = grouped((one for one in self.uploads if one.group == "left"), lambda one: one.reason)
        return {reason: self.sum(inside) for reason, inside in left.items()}

    def outcomes(self) -> Json:
        name = "would_abort" if self.keeps_all else "deferred"
        by_outcome = grouped(self.uploads, lambda one: name if one.group == "left" else one.outcome)
        return {outcome: self.sum(inside) for outcome, inside in by_outcome.items()}

    def report(self, **changes: Any) -> Json:
        """The whole report, with `changes` to its fields."""
        largest = sorted(self.shown, key=lambda one: (-(one.size or 0), one.key))[:20]
        oldest = sorted(self.shown, key=lambda one: (-one.age, one.key))[:20]
        by_class = grouped(self.uploads, lambda one: one.storage_class)
        by_bucket = grouped(self.uploads, lambda one: one.bucket)
        is_inventory = self.kind == "inventory"
        lines = sum(one.group != "kept" or is_inventory or one.reason == RECENT for one in self.uploads)
        totals = self.totals()
        at_limit = any(one.reason == AT_LIMIT for one in self.uploads)
        report: Json = {
            "schema": 1,
            "version": "1.0.0",
            "run_id": "20261125T010000Z-7f3a9c",
            "kind": self.kind,
            "dry_run": self.dry_run,
            "status": "failed" if totals["failed"]["uploads"] else "partial" if at_limit else "complete",
            "began": iso(AS_OF),
            "as_of": iso(AS_OF),
            "ended": iso(AS_OF + timedelta(minutes=14)),
            "runs": 3,
            "shards": {"count": 1, "finished": 1, "missing": []},
            "stopped_because": "",
            "warnings": [],
            "not_swept": [],
            "settings": {
                "min_age_hours": MIN_AGE * 24,
                "min_idle_hours": MIN_IDLE * 24,
                "buckets": "*",
                "prefixes": [],
                "exclude_prefixes": ["migration/"],
                "max_aborts": totals["freed"]["uploads"] if at_limit else 10000,
                "verify": "recent",
                "record_keys": "plain",
            },
            "price": None if self.prices is None else {"currency": "USD", "per_gb_month": dict(self.prices)},
            "totals": totals,
            "outcomes": self.outcomes(),
            "kept_by_reason": self.kept_by_reason(),
            "left_by_reason": self.left_by_reason(),
            "other_buckets": None,
            "buckets": [
                {"bucket": bucket, "region": bucket.partition("@")[2], **self.groups(inside)}
                for bucket, inside in by_bucket.items()
            ],
            "storage_classes": [{"storage_class": name, **self.groups(inside)} for name, inside in by_class.items()],
            "initiators": self.initiators(),
            "prefixes": self.tree(),
            "matrix": self.matrix(),
            "policies": self.policies(),
            "largest": [record(one) for one in largest],
            "oldest": [record(one) for one in oldest],
            "failures": self.failures(),
            "coverage": None,
            "rule_to_add": "",
            "history": [],
            "overlapping": [],
            "records": [
                {
                    "object": f"uploads/0.{number}.run-1.a.outcomes-{number}.jsonl.gz",
                    "lines": min(10_000, lines - start),
                }
                for number, start in enumerate(range(0, lines, 10_000), 1)
            ],
        }
        return {**report, **changes}


def grouped(uploads: Iterable[Upload], key: Callable[[Upload], str]) -> dict[str, list[Upload]]:
    found: dict[str, list[Upload]] = defaultdict(list)
    for upload in uploads:
        found[key(upload)].append(upload)
    return dict(found)


def first_segment(key: str, prefix: str) -> str:
    """The name of the next level below `prefix`, or '' for a key without one."""
    name, slash, _ = key[len(prefix) :].partition("/")
    return name + slash if slash else ""


def size_of_node(node: Json) -> int:
    return sum(int(node[group]["bytes"]) for group in ("freed", "left", "failed", "kept"))


def band(days: float, edges: Sequence[int]) -> int:
    """Which band a number of days is in; at an edge counts as below it."""
    return sum(days > edge for edge in edges)


def cam_id(who: str) -> str:
    """The id of an initiator: a number is a user, a name is a role."""
    return f"qcs::cam::uin/{ACCOUNT}:{'uin' if who.isdigit() else 'roleName'}/{who}" if who else ""


def iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def record(upload: Upload) -> Json:
    """An upload as the records and the report have it."""
    began = AS_OF - timedelta(days=upload.age)
    last = None if upload.idle is None or upload.idle >= upload.age else iso(AS_OF - timedelta(days=upload.idle))
    digits = Random(upload.key).randbytes(32).hex()
    return {
        "bucket": upload.bucket,
        "key": upload.key,
        "key_encoding": upload.encoding,
        "upload_id": f"{int(began.timestamp())}{digits}",
        "bytes": upload.size,
        "parts": None if upload.size is None else max(1, upload.size // (8 * 1024**2)),
        "initiated": iso(began),
        "last_part": last,
        "initiator": cam_id(upload.who),
        "storage_class": upload.storage_class,
        "outcome": upload.outcome,
    }
