"""
The two buckets of the laws over HTTP: what is planted in them, what is left, what a listing of them says.
"""

from tests.emulator.public import Cloud
from tests.function import LOGS, PHOTOS
from tests.laws.hostile_events import UPLOAD_ID

BUCKET, OTHER = PHOTOS.partition("@")[0], LOGS.partition("@")[0]


def furnish(cloud: Cloud) -> None:
    """Uploads worth aborting, in both buckets, some under keys that are hard to address."""
    cloud.reset()
    cloud.seed(BUCKET, "raw/cat.mp4", upload_id=UPLOAD_ID)
    for bucket in (BUCKET, OTHER):
        for key in ("raw/cat.mp4", "logs/old", "a/..", ".", "/", "a b+c", "猫.jpg"):
            cloud.seed(bucket, key)


def left(cloud: Cloud, bucket: str = BUCKET) -> set[str]:
    return {upload.upload_id for upload in cloud.uploads(bucket)}


def uploads_listing(cloud: Cloud, **changes: str) -> str:
    """A listing as COS writes it, with another `initiated` for every upload, if one is given."""
    entries = ""
    for upload in cloud.uploads(BUCKET):
        initiated = changes.get("initiated", f"{upload.initiated:%Y-%m-%dT%H:%M:%S}.000Z")
        entries += f"<Upload><Key>{upload.key}</Key><UploadId>{upload.upload_id}</UploadId>"
        entries += f"<Initiated>{initiated}</Initiated></Upload>"
    return (
        f"<ListMultipartUploadsResult><Bucket>{BUCKET}</Bucket><IsTruncated>false</IsTruncated>{entries}"
        "</ListMultipartUploadsResult>"
    )
