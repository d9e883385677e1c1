"""
The official SDK's own transfers: files up and down in parts, with a resume, and copies that choose how they are made.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from qcloud_cos import CosConfig, CosS3Client
from qcloud_cos.cos_exception import CosClientError, CosServiceError

from tests.emulator.client import Cloud
from tests.emulator.tests.cos_clients import BUCKET, REGION

MIB = 1 << 20
CONTENT = bytes(range(251)) * (5 * MIB // 251 + 1)


@pytest.fixture
def client(cloud: Cloud) -> Iterator[CosS3Client]:
    """A client that reaches every host of COS through a proxy, which is the emulator itself."""
    with requests.Session() as session:
        config = CosConfig(
            Region=REGION,
            SecretId=cloud.owner.secret_id,
            SecretKey=cloud.owner.secret_key,
            Scheme="http",
            Proxies={"http": cloud.endpoint},
        )
        yield CosS3Client(config, retry=0, session=session)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "sent"
    path.write_bytes(CONTENT)
    return path


def test_file_goes_up_and_comes_down_in_parts_whose_checksums_agree(
    client: CosS3Client, file: Path, tmp_path: Path
) -> None:
    client.upload_file(BUCKET, "a", str(file), PartSize=1, MAXThread=2, EnableMD5=True)
    client.download_file(BUCKET, "a", str(tmp_path / "got"), PartSize=2, MAXThread=2, EnableCRC=True)

    assert (tmp_path / "got").read_bytes() == CONTENT
    assert client.head_object(BUCKET, "a")["ETag"].endswith('-6"')


def test_upload_that_failed_in_the_middle_is_resumed_with_what_is_missing(
    cloud: Cloud, client: CosS3Client, file: Path
) -> None:
    cloud.fault("UploadPart", status=503, code="SlowDown", skip=2)
    with pytest.raises((CosServiceError, CosClientError)):
        client.upload_file(BUCKET, "a", str(file), PartSize=1, MAXThread=1)
    cloud.heal()
    [left] = cloud.uploads(BUCKET)
    mark = cloud.mark()

    client.upload_file(BUCKET, "a", str(file), PartSize=1, MAXThread=1)

    sent = [each for each in cloud.requests(mark) if each.operation == "UploadPart"]
    assert (left.parts, len(sent), {each.upload_id for each in sent}) == (2, 4, {left.upload_id})
    assert cloud.content(BUCKET, "a") == CONTENT


@pytest.mark.parametrize("in_parts", [False, True])
def test_sdk_copies_at_once_or_in_parts(cloud: Cloud, client: CosS3Client, file: Path, *, in_parts: bool) -> None:
    client.upload_file(BUCKET, "a", str(file), PartSize=2)
    source = {"Bucket": BUCKET, "Key": "a", "Region": REGION}
    client.get_conf().set_copy_part_threshold_size(1 if in_parts else 5 << 30)

    client.copy(BUCKET, "b", source, PartSize=2, StorageClass="STANDARD_IA")

    assert cloud.content(BUCKET, "b") == CONTENT
    assert ("UploadPartCopy" in cloud.totals()["operations"]) is in_parts
    heads = [client.head_object(BUCKET, key)["x-cos-hash-crc64ecma"] for key in ("a", "b")]
    assert heads[0] == heads[1]


def test_sdk_tells_what_is_there(client: CosS3Client) -> None:
    client.put_object(BUCKET, b"", "a")

    assert (client.object_exists(BUCKET, "a"), client.object_exists(BUCKET, "b")) == (True, False)
    assert (client.bucket_exists(BUCKET), client.bucket_exists("none-1250000000")) == (True, False)


def test_presigned_address_gets_an_object_under_another_type(cloud: Cloud, client: CosS3Client) -> None:
    client.put_object(BUCKET, b"x", "a b", ContentType="text/plain")
    address = client.get_presigned_url(BUCKET, "a b", "GET", Params={"response-content-type": "x/y"})

    got = requests.get(address, proxies={"http": cloud.endpoint}, timeout=20)

    assert (got.status_code, got.content, got.headers["Content-Type"]) == (200, b"x", "x/y")
