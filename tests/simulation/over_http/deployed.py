"""
Chains of the deployed function: instances that are processes of their own, run side by side and are killed for real.

What `play` does one run after the other in one process, the emulator's SCF does here.
"""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from cos_sweeper.core.settings import load
from cos_sweeper.scf import cam_policy
from tests.emulator.public import Cloud, InvocationRecord
from tests.fixtures import HANDLER
from tests.function import FUNCTION, Invocation
from tests.simulation.over_http.play import APPID, DeliveryFaults, Player, Run
from tests.simulation.over_http.world import BUCKETS, Step

RETRIES = 2
MAX_SECONDS = 300


@contextmanager
def running_deployed() -> Iterator[Cloud]:
    """An emulator with the real function deployed to its SCF."""
    with Cloud.start(*BUCKETS, function=HANDLER, env={"BUCKETS": "*"}, retry_wait_ms=50, concurrency=4) as cloud:
        yield cloud


class DeployedChain:
    """An event that SCF delivers, and all that follows from it."""

    def __init__(self, player: Player, step: Step, door: str, clock: timedelta) -> None:  # noqa: ARG002 - as all chains
        self.runs: list[Run] = []
        self.delivery_faults = DeliveryFaults()
        self._player = player
        self._step = step
        self._cloud = player.cloud
        self._chance = random.Random(repr(step))

    def go(self, raw: Any) -> None:
        """Fire the event, kill instances meanwhile, and wait for the end."""
        cloud, platform_faults = self._cloud, self._step.platform_faults
        may = {"BUCKETS": "*", "DRY_RUN": "false", "REPORT": f"{BUCKETS[0]}/sweeper-reports"}
        cloud.set_role_policy(cam_policy.policy(load(may), FUNCTION, APPID))
        first = dict(self._player.settings)
        cloud.scf_settings(
            time_limit_ms=int(self._step.seconds * 1000),
            retries=RETRIES,
            env={name: value or None for name, value in first.items()},
            duplicate=platform_faults.duplicate,
            lose=platform_faults.lose,
            skip=1,  # the event itself
            seed=self._chance.randrange(1000),
        )
        for after_runs, changes in platform_faults.settings:
            self._player.settings.update(changes)
            cloud.scf_settings(env={name: value or None for name, value in changes}, after_runs=after_runs)
        before = cloud.scf()
        request_id = cloud.invoke(raw)
        self._kill_until_idle()
        after = cloud.scf()
        self.delivery_faults.lost = after["lost"] - before["lost"]
        self.delivery_faults.doubled = after["duplicated"] - before["duplicated"]
        records = sorted(cloud.invocations(before["next"]), key=lambda record: record.started)
        self.delivery_faults.killed = sum(record.end in ("died", "timed_out") for record in records)
        later = dict(self._player.settings)
        changed_after = min((after_runs for after_runs, _ in platform_faults.settings), default=len(records))
        for number, record in enumerate(records):
            environment = first if number < changed_after else later
            self.runs.append(_run(number, record, environment, is_first=record.request_id == request_id))

    def _kill_until_idle(self) -> None:
        """Kill as many as wanted, but no event so often that SCF gives it up."""
        cloud, left, waited = self._cloud, self._step.platform_faults.kills, 0.0
        often: Counter[str] = Counter()
        while waited < MAX_SECONDS:
            pause = self._chance.uniform(0.5, 1.5) if left else 5.0
            if cloud.wait_idle(pause):
                return
            waited += pause
            busy = [each for each in cloud.scf()["instances"] if each["busy"] and often[each["request_id"]] < RETRIES]
            if left and busy:
                chosen = self._chance.choice(busy)
                often[chosen["request_id"]] += 1
                left -= cloud.kill_instance(chosen["pid"]) is not None
        self.delivery_faults.endless = True


def _run(number: int, record: InvocationRecord, environment: dict[str, str], *, is_first: bool) -> Run:
    error = RuntimeError(f"{record.error.type}: {record.error.message}") if record.error else None
    log = "\n".join(line for line in record.log.splitlines() if line.startswith("{"))
    return Run(
        number=number,
        parent=None if is_first or number == 0 else 0,
        attempt=record.attempt,
        environment=environment,
        invocation=Invocation(record.answer, error, log),
        begin=0,
        end=0,
        started=record.started,
        ended=record.ended,
    )
