"""
Progress on long work: pages, uploads, bytes, rate. One changing line in a terminal, plain lines at times when piped.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from rich.live import Live
from rich.text import Text

from cos_sweeper.cli import output
from cos_sweeper.cli.console import Console
from cos_sweeper.cli.problems import NOT_SHOWN, UNREACHABLE
from cos_sweeper.cli.words import t
from cos_sweeper.core.errors import CosRejected, Unavailable
from cos_sweeper.core.model import Bucket, ListedUpload, Page, Upload
from cos_sweeper.core.model import Cursor as CosCursor
from cos_sweeper.core.outcomes import Aborted, Failed, Outcome, WouldAbort
from cos_sweeper.core.report import Report
from cos_sweeper.cos.sdk_store import CosStore
from cos_sweeper.cos.store import Receipt
from cos_sweeper.engine.recorder import ChainRecorder
from cos_sweeper.report.page_parts import numbers

if TYPE_CHECKING:
    from cos_sweeper.cli.shown import Shown
    from cos_sweeper.cli.unmatched import Unmatched

T = TypeVar("T")

TERMINAL_SECONDS = 0.2
PIPED_SECONDS = 15.0
FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class Progress(Protocol):
    """What is told while a command works."""

    def page(self, uploads: int) -> None:
        """A page of a listing was read."""
        ...

    def outcome(self, listed: ListedUpload, outcome: Outcome) -> None:
        """An upload has its outcome."""
        ...


class Watch(Protocol):
    """What looks at each outcome as well."""

    def outcome(self, listed: ListedUpload, outcome: Outcome) -> None:
        """An upload has its outcome."""
        ...


class NoProgress:
    """Tells nothing."""

    def page(self, uploads: int) -> None:
        """Do nothing."""

    def outcome(self, listed: ListedUpload, outcome: Outcome) -> None:
        """Do nothing."""


class Both:
    """Tells two."""

    def __init__(self, progress: Progress, watch: Watch) -> None:
        self._progress = progress
        self._watch = watch

    def page(self, uploads: int) -> None:
        """As `Progress` says."""
        self._progress.page(uploads)

    def outcome(self, listed: ListedUpload, outcome: Outcome) -> None:
        """As `Progress` says."""
        self._progress.outcome(listed, outcome)
        self._watch.outcome(listed, outcome)


class WatchedStore(CosStore):
    """
    A store that tells the progress of its pages, and which prefixes they match. shown: all that a listing may show.

    A run waits minutes for a COS that cannot be reached for the moment. Where the first request did not arrive, tried
    again by the store, a person hears it at once: the network or the endpoint is wrong.
    """

    progress: Progress = NoProgress()
    unmatched: "Unmatched | None" = None
    shown: "Shown | None" = None
    _has_answered = False

    async def page(self, bucket: Bucket, start: CosCursor, prefix: str) -> Page:
        """As `Store` says."""
        try:
            page = await super().page(bucket, start, prefix)
        except Unavailable as exc:
            if exc.code in UNREACHABLE and not self._has_answered:
                raise CosRejected(exc.code, detail=exc.detail) from exc
            raise
        self._has_answered = True
        if self.unmatched is not None:
            self.unmatched.page(page)
        page = page if self.shown is None else self.shown.within(bucket, page)
        self.progress.page(len(page.listed))
        return page

    async def abort(self, upload: Upload, within: float | None = None) -> Receipt:
        """As `Store` says, and nothing that the question did not show."""
        if self.shown is not None and not self.shown.may_abort(upload):
            raise CosRejected(NOT_SHOWN)
        return await super().abort(upload, within)


class Counted:
    """
    Counts, and shows what it counts. As a context. doing: what is done, such as `Looking`.

    uploads, bytes: of the abandoned ones; oldest, newest: when they were started; last_part: the newest part of all.
    """

    def __init__(
        self,
        console: Console,
        doing: str,
        watches: Sequence[Watch] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._watches = watches
        self._console = console
        self._doing = doing
        self._clock = clock
        self._began = clock()
        self.pages = 0
        self.listed = 0
        self.looked_at = 0
        self.uploads = 0
        self.bytes = 0
        self.failed = 0
        self.oldest: datetime | None = None
        self.newest: datetime | None = None
        self.last_part: datetime | None = None
        self._live: Live | None = None

    def page(self, uploads: int) -> None:
        """As `Progress` says."""
        self.pages += 1
        self.listed += uploads

    def outcome(self, listed: ListedUpload, outcome: Outcome) -> None:
        """As `Progress` says."""
        self.looked_at += 1
        for one in self._watches:
            one.outcome(listed, outcome)
        if isinstance(outcome, (Aborted, WouldAbort)):
            self.uploads += 1
            self.bytes += outcome.bytes or 0
            self._note_times(listed.initiated, outcome.seen.newest if outcome.seen else None)
        elif isinstance(outcome, Failed):
            self.failed += 1

    def _note_times(self, started: datetime | None, last_part: datetime | None) -> None:
        if started is not None:
            self.oldest = min(self.oldest or started, started)
            self.newest = max(self.newest or started, started)
        if last_part is not None:
            self.last_part = max(self.last_part or last_part, last_part)

    def line(self, width: int | None = None) -> str:
        """What is shown. width: of the terminal; what has no room there is left out whole."""
        seconds = max(self._clock() - self._began, 0.001)
        parts = [
            self._doing,
            t("{n} of {m} uploads", n=numbers.count(self.looked_at), m=numbers.count(self.listed)),
            t("{n} abandoned", n=numbers.count(self.uploads)),
            numbers.size(self.bytes).replace("\u00a0", " "),
            *([t("{n} failed", n=numbers.count(self.failed))] if self.failed else []),
            t("{n}/s", n=numbers.count(round(self.looked_at / seconds))),
            t("{n} pages", n=numbers.count(self.pages)),
        ]
        while width is not None and len(parts) > 1 and Text(" · ".join(parts)).cell_len > width:
            parts.pop()
        return " · ".join(parts)

    def __enter__(self) -> "Counted":
        if self._console.err.is_terminal:
            self._live = Live(
                get_renderable=self._shown,
                console=self._console.err,
                refresh_per_second=1 / TERMINAL_SECONDS,
                transient=True,
            )
            with output.writing(self._console.err.file):
                self._live.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if self._live is not None:
            with output.writing(self._console.err.file):
                self._live.stop()

    async def during(self, work: Coroutine[Any, Any, T]) -> T:
        """Do the work. Where stderr is no terminal, a plain line is written at times."""
        if self._live is not None:
            return await work
        lines = asyncio.ensure_future(self._lines())
        try:
            return await work
        finally:
            lines.cancel()

    async def _lines(self) -> None:
        while True:
            await asyncio.sleep(PIPED_SECONDS)
            self._console.say(self.line())

    def _shown(self) -> Text:
        frame = FRAMES[int(self._clock() / TERMINAL_SECONDS) % len(FRAMES)]
        # The frame and a space stand before it.
        line = self.line(self._console.err.width - 2)
        return Text.assemble((frame, "next"), " ", line, overflow="ellipsis", no_wrap=True)


class ProgressRecorder:
    """A recorder that tells the progress as well."""

    def __init__(self, inner: ChainRecorder, progress: Progress) -> None:
        self._inner = inner
        self._progress = progress
        self.is_on = inner.is_on
        self.name = inner.name

    async def intend(self, candidates: Sequence[ListedUpload]) -> str:
        """As `Recorder` says."""
        return await self._inner.intend(candidates)

    def record(self, listed: ListedUpload, outcome: Outcome) -> None:
        """As `Recorder` says."""
        self._progress.outcome(listed, outcome)
        self._inner.record(listed, outcome)

    def count(self, listed: ListedUpload, outcome: Outcome) -> None:
        """As `Recorder` says."""
        self._inner.count(listed, outcome)

    async def save(self, report: Report, works: Sequence[str]) -> None:
        """As `ChainRecorder` says."""
        await self._inner.save(report, works)
