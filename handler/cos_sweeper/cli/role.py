"""
The function's role as CAM takes it: trust, policy, and the `tccli` calls that create both. Values in, values out.
"""

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

# The one service that may take the role.
SERVICE = "scf.qcloud.com"


def trust() -> dict[str, Any]:
    """Who may take the role."""
    statement = {"action": "name/sts:AssumeRole", "effect": "allow", "principal": {"service": SERVICE}}
    return {"version": "2.0", "statement": [statement]}


def calls(role: str, policy: Mapping[str, Any]) -> Iterator[str]:
    """The calls, each a line for a POSIX shell. The policy gets the name of the role."""
    yield _call("CreateRole", RoleName=role, PolicyDocument=_json(trust()))
    yield _call("CreatePolicy", PolicyName=role, PolicyDocument=_json(policy))
    yield _call("AttachRolePolicy", AttachRoleName=role, PolicyName=role)


def update_call(role: str, policy: Mapping[str, Any]) -> str:
    """The call that replaces the policy of a role that is there."""
    return _call("UpdatePolicy", PolicyName=role, PolicyDocument=_json(policy))


def _call(action: str, **arguments: str) -> str:
    words = [word for name, value in arguments.items() for word in (f"--{name}", value)]
    return shlex.join(["tccli", "cam", action, *words])


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"))
