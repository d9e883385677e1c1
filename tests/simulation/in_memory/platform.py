"""
SCF in memory: events are decoded as deployed, runs die and are tried again, continuations wait in a queue.

It does what `app` does around a run, with a store in memory and the clock of the simulation.
"""

import asyncio
import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf
from unittest import mock

import pytest

from cos_sweeper.core import checkpoint, checkpoint_reader, plan, report, report_builder, settings
from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.errors import RunFailed, StoreError
from cos_sweeper.core.model import Bucket, Request, ResumeRequest
from cos_sweeper.core.outcomes import BucketFailed, Outcome
from cos_sweeper.core.plan import ListingTarget, Plan
from cos_sweeper.core.redaction import Redactor
from cos_sweeper.engine import accounting, continuation, evidence, paginator, run_state, sweep
from cos_sweeper.engine.recorder import NoRecorder
from cos_sweeper.report.log import Log
from cos_sweeper.scf import events, responses
from tests.scf_in_memory import Killed
from tests.simulation.in_memory.chain_laws import check_chain, check_limit_of_event
from tests.simulation.in_memory.chains import Chain, Expectation
from tests.simulation.in_memory.run_laws import check_run
from tests.simulation.in_memory.scene import Scene
from tests.simulation.in_memory.store import CALM, Circumstances, Run, SimulatedStore, Step
from tests.simulation.in_memory.tally import Tally
from tests.simulation.in_memory.terms import Rules, Terms

RETRIES = 2
MAX_RUNS = 1500
# SCF's limit of an asynchronous event.
MAX_BYTES = 128_000
NOT_NOW, NEVER = "ResourceLimitReached", "UnauthorizedOperation"


@dataclass(frozen=True, slots=True)
class QueuedContinuation:
    """
    A checkpoint in SCF's queue.

    as_of: of the run that wrote it; terms: by which it went on; number: of the run that it is for.
    """

    text: str
    chain: Chain
    as_of: datetime
    terms: tuple[Terms, ...]
    number: int


class Platform:
    """The function, deployed: its settings, its queue, and what is known of its chains."""

    def __init__(self, scene: Scene, tally: Tally) -> None:
        self.scene = scene
        self.tally = tally
        self.rules = Rules()
        self.queue: deque[QueuedContinuation] = deque()
        self._chains = 0

    def event(self, expectation: Expectation, circumstances: Circumstances = CALM) -> Chain:
        """Deliver an event, again while the function raises. Returns the chain of the last attempt."""
        step = Step(circumstances)
        attempts: list[Chain] = []
        for _ in range(1 + RETRIES):
            self._chains += 1
            begun = Chain(
                expectation,
                events.decode(expectation.raw).source,
                self.rules,
                self.scene.ours,
                self.scene.live.copy(),
                len(self.scene.changes),
                f"run-{self._chains}",
                roomy=circumstances.is_roomy,
            )
            attempts.append(begun)
            if self._run(json.dumps(expectation.raw), begun, None, step):
                break
        self._drain(step)
        check_limit_of_event(attempts)
        return begun

    def deliver(self, place: int, circumstances: Circumstances, times: int = 1) -> None:
        """Deliver a continuation, perhaps late or more than once."""
        step = Step(circumstances)
        item = self.queue[place]
        del self.queue[place]
        if times > 1:
            item.chain.twice = item.chain.twice or "delivered twice"
            item.chain.waiting += times - 1
        for _ in range(times):
            self._resume(item, step)
        self._drain(step)

    def lose(self, place: int) -> None:
        """Lose a continuation."""
        item = self.queue[place]
        del self.queue[place]
        item.chain.lost = item.chain.lost or "lost"
        item.chain.waiting -= 1
        self._end_of(item.chain)

    def drain(self, circumstances: Circumstances = CALM) -> None:
        """All that is in the queue arrives."""
        self._drain(Step(circumstances))

    def _drain(self, step: Step) -> None:
        while self.queue and not step.circumstances.later:
            self._resume(self.queue.popleft(), step)

    def _resume(self, item: QueuedContinuation, step: Step) -> None:
        for _ in range(1 + RETRIES):
            if self._run(item.text, item.chain, item, step):
                break
            item.chain.twice = item.chain.twice or "tried again"
        else:
            item.chain.lost = item.chain.lost or "tried three times"
        item.chain.waiting -= 1
        self._end_of(item.chain)

    def _end_of(self, ended: Chain) -> None:
        if not ended.waiting:
            self.tally.chains += 1
            check_chain(ended, self.scene)

    def _run(self, text: str, of: Chain, item: QueuedContinuation | None, step: Step) -> bool:
        """One run. Whether SCF leaves it at that: neither did it die, nor does it want to be tried again."""
        scene, circumstances = self.scene, step.circumstances
        run = Run(
            of,
            self.rules,
            tuple(terms.under(self.rules) for terms in (item.terms if item else of.expectation.terms)),
            step,
            min(scene.ours, item.as_of) if item else scene.ours,
            scene.ours,
            len(scene.changes),
            item.number if item else 1,
        )
        of.narrowed = of.narrowed or of.rules != self.rules
        of.roomy = of.roomy and circumstances.is_roomy
        if step.runs < len(circumstances.deaths) and (death := circumstances.deaths[step.runs]) is not None:
            run.dies_at = 2 * step.requests + death
        step.runs += 1
        of.runs.append(run)
        assert len(of.runs) < MAX_RUNS, "Progress: a chain goes on for ever"
        decoded = events.decode(json.loads(text))
        invoker = _Invoker(self, run, of)
        try:
            run.report = asyncio.run(self._invoked(decoded, run, of, invoker))
        except Killed:
            run.report = None
            self._must_be_tried_again(of, item, "died")
            self.tally.of_death(run)
            return False
        self.tally.of_run(run)
        check_run(run, scene, of, resumed=item is not None)
        if run.wants_again:
            of.raised += 1
            self._must_be_tried_again(of, item, "raised")
        if item is None:
            self._end_of(of)
        return not run.wants_again

    def _must_be_tried_again(self, of: Chain, item: QueuedContinuation | None, why: str) -> None:
        """Each attempt at an event is a chain of its own; this one does not continue."""
        if item is None:
            of.lost = of.lost or why
        else:
            of.twice = of.twice or why

    async def _invoked(self, decoded: events.Decoded, run: Run, of: Chain, invoker: "_Invoker") -> report.Report:
        reported = await self._as_index_does(decoded, run, of, invoker)
        is_raised_elsewhere = False
        if responses.raises_elsewhere(decoded.source, reported):
            is_raised_elsewhere = await invoker.invoke([continuation.failure_event(reported)]) == [""]
        try:
            responses.response(decoded.source, reported, is_raised_elsewhere=is_raised_elsewhere)
        except RunFailed:
            run.wants_again = True
        return reported

    async def _as_index_does(self, decoded: events.Decoded, run: Run, of: Chain, invoker: "_Invoker") -> report.Report:
        environment = settings.load(run.rules.environ())
        store, now, circumstances = invoker.store, self.scene.ours, run.step.circumstances
        seconds = circumstances.seconds
        # A thousandth of a second a request, so that no look at parts is old when its abort is sent.
        ends = [end / 1000 for end in (seconds, seconds + 10, seconds + 16)]
        deadline = Deadline(lambda: run.ticks / 1000, *ends)
        witness = _recorder(run)
        with (
            mock.patch.object(sweep, "ReportBuilder", witness),
            mock.patch.object(evidence, "together", store.together),
        ):
            try:
                listed = environment.buckets is None
                buckets = (await paginator.every_bucket(store, now))[0] if listed else environment.buckets or ()
            except StoreError as exc:
                report_builder = witness(plan.build_plan((), environment, (), of.run_id, now))
                report_builder.bucket_failed(run_state.bucket_failed(None, exc))
                report_builder.must_raise = True
                return report_builder.build()
            expected = self._plan(decoded.requests, environment, buckets, of, now)
            with (
                mock.patch.object(accounting, "MAX_TARGETS", circumstances.targets),
                mock.patch.object(checkpoint, "MAX_BYTES", circumstances.bytes),
            ):
                return await continuation.run(
                    expected,
                    store,
                    deadline,
                    Log(lambda _: None, Redactor(())),
                    invoker,
                    fan_out=environment.fan_out,
                    retries=decoded.source is events.Source.ASYNCHRONOUS,
                    now=now,
                    max_age=environment.chain_max,
                    recorder=_Saver(run),
                )

    def _plan(
        self,
        requests: tuple[Request, ...],
        environment: settings.Settings,
        buckets: Sequence[Bucket],
        of: Chain,
        now: datetime,
    ) -> Plan:
        """The next run reads the checkpoint that a run wrote, whatever the current settings are."""
        match requests:
            case (ResumeRequest(raw),):
                return checkpoint_reader.read(raw, environment, buckets, now)
            case _:
                return plan.build_plan(requests, environment, buckets, of.run_id, now)


class _Saver(NoRecorder):
    """Looks at what a run stores before the continuation is invoked."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def save(self, report: report.Report, works: Sequence[str]) -> None:  # noqa: ARG002
        assert not self._run.continuations, "Chain: something continues before the report is stored"
        assert report.counts["aborted"] == len(self._run.freed)
        self._run.saved += 1


class _Invoker:
    """How a run invokes the function: what SCF accepts waits in the queue."""

    def __init__(self, platform: Platform, run: Run, of: Chain) -> None:
        self._platform = platform
        self._run = run
        self._of = of
        self.store = SimulatedStore(platform.scene, run)

    async def invoke(self, payloads: Sequence[str], seconds: float = inf) -> list[str]:  # noqa: ARG002
        return [await self._answered(payload) for payload in payloads]

    def is_permanent(self, code: str) -> bool:
        return code == NEVER

    async def _answered(self, text: str) -> str:
        number = await self.store.invoke()
        code = self._taken(text)
        self.store.invoked(number)
        return code

    def _taken(self, text: str) -> str:
        run, step, event = self._run, self._run.step, json.loads(text)
        circumstances = step.circumstances
        assert len(text.encode()) <= MAX_BYTES
        if not circumstances.may_invoke:
            run.rejected_invocations += 1
            return NEVER
        if continuation.is_probe(event):
            run.is_allowed = True
            return ""
        step.invocations += 1
        is_full = circumstances.takes is not None and step.taken >= circumstances.takes
        if is_full or step.invocations - 1 in circumstances.rejected_invocations:
            run.rejected_invocations += 1
            return NOT_NOW
        step.taken += 1
        if events.decode(event).requests and isinstance(events.decode(event).requests[0], ResumeRequest):
            assert run.saved, "Chain: something continues before the report is stored"
            run.continuations.append(text)
            self._of.waiting += 1
            item = QueuedContinuation(text, self._of, run.as_of, run.terms, run.number + 1)
            self._platform.queue.append(item)
            return ""
        self._only_raises(event)
        run.failure_events += 1
        self._of.failure_events += 1
        return ""

    def _only_raises(self, event: object) -> None:
        """Whenever it is delivered: it does nothing but raise."""
        for _ in range(1 + RETRIES):
            with pytest.raises(RunFailed):
                continuation.raise_for_failed_chain(event)


def _recorder(run: Run) -> type[report_builder.ReportBuilder]:
    """A report builder that also records what is added to it."""

    class Recorder(report_builder.ReportBuilder):
        def add(self, outcome: Outcome, initiator: str = "", *, detailed: bool = False) -> None:
            run.outcomes.append((outcome, detailed))
            super().add(outcome, initiator, detailed=detailed)

        def bucket_failed(self, failed: BucketFailed) -> None:
            run.broken.append(failed)
            super().bucket_failed(failed)

        def not_swept(self, listing: ListingTarget) -> None:
            run.not_swept.append(listing)
            super().not_swept(listing)

    return Recorder
