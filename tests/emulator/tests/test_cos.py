"""
The laptop's COS over HTTP, asked by the official SDK and, where every byte counts, by a bare socket.
"""

import hashlib
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
import requests
from qcloud_cos import CosConfig, CosS3Client
from qcloud_cos.cos_exception import CosClientError, CosServiceError

from tests.emulator.client import Cloud, Credentials

BUCKET = "photos-1250000000"
REGION = "ap-guangzhou"
HOST = f"{BUCKET}.cos.{REGION}.myqcloud.com"
PART = bytes(1 << 20)

Connect = Callable[..., CosS3Client]

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


@pytest.fixture
def connect(cloud: Cloud) -> Iterator[Connect]:
    """Makes SDK clients: of the owner in the bucket's region, unless told otherwise."""
    with requests.Session() as session:

        def make(credentials: Credentials = cloud.owner, region: str = REGION) -> CosS3Client:
            config = CosConfig(
                Region=region,
                SecretId=credentials.secret_id,
                SecretKey=credentials.secret_key,
                Token=credentials.token,
                Scheme="http",
                IP="127.0.0.1",
                Port=cloud.port,
                ServiceDomain=f"127.0.0.1:{cloud.port}",
                AllowRedirects=False,
            )
            return CosS3Client(config, retry=0, session=session)

        yield make


def begin(client: CosS3Client, key: str, *parts: bytes) -> tuple[str, list[dict[str, Any]]]:
    """Start an upload and send its parts."""
    upload_id = client.create_multipart_upload(BUCKET, key)["UploadId"]
    sent = [
        {"PartNumber": number, "ETag": client.upload_part(BUCKET, key, body, number, upload_id)["ETag"]}
        for number, body in enumerate(parts, start=1)
    ]
    return upload_id, sent


def refused(error: pytest.ExceptionInfo[CosServiceError]) -> tuple[int, str]:
    return error.value.get_status_code(), error.value.get_error_code()


def receive(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    received = bytearray()
    while data := connection.recv(65536):
        received += data
    return bytes(received)


def ask(cloud: Cloud, head: str, body: bytes = b"") -> bytes:
    """Send these bytes and return what comes back; the connection is closed after one answer."""
    with closing(socket.create_connection(("127.0.0.1", cloud.port), timeout=20)) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + b"Connection: close\r\n\r\n" + body)
        return receive(connection)


@pytest.mark.parametrize("key", EXOTIC_KEYS)
def test_an_upload_of_any_key_lives_from_start_to_object(cloud: Cloud, connect: Connect, key: str) -> None:
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
def test_only_the_named_upload_of_any_key_is_aborted(cloud: Cloud, connect: Connect, key: str) -> None:
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

    assert refused(error) == (404, "NoSuchUpload")
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


def test_a_listing_has_the_elements_and_forms_of_the_real_one(cloud: Cloud, connect: Connect) -> None:
    cloud.clock(now="2026-03-04T10:01:33Z")
    [upload] = cloud.seed(BUCKET, "a b", hours_since_start=0, initiators=["100000000011"], storage_class="STANDARD_IA")
    cloud.seed(BUCKET, "b")
    cloud.clock(offset_seconds=0)

    response = ask(cloud, signed_head(connect(), "GET", "/?uploads&max-uploads=1&encoding-type=url"))

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


def test_a_page_is_never_longer_than_a_thousand(cloud: Cloud, connect: Connect) -> None:
    cloud.seed(BUCKET, count=1001)

    page = connect(cloud.role).list_multipart_uploads(BUCKET, MaxUploads=5000)

    assert (page["MaxUploads"], page["IsTruncated"], len(page["Upload"])) == ("1000", "true", 1000)


def test_a_key_that_is_not_utf8_is_listed_from_its_bytes(cloud: Cloud, connect: Connect) -> None:
    cloud.seed(BUCKET, "a\udcff\udc80")

    response = ask(cloud, signed_head(connect(), "GET", "/?uploads&encoding-type=url"))

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


def test_an_empty_upload_lists_no_parts(cloud: Cloud, connect: Connect) -> None:
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
def test_complete_refuses_a_wrong_list(cloud: Cloud, connect: Connect, listed: dict[str, Any], code: str) -> None:
    client = connect()
    upload_id, _ = begin(client, "a", b"x")

    with pytest.raises(CosServiceError) as error:
        client.complete_multipart_upload(BUCKET, "a", upload_id, listed)

    assert refused(error) == (400, code)
    assert len(cloud.uploads(BUCKET)) == 1


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
    assert refused(error) == (404, "NoSuchKey")


def test_an_object_whose_content_was_not_kept_comes_back_as_zeros(connect: Connect) -> None:
    client, body = connect(), b"x" * ((1 << 20) + 1)
    client.put_object(BUCKET, body, "large")

    got = client.get_object(BUCKET, "large")["Body"].get_raw_stream().read()

    assert got == bytes(len(body))
    assert client.head_object(BUCKET, "large")["Content-Length"] == str(len(body))
    assert client.head_object(BUCKET, "large")["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'


@pytest.mark.parametrize(
    ("asked", "got", "told"),
    [
        ("bytes=1-2", b"bc", "bytes 1-2/4"),
        ("bytes=2-", b"cd", "bytes 2-3/4"),
        ("bytes=-1", b"d", "bytes 3-3/4"),
        ("bytes=0-99", b"abcd", "bytes 0-3/4"),
    ],
)
def test_a_range_of_an_object_can_be_got(connect: Connect, asked: str, got: bytes, told: str) -> None:
    client = connect()
    client.put_object(BUCKET, b"abcd", "a")

    answer = client.get_object(BUCKET, "a", Range=asked)

    assert answer["Body"].get_raw_stream().read() == got
    assert answer["Content-Range"] == told


def test_a_range_behind_the_end_is_refused_and_one_of_zeros_is_as_long_as_asked(connect: Connect) -> None:
    client = connect()
    client.put_object(BUCKET, bytes((1 << 20) + 1), "a")

    assert client.get_object(BUCKET, "a", Range="bytes=5-9")["Body"].get_raw_stream().read() == bytes(5)
    with pytest.raises(CosServiceError) as error:
        client.get_object(BUCKET, "a", Range="bytes=9999999-")
    assert refused(error) == (416, "InvalidRange")


def test_a_request_that_came_through_a_proxy_names_its_whole_address(cloud: Cloud, connect: Connect) -> None:
    head = signed_head(connect(), "GET", "/a%20b").replace("/a%20b", f"http://{HOST}/a%20b")

    assert b"<Code>NoSuchKey</Code>" in ask(cloud, head)
    assert cloud.requests()[-1].raw_path == "/a%20b"


def test_a_body_that_does_not_match_its_md5_is_refused(cloud: Cloud, connect: Connect) -> None:
    with pytest.raises(CosServiceError) as error:
        connect().put_object(BUCKET, b"a", "a", ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==")

    assert refused(error) == (400, "BadDigest")
    assert cloud.objects(BUCKET) == []


def test_a_lifecycle_configuration_is_kept_as_written(connect: Connect) -> None:
    client = connect()
    with pytest.raises(CosServiceError) as error:
        client.get_bucket_lifecycle(BUCKET)
    assert refused(error) == (404, "NoSuchLifecycleConfiguration")
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


def test_a_bucket_is_not_found_in_another_region(connect: Connect) -> None:
    with pytest.raises(CosServiceError) as error:
        connect(region="ap-beijing").list_multipart_uploads(BUCKET)

    assert refused(error) == (404, "NoSuchBucket")


def test_an_unknown_bucket_is_not_found(connect: Connect) -> None:
    with pytest.raises(CosServiceError) as error:
        connect().list_multipart_uploads("other-1250000000")

    assert refused(error) == (404, "NoSuchBucket")


@pytest.mark.parametrize("target", ["/a?uploadId=", "/a"])
def test_a_delete_without_an_upload_id_deletes_the_object(cloud: Cloud, connect: Connect, target: str) -> None:
    client = connect()
    client.put_object(BUCKET, b"", "a")
    cloud.seed(BUCKET, "a")

    assert ask(cloud, signed_head(client, "DELETE", target)).startswith(b"HTTP/1.1 204 ")

    assert cloud.objects(BUCKET) == []
    assert len(cloud.uploads(BUCKET)) == 1
    assert cloud.requests()[-1].operation == "DeleteObject"


def test_a_delete_of_the_root_tries_to_delete_the_bucket_whatever_upload_id_it_names(
    cloud: Cloud, connect: Connect
) -> None:
    [upload] = cloud.seed(BUCKET, "a")
    client, target = connect(), f"/?uploadId={upload.upload_id}"

    assert ask(cloud, signed_head(client, "DELETE", target)).startswith(b"HTTP/1.1 409 ")
    client.abort_multipart_upload(BUCKET, "a", upload.upload_id)
    assert ask(cloud, signed_head(client, "DELETE", target)).startswith(b"HTTP/1.1 204 ")

    assert BUCKET not in cloud.totals()["buckets"]


@pytest.mark.parametrize(
    ("operation", "allowed"),
    [
        pytest.param(lambda client: client.list_multipart_uploads(BUCKET), True, id="list uploads"),
        pytest.param(lambda client: client.list_buckets(), True, id="list buckets"),
        pytest.param(lambda client: client.put_object(BUCKET, b"", "sweeper-reports/a"), True, id="put a report"),
        pytest.param(lambda client: client.put_object(BUCKET, b"", "sweeper-report"), False, id="put another object"),
        pytest.param(lambda client: client.delete_object(BUCKET, "sweeper-reports/a"), False, id="delete an object"),
        pytest.param(lambda client: client.delete_bucket(BUCKET), False, id="delete the bucket"),
        pytest.param(lambda client: client.create_multipart_upload(BUCKET, "a"), False, id="start an upload"),
        pytest.param(lambda client: client.list_objects(BUCKET), False, id="list objects"),
    ],
)
def test_the_role_may_do_what_the_sweeper_needs_and_nothing_else(
    cloud: Cloud, connect: Connect, operation: Callable[[CosS3Client], object], *, allowed: bool
) -> None:
    client = connect(cloud.role)

    if allowed:
        operation(client)
    else:
        with pytest.raises(CosServiceError) as error:
            operation(client)
        assert refused(error) == (403, "AccessDenied")


@pytest.mark.parametrize(
    ("move", "status", "code"),
    [
        pytest.param({"advance_seconds": 5 * 3600}, 403, "AccessDenied", id="signature out of date"),
        pytest.param({"advance_seconds": -3600}, 403, "RequestTimeTooSkewed", id="signature from the future"),
    ],
)
def test_the_clouds_clock_decides_what_is_out_of_date(
    cloud: Cloud, connect: Connect, move: dict[str, float], status: int, code: str
) -> None:
    cloud.clock(**move)

    with pytest.raises(CosServiceError) as error:
        connect().list_multipart_uploads(BUCKET)

    assert refused(error) == (status, code)


def test_temporary_credentials_expire_and_need_their_token(cloud: Cloud, connect: Connect) -> None:
    expired = cloud.add_credentials(token="t1", expires_in_seconds=0)
    tokenless = Credentials(cloud.role.secret_id, cloud.role.secret_key)

    with pytest.raises(CosServiceError) as error:
        connect(expired).list_multipart_uploads(BUCKET)
    assert refused(error) == (400, "ExpiredToken")
    with pytest.raises(CosServiceError) as error:
        connect(tokenless).list_multipart_uploads(BUCKET)
    assert refused(error) == (403, "InvalidAccessKeyId")


def test_a_policy_of_ones_own_is_enforced(cloud: Cloud, connect: Connect) -> None:
    statement = {"effect": "allow", "action": "name/cos:GetService", "resource": "*"}
    client = connect(cloud.add_credentials(policy={"version": "2.0", "statement": [statement]}))

    client.list_buckets()
    with pytest.raises(CosServiceError) as error:
        client.list_multipart_uploads(BUCKET)
    assert refused(error) == (403, "AccessDenied")


def signed_head(client: CosS3Client, method: str, target: str, host: str = HOST) -> str:
    """The head of a request that the SDK signed for exactly this target; nothing but the host is signed with it."""
    path = target.partition("?")[0]
    auth = client.get_auth(method, BUCKET, unquote(path), Headers={"host": host.partition(":")[0]})
    return f"{method} {target} HTTP/1.1\nHost: {host}\nAuthorization: {auth}\n"


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("//", "/"),
        ("/a//b", "a//b"),
        ("/a%2Fb", "a/b"),
        ("/a/../b", "a/../b"),
        ("/a/..", "a/.."),
        ("/.", "."),
        ("/a%2e%2E", "a.."),
        ("/a+b;c", "a+b;c"),
        ("/%e4%B8%AD", "中"),
        ("/%FF", "\udcff"),
        ("/%zz", "%zz"),
    ],
)
def test_a_path_survives_byte_for_byte(cloud: Cloud, path: str, key: str) -> None:
    head = f"GET {path}?x=%2f+&&y HTTP/1.1\nHost: {HOST}\n"

    assert ask(cloud, head).startswith(b"HTTP/1.1 403 ")

    received = cloud.requests()[-1]
    assert (received.raw_path, received.raw_query) == (path, "x=%2f+&&y")
    assert (received.operation, received.bucket, received.key) == ("GetObject", BUCKET, key)


@pytest.mark.parametrize(
    ("host", "target", "status"),
    [
        pytest.param(f"{BUCKET}.localhost:9000", "/a", 200, id="bucket first in any host"),
        pytest.param(f"{BUCKET}.cos-internal.{REGION}.tencentcos.cn", "/a", 200, id="internal host"),
        pytest.param(f"{BUCKET}.cos.accelerate.myqcloud.com", "/a", 200, id="accelerated host"),
        pytest.param(f"{BUCKET}.cos.ap-beijing.myqcloud.com", "/a", 404, id="another region's host"),
        pytest.param("127.0.0.1:9000", f"/{BUCKET}/a", 200, id="path style"),
        pytest.param("localhost", f"/{BUCKET}/a", 200, id="path style without port"),
        pytest.param(f"cos.{REGION}.myqcloud.com", f"/{BUCKET}/a", 200, id="path style in its region"),
        pytest.param("cos.ap-beijing.myqcloud.com", f"/{BUCKET}/a", 404, id="path style in another region"),
        pytest.param("localhost", f"/{BUCKET}?prefix=b", 200, id="path style's bucket"),
        pytest.param("localhost", "/", 200, id="service"),
        pytest.param("service.cos.myqcloud.com", "/", 200, id="service's own host"),
    ],
)
def test_a_bucket_is_known_by_host_or_path(cloud: Cloud, connect: Connect, host: str, target: str, status: int) -> None:
    client = connect()
    client.put_object(BUCKET, b"", "a")

    response = ask(cloud, signed_head(client, "GET", target, host))

    assert response.startswith(b"HTTP/1.1 %d " % status)


def test_the_service_of_a_region_lists_that_region(cloud: Cloud, connect: Connect) -> None:
    cloud.reset(f"{BUCKET}@{REGION}", "logs-1250000000@ap-beijing")

    response = ask(cloud, signed_head(connect(), "GET", "/", "cos.ap-beijing.myqcloud.com"))

    assert b"logs-1250000000" in response
    assert BUCKET.encode() not in response


@pytest.mark.parametrize(
    ("method", "target", "status", "code"),
    [
        pytest.param("GET", "/?acl", 501, "NotImplemented", id="bucket's sub-resource"),
        pytest.param("GET", "/a?tagging", 501, "NotImplemented", id="object's sub-resource"),
        pytest.param("POST", "/?delete", 501, "NotImplemented", id="delete many"),
        pytest.param("DELETE", "/a?uploads", 405, "MethodNotAllowed", id="delete of uploads"),
        pytest.param("POST", "/a", 405, "MethodNotAllowed", id="post of a key"),
        pytest.param("PUT", "/?uploads", 405, "MethodNotAllowed", id="put of uploads"),
        pytest.param("GET", "/?uploads&max-uploads=0", 400, "InvalidArgument", id="page of none"),
        pytest.param("GET", "/?uploads&max-uploads=x", 400, "InvalidArgument", id="page of x"),
        pytest.param("GET", "/?uploads&encoding-type=gbk", 400, "InvalidArgument", id="another encoding"),
        pytest.param("PUT", "/a?uploadId=x", 400, "InvalidArgument", id="part without number"),
        pytest.param("PUT", "/a?uploadId=x&partNumber=1", 404, "NoSuchUpload", id="part of no upload"),
        pytest.param("GET", "/a?uploadId=x&part-number-marker=-1", 400, "InvalidArgument", id="marker below 0"),
    ],
)
def test_what_cos_does_not_take_is_refused_in_its_words(
    cloud: Cloud, connect: Connect, method: str, target: str, status: int, code: str
) -> None:
    response = ask(cloud, signed_head(connect(), method, target))

    head, _, body = response.partition(b"\r\n\r\n")
    lines = body.decode().splitlines()
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert lines[:3] == ["<?xml version='1.0' encoding='utf-8' ?>", "<Error>", f"\t<Code>{code}</Code>"]
    assert b"x-cos-trace-id: " in head


def test_every_answer_has_its_own_request_id_and_the_clouds_date(cloud: Cloud, connect: Connect) -> None:
    client = connect()
    cloud.clock(now="2001-02-03T04:05:06Z")
    refusal = ask(cloud, signed_head(client, "GET", "/a"))
    cloud.clock(offset_seconds=0)
    ask(cloud, signed_head(client, "GET", "/a"))

    assert b"\r\nDate: Sat, 03 Feb 2001 04:05:0" in refusal
    assert b"\r\nServer: tencent-cos\r\n" in refusal
    ids = [each.request_id for each in cloud.requests()]
    assert len(set(ids)) == 2
    assert f"\r\nx-cos-request-id: {ids[0]}\r\n".encode() in refusal


def test_an_answer_to_head_has_no_body(cloud: Cloud, connect: Connect) -> None:
    client = connect()
    client.put_object(BUCKET, b"abc", "a")

    for target, length in (("/a", b"3"), ("/missing", b"")):
        response = ask(cloud, signed_head(client, "HEAD", target))
        assert response.endswith(b"\r\n\r\n")
        assert b"Content-Length: " + length in response


def test_a_body_that_waits_to_be_asked_for_is_asked_for(cloud: Cloud, connect: Connect) -> None:
    head = signed_head(connect(), "PUT", "/a") + "Expect: 100-continue\nContent-Length: 3\n"

    response = ask(cloud, head, b"abc")

    assert response.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert cloud.objects(BUCKET)[0].size == 3


def test_a_part_whose_sender_hangs_up_is_not_taken_in(cloud: Cloud, connect: Connect) -> None:
    [upload] = cloud.seed(BUCKET, "a", parts=0)
    head = signed_head(connect(), "PUT", f"/a?partNumber=1&uploadId={upload.upload_id}") + "Content-Length: 9\n\n"
    with closing(socket.create_connection(("127.0.0.1", cloud.port))) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + b"half")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    noted = next(filter(None, (cloud.requests() for _ in range(10_000))))
    assert [(each.operation, each.status) for each in noted] == [("UploadPart", None)]
    assert cloud.uploads(BUCKET)[0].parts == 0


def struck(cloud: Cloud, connect: Connect, **fault: Any) -> bytes:
    """What comes back from a struck listing."""
    cloud.seed(BUCKET, "a")
    cloud.fault("ListMultipartUploads", **fault)
    return ask(cloud, signed_head(connect(cloud.owner), "GET", "/?uploads"))


def test_a_fault_answers_with_an_error_of_cos(cloud: Cloud, connect: Connect) -> None:
    [upload] = cloud.seed(BUCKET, "a")
    cloud.fault("AbortMultipartUpload", status=503, code="SlowDown", message="Slow down.", count=1)
    client = connect(cloud.role)

    with pytest.raises(CosServiceError) as error:
        client.abort_multipart_upload(BUCKET, "a", upload.upload_id)
    assert refused(error) == (503, "SlowDown")
    assert len(cloud.uploads(BUCKET)) == 1
    client.abort_multipart_upload(BUCKET, "a", upload.upload_id)
    assert [(each.status, each.code, each.fault) for each in cloud.requests()] == [
        (503, "SlowDown", "refuse"),
        (204, "", ""),
    ]


@pytest.mark.parametrize(("when", "held"), [("before", 1), ("after", 0)])
def test_a_fault_resets_the_connection_before_or_after_the_effect(
    cloud: Cloud, connect: Connect, when: str, held: int
) -> None:
    [upload] = cloud.seed(BUCKET, "a")
    cloud.fault("AbortMultipartUpload", reset=when)

    with pytest.raises(ConnectionResetError):
        ask(cloud, signed_head(connect(), "DELETE", f"/a?uploadId={upload.upload_id}"))

    assert len(cloud.uploads(BUCKET)) == held
    assert cloud.requests()[-1].status is None


def test_a_reset_is_a_client_error_of_the_sdk(cloud: Cloud, connect: Connect) -> None:
    cloud.fault(reset="before")

    with pytest.raises(CosClientError):
        connect().list_multipart_uploads(BUCKET)


def test_a_fault_sends_half_of_what_it_promised(cloud: Cloud, connect: Connect) -> None:
    head, _, body = struck(cloud, connect, body="truncated").partition(b"\r\n\r\n")

    assert f"Content-Length: {len(body) * 2}".encode()[:-1] in head
    assert body.startswith(b"<?xml")
    assert b"</ListMultipartUploadsResult>" not in body


def test_a_fault_sends_what_is_no_xml(cloud: Cloud, connect: Connect) -> None:
    body = struck(cloud, connect, body="malformed").partition(b"\r\n\r\n")[2]

    with pytest.raises(ElementTree.ParseError):
        ElementTree.fromstring(body)


def test_a_fault_sends_200_without_a_body_after_the_effect(cloud: Cloud, connect: Connect) -> None:
    [upload] = cloud.seed(BUCKET, "a")
    cloud.fault("AbortMultipartUpload", body="empty")

    response = ask(cloud, signed_head(connect(), "DELETE", f"/a?uploadId={upload.upload_id}"))

    assert response.startswith(b"HTTP/1.1 200 OK\r\n")
    assert response.endswith(b"\r\n\r\n")
    assert cloud.uploads(BUCKET) == []
    assert cloud.requests()[-1].status == 200


def test_a_fault_sends_an_error_without_its_document(cloud: Cloud, connect: Connect) -> None:
    response = struck(cloud, connect, body="empty", status=404, code="NoSuchUpload")

    assert response.startswith(b"HTTP/1.1 404 ")
    assert response.endswith(b"\r\n\r\n")


def test_a_spoilt_answer_to_head_still_has_no_body(cloud: Cloud, connect: Connect) -> None:
    cloud.fault("HeadObject", body="endless")

    assert ask(cloud, signed_head(connect(), "HEAD", "/a")).endswith(b"\r\n\r\n")


def test_a_dripping_answer_is_whole_in_the_end(cloud: Cloud, connect: Connect) -> None:
    response = struck(cloud, connect, body="drip", drip_ms=1, status=403, code="AccessDenied")

    assert response.endswith(b"</Error>\n\n")


def test_an_endless_answer_does_not_end(cloud: Cloud, connect: Connect) -> None:
    cloud.fault(body="endless")
    with closing(socket.create_connection(("127.0.0.1", cloud.port), timeout=20)) as connection:
        connection.sendall(signed_head(connect(), "GET", "/?uploads").replace("\n", "\r\n").encode() + b"\r\n")
        received = 0
        while received < 100_000:
            received += len(connection.recv(65536))

    assert cloud.requests()[-1].fault == "mangle"


def test_a_fault_answers_with_a_literal_body(cloud: Cloud, connect: Connect) -> None:
    response = struck(cloud, connect, raw="<a>中</a>", status=206, headers={"X-Odd": "yes"})

    assert response.startswith(b"HTTP/1.1 206 ")
    assert b"\r\nX-Odd: yes\r\n" in response
    assert response.endswith("<a>中</a>".encode())


def test_a_fault_redirects_and_the_sdk_takes_it_for_success(cloud: Cloud, connect: Connect) -> None:
    [upload] = cloud.seed(BUCKET, "a")
    cloud.fault("AbortMultipartUpload", redirect="http://127.0.0.1:1/")

    assert connect().abort_multipart_upload(BUCKET, "a", upload.upload_id) is None
    assert cloud.requests()[-1].status == 307
    assert len(cloud.uploads(BUCKET)) == 1


def test_a_late_answer_is_the_truth(cloud: Cloud, connect: Connect) -> None:
    assert b"<Key>a</Key>" in struck(cloud, connect, delay_ms=1)
    assert cloud.requests()[-1].fault == "delay"


def test_a_fault_strikes_before_the_signature_is_looked_at(cloud: Cloud) -> None:
    cloud.fault(status=500, code="InternalError")

    assert ask(cloud, f"GET /a HTTP/1.1\nHost: {HOST}\n").startswith(b"HTTP/1.1 500 ")


AWS = "Authorization: AWS4-HMAC-SHA256 Credential=x\n"


def test_aws_signatures_are_not_let_in_unasked(cloud: Cloud) -> None:
    assert ask(cloud, f"GET /a HTTP/1.1\nHost: {HOST}\n{AWS}").startswith(b"HTTP/1.1 403 ")


def test_aws_signed_requests_are_let_in_when_asked_for_and_their_framing_comes_off() -> None:
    framed = b"3;chunk-signature=0\r\nabc\r\n0;chunk-signature=0\r\n\r\n"
    head = f"PUT /{BUCKET}/a HTTP/1.1\nHost: localhost\n{AWS}Content-Length: {len(framed)}\n"

    with Cloud.start(f"{BUCKET}@{REGION}", accept_aws_signatures=True) as cloud:
        answer = ask(cloud, head + "x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD\n", framed)
        [held] = cloud.objects(BUCKET)
        elsewhere = ask(cloud, f"GET /other-1250000000/a HTTP/1.1\nHost: localhost\n{AWS}")
        unsigned = ask(cloud, f"GET /{BUCKET}/a HTTP/1.1\nHost: localhost\n")

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert (held.size, held.etag) == (3, hashlib.md5(b"abc").hexdigest())
    assert elsewhere.startswith(b"HTTP/1.1 404 ")
    assert unsigned.startswith(b"HTTP/1.1 403 ")
