"""
Events that are of no interest, and those that the function's own reports lead to: nothing is done, nothing is stored.
"""

import json
import time
from typing import Any

import pytest

from tests.emulator.public import Cloud
from tests.function import LOGS, PHOTOS, Function, event, named, timer
from tests.integration.objects import stored

BUCKET = PHOTOS.partition("@")[0]
REPORT = f"{PHOTOS}/reports"
COMPLETED = "cos:ObjectCreated:CompleteMultipartUpload"
OTHER_NAMES = [
    "cos:ObjectCreated:*",
    "cos:ObjectCreated:Put",
    "cos:ObjectCreated:Post",
    "cos:ObjectCreated:Copy",
    "cos:ObjectCreated:Append",
    "cos:ObjectCreated:Origin",
    "cos:ObjectCreated:Replication",
    "cos:ObjectRemove:*",
    "cos:ObjectRemove:Delete",
    "cos:ObjectRemove:DeleteMarkerCreated",
    "cos:ObjectRestore:Post",
    "cos:ObjectRestore:Completed",
    "cos:LifecycleTransition",
    "s3:TestEvent",
]


def record(name: str, key: str = "raw/1.mp4", bucket: str = PHOTOS, **changes: Any) -> dict[str, Any]:
    """A record of COS's own event, of now. changes: in its `event`."""
    built: dict[str, Any] = event("cos_completed")["Records"][0]
    short, _, appid = bucket.partition("@")[0].rpartition("-")
    built["cos"]["cosBucket"] |= {"name": short, "appid": appid}
    built["cos"]["cosObject"] |= {"key": f"/{appid}/{short}/{key}", "url": f"http://{short}.example/{key}"}
    built["event"] |= {"eventName": name, "eventTime": int(time.time()), **changes}
    return built


def keys(cloud: Cloud) -> list[str]:
    """What is stored in the report bucket."""
    return [one.key for one in cloud.objects(BUCKET)]


def reports(cloud: Cloud) -> list[str]:
    """The reports of runs and the rejected events in the report bucket."""
    return [key for key in keys(cloud) if "/runs/" in key or "/rejected/" in key]


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_cos_event_of_another_type_is_ignored_and_writes_nothing(name: str, cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "raw/1.mp4", hours_since_start=200)
    before = cloud.mark()

    result = function({"Records": [record(name)]}, REPORT=REPORT)

    assert (result.report["status"], result.report["ignored"], result.report["rejected"]) == ("complete", 1, 0)
    assert cloud.requests(before) == []
    (line,) = result.lines("event.ignored")
    assert (line["level"], line["records"], name in line["reason"]) == ("info", 1, True)
    assert result.lines("request.rejected") == []


@pytest.mark.parametrize("buckets", [f"{PHOTOS},{LOGS}", "*"])
@pytest.mark.parametrize(
    "raw",
    [
        {"Records": [record("cos:ObjectCreated:Put"), record("cos:ObjectRemove:Delete")]},
        {**event("eventbridge"), "data": record("cos:ObjectCreated:Put")},
        {**event("eventbridge"), "data": {"Records": [record("cos:ObjectCreated:Put")]}},
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-01-01T00:00:00.000Z", "Bucket": BUCKET},
        {"Records": [{"Ckafka": {"topic": "t", "msgBody": json.dumps({"Event": "cos:TestEvent", "Bucket": BUCKET})}}]},
    ],
    ids=["batch", "eventbridge", "eventbridge_records", "test_event", "test_event_in_a_queue"],
)
def test_ignored_event_sends_no_request_whatever_carries_it(
    raw: dict[str, Any], buckets: str, cloud: Cloud, function: Function
) -> None:
    before = cloud.mark()

    result = function(raw, BUCKETS=buckets, REPORT=REPORT)

    assert result.report["status"] == "complete"
    assert result.report["ignored"] >= 1
    assert cloud.requests(before) == []
    assert len(result.lines("event.ignored")) == 1


@pytest.mark.parametrize("name", [None, "", 5, ["cos:ObjectCreated:Put"]], ids=repr)
def test_cos_event_without_a_name_is_rejected_and_not_ignored(name: object, cloud: Cloud, function: Function) -> None:
    result = function({"Records": [record("", eventName=name)]}, REPORT=REPORT)

    assert (result.report["rejected"], result.report["ignored"]) == (1, 0)
    assert len(stored(cloud, PHOTOS, "reports/rejected/")) == 1


def test_batch_with_ignored_records_does_the_others(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "raw/1.mp4", hours_since_start=200)
    names = ["cos:ObjectCreated:Put", COMPLETED, "cos:ObjectRemove:Delete"]

    result = function({"Records": [*map(record, names), record(COMPLETED, eventTime="")]}, REPORT=REPORT)

    assert (result.report["aborted"], result.report["ignored"], result.report["rejected"]) == (1, 2, 1)
    assert cloud.uploads(BUCKET) == []
    assert result.lines("event.ignored")[0]["records"] == 2
    assert len(reports(cloud)) == 2


# Our own reports


@pytest.mark.parametrize("name", [COMPLETED, *OTHER_NAMES])
@pytest.mark.parametrize("key", ["reports/20261122T084155Z-9a34b05b/1-of-1.json", "reports/rejected/0123.json"])
def test_event_about_our_own_report_does_nothing(name: str, key: str, cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, key, hours_since_start=200)
    before = cloud.mark()

    result = function({"Records": [record(name, key)]}, REPORT=REPORT)

    assert (result.report["status"], result.report["ignored"]) == ("complete", 1)
    assert cloud.requests(before) == []


@pytest.mark.parametrize(
    "broken",
    [{"eventTime": "yesterday"}, {"key": "reports/a%20b"}, {"key": "reports/a+b"}],
    ids=["time", "encoded", "plus"],
)
def test_event_about_our_own_report_is_ignored_even_where_it_is_broken(
    broken: dict[str, str], cloud: Cloud, function: Function
) -> None:
    before = cloud.mark()

    result = function({"Records": [record(COMPLETED, **{"key": "reports/1.json", **broken})]}, REPORT=REPORT)

    assert result.report["ignored"] == 1
    assert cloud.requests(before) == []


@pytest.mark.parametrize(
    ("key", "bucket"),
    [("reports2/1", PHOTOS), ("reports", PHOTOS), ("raw/reports/1", PHOTOS), ("reports/1", LOGS)],
    ids=["longer", "itself", "deeper", "other_bucket"],
)
def test_completed_object_elsewhere_is_not_ignored(key: str, bucket: str, cloud: Cloud, function: Function) -> None:
    cloud.seed(bucket.partition("@")[0], key, hours_since_start=200)

    result = function({"Records": [record(COMPLETED, key, bucket)]}, REPORT=REPORT)

    assert (result.report["aborted"], result.report["ignored"]) == (1, 0)


def test_completed_object_is_not_ignored_where_no_reports_are_stored(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "reports/1", hours_since_start=200)

    result = function({"Records": [record(COMPLETED, "reports/1")]})

    assert result.report["aborted"] == 1


@pytest.mark.parametrize("value", [PHOTOS, f"{PHOTOS}/"])
def test_report_without_a_prefix_stops_the_run_and_is_explained(value: str, cloud: Cloud, function: Function) -> None:
    before = cloud.mark()

    result = function(timer(), REPORT=value)

    assert "REPORT" in str(result.error)
    assert "no prefix" in str(result.error)
    assert cloud.requests(before) == []


# Events that did nothing


def test_event_that_did_nothing_stores_no_report(cloud: Cloud, function: Function) -> None:
    (gone,) = cloud.seed(BUCKET, "gone")
    function(named(BUCKET, gone.key, gone.upload_id))
    (kept,) = cloud.seed(BUCKET, "kept/1")
    nothing = [
        {"Records": [record(COMPLETED)]},
        named(BUCKET, gone.key, gone.upload_id),
        named(BUCKET, kept.key, kept.upload_id),
    ]

    statuses = [function(raw, PREFIXES="raw/,gone", REPORT=REPORT).report["status"] for raw in nothing]

    assert statuses == ["complete"] * 3
    assert keys(cloud) == []


def test_event_that_aborted_failed_or_rejected_something_stores_its_report(cloud: Cloud, function: Function) -> None:
    first, second = cloud.seed(BUCKET, "raw/{n}", count=2)
    counts = []

    function(named(BUCKET, first.key, first.upload_id), REPORT=REPORT)
    counts.append(len(reports(cloud)))
    function({"bucket": "?"}, REPORT=REPORT)
    counts.append(len(reports(cloud)))
    cloud.fault("AbortMultipartUpload", status=403, code="AccessDenied")
    function(named(BUCKET, second.key, second.upload_id), REPORT=REPORT)
    counts.append(len(reports(cloud)))

    assert counts == [1, 3, 4]


def test_sweep_that_found_nothing_stores_its_report(cloud: Cloud, function: Function) -> None:
    function(timer(), REPORT=REPORT)

    assert len(reports(cloud)) == 1


def test_event_under_dry_run_stores_what_it_would_have_aborted(cloud: Cloud, function: Function) -> None:
    (upload,) = cloud.seed(BUCKET, "raw/1")

    result = function(named(BUCKET, upload.key, upload.upload_id), DRY_RUN="true", REPORT=REPORT)

    assert result.report["would_abort"] == 1
    assert len(reports(cloud)) == 1


# The loop


@pytest.mark.parametrize("name", ["cos:ObjectCreated:Put", COMPLETED])
def test_events_about_our_own_reports_end(name: str, cloud: Cloud, function: Function) -> None:
    """Every object that the function stores is an event, and each of those would be two objects: 2, 4, 8, and so on."""
    cloud.seed(BUCKET, "raw/1.mp4", hours_since_start=200)
    function.settings["REPORT"] = REPORT
    function({"Records": [record(COMPLETED), record(COMPLETED, eventTime="yesterday")]})
    function(timer())
    function({"bucket": "?"})
    written = known = first = set(keys(cloud))
    assert len(reports(cloud)) == 5

    for _ in range(5):
        for key in sorted(written):
            function({"Records": [record(name, key)]})
            function({**event("eventbridge"), "data": record(name, key)})
        written, known = set(keys(cloud)) - known, set(keys(cloud))

    assert len(known) == len(first)


def test_function_that_listens_to_a_whole_bucket_stores_only_what_it_did(cloud: Cloud, function: Function) -> None:
    """Other people's objects: a thousand of them are no thousand reports."""
    cloud.seed(BUCKET, "raw/1.mp4", hours_since_start=200)
    function.settings["REPORT"] = REPORT

    for number in range(20):
        function({"Records": [record("cos:ObjectCreated:Put", f"raw/{number}.mp4")]})
        function({"Records": [record(COMPLETED, f"raw/{number}.mp4")]})

    assert len(reports(cloud)) == 1
