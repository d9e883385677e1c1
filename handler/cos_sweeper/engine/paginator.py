"""
The way through COS's listings: to the end, and never in a circle.
"""

from dataclasses import dataclass, field
from datetime import datetime

from cos_sweeper.core.errors import CosRejected
from cos_sweeper.core.model import Bucket, Cursor, Page
from cos_sweeper.core.settings import BUCKET_NAME, REGION
from cos_sweeper.cos.store import Store


async def every_bucket(store: Store, now: datetime) -> tuple[tuple[Bucket, ...], datetime]:
    """
    All buckets that the role can list, and the earlier of our clock, `now`, and COS's. Raises StoreError.

    A malformed name or region is left out, and so is what is listed twice.
    """
    as_of = now
    found: list[Bucket] = []
    marker: str | None = ""
    while marker is not None:
        page = await store.buckets(marker)
        found += (one for one in page.buckets if BUCKET_NAME.fullmatch(one.name) and REGION.fullmatch(one.region))
        as_of = as_of if page.date is None else min(as_of, page.date)
        marker = page.next
    return tuple(dict.fromkeys(found)), as_of


@dataclass(slots=True)
class Paginator:
    """
    The way through one listing, which must end.

    Keys may not go back, and within one key no upload id may come twice as a marker unless something new was listed in
    between: some servers begin a key again after an upload that is gone. COS promises no order of ids.
    """

    next: Cursor | None
    # With each: how many new uploads had been listed when it was the marker.
    _ids: dict[str, int] = field(default_factory=dict)
    _fresh: int = 0

    def advance(self, page: Page, fresh: int = 0) -> None:
        """Go on after this page. fresh: how much of it is new. Raises CosRejected when its marker does not advance."""
        here, there = self.next, page.next
        self._fresh += fresh
        if there is not None and here is not None:
            here_key, there_key = order(here.key), order(there.key)
            if there_key != here_key:
                self._ids.clear()
            if there_key < here_key or self._ids.get(there.upload_id) == self._fresh:
                raise CosRejected(
                    "MarkerStuck", request_id=page.request_id, detail="the listing's marker does not advance"
                )
            self._ids[there.upload_id] = self._fresh
        self.next = there


def order(key: str) -> bytes:
    """By what COS sorts keys, as far as is known: their bytes. Good for where to go on, not for safety."""
    return key.encode("utf-8", "surrogateescape")
