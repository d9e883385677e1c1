"""
A store whose listing is given, and one run over it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from cos_sweeper.core import plan as planning
from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.errors import NoSuchUpload
from cos_sweeper.core.model import Bucket, Cursor, ListedUpload, Page, Part, PartsPage, Request, SweepRequest, Upload
from cos_sweeper.core.plan import UploadTarget
from cos_sweeper.core.redaction import Redactor
from cos_sweeper.cos.store import Receipt
from cos_sweeper.engine import sweep
from cos_sweeper.engine.result import RunResult
from cos_sweeper.report.log import Log
from tests.fixtures import HOUR, NOW, PHOTOS, FakeClock, aborting_settings

IN_STEP = timedelta(0)


OLD, LATELY = NOW - 100 * HOUR, NOW - HOUR


@dataclass(slots=True)
class ListedStore:
    """
    A store whose listing is given, a page at a time: (key, id, start) of each upload. before: a hook into each request.

    sent: when a request for the parts of this upload left. listed: the pages that were asked for, by their place.
    """

    pages: Sequence[Sequence[tuple[str, str, datetime]]]
    before: Callable[[str, object], Awaitable[None] | None] = lambda *_: None
    sent: Callable[[Upload], float | None] = lambda _: None
    listed: list[int] = field(default_factory=list)
    gone: set[Upload] = field(default_factory=set)

    async def _first(self, call: str, subject: object) -> None:
        hook = self.before(call, subject)
        if hook is not None:
            await hook

    async def page(self, bucket: Bucket, start: Cursor, _: str) -> Page:
        index = int(start.upload_id.removeprefix("page-") or 0)
        self.listed.append(index)
        await self._first("page", index)
        following = Cursor(f"{index + 1:03}", f"page-{index + 1}") if index + 1 < len(self.pages) else None
        listed = tuple(ListedUpload(Upload(bucket, key, one), at) for key, one, at in self.pages[index])
        return Page(listed, following, IN_STEP)

    def give_back(self, _: Bucket) -> None:
        """No rate limit here."""

    def is_throttled(self, _: Bucket) -> bool:
        return False

    async def pause(self, _: float) -> bool:
        await asyncio.sleep(0)
        return True

    async def parts(self, upload: Upload, _: int, *, for_abort: bool = False) -> PartsPage:  # noqa: ARG002
        if upload in self.gone:
            raise NoSuchUpload("NoSuchUpload", 404)
        await self._first("parts", upload)
        return PartsPage((Part(OLD, 5),), None, IN_STEP, sent=self.sent(upload))

    async def abort(self, upload: Upload, within: float | None = None) -> Receipt:  # noqa: ARG002
        await self._first("abort", upload)
        self.gone.add(upload)
        return Receipt("id")


async def allowed() -> str:
    return ""


def swept(
    store: ListedStore,
    *requests: Request,
    clock: FakeClock | None = None,
    lines: list[str] | None = None,
    targets: Sequence[Upload] = (),
    listing_attempts: int = 0,
    before_abort: Callable[[], Awaitable[str]] = allowed,
    retries: bool = False,
    **more: Any,
) -> RunResult:
    """One run. targets: uploads that an earlier run left; scan_attempts: of its listing. retries: a later run may."""
    settings = aborting_settings((PHOTOS,), **{"workers": 2, **more})
    plan = planning.build_plan(requests or (SweepRequest(),), settings, (PHOTOS,), "run", NOW)
    if targets or listing_attempts:
        left = tuple(UploadTarget(upload, plan.listings[0].policy, attempts=1, is_swept=True) for upload in targets)
        listings = tuple(replace(listing, attempts=listing_attempts) for listing in plan.listings)
        plan = replace(plan, number=2, targets=left, listings=listings)
    log = Log((lines if lines is not None else []).append, Redactor(()))
    deadline = Deadline(clock or FakeClock(), 10.0, 20.0, 30.0)
    return asyncio.run(sweep.run(plan, store, deadline, log, retries=retries, before_abort=before_abort))  # type: ignore[arg-type]
