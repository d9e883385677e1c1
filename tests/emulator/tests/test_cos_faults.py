"""
Faults of the emulated COS as a client sees them.
"""

import socket
from contextlib import closing, suppress
from typing import Any
from xml.etree import ElementTree

import pytest
from qcloud_cos.cos_exception import CosClientError, CosServiceError

from tests.emulator.client import Cloud
from tests.emulator.tests.cos_clients import BUCKET, HOST, Connect, call, rejected, signed_head


def struck(cloud: Cloud, connect: Connect, **fault: Any) -> bytes:
    """What comes back from a struck listing."""
    cloud.seed(BUCKET, "a")
    cloud.fault("ListMultipartUploads", **fault)
    return call(cloud, signed_head(connect(cloud.owner), "GET", "/?uploads"))


def test_fault_answers_with_an_error_of_cos(cloud: Cloud, connect: Connect) -> None:
    [upload] = cloud.seed(BUCKET, "a")
    cloud.fault("AbortMultipartUpload", status=503, code="SlowDown", message="Slow down.", count=1)
    client = connect(cloud.role)

    with pytest.raises(CosServiceError) as error:
        client.abort_multipart_upload(BUCKET, "a", upload.upload_id)
    assert rejected(error) == (503, "SlowDown")
    assert len(cloud.uploads(BUCKET)) == 1
    client.abort_multipart_upload(BUCKET, "a", upload.upload_id)
    assert [(each.status, each.code, each.fault) for each in cloud.requests()] == [
        (503, "SlowDown", "refuse"),
        (204, "", ""),
    ]


@pytest.mark.parametrize(("when", "held"), [("before", 1), ("after", 0)])
def test_fault_resets_the_connection_before_or_after_the_effect(
    cloud: Cloud, connect: Connect, when: str, held: int
) -> None:
    [upload] = cloud.seed(BUCKET, "a")
    cloud.fault("AbortMultipartUpload", reset=when)

    with pytest.raises(ConnectionResetError):
        call(cloud, signed_head(connect(), "DELETE", f"/a?uploadId={upload.upload_id}"))

    assert len(cloud.uploads(BUCKET)) == held
    assert cloud.requests()[-1].status is None


def test_reset_is_a_client_error_of_the_sdk(cloud: Cloud, connect: Connect) -> None:
    cloud.fault(reset="before")

    with pytest.raises(CosClientError):
        connect().list_multipart_uploads(BUCKET)


def test_fault_sends_half_of_what_it_promised(cloud: Cloud, connect: Connect) -> None:
    head, _, body = struck(cloud, connect, body="truncated").partition(b"\r\n\r\n")

    assert f"Content-Length: {len(body) * 2}".encode()[:-1] in head
    assert body.startswith(b"<?xml")
    assert b"</ListMultipartUploadsResult>" not in body


def test_fault_sends_what_is_no_xml(cloud: Cloud, connect: Connect) -> None:
    body = struck(cloud, connect, body="malformed").partition(b"\r\n\r\n")[2]

    with pytest.raises(ElementTree.ParseError):
        ElementTree.fromstring(body)


def test_fault_sends_200_without_a_body_after_the_effect(cloud: Cloud, connect: Connect) -> None:
    [upload] = cloud.seed(BUCKET, "a")
    cloud.fault("AbortMultipartUpload", body="empty")

    response = call(cloud, signed_head(connect(), "DELETE", f"/a?uploadId={upload.upload_id}"))

    assert response.startswith(b"HTTP/1.1 200 OK\r\n")
    assert response.endswith(b"\r\n\r\n")
    assert cloud.uploads(BUCKET) == []
    assert cloud.requests()[-1].status == 200


def test_fault_sends_an_error_without_its_document(cloud: Cloud, connect: Connect) -> None:
    response = struck(cloud, connect, body="empty", status=404, code="NoSuchUpload")

    assert response.startswith(b"HTTP/1.1 404 ")
    assert response.endswith(b"\r\n\r\n")


def test_spoilt_response_to_head_still_has_no_body(cloud: Cloud, connect: Connect) -> None:
    cloud.fault("HeadObject", body="endless")

    assert call(cloud, signed_head(connect(), "HEAD", "/a")).endswith(b"\r\n\r\n")


def test_dripping_response_is_whole_in_the_end(cloud: Cloud, connect: Connect) -> None:
    response = struck(cloud, connect, body="drip", drip_ms=1, status=403, code="AccessDenied")

    assert response.endswith(b"</Error>\n\n")


def test_endless_response_does_not_end(cloud: Cloud, connect: Connect) -> None:
    cloud.fault(body="endless")
    with closing(socket.create_connection(("127.0.0.1", cloud.port), timeout=20)) as connection:
        connection.sendall(signed_head(connect(), "GET", "/?uploads").replace("\n", "\r\n").encode() + b"\r\n")
        received = 0
        while received < 100_000:
            received += len(connection.recv(65536))

    assert cloud.requests()[-1].fault == "mangle"


def test_request_that_is_delayed_over_a_reset_touches_nothing_after_it(cloud: Cloud, connect: Connect) -> None:
    [upload] = cloud.seed(BUCKET, "a")
    cloud.fault("AbortMultipartUpload", delay_ms=300, part={"when": "before"})
    head = signed_head(connect(cloud.owner), "DELETE", f"/a?uploadId={upload.upload_id}")
    with closing(socket.create_connection(("127.0.0.1", cloud.port), timeout=20)) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n")
        while cloud.uploads(BUCKET)[0].parts < 2:  # until it has arrived
            pass
        cloud.reset()
        [other] = cloud.seed(BUCKET, "a")
        with suppress(ConnectionResetError):
            assert connection.recv(65536) == b""

    assert [each.upload_id for each in cloud.uploads(BUCKET)] == [other.upload_id]
    assert cloud.requests() == []


def test_fault_answers_with_a_literal_body(cloud: Cloud, connect: Connect) -> None:
    response = struck(cloud, connect, raw="<a>中</a>", status=206, headers={"X-Odd": "yes"})

    assert response.startswith(b"HTTP/1.1 206 ")
    assert b"\r\nX-Odd: yes\r\n" in response
    assert response.endswith("<a>中</a>".encode())


def test_fault_redirects_and_the_sdk_takes_it_for_success(cloud: Cloud, connect: Connect) -> None:
    [upload] = cloud.seed(BUCKET, "a")
    cloud.fault("AbortMultipartUpload", redirect="http://127.0.0.1:1/")

    assert connect().abort_multipart_upload(BUCKET, "a", upload.upload_id) is None
    assert cloud.requests()[-1].status == 307
    assert len(cloud.uploads(BUCKET)) == 1


def test_late_response_is_the_truth(cloud: Cloud, connect: Connect) -> None:
    assert b"<Key>a</Key>" in struck(cloud, connect, delay_ms=1)
    assert cloud.requests()[-1].fault == "delay"


def test_fault_strikes_before_the_signature_is_looked_at(cloud: Cloud) -> None:
    cloud.fault(status=500, code="InternalError")

    assert call(cloud, f"GET /a HTTP/1.1\nHost: {HOST}\n").startswith(b"HTTP/1.1 500 ")
