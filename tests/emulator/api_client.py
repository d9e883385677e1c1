"""
What a test or a script can ask of the emulated STS and Cloud Monitor; the connection is in `client`.

The standard library only. A reset takes all of it back.
"""

from typing import Any, Literal

from tests.emulator.control_calls import ControlCalls


class ApiCalls(ControlCalls):
    """The part of a running cloud that speaks API 3.0 and is not SCF."""

    def add_role(
        self, name: str, trust: dict[str, Any], policy: dict[str, Any] | None = None, uin: str | None = None
    ) -> str:
        """Let there be a role that AssumeRole lends to whom it trusts; returns its ARN. uin: of its account."""
        given = {"name": name, "trust": trust, "policy": policy, "uin": uin}
        arn: str = self._ask("POST", "/roles", given)["arn"]
        return arn

    def fragments_are(self, unit: Literal["uploads", "parts"]) -> None:
        """Say what Cloud Monitor counts: the documentation says both."""
        self._ask("POST", "/monitor", {"unit": unit})

    def api_fault(self, action: str, **fields: Any) -> None:
        """
        Put a fault of an action in force: status and code, delay_ms, reset, raw or body="silent"; skip, count.

        metric: of GetMonitorData, only the requests about this one.
        """
        self._ask("POST", "/api/faults", {"action": action, **fields})

    def api_requests(self) -> list[dict[str, Any]]:
        """The requests that came: service, action, parameters, secret_id, code and request_id."""
        listed: list[dict[str, Any]] = self._ask("GET", "/api/requests")["requests"]
        return listed
