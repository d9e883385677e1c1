"""
The laws of the design, each by its name, on what the server received and holds afterwards.
"""

import base64
import gzip
import json
import logging
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cos_sweeper.core import checkpoint, checkpoint_reader
from cos_sweeper.core.errors import RequestRejected, RunFailed
from cos_sweeper.core.keys import validate_key
from cos_sweeper.core.model import CHECKPOINT, Bucket, Upload
from cos_sweeper.core.plan import ListingTarget, Plan, Shard, UploadTarget
from cos_sweeper.core.policy import Policy
from cos_sweeper.core.report import Report
from cos_sweeper.core.settings import Settings
from tests.aborting import aborting_settings
from tests.emulator.client import Cloud
from tests.emulator.journal import Request
from tests.engine import BUCKETS, NOW, Engine
from tests.function import LOGS, PHOTOS, TOKEN, Function, Invocation, event, named, timer
from tests.profiles import examples

JSON = {"content-type": "application/json"}
BUCKET, OTHER = PHOTOS.partition("@")[0], LOGS.partition("@")[0]
UPLOAD_ID = "1585130821" + "cb" * 32
REPORTS = "sweeper-reports"
FIELDS = ["version", "run_id", "as_of", "began", "dry_run", "limit", "aborted", "fraction", "number", "stalled"]
FIELDS += ["share", "past", "policies", "todo"]

# What may stand in an event

HOSTILE = [
    "",
    " ",
    "/",
    "//",
    ".",
    "..",
    "a/.",
    "a/..",
    "../x",
    "/k",
    "a//b",
    "a/./b",
    "a/../b",
    "%2F",
    "a%2Fb",
    "?uploads",
]
HOSTILE += [
    "a?b",
    "a#b",
    "a+b c",
    "猫.jpg",
    "\x00",
    "a\nb",
    "\ud800",
    "k" * 900,
    "a&uploadId=",
    "?",
    "#",
    "k\r\nHost: x",
]
words = st.one_of(st.sampled_from([*HOSTILE, "raw/cat.mp4"]), st.text(max_size=20))
upload_ids = st.one_of(st.just(UPLOAD_ID), st.sampled_from([*HOSTILE, UPLOAD_ID + "\n", "x y"]), st.text(max_size=12))
buckets = st.sampled_from(
    [BUCKET, OTHER, "elsewhere-1250000000", BUCKET + "\n", "", "..", "evil.com/", BUCKET + ".evil.com"]
)
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), words),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=6,
)
uploads = st.fixed_dictionaries(
    {"bucket": buckets, "key": words, "uploadId": upload_ids},
    optional={"region": st.sampled_from(["ap-guangzhou", "evil.com", ""]), "Key": words, "UploadId": upload_ids},
)
messages = st.one_of(
    uploads, st.fixed_dictionaries({"uploads": st.lists(st.one_of(uploads, anything), max_size=3)}), anything
)
narrowings = st.fixed_dictionaries(
    {},
    optional={
        "buckets": st.lists(buckets, max_size=3),
        "prefixes": st.lists(words, max_size=3),
        "min_age_hours": st.sampled_from([0, 1, 72, 100, 1e9, -1, "72", None]),
        "min_idle_hours": st.sampled_from([0, 1, 24, 100, True]),
        "max_aborts": st.sampled_from([0, 1, 5, "all"]),
        "dry_run": st.sampled_from([True, False, "false"]),
        "key": words,
    },
)


def gzipped(value: object) -> str:
    return base64.b64encode(gzip.compress(json.dumps(value).encode())).decode()


def enveloped(message: object) -> st.SearchStrategy[Any]:
    """The same message by each of the ways in."""
    text = json.dumps(message)
    cos = {
        "cosBucket": {"name": "photos", "appid": "1250000000"},
        "cosObject": {"key": f"/1250000000/photos/{text[:9]}"},
    }
    completed = {"eventName": "cos:ObjectCreated:CompleteMultipartUpload", "eventTime": 1545205770}
    return st.sampled_from(
        [
            message,
            {"Records": [{"Ckafka": {"msgBody": text}}, {"CMQ": {"msgBody": text}}, message]},
            {"Records": [{"cos": cos, "event": completed}]},
            {"clslogs": {"data": gzipped({"records": [{"content": text}]})}},
            {"specversion": "1.0", "data": message},
            {"specversion": "0", "data": {"msgBody": text}},
            {"httpMethod": "POST", "headers": {**JSON, "authorization": f"Bearer {TOKEN}"}, "body": text},
            {"httpMethod": "POST", "headers": {"authorization": "Bearer wrong"}, "body": text},
            {"Type": "Timer", "Message": text},
        ]
    )


events = st.one_of(
    messages.flatmap(enveloped),
    narrowings.map(lambda narrowing: {"Type": "Timer", "Message": json.dumps(narrowing)}),
    anything,
)
environments = st.fixed_dictionaries(
    {},
    optional={
        "BUCKETS": st.sampled_from([PHOTOS, "*"]),
        "PREFIXES": st.sampled_from(["raw/", "raw/,logs/"]),
        "EXCLUDE_PREFIXES": st.sampled_from(["raw/", "logs/old"]),
        "EVENT_MIN_IDLE_MINUTES": st.sampled_from(["0", "5"]),
        "DRY_RUN": st.booleans().map(str),
        "MIN_AGE_HOURS": st.sampled_from(["1", "72"]),
        "REPORT": st.just(f"{PHOTOS}/{REPORTS}"),
    },
)


def furnish(cloud: Cloud) -> None:
    """Uploads worth aborting, in both buckets, some under keys that are hard to address."""
    cloud.reset()
    cloud.seed(BUCKET, "raw/cat.mp4", upload_id=UPLOAD_ID)
    for bucket in (BUCKET, OTHER):
        for key in ("raw/cat.mp4", "logs/old", "a/..", ".", "/", "a b+c", "猫.jpg"):
            cloud.seed(bucket, key)


# Wire


def is_lawful(request: Request) -> bool:
    query = parse_qs(request.raw_query, keep_blank_values=True)
    if request.method == "DELETE":
        return len(request.raw_path) > 1 and set(query) == {"uploadId"} and bool(query["uploadId"][0])
    if request.method == "PUT":
        return request.raw_path.startswith(f"/{REPORTS}/") and not query
    reads = {"ListMultipartUploads", "ListParts", "GetService", "GetBucketLifecycle"}
    return request.method == "GET" and request.operation in reads


@settings(max_examples=examples(100))
@given(raw=events, environment=environments)
@example(raw={"bucket": BUCKET, "key": "raw/cat.mp4", "uploadId": ""}, environment={})
@example(raw={"bucket": BUCKET, "key": "/", "uploadId": UPLOAD_ID}, environment={})
@example(raw={"bucket": BUCKET, "key": "a/..", "uploadId": UPLOAD_ID}, environment={})
@example(raw=timer(), environment={"BUCKETS": "*", "REPORT": f"{PHOTOS}/{REPORTS}"})
def test_wire(raw: Any, environment: dict[str, Any], cloud: Cloud, function: Function) -> None:
    furnish(cloud)

    function(raw, **environment)

    assert [request for request in cloud.requests() if not is_lawful(request)] == []


@pytest.mark.parametrize("operation", ["GetService", "ListMultipartUploads", "ListParts", "AbortMultipartUpload"])
def test_wire_never_follows_a_redirect(operation: str, cloud: Cloud, function: Function) -> None:
    furnish(cloud)
    cloud.fault(operation, redirect=f"{cloud.endpoint}/{BUCKET}/raw/cat.mp4", status=307)

    done = function(timer(), BUCKETS="*")

    assert done.error is not None
    assert [request for request in cloud.requests() if not is_lawful(request)] == []
    assert operation in {request.operation for request in cloud.requests()}


# Keep

ages = st.sampled_from([0.5, 2, 30, 71, 73, 90, 1000])
idles = st.sampled_from([0.1, 0.9, 2, 23, 25, 47, 49, 500])
keys = st.sampled_from(["raw/a", "raw/b", "logs/a", "logs/keep/a", "keep", "猫/x y+z"])


@dataclass(frozen=True)
class Case:
    """An upload as a client left it. idle: hours since the newest part, None without parts."""

    key: str
    age: float
    idle: float | None

    def is_abandoned(self, min_age: float, min_idle: float, prefixes: list[str], spared: list[str]) -> bool:
        """The policy, said once more in other words."""
        if any(self.key.startswith(one) for one in spared) or not any(self.key.startswith(one) for one in prefixes):
            return False
        idle = self.age if self.idle is None else min(self.idle, self.age)
        return self.age > min_age and idle > min_idle


cases = st.lists(st.builds(Case, keys, ages, st.one_of(st.none(), idles)), max_size=8)


def plant(cloud: Cloud, found: list[Case]) -> dict[str, Case]:
    """The cases, as uploads, by their ids."""
    cloud.reset()
    planted: dict[str, Case] = {}
    for case in found:
        last = None if case.idle is None else min(case.idle, case.age)
        parts = 0 if case.idle is None else 3
        (upload,) = cloud.seed(BUCKET, case.key, hours_since_start=case.age, hours_since_last_part=last, parts=parts)
        planted[upload.upload_id] = case
    return planted


def left(cloud: Cloud, bucket: str = BUCKET) -> set[str]:
    return {upload.upload_id for upload in cloud.uploads(bucket)}


@settings(max_examples=examples(60))
@given(
    found=cases,
    min_age=st.sampled_from([1, 24, 72]),
    min_idle=st.sampled_from([1, 24, 48]),
    prefixes=st.sampled_from([[""], ["raw/"], ["raw/", "logs/"]]),
    spared=st.sampled_from([[], ["keep"], ["logs/keep", "raw/b"]]),
)
def test_keep(
    found: list[Case],
    min_age: int,
    min_idle: int,
    prefixes: list[str],
    spared: list[str],
    cloud: Cloud,
    function: Function,
) -> None:
    planted = plant(cloud, found)
    expected = {
        upload_id for upload_id, case in planted.items() if not case.is_abandoned(min_age, min_idle, prefixes, spared)
    }

    done = function(
        timer(),
        MIN_AGE_HOURS=str(min_age),
        MIN_IDLE_HOURS=str(min_idle),
        PREFIXES=",".join(prefixes),
        EXCLUDE_PREFIXES=",".join(spared),
    )

    assert done.error is None
    assert left(cloud) == expected


@pytest.mark.parametrize(
    "numbers",
    [[*range(1, 1501)], [*range(2, 1501), 1], [*range(1, 1000), 1001, 1000]],
    ids=["newest_on_the_second_page", "newest_has_the_lowest_number", "newest_ends_the_first_page"],
)
def test_keep_spares_a_live_upload_wherever_its_fresh_part_stands(
    numbers: list[int], cloud: Cloud, function: Function
) -> None:
    cloud.seed(BUCKET, "a/{n}", count=20, hours_since_start=1000)
    (live,) = cloud.seed(
        BUCKET, "a/10x", part_numbers=numbers, hours_since_start=1000, hours_since_last_part=0.5, part_size=5
    )
    cloud.seed(BUCKET, "a/10x", count=3, hours_since_start=1000)

    done = function(timer())

    assert done.report["aborted"] == 23
    assert left(cloud) == {live.upload_id}


@pytest.mark.parametrize("operation", ["ListMultipartUploads", "ListParts"])
@pytest.mark.parametrize("body", ["malformed", "truncated", "empty"])
def test_keep_what_cannot_be_read(operation: str, body: str, cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "{n}", count=3)
    cloud.fault(operation, body=body)

    done = function(timer())

    assert done.error is not None
    assert len(left(cloud)) == 3


@pytest.mark.parametrize("year", [2020, 2099])
def test_keep_everything_while_our_clock_is_off(year: int, cloud: Cloud, function: Function) -> None:
    """COS would turn such requests away; should it not, no age can be trusted all the same."""
    cloud.seed(BUCKET, "{n}", count=3)
    date = {"Date": f"Wed, 01 Jan {year} 00:00:00 GMT"}
    cloud.fault("ListMultipartUploads", raw=uploads_listing(cloud), headers=date)

    done = function(timer(buckets=[BUCKET]))

    assert done.report["kept_by_reason"] == {"the clocks of the function and of COS differ": 3}
    assert len(left(cloud)) == 3


def uploads_listing(cloud: Cloud, **changes: str) -> str:
    """A listing as COS writes it, with another `initiated` for every upload, if one is given."""
    entries = ""
    for upload in cloud.uploads(BUCKET):
        initiated = changes.get("initiated", f"{upload.initiated:%Y-%m-%dT%H:%M:%S}.000Z")
        entries += f"<Upload><Key>{upload.key}</Key><UploadId>{upload.upload_id}</UploadId>"
        entries += f"<Initiated>{initiated}</Initiated></Upload>"
    return (
        f"<ListMultipartUploadsResult><Bucket>{BUCKET}</Bucket><IsTruncated>false</IsTruncated>{entries}"
        "</ListMultipartUploadsResult>"
    )


@pytest.mark.parametrize(
    ("initiated", "reason"),
    [
        ("2016-01-01T00:00:00.000Z", "its start time and the time in its upload id differ"),
        ("2099-01-01T00:00:00.000Z", "its start time and the time in its upload id differ"),
        ("Mon Jan  1 00:00:00 2016", "its start time and the time in its upload id differ"),
    ],
    ids=["older", "in_the_future", "older_in_words"],
)
def test_keep_an_upload_whose_age_is_in_dispute(initiated: str, reason: str, cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "{n}", count=2)
    cloud.fault("ListMultipartUploads", raw=uploads_listing(cloud, initiated=initiated), headers={})

    done = function(timer(buckets=[BUCKET]))

    assert done.report["kept_by_reason"] == {reason: 2}
    assert len(left(cloud)) == 2


def test_keep_an_upload_whose_age_cannot_be_read(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "a", upload_id="not-a-timed-id")
    cloud.fault("ListMultipartUploads", raw=uploads_listing(cloud, initiated="yesterday"), headers={})

    done = function(timer(buckets=[BUCKET]))

    assert done.report["kept_by_reason"] == {"its start time cannot be read": 1}
    assert left(cloud) == {"not-a-timed-id"}


# Scope


@settings(max_examples=examples(60))
@given(
    asked=st.lists(st.sampled_from([BUCKET, OTHER, "elsewhere-1250000000"]), min_size=1, max_size=3, unique=True),
    narrowed=st.one_of(
        st.none(), st.lists(st.sampled_from(["raw/", "raw/c", "logs/", "猫", "x"]), min_size=1, max_size=2)
    ),
    prefixes=st.sampled_from([[], ["raw/"], ["logs/o", "raw/cat"]]),
    spared=st.sampled_from([[], ["raw/cat"], ["logs/"]]),
    by=st.sampled_from(["timer", "names"]),
)
def test_scope(
    asked: list[str],
    narrowed: list[str] | None,
    prefixes: list[str],
    spared: list[str],
    by: str,
    cloud: Cloud,
    function: Function,
) -> None:
    furnish(cloud)
    before = {upload.upload_id: upload.key for upload in cloud.uploads(BUCKET)}
    elsewhere = left(cloud, OTHER)
    mark = cloud.mark()
    raw: Any = {"uploads": [named(name, key, upload_id) for name in asked for upload_id, key in before.items()]}
    if by == "timer":
        raw = timer(buckets=asked, **({"prefixes": narrowed} if narrowed else {}))

    function(raw, BUCKETS=PHOTOS, PREFIXES=",".join(prefixes), EXCLUDE_PREFIXES=",".join(spared))

    gone = {key for upload_id, key in before.items() if upload_id not in left(cloud)}
    assert left(cloud, OTHER) == elsewhere
    assert {request.host for request in cloud.requests(mark)} <= {f"{BUCKET}.cos.ap-guangzhou.myqcloud.com"}
    assert BUCKET in asked or not gone
    assert not [key for key in gone if any(key.startswith(one) for one in spared)]
    assert not [key for key in gone if prefixes and not any(key.startswith(one) for one in prefixes)]
    if by == "timer" and narrowed:
        assert not [key for key in gone if not any(key.startswith(one) for one in narrowed)]


def test_scope_holds_against_a_listing_of_another_bucket_or_outside_the_prefix(
    cloud: Cloud, function: Function
) -> None:
    furnish(cloud)
    count = len(left(cloud))
    cloud.fault("ListMultipartUploads", raw=uploads_listing(cloud), headers={})
    outside = function(timer(buckets=[BUCKET]), PREFIXES="videos/")
    other = function(timer(), BUCKETS=LOGS)

    assert outside.report["aborted"] == 0
    assert outside.report["rejected"] == count
    assert other.lines("bucket.failed")[0]["code"] == "Unreadable"
    assert len(left(cloud)) == count


@pytest.mark.parametrize(
    "widening",
    [{"min_age_hours": 71}, {"min_idle_hours": 23}, {"max_aborts": 11}, {"dry_run": False}, {"prefixes": ["logs/"]}],
    ids=lambda widening: next(iter(widening)),
)
def test_scope_a_timer_cannot_widen_what_the_settings_allow(
    widening: dict[str, Any], cloud: Cloud, function: Function
) -> None:
    furnish(cloud)
    before = left(cloud)
    mark = cloud.mark()

    done = function(timer(**widening), MAX_ABORTS="10", DRY_RUN="true", PREFIXES="raw/")

    (refused,) = done.lines("request.rejected")
    assert next(iter(widening)) in refused["reason"] or "PREFIXES" in refused["reason"]
    # A sweep that does not happen is an error that the platform counts.
    assert isinstance(done.error, RunFailed)
    assert done.lines("run.finished")[0]["status"] == "failed"
    assert left(cloud) == before
    assert cloud.requests(mark) == []


# Honesty

effects: list[dict[str, Any]] = [
    {"status": 503, "code": "SlowDown"},
    {"status": 400, "code": "RequestTimeout"},
    {"status": 403, "code": "AccessDenied"},
    {"reset": "before"},
    {"reset": "after"},
    {"body": "malformed"},
    {"body": "truncated"},
    {"raw": "", "status": 200},
    {"redirect": "http://127.0.0.1:1/", "status": 301},
]
places = st.fixed_dictionaries(
    {"operation": st.sampled_from(["ListParts", "AbortMultipartUpload"])},
    optional={"count": st.integers(1, 6), "skip": st.integers(0, 5)},
)
troubles = st.tuples(places, st.sampled_from(effects)).map(lambda both: {**both[0], **both[1]})


@settings(max_examples=examples(40))
@given(faults=st.lists(troubles, max_size=3), dry=st.booleans(), count=st.integers(0, 12))
def test_honesty(faults: list[dict[str, Any]], *, dry: bool, count: int, cloud: Cloud, function: Function) -> None:
    cloud.reset()
    cloud.seed(BUCKET, "{n}", count=count, parts=2)
    for fault in faults:
        cloud.fault(**fault)

    done = function(timer(buckets=[BUCKET], dry_run=dry))

    ended = done.lines("run.finished")[0]
    outcomes = ["kept", "would_abort", "aborted", "already_gone", "rejected", "failed", "deferred"]
    promised = [one for one in cloud.requests() if one.operation == "AbortMultipartUpload" and one.status == 204]
    assert sum(ended[name] for name in outcomes) == ended["uploads"] == count
    assert ended["aborted"] == len([one for one in promised if not one.fault])
    assert ended["bytes_freed"] == ended["aborted"] * (2 << 20)
    assert (ended["status"] == "failed") == (ended["failed"] > 0) == (done.error is not None)
    assert count - len(left(cloud)) >= ended["aborted"] + ended["already_gone"]
    assert not dry or len(left(cloud)) == count


# Silence


def planted(cloud: Cloud) -> Iterator[str]:
    yield from (cloud.role.secret_id, cloud.role.secret_key, cloud.role.token or "", TOKEN)


def everything_that_leaves(done: Invocation, records: list[logging.LogRecord]) -> str:
    raised = "".join(traceback.format_exception(done.error)) if done.error else ""
    logged = "\n".join(record.getMessage() + str(record.exc_text or "") for record in records)
    return "\n".join([done.output, json.dumps(done.answer), raised, logged])


@pytest.mark.parametrize("operation", ["GetService", "ListMultipartUploads", "ListParts", "AbortMultipartUpload"])
@pytest.mark.parametrize("status", [200, 400, 403, 404, 503])
@pytest.mark.parametrize(
    "inside", ["<Error><Code>{}</Code><RequestId>{}</RequestId></Error>", "{}{}", "<Key>{}{}</Key>"]
)
def test_silence(
    operation: str,
    status: int,
    inside: str,
    cloud: Cloud,
    function: Function,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (upload,) = cloud.seed(BUCKET)
    echo = " ".join([*planted(cloud), "Authorization: q-sign-algorithm=sha1&q-ak=A&q-signature=c0ffee"])
    headers = {"x-cos-request-id": echo}
    cloud.fault(operation, raw=inside.format(echo, echo), status=status, headers=headers)

    with caplog.at_level(logging.DEBUG):
        for name in [name for name in logging.root.manager.loggerDict if name.startswith("qcloud_cos")]:
            logging.getLogger(name).setLevel(logging.DEBUG)
        sweep = function(timer(), BUCKETS="*")
        failure = function(named(BUCKET, upload.key, upload.upload_id))
        over_http = function(
            {
                "httpMethod": "POST",
                "headers": {**JSON, "Authorization": f"Bearer {TOKEN}"},
                "body": json.dumps(event("direct")),
            }
        )

    assert operation in {request.operation for request in cloud.requests()}
    for done in (sweep, failure, over_http):
        leaving = everything_that_leaves(done, caplog.records)
        assert not [secret for secret in [*planted(cloud), "c0ffee"] if secret in leaving]


# Isolation


@settings(max_examples=examples(30))
@given(bad=st.lists(st.one_of(anything, uploads), max_size=6), way=st.sampled_from(["ckafka", "cls", "uploads"]))
def test_isolation_of_messages(bad: list[Any], way: str, cloud: Cloud, function: Function) -> None:
    cloud.reset()
    good = [named(BUCKET, each.key, each.upload_id) for each in cloud.seed(BUCKET, "good/{n}", count=2)]
    batch = [good[0], *bad, good[1]]
    raw: dict[str, Any] = {"uploads": batch}
    if way == "ckafka":
        raw = {"Records": [{"Ckafka": {"msgBody": json.dumps(message)}} for message in batch]}
    elif way == "cls":
        raw = {"clslogs": {"data": gzipped({"records": [{"content": json.dumps(message)} for message in batch]})}}

    function(raw)

    assert left(cloud) == set()


def test_isolation_of_uploads_and_buckets(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "{n}", count=10)
    cloud.seed(OTHER, "{n}", count=10)
    for key in ("/lead", "a/..", ".", "bad\udcff"):
        cloud.seed(BUCKET, key)
    cloud.fault("AbortMultipartUpload", bucket=BUCKET, key="3", status=403, code="AccessDenied")
    cloud.fault("ListParts", bucket=OTHER, key="7", body="malformed")

    done = function(timer(), BUCKETS=f"gone-1250000000@ap-beijing,{PHOTOS},{LOGS}")

    ended = done.lines("run.finished")[0]
    assert done.error is not None
    assert (ended["aborted"], ended["failed"], ended["rejected"], ended["buckets_failed"]) == (18, 2, 4, 1)
    assert {upload.key for upload in cloud.uploads(BUCKET)} == {"3", "/lead", "a/..", ".", "bad\udcff"}
    assert {upload.key for upload in cloud.uploads(OTHER)} == {"7"}


# Chain and Progress: in memory, with a clock that only work moves; `test_chain_over_http.py` says it of real processes.

buckets_of_uploads = st.lists(
    st.tuples(
        st.sampled_from(["a", "a/b", "b", "猫", "z"]), st.sampled_from([1, 100]), st.integers(0, 1), st.integers(1, 5)
    ),
    max_size=30,
)
engines = st.fixed_dictionaries(
    {
        # Time enough for the largest upload, with as many beside it as there are workers.
        "seconds": st.integers(25, 90),
        "page_size": st.integers(1, 7),
        "fan_out": st.integers(1, 4),
        "workers": st.integers(1, 3),
        "dry_run": st.booleans(),
    }
)


def engine_with(found: list[tuple[str, int, int, int]], *, seconds: int, page_size: int, **how: Any) -> Engine:
    scf = Engine(aborting_settings(BUCKETS, **how), seconds=seconds, page_size=page_size)
    for key, idle, bucket, parts in found:
        scf.seed(key, idle=idle, bucket=bucket, parts=parts)
    return scf


def as_one_long_run(found: list[tuple[str, int, int, int]], how: dict[str, Any]) -> tuple[Counter[str], Report]:
    """What one run with all the time there is leaves, by key, and its report."""
    long = engine_with(found, **{**how, "seconds": 10**6, "fan_out": 1})
    long.fire()
    (report,) = long.reports
    return left_by_key(long), report


def left_by_key(scf: Engine) -> Counter[str]:
    return Counter(f"{bucket.name}/{one.key}" for bucket in scf.account.buckets.values() for one in bucket.uploads)


@settings(max_examples=examples(100))
@given(found=buckets_of_uploads, how=engines)
def test_chain(found: list[tuple[str, int, int, int]], how: dict[str, Any]) -> None:
    scf = engine_with(found, **how)

    scf.fire()

    left, report = as_one_long_run(found, how)
    assert left_by_key(scf) == left
    assert {name: sum(one.counts[name] for one in scf.reports) for name in report.counts} == report.counts
    assert sum(one.bytes_freed for one in scf.reports) == report.bytes_freed
    assert sum(one.bytes_would_free for one in scf.reports) == report.bytes_would_free
    assert {one.as_of for one in scf.reports} == {report.as_of}


@settings(max_examples=examples(100))
@given(found=buckets_of_uploads, how=engines, arrivals=st.lists(st.integers(0, 3), max_size=40))
def test_chain_whatever_is_delivered_twice_or_lost_once_the_next_timer_has_come(
    found: list[tuple[str, int, int, int]], how: dict[str, Any], arrivals: list[int]
) -> None:
    how["dry_run"] = False
    scf = engine_with(found, **how)
    scf.deliver = lambda number: arrivals[number - 1] if number <= len(arrivals) else 1
    scf.fire()
    aborted = sum(one.counts["aborted"] for one in scf.reports)

    scf.deliver = lambda _: 1
    scf.fire()

    left, report = as_one_long_run(found, how)
    assert left_by_key(scf) == left
    assert aborted <= sum(one.counts["aborted"] for one in scf.reports) == report.counts["aborted"]
    assert sum(one.bytes_freed for one in scf.reports) == report.bytes_freed


@settings(max_examples=examples(100))
@given(found=buckets_of_uploads, how=engines, deaths=st.lists(st.none() | st.integers(1, 12), max_size=30))
def test_chain_whenever_an_instance_is_killed_once_the_next_timer_has_come(
    found: list[tuple[str, int, int, int]], how: dict[str, Any], deaths: list[int | None]
) -> None:
    how["dry_run"] = False
    scf = engine_with(found, **how)
    scf.dies_at = lambda run: deaths[run - 1] if run <= len(deaths) else None
    scf.fire()

    scf.dies_at = lambda _: None
    scf.fire()

    left, report = as_one_long_run(found, how)
    assert left_by_key(scf) == left
    assert sum(one.counts["aborted"] for one in scf.reports) <= report.counts["aborted"]


@settings(max_examples=examples(100))
@given(found=buckets_of_uploads, how=engines, seconds=st.integers(0, 6))
def test_progress(found: list[tuple[str, int, int, int]], how: dict[str, Any], seconds: int) -> None:
    """
    However short the time: each run settles something, or two of them end their chain, and the end is not silent.

    What takes most of the time of two runs fails alone, and everything else goes on.
    """
    scf = engine_with(found, **{**how, "seconds": seconds})
    present = len(scf.held())

    scf.fire()

    assert scf.runs <= 12 * len(found) + 3 * how["fan_out"] + 10
    ends = [one for one in scf.reports if not one.continuations]
    assert len(ends) == (1 if how["fan_out"] == 1 or not scf.reports[0].continuations > 1 else how["fan_out"])
    codes = [{*one.failed, *dict(one.prior_failures.failed)} for one in ends]
    assert all(one.status.value == "complete" or failed for one, failed in zip(ends, codes, strict=True))
    assert set().union(*codes) <= {"NoProgress", "TooSlow"}
    if not any("NoProgress" in failed for failed in codes):
        slow = sum("TooSlow" in failure.get("code", "") for one in scf.reports for failure in one.failures)
        assert sum(one.uploads for one in scf.reports) == present or slow


# Scope, once more: a checkpoint can widen nothing

policies = st.builds(
    Policy,
    min_age=st.sampled_from([1, 71, 72, 100]).map(lambda hours: timedelta(hours=hours)),
    min_idle=st.sampled_from([0, 0.1, 1, 24, 50]).map(lambda hours: timedelta(hours=hours)),
    prefixes=st.sampled_from([(), ("raw/",), ("raw/x", "logs/"), ("r",)]),
    exclude_prefixes=st.sampled_from([(), ("raw/keep",), ("logs/",)]),
    only_key=st.none() | st.just("raw/x"),
    started_before=st.none() | st.just(NOW) | st.just(NOW + timedelta(days=30)),
)
everywhere = st.sampled_from([*BUCKETS, Bucket("elsewhere-1250000000", "ap-guangzhou")])
scans = st.builds(ListingTarget, everywhere, st.sampled_from(["", "raw/"]), policies)
names = st.builds(UploadTarget, st.builds(Upload, everywhere, words, upload_ids), policies, is_swept=st.booleans())
plans = st.builds(
    Plan,
    run_id=st.sampled_from(["run-1", "../x", ""]),
    as_of=st.sampled_from([NOW, NOW - timedelta(days=9), NOW + timedelta(minutes=4), NOW + timedelta(days=9)]),
    dry_run=st.booleans(),
    limit=st.sampled_from([None, 5, 50]),
    aborted=st.sampled_from([0, 0, 3, 10**9]),
    fraction=st.sampled_from([(1, 1), (1, 3), (3, 1)]),
    workers=st.just(999),
    named=st.lists(names, max_size=2).map(tuple),
    scans=st.lists(scans, max_size=2).map(tuple),
    rejected=st.just(()),
    number=st.sampled_from([1, 1000, 1001]),
    shard=st.sampled_from([Shard(), Shard((1,), 4), Shard((0, 3), 4), Shard((5,), 4), Shard((), 4)]),
)
allowed = st.builds(
    Settings,
    buckets=st.sampled_from([BUCKETS, BUCKETS[:1]]),
    min_age=st.just(timedelta(hours=72)),
    event_min_idle=st.sampled_from([timedelta(0), timedelta(minutes=5)]),
    prefixes=st.sampled_from([(), ("raw/",)]),
    exclude_prefixes=st.sampled_from([(), ("raw/keep/",)]),
    dry_run=st.booleans(),
    max_aborts=st.sampled_from([None, 10]),
)


@settings(max_examples=examples(200))
@given(wanted=plans, allowed=allowed)
def test_scope_of_a_checkpoint(wanted: Plan, allowed: Settings) -> None:
    assert allowed.buckets is not None
    for text in checkpoint.write(wanted):
        try:
            made = checkpoint_reader.read(json.loads(text)[CHECKPOINT], allowed, allowed.buckets, NOW)
        except RequestRejected:
            continue

        assert {one.bucket for one in made.scans} | {one.upload.bucket for one in made.named} <= set(allowed.buckets)
        assert made.as_of <= NOW
        assert made.dry_run or not allowed.dry_run
        assert allowed.max_aborts is None or (made.max_aborts or 0) <= allowed.max_aborts
        assert made.workers == allowed.workers
        assert made.shard.indexes
        assert all(0 <= place < made.shard.count for place in made.shard.indexes)
        assert made.number <= checkpoint.MAX_RUNS
        # Whatever the settings exclude by now is reported, and nothing else is left out.
        assert len({*made.scans, *made.named}) + len(made.dropped) >= min(1, len(wanted.scans) + len(wanted.named))
        assert all(validate_key(one.upload.key, one.upload.upload_id) is None for one in made.named)
        for policy in [one.policy for one in made.scans] + [one.policy for one in made.named]:
            assert set(allowed.exclude_prefixes) <= set(policy.exclude_prefixes)
            assert not allowed.prefixes or (policy.prefixes and all(one.startswith("raw/") for one in policy.prefixes))
        for policy in [one.policy for one in made.scans] + [one.policy for one in made.named if one.is_swept]:
            leftovers = policy.only_key is not None and policy.started_before is not None
            assert leftovers or policy.min_age >= allowed.min_age
            assert policy.min_idle >= (timedelta(hours=1) if leftovers else allowed.min_idle)
            assert not leftovers or policy.min_idle_unproven >= allowed.min_idle
            assert not leftovers or (policy.started_before or NOW) <= NOW
        assert all(one.policy.min_idle >= allowed.event_min_idle for one in made.named)


@settings(max_examples=examples(100))
@given(wanted=plans, damage=st.dictionaries(st.sampled_from(FIELDS), anything, min_size=1, max_size=3))
def test_scope_of_a_damaged_checkpoint(wanted: Plan, damage: dict[str, Any]) -> None:
    """Whatever stands in it, it is refused with a reason or read; nothing else."""
    for text in checkpoint.write(wanted):
        raw = {**json.loads(text)[CHECKPOINT], **damage}
        made: Plan | str = "rejected"

        try:
            made = checkpoint_reader.read(raw, aborting_settings(BUCKETS), BUCKETS, NOW)
        except RequestRejected as refused:
            made = str(refused)

        assert made
