"""
All that the emulator's ports share: buckets, credentials, clock, COS's faults and journal.
"""

import secrets
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from tests.emulator.account import BUCKET_NAME, Account, belongs
from tests.emulator.cam import (
    ACCOUNT_UIN,
    ANY_RESOURCE,
    FULL_ACCESS,
    INVOKE,
    OLD_REGION,
    Credentials,
    Policy,
    action_name,
    read_policy,
    resource_name,
)
from tests.emulator.contents import DEFAULT_KEEP_BYTES, Contents
from tests.emulator.faults import Faults
from tests.emulator.fields import BadInput
from tests.emulator.journal import Journal
from tests.emulator.limits import Limits

DEFAULT_APPID = "1250000000"
ROLE_LIFETIME = timedelta(hours=6)
REPORTS = "sweeper-reports/*"


class Clock:
    """The cloud's time: this machine's, moved by an offset."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def now(self) -> datetime:
        """The time it is in the cloud, in UTC."""
        return datetime.fromtimestamp(time.time(), timezone.utc) + self.offset


class State:
    """Everything that lasts from one request to the next."""

    def __init__(
        self,
        buckets: Iterable[str],
        *,
        keep_requests: int = 100_000,
        accept_aws_signatures: bool = False,
        function: str | None = None,
        keep_bytes: int = DEFAULT_KEEP_BYTES,
        credentials: Iterable[Credentials] = (),
    ) -> None:
        """
        Open an account. function: the name by which policies call the function that the role may invoke.

        keep_bytes: how much content objects and parts have together at most. credentials: let in from the start; the
        first permanent ones are the owner's.
        """
        self.clock = Clock()
        self.faults = Faults()
        self.limits = Limits()
        self.journal = Journal(keep_requests)
        self.contents = Contents(keep_bytes)
        self.accept_aws_signatures = accept_aws_signatures
        self.account = open_account(buckets, self.clock.now())
        self._function = function
        given = tuple(credentials)
        permanent = (each for each in given if each.token is None)
        self.owner = next(permanent, None) or make_credentials(read_policy(FULL_ACCESS))
        self.role = self._role_credentials(role_policy(self.account, function), ROLE_LIFETIME)
        self._credentials = {each.secret_id: each for each in (*given, self.owner, self.role)}
        self._lent: set[str] = set()

    def credentials(self, secret_id: str) -> Credentials | None:
        """The credentials of that secret id, if there are any."""
        return self._credentials.get(secret_id)

    def add_credentials(self, credentials: Credentials) -> None:
        """Let these credentials in from now on, in place of earlier ones of the same secret id."""
        self._credentials[credentials.secret_id] = credentials

    def all_credentials(self) -> list[Credentials]:
        """All credentials that are let in, or would be were they not out of date."""
        return list(self._credentials.values())

    def lend_role(self, lifetime: timedelta) -> Credentials:
        """New credentials of the role, for instances. Out of date they stay known; a reset takes them back."""
        lent = self._role_credentials(self.role.policy, lifetime)
        self.lend(lent)
        return lent

    def lend(self, lent: Credentials) -> None:
        """Let temporary credentials in. Out of date they stay known; a reset takes them back."""
        self._lent.add(lent.secret_id)
        self.add_credentials(lent)

    def reset(self, buckets: Iterable[str] | None) -> None:
        """Start over with empty buckets, the same or others; credentials stay, and the role follows the buckets."""
        self.clock.offset = timedelta()
        names = [f"{each.name}@{each.region}" for each in self.account.buckets.values()] if buckets is None else buckets
        self.account = open_account(names, self.clock.now())
        self.contents.clear()
        self.faults.clear()
        self.limits.clear()
        self.journal.clear()
        for secret_id in self._lent:
            del self._credentials[secret_id]
        self._lent.clear()
        self.set_role_policy(role_policy(self.account, self._function))

    def set_role_policy(self, policy: Policy) -> None:
        """Let the role do something else from now on; what was lent of it before stays as it is."""
        self.role = replace(self.role, policy=policy)
        self.add_credentials(self.role)

    def _role_credentials(self, policy: Policy, lifetime: timedelta) -> Credentials:
        return make_credentials(policy, token=secrets.token_hex(48), expires=self.clock.now() + lifetime)


def open_account(buckets: Iterable[str], now: datetime) -> Account:
    """An account with these buckets, each given as `name-appid@region`; raises `BadInput` with what is wrong."""
    named = [_named(text) for text in buckets]
    appid = named[0][0].rpartition("-")[2] if named else DEFAULT_APPID
    account = Account(appid)
    for name, region in named:
        if name in account.buckets:
            raise BadInput(f"bucket {name} is named twice")
        if not belongs(name, appid):
            raise BadInput(f"bucket {name}: all buckets belong to one account, so its name must end with -{appid}")
        account.put_bucket(name, region, now=now)
    return account


def make_credentials(
    policy: Policy,
    *,
    secret_id: str | None = None,
    secret_key: str | None = None,
    token: str | None = None,
    expires: datetime | None = None,
    uin: str = ACCOUNT_UIN,
) -> Credentials:
    """Credentials in the shape of Tencent Cloud's, made up where they are not given."""
    return Credentials(
        secret_id or f"AKID{secrets.token_hex(16)}", secret_key or secrets.token_hex(16), policy, token, expires, uin
    )


def role_policy(account: Account, function: str | None = None) -> Policy:
    """Exactly what the sweeper's role may do: on every bucket of the account, and with the function itself."""
    buckets = [resource_name(bucket.region, bucket.name) for bucket in account.buckets.values()]
    of_cos = [
        (["AbortMultipartUpload", "ListParts"], [f"{bucket}*" for bucket in buckets]),
        (["ListMultipartUploads", "GetBucketLifecycle", "GetBucketObjectLockConfiguration"], buckets),
        (["PutObject", "GetObject", "GetBucket"], [f"{bucket}{REPORTS}" for bucket in buckets]),
        (["GetService"], [ANY_RESOURCE]),
    ]
    allowed = [([action_name(each) for each in operations], resources) for operations, resources in of_cos]
    allowed.append(([INVOKE], [function] if function else []))
    statements: list[dict[str, Any]] = [
        {"effect": "allow", "action": actions, "resource": resources} for actions, resources in allowed if resources
    ]
    return read_policy({"version": "2.0", "statement": statements})


def _named(text: str) -> tuple[str, str]:
    name, _, region = text.partition("@")
    if not BUCKET_NAME.fullmatch(name) or not region.replace("-", "").isalnum() or OLD_REGION.fullmatch(region):
        raise BadInput(f"a bucket is given as name-appid@region, like photos-1250000000@ap-guangzhou, not as {text!r}")
    return name, region
