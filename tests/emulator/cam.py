"""
Who may do what: credentials, and the CAM policies that come with them.

Nothing here knows how a request proves whose it is; that is `signature`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.emulator.table import TABLE

ACCOUNT_UIN = "100000000001"
USER_UIN = "100000000011"
ACTIONS = {row.name: row.policy_action for row in TABLE}


ACTION = re.compile(r"(?:cam|cos|monitor|scf|sts):[A-Za-z0-9*]+")
RESOURCE = re.compile(
    r"qcs::(?P<service>cam|cos|monitor|scf|sts):(?P<region>[a-z0-9*-]*):"
    r"(?P<owner>|\*|uin/[0-9*]+|uid/[0-9*]+):(?P<name>.+)",
    re.DOTALL,
)
"""Without a project's id."""
OLD_REGION = re.compile(r"cn-.*|[a-z]{2,3}")
"""How regions were called before `ap-guangzhou` and its like. Nothing here is in one."""
BUCKET = re.compile(r"(?:[a-z0-9-]*-[0-9]{5,12}/|[a-z0-9-]*\*[a-z0-9*-]*(?:/|$)).*", re.DOTALL)
"""An object or a bucket, as far as resources of COS name them: with the APPID, or an asterisk."""


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
        return bool(self.actions.fullmatch(action.removeprefix("name/")) and self.resources.fullmatch(resource))


@dataclass(frozen=True, slots=True)
class Policy:
    """What is allowed: nothing but what a statement allows, and never what a statement denies."""

    document: Mapping[str, Any]
    statements: tuple[Statement, ...]
    within: "Policy | None" = None
    """What must allow it as well, such as the role's policy where this one is a session's."""

    def allows(self, action: str, resource: str) -> bool:
        """Whether an action on a resource is allowed."""
        verdicts = {statement.allows for statement in self.statements if statement.covers(action, resource)}
        return verdicts == {True} and (self.within is None or self.within.allows(action, resource))

    def narrowed(self, other: "Policy") -> "Policy":
        """What both allow."""
        return Policy(other.document, other.statements, self)


@dataclass(frozen=True, slots=True)
class Trust:
    """
    Who may take a role on: the accounts, as a whole or by one of their users, and the external id if one is asked for.
    """

    principals: frozenset[str]
    external_ids: frozenset[str] | None = None

    def admits(self, uin: str, external_id: str) -> bool:
        """Whether whoever belongs to that account may, with the external id that they give."""
        named = {f"qcs::cam::uin/{uin}:{who}" for who in ("root", f"uin/{uin}", f"uin/{USER_UIN}")}
        known = self.external_ids is None or external_id in self.external_ids
        return known and not named.isdisjoint(self.principals)


@dataclass(frozen=True, slots=True)
class Credentials:
    """A secret id with its key, and with a token and an end if they are temporary."""

    secret_id: str
    secret_key: str = field(repr=False)
    policy: Policy = field(repr=False)
    token: str | None = field(default=None, repr=False)
    expires: datetime | None = None
    uin: str = ACCOUNT_UIN
    """Whose account they belong to."""


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


def read_trust(document: object) -> Trust:
    """Read a role's trust policy of one statement; raises `BadPolicy` with what is wrong."""
    statements = document.get("statement") if isinstance(document, dict) else None
    statement = statements[0] if isinstance(statements, list) and len(statements) == 1 else None
    if not isinstance(document, dict) or document.get("version") != "2.0" or not isinstance(statement, dict):
        raise BadPolicy("a trust policy is an object with 'version' \"2.0\" and 'statement', a list of one object")
    if unknown := set(statement) - {"effect", "action", "principal", "condition"}:
        raise BadPolicy(f"a trust policy's statement has no {', '.join(sorted(unknown))}")
    action = statement.get("action")
    if statement.get("effect") != "allow" or (action if isinstance(action, str) else (action or [""])[0]) not in (
        "name/sts:AssumeRole",
        "sts:AssumeRole",
    ):
        raise BadPolicy("a trust policy allows name/sts:AssumeRole")
    principal = statement.get("principal")
    if not isinstance(principal, dict) or not set(principal) <= {"qcs", "service"} or not principal:
        raise BadPolicy("a trust policy's 'principal' has 'qcs' or 'service'")
    return Trust(frozenset(_texts("qcs", principal, ())), _external_ids(statement.get("condition")))


def _external_ids(condition: object) -> frozenset[str] | None:
    if condition is None:
        return None
    equal = condition.get("string_equal") if isinstance(condition, dict) and len(condition) == 1 else None
    if not isinstance(equal, dict) or set(equal) != {"sts:external_id"}:
        raise BadPolicy("a trust policy's 'condition' is string_equal with sts:external_id")
    return frozenset(_texts("sts:external_id", equal, ()))


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
    actions = [_action(text) for text in _texts("action", given)]
    resources = [_resource(text) for text in _texts("resource", given)]
    return Statement(given["effect"] == "allow", _any_of(actions), _any_of(resources))


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.DOTALL)


def _action(text: str) -> str:
    """A pattern for actions without their `name/`, which policies may leave out."""
    bare = text.removeprefix("name/")
    if bare != "*" and not ACTION.fullmatch(bare):
        raise BadPolicy(f"an action is *, or a service and a name like name/cos:GetObject, not {text!r}")
    return _glob(bare)


def _resource(text: str) -> str:
    """A pattern for resources, of which policies have several spellings."""
    if text == "*":
        return ".*"
    missing = 5 - text.count(":") if text.endswith(":*") else 0
    found = RESOURCE.fullmatch(text + ":*" * missing)
    if found is None or OLD_REGION.fullmatch(found["region"]) or not _is_name(found["service"], found["name"]):
        raise BadPolicy(
            "a resource is *, or like qcs::cos:ap-guangzhou:uid/1250000000:photos-1250000000/* or"
            f" qcs::cam::uin/100000000001:roleName/sweeper, not {text!r}"
        )
    region, owner = _glob(found["region"] or "*", "[^:]*"), _owner(found["service"], found["owner"])
    return f"qcs::{found['service']}:{region}:{owner}:{_glob(found['name'])}"


def _is_name(service: str, name: str) -> bool:
    return service != "cos" or BUCKET.fullmatch(name) is not None


def _owner(service: str, owner: str) -> str:
    """A pattern for a resource's account: COS's resources name its APPID, and policies that or its uin."""
    if service != "cos" or owner.startswith("uid/"):
        return _glob(owner or "*", "[^:]*")
    is_meant = re.fullmatch(_glob(owner or "*"), f"uin/{ACCOUNT_UIN}")
    return "uid/[0-9]+" if is_meant else "(?!)"


def _glob(text: str, anything: str = ".*") -> str:
    """A pattern in which `*` stands for whatever is there."""
    return re.escape(text).replace(r"\*", anything)


def _texts(name: str, given: Mapping[str, object], default: object = None) -> list[str]:
    """One text or several."""
    value = given.get(name, default)
    texts = [value] if isinstance(value, str) else list(value) if isinstance(value, (list, tuple)) else []
    if not (texts or value == ()) or not all(isinstance(text, str) for text in texts):
        raise BadPolicy(f"a statement's {name!r} is a text or a list of texts")
    return texts
