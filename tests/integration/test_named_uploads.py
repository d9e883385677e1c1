"""
Uploads that an event names, and the stale siblings of a completed object.
"""

from cos_sweeper.core.errors import RunFailed
from tests.emulator.public import Cloud
from tests.function import Function, event, named
from tests.integration.http_calls import BUCKET, held, seeded

LONG_AGO = 24.0 * 365 * 10


def test_named_upload_is_the_only_one_of_its_key_to_be_aborted(cloud: Cloud, function: Function) -> None:
    first, second = cloud.seed(BUCKET, "twice", count=2)

    result = function(named(BUCKET, second.key, second.upload_id))

    assert result.report["bytes_freed"] == 1 << 20
    assert [upload.upload_id for upload in held(cloud)] == [first.upload_id]


def test_upload_that_is_gone_already_is_a_success(cloud: Cloud, function: Function) -> None:
    (gone,) = cloud.seed(BUCKET)
    function(named(BUCKET, gone.key, gone.upload_id))

    again = function(named(BUCKET, gone.key, gone.upload_id))

    assert again.report["status"] == "complete"
    assert again.report["already_gone"] == 1
    assert again.report["bytes_freed"] == 0


def test_region_that_disagrees_with_the_settings_is_rejected(cloud: Cloud, function: Function) -> None:
    (upload,) = cloud.seed(BUCKET)

    result = function(named(BUCKET, upload.key, upload.upload_id) | {"region": "ap-beijing"})

    assert "ap-guangzhou" in result.report["rejections"][0]["reason"]
    assert len(held(cloud)) == 1


def test_named_upload_is_kept_in_a_dry_run_and_under_an_excluded_prefix(cloud: Cloud, function: Function) -> None:
    (upload,) = cloud.seed(BUCKET, "keep/this")
    failure = named(BUCKET, upload.key, upload.upload_id)

    dry = function(failure, DRY_RUN="true")
    excluded = function(failure, EXCLUDE_PREFIXES="keep/")
    outside = function(failure, PREFIXES="raw/")

    assert (dry.report["would_abort"], dry.report["bytes_would_free"]) == (1, 1 << 20)
    assert excluded.report["kept_by_reason"] == {"under an excluded prefix": 1}
    assert outside.report["kept_by_reason"] == {"outside the prefixes": 1}
    assert len(held(cloud)) == 1


def test_named_upload_waits_for_its_idle_time_where_one_is_set(cloud: Cloud, function: Function) -> None:
    busy = cloud.seed(BUCKET, "busy", hours_since_last_part=0.1)
    idle = cloud.seed(BUCKET, "idle", hours_since_last_part=2)
    empty = cloud.seed(BUCKET, "empty", parts=0, hours_since_start=0.1)

    result = [
        function(named(BUCKET, each.key, each.upload_id), EVENT_MIN_IDLE_MINUTES="60").report
        for each in busy + idle + empty
    ]

    assert [report["aborted"] for report in result] == [0, 1, 0]
    assert {upload.key for upload in held(cloud)} == {"busy", "empty"}


def test_unreadable_parts_without_an_idle_time_leave_the_bytes_unknown(cloud: Cloud, function: Function) -> None:
    (upload,) = cloud.seed(BUCKET)
    cloud.fault("ListParts", status=403, code="AccessDenied")

    result = function(named(BUCKET, upload.key, upload.upload_id))

    assert result.report["aborted"] == 1
    assert result.report["details"][0]["bytes"] is None
    assert (result.report["bytes_freed"], result.report["size_unknown"]) == (0, 1)


def test_unreadable_parts_with_an_idle_time_prevent_the_abort(cloud: Cloud, function: Function) -> None:
    (upload,) = cloud.seed(BUCKET)
    cloud.fault("ListParts", status=403, code="AccessDenied")

    result = function(named(BUCKET, upload.key, upload.upload_id), EVENT_MIN_IDLE_MINUTES="1")

    assert isinstance(result.error, RunFailed)
    assert len(held(cloud)) == 1


def test_stale_siblings_of_a_completed_object_are_aborted_and_no_other_upload(cloud: Cloud, function: Function) -> None:
    key = "raw/2026/猫.mp4"
    old = cloud.seed(BUCKET, key, hours_since_start=LONG_AGO)
    cloud.seed(BUCKET, key, hours_since_start=1)
    cloud.seed(BUCKET, key, hours_since_start=LONG_AGO, hours_since_last_part=0.1)
    cloud.seed(BUCKET, key + ".part", hours_since_start=LONG_AGO)

    result = function(event("cos_completed"))

    assert result.report["kept_by_reason"] == {
        "started after the object was completed": 1,
        "a part arrived recently": 1,
    }
    assert old[0].upload_id not in {upload.upload_id for upload in held(cloud)}
    assert len(held(cloud)) == 3


def test_uploads_that_time_does_not_reach_fail_the_event(cloud: Cloud, function: Function) -> None:
    uploads = seeded(cloud, 60)
    cloud.fault("*", delay_ms=100)

    result = function({"uploads": uploads}, seconds=2, WORKERS="2")

    assert isinstance(result.error, RunFailed)
    assert "deferred" in str(result.error)
    ended = result.lines("run.finished")[0]
    assert ended["aborted"] + ended["deferred"] == 60
    assert len(held(cloud)) == ended["deferred"] > 0
