"""
What the emulated COS takes, and that everything else is 501 instead of another operation.
"""

from typing import Any

import pytest

from tests.emulator.client import Cloud
from tests.emulator.operations import CARRIERS
from tests.emulator.table import OPERATIONS, TABLE
from tests.emulator.tests.cos_clients import BUCKET, HOST, Connect, ask, call, read_answer

BODY = b"<LifecycleConfiguration/>"
UNSIGNED_HEAD = "{} {} HTTP/1.1\nHost: " + HOST + "\n"


def test_every_operation_of_the_table_is_carried_out() -> None:
    assert set(CARRIERS) == OPERATIONS


def test_no_two_rows_speak_of_the_same_requests() -> None:
    rows = [(row.method, row.path, row.selected_by, row.selecting_header) for row in TABLE]

    assert len(rows) == len(set(rows))


def untouched(cloud: Cloud, connect: Connect) -> dict[str, Any]:
    """Put an object and an upload there, and return what the cloud holds then."""
    ask(cloud, connect(), "PUT", "/a", b"old")
    cloud.seed(BUCKET, "a")
    return held(cloud)


def held(cloud: Cloud) -> dict[str, Any]:
    buckets: dict[str, Any] = cloud.totals()["buckets"]
    return {**buckets, "objects": cloud.objects(BUCKET), "uploads": cloud.uploads(BUCKET)}


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        pytest.param("DELETE", "/?domaincertificate", 501, id="delete that is none of the bucket"),
        pytest.param("DELETE", "/?policy", 501, id="delete of a bucket's policy"),
        pytest.param("PUT", "/a?legal-hold", 501, id="put that is none of the object"),
        pytest.param("PUT", "/ch?live", 501, id="put of a live channel"),
        pytest.param("PUT", "/a?retention", 501, id="put of an object's retention"),
        pytest.param("GET", "/?requestPayment", 501, id="get that is no listing"),
        pytest.param("GET", "/?versions", 501, id="listing of versions"),
        pytest.param("GET", "/?prefix=a&made-up", 501, id="listing with a parameter that nobody knows"),
        pytest.param("GET", "/?uploads&lifecycle", 501, id="two sub-resources"),
        pytest.param("GET", "/?uploads&marker=a", 501, id="another listing's parameter"),
        pytest.param("GET", "/a?imageMogr2/thumbnail/1x", 501, id="get that is processed"),
        pytest.param("GET", "/a?versionId=1", 501, id="get of a version"),
        pytest.param("GET", "/a?uploadId=", 501, id="get of no upload"),
        pytest.param("PUT", "/a?partNumber=1", 501, id="part of no upload"),
        pytest.param("PUT", "/a?partNumber=1&uploadId=", 501, id="part of an upload without id"),
        pytest.param("DELETE", "/a?uploadId=x&made-up=1", 501, id="abort with a parameter that nobody knows"),
        pytest.param("DELETE", "/a?X-Amz-Signature=1", 501, id="another signature's parameter"),
        pytest.param("POST", "/a?append&position=0", 501, id="append"),
        pytest.param("POST", "/a?restore", 501, id="restore"),
        pytest.param("PUT", "/?acl", 501, id="bucket's ACL"),
        pytest.param("PUT", "/a?acl", 501, id="object's ACL"),
        pytest.param("PUT", "/?versioning", 501, id="versioning"),
        pytest.param("PUT", "/a?uploads", 405, id="put where only a post is"),
        pytest.param("DELETE", "/?location", 405, id="delete of the location"),
        pytest.param("GET", "/?delete", 405, id="get of a delete"),
        pytest.param("PATCH", "/a", 405, id="patch"),
    ],
)
def test_request_that_the_table_does_not_name_changes_nothing_and_is_signed_first(
    cloud: Cloud, connect: Connect, method: str, target: str, status: int
) -> None:
    before = untouched(cloud, connect)

    signed = ask(cloud, connect(), method, target, BODY)
    unsigned = read_answer(call(cloud, UNSIGNED_HEAD.format(method, target)))

    code = {405: "MethodNotAllowed", 501: "NotImplemented"}[status]
    assert (signed.status, signed.code) == (status, code)
    assert signed.texts("Message") != [""]
    assert (unsigned.status, unsigned.code) == (403, "AccessDenied")
    assert held(cloud) == before


@pytest.mark.parametrize(("method", "target"), [("POST", "/"), ("OPTIONS", "/"), ("OPTIONS", "/a")])
def test_forms_and_preflights_are_not_implemented_and_nobody_signs_them(cloud: Cloud, method: str, target: str) -> None:
    answer = read_answer(call(cloud, UNSIGNED_HEAD.format(method, target)))

    assert (answer.status, answer.code) == (501, "NotImplemented")


@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        pytest.param("PUT", "/a", {"x_cos_server_side_encryption": "AES256"}, id="encryption"),
        pytest.param("PUT", "/a", {"x_amz_server_side_encryption_customer_algorithm": "AES256"}, id="S3's encryption"),
        pytest.param("PUT", "/a", {"x_cos_tagging": "a=b"}, id="tags"),
        pytest.param("PUT", "/a", {"x_cos_acl": "public-read"}, id="ACL"),
        pytest.param("PUT", "/a", {"x_cos_grant_read": 'id="1"'}, id="grant"),
        pytest.param("PUT", "/a", {"x_cos_made_up": "1"}, id="header that nobody knows"),
        pytest.param("PUT", "/a", {"Pic_Operations": "{}"}, id="processing"),
        pytest.param("PUT", "/a", {"If_None_Match": "*"}, id="condition on a put"),
        pytest.param("PUT", "/new-bucket", {"x_cos_traffic_limit": "819200"}, id="speed limit"),
        pytest.param("POST", "/a?uploads", {"x_cos_server_side_encryption": "AES256"}, id="encryption of an upload"),
        pytest.param("DELETE", "/a", {"If_Match": "x"}, id="condition on a delete"),
        pytest.param("GET", "/a", {"x_cos_server_side_encryption_customer_key": "x"}, id="key of a get"),
        pytest.param("GET", "/a", {"x_cos_storage_class": "STANDARD"}, id="another operation's header"),
    ],
)
def test_header_that_is_not_kept_is_not_dropped_in_silence(
    cloud: Cloud, connect: Connect, method: str, target: str, headers: dict[str, str]
) -> None:
    before = untouched(cloud, connect)

    answer = ask(cloud, connect(), method, target, b"new", **headers)

    assert (answer.status, answer.code) == (501, "NotImplemented")
    [name] = headers
    assert name.replace("_", "-").lower() in answer.texts("Message")[0]
    assert held(cloud) == before


@pytest.mark.parametrize("acl", ["private", "default"])
def test_acl_that_holds_anyway_is_taken(cloud: Cloud, connect: Connect, acl: str) -> None:
    assert ask(cloud, connect(), "PUT", "/a", b"", x_cos_acl=acl).status == 200


def test_empty_version_id_says_nothing(cloud: Cloud, connect: Connect) -> None:
    client = connect()
    ask(cloud, client, "PUT", "/a?versionId=", b"x")

    assert ask(cloud, client, "GET", "/a?versionId=").body == b"x"
    assert ask(cloud, client, "HEAD", "/a?versionId=").status == 200
    [upload_id] = ask(cloud, client, "POST", "/b?uploads&versionId=", b"").texts("UploadId")
    assert ask(cloud, client, "PUT", f"/b?partNumber=1&uploadId={upload_id}&versionId=", b"x").status == 200
    assert ask(cloud, client, "GET", f"/b?uploadId={upload_id}&versionId=").status == 200
    assert ask(cloud, client, "DELETE", "/a?versionId=").status == 204
    assert cloud.objects(BUCKET) == []


def test_part_of_an_upload_that_is_gone_is_no_such_upload(cloud: Cloud, connect: Connect) -> None:
    assert ask(cloud, connect(), "PUT", "/a?uploadId=x&partNumber=1", b"").code == "NoSuchUpload"
