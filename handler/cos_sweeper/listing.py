"""
The way through COS's listings: to the end, never round in circles, and a page ahead of whoever reads.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from cos_sweeper.errors import Rejected
from cos_sweeper.model import Bucket, Cursor, Page
from cos_sweeper.settings import BUCKET_NAME, REGION
from cos_sweeper.store import Store
from cos_sweeper.turns import Crew

T = TypeVar("T")


def every_bucket(store: Store) -> tuple[Bucket, ...]:
    """All buckets that the role can list. Raises StoreError; a name or a region that is none is left out."""
    found: list[Bucket] = []
    marker: str | None = ""
    while marker is not None:
        page = store.buckets(marker)
        found += (one for one in page.buckets if BUCKET_NAME.fullmatch(one.name) and REGION.fullmatch(one.region))
        marker = page.next
    return tuple(found)


@dataclass(slots=True)
class Walk:
    """
    The way through one listing, which must end.

    Keys may not go back, and within one key no upload id may come twice as a marker; COS promises no order of ids.
    """

    next: Cursor | None
    _ids: set[str] = field(default_factory=set)

    def advance(self, page: Page) -> None:
        """Go on after this page. Raises Rejected when its marker does not advance."""
        here, there = self.next, page.next
        if there is not None and here is not None:
            here_key, there_key = _order(here.key), _order(there.key)
            if there_key != here_key:
                self._ids.clear()
            if there_key < here_key or there.upload_id in self._ids:
                raise Rejected(
                    "MarkerStuck", request_id=page.request_id, detail="the listing's marker does not advance"
                )
            self._ids.add(there.upload_id)
        self.next = there


def one_ahead(items: Iterator[T], crew: Crew) -> Iterator[T]:
    """The same items; while one is being used, the next is on its way."""
    coming = crew.start(lambda: next(items, None))
    while (item := coming.result()) is not None:
        coming = crew.start(lambda: next(items, None))
        yield item


def _order(key: str) -> bytes:
    return key.encode("utf-8", "surrogateescape")
