"""
Objects and buckets of the emulated COS, through the official SDK.
"""

import pytest
from qcloud_cos.cos_exception import CosServiceError

from tests.emulator.client import Cloud
from tests.emulator.tests.cos_clients import (
    BUCKET,
    HOST,
    REGION,
    Connect,
    ask,
    call,
    read_answer,
    rejected,
    signed_head,
)


def test_objects_are_put_got_headed_listed_and_deleted(connect: Connect) -> None:
    client = connect()
    client.put_object(BUCKET, b"{}", "reports/a b", ContentType="application/json")

    got = client.get_object(BUCKET, "reports/a b")
    assert got["Body"].get_raw_stream().read() == b"{}"
    assert got["Content-Type"] == "application/json"
    assert client.head_object(BUCKET, "reports/a b")["Content-Length"] == "2"
    assert [each["Key"] for each in client.list_objects(BUCKET, Prefix="reports/")["Contents"]] == ["reports/a b"]
    client.delete_object(BUCKET, "reports/a b")
    client.delete_object(BUCKET, "reports/a b")
    with pytest.raises(CosServiceError) as error:
        client.get_object(BUCKET, "reports/a b")
    assert rejected(error) == (404, "NoSuchKey")


@pytest.mark.parametrize(
    ("wanted", "got", "content_range"),
    [
        ("bytes=1-2", b"bc", "bytes 1-2/4"),
        ("bytes=2-", b"cd", "bytes 2-3/4"),
        ("bytes=-1", b"d", "bytes 3-3/4"),
        ("bytes=0-99", b"abcd", "bytes 0-3/4"),
    ],
)
def test_range_of_an_object_can_be_got(connect: Connect, wanted: str, got: bytes, content_range: str) -> None:
    client = connect()
    client.put_object(BUCKET, b"abcd", "a")

    answer = client.get_object(BUCKET, "a", Range=wanted)

    assert answer["Body"].get_raw_stream().read() == got
    assert answer["Content-Range"] == content_range


def test_request_that_came_through_a_proxy_names_its_whole_address(cloud: Cloud, connect: Connect) -> None:
    head = signed_head(connect(), "GET", "/a%20b").replace("/a%20b", f"http://{HOST}/a%20b")

    assert b"<Code>NoSuchKey</Code>" in call(cloud, head)
    assert cloud.requests()[-1].raw_path == "/a%20b"


def test_body_that_does_not_match_its_md5_is_rejected(cloud: Cloud, connect: Connect) -> None:
    with pytest.raises(CosServiceError) as error:
        connect().put_object(BUCKET, b"a", "a", ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==")

    assert rejected(error) == (400, "BadDigest")
    assert cloud.objects(BUCKET) == []


def test_lifecycle_configuration_is_kept_as_written(connect: Connect) -> None:
    client = connect()
    with pytest.raises(CosServiceError) as error:
        client.get_bucket_lifecycle(BUCKET)
    assert rejected(error) == (404, "NoSuchLifecycleConfiguration")
    rule = {
        "ID": "abort",
        "Filter": {"Prefix": ""},
        "Status": "Enabled",
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": "7"},
    }

    client.put_bucket_lifecycle(BUCKET, {"Rule": [rule]})

    [kept] = client.get_bucket_lifecycle(BUCKET)["Rule"]
    assert kept["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": "7"}
    client.delete_bucket_lifecycle(BUCKET)
    with pytest.raises(CosServiceError):
        client.get_bucket_lifecycle(BUCKET)


def test_rules_of_a_lifecycle_configuration_are_checked_unless_a_test_wants_others(
    cloud: Cloud, connect: Connect
) -> None:
    client, rule = connect(), {"ID": "new", "Filter": {"Prefix": ""}, "Status": "Sometimes"}

    with pytest.raises(CosServiceError) as error:
        client.put_bucket_lifecycle(BUCKET, {"Rule": [rule]})
    cloud.lifecycle_checks(on=False)
    client.put_bucket_lifecycle(BUCKET, {"Rule": [rule]})
    cloud.reset()
    with pytest.raises(CosServiceError):
        client.put_bucket_lifecycle(BUCKET, {"Rule": [rule]})

    assert rejected(error) == (400, "MalformedXML")


def test_object_lock_configuration_is_kept_as_written_and_can_only_be_enabled(connect: Connect) -> None:
    client = connect()
    with pytest.raises(CosServiceError) as error:
        client.get_bucket_object_lock(BUCKET)
    assert rejected(error) == (404, "ObjectLockConfigurationNotFoundError")
    with pytest.raises(CosServiceError) as error:
        client.put_bucket_object_lock(BUCKET, {"ObjectLockEnabled": "Disabled"})
    assert rejected(error) == (400, "MalformedXML")

    client.put_bucket_object_lock(BUCKET, {"ObjectLockEnabled": "Enabled"})

    assert client.get_bucket_object_lock(BUCKET)["ObjectLockEnabled"] == "Enabled"


def test_buckets_are_made_headed_listed_and_deleted(cloud: Cloud, connect: Connect) -> None:
    cloud.reset(f"{BUCKET}@{REGION}")
    client = connect(region="ap-beijing")
    client.create_bucket("new-1250000000")

    assert client.head_bucket("new-1250000000")["x-cos-bucket-region"] == "ap-beijing"
    assert [each["Name"] for each in client.list_buckets()["Buckets"]["Bucket"]] == ["new-1250000000", BUCKET]
    first = client.list_buckets(MaxKeys=1)
    assert (first["IsTruncated"], first["NextMarker"]) == ("true", "new-1250000000")
    assert [each["Name"] for each in client.list_buckets(Marker=first["NextMarker"])["Buckets"]["Bucket"]] == [BUCKET]
    client.delete_bucket("new-1250000000")
    assert list(cloud.totals()["buckets"]) == [BUCKET]


def test_bucket_is_not_found_in_another_region(connect: Connect) -> None:
    with pytest.raises(CosServiceError) as error:
        connect(region="ap-beijing").list_multipart_uploads(BUCKET)

    assert rejected(error) == (404, "NoSuchBucket")


def test_unknown_bucket_is_not_found(connect: Connect) -> None:
    with pytest.raises(CosServiceError) as error:
        connect().list_multipart_uploads("other-1250000000")

    assert rejected(error) == (404, "NoSuchBucket")


@pytest.mark.parametrize("target", ["/a?uploadId=", "/a"])
def test_delete_without_an_upload_id_deletes_the_object(cloud: Cloud, connect: Connect, target: str) -> None:
    client = connect()
    client.put_object(BUCKET, b"", "a")
    cloud.seed(BUCKET, "a")

    assert call(cloud, signed_head(client, "DELETE", target)).startswith(b"HTTP/1.1 204 ")

    assert cloud.objects(BUCKET) == []
    assert len(cloud.uploads(BUCKET)) == 1
    assert cloud.requests()[-1].operation == "DeleteObject"


def test_delete_of_the_root_tries_to_delete_the_bucket_whatever_upload_id_it_names(
    cloud: Cloud, connect: Connect
) -> None:
    [upload] = cloud.seed(BUCKET, "a")
    client, target = connect(), f"/?uploadId={upload.upload_id}"

    assert call(cloud, signed_head(client, "DELETE", target)).startswith(b"HTTP/1.1 409 ")
    client.abort_multipart_upload(BUCKET, "a", upload.upload_id)
    assert call(cloud, signed_head(client, "DELETE", target)).startswith(b"HTTP/1.1 204 ")

    assert BUCKET not in cloud.totals()["buckets"]


NEW = f"new-1250000000.cos.{REGION}.myqcloud.com"


@pytest.mark.parametrize(
    ("inner", "status", "code"),
    [
        pytest.param("", 200, "", id="nothing"),
        pytest.param(f"<LocationConstraint>{REGION}</LocationConstraint>", 200, "", id="its region"),
        pytest.param(
            "<LocationConstraint>eu-x</LocationConstraint>", 400, "InvalidLocationConstraint", id="another region"
        ),
        pytest.param("<BucketAZConfig>MAZ</BucketAZConfig>", 501, "NotImplemented", id="several zones"),
        pytest.param("<BucketArchConfig>OFS</BucketArchConfig>", 501, "NotImplemented", id="another architecture"),
        pytest.param("<", 400, "MalformedXML", id="junk"),
    ],
)
def test_configuration_of_a_new_bucket_is_read(
    cloud: Cloud, connect: Connect, inner: str, status: int, code: str
) -> None:
    body = f"<CreateBucketConfiguration>{inner}</CreateBucketConfiguration>".encode()
    head = signed_head(connect(), "PUT", "/", NEW) + f"Content-Length: {len(body)}\n"

    answer = read_answer(call(cloud, head, body))

    assert (answer.status, answer.code) == (status, code)
    assert ("new-1250000000" in cloud.totals()["buckets"]) is (status == 200)


def test_object_lock_that_would_hold_objects_back_is_not_implemented(cloud: Cloud, connect: Connect) -> None:
    enabled = "<ObjectLockEnabled>Enabled</ObjectLockEnabled>"
    rule = "<Rule><DefaultRetention><Days>30</Days><Mode>COMPLIANCE</Mode></DefaultRetention></Rule>"
    for inner, status in ((enabled + rule, 501), (enabled, 200)):
        body = f"<ObjectLockConfiguration>{inner}</ObjectLockConfiguration>".encode()
        assert ask(cloud, connect(), "PUT", "/?object-lock", body).status == status
        assert ask(cloud, connect(), "GET", "/?object-lock").status == (404 if status == 501 else 200)
