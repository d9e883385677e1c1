"""
The continuation: what was accepted, what is offered once more, and the permission that it needs.
"""

from typing import Any

import pytest

from tests.emulator.public import Cloud
from tests.function import LOGS, PHOTOS, timer
from tests.integration.chains import (
    LOG_BUCKET,
    PHOTO_BUCKET,
    uploads_of,
)
from tests.integration.continuation import CONFLICT
from tests.integration.objects import run_reports
from tests.integration.platform import Platform, counted, left

REPORT = f"{PHOTOS}/reports"


def test_continuation_that_is_accepted_in_part_raises_and_names_the_missing_shards(
    cloud: Cloud, platform: Platform
) -> None:
    """Ten shards, three accepted: the other seven are offered once more in one invocation, which is rejected too."""
    cloud.seed(PHOTO_BUCKET, "raw/{n:03}", count=100)
    platform.codes, platform.then = [""] * 3, "ResourceNotFound.Function"

    result = platform.run(timer(), FAN_OUT="10")

    assert type(result.error).__name__ == "RunFailed"
    (line,) = result.lines("continuation.failed")
    assert (line["level"], line["wanted"], line["accepted"]) == ("error", 10, 3)
    assert all(f"{n}" in line["missing"] for n in range(4, 11))
    assert len(platform.checkpoints()) == 3
    assert len(platform.offered) == 11


def test_shards_that_were_not_accepted_are_offered_once_more_in_one_invocation(
    cloud: Cloud, platform: Platform
) -> None:
    cloud.seed(PHOTO_BUCKET, "raw/{n:03}", count=200)
    platform.codes = ["", "ResourceNotFound", "", "ResourceNotFound", "ResourceNotFound"]

    result = platform.play(timer(), FAN_OUT="5", MAX_ABORTS="100")

    assert len(result) == 1 + 3
    assert {one.error for one in result} == {None}
    assert (counted(result)["aborted"], len(left(cloud, PHOTO_BUCKET))) == (100, 100)
    assert sorted(one.report["aborted"] for one in result[1:]) == [20, 20, 60]


def test_continuation_that_is_not_accepted_raises_and_reports_every_upload(cloud: Cloud, platform: Platform) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n}", count=5)
    cloud.fault("AbortMultipartUpload", key="raw/3", **CONFLICT)
    platform.then = "UnauthorizedOperation"

    result = platform.run(uploads_of(PHOTO_BUCKET, seeded))

    assert type(result.error).__name__ == "RunFailed"
    assert counted([result]) == {"aborted": 4, "failed": 1}
    assert [line["key"] for line in result.lines("upload.failed")] == ["raw/3"]


def test_report_is_stored_before_the_continuation_and_is_not_complete(cloud: Cloud, platform: Platform) -> None:
    """A run that is killed while it hands over leaves a report that claims nothing too much."""
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    cloud.fault("AbortMultipartUpload", key="raw/1", **CONFLICT)
    seen: list[dict[str, Any]] = []
    platform.on_offer = lambda: seen.extend(run_reports(cloud, PHOTOS))

    platform.run(uploads_of(PHOTO_BUCKET, seeded), REPORT=REPORT)

    assert [(one["aborted"], one["status"]) for one in seen] == [(2, "partial")]
    (report,) = run_reports(cloud, PHOTOS)
    assert (report["status"], report["continuations"]) == ("partial", 1)


def test_report_bucket_that_hangs_does_not_prevent_the_continuation(cloud: Cloud, platform: Platform) -> None:
    cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    cloud.fault("AbortMultipartUpload", key="raw/1", **CONFLICT)
    cloud.hang(LOG_BUCKET)

    result = platform.run(timer(buckets=[PHOTO_BUCKET]), REPORT=f"{LOGS}/reports", seconds=3)

    assert (result.error, len(platform.checkpoints())) == (None, 1)
    assert result.lines("report.store_failed")


def test_report_bucket_that_hangs_does_not_prevent_the_failure_event(cloud: Cloud, platform: Platform) -> None:
    cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    cloud.fault("ListMultipartUploads", status=403, code="AccessDenied")
    cloud.hang(LOG_BUCKET)

    result = platform.run(timer(buckets=[PHOTO_BUCKET]), REPORT=f"{LOGS}/reports", seconds=3)

    assert (result.error, len(platform.failures())) == (None, 1)


def test_missing_permission_to_invoke_is_found_before_the_first_abort(cloud: Cloud, platform: Platform) -> None:
    """However many workers there are, and however long SCF takes to say so."""
    cloud.seed(PHOTO_BUCKET, "raw/{n:03}", count=100)
    platform.then, platform.delay_seconds = "UnauthorizedOperation", 0.1
    mark = cloud.mark()

    result = platform.run(timer(), WORKERS="32")

    assert type(result.error).__name__ == "RunFailed"
    assert [one for one in cloud.requests(mark) if one.operation == "AbortMultipartUpload"] == []
    assert len(platform.probes()) == 1
    assert result.lines("continuation.unauthorized")[0]["code"] == "UnauthorizedOperation"


@pytest.mark.parametrize("code", ["InternalError", "RequestLimitExceeded"])
def test_permission_check_that_fails_for_now_does_not_stop_a_sweep(code: str, cloud: Cloud, platform: Platform) -> None:
    cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    platform.codes = [code] * 4

    result = platform.run(timer())

    assert (result.report["status"], result.report["aborted"]) == ("complete", 3)


def test_named_uploads_and_dry_runs_check_no_permission(cloud: Cloud, platform: Platform) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    platform.then = "UnauthorizedOperation"

    dry = platform.run(timer(), DRY_RUN="true")
    named = platform.run(uploads_of(PHOTO_BUCKET, seeded))

    assert (dry.report["would_abort"], named.report["aborted"], platform.offered) == (3, 3, [])
