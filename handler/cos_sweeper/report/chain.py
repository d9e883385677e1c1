"""
The account of a chain out of what its runs stored: names, lines of runs, and the merge.

A chain is a tree of works. A work is done by a line of runs, one after the other, each of which knows its predecessor;
it ends, or it is split into works that start from nothing. The end of a work holds all that its line counted. So the
account of a chain is the sum of its ends, which are found by walking down from the first work, without listing.

A run that SCF repeats, delivers twice or kills may leave a part that no end counts. What it found another run finds
again; what it freed cannot be found again. The invariant of the merge: what was freed counts from every delivery,
everything else from one line of runs for each work. Where an end is missing the sums are a lower bound.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime

from cos_sweeper.core.account import Account
from cos_sweeper.core.run_facts import RunFacts
from cos_sweeper.report import recorded_later
from cos_sweeper.report.documents import (
    FAILED,
    NAME,
    SPLIT,
    Document,
    DocumentUnreadable,
    Head,
    Summary,
    unpack,
)
from cos_sweeper.report.record_writer import StoredRecords, unpacked
from cos_sweeper.report.report_folder import Source

FIRST_WORK = "0"
# Objects that are read at the same time. They are unpacked one by one: an account may take 20 MB.
AT_A_TIME = 8
# Runs of a line; a chain has no more.
MAX_RUNS = 1000
# Works of a chain that are split off at a time.
MAX_WORKS = 2000


# Names


def run_name(shard: str, work: str, number: int, delivery: str) -> str:
    """The name of a run, unique in its chain. shard: such as `2/4`."""
    return f"{shard.replace('/', '-of-').replace(',', '+')}.{work}.run-{number}.{delivery}"


def part_object(run_id: str, name: str) -> str:
    """Where a run stores what it counted itself."""
    return f"{run_id}/parts/{name}.json.gz"


def totals_object(run_id: str, name: str) -> str:
    """Where a run stores what its line counted up to the hand-over."""
    return f"{run_id}/totals/{name}.json.gz"


def end_object(run_id: str, work: str) -> str:
    """Where the end of a work is stored."""
    return f"{run_id}/ends/{work}.json.gz"


# Lines of runs


@dataclass(slots=True)
class Line:
    """
    What a line of runs counted, as far as it could be read.

    head: of its last run. lineage: the runs that are counted. before: the run from which on nothing could be read, ''
    where everything was.
    """

    head: Head | None = None
    account: Account = field(default_factory=Account)
    lineage: list[str] = field(default_factory=list)
    records: list[StoredRecords] = field(default_factory=list)
    summary: Summary = field(default_factory=Summary)
    before: str = ""

    def add_earlier(self, document: Document, counted: Sequence[str]) -> None:
        """Add what earlier runs of the line counted."""
        head = document.head
        self.account.merge(document.account)
        self.lineage += counted
        self.records += head.records
        self.summary = self.summary.after(head.summary) if self.head else head.summary
        self.head = self.head or head


class ChainReader:
    """
    Reads the documents of one chain. hurry: raises when there is no time for another one.

    unreadable: names of objects that are damaged or of another version; they count as missing.
    """

    def __init__(self, source: Source, run_id: str, hurry: Callable[[], None] = lambda: None) -> None:
        self.source = source
        self.run_id = run_id
        self.unreadable: list[str] = []
        self._hurry = hurry

    async def line(self, name: str) -> Line:
        """The line of runs that ends with this run: its totals, or else its part and the line before it."""
        line, visited = Line(), set[str]()
        # Every run once, and no more than a chain has, whatever the objects say.
        while name and name not in visited and name not in line.lineage and len(visited) < MAX_RUNS:
            visited.add(name)
            totals = await self.document(totals_object(self.run_id, name))
            if totals is not None:
                line.add_earlier(totals, totals.head.lineage)
                name = totals.head.before
                continue
            part = await self.document(part_object(self.run_id, name))
            if part is None:
                break
            line.add_earlier(part, (name,))
            line.records += await self.add_recorded_later(line.account, part.head)
            name = part.head.predecessor
        line.before = name
        return line

    async def document(self, name: str) -> Document | None:
        """One document, None where there is none or it cannot be read."""
        self._hurry()
        return self._unpacked(name, await self.source.get(name))

    async def documents(self, names: Sequence[str]) -> AsyncGenerator[tuple[str, Document | None], None]:
        """Several documents, in their order, each with its name."""
        for start in range(0, len(names), AT_A_TIME):
            some = names[start : start + AT_A_TIME]
            bodies = await asyncio.gather(*(self.source.get(name) for name in some))
            for name, body in zip(some, bodies, strict=True):
                self._hurry()
                yield name, self._unpacked(name, body)

    async def add_recorded_later(self, account: Account, head: Head) -> list[StoredRecords]:
        """Add what a run freed and its part does not count. Returns the objects that the part does not know."""
        try:
            return await recorded_later.add(account, head, self._lines)
        except ValueError:
            self.unreadable.append(f"{self.run_id}/uploads/{head.name}")
            return []

    async def _lines(self, name: str) -> Iterable[bytes] | None:
        self._hurry()
        body = await self.source.get(f"{self.run_id}/{name}")
        return None if body is None else unpacked(body)

    async def part_names(self) -> list[str]:
        """The names of all runs that stored a part."""
        start = part_object(self.run_id, "").removesuffix(".json.gz")
        names = await self.source.names(start)
        return [name.removeprefix(start).removesuffix(".json.gz") for name in names]

    async def ended_works(self) -> set[str]:
        """The works that have an end."""
        start = end_object(self.run_id, "").removesuffix(".json.gz")
        return {name.removeprefix(start).removesuffix(".json.gz") for name in await self.source.names(start)}

    def _unpacked(self, name: str, body: bytes | None) -> Document | None:
        if body is None:
            return None
        try:
            return unpack(body)
        except DocumentUnreadable:
            self.unreadable.append(name)
            return None


# The merge


@dataclass(slots=True)
class Merged:
    """
    The account of a chain.

    ends: the heads of the works that ended, by work; looked_at: all works whose end is stored. missing: works without
    an end; lines: the heads of the last runs that were found for them. lost: runs whose account, or that of a run
    before them, could not be read. lineage: the runs that are counted; strays: runs of which only what they freed is
    counted. labels: the shard of each run that stored something, by its work. summaries: of each line, and whether its
    work was split. at: when the newest of all this was written.
    """

    run_id: str
    account: Account = field(default_factory=Account)
    ends: dict[str, Head] = field(default_factory=dict)
    looked_at: set[str] = field(default_factory=set)
    missing: list[str] = field(default_factory=list)
    lines: dict[str, Head] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    lineage: set[str] = field(default_factory=set)
    strays: list[str] = field(default_factory=list)
    records: list[StoredRecords] = field(default_factory=list)
    summaries: list[tuple[Summary, bool]] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    facts: RunFacts | None = None
    at: datetime | None = None

    def add(self, line: Line) -> None:
        """Add a line of runs whose last run is the last of its work."""
        if line.head is None:
            return
        self.account.merge(line.account)
        self.lineage |= {*line.lineage}
        self.records += line.records
        self.summaries.append((line.summary, line.head.status == SPLIT))
        self.lost += [line.before] if line.before else []
        self.know(line.head)

    def know(self, head: Head) -> None:
        """Learn from a head under which facts the chain judged: later runs only lower `as_of`."""
        if self.facts is None:
            self.facts = head.facts
        elif head.facts.as_of < self.facts.as_of:
            self.facts = replace(self.facts, as_of=head.facts.as_of)
        self.at = max(self.at or head.at, head.at)
        indexes, _, count = head.shard.partition("/")
        own = indexes.split(",")
        if len(own) == len(head.works):
            # Shards that were packed together: one work for each of them, in the same order.
            self.labels.update({work: f"{index}/{count}" for work, index in zip(head.works, own, strict=True)})
        else:
            self.labels.update(dict.fromkeys(head.works, head.shard))


async def merge(reader: ChainReader, *, is_over: bool = False) -> Merged:
    """
    Merge what a chain has stored so far.

    is_over: nothing of the chain is running any more, so a work without an end is counted as far as its runs came.
    """
    merged = Merged(reader.run_id)
    await _add_ends(reader, merged)
    names = await reader.part_names()
    _label(merged, names)
    if is_over:
        await _add_unended(reader, merged, names)
    await _add_strays(reader, merged, names)
    merged.missing.sort(key=_numbers)
    return merged


async def _add_ends(reader: ChainReader, merged: Merged) -> None:
    works: Sequence[str] = (FIRST_WORK,)
    while works:
        by_name = {end_object(reader.run_id, work): work for work in works}
        children: list[str] = []
        async with aclosing(reader.documents(list(by_name))) as documents:
            async for name, document in documents:
                if document is not None or name in reader.unreadable:
                    merged.looked_at.add(by_name[name])
                if document is None:
                    merged.missing.append(by_name[name])
                    continue
                merged.ends[by_name[name]] = document.head
                children += document.head.children
                if not document.head.same_as:
                    await _add_end(reader, merged, document)
        # Every work once, whatever an end says.
        works = [work for work in dict.fromkeys(children) if work not in merged.looked_at][:MAX_WORKS]
    for work, head in list(merged.ends.items()):
        # The end of the other work may be that of another delivery, which did not do this work.
        other = merged.ends.get(head.same_as)
        if head.same_as and (other is None or other.name != head.name):
            del merged.ends[work]
            merged.missing.append(work)


async def _add_end(reader: ChainReader, merged: Merged, end: Document) -> None:
    line = Line()
    line.add_earlier(end, end.head.lineage)
    if end.head.before:
        earlier = await reader.line(end.head.before)
        if earlier.head is not None:
            line.add_earlier(Document(_total_head(earlier), earlier.account), earlier.lineage)
        line.before = earlier.before
    merged.add(line)


async def _add_unended(reader: ChainReader, merged: Merged, names: Sequence[str]) -> None:
    """Count works without an end, each by the line of its newest run."""
    for work in merged.missing:
        if any(work in head.works for head in merged.lines.values()):
            continue
        numbered = [(int(match["number"]), name) for name in names if (match := _of_work(name, work))]
        newest = [name for number, name in numbered if number == max(numbered)[0]]
        lines = [line for line in [await reader.line(name) for name in newest] if line.head is not None]
        if lines:
            # A run that was delivered twice: the part that was written last belongs to the one that came further.
            last = max(lines, key=lambda line: (line.head.at, line.head.name) if line.head else ())
            merged.add(last)
            if last.head is not None:
                merged.lines[work] = last.head


async def _add_strays(reader: ChainReader, merged: Merged, names: Sequence[str]) -> None:
    strays = [part_object(reader.run_id, name) for name in names if name not in merged.lineage]
    async with aclosing(reader.documents(strays)) as documents:
        async for _, part in documents:
            if part is not None:
                merged.account.merge(part.account.freed_since(Account()))
                merged.records += await reader.add_recorded_later(merged.account, part.head)
                merged.strays.append(part.head.name)
                merged.records += part.head.records
                merged.know(part.head)


def _total_head(line: Line) -> Head:
    """The head of a line, with what all of its runs say."""
    if line.head is None:
        raise ValueError("an empty line has no head")
    return replace(line.head, records=tuple(line.records), summary=line.summary)


def _label(merged: Merged, names: Sequence[str]) -> None:
    for name in names:
        match = NAME.fullmatch(name)
        if match:
            label = match["shard"].replace("-of-", "/").replace("+", ",")
            merged.labels.setdefault(match["work"], label)


def _of_work(name: str, work: str) -> re.Match[str] | None:
    match = NAME.fullmatch(name)
    return match if match and match["work"] == work else None


def _numbers(work: str) -> tuple[int, ...]:
    return tuple(map(int, work.split(".")))


# What the merge says


def status(merged: Merged) -> str:
    """The status of the whole chain, as one report has it."""
    # A run that split its work is partial because of that. What else it left is in the flags.
    statuses = {summary.status for summary, is_split in merged.summaries if not is_split}
    if FAILED in statuses or any(summary.has_failed for summary, _ in merged.summaries):
        return FAILED
    in_doubt = merged.missing or merged.lost or any(one.is_partial or one.not_swept for one, _ in merged.summaries)
    if in_doubt or statuses - {"complete", "rejected"}:
        return "partial"
    return "rejected" if "rejected" in statuses else "complete"


def shards(merged: Merged) -> dict[str, object]:
    """How many shards the chain has, how many of them ended, and which are missing."""
    counts = [int(label.rpartition("/")[2]) for label in merged.labels.values()]
    count = max(counts, default=1)
    if count == 1:
        return {"count": 1, "finished": int(not merged.missing), "missing": ["1/1"] if merged.missing else []}
    missing: set[int] = set()
    for work in merged.missing:
        missing |= _indexes(merged.labels.get(work, ""), count) or {_numbers(work)[1] + 1 if "." in work else 1}
    return {"count": count, "finished": count - len(missing), "missing": [f"{one}/{count}" for one in sorted(missing)]}


def _indexes(label: str, count: int) -> set[int]:
    indexes, _, of = label.partition("/")
    return {int(index) for index in indexes.split(",")} if of == str(count) else set()
