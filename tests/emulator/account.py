"""
An account: its buckets by name, and the rules that need more than one of them.

As in `bucket`, no HTTP, no XML, no clock.
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tests.emulator.bucket import Bucket
from tests.emulator.dialect import COS
from tests.emulator.errors import CosError, no_such_bucket

BUCKET_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?-(?P<appid>[0-9]{5,12})")


@dataclass(frozen=True, slots=True)
class BucketsPage:
    """One page of an account's buckets by name. `next_marker` is the last name on it, or `None` on the last page."""

    buckets: tuple[Bucket, ...]
    next_marker: str | None


class Account:
    """All buckets of one account. Every name ends in the account's APPID."""

    def __init__(self, appid: str, ids: random.Random | None = None) -> None:
        self.appid = appid
        self.buckets: dict[str, Bucket] = {}
        self.gone_markers = "accept"
        self.checks_lifecycle = True
        self.dialect = COS
        self._ids = ids or random.Random()

    def bucket(self, name: str) -> Bucket:
        """The bucket of that name, or NoSuchBucket."""
        bucket = self.buckets.get(name)
        if bucket is None:
            raise no_such_bucket()
        return bucket

    def put_bucket(self, name: str, region: str, *, now: datetime) -> Bucket:
        """Create a bucket."""
        if name in self.buckets:
            raise CosError(409, "BucketAlreadyOwnedByYou", "The bucket you tried to create already exists.")
        if not belongs(name, self.appid):
            raise CosError(400, "InvalidBucketName", f"A bucket's name must end with -{self.appid}.")
        self.buckets[name] = Bucket(name, region, now, self._ids)
        return self.buckets[name]

    def delete_bucket(self, name: str) -> None:
        """Delete a bucket that holds neither objects nor unfinished uploads."""
        bucket = self.bucket(name)
        if len(bucket.objects) or len(bucket.uploads):
            raise CosError(409, "BucketNotEmpty", "The bucket you tried to delete is not empty.")
        del self.buckets[name]

    def list_buckets(
        self,
        *,
        region: str = "",
        marker: str = "",
        max_keys: int = 2000,
        matches: Callable[[Bucket], bool] = lambda _: True,
    ) -> BucketsPage:
        """List the buckets that match, of one region or of all, whose name is after the marker."""
        names = sorted(
            name
            for name, bucket in self.buckets.items()
            if name > marker and region in ("", bucket.region) and matches(bucket)
        )
        shown = names[:max_keys]
        next_marker = shown[-1] if shown and len(names) > len(shown) else None
        return BucketsPage(tuple(self.buckets[name] for name in shown), next_marker)


def belongs(name: str, appid: str) -> bool:
    """Whether a name has the shape of a bucket's name and ends in that APPID."""
    shape = BUCKET_NAME.fullmatch(name)
    return shape is not None and shape["appid"] == appid
