"""
SCF as the world needs it: events come in by the real door, runs die and are tried again, hand-ons wait in a queue.

What `index` does around a run is done here with a store in memory and with the world's clock.
"""

import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from unittest import mock

from cos_sweeper import answers, chain, checkpoint, listing, plan, report, settings, sweep, triggers
from cos_sweeper.budget import Deadline
from cos_sweeper.errors import NotHandedOn, Refusal, RunFailed, StoreError
from cos_sweeper.log import Log, Scrubber
from cos_sweeper.model import Ask, Outcome, Refused, Resume
from tests.engine import Killed
from tests.world.after_a_chain import chain_has_kept_the_laws
from tests.world.after_a_run import run_has_kept_the_laws
from tests.world.chains import Chain, Wish
from tests.world.door import CALM, Circumstances, Door, Run, Step
from tests.world.scene import Scene
from tests.world.tally import Tally
from tests.world.terms import Rules

RETRIES = 2
MOST_RUNS = 1500
# SCF's limit of an asynchronous event.
MOST_BYTES = 128_000


@dataclass(frozen=True, slots=True)
class HandOn:
    """A checkpoint in SCF's queue. as_of: of the run that wrote it; number: of the run that it is for."""

    text: str
    chain: Chain
    as_of: datetime
    number: int


class Platform:
    """The function, deployed: its settings, its queue, and what is known of its chains."""

    def __init__(self, scene: Scene, tally: Tally) -> None:
        self.scene = scene
        self.tally = tally
        self.rules = Rules()
        self.queue: deque[HandOn] = deque()
        self._chains = 0

    def event(self, wish: Wish, circumstances: Circumstances = CALM) -> Chain:
        """An event comes, again and again while the function asks for it. Returns the chain of the last attempt."""
        step = Step(circumstances)
        for _ in range(1 + RETRIES):
            self._chains += 1
            begun = Chain(
                wish,
                self.rules,
                self.scene.ours,
                self.scene.weather.skews,
                self.scene.live.copy(),
                len(self.scene.changes),
                f"run-{self._chains}",
                roomy=circumstances.is_roomy,
            )
            if self._run(json.dumps(wish.raw), begun, None, step):
                break
        self._drain(step)
        return begun

    def deliver(self, place: int, circumstances: Circumstances, times: int = 1) -> None:
        """A hand-on arrives, late maybe, or more than once."""
        step = Step(circumstances)
        item = self.queue[place]
        del self.queue[place]
        if times > 1:
            item.chain.disturbed = item.chain.disturbed or "delivered twice"
            item.chain.waiting += times - 1
        for _ in range(times):
            self._resume(item, step)
        self._drain(step)

    def lose(self, place: int) -> None:
        """A hand-on never arrives."""
        item = self.queue[place]
        del self.queue[place]
        item.chain.disturbed = item.chain.disturbed or "lost"
        item.chain.waiting -= 1

    def drain(self, circumstances: Circumstances = CALM) -> None:
        """All that is in the queue arrives."""
        self._drain(Step(circumstances))

    def _drain(self, step: Step) -> None:
        while self.queue and not step.circumstances.later:
            self._resume(self.queue.popleft(), step)

    def _resume(self, item: HandOn, step: Step) -> None:
        for _ in range(1 + RETRIES):
            if self._run(item.text, item.chain, item, step):
                break
            if item.chain.waiting == 1 and not item.chain.disturbed:
                chain_has_kept_the_laws(item.chain, self.scene)
            item.chain.disturbed = item.chain.disturbed or "tried again"
        item.chain.waiting -= 1
        self._end_of(item.chain)

    def _end_of(self, ended: Chain) -> None:
        if not ended.waiting:
            self.tally.chains += 1
            chain_has_kept_the_laws(ended, self.scene)

    def _run(self, text: str, of: Chain, item: HandOn | None, step: Step) -> bool:
        """One run. Whether SCF leaves it at that: neither did it die, nor does it want to be tried again."""
        scene, circumstances = self.scene, step.circumstances
        run = Run(
            of,
            self.rules,
            tuple(terms.under(self.rules) for terms in of.wish.terms),
            step,
            min(scene.ours, item.as_of) if item else scene.ours,
            len(scene.changes),
            item.number if item else 1,
        )
        self._look_for_disturbance(of, run, resumed=item is not None)
        if step.runs < len(circumstances.deaths) and (death := circumstances.deaths[step.runs]) is not None:
            run.dies_at = 2 * step.requests + death
        step.runs += 1
        of.runs.append(run)
        assert len(of.runs) < MOST_RUNS, "Progress: a chain goes on for ever"
        decoded = triggers.decode(json.loads(text))
        try:
            with mock.patch.object(sweep, "Ledger", _witness(run)):
                run.report = self._as_index_does(decoded.asks, run, of)
        except Killed:
            of.disturbed = "died"
            self.tally.of_death(run)
            return False
        self.tally.of_run(run)
        run_has_kept_the_laws(run, scene, of, resumed=item is not None)
        wanted_again = False
        try:
            answers.answer(decoded.source, run.report)
        except RunFailed:
            assert not run.handed, "a run that handed on asks to be tried again"
            wanted_again = True
        if item is None:
            self._end_of(of)
        return not wanted_again

    def _look_for_disturbance(self, of: Chain, run: Run, *, resumed: bool) -> None:
        """Whether this run sees another world than the one that its chain began in."""
        if resumed and (of.rules != self.rules or of.skews != self.scene.weather.skews or run.as_of != of.as_of):
            of.disturbed = of.disturbed or "other settings, or another clock"
        of.roomy = of.roomy and run.step.circumstances.is_roomy

    def _as_index_does(self, asks: tuple[Ask, ...], run: Run, of: Chain) -> report.Report:
        environment = settings.load(run.rules.environ())
        door = Door(self.scene, run)
        seconds = run.step.circumstances.seconds
        # A thousandth of a second a request, so that no look at parts is old when its abort is sent.
        ends = [end / 1000 for end in (seconds, seconds + 10, seconds + 16)]
        deadline = Deadline(lambda: run.ticks / 1000, *ends)
        now = self.scene.ours
        try:
            buckets = environment.buckets if environment.buckets is not None else listing.every_bucket(door)
        except StoreError as exc:
            run.broken.append(None)
            ledger = report.Ledger(plan.make((), environment, (), of.run_id, now))
            ledger.bucket_failed(sweep.bucket_failed(None, exc))
            return ledger.close()
        try:
            match asks:
                case (Resume(raw),):
                    made = checkpoint.read(raw, environment, buckets, now)
                case _:
                    made = plan.make(asks, environment, buckets, of.run_id, now)
        except Refusal as exc:
            made = plan.make((Refused(str(exc)),), environment, buckets, "refused", now)
        log = Log(lambda _: None, Scrubber(()))
        return chain.run(made, door, deadline, log, self._hand_on(door, run, of), environment.fan_out)

    def _hand_on(self, door: Door, run: Run, of: Chain) -> Callable[[Sequence[str]], None]:
        step = run.step

        def hand_on(texts: Sequence[str]) -> None:
            for place, text in enumerate(texts):
                if step.circumstances.takes is not None and step.taken >= step.circumstances.takes:
                    of.disturbed = of.disturbed or "not taken"
                    run.turned_away += 1
                    raise NotHandedOn("ResourceLimitReached", place)
                step.taken += 1
                assert len(text.encode()) <= MOST_BYTES
                run.handed.append(text)
                of.waiting += 1
                self.queue.append(HandOn(text, of, run.as_of, run.number + 1))
            door.hand_on(lambda: None)

        return hand_on


def _witness(run: Run) -> type[report.Ledger]:
    """A ledger that also tells us what it is told."""

    class Witness(report.Ledger):
        def add(self, outcome: Outcome, initiator: str = "", *, detailed: bool = False) -> None:
            run.outcomes.append((outcome, detailed))
            super().add(outcome, initiator, detailed=detailed)

    return Witness
