"""
Settings that change between two runs: the stricter form holds for the rest of the work.
"""

from typing import Any

import pytest

from tests.emulator.public import Cloud
from tests.function import PHOTOS, timer
from tests.integration.chains import (
    CHAIN_FAILED,
    LOG_BUCKET,
    PHOTO_BUCKET,
    Chain,
    totals,
    uploads_of,
)
from tests.integration.continuation import CONFLICT, completed
from tests.integration.platform import Platform, counted, left, status

BUSY = {"status": 503, "code": "ServiceUnavailable"}


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
@pytest.mark.parametrize(("name", "values", "excluded"), STRICTER, ids=lambda value: str(value)[:30])
def test_setting_that_changes_between_two_runs_holds_in_its_stricter_form(
    name: str, values: tuple[str, str], excluded: list[str], cloud: Cloud, platform: Platform, *, is_tightened: bool
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

    result = platform.run(checkpoint, **after)

    outside = set(left(cloud)) - everything
    assert set(left(cloud)) - outside == {*excluded, "young"} & everything
    assert result.report["aborted"] == len(everything - set(excluded) - {"young"})
    assert result.report["dry_run"] == (name == "DRY_RUN")


@pytest.mark.parametrize(("before", "after"), [("10", "4"), ("4", "10"), ("none", "4"), ("4", "none")])
def test_max_aborts_that_changes_between_two_runs_holds_in_its_stricter_form(
    before: str, after: str, cloud: Cloud, platform: Platform
) -> None:
    """Two aborts of the first run count."""
    cloud.seed(PHOTO_BUCKET, "raw/{n}", count=2)
    cloud.seed(LOG_BUCKET, "{n}", count=20)
    checkpoint = interrupted(platform, timer(), MAX_ABORTS=before)

    result = platform.run(checkpoint, MAX_ABORTS=after)

    assert (len(left(cloud, PHOTO_BUCKET)), len(left(cloud))) == (0, 18)
    assert (result.report["aborted"], result.report["status"]) == (2, "partial")


def test_max_aborts_below_what_was_aborted_aborts_nothing_more(cloud: Cloud, platform: Platform) -> None:
    cloud.seed(PHOTO_BUCKET, "raw/{n}", count=5)
    cloud.seed(LOG_BUCKET, "{n}", count=20)
    checkpoint = interrupted(platform, timer(), MAX_ABORTS="100")

    result = platform.run(checkpoint, MAX_ABORTS="3")

    assert (result.report["aborted"], result.report["status"], len(left(cloud))) == (0, "partial", 20)
    assert any(LOG_BUCKET in one for one in result.report["not_swept"])


@pytest.mark.parametrize("named", [True, False], ids=["named", "swept"])
@pytest.mark.parametrize(
    "after",
    [{"BUCKETS": PHOTOS}, {"EXCLUDE_BUCKETS": LOG_BUCKET}, {"PREFIXES": "elsewhere/"}],
    ids=["buckets", "exclude_buckets", "prefixes"],
)
def test_target_that_the_current_settings_exclude_is_dropped_and_reported(
    after: dict[str, Any], cloud: Cloud, platform: Platform, *, named: bool
) -> None:
    logs = cloud.seed(LOG_BUCKET, "raw/{n}", count=3)
    checkpoint = interrupted(platform, uploads_of(LOG_BUCKET, logs) if named else timer(), PREFIXES="raw/")

    result = platform.run(checkpoint, **after)

    assert (status(result), len(left(cloud))) == ("partial", 3)
    assert all(LOG_BUCKET in one for one in result.report["dropped"])
    assert {line["level"] for line in result.lines("continuation.narrowed")} == {"warning"}
    assert len(result.report["dropped"]) == (3 if named else 1)


@pytest.mark.parametrize("before", [{"BUCKETS": PHOTOS}, {"EXCLUDE_BUCKETS": LOG_BUCKET}], ids=str)
def test_bucket_that_is_allowed_only_later_is_not_swept_by_a_chain_under_way(
    before: dict[str, Any], cloud: Cloud, platform: Platform
) -> None:
    cloud.seed(PHOTO_BUCKET, "raw/1")
    cloud.seed(LOG_BUCKET, "{n}", count=3)
    cloud.fault("AbortMultipartUpload", count=1, **CONFLICT)
    platform.run(timer(), **before)

    result = platform.run(platform.take())

    assert (result.report["aborted"], len(left(cloud))) == (1, 3)


def test_bucket_deleted_between_two_runs_is_dropped_and_the_others_are_swept(cloud: Cloud, platform: Platform) -> None:
    photos = cloud.seed(PHOTO_BUCKET, "raw/{n}", count=3)
    cloud.seed(LOG_BUCKET, "{n}", count=3)
    cloud.fault("AbortMultipartUpload", key=photos[0].key, count=1, **CONFLICT)
    cloud.fault("ListMultipartUploads", bucket=LOG_BUCKET, count=32, **BUSY)
    platform.run(timer(), BUCKETS="*")
    cloud.delete_bucket(LOG_BUCKET)

    result = platform.run(platform.take(), BUCKETS="*")

    assert (result.report["aborted"], left(cloud, PHOTO_BUCKET)) == (1, [])
    assert (result.report["status"], len(result.report["dropped"])) == ("partial", 1)


def test_failures_of_earlier_runs_are_kept_when_everything_else_is_dropped(cloud: Cloud, platform: Platform) -> None:
    cloud.seed(PHOTO_BUCKET, "raw/1")
    cloud.fault("AbortMultipartUpload", bucket=PHOTO_BUCKET, status=403, code="AccessDenied")
    cloud.fault("ListMultipartUploads", bucket=LOG_BUCKET, **BUSY)
    platform.run(timer())

    result = platform.run(platform.take(), BUCKETS=PHOTOS)

    assert (status(result), result.report["prior_failures"]) == ("failed", {"AccessDenied": 1})
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


@pytest.mark.parametrize(("before", "after"), [("24", "72"), ("72", "24")])
@pytest.mark.parametrize("operation", ["ListMultipartUploads", "AbortMultipartUpload"])
def test_stale_siblings_keep_the_stricter_idle_time(
    operation: str, before: str, after: str, cloud: Cloud, platform: Platform
) -> None:
    """Their parts are too few to tell their pauses, so the idle time of a sweep holds."""
    cloud.seed(LOG_BUCKET, "a.gz", parts=1, hours_since_start=101, hours_since_last_part=100)
    (recent,) = cloud.seed(LOG_BUCKET, "a.gz", parts=1, hours_since_start=41, hours_since_last_part=40)
    cloud.fault(operation, **(BUSY if operation == "ListMultipartUploads" else CONFLICT))
    platform.run(completed("a.gz"), MIN_IDLE_HOURS=before)
    cloud.heal()

    result = platform.run(platform.take(), MIN_IDLE_HOURS=after)

    assert [one.upload_id for one in cloud.uploads(LOG_BUCKET)] == [recent.upload_id]
    assert result.report["aborted"] == 1


def test_stale_sibling_that_failed_for_now_keeps_its_policy(cloud: Cloud, platform: Platform) -> None:
    """A few hours are enough for it, while a sweep asks for days."""
    cloud.seed(LOG_BUCKET, "a.gz", parts=20, hours_since_start=10, hours_since_last_part=8)
    cloud.fault("AbortMultipartUpload", count=1, **CONFLICT)

    result = platform.play(completed("a.gz"))

    assert (counted(result), left(cloud)) == ({"aborted": 1}, [])


def test_current_settings_hold_in_a_chain_of_real_runs(chain: Chain) -> None:
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
