"""
What a test or a script can ask of the emulator's SCF; the rest, and the connection, is in `client`.

The standard library only.
"""

import json
from typing import Any, Literal, overload

from tests.emulator.control_calls import ControlCalls
from tests.emulator.invocations import InvocationRecord, read_record

MAX_RUN_SECONDS = 1000
"""Longer than any function may run."""


class ScfCalls(ControlCalls):
    """SCF's part of a running cloud."""

    def fire_timer(self, message: str = "", *, name: str = "nightly", **narrowing: Any) -> str:
        """Fire a timer of the function, with a message or with what narrows a sweep; returns the request id."""
        payload = json.dumps(narrowing) if narrowing else message
        request_id: str = self._ask("POST", "/timers/fire", {"message": payload, "name": name})["request_id"]
        return request_id

    @overload
    def invoke(self, event: object, *, sync: Literal[False] = False) -> str: ...

    @overload
    def invoke(self, event: object, *, sync: Literal[True]) -> InvocationRecord: ...

    def invoke(self, event: object, *, sync: bool = False) -> str | InvocationRecord:
        """Invoke the function without a signature; returns the request id, or when synchronous how that went."""
        payload = self._ask("POST", "/invoke", {"event": event, "sync": sync}, timeout_seconds=MAX_RUN_SECONDS)
        if sync:
            return read_record(payload)
        request_id: str = payload["request_id"]
        return request_id

    def invocations(self, since: int = 0) -> list[InvocationRecord]:
        """The executions that ended, from number `since` on, in the order in which they ended."""
        listed = self._ask("GET", "/invocations", query={"since": since})["invocations"]
        return [read_record(each) for each in listed]

    def scf(self) -> dict[str, Any]:
        """How SCF stands: queued, waiting (for a retry), running, instances, dead_letters, ends and more."""
        shown: dict[str, Any] = self._ask("GET", "/scf")
        return shown

    def wait_idle(self, timeout_seconds: float = 120) -> bool:
        """Wait until nothing is queued, waiting for a retry, or running; False when that took too long."""
        query = {"timeout_seconds": timeout_seconds}
        idle: bool = self._ask("GET", "/scf/idle", query=query, timeout_seconds=timeout_seconds + 60)["idle"]
        return idle

    def kill_instance(self, pid: int | None = None) -> int | None:
        """SIGKILL an instance, a random busy one without a pid; returns its pid, or `None` if there is none."""
        killed: int | None = self._ask("POST", "/scf/kill", {"pid": pid})["pid"]
        return killed

    def scf_settings(self, **fields: Any) -> dict[str, Any]:
        """
        Set SCF up otherwise until the next reset; returns how it is set up.

        time_limit_ms, concurrency, retries, retry_wait_ms, invoke_rate, credentials_seconds, env (`None` takes a
        variable away); and what becomes of accepted events: duplicate, lose, skip, count, seed.

        after_runs: so many executions still begin as things are now; what is given holds for those that begin later.
        So `scf_settings(env={"MIN_AGE_HOURS": "200"}, after_runs=1)`, called before a timer is fired, changes a
        setting between the first run of a chain and the second. It does not delay what becomes of accepted events. A
        later call that changes something takes the place of one that still waits.
        """
        payload: dict[str, Any] = self._ask("POST", "/scf/settings", fields)
        return payload

    def invoke_fault(self, **fields: Any) -> None:
        """
        Put a fault of the Invoke API in force: status and code, delay_ms, reset, raw or body="silent"; skip, count.

        skip=3 accepts the first three requests and strikes those after them, for ever or `count` times: with status
        and code they are rejected, with body="silent" and status=500 they get no response and nothing is invoked, with
        body="silent" alone they are invoked and get no response until the client leaves.
        """
        self._ask("POST", "/scf/faults", fields)
