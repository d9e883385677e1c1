"""
What the official SDK's own tests make COS do, each behaviour through the SDK. Those that are not here are in the other
files: multipart uploads and their listings, deletions of many, conditions, object lock, transfers of files in parts.
"""

import hashlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from qcloud_cos import CosConfig, CosS3Client
from qcloud_cos.cos_exception import CosClientError, CosServiceError

from tests.emulator.client import Cloud
from tests.emulator.tests.cos_clients import BUCKET, HOST, REGION, ask, rejected

MIB = 1 << 20
OTHER = "logs-1250000000"
SPECIAL = "中文/ !\"#$%&'()*+,-.:;<=>?@[]^_`{|}~/~"
Put = Callable[[CosS3Client, bytes, Path], Any]


def some(size: int) -> bytes:
    """Content in which no MiB is like another."""
    return (bytes(range(251)) * (size // 251 + 1))[:size]


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


def through_proxy(cloud: Cloud, session: requests.Session, **more: Any) -> CosS3Client:
    """A client that reaches every host of COS through a proxy, which is the emulator itself."""
    config = CosConfig(Region=REGION, Scheme="http", Proxies={"http": cloud.endpoint}, **more)
    return CosS3Client(config, retry=0, session=session)


def keys(cloud: Cloud) -> dict[str, str]:
    return {"SecretId": cloud.owner.secret_id, "SecretKey": cloud.owner.secret_key}


@pytest.fixture
def client(cloud: Cloud, session: requests.Session) -> CosS3Client:
    cloud.reset(f"{BUCKET}@{REGION}", f"{OTHER}@{REGION}")
    return through_proxy(cloud, session, **keys(cloud))


def read(client: CosS3Client, key: str = "a", **more: Any) -> bytes:
    content: bytes = client.get_object(BUCKET, key, **more)["Body"].get_raw_stream().read()
    return content


def pieces(content: bytes) -> Iterator[bytes]:
    """A body whose length nobody knows: it is sent in chunks."""
    yield from (content[:1000], content[1000:])


def put_file(client: CosS3Client, path: Path) -> Any:
    with path.open("rb") as file:
        return client.put_object(BUCKET, file, "a")


PUTS: dict[str, Put] = {
    "bytes": lambda client, content, _: client.put_object(BUCKET, content, "a"),
    "text": lambda client, content, _: client.put_object(BUCKET, content.decode("ascii"), "a"),
    "file": lambda client, _, path: put_file(client, path),
    "file in memory, with its digest": lambda client, content, _: client.put_object(
        BUCKET, io.BytesIO(content), "a", EnableMD5=True
    ),
    "stream in chunks": lambda client, content, _: client.put_object(BUCKET, pieces(content), "a"),
    "path": lambda client, _, path: client.put_object_from_local_file(BUCKET, str(path), "a"),
    "upload_file": lambda client, _, path: client.upload_file(BUCKET, "a", str(path), EnableMD5=True),
    "buffer": lambda client, content, _: client.upload_file_from_buffer(BUCKET, "a", io.BytesIO(content)),
}


@pytest.mark.parametrize("put", PUTS.values(), ids=PUTS)
def test_body_of_any_kind_arrives_as_it_is(client: CosS3Client, tmp_path: Path, put: Put) -> None:
    content = b"abc" * 1000
    (tmp_path / "file").write_bytes(content)

    answer = put(client, content, tmp_path / "file")

    etag = f'"{hashlib.md5(content).hexdigest()}"'
    assert (answer["ETag"], client.head_object(BUCKET, "a")["ETag"]) == (etag, etag)
    assert read(client) == content


@pytest.mark.parametrize("size", [0, 1, MIB, MIB + 1, 2 * MIB, 3 * MIB - 1])
def test_file_of_any_size_goes_up_and_comes_down(client: CosS3Client, tmp_path: Path, size: int) -> None:
    sent, got, told = tmp_path / "sent", tmp_path / "got", set[tuple[int, int]]()
    sent.write_bytes(some(size))

    client.upload_file(BUCKET, SPECIAL, str(sent), PartSize=1, progress_callback=lambda *each: told.add(each))
    client.download_file(BUCKET, SPECIAL, str(got), PartSize=1, EnableCRC=True)

    assert got.read_bytes() == some(size)
    assert client.head_object(BUCKET, SPECIAL)["Content-Length"] == str(size)
    assert ((size, size) in told) is (size > MIB)


@pytest.mark.parametrize(("size", "in_parts"), [(1024, False), (5 * MIB + 1, True)])
def test_buffer_goes_up_at_once_or_in_parts(client: CosS3Client, size: int, *, in_parts: bool) -> None:
    client.upload_file_from_buffer(BUCKET, "a", io.BytesIO(some(size)), MaxBufferSize=5, PartSize=1)

    assert read(client) == some(size)
    assert ("-" in client.head_object(BUCKET, "a")["ETag"]) is in_parts


def test_download_that_failed_in_the_middle_goes_on_with_what_is_missing(
    cloud: Cloud, client: CosS3Client, tmp_path: Path
) -> None:
    client.put_object(BUCKET, some(4 * MIB), "a")
    cloud.fault("GetObject", status=403, code="AccessDenied", skip=3)
    arguments: dict[str, Any] = {"PartSize": 1, "MAXThread": 1, "EnableCRC": True}
    with pytest.raises((CosServiceError, CosClientError)):
        client.download_file(BUCKET, "a", str(tmp_path / "got"), **arguments)
    cloud.heal()
    mark = cloud.mark()

    client.download_file(BUCKET, "a", str(tmp_path / "got"), **arguments)

    assert (tmp_path / "got").read_bytes() == some(4 * MIB)
    assert [each.operation for each in cloud.requests(mark)] == ["HeadObject", "GetObject"]


def test_download_without_a_file_in_between(client: CosS3Client, tmp_path: Path) -> None:
    client.put_object(BUCKET, some(2 * MIB), "a")

    client.download_file(BUCKET, "a", str(tmp_path / "got"), PartSize=1, DisableTempDestFilePath=True)

    assert (tmp_path / "got").read_bytes() == some(2 * MIB)
    assert [each.name for each in tmp_path.iterdir()] == ["got"]


def test_key_with_every_special_character_is_put_got_listed_copied_and_deleted(client: CosS3Client) -> None:
    client.put_object(BUCKET, b"x", SPECIAL)
    client.copy_object(BUCKET, f"{SPECIAL}2", {"Bucket": BUCKET, "Key": SPECIAL, "Region": REGION})

    assert read(client, f"{SPECIAL}2") == b"x"
    for encoding, written in (("", SPECIAL), ("url", quote(SPECIAL))):
        listed = client.list_objects(BUCKET, Prefix="中文", EncodingType=encoding)
        assert [each["Key"] for each in listed["Contents"]] == [written, written + "2"]
    client.delete_object(BUCKET, SPECIAL)
    assert not client.object_exists(BUCKET, SPECIAL)


@pytest.mark.parametrize("listing", ["", "uploads&"])
def test_encoding_that_is_not_url_is_rejected(cloud: Cloud, client: CosS3Client, listing: str) -> None:
    answer = ask(cloud, client, "GET", f"/?{listing}encoding-type=xml")

    assert (answer.status, answer.code) == (400, "InvalidArgument")


def test_objects_are_listed_page_by_page_with_folders(client: CosS3Client) -> None:
    for key in ("a/1", "a/2", "b", "c/1", "d"):
        client.put_object(BUCKET, b"", key)
    shown: list[str] = []
    page: dict[str, Any] = {}

    for _ in range(4):
        page = client.list_objects(BUCKET, Delimiter="/", MaxKeys=1, Marker=page.get("NextMarker", ""))
        shown += [each["Key"] for each in page.get("Contents", ())]
        shown += [each["Prefix"] for each in page.get("CommonPrefixes", ())]

    assert (shown, page["IsTruncated"]) == (["a/", "b", "c/", "d"], "false")


def test_class_and_description_of_an_object_are_changed_where_it_is(client: CosS3Client) -> None:
    client.put_object(BUCKET, b"x", "a", ContentType="text/plain")

    client.change_object_storage_class(BUCKET, "a", StorageClass="STANDARD_IA")
    assert client.head_object(BUCKET, "a")["x-cos-storage-class"] == "STANDARD_IA"
    client.change_object_storage_class(BUCKET, "a", StorageClass="STANDARD")
    assert "x-cos-storage-class" not in client.head_object(BUCKET, "a")
    client.update_object_meta(BUCKET, "a", Metadata={"x-cos-meta-one": "1", "x-cos-meta-two": "2"})

    head = client.head_object(BUCKET, "a")
    assert (head["x-cos-meta-one"], head["x-cos-meta-two"], read(client)) == ("1", "2", b"x")


def test_object_and_part_are_copied_from_another_bucket(client: CosS3Client) -> None:
    source = {"Bucket": OTHER, "Key": "source", "Region": REGION}
    client.put_object(OTHER, b"y", "source")
    client.copy_object(BUCKET, "a", source)
    upload_id = client.create_multipart_upload(BUCKET, "b")["UploadId"]
    client.upload_part(BUCKET, "b", some(MIB), 1, upload_id)
    client.upload_part_copy(BUCKET, "b", 2, upload_id, source)

    client.complete_multipart_upload(
        BUCKET, "b", upload_id, {"Part": client.list_parts(BUCKET, "b", upload_id)["Part"]}
    )

    assert (read(client), read(client, "b")) == (b"y", some(MIB) + b"y")


def test_lifecycle_rules_with_tags_dates_and_classes_are_put_got_and_deleted(client: CosS3Client) -> None:
    rules: list[dict[str, Any]] = [
        {
            "ID": "tagged",
            "Filter": {"And": {"Prefix": "a/", "Tag": {"Key": "level", "Value": "backup"}}},
            "Status": "Enabled",
            "Transition": [{"Days": "30", "StorageClass": "STANDARD_IA"}, {"Days": "90", "StorageClass": "ARCHIVE"}],
            "Expiration": {"Days": "3650"},
        },
        {
            "ID": "uploads",
            "Filter": {"Prefix": ""},
            "Status": "Disabled",
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": "7"},
        },
    ]

    client.put_bucket_lifecycle(BUCKET, {"Rule": rules})

    kept = client.get_bucket_lifecycle(BUCKET)["Rule"]
    assert [(each["ID"], each["Status"]) for each in kept] == [("tagged", "Enabled"), ("uploads", "Disabled")]
    assert kept[0]["Filter"]["And"] == rules[0]["Filter"]["And"]
    assert kept[0]["Transition"] == rules[0]["Transition"]
    client.delete_bucket_lifecycle(BUCKET)
    client.delete_bucket_lifecycle(BUCKET)
    with pytest.raises(CosServiceError) as error:
        client.get_bucket_lifecycle(BUCKET)
    assert rejected(error) == (404, "NoSuchLifecycleConfiguration")


def test_presigned_address_and_a_signature_by_hand_get_an_object(cloud: Cloud, client: CosS3Client) -> None:
    client.put_object(BUCKET, b"x", SPECIAL)
    address, proxies = f"http://{HOST}/{quote(SPECIAL, safe='/-_.~')}", {"http": cloud.endpoint}
    signed = {"Authorization": client.get_auth("GET", BUCKET, SPECIAL)}

    by_address = requests.get(client.get_presigned_download_url(BUCKET, SPECIAL), proxies=proxies, timeout=20)
    by_hand = requests.get(address, headers=signed, proxies=proxies, timeout=20)

    assert (by_address.content, by_hand.content) == (b"x", b"x")


def test_nobody_without_a_signature_is_let_in_and_a_head_says_so_too(
    cloud: Cloud, client: CosS3Client, session: requests.Session
) -> None:
    client.put_object(BUCKET, b"x", "a")
    nobody = through_proxy(cloud, session, Anonymous=True)

    for method, *arguments in (("head_bucket", BUCKET), ("head_object", BUCKET, "a")):
        with pytest.raises(CosServiceError) as error:
            getattr(nobody, method)(*arguments)
        assert error.value.get_status_code() == 403
        assert f"'x-cos-request-id': '{cloud.requests()[-1].request_id}'" in str(error.value.get_digest_msg())


@pytest.mark.parametrize(
    ("method", "arguments", "code"),
    [
        ("head_bucket", ("none-1250000000",), "NoSuchResource"),  # as the SDK calls a 404 without a body
        ("head_object", (BUCKET, "none"), "NoSuchResource"),
        ("put_object", ("none-1250000000", b"x", "a"), "NoSuchBucket"),
        ("get_object", (BUCKET, "none"), "NoSuchKey"),
    ],
)
def test_what_is_not_there_is_404(client: CosS3Client, method: str, arguments: tuple[Any, ...], code: str) -> None:
    with pytest.raises(CosServiceError) as error:
        getattr(client, method)(*arguments)

    assert rejected(error) == (404, code)


def test_connection_that_is_not_to_be_kept_is_closed(cloud: Cloud, session: requests.Session) -> None:
    client = through_proxy(cloud, session, KeepAlive=False, **keys(cloud))

    answers = client.put_object(BUCKET, b"x", "a"), client.get_object(BUCKET, "a")

    assert [each["Connection"] for each in answers] == ["close", "close"]


def lacks(method: str, *arguments: Any, **more: Any) -> Any:
    return pytest.param(method, arguments, more, id=" ".join((method, *more)))


DOCUMENT = {"Any": "1"}
FORMAT = {"CompressionType": "NONE", "JSON": {}}
# Words of method names: what a bucket can have, and the emulated one has not.
PUT = "cors website logging replication tagging policy origin referer encryption intelligenttiering"
GET = "cors website logging replication tagging policy origin referer encryption intelligenttiering domain"
DELETE = "cors website replication tagging policy origin encryption domain"


@pytest.mark.parametrize(
    ("method", "arguments", "more"),
    [
        lacks("append_object", "a", 0, b"x"),
        lacks("create_bucket", ACL="public-read"),
        lacks("put_bucket_acl", "public-read"),
        lacks("put_object_acl", "a", "public-read"),
        lacks("put_object", b"x", "a", ACL="public-read"),
        lacks("put_object", b"x", "a", ServerSideEncryption="AES256"),
        lacks("put_object", b"x", "a", SSECustomerAlgorithm="AES256", SSECustomerKey="x", SSECustomerKeyMD5="x"),
        lacks("put_object", b"x", "a", Tagging="a=b"),
        lacks("put_object", b"x", "a", TrafficLimit="819200"),
        lacks("get_object", "a", TrafficLimit="819200"),
        lacks("get_object", "a", VersionId="1"),
        lacks("delete_object", "a", VersionId="1"),
        lacks("list_objects_versions"),
        lacks("put_bucket_versioning", "Enabled"),
        lacks("put_object_tagging", "a", DOCUMENT),
        lacks("get_object_tagging", "a"),
        lacks("delete_object_tagging", "a"),
        lacks("restore_object", "a", {"Days": 1}),
        lacks("select_object_content", "a", "Select 1", "SQL", FORMAT, {"JSON": {}}),
        lacks("ci_get_image_info", "a", "/dev/null"),
        lacks("put_live_channel", "a", 1, DOCUMENT),
        *[lacks(f"put_bucket_{name}", DOCUMENT) for name in PUT.split()],
        *[lacks(f"get_bucket_{name}") for name in GET.split()],
        *[lacks(f"delete_bucket_{name}") for name in DELETE.split()],
    ],
)
def test_what_the_emulator_does_not_have_is_501_and_changes_nothing(
    cloud: Cloud, client: CosS3Client, method: str, arguments: tuple[Any, ...], more: dict[str, Any]
) -> None:
    client.put_object(BUCKET, b"old", "a")
    bucket = "new-1250000000" if method == "create_bucket" else BUCKET

    with pytest.raises(CosServiceError) as error:
        getattr(client, method)(bucket, *arguments, **more)

    assert rejected(error) == (501, "NotImplemented")
    assert (read(client), {*cloud.totals()["buckets"]}) == (b"old", {BUCKET, OTHER})


def test_everything_that_the_sdk_asks_about_a_bucket_is_told_or_missing(client: CosS3Client) -> None:
    client.put_bucket_object_lock(BUCKET, {"ObjectLockEnabled": "Enabled"})

    told = client.get_bucket_meta(BUCKET)

    known = {name for name, value in told.items() if value}
    assert known == {"BucketUrl", "Location", "ACL", "Versioning", "ObjectLock"}
    assert (told["BucketUrl"], told["Location"], told["ACL"]["AccessControlList"]["Grant"][0]["Permission"]) == (
        f"http://{HOST}",
        REGION,
        "FULL_CONTROL",
    )
