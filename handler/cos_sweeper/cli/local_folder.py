"""
Reports in a directory of this machine, and reports that are kept although they cannot be stored.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

from cos_sweeper.cli.problems import Problem
from cos_sweeper.cli.words import t
from cos_sweeper.core.errors import CosRejected, StoreError
from cos_sweeper.report.report_folder import MAX_BYTES, NamedFolder

T = TypeVar("T")

OWNER_ONLY = 0o600
RECORDS = "/uploads/"


class LocalFolder:
    """A directory with the objects of a report prefix. Files are readable by their owner only. Raises StoreError."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def address(self, name: str) -> dict[str, str]:
        """As `NamedFolder` says."""
        return {"object": str(self._path(name))}

    async def put(self, name: str, body: bytes) -> None:
        """As `Folder` says. A reader sees the old file or the new one, never half of one."""
        path = self._path(name)
        partial = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY)
            with os.fdopen(descriptor, "wb") as file:
                file.write(body)
                file.flush()
                if RECORDS in name:
                    # What may be aborted is on the disk before the abort leaves.
                    os.fsync(file.fileno())
            partial.replace(path)
        except OSError as exc:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise CosRejected("CannotWrite", detail=f"{path}: {exc.strerror}") from exc

    async def get(self, name: str) -> bytes | None:
        """As `Source` says."""
        path = self._path(name)
        try:
            found = path.stat()
            if not stat.S_ISREG(found.st_mode):
                # A pipe would be read for ever.
                raise CosRejected("CannotRead", detail=f"{path}: {os.strerror(errno.EINVAL)}")
            if found.st_size > MAX_BYTES:
                raise CosRejected("ReportTooLarge", detail=str(path))
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as exc:
            raise CosRejected("CannotRead", detail=f"{path}: {exc.strerror}") from exc

    async def names(self, prefix: str, after: str = "", pages: int = 1000) -> list[str]:
        """As `Source` says."""
        start = self._path(prefix.rpartition("/")[0]) if "/" in prefix else self.path
        try:
            files = [path for path in start.rglob("*") if path.is_file() and not path.name.startswith(".")]
        except OSError as exc:
            raise CosRejected("CannotRead", detail=f"{exc.filename}: {exc.strerror}") from exc
        names = sorted(path.relative_to(self.path).as_posix() for path in files)
        return [name for name in names if name.startswith(prefix) and name > after][: pages * 1000]

    def _path(self, name: str) -> Path:
        parts = [part for part in name.split("/") if part]
        if any(part in (".", "..") for part in parts):
            raise CosRejected("BadName", detail=name)
        return self.path.joinpath(*parts)


def require_writable(folder: NamedFolder | None) -> None:
    """Make the directory, before anything is aborted. Raises Problem where nothing can be written there."""
    if not isinstance(folder, LocalFolder):
        return
    try:
        folder.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not os.access(folder.path, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as exc:
        raise Problem(
            t("No records can be written to {path}, so nothing is aborted: {why}.", path=folder.path, why=exc.strerror),
            t("Give a directory that can be written with `--records DIR`."),
        ) from None


class KeptFolder:
    """
    A folder whose documents are kept in memory, too, so that a run has its account even where they cannot be stored.

    inner: None to store nothing. Records of uploads are not kept, and where one cannot be stored that is raised, so
    that nothing is aborted without a record. failed: the first error of everything else.
    """

    def __init__(self, inner: NamedFolder | None) -> None:
        self.inner = inner
        self.failed: StoreError | None = None
        self._kept: dict[str, bytes] = {}

    async def put(self, name: str, body: bytes) -> None:
        """As `Folder` says."""
        is_record = RECORDS in name
        if not is_record:
            self._kept[name] = body
        try:
            if self.inner is not None:
                await self.inner.put(name, body)
        except StoreError as exc:
            self.failed = self.failed or exc
            if is_record:
                raise

    async def get(self, name: str) -> bytes | None:
        """As `Source` says."""
        if name in self._kept or self.inner is None:
            return self._kept.get(name)
        return await self._or(self.inner.get(name), None)

    async def names(self, prefix: str, after: str = "", pages: int = 1000) -> list[str]:
        """As `Source` says."""
        stored = [] if self.inner is None else await self._or(self.inner.names(prefix, after, pages), [])
        kept = [name for name in self._kept if name.startswith(prefix) and name > after]
        return sorted({*stored, *kept})[: pages * 1000]

    async def _or(self, request: Awaitable[T], otherwise: T) -> T:
        try:
            return await request
        except StoreError as exc:
            self.failed = self.failed or exc
            return otherwise
