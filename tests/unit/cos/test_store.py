"""
What every Store promises: the one over the SDK and HTTP, the one in memory, which must not drift from it, and the one
over a bucket that is somebody's: `make contract BUCKET=… REGION=…`. Without a bucket the emulator stands in for it.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cos_sweeper.cli import credentials as credential_places
from cos_sweeper.core.deadline import run_deadline
from cos_sweeper.core.errors import CosRejected, NoSuchUpload, RequestRejected
from cos_sweeper.core.model import Bucket, Cursor, ListedUpload, Upload
from cos_sweeper.core.settings import LOCAL_ENDPOINT, Credentials, ReportLocation
from cos_sweeper.cos import instance
from cos_sweeper.cos.sdk_store import Clients, CosStore
from cos_sweeper.cos.store import Store
from cos_sweeper.net.client import Connections
from tests.emulator.public import Account, Cloud, MemoryStore, Seed, plant
from tests.fixtures import NOW
from tests.function import LOGS, PHOTOS
from tests.profiles import examples
from tests.verify.bounds import new_prefix
from tests.verify.cleanup import clean
from tests.verify.sender import SECONDS_BETWEEN
from tests.verify.world import Options
from tests.verify.world import World as Place

T = TypeVar("T")

BUCKET = Bucket(*PHOTOS.split("@"))
OTHER = Bucket(*LOGS.split("@"))
REPORTS = ReportLocation(BUCKET, "reports/")
# A bucket and its region, of whoever runs this.
GIVEN = os.environ.get("CONTRACT_BUCKET", "")


@dataclass
class World:
    """A store and a way to put uploads behind it. prefix: of all keys."""

    store: Store
    loop: asyncio.AbstractEventLoop
    seed: Callable[..., list[Upload]]
    reset: Callable[[], None]
    bucket: Bucket = BUCKET
    prefix: str = ""

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(coroutine)


def in_memory(loop: asyncio.AbstractEventLoop) -> World:
    account = Account("1250000000")
    world = World(MemoryStore(account, lambda: NOW, reports=REPORTS), loop, list, account.buckets.clear)

    def seed(key: str, count: int = 1, part_numbers: tuple[int, ...] = (1,), part_size: int = 1 << 20) -> list[Upload]:
        start = NOW - timedelta(hours=100)
        subject = Seed(start, start, key=key, count=count, part_numbers=part_numbers, part_size=part_size)
        return [Upload(BUCKET, one.key, one.upload_id) for one in plant(account.bucket(BUCKET.name), subject)]

    def reset() -> None:
        account.buckets.clear()
        for bucket in (BUCKET, OTHER):
            account.put_bucket(bucket.name, bucket.region, now=NOW)

    world.seed, world.reset = seed, reset
    return world


def over_http(cloud: Cloud, connections: Connections, loop: asyncio.AbstractEventLoop) -> World:
    role = Credentials(cloud.owner.secret_id, cloud.owner.secret_key, "")
    store = CosStore(Clients(role, plain_http=True), connections, run_deadline(lambda: 0.0, 60, 0.0), reports=REPORTS)

    def seed(key: str, count: int = 1, part_numbers: tuple[int, ...] = (1,), part_size: int = 1 << 20) -> list[Upload]:
        numbers = {"part_numbers": list(part_numbers)} if part_numbers else {"parts": 0}
        seeded = cloud.seed(BUCKET.name, key, count=count, part_size=part_size, **numbers)
        return [Upload(BUCKET, one.key, one.upload_id) for one in seeded]

    return World(store, loop, seed, lambda: cloud.reset(PHOTOS, LOGS))


def options_of(cloud: Cloud) -> Options:
    """Of the bucket that the environment names, or of the emulator's."""
    if not GIVEN:
        cloud.reset(PHOTOS, LOGS)
        owner = Credentials(cloud.owner.secret_id, cloud.owner.secret_key, "")
        return Options(BUCKET, owner, cos_port=cloud.port, seconds_between=0.0)
    local = LOCAL_ENDPOINT.fullmatch(os.environ.get("COS_ENDPOINT", ""))
    credentials = credential_places.find(os.environ).credentials
    bucket, between = Bucket(*GIVEN.split("@")), 0.0 if local else SECONDS_BETWEEN
    return Options(bucket, credentials, cos_port=int(local[1]) if local else None, seconds_between=between)


def over_bucket(place: Place, loop: asyncio.AbstractEventLoop) -> World:
    """Uploads are started as a client does it; a guard keeps every request below the place's prefix."""

    async def start(key: str, count: int, part_numbers: tuple[int, ...]) -> list[Upload]:
        uploads = [await place.start_at(place.prefix + key.replace("{n}", str(number))) for number in range(count)]
        for upload, number in product(uploads, part_numbers):
            await place.part(upload, number)
        return uploads

    def seed(key: str, count: int = 1, part_numbers: tuple[int, ...] = (1,)) -> list[Upload]:
        return loop.run_until_complete(start(key, count, part_numbers))

    def reset() -> None:
        left = loop.run_until_complete(clean(place)).left if place.sender.may_have_made else []
        assert (left, place.sender.violation) == ([], "")

    return World(place.store(f"{place.prefix}reports/"), loop, seed, reset, place.bucket, place.prefix)


@pytest.fixture(params=["memory", "http"])
def free_world(request: pytest.FixtureRequest, running_cloud: Cloud) -> Iterator[World]:
    """One in which a thousand requests cost nothing."""
    connections = Connections(running_cloud.port)
    loop = asyncio.new_event_loop()
    world = in_memory(loop) if request.param == "memory" else over_http(running_cloud, connections, loop)
    world.reset()
    yield world
    connections.close()
    instance.close(loop)


@pytest.fixture(params=["memory", "http", "real"])
def world(request: pytest.FixtureRequest, running_cloud: Cloud) -> Iterator[World]:
    loop = asyncio.new_event_loop()
    connections = Connections(running_cloud.port)
    if request.param == "real":
        place = Place(options_of(running_cloud), new_prefix())
        if GIVEN:
            # For `make verify CLEAN=…`, if this is killed.
            sys.stderr.write(f"  {place.prefix}\n")
        connections, world = place.sender, over_bucket(place, loop)
    else:
        world = in_memory(loop) if request.param == "memory" else over_http(running_cloud, connections, loop)
        world.reset()
    try:
        yield world
        if request.param == "real":
            world.reset()
    finally:
        connections.close()
        instance.close(loop)


@pytest.mark.skipif(
    not GIVEN, reason="!!! NOT TESTED against COS: `make contract BUCKET=name-appid REGION=region` does it"
)
def test_contract_is_held_against_a_bucket_that_is_given(running_cloud: Cloud) -> None:
    assert str(options_of(running_cloud).bucket) == GIVEN


def listed_by(world: World, prefix: str = "") -> list[ListedUpload]:
    found: list[ListedUpload] = []
    cursor: Cursor | None = Cursor()
    while cursor is not None:
        page = world.run(world.store.page(world.bucket, cursor, world.prefix + prefix))
        found += page.listed
        cursor = page.next
    return found


def test_listing_shows_every_upload_once_across_pages_and_within_one_key(free_world: World) -> None:
    planted = (
        free_world.seed("a/{n}", count=1000)
        + free_world.seed("c/猫 +?#{n}", count=1000)
        + free_world.seed("d/{n}", count=300)
    )
    planted += free_world.seed("b", count=600) + free_world.seed("b", count=600)

    found = listed_by(free_world)

    assert len(found) == 3500
    assert {one.upload for one in found} == set(planted)


def test_listing_keeps_to_its_prefix(world: World) -> None:
    inside = world.seed("raw/{n}", count=3)
    world.seed("rax/{n}", count=3)

    assert {one.upload for one in listed_by(world, "raw/")} == set(inside)


def test_listing_says_when_an_upload_was_started_and_by_whom(world: World) -> None:
    world.seed("a")

    (one,) = listed_by(world)

    assert one.initiated is not None
    assert one.initiated.utcoffset() == timedelta(0)
    assert one.initiator.startswith("qcs::cam::")


@settings(max_examples=examples(20))
@given(keys=st.lists(st.text(min_size=1, max_size=12).filter(lambda key: key[0] not in "/\\"), max_size=5))
def test_listing_shows_keys_as_they_are(keys: list[str], world: World) -> None:
    # Where they are resolved, dots would lead out of the prefix, so the guard stops them.
    keys = [key for key in keys if "{" not in key and not (world.prefix and ".." in key.split("/"))]
    world.reset()
    for key in keys:
        world.seed(key)

    assert sorted(one.upload.key for one in listed_by(world)) == sorted(world.prefix + key for key in keys)


def test_parts_come_in_pages_by_number(free_world: World) -> None:
    (upload,) = free_world.seed("a", part_numbers=tuple(range(2, 2502)), part_size=7)

    first = free_world.run(free_world.store.parts(upload, 0))
    second = free_world.run(free_world.store.parts(upload, first.next or 0))
    third = free_world.run(free_world.store.parts(upload, second.next or 0))

    assert [(len(page.parts), page.next) for page in (first, second, third)] == [
        (1000, 1001),
        (1000, 2001),
        (500, None),
    ]
    assert sum(part.size for page in (first, second, third) for part in page.parts) == 2500 * 7
    assert all(part.last_modified is not None for part in first.parts)


def test_upload_without_parts_has_an_empty_page(world: World) -> None:
    (upload,) = world.seed("a", part_numbers=())

    page = world.run(world.store.parts(upload, 0))

    assert (page.parts, page.next) == ((), None)


def test_abort_removes_exactly_one_upload(world: World) -> None:
    first, second = world.seed("a", count=2)

    receipt = world.run(world.store.abort(first))

    assert receipt.request_id
    assert [one.upload for one in listed_by(world)] == [second]


def test_upload_that_is_gone_is_no_such_upload(world: World) -> None:
    (upload,) = world.seed("a")
    world.run(world.store.abort(upload))

    with pytest.raises(NoSuchUpload):
        world.run(world.store.abort(upload))
    with pytest.raises(NoSuchUpload):
        world.run(world.store.parts(upload, 0))


@pytest.mark.parametrize("key", ["", "/", "/a", ".", "..", "a/.", "a/..", "a\ud800", "k" * 851], ids=repr)
def test_key_that_would_address_something_else_is_rejected(key: str, world: World) -> None:
    with pytest.raises(RequestRejected):
        world.run(world.store.abort(Upload(world.bucket, key, "1" * 74)))


@pytest.mark.parametrize("upload_id", ["", " ", "a b", "a\n", "é", "a&b"], ids=repr)
def test_upload_id_that_could_mean_something_else_is_rejected(upload_id: str, world: World) -> None:
    with pytest.raises(RequestRejected):
        world.run(world.store.abort(Upload(world.bucket, "k", upload_id)))


def test_bucket_that_is_not_there_is_rejected(free_world: World) -> None:
    nowhere = Bucket("nowhere-1250000000", "ap-guangzhou")

    with pytest.raises(CosRejected) as caught:
        free_world.run(free_world.store.page(nowhere, Cursor(), ""))

    assert (caught.value.code, caught.value.status) == ("NoSuchBucket", 404)


def test_buckets_of_all_regions_are_listed(world: World) -> None:
    page = world.run(world.store.buckets(""))

    assert world.bucket in page.buckets or page.next
    assert world.prefix or (page.buckets, page.next) == ((OTHER, BUCKET), None)


@pytest.mark.parametrize("body", [b"{}", b"\x1f\x8b\0", b"x" * 3_000_000], ids=["text", "binary", "large"])
def test_report_is_read_as_it_was_stored(body: bytes, world: World) -> None:
    world.run(world.store.put_report(world.bucket, f"{world.prefix}reports/猫 +?.json.gz", b"before"))
    world.run(world.store.put_report(world.bucket, f"{world.prefix}reports/猫 +?.json.gz", body))

    assert world.run(world.store.read_report(world.bucket, f"{world.prefix}reports/猫 +?.json.gz", len(body))) == body


def test_report_that_is_not_there_is_none(world: World) -> None:
    assert world.run(world.store.read_report(world.bucket, f"{world.prefix}reports/nothing.json", 100)) is None


def test_report_larger_than_the_limit_is_rejected(world: World) -> None:
    world.run(world.store.put_report(world.bucket, f"{world.prefix}reports/a", b"four"))

    with pytest.raises(CosRejected) as caught:
        world.run(world.store.read_report(world.bucket, f"{world.prefix}reports/a", 3))

    assert caught.value.code == "ReportTooLarge"


def test_reports_are_listed_by_prefix_and_after_a_marker_across_pages(free_world: World) -> None:
    names = sorted((f"reports/{kind}/{number:04}" for kind in ("a", "猫 &+") for number in range(1002)), key=str.encode)
    for name in names:
        free_world.run(free_world.store.put_report(BUCKET, name, b""))

    def listed(prefix: str, after: str) -> list[str]:
        found: list[str] = []
        following: str | None = after
        while following is not None:
            page = free_world.run(free_world.store.list_reports(BUCKET, prefix, following))
            found += page.keys
            following = page.next
        return found

    assert listed("reports/", "") == names
    assert listed("reports/猫 &+/", "reports/猫 &+/1000") == ["reports/猫 &+/1001"]
    assert listed("reports/b", "") == []


@pytest.mark.parametrize(
    ("bucket", "key"),
    [
        (BUCKET, ""),
        (BUCKET, "{}reports"),
        (BUCKET, "{}reportsx/a"),
        (BUCKET, "/{}reports/a"),
        (BUCKET, "{}reports/../a"),
        (BUCKET, "{}reports/."),
        (BUCKET, "{}reports//a"),
        (OTHER, "{}reports/a"),
    ],
    ids=str,
)
def test_object_outside_the_report_prefix_is_neither_stored_nor_read_nor_listed(
    bucket: Bucket, key: str, world: World
) -> None:
    bucket, key = (world.bucket if bucket is BUCKET else bucket), key.format(world.prefix)

    with pytest.raises(RequestRejected):
        world.run(world.store.put_report(bucket, key, b"{}"))
    with pytest.raises(RequestRejected):
        world.run(world.store.read_report(bucket, key, 100))
    with pytest.raises(RequestRejected):
        world.run(world.store.list_reports(bucket, key, ""))
