"""
Honesty of the records and the account: what the buckets lost stands there, whatever is killed and delivered twice.
"""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.plan import Plan
from cos_sweeper.core.redaction import Redactor
from cos_sweeper.core.report import Report
from cos_sweeper.core.run_facts import SWEEP, RunFacts
from cos_sweeper.engine import continuation
from cos_sweeper.report.completion import Completion
from cos_sweeper.report.log import Log
from cos_sweeper.report.record_writer import unpacked
from cos_sweeper.report.run_recorder import Identity, RunRecorder
from tests.emulator.public import MemoryStore
from tests.fixtures import BUCKETS, NOW, aborting_settings
from tests.profiles import examples
from tests.scf_in_memory import Killed, MemoryScf, Ticking
from tests.unit.report.folders import MemoryFolder, forever

RUN_ID = "run-0"


@dataclass(slots=True)
class RecordedScf(MemoryScf):
    """Every run records into one folder. flushes: after so many requests the records are flushed."""

    folder: MemoryFolder = field(default_factory=MemoryFolder)
    log: Log = field(default_factory=lambda: Log(lambda _: None, Redactor(())))

    def completion(self) -> Completion:
        return Completion(self.folder, self.log, left=lambda: 60.0, now=lambda: NOW, render=lambda _: b"")

    async def _do(self, made: Plan, store: Ticking, deadline: Deadline) -> Report:
        works = made.works
        identity = Identity(made.run_id, works, str(made.shard), made.number, f"{self.runs:08x}", made.predecessor)
        limits = {"min_age_hours": 72, "min_idle_hours": 24}
        facts = RunFacts(SWEEP, made.dry_run, NOW, made.as_of, limits)
        recorder = RunRecorder(
            self.folder,
            self.log,
            identity,
            facts,
            deadline,
            clean=str,
            redacted=Report.as_json,
            completion=self.completion(),
            now=lambda: NOW,
            sleep=forever,
        )
        async with recorder:
            report = await continuation.run(
                made,
                store,  # type: ignore[arg-type]
                deadline,
                self.log,
                self,
                fan_out=self.settings.fan_out,
                now=NOW,
                recorder=recorder,
            )
            await recorder.finish(report)
            return report

    def _run(self, made: Plan) -> bool:
        self.runs += 1
        assert self.runs < 5000, "a chain goes on for ever"
        store = Ticking(MemoryStore(self.account, lambda: NOW, self.page_size), dies_at=self.dies_at(self.runs))
        ends = [seconds / 1000 for seconds in (self.seconds, self.seconds + 50, self.seconds + 60)]
        deadline = Deadline(lambda: store.ticks / 1000, *ends)
        try:
            self.reports.append(asyncio.run(self._do(made, store, deadline)))
        except Killed:
            return False
        return True

    def report(self) -> dict[str, Any] | None:
        return asyncio.run(self.completion().complete(RUN_ID, is_over=True))

    def lines(self) -> list[dict[str, Any]]:
        names = [name for name in self.folder.objects if "/uploads/" in name]
        return [json.loads(line) for name in names for line in unpacked(self.folder.objects[name])]


@settings(max_examples=examples(40))
@given(data=st.data())
def test_everything_that_was_aborted_is_recorded_and_what_was_not_cut_off_is_counted(data: st.DataObject) -> None:
    deaths = data.draw(st.dictionaries(st.integers(1, 6), st.integers(1, 25), max_size=3))
    twice = data.draw(st.sets(st.integers(1, 6), max_size=2))
    scf = RecordedScf(
        aborting_settings(BUCKETS, workers=data.draw(st.integers(1, 4)), fan_out=data.draw(st.integers(1, 3))),
        seconds=data.draw(st.sampled_from([8, 30, 1000])),
        dies_at=deaths.get,
        deliver=lambda number: 1 + (number in twice),
    )
    for number in range(data.draw(st.integers(0, 4))):
        idle, parts = data.draw(st.sampled_from([100, 1])), data.draw(st.integers(0, 3))
        scf.seed(f"{number}/{{n}}", data.draw(st.integers(1, 6)), idle=idle, bucket=number % 2, parts=parts)
    before = {one.upload_id: one.parts.bytes for bucket in scf.account.buckets.values() for one in bucket.uploads}

    scf.fire()
    report_json = scf.report()

    gone = before.keys() - scf.held()
    lines = scf.lines()
    aborted = {line["upload_id"] for line in lines if line["outcome"] == "aborted"}
    assert gone <= {line["upload_id"] for line in lines}
    assert aborted <= gone
    if report_json is None:
        # Every attempt died before its first intents.
        assert deaths
        assert not gone
        return
    freed = report_json["totals"]["freed"]
    if not deaths:
        assert aborted == gone
    # Of a run that was killed the intents say what else it may have aborted.
    assert (freed["uploads"], freed["bytes"]) == (len(aborted), sum(before[one] for one in aborted))
    if not deaths and not twice:
        found, kept = report_json["totals"]["found"], report_json["totals"]["kept"]
        assert found["uploads"] + kept["uploads"] == len(before)
        assert report_json["shards"]["missing"] == []
