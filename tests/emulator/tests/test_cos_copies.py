"""
Copies and multi-object deletes of the emulated COS, and what policies say of them.
"""

from typing import Any

import pytest
from qcloud_cos import CosS3Client
from qcloud_cos.cos_exception import CosServiceError

from tests.emulator.checksums import crc64
from tests.emulator.client import Cloud
from tests.emulator.tests.cos_clients import BUCKET, HOST, REGION, Connect, ask, rejected

OTHER = "logs-1250000000"
MIB = 1 << 20
CONTENT = bytes(range(256)) * (2 * MIB // 256)
KEY = "a b+c/%中?.bin"
RAW_KEY = "a%20b%2Bc/%25%E4%B8%AD%3F.bin"


def source(key: str = KEY, bucket: str = BUCKET, region: str = REGION) -> dict[str, str]:
    return {"Bucket": bucket, "Key": key, "Region": region}


@pytest.fixture
def client(connect: Connect) -> CosS3Client:
    """The owner's client, with an object to copy."""
    client = connect()
    client.put_object(BUCKET, CONTENT, KEY, ContentType="a/b", CacheControl="no-store", Metadata={"x-cos-meta-m": "1"})
    return client


def read(client: CosS3Client, key: str, bucket: str = BUCKET) -> bytes:
    content: bytes = client.get_object(bucket, key)["Body"].get_raw_stream().read()
    return content


def test_copy_has_the_sources_content_checksums_and_description(client: CosS3Client) -> None:
    copied = client.copy_object(BUCKET, "copy", source(), StorageClass="STANDARD_IA")
    client.put_object(BUCKET, b"other", KEY)

    head = client.head_object(BUCKET, "copy")
    assert read(client, "copy") == CONTENT
    assert copied["ETag"] == head["ETag"]
    assert copied["CRC64"] == head["x-cos-hash-crc64ecma"] == str(crc64(CONTENT))
    assert [head[name] for name in ("Content-Type", "Cache-Control", "x-cos-meta-m")] == ["a/b", "no-store", "1"]
    assert head["x-cos-storage-class"] == "STANDARD_IA"


def test_copy_takes_the_requests_description_where_it_says_so(client: CosS3Client) -> None:
    client.copy_object(BUCKET, "copy", source(), CopyStatus="Replaced", ContentType="c/d")

    head = client.head_object(BUCKET, "copy")
    assert (head["Content-Type"], head.get("Cache-Control"), head.get("x-cos-meta-m")) == ("c/d", None, None)


def test_copy_onto_itself_must_change_something(client: CosS3Client) -> None:
    with pytest.raises(CosServiceError) as error:
        client.copy_object(BUCKET, KEY, source())

    assert rejected(error) == (400, "InvalidRequest")
    client.copy_object(BUCKET, KEY, source(), StorageClass="STANDARD_IA")
    client.copy_object(BUCKET, KEY, source(), CopyStatus="Replaced")


def test_part_is_copied_whole_or_in_part(client: CosS3Client) -> None:
    upload_id = client.create_multipart_upload(BUCKET, "joined")["UploadId"]
    ranges = ["", f"bytes=5-{MIB + 4}", "bytes=0-0"]

    sent = [
        client.upload_part_copy(BUCKET, "joined", number, upload_id, source(), wanted)
        for number, wanted in enumerate(ranges, 1)
    ]

    whole = CONTENT + CONTENT[5 : MIB + 5] + CONTENT[:1]
    listed = [{"PartNumber": number, "ETag": part["ETag"]} for number, part in enumerate(sent, 1)]
    completed = client.complete_multipart_upload(BUCKET, "joined", upload_id, {"Part": listed})
    assert read(client, "joined") == whole
    assert completed["x-cos-hash-crc64ecma"] == str(crc64(whole))


@pytest.mark.parametrize(
    ("wanted", "status", "code"),
    [
        pytest.param(f"bytes=0-{2 * MIB}", 416, "InvalidRange", id="behind the end"),
        pytest.param("bytes=2-1", 416, "InvalidRange", id="backwards"),
        pytest.param("bytes=1-", 400, "InvalidArgument", id="no end"),
    ],
)
def test_range_that_the_source_has_not_copies_no_part(
    cloud: Cloud, client: CosS3Client, wanted: str, status: int, code: str
) -> None:
    upload_id = client.create_multipart_upload(BUCKET, "joined")["UploadId"]

    with pytest.raises(CosServiceError) as error:
        client.upload_part_copy(BUCKET, "joined", 1, upload_id, source(), wanted)

    assert rejected(error) == (status, code)
    assert cloud.uploads(BUCKET)[0].parts == 0


@pytest.mark.parametrize(
    ("named", "status", "code"),
    [
        pytest.param(f"{HOST}/{RAW_KEY}", 200, "", id="host"),
        pytest.param(f"{HOST}/{RAW_KEY}?versionId=", 200, "", id="no version"),
        pytest.param(f"/{BUCKET}/{RAW_KEY}", 200, "", id="bucket as S3 has it"),
        pytest.param(f"{BUCKET}/{RAW_KEY}", 200, "", id="bucket without slash"),
        pytest.param(f"{HOST}/{RAW_KEY}?versionId=1", 501, "NotImplemented", id="version"),
        pytest.param(f"{HOST}/none", 404, "NoSuchKey", id="no such key"),
        pytest.param(f"none-1250000000.cos.{REGION}.myqcloud.com/a", 404, "NoSuchBucket", id="no such bucket"),
        pytest.param(f"{BUCKET}.cos.ap-beijing.myqcloud.com/{RAW_KEY}", 404, "NoSuchBucket", id="another region"),
        pytest.param(HOST, 400, "InvalidArgument", id="no key"),
        pytest.param("example.com/a", 400, "InvalidArgument", id="no bucket"),
    ],
)
def test_source_is_named_by_host_or_bucket_and_encoded_key(
    cloud: Cloud, client: CosS3Client, named: str, status: int, code: str
) -> None:
    answer = ask(cloud, client, "PUT", "/copy", b"", x_cos_copy_source=named)

    assert (answer.status, answer.code) == (status, code)
    assert ask(cloud, client, "HEAD", "/copy").status == (200 if status == 200 else 404)


def test_deleting_many_tells_each_key_and_where_asked_only_failures(client: CosS3Client) -> None:
    client.put_object(BUCKET, b"", "b")

    told = client.delete_objects(BUCKET, {"Object": [{"Key": KEY}, {"Key": "none"}], "Quiet": "false"})
    quiet = client.delete_objects(BUCKET, {"Object": [{"Key": "b"}], "Quiet": "true"})

    assert [each["Key"] for each in told["Deleted"]] == [KEY, "none"]
    assert "Deleted" not in quiet
    assert "Contents" not in client.list_objects(BUCKET)


@pytest.mark.parametrize(
    ("deleted", "status", "code"),
    [
        pytest.param({"Object": []}, 400, "MalformedXML", id="none"),
        pytest.param({"Object": [{"Key": ""}]}, 400, "MalformedXML", id="empty key"),
        pytest.param({"Object": [{"Key": "k"}] * 1001}, 400, "MalformedXML", id="1001"),
        pytest.param({"Object": [{"Key": KEY, "VersionId": "1"}]}, 501, "NotImplemented", id="version"),
    ],
)
def test_list_that_cos_does_not_take_deletes_nothing(
    cloud: Cloud, client: CosS3Client, deleted: dict[str, Any], status: int, code: str
) -> None:
    with pytest.raises(CosServiceError) as error:
        client.delete_objects(BUCKET, deleted)

    assert rejected(error) == (status, code)
    assert len(cloud.objects(BUCKET)) == 1


def test_deleting_many_without_a_digest_is_rejected(cloud: Cloud, client: CosS3Client) -> None:
    answer = ask(cloud, client, "POST", "/?delete", b"<Delete><Object><Key>a</Key></Object></Delete>")

    assert (answer.status, answer.code) == (400, "InvalidRequest")


def allowed(*actions: str, resource: str) -> dict[str, Any]:
    return {"effect": "allow", "action": [f"name/cos:{each}" for each in actions], "resource": resource}


def test_policy_decides_about_each_key_that_is_deleted(cloud: Cloud, connect: Connect) -> None:
    connect().put_object(BUCKET, b"", KEY)
    resource = f"qcs::cos:{REGION}:uid/1250000000:{BUCKET}/mine/*"
    policy = {"version": "2.0", "statement": [allowed("DeleteMultipleObjects", resource=resource)]}
    limited = connect(cloud.add_credentials(policy=policy))

    told = limited.delete_objects(BUCKET, {"Object": [{"Key": "mine/a"}, {"Key": KEY}], "Quiet": "true"})

    assert [(each["Key"], each["Code"]) for each in told["Error"]] == [(KEY, "AccessDenied")]
    assert [each.key for each in cloud.objects(BUCKET)] == [KEY]


@pytest.mark.parametrize("part", [False, True])
@pytest.mark.parametrize(
    ("granted", "status"),
    [(("PutObject", "GetObject"), 200), (("PutObject",), 403), (("GetObject",), 403)],
)
def test_copy_needs_the_right_to_read_its_source_and_to_write(
    cloud: Cloud, connect: Connect, client: CosS3Client, granted: tuple[str, ...], status: int, *, part: bool
) -> None:
    cloud.reset(f"{BUCKET}@{REGION}", f"{OTHER}@{REGION}")
    client.put_object(OTHER, CONTENT, "a")
    upload_id = client.create_multipart_upload(BUCKET, "b")["UploadId"]
    place = {"PutObject": BUCKET, "GetObject": OTHER}
    statements = [allowed(each, resource=f"qcs::cos:{REGION}:uid/1250000000:{place[each]}/*") for each in granted]
    limited = connect(cloud.add_credentials(policy={"version": "2.0", "statement": statements}))
    target = f"/b?partNumber=1&uploadId={upload_id}" if part else "/b"

    answer = ask(cloud, limited, "PUT", target, b"", x_cos_copy_source=f"{OTHER}.cos.{REGION}.myqcloud.com/a")

    assert (answer.status, answer.code) == (status, "" if status == 200 else "AccessDenied")


def test_documents_that_never_change_say_private_unversioned_and_where(client: CosS3Client) -> None:
    for acl in (client.get_bucket_acl(BUCKET), client.get_object_acl(BUCKET, KEY)):
        [grant] = acl["AccessControlList"]["Grant"]
        assert (acl["Owner"]["ID"], grant["Permission"]) == (grant["Grantee"]["ID"], "FULL_CONTROL")
    assert client.get_bucket_location(BUCKET)["LocationConstraint"] == REGION
    assert client.get_bucket_versioning(BUCKET) == {"VersioningConfiguration": None}
    with pytest.raises(CosServiceError) as error:
        client.get_object_acl(BUCKET, "none")
    assert rejected(error) == (404, "NoSuchKey")
