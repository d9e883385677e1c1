"""
The scene that every fault is played on: seven uploads in two buckets, an event that is about them, and planted secrets.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from itertools import count, cycle
from typing import Any

import requests
from qcloud_cos import CosConfig, CosS3Client

from cos_sweeper.core.model import Bucket, Upload
from cos_sweeper.core.plan import Shard
from tests.emulator.public import Cloud, HeldUpload
from tests.fixtures import TOKEN
from tests.function import LOGS, PHOTOS, named

STRUCK, BYSTANDER = PHOTOS.partition("@")[0], LOGS.partition("@")[0]
STRUCK_KEY = "raw/struck"
ABANDONED = [(STRUCK, "raw/a"), (STRUCK, STRUCK_KEY), (STRUCK, "raw/z"), (BYSTANDER, "a.gz"), (BYSTANDER, "z.gz")]
LIVE = [(STRUCK, "raw/live"), (BYSTANDER, "live.gz")]
PART_BYTES = 1 << 20
RULES = {
    "Rule": [
        {
            "ID": "abandoned",
            "Filter": {"Prefix": ""},
            "Status": "Enabled",
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": "30"},
        }
    ]
}
# What a server may echo that saw the request: no line of ours may repeat it.
SIGNATURE = "5ec7e75ec7e75ec7e75ec7e75ec7e75ec7e75ec7"


@dataclass(frozen=True, slots=True, order=True)
class SeededUpload:
    """One upload, by all that names it."""

    bucket: str
    key: str
    upload_id: str


@dataclass(slots=True)
class Scene:
    """
    What stands in the buckets before the run.

    unseen: uploads that no listing shows yet. ghosts: uploads that a listing still shows and that are gone. is_swept:
    whole buckets are swept; otherwise events name uploads. earlier: the run id of a chain that ended without a report.
    """

    cloud: Cloud
    abandoned: list[SeededUpload] = field(default_factory=list)
    live: list[SeededUpload] = field(default_factory=list)
    unseen: list[SeededUpload] = field(default_factory=list)
    ghosts: set[SeededUpload] = field(default_factory=set)
    is_swept: bool = True
    earlier: str = ""

    def seed(self, bucket: str, key: str, hours_since_last_part: float | None = None, **more: Any) -> SeededUpload:
        """An upload that was started long ago, with one part."""
        (seeded,) = self.cloud.seed(
            bucket, key, part_size=PART_BYTES, hours_since_last_part=hours_since_last_part, **more
        )
        return SeededUpload(bucket, seeded.key, seeded.upload_id)

    def held(self) -> set[SeededUpload]:
        """What stands there now."""
        return {
            SeededUpload(bucket, one.key, one.upload_id)
            for bucket in (STRUCK, BYSTANDER)
            for one in self.uploads(bucket)
        }

    def uploads(self, bucket: str = STRUCK) -> list[HeldUpload]:
        """A bucket's uploads as they stand there now."""
        return self.cloud.uploads(bucket)

    @property
    def struck(self) -> SeededUpload:
        """The one upload that a fault of one upload strikes."""
        return next(upload for upload in self.abandoned if upload.key == STRUCK_KEY)

    def failure(self, uploads: list[SeededUpload]) -> dict[str, Any]:
        """An event that names these."""
        return {"uploads": [named(upload.bucket, upload.key, upload.upload_id) for upload in uploads]}


def furnish(cloud: Cloud) -> Scene:
    """Put the seven there, by the cloud's clock, and a lifecycle rule."""
    scene = Scene(cloud)
    with owner(cloud, PHOTOS) as client:
        client.put_bucket_lifecycle(STRUCK, RULES)
    scene.abandoned = [scene.seed(bucket, key) for bucket, key in ABANDONED]
    scene.live = [scene.seed(bucket, key, hours_since_last_part=0.5) for bucket, key in LIVE]
    return scene


def furnish_shares(cloud: Cloud) -> Scene:
    """The same seven, in turn in the first and in the second of two shares."""
    scene, shard = Scene(cloud), cycle((Shard((0,), 2), Shard((1,), 2)))
    scene.abandoned = [scene.seed(bucket, key, upload_id=_id_in(next(shard), key)) for bucket, key in ABANDONED]
    scene.live = [scene.seed(bucket, key, 0.5, upload_id=_id_in(next(shard), key)) for bucket, key in LIVE]
    return scene


def _id_in(shard: Shard, key: str) -> str:
    """An upload id of that share, as old as the scene's uploads."""
    started = int((datetime.now(timezone.utc) - timedelta(hours=100)).timestamp())
    ids = (f"{started}{number:064x}" for number in count(1))
    return next(one for one in ids if shard.contains(Upload(Bucket("", ""), key, one)))


def secrets(cloud: Cloud) -> set[str]:
    """All that must not be seen anywhere: all credentials, and the token for HTTP."""
    known = {text for one in cloud.credentials() for text in (one.secret_id, one.secret_key, one.token) if text}
    return known | {TOKEN, SIGNATURE}


def echo(cloud: Cloud) -> str:
    """What a server says that repeats the request's secrets."""
    role = cloud.role
    signed = f"q-sign-algorithm=sha1&q-ak={role.secret_id}&q-signature={SIGNATURE}"
    return f"Authorization: {signed} x-cos-security-token: {role.token} {role.secret_key} {role.secret_id} {TOKEN}"


def vanish(scene: Scene) -> None:
    """The client that started the struck upload aborts it."""
    with owner(scene.cloud, PHOTOS) as client:
        client.abort_multipart_upload(STRUCK, STRUCK_KEY, scene.struck.upload_id)
    scene.ghosts.add(scene.struck)


@contextmanager
def owner(cloud: Cloud, bucket: str) -> Iterator[Any]:
    """COS's official client, with all permissions. bucket: `name-appid@region`."""
    config = CosConfig(
        Region=bucket.partition("@")[2],
        SecretId=cloud.owner.secret_id,
        SecretKey=cloud.owner.secret_key,
        Scheme="http",
        IP="127.0.0.1",
        Port=cloud.port,
    )
    with requests.Session() as session:
        yield CosS3Client(config, retry=0, session=session)
