import hashlib
import random
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest

from tests.emulator.account import Account
from tests.emulator.bucket import MIN_PART_BYTES, Bucket
from tests.emulator.errors import CosError
from tests.emulator.listing import Query
from tests.emulator.seeding import Seed, plant
from tests.emulator.stored import Upload

NOW = datetime(2026, 3, 4, 10, 1, 33, 250_000, tzinfo=timezone.utc)
ETAGS = [hashlib.md5(bytes([number])).hexdigest() for number in range(5)]


@pytest.fixture
def bucket() -> Bucket:
    return Bucket("photos-1250000000", "ap-guangzhou", NOW, random.Random(1))


def started(bucket: Bucket, key: str = "a", sizes: tuple[int, ...] = (MIN_PART_BYTES, MIN_PART_BYTES, 7)) -> Upload:
    upload = bucket.initiate(key, now=NOW)
    for number, size in enumerate(sizes, start=1):
        bucket.upload_part(key, upload.upload_id, number, size=size, etag=ETAGS[number], now=NOW)
    return upload


def rejection(rejected: pytest.ExceptionInfo[CosError]) -> tuple[int, str]:
    return rejected.value.status, rejected.value.code


def test_upload_id_is_the_second_of_the_start_and_64_hex_characters(bucket: Bucket) -> None:
    upload = bucket.initiate("a", now=NOW)

    assert re.fullmatch(r"1772618493[0-9a-f]{64}", upload.upload_id)
    assert bucket.initiate("a", now=NOW).upload_id != upload.upload_id


@pytest.mark.parametrize(
    ("key", "code"),
    [
        pytest.param("a" * 851, "KeyTooLong", id="851 bytes"),
        pytest.param("中" * 284, "KeyTooLong", id="852 bytes of Chinese"),
        pytest.param("/a", "InvalidArgument", id="leading slash"),
        pytest.param("\\a", "InvalidArgument", id="leading backslash"),
    ],
)
def test_key_that_cos_does_not_take_starts_nothing(bucket: Bucket, key: str, code: str) -> None:
    with pytest.raises(CosError) as rejected:
        bucket.initiate(key, now=NOW)

    assert rejection(rejected) == (400, code)
    assert len(bucket.uploads) == 0


def test_key_of_850_bytes_is_taken(bucket: Bucket) -> None:
    bucket.initiate("a" * 850, now=NOW)


def test_part_sent_again_replaces_the_one_before(bucket: Bucket) -> None:
    upload = started(bucket, sizes=(5, 6))
    later = NOW + timedelta(hours=1)

    bucket.upload_part("a", upload.upload_id, 1, size=50, etag=ETAGS[4], now=later)

    parts = bucket.upload("a", upload.upload_id).parts
    assert (parts.bytes, parts.last_modified, len(parts.by_number)) == (56, later, 2)


@pytest.mark.parametrize("number", [0, 10_001])
def test_part_number_is_from_1_to_10000(bucket: Bucket, number: int) -> None:
    upload = bucket.initiate("a", now=NOW)

    with pytest.raises(CosError) as rejected:
        bucket.upload_part("a", upload.upload_id, number, size=1, etag=ETAGS[0], now=NOW)

    assert rejection(rejected) == (400, "InvalidArgument")


def test_parts_are_listed_by_number_and_paged_after_the_marker(bucket: Bucket) -> None:
    upload = bucket.initiate("a", now=NOW)
    for number in (7, 3, 10_000, 1):
        bucket.upload_part("a", upload.upload_id, number, size=number, etag=ETAGS[0], now=NOW)

    first = bucket.list_parts("a", upload.upload_id, max_parts=3)
    second = bucket.list_parts("a", upload.upload_id, marker=first.next_marker or 0, max_parts=3)

    assert [part.number for part in first.parts] == [1, 3, 7]
    assert first.next_marker == 7
    assert [part.number for part in second.parts] == [10_000]
    assert second.next_marker is None


def test_uploads_of_one_key_are_listed_in_the_order_of_their_start(bucket: Bucket) -> None:
    later = bucket.initiate("a", now=NOW + timedelta(seconds=2))
    earlier = bucket.initiate("a", now=NOW)

    assert bucket.list_uploads(Query()).entries == (earlier, later)


def test_complete_makes_an_object_of_the_listed_parts_and_ends_the_upload(bucket: Bucket) -> None:
    upload = started(bucket)

    stored = bucket.complete("a", upload.upload_id, [(1, ETAGS[1]), (3, ETAGS[3])], now=NOW)

    binary = bytes.fromhex(ETAGS[1]) + bytes.fromhex(ETAGS[3])
    assert stored.etag == hashlib.md5(binary).hexdigest() + "-2"
    assert stored.size == MIN_PART_BYTES + 7
    assert bucket.get_object("a") == stored
    assert len(bucket.uploads) == 0


@pytest.mark.parametrize(
    ("listed", "code"),
    [
        pytest.param([(2, ETAGS[2]), (1, ETAGS[1])], "InvalidPartOrder", id="descending"),
        pytest.param([(1, ETAGS[1]), (1, ETAGS[1])], "InvalidPartOrder", id="twice"),
        pytest.param([(1, ETAGS[1]), (4, ETAGS[4])], "InvalidPart", id="never sent"),
        pytest.param([(1, ETAGS[2])], "InvalidPart", id="another ETag"),
        pytest.param([(3, ETAGS[3]), (4, ETAGS[4])], "InvalidPart", id="missing comes before small"),
    ],
)
def test_complete_rejects_a_wrong_list_and_keeps_the_upload(
    bucket: Bucket, listed: list[tuple[int, str]], code: str
) -> None:
    upload = started(bucket)

    with pytest.raises(CosError) as rejected:
        bucket.complete("a", upload.upload_id, listed, now=NOW)

    assert rejection(rejected) == (400, code)
    assert len(bucket.uploads) == 1
    assert len(bucket.objects) == 0


def test_complete_rejects_a_small_part_unless_it_is_the_last(bucket: Bucket) -> None:
    small = started(bucket, sizes=(MIN_PART_BYTES - 1, 7))
    alone = started(bucket, "b", sizes=(7,))

    with pytest.raises(CosError) as rejected:
        bucket.complete("a", small.upload_id, [(1, ETAGS[1]), (2, ETAGS[2])], now=NOW)

    assert rejection(rejected) == (400, "EntityTooSmall")
    assert bucket.complete("b", alone.upload_id, [(1, ETAGS[1])], now=NOW).size == 7


def test_abort_drops_the_upload_and_no_other_of_its_key(bucket: Bucket) -> None:
    dropped, kept = started(bucket), started(bucket)

    assert bucket.abort("a", dropped.upload_id).parts.bytes == 2 * MIN_PART_BYTES + 7
    assert bucket.list_uploads(Query()).entries == (bucket.upload("a", kept.upload_id),)


@pytest.mark.parametrize("ended_by", ["abort", "complete"])
def test_upload_that_ended_is_no_such_upload(bucket: Bucket, ended_by: str) -> None:
    upload = started(bucket)
    if ended_by == "abort":
        bucket.abort("a", upload.upload_id)
    else:
        bucket.complete("a", upload.upload_id, [(1, ETAGS[1])], now=NOW)

    attempts: list[Callable[[], object]] = [
        lambda: bucket.abort("a", upload.upload_id),
        lambda: bucket.list_parts("a", upload.upload_id),
        lambda: bucket.complete("a", upload.upload_id, [(1, ETAGS[1])], now=NOW),
        lambda: bucket.upload_part("a", upload.upload_id, 1, size=1, etag=ETAGS[1], now=NOW),
    ]
    for attempt in attempts:
        with pytest.raises(CosError) as rejected:
            attempt()
        assert rejection(rejected) == (404, "NoSuchUpload")


def test_upload_id_under_another_key_is_no_such_upload(bucket: Bucket) -> None:
    upload = started(bucket)

    with pytest.raises(CosError) as rejected:
        bucket.abort("b", upload.upload_id)

    assert rejection(rejected) == (404, "NoSuchUpload")
    assert len(bucket.uploads) == 1


def test_deleting_an_object_that_is_not_there_is_no_error(bucket: Bucket) -> None:
    bucket.put_object("a", size=0, etag=ETAGS[0], now=NOW)

    bucket.delete_object("a")
    bucket.delete_object("a")

    with pytest.raises(CosError) as rejected:
        bucket.get_object("a")
    assert rejection(rejected) == (404, "NoSuchKey")


def test_bucket_without_lifecycle_configuration_has_an_error_of_its_own(bucket: Bucket) -> None:
    with pytest.raises(CosError) as rejected:
        bucket.get_lifecycle()

    assert rejection(rejected) == (404, "NoSuchLifecycleConfiguration")


@pytest.fixture
def account() -> Account:
    account = Account("1250000000")
    for name, region in (("b", "ap-beijing"), ("a", "ap-guangzhou"), ("c", "ap-guangzhou")):
        account.put_bucket(f"{name}-1250000000", region, now=NOW)
    return account


def test_buckets_are_listed_by_name_paged_after_the_marker(account: Account) -> None:
    first = account.list_buckets(max_keys=2)
    second = account.list_buckets(marker=first.next_marker or "", max_keys=2)

    assert [each.name[0] for each in first.buckets] == ["a", "b"]
    assert [each.name[0] for each in second.buckets] == ["c"]
    assert second.next_marker is None


def test_buckets_of_one_region_are_listed_alone(account: Account) -> None:
    assert [each.name[0] for each in account.list_buckets(region="ap-guangzhou").buckets] == ["a", "c"]


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        pytest.param("a-1250000000", 409, "BucketAlreadyOwnedByYou", id="already there"),
        pytest.param("a-1250000001", 400, "InvalidBucketName", id="another account"),
        pytest.param("A-1250000000", 400, "InvalidBucketName", id="capitals"),
    ],
)
def test_bucket_that_cannot_be_is_rejected(account: Account, name: str, status: int, code: str) -> None:
    with pytest.raises(CosError) as rejected:
        account.put_bucket(name, "ap-guangzhou", now=NOW)

    assert rejection(rejected) == (status, code)


def test_bucket_with_objects_or_unfinished_uploads_cannot_be_deleted(account: Account) -> None:
    account.bucket("a-1250000000").initiate("x", now=NOW)
    account.bucket("b-1250000000").put_object("x", size=0, etag=ETAGS[0], now=NOW)

    for name in ("a-1250000000", "b-1250000000"):
        with pytest.raises(CosError) as rejected:
            account.delete_bucket(name)
        assert rejection(rejected) == (409, "BucketNotEmpty")
    account.delete_bucket("c-1250000000")
    with pytest.raises(CosError) as rejected:
        account.bucket("c-1250000000")
    assert rejection(rejected) == (404, "NoSuchBucket")


def test_seed_numbers_its_keys_and_takes_its_initiators_in_turn(bucket: Bucket) -> None:
    seed = Seed(NOW, NOW, key="{n:03}/{x}{n}", count=3, first=9, initiators=("7", "qcs::cam::uin/1:uin/8"))

    planted = plant(bucket, seed)

    assert [each.key for each in planted] == ["009/{x}9", "010/{x}10", "011/{x}11"]
    assert [each.initiator[-2:] for each in planted] == ["/8", "/7", "/8"]
    assert bucket.list_uploads(Query()).entries == tuple(planted)


def test_seeded_parts_arrive_in_the_order_of_their_numbers_evenly_up_to_the_last(bucket: Bucket) -> None:
    [upload] = plant(bucket, Seed(NOW - timedelta(hours=3), NOW, part_numbers=(2, 3, 1), part_size=5))

    arrived = {number: NOW - part.last_modified for number, part in upload.parts.by_number.items()}
    assert arrived == {2: timedelta(hours=2), 3: timedelta(hours=1), 1: timedelta(0)}
    assert upload.parts.bytes == 15


def test_part_sent_to_one_seeded_upload_leaves_its_siblings_alone(bucket: Bucket) -> None:
    one, other = plant(bucket, Seed(NOW, NOW, count=2, part_size=5))

    bucket.upload_part(one.key, one.upload_id, 2, size=9, etag=ETAGS[0], now=NOW)

    assert bucket.upload(one.key, one.upload_id).parts.bytes == 14
    assert bucket.upload(other.key, other.upload_id).parts.bytes == 5
