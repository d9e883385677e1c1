"""
What the sweep needs of COS, in our words.

Nothing here knows how it is done: over the official SDK in `cos`, in memory in the tests.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from cos_sweeper.core.model import Bucket, BucketsPage, Cursor, Page, PartsPage, Upload

if TYPE_CHECKING:
    from cos_sweeper.core.coverage import LifecycleRule


@dataclass(frozen=True, slots=True)
class Receipt:
    """A 204: COS says that an upload is aborted."""

    request_id: str


@dataclass(frozen=True, slots=True)
class ReportsPage:
    """One page of the objects under the report prefix. keys: in byte order; next: the marker, None on the last page."""

    keys: tuple[str, ...]
    next: str | None


class Reports(Protocol):
    """
    The objects under the report prefix.

    Every method raises as those of `Store`, and `RequestRejected`, sending nothing, for what is not under that prefix.
    """

    async def put_report(self, bucket: Bucket, key: str, body: bytes) -> None:
        """Keep a run's report as an object."""
        ...

    async def read_report(self, bucket: Bucket, key: str, max_bytes: int) -> bytes | None:
        """Read an object under the report prefix; None where there is none. Raises `CosRejected` beyond max_bytes."""
        ...

    async def list_reports(self, bucket: Bucket, prefix: str, after: str) -> ReportsPage:
        """List at most 1000 objects under the report prefix whose keys begin with `prefix` and come after `after`."""
        ...


class Store(Reports, Protocol):
    """
    All that a sweep needs of COS.

    Every method raises `Unavailable` when COS failed for now and `CosRejected` when COS rejected the request for good,
    after its own retries. Many tasks of one event loop may call them at once.
    """

    async def buckets(self, marker: str) -> BucketsPage:
        """List the account's buckets after `marker` ('' for the first page)."""
        ...

    async def page(self, bucket: Bucket, start: Cursor, prefix: str) -> Page:
        """List at most 1000 unfinished uploads after `start` whose keys begin with `prefix`."""
        ...

    async def parts(self, upload: Upload, after: int, *, for_abort: bool = False) -> PartsPage:
        """
        List at most 1000 parts with a number above `after`. Raises `NoSuchUpload`.

        for_abort: an abort may follow at once, so its slot of the rate limit is reserved together with this one.
        """
        ...

    async def abort(self, upload: Upload, within: float | None = None) -> Receipt:
        """
        Abort one upload. Returns only on a 204. Raises `NoSuchUpload`.

        within: seconds in which the request must leave, once, in the slot that was reserved with the look at the parts;
        None: in a slot of its own, and again where that may help.

        Raises `RequestRejected`, sending nothing, for a key or an upload id that would address something else.
        """
        ...

    def give_back(self, bucket: Bucket) -> None:
        """Return the slot that was reserved for an abort."""
        ...

    def is_throttled(self, bucket: Bucket) -> bool:
        """Whether requests to this bucket are held back now, because COS answered that there were too many."""
        ...

    async def pause(self, seconds: float) -> bool:
        """Wait, and let other tasks go on. False, at once, when no request could be sent afterwards."""
        ...


class ConfigurationStore(Protocol):
    """The configurations of a bucket that can be read. The errors are those of `Store`."""

    async def lifecycle(self, bucket: Bucket) -> "tuple[LifecycleRule, ...]":
        """Get the bucket's lifecycle rules; () if it has none."""
        ...

    async def object_lock(self, bucket: Bucket) -> bool:
        """Whether Object Lock is enabled for the bucket."""
        ...
