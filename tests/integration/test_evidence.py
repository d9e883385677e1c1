"""
The evidence for an abort is seconds old when the abort is sent, retries included.
"""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.emulator.public import Cloud
from tests.function import Function, Invocation, event, named, timer
from tests.integration.events import completed
from tests.integration.evidence import BUCKET, PART_RECENT, sweep
from tests.integration.little_cos import LittleCos, Part, Seen

LOOK, ABORT = "ListParts", "AbortMultipartUpload"
NEW_PART = "a part arrived during the check"
FAULT: dict[str, dict[str, Any]] = {
    "SlowDown": {"status": 503, "code": "SlowDown"},
    "ServiceUnavailable": {"status": 503, "code": "ServiceUnavailable"},
    "InternalError": {"status": 500, "code": "InternalError"},
    "RequestTimeout": {"status": 400, "code": "RequestTimeout"},
    "reset": {"reset": "before"},
}


def operations(cloud: Cloud, key: str = "a") -> list[str]:
    """What was asked about one key, in order."""
    return [request.operation for request in cloud.requests() if request.key == key]


def report_of(result: Invocation) -> dict[str, Any]:
    """The counts of a run, also of one that raised."""
    (line,) = result.lines("run.finished")
    return line


@pytest.mark.parametrize("fault", FAULT.values(), ids=FAULT)
@pytest.mark.parametrize("times", [1, 2, 3, 4])
def test_abort_is_attempted_three_times_at_most_each_after_its_own_look(
    times: int, fault: dict[str, Any], cloud: Cloud, function: Function
) -> None:
    cloud.seed(BUCKET, "a")
    cloud.fault(ABORT, count=times, **fault)

    result = sweep(function, VERIFY="none")

    assert operations(cloud) == [LOOK, ABORT] * min(times + 1, 3)
    assert (report_of(result)["aborted"], report_of(result)["failed"]) == ((1, 0) if times < 3 else (0, 1))
    assert len(cloud.uploads(BUCKET)) == report_of(result)["failed"]


def test_abort_whose_response_is_lost_is_looked_up_and_no_bytes_are_claimed(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "a")
    cloud.fault(ABORT, reset="after")

    result = sweep(function)

    assert operations(cloud) == [LOOK, ABORT, LOOK]
    assert (result.report["already_gone"], result.report["aborted"], result.report["bytes_freed"]) == (1, 0, 0)
    assert cloud.uploads(BUCKET) == []


@pytest.mark.parametrize("fault", FAULT.values(), ids=FAULT)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("attempt", [0, 1])
@pytest.mark.parametrize("floor", ["sweep", "named"])
def test_part_that_arrives_while_an_abort_is_attempted_keeps_the_upload(
    floor: str, attempt: int, when: str, fault: dict[str, Any], cloud: Cloud, function: Function
) -> None:
    (upload,) = cloud.seed(BUCKET, "a")
    if attempt:
        cloud.fault(ABORT, count=attempt, **fault)
    cloud.fault(ABORT, count=1, part={"when": when}, **fault)

    if floor == "sweep":
        result = sweep(function)
    else:
        result = function(named(BUCKET, "a", upload.upload_id), EVENT_MIN_IDLE_MINUTES="1")

    assert (result.report["kept_by_reason"], result.report["aborted"]) == ({PART_RECENT: 1}, 0)
    assert operations(cloud) == [*[LOOK, ABORT] * (attempt + 1), LOOK]
    assert [(held.upload_id, held.parts) for held in cloud.uploads(BUCKET)] == [(upload.upload_id, 2)]


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("fault", FAULT.values(), ids=FAULT)
def test_part_that_arrives_while_a_look_is_attempted_keeps_the_upload(
    fault: dict[str, Any], times: int, cloud: Cloud, function: Function
) -> None:
    cloud.seed(BUCKET, "a")
    if times > 1:
        cloud.fault(LOOK, count=times - 1, **fault)
    cloud.fault(LOOK, count=1, part={"when": "after"}, **fault)

    result = sweep(function)

    assert (result.report["kept_by_reason"], result.report["aborted"]) == ({PART_RECENT: 1}, 0)
    assert ABORT not in operations(cloud)


@pytest.mark.parametrize(
    ("page", "when", "number"),
    [
        (0, "before", 1),
        (0, "before", 2500),
        (0, "after", 1001),
        (1, "before", 1500),
        (1, "after", 2001),
        (2, "before", 2),
    ],
)
def test_part_that_arrives_before_its_page_is_read_keeps_the_upload(
    page: int, when: str, number: int, cloud: Cloud, function: Function
) -> None:
    cloud.seed(BUCKET, "a", part_numbers=[one for one in range(1, 2501) if one != number or page == 2])
    # The next look, which follows a rejected abort, shows a part that arrived on a page already read.
    cloud.fault(LOOK, skip=page, count=1, part={"when": when, "number": number})
    cloud.fault(ABORT, count=1, status=503, code="SlowDown")

    result = sweep(function)

    assert (result.report["kept_by_reason"], result.report["aborted"]) == ({PART_RECENT: 1}, 0)
    assert len(cloud.uploads(BUCKET)) == 1


def test_upload_whose_look_takes_long_is_looked_at_again_and_kept_where_a_part_arrived_meanwhile(
    cloud: Cloud, function: Function
) -> None:
    for key in ("quiet", "replaced", "inserted", "slow"):
        cloud.seed(BUCKET, key, part_numbers=[number for number in range(1, 1502) if number != 7])
    second_page: dict[str, Any] = {"skip": 1, "count": 1, "delay_ms": 2100}
    cloud.fault(LOOK, key="quiet", **second_page)
    cloud.fault(LOOK, key="replaced", part={"when": "before", "number": 1}, **second_page)
    cloud.fault(LOOK, key="inserted", part={"when": "before", "number": 7}, **second_page)
    cloud.fault(LOOK, key="slow", skip=1, delay_ms=2100)

    report = function(timer(buckets=[BUCKET]), VERIFY="none").report

    assert (report["aborted"], report["deferred"], report["status"]) == (2, 0, "complete")
    assert report["kept_by_reason"] == {PART_RECENT: 2}
    assert sorted(upload.key for upload in cloud.uploads(BUCKET)) == ["inserted", "replaced"]
    # The second look asks for all pages at once: it may take as long as its evidence is good for.
    assert operations(cloud, "quiet") == operations(cloud, "slow") == [LOOK] * 4 + [ABORT]


def test_second_look_asks_for_every_page_at_once_and_must_show_the_same_parts() -> None:
    changes: dict[str, list[Part]] = {
        "same": [],
        "one more": [Part(4, etag='"e"')],
        "a page more": [Part(9)],
        "another etag": [Part(2, etag='"f"')],
        "another size": [Part(2, size=7)],
        "another time": [Part(2, hours=90)],
    }
    with LittleCos() as cos:
        cos.page_size = 2

        def change(seen: Seen) -> None:
            """At the first request of the second look, whichever page it is for."""
            key = (seen.key, seen.upload_id)
            if seen.operation == LOOK and seen.number == 3 and key in cos.uploads:
                parts = {part.number: part for part in [*cos.uploads[key], *changes[seen.key]]}
                cos.uploads[key] = [parts[number] for number in sorted(parts)]

        cos.hook = change
        # The last page of the first look is slow; those of the second one are under way together.
        cos.slow = lambda seen: 2.1 if (seen.operation, seen.number) == (LOOK, 2) else 0.1
        for key in changes:
            cos.put(key, *(Part(number) for number in (1, 2, 3, 6, 7, 8)))

        report = cos.function(timer(buckets=[BUCKET]), WORKERS="6", VERIFY="none").report

        assert (report["aborted"], report["kept_by_reason"]) == (1, {NEW_PART: 5})
        assert sorted(key for key, _ in cos.uploads) == sorted(set(changes) - {"same"})
        for key in changes:
            markers = [seen.marker for seen in cos.seen if (seen.key, seen.operation) == (key, LOOK)]
            assert (markers[:3], sorted(markers[3:])) == ([0, 2, 6], [0, 2, 6])
        assert cos.maximum > 6


def test_named_upload_without_an_idle_time_is_aborted_without_another_look(cloud: Cloud, function: Function) -> None:
    (upload,) = cloud.seed(BUCKET, "a", hours_since_start=0)
    cloud.fault(ABORT, count=2, status=503, code="SlowDown")

    result = function(named(BUCKET, "a", upload.upload_id))

    assert operations(cloud) == [LOOK, ABORT, ABORT, ABORT, LOOK]
    assert result.report["aborted"] == 1


def test_upload_that_is_gone_at_the_abort_is_no_failure(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "a")
    cloud.fault(ABORT, status=404, code="NoSuchUpload")

    result = sweep(function)

    assert (result.report["failed"], result.report["listed_but_not_found"], result.report["bytes_freed"]) == (0, 1, 0)


@pytest.mark.parametrize("is_named", [False, True], ids=["sweep", "named"])
def test_aborts_whose_responses_are_lost_count_under_the_limit(
    *, is_named: bool, cloud: Cloud, function: Function
) -> None:
    uploads = cloud.seed(BUCKET, "{n}", count=10)
    for upload in uploads:
        cloud.fault(ABORT, key=upload.key, count=1, reset="after")
    failed = {"uploads": [named(BUCKET, upload.key, upload.upload_id) for upload in uploads]}

    result = function(failed if is_named else timer(buckets=[BUCKET]), MAX_ABORTS="3", WORKERS="1")

    assert len(cloud.uploads(BUCKET)) == 7
    assert (report_of(result)["already_gone"], report_of(result)["deferred"]) == (3, 7)


def test_named_aborts_whose_responses_are_lost_leave_no_room_for_stale_siblings(
    cloud: Cloud, function: Function
) -> None:
    uploads = cloud.seed(BUCKET, "named-{n}", count=3)
    cloud.seed(BUCKET, "a", count=5, parts=0, hours_since_start=1000)
    for upload in uploads:
        cloud.fault(ABORT, key=upload.key, count=1, reset="after")
    (record,) = event("ckafka")["Records"]
    records = [
        {"Ckafka": {**record["Ckafka"], "msgBody": json.dumps(named(BUCKET, upload.key, upload.upload_id))}}
        for upload in uploads
    ]

    function({"Records": [*records, *completed("a")["Records"]]}, MAX_ABORTS="3", WORKERS="1")

    assert len(cloud.uploads(BUCKET)) == 5


def test_requests_in_flight_are_no_more_than_the_workers_and_a_few_second_looks() -> None:
    with LittleCos() as cos:
        cos.page_size = 1
        cos.slow = lambda seen: 2.1 if (seen.operation, seen.number) == (LOOK, 9) else 0.02
        for number in range(40):
            cos.put(f"{number:02}", *(Part(one) for one in range(1, 11)))

        report = cos.function(timer(buckets=[BUCKET]), WORKERS="40", VERIFY="none").report

        assert report["aborted"] == 40
        assert cos.maximum <= 40 + 64


def test_throttled_bucket_leaves_no_abort_without_a_fresh_look(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "{n:02}", count=30, parts=2)
    cloud.throttle(BUCKET, 30, burst=5)

    result = function(timer(buckets=[BUCKET]), patience=1)

    looked: dict[str, datetime] = {}
    for request in cloud.requests():
        if (request.operation, request.status) == (LOOK, 200):
            looked[request.key] = request.time
        elif request.operation == ABORT:
            # Nothing else lies between, neither another attempt nor more than two seconds.
            assert request.time - looked.pop(request.key) < timedelta(seconds=2)
    assert any(request.code == "SlowDown" for request in cloud.requests())
    assert len(cloud.uploads(BUCKET)) == report_of(result)["failed"] == 30 - report_of(result)["aborted"]
    assert report_of(result)["aborted"] > 20


def test_bucket_that_takes_one_request_at_a_time_loses_some_abandoned_uploads(cloud: Cloud, function: Function) -> None:
    """An abort right behind its look would be rejected every time."""
    cloud.seed(BUCKET, "{n}", count=6)
    cloud.throttle(BUCKET, 10, burst=1)

    result = function(timer(buckets=[BUCKET]), patience=1, VERIFY="none")

    assert report_of(result)["aborted"] == 6 - len(cloud.uploads(BUCKET)) > 0


@pytest.mark.parametrize("seed", range(3))
def test_abort_is_never_sent_without_a_look_or_for_a_live_upload_under_any_fault(
    seed: int, cloud: Cloud, function: Function
) -> None:
    cloud.seed(BUCKET, "{n:02}", count=40, parts=2)
    live = {upload.upload_id for upload in cloud.seed(BUCKET, "live-{n:02}", count=20, parts=2)}
    for operation in (LOOK, ABORT):
        for number, fault in enumerate(FAULT.values()):
            cloud.fault(operation, skip=seed + number, probability=0.08, **fault)
    # Of each live upload a part arrives at its first look or, while that is rejected, at the first abort.
    for number in range(20):
        operation, more = (LOOK, {}) if number % 2 else (ABORT, FAULT["SlowDown"])
        cloud.fault(operation, key=f"live-{number:02}", count=1, part={"when": "before"}, **more)

    function(timer(buckets=[BUCKET]))

    looked: set[str] = set()
    for request in cloud.requests():
        if (request.operation, request.status) == (LOOK, 200):
            looked.add(request.key)
        elif request.operation == ABORT:
            looked.remove(request.key)
    assert live <= {upload.upload_id for upload in cloud.uploads(BUCKET)}
