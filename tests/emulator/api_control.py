"""
What the control door adds for STS and Cloud Monitor: roles, what a fragment is, faults, and the requests that came.

For tests and people only. A reset takes all of it back.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from tests.emulator.api import ACTIONS, Api
from tests.emulator.cam import ACCOUNT_UIN, FULL_ACCESS, read_policy, read_trust
from tests.emulator.faults import Mangle, Raw, Refuse, Reset, read_fault
from tests.emulator.fields import BadInput, Fields
from tests.emulator.monitor import UNITS
from tests.emulator.sts import Role


class ApiControl:
    """Answers the control door's requests about STS and Cloud Monitor."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.answers: dict[tuple[str, str], Callable[[Any], Any]] = {
            ("POST", "/roles"): self._add_role,
            ("POST", "/monitor"): self._set_monitor,
            ("POST", "/api/faults"): self._add_fault,
            ("GET", "/api/requests"): self._show_requests,
        }

    def _add_role(self, given: Any) -> dict[str, Any]:
        fields = Fields(given, "a role")
        policy = fields.value("policy")
        role = Role(
            name=fields.required("name"),
            trust=read_trust(fields.value("trust")),
            policy=read_policy(FULL_ACCESS if policy is None else policy),
            uin=fields.text("uin") or ACCOUNT_UIN,
        )
        fields.reject_unknown()
        self._api.roles[role.arn] = role
        return {"arn": role.arn}

    def _set_monitor(self, given: Any) -> dict[str, Any]:
        fields = Fields(given, "monitor")
        unit = fields.choice("unit", *UNITS) or "uploads"
        fields.reject_unknown()
        self._api.unit = unit
        return {}

    def _add_fault(self, given: Any) -> dict[str, Any]:
        if not isinstance(given, dict) or given.get("action") not in ACTIONS:
            raise BadInput(f"a fault of the API: 'action' must be one of {', '.join(sorted(ACTIONS))}")
        rest = {name: value for name, value in given.items() if name not in ("action", "metric")}
        named = {"operation": given["action"], "key": given.get("metric")}
        fault = read_fault({**rest, **named}, operations=frozenset(ACTIONS))
        is_silent = isinstance(fault.effect, Mangle) and fault.effect.how == "silent" and fault.effect.error is None
        of_cos = fault.ignore or fault.part or fault.date or fault.date_offset or fault.blow
        if of_cos or not (is_silent or isinstance(fault.effect, Refuse | Reset | Raw | None)):
            raise BadInput("a fault of the API rejects with status and code, delays, resets, is silent, or answers raw")
        return {"id": self._api.faults.add(fault)}

    def _show_requests(self, given: Any) -> dict[str, Any]:
        Fields(given, "requests").reject_unknown()
        return {"requests": [asdict(each) for each in self._api.requests]}
