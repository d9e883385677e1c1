"""
After a 204: a further look says whether the upload is gone, and only what no look contradicts is claimed.
"""

import json
from collections import Counter
from typing import Any

import pytest

from cos_sweeper.engine import verification
from tests.emulator.public import Cloud, Seeded
from tests.fixtures import TOKEN
from tests.function import LOGS, PHOTOS, Function, event, named, timer
from tests.integration.chains import OUTCOMES
from tests.integration.events import completed
from tests.integration.little_cos import LittleCos, Part, Reply, Seen

BUCKET, OTHER = (bucket.partition("@")[0] for bucket in (PHOTOS, LOGS))
LOOK, ABORT = "ListParts", "AbortMultipartUpload"
MIB = 1 << 20
FAILING_LOOKS: dict[str, dict[str, Any]] = {
    "403": {"status": 403, "code": "AccessDenied"},
    "500": {"status": 500, "code": "InternalError"},
    "503": {"status": 503, "code": "SlowDown"},
    "reset": {"reset": "before"},
    "malformed": {"body": "malformed"},
    "another document": {"body": "foreign"},
    "no such bucket": {"status": 404, "code": "NoSuchBucket"},
    "no such key": {"status": 404, "code": "NoSuchKey"},
    "404 without a code": {"raw": "", "status": 404},
    "204": {"raw": "", "status": 204},
    "redirect": {"redirect": "http://127.0.0.1:1/"},
}


def sweep(function: Function, *, patience: float = 0.0, **settings: Any) -> dict[str, Any]:
    """The report of a sweep, also of one that raises."""
    usual = {"WORKERS": "1", "VERIFY": "all", "REPORT": f"{LOGS}/reports"}
    result = function(timer(), patience=patience, **{**usual, **settings})
    (written,) = function.cloud.objects(OTHER, f"reports/{result.lines('run.finished')[0]['run_id']}/runs/")
    report: dict[str, Any] = json.loads(function.cloud.content(OTHER, written.key))
    assert report["uploads"] == sum(report[name] for name in OUTCOMES)
    assert report["verified"] + report["unverified"] <= report["aborted"]
    assert result.answer in (report, None)
    assert (result.answer is None) == (report["failed"] > 0)
    return report


def request(
    function: Function, *uploads: Seeded, seconds: float = 60, patience: float = 0.0, **settings: Any
) -> tuple[int, dict[str, Any]]:
    """Name uploads over HTTP; the status and the report."""
    body = json.dumps({"uploads": [named(BUCKET, upload.key, upload.upload_id) for upload in uploads]})
    headers = {"content-type": "application/json", "authorization": f"Bearer {TOKEN}"}
    raw = {**event("http_function_url"), "body": body, "headers": headers}
    result = function(raw, seconds=seconds, patience=patience, **{"WORKERS": "1", **settings})
    assert result.answer is not None
    return result.answer["statusCode"], result.report


def operations(cloud: Cloud, key: str = "a") -> list[str]:
    """What was asked about one key, in order."""
    return [request.operation for request in cloud.requests() if request.key == key]


def claims(report: dict[str, Any]) -> tuple[int, int, int]:
    return report["aborted"], report["verified"], report["bytes_freed"]


# Which aborts are verified


@pytest.mark.parametrize(
    ("verify", "verified"), [("none", set[str]()), ("recent", {"0", "3", "5"}), ("all", set("012345"))]
)
def test_verified_are_the_first_of_a_page_and_what_showed_life_within_a_day(
    verify: str, verified: set[str], cloud: Cloud, function: Function
) -> None:
    for key, hours in enumerate([100, 100, 25, 23, 25, 2]):
        cloud.seed(BUCKET, f"{key}", hours_since_start=200, hours_since_last_part=hours)

    report = sweep(function, VERIFY=verify, MIN_AGE_HOURS="1", MIN_IDLE_HOURS="1")

    looked_at_again = {key for key in "012345" if operations(cloud, key) == [LOOK, ABORT, LOOK]}
    assert looked_at_again == verified
    assert claims(report) == (6, len(verified), 6 * MIB)
    assert report["unverified"] == 0


def test_first_abort_of_each_page_is_verified(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "{n:04}", count=1001, parts=0)
    cloud.seed(OTHER, "{n:04}", count=3, parts=0)

    report = sweep(function, VERIFY="recent", WORKERS="32")

    assert claims(report) == (1004, 3, 0)


@pytest.mark.parametrize("verify", ["none", "recent", "all"])
@pytest.mark.parametrize("minutes", ["0", "60"])
def test_named_upload_is_always_verified(minutes: str, verify: str, cloud: Cloud, function: Function) -> None:
    uploads = cloud.seed(BUCKET, "{n}", count=3, hours_since_start=1000)

    status, report = request(function, *uploads, VERIFY=verify, EVENT_MIN_IDLE_MINUTES=minutes)

    assert (status, report["status"], claims(report)) == (200, "complete", (3, 3, 3 * MIB))
    assert all(detail["verified"] for detail in report["details"])


def test_dry_run_verifies_nothing(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "a")

    report = sweep(function, DRY_RUN="true")

    assert (report["would_abort"], report["verified"], operations(cloud)) == (1, 0, [LOOK])


# A 204 without effect


@pytest.mark.parametrize("is_named", [False, True], ids=["sweep", "named"])
@pytest.mark.parametrize("times", [1, 2, 3])
def test_upload_that_is_still_there_is_aborted_again_and_its_bytes_count_once(
    times: int, *, is_named: bool, cloud: Cloud, function: Function
) -> None:
    (upload,) = cloud.seed(BUCKET, "a", parts=3)
    cloud.fault(ABORT, ignore=True, count=times)

    report = request(function, upload)[1] if is_named else sweep(function)

    assert (report["status"], claims(report)) == ("complete", (1, 1, 3 * MIB))
    assert operations(cloud) == [LOOK, ABORT, *[LOOK, LOOK, ABORT] * times, LOOK]
    assert cloud.uploads(BUCKET) == []


def test_upload_that_survives_four_aborts_is_a_failure_and_frees_nothing(cloud: Cloud, function: Function) -> None:
    (upload,) = cloud.seed(BUCKET, "a", parts=3)
    cloud.fault(ABORT, ignore=True)

    report = sweep(function)
    order = operations(cloud)
    status, body = request(function, upload)

    for each in (report, body):
        assert (each["status"], each["failures_by_code"], claims(each)) == ("failed", {"StillThere": 1}, (0, 0, 0))
        (failure,) = each["failures"]
        assert (failure["key"], failure["upload_id"], failure["status"]) == ("a", upload.upload_id, 204)
        assert failure["cos_request_id"] in {one.request_id for one in cloud.requests() if one.operation == ABORT}
    assert order == [LOOK, ABORT, *[LOOK, LOOK, ABORT] * 3, LOOK]
    assert status == 502


@pytest.mark.parametrize("parts", [0, 2])
def test_upload_that_stays_without_parts_is_still_there(parts: int) -> None:
    with LittleCos() as cos:
        cos.put("a", *(Part(number) for number in range(1, parts + 1)))

        def drop_parts_only(seen: Seen) -> Reply | None:
            if seen.operation != ABORT:
                return None
            cos.uploads[seen.key, seen.upload_id] = []
            return Reply(204)

        cos.hook = drop_parts_only
        result = cos.function(timer(buckets=[BUCKET]))

    (failed,) = result.lines("upload.failed")
    assert failed["code"] == "StillThere"
    assert claims(result.lines("run.finished")[0]) == (0, 0, 0)
    assert cos.order("a") == [LOOK, ABORT, *[LOOK, LOOK, ABORT] * 3, LOOK]


def test_uploads_that_wait_for_another_look_are_a_few_hundred_at_most(
    cloud: Cloud, function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each holds memory; where no abort has an effect, that would be every upload of an event."""
    assert verification.MAX_WAITING == 256
    # A slow machine does not come to so many while the first ones wait.
    monkeypatch.setattr(verification, "MAX_WAITING", 40)
    seeded = cloud.seed(BUCKET, "{n:03}", count=400)
    cloud.fault(ABORT, ignore=True)

    status, report = request(function, *seeded, patience=0.2, WORKERS="8")

    aborts = Counter(one.key for one in cloud.requests() if one.operation == ABORT)
    assert (status, report["failures_by_code"], claims(report)) == (503, {"StillThere": 400}, (0, 0, 0))
    assert 8 <= sum(number > 1 for number in aborts.values()) < 400


def test_bucket_in_which_no_abort_has_an_effect_is_left_alone(
    cloud: Cloud, function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "MAX_WAITING", 40)
    cloud.seed(BUCKET, "{n:03}", count=400)
    cloud.fault(ABORT, ignore=True)

    report = sweep(function, patience=0.2, WORKERS="8", VERIFY="recent")

    assert (report["failures_by_code"], claims(report)) == ({"StillThere": 400}, (0, 0, 0))
    assert len({one.key for one in cloud.requests() if one.operation == ABORT}) < 200


def test_second_sweep_counts_no_bytes_again(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "{n:02}", count=20)
    cloud.fault(ABORT, ignore=True)

    nights = [sweep(function, VERIFY="recent") for _ in range(2)]

    assert [(claims(night), night["failures_by_code"]) for night in nights] == [((0, 0, 0), {"StillThere": 20})] * 2


@pytest.mark.parametrize("survivors", [15, 1], ids=["all", "sample"])
def test_abort_that_is_acknowledged_beside_a_sample_waits_for_its_verdict(survivors: int) -> None:
    """The look at the sample is slow, so that all other aborts are acknowledged before it ends."""
    with LittleCos() as cos:
        for number in range(15):
            cos.put(f"{number:02}", Part(1))

        def slow(seen: Seen) -> float:
            # The sample is the abort that is acknowledged first.
            if seen.operation == ABORT:
                return 0.0 if seen.key == "00" else 0.2
            return 0.5 if (seen.operation, seen.number) == (LOOK, 1) else 0.0

        cos.slow = slow
        cos.hook = lambda seen: Reply(204) if seen.operation == ABORT and int(seen.key) < survivors else None

        nights = [cos.function(timer(buckets=[BUCKET]), WORKERS="15").lines("run.finished")[0] for _ in range(2)]

    gone = 15 - survivors
    assert [claims(night) for night in nights] == [(gone, gone, gone * MIB), (0, 0, 0)]


def test_sample_that_is_still_there_makes_the_rest_of_its_bucket_verified(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "{n}", count=6)
    cloud.seed(OTHER, "{n}", count=6)
    cloud.fault(ABORT, key="0", bucket=BUCKET, ignore=True, count=1)
    cloud.fault(ABORT, key="4", bucket=BUCKET, ignore=True)

    report = sweep(function, VERIFY="recent")

    assert claims(report) == (11, 6, 11 * MIB)
    assert report["failures_by_code"] == {"StillThere": 1}
    assert [upload.key for upload in cloud.uploads(BUCKET)] == ["4"]


def test_bytes_that_a_look_contradicts_are_not_counted_as_freed(cloud: Cloud, function: Function) -> None:
    for number in range(8):
        cloud.seed(BUCKET, f"{number}", part_size=(number + 1) * MIB)
    for key in ("1", "2", "5"):
        cloud.fault(ABORT, key=key, ignore=True)

    report = sweep(function, WORKERS="8")

    assert (report["failures_by_code"], claims(report)) == ({"StillThere": 3}, (5, 5, (1 + 4 + 5 + 7 + 8) * MIB))
    assert sum(leak["bytes"] for leak in report["largest_prefixes"]) == report["bytes_freed"]


def test_bytes_of_an_upload_that_vanishes_after_it_was_still_there_are_not_claimed() -> None:
    with LittleCos() as cos:
        cos.put("a", Part(1), Part(2))

        def complete_between_two_looks(seen: Seen) -> Reply | None:
            if (seen.operation, seen.number) == (LOOK, 2):
                cos.uploads.clear()
            return Reply(204) if seen.operation == ABORT else None

        cos.hook = complete_between_two_looks
        report = cos.function(timer(buckets=[BUCKET])).report

    assert cos.order("a") == [LOOK, ABORT, LOOK, LOOK]
    assert (report["already_gone"] + report["listed_but_not_found"], claims(report)) == (1, (0, 0, 0))


def test_bytes_of_an_upload_that_is_gone_at_the_second_abort_are_not_claimed(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "a")
    cloud.fault(ABORT, ignore=True, count=1)
    cloud.fault(ABORT, status=404, code="NoSuchUpload")

    report = sweep(function)

    assert operations(cloud) == [LOOK, ABORT, LOOK, LOOK, ABORT]
    assert (report["already_gone"] + report["listed_but_not_found"], claims(report)) == (1, (0, 0, 0))


@pytest.mark.parametrize("fault", [{"status": 503, "code": "SlowDown"}, {"reset": "before"}, {"status": 403}])
def test_second_abort_that_fails_is_no_success(fault: dict[str, Any], cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "a")
    cloud.fault(ABORT, ignore=True, count=1)
    cloud.fault(ABORT, **fault)

    report = sweep(function)

    assert (report["failures_by_code"], claims(report)) == ({"StillThere": 1}, (0, 0, 0))


# Somebody uses it


@pytest.mark.parametrize("number", [None, 1], ids=["new part", "part sent again"])
@pytest.mark.parametrize("look", [1, 2, 3], ids=["after the 204", "in the pause", "after the second 204"])
@pytest.mark.parametrize("who", ["sweep", "named", "leftovers"])
def test_part_that_arrives_after_a_204_ends_the_aborting(
    who: str, look: int, number: int | None, cloud: Cloud, function: Function
) -> None:
    (upload,) = cloud.seed(BUCKET, "a", parts=3, hours_since_start=400)
    cloud.fault(ABORT, ignore=True)
    cloud.fault(LOOK, skip=look, count=1, part={"when": "before", "number": number})

    if who == "sweep":
        result = function(timer(buckets=[BUCKET]))
    elif who == "named":
        result = function(named(BUCKET, "a", upload.upload_id), EVENT_MIN_IDLE_MINUTES="60")
    else:
        result = function(completed("a"))

    report = result.report
    assert (report["status"], report["still_receiving"], claims(report)) == ("partial", 1, (0, 0, 0))
    assert [line["key"] for line in result.lines("upload.still_receiving")] == ["a"]
    assert operations(cloud) == [LOOK, ABORT, LOOK, LOOK, ABORT, LOOK][: look + (3 if look == 3 else 2)]
    assert [held.upload_id for held in cloud.uploads(BUCKET)] == [upload.upload_id]


def test_old_part_that_only_a_look_after_the_204_shows_ends_the_aborting() -> None:
    with LittleCos() as cos:
        cos.put("a", Part(1))

        def show_more(seen: Seen) -> Reply | None:
            if seen.operation != ABORT:
                return None
            cos.uploads[seen.key, seen.upload_id] = [Part(1), Part(2)]
            return Reply(204)

        cos.hook = show_more
        report = cos.function(timer(buckets=[BUCKET])).report

    assert (report["still_receiving"], claims(report)) == (1, (0, 0, 0))
    assert cos.order("a") == [LOOK, ABORT, LOOK]


def test_named_upload_without_an_idle_time_is_aborted_again_whatever_arrives(cloud: Cloud, function: Function) -> None:
    (upload,) = cloud.seed(BUCKET, "a")
    cloud.fault(ABORT, ignore=True, count=2, part={"when": "after"})

    _, report = request(function, upload)

    assert (report["aborted"], report["verified"], cloud.uploads(BUCKET)) == (1, 1, [])


@pytest.mark.parametrize("is_named", [False, True], ids=["sweep", "named"])
def test_complete_under_way_that_swallows_aborts_is_never_claimed(
    *, is_named: bool, cloud: Cloud, function: Function
) -> None:
    (upload,) = cloud.seed(BUCKET, "a", parts=3)
    cloud.begin_complete(BUCKET, "a", upload.upload_id, aborts="204")

    report = request(function, upload)[1] if is_named else sweep(function)
    cloud.finish_complete(BUCKET, "a", upload.upload_id)
    next_night = sweep(function)

    assert (report["failures_by_code"], claims(report)) == ({"StillThere": 1}, (0, 0, 0))
    assert [(one.key, one.size) for one in cloud.objects(BUCKET)] == [("a", 3 * MIB)]
    assert next_night["uploads"] == 0


@pytest.mark.parametrize("is_named", [False, True], ids=["sweep", "named"])
def test_complete_under_way_that_rejects_aborts_is_never_counted_as_freed(
    *, is_named: bool, cloud: Cloud, function: Function
) -> None:
    (upload,) = cloud.seed(BUCKET, "a", parts=3)
    cloud.begin_complete(BUCKET, "a", upload.upload_id, aborts="409")

    report = request(function, upload)[1] if is_named else sweep(function)
    cloud.finish_complete(BUCKET, "a", upload.upload_id)

    assert (report["failures_by_code"], claims(report)) == ({"UploadConflict": 1}, (0, 0, 0))
    assert [(one.key, one.size) for one in cloud.objects(BUCKET)] == [("a", 3 * MIB)]


# A look that cannot be taken


@pytest.mark.parametrize("fault", FAILING_LOOKS.values(), ids=FAILING_LOOKS)
@pytest.mark.parametrize("is_named", [False, True], ids=["sweep", "named"])
def test_abort_that_cannot_be_verified_counts_as_aborted_and_unverified(
    fault: dict[str, Any], *, is_named: bool, cloud: Cloud, function: Function
) -> None:
    (upload,) = cloud.seed(BUCKET, "a", parts=3)
    cloud.fault(LOOK, skip=1, **fault)

    report = request(function, upload)[1] if is_named else sweep(function)

    assert (report["status"], claims(report), report["unverified"]) == ("complete", (1, 0, 3 * MIB), 1)
    assert cloud.uploads(BUCKET) == []


@pytest.mark.parametrize("fault", FAILING_LOOKS.values(), ids=FAILING_LOOKS)
@pytest.mark.parametrize("looks", [1, 2, 3], ids=["in the pause", "after the second 204", "in the second pause"])
def test_upload_that_was_still_there_and_cannot_be_looked_at_any_more_is_a_failure_for_now(
    looks: int, fault: dict[str, Any], cloud: Cloud, function: Function
) -> None:
    (upload,) = cloud.seed(BUCKET, "a")
    cloud.fault(ABORT, ignore=True)
    cloud.fault(LOOK, skip=1 + looks, **fault)

    status, report = request(function, upload)

    assert (report["failures_by_code"], claims(report), status) == ({"StillThere": 1}, (0, 0, 0), 503)


@pytest.mark.parametrize("doubt", [{"date": "missing"}, {"date": "unreadable"}, {"date_offset_seconds": 900}], ids=str)
def test_upload_that_is_still_there_in_doubt_is_a_failure_and_not_aborted_again(
    doubt: dict[str, Any], cloud: Cloud, function: Function
) -> None:
    cloud.seed(BUCKET, "a")
    cloud.fault(ABORT, ignore=True)
    cloud.fault(LOOK, skip=1, **doubt)

    report = sweep(function)

    assert (report["failures_by_code"], report["still_receiving"], claims(report)) == ({"StillThere": 1}, 0, (0, 0, 0))
    assert operations(cloud) == [LOOK, ABORT, LOOK]


def test_doubtful_clock_does_not_matter_once_the_upload_is_gone(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "a")
    cloud.fault(LOOK, skip=1, date="missing")

    assert claims(sweep(function)) == (1, 1, MIB)


# Time


def test_time_limit_between_two_aborts_ends_the_verification_as_a_failure_for_now(
    cloud: Cloud, function: Function
) -> None:
    (upload,) = cloud.seed(BUCKET, "a")
    cloud.fault(ABORT, ignore=True)

    # There is time for the pauses of one and of five seconds, which are left out here, and not for that of twenty.
    status, report = request(function, upload, seconds=15)

    assert (status, report["failures_by_code"], claims(report)) == (503, {"StillThere": 1}, (0, 0, 0))
    assert operations(cloud) == [LOOK, ABORT, *[LOOK, LOOK, ABORT] * 2, LOOK]


def test_pause_of_a_verification_holds_no_worker(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "{n}", count=6)
    cloud.fault(ABORT, key="0", ignore=True, count=1)

    report = function(timer(buckets=[BUCKET]), WORKERS="1", patience=1).report

    aborted = [request.key for request in cloud.requests() if request.operation == ABORT]
    assert (aborted[0], aborted[-1], sorted(aborted[1:-1])) == ("0", "0", list("12345"))
    assert claims(report) == (6, 6, 6 * MIB)
