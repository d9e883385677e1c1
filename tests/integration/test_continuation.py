"""
Work that goes on in another run: nothing is lost, nothing is done that the settings of either run forbid.
"""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.emulator.client import Cloud
from tests.function import LOGS, PHOTOS, event, timer
from tests.integration.chains import (
    CHAIN_FAILED,
    CHECKPOINT,
    LOG_BUCKET,
    PHOTO_BUCKET,
    Chain,
    gone,
    kafka,
    post,
    totals,
    uploads_of,
)
from tests.integration.objects import stored
from tests.integration.platform import Platform, counted, left, status

CONFLICT = {"status": 409, "code": "UploadConflict"}
BUSY = {"status": 503, "code": "ServiceUnavailable"}
REPORT = f"{PHOTOS}/reports"


# Settings that change between two runs


def interrupted(platform: Platform, raw: object, **settings: Any) -> dict[str, Any]:
    """The checkpoint of a run in which everything in the logs failed for now; COS is well again afterwards."""
    cloud = platform.function.cloud
    cloud.fault("ListMultipartUploads", bucket=LOG_BUCKET, **BUSY)
    cloud.fault("AbortMultipartUpload", bucket=LOG_BUCKET, **CONFLICT)
    platform.run(raw, **settings)
    cloud.heal()
    (checkpoint,) = platform.checkpoints()
    return checkpoint


STRICTER = [
    # (the setting, its two values, the uploads that only the laxer one lets go)
    ("MIN_IDLE_HOURS", ("24", "50"), ["idle-40-hours"]),
    ("MIN_AGE_HOURS", ("72", "250"), ["idle-40-hours", "plain", "data/plain", "data/x/plain"]),
    ("PREFIXES", ("", "data/"), ["idle-40-hours", "plain", "job/__magic/x"]),
    ("PREFIXES", ("data/", "data/x/"), ["data/plain"]),
    ("EXCLUDE_PREFIXES", ("", "data/"), ["data/plain", "data/x/plain"]),
    ("EXCLUDE_PREFIXES", ("data/x/", "data/"), ["data/plain", "data/x/plain"]),
    ("INCLUDE_COMMITTERS", ("true", "false"), ["job/__magic/x"]),
    ("DRY_RUN", ("false", "true"), ["idle-40-hours", "plain", "data/plain", "data/x/plain", "job/__magic/x"]),
]


def seed_logs(cloud: Cloud) -> None:
    for key, hours in [("plain", 100), ("data/plain", 100), ("data/x/plain", 100), ("idle-40-hours", 40)]:
        cloud.seed(LOG_BUCKET, key, hours_since_start=200, hours_since_last_part=hours)
    cloud.seed(LOG_BUCKET, "job/__magic/x", hours_since_start=300)
    cloud.seed(LOG_BUCKET, "young", hours_since_start=5)


@pytest.mark.parametrize("is_tightened", [True, False], ids=["tightened", "loosened"])
@pytest.mark.parametrize(("name", "values", "spared"), STRICTER, ids=lambda value: str(value)[:30])
def test_setting_that_changes_between_two_runs_holds_in_its_stricter_form(
    name: str, values: tuple[str, str], spared: list[str], cloud: Cloud, platform: Platform, *, is_tightened: bool
) -> None:
    seed_logs(cloud)
    usual: dict[str, Any] = {"INCLUDE_COMMITTERS": "true"}
    lax, strict = ({**usual, name: value} for value in values)
    both = [strict] if name == "PREFIXES" and values[0] else []
    before, after = (lax, strict) if is_tightened else (strict, lax)
    everything = {"plain", "data/plain", "data/x/plain", "idle-40-hours", "job/__magic/x", "young"}
    if both:
        everything = {"data/plain", "data/x/plain"}
    checkpoint = interrupted(platform, timer(), **before)

    done = platform.run(checkpoint, **after)

    outside = set(left(cloud)) - everything
    assert set(left(cloud)) - outside == {*spared, "young"} & everything
    assert done.report["aborted"] == len(everything - set(spared) - {"young"})
    assert done.report["dry_run"] == (name == "DRY_RUN")


@pytest.mark.parametrize(("before", "after"), [("10", "4"), ("4", "10"), ("none", "4"), ("4", "none")])
def test_max_aborts_that_changes_between_two_runs_holds_in_its_stricter_form(
    before: str, after: str, cloud: Cloud, platform: Platform
) -> None:
    """Two aborts of the first run count."""
    cloud.seed(PHOTO_BUCKET, "raw/{n}", count=2)
    cloud.seed(LOG_BUCKET, "{n}", count=20)
    checkpoint = interrupted(platform, timer(), MAX_ABORTS=before)

    done = platform.run(checkpoint, MAX_ABORTS=after)

    assert (len(left(cloud, PHOTO_BUCKET)), len(left(cloud))) == (0, 18)
    assert (done.report["aborted"], done.report["status"]) == (2, "partial")


def test_max_aborts_below_what_was_aborted_aborts_nothing_more(cloud: Cloud, platform: Platform) -> None:
    cloud.seed(PHOTO_BUCKET, "raw/{n}", count=5)
    cloud.seed(LOG_BUCKET, "{n}", count=20)
    checkpoint = interrupted(platform, timer(), MAX_ABORTS="100")

    done = platform.run(checkpoint, MAX_ABORTS="3")

    assert (done.report["aborted"], done.report["status"], len(left(cloud))) == (0, "partial", 20)
    assert any(LOG_BUCKET in one for one in done.report["not_swept"])


@pytest.mark.parametrize("named", [True, False], ids=["named", "swept"])
@pytest.mark.parametrize(
    "after",
    [{"BUCKETS": PHOTOS}, {"EXCLUDE_BUCKETS": LOG_BUCKET}, {"PREFIXES": "elsewhere/"}],
    ids=["buckets", "exclude_buckets", "prefixes"],
)
def test_what_the_settings_exclude_by_now_is_dropped_and_reported(
    after: dict[str, Any], cloud: Cloud, platform: Platform, *, named: bool
) -> None:
    logs = cloud.seed(LOG_BUCKET, "raw/{n}", count=3)
    checkpoint = interrupted(platform, uploads_of(LOG_BUCKET, logs) if named else timer(), PREFIXES="raw/")

    done = platform.run(checkpoint, **after)

    assert (status(done), len(left(cloud))) == ("partial", 3)
    assert all(LOG_BUCKET in one for one in done.report["dropped"])
    assert {line["level"] for line in done.lines("continuation.narrowed")} == {"warning"}
    assert len(done.report["dropped"]) == (3 if named else 1)


@pytest.mark.parametrize("before", [{"BUCKETS": PHOTOS}, {"EXCLUDE_BUCKETS": LOG_BUCKET}], ids=str)
def test_bucket_that_is_allowed_only_later_is_not_swept_by_a_chain_under_way(
    before: dict[str, Any], cloud: Cloud, platform: Platform
) -> None:
    cloud.seed(PHOTO_BUCKET, "raw/1")
    cloud.seed(LOG_BUCKET, "{n}", count=3)
    cloud.fault("AbortMultipartUpload", count=1, **CONFLICT)
    platform.run(timer(), **before)

    done = platform.run(platform.take())

    assert (done.report["aborted"], len(left(cloud))) == (1, 3)


def test_bucket_deleted_between_two_runs_is_dropped_and_the_others_are_swept(cloud: Cloud, platform: Platform) -> None:
    photos = cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    cloud.seed(LOG_BUCKET, "{n}", count=3)
    cloud.fault("AbortMultipartUpload", key=photos[0].key, count=1, **CONFLICT)
    cloud.fault("ListMultipartUploads", bucket=LOG_BUCKET, count=32, **BUSY)
    platform.run(timer(), BUCKETS="*")
    cloud.delete_bucket(LOG_BUCKET)

    done = platform.run(platform.take(), BUCKETS="*")

    assert (done.report["aborted"], left(cloud, PHOTO_BUCKET)) == (1, [])
    assert (done.report["status"], len(done.report["dropped"])) == ("partial", 1)


def test_failures_of_earlier_runs_are_kept_when_everything_else_is_dropped(cloud: Cloud, platform: Platform) -> None:
    cloud.seed(PHOTO_BUCKET, "raw/1")
    cloud.fault("AbortMultipartUpload", bucket=PHOTO_BUCKET, status=403, code="AccessDenied")
    cloud.fault("ListMultipartUploads", bucket=LOG_BUCKET, **BUSY)
    platform.run(timer())

    done = platform.run(platform.take(), BUCKETS=PHOTOS)

    assert (status(done), done.report["prior_failures"]) == ("failed", {"AccessDenied": 1})
    assert platform.failures()[0][CHAIN_FAILED]["codes"] == ["AccessDenied"]


@pytest.mark.parametrize(("before", "after"), [("0", "3000"), ("3000", "0")])
def test_idle_time_of_events_holds_in_its_stricter_form(
    before: str, after: str, cloud: Cloud, platform: Platform
) -> None:
    seeded = cloud.seed(LOG_BUCKET, "idle", hours_since_start=300, hours_since_last_part=100)
    seeded += cloud.seed(LOG_BUCKET, "recent", hours_since_start=300, hours_since_last_part=40)
    cloud.fault("ListParts", **CONFLICT)
    cloud.fault("AbortMultipartUpload", **CONFLICT)
    platform.run(uploads_of(LOG_BUCKET, seeded), EVENT_MIN_IDLE_MINUTES=before)
    cloud.heal()

    platform.run(platform.take(), EVENT_MIN_IDLE_MINUTES=after)

    assert left(cloud) == ["recent"]


def completed(key: str) -> dict[str, Any]:
    """COS's own event: this object of the logs was completed now."""
    raw: dict[str, Any] = event("cos_completed")
    record = raw["Records"][0]
    record["cos"]["cosBucket"] |= {"name": "logs", "appid": "1250000000"}
    record["cos"]["cosObject"] |= {
        "key": f"/1250000000/logs/{key}",
        "url": f"http://{LOG_BUCKET}.cos.ap-singapore.myqcloud.com/{key}",
    }
    record["event"]["eventTime"] = 10**10
    return raw


@pytest.mark.parametrize(("before", "after"), [("24", "72"), ("72", "24")])
@pytest.mark.parametrize("operation", ["ListMultipartUploads", "AbortMultipartUpload"])
def test_leftovers_of_a_completed_object_keep_the_stricter_idle_time(
    operation: str, before: str, after: str, cloud: Cloud, platform: Platform
) -> None:
    """Their parts are too few to tell their pauses, so the idle time of a sweep holds."""
    cloud.seed(LOG_BUCKET, "a.gz", parts=1, hours_since_start=101, hours_since_last_part=100)
    (recent,) = cloud.seed(LOG_BUCKET, "a.gz", parts=1, hours_since_start=41, hours_since_last_part=40)
    cloud.fault(operation, **(BUSY if operation == "ListMultipartUploads" else CONFLICT))
    platform.run(completed("a.gz"), MIN_IDLE_HOURS=before)
    cloud.heal()

    done = platform.run(platform.take(), MIN_IDLE_HOURS=after)

    assert [one.upload_id for one in cloud.uploads(LOG_BUCKET)] == [recent.upload_id]
    assert done.report["aborted"] == 1


def test_leftover_of_a_completed_object_that_failed_for_now_is_judged_as_before(
    cloud: Cloud, platform: Platform
) -> None:
    """A few hours are enough for it, while a sweep asks for days."""
    cloud.seed(LOG_BUCKET, "a.gz", parts=20, hours_since_start=10, hours_since_last_part=8)
    cloud.fault("AbortMultipartUpload", count=1, **CONFLICT)

    done = platform.play(completed("a.gz"))

    assert (counted(done), left(cloud)) == ({"aborted": 1}, [])


# Checkpoints that are damaged or forged


UNREADABLE: list[Any] = [
    None,
    "",
    "text",
    5,
    [],
    {},
    {"version": 1},
    {"version": 99},
    {"version": "2"},
    {"version": 2, "todo": []},
]


@pytest.mark.parametrize("raw", UNREADABLE, ids=repr)
def test_checkpoint_that_cannot_be_read_fails_and_sends_no_request(
    raw: object, cloud: Cloud, platform: Platform
) -> None:
    before = cloud.mark()

    done = platform.run({CHECKPOINT: raw})

    assert type(done.error).__name__ == "RunFailed"
    assert done.lines("run.failed")[0]["level"] == "error"
    assert done.lines("run.crashed") == []
    assert (cloud.requests(before), platform.offered) == ([], [])


def changes(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every place of a JSON value, and what could stand there instead."""
    strange: list[Any] = [None, True, -1, 0, 10**20, 1.5, "", "x", "\ud800", [], {}, [[]], [None], {"a": 1}]
    for other in strange:
        if other != value:
            yield path, other
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    for name, one in inner:
        yield from changes(one, (*path, name))


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copied = copy.copy(value)
    copied[path[0]] = changed(value[path[0]], path[1:], new)
    return copied


@pytest.mark.parametrize("kind", ["sweep", "named", "completed"])
def test_damaged_checkpoint_neither_crashes_nor_widens_anything(kind: str, cloud: Cloud, platform: Platform) -> None:
    """Each value of a real checkpoint is replaced, one at a time."""
    live = [
        *cloud.seed(PHOTO_BUCKET, "excluded/1", hours_since_start=3000),
        *cloud.seed(PHOTO_BUCKET, "a/young", hours_since_start=5),
        *cloud.seed(PHOTO_BUCKET, "a/recent", hours_since_start=3000, hours_since_last_part=1),
        *cloud.seed(PHOTO_BUCKET, "outside", hours_since_start=3000),
        *cloud.seed(LOG_BUCKET, "a/other-bucket", hours_since_start=3000),
    ]
    abandoned = cloud.seed(PHOTO_BUCKET, "a/{n}", count=2, parts=3, hours_since_start=3000)
    settings: dict[str, Any] = {
        "EXCLUDE_PREFIXES": "excluded/",
        "PREFIXES": "a/,excluded/",
        "BUCKETS": PHOTOS,
        "MAX_ABORTS": "9",
    }
    raw = {
        "sweep": timer(),
        "named": uploads_of(PHOTO_BUCKET, abandoned),
        "completed": json.loads(json.dumps(completed("a/1")).replace("logs", "photos")),
    }[kind]
    cloud.fault("AbortMultipartUpload", **CONFLICT)
    platform.run(raw, **settings)
    cloud.heal()
    checkpoint = platform.take()[CHECKPOINT]
    cloud.fault("AbortMultipartUpload", ignore=True)
    mark = cloud.mark()

    for path, new in changes(checkpoint):
        done = platform.run({CHECKPOINT: changed(checkpoint, path, new)}, **settings, VERIFY="none")

        assert done.lines("run.crashed") == [], (path, new)
        assert done.error is None or type(done.error).__name__ == "RunFailed", (path, new)

    aborted = {one.upload_id for one in cloud.requests(mark) if one.operation == "AbortMultipartUpload"}
    assert aborted
    assert aborted <= {one.upload_id for one in abandoned}
    assert {one.upload_id for one in live} <= {
        one.upload_id for b in (PHOTO_BUCKET, LOG_BUCKET) for one in cloud.uploads(b)
    }


# The hand-over


def test_hand_over_that_is_accepted_in_part_raises_and_names_what_is_missing(cloud: Cloud, platform: Platform) -> None:
    """Ten shares, three accepted: the seven others are offered once more in one invocation, which is refused, too."""
    cloud.seed(PHOTO_BUCKET, "raw/{n:03}", count=100)
    platform.codes, platform.then = [""] * 3, "ResourceNotFound.Function"

    done = platform.run(timer(), FAN_OUT="10")

    assert type(done.error).__name__ == "RunFailed"
    (line,) = done.lines("continuation.failed")
    assert (line["level"], line["wanted"], line["accepted"]) == ("error", 10, 3)
    assert all(f"{n}" in line["missing"] for n in range(4, 11))
    assert len(platform.checkpoints()) == 3
    assert len(platform.offered) == 11


def test_shares_that_were_not_accepted_at_first_are_offered_once_more_in_one_invocation(
    cloud: Cloud, platform: Platform
) -> None:
    cloud.seed(PHOTO_BUCKET, "raw/{n:03}", count=200)
    platform.codes = ["", "ResourceNotFound", "", "ResourceNotFound", "ResourceNotFound"]

    done = platform.play(timer(), FAN_OUT="5", MAX_ABORTS="100")

    assert len(done) == 1 + 3
    assert {one.error for one in done} == {None}
    assert (counted(done)["aborted"], len(left(cloud, PHOTO_BUCKET))) == (100, 100)
    assert sorted(one.report["aborted"] for one in done[1:]) == [20, 20, 60]


def test_hand_over_that_is_refused_raises_and_tells_every_upload(cloud: Cloud, platform: Platform) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n}", count=5)
    cloud.fault("AbortMultipartUpload", key="raw/3", **CONFLICT)
    platform.then = "UnauthorizedOperation"

    done = platform.run(uploads_of(PHOTO_BUCKET, seeded))

    assert type(done.error).__name__ == "RunFailed"
    assert counted([done]) == {"aborted": 4, "failed": 1}
    assert [line["key"] for line in done.lines("upload.failed")] == ["raw/3"]


def test_report_is_stored_before_the_hand_over_and_is_not_complete(cloud: Cloud, platform: Platform) -> None:
    """A run that is killed while it hands over leaves a report that claims nothing too much."""
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    cloud.fault("AbortMultipartUpload", key="raw/1", **CONFLICT)
    seen: list[dict[str, Any]] = []
    platform.on_offer = lambda: seen.extend(stored(cloud, PHOTOS, "reports/").values())

    platform.run(uploads_of(PHOTO_BUCKET, seeded), REPORT=REPORT)

    assert [(one["aborted"], one["status"]) for one in seen] == [(2, "partial")]
    (report,) = stored(cloud, PHOTOS, "reports/").values()
    assert (report["status"], report["continuations"]) == ("partial", 1)


def test_report_bucket_that_hangs_does_not_cost_the_hand_over(cloud: Cloud, platform: Platform) -> None:
    cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    cloud.fault("AbortMultipartUpload", key="raw/1", **CONFLICT)
    cloud.hang(LOG_BUCKET)

    done = platform.run(timer(buckets=[PHOTO_BUCKET]), REPORT=f"{LOGS}/reports", seconds=3)

    assert (done.error, len(platform.checkpoints())) == (None, 1)
    assert done.lines("report.store_failed")


def test_report_bucket_that_hangs_does_not_cost_the_event_that_raises(cloud: Cloud, platform: Platform) -> None:
    cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    cloud.fault("AbortMultipartUpload", key="raw/1", status=403, code="AccessDenied")
    cloud.hang(LOG_BUCKET)

    done = platform.run(timer(buckets=[PHOTO_BUCKET]), REPORT=f"{LOGS}/reports", seconds=3)

    assert (done.error, len(platform.failures())) == (None, 1)


def test_missing_permission_to_invoke_is_found_before_the_first_abort(cloud: Cloud, platform: Platform) -> None:
    """However many workers there are, and however long SCF takes to say so."""
    cloud.seed(PHOTO_BUCKET, "raw/{n:03}", count=100)
    platform.then, platform.delay_seconds = "UnauthorizedOperation", 0.1
    mark = cloud.mark()

    done = platform.run(timer(), WORKERS="32")

    assert type(done.error).__name__ == "RunFailed"
    assert [one for one in cloud.requests(mark) if one.operation == "AbortMultipartUpload"] == []
    assert len(platform.probes()) == 1
    assert done.lines("continuation.refused")[0]["code"] == "UnauthorizedOperation"


@pytest.mark.parametrize("code", ["InternalError", "RequestLimitExceeded"])
def test_permission_that_cannot_be_asked_for_now_does_not_stop_a_sweep(
    code: str, cloud: Cloud, platform: Platform
) -> None:
    cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    platform.codes = [code] * 4

    done = platform.run(timer())

    assert (done.report["status"], done.report["aborted"]) == ("complete", 3)


def test_named_uploads_and_dry_runs_ask_for_no_permission(cloud: Cloud, platform: Platform) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    platform.then = "UnauthorizedOperation"

    dry = platform.run(timer(), DRY_RUN="true")
    named = platform.run(uploads_of(PHOTO_BUCKET, seeded))

    assert (dry.report["would_abort"], named.report["aborted"], platform.offered) == (3, 3, [])


# What failed for now


FOR_NOW: list[tuple[str, dict[str, Any]]] = [
    ("AbortMultipartUpload", {"status": 409, "code": "UploadConflict"}),
    ("AbortMultipartUpload", {"status": 503, "code": "SlowDown"}),
    ("AbortMultipartUpload", {"status": 500, "code": "InternalError"}),
    ("AbortMultipartUpload", {"reset": "before"}),
    ("ListParts", {"status": 503, "code": "ServiceUnavailable"}),
    ("ListParts", {"body": "malformed"}),
    ("ListParts", {"body": "empty"}),
]
FOR_NOW_IDS = [f"{operation}-{next(iter(fault.values()))}" for operation, fault in FOR_NOW]


@pytest.mark.parametrize("named", [True, False], ids=["named", "swept"])
@pytest.mark.parametrize(("operation", "fault"), FOR_NOW, ids=FOR_NOW_IDS)
def test_upload_that_fails_for_now_is_tried_in_three_runs_and_then_reported_once(
    operation: str, fault: dict[str, Any], cloud: Cloud, platform: Platform, *, named: bool
) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    cloud.fault(operation, key="raw/1", **fault)

    done = platform.play(uploads_of(PHOTO_BUCKET, seeded) if named else timer(), EVENT_MIN_IDLE_MINUTES="60")

    assert (counted(done), left(cloud, PHOTO_BUCKET)) == ({"aborted": 2, "failed": 1}, ["raw/1"])
    assert [status(one) for one in done] == ["partial", "partial", "failed"]
    assert {one.error for one in done} == {None}
    assert [line["key"] for one in done for line in one.lines("upload.failed")] == ["raw/1"]
    (failure,) = platform.failures()
    assert "NoProgress" not in failure[CHAIN_FAILED]["codes"]
    assert len(failure[CHAIN_FAILED]["codes"]) == 1


@pytest.mark.parametrize("named", [True, False], ids=["named", "swept"])
def test_upload_that_fails_alone_is_tried_in_three_runs(cloud: Cloud, platform: Platform, *, named: bool) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/1")
    cloud.fault("AbortMultipartUpload", **CONFLICT)
    mark = cloud.mark()

    done = platform.play(uploads_of(PHOTO_BUCKET, seeded) if named else timer())

    assert sum(one.operation == "AbortMultipartUpload" for one in cloud.requests(mark)) == 3
    assert [status(one) for one in done] == ["partial", "partial", "failed"]
    assert platform.failures()[0][CHAIN_FAILED]["codes"] == ["UploadConflict"]


@pytest.mark.parametrize("named", [True, False], ids=["named", "swept"])
@pytest.mark.parametrize("failures", [1, 2])
def test_upload_that_succeeds_at_a_later_attempt_is_no_failure(
    failures: int, cloud: Cloud, platform: Platform, *, named: bool
) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    cloud.fault("AbortMultipartUpload", key="raw/1", count=failures, **CONFLICT)

    done = platform.play(uploads_of(PHOTO_BUCKET, seeded) if named else timer())

    assert (counted(done), left(cloud, PHOTO_BUCKET)) == ({"aborted": 3}, [])
    assert [status(one) for one in done] == ["partial"] * failures + ["complete"]
    assert platform.failures() == []
    assert [line for one in done for line in one.lines("upload.failed")] == []


@pytest.mark.parametrize("named", [True, False], ids=["named", "swept"])
@pytest.mark.parametrize(("seconds", "waits"), [(900, [60.0]), (130, [60.0]), (100, []), (10, [])])
def test_run_that_has_nothing_else_to_do_waits_a_minute_before_the_last_attempt_where_there_is_time(
    seconds: int, waits: list[float], cloud: Cloud, platform: Platform, *, named: bool
) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/1")
    cloud.fault("AbortMultipartUpload", **CONFLICT)
    platform.run(uploads_of(PHOTO_BUCKET, seeded) if named else timer())

    platform.run(platform.take(), seconds=seconds)
    before_the_last = list(platform.function.waits)
    platform.run(platform.take(), seconds=seconds)

    assert before_the_last == []
    assert platform.function.waits == waits
    assert len(platform.failures()) == 1


def test_run_that_has_something_else_to_do_does_not_wait(cloud: Cloud, platform: Platform) -> None:
    """The listing was cut off, so it is as good as new."""
    cloud.seed(PHOTO_BUCKET, "raw/1")
    cloud.fault("AbortMultipartUpload", **CONFLICT)
    platform.run(timer(buckets=[PHOTO_BUCKET]))
    platform.run(platform.take())
    checkpoint = platform.take()
    checkpoint[CHECKPOINT]["todo"].append(["scan", 0, LOG_BUCKET, "", "", "", {}])

    platform.run(checkpoint, seconds=900)

    assert platform.function.waits == []


def test_upload_that_is_refused_for_good_is_not_tried_again(cloud: Cloud, platform: Platform) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    cloud.fault("AbortMultipartUpload", key="raw/1", status=403, code="AccessDenied")

    (done,) = platform.play(uploads_of(PHOTO_BUCKET, seeded))

    assert (counted([done]), status(done)) == ({"aborted": 2, "failed": 1}, "failed")
    assert platform.failures()[0][CHAIN_FAILED]["codes"] == ["AccessDenied"]


def test_what_failed_is_tried_again_after_everything_else(cloud: Cloud, platform: Platform) -> None:
    """Time runs out behind it, so the next run has uploads that were never tried."""
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n:02}", count=30)
    cloud.fault("AbortMultipartUpload", key="raw/00", count=1, **CONFLICT)
    cloud.fault("ListParts", skip=4, count=30, delay_ms=400)
    platform.run(uploads_of(PHOTO_BUCKET, seeded), seconds=1.5, WORKERS="4")
    cloud.heal()
    mark = cloud.mark()

    done = platform.run(platform.take(), WORKERS="1")

    aborted = [one.key for one in cloud.requests(mark) if one.operation == "AbortMultipartUpload"]
    assert aborted[-1] == "raw/00"
    assert len(aborted) == done.report["aborted"] > 1


@pytest.mark.parametrize("is_well_again", [True, False])
def test_more_than_500_failed_uploads_travel_as_ranges_of_the_listing(
    cloud: Cloud, platform: Platform, *, is_well_again: bool
) -> None:
    cloud.seed(PHOTO_BUCKET, "raw/{n:04}", count=700)
    cloud.seed(PHOTO_BUCKET, "raw/0300-live", hours_since_start=5)
    cloud.fault("AbortMultipartUpload", key_prefix="raw/0", count=690 if is_well_again else None, **CONFLICT)

    done = platform.play(timer())

    assert max(len(json.dumps(one)) for one in platform.offered) < 5_000
    if is_well_again:
        assert (counted(done), [status(one) for one in done]) == ({"aborted": 700, "kept": 1}, ["partial", "complete"])
    else:
        assert counted(done) == {"failed": 700, "kept": 1}
        assert [status(one) for one in done] == ["partial", "partial", "failed"]
    assert len(left(cloud, PHOTO_BUCKET)) == (1 if is_well_again else 701)
    assert len({line["key"] for one in done for line in one.lines("upload.failed")}) == (0 if is_well_again else 700)


@pytest.mark.parametrize("make", [kafka, post], ids=["ckafka", "http"])
def test_queue_and_caller_hear_of_what_failed_and_nothing_is_continued(
    make: Any, cloud: Cloud, platform: Platform
) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    cloud.fault("AbortMultipartUpload", key="raw/1", **CONFLICT)

    done = platform.run(make(PHOTO_BUCKET, seeded))

    assert platform.offered == []
    assert done.answer["statusCode"] == 503 if done.answer else type(done.error).__name__ == "RunFailed"
    assert (make is post) == (done.answer is not None)


@pytest.mark.parametrize("make", [kafka, post], ids=["ckafka", "http"])
def test_queue_and_caller_hear_of_what_failed_even_when_time_ran_out(
    make: Any, cloud: Cloud, platform: Platform
) -> None:
    """What time cut off may be handed over; what failed would be lost if the batch counted as done."""
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n:03}", count=60)
    cloud.fault("AbortMultipartUpload", key="raw/000", **CONFLICT)
    cloud.fault("ListParts", skip=20, delay_ms=900)

    done = platform.run(make(PHOTO_BUCKET, seeded), seconds=1.5, WORKERS="8")

    assert left(cloud, PHOTO_BUCKET)
    assert done.answer["statusCode"] == 503 if done.answer else type(done.error).__name__ == "RunFailed"
    assert (make is post) == (done.answer is not None)


@pytest.mark.parametrize("make", [kafka, post, uploads_of], ids=["ckafka", "http", "direct"])
def test_what_time_cut_off_of_an_event_is_handed_over(make: Any, cloud: Cloud, platform: Platform) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/{n:03}", count=60)
    cloud.fault("ListParts", skip=20, count=16, delay_ms=900)

    done = platform.run(make(PHOTO_BUCKET, seeded), seconds=1.5, WORKERS="8")
    rest = platform.play(platform.take())

    assert done.error is None
    assert make is not post or done.answer is None or done.answer["statusCode"] == 202
    assert (counted([done, *rest]), left(cloud, PHOTO_BUCKET)) == ({"aborted": 60}, [])


# The invocation that does nothing but raise


def test_event_of_a_failed_chain_raises_before_anything_is_looked_at(cloud: Cloud, platform: Platform) -> None:
    """So that the platform's own retries of it send no request and abort nothing, whatever is wrong by then."""
    cloud.seed(PHOTO_BUCKET, "raw/1")
    cloud.fault("AbortMultipartUpload", status=403, code="AccessDenied")
    platform.run(timer())
    cloud.heal()
    (failure,) = platform.failures()
    mark = cloud.mark()

    done = [platform.run(failure), platform.run(failure, BUCKETS="nonsense", TENCENTCLOUD_SECRETID="")]

    assert {type(one.error).__name__ for one in done} == {"RunFailed"}
    assert all("AccessDenied" in str(one.error) for one in done)
    assert (cloud.requests(mark), left(cloud, PHOTO_BUCKET)) == ([], ["raw/1"])
    assert set(failure) == {CHAIN_FAILED}
    assert set(failure[CHAIN_FAILED]) == {"run_id", "codes"}


def test_run_raises_itself_when_the_event_that_raises_is_not_accepted(cloud: Cloud, platform: Platform) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/1")
    cloud.fault("AbortMultipartUpload", status=403, code="AccessDenied")
    platform.then = "UnauthorizedOperation"

    done = platform.run(uploads_of(PHOTO_BUCKET, seeded))

    assert type(done.error).__name__ == "RunFailed"
    assert done.lines("chain.failure_not_reported")[0]["code"] == "UnauthorizedOperation"


@pytest.mark.parametrize(
    "told", [None, 5, "x", [], {}, {"codes": 5}, {"run_id": [], "codes": [5, None, "A"]}], ids=repr
)
def test_forged_event_of_a_failed_chain_sends_no_request(told: object, cloud: Cloud, platform: Platform) -> None:
    mark = cloud.mark()

    done = platform.run({CHAIN_FAILED: told})

    assert (cloud.requests(mark), platform.offered) == ([], [])
    assert done.lines("run.crashed") == []


# Real processes: what the deadline, the rate limit and hanging requests cut off


def hand_overs(chain: Chain) -> int:
    return sum(CHECKPOINT in one.event for one in chain.cloud.invocations())


def test_everything_that_the_rate_limit_and_the_deadline_cut_off_is_done_at_the_end(chain: Chain) -> None:
    """No failure of COS's, so nothing of it is reported as one."""
    for bucket in (PHOTO_BUCKET, LOG_BUCKET):
        chain.cloud.seed(bucket, "{n:03}", count=200)
        chain.cloud.throttle(bucket, 150, burst=100)
    chain.set_up(seconds=2, VERIFY="none")

    runs = chain.sweep()

    assert chain.left() == []
    assert len(runs) > 1
    assert {one.end for one in runs} == {"returned"}
    assert runs[-1].answer["status"] == "complete"
    done = totals(runs)
    assert gone(runs) == sum(done.values()) == 400
    assert chain.failures() == []


@pytest.mark.parametrize("named", [True, False], ids=["named", "swept"])
def test_abort_whose_response_was_cut_off_is_looked_up_again_and_frees_no_bytes(chain: Chain, *, named: bool) -> None:
    seeded = chain.cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    chain.cloud.fault("AbortMultipartUpload", key="raw/1", body="silent")
    chain.set_up(seconds=1.5)

    runs = chain.send(uploads_of(PHOTO_BUCKET, seeded)) if named else chain.sweep()

    assert (chain.left(), len(chain.requests("AbortMultipartUpload"))) == ([], 3)
    assert totals(runs) == {"aborted": 2, "already_gone": 1}
    assert sum(one.answer["bytes_freed"] for one in runs) == 2 << 20
    assert runs[-1].answer["status"] == "complete"


@pytest.mark.parametrize("hanging", [PHOTO_BUCKET, LOG_BUCKET])
def test_hanging_bucket_fails_alone_and_the_healthy_one_is_swept(hanging: str, chain: Chain) -> None:
    chain.cloud.seed(PHOTO_BUCKET, "{n}", count=3)
    chain.cloud.seed(LOG_BUCKET, "{n}", count=3)
    chain.cloud.hang(hanging)
    chain.set_up(seconds=1.5)

    runs = chain.sweep()

    healthy = LOG_BUCKET if hanging == PHOTO_BUCKET else PHOTO_BUCKET
    assert chain.cloud.uploads(healthy) == []
    assert totals(runs) == {"aborted": 3}
    assert runs[-1].answer["status"] == "failed"
    (line,) = chain.lines("bucket.failed")
    assert line["bucket"].startswith(hanging)
    assert len(chain.failures()) == 3


def test_several_hanging_buckets_do_not_keep_the_healthy_one_from_being_swept(chain: Chain) -> None:
    hanging = ["aaa-1250000000", "bbb-1250000000"]
    places = [f"{one}@ap-guangzhou" for one in hanging]
    chain.cloud.reset(PHOTOS, LOGS, *places)
    chain.cloud.seed(PHOTO_BUCKET, "{n}", count=3)
    for one in hanging:
        chain.cloud.hang(one)
    chain.set_up(seconds=1, BUCKETS=",".join([*places, PHOTOS]))

    runs = chain.sweep()

    assert chain.cloud.uploads(PHOTO_BUCKET) == []
    assert totals(runs) == {"aborted": 3}
    assert runs[-1].answer["status"] == "failed"


def test_upload_of_ten_thousand_parts_does_not_block_the_pages_behind_it(chain: Chain) -> None:
    """Its ten pages take longer than one run has; where the reading stopped is remembered."""
    chain.cloud.seed(PHOTO_BUCKET, "a-long", parts=10_000, part_size=1 << 10)
    chain.cloud.seed(PHOTO_BUCKET, "raw/{n:04}", count=1100, hours_since_start=5)
    chain.cloud.seed(PHOTO_BUCKET, "z/{n}", count=3)
    chain.cloud.fault("ListParts", key="a-long", delay_ms=200)
    chain.set_up(seconds=2.2, WORKERS="1")

    runs = chain.sweep()

    assert {one.key for one in chain.aborts()} >= {f"z/{n}" for n in range(3)}
    assert totals(runs)["kept"] == 1100
    assert len(chain.left()) in (1100, 1101)
    assert runs[-1].answer["status"] in ("complete", "failed")
    reads = [one.raw_query for one in chain.requests("ListParts") if one.key == "a-long"]
    assert len(reads) <= 2 * 10 + 2


def test_upload_whose_parts_take_several_runs_to_read_is_aborted_in_the_end(chain: Chain) -> None:
    """As long as each run reads more of them, it is not the one that blocks."""
    chain.cloud.seed(PHOTO_BUCKET, "a-long", parts=10_000, part_size=1 << 10)
    chain.cloud.fault("ListParts", key="a-long", delay_ms=250)
    chain.set_up(seconds=2.2, WORKERS="1")

    runs = chain.sweep()

    assert (chain.left(), runs[-1].answer["status"], totals(runs)) == ([], "complete", {"aborted": 1})
    assert len(runs) > 2


def test_chain_is_not_complete_while_aborts_without_effect_were_not_looked_at(cloud: Cloud, platform: Platform) -> None:
    """A 204 whose verification the time limit cut off proves nothing where another one had no effect."""
    for seeded in cloud.seed(PHOTO_BUCKET, "{n:02}", count=60):
        cloud.fault("AbortMultipartUpload", key=seeded.key, count=1, ignore=True)
    cloud.fault("ListParts", delay_ms=150)

    done = platform.play(timer(), seconds=3, WORKERS="8", VERIFY="all")

    assert len(done) > 1
    assert (status(done[-1]), left(cloud, PHOTO_BUCKET)) == ("complete", [])
    assert sum(counted(done).values()) == 60


def test_upload_that_a_204_left_in_place_is_reported_as_aborted_once(cloud: Cloud, platform: Platform) -> None:
    """The first run counted what it had aborted behind the place where the next run goes on, and so did that one."""
    cloud.seed(PHOTO_BUCKET, "a")
    (slow,) = cloud.seed(PHOTO_BUCKET, "b-slow")
    for seeded in cloud.seed(PHOTO_BUCKET, "c/{n:02}", count=20):
        cloud.fault("AbortMultipartUpload", key=seeded.key, count=1, ignore=True)
    (recent,) = cloud.seed(PHOTO_BUCKET, "d-recent", hours_since_start=200, hours_since_last_part=20)
    cloud.fault("AbortMultipartUpload", key=recent.key, count=1, ignore=True)
    cloud.fault("ListParts", key=slow.key, count=1, body="silent")

    done = platform.play(timer(), seconds=3, WORKERS="8", VERIFY="recent", MIN_IDLE_HOURS="10", MIN_AGE_HOURS="10")

    assert len(done) > 1
    assert left(cloud, PHOTO_BUCKET) == []
    assert sum(counted(done).values()) == 23


@pytest.mark.parametrize("operation", ["ListParts", "AbortMultipartUpload"])
def test_uploads_that_hang_in_one_bucket_do_not_keep_another_from_being_swept(operation: str, chain: Chain) -> None:
    """More of them than there are workers, run after run."""
    chain.cloud.seed(LOG_BUCKET, "{n:02}", count=3)
    chain.cloud.seed(PHOTO_BUCKET, "{n:02}", count=5)
    chain.cloud.fault(operation, bucket=PHOTO_BUCKET, body="silent", ignore=True)
    chain.set_up(seconds=1.2, WORKERS="2")

    runs = chain.sweep()

    assert chain.cloud.uploads(LOG_BUCKET) == []
    assert totals(runs)["aborted"] == 3
    assert runs[-1].answer["status"] == "failed"


def test_chain_in_which_nothing_moves_ends_with_a_failure(chain: Chain) -> None:
    chain.cloud.seed(PHOTO_BUCKET, "{n}", count=3)
    chain.cloud.hang(PHOTO_BUCKET)
    chain.cloud.hang(LOG_BUCKET)
    chain.set_up(seconds=1)

    runs = chain.sweep()

    assert len(runs) <= 6
    assert runs[-1].answer["status"] == "failed"
    assert len(chain.failures()) == 3
    assert totals(runs)["aborted"] == 0


def test_hand_over_that_hangs_ends_before_the_time_limit_and_is_made_up_for(chain: Chain) -> None:
    chain.cloud.seed(PHOTO_BUCKET, "{n:03}", count=20)
    chain.cloud.fault("ListMultipartUploads", bucket=LOG_BUCKET, delay_ms=1400, count=1)
    chain.cloud.seed(LOG_BUCKET, "{n:03}", count=20)
    chain.set_up(seconds=2)
    # The first request only asks whether the function may invoke itself.
    chain.cloud.invoke_fault(body="silent", status=500, skip=1, count=3)

    runs = chain.sweep()

    assert {one.end for one in runs} <= {"returned", "raised"}
    assert "raised" in {one.end for one in runs}
    assert chain.left() == []
    assert totals(runs)["aborted"] <= 40


def test_checkpoint_that_is_delivered_twice_does_no_harm(chain: Chain) -> None:
    chain.cloud.seed(PHOTO_BUCKET, "{n:03}", count=60)
    chain.cloud.seed(LOG_BUCKET, "{n:03}", count=60)
    chain.set_up(FAN_OUT="3")
    chain.cloud.scf_settings(duplicate=1.0)

    runs = chain.sweep()

    assert chain.left() == []
    assert totals(runs)["aborted"] == len(chain.aborts()) == 120
    assert {one.end for one in runs} == {"returned"}


@pytest.mark.parametrize("fault", [{"status": 200, "code": "RequestLimitExceeded"}, {"reset": "before"}], ids=str)
def test_hand_over_that_is_throttled_or_reset_is_repeated(fault: dict[str, Any], chain: Chain) -> None:
    chain.cloud.seed(PHOTO_BUCKET, "{n:03}", count=60)
    chain.set_up(FAN_OUT="4")
    chain.cloud.invoke_fault(skip=2, count=2, **fault)

    runs = chain.sweep()

    assert (chain.left(), totals(runs)["aborted"]) == ([], 60)
    assert {one.end for one in runs} == {"returned"}
    assert hand_overs(chain) == 4


def test_hand_over_that_is_accepted_in_part_is_made_up_for_by_the_platforms_retry(chain: Chain) -> None:
    chain.cloud.seed(PHOTO_BUCKET, "{n:03}", count=100)
    chain.set_up(FAN_OUT="10")
    # Three of ten, and not the seven others together either.
    chain.cloud.invoke_fault(status=200, code="ResourceNotFound.Function", skip=3, count=8)

    runs = chain.sweep()

    assert (chain.left(), totals(runs)["aborted"]) == ([], 100)
    raised = [one for one in runs if one.end == "raised"]
    assert len(raised) == 1
    assert raised[0].error is not None
    assert "ContinuationFailed" in raised[0].error.message


def test_settings_of_the_day_hold_in_a_chain_of_real_runs(chain: Chain) -> None:
    """DRY_RUN=true stops a chain that is under way."""
    chain.cloud.seed(PHOTO_BUCKET, "{n:03}", count=20)
    chain.cloud.seed(LOG_BUCKET, "{n:03}", count=20)
    chain.cloud.fault("ListMultipartUploads", bucket=LOG_BUCKET, delay_ms=1400, count=1)
    chain.set_up(seconds=2)
    chain.set_up(seconds=60, after_runs=2, DRY_RUN="true")

    runs = chain.sweep()

    assert totals(runs) == {"aborted": 20, "would_abort": 20}
    assert len(chain.cloud.uploads(LOG_BUCKET)) == 20
    assert [one.answer["dry_run"] for one in runs] == [False, True]
