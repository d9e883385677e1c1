"""
Where a listing goes on: markers that name uploads that are gone, and keys and markers that are encoded in other ways.

Nothing is skipped and nothing is counted twice, whatever the server makes of a marker. Most uploads here started
recently: they fill pages, and a sweep keeps them without a request of their own.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from typing import Any, Literal

import pytest

from tests.aborting import ABORTING
from tests.emulator.client import Cloud, Seeded
from tests.emulator.journal import Request
from tests.fixtures import HANDLER
from tests.function import PHOTOS, Function, Invocation, named, timer

BUCKET = PHOTOS.partition("@")[0]
GoneMarkers = Literal["accept", "refuse", "refuse_without_uploads", "restart_key"]
GONE_MARKERS: tuple[GoneMarkers, ...] = ("accept", "refuse", "refuse_without_uploads", "restart_key")
ENCODINGS = ("once", "once_unannounced", "plain", "plain_announced", "twice", "plus")
# The names of these folders have several meanings, or are read wrongly when their encoding is.
FOLDERS = ("a b/", "a+b/", "a%20b/", "a%2Bb/", "100%/", "x%2Fy/", "é ü/", "%25/", "p q+r%2B/")
PAGE = 1000
OUTCOMES = (
    "aborted",
    "kept",
    "already_gone",
    "already_gone_unchecked",
    "listed_but_not_found",
    "would_abort",
    "still_receiving",
    "rejected",
    "failed",
    "deferred",
)


@pytest.fixture(autouse=True)
def _only_one_bucket(function: Function) -> None:
    function.settings["BUCKETS"] = PHOTOS


@pytest.fixture(scope="module")
def running() -> Iterator[Cloud]:
    with Cloud.start(PHOTOS, function=HANDLER, env={"BUCKETS": PHOTOS, **ABORTING}) as cloud:
        yield cloud


@pytest.fixture
def scf(running: Cloud) -> Cloud:
    running.reset(PHOTOS)
    return running


def fill(cloud: Cloud, key: str, count: int, **more: Any) -> None:
    """Seed uploads that started recently."""
    cloud.seed(BUCKET, key, count=count, hours_since_start=1, part_size=1, **more)


def abandoned(cloud: Cloud, key: str, upload_id: str | None = None) -> Seeded:
    (seeded,) = cloud.seed(BUCKET, key, hours_since_start=200, part_size=1, upload_id=upload_id)
    return seeded


def ids(cloud: Cloud) -> set[str]:
    return {upload.upload_id for upload in cloud.uploads(BUCKET)}


def of(seeded: Iterable[Seeded]) -> set[str]:
    return {one.upload_id for one in seeded}


def requests(cloud: Cloud, operation: str) -> list[Request]:
    return [one for one in cloud.requests() if one.operation == operation]


def listings(cloud: Cloud) -> list[Request]:
    return requests(cloud, "ListMultipartUploads")


def outcomes(done: Invocation) -> dict[str, Any]:
    """The status of a run and its counts, which must add up, without those of nothing."""
    assert done.error is None, done.output
    counts = {name: done.report[name] for name in OUTCOMES if done.report[name]}
    assert sum(counts.values()) == done.report["uploads"]
    return {"status": done.report["status"], **counts}


def checkpoint(start: tuple[str, str], prefix: str = "", **more: Any) -> dict[str, Any]:
    """The rest of a sweep, as an earlier run handed it over: what comes after this upload."""
    policy = {"min_age": 300_000, "min_idle": 90_000, "prefixes": [], "exclude_prefixes": []}
    head: dict[str, Any] = {
        "version": 1,
        "run_id": "r",
        "as_of": datetime.now(timezone.utc).isoformat(),
        "dry_run": False,
        "max_aborts": None,
        "number": 2,
        "share": [0, 1],
        "past": [0, 0, []],
        "policies": [policy | {"only_key": None, "started_before": None}],
        "todo": [["scan", 0, BUCKET, prefix, *start]],
    }
    return {"cos_sweeper_checkpoint": head | more}


# Markers that name uploads that are gone


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

    done = function(timer())

    assert outcomes(done) == {"status": "complete", "aborted": 3, "kept": 2 * PAGE + 4, "already_gone": 1}
    assert len(cloud.uploads(BUCKET)) == 2 * PAGE + 4
    assert [one.status for one in listings(cloud)].count(400) == (how == "refuse")


@pytest.mark.parametrize("how", GONE_MARKERS)
def test_markers_of_uploads_that_are_gone_skip_nothing_and_count_nothing_twice_across_keys(
    how: GoneMarkers, cloud: Cloud, function: Function
) -> None:
    # Each page ends with an upload that is gone as soon as it has been listed; abandoned ones of its key follow.
    fill(cloud, "k/{n:04}", 2 * PAGE + 100)
    for number, place in enumerate((PAGE - 1, 2 * PAGE - 3)):
        abandoned(cloud, f"k/{place:04}", f"0-{number}")
        abandoned(cloud, f"k/{place:04}", f"00-{number}")
        cloud.ghost(BUCKET, f"k/{place:04}", f"0-{number}", listings=1)
    cloud.gone_markers(how)

    done = function(timer())

    assert outcomes(done) == {"status": "complete", "aborted": 2, "kept": 2 * PAGE + 100, "already_gone": 2}
    assert [one.status for one in listings(cloud)].count(400) == (2 if how == "refuse" else 0)


@pytest.mark.parametrize("how", GONE_MARKERS)
def test_markers_of_keys_without_uploads_skip_nothing_and_count_nothing_twice(
    how: GoneMarkers, cloud: Cloud, function: Function
) -> None:
    fill(cloud, "k/{n:04}", 2 * PAGE + 100)
    for place in (PAGE - 2, 2 * PAGE - 4):
        last = abandoned(cloud, f"k/{place:04}-gone")
        cloud.ghost(BUCKET, last.key, last.upload_id, listings=1)
        abandoned(cloud, f"k/{place:04}-not yet")
    cloud.gone_markers(how)

    done = function(timer())

    assert outcomes(done) == {"status": "complete", "aborted": 2, "kept": 2 * PAGE + 100, "already_gone": 2}
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

    done = function(timer())

    assert outcomes(done) == {"status": "complete", "aborted": 3, "kept": PAGE - 1}
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

    done = function(checkpoint(("k", "z1")))

    assert outcomes(done) == {"status": "complete", "aborted": 3, "kept": 1}
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

    done = function(checkpoint(("k5", gone.upload_id)))

    assert outcomes(done) == {"status": "complete", "aborted": 2, "kept": 2}


@pytest.mark.parametrize("how", GONE_MARKERS)
def test_dry_run_continued_from_an_upload_that_is_gone_counts_nothing_twice(
    how: GoneMarkers, cloud: Cloud, function: Function
) -> None:
    for number in range(4):
        abandoned(cloud, "k", f"z{number}")
    cloud.abort(BUCKET, "k", "z1")
    cloud.gone_markers(how)

    done = function(checkpoint(("k", "z1"), dry_run=True))

    assert outcomes(done) == {"status": "complete", "would_abort": 2}


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

    done = function(checkpoint((gone.key, gone.upload_id)))

    assert outcomes(done) == {"status": "complete", "aborted": 1, "kept": 2}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("folder", FOLDERS)
def test_range_of_a_listing_ends_at_its_last_upload_however_its_key_is_encoded(
    folder: str, encoding: str, cloud: Cloud, function: Function
) -> None:
    _, second, third = cloud.seed(BUCKET, folder + "{n}", first=3, count=3, part_size=1)
    checkpointed = checkpoint((f"{folder}2", "1"))
    checkpointed["cos_sweeper_checkpoint"]["todo"][0].append({"end": [second.key, second.upload_id]})
    cloud.dialect(encoding=encoding)

    done = function(checkpointed, MIN_AGE_HOURS="72")

    assert outcomes(done) == {"status": "complete", "aborted": 2}
    assert ids(cloud) == {third.upload_id}


def test_refused_marker_skips_nothing_behind_a_key_that_was_read_wrongly(cloud: Cloud, function: Function) -> None:
    # The first key reads "a+", which sorts behind the second, and nothing tells the right reading any more.
    first = abandoned(cloud, "a ")
    cloud.ghost(BUCKET, first.key, first.upload_id, listings=1)
    fill(cloud, "a!", PAGE - 2)
    for upload_id in ("z0", "z1"):
        abandoned(cloud, "a!", upload_id)
    cloud.ghost(BUCKET, "a!", "z0", listings=1)
    cloud.gone_markers("refuse")
    cloud.dialect(encoding="plus")

    done = function(timer())

    assert outcomes(done) == {"status": "complete", "aborted": 1, "kept": PAGE - 2, "already_gone": 2}


def test_continuation_whose_marker_is_refused_twice_counts_nothing_twice(cloud: Cloud, function: Function) -> None:
    # An earlier run counted these; the first page of them ends with an upload that is gone then.
    fill(cloud, "k{n:04}", PAGE + 500)
    gone = abandoned(cloud, f"k{PAGE - 2:04}-")
    cloud.ghost(BUCKET, gone.key, gone.upload_id, listings=1)
    abandoned(cloud, "ka")
    cloud.gone_markers("refuse")

    done = function(checkpoint(("k9", "1")))

    assert outcomes(done) == {"status": "complete", "aborted": 1}
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

    done = function(checkpoint(("é5", "1")))

    assert outcomes(done) == {"status": "complete", "aborted": 1, "already_gone": 3}


def test_upload_that_is_tried_again_and_stays_listed_under_another_key_is_no_success(
    cloud: Cloud, function: Function
) -> None:
    """By its response the listing has another key than COS."""
    ghost = abandoned(cloud, "a%20b")
    cloud.ghost(BUCKET, ghost.key, ghost.upload_id)
    cloud.dialect(encoding="plain_announced")
    target = ["upload", 0, BUCKET, "a b", ghost.upload_id, {"swept": True, "text": ghost.key}]

    done = function(checkpoint(("", ""), todo=[target]))

    assert outcomes(done) == {"status": "partial", "listed_but_not_found": 1}


def test_upload_that_is_tried_again_and_listed_again_counts_once_however_its_key_is_encoded(
    cloud: Cloud, function: Function
) -> None:
    (live,) = cloud.seed(BUCKET, "a b", hours_since_start=200, hours_since_last_part=1)
    cloud.dialect(encoding="plus")
    both = checkpoint(("", ""))
    both["cos_sweeper_checkpoint"]["todo"] += [["upload", 0, BUCKET, live.key, live.upload_id, {"swept": True}]]

    done = function(both)

    assert outcomes(done) == {"status": "complete", "kept": 1}


def test_shares_of_a_sweep_leave_nothing_out_though_they_know_different_things_of_keys(
    cloud: Cloud, function: Function
) -> None:
    cloud.seed(BUCKET, "b c{n}", count=30, part_size=1, hours_since_start=200)
    cloud.dialect(encoding="plus")

    # All but the first have to find out how keys are written.
    runs = [
        function(checkpoint(start, share=[number, 3]))
        for number, start in enumerate([("", ""), ("a", "1"), ("a", "1")])
    ]

    assert {outcomes(done)["status"] for done in runs} == {"complete"}
    assert sum(done.report["aborted"] for done in runs) == 30


@pytest.mark.parametrize("status", [400, 404])
def test_marker_that_is_refused_once_is_no_failure(status: int, cloud: Cloud, function: Function) -> None:
    fill(cloud, "k", PAGE)
    abandoned(cloud, "l")
    code = "InvalidArgument" if status == 400 else "NoSuchUpload"
    cloud.fault("ListMultipartUploads", skip=1, count=1, status=status, code=code)

    done = function(timer())

    assert outcomes(done) == {"status": "complete", "aborted": 1, "kept": PAGE}


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

    done = function(checkpointed)

    assert outcomes(done) == {"status": "complete", "aborted": 1, "already_gone": 1}


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

    done = function(named(BUCKET, "a b", "z1"), EVENT_MIN_IDLE_MINUTES="60")

    assert outcomes(done) == {"status": "complete", "aborted": 1}


def test_server_that_refuses_every_marker_is_a_failure_and_no_loop(cloud: Cloud, function: Function) -> None:
    fill(cloud, "k", PAGE + 1)
    # What it was asked without an upload id it answers.
    for skip in range(1, 20):
        cloud.fault("ListMultipartUploads", skip=skip, count=1, status=400, code="InvalidArgument")

    done = function(timer())

    assert "InvalidArgument" in str(done.error)
    assert done.lines("bucket.failed")[0]["code"] == "InvalidArgument"
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

    done = function(timer())

    assert "MarkerStuck" in str(done.error)
    assert len(listings(cloud)) == 5


def test_continuation_whose_marker_is_refused_for_another_reason_is_a_failure(cloud: Cloud, function: Function) -> None:
    abandoned(cloud, "k")
    cloud.fault("ListMultipartUploads", status=400, code="InvalidArgument")

    done = function(checkpoint(("a", "1")))

    assert "InvalidArgument" in str(done.error)
    assert len(listings(cloud)) == 2


def test_run_that_ends_while_its_listing_is_behind_hands_over_how_far_it_was(scf: Cloud) -> None:
    fill(scf, "j", 1)
    fill(scf, "k", 2 * PAGE - 2)
    for upload_id in ("z0", "z1"):
        abandoned(scf, "k", upload_id)
    scf.ghost(BUCKET, "k", "z0", listings=1)
    scf.gone_markers("refuse")
    # Page, page, refused, page; the next one takes longer than the run.
    scf.fault("ListMultipartUploads", skip=4, count=1, delay_ms=20_000)
    scf.scf_settings(time_limit_ms=3000)

    scf.fire_timer()

    assert scf.wait_idle(120)
    first, second = (one.answer for one in scf.invocations() if one.answer and "run" in one.answer)
    assert (first["kept"], first["aborted"], first["continuations"]) == (2 * PAGE - 1, 0, 1)
    assert (second["status"], second["kept"], second["aborted"]) == ("complete", 0, 1)


# Keys and markers that are encoded in other ways


def furnish(cloud: Cloud, folder: str) -> tuple[set[str], set[str]]:
    """
    A folder of more than a page, with abandoned, live and excluded uploads around the end of that page.

    Returns the ids of what must go, and of what must stay beside the uploads that started recently.
    """
    fill(cloud, folder + "{n:04}", PAGE + 60)
    go = cloud.seed(BUCKET, folder + "{n:03}5", first=97, count=8, part_size=1)
    live = cloud.seed(BUCKET, folder + "{n:03}7", first=98, count=3, part_size=1, hours_since_last_part=1)
    excluded = cloud.seed(BUCKET, folder + "{n:03}3-not", first=98, count=3, part_size=1)
    return of(go), of(live + excluded)


def swept(folder: str, function: Function, **more: Any) -> Invocation:
    excluded = [f"{folder}{number:03}3-not" for number in range(98, 101)]
    return function(timer(), EXCLUDE_PREFIXES=json.dumps(excluded), **more)


def assert_right_ones_are_gone(cloud: Cloud, done: Invocation, go: set[str], stay: set[str]) -> None:
    left = ids(cloud)
    assert not go & left
    assert stay <= left
    assert len(left) == PAGE + 60 + len(stay)
    assert outcomes(done) == {"status": "complete", "aborted": len(go), "kept": len(left)}
    assert done.report["bytes_freed"] == len(go)


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_listing_of_many_pages_is_swept_however_its_keys_are_encoded(
    encoding: str, folder: str, cloud: Cloud, function: Function
) -> None:
    go, stay = furnish(cloud, folder)
    cloud.dialect(encoding=encoding)

    done = swept(folder, function)

    assert_right_ones_are_gone(cloud, done, go, stay)


MARKED = [(one, other) for one in ENCODINGS for other in ENCODINGS if one != other]


@pytest.mark.parametrize(("encoding", "marker"), MARKED)
def test_listing_of_many_pages_is_swept_when_its_markers_are_encoded_otherwise_than_its_keys(
    encoding: str, marker: str, cloud: Cloud, function: Function
) -> None:
    folder = FOLDERS[MARKED.index((encoding, marker)) % len(FOLDERS)]
    go, stay = furnish(cloud, folder)
    cloud.dialect(encoding=encoding, next_key_marker=marker)

    done = swept(folder, function)

    assert_right_ones_are_gone(cloud, done, go, stay)


@pytest.mark.parametrize("marker", ENCODINGS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_many_uploads_of_one_key_are_swept_however_their_markers_are_encoded(
    encoding: str, marker: str, cloud: Cloud, function: Function
) -> None:
    fill(cloud, "a b+%", PAGE - 1)
    # Ids of another shape: encoded, they are others.
    for upload_id in ("z+/=1", "z+/=2"):
        abandoned(cloud, "a b+%", upload_id)
    cloud.dialect(encoding=encoding, next_key_marker=marker, next_upload_id_marker=marker)

    done = function(timer())

    assert outcomes(done) == {"status": "complete", "aborted": 2, "kept": PAGE - 1}


def test_marker_without_encoding_whose_key_looks_encoded_is_proven_by_one_request(
    cloud: Cloud, function: Function
) -> None:
    """An ordinary bucket: its keys have `/` and `%2F`, and List Parts is asked once more than there are uploads."""
    fill(cloud, "a/b%2Fc/{n:04}", 2 * PAGE)
    fill(cloud, "a b+c/{n:04}", 2 * PAGE)
    cloud.seed(BUCKET, "a/b%2Fc/x{n}", count=3, part_size=1)

    done = function(timer(), VERIFY="none")

    assert outcomes(done) == {"status": "complete", "aborted": 3, "kept": 4 * PAGE}
    assert len(requests(cloud, "ListParts")) == 3 + 1
    assert len(listings(cloud)) == 5


def test_encoding_that_nothing_proves_is_no_success(cloud: Cloud, function: Function) -> None:
    """All uploads that could tell what the marker means are gone; its wrong meaning skips the rest."""
    fill(cloud, "a", PAGE - 3)
    for number in range(3):
        gone = abandoned(cloud, f"b c{number}")
        cloud.ghost(BUCKET, gone.key, gone.upload_id, listings=1)
    abandoned(cloud, "b d")
    cloud.dialect(encoding="plus")

    done = function(timer())

    assert outcomes(done)["status"] == "partial"
    assert "how keys are written" in done.report["stopped_because"]


def test_encoding_that_is_proven_later_to_be_the_usual_one_is_a_success(cloud: Cloud, function: Function) -> None:
    fill(cloud, "a", PAGE - 3)
    for number in range(3):
        gone = abandoned(cloud, f"b c{number}")
        cloud.ghost(BUCKET, gone.key, gone.upload_id, listings=1)
    fill(cloud, "b d{n}", PAGE)
    abandoned(cloud, "c")

    done = function(timer())

    assert outcomes(done) == {"status": "complete", "aborted": 1, "kept": 2 * PAGE - 3, "already_gone": 3}


@pytest.mark.parametrize("encoding", ["once", "twice"])
@pytest.mark.parametrize(
    "fault", [{"status": 503, "code": "ServiceUnavailable"}, {"status": 403, "code": "AccessDenied"}]
)
def test_upload_that_cannot_be_looked_at_does_not_end_its_listing(
    fault: dict[str, Any], encoding: str, cloud: Cloud, function: Function
) -> None:
    fill(cloud, "a b/{n:04}", PAGE)
    abandoned(cloud, "a b/zz")
    cloud.fault("ListParts", key=f"a b/{PAGE - 1:04}", **fault)
    cloud.dialect(encoding=encoding)

    done = function(timer())

    assert outcomes(done) == {"status": "complete", "aborted": 1, "kept": PAGE}
    assert not [one for one in requests(cloud, "ListMultipartUploads") if one.status != 200]


def test_keys_that_are_no_text_are_listed_to_the_end(cloud: Cloud, function: Function) -> None:
    fill(cloud, "\udcff{n:04}", 2 * PAGE)
    abandoned(cloud, "\udcff\udcff")
    abandoned(cloud, "a")

    done = function(timer())

    assert outcomes(done) == {"status": "partial", "aborted": 1, "rejected": 2 * PAGE + 1}
    assert len(requests(cloud, "ListParts")) <= 3
