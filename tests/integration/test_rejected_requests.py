"""
What is asked for and not done: a sweep that does not happen fails, a message that cannot be used blocks nothing.
"""

import json
from typing import Any

import pytest

from tests.emulator.public import Cloud
from tests.fixtures import TOKEN
from tests.function import LOGS, PHOTOS, Function, event, timer
from tests.integration.chains import CHAIN_FAILED, LOG_BUCKET, PHOTO_BUCKET, Chain, kafka, post, uploads_of
from tests.integration.events import batch
from tests.integration.objects import run_reports, stored
from tests.integration.platform import Platform, counted, left, status

REPORT = f"{PHOTOS}/reports"


def message(text: str) -> dict[str, Any]:
    """A timer's event with this Message."""
    return {**event("timer"), "Message": text}


def raised(result: Any) -> bool:
    return type(result.error).__name__ == "RunFailed"


MESSAGES = [
    ("typo", '{"bukets": ["photos-1250000000"]}'),
    ("no_json", "photos-1250000000"),
    ("cut", '{"buckets": ['),
    ("list", "[]"),
    ("text", '"dry_run"'),
    ("twice", '{"dry_run": true, "dry_run": false}'),
    ("unknown_bucket", '{"buckets": ["other-1250000000"]}'),
    ("bucket_with_region", '{"buckets": ["photos-1250000000@ap-guangzhou"]}'),
    ("too_young", '{"min_age_hours": 1}'),
    ("too_busy", '{"min_idle_hours": 0}'),
    ("too_many", '{"max_aborts": 1000000}'),
    ("no_number", '{"max_aborts": "5"}'),
    ("zero", '{"max_aborts": 0}'),
    ("no_flag", '{"dry_run": "true"}'),
    ("no_buckets", '{"buckets": []}'),
    ("outside", '{"prefixes": ["elsewhere/"]}'),
    ("no_prefix", '{"prefixes": ["/raw/"]}'),
]


@pytest.mark.parametrize("text", [text for _, text in MESSAGES], ids=[name for name, _ in MESSAGES])
def test_sweep_that_does_not_happen_is_failed_and_raises(text: str, cloud: Cloud, platform: Platform) -> None:
    cloud.seed(PHOTO_BUCKET, "raw/1", hours_since_start=5000)

    result = platform.run(message(text), MAX_ABORTS="100", PREFIXES="raw/", REPORT=REPORT)

    assert raised(result)
    assert (status(result), left(cloud, PHOTO_BUCKET)) == ("failed", ["raw/1"])
    assert result.lines("request.rejected")
    (report,) = run_reports(cloud, PHOTOS)
    assert (report["status"], report["failures_by_code"]) == ("failed", {"SweepRejected": 1})
    assert len(stored(cloud, PHOTOS, "reports/rejected/")) == 1


@pytest.mark.parametrize("settings", [{"BUCKETS": PHOTOS, "EXCLUDE_BUCKETS": PHOTO_BUCKET}], ids=["all_excluded"])
def test_sweep_without_a_bucket_is_failed_and_raises(settings: dict[str, str], function: Function) -> None:
    result = function(timer(), **settings)  # type: ignore[arg-type]

    assert (raised(result), status(result)) == (True, "failed")


def test_sweep_of_which_a_part_does_not_happen_sweeps_the_rest_and_is_failed(cloud: Cloud, platform: Platform) -> None:
    for bucket in (PHOTO_BUCKET, LOG_BUCKET):
        cloud.seed(bucket, "{n}", count=3)

    result = platform.run(timer(buckets=[PHOTO_BUCKET, LOG_BUCKET]), BUCKETS=PHOTOS)

    assert (result.error, status(result)) == (None, "failed")
    assert (counted([result])["aborted"], len(left(cloud))) == (3, 3)
    assert platform.failures()[0][CHAIN_FAILED]["codes"] == ["SweepRejected"]


@pytest.mark.parametrize("fan_out", ["1", "3"])
def test_chain_of_which_a_part_does_not_happen_fails_at_its_end(fan_out: str, cloud: Cloud, platform: Platform) -> None:
    cloud.seed(PHOTO_BUCKET, "{n}", count=30)
    cloud.fault("AbortMultipartUpload", count=1, status=409, code="UploadConflict")

    result = platform.play(timer(buckets=[PHOTO_BUCKET, LOG_BUCKET]), BUCKETS=PHOTOS, FAN_OUT=fan_out)

    assert len(result) > 1
    assert "failed" in {status(one) for one in result}
    assert len(platform.failures()) == 1
    assert left(cloud, PHOTO_BUCKET) == []


def test_platform_counts_an_error_for_a_sweep_that_does_not_happen(chain: Chain) -> None:
    chain.cloud.fire_timer('{"bukets": []}')

    runs = chain.finish()

    assert [one.end for one in runs] == ["raised"] * 3
    assert len(chain.cloud.scf()["dead_letters"]) == 1


# Messages of queues and callers


BROKEN: list[Any] = ["no JSON", "{}", '{"bucket": 5}', "[]", '{"bucket": "photos-1250000000", "key": "a"}', ""]


@pytest.mark.parametrize("text", BROKEN)
def test_message_that_cannot_be_used_is_rejected_without_raising(text: str, cloud: Cloud, function: Function) -> None:
    result = function(batch(text), REPORT=REPORT)

    assert (result.error, status(result)) == (None, "rejected")
    assert len(stored(cloud, PHOTOS, "reports/rejected/")) == 1


def test_message_that_cannot_be_used_does_not_stop_the_others_of_its_batch(cloud: Cloud, function: Function) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    bodies = [json.dumps(one) for one in uploads_of(PHOTO_BUCKET, seeded)["uploads"]]

    result = function(batch("no JSON", *bodies, "{}"), REPORT=REPORT)

    assert (counted([result]), left(cloud, PHOTO_BUCKET)) == ({"aborted": 3, "rejected": 2}, [])
    assert (result.error, status(result)) == (None, "rejected")


def test_upload_outside_the_allowed_buckets_is_rejected(cloud: Cloud, function: Function) -> None:
    cloud.seed(LOG_BUCKET, "1")

    queue = function(kafka(LOG_BUCKET, cloud.seed(LOG_BUCKET, "2")), BUCKETS=PHOTOS)
    caller = function(post(LOG_BUCKET, cloud.seed(LOG_BUCKET, "3")), BUCKETS=PHOTOS)

    assert status(queue) == "rejected"
    assert caller.answer is not None
    assert caller.answer["statusCode"] == 400
    assert len(left(cloud)) == 3


# Where rejected events are kept


@pytest.mark.parametrize("case", ["hangs", "refuses", "is missing"])
def test_report_bucket_that_fails_does_not_cost_the_work(case: str, cloud: Cloud, function: Function) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    bodies = [json.dumps(one) for one in uploads_of(PHOTO_BUCKET, seeded)["uploads"]]
    if case == "hangs":
        cloud.hang(LOG_BUCKET)
    elif case == "refuses":
        cloud.fault("PutObject", status=403, code="AccessDenied")
    else:
        cloud.delete_bucket(LOG_BUCKET)

    result = function(batch("no JSON", *bodies), REPORT=f"{LOGS}/reports", BUCKETS=PHOTOS, seconds=1.5)

    assert (result.error, counted([result])) == (None, {"aborted": 3, "rejected": 1})
    assert left(cloud, PHOTO_BUCKET) == []
    (line,) = result.lines("rejected_event.store_failed")
    assert (line["level"], line["bucket"]) == ("error", LOGS)
    assert result.lines("request.rejected")[0]["event_digest"]


def test_rejected_events_are_stored_after_the_work(cloud: Cloud, function: Function) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    bodies = [json.dumps(one) for one in uploads_of(PHOTO_BUCKET, seeded)["uploads"]]

    function(batch("no JSON", *bodies), REPORT=REPORT)

    requests = [one.operation for one in cloud.requests()]
    assert requests.index("PutObject") > max(n for n, one in enumerate(requests) if one == "AbortMultipartUpload")


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 503, "code": "ServiceUnavailable"},
        {"status": 403, "code": "AccessDenied"},
        {"status": 403, "code": "ExpiredToken"},
        {"body": "malformed"},
    ],
    ids=lambda fault: str(fault.get("code", fault.get("body"))),
)
def test_batch_is_kept_when_the_list_of_buckets_cannot_be_read(
    fault: dict[str, Any], cloud: Cloud, platform: Platform
) -> None:
    """What concerns every message alike is no reason to drop one of them."""
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    cloud.fault("GetService", **fault)

    queue = platform.run(kafka(PHOTO_BUCKET, seeded), BUCKETS="*")
    direct = platform.run(uploads_of(PHOTO_BUCKET, seeded), BUCKETS="*")
    sweep = platform.run(timer(), BUCKETS="*")
    caller = platform.run(post(PHOTO_BUCKET, seeded), BUCKETS="*")

    assert [raised(one) for one in (queue, direct, sweep)] == [True] * 3
    assert caller.answer is not None
    assert caller.answer["statusCode"] == 503
    assert len(left(cloud, PHOTO_BUCKET)) == 3
    assert platform.offered == []


@pytest.mark.parametrize("settings", [{"MAX_ABORTS": "many"}, {"BUCKETS": ""}, {"TENCENTCLOUD_SECRETID": ""}], ids=str)
def test_batch_is_kept_when_settings_or_credentials_are_broken(
    settings: dict[str, str], cloud: Cloud, function: Function
) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)

    queue = function(kafka(PHOTO_BUCKET, seeded), **settings)  # type: ignore[arg-type]
    caller = function(post(PHOTO_BUCKET, seeded), **settings)  # type: ignore[arg-type]

    assert queue.error is not None
    assert caller.answer is not None
    assert caller.answer["statusCode"] == 500
    assert TOKEN not in json.dumps(caller.answer)


# The time limit


@pytest.mark.parametrize(("seconds", "warnings"), [(10, 1), (59, 1), (60, 0), (900, 0)])
def test_time_limit_below_a_minute_is_warned_about_once(
    seconds: int, warnings: int, cloud: Cloud, function: Function
) -> None:
    cloud.seed(PHOTO_BUCKET, "{n}", count=3)

    result = function(timer(), seconds=seconds)

    lines = result.lines("time_limit.short")
    assert [(line["level"], line["seconds"]) for line in lines] == [("warning", seconds)] * warnings


@pytest.mark.parametrize("context", [{}, {"time_limit_in_ms": "900000"}, {"time_limit_in_ms": -1}, None, []], ids=repr)
def test_time_limit_that_the_platform_does_not_give_is_taken_to_be_short(context: object, function: Function) -> None:
    result = function(timer(), context=context)

    assert [line["seconds"] for line in result.lines("time_limit.short")] == [3]
