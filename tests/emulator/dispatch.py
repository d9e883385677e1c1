"""
Which event goes to which instance and when: SCF's queue, warm instances, retries and dead letters.

What an instance is, is `instances`; how events come in is `scf` and `scf_control`.
"""

import asyncio
import random
from collections import deque
from collections.abc import Coroutine
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from tests.emulator.cam import Credentials
from tests.emulator.delivery_faults import DeliveryFaults
from tests.emulator.function import Function, Setup, context, credential_variables, environment
from tests.emulator.instances import Instance
from tests.emulator.invocations import DeadLetter, FunctionError, Invocation, InvocationRecord, Records, shown_event
from tests.emulator.state import State


class Throttled(Exception):
    """A synchronous invocation found every instance busy. It is not queued."""


class Dispatcher:
    """Runs one function's invocations, each in an instance of its own, as many at a time as are allowed."""

    def __init__(self, state: State, function: Function, setup: Setup, endpoints: dict[str, str]) -> None:
        self.function = function
        self.setup = setup
        self.delivery_faults = DeliveryFaults()
        self.records = Records()
        self.dead_letters: list[DeadLetter] = []
        self.most_running = 0
        self.idle = asyncio.Event()
        self.idle.set()
        self._state = state
        self._endpoints = endpoints
        self._queue: deque[tuple[Invocation, int]] = deque()
        self._unfinished = 0
        self._running = 0
        self._instances: set[Instance] = set()
        self._busy: dict[Instance, Invocation] = {}
        self._warm: list[Instance] = []
        self._started = 0
        self._later: tuple[Setup, int] | None = None
        self._closed = False
        self._credentials: Credentials | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._random = random.Random(0)

    # Taking events in

    def accept(self, invocation: Invocation) -> None:
        """Take an asynchronous event in, to be delivered as soon as an instance is free."""
        for _ in range(0 if self._closed else self.delivery_faults.deliveries()):
            self._take_on()
            self._queue.append((invocation, 1))
        self._dispatch()

    async def call(self, invocation: Invocation) -> InvocationRecord:
        """Run a synchronous invocation at once; `Throttled` when no instance is to be had. Nothing is retried."""
        if self._closed or self._running >= self.setup.concurrency:
            raise Throttled
        self._take_on()
        self._running += 1
        try:
            return await self._run(invocation, 1)
        finally:
            self._running -= 1
            self._finish()
            self._dispatch()

    # Delivering them

    def _dispatch(self) -> None:
        while self._queue and self._running < self.setup.concurrency:
            invocation, attempt = self._queue.popleft()
            self._running += 1
            self._spawn(self._deliver(invocation, attempt))

    async def _deliver(self, invocation: Invocation, attempt: int) -> None:
        error: FunctionError | None
        try:
            error = (await self._run(invocation, attempt)).error
        except OSError as wrong:
            error = FunctionError("InstanceNotStarted", str(wrong))
        finally:
            self._running -= 1
        if error is None:
            self._finish()
        elif attempt <= self.setup.retries:
            self._spawn(self._try_again(invocation, attempt + 1))
        else:
            self.dead_letters.append(DeadLetter(invocation.request_id, shown_event(invocation.event), error))
            self._finish()
        self._dispatch()

    async def _try_again(self, invocation: Invocation, attempt: int) -> None:
        await asyncio.sleep(self.setup.retry_wait_ms / 1000)
        self._queue.append((invocation, attempt))
        self._dispatch()

    async def _run(self, invocation: Invocation, attempt: int) -> InvocationRecord:
        """Run an event on the warm instance that was used last, or on a new one."""
        setup, appid = self.setup, self._state.account.appid
        self._count_run()
        variables = credential_variables(self._fresh_credentials())
        self.most_running = max(self.most_running, self._running)
        instance = await self._instance(setup, variables)
        self._busy[instance] = invocation
        order = {
            # As it is: an event that is parsed here and put together again would not be what was sent.
            "event": invocation.event,
            "context": context(self.function, setup, invocation.request_id, variables, appid),
            "environment": variables,
        }
        try:
            run = await instance.run(order, setup.time_limit_ms / 1000, self._state.clock.now)
        finally:
            del self._busy[instance]
            self._keep(instance, setup)
        return self.records.add(invocation, attempt, run)

    async def _instance(self, setup: Setup, credentials: dict[str, str]) -> Instance:
        while self._warm:
            instance = self._warm.pop()
            if not instance.over:
                return instance
        variables = {**self._endpoints, **setup.variables}
        given = environment(self.function, variables, self._state.account.appid)
        instance = await Instance.start(
            self.function.directory, {**given, **credentials}, self._forget, self.function.python
        )
        self._instances.add(instance)
        self._started += 1
        if self._closed:
            instance.kill()
        return instance

    def _forget(self, instance: Instance) -> None:
        """It is gone."""
        self._instances.discard(instance)
        if instance in self._warm:
            self._warm.remove(instance)

    def _keep(self, instance: Instance, setup: Setup) -> None:
        """Keep an instance for the next event, unless it is over, was set up otherwise, or is one too many."""
        if setup.variables != self.setup.variables or len(self._warm) + self._running > self.setup.concurrency:
            instance.kill()
        if not instance.over:
            self._warm.append(instance)

    def _fresh_credentials(self) -> Credentials:
        """The role's credentials, new ones when half of their time is over."""
        lifetime, now = timedelta(seconds=self.setup.credentials_seconds), self._state.clock.now()
        held = self._credentials
        if held is None or held.expires is None or not lifetime / 2 < held.expires - now <= lifetime:
            self._credentials = held = self._state.lend_role(lifetime)
        return held

    # Commands from outside

    def change(self, setup: Setup, after_runs: int = 0) -> None:
        """
        Set the function up otherwise: new variables, and fewer instances, are for the next events.

        after_runs: how many executions still begin with what holds now. A change takes the place of one that waits.
        """
        self._later = (setup, after_runs) if after_runs else None
        if not after_runs:
            self._change(setup)
            self._dispatch()

    def _count_run(self) -> None:
        """An execution begins; what was to change after so many of them changes for those that begin later."""
        if self._later is None:
            return
        setup, left = self._later
        self._later = (setup, left - 1) if left > 1 else None
        if left == 1:
            self._change(setup)

    def _change(self, setup: Setup) -> None:
        fresh = setup.variables != self.setup.variables
        self.setup = setup
        while self._warm and (fresh or len(self._warm) + self._running > setup.concurrency):
            self._warm.pop(0).kill()

    def kill(self, pid: int | None) -> int | None:
        """SIGKILL an instance, a random busy one without a pid; returns its pid, or `None` if there is none."""
        wanted = [each for each in self._instances if each.pid == pid] if pid is not None else list(self._busy)
        if not wanted:
            return None
        chosen = self._random.choice(sorted(wanted, key=lambda each: each.pid))
        chosen.kill()
        return chosen.pid

    def show(self) -> dict[str, Any]:
        """How things stand, as JSON."""
        return {
            "queued": len(self._queue),
            "waiting": self._unfinished - self._running - len(self._queue),
            "running": self._running,
            "most_running": self.most_running,
            "instances": [
                {"pid": each.pid, "busy": each in self._busy, "request_id": self._request_id(each)}
                for each in sorted(self._instances, key=lambda each: each.pid)
                if not each.over
            ],
            "started_instances": self._started,
            "dead_letters": [asdict(each) for each in self.dead_letters],
            "ends": dict(self.records.counts),
            "duplicated": self.delivery_faults.duplicated,
            "lost": self.delivery_faults.lost,
            "next": self.records.next_number,
        }

    async def close(self) -> None:
        """Drop everything and kill every instance; returns when they are gone. Nothing is taken in any more."""
        self._closed = True
        self._queue.clear()
        for task in self._tasks:
            task.cancel()
        for instance in self._instances:
            instance.kill()
        await asyncio.gather(*self._tasks, *(each.gone() for each in self._instances), return_exceptions=True)
        self.idle.set()

    def _request_id(self, instance: Instance) -> str | None:
        invocation = self._busy.get(instance)
        return invocation.request_id if invocation else None

    def _take_on(self) -> None:
        self._unfinished += 1
        self.idle.clear()

    def _finish(self) -> None:
        self._unfinished -= 1
        if not self._unfinished:
            self.idle.set()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
