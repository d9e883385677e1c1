"""
Faults that other stores are known for: nothing live is aborted, nothing is claimed that is not so, and the chain ends.

Each store holds the same uploads. The function sweeps it while it misbehaves, and again when it is well.
"""

from collections.abc import Callable

import pytest

from tests.emulator.public import Cloud
from tests.function import PHOTOS, timer
from tests.integration.chains import OUTCOMES
from tests.integration.platform import Platform, counted, status

BUCKET = PHOTOS.partition("@")[0]
LISTING, LOOK, ABORT = "ListMultipartUploads", "ListParts", "AbortMultipartUpload"
MIB = 1 << 20
LIVE = ("live", "new")
DEAD = ("a b", "k/0", "k/1", "k/2", "é+%20")


def fill(cloud: Cloud) -> None:
    """Two uploads that are in use, by their last part and by their start, and five that are not."""
    cloud.seed(BUCKET, "live", parts=3, hours_since_start=200, hours_since_last_part=1)
    cloud.seed(BUCKET, "new", hours_since_start=1)
    for key in DEAD:
        cloud.seed(BUCKET, key, parts=2, hours_since_start=200)


def of_key(cloud: Cloud, key: str) -> tuple[str, str, str]:
    return BUCKET, key, next(each.upload_id for each in cloud.uploads(BUCKET) if each.key == key)


def late_part(if_gone: str) -> Callable[[Cloud], None]:
    return lambda cloud: cloud.fault(
        ABORT, key="k/1", count=1, part={"when": "after", "size": 9 * MIB, "if_gone": if_gone}
    )


def forgetting(cloud: Cloud) -> None:
    cloud.forget(*of_key(cloud, "k/1"), listings=1)
    cloud.forget(*of_key(cloud, "live"), listings=1)


def old_listing(cloud: Cloud) -> None:
    """It shows one that was aborted and one that was completed since, and not the part that came to a third."""
    cloud.freeze(BUCKET)
    cloud.abort(*of_key(cloud, "k/0"))
    cloud.complete(*of_key(cloud, "k/2"))
    cloud.upload_part(*of_key(cloud, "k/1"))
    cloud.clock(advance_seconds=600)
    cloud.fault(date_offset_seconds=-600)


def throttling(status: int, code: str) -> Callable[[Cloud], None]:
    def throttle(cloud: Cloud) -> None:
        answer = {"status": status, "code": code} if code else {"status": status, "raw": ""}
        for operation in (LISTING, LOOK, ABORT):
            cloud.fault(operation, bucket=BUCKET, count=3, **answer)

    return throttle


def recover(cloud: Cloud) -> None:
    cloud.heal()
    cloud.dialect()
    cloud.gone_markers("accept")
    cloud.freeze(BUCKET, on=False)
    cloud.clock(offset_seconds=0)


STORES: dict[str, tuple[Callable[[Cloud], object], dict[str, int]]] = {
    "a part that brings the upload back": (late_part("revives"), {"kept": 2, "aborted": 4, "still_receiving": 1}),
    "a part that stays on disk": (late_part("stays"), {"kept": 2, "aborted": 5}),
    "a 204 without effect": (
        lambda cloud: cloud.fault(ABORT, key="k/1", ignore=True),
        {"kept": 2, "aborted": 4, "failed": 1},
    ),
    "listed but gone": (
        lambda cloud: cloud.ghost(*of_key(cloud, "k/1")),
        {"kept": 2, "aborted": 4, "listed_but_not_found": 1},
    ),
    "a listing that forgets": (forgetting, {"kept": 1, "aborted": 4}),
    "a listing that is old": (old_listing, {"kept": 3, "aborted": 2, "listed_but_not_found": 2}),
    "starts in another form": (
        lambda cloud: cloud.dialect(initiated={"format": "%a %b %d %H:%M:%S %Y", "zone_hours": 8}),
        {"kept": 2, "aborted": 5},
    ),
    "times of parts in another form": (
        lambda cloud: cloud.dialect(last_modified={"format": "%Y-%m-%dT%H:%M:%S%:z", "zone_hours": 8}),
        {"kept": 7},
    ),
    "keys that are encoded twice": (lambda cloud: cloud.dialect(encoding="twice"), {"kept": 2, "aborted": 5}),
    "keys with a plus": (lambda cloud: cloud.dialect(encoding="plus"), {"kept": 2, "aborted": 5}),
    "a marker that is refused": (lambda cloud: cloud.gone_markers("refuse"), {"kept": 2, "aborted": 5}),
    "throttling as 429": (throttling(429, "TooManyRequests"), {"kept": 2, "aborted": 5}),
    "throttling as 400": (throttling(400, "RequestLimitExceeded"), {"kept": 2, "aborted": 5}),
    "throttling without a code": (throttling(429, ""), {"kept": 2, "aborted": 5}),
    "no Date": (lambda cloud: cloud.fault(date="missing"), {"kept": 7}),
    "a Date in the past": (lambda cloud: cloud.fault(date_offset_seconds=-86_400), {"kept": 7}),
}
"""The fault, and what becomes of the seven uploads meanwhile."""
REVIVED = {"a part that brings the upload back": {"k/1"}, "a listing that is old": {"k/1"}}
"""A part arrived at these, so that the next sweep keeps them."""


@pytest.mark.parametrize("store", STORES)
def test_sweep_of_a_store_that_misbehaves_aborts_nothing_live_and_claims_nothing(
    store: str, cloud: Cloud, platform: Platform
) -> None:
    misbehave, outcomes = STORES[store]
    fill(cloud)
    before = {each.key: each for each in cloud.uploads(BUCKET)}
    misbehave(cloud)
    there = {each.key for each in cloud.uploads(BUCKET)}

    runs = platform.play(timer(buckets=[BUCKET]), patience=0.001, VERIFY="all", WORKERS="2")

    counts, gone = counted(runs), there - {each.key for each in cloud.uploads(BUCKET)}
    assert counts == outcomes
    assert gone.isdisjoint(LIVE)
    freed = sum(run.lines("run.finished")[0]["bytes_freed"] for run in runs)
    assert freed == sum(before[key].bytes for key in gone)
    assert counts["aborted"] == len(gone)
    assert sum(run.lines("run.finished")[0]["uploads"] for run in runs) == sum(counts[name] for name in OUTCOMES)
    clean = {"kept", "aborted"} >= set(counts)
    assert (status(runs[-1]) == "complete") == clean


@pytest.mark.parametrize("store", STORES)
def test_next_sweep_frees_what_a_store_that_misbehaved_left(store: str, cloud: Cloud, platform: Platform) -> None:
    fill(cloud)
    STORES[store][0](cloud)
    platform.play(timer(buckets=[BUCKET]), patience=0.001, WORKERS="2")
    recover(cloud)

    platform.play(timer(buckets=[BUCKET]), WORKERS="2")

    assert {each.key for each in cloud.uploads(BUCKET)} == {*LIVE, *REVIVED.get(store, ())}
