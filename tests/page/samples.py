"""
Values of report.json for the page: each is summed up from a list of made-up uploads, so that every figure agrees.

SAMPLES names every state that the page has to show. The same numbers come out every time.
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
REQUEST_ID = "NjcxYTNmMGVfOTJkNzE0MGFfMTU4Y18xYjQ5"
SCRIPT = '</script><script>alert("1")</script>.zip'
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
        self.uploads = [
            replace(one, group="left") if self.keeps_all and one.group == "freed" else one for one in uploads
        ]
        self.prices = PRICES if price else None
        self.children, self.depth = children, depth
        self.shown = [one for one in self.uploads if one.group != "kept" or kind == "inventory"]

    @property
    def keeps_all(self) -> bool:
        """Whether this run aborts nothing."""
        return self.dry_run or self.kind == "inventory"

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
        return {"tree": sorted(nodes, key=size_of_node, reverse=True), "error_bound": 0}

    def node(self, prefix: str, uploads: Sequence[Upload], depth: int) -> Json:
        inside = grouped(uploads, lambda one: first_segment(one.key, prefix)) if depth else {}
        inside.pop("", None)
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
            "children": children,
            "other": other,
        }

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
        if who.isdigit():
            account, user, id_ = "100000000001", who, f"qcs::cam::uin/100000000001:uin/{who}"
        else:
            account, user, id_ = (
                ("", "", "") if not who else ("100000000001", who, f"qcs::cam::uin/100000000001:roleName/{who}")
            )
        return {"account": account, "user": user, "id": id_, "top_prefix": top, **self.groups(uploads)}

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
            "corner": self.sum(one for one in corner if one.group == "kept"),
        }

    def policies(self) -> Json:
        return {
            "age_days": list(POLICY_AGES),
            "idle_days": list(POLICY_IDLES),
            "cells": [[self.policy(age, idle) for idle in POLICY_IDLES] for age in POLICY_AGES],
        }

    def policy(self, age: int, idle: int) -> Json | None:
        if self.kind != "inventory" and (age < MIN_AGE or idle < MIN_IDLE):
            return None
        hit = [one for one in self.uploads if one.idle is not None and one.age > age and (not idle or one.idle > idle)]
        active = sum(one.idle is not None and one.idle <= MIN_IDLE for one in hit)
        return {"uploads": len(hit), "bytes": sum(one.size or 0 for one in hit), "active": active}

    def failures(self) -> list[Json]:
        by_code = grouped((one for one in self.uploads if one.group == "failed"), lambda one: one.reason)
        return [
            {
                "code": code,
                "uploads": len(inside),
                "bytes": sum(one.size or 0 for one in inside),
                "permanent": code == "AccessDenied",
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
        lines = sum(one.group != "kept" or one.reason == "a part arrived recently" for one in self.uploads)
        report: Json = {
            "schema": 1,
            "version": "1.0.0",
            "run_id": "20261125T010000Z-7f3a9c",
            "kind": self.kind,
            "dry_run": self.dry_run,
            "status": "complete",
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
                "max_aborts": 10000,
                "verify": "recent",
                "record_keys": "plain",
            },
            "price": None if self.prices is None else {"currency": "USD", "per_gb_month": dict(self.prices)},
            "totals": self.totals(),
            "outcomes": self.outcomes(),
            "kept_by_reason": self.kept_by_reason(),
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
        "initiator": f"qcs::cam::uin/100000000001:uin/{upload.who}",
        "storage_class": upload.storage_class,
        "outcome": upload.outcome,
    }


def story(count: int = 3000) -> list[Upload]:
    """What a media company could have: an app that leaks, a crawler, live recordings that still go on."""
    draw = Random(11)
    sources = (
        (0.26, MEDIA, "uploads/mobile/android/8.15/{}.mp4", "app-upload-backend", 1.0),
        (0.06, MEDIA, "uploads/mobile/android/8.14/{}.mp4", "app-upload-backend", 0.9),
        (0.03, MEDIA, "uploads/mobile/android/8.16/{}.mp4", "app-upload-backend", 0.7),
        (0.04, MEDIA, "uploads/mobile/ios/{}.mov", "app-upload-backend", 1.0),
        (0.10, MEDIA, "uploads/web/{}.zip", "web-console", 0.4),
        (0.03, MEDIA, "live-record/2026-11/cam-017_{}", "live-recorder", 9.0),
        (0.05, MEDIA, "transcode/tmp/job-{}", "transcode-worker", 0.4),
        (0.13, MODELS, "raw/lidar/truck-07/{}.bag", "lidar-ingest", 1.6),
        (0.09, MODELS, "raw/camera/truck-03/{}.bag", "camera-sync", 0.6),
        (0.04, MODELS, "checkpoints/run-{}.pt", "100015500918", 0.4),
        (0.06, BACKUP, "weekly/mysql/full-{}.xbstream", "backup-agent", 2.2),
        (0.02, BACKUP, "daily/mongo/{}.gz", "backup-agent", 0.6),
    )
    uploads = []
    for number in range(count):
        _, bucket, form, who, scale = draw.choices(sources, [one[0] for one in sources])[0]
        key = form.format(f"{draw.getrandbits(40):010x}")
        if draw.random() < 0.02:
            key = f"misc-{draw.randrange(60):02}/{key}"
        age = draw.expovariate(1 / 24) + draw.random()
        idle = min(age, draw.choice((0.2, 1, 1, 1)) * draw.random() * age + (age * 0.5 if draw.random() < 0.6 else 0))
        if who == "live-recorder" and draw.random() < 0.4:
            age, idle = 7.5 + draw.random() * 30, draw.random() * 2.5
        size = int(scale * draw.lognormvariate(0, 0.9) * 1024**3)
        uploads.append(judge(number, Upload(bucket, key, size, age, idle, who=who, storage_class=draw.choice(CLASSES))))
    return uploads


CLASSES = ("STANDARD", "STANDARD", "STANDARD", "STANDARD", "STANDARD_IA")


def judge(number: int, upload: Upload) -> Upload:
    """Give an upload the outcome that the sweep of the story gives it."""
    if upload.age <= MIN_AGE:
        return replace(upload, group="kept", reason="started recently", size=None, idle=None)
    if number % 90 == 0:
        key = f"migration/{upload.key}"
        return replace(upload, key=key, group="kept", reason="under an excluded prefix", size=None, idle=None)
    if upload.idle is not None and upload.idle <= MIN_IDLE:
        return replace(upload, group="kept", reason="a part arrived recently")
    if number % 700 == 3:
        return replace(upload, group="failed", reason=("AccessDenied", "SlowDown", "ReadTimeout")[number // 700 % 3])
    if number % 5 == 4:
        return replace(upload, group="left", reason="the limit of aborts is reached")
    return upload


def history(runs: int = 14, *, dry: bool = True) -> list[Json]:
    """Earlier runs: the leak grows; one run did not end; the newest one aborts."""
    rows = []
    for number in range(runs):
        found = int((1.4 + 0.025 * number) * 1024**4)
        newest = number == runs - 1
        freed = found * 4 // 5 if newest or not dry else 0
        moment = AS_OF - timedelta(days=runs - 1 - number)
        rows.append(
            {
                "run_id": f"{moment:%Y%m%dT%H%M%SZ}-{number:06x}",
                "kind": "inventory" if number == 0 and dry else "sweep",
                "as_of": iso(moment),
                "status": "running" if number == runs // 2 else "complete",
                "dry_run": bool(dry and not newest),
                "found_uploads": 6000 + 100 * number,
                "found_bytes": found,
                "freed_uploads": 4800 if freed else 0,
                "freed_bytes": freed,
                "left_bytes": found - freed,
            }
        )
    return rows


RULE = (
    "<Rule>\n  <ID>abort-incomplete-uploads</ID>\n  <Filter><Prefix></Prefix></Filter>\n  <Status>Enabled</Status>\n"
    "  <AbortIncompleteMultipartUpload><DaysAfterInitiation>30</DaysAfterInitiation>"
    "</AbortIncompleteMultipartUpload>\n</Rule>"
)
COVERAGE: list[Json] = [
    {"bucket": MEDIA, "state": "absent", "days": None, "prefixes": [], "detail": ""},
    {"bucket": BACKUP, "state": "prefixes", "days": None, "prefixes": [{"prefix": "daily/", "days": 14}], "detail": ""},
    {"bucket": MODELS, "state": "whole_bucket", "days": 30, "prefixes": [], "detail": ""},
]
OTHER_STATES = ("disabled", "tag_filtered", "unreadable", "object_lock", "absent", "whole_bucket")


def typical() -> Json:
    reporter = Reporter(story())
    return reporter.report(status="failed", coverage=COVERAGE, rule_to_add=RULE, history=history())


def zero() -> Json:
    uploads = [one for one in story(400) if one.group == "kept"]
    return Reporter(uploads).report(coverage=COVERAGE[2:], history=history(5, dry=False))


def nothing_open() -> Json:
    return Reporter([]).report()


def one() -> Json:
    upload = Upload(MEDIA, "uploads/web/holiday film.mov", 13_312_655_112, 12.4, 12.1, who="web-console")
    return Reporter([upload]).report()


def dry_run() -> Json:
    return Reporter(story(), dry_run=True).report(coverage=COVERAGE, rule_to_add=RULE, history=history(3)[:1])


def inventory() -> Json:
    uploads = [
        one if one.idle is not None else replace(one, idle=one.age / 3, size=300_000_000 + len(one.key) * 10**7)
        for one in story()
    ]
    return Reporter(uploads, kind="inventory").report(coverage=COVERAGE, rule_to_add=RULE)


def missing_shard() -> Json:
    return Reporter(story(900)).report(
        status="partial",
        shards={"count": 4, "finished": 3, "missing": ["2/4"]},
        overlapping=["20261125T004500Z-00beef", "20261125T005000Z-00cafe"],
        stopped_because="out of time",
        not_swept=["old-logs-1250012345@ap-beijing"],
        warnings=[
            {"event": "page.in_doubt", "bucket": BACKUP, "reason": "the clocks of the function and of COS differ"}
        ],
        history=history(3),
    )


def no_price() -> Json:
    return Reporter(story(900), price=False).report()


def all_freed() -> Json:
    uploads = [one for one in story(900) if one.group in ("freed", "kept")]
    return Reporter(uploads).report(history=history(60, dry=False), coverage=COVERAGE[2:])


def size_unknown() -> Json:
    uploads = [replace(one, size=None if number % 3 else one.size) for number, one in enumerate(story(600))]
    report = Reporter(uploads).report()
    report["prefixes"]["error_bound"] = 3 * 1024**3
    for bucket in report["prefixes"]["tree"]:
        for child in bucket["children"]:
            child["at_least"] = True
    return report


def failed_at_once() -> Json:
    failure = {**record(Upload("", "", None, 0, None)), "bucket": MEDIA, "status": 403, "cos_request_id": REQUEST_ID}
    failures = [{"code": "AccessDenied", "uploads": 0, "bytes": 0, "permanent": True, "examples": [failure]}]
    failure.update(key="", upload_id="", initiated=None, initiator="", detail="the listing was denied")
    return Reporter([]).report(status="failed", failures=failures, not_swept=[MEDIA])


def many_buckets() -> Json:
    draw, uploads = Random(5), []
    for number in range(3000):
        bucket = f"tenant-{draw.randrange(48):03}-1250012345@ap-{('beijing', 'shanghai', 'singapore')[number % 3]}"
        key = f"data/{draw.randrange(9)}/{number:06}.parquet"
        size = int(draw.lognormvariate(0, 1.4) * 1024**3)
        uploads.append(
            Upload(bucket, key, size, 8 + draw.random() * 60, 4 + draw.random() * 3, who=f"svc-{number % 70}")
        )
    names = sorted({one.bucket for one in uploads})
    coverage = [
        {**COVERAGE[2], "bucket": name, "state": OTHER_STATES[number % 6], "days": 30 if number % 6 == 5 else None}
        for number, name in enumerate(names)
    ]
    return Reporter(uploads).report(coverage=coverage, rule_to_add=RULE, history=history(60))


def huge() -> Json:
    """100,000 uploads below many long prefixes, and a tree as large as an account may hand over."""
    draw, uploads = Random(7), []
    for number in range(100_000):
        bucket = (MEDIA, BACKUP, MODELS)[draw.randrange(3)]
        folders = [f"{'abcdefgh'[draw.randrange(8)]}-{'long-name-' * 6}{draw.randrange(8)}" for _ in range(4)]
        age = 7.1 + draw.random() * 120
        uploads.append(
            Upload(
                bucket,
                "/".join((*folders, f"{number}.bin")),
                int(draw.lognormvariate(18, 2)),
                age,
                min(age, 3.1 + draw.random() * 60),
                "freed" if number % 4 else "left",
                who=f"service-{draw.randrange(400):03}",
            )
        )
    return Reporter(uploads, children=12, depth=4).report(
        runs=240, coverage=COVERAGE, rule_to_add=RULE, history=history(60)
    )


def hostile() -> Json:
    """Keys that would break a page that does not escape, and names that try to look like others."""
    keys = (
        f"uploads/web/{SCRIPT}",
        "uploads/\u202egpj.exe\u202c/invoice_\u202egpj.exe",
        "uploads/" + "很长的文件夹名/" * 40 + "end.bin"[:7],
        "uploads/" + "x" * 842,
        "uploads/new\nline\ttab\x00nul\x1b[31m.txt",
        "uploads/مرحبا/تقرير.pdf",
        "uploads/'; rm -rf ~; '$(touch x)`y`\"&<b>.zip",
        "uploads/\u200b\u2066\ufeffinvisible\u2069",
        "uploads/emoji-👩‍👩‍👧-e\u0301",
        "${7*7}{{7*7}}{% raw %}/a",
    )
    uploads = [
        Upload(MEDIA, key, (10 - number) * 1024**3, 30 + number, 20, "failed" if number == 6 else "freed", "SlowDown")
        for number, key in enumerate(keys)
    ]
    uploads.append(Upload(MEDIA, "uploads/%FF%FE/raw.bin", 5 * 1024**3, 33, 21, encoding="percent"))
    uploads.append(
        Upload(MEDIA, "c5d1" * 16, 5 * 1024**3, 33, 21, encoding="hmac", who='"><img src=x onerror=alert(1)>')
    )
    report = Reporter(uploads).report(
        run_id="<b>run</b>",
        warnings=["<img src=x onerror=alert(2)>"],
        overlapping=["</style><script>alert(3)</script>"],
    )
    report["kept_by_reason"] = {"<i>a reason that nobody knows</i>": report["totals"]["freed"]}
    report["coverage"] = [{**COVERAGE[1], "prefixes": [{"prefix": SCRIPT, "days": 3}]}]
    return report


SAMPLES: dict[str, Callable[[], Json]] = {
    function.__name__: function
    for function in (
        typical,
        zero,
        nothing_open,
        one,
        dry_run,
        inventory,
        missing_shard,
        no_price,
        all_freed,
        size_unknown,
        failed_at_once,
        many_buckets,
        huge,
        hostile,
    )
}
