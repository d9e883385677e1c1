"""
Records one run: a record for each upload, the run's account, and what its chain adds up to.

The states of a run: it counts, and flushes what it has every ten seconds; it saved, so a continuation may begin from
its totals; it finished. The invariant: whatever kills it, its part in COS is at most one flush old, the intents of all
its aborts are stored, and no other run's object is touched, because every name has the run's delivery in it. Only the
end of a work has one name for all deliveries: the last one stands, and the merge counts what the others freed.

Without permission or time to store something, the sweep goes on: it is logged, tried again with the next flush, and the
report says so. Only intents are a condition: without them nothing may be aborted.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any

from cos_sweeper.core.account import Account
from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.errors import StoreError, Unavailable
from cos_sweeper.core.key_mask import PLAIN, KeyMask
from cos_sweeper.core.model import Bucket, ListedUpload
from cos_sweeper.core.observing import is_recorded, observation
from cos_sweeper.core.outcomes import Aborted, Outcome
from cos_sweeper.core.report import Report, Status
from cos_sweeper.core.run_facts import EVENT, INVENTORY, RunFacts
from cos_sweeper.report import chain, documents, history
from cos_sweeper.report import record as records
from cos_sweeper.report.chain import ChainReader, Line
from cos_sweeper.report.completion import Completion, Sections, no_sections
from cos_sweeper.report.documents import FINISHED, SPLIT, Document, Head, Summary
from cos_sweeper.report.log import Log
from cos_sweeper.report.record import Recording
from cos_sweeper.report.record_writer import Place, RecordWriter, quietly
from cos_sweeper.report.report_folder import Folder

FLUSH_SECONDS = 10.0
# Packing a large account stops everything else, so it takes one part in so many of the time at most.
PART_OF_TIME = 20
# At the end of a run packing one account takes so much of the time that is left at most. The continuation goes first.
PART_OF_REST = 3
NOT_RECORDED = "the record of what may be aborted cannot be stored"
# Texts of a warning.
MAX_TEXT = 500


@dataclass(frozen=True, slots=True)
class Identity:
    """
    Which run it is. works: as the plan has them; the first one carries the account. shard: such as `2/4`. delivery:
    tells this delivery of an event from others. predecessor: the name of the run before it, or ''.
    """

    run_id: str
    works: tuple[str, ...]
    shard: str
    number: int
    delivery: str
    predecessor: str = ""

    @property
    def name(self) -> str:
        """The name of the run, unique in its chain."""
        return chain.run_name(self.shard, self.works[0], self.number, self.delivery)

    @property
    def is_first(self) -> bool:
        """Whether the chain begins with it."""
        return self.number == 1 and self.works == (chain.FIRST_WORK,)


class RunRecorder:
    """
    As a context: what it does in the background ends with it. `save` and `finish` are called inside.

    clean: removes secrets from a text; redacted: a report as JSON, without secrets; mask: what stands for keys. now:
    our clock, UTC. chain_max: the maximum age of a chain. sections: what report.json says besides; asked for when this
    run ends its chain.

    name: under which the next run finds this one. completed: reports of earlier chains that this run completed.
    """

    is_on = True

    def __init__(
        self,
        folder: Folder,
        log: Log,
        identity: Identity,
        facts: RunFacts,
        deadline: Deadline,
        *,
        clean: Callable[[str], str],
        redacted: Callable[[Report], Mapping[str, Any]],
        completion: Completion,
        now: Callable[[], datetime],
        mask: KeyMask = PLAIN,
        chain_max: timedelta = timedelta(hours=23),
        sections: Sections = no_sections,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.name = identity.name
        self.completed: list[dict[str, Any]] = []
        self._folder = folder
        self._log = log
        self._identity = identity
        self._facts = facts
        self._deadline = deadline
        self._clean = clean
        self._redacted = redacted
        self._completion = completion
        self._now = now
        self._mask = mask.key
        self._chain_max = chain_max
        self._sections = sections
        self._sleep = sleep
        self._writer = RecordWriter(lambda name, body: folder.put(f"{identity.run_id}/{name}", body), self.name)
        self._recording = Recording(identity.number, identity.shard, clean, self._mask)
        self._intended: set[tuple[Bucket, str]] = set()
        # Aborted uploads that are recorded, and counted when their page is complete.
        self._uncounted: dict[tuple[Bucket, str], Place] = {}
        self._account = Account(inventory=facts.kind == INVENTORY)
        self._listings_failed = 0
        self._is_dirty = False
        self._has_part = not self._is_counted
        self._next_part = 0.0
        # What the last packing of this run's account took, and what reading the predecessor's did.
        self._pack_seconds = 0.0
        self._read_seconds = 0.0
        self._summary = Summary(runs=1)
        self._works: tuple[str, ...] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._beginning: asyncio.Task[None] | None = None
        self._earlier: asyncio.Task[Line] | None = None

    async def __aenter__(self) -> "RunRecorder":
        self._tasks = [asyncio.ensure_future(self._flush_when_due()), asyncio.ensure_future(self._store_when_full())]
        if self._is_counted and self._identity.is_first:
            self._beginning = asyncio.ensure_future(self._begin())
        if self._is_counted and self._identity.predecessor:
            self._earlier = asyncio.ensure_future(self._read_earlier())
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if error is not None:
            # A run that crashes leaves its records all the same.
            await self._stored(self._writer.flush())
        others = (self._beginning, self._earlier)
        tasks: list[asyncio.Task[Any]] = [*self._tasks, *(task for task in others if task is not None)]
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, BaseException) and not isinstance(ended, (asyncio.CancelledError, StoreError)):
                raise ended

    # What the engine tells

    async def intend(self, candidates: Sequence[ListedUpload]) -> str:
        """As `Recorder` says."""
        if self._writer.is_behind:
            # Nothing is aborted faster than it is recorded.
            await self._stored(self._writer.store_waiting())
        at = self._now()
        lines = (records.line(self._recording.intent(listed, at)) for listed in candidates)
        if not self._has_part:
            # So that a merge finds the records, even of a run that is cut off at once.
            await self._put_part()
        error = await self._stored(self._writer.intents(lines))
        if error is not None:
            return f"{NOT_RECORDED}: {error.code}"
        self._intended.update((one.upload.bucket, one.upload.upload_id) for one in candidates)
        return ""

    def record(self, listed: ListedUpload, outcome: Outcome) -> None:
        """As `Recorder` says."""
        upload = listed.upload.bucket, listed.upload.upload_id
        was_intended = upload in self._intended
        if is_recorded(outcome, was_intended=was_intended, kind=self._facts.kind):
            self._intended.discard(upload)
            if isinstance(outcome, Aborted) and self._is_counted:
                self._uncounted[upload] = self._writer.next
            self._writer.add(records.line(self._recording.outcome(listed, outcome, self._now())))

    def count(self, listed: ListedUpload, outcome: Outcome) -> None:
        """As `Recorder` says."""
        is_inventory = self._account.inventory
        if not self._is_counted:
            return
        self._uncounted.pop((listed.upload.bucket, listed.upload.upload_id), None)
        seen = observation(listed, outcome, self._clean, self._mask, is_inventory=is_inventory)
        self._account.add(seen, self._facts.as_of)
        self._is_dirty = True

    # Storing

    async def save(self, report: Report, works: Sequence[str]) -> None:
        """As `ChainRecorder` says."""
        self._works = tuple(works)
        await self._stored(self._writer.flush())
        if self._is_counted:
            self._take(report)
            if self._continues_itself:
                await self._put(chain.totals_object(self._identity.run_id, self.name), await self._line())
            else:
                await self._put_ends(SPLIT)
            await self._put_part()

    async def finish(self, report: Report) -> dict[str, Any] | None:
        """
        Store all there is, and end the work unless it continues. Returns report.json where this run wrote it.

        The last thing that a run does with COS. What it completes of other chains it completes as far as time allows.
        """
        if self._beginning is not None:
            await self._beginning
        report_json = await self._finish(report)
        if self._beginning is not None:
            # After all that is this run's own: what others stored may be large, or anything.
            await self._complete_others()
        return report_json

    async def _finish(self, report: Report) -> dict[str, Any] | None:
        await self._stored(self._writer.flush())
        self._warn_of_lost_records()
        if not self._is_counted:
            return None
        self._take(report)
        if self._continues_itself and report.continuations:
            await self._put_part()
            return None
        is_split = bool(self._works) and not self._continues_itself
        await self._put_ends(SPLIT if is_split else documents.FAILED if report.status is Status.FAILED else FINISHED)
        await self._put_part()
        if is_split and report.continuations:
            return None
        return await self._completion.complete(self._identity.run_id, sections=self._sections)

    @property
    def _is_counted(self) -> bool:
        """An event names its uploads and reports each of them, so it has records and no account."""
        return self._facts.kind != EVENT

    @property
    def _continues_itself(self) -> bool:
        return bool(self._works) and self._identity.works[0] in (self._works or ())

    def _take(self, report: Report) -> None:
        """What a report says beyond the account."""
        failed = [one for one in report.failures if "key" not in one]
        for one in failed[self._listings_failed :]:
            if "bucket" in one:
                self._account.add_failed_listing(_bucket(one["bucket"]), one["code"], self._cleaned(one))
        self._listings_failed = len(failed)
        payload = self._redacted(report)
        warnings = [_warning(one) for one in payload["warnings"]]
        warnings += [_warning(one) for one in payload["failures"] if "bucket" not in one and "key" not in one]
        warnings += [{"code": "Excluded", "detail": str(text)[:MAX_TEXT]} for text in payload["dropped"]]
        if self._writer.buffered or self._writer.lost:
            warnings.append({"code": "RecordsNotStored", "lines": self._writer.buffered + self._writer.lost})
        is_split = bool(self._works) and not self._continues_itself
        self._summary = Summary(
            runs=1,
            status=payload["status"],
            stopped_because=payload["stopped_because"],
            has_failed=is_split and report.status is Status.FAILED,
            is_partial=is_split and bool(report.over_limit or report.dropped or report.not_swept),
            warnings=tuple(warnings[: documents.MAX_WARNINGS]),
            not_swept=tuple(payload["not_swept"]),
        )
        self._is_dirty = True

    def _cleaned(self, failed: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._clean(value) if isinstance(value, str) else value for name, value in failed.items()}

    def _head(self) -> Head:
        identity = self._identity
        return Head(
            self.name,
            identity.works,
            identity.shard,
            identity.number,
            identity.predecessor,
            self._now(),
            self._facts,
            tuple(self._writer.stored),
            self._summary,
            (self.name,),
            identity.predecessor,
        )

    async def _line(self) -> Document:
        """The totals: what this run and those before it counted."""
        own = Document(self._head(), self._account)
        if not self._identity.predecessor:
            return own
        earlier = await self._known_earlier()
        if earlier is None or earlier.head is None:
            return own
        # The earlier account is not needed any more, and this run's own stays as it is.
        earlier.account.merge(self._account)
        head = replace(
            own.head,
            records=(*own.head.records, *earlier.records),
            summary=own.head.summary.after(earlier.summary),
            lineage=(self.name, *earlier.lineage),
            before=earlier.before,
        )
        self._earlier = None
        return Document(head, earlier.account)

    async def _known_earlier(self) -> Line | None:
        """What the predecessor's line counted. Read again where that failed; None where it fails again."""
        for _ in range(2):
            task = self._earlier or asyncio.ensure_future(self._read_earlier())
            self._earlier = None
            try:
                return await task
            except StoreError as exc:
                self._failed("account.read_failed", exc)
        return None

    async def _read_earlier(self) -> Line:
        reader = ChainReader(self._folder, self._identity.run_id)
        began = self._deadline.clock()
        line = await reader.line(self._identity.predecessor)
        self._read_seconds = self._deadline.clock() - began
        return line

    async def _put_part(self) -> None:
        self._has_part = True
        head = replace(
            self._head(),
            lineage=(),
            before="",
            counted_to=self._writer.next,
            uncounted=tuple(self._uncounted.values()),
        )
        self._is_dirty = False
        error = await self._put(chain.part_object(self._identity.run_id, self.name), Document(head, self._account))
        self._is_dirty = self._is_dirty or error is not None

    async def _put_ends(self, status: str) -> None:
        """The end of each work of this run; the first one has the totals."""
        line, (first, *others) = await self._line(), self._identity.works
        children = (self._works or ()) if status == SPLIT else ()
        end = Document(replace(line.head, status=status, children=children), line.account)
        await self._put(chain.end_object(self._identity.run_id, first), end)
        same = Document(replace(self._head(), status=status, same_as=first, records=()), Account())
        for work in others:
            await self._put(chain.end_object(self._identity.run_id, work), same)

    async def _put(self, name: str, document: Document) -> StoreError | None:
        is_own = document.account is self._account
        expected = self._pack_seconds + (0.0 if is_own else self._read_seconds)
        error: StoreError | None = Unavailable("OutOfTime", detail="no time was left to pack the account")
        if expected <= self._deadline.left() / PART_OF_REST:
            began = self._deadline.clock()
            body = document.pack()
            packed = self._deadline.clock()
            if is_own:
                self._pack_seconds = packed - began
                self._next_part = packed + PART_OF_TIME * self._pack_seconds
            error = await quietly(self._folder.put(name, body))
        if error is not None:
            self._failed("account.store_failed", error, object=name)
        return error

    async def _stored(self, work: Awaitable[None]) -> StoreError | None:
        error = await quietly(work)
        if error is not None:
            self._failed("records.store_failed", error, lines=self._writer.buffered)
        return error

    def _failed(self, event: str, error: StoreError, **fields: str | int) -> None:
        self._log.error(
            event, code=error.code, status=error.status, cos_request_id=error.request_id, part=self.name, **fields
        )

    def _warn_of_lost_records(self) -> None:
        if self._writer.lost or self._writer.buffered:
            self._log.error("records.lost", part=self.name, lines=self._writer.lost + self._writer.buffered)

    # In the background

    async def _flush_when_due(self) -> None:
        while True:
            await self._sleep(FLUSH_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Store the records so far, and the part if it changed and its turn has come."""
        await self._stored(self._writer.flush())
        if self._is_counted and self._is_dirty and self._deadline.clock() >= self._next_part:
            await self._put_part()

    async def _store_when_full(self) -> None:
        while True:
            await self._writer.full.wait()
            self._writer.full.clear()
            await self._stored(self._writer.store_waiting())

    async def _begin(self) -> None:
        """The first run of a chain says that it begins."""
        entry = history.beginning(self._identity.run_id, self._facts)
        error = await quietly(history.put(self._folder, entry))
        if error is not None:
            self._failed("history.store_failed", error)

    async def _complete_others(self) -> None:
        """Look for chains that ended without a report."""
        try:
            self.completed += await self._completion.complete_others(self._identity.run_id, self._chain_max)
        except StoreError as exc:
            self._failed("history.read_failed", exc)


def _bucket(text: str) -> Bucket | None:
    name, at, region = text.partition("@")
    return Bucket(name, region) if at else None


def _warning(given: Mapping[str, Any]) -> dict[str, Any]:
    """A warning of a report, or a failure of the chain: short texts and numbers."""
    return {
        name: value[:MAX_TEXT] if isinstance(value, str) else value
        for name, value in given.items()
        if isinstance(value, (str, int, float, bool))
    }
