"""
An inventory reads the parts of every upload, young ones included, and aborts nothing.
"""

from typing import Any

import pytest

from cos_sweeper.core.errors import RunFailed
from tests.emulator.public import Cloud
from tests.function import LOGS, PHOTOS, Function, named, timer
from tests.integration.http_calls import BUCKET, held
from tests.integration.platform import Platform, counted

REPORT = f"{LOGS}/reports"


def listed_parts(cloud: Cloud) -> set[str]:
    return {one.key for one in cloud.requests() if one.operation == "ListParts"}


@pytest.mark.parametrize("event", [timer(inventory=True), {"inventory": True}], ids=["timer", "direct"])
def test_inventory_reads_the_parts_of_young_excluded_and_abandoned_uploads(
    cloud: Cloud, function: Function, event: object
) -> None:
    cloud.seed(BUCKET, "young", hours_since_start=1)
    cloud.seed(BUCKET, "kept/excluded", hours_since_start=1000)
    cloud.seed(BUCKET, "job/_temporary/0", hours_since_start=1000)
    cloud.seed(BUCKET, "old", hours_since_start=1000)

    done = function(event, REPORT=REPORT, EXCLUDE_PREFIXES="kept/")

    assert listed_parts(cloud) == {"young", "kept/excluded", "job/_temporary/0", "old"}
    assert (done.report["status"], done.report["dry_run"], done.report["would_abort"]) == ("complete", True, 1)
    assert done.report["kept"] == 3


def test_inventory_aborts_nothing_whatever_the_settings_are(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, count=30, hours_since_start=1000)

    done = function(timer(inventory=True, dry_run=False), REPORT=REPORT, MAX_ABORTS="10")

    assert len(held(cloud)) == 30
    assert done.report["would_abort"] == 30
    assert not [one for one in cloud.requests() if one.operation == "AbortMultipartUpload"]


def test_inventory_of_several_runs_and_shards_reads_every_upload_once(cloud: Cloud, platform: Platform) -> None:
    cloud.seed(BUCKET, "a/{n}", count=40, hours_since_start=1)
    cloud.seed(BUCKET, "b/{n}", count=40, hours_since_start=1000)

    done = platform.play(timer(inventory=True), FAN_OUT="3", REPORT=REPORT)

    assert len(done) == 4
    assert (counted(done)["kept"], counted(done)["would_abort"], len(held(cloud))) == (40, 40, 80)
    assert all(one.report["dry_run"] for one in done)


def test_inventory_that_cannot_read_the_parts_of_an_upload_fails_it_alone(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "young/{n}", count=3, hours_since_start=1)
    cloud.fault("ListParts", key="young/1", status=403, code="AccessDenied")

    done = function(timer(inventory=True), REPORT=REPORT)

    (line,) = done.lines("upload.failed")
    assert (line["key"], line["code"]) == ("young/1", "AccessDenied")


@pytest.mark.parametrize(
    ("event", "settings", "reason"),
    [
        (timer(inventory=True), {}, "REPORT, which is not set"),
        (timer(inventory="yes"), {"REPORT": REPORT}, "`inventory` is neither true nor false"),
        ({"inventory": False}, {"REPORT": REPORT}, "only a timer requests a sweep"),
        ({"inventory": True, "uploads": []}, {"REPORT": REPORT}, "unknown field 'uploads'"),
        ({"inventory": True, **named(PHOTOS, "k", "u")}, {"REPORT": REPORT}, "unknown field 'bucket'"),
    ],
    ids=["without_report", "no_flag", "false", "with_uploads", "with_an_upload"],
)
def test_inventory_that_is_not_clear_is_rejected(
    function: Function, event: object, settings: dict[str, Any], reason: str
) -> None:
    done = function(event, **settings)

    assert reason in done.lines("request.rejected")[0]["reason"]


def test_inventory_among_other_requests_is_rejected_and_the_others_are_done(cloud: Cloud, function: Function) -> None:
    (upload,) = cloud.seed(BUCKET, "k", hours_since_start=1000)
    bodies = ['{"inventory": true}', f'{{"bucket": "{BUCKET}", "key": "k", "uploadId": "{upload.upload_id}"}}']
    event = {"Records": [{"CMQ": {"msgBody": body}} for body in bodies]}

    done = function(event, REPORT=REPORT)

    assert isinstance(done.error, RunFailed) or done.report["aborted"] == 1
    assert "must be the whole event" in done.lines("request.rejected")[0]["reason"]
    assert held(cloud) == []
