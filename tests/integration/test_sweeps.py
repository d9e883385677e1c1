"""
Sweeps of whole buckets, page by page, and the report that they store.
"""

from cos_sweeper.core.errors import RunFailed
from tests.emulator.public import Cloud
from tests.function import LOGS, PHOTOS, Function, named, timer
from tests.integration.http_calls import BUCKET, held


def test_sweep_finds_every_bucket_of_every_region_that_the_role_can_list(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, count=2)
    cloud.seed(LOGS.partition("@")[0], count=3)

    result = function(timer(), BUCKETS="*")

    assert (result.report["aborted"], result.report["buckets_swept"]) == (5, 2)
    assert {line["bucket"] for line in result.lines("page.processed")} == {PHOTOS, LOGS}


def test_sweep_that_cannot_list_the_buckets_fails_and_logs_it(cloud: Cloud, function: Function) -> None:
    cloud.fault("GetService", status=403, code="AccessDenied")

    result = function(timer(), BUCKETS="*")

    assert isinstance(result.error, RunFailed)
    assert result.lines("bucket.failed")[0]["bucket"] == "*"


def test_bucket_that_cannot_be_listed_does_not_stop_the_others(cloud: Cloud, function: Function) -> None:
    cloud.seed(LOGS.partition("@")[0], count=3)
    cloud.fault("ListMultipartUploads", bucket=BUCKET, status=403, code="AccessDenied")

    result = function(timer())

    assert isinstance(result.error, RunFailed)
    assert held(cloud) == []
    assert result.lines("bucket.failed")[0]["bucket"] == PHOTOS
    assert result.lines("run.finished")[0]["buckets_failed"] == 1


def test_sweep_aborts_thousands_of_uploads_and_more_of_one_key_than_a_page_holds(
    cloud: Cloud, function: Function
) -> None:
    cloud.seed(BUCKET, "a/{n}", count=1150)
    cloud.seed(BUCKET, "one key", count=1200)
    cloud.seed(BUCKET, "z/{n}", count=1150)

    result = function(timer())

    assert (result.report["status"], result.report["aborted"]) == ("complete", 3500)
    assert held(cloud) == []


def test_listing_whose_marker_stands_still_ends_in_an_error(cloud: Cloud, function: Function) -> None:
    """COS says that there is more, and says the same again when asked for it."""
    page = (
        "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker>"
        "<NextUploadIdMarker>1</NextUploadIdMarker></ListMultipartUploadsResult>"
    )
    cloud.fault("ListMultipartUploads", bucket=BUCKET, raw=page, status=200)
    before = cloud.mark()

    result = function(timer(buckets=[BUCKET]))

    assert isinstance(result.error, RunFailed)
    assert "marker does not advance" in result.lines("bucket.failed")[0]["detail"]
    assert len(cloud.requests(before)) == 1 + 8


def test_page_is_one_line_of_the_log_with_cos_request_ids(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "{n:04}", count=1500)

    result = function(timer(buckets=[BUCKET]))

    pages = result.lines("page.processed")
    requests = {request.request_id: request.operation for request in cloud.requests()}
    assert sorted(page["aborted"] for page in pages) == [500, 1000]
    assert {requests[page["cos_request_id"]] for page in pages} == {"ListMultipartUploads"}
    assert {requests[page["cos_request_id_of_last_abort"]] for page in pages} == {"AbortMultipartUpload"}
    assert all(len(line) < 8192 for line in result.output.splitlines())


def test_sweep_that_runs_out_of_time_is_partial_and_counts_every_upload(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "{n:04}", count=1500)
    cloud.fault("*", delay_ms=20)
    before = cloud.mark()

    result = function(timer(), seconds=3, WORKERS="4")

    report = result.report
    assert report["status"] == "partial"
    assert report["stopped_because"] == "out of time"
    assert report["aborted"] + report["deferred"] == report["uploads"]
    assert len(held(cloud)) == 1500 - report["aborted"] > 0
    answered = [request for request in cloud.requests(before) if request.operation == "AbortMultipartUpload"]
    assert len(answered) == report["aborted"]
    assert {request.status for request in answered} == {204}


def test_max_aborts_is_never_exceeded_and_reached_where_possible(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "{n:04}", count=50)

    result = function(timer(max_aborts=7))
    capped = function(timer(), MAX_ABORTS="5", DRY_RUN="true")

    assert (result.report["status"], result.report["aborted"], result.report["deferred"]) == ("partial", 7, 43)
    assert (capped.report["would_abort"], capped.report["stopped_because"]) == (5, "")
    assert len(held(cloud)) == 43


def test_report_is_stored_where_the_settings_name_it(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET)

    result = function(timer(), REPORT=f"{PHOTOS}/sweeper-reports")

    assert all(one.key.startswith("sweeper-reports/") for one in cloud.objects(BUCKET))
    (kept,) = cloud.objects(BUCKET, f"sweeper-reports/{result.report['run_id']}/runs/1-of-1.run-1.")
    assert kept.size > 300


def test_report_that_cannot_be_stored_is_logged_and_undoes_nothing(cloud: Cloud, function: Function) -> None:
    (upload,) = cloud.seed(BUCKET)
    cloud.fault("PutObject", status=403, code="AccessDenied")

    result = function(named(PHOTOS, upload.key, upload.upload_id), REPORT=f"{PHOTOS}/reports")

    assert result.report["aborted"] == 1
    assert result.lines("report.store_failed")[0]["code"] == "AccessDenied"


def test_sweep_whose_intents_cannot_be_stored_aborts_nothing_and_fails(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, count=5)
    cloud.fault("PutObject", status=403, code="AccessDenied")

    result = function(timer(), REPORT=f"{PHOTOS}/reports")

    assert isinstance(result.error, RunFailed)
    assert len(held(cloud)) == 5
    assert result.lines("records.store_failed")[0]["code"] == "AccessDenied"
