"""
Where a listing goes on when its marker names an upload that is gone.

Nothing is skipped and nothing is counted twice, whatever the server makes of a marker. Most uploads here started
recently: they fill pages, and a sweep keeps them without a request of their own.
"""

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any, Literal

import pytest

from tests.emulator.public import Cloud
from tests.fixtures import ABORTING, HANDLER
from tests.function import PHOTOS, Function, named, timer
from tests.integration.listings import BUCKET, ENCODINGS, FOLDERS, PAGE, abandoned, fill, ids, listings, outcomes
from tests.integration.little_cos import LittleCos


@pytest.fixture(autouse=True)
def _only_one_bucket(function: Function) -> None:
    function.settings["BUCKETS"] = PHOTOS


GoneMarkers = Literal["accept", "refuse", "refuse_without_uploads", "restart_key"]
GONE_MARKERS: tuple[GoneMarkers, ...] = ("accept", "refuse", "refuse_without_uploads", "restart_key")


@pytest.fixture(scope="module")
def running() -> Iterator[Cloud]:
    with Cloud.start(PHOTOS, function=HANDLER, env={"BUCKETS": PHOTOS, **ABORTING}) as cloud:
        yield cloud


@pytest.fixture
def scf(running: Cloud) -> Cloud:
    running.reset(PHOTOS)
    return running


def checkpoint(start: tuple[str, str], prefix: str = "", **more: Any) -> dict[str, Any]:
    """The rest of a sweep, as an earlier run handed it over: what comes after this upload."""
    policy = {"min_age": 300_000, "min_idle": 90_000, "prefixes": [], "exclude_prefixes": []}
    head: dict[str, Any] = {
        "version": 3,
        "run_id": "r",
        "as_of": datetime.now(timezone.utc).isoformat(),
        "dry_run": False,
        "limit": None,
        "aborted": 0,
        "fraction": [1, 1],
        "number": 2,
        "shard": [[0], 1],
        "prior_failures": [0, 0, []],
        "policies": [policy | {"only_key": None, "started_before": None}],
        "todo": [["listing", 0, BUCKET, prefix, *start]],
    }
    return {"cos_sweeper_checkpoint": head | more}


@pytest.mark.parametrize("how", GONE_MARKERS)
def test_marker_of_an_upload_that_is_gone_skips_nothing_and_counts_nothing_twice_within_one_key(
    how: GoneMarkers, cloud: Cloud, function: Function
) -> None:
    # The last upload of the second page is gone as soon as it has been listed.
    fill(cloud, "k", 2 * PAGE - 1)
    for number in range(4):
        abandoned(cloud, "k", f"z{number}")
    cloud.ghost(BUCKET, "k", "z0", listings=1)
    fill(cloud, "k2", 5)
    cloud.gone_markers(how)

    result = function(timer())

    assert outcomes(result) == {"status": "complete", "aborted": 3, "kept": 2 * PAGE + 4, "already_gone": 1}
    assert len(cloud.uploads(BUCKET)) == 2 * PAGE + 4
    assert [one.status for one in listings(cloud)].count(400) == (how == "refuse")


@pytest.mark.parametrize("how", GONE_MARKERS)
def test_markers_of_uploads_that_are_gone_skip_nothing_and_count_nothing_twice_across_keys(
    how: GoneMarkers, cloud: Cloud, function: Function
) -> None:
    # Each page ends with an upload that is gone as soon as it has been listed; abandoned ones of its key follow.
    fill(cloud, "k/{n:04}", 2 * PAGE + 100)
    for number, index in enumerate((PAGE - 1, 2 * PAGE - 3)):
        abandoned(cloud, f"k/{index:04}", f"0-{number}")
        abandoned(cloud, f"k/{index:04}", f"00-{number}")
        cloud.ghost(BUCKET, f"k/{index:04}", f"0-{number}", listings=1)
    cloud.gone_markers(how)

    result = function(timer())

    assert outcomes(result) == {"status": "complete", "aborted": 2, "kept": 2 * PAGE + 100, "already_gone": 2}
    assert [one.status for one in listings(cloud)].count(400) == (2 if how == "refuse" else 0)


@pytest.mark.parametrize("how", GONE_MARKERS)
def test_markers_of_keys_without_uploads_skip_nothing_and_count_nothing_twice(
    how: GoneMarkers, cloud: Cloud, function: Function
) -> None:
    fill(cloud, "k/{n:04}", 2 * PAGE + 100)
    for index in (PAGE - 2, 2 * PAGE - 4):
        last = abandoned(cloud, f"k/{index:04}-gone")
        cloud.ghost(BUCKET, last.key, last.upload_id, listings=1)
        abandoned(cloud, f"k/{index:04}-not yet")
    cloud.gone_markers(how)

    result = function(timer())

    assert outcomes(result) == {"status": "complete", "aborted": 2, "kept": 2 * PAGE + 100, "already_gone": 2}
    assert [one.status for one in listings(cloud)].count(400) == (2 if how.startswith("refuse") else 0)


@pytest.mark.parametrize("how", GONE_MARKERS)
def test_marker_of_an_upload_that_the_run_itself_aborted_skips_nothing(
    how: GoneMarkers, cloud: Cloud, function: Function
) -> None:
    fill(cloud, "k", PAGE - 1)
    for number in range(3):
        abandoned(cloud, "k", f"z{number}")
    cloud.gone_markers(how)
    # By the time that the second page is looked up, the last upload of the first one is aborted.
    cloud.fault("ListMultipartUploads", skip=1, count=1, delay_ms=700)

    result = function(timer())

    assert outcomes(result) == {"status": "complete", "aborted": 3, "kept": PAGE - 1}
    assert not ids(cloud) & {"z0", "z1", "z2"}


@pytest.mark.parametrize("how", GONE_MARKERS)
def test_continuation_from_an_upload_that_is_gone_skips_nothing_and_counts_nothing_twice(
    how: GoneMarkers, cloud: Cloud, function: Function
) -> None:
    fill(cloud, "a/{n}", 3)
    fill(cloud, "k", 3)
    for number in range(4):
        abandoned(cloud, "k", f"z{number}")
    cloud.seed(BUCKET, "k", upload_id="zz", hours_since_start=200, hours_since_last_part=1)
    abandoned(cloud, "k2")
    # The run before counted what is kept so far, and aborted two.
    for upload_id in ("z0", "z1"):
        cloud.abort(BUCKET, "k", upload_id)
    cloud.gone_markers(how)

    result = function(checkpoint(("k", "z1")))

    assert outcomes(result) == {"status": "complete", "aborted": 3, "kept": 1}
    assert [one.key for one in cloud.uploads(BUCKET)] == ["a/0", "a/1", "a/2", "k", "k", "k", "k"]


@pytest.mark.parametrize("how", GONE_MARKERS)
def test_continuation_from_a_key_without_uploads_skips_nothing_and_counts_nothing_twice(
    how: GoneMarkers, cloud: Cloud, function: Function
) -> None:
    fill(cloud, "k{n}", 3)
    gone = abandoned(cloud, "k5")
    fill(cloud, "k{n}", 2, first=6)
    abandoned(cloud, "k7")
    abandoned(cloud, "l")
    cloud.abort(BUCKET, gone.key, gone.upload_id)
    cloud.gone_markers(how)

    result = function(checkpoint(("k5", gone.upload_id)))

    assert outcomes(result) == {"status": "complete", "aborted": 2, "kept": 2}


@pytest.mark.parametrize("how", GONE_MARKERS)
def test_dry_run_continued_from_an_upload_that_is_gone_counts_nothing_twice(
    how: GoneMarkers, cloud: Cloud, function: Function
) -> None:
    for number in range(4):
        abandoned(cloud, "k", f"z{number}")
    cloud.abort(BUCKET, "k", "z1")
    cloud.gone_markers(how)

    result = function(checkpoint(("k", "z1"), dry_run=True))

    assert outcomes(result) == {"status": "complete", "would_abort": 2}


@pytest.mark.parametrize("how", GONE_MARKERS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_continuation_from_an_upload_that_is_gone_skips_nothing_however_its_key_is_encoded(
    encoding: str, how: GoneMarkers, cloud: Cloud, function: Function
) -> None:
    fill(cloud, "é ü+%20/{n}", 5)
    cloud.seed(BUCKET, "é ü+%20/5", upload_id="0", hours_since_start=200, hours_since_last_part=1)
    gone = abandoned(cloud, "é ü+%20/5")
    abandoned(cloud, "é ü+%20/6")
    fill(cloud, "é ü+%20/{n}", 2, first=7)
    cloud.abort(BUCKET, gone.key, gone.upload_id)
    cloud.gone_markers(how)
    cloud.dialect(encoding=encoding)

    result = function(checkpoint((gone.key, gone.upload_id)))

    assert outcomes(result) == {"status": "complete", "aborted": 1, "kept": 2}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("folder", FOLDERS)
def test_range_of_a_listing_ends_at_its_last_upload_however_its_key_is_encoded(
    folder: str, encoding: str, cloud: Cloud, function: Function
) -> None:
    _, second, third = cloud.seed(BUCKET, folder + "{n}", first=3, count=3, part_size=1)
    checkpointed = checkpoint((f"{folder}2", "1"))
    checkpointed["cos_sweeper_checkpoint"]["todo"][0].append({"end": [second.key, second.upload_id]})
    cloud.dialect(encoding=encoding)

    result = function(checkpointed, MIN_AGE_HOURS="72")

    assert outcomes(result) == {"status": "complete", "aborted": 2}
    assert ids(cloud) == {third.upload_id}


def test_rejected_marker_skips_nothing_behind_a_key_that_was_read_wrongly(cloud: Cloud, function: Function) -> None:
    # The first key reads "a+", which sorts behind the second, and nothing tells the right reading any more.
    first = abandoned(cloud, "a ")
    cloud.ghost(BUCKET, first.key, first.upload_id, listings=1)
    fill(cloud, "a!", PAGE - 2)
    for upload_id in ("z0", "z1"):
        abandoned(cloud, "a!", upload_id)
    cloud.ghost(BUCKET, "a!", "z0", listings=1)
    cloud.gone_markers("refuse")
    cloud.dialect(encoding="plus")

    result = function(timer())

    assert outcomes(result) == {"status": "complete", "aborted": 1, "kept": PAGE - 2, "already_gone": 2}


def test_continuation_whose_marker_is_rejected_twice_counts_nothing_twice(cloud: Cloud, function: Function) -> None:
    # An earlier run counted these; the first page of them ends with an upload that is gone then.
    fill(cloud, "k{n:04}", PAGE + 500)
    gone = abandoned(cloud, f"k{PAGE - 2:04}-")
    cloud.ghost(BUCKET, gone.key, gone.upload_id, listings=1)
    abandoned(cloud, "ka")
    cloud.gone_markers("refuse")

    result = function(checkpoint(("k9", "1")))

    assert outcomes(result) == {"status": "complete", "aborted": 1}
    assert [one.status for one in listings(cloud)].count(400) == 2


def test_listing_that_stepped_back_skips_nothing_when_its_keys_cannot_be_read_for_sure(
    cloud: Cloud, function: Function
) -> None:
    """As the response names them, all of them come before the key to go on after."""
    abandoned(cloud, "é6")
    for number in (7, 8, 9):
        gone = abandoned(cloud, f"é{number}")
        cloud.ghost(BUCKET, gone.key, gone.upload_id, listings=1)
    cloud.gone_markers("refuse")
    cloud.dialect(encoding="once_unannounced")

    result = function(checkpoint(("é5", "1")))

    assert outcomes(result) == {"status": "complete", "aborted": 1, "already_gone": 3}


def test_upload_that_is_tried_again_and_stays_listed_under_another_key_is_no_success(
    cloud: Cloud, function: Function
) -> None:
    """By its response the listing has another key than COS."""
    ghost = abandoned(cloud, "a%20b")
    cloud.ghost(BUCKET, ghost.key, ghost.upload_id)
    cloud.dialect(encoding="plain_announced")
    target = ["upload", 0, BUCKET, "a b", ghost.upload_id, {"swept": True, "text": ghost.key}]

    result = function(checkpoint(("", ""), todo=[target]))

    assert outcomes(result) == {"status": "partial", "listed_but_not_found": 1}


def test_upload_that_is_tried_again_and_listed_again_counts_once_however_its_key_is_encoded(
    cloud: Cloud, function: Function
) -> None:
    (live,) = cloud.seed(BUCKET, "a b", hours_since_start=200, hours_since_last_part=1)
    cloud.dialect(encoding="plus")
    both = checkpoint(("", ""))
    both["cos_sweeper_checkpoint"]["todo"] += [["upload", 0, BUCKET, live.key, live.upload_id, {"swept": True}]]

    result = function(both)

    assert outcomes(result) == {"status": "complete", "kept": 1}


def test_shards_of_a_sweep_leave_nothing_out_though_they_read_keys_differently(
    cloud: Cloud, function: Function
) -> None:
    cloud.seed(BUCKET, "b c{n}", count=30, part_size=1, hours_since_start=200)
    cloud.dialect(encoding="plus")

    # All but the first have to find out how keys are written.
    runs = [
        function(checkpoint(start, shard=[[number], 3]))
        for number, start in enumerate([("", ""), ("a", "1"), ("a", "1")])
    ]

    assert {outcomes(result)["status"] for result in runs} == {"complete"}
    assert sum(result.report["aborted"] for result in runs) == 30


def test_uploads_of_one_key_are_counted_in_whatever_order_a_server_lists_their_ids() -> None:
    with LittleCos() as cos:
        cos.hours = 1.0
        for upload_id in ("m9", "m2", "m7"):
            cos.put("k", upload_id=upload_id)

        result = cos.function(checkpoint(("k", "m5")))

    assert outcomes(result) == {"status": "complete", "kept": 3}


@pytest.mark.parametrize("status", [400, 404])
def test_marker_that_is_rejected_once_is_no_failure(status: int, cloud: Cloud, function: Function) -> None:
    fill(cloud, "k", PAGE)
    abandoned(cloud, "l")
    code = "InvalidArgument" if status == 400 else "NoSuchUpload"
    cloud.fault("ListMultipartUploads", skip=1, count=1, status=status, code=code)

    result = function(timer())

    assert outcomes(result) == {"status": "complete", "aborted": 1, "kept": PAGE}


@pytest.mark.parametrize(("key", "encoding"), [("é", "once_unannounced"), ("a b", "plus")])
def test_range_of_a_listing_ends_at_its_last_upload_though_its_keys_cannot_be_read_for_sure(
    key: str, encoding: str, cloud: Cloud, function: Function
) -> None:
    abandoned(cloud, f"{key}3")
    gone = [abandoned(cloud, f"{key}{number}") for number in (4, 5, 6)]
    for upload in gone:
        cloud.ghost(BUCKET, upload.key, upload.upload_id, listings=1)
    checkpointed = checkpoint((f"{key}2", "1"))
    checkpointed["cos_sweeper_checkpoint"]["todo"][0].append({"end": [gone[0].key, gone[0].upload_id]})
    cloud.dialect(encoding=encoding)

    result = function(checkpointed)

    assert outcomes(result) == {"status": "complete", "aborted": 1, "already_gone": 1}


@pytest.mark.parametrize("how", GONE_MARKERS)
@pytest.mark.parametrize("encoding", ["once", "plus"])
def test_start_of_a_named_upload_is_found_behind_many_uploads_of_its_key(
    encoding: str, how: GoneMarkers, cloud: Cloud, function: Function
) -> None:
    fill(cloud, "a b", PAGE - 1)
    abandoned(cloud, "a b", "z0")
    cloud.ghost(BUCKET, "a b", "z0", listings=1)
    cloud.seed(BUCKET, "a b", upload_id="z1", hours_since_start=200, parts=0)
    cloud.gone_markers(how)
    cloud.dialect(encoding=encoding)

    result = function(named(BUCKET, "a b", "z1"), EVENT_MIN_IDLE_MINUTES="60")

    assert outcomes(result) == {"status": "complete", "aborted": 1}


def test_server_that_rejects_every_marker_is_a_failure_and_no_loop(cloud: Cloud, function: Function) -> None:
    fill(cloud, "k", PAGE + 1)
    # What it was asked without an upload id it answers.
    for skip in range(1, 20):
        cloud.fault("ListMultipartUploads", skip=skip, count=1, status=400, code="InvalidArgument")

    result = function(timer())

    assert "InvalidArgument" in str(result.error)
    assert result.lines("bucket.failed")[0]["code"] == "InvalidArgument"
    assert len(listings(cloud)) == 4


def test_server_whose_markers_lead_back_is_a_failure_and_no_loop(cloud: Cloud, function: Function) -> None:
    for number, marker in enumerate("mnmnmnmn"):
        cloud.fault(
            "ListMultipartUploads",
            count=1,
            raw="<ListMultipartUploadsResult><IsTruncated>true</IsTruncated>"
            f"<Upload><Key>k</Key><UploadId>{number % 3}</UploadId></Upload>"
            f"<NextKeyMarker>k</NextKeyMarker><NextUploadIdMarker>{marker}</NextUploadIdMarker>"
            "</ListMultipartUploadsResult>",
        )

    result = function(timer())

    assert "MarkerStuck" in str(result.error)
    assert len(listings(cloud)) == 5


def test_continuation_whose_marker_is_rejected_for_another_reason_is_a_failure(
    cloud: Cloud, function: Function
) -> None:
    abandoned(cloud, "k")
    cloud.fault("ListMultipartUploads", status=400, code="InvalidArgument")

    result = function(checkpoint(("a", "1")))

    assert "InvalidArgument" in str(result.error)
    assert len(listings(cloud)) == 2


def test_run_that_ends_while_its_listing_is_behind_continues_from_where_it_was(scf: Cloud) -> None:
    fill(scf, "j", 1)
    fill(scf, "k", 2 * PAGE - 2)
    for upload_id in ("z0", "z1"):
        abandoned(scf, "k", upload_id)
    scf.ghost(BUCKET, "k", "z0", listings=1)
    scf.gone_markers("refuse")
    # Page, page, rejected, page; the next one takes longer than the run.
    scf.fault("ListMultipartUploads", skip=4, count=1, delay_ms=20_000)
    scf.scf_settings(time_limit_ms=3000)

    scf.fire_timer()

    assert scf.wait_idle(120)
    first, second = (one.answer for one in scf.invocations() if one.answer and "run" in one.answer)
    assert (first["kept"], first["aborted"], first["continuations"]) == (2 * PAGE - 1, 0, 1)
    assert (second["status"], second["kept"], second["aborted"]) == ("complete", 0, 1)
