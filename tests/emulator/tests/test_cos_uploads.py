"""
Multipart uploads of the emulated COS, through the official SDK.
"""

import hashlib
from typing import Any
from xml.etree import ElementTree

import pytest
from qcloud_cos import CosS3Client
from qcloud_cos.cos_exception import CosServiceError

from tests.emulator.client import Cloud
from tests.emulator.tests.cos_clients import BUCKET, HOST, Connect, call, rejected, signed_head

PART = bytes(1 << 20)
EXOTIC_KEYS = [
    pytest.param("a b", id="space"),
    pytest.param("a+b", id="plus"),
    pytest.param("a%2Fb", id="percent"),
    pytest.param("a%252Fb%", id="more percents"),
    pytest.param("what?", id="question mark"),
    pytest.param("a#b", id="hash"),
    pytest.param("a&b=c;d", id="query's own"),
    pytest.param("中文/文件.bin", id="Chinese"),
    pytest.param("😀", id="beyond the basic plane"),
    pytest.param("\x01\t\n\r\x7f", id="control characters"),
    pytest.param("a/./b", id="dot inside"),
    pytest.param("a//b", id="two slashes"),
    pytest.param("a/", id="slash at the end"),
    pytest.param("<&>\"'", id="XML's own"),
    pytest.param("~!@$^*()[]{}|\\`", id="punctuation"),
]


def begin(client: CosS3Client, key: str, *parts: bytes) -> tuple[str, list[dict[str, Any]]]:
    """Start an upload and send its parts."""
    upload_id = client.create_multipart_upload(BUCKET, key)["UploadId"]
    sent = [
        {"PartNumber": number, "ETag": client.upload_part(BUCKET, key, body, number, upload_id)["ETag"]}
        for number, body in enumerate(parts, start=1)
    ]
    return upload_id, sent


@pytest.mark.parametrize("key", EXOTIC_KEYS)
def test_upload_of_any_key_lives_from_start_to_object(cloud: Cloud, connect: Connect, key: str) -> None:
    client = connect()
    upload_id, sent = begin(client, key, PART, b"tail")

    parts = client.list_parts(BUCKET, key, upload_id)
    assert parts["Key"] == key
    assert [(part["PartNumber"], part["Size"], part["ETag"]) for part in parts["Part"]] == [
        (str(number), str(len(body)), f'"{hashlib.md5(body).hexdigest()}"')
        for number, body in enumerate((PART, b"tail"), start=1)
    ]
    assert [each["Key"] for each in client.list_multipart_uploads(BUCKET)["Upload"]] == [key]

    client.complete_multipart_upload(BUCKET, key, upload_id, {"Part": sent})
    assert [(each.key, each.size) for each in cloud.objects(BUCKET)] == [(key, len(PART) + 4)]
    assert cloud.uploads(BUCKET) == []


@pytest.mark.parametrize("key", EXOTIC_KEYS)
def test_abort_removes_only_the_named_upload(cloud: Cloud, connect: Connect, key: str) -> None:
    client = connect(cloud.role)
    (gone,), (kept,) = cloud.seed(BUCKET, key), cloud.seed(BUCKET, key)

    client.abort_multipart_upload(BUCKET, key, gone.upload_id)

    assert [each.upload_id for each in cloud.uploads(BUCKET)] == [kept.upload_id]


def test_aborting_again_is_404_with_cos_error_document_and_ids(cloud: Cloud, connect: Connect) -> None:
    client = connect(cloud.role)
    [upload] = cloud.seed(BUCKET, "a")
    client.abort_multipart_upload(BUCKET, "a", upload.upload_id)

    with pytest.raises(CosServiceError) as error:
        client.abort_multipart_upload(BUCKET, "a", upload.upload_id)

    assert rejected(error) == (404, "NoSuchUpload")
    assert error.value.get_resource_location() == f"{HOST}/a"
    assert error.value.get_request_id() == cloud.requests()[-1].request_id
    assert error.value.get_trace_id()


def test_uploads_are_paged_completely_also_within_one_key(cloud: Cloud, connect: Connect) -> None:
    client = connect(cloud.role)
    cloud.seed(BUCKET, "one key", count=7)
    cloud.seed(BUCKET, "中{n}", count=4)
    listed, markers = [], {"KeyMarker": "", "UploadIdMarker": ""}

    while True:
        page = client.list_multipart_uploads(BUCKET, MaxUploads=3, **markers)
        listed += [(each["Key"], each["UploadId"]) for each in page["Upload"]]
        if page["IsTruncated"] == "false":
            break
        markers = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}

    assert listed == [(each.key, each.upload_id) for each in cloud.uploads(BUCKET)]
    assert len(listed) == 11


def test_uploads_are_grouped_by_delimiter(cloud: Cloud, connect: Connect) -> None:
    for key in ("a/x y/1", "a/x y/2", "a/z"):
        cloud.seed(BUCKET, key)

    page = connect(cloud.role).list_multipart_uploads(BUCKET, Prefix="a/", Delimiter="/")

    assert [each["Prefix"] for each in page["CommonPrefixes"]] == ["a/x y/"]
    assert [each["Key"] for each in page["Upload"]] == ["a/z"]


def test_listing_has_the_elements_and_forms_of_the_real_one(cloud: Cloud, connect: Connect) -> None:
    cloud.clock(now="2026-03-04T10:01:33Z")
    [upload] = cloud.seed(BUCKET, "a b", hours_since_start=0, initiators=["100000000011"], storage_class="STANDARD_IA")
    cloud.seed(BUCKET, "b")
    cloud.clock(offset_seconds=0)

    response = call(cloud, signed_head(connect(), "GET", "/?uploads&max-uploads=1&encoding-type=url"))

    root = ElementTree.fromstring(response.partition(b"\r\n\r\n")[2])
    assert [(each.tag, each.text) for each in root if each.tag != "Upload"] == [
        ("Bucket", BUCKET),
        ("Encoding-Type", "url"),
        ("KeyMarker", None),
        ("UploadIdMarker", None),
        ("MaxUploads", "1"),
        ("Prefix", None),
        ("Delimiter", None),
        ("IsTruncated", "true"),
        ("NextKeyMarker", "a%20b"),
        ("NextUploadIdMarker", upload.upload_id),
    ]
    [listed] = root.iter("Upload")
    assert [(each.tag, each.text or [inner.text for inner in each]) for each in listed] == [
        ("Key", "a%20b"),
        ("UploadId", upload.upload_id),
        ("Initiator", ["qcs::cam::uin/100000000001:uin/100000000011", "100000000011"]),
        ("Owner", ["qcs::cam::uin/100000000001:uin/100000000001", "100000000001"]),
        ("StorageClass", "STANDARD_IA"),
        ("Initiated", "2026-03-04T10:01:33.000Z"),
    ]


def test_page_is_never_longer_than_a_thousand(cloud: Cloud, connect: Connect) -> None:
    cloud.seed(BUCKET, count=1001)

    page = connect(cloud.role).list_multipart_uploads(BUCKET, MaxUploads=5000)

    assert (page["MaxUploads"], page["IsTruncated"], len(page["Upload"])) == ("1000", "true", 1000)


def test_key_that_is_not_utf8_is_listed_from_its_bytes(cloud: Cloud, connect: Connect) -> None:
    cloud.seed(BUCKET, "a\udcff\udc80")

    response = call(cloud, signed_head(connect(), "GET", "/?uploads&encoding-type=url"))

    assert b"<Key>a%FF%80</Key>" in response


def test_parts_are_paged_completely(cloud: Cloud, connect: Connect) -> None:
    [upload] = cloud.seed(BUCKET, "a", parts=7)
    client, listed, marker = connect(cloud.role), [], 0

    while True:
        page = client.list_parts(BUCKET, "a", upload.upload_id, MaxParts=3, PartNumberMarker=marker)
        listed += [int(part["PartNumber"]) for part in page["Part"]]
        if page["IsTruncated"] == "false":
            break
        marker = int(page["NextPartNumberMarker"])

    assert listed == [1, 2, 3, 4, 5, 6, 7]


def test_empty_upload_lists_no_parts(cloud: Cloud, connect: Connect) -> None:
    [upload] = cloud.seed(BUCKET, "a", parts=0)

    assert "Part" not in connect(cloud.role).list_parts(BUCKET, "a", upload.upload_id)
    assert cloud.uploads(BUCKET)[0].last_part is None


@pytest.mark.parametrize(
    ("listed", "code"),
    [
        pytest.param({"Part": [{"PartNumber": 1, "ETag": '"0"'}]}, "InvalidPart", id="wrong ETag"),
        pytest.param({"Part": [{"PartNumber": "x", "ETag": '"0"'}]}, "MalformedXML", id="no number"),
        pytest.param({"Part": []}, "MalformedXML", id="no parts"),
    ],
)
def test_complete_rejects_a_wrong_list(cloud: Cloud, connect: Connect, listed: dict[str, Any], code: str) -> None:
    client = connect()
    upload_id, _ = begin(client, "a", b"x")

    with pytest.raises(CosServiceError) as error:
        client.complete_multipart_upload(BUCKET, "a", upload_id, listed)

    assert rejected(error) == (400, code)
    assert len(cloud.uploads(BUCKET)) == 1
