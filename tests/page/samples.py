"""
Values of report.json for the page, summed up from made-up uploads.

SAMPLES names every state that the page has to show. The same numbers come out every time.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random

from tests.page.reporter import (
    AS_OF,
    AT_LIMIT,
    BACKUP,
    EXCLUDED,
    MEDIA,
    MIN_AGE,
    MIN_IDLE,
    MODELS,
    RECENT,
    REQUEST_ID,
    Json,
    Reporter,
    Upload,
    iso,
    record,
)

SCRIPT = '</script><script>alert("1")</script>.zip'


def story(count: int = 3000, limit: int | None = None, why: str = AT_LIMIT) -> list[Upload]:
    """
    What a media company could have: an app that leaks, a crawler, live recordings that still go on.

    limit: so many are freed, and the rest is left. why: the reason.
    """
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
        upload = judge(number, Upload(bucket, key, size, age, idle, who=who, storage_class=draw.choice(CLASSES)))
        if upload.group == "freed" and limit is not None:
            limit -= 1
            upload = upload if limit >= 0 else replace(upload, group="left", reason=why)
        uploads.append(upload)
    return uploads


CLASSES = ("STANDARD", "STANDARD", "STANDARD", "STANDARD", "STANDARD_IA")


def judge(number: int, upload: Upload) -> Upload:
    """Give an upload the outcome that the sweep of the story gives it."""
    if upload.age <= MIN_AGE:
        return replace(upload, group="kept", reason="started recently", size=None, idle=None)
    if number % 90 == 0:
        key = f"migration/{upload.key}"
        return replace(upload, key=key, group="kept", reason=EXCLUDED, size=None, idle=None)
    if upload.idle is not None and upload.idle <= MIN_IDLE:
        return replace(upload, group="kept", reason=RECENT)
    if number % 700 == 3:
        return replace(upload, group="failed", reason=("AccessDenied", "SlowDown", "ReadTimeout")[number // 700 % 3])
    return upload


def with_history(report: Json, runs: int, *, dry: bool = False) -> Json:
    """The same with earlier runs. dry: they abort nothing, so that what they find grows; one of them did not end."""
    draw, found = Random(runs), report["totals"]["found"]
    rows = []
    for number in range(runs - 1):
        share = 1 - 0.008 * (runs - 1 - number) if dry else 0.3 + 0.7 * draw.random()
        moment = AS_OF - timedelta(days=runs - 1 - number)
        size, uploads = int(found["bytes"] * share), int(found["uploads"] * share)
        rows.append(
            {
                "run_id": f"{moment:%Y%m%dT%H%M%SZ}-{number:06x}",
                "kind": "inventory" if number == 0 and dry else "sweep",
                "as_of": iso(moment),
                "status": "running" if number == runs // 2 else "complete",
                "dry_run": dry,
                "found_uploads": uploads,
                "found_bytes": size,
                "freed_uploads": 0 if dry else uploads,
                "freed_bytes": 0 if dry else size,
                "left_bytes": size if dry else 0,
            }
        )
    return {**report, "history": [*rows, own_entry(report)]}


def own_entry(report: Json) -> Json:
    """The run itself, as its history has it."""
    totals = report["totals"]
    return {
        **{name: report[name] for name in ("run_id", "kind", "as_of", "status", "dry_run")},
        **{f"{group}_{of}": totals[group][of] for group in ("found", "freed") for of in ("uploads", "bytes")},
        "left_bytes": totals["left"]["bytes"],
    }


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
    report = Reporter(story(limit=1500)).report(coverage=COVERAGE, rule_to_add=RULE)
    return with_history(report, 14, dry=True)


def zero() -> Json:
    uploads = [one for one in story(400) if one.group == "kept"]
    return with_history(Reporter(uploads).report(coverage=COVERAGE[2:]), 5)


def nothing_open() -> Json:
    return Reporter([]).report()


def one() -> Json:
    upload = Upload(MEDIA, "uploads/web/holiday film.mov", 13_312_655_112, 12.4, 12.1, who="web-console")
    return Reporter([upload]).report()


def dry_run() -> Json:
    return with_history(Reporter(story(), dry_run=True).report(coverage=COVERAGE, rule_to_add=RULE), 1, dry=True)


def inventory() -> Json:
    uploads = [
        one if one.idle is not None else replace(one, idle=one.age / 3, size=300_000_000 + len(one.key) * 10**7)
        for one in story()
    ]
    return Reporter(uploads, kind="inventory").report(coverage=COVERAGE, rule_to_add=RULE)


def missing_shard() -> Json:
    report = Reporter(story(900, 450, "out of time")).report(
        shards={"count": 4, "finished": 3, "missing": ["2/4"]},
        overlapping=["20261125T004500Z-00beef", "20261125T005000Z-00cafe"],
        stopped_because="out of time",
        not_swept=["old-logs-1250012345@ap-beijing"],
        warnings=[
            {"event": "page.in_doubt", "bucket": BACKUP, "reason": "the clocks of the function and of COS differ"},
            {"code": "RunRepeated", "detail": "2 runs were cut off or delivered twice; what they freed is counted"},
        ],
    )
    return with_history(report, 3)


def no_price() -> Json:
    return Reporter(story(900, 450), price=False).report()


def all_freed() -> Json:
    uploads = [one for one in story(900) if one.group in ("freed", "kept")]
    return with_history(Reporter(uploads).report(coverage=COVERAGE[2:]), 60)


def size_unknown() -> Json:
    uploads = [replace(one, size=None if number % 3 else one.size) for number, one in enumerate(story(600, 300))]
    report = Reporter(uploads).report()
    report["prefixes"]["error_bound"] = 3 * 1024**3
    for bucket in report["prefixes"]["tree"]:
        for child in bucket["children"]:
            child["at_least"] = True
    return report


def failed_at_once() -> Json:
    failure = {**record(Upload("", "", None, 0, None)), "bucket": MEDIA, "status": 403, "cos_request_id": REQUEST_ID}
    failures = [
        {
            "code": "AccessDenied",
            "uploads": 0,
            "bytes": 0,
            "size_unknown": 0,
            "per_month": 0,
            "listings": 1,
            "permanent": True,
            "actions": ["name/cos:ListMultipartUploads"],
            "examples": [failure],
        }
    ]
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
    return with_history(Reporter(uploads).report(coverage=coverage, rule_to_add=RULE), 60)


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
                "" if number % 4 else AT_LIMIT,
                who=f"service-{draw.randrange(400):03}",
            )
        )
    report = Reporter(uploads, children=12, depth=4).report(runs=240, coverage=COVERAGE, rule_to_add=RULE)
    return with_history(report, 60)


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
        warnings=[{"event": "<img src=x onerror=alert(2)>"}],
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
