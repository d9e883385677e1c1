"""
Where stored reports are: a directory of this machine, or REPORT in COS; and one run in it.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from cos_sweeper.cli.local_folder import LocalFolder
from cos_sweeper.cli.problems import Misused
from cos_sweeper.cli.session import DEFAULT_RECORDS, Session
from cos_sweeper.cli.words import t
from cos_sweeper.report.report_folder import NamedFolder, ReportFolder, Source

RUN_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]+")
LATEST = "latest"
# What a directory of one run has.
OF_RUN = ("report.json", "parts", "ends", "totals", "uploads", "runs")


@dataclass(frozen=True, slots=True)
class Place:
    """folder: with runs in it; name: for people. run_id: the run that was named, '' for none."""

    folder: NamedFolder
    name: str
    run_id: str = ""

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine."""
        return isinstance(self.folder, LocalFolder)


class Unwritten:
    """A folder that is read, and whose writes stay in memory: a report of a chain that still runs."""

    def __init__(self, inner: Source) -> None:
        self._inner = inner
        self._written: dict[str, bytes] = {}

    async def put(self, name: str, body: bytes) -> None:
        """Keep it here."""
        self._written[name] = body

    async def get(self, name: str) -> bytes | None:
        """As `Source` says."""
        return self._written[name] if name in self._written else await self._inner.get(name)

    async def names(self, prefix: str, after: str = "", pages: int = 1000) -> list[str]:
        """As `Source` says."""
        found = await self._inner.names(prefix, after, pages)
        return sorted({*found, *(name for name in self._written if name.startswith(prefix) and name > after)})


def find(session: Session, target: str | None, records: Path | None) -> Place:
    """
    What the arguments name. target: a directory, a run's id, LATEST or None. records: a directory that runs are in.

    Raises Misused.
    """
    path = Path.cwd() / target if target else None
    if path is not None and path.is_dir():
        if records is not None:
            raise Misused(t("`--records` has no effect here: a directory is named."), t("Leave out one of them."))
        return _of_directory(path)
    place = _default(session, records)
    if target is None or target == LATEST:
        return place
    if not RUN_ID.fullmatch(target):
        raise Misused(
            t("{target} is neither a directory nor the id of a run.", target=target[:200]),
            t("`cos-sweeper report` without a run lists them."),
        )
    return Place(place.folder, place.name, target)


def _of_directory(path: Path) -> Place:
    path = path.resolve()
    if RUN_ID.fullmatch(path.name) and any((path / name).exists() for name in OF_RUN):
        return Place(LocalFolder(path.parent), shown(path.parent), path.name)
    return Place(LocalFolder(path), shown(path))


def _default(session: Session, records: Path | None) -> Place:
    in_file = session.config.of_command.get("RECORDS")
    path = records or (Path(in_file) if in_file else None)
    location = None if path else session.config.settings_of_all.report
    if location is not None:
        folder = ReportFolder(location, lambda: session.store(session.deadline.storing()))
        return Place(folder, f"{location.bucket}/{location.prefix}")
    found = Path.cwd() / (path or DEFAULT_RECORDS)
    if not found.is_dir():
        raise Misused(
            t("There are no records in {path}.", path=shown(found)),
            t("Set REPORT, or give a directory: `cos-sweeper report DIR`."),
        )
    return Place(LocalFolder(found), shown(found))


def shown(path: Path) -> str:
    """A path for people."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
