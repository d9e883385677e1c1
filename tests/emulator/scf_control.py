"""
What the control door adds for SCF: to invoke without a signature, kill, set up otherwise, wait and look.

For tests and people only. Nothing of SCF's rules is here.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import fields as fields_of
from dataclasses import replace
from typing import Any

from tests.emulator.delivery_faults import DeliveryFault
from tests.emulator.dispatch import Throttled
from tests.emulator.faults import Mangle, Raw, Refuse, Reset, read_fault
from tests.emulator.fields import BadInput, Fields
from tests.emulator.function import Setup
from tests.emulator.invocations import Kind, show_record
from tests.emulator.invoke import MAX_EVENT_BYTES
from tests.emulator.scf import Scf

MAX_WAIT_SECONDS = 3600
MAX_MESSAGE_BYTES = 4 << 10


class ScfControl:
    """Answers the control door's requests about SCF."""

    def __init__(self, scf: Scf) -> None:
        self._scf = scf
        self.answers: dict[tuple[str, str], Callable[[Any], Any]] = {
            ("GET", "/scf"): self._show,
            ("GET", "/scf/idle"): self._wait_idle,
            ("POST", "/scf/settings"): self._set_up,
            ("POST", "/scf/kill"): self._kill,
            ("POST", "/scf/faults"): self._add_fault,
            ("GET", "/invocations"): self._show_invocations,
            ("POST", "/invoke"): self._invoke,
            ("POST", "/timers/fire"): self._fire_timer,
        }

    def _show(self, given: Any) -> dict[str, Any]:
        Fields(given, "scf").reject_unknown()
        return self._scf.dispatcher.show()

    async def _wait_idle(self, given: Any) -> dict[str, Any]:
        fields = Fields(given, "idle")
        text = fields.text("timeout_seconds") or "60"
        fields.reject_unknown()
        try:
            seconds = float(text)
        except ValueError:
            raise BadInput(f"'timeout_seconds' must be a number, not {text!r}") from None
        if not 0 <= seconds <= MAX_WAIT_SECONDS:
            raise BadInput(f"'timeout_seconds' must be a number from 0 to {MAX_WAIT_SECONDS}")
        try:
            await asyncio.wait_for(self._scf.dispatcher.idle.wait(), seconds)
        except asyncio.TimeoutError:
            return {"idle": False}
        return {"idle": True}

    def _set_up(self, given: Any) -> dict[str, Any]:
        """Read everything before anything is changed. Faults that are not named stop."""
        dispatcher = self._scf.dispatcher
        fields = Fields(given, "settings")
        changes: dict[str, Any] = {
            "time_limit_ms": fields.whole("time_limit_ms", minimum=1),
            "concurrency": fields.whole("concurrency", minimum=1),
            "retries": fields.whole("retries"),
            "retry_wait_ms": fields.whole("retry_wait_ms"),
            "invoke_rate": fields.whole("invoke_rate", minimum=1),
            "credentials_seconds": fields.number("credentials_seconds", minimum=0.001),
            "variables": _changed(dispatcher.setup.variables, fields.texts_by_name("env")),
        }
        fault = _read_delivery_fault(fields)
        after_runs = fields.whole("after_runs") or 0
        fields.reject_unknown()
        setup = replace(dispatcher.setup, **{name: new for name, new in changes.items() if new is not None})
        if setup != dispatcher.setup:
            dispatcher.change(setup, after_runs)
        if fault is not None:
            dispatcher.delivery_faults.arm(fault)
        return {each.name: getattr(setup, each.name) for each in fields_of(Setup)}

    def _kill(self, given: Any) -> dict[str, Any]:
        fields = Fields(given, "kill")
        pid = fields.whole("pid", minimum=1)
        fields.reject_unknown()
        return {"pid": self._scf.dispatcher.kill(pid)}

    def _add_fault(self, given: Any) -> dict[str, Any]:
        fault = read_fault(given)
        of_cos = fault.operation != "*" or fault.ignore or fault.part or fault.date or fault.date_offset
        silent = isinstance(fault.effect, Mangle) and fault.effect.how == "silent"
        if of_cos or not (silent or isinstance(fault.effect, Refuse | Reset | Raw | None)):
            raise BadInput("a fault of Invoke refuses with status and code, delays, resets, is silent, or answers raw")
        return {"id": self._scf.faults.add(fault)}

    def _show_invocations(self, given: Any) -> dict[str, Any]:
        fields = Fields(given, "invocations")
        text = fields.text("since") or "0"
        fields.reject_unknown()
        if not (text.isascii() and text.isdigit()):
            raise BadInput(f"'since' must be a whole number, not {text!r}")
        records = self._scf.dispatcher.records
        return {"invocations": [show_record(each) for each in records.since(int(text))], "next": records.next_number}

    async def _invoke(self, given: Any) -> dict[str, Any]:
        fields = Fields(given, "invoke")
        event, sync = fields.value("event"), fields.flag("sync")
        fields.reject_unknown()
        if not sync:
            return self._accept(event, "async")
        text = _event_text(event, MAX_EVENT_BYTES["RequestResponse"])
        try:
            return show_record(await self._scf.call(text))
        except Throttled:
            raise BadInput("every instance is busy, and a synchronous invocation is not queued") from None

    def _fire_timer(self, given: Any) -> dict[str, Any]:
        fields = Fields(given, "timer")
        message, name = fields.text("message") or "", fields.text("name") or "nightly"
        fields.reject_unknown()
        if len(message.encode("utf-8", "surrogateescape")) > MAX_MESSAGE_BYTES:
            raise BadInput(f"a timer's message takes {MAX_MESSAGE_BYTES} bytes at the most")
        time = f"{self._scf.state.clock.now():%Y-%m-%dT%H:%M:%SZ}"
        return self._accept({"Type": "Timer", "TriggerName": name, "Time": time, "Message": message}, "timer")

    def _accept(self, event: Any, kind: Kind) -> dict[str, Any]:
        return {"request_id": self._scf.accept(_event_text(event, MAX_EVENT_BYTES["Event"]), kind)}


def _event_text(event: Any, maximum: int) -> str:
    text = json.dumps(event)
    if len(text) > maximum:
        raise BadInput(f"the event is larger than {maximum} bytes")
    return text


def _changed(held: Any, changes: dict[str, str | None] | None) -> dict[str, str] | None:
    """Variables with changes; `None` in a change takes the variable away."""
    if changes is None:
        return None
    return {name: value for name, value in {**held, **changes}.items() if value is not None}


def _read_delivery_fault(fields: Fields) -> DeliveryFault | None:
    given = {
        "duplicate": fields.number("duplicate", minimum=0, maximum=1),
        "lose": fields.number("lose", minimum=0, maximum=1),
        "skip": fields.whole("skip"),
        "count": fields.whole("count", minimum=1),
        "seed": fields.whole("seed"),
    }
    named: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return DeliveryFault(**named) if named else None
