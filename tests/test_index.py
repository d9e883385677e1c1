"""
The whole function, an event in and an answer out, against COS over HTTP.
"""

import json
import re
from typing import Any

import pytest

from cos_sweeper.core import plan
from cos_sweeper.core.errors import BadSettings, InternalError, MissingCredentials, RunFailed
from cos_sweeper.core.model import AbortRequest, CompletedObject, SweepRequest
from cos_sweeper.scf.events import decode
from tests.emulator.client import Cloud, HeldUpload, Seeded
from tests.function import EVENTS, LOGS, PHOTOS, TOKEN, Function, event, named, timer

BUCKET = PHOTOS.partition("@")[0]
LONG_AGO = 24.0 * 365 * 10
ASYNCHRONOUS = ["direct", "timer", "cos_completed", "cmq", "cls", "eventbridge"]


def plant(cloud: Cloud, raw: Any) -> None:
    """Put the uploads there that an event is about: old, idle, a part each."""
    for ask in decode(raw).requests:
        match ask:
            case AbortRequest():
                cloud.seed(ask.bucket, ask.key, upload_id=ask.upload_id)
            case CompletedObject():
                cloud.seed(ask.bucket, ask.key, count=2, hours_since_start=LONG_AGO)
            case SweepRequest():
                cloud.seed(BUCKET, "logs/{n}", count=2)


def held(cloud: Cloud) -> list[HeldUpload]:
    return [upload for bucket in (PHOTOS, LOGS) for upload in cloud.uploads(bucket.partition("@")[0])]


# Every event that the platform sends


@pytest.mark.parametrize("name", sorted(path.stem for path in EVENTS.glob("*.json")))
def test_every_shape_of_event_aborts_what_it_is_about_and_nothing_else(
    name: str, cloud: Cloud, function: Function
) -> None:
    plant(cloud, event(name))
    abandoned = len(held(cloud))
    other = cloud.seed(BUCKET, "raw/2026/other.mp4", hours_since_last_part=1)

    done = function(event(name))

    assert done.error is None
    assert done.report["status"] == ("rejected" if name == "ckafka_batch" else "complete")
    if name == "timer_dry_run":
        assert done.report["would_abort"] == abandoned
        assert len(held(cloud)) == abandoned + 1
    else:
        assert done.report["aborted"] == abandoned
        assert [upload.upload_id for upload in held(cloud)] == [other[0].upload_id]


# The table of answers


@pytest.mark.parametrize("name", ASYNCHRONOUS)
def test_an_asynchronous_trigger_gets_the_report_when_all_is_well(name: str, cloud: Cloud, function: Function) -> None:
    plant(cloud, event(name))

    done = function(event(name))

    assert done.error is None
    assert done.report["status"] == "complete"


REFUSED = {
    "direct": event("direct") | {"bucket": "elsewhere-1250000000"},
    "timer": timer(min_age_hours=1),
    "cos_completed": json.loads(json.dumps(event("cos_completed")).replace("1545205770", '"yesterday"')),
    "cmq": {"Records": [{"CMQ": {"msgBody": "not JSON"}}]},
    "cls": {"clslogs": {"data": "bm90IGd6aXA="}},
    "eventbridge": event("eventbridge") | {"data": {"bucket": BUCKET, "key": "k", "uploadId": ""}},
}


@pytest.mark.parametrize("name", ASYNCHRONOUS)
def test_an_asynchronous_trigger_gets_the_reasons_when_refused_and_is_not_retried(
    name: str, cloud: Cloud, function: Function
) -> None:
    before = cloud.mark()

    done = function(REFUSED[name])

    assert done.lines("request.rejected")[0]["reason"]
    assert cloud.requests(before) == []
    if name == "timer":
        # A sweep that does not happen must be noticed.
        assert "SweepRejected" in str(done.error)
        return
    assert done.error is None
    assert (done.report["rejected"], done.report["status"]) == (1, "rejected")
    assert done.lines("request.rejected")[0]["reason"] == done.report["rejections"][0]["reason"]


@pytest.mark.parametrize("name", ASYNCHRONOUS)
@pytest.mark.parametrize(("status", "code"), [(503, "SlowDown"), (403, "AccessDenied")], ids=["for_now", "for_good"])
def test_an_asynchronous_trigger_gets_an_exception_when_cos_fails(
    status: int, code: str, name: str, cloud: Cloud, function: Function
) -> None:
    plant(cloud, event(name))
    cloud.fault("AbortMultipartUpload", status=status, code=code)
    abandoned = len(held(cloud))

    done = function(event(name))

    assert isinstance(done.error, RunFailed)
    assert f"{abandoned} failed" in str(done.error)
    assert f"{code} ×{abandoned}" in str(done.error)
    assert len(held(cloud)) == abandoned
    assert [line["code"] for line in done.lines("upload.failed")] == [code] * abandoned


def test_ckafka_gets_the_report_when_all_is_well(cloud: Cloud, function: Function) -> None:
    plant(cloud, event("ckafka"))

    done = function(event("ckafka"))

    assert done.report["aborted"] == 1


def test_a_refused_message_of_a_ckafka_batch_is_logged_and_the_partition_goes_on(
    cloud: Cloud, function: Function
) -> None:
    plant(cloud, event("ckafka_batch"))

    done = function(event("ckafka_batch"))

    assert done.error is None
    assert (done.report["aborted"], done.report["rejected"]) == (2, 1)
    assert done.lines("request.rejected")[0]["origin"] == "record 2"
    assert held(cloud) == []


def test_ckafka_gets_an_exception_for_what_a_retry_can_mend(cloud: Cloud, function: Function) -> None:
    plant(cloud, event("ckafka_batch"))
    cloud.fault("AbortMultipartUpload", key="raw/2026/21.mp4", status=500, code="InternalError")

    done = function(event("ckafka_batch"))

    assert isinstance(done.error, RunFailed)
    assert [upload.key for upload in held(cloud)] == ["raw/2026/21.mp4"]


def test_ckafka_goes_on_past_what_cos_refuses_for_good(cloud: Cloud, function: Function) -> None:
    plant(cloud, event("ckafka_batch"))
    cloud.fault("AbortMultipartUpload", key="raw/2026/21.mp4", status=403, code="AccessDenied")

    done = function(event("ckafka_batch"))

    assert done.error is None
    assert done.report["status"] == "failed"
    assert (done.report["aborted"], done.report["failed"]) == (1, 1)
    assert done.lines("upload.failed")[0]["code"] == "AccessDenied"


def post(*uploads: dict[str, str], token: str | None = TOKEN, method: str = "POST") -> dict[str, Any]:
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    body = json.dumps({"uploads": uploads} if len(uploads) != 1 else uploads[0])
    return {**event("http_function_url"), "body": body, "headers": headers, "httpMethod": method}


def seeded(cloud: Cloud, count: int) -> list[dict[str, str]]:
    return [named(BUCKET, each.key, each.upload_id) for each in cloud.seed(BUCKET, "raw/{n}.mp4", count=count)]


def status_of(answer: dict[str, Any] | None) -> int:
    assert answer is not None
    assert answer["headers"]["Content-Type"].startswith("application/json")
    json.loads(answer["body"])
    return int(answer["statusCode"])


def test_http_gets_200_when_all_is_well(cloud: Cloud, function: Function) -> None:
    uploads = seeded(cloud, 2)

    done = function(post(*uploads))

    assert status_of(done.answer) == 200
    assert {detail["outcome"] for detail in done.report["details"]} == {"aborted"}
    assert held(cloud) == []


@pytest.mark.parametrize(
    "body",
    ["", "not JSON", "[]", '{"bucket": "photos-1250000000"}', json.dumps({"uploads": []})],
    ids=["empty", "no_json", "list", "incomplete", "nothing"],
)
def test_http_gets_400_for_a_body_that_cannot_be_used(body: str, function: Function) -> None:
    done = function(post(event("direct")) | {"body": body})

    assert status_of(done.answer) == 400
    assert done.report["rejections"][0]["reason"]


def test_http_gets_401_without_the_token_or_with_a_wrong_one(cloud: Cloud, function: Function) -> None:
    uploads = seeded(cloud, 1)

    answers = [
        function(post(*uploads, token=token)).answer for token in (None, "a-wrong-token-of-32-characters!!", "\ud800")
    ]

    assert [status_of(answer) for answer in answers] == [401, 401, 401]
    assert all("WWW-Authenticate" in answer["headers"] for answer in answers if answer)
    assert len(held(cloud)) == 1


def test_http_gets_403_while_no_token_is_set_and_the_log_says_what_to_set(cloud: Cloud, function: Function) -> None:
    uploads = seeded(cloud, 1)

    done = function(post(*uploads), HTTP_TOKEN="")

    assert status_of(done.answer) == 403
    assert "HTTP_TOKEN" in done.lines("http.denied")[0]["reason"]
    assert len(held(cloud)) == 1


def test_http_needs_no_token_when_the_platform_authenticates(cloud: Cloud, function: Function) -> None:
    uploads = seeded(cloud, 1)

    done = function(post(*uploads, token=None), HTTP_TOKEN="", HTTP_AUTH="platform")

    assert status_of(done.answer) == 200


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
def test_http_gets_415_for_anything_but_json(kind: str, cloud: Cloud, function: Function) -> None:
    request = post(*seeded(cloud, 1))
    request["headers"]["content-type"] = kind

    done = function(request)

    assert status_of(done.answer) == 415
    assert len(held(cloud)) == 1


def test_http_takes_json_with_a_charset(cloud: Cloud, function: Function) -> None:
    request = post(*seeded(cloud, 1))
    request["headers"]["content-type"] = "Application/JSON; charset=utf-8"

    assert status_of(function(request).answer) == 200


def test_http_gets_413_for_a_body_that_is_too_large_before_it_is_read(cloud: Cloud, function: Function) -> None:
    request = post(*seeded(cloud, 1))
    request["body"] += " " * (4 << 20)

    done = function(request)

    assert status_of(done.answer) == 413
    assert len(held(cloud)) == 1


def test_a_stranger_learns_nothing_but_that_he_is_one(function: Function) -> None:
    odd = [
        post(token=None, method="GET"),
        post(token=None) | {"body": " " * (5 << 20)},
        post(token=None) | {"headers": {"content-type": "text/html"}},
        post(token=None) | {"body": "no JSON"},
    ]

    answers = [function(request).answer for request in odd]

    assert {status_of(answer) for answer in answers} == {401}
    assert len({json.dumps(answer) for answer in answers}) == 1


def test_http_gets_405_for_anything_but_post(cloud: Cloud, function: Function) -> None:
    uploads = seeded(cloud, 1)

    done = function(post(*uploads, method="GET"))

    assert status_of(done.answer) == 405
    assert len(held(cloud)) == 1


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"status": 503, "code": "SlowDown"}, 503),
        ({"reset": "before"}, 503),
        ({"status": 403, "code": "AccessDenied"}, 502),
        ({"status": 404, "code": "NoSuchBucket"}, 502),
    ],
    ids=["slow_down", "reset", "denied", "no_bucket"],
)
def test_http_gets_503_when_cos_failed_for_now_and_502_when_it_refused_for_good(
    fault: dict[str, Any], status: int, cloud: Cloud, function: Function
) -> None:
    uploads = seeded(cloud, 1)
    cloud.fault("AbortMultipartUpload", **fault)

    done = function(post(*uploads))

    assert status_of(done.answer) == status


def test_over_http_the_worst_of_several_decides_and_the_body_tells_each(cloud: Cloud, function: Function) -> None:
    good, denied, busy = seeded(cloud, 3)
    outside = named("elsewhere-1250000000", "k", "1")
    cloud.fault("AbortMultipartUpload", key=denied["key"], status=403, code="AccessDenied")
    cloud.fault("AbortMultipartUpload", key=busy["key"], status=500, code="InternalError")

    one = function(post(good, outside))
    two = function(post(good, outside, denied))
    three = function(post(good, outside, denied, busy))

    assert [status_of(done.answer) for done in (one, two, three)] == [400, 502, 503]
    told = {detail["key"]: detail["outcome"] for detail in three.report["details"]}
    assert told == {good["key"]: "already_gone", denied["key"]: "failed", busy["key"]: "failed"}
    assert "not among BUCKETS" in three.report["rejections"][0]["reason"]


# Named by an event


def test_only_the_named_upload_of_a_key_is_aborted(cloud: Cloud, function: Function) -> None:
    first, second = cloud.seed(BUCKET, "twice", count=2)

    done = function(named(BUCKET, second.key, second.upload_id))

    assert done.report["bytes_freed"] == 1 << 20
    assert [upload.upload_id for upload in held(cloud)] == [first.upload_id]


def test_an_upload_that_is_gone_already_is_a_success(cloud: Cloud, function: Function) -> None:
    (gone,) = cloud.seed(BUCKET)
    function(named(BUCKET, gone.key, gone.upload_id))

    again = function(named(BUCKET, gone.key, gone.upload_id))

    assert again.report["status"] == "complete"
    assert again.report["already_gone"] == 1
    assert again.report["bytes_freed"] == 0


def test_a_region_that_disagrees_with_the_settings_is_refused(cloud: Cloud, function: Function) -> None:
    (upload,) = cloud.seed(BUCKET)

    done = function(named(BUCKET, upload.key, upload.upload_id) | {"region": "ap-beijing"})

    assert "ap-guangzhou" in done.report["rejections"][0]["reason"]
    assert len(held(cloud)) == 1


def test_a_named_upload_is_left_alone_in_a_dry_run_and_under_a_spared_prefix(cloud: Cloud, function: Function) -> None:
    (upload,) = cloud.seed(BUCKET, "keep/this")
    failure = named(BUCKET, upload.key, upload.upload_id)

    dry = function(failure, DRY_RUN="true")
    spared = function(failure, EXCLUDE_PREFIXES="keep/")
    outside = function(failure, PREFIXES="raw/")

    assert (dry.report["would_abort"], dry.report["bytes_would_free"]) == (1, 1 << 20)
    assert spared.report["kept_by_reason"] == {"under an excluded prefix": 1}
    assert outside.report["kept_by_reason"] == {"outside the prefixes": 1}
    assert len(held(cloud)) == 1


def test_a_named_upload_waits_for_its_idle_time_where_one_is_asked_for(cloud: Cloud, function: Function) -> None:
    busy = cloud.seed(BUCKET, "busy", hours_since_last_part=0.1)
    idle = cloud.seed(BUCKET, "idle", hours_since_last_part=2)
    empty = cloud.seed(BUCKET, "empty", parts=0, hours_since_start=0.1)

    done = [
        function(named(BUCKET, each.key, each.upload_id), EVENT_MIN_IDLE_MINUTES="60").report
        for each in busy + idle + empty
    ]

    assert [report["aborted"] for report in done] == [0, 1, 0]
    assert {upload.key for upload in held(cloud)} == {"busy", "empty"}


def test_without_an_idle_time_unreadable_parts_do_not_stop_the_abort_but_the_bytes_are_unknown(
    cloud: Cloud, function: Function
) -> None:
    (upload,) = cloud.seed(BUCKET)
    cloud.fault("ListParts", status=403, code="AccessDenied")

    done = function(named(BUCKET, upload.key, upload.upload_id))

    assert done.report["aborted"] == 1
    assert done.report["details"][0]["bytes"] is None
    assert (done.report["bytes_freed"], done.report["size_unknown"]) == (0, 1)


def test_with_an_idle_time_unreadable_parts_stop_the_abort(cloud: Cloud, function: Function) -> None:
    (upload,) = cloud.seed(BUCKET)
    cloud.fault("ListParts", status=403, code="AccessDenied")

    done = function(named(BUCKET, upload.key, upload.upload_id), EVENT_MIN_IDLE_MINUTES="1")

    assert isinstance(done.error, RunFailed)
    assert len(held(cloud)) == 1


def test_a_completed_object_takes_older_idle_uploads_of_exactly_its_key_with_it(
    cloud: Cloud, function: Function
) -> None:
    key = "raw/2026/猫.mp4"
    old = cloud.seed(BUCKET, key, hours_since_start=LONG_AGO)
    cloud.seed(BUCKET, key, hours_since_start=1)
    cloud.seed(BUCKET, key, hours_since_start=LONG_AGO, hours_since_last_part=0.1)
    cloud.seed(BUCKET, key + ".part", hours_since_start=LONG_AGO)

    done = function(event("cos_completed"))

    assert done.report["kept_by_reason"] == {
        "started after the object was completed": 1,
        "a part arrived recently": 1,
    }
    assert old[0].upload_id not in {upload.upload_id for upload in held(cloud)}
    assert len(held(cloud)) == 3


def test_more_uploads_than_time_allows_are_wanted_again(cloud: Cloud, function: Function) -> None:
    uploads = seeded(cloud, 60)
    cloud.fault("*", delay_ms=100)

    done = function({"uploads": uploads}, seconds=2, WORKERS="2")

    assert isinstance(done.error, RunFailed)
    assert "deferred" in str(done.error)
    ended = done.lines("run.finished")[0]
    assert ended["aborted"] + ended["deferred"] == 60
    assert len(held(cloud)) == ended["deferred"] > 0


# Sweeps


def test_a_sweep_finds_every_bucket_of_every_region_that_the_role_can_list(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, count=2)
    cloud.seed(LOGS.partition("@")[0], count=3)

    done = function(timer(), BUCKETS="*")

    assert (done.report["aborted"], done.report["buckets_swept"]) == (5, 2)
    assert {line["bucket"] for line in done.lines("page.processed")} == {PHOTOS, LOGS}


def test_when_the_buckets_cannot_be_listed_the_run_fails_and_says_so(cloud: Cloud, function: Function) -> None:
    cloud.fault("GetService", status=403, code="AccessDenied")

    done = function(timer(), BUCKETS="*")

    assert isinstance(done.error, RunFailed)
    assert done.lines("bucket.failed")[0]["bucket"] == "*"


def test_a_bucket_that_cannot_be_listed_does_not_stop_the_others(cloud: Cloud, function: Function) -> None:
    cloud.seed(LOGS.partition("@")[0], count=3)
    cloud.fault("ListMultipartUploads", bucket=BUCKET, status=403, code="AccessDenied")

    done = function(timer())

    assert isinstance(done.error, RunFailed)
    assert held(cloud) == []
    assert done.lines("bucket.failed")[0]["bucket"] == PHOTOS
    assert done.lines("run.finished")[0]["buckets_failed"] == 1


def test_thousands_of_uploads_and_more_of_one_key_than_a_page_holds_are_swept_completely(
    cloud: Cloud, function: Function
) -> None:
    cloud.seed(BUCKET, "a/{n}", count=1150)
    cloud.seed(BUCKET, "one key", count=1200)
    cloud.seed(BUCKET, "z/{n}", count=1150)

    done = function(timer())

    assert (done.report["status"], done.report["aborted"]) == ("complete", 3500)
    assert held(cloud) == []


def test_a_listing_whose_marker_stands_still_ends_in_an_error(cloud: Cloud, function: Function) -> None:
    """COS says that there is more, and says the same again when asked for it."""
    page = (
        "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker>"
        "<NextUploadIdMarker>1</NextUploadIdMarker></ListMultipartUploadsResult>"
    )
    cloud.fault("ListMultipartUploads", bucket=BUCKET, raw=page, status=200)
    before = cloud.mark()

    done = function(timer(buckets=[BUCKET]))

    assert isinstance(done.error, RunFailed)
    assert "marker does not advance" in done.lines("bucket.failed")[0]["detail"]
    assert len(cloud.requests(before)) == 1 + 8


def test_a_page_is_one_line_of_the_log_with_cos_request_ids(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "{n:04}", count=1500)

    done = function(timer(buckets=[BUCKET]))

    pages = done.lines("page.processed")
    requests = {request.request_id: request.operation for request in cloud.requests()}
    assert sorted(page["aborted"] for page in pages) == [500, 1000]
    assert {requests[page["cos_request_id"]] for page in pages} == {"ListMultipartUploads"}
    assert {requests[page["cos_request_id_of_last_abort"]] for page in pages} == {"AbortMultipartUpload"}
    assert all(len(line) < 8192 for line in done.output.splitlines())


def test_a_time_limit_within_a_bucket_ends_the_run_as_partial_with_nothing_half_told(
    cloud: Cloud, function: Function
) -> None:
    cloud.seed(BUCKET, "{n:04}", count=1500)
    cloud.fault("*", delay_ms=20)
    before = cloud.mark()

    done = function(timer(), seconds=3, WORKERS="4")

    report = done.report
    assert report["status"] == "partial"
    assert report["stopped_because"] == "out of time"
    assert report["aborted"] + report["deferred"] == report["uploads"]
    assert len(held(cloud)) == 1500 - report["aborted"] > 0
    answered = [request for request in cloud.requests(before) if request.operation == "AbortMultipartUpload"]
    assert len(answered) == report["aborted"]
    assert {request.status for request in answered} == {204}


def test_max_aborts_is_a_limit_that_is_never_passed_and_reached_where_possible(
    cloud: Cloud, function: Function
) -> None:
    cloud.seed(BUCKET, "{n:04}", count=50)

    done = function(timer(max_aborts=7))
    capped = function(timer(), MAX_ABORTS="5", DRY_RUN="true")

    assert (done.report["status"], done.report["aborted"], done.report["deferred"]) == ("partial", 7, 43)
    assert (capped.report["would_abort"], capped.report["stopped_because"]) == (5, "")
    assert len(held(cloud)) == 43


def test_the_report_is_kept_where_the_settings_say(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET)

    done = function(timer(), REPORT=f"{PHOTOS}/sweeper-reports")

    (kept,) = cloud.objects(BUCKET)
    assert kept.key.startswith(f"sweeper-reports/{done.report['run_id']}/1-of-1.run-1.")
    assert kept.size > 300


def test_a_report_that_cannot_be_kept_is_said_and_undoes_nothing(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET)
    cloud.fault("PutObject", status=403, code="AccessDenied")

    done = function(timer(), REPORT=f"{PHOTOS}/reports")

    assert done.report["aborted"] == 1
    assert done.lines("report.store_failed")[0]["code"] == "AccessDenied"


# What the function itself needs


def test_every_wrong_setting_is_named_before_any_request(cloud: Cloud, function: Function) -> None:
    before = cloud.mark()

    done = function(timer(), BUCKETS="photos", MIN_AGE_HOURS="0", WORKERS="many")

    assert isinstance(done.error, BadSettings)
    assert [problem.split(":")[0] for problem in done.error.problems] == ["BUCKETS", "MIN_AGE_HOURS", "WORKERS"]
    assert cloud.requests(before) == []


def test_missing_credentials_are_named(function: Function) -> None:
    done = function(timer(), TENCENTCLOUD_SECRETID="", TENCENTCLOUD_SESSIONTOKEN="")

    assert isinstance(done.error, MissingCredentials)
    assert done.error.missing == ("TENCENTCLOUD_SECRETID", "TENCENTCLOUD_SESSIONTOKEN")
    assert all(name in str(done.error) for name in ("SECRETID", "SECRETKEY", "SESSIONTOKEN", "role"))


@pytest.mark.parametrize("broken", [{"BUCKETS": ""}, {"TENCENTCLOUD_SECRETKEY": ""}], ids=["settings", "credentials"])
def test_a_function_that_cannot_run_tells_a_stranger_nothing(broken: dict[str, Any], function: Function) -> None:
    done = function(post(event("direct")), **broken)

    assert status_of(done.answer) == 500
    assert set(done.report) == {"error"}
    assert not re.search(r"BUCKETS|TENCENTCLOUD", json.dumps(done.answer))


def test_credentials_are_read_at_every_invocation(cloud: Cloud, function: Function) -> None:
    function(timer())
    renewed = cloud.add_credentials(token="a-token-that-was-renewed-meanwhile", expires_in_seconds=3600)
    before = cloud.mark()

    function(timer())
    function(timer(), role=renewed)

    used = [request.secret_id for request in cloud.requests(before)]
    assert used == [cloud.role.secret_id] * 2 + [renewed.secret_id] * 2


def test_expired_credentials_fail_for_now_because_the_platform_renews_them(cloud: Cloud, function: Function) -> None:
    uploads = seeded(cloud, 1)
    expired = cloud.add_credentials(token="a-token-that-has-expired", expires_in_seconds=-1)

    done = function(post(*uploads), role=expired)

    assert status_of(done.answer) == 503
    assert done.report["failures_by_code"] == {"ExpiredToken": 1}


def test_a_defect_reaches_the_platform_as_one_of_ours_and_says_what_to_do(
    cloud: Cloud, function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*_: object) -> None:
        raise ZeroDivisionError(f"while holding {cloud.role.secret_key}")

    monkeypatch.setattr(plan, "build_plan", defect)

    done = function(timer())

    assert isinstance(done.error, InternalError)
    assert "ZeroDivisionError at test_index.py" in str(done.error)
    assert "report" in str(done.error)
    assert done.error.__suppress_context__
    assert "ZeroDivisionError" in done.lines("run.crashed")[0]["trace"]
    assert cloud.role.secret_key not in done.output


@pytest.mark.parametrize("context", [None, {}, {"time_limit_in_ms": "3000"}, []], ids=repr)
def test_an_odd_context_is_no_reason_to_fail(context: object, cloud: Cloud, function: Function) -> None:
    first: Seeded = cloud.seed(BUCKET)[0]

    done = function(named(BUCKET, first.key, first.upload_id), context=context)

    assert done.report["aborted"] == 1
