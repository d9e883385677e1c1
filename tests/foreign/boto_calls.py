"""
What `boto` makes boto3 do: a program for the environment that has it. Prints what came of it as JSON.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

MIB = 1 << 20
_, bucket, host, key, operation = sys.argv
client = boto3.client(
    "s3",
    endpoint_url=f"http://{host}",
    config=Config(s3={"addressing_style": "virtual"}, retries={"total_max_attempts": 1}),
)
in_parts = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)


def transfer() -> object:
    client.upload_file("sent", bucket, key, Config=in_parts)
    client.download_file(bucket, key, "got", Config=in_parts)
    client.copy({"Bucket": bucket, "Key": key}, bucket, "copy", Config=in_parts)
    return None


def upload_by_hand() -> object:
    upload_id = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    sent = Path("sent").read_bytes()
    pieces = (sent[: 8 * MIB], sent[8 * MIB :])
    for number, piece in enumerate(pieces, 1):
        client.upload_part(Bucket=bucket, Key=key, UploadId=upload_id, PartNumber=number, Body=piece)
    parts = client.list_parts(Bucket=bucket, Key=key, UploadId=upload_id)["Parts"]
    named = [{"PartNumber": each["PartNumber"], "ETag": each["ETag"]} for each in parts]
    client.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": named})
    return [each["Size"] for each in parts]


def listings() -> object:
    def listed(name: str, of: str, **more: Any) -> list[str]:
        pages = client.get_paginator(name).paginate(Bucket=bucket, PaginationConfig={"PageSize": 7}, **more)
        return [each.get("Key") or each["Prefix"] for page in pages for each in page.get(of, ())]

    return {
        "uploads": listed("list_multipart_uploads", "Uploads"),
        "under a prefix": listed("list_multipart_uploads", "Uploads", Prefix="a/"),
        "folders of uploads": listed("list_multipart_uploads", "CommonPrefixes", Delimiter="/"),
        "objects": listed("list_objects", "Contents"),
        "objects, second version": listed("list_objects_v2", "Contents"),
        "folders of objects": listed("list_objects_v2", "CommonPrefixes", Delimiter="/"),
        "buckets": [each["Name"] for each in client.list_buckets()["Buckets"]],
    }


def abort_all() -> object:
    aborted = 0
    for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix="a/"):
        for each in page.get("Uploads", ()):
            client.abort_multipart_upload(Bucket=bucket, Key=each["Key"], UploadId=each["UploadId"])
            aborted += 1
    return aborted


def delete_and_errors() -> object:
    client.put_object(Bucket=bucket, Key=key, Body=b"x", Metadata={"mine": "1"})
    mine = client.head_object(Bucket=bucket, Key=key)["Metadata"]
    client.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}]})
    codes = []
    calls: tuple[Callable[[], Any], ...] = (
        lambda: client.get_object(Bucket=bucket, Key=key),
        lambda: client.head_object(Bucket=bucket, Key=key),
        lambda: client.list_parts(Bucket=bucket, Key=key, UploadId="1"),
        lambda: client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId="1"),
        lambda: client.put_object_tagging(Bucket=bucket, Key=key, Tagging={"TagSet": []}),
    )
    for call in calls:
        try:
            call()
        except client.exceptions.ClientError as exc:
            codes.append(exc.response["Error"]["Code"])
    return {"mine": mine, "codes": codes}


OPERATIONS: dict[str, Callable[[], object]] = {
    each.__name__: each for each in (transfer, upload_by_hand, listings, abort_all, delete_and_errors)
}

if __name__ == "__main__":
    print(json.dumps(OPERATIONS[operation]()))
