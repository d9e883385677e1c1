"""
Credentials, addresses and framing: what the emulated COS accepts and what it rejects.
"""

import hashlib
import socket
import struct
from collections.abc import Callable
from contextlib import closing

import pytest
from qcloud_cos import CosS3Client
from qcloud_cos.cos_exception import CosServiceError

from tests.emulator.client import Cloud, Credentials
from tests.emulator.tests.cos_clients import BUCKET, HOST, REGION, Connect, call, receive, rejected, signed_head


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
        pytest.param(lambda client: client.list_objects(BUCKET, "sweeper-reports/a"), True, id="list reports"),
        pytest.param(lambda client: client.list_objects(BUCKET, "sweeper-report"), False, id="list more than reports"),
    ],
)
def test_role_may_do_what_the_sweeper_needs_and_nothing_else(
    cloud: Cloud, connect: Connect, operation: Callable[[CosS3Client], object], *, allowed: bool
) -> None:
    client = connect(cloud.role)

    if allowed:
        operation(client)
    else:
        with pytest.raises(CosServiceError) as error:
            operation(client)
        assert rejected(error) == (403, "AccessDenied")


@pytest.mark.parametrize(
    ("move", "status", "code"),
    [
        pytest.param({"advance_seconds": 5 * 3600}, 403, "AccessDenied", id="signature out of date"),
        pytest.param({"advance_seconds": -3600}, 403, "RequestTimeTooSkewed", id="signature from the future"),
    ],
)
def test_clouds_clock_decides_what_is_out_of_date(
    cloud: Cloud, connect: Connect, move: dict[str, float], status: int, code: str
) -> None:
    cloud.clock(**move)

    with pytest.raises(CosServiceError) as error:
        connect().list_multipart_uploads(BUCKET)

    assert rejected(error) == (status, code)


def test_temporary_credentials_expire_and_need_their_token(cloud: Cloud, connect: Connect) -> None:
    expired = cloud.add_credentials(token="t1", expires_in_seconds=0)
    tokenless = Credentials(cloud.role.secret_id, cloud.role.secret_key)

    with pytest.raises(CosServiceError) as error:
        connect(expired).list_multipart_uploads(BUCKET)
    assert rejected(error) == (400, "ExpiredToken")
    with pytest.raises(CosServiceError) as error:
        connect(tokenless).list_multipart_uploads(BUCKET)
    assert rejected(error) == (403, "InvalidAccessKeyId")


def test_policy_of_ones_own_is_enforced(cloud: Cloud, connect: Connect) -> None:
    statement = {"effect": "allow", "action": "name/cos:GetService", "resource": "*"}
    client = connect(cloud.add_credentials(policy={"version": "2.0", "statement": [statement]}))

    client.list_buckets()
    with pytest.raises(CosServiceError) as error:
        client.list_multipart_uploads(BUCKET)
    assert rejected(error) == (403, "AccessDenied")


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
def test_path_survives_byte_for_byte(cloud: Cloud, path: str, key: str) -> None:
    head = f"GET {path}?response-expires=%2f+&&versionId HTTP/1.1\nHost: {HOST}\n"

    assert call(cloud, head).startswith(b"HTTP/1.1 403 ")

    received = cloud.requests()[-1]
    assert (received.raw_path, received.raw_query) == (path, "response-expires=%2f+&&versionId")
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
        pytest.param(f"{BUCKET}.cos-internal.accelerate.tencentcos.cn", "/a", 200, id="accelerated internal host"),
        pytest.param("emulator:9000", f"/{BUCKET}/a", 200, id="path style in a network of one's own"),
        *(
            pytest.param(host, target, 501, id=host)
            for host, target in (
                (f"{BUCKET}.ci.{REGION}.myqcloud.com", "/a"),
                (f"{BUCKET}.pic.{REGION}.myqcloud.com", "/a"),
                (f"{BUCKET}.cos-website.{REGION}.myqcloud.com", "/a"),
                (f"{BUCKET}.file.myqcloud.com", "/a"),
                (f"{BUCKET}.example.com", "/a"),
                (f"ci.{REGION}.myqcloud.com", f"/{BUCKET}/a"),
                (f"Photos.cos.{REGION}.myqcloud.com", f"/{BUCKET}/a"),
                ("sts.tencentcos.cn", "/"),
            )
        ),
        pytest.param("service.cos.myqcloud.com", "/", 200, id="service's own host"),
    ],
)
def test_bucket_is_known_by_host_or_path(cloud: Cloud, connect: Connect, host: str, target: str, status: int) -> None:
    client = connect()
    client.put_object(BUCKET, b"", "a")

    response = call(cloud, signed_head(client, "GET", target, host))

    assert response.startswith(b"HTTP/1.1 %d " % status)


def test_service_of_a_region_lists_that_region(cloud: Cloud, connect: Connect) -> None:
    cloud.reset(f"{BUCKET}@{REGION}", "logs-1250000000@ap-beijing")

    response = call(cloud, signed_head(connect(), "GET", "/", "cos.ap-beijing.myqcloud.com"))

    assert b"logs-1250000000" in response
    assert BUCKET.encode() not in response


@pytest.mark.parametrize(
    ("method", "target", "status", "code"),
    [
        pytest.param("GET", "/?cors", 501, "NotImplemented", id="bucket's sub-resource"),
        pytest.param("GET", "/a?object-lock", 501, "NotImplemented", id="bucket's sub-resource at an object"),
        pytest.param("DELETE", "/?object-lock", 405, "MethodNotAllowed", id="lock that cannot be taken off"),
        pytest.param("GET", "/a?tagging", 501, "NotImplemented", id="object's sub-resource"),
        pytest.param("DELETE", "/a?uploads", 405, "MethodNotAllowed", id="delete of uploads"),
        pytest.param("POST", "/a", 405, "MethodNotAllowed", id="post of a key"),
        pytest.param("PUT", "/?uploads", 405, "MethodNotAllowed", id="put of uploads"),
        pytest.param("GET", "/?uploads&max-uploads=0", 400, "InvalidArgument", id="page of none"),
        pytest.param("GET", "/?uploads&max-uploads=x", 400, "InvalidArgument", id="page of x"),
        pytest.param("GET", "/?uploads&encoding-type=gbk", 400, "InvalidArgument", id="another encoding"),
        pytest.param("PUT", "/a?uploadId=x", 400, "InvalidArgument", id="part without number"),
        pytest.param("PUT", "/a?uploadId=x&partNumber=1", 411, "MissingContentLength", id="part without length"),
        pytest.param("GET", "/a?uploadId=x&part-number-marker=-1", 400, "InvalidArgument", id="marker below 0"),
    ],
)
def test_request_that_cos_rejects_is_rejected_with_its_code(
    cloud: Cloud, connect: Connect, method: str, target: str, status: int, code: str
) -> None:
    response = call(cloud, signed_head(connect(), method, target))

    head, _, body = response.partition(b"\r\n\r\n")
    lines = body.decode().splitlines()
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert lines[:3] == ["<?xml version='1.0' encoding='utf-8' ?>", "<Error>", f"\t<Code>{code}</Code>"]
    assert b"x-cos-trace-id: " in head


def test_responses_have_their_own_request_id_and_the_emulators_date(cloud: Cloud, connect: Connect) -> None:
    client = connect()
    cloud.clock(now="2001-02-03T04:05:06Z")
    rejection = call(cloud, signed_head(client, "GET", "/a"))
    cloud.clock(offset_seconds=0)
    call(cloud, signed_head(client, "GET", "/a"))

    assert b"\r\nDate: Sat, 03 Feb 2001 04:05:0" in rejection
    assert b"\r\nServer: tencent-cos\r\n" in rejection
    ids = [each.request_id for each in cloud.requests()]
    assert len(set(ids)) == 2
    assert f"\r\nx-cos-request-id: {ids[0]}\r\n".encode() in rejection


def test_answer_to_head_has_no_body(cloud: Cloud, connect: Connect) -> None:
    client = connect()
    client.put_object(BUCKET, b"abc", "a")

    for target, length in (("/a", b"3"), ("/missing", b"")):
        response = call(cloud, signed_head(client, "HEAD", target))
        assert response.endswith(b"\r\n\r\n")
        assert b"Content-Length: " + length in response


def test_body_that_expects_100_continue_gets_it(cloud: Cloud, connect: Connect) -> None:
    head = signed_head(connect(), "PUT", "/a") + "Expect: 100-continue\nContent-Length: 3\n"

    response = call(cloud, head, b"abc")

    assert response.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert cloud.objects(BUCKET)[0].size == 3


@pytest.mark.parametrize("refused", ["x-cos-tagging: a=b\n", "Content-MD5: x\n"])
def test_connection_ends_where_a_body_is_held_back_and_not_wanted(cloud: Cloud, connect: Connect, refused: str) -> None:
    head = signed_head(connect(), "PUT", "/a") + refused + "Expect: 100-continue\nContent-Length: 300\n\n"
    with closing(socket.create_connection(("127.0.0.1", cloud.port), timeout=5)) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode())

        response = receive(connection)

    assert response.startswith((b"HTTP/1.1 501", b"HTTP/1.1 400"))
    assert b"\r\nConnection: close\r\n" in response


def test_part_whose_sender_hangs_up_is_not_taken_in(cloud: Cloud, connect: Connect) -> None:
    [upload] = cloud.seed(BUCKET, "a", parts=0)
    head = signed_head(connect(), "PUT", f"/a?partNumber=1&uploadId={upload.upload_id}") + "Content-Length: 9\n\n"
    with closing(socket.create_connection(("127.0.0.1", cloud.port))) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + b"half")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    noted = next(filter(None, (cloud.requests() for _ in range(10_000))))
    assert [(each.operation, each.status) for each in noted] == [("UploadPart", None)]
    assert cloud.uploads(BUCKET)[0].parts == 0


AWS = "Authorization: AWS4-HMAC-SHA256 Credential=x\n"


def test_aws_signatures_are_rejected_by_default(cloud: Cloud) -> None:
    assert call(cloud, f"GET /a HTTP/1.1\nHost: {HOST}\n{AWS}").startswith(b"HTTP/1.1 403 ")


def test_aws_signed_requests_are_accepted_where_switched_on_without_their_framing() -> None:
    framed = b"3;chunk-signature=0\r\nabc\r\n0;chunk-signature=0\r\n\r\n"
    head = f"PUT /{BUCKET}/a HTTP/1.1\nHost: localhost\n{AWS}Content-Length: {len(framed)}\n"

    with Cloud.start(f"{BUCKET}@{REGION}", accept_aws_signatures=True) as cloud:
        answer = call(cloud, head + "x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD\n", framed)
        [held] = cloud.objects(BUCKET)
        elsewhere = call(cloud, f"GET /other-1250000000/a HTTP/1.1\nHost: localhost\n{AWS}")
        unsigned = call(cloud, f"GET /{BUCKET}/a HTTP/1.1\nHost: localhost\n")

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert (held.size, held.etag) == (3, hashlib.md5(b"abc").hexdigest())
    assert elsewhere.startswith(b"HTTP/1.1 404 ")
    assert unsigned.startswith(b"HTTP/1.1 403 ")
