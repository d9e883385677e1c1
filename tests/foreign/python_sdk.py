"""
cos-python-sdk-v5, the version that the function is deployed with.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

import requests
from qcloud_cos import CosClientError, CosConfig, CosS3Client, CosServiceError

from tests.foreign.checks import BUCKET, KEY, MIB, REGION, Client, Unexpected, World, content, expect


@contextmanager
def _client(world: World) -> Iterator[CosS3Client]:
    keys = {"SecretId": world.cloud.owner.secret_id, "SecretKey": world.cloud.owner.secret_key}
    config = CosConfig(Region=REGION, Scheme="http", Proxies={"http": world.cloud.endpoint}, **keys)
    with requests.Session() as session:
        yield CosS3Client(config, retry=0, session=session)


def upload_file_and_download_file_with_CRC(world: World) -> None:
    with _client(world) as client:
        client.upload_file(BUCKET, KEY, str(world.file()), PartSize=2, MAXThread=3, EnableMD5=True)
        client.download_file(BUCKET, KEY, str(world.folder / "got"), PartSize=3, MAXThread=3, EnableCRC=True)
    expect("what comes back", world.got(), content())
    world.expect_object(KEY, content(), in_parts=True)


def upload_file_resumes_after_a_failing_part(world: World) -> None:
    file = str(world.file())
    world.cloud.fault("UploadPart", status=503, code="SlowDown", skip=4)
    with _client(world) as client:
        try:
            client.upload_file(BUCKET, KEY, file, PartSize=2, MAXThread=1)
        except (CosClientError, CosServiceError):
            world.cloud.heal()
        else:
            raise Unexpected("an upload with a failing part succeeds")
        [left] = world.uploads()
        mark = world.cloud.mark()
        client.upload_file(BUCKET, KEY, file, PartSize=2, MAXThread=1)
    sent = [each.upload_id for each in world.cloud.requests(mark) if each.operation == "UploadPart"]
    expect("parts before and after", (left.parts, sent), (4, [left.upload_id] * 3))
    world.expect_object(KEY, content(), in_parts=True)


def download_file_notices_what_is_not_what_was_sent(world: World) -> None:
    with _client(world) as client:
        client.put_object(BUCKET, content(4 * MIB), KEY)
        world.cloud.fault("GetObject", body="truncated")
        try:
            client.download_file(BUCKET, KEY, str(world.folder / "got"), PartSize=2, EnableCRC=True)
        except (CosClientError, CosServiceError):
            return
    raise Unexpected("a download that was cut off succeeds")


# Within a region and a storage class the SDK copies at once, whatever the size.
def copy_at_once_and_in_parts(world: World) -> None:
    source = {"Bucket": BUCKET, "Key": KEY, "Region": REGION}
    with _client(world) as client:
        client.put_object(BUCKET, content(), KEY)
        client.copy(BUCKET, "copy", source)
        client.get_conf().set_copy_part_threshold_size(MIB)
        client.copy(BUCKET, "copy in parts", source, PartSize=5, StorageClass="STANDARD_IA")
    world.expect_object("copy", content(), in_parts=False)
    world.expect_object("copy in parts", content(), in_parts=True)


def list_and_abort_uploads_page_by_page(world: World) -> None:
    world.cloud.seed(BUCKET, "old/{n}", count=1200)
    world.cloud.seed(BUCKET, KEY, count=5)
    listed, markers = list[dict[str, str]](), dict[str, str]()
    with _client(world) as client:
        for _ in range(3):
            page = client.list_multipart_uploads(BUCKET, Prefix="old/", MaxUploads=500, EncodingType="url", **markers)
            listed += page["Upload"]
            markers = {"KeyMarker": page.get("NextKeyMarker", ""), "UploadIdMarker": page.get("NextUploadIdMarker", "")}
        for each in listed:
            client.abort_multipart_upload(BUCKET, each["Key"], each["UploadId"])
    expect("there are more", page["IsTruncated"], "false")
    expect("listed and left", (len(listed), [each.key for each in world.uploads()]), (1200, [KEY] * 5))


CLIENT = Client(
    "Python SDK",
    lambda: version("cos-python-sdk-v5"),
    (
        upload_file_and_download_file_with_CRC,
        upload_file_resumes_after_a_failing_part,
        download_file_notices_what_is_not_what_was_sent,
        copy_at_once_and_in_parts,
        list_and_abort_uploads_page_by_page,
    ),
)
