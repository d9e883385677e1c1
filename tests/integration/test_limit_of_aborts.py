"""
MAX_ABORTS holds for everything that follows from one event: every run, every retry, every delivery.
"""

import json
from typing import Any

import pytest

from tests.emulator.public import Cloud, Seeded
from tests.function import PHOTOS, Function, event, timer
from tests.integration.chains import LOG_BUCKET, PHOTO_BUCKET, Chain, gone, kafka, post, statuses, totals, uploads_of
from tests.integration.objects import stored
from tests.integration.platform import Platform, counted, status

REPORT = f"{PHOTOS}/reports"


def left(cloud: Cloud, bucket: str = PHOTO_BUCKET) -> list[str]:
    return [one.key for one in cloud.uploads(bucket)]


def keys(seeded: list[Seeded]) -> list[str]:
    return [one.key for one in seeded]


# Named uploads


@pytest.mark.parametrize("make", [uploads_of, kafka], ids=["direct", "ckafka"])
def test_event_delivered_ten_times_aborts_the_same_ten_uploads_and_nothing_further(
    make: Any, cloud: Cloud, function: Function
) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n:03}", count=100)
    raw = make(PHOTO_BUCKET, seeded[::-1])

    result = [function(raw, MAX_ABORTS="10") for _ in range(10)]

    assert left(cloud) == keys(seeded[:90])
    assert [one.report["aborted"] for one in result] == [10] + [0] * 9
    assert [one.report["already_gone"] for one in result] == [0] + [10] * 9
    assert {(one.report["status"], one.report["deferred"]) for one in result} == {("partial", 90)}


@pytest.mark.parametrize("denied", ["raw/000", "raw/009"])
def test_upload_that_cannot_be_aborted_uses_its_place(denied: str, cloud: Cloud, function: Function) -> None:
    """A batch that is delivered again because something failed reaches no further."""
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n:03}", count=30)
    cloud.fault("AbortMultipartUpload", key=denied, status=503, code="ServiceUnavailable")
    raw = kafka(PHOTO_BUCKET, seeded)

    result = [function(raw, MAX_ABORTS="10") for _ in range(5)]

    assert {type(one.error).__name__ for one in result} == {"RunFailed"}
    assert left(cloud) == sorted([denied, *keys(seeded[10:])])


def test_upload_that_the_policy_keeps_uses_its_place(cloud: Cloud, function: Function) -> None:
    live = cloud.seed(PHOTO_BUCKET, "live/{n}", count=4, hours_since_last_part=0)
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n:03}", count=20)

    result = function(uploads_of(PHOTO_BUCKET, live + seeded), MAX_ABORTS="10", EVENT_MIN_IDLE_MINUTES="60")

    assert (result.report["aborted"], result.report["kept"], result.report["deferred"]) == (6, 4, 14)


def test_upload_named_twice_uses_one_place(cloud: Cloud, function: Function) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n:03}", count=12)

    result = function(kafka(PHOTO_BUCKET, seeded[:5] * 3 + seeded[5:]), MAX_ABORTS="10")

    assert (result.report["aborted"], result.report["deferred"]) == (10, 2)


def test_http_response_names_every_upload_with_its_outcome_and_is_partial(cloud: Cloud, function: Function) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n:03}", count=30)

    result = function(post(PHOTO_BUCKET, seeded), MAX_ABORTS="10")

    assert result.answer is not None
    assert result.answer["statusCode"] == 200
    assert result.report["status"] == "partial"
    outcomes = {one["key"]: one["outcome"] for one in result.report["details"]}
    assert outcomes == {**dict.fromkeys(keys(seeded[:10]), "aborted"), **dict.fromkeys(keys(seeded[10:]), "deferred")}
    assert {one["reason"] for one in result.report["details"] if one["outcome"] == "deferred"} == {
        "the limit of aborts is reached"
    }


@pytest.mark.parametrize("location", ["", REPORT], ids=["no_report", "report"])
@pytest.mark.parametrize("make", [uploads_of, kafka, post], ids=["direct", "ckafka", "http"])
def test_uploads_beyond_the_limit_have_a_log_line_each(
    make: Any, location: str, cloud: Cloud, function: Function
) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n:03}", count=15)

    result = function(make(PHOTO_BUCKET, seeded), MAX_ABORTS="10", REPORT=location)

    lines = result.lines("upload.over_limit")
    assert {(one["level"], one["bucket"], one["key"], one["upload_id"]) for one in lines} == {
        ("warning", PHOTOS, one.key, one.upload_id) for one in seeded[10:]
    }


@pytest.mark.parametrize("make", [uploads_of, kafka, post], ids=["direct", "ckafka", "http"])
def test_uploads_beyond_the_limit_are_stored_as_events_that_can_be_sent_again(
    make: Any, cloud: Cloud, function: Function
) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n:03}/\u00e9 +%41", count=25)
    function(make(PHOTO_BUCKET, seeded), MAX_ABORTS="10", REPORT=REPORT)
    (first,) = stored(cloud, PHOTOS, "reports/over-limit/").values()

    result = function(first, MAX_ABORTS="10", REPORT=REPORT)

    assert (result.report["status"], result.report["aborted"]) == ("partial", 10)
    assert left(cloud) == keys(seeded[20:])
    rest = [one for one in stored(cloud, PHOTOS, "reports/over-limit/").values() if one != first]
    last = function(rest[0], MAX_ABORTS="10", REPORT=REPORT)
    assert (len(rest), last.report["status"], last.report["aborted"], left(cloud)) == (1, "complete", 5, [])


def test_chain_that_left_uploads_beyond_the_limit_ends_as_partial(cloud: Cloud, platform: Platform) -> None:
    """Who looks at its last report only must not take it for complete."""
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n:03}", count=40)
    cloud.fault("ListParts", delay_ms=200)

    result = platform.play(uploads_of(PHOTO_BUCKET, seeded), seconds=2, MAX_ABORTS="20", WORKERS="2")

    assert len(result) > 1
    assert (len(left(cloud)), [status(one) for one in result]) == (20, ["partial"] * len(result))


def test_event_delivered_again_stores_its_uploads_beyond_the_limit_once(cloud: Cloud, function: Function) -> None:
    raw = kafka(PHOTO_BUCKET, cloud.seed(PHOTO_BUCKET, "raw/{n:03}", count=15))

    for _ in range(3):
        function(raw, MAX_ABORTS="10", REPORT=REPORT)

    assert len(stored(cloud, PHOTOS, "reports/over-limit/")) == 1


def test_stored_events_are_small_enough_to_be_sent_again(cloud: Cloud, function: Function) -> None:
    """Keys of the longest kind, which take six characters for each in JSON."""
    seeded = cloud.seed(PHOTO_BUCKET, "\u00e9" * 400 + "{n:04}", count=200)

    function(post(PHOTO_BUCKET, seeded), MAX_ABORTS="1", REPORT=REPORT)

    events = stored(cloud, PHOTOS, "reports/over-limit/").values()
    assert max(len(json.dumps(one)) for one in events) <= 128_000
    assert sorted(one["key"] for each in events for one in each["uploads"]) == keys(seeded[1:])


def test_dry_run_stops_at_the_limit(cloud: Cloud, function: Function) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n:03}", count=15)

    named = function(uploads_of(PHOTO_BUCKET, seeded), MAX_ABORTS="10", DRY_RUN="true")
    swept = function(timer(), MAX_ABORTS="10", DRY_RUN="true")

    assert [(one.report["would_abort"], one.report["status"]) for one in (named, swept)] == [(10, "partial")] * 2
    assert left(cloud) == keys(seeded)


def test_limit_of_none_lifts_the_limit(cloud: Cloud, function: Function) -> None:
    result = function(kafka(PHOTO_BUCKET, cloud.seed(PHOTO_BUCKET, "raw/{n:03}", count=60)), MAX_ABORTS="none")

    assert (result.report["status"], result.report["aborted"]) == ("complete", 60)


# Sweeps


def test_sweep_at_its_limit_is_partial_and_names_what_it_did_not_sweep(cloud: Cloud, function: Function) -> None:
    cloud.seed(PHOTO_BUCKET, "raw/{n:03}", count=30)
    cloud.seed(LOG_BUCKET, "{n}", count=30)

    result = function(timer(), MAX_ABORTS="10")

    assert (result.report["status"], result.report["aborted"]) == ("partial", 10)
    assert len(left(cloud)) + len(left(cloud, LOG_BUCKET)) == 50
    assert any(LOG_BUCKET in one for one in result.report["not_swept"])
    assert any(PHOTO_BUCKET in one for one in result.report["not_swept"])


@pytest.mark.parametrize("workers", ["1", "32"])
def test_upload_behind_the_limit_that_the_listing_keeps_is_kept(workers: str, cloud: Cloud, function: Function) -> None:
    cloud.seed(PHOTO_BUCKET, "a/{n}", count=3)
    cloud.seed(PHOTO_BUCKET, "b/{n}", count=4, hours_since_start=1)

    report = function(timer(), MAX_ABORTS="1", WORKERS=workers).report

    assert (report["aborted"], report["deferred"], report["kept"]) == (1, 2, 4)


def test_sweep_that_ends_exactly_at_its_limit_is_complete(cloud: Cloud, function: Function) -> None:
    cloud.seed(PHOTO_BUCKET, "raw/{n:03}", count=10)

    result = function(timer(buckets=[PHOTO_BUCKET]), MAX_ABORTS="10")

    assert (result.report["status"], result.report["aborted"], left(cloud)) == ("complete", 10, [])


@pytest.mark.parametrize("workers", ["1", "32"])
def test_aborts_that_cos_rejects_do_not_use_up_the_limit(workers: str, cloud: Cloud, function: Function) -> None:
    """Otherwise a few uploads that answer 403 keep everything else from being aborted, night after night."""
    cloud.seed(PHOTO_BUCKET, "denied/{n}", count=12)
    cloud.seed(PHOTO_BUCKET, "raw/{n:03}", count=30)
    cloud.fault("AbortMultipartUpload", key_prefix="denied/", status=403, code="AccessDenied")

    result = function(timer(), MAX_ABORTS="10", WORKERS=workers)

    outcomes = counted([result])
    assert outcomes["aborted"] == 10
    assert outcomes["failed"] + outcomes["deferred"] == 32
    assert workers != "1" or outcomes["failed"] == 12


def test_chain_goes_on_for_three_runs_however_few_aborts_are_allowed(cloud: Cloud, platform: Platform) -> None:
    """What is taken by aborts under way, and given back, is no limit that is reached."""
    cloud.seed(PHOTO_BUCKET, "raw/{n:03}", count=100)
    cloud.fault("AbortMultipartUpload", status=409, code="UploadConflict")

    result = platform.play(timer(), MAX_ABORTS="2", WORKERS="32")

    assert [status(one) for one in result] == ["partial", "partial", "failed"]
    assert counted(result) == {"failed": 100}


@pytest.mark.parametrize("fan_out", ["1", "4"])
def test_upload_that_answers_403_never_leads_to_more_aborts_than_the_limit(fan_out: str, chain: Chain) -> None:
    chain.cloud.seed(PHOTO_BUCKET, "raw/{n:03}", count=80)
    chain.cloud.fault("AbortMultipartUpload", key="raw/000", status=403, code="AccessDenied")
    chain.set_up(MAX_ABORTS="10", FAN_OUT=fan_out, WORKERS="1")

    runs = chain.sweep()

    assert len(chain.aborts()) <= 10
    assert totals(runs)["aborted"] == len(chain.aborts()) >= 9
    assert {one.end for one in runs} == {"returned"}
    assert "failed" in statuses(runs)
    assert {one.end for one in chain.failures()} == {"raised"}
    assert all(one.error and "AccessDenied" in one.error.message for one in chain.failures())


@pytest.mark.parametrize("fault", [{"status": 503, "code": "SlowDown"}, {"status": 409, "code": "UploadConflict"}])
def test_retries_of_failed_uploads_stay_within_the_limit(fault: dict[str, Any], chain: Chain) -> None:
    chain.cloud.seed(PHOTO_BUCKET, "raw/{n:03}", count=40)
    chain.cloud.fault("AbortMultipartUpload", probability=0.3, count=12, **fault)
    chain.set_up(MAX_ABORTS="20")

    runs = chain.sweep()

    assert len(chain.aborts()) <= 20
    assert totals(runs)["aborted"] == len(chain.aborts())


def test_named_uploads_are_limited_over_all_runs_and_platform_retries(chain: Chain) -> None:
    seeded = chain.cloud.seed(PHOTO_BUCKET, "raw/{n:03}", count=100)
    chain.cloud.fault("AbortMultipartUpload", key="raw/003", status=403, code="AccessDenied")
    chain.set_up(MAX_ABORTS="10")

    runs = chain.send(uploads_of(PHOTO_BUCKET, seeded))

    assert {one.key for one in chain.aborts()} == set(keys(seeded[:10])) - {"raw/003"}
    assert totals(runs) == {"aborted": 9, "failed": 1, "deferred": 90}
    assert len(chain.failures()) == 3


@pytest.mark.sampled(1)
@pytest.mark.parametrize("fan_out", ["1", "3"])
def test_limit_holds_for_a_sweep_of_many_runs(fan_out: str, chain: Chain) -> None:
    chain.cloud.seed(PHOTO_BUCKET, "raw/{n:03}", count=200)
    chain.cloud.fault(delay_ms=150)
    chain.set_up(seconds=2, MAX_ABORTS="50", WORKERS="8", FAN_OUT=fan_out)

    runs = chain.sweep()

    assert len(chain.aborts()) == gone(runs) <= 50
    assert fan_out != "1" or len(chain.aborts()) == 50
    assert max(one.answer["run"] for one in runs) > 1
    assert "partial" in statuses(runs)
    assert len(chain.left()) == 200 - len(chain.aborts())


def test_run_that_aborted_something_does_not_raise_while_it_can_invoke_itself(chain: Chain) -> None:
    chain.cloud.seed(PHOTO_BUCKET, "raw/{n:03}", count=3)
    chain.cloud.fault("ListMultipartUploads", bucket=LOG_BUCKET, status=403, code="AccessDenied")

    (run,) = chain.sweep()

    assert (run.end, run.answer["status"], run.answer["aborted"]) == ("returned", "failed", 3)
    assert len(chain.failures()) == 3
    assert len(chain.requests("ListMultipartUploads", LOG_BUCKET)) == 1


@pytest.mark.parametrize(
    ("fault", "maximum"),
    [({"body": "empty"}, 10), ({"body": "malformed"}, 10), ({"reset": "after"}, 10), ({"body": "truncated"}, 10)],
    ids=str,
)
def test_abort_that_took_place_counts_whatever_the_response_was(
    fault: dict[str, Any], maximum: int, cloud: Cloud, platform: Platform
) -> None:
    """A gateway that answers 200 in place of 204, or nothing, has aborted all the same."""
    cloud.seed(PHOTO_BUCKET, "raw/{n:03}", count=100)
    cloud.fault("AbortMultipartUpload", **fault)

    result = platform.play(timer(), MAX_ABORTS="10")

    assert len(left(cloud)) >= 100 - maximum
    assert "complete" not in [status(one) for one in result]


def test_upload_that_is_not_abandoned_is_kept_although_the_limit_is_reached_before_it(
    cloud: Cloud, platform: Platform
) -> None:
    """It is none of those that are left."""
    cloud.seed(PHOTO_BUCKET, "a/{n:03}", count=100)
    cloud.seed(PHOTO_BUCKET, "b/{n:03}", count=50, hours_since_start=1)

    (result,) = platform.play(timer(buckets=[PHOTO_BUCKET]), MAX_ABORTS="2")

    assert result.answer is not None
    assert (result.answer["aborted"], result.answer["deferred"], result.answer["kept"]) == (2, 98, 50)


def test_uploads_of_an_event_that_travel_in_many_checkpoints_are_all_within_the_limit(
    cloud: Cloud, platform: Platform
) -> None:
    """Each checkpoint may abort what it names, however many uploads fit into it."""
    seeded = [one for n in range(2) for one in cloud.seed(PHOTO_BUCKET, f"{n}-{{n:03}}-{'x' * 700}", count=300)]
    cloud.fault("ListParts", skip=20, count=40, delay_ms=4000)
    platform.run(kafka(PHOTO_BUCKET, seeded), seconds=4, MAX_ABORTS="600")
    cloud.heal()

    rest = [platform.run(platform.take(), MAX_ABORTS="600") for _ in platform.checkpoints()]

    assert len(rest) > 2
    assert left(cloud) == []
    assert {status(one) for one in rest} == {"complete"}


# What travels: as few invocations as possible, and no scan without a word


def test_continuation_at_fan_out_1_is_one_invocation(chain: Chain) -> None:
    """Uploads, buckets and prefixes of one run fit into one checkpoint."""
    chain.cloud.seed(PHOTO_BUCKET, "raw/{n:03}", count=60)
    chain.cloud.seed(LOG_BUCKET, "{n:03}", count=60)
    chain.cloud.fault(delay_ms=200)
    chain.set_up(seconds=1.5, MAX_ABORTS="110", FAN_OUT="1")

    runs = chain.sweep()

    assert len(runs) > 1
    assert {one.answer["continuations"] for one in runs[:-1]} == {1}
    assert [one.answer["run"] for one in runs] == list(range(1, len(runs) + 1))


def test_listings_without_an_allowance_are_named_and_not_dropped(chain: Chain) -> None:
    """Two aborts are spent under the first of twenty prefixes."""
    prefixes = [f"{n:02}/" for n in range(20)]
    chain.cloud.seed(PHOTO_BUCKET, "00/{n:02}", count=10)
    chain.cloud.seed(PHOTO_BUCKET, "19/{n}", count=3)
    chain.set_up(MAX_ABORTS="2", FAN_OUT="8", WORKERS="1")

    runs = chain.sweep(buckets=[PHOTO_BUCKET], prefixes=prefixes)

    shards = [one for one in runs if one.answer["run"] > 1]
    assert len(chain.aborts()) == len(shards) == 2
    assert statuses(shards) == ["partial"] * 2
    assert all(any("19/" in one for one in run.answer["not_swept"]) for run in shards)


def test_completed_object_never_leads_to_more_aborts_than_the_limit(cloud: Cloud, function: Function) -> None:
    cloud.seed(PHOTO_BUCKET, "raw/1.mp4", count=30, parts=4, hours_since_start=2000, hours_since_last_part=1990)
    raw = event("cos_completed")
    raw["Records"][0]["cos"]["cosObject"]["key"] = "/1250000000/photos/raw/1.mp4"
    raw["Records"][0]["cos"]["cosObject"]["url"] = "http://photos-1250000000.cos.ap-guangzhou.myqcloud.com/raw/1.mp4"
    raw["Records"][0]["event"]["eventTime"] = 10**10

    result = function(raw, MAX_ABORTS="10")

    assert (result.report["aborted"], result.report["status"], len(left(cloud))) == (10, "partial", 20)
