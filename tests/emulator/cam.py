"""
Who may do what: credentials, and the CAM policies that come with them.

Nothing here knows how a request proves whose it is; that is `signature`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.emulator.table import TABLE

ACTIONS = {row.name: row.policy_action for row in TABLE}


class BadPolicy(ValueError):
    """A policy document that cannot be understood to the letter. Better rejected than half enforced."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: does it allow or deny, and the patterns of the actions and resources it speaks of."""

    allows: bool
    actions: re.Pattern[str]
    resources: re.Pattern[str]

    def covers(self, action: str, resource: str) -> bool:
        """Whether it speaks of that action on that resource."""
        return bool(self.actions.fullmatch(action) and self.resources.fullmatch(resource))


@dataclass(frozen=True, slots=True)
class Policy:
    """What is allowed: nothing but what a statement allows, and never what a statement denies."""

    document: Mapping[str, Any]
    statements: tuple[Statement, ...]

    def allows(self, action: str, resource: str) -> bool:
        """Whether an action on a resource is allowed."""
        verdicts = {statement.allows for statement in self.statements if statement.covers(action, resource)}
        return verdicts == {True}


@dataclass(frozen=True, slots=True)
class Credentials:
    """A secret id with its key, and with a token and an end if they are temporary."""

    secret_id: str
    secret_key: str = field(repr=False)
    policy: Policy = field(repr=False)
    token: str | None = field(default=None, repr=False)
    expires: datetime | None = None


def read_policy(document: object) -> Policy:
    """Read a policy document of version 2.0; raises `BadPolicy` with what is wrong."""
    if not isinstance(document, dict) or set(document) != {"version", "statement"}:
        raise BadPolicy("a policy is an object with 'version' and 'statement'")
    if document["version"] != "2.0":
        raise BadPolicy("a policy's 'version' is \"2.0\"")
    statements = document["statement"]
    if not isinstance(statements, list):
        raise BadPolicy("a policy's 'statement' is a list")
    return Policy(document, tuple(_statement(each) for each in statements))


def action_name(operation: str) -> str:
    """How policies call an operation of COS. Those of Object Lock have a shorter name there than in the API."""
    return ACTIONS.get(operation, f"name/cos:{operation}")


def resource_name(region: str, bucket: str, key: str = "") -> str:
    """How policies call an object, or with an empty key the bucket itself."""
    return f"qcs::cos:{region}:uid/{bucket.rpartition('-')[2]}:{bucket}/{key}"


ANY_RESOURCE = "*"
"""The resource of operations that concern no bucket."""

FULL_ACCESS = {"version": "2.0", "statement": [{"effect": "allow", "action": "*", "resource": "*"}]}


INVOKE = "scf:InvokeFunction"
GET_FUNCTION = "scf:GetFunction"
"""How policies call the invocation of a function, by whichever API."""


def _statement(given: object) -> Statement:
    if not isinstance(given, dict) or set(given) != {"effect", "action", "resource"}:
        raise BadPolicy("a statement is an object with 'effect', 'action' and 'resource', and nothing else")
    if given["effect"] not in ("allow", "deny"):
        raise BadPolicy('a statement\'s \'effect\' is "allow" or "deny"')
    return Statement(given["effect"] == "allow", _pattern("action", given), _pattern("resource", given))


def _pattern(name: str, given: Mapping[str, object]) -> re.Pattern[str]:
    """A pattern for any of the texts, in which `*` stands for whatever is there."""
    texts = [given[name]] if isinstance(given[name], str) else given[name]
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise BadPolicy(f"a statement's {name!r} is a text or a list of texts")
    return re.compile("|".join(re.escape(text).replace(r"\*", ".*") for text in texts), re.DOTALL)
