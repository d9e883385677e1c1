"""
Whether a policy that was printed earlier still allows what a deployment needs. Values in, values out.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

ANY_ACCOUNT = re.compile(r"(?<=:uin/)[0-9*]+(?=:)")


class Permission(NamedTuple):
    """One action on one resource."""

    action: str
    resource: str


def lacking(policy: Mapping[str, Any], needed: Mapping[str, Any]) -> list[Permission]:
    """
    What `needed` allows and `policy` does not.

    A `uin/*` in `needed` stands for an account that is not known; any account meets it.
    """
    allowed = list(_permissions(policy))
    return [one for one in _permissions(needed) if not any(_covers(other, one) for other in allowed)]


def _permissions(policy: Mapping[str, Any]) -> Iterator[Permission]:
    for statement in policy["statement"]:
        if statement["effect"] == "allow":
            for action in statement["action"]:
                yield from (Permission(action, resource) for resource in statement["resource"])


def _covers(allowed: Permission, needed: Permission) -> bool:
    if ":uin/*:" in needed.resource:
        allowed = Permission(allowed.action, ANY_ACCOUNT.sub("*", allowed.resource))
    return all(_matches(pattern, text) for pattern, text in zip(allowed, needed, strict=True))


def _matches(pattern: str, text: str) -> bool:
    """Whether the pattern, in which a `*` stands for any text, matches. A `*` in the text is itself."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) is not None
