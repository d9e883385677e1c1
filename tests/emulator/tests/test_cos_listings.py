"""
Listings of objects in their second version, and filters of Get Service.
"""

from datetime import datetime

import pytest

from tests.emulator.client import Cloud
from tests.emulator.tests.cos_clients import BUCKET, REGION, Answer, Connect, ask, call, read_answer, signed_head

KEYS = ("a", "b c", "d/1", "d/2", "d/3", "e+", "中")
SHOWN = [*KEYS[:2], "d/", *KEYS[5:]]


@pytest.fixture
def filled(cloud: Cloud, connect: Connect) -> Cloud:
    for key in KEYS:
        connect().put_object(BUCKET, key.encode(), key)
    return cloud


def listed(cloud: Cloud, connect: Connect, query: str) -> Answer:
    return ask(cloud, connect(), "GET", f"/?list-type=2&{query}")


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize(("delimiter", "expected"), [("", list(KEYS)), ("%2F", SHOWN)])
def test_pages_of_the_second_version_show_everything_once(
    filled: Cloud, connect: Connect, size: int, delimiter: str, expected: list[str]
) -> None:
    shown, token = [], ""
    while True:
        page = listed(filled, connect, f"max-keys={size}&delimiter={delimiter}{token}")
        names = [each for name in ("Key", "Prefix") for each in page.texts(name) if each]
        assert page.texts("KeyCount") == [str(len(names))]
        shown += names
        if page.texts("IsTruncated") == ["false"]:
            break
        token = f"&continuation-token={page.texts('NextContinuationToken')[0]}"

    assert sorted(shown) == sorted(expected)
    assert page.texts("NextContinuationToken") == []


def test_listing_of_the_second_version_starts_after_a_key_and_tells_owners_where_asked(
    filled: Cloud, connect: Connect
) -> None:
    plain = listed(filled, connect, "start-after=d%2F2&encoding-type=url&prefix=")
    owners = listed(filled, connect, "fetch-owner=true&max-keys=2&start-after=d")

    assert plain.texts("Key") == ["d/3", "e%2B", "%E4%B8%AD"]
    assert (plain.texts("StartAfter"), plain.texts("Owner")) == (["d/2"], [])
    assert (owners.texts("Key"), len(owners.texts("Owner"))) == (["d/1", "d/2"], 2)


def test_token_outweighs_the_key_to_start_after(filled: Cloud, connect: Connect) -> None:
    [token] = listed(filled, connect, "max-keys=2&start-after=a").texts("NextContinuationToken")

    assert listed(filled, connect, f"max-keys=1&start-after=a&continuation-token={token}").texts("Key") == ["d/2"]


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        pytest.param("/?list-type=2&continuation-token=%21", 400, "InvalidArgument", id="token that is none"),
        pytest.param("/?list-type=3", 400, "InvalidArgument", id="third version"),
        pytest.param("/?list-type=2&marker=a", 501, "NotImplemented", id="marker in the second version"),
        pytest.param("/?start-after=a", 501, "NotImplemented", id="start after in the first version"),
        pytest.param("/?list-type=2&max-keys=-1", 400, "InvalidArgument", id="page below none"),
    ],
)
def test_listing_that_mixes_versions_or_has_a_wrong_token_is_rejected(
    cloud: Cloud, connect: Connect, target: str, status: int, code: str
) -> None:
    answer = ask(cloud, connect(), "GET", target)

    assert (answer.status, answer.code) == (status, code)


def test_policy_holds_both_versions_against_the_prefix(cloud: Cloud, connect: Connect) -> None:
    resource = f"qcs::cos:{REGION}:uid/1250000000:{BUCKET}/mine/*"
    statement = {"effect": "allow", "action": "name/cos:GetBucket", "resource": resource}
    limited = connect(cloud.add_credentials(policy={"version": "2.0", "statement": [statement]}))

    assert ask(cloud, limited, "GET", "/?list-type=2&prefix=mine/a").status == 200
    assert ask(cloud, limited, "GET", "/?list-type=2&prefix=min").code == "AccessDenied"


@pytest.mark.parametrize("offset", [-1, 0, 1])
@pytest.mark.parametrize("compared", ["lt", "lte", "gt", "gte"])
def test_buckets_are_filtered_by_the_second_of_their_creation(
    cloud: Cloud, connect: Connect, compared: str, offset: int
) -> None:
    cloud.reset(f"{BUCKET}@{REGION}")
    client = connect()
    [bucket] = client.list_buckets()["Buckets"]["Bucket"]
    created = int(datetime.fromisoformat(bucket["CreationDate"].replace("Z", "+00:00")).timestamp())
    expected = {"lt": offset > 0, "lte": offset >= 0, "gt": offset < 0, "gte": offset <= 0}[compared]

    found = client.list_buckets(CreateTime=created + offset, Range=compared)["Buckets"]

    assert (found is not None) is expected


@pytest.mark.parametrize("query", ["tagkey=a", "tagvalue=a", "create-time=1", "range=lt", "create-time=x&range=lt"])
def test_filter_of_buckets_that_is_not_whole_is_rejected(cloud: Cloud, connect: Connect, query: str) -> None:
    head = signed_head(connect(), "GET", f"/?{query}", "service.cos.myqcloud.com")

    answer = read_answer(call(cloud, head))

    assert (answer.status, answer.code) == (400, "InvalidArgument")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"TagKey": "a", "TagValue": "b"}, []),
        ({"Region": "ap-beijing"}, ["logs-1250000000"]),
        ({"Region": "ap-nowhere"}, []),
        ({"Marker": "logs-1250000000"}, [BUCKET]),
        ({"MaxKeys": 1}, ["logs-1250000000"]),
    ],
)
def test_buckets_are_filtered_by_tag_region_and_marker(
    cloud: Cloud, connect: Connect, query: dict[str, str | int], found: list[str]
) -> None:
    cloud.reset(f"{BUCKET}@{REGION}", "logs-1250000000@ap-beijing")

    buckets = connect().list_buckets(**query)["Buckets"]

    assert [each["Name"] for each in (buckets or {"Bucket": []})["Bucket"]] == found
