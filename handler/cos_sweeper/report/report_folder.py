"""
The objects of one report prefix, by their names below it.
"""

from collections.abc import Callable
from typing import Protocol

from cos_sweeper.core.settings import ReportLocation
from cos_sweeper.cos.store import Reports

# What one object may have; an account of 100,000 prefixes has a third of it.
MAX_BYTES = 15 << 20


class Source(Protocol):
    """Where objects are read from: a report prefix in COS, or a directory with a copy of it. Raises StoreError."""

    async def get(self, name: str) -> bytes | None:
        """The content of an object, None where there is none."""
        ...

    async def names(self, prefix: str, after: str = "", pages: int = 1000) -> list[str]:
        """The names that begin with `prefix` and come after `after`, in order; at most so many pages of 1000."""
        ...


class Folder(Source, Protocol):
    """A report prefix that objects are written to as well. Raises StoreError."""

    async def put(self, name: str, body: bytes) -> None:
        """Write an object, in place of an earlier one."""
        ...


class NamedFolder(Folder, Protocol):
    """A folder that says where it is."""

    def address(self, name: str) -> dict[str, str]:
        """Where an object is, as fields of a log line."""
        ...


class ReportFolder:
    """
    A report prefix in COS. store: makes the store for one request, with the time that this request may take.

    Every method raises StoreError.
    """

    def __init__(self, location: ReportLocation, store: Callable[[], Reports]) -> None:
        self.location = location
        self._store = store

    def address(self, name: str) -> dict[str, str]:
        """As `NamedFolder` says."""
        return {"bucket": str(self.location.bucket), "object": f"{self.location.prefix}{name}"}

    async def put(self, name: str, body: bytes) -> None:
        """Write an object, in place of an earlier one."""
        await self._store().put_report(self.location.bucket, f"{self.location.prefix}{name}", body)

    async def get(self, name: str) -> bytes | None:
        """As `Source` says."""
        return await self._store().read_report(self.location.bucket, f"{self.location.prefix}{name}", MAX_BYTES)

    async def names(self, prefix: str, after: str = "", pages: int = 1000) -> list[str]:
        """As `Source` says."""
        start = self.location.prefix
        found: list[str] = []
        following: str | None = f"{start}{after}" if after else ""
        while following is not None and pages:
            page = await self._store().list_reports(self.location.bucket, f"{start}{prefix}", following)
            found += [key[len(start) :] for key in page.keys]
            following, pages = page.next, pages - 1
        return found
