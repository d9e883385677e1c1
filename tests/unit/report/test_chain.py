"""
The account of a chain is the sum of its uploads, whatever was continued, split, killed and delivered twice.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cos_sweeper.report import chain
from cos_sweeper.report.chain import ChainReader
from cos_sweeper.report.documents import Document, unpack
from tests.fixtures import HOUR, NOW
from tests.profiles import examples
from tests.schema import problems
from tests.unit.report.folders import FACTS, RUN_ID, Room, children_of, report, run, tell

GROUPS = ("freed", "left", "failed", "kept")
Uploads = list[tuple[str, int, int]]


@dataclass(slots=True)
class Made:
    """A run that was played: what it counted, the runs of its work before it, and how it ended."""

    uploads: Uploads
    earlier: list["Made"] = field(default_factory=list)
    children: tuple[str, ...] = ()

    @property
    def line(self) -> list["Made"]:
        return [*self.earlier, self]


class Story:
    """Plays a chain, one run after the other, as hypothesis draws it. ends: of each work, the last one that stands."""

    def __init__(self, draw: Callable[[Any], Any]) -> None:
        self.room = Room()
        self.draw = draw
        self.runs: list[Made] = []
        self.ends: dict[str, Made] = {}
        self.reports: list[dict[str, Any]] = []
        self.left = 12

    async def play(
        self, works: tuple[str, ...] = ("0",), number: int = 1, before: str = "", earlier: Sequence[Made] = ()
    ) -> None:
        """One checkpoint: perhaps killed and repeated, then continued, split or ended; perhaps all of that twice."""
        self.left -= 1
        fates = ["end"] if self.left <= 0 else ["end", "kill", "continue", "continue", "split", "twice"]
        fate = self.draw(st.sampled_from(fates))
        if fate == "twice":
            await self.play(works, number, before, earlier)
        uploads = self.draw(st.lists(st.tuples(st.sampled_from(GROUPS), st.integers(0, 9)), max_size=4))
        numbered = [(kind, len(self.runs) * 100 + place, size) for place, (kind, size) in enumerate(uploads)]
        made = Made(numbered, list(earlier))
        self.runs.append(made)
        identity = self.room.identity(works, number, before)
        async with self.room.recorder(identity) as recorder:
            await tell(recorder, numbered)
            if fate in ("kill", "twice"):
                await recorder.flush()
            elif fate == "continue":
                await recorder.save(report(), works)
                assert await recorder.finish(report(continuations=1)) is None
            elif fate == "split":
                count = self.draw(st.integers(2, 3))
                made.children = children_of(works[0], count)
                await recorder.save(report(), made.children)
                assert await recorder.finish(report(continuations=count)) is None
                self._ended(works, made)
            else:
                self.reports.append(await recorder.finish(report()) or {})
                self._ended(works, made)
        if fate in ("kill", "twice"):
            await self.play(works, number, before, earlier)
        elif fate == "continue":
            await self.play(works, number + 1, identity.name, made.line)
        elif fate == "split":
            children: list[tuple[str, ...]] = [(child,) for child in made.children]
            if self.draw(st.booleans()):
                # What SCF did not accept one by one was packed together.
                children = [*children[:-2], (*children[-2], *children[-1])]
            for child in children:
                await self.play(child, number + 1)

    def _ended(self, works: tuple[str, ...], made: Made) -> None:
        self.ends.update(dict.fromkeys(works, made))

    def expected(self) -> dict[str, Counter[str]]:
        """The sums, from the uploads themselves: freed of every run, the rest of one line for each work."""
        counted: list[Made] = []
        works = ["0"]
        while works:
            end = self.ends[works.pop()]
            works += end.children
            counted += [made for made in end.line if not any(made is one for one in counted)]
        sums = {group: Counter[str]() for group in GROUPS}
        for made in self.runs:
            for kind, _, size in made.uploads:
                if kind == "freed" or any(made is one for one in counted):
                    sums[kind].update(uploads=1, bytes=size)
        return sums


def sums_of(report_json: dict[str, Any]) -> dict[str, Counter[str]]:
    totals = report_json["totals"]
    return {group: +Counter({name: totals[group][name] for name in ("uploads", "bytes")}) for group in GROUPS}


@settings(max_examples=examples(40))
@given(data=st.data())
def test_account_of_a_chain_is_the_sum_of_its_uploads(data: st.DataObject) -> None:
    story = Story(data.draw)

    async def play() -> dict[str, Any] | None:
        await story.play()
        return await story.room.completion().complete(RUN_ID, is_over=True)

    again = asyncio.run(play())

    last = story.reports[-1]
    assert problems(last) == []
    assert last["shards"]["missing"] == []
    assert sums_of(last) == {group: +counted for group, counted in story.expected().items()}
    assert again is not None
    assert sums_of(again) == sums_of(last)
    lines = sum(one["lines"] for one in last["records"])
    assert lines == sum(len(made.uploads) for made in story.runs)


def chain_of(room: Room, number: int) -> list[str]:
    """A work of so many runs that only continued. Returns their names."""

    async def play() -> list[str]:
        names = [""]
        for index in range(number):
            identity = room.identity(number=index + 1, before=names[-1])
            async with room.recorder(identity) as recorder:
                await tell(recorder, [("freed", index, 10), ("kept", 100 + index, 1)])
                await recorder.save(report(), ("0",))
                await recorder.finish(report(continuations=1))
            names.append(identity.name)
        return names[1:]

    names: list[str] = run(play())
    return names


@pytest.mark.parametrize("without", [(), ("totals",)], ids=["from totals", "from parts"])
def test_line_of_runs_is_read_from_its_last_totals_or_from_the_parts(without: tuple[str, ...]) -> None:
    room = Room()
    names = chain_of(room, 3)
    room.folder.objects = {
        name: body for name, body in room.folder.objects.items() if not any(part in name for part in without)
    }

    line = run(ChainReader(room.folder, RUN_ID).line(names[-1]))

    assert (line.lineage, line.before) == (names[::-1], "")
    assert line.summary.runs == 3
    assert line.account.as_json(line.head.facts.policy)["totals"]["freed"]["bytes"] == 30


def test_work_without_an_end_is_missing_and_what_it_freed_counts() -> None:
    room = Room()
    chain_of(room, 2)

    report_json = run(room.completion().complete(RUN_ID))

    assert report_json["shards"] == {"count": 1, "finished": 0, "missing": ["1/1"]}
    assert report_json["status"] == "partial"
    assert sums_of(report_json) == {"freed": Counter(uploads=2, bytes=20)} | {group: Counter() for group in GROUPS[1:]}


def test_chain_that_is_over_counts_a_work_without_an_end_as_far_as_it_came() -> None:
    room = Room()
    chain_of(room, 2)

    report_json = run(room.completion().complete(RUN_ID, is_over=True))

    assert report_json["totals"]["kept"]["bytes"] == 2
    assert report_json["totals"]["freed"]["bytes"] == 20
    assert report_json["shards"]["missing"] == ["1/1"]
    assert "PartMissing" in {one["code"] for one in report_json["warnings"]}


def test_shard_that_died_is_named_until_it_ends() -> None:
    room = Room()

    async def play() -> list[Any]:
        works = children_of("0", 4)
        async with room.recorder() as first:
            await first.save(report(), works)
            await first.finish(report(continuations=4))
        reports = []
        for index in (0, 2, 3, 1):
            identity = room.identity((works[index],), 2, shard=f"{index + 1}/4")
            async with room.recorder(identity) as recorder:
                await tell(recorder, [("freed", index, 1)])
                reports.append(await recorder.finish(report()))
            entries.append(room.folder.json(f"history/{RUN_ID}.json")["status"])
        return reports

    entries: list[str] = []
    reports = run(play())

    assert [one["shards"]["missing"] for one in reports] == [["2/4", "3/4", "4/4"], ["2/4", "4/4"], ["2/4"], []]
    assert [one["totals"]["freed"]["bytes"] for one in reports] == [1, 2, 3, 4]
    assert [one["status"] for one in reports] == ["partial"] * 3 + ["complete"]
    # Until then the next sweep may have to complete it.
    assert entries == ["running"] * 3 + ["complete"]
    assert room.folder.json(f"{RUN_ID}/report.json") == reports[-1]


def test_shard_whose_pack_was_overtaken_is_missing_rather_than_counted_twice() -> None:
    room = Room()

    async def play() -> Any:
        async with room.recorder() as first:
            await first.save(report(), ("0.0", "0.1"))
            await first.finish(report(continuations=2))
        async with room.recorder(room.identity(("0.0", "0.1"), 2, shard="1,2/2")) as both:
            await tell(both, [("kept", 1, 5), ("freed", 2, 7)])
            await both.finish(report())
        async with room.recorder(room.identity(("0.0",), 2, shard="1/2")) as one:
            await tell(one, [("kept", 1, 5)])
            return await one.finish(report())

    report_json = run(play())

    assert report_json["shards"]["missing"] == ["2/2"]
    assert report_json["totals"]["kept"]["uploads"] == 1
    assert report_json["totals"]["freed"]["bytes"] == 7


@pytest.mark.parametrize(
    "spoil", [lambda body: body[:-5], lambda _: b"{}", lambda _: b""], ids=["cut", "other", "empty"]
)
def test_damaged_account_is_missing_and_logged(spoil: Callable[[bytes], bytes]) -> None:
    room = Room()

    async def play() -> Any:
        async with room.recorder() as recorder:
            await tell(recorder, [("freed", 1, 5)])
            await recorder.finish(report())
        name = chain.end_object(RUN_ID, "0")
        room.folder.objects[name] = spoil(room.folder.objects[name])
        return await room.completion().complete(RUN_ID)

    report_json = run(play())

    assert report_json["shards"]["missing"] == ["1/1"]
    assert report_json["totals"]["freed"]["bytes"] == 5
    assert "report.object_unreadable" in room.events()


def test_document_is_read_as_it_was_written_and_has_the_same_bytes() -> None:
    room = Room()
    (name,) = chain_of(room, 1)
    body = room.folder.objects[chain.totals_object(RUN_ID, name)]

    document = unpack(body)

    assert isinstance(document, Document)
    assert document.pack() == body


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (["complete", "complete"], "complete"),
        (["complete", "rejected"], "rejected"),
        (["complete", "partial"], "partial"),
        (["failed", "partial"], "failed"),
    ],
    ids=str,
)
def test_status_of_a_chain_is_that_of_its_worst_work(statuses: Sequence[str], expected: str) -> None:
    room = Room()
    fields: dict[str, dict[str, Any]] = {
        "complete": {},
        "rejected": {"rejected": 1},
        "partial": {"stopped_because": "out of time"},
        "failed": {"permanent": 1},
    }

    async def play() -> Any:
        works = children_of("0", len(statuses))
        async with room.recorder() as first:
            await first.save(report(), works)
            await first.finish(report(continuations=len(works)))
        for work, status in zip(works, statuses, strict=True):
            async with room.recorder(room.identity((work,), 2)) as recorder:
                last = await recorder.finish(report(**fields[status]))
        return last

    assert run(play())["status"] == expected


def test_account_of_an_earlier_run_that_is_gone_is_reported() -> None:
    room = Room()
    first, second = chain_of(room, 2)
    lost = [name for name in room.folder.objects if first in name and "/uploads/" not in name]
    # The second run could not read what the first one had counted.
    del room.folder.objects[chain.totals_object(RUN_ID, second)]
    for name in lost:
        del room.folder.objects[name]

    async def play() -> Any:
        third = room.identity(number=3, before=second)
        async with room.recorder(third) as recorder:
            await recorder.save(report(), ("0",))
            await recorder.finish(report(continuations=1))
        async with room.recorder(room.identity(number=4, before=third.name)) as recorder:
            return await recorder.finish(report())

    report_json = run(play())

    assert report_json["totals"]["freed"]["bytes"] == 10
    assert report_json["status"] == "partial"
    assert [one["code"] for one in report_json["warnings"]] == ["AccountLost"]


def test_run_that_nobody_continues_after_it_was_split_writes_the_report() -> None:
    room = Room()

    async def play() -> Any:
        async with room.recorder() as first:
            await tell(first, [("freed", 1, 5)])
            await first.save(report(), children_of("0", 2))
            return await first.finish(report(permanent=1, must_raise=True))

    report_json = run(play())

    assert (report_json["status"], report_json["totals"]["freed"]["bytes"]) == ("failed", 5)
    assert len(report_json["warnings"]) == 1


def test_report_has_the_earliest_moment_from_which_a_run_measured() -> None:
    room = Room()

    async def play() -> Any:
        async with room.recorder() as first:
            await first.save(report(), ("0.0", "0.1"))
            await first.finish(report(continuations=2))
        for hours, work in ((1, "0.0"), (0, "0.1")):
            facts = replace(FACTS, as_of=NOW - hours * HOUR)
            async with room.recorder(room.identity((work,), 2), facts) as recorder:
                last = await recorder.finish(report())
        return last

    assert run(play())["as_of"] == (NOW - HOUR).isoformat()


def test_end_that_appears_while_the_report_is_written_is_merged() -> None:
    room = Room()

    held: dict[str, bytes] = {}

    def appear(operation: str, name: str) -> None:
        if operation == "put" and name.endswith("report.json"):
            room.folder.objects.update(held)

    async def shard(work: str) -> Any:
        async with room.recorder(room.identity((work,), 2)) as recorder:
            await tell(recorder, [("freed", int(work[-1]), 5)])
            return await recorder.finish(report())

    async def play() -> Any:
        async with room.recorder() as first:
            await first.save(report(), children_of("0", 2))
            await first.finish(report(continuations=2))
        await shard("0.0")
        end = chain.end_object(RUN_ID, "0.0")
        held[end] = room.folder.objects.pop(end)
        room.folder.before = appear
        return await shard("0.1")

    report_json = run(play())

    assert (report_json["shards"]["missing"], report_json["totals"]["freed"]["bytes"]) == ([], 10)
    assert room.folder.json(f"{RUN_ID}/report.json") == report_json


@pytest.mark.parametrize("is_pair", [False, True], ids=["itself", "each_other"])
def test_totals_that_name_themselves_as_their_predecessor_are_read_once(*, is_pair: bool) -> None:
    room = Room()
    first, second = chain_of(room, 2)
    before = {first: second, second: first} if is_pair else {second: second}
    for name, other in before.items():
        key = chain.totals_object(RUN_ID, name)
        document = unpack(room.folder.objects[key])
        head = replace(document.head, lineage=("1-of-1.0.run-9.ee",), before=other)
        room.folder.objects[key] = Document(head, document.account).pack()
    room.folder.requests.clear()

    def hurry() -> None:
        assert len(room.folder.requests) < 20

    line = run(chain.ChainReader(room.folder, RUN_ID, hurry).line(second))

    assert line.before in before
