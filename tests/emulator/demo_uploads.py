"""
The unfinished uploads of the demo, and the lifecycle rule that one of its buckets has.
"""

from collections.abc import Mapping
from typing import Any

from qcloud_cos import CosS3Client

from tests.emulator.client import Cloud
from tests.emulator.console import MIB

LIVE = "live/camera-17.mov"
FAILED = "app/failed.mov"
LOST = "archive/取景 1+1.mov"
YOUNG = "new/"
ACCOUNT = "qcs::cam::uin/100000000001"

# By initiator: the key, how many, the parts of each, the size of a part in MiB, its age in hours, the storage class.
Seeds = Mapping[str, tuple[tuple[str, int, int, int, float, str], ...]]
IN_PHOTOS: Seeds = {
    f"{ACCOUNT}:roleName/app-backend": (
        ("app/android/8.15/{n:03}.mp4", 210, 80, 64, 200, "STANDARD"),
        ("app/ios/{n:02}.mov", 36, 25, 64, 260, "STANDARD"),
    ),
    f"{ACCOUNT}:uin/100000000007": (("web/{n:02}.zip", 60, 10, 64, 500, "STANDARD"),),
    f"{ACCOUNT}:roleName/backup-agent": (
        ("backup/mysql-{n}.tar", 3, 400, 512, 21 * 24, "STANDARD_IA"),
        (LOST, 1, 60, 512, 170, "STANDARD_IA"),
    ),
}
IN_LOGS: Seeds = {
    f"{ACCOUNT}:roleName/log-shipper": (
        ("app/{n:03}.gz", 120, 3, 16, 175, "STANDARD"),
        ("edge/{n:02}.gz", 24, 8, 64, 40 * 24, "STANDARD"),
    ),
}


def abandon(cloud: Cloud, owner: CosS3Client, photos: str, logs: str) -> int:
    """Fill both buckets: abandoned uploads, young ones, and a lifecycle rule for the first. Returns abandoned bytes."""
    for bucket, seeds in ((photos, IN_PHOTOS), (logs, IN_LOGS)):
        for initiator, rows in seeds.items():
            for key, count, parts, size, hours, storage_class in rows:
                cloud.seed(
                    bucket,
                    key,
                    count=count,
                    parts=parts,
                    part_size=size * MIB,
                    hours_since_start=hours,
                    storage_class=storage_class,
                    initiators=[initiator],
                )
    abandoned = sum(upload.bytes for bucket in (photos, logs) for upload in cloud.uploads(bucket))
    cloud.seed(photos, YOUNG + "{n}.mov", count=9, parts=30, part_size=8 * MIB, hours_since_start=5)
    owner.put_bucket_lifecycle(photos, LifecycleConfiguration={"Rule": [rule(days=30)]})
    return abandoned


def live_upload(cloud: Cloud, bucket: str) -> str:
    """Seed the upload whose client is still there; returns its id."""
    (live,) = cloud.seed(
        bucket,
        LIVE,
        parts=12,
        part_size=512 * MIB,
        hours_since_start=192,
        hours_since_last_part=1,
        initiators=[f"{ACCOUNT}:roleName/live-recorder"],
    )
    return live.upload_id


def rule(days: int) -> dict[str, Any]:
    """A lifecycle rule that aborts every incomplete upload of a bucket, so many days after its start."""
    return {
        "ID": "incomplete-uploads",
        "Filter": {"Prefix": ""},
        "Status": "Enabled",
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": days},
    }
