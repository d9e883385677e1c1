"""
A report prefix in memory, and the runs of a made-up chain that write to it.
"""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.errors import CosRejected, StoreError
from cos_sweeper.core.model import ListedUpload, PartsSeen, Upload
from cos_sweeper.core.outcomes import Aborted, AlreadyGone, Failed, Kept, Outcome, WouldAbort
from cos_sweeper.core.plan import Plan
from cos_sweeper.core.redaction import Redactor
from cos_sweeper.core.report import Report
from cos_sweeper.core.report_builder import ReportBuilder
from cos_sweeper.core.run_facts import SWEEP, RunFacts
from cos_sweeper.report.completion import Completion
from cos_sweeper.report.log import Log
from cos_sweeper.report.run_recorder import Identity, RunRecorder
from tests.fixtures import NOW, PHOTOS, FakeClock

RUN_ID = "20261122T120000Z-0a1b2c3d"
SETTINGS = {
    "min_age_hours": 168,
    "min_idle_hours": 72,
    "buckets": "*",
    "prefixes": [],
    "exclude_prefixes": [],
    "max_aborts": None,
    "verify": "recent",
    "record_keys": "plain",
}
FACTS = RunFacts(SWEEP, dry_run=False, began=NOW, as_of=NOW, settings=SETTINGS)
OLD = NOW - timedelta(days=30)


@dataclass(slots=True)
class MemoryFolder:
    """before: a hook into each request, which may raise; requests: what was asked, in order."""

    objects: dict[str, bytes] = field(default_factory=dict)
    before: Callable[[str, str], None] = lambda _operation, _name: None
    requests: list[tuple[str, str]] = field(default_factory=list)

    async def _arrive(self, operation: str, name: str) -> None:
        await asyncio.sleep(0)
        self.requests.append((operation, name))
        self.before(operation, name)

    async def put(self, name: str, body: bytes) -> None:
        await self._arrive("put", name)
        self.objects[name] = body

    async def get(self, name: str) -> bytes | None:
        await self._arrive("get", name)
        return self.objects.get(name)

    async def names(self, prefix: str, after: str = "", pages: int = 1000) -> list[str]:
        await self._arrive("names", prefix)
        return sorted(name for name in self.objects if name.startswith(prefix) and name > after)[: 1000 * pages]

    def json(self, name: str) -> Any:
        return json.loads(self.objects[name])

    def refuse(self, *parts: str) -> None:
        """Refuse to store what has one of these in its name."""

        def refuse(operation: str, name: str) -> None:
            if operation == "put" and any(part in name for part in parts):
                raise CosRejected("AccessDenied", 403)

        self.before = refuse


@dataclass(slots=True)
class Room:
    """Where runs record: a folder, a log, a clock that only the test moves, and a wall clock."""

    folder: MemoryFolder = field(default_factory=MemoryFolder)
    clock: FakeClock = field(default_factory=FakeClock)
    now: datetime = NOW
    lines: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 900.0
    deliveries: Iterable[int] = field(default_factory=itertools.count)

    @property
    def log(self) -> Log:
        return Log(lambda line: self.lines.append(json.loads(line)), Redactor([]))

    def events(self) -> list[str]:
        return [line["event"] for line in self.lines]

    def completion(self) -> Completion:
        return Completion(
            self.folder,
            self.log,
            left=lambda: self.seconds - self.clock.now,
            now=lambda: self.now,
            render=lambda report: f"<p>{report['run_id']}".encode(),
        )

    def recorder(self, identity: Identity | None = None, facts: RunFacts = FACTS, **more: Any) -> RunRecorder:
        """A recorder whose background work waits until the test ends it. identity: of the first run usually."""
        return RunRecorder(
            self.folder,
            self.log,
            identity or self.identity(),
            facts,
            Deadline(self.clock, self.seconds, self.seconds, self.seconds),
            **{
                "clean": str,
                "redacted": Report.as_json,
                "completion": self.completion(),
                "now": lambda: self.now,
                "sleep": forever,
                **more,
            },
        )

    def identity(
        self, works: tuple[str, ...] = ("0",), number: int = 1, before: str = "", shard: str = "1/1"
    ) -> Identity:
        delivery = f"{next(iter(self.deliveries)):08x}"
        return Identity(RUN_ID, works, shard, number, delivery, before)


async def forever(_: float) -> None:
    await asyncio.Event().wait()


def listed(number: int, key: str = "") -> ListedUpload:
    return ListedUpload(
        Upload(PHOTOS, key or f"raw/{number % 3}/{number}", f"id-{number}"),
        OLD,
        "qcs::cam::uin/100000000001:uin/100000000011",
        storage_class="STANDARD",
    )


def outcome(kind: str, one: ListedUpload, size: int = 5) -> Outcome:
    """An outcome by its name in the account: freed, left, failed, kept or gone."""
    upload, seen = one.upload, PartsSeen(size, 1, OLD)
    made: Mapping[str, Outcome] = {
        "freed": Aborted(upload, size, "request", seen=seen),
        "left": WouldAbort(upload, size, seen),
        "failed": Failed(upload, "AccessDenied", 403, "request", permanent=True, seen=seen),
        "kept": Kept(upload, "a part arrived recently", seen),
        "gone": AlreadyGone(upload),
    }
    return made[kind]


def report(outcomes: Iterable[Outcome] = (), **fields: Any) -> Report:
    """The report of a run with these outcomes."""
    plan = Plan(RUN_ID, NOW, dry_run=False, limit=None, workers=1, targets=(), listings=(), rejected=())
    builder = ReportBuilder(plan)
    for one in outcomes:
        builder.add(one)
    return replace(builder.build(), **fields)


async def tell(recorder: RunRecorder, outcomes: Iterable[tuple[str, int, int]]) -> list[Outcome]:
    """Intend, record and count uploads: the kind, the number and the size of each. Returns the outcomes."""
    made = [(listed(number), outcome(kind, listed(number), size)) for kind, number, size in outcomes]
    await recorder.intend([one for one, _ in made])
    for one, what in made:
        recorder.record(one, what)
        recorder.count(one, what)
    return [what for _, what in made]


def run(work: Awaitable[Any]) -> Any:
    async def main() -> Any:
        return await work

    return asyncio.run(main())


def fails(error: StoreError) -> Callable[[str, str], None]:
    def fail(_operation: str, _name: str) -> None:
        raise error

    return fail


def children_of(work: str, count: int) -> tuple[str, ...]:
    """The works into which a work is split."""
    return tuple(f"{work}.{index}" for index in range(count))
