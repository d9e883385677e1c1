"""
What the function stored in a bucket, read back with COS's official SDK.
"""

import json
from typing import Any

from qcloud_cos import CosConfig, CosS3Client

from tests.emulator.public import Cloud


def run_reports(cloud: Cloud, bucket: str, prefix: str = "reports/") -> list[dict[str, Any]]:
    """The reports of single runs."""
    return [one for key, one in stored(cloud, bucket, prefix).items() if "/runs/" in key]


def stored(cloud: Cloud, bucket: str, prefix: str = "") -> dict[str, Any]:
    """The JSON objects of a bucket by key. bucket: `name-appid@region`."""
    return {key: json.loads(body) for key, body in contents(cloud, bucket, prefix, ".json").items()}


def contents(cloud: Cloud, bucket: str, prefix: str = "", ending: str = "") -> dict[str, bytes]:
    """The objects of a bucket whose keys begin and end so. bucket: `name-appid@region`."""
    name, _, region = bucket.partition("@")
    owner = cloud.owner
    config = CosConfig(
        Region=region,
        SecretId=owner.secret_id,
        SecretKey=owner.secret_key,
        Scheme="http",
        IP="127.0.0.1",
        Port=cloud.port,
    )
    client = CosS3Client(config)
    keys = [one.key for one in cloud.objects(name, prefix) if one.key.endswith(ending)]
    return {key: client.get_object(Bucket=name, Key=key)["Body"].get_raw_stream().read() for key in keys}
