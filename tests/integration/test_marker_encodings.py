"""
Where a listing goes on when its keys and markers are encoded in other ways than the documented one.
"""

import json
from collections.abc import Iterable
from typing import Any

import pytest

from tests.emulator.public import Cloud, Seeded
from tests.function import PHOTOS, Function, Invocation, timer
from tests.integration.listings import (
    BUCKET,
    ENCODINGS,
    FOLDERS,
    PAGE,
    abandoned,
    fill,
    ids,
    listings,
    outcomes,
    requests,
)

MARKED = [(one, other) for one in ENCODINGS for other in ENCODINGS if one != other]


@pytest.fixture(autouse=True)
def _only_one_bucket(function: Function) -> None:
    function.settings["BUCKETS"] = PHOTOS


def of(seeded: Iterable[Seeded]) -> set[str]:
    return {one.upload_id for one in seeded}


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


def assert_right_ones_are_gone(cloud: Cloud, result: Invocation, go: set[str], stay: set[str]) -> None:
    left = ids(cloud)
    assert not go & left
    assert stay <= left
    assert len(left) == PAGE + 60 + len(stay)
    assert outcomes(result) == {"status": "complete", "aborted": len(go), "kept": len(left)}
    assert result.report["bytes_freed"] == len(go)


@pytest.mark.sampled(18)
@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_listing_of_many_pages_is_swept_however_its_keys_are_encoded(
    encoding: str, folder: str, cloud: Cloud, function: Function
) -> None:
    go, stay = furnish(cloud, folder)
    cloud.dialect(encoding=encoding)

    result = swept(folder, function)

    assert_right_ones_are_gone(cloud, result, go, stay)


@pytest.mark.sampled(10)
@pytest.mark.parametrize(("encoding", "marker"), MARKED)
def test_listing_of_many_pages_is_swept_when_its_markers_are_encoded_otherwise_than_its_keys(
    encoding: str, marker: str, cloud: Cloud, function: Function
) -> None:
    folder = FOLDERS[MARKED.index((encoding, marker)) % len(FOLDERS)]
    go, stay = furnish(cloud, folder)
    cloud.dialect(encoding=encoding, next_key_marker=marker)

    result = swept(folder, function)

    assert_right_ones_are_gone(cloud, result, go, stay)


@pytest.mark.sampled(12)
@pytest.mark.parametrize("marker", ENCODINGS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_uploads_of_one_key_are_swept_however_their_markers_are_encoded(
    encoding: str, marker: str, cloud: Cloud, function: Function
) -> None:
    fill(cloud, "a b+%", PAGE - 1)
    # Ids of another shape: encoded, they are others.
    for upload_id in ("z+/=1", "z+/=2"):
        abandoned(cloud, "a b+%", upload_id)
    cloud.dialect(encoding=encoding, next_key_marker=marker, next_upload_id_marker=marker)

    result = function(timer())

    assert outcomes(result) == {"status": "complete", "aborted": 2, "kept": PAGE - 1}


def test_marker_without_encoding_whose_key_looks_encoded_is_proven_by_one_request(
    cloud: Cloud, function: Function
) -> None:
    """An ordinary bucket: its keys have `/` and `%2F`, and List Parts is requests once more than there are uploads."""
    fill(cloud, "a/b%2Fc/{n:04}", 2 * PAGE)
    fill(cloud, "a b+c/{n:04}", 2 * PAGE)
    cloud.seed(BUCKET, "a/b%2Fc/x{n}", count=3, part_size=1)

    result = function(timer(), VERIFY="none")

    assert outcomes(result) == {"status": "complete", "aborted": 3, "kept": 4 * PAGE}
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

    result = function(timer())

    assert outcomes(result)["status"] == "partial"
    assert "how keys are written" in result.report["stopped_because"]


def test_encoding_that_is_proven_later_to_be_the_usual_one_is_a_success(cloud: Cloud, function: Function) -> None:
    fill(cloud, "a", PAGE - 3)
    for number in range(3):
        gone = abandoned(cloud, f"b c{number}")
        cloud.ghost(BUCKET, gone.key, gone.upload_id, listings=1)
    fill(cloud, "b d{n}", PAGE)
    abandoned(cloud, "c")

    result = function(timer())

    assert outcomes(result) == {"status": "complete", "aborted": 1, "kept": 2 * PAGE - 3, "already_gone": 3}


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

    result = function(timer())

    assert outcomes(result) == {"status": "complete", "aborted": 1, "kept": PAGE}
    assert not [one for one in requests(cloud, "ListMultipartUploads") if one.status != 200]


def test_keys_that_are_no_text_are_listed_to_the_end(cloud: Cloud, function: Function) -> None:
    fill(cloud, "\udcff{n:04}", 2 * PAGE)
    abandoned(cloud, "\udcff\udcff")
    abandoned(cloud, "a")

    result = function(timer())

    assert outcomes(result) == {"status": "partial", "aborted": 1, "rejected": 2 * PAGE + 1}
    assert len(requests(cloud, "ListParts")) <= 3
