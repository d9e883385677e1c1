"""
What COS shows of one upload whose name is known: whether it knows it, and how its listing shows it.
"""

from dataclasses import dataclass, replace

from cos_sweeper.core import key_readings
from cos_sweeper.core.clock import AsOf
from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.errors import CosRejected, NoSuchUpload, StoreError
from cos_sweeper.core.keys import validate_key
from cos_sweeper.core.model import BEGINNING, Cursor, Keep, NeedsParts, Page, Upload
from cos_sweeper.core.policy import NOT_LISTED, Policy, prefilter
from cos_sweeper.cos.store import Store
from cos_sweeper.engine.paginator import Paginator

# One key's listing from its beginning, because a marker was rejected.
MAX_RESTARTS = 3


def rejects_marker(exc: StoreError) -> bool:
    """Whether a listing may have been rejected because of the upload that its marker names."""
    return exc.status == 400 or isinstance(exc, NoSuchUpload)


async def is_known(store: Store, upload: Upload) -> bool:
    """Whether COS knows an upload under its key. Raises StoreError."""
    if validate_key(upload.key, upload.upload_id):
        return False
    try:
        await store.parts(upload, 0)
    except NoSuchUpload:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Lookup:
    """Looks single uploads up in the listing."""

    store: Store
    deadline: Deadline
    as_of: AsOf

    async def find(self, upload: Upload, policy: Policy) -> NeedsParts | Keep | None:
        """
        How the listing shows one upload. None: time ran out. It stops at the first other key.

        If COS rejects a marker, the upload that it names is gone, so the listing is read again from the beginning.
        """
        walk, restarts = Paginator(BEGINNING), 0
        while walk.next is not None:
            if self.deadline.passed:
                return None
            try:
                page = await self.store.page(upload.bucket, walk.next, upload.key)
            except (CosRejected, NoSuchUpload) as exc:
                if not rejects_marker(exc) or not walk.next.upload_id or restarts == MAX_RESTARTS:
                    raise
                walk, restarts = Paginator(BEGINNING), restarts + 1
                continue
            self.as_of.lower(page.date, page.skew)
            mine = [one.with_key(upload.key) for one in page.listed if upload.key in key_readings.of(one)]
            for listed in mine:
                if listed.upload == upload:
                    return prefilter(listed, page.skew, policy, self.as_of.value)
            if len(mine) < len(page.listed):
                break
            walk.advance(replace(page, next=_cursor_in(page, upload.key)))
        return Keep(NOT_LISTED)


def _cursor_in(page: Page, key: str) -> Cursor | None:
    """Where a page of nothing but one key's uploads goes on."""
    return Cursor(key, page.next.upload_id) if page.next is not None and page.next.upload_id else page.next
