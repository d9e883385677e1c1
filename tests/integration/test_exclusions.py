"""
What every request keeps: excluded prefixes and buckets, and the paths of data frameworks' committers.
"""

import json
from datetime import datetime, timezone
from typing import Any

import pytest

from tests.emulator.public import Cloud
from tests.function import LOGS, PHOTOS, Function, event, named, timer

BUCKET, OTHER = (bucket.partition("@")[0] for bucket in (PHOTOS, LOGS))
COMPOSED, DECOMPOSED, UNORDERED = "\u1e69/", "s\u0323\u0307/", "s\u0307\u0323/"
COMMITTERS = ["__magic/job/a", "t/__magic_job-7/a", "t/_temporary/a", "t/.hive-staging_hive/a", "t/.spark-staging-1/a"]


def completed(key: str) -> dict[str, Any]:
    """COS's event for this object; the time of completion is later than everything."""
    raw: dict[str, Any] = event("cos_completed")
    (record,) = raw["Records"]
    record["cos"]["cosObject"]["key"] = f"/1250000000/photos/{key}"
    record["cos"]["cosObject"]["url"] = f"http://{BUCKET}.cos.ap-guangzhou.myqcloud.com/{key}"
    record["cos"]["cosBucket"].update(name="photos", appid="1250000000")
    record["event"]["eventTime"] = 4_000_000_000
    return raw


@pytest.mark.parametrize("written", [COMPOSED, DECOMPOSED, UNORDERED], ids=["composed", "decomposed", "unordered"])
@pytest.mark.parametrize("excluded", [COMPOSED, DECOMPOSED], ids=["composed setting", "decomposed setting"])
def test_excluded_prefix_matches_a_key_however_its_letters_are_composed(
    excluded: str, written: str, cloud: Cloud, function: Function
) -> None:
    (kept,) = cloud.seed(BUCKET, f"{written}menu.pdf")
    cloud.seed(BUCKET, "s/menu.pdf")

    swept = function(timer(), EXCLUDE_PREFIXES=excluded)
    failed = function(named(BUCKET, kept.key, kept.upload_id), EXCLUDE_PREFIXES=excluded)

    assert swept.report["aborted"] == 1
    assert swept.report["kept_by_reason"] == {"under an excluded prefix": 1}
    assert failed.report["kept_by_reason"] == {"under an excluded prefix": 1}
    assert [upload.key for upload in cloud.uploads(BUCKET)] == [kept.key]


def test_json_list_excludes_a_key_with_a_star_and_nothing_more(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "backup/*a")
    cloud.seed(BUCKET, "backup/b")

    function(timer(), EXCLUDE_PREFIXES=json.dumps(["backup/*"]))

    assert [upload.key for upload in cloud.uploads(BUCKET)] == ["backup/*a"]


@pytest.mark.parametrize("buckets", ["*", f"{PHOTOS},{LOGS}"], ids=["every bucket", "named buckets"])
@pytest.mark.parametrize("excluded", [BUCKET, PHOTOS, f"gone-1250000000@ap-beijing, {BUCKET}"])
def test_excluded_bucket_is_not_touched_by_any_event(
    excluded: str, buckets: str, cloud: Cloud, function: Function
) -> None:
    (upload,) = cloud.seed(BUCKET, "raw/a")
    cloud.seed(OTHER, "a")
    function.settings |= {"BUCKETS": buckets, "EXCLUDE_BUCKETS": excluded}
    before = cloud.mark()

    swept = function(timer())
    failed = function(named(BUCKET, upload.key, upload.upload_id))
    leftovers = function(completed(upload.key))
    narrowed = function(timer(buckets=[BUCKET]))

    assert swept.report["aborted"] == 1
    assert narrowed.error is not None
    for result in (failed, leftovers, narrowed):
        assert result.lines("run.finished")[0]["aborted"] == 0
        assert "excluded by EXCLUDE_BUCKETS" in result.lines("request.rejected")[0]["reason"]
    assert {request.bucket for request in cloud.requests(before)} <= {OTHER, ""}
    assert len(cloud.uploads(BUCKET)) == 1


def test_continuation_does_not_touch_a_bucket_that_is_excluded_meanwhile(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "raw/a", hours_since_start=200)
    policy = {"min_age": 360_000, "min_idle": 360_000, "prefixes": [], "exclude_prefixes": []}
    checkpoint = {
        "version": 3,
        "run_id": "r",
        "as_of": datetime.now(timezone.utc).isoformat(),
        "dry_run": False,
        "limit": None,
        "aborted": 0,
        "fraction": [1, 1],
        "number": 2,
        "shard": [[0], 1],
        "prior_failures": [0, 0, []],
        "policies": [policy | {"only_key": None, "started_before": None}],
        "todo": [["listing", 0, BUCKET, "", "", ""]],
    }
    before = cloud.mark()

    function({"cos_sweeper_checkpoint": checkpoint}, EXCLUDE_BUCKETS=BUCKET)
    sent = cloud.requests(before)
    allowed = function({"cos_sweeper_checkpoint": checkpoint})

    assert sent == []
    assert allowed.report["aborted"] == 1


def test_report_can_be_kept_in_an_excluded_bucket(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "raw/a")
    cloud.seed(OTHER, "a")

    result = function(timer(), EXCLUDE_BUCKETS=BUCKET, REPORT=f"{PHOTOS}/reports")

    assert result.report["aborted"] == 1
    assert [one.key for one in cloud.objects(BUCKET, "reports/") if one.key.endswith("/report.json")]
    assert len(cloud.uploads(BUCKET)) == 1


@pytest.mark.parametrize("value", ["*", "photos-*", "photos", "photos-125000000?"])
def test_excluded_bucket_with_a_wildcard_stops_the_run(value: str, cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "raw/a")

    result = function(timer(), BUCKETS="*", EXCLUDE_BUCKETS=value)

    assert "EXCLUDE_BUCKETS: " in str(result.error)
    assert len(cloud.uploads(BUCKET)) == 1


def test_upload_under_a_committers_path_is_kept_by_a_sweep_until_committers_are_included(
    cloud: Cloud, function: Function
) -> None:
    for key in COMMITTERS:
        cloud.seed(BUCKET, key)
    cloud.seed(BUCKET, "t/part-0")

    swept = function(timer())
    held = [upload.key for upload in cloud.uploads(BUCKET)]
    included = function(timer(), INCLUDE_COMMITTERS="true")

    assert swept.report["kept_by_reason"] == {"under a committer's path": len(COMMITTERS)}
    assert held == sorted(COMMITTERS)
    assert included.report["aborted"] == len(COMMITTERS)


@pytest.mark.parametrize("key", COMMITTERS)
def test_upload_under_a_committers_path_is_kept_when_an_event_names_it(
    key: str, cloud: Cloud, function: Function
) -> None:
    (upload,) = cloud.seed(BUCKET, key)
    failure = named(BUCKET, upload.key, upload.upload_id)

    kept = function(failure)
    included = function(failure, INCLUDE_COMMITTERS="true")

    assert kept.report["kept_by_reason"] == {"under a committer's path": 1}
    assert included.report["aborted"] == 1


def test_stale_siblings_under_a_committers_path_are_kept_until_committers_are_included(
    cloud: Cloud, function: Function
) -> None:
    cloud.seed(BUCKET, "t/_temporary/a", hours_since_start=400)

    kept = function(completed("t/_temporary/a"))
    held = len(cloud.uploads(BUCKET))
    included = function(completed("t/_temporary/a"), INCLUDE_COMMITTERS="true")

    assert (kept.report["aborted"], held, included.report["aborted"]) == (0, 1, 1)
