"""
Security Token Service: roles that others may take on, and AssumeRole, which lends their rights for a while.

How a request proves whose it is is `tc3`, what policies say `cam`. Nothing here knows HTTP.
"""

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

from tests.emulator.cam import ACCOUNT_UIN, BadPolicy, Credentials, Policy, Trust, read_policy
from tests.emulator.tc3 import ApiError

ASSUME_ROLE = ("name/sts:AssumeRole", "sts:AssumeRole")
"""How policies call it: both forms are in use."""
SESSION_NAME = re.compile(r"[\w+=,.@-]{2,128}", re.ASCII)
DEFAULT_SECONDS = 7200
MAX_SECONDS = 43_200
PARAMETERS = frozenset(("RoleArn", "RoleSessionName", "DurationSeconds", "Policy", "ExternalId"))
REFUSED = frozenset(("Tags", "SourceIdentity", "SerialNumber", "TokenCode"))
"""What the real one has and this one has not."""


@dataclass(frozen=True, slots=True)
class Role:
    """A role of an account: who may take it on, and what they may do then."""

    name: str
    trust: Trust
    policy: Policy
    uin: str = ACCOUNT_UIN

    @property
    def arn(self) -> str:
        """How it is named in a request, and in policies."""
        return f"qcs::cam::uin/{self.uin}:roleName/{self.name}"


def assume_role(
    roles: Mapping[str, Role], caller: Credentials, given: Mapping[str, Any], now: datetime
) -> tuple[Credentials, dict[str, Any]]:
    """The credentials that a caller gets, and the answer that tells them."""
    _check_names(given)
    lifetime = timedelta(seconds=_seconds(given))
    narrowing = _session_policy(given)
    role = roles.get(given["RoleArn"])
    if not any(caller.policy.allows(action, given["RoleArn"]) for action in ASSUME_ROLE):
        raise ApiError("UnauthorizedOperation", "You are not authorized to perform sts:AssumeRole on this role.")
    if role is None:
        raise ApiError("ResourceNotFound.RoleNotFound", "The role does not exist.")
    if not role.trust.admits(caller.uin, given.get("ExternalId", "")):
        raise ApiError("UnauthorizedOperation", "The role does not trust the caller, or the external id is wrong.")
    expires = (now + lifetime).replace(microsecond=0)
    lent = Credentials(
        f"AKID{secrets.token_hex(24)}",
        secrets.token_hex(16),
        role.policy if narrowing is None else role.policy.narrowed(narrowing),
        secrets.token_hex(96),
        expires,
        role.uin,
    )
    return lent, {
        "Credentials": {"Token": lent.token, "TmpSecretId": lent.secret_id, "TmpSecretKey": lent.secret_key},
        "ExpiredTime": int(expires.timestamp()),
        "Expiration": f"{expires:%Y-%m-%dT%H:%M:%SZ}",
    }


def _check_names(given: Mapping[str, Any]) -> None:
    if refused := sorted(REFUSED & set(given)):
        raise ApiError("UnsupportedOperation", f"The emulator's STS does not implement {', '.join(refused)}.")
    if unknown := sorted(set(given) - PARAMETERS):
        raise ApiError("UnknownParameter", f"There is no parameter {', '.join(unknown)}.")
    for name in ("RoleArn", "RoleSessionName"):
        if name not in given:
            raise ApiError("MissingParameter", f"The request lacks the parameter {name}.")
    for name in ("RoleArn", "RoleSessionName", "Policy", "ExternalId"):
        if not isinstance(given.get(name, ""), str):
            raise ApiError("InvalidParameter", f"{name} must be text.")
    if not SESSION_NAME.fullmatch(given["RoleSessionName"]):
        raise _wrong("RoleSessionName must be 2 to 128 letters, digits and characters of +=,.@_-.")


def _seconds(given: Mapping[str, Any]) -> int:
    seconds = given.get("DurationSeconds", DEFAULT_SECONDS)
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds < 1:
        raise _wrong("DurationSeconds must be a whole number, 1 or above.")
    if seconds > MAX_SECONDS:
        raise ApiError("InvalidParameter.OverTimeError", f"DurationSeconds must be {MAX_SECONDS} or below.")
    return seconds


def _session_policy(given: Mapping[str, Any]) -> Policy | None:
    text = given.get("Policy", "")
    if not text:
        return None
    try:
        return read_policy(json.loads(unquote(text)))
    except BadPolicy as wrong:
        raise ApiError("InvalidParameter.StrategyInvalid", f"The policy is wrong: {wrong}.") from None
    except (ValueError, RecursionError):
        raise ApiError("InvalidParameter.StrategyFormatError", "The policy is not URL-encoded JSON.") from None


def _wrong(message: str) -> ApiError:
    return ApiError("InvalidParameter.ParamError", message)
