"""
What the emulated COS keeps of objects and gives back: content, checksums, headers.
"""

import gzip
import hashlib
from base64 import b64encode
from collections.abc import Iterator

import pytest
from qcloud_cos import CosConfig, CosS3Client
from qcloud_cos.cos_exception import CosServiceError

from tests.emulator.checksums import crc64
from tests.emulator.client import Cloud
from tests.emulator.tests.cos_clients import BUCKET, REGION, Connect, ask, rejected

MIB = 1 << 20
LARGE = bytes(range(251)) * (3 * MIB // 251 + 1)
DESCRIBED = {
    "Cache_Control": "no-store",
    "Content_Disposition": 'attachment; filename="a"',
    "Content_Encoding": "gzip",
    "Content_Language": "de",
    "Content_Type": "text/x-odd; charset=utf-8",
    "Expires": "Thu, 01 Jan 2026 00:00:00 GMT",
    "x_cos_meta_camera": "X 100; é",
    "x_cos_storage_class": "Standard_IA",
}
COME_BACK = {name.replace("_", "-").lower(): value for name, value in DESCRIBED.items()} | {
    "x-cos-storage-class": "STANDARD_IA"
}


def test_content_comes_back_as_it_was_sent_and_each_answer_has_its_checksum(cloud: Cloud, connect: Connect) -> None:
    client, crc = connect(), str(crc64(LARGE))

    put = client.put_object(BUCKET, LARGE, "a")
    got = client.get_object(BUCKET, "a")

    assert got["Body"].get_raw_stream().read() == LARGE
    assert (
        client.get_object(BUCKET, "a", Range="bytes=1000000-2999999")["Body"].get_raw_stream().read()
        == (LARGE[1_000_000:3_000_000])
    )
    assert {each["x-cos-hash-crc64ecma"] for each in (put, got, client.head_object(BUCKET, "a"))} == {crc}
    assert cloud.content(BUCKET, "a") == LARGE


def test_completed_upload_has_the_parts_content_and_their_checksums_combined(connect: Connect) -> None:
    client, parts = connect(), (LARGE[:MIB], LARGE[MIB : 2 * MIB + 5], b"", b"tail")
    upload_id = client.create_multipart_upload(BUCKET, "a")["UploadId"]
    sent = [client.upload_part(BUCKET, "a", part, number, upload_id) for number, part in enumerate(parts, 1)]

    listed = [{"PartNumber": number, "ETag": sent[number - 1]["ETag"]} for number in (1, 2, 4)]
    completed = client.complete_multipart_upload(BUCKET, "a", upload_id, {"Part": listed})

    whole = parts[0] + parts[1] + parts[3]
    assert [part["x-cos-hash-crc64ecma"] for part in sent] == [str(crc64(part)) for part in parts]
    assert completed["x-cos-hash-crc64ecma"] == str(crc64(whole))
    got = client.get_object(BUCKET, "a", Range=f"bytes={MIB - 2}-{MIB + 1}")
    assert got["Body"].get_raw_stream().read() == whole[MIB - 2 : MIB + 2]
    assert client.get_object(BUCKET, "a")["Body"].get_raw_stream().read() == whole


@pytest.fixture
def small() -> Iterator[Cloud]:
    with Cloud.start(f"{BUCKET}@{REGION}", keep_bytes=10, credentials=["AKIDone:key"]) as cloud:
        yield cloud


def test_beyond_the_budget_all_but_the_content_is_right_and_a_get_says_why_it_is_501(small: Cloud) -> None:
    config = CosConfig(
        Region=REGION, SecretId="AKIDone", SecretKey="key", Scheme="http", IP="127.0.0.1", Port=small.port
    )
    client = CosS3Client(config, retry=0)

    client.put_object(BUCKET, b"12345678", "kept")
    client.put_object(BUCKET, LARGE, "large")

    head = client.head_object(BUCKET, "large")
    assert (head["Content-Length"], head["ETag"]) == (str(len(LARGE)), f'"{hashlib.md5(LARGE).hexdigest()}"')
    assert head["x-cos-hash-crc64ecma"] == str(crc64(LARGE))
    with pytest.raises(CosServiceError, match="--keep-bytes") as error:
        client.get_object(BUCKET, "large")
    assert rejected(error) == (501, "NotImplemented")
    assert client.get_object(BUCKET, "kept")["Body"].get_raw_stream().read() == b"12345678"
    client.delete_object(BUCKET, "kept")
    upload_id = client.create_multipart_upload(BUCKET, "gone")["UploadId"]
    client.upload_part(BUCKET, "gone", b"1234567890", 1, upload_id)
    client.abort_multipart_upload(BUCKET, "gone", upload_id)
    client.put_object(BUCKET, b"1234567890", "large")
    assert client.get_object(BUCKET, "large")["Body"].get_raw_stream().read() == b"1234567890"


def test_object_whose_parts_nobody_sent_has_no_content_and_no_checksum(cloud: Cloud, connect: Connect) -> None:
    [upload] = cloud.seed(BUCKET, "a", parts=2)
    cloud.complete(BUCKET, "a", upload.upload_id)

    head, got = (ask(cloud, connect(), method, "/a") for method in ("HEAD", "GET"))

    assert (head.status, head.headers["content-length"]) == (200, str(2 * MIB))
    assert "x-cos-hash-crc64ecma" not in head.headers
    assert (got.status, got.code) == (501, "NotImplemented")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_body_stays_as_it_was_sent_whatever_its_encoding(cloud: Cloud, connect: Connect, encoding: str) -> None:
    body = gzip.compress(b"hello")
    md5 = hashlib.md5(body)

    sent = ask(
        cloud,
        connect(),
        "PUT",
        "/a",
        body,
        Content_Encoding=encoding,
        Content_MD5=b64encode(md5.digest()).decode(),
    )

    got = ask(cloud, connect(), "GET", "/a")
    assert (sent.status, sent.headers["etag"]) == (200, f'"{md5.hexdigest()}"')
    assert (got.body, got.headers["content-encoding"]) == (body, encoding)


def test_empty_object_has_a_length(cloud: Cloud, connect: Connect) -> None:
    ask(cloud, connect(), "PUT", "/a", b"")

    for method in ("HEAD", "GET"):
        answer = ask(cloud, connect(), method, "/a")
        assert (answer.status, answer.headers["content-length"], answer.body) == (200, "0", b"")


@pytest.mark.parametrize("multipart", [False, True])
def test_headers_that_describe_an_object_come_back_with_it(cloud: Cloud, connect: Connect, *, multipart: bool) -> None:
    client = connect()
    if multipart:
        [upload_id] = ask(cloud, client, "POST", "/a?uploads", b"", **DESCRIBED).texts("UploadId")
        part = ask(cloud, client, "PUT", f"/a?partNumber=1&uploadId={upload_id}", b"x")
        listed = [{"PartNumber": 1, "ETag": part.headers["etag"]}]
        client.complete_multipart_upload(BUCKET, "a", upload_id, {"Part": listed})
    else:
        ask(cloud, client, "PUT", "/a", b"x", **DESCRIBED)

    for method in ("HEAD", "GET"):
        headers = ask(cloud, client, method, "/a").headers
        assert {name: headers.get(name) for name in COME_BACK} == COME_BACK
        assert headers["accept-ranges"] == "bytes"


def test_object_without_a_description_has_the_usual_type_and_names_no_class(cloud: Cloud, connect: Connect) -> None:
    ask(cloud, connect(), "PUT", "/a", b"x", x_cos_storage_class="STANDARD")

    headers = ask(cloud, connect(), "HEAD", "/a").headers

    assert headers["content-type"] == "application/octet-stream"
    assert not {"x-cos-storage-class", "cache-control", "expires", "content-encoding"} & set(headers)


@pytest.mark.parametrize(("method", "target"), [("PUT", "/a"), ("POST", "/a?uploads")])
def test_storage_class_that_cos_has_not_is_rejected(cloud: Cloud, connect: Connect, method: str, target: str) -> None:
    answer = ask(cloud, connect(), method, target, b"", x_cos_storage_class="GLACIER")

    assert (answer.status, answer.code) == (400, "InvalidStorageClass")


@pytest.mark.parametrize("storage_class", ["ARCHIVE", "DEEP_ARCHIVE", "MAZ_ARCHIVE"])
def test_archived_object_cannot_be_got(cloud: Cloud, connect: Connect, storage_class: str) -> None:
    ask(cloud, connect(), "PUT", "/a", b"x", x_cos_storage_class=storage_class)

    assert ask(cloud, connect(), "HEAD", "/a").headers["x-cos-storage-class"] == storage_class
    assert ask(cloud, connect(), "GET", "/a").code == "InvalidObjectState"


def test_response_parameters_replace_headers_of_the_answer_and_not_of_the_object(
    cloud: Cloud, connect: Connect
) -> None:
    client = connect()
    ask(cloud, client, "PUT", "/a", b"x", Content_Type="text/plain", Cache_Control="private")

    target = "/a?response-content-type=x%2Fy&response-cache-control=max-age%3D600&response-content-language="
    replaced, plain = ask(cloud, client, "GET", target), ask(cloud, client, "GET", "/a")

    assert (replaced.headers["content-type"], replaced.headers["cache-control"]) == ("x/y", "max-age=600")
    assert (plain.headers["content-type"], plain.headers["cache-control"]) == ("text/plain", "private")


@pytest.mark.parametrize(
    ("target", "body", "headers", "status", "code"),
    [
        pytest.param("/a", None, {}, 411, "MissingContentLength", id="object without length"),
        pytest.param("/a?partNumber=1&uploadId=x", None, {}, 411, "MissingContentLength", id="part without length"),
        pytest.param("/a", b"1\r\nx\r\n0\r\n\r\n", {"transfer_encoding": "chunked"}, 200, "", id="chunks"),
        pytest.param("/a", b"x", {"Content_MD5": "x"}, 400, "InvalidDigest", id="MD5 that is no base64"),
        pytest.param("/a", b"x", {"Content_MD5": "eA=="}, 400, "InvalidDigest", id="MD5 that is too short"),
        pytest.param("/a", b"x", {"Content_MD5": b64encode(bytes(16)).decode()}, 400, "BadDigest", id="another MD5"),
    ],
)
def test_length_and_digest_of_a_body_are_checked(
    cloud: Cloud, connect: Connect, target: str, body: bytes | None, headers: dict[str, str], status: int, code: str
) -> None:
    answer = ask(cloud, connect(), "PUT", target, body, **headers)

    assert (answer.status, answer.code) == (status, code)
    assert [each.size for each in cloud.objects(BUCKET)] == ([1] if status == 200 else [])
