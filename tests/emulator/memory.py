"""
The same COS as a `Store`, without HTTP, SDK or signatures: the rules of `bucket` and nothing else.

For laws that want thousands of sweeps. The contract suite holds it against the real store, so it cannot drift.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from cos_sweeper.core import model
from cos_sweeper.core.errors import CosRejected, NoSuchUpload, RequestRejected, StoreError
from cos_sweeper.core.keys import validate_key
from cos_sweeper.core.settings import ReportLocation
from cos_sweeper.cos.store import Receipt, ReportsPage
from tests.emulator.account import Account
from tests.emulator.errors import CosError
from tests.emulator.listing import Query


class MemoryStore:
    """A Store over an account. page_size: what COS fixes at 1000, smaller to have many pages of few uploads."""

    def __init__(
        self,
        account: Account,
        now: Callable[[], datetime],
        page_size: int = 1000,
        reports: ReportLocation | None = None,
    ) -> None:
        self._reports = reports
        self._account = account
        self._now = now
        self._page_size = page_size
        self._aborts = 0

    async def buckets(self, marker: str) -> model.BucketsPage:
        page = self._account.list_buckets(marker=marker)
        return model.BucketsPage(tuple(model.Bucket(one.name, one.region) for one in page.buckets), page.next_marker)

    async def page(self, bucket: model.Bucket, start: model.Cursor, prefix: str) -> model.Page:
        query = Query(prefix=prefix, key_marker=start.key, id_marker=start.upload_id, limit=self._page_size)
        try:
            page = self._account.bucket(bucket.name).list_uploads(query)
        except CosError as exc:
            raise _ours(exc) from exc
        listed = tuple(
            model.ListedUpload(model.Upload(bucket, one.key, one.upload_id), _seconds(one.initiated), one.initiator)
            for one in page.entries
        )
        following = model.Cursor(*page.next_marker) if page.next_marker else None
        return model.Page(listed, following, timedelta(0), "memory", self._now())

    async def parts(self, upload: model.Upload, after: int, *, for_abort: bool = False) -> model.PartsPage:  # noqa: ARG002
        _check(upload)
        try:
            bucket = self._account.bucket(upload.bucket.name)
            page = bucket.list_parts(upload.key, upload.upload_id, marker=after, max_parts=self._page_size)
        except CosError as exc:
            raise _ours(exc) from exc
        parts = tuple(
            model.Part(_seconds(part.last_modified), part.size, part.number, f'"{part.etag}"') for part in page.parts
        )
        return model.PartsPage(parts, page.next_marker, timedelta(0), self._now())

    async def abort(self, upload: model.Upload, within: float | None = None) -> Receipt:  # noqa: ARG002
        _check(upload)
        try:
            self._account.bucket(upload.bucket.name).abort(upload.key, upload.upload_id)
        except CosError as exc:
            raise _ours(exc) from exc
        self._aborts += 1
        return Receipt(f"memory-{self._aborts}")

    def give_back(self, bucket: model.Bucket) -> None:
        """No rate limit holds anybody back here."""

    def is_throttled(self, bucket: model.Bucket) -> bool:  # noqa: ARG002
        """It has no limit."""
        return False

    async def pause(self, seconds: float) -> bool:  # noqa: ARG002
        await asyncio.sleep(0)
        return True

    async def put_report(self, bucket: model.Bucket, key: str, body: bytes) -> None:
        self._check_report(bucket, key)
        try:
            self._account.bucket(bucket.name).put_object(
                key, size=len(body), etag="", now=self._now(), content=body, content_type="application/json"
            )
        except CosError as exc:
            raise _ours(exc) from exc

    async def read_report(self, bucket: model.Bucket, key: str, max_bytes: int) -> bytes | None:
        self._check_report(bucket, key)
        try:
            stored = self._account.bucket(bucket.name).get_object(key)
        except CosError as exc:
            if exc.code == "NoSuchKey":
                return None
            raise _ours(exc) from exc
        if stored.size > max_bytes:
            raise CosRejected("ReportTooLarge", 206)
        return None if stored.content is None else stored.content[:]

    async def list_reports(self, bucket: model.Bucket, prefix: str, after: str) -> ReportsPage:
        self._check_report(bucket, prefix)
        query = Query(prefix=prefix, key_marker=after, limit=self._page_size)
        try:
            page = self._account.bucket(bucket.name).list_objects(query)
        except CosError as exc:
            raise _ours(exc) from exc
        return ReportsPage(tuple(one.key for one in page.entries), page.next_marker[0] if page.next_marker else None)

    def _check_report(self, bucket: model.Bucket, key: str) -> None:
        inside = self._reports and bucket == self._reports.bucket and key.startswith(self._reports.prefix)
        if not inside or {".", ".."} & set(key.split("/")) or "//" in key:
            raise RequestRejected("not under the report prefix")


def _ours(exc: CosError) -> StoreError:
    if exc.code == "NoSuchUpload":
        return NoSuchUpload(exc.code, exc.status)
    return CosRejected(exc.code, exc.status)


def _check(upload: model.Upload) -> None:
    reason = validate_key(upload.key, upload.upload_id)
    if reason:
        raise RequestRejected(reason)


def _seconds(moment: datetime) -> datetime:
    """As COS writes times, without a fraction of a second."""
    return moment.astimezone(timezone.utc).replace(microsecond=0)
