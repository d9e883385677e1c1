"""
Values that are too long, wrong or cut short: 400 with COS's error document, never a failure of the emulator itself.
"""

import base64
import hashlib
import socket
import zlib
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import quote

import pytest

from tests.emulator.client import Cloud
from tests.emulator.tests.cos_clients import (
    BUCKET,
    REGION,
    Answer,
    Connect,
    ask,
    call,
    read_answer,
    receive,
    signed_head,
)

LONG = "9" * 5000
STREAMING = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


@pytest.fixture(scope="module")
def lenient() -> Iterator[Cloud]:
    with Cloud.start(f"{BUCKET}@{REGION}", accept_aws_signatures=True) as cloud:
        yield cloud


def ask_aws(cloud: Cloud, method: str, target: str, body: bytes = b"", /, **headers: str) -> Answer:
    """Send a request in AWS's way."""
    given = {"Authorization": "AWS4-HMAC-SHA256 x", "Content-Length": str(len(body)), **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in given.items())
    return read_answer(call(cloud, f"{method} /{BUCKET}{target} HTTP/1.1\nHost: localhost\n{lines}", body))


@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        ("GET", "/a", {"range": f"bytes={LONG}-"}),
        ("GET", "/a", {"range": f"bytes=-{LONG}"}),
        ("GET", f"/?max-keys={LONG}", {}),
        ("GET", f"/?uploads&max-uploads={LONG}", {}),
        ("PUT", f"/a?uploadId=x&partNumber={LONG}", {}),
        ("GET", f"/a?uploadId=x&part-number-marker={LONG}", {}),
        ("GET", "/a?response-content-type=a%0d%0aSet-Cookie:x", {}),
        ("GET", "/a?response-content-type=a%00", {}),
    ],
    ids=range(8),
)
def test_value_that_is_too_long_or_splits_a_header_is_rejected(
    cloud: Cloud, connect: Connect, method: str, target: str, headers: dict[str, str]
) -> None:
    ask(cloud, connect(), "PUT", "/a", b"abc")

    answer = ask(cloud, connect(), method, target, b"", **headers)

    assert (answer.status, answer.code) == (400, "InvalidArgument")


@pytest.mark.parametrize("time", [LONG, "99999999999999", "x", "-1"])
def test_time_of_creation_that_is_none_is_rejected(cloud: Cloud, connect: Connect, time: str) -> None:
    answer = read_answer(call(cloud, signed_head(connect(), "GET", f"/?create-time={time}&range=lt", "localhost")))

    assert (answer.status, answer.code) == (400, "InvalidArgument")


@pytest.mark.parametrize("days", ["--5", LONG, "5 6", "1e3", "\u0663", ""])
def test_lifecycle_days_that_are_no_number_are_rejected(cloud: Cloud, connect: Connect, days: str) -> None:
    rule = f"<Status>Enabled</Status><Filter/><Expiration><Days>{days}</Days></Expiration>"
    body = f"<LifecycleConfiguration><Rule>{rule}</Rule></LifecycleConfiguration>"

    answer = ask(cloud, connect(), "PUT", "/?lifecycle", body.encode())

    assert (answer.status, answer.code) == (400, "MalformedXML")


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("PUT", "/?lifecycle", '<?xml version="1.0" encoding="foo-9"?><LifecycleConfiguration/>'),
        (
            "POST",
            "/a?uploadId=x",
            f"<CompleteMultipartUpload><Part><PartNumber>{LONG}</PartNumber><ETag>x</ETag></Part>"
            "</CompleteMultipartUpload>",
        ),
    ],
    ids=["encoding", "part number"],
)
def test_document_that_cannot_be_read_is_rejected(
    cloud: Cloud, connect: Connect, method: str, target: str, body: str
) -> None:
    answer = ask(cloud, connect(), method, target, body.encode())

    assert (answer.status, answer.code) == (400, "MalformedXML")


@pytest.mark.parametrize(
    ("framed", "code"),
    [
        pytest.param(b"zz\r\nhello\r\n0\r\n\r\n", "InvalidArgument", id="no size"),
        pytest.param(b"-5\r\nhello\r\n0\r\n\r\n", "InvalidArgument", id="negative size"),
        pytest.param(b"9" * 9000, "InvalidArgument", id="endless size"),
        pytest.param(b"5\r\nhello\r\n", "IncompleteBody", id="no last chunk"),
        pytest.param(b"5\r\nhel", "IncompleteBody", id="half a chunk"),
        pytest.param(b"4\r\nhell\r\n0\r\n\r\n", "IncompleteBody", id="less than announced"),
        pytest.param(b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", "BadDigest", id="wrong trailer"),
    ],
)
def test_chunked_body_that_is_wrong_or_cut_short_is_not_stored(lenient: Cloud, framed: bytes, code: str) -> None:
    lenient.reset()
    headers = {"x_amz_decoded_content_length": "5", "x_amz_trailer": "x-amz-checksum-crc32"}

    answer = ask_aws(lenient, "PUT", "/a", framed, x_amz_content_sha256=STREAMING, **headers)

    assert (answer.status, answer.code, lenient.objects(BUCKET)) == (400, code, [])


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("crc32", zlib.crc32(b"123456789").to_bytes(4, "big")),
        ("crc32c", bytes.fromhex("e3069283")),
        ("crc64nvme", bytes.fromhex("ae8b14860a799888")),
        ("sha1", hashlib.sha1(b"123456789").digest()),
        ("sha256", hashlib.sha256(b"123456789").digest()),
    ],
)
def test_checksum_of_aws_is_checked(lenient: Cloud, name: str, right: bytes) -> None:
    header = {f"x-amz-checksum-{name}": base64.b64encode(right).decode()}

    assert ask_aws(lenient, "PUT", "/a", b"123456789", **header).status == 200
    wrong = ask_aws(lenient, "PUT", "/a", b"12345678", **header)
    assert (wrong.status, wrong.code) == (400, "BadDigest")
    assert ask_aws(lenient, "GET", "/a", **header).status == 501


def test_sha256_of_the_body_is_checked(lenient: Cloud) -> None:
    right = hashlib.sha256(b"abc").hexdigest()

    assert ask_aws(lenient, "PUT", "/a", b"abc", x_amz_content_sha256=right).status == 200
    wrong = ask_aws(lenient, "PUT", "/a", b"abd", x_amz_content_sha256=right)
    assert (wrong.status, wrong.code) == (400, "XAmzContentSHA256Mismatch")
    assert ask_aws(lenient, "PUT", "/a", b"abd", x_amz_content_sha256="UNSIGNED-PAYLOAD").status == 200


@pytest.mark.parametrize(
    ("inner", "status"),
    [
        ("<Object><Key>a</Key><ETag>x</ETag></Object>", 501),
        ("<Object><Key>a</Key><Size>1</Size></Object>", 501),
        ("<Object><Key>a</Key></Object><Bypass>true</Bypass>", 501),
        ("<Object><Key>a</Key><Key>b</Key></Object>", 400),
        ("<Object><Key>a</Key></Object><Quiet>maybe</Quiet>", 400),
    ],
)
def test_condition_of_a_delete_is_not_dropped_in_silence(
    cloud: Cloud, connect: Connect, inner: str, status: int
) -> None:
    ask(cloud, connect(), "PUT", "/a", b"abc")
    body = f"<Delete>{inner}</Delete>".encode()
    md5 = base64.b64encode(hashlib.md5(body).digest()).decode()

    assert ask(cloud, connect(), "POST", "/?delete", body, Content_MD5=md5).status == status
    assert [each.key for each in cloud.objects(BUCKET)] == ["a"]


@pytest.mark.parametrize("query", ["", "list-type=2&"])
def test_page_of_no_objects_is_empty_and_the_last(cloud: Cloud, connect: Connect, query: str) -> None:
    ask(cloud, connect(), "PUT", "/a", b"abc")

    answer = ask(cloud, connect(), "GET", f"/?{query}max-keys=0")

    assert (answer.status, answer.texts("Key"), answer.texts("IsTruncated")) == (200, [], ["false"])


@pytest.mark.parametrize("size", [2048, 2049])
def test_metadata_beyond_its_limit_is_rejected(cloud: Cloud, connect: Connect, size: int) -> None:
    headers = {"x_cos_meta_a": "v" * 1000, "x_cos_meta_b": "v" * (size - 1002)}

    answer = ask(cloud, connect(), "PUT", "/a", b"abc", **headers)

    assert (answer.status, answer.code) == ((400, "MetadataTooLarge") if size > 2048 else (200, ""))


def test_headers_come_back_byte_for_byte(cloud: Cloud, connect: Connect) -> None:
    value = b"caf\xe9 \xff \xe4\xb8\xad"
    head = signed_head(connect(), "PUT", "/a").replace("\n", "\r\n").encode()
    with closing(socket.create_connection(("127.0.0.1", cloud.port), timeout=5)) as connection:
        connection.sendall(head + b"x-cos-meta-a: " + value + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        assert receive(connection).startswith(b"HTTP/1.1 200")

    for method, query in (("HEAD", ""), ("GET", ""), ("GET", "?response-content-disposition=x%E9y")):
        received = call(cloud, signed_head(connect(), method, f"/a{query}"))
        assert b"\r\nx-cos-meta-a: " + value + b"\r\n" in received
        assert (b"\r\nContent-Disposition: x\xe9y\r\n" in received) is bool(query)


def test_signature_may_be_in_one_parameter(cloud: Cloud, connect: Connect) -> None:
    ask(cloud, connect(), "PUT", "/a", b"abc")
    start, _, signature = signed_head(connect(), "GET", "/a").partition("Authorization: ")

    right = call(cloud, start.replace("/a ", f"/a?sign={quote(signature.strip(), safe='')} "))
    wrong = call(cloud, start.replace("/a ", f"/a?sign={quote(signature.strip() + '0', safe='')} "))

    assert right.endswith(b"\r\n\r\nabc")
    assert wrong.startswith(b"HTTP/1.1 403 ")
