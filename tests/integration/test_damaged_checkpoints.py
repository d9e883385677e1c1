"""
Checkpoints and failure events that are damaged or forged: they neither crash nor widen anything.
"""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.emulator.public import Cloud
from tests.function import PHOTOS, timer
from tests.integration.chains import (
    CHAIN_FAILED,
    CHECKPOINT,
    LOG_BUCKET,
    PHOTO_BUCKET,
    uploads_of,
)
from tests.integration.continuation import CONFLICT, completed
from tests.integration.platform import Platform, left

UNREADABLE: list[Any] = [
    None,
    "",
    "text",
    5,
    [],
    {},
    {"version": 1},
    {"version": 99},
    {"version": "3"},
    {"version": 3, "todo": []},
]


@pytest.mark.parametrize("raw", UNREADABLE, ids=repr)
def test_checkpoint_that_cannot_be_read_fails_and_sends_no_request(
    raw: object, cloud: Cloud, platform: Platform
) -> None:
    before = cloud.mark()

    result = platform.run({CHECKPOINT: raw})

    assert type(result.error).__name__ == "RunFailed"
    assert result.lines("run.failed")[0]["level"] == "error"
    assert result.lines("run.crashed") == []
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
        result = platform.run({CHECKPOINT: changed(checkpoint, path, new)}, **settings, VERIFY="none")

        assert result.lines("run.crashed") == [], (path, new)
        assert result.error is None or type(result.error).__name__ == "RunFailed", (path, new)

    aborted = {one.upload_id for one in cloud.requests(mark) if one.operation == "AbortMultipartUpload"}
    assert aborted
    assert aborted <= {one.upload_id for one in abandoned}
    assert {one.upload_id for one in live} <= {
        one.upload_id for b in (PHOTO_BUCKET, LOG_BUCKET) for one in cloud.uploads(b)
    }


def test_failure_event_raises_before_settings_and_credentials_are_read(cloud: Cloud, platform: Platform) -> None:
    """So that the platform's own retries of it send no request and abort nothing, whatever is wrong by then."""
    cloud.seed(PHOTO_BUCKET, "raw/1")
    cloud.fault("AbortMultipartUpload", status=403, code="AccessDenied")
    platform.run(timer())
    cloud.heal()
    (failure,) = platform.failures()
    mark = cloud.mark()

    result = [platform.run(failure), platform.run(failure, BUCKETS="nonsense", TENCENTCLOUD_SECRETID="")]

    assert {type(one.error).__name__ for one in result} == {"RunFailed"}
    assert all("AccessDenied" in str(one.error) for one in result)
    assert (cloud.requests(mark), left(cloud, PHOTO_BUCKET)) == ([], ["raw/1"])
    assert set(failure) == {CHAIN_FAILED}
    assert set(failure[CHAIN_FAILED]) == {"run_id", "codes"}


def test_run_raises_itself_when_the_event_that_raises_is_not_accepted(cloud: Cloud, platform: Platform) -> None:
    seeded = cloud.seed(PHOTO_BUCKET, "raw/1")
    cloud.fault("AbortMultipartUpload", status=403, code="AccessDenied")
    platform.then = "UnauthorizedOperation"

    result = platform.run(uploads_of(PHOTO_BUCKET, seeded))

    assert type(result.error).__name__ == "RunFailed"
    assert result.lines("chain.failure_not_reported")[0]["code"] == "UnauthorizedOperation"


@pytest.mark.parametrize(
    "payload", [None, 5, "x", [], {}, {"codes": 5}, {"run_id": [], "codes": [5, None, "A"]}], ids=repr
)
def test_forged_event_of_a_failed_chain_sends_no_request(payload: object, cloud: Cloud, platform: Platform) -> None:
    mark = cloud.mark()

    result = platform.run({CHAIN_FAILED: payload})

    assert (cloud.requests(mark), platform.offered) == ([], [])
    assert result.lines("run.crashed") == []
