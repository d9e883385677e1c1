"""
STS and SCF on 127.0.0.1: as much of them as a verification asks for.
"""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from tests.emulator.public import Cloud
from tests.fake_server import Server, always

Statements = list[dict[str, Any]]

FUNCTION = {
    "Handler": "index.main_handler",
    "MemorySize": 128,
    "Role": "cos-sweeper",
    "Runtime": "Python3.10",
    "Timeout": 900,
}


@dataclass
class LittleApi:
    """
    function: what GetFunction says. kept: changes the statements of a policy, as a service with another understanding
    of them would. errors: the code with which an action is refused. asked: the actions with their parameters.
    """

    cloud: Cloud
    function: dict[str, Any] = field(default_factory=lambda: dict(FUNCTION))
    kept: Callable[[Statements], Statements] = field(default=lambda statements: statements)
    token: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    _is_alone: bool = False
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def server(self) -> Server:
        return Server(*[[always(self._answer)]] * 60)

    def _answer(self, request: bytes) -> bytes:
        head, _, body = request.partition(b"\r\n\r\n")
        fields = {name.lower(): value for name, value in (line.split(b": ", 1) for line in head.split(b"\r\n")[1:])}
        action, params = fields[b"x-tc-action"].decode(), json.loads(body)
        self._is_alone = fields.get(b"x-tc-token") == b"invoke"
        self.asked.append((action, params))
        shown = json.dumps({"Response": {"RequestId": "r-1", **self._response(action, params)}}).encode()
        length = b"Content-Length: %d\r\n\r\n" % len(shown)
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + length + shown

    @property
    def _invoked(self) -> dict[str, Any]:
        """InvokeAlone: the code for credentials that may do nothing else; InvokeSilent: no id comes back."""
        if "InvokeAlone" in self.errors and self._is_alone:
            return {"Error": {"Code": self.errors["InvokeAlone"], "Message": "no"}}
        return {"Result": {} if "InvokeSilent" in self.errors else {"FunctionRequestId": "r-2"}}

    def _response(self, action: str, params: dict[str, Any]) -> dict[str, Any]:
        if action in self.errors:
            return {"Error": {"Code": self.errors[action], "Message": "no"}}
        if action == "GetFunction":
            return self.function
        if action == "Invoke":
            return self._invoked
        return {"Credentials": self._credentials(json.loads(unquote(params["Policy"])))}

    def _credentials(self, policy: dict[str, Any]) -> dict[str, str]:
        statements = self.kept(policy["statement"])
        if all(one["action"] == ["scf:InvokeFunction"] for one in statements):
            return {"TmpSecretId": "AKIDinvoke", "TmpSecretKey": "invoke", "Token": "invoke"}
        policy = {"version": "2.0", "statement": statements}
        made = self.cloud.add_credentials(policy=policy, token=self.token or secrets.token_hex(16))
        return {"TmpSecretId": made.secret_id, "TmpSecretKey": made.secret_key, "Token": made.token or ""}
