"""
Running the emulator from a test or a script, and talking to its control door. The standard library only.
"""

import http.client
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any
from urllib.parse import urlencode, urlsplit

from tests.emulator.api_client import ApiCalls
from tests.emulator.cos_client import CosCalls
from tests.emulator.journal import Request
from tests.emulator.scf_client import ScfCalls

ROOT = Path(__file__).resolve().parents[2]
STOP_SECONDS = 10
TIMES = ("time", "arrived")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client signs with."""

    secret_id: str
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Seeded:
    """An upload that a seed put there."""

    key: str
    upload_id: str


@dataclass(frozen=True, slots=True)
class HeldUpload:
    """An unfinished upload as the cloud holds it. `last_part` is `None` without parts."""

    key: str
    upload_id: str
    parts: int
    bytes: int
    initiated: datetime
    last_part: datetime | None
    initiator: str
    storage_class: str


@dataclass(frozen=True, slots=True)
class HeldObject:
    """An object as the cloud holds it."""

    key: str
    size: int
    etag: str


class ControlError(Exception):
    """The control door rejected what it was asked, or the cloud would not start; the message says why."""


class Cloud(CosCalls, ScfCalls, ApiCalls):
    """A running emulator: COS, STS, Cloud Monitor and, with a function, SCF. Leaving the `with` block stops it."""

    def __init__(self, process: "subprocess.Popen[bytes]", greeting: dict[str, Any], errors: IO[bytes]) -> None:
        self.endpoint: str = greeting["cos"]
        self.control: str = greeting["control"]
        self.api_endpoint: str = greeting["api"]
        self.proxy_endpoint: str = greeting.get("proxy", "")
        self.invoke_endpoint: str = greeting.get("scf", "")
        self.pid = process.pid
        self.owner = Credentials(**greeting["owner"])
        self.role = Credentials(**{name: greeting["role"][name] for name in ("secret_id", "secret_key", "token")})
        self.role_expires = datetime.fromisoformat(greeting["role"]["expires"])
        self._door = _ControlDoor(urlsplit(self.control).netloc)
        self._process = process
        self._errors = errors

    @classmethod
    def start(
        cls,
        *buckets: str,
        accept_aws_signatures: bool = False,
        function: Path | None = None,
        env: Mapping[str, str] | None = None,
        credentials: Sequence[str] = (),
        **more: Any,
    ) -> "Cloud":
        """
        Start one with these buckets (`name-appid@region`) on ports of its own choice, and wait until it is ready.

        function: a directory with index.py in it; without it there is no SCF. env: the function's variables.
        credentials: what may do everything, as ID:KEY or ID:KEY:TOKEN.

        `more`: keep_bytes, proxy_port, tls (where to write the CA's certificate); and for SCF time_limit_ms,
        concurrency, retries, retry_wait_ms, role_seconds, memory_mb, function_name, namespace, region, python.
        """
        command = [sys.executable, "-m", "tests.emulator", "--cos-port=0", "--control-port=0", "--stop-at-eof"]
        command += [word for bucket in buckets for word in ("--bucket", bucket)]
        command += ["--accept-aws-signatures"] if accept_aws_signatures else []
        command += ["--scf-port=0", f"--function={Path(function).resolve()}"] if function else []
        command += [f"--env={name}={value}" for name, value in (env or {}).items()]
        command += [f"--credentials={each}" for each in credentials]
        command += [f"--{name.replace('_', '-')}={value}" for name, value in more.items()]
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
        assert process.stdout is not None
        line = process.stdout.readline()
        if line:
            return cls(process, json.loads(line), errors)
        _close(process)
        errors.seek(0)
        message = errors.read().decode(errors="replace").strip()
        errors.close()
        raise ControlError(f"the emulator did not start (exit code {process.returncode}): {message}")

    def __enter__(self) -> "Cloud":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """COS's port on 127.0.0.1."""
        return urlsplit(self.endpoint).port or 0

    def seed(
        self,
        bucket: str,
        key: str = "upload-{n}",
        *,
        count: int = 1,
        parts: int = 1,
        part_size: int = 1 << 20,
        hours_since_start: float = 100.0,
        hours_since_last_part: float | None = None,
        **more: Any,
    ) -> list[Seeded]:
        """
        Put uploads there; returns the first 1000.

        `more`: first, part_numbers (in the order they arrive), initiators, storage_class, upload_id.
        """
        given = {
            "bucket": bucket,
            "key": key,
            "count": count,
            "parts": parts,
            "part_size": part_size,
            "hours_since_start": hours_since_start,
            "hours_since_last_part": hours_since_last_part,
            **more,
        }
        return [Seeded(**each) for each in self._ask("POST", "/seed", given)["uploads"]]

    def fault(self, operation: str = "*", **fields: Any) -> None:
        """Put a fault in force; the fields are those of `POST /faults`."""
        self._ask("POST", "/faults", {"operation": operation, **fields})

    def heal(self) -> None:
        """Take all faults out of force."""
        self._ask("DELETE", "/faults")

    def clock(self, **fields: Any) -> None:
        """Move the clock: offset_seconds, advance_seconds or now."""
        self._ask("POST", "/clock", fields)

    def uploads(self, bucket: str, prefix: str = "") -> list[HeldUpload]:
        """The unfinished uploads of a bucket by key and upload id, without ghosts."""
        return [_held_upload(each) for each in self._state(bucket, prefix)["uploads"]]

    def ghosts(self, bucket: str, prefix: str = "") -> list[HeldUpload]:
        """The uploads of a bucket that are gone but still listed, by key and upload id."""
        return [_held_upload(each) for each in self._state(bucket, prefix)["ghosts"]]

    def objects(self, bucket: str, prefix: str = "") -> list[HeldObject]:
        """The objects of a bucket by key."""
        return [HeldObject(**each) for each in self._state(bucket, prefix)["objects"]]

    def totals(self) -> dict[str, Any]:
        """Counts and bytes of each bucket, and how often each operation was asked for."""
        totals: dict[str, Any] = self._ask("GET", "/state")
        return totals

    def requests(self, since: int = 0) -> list[Request]:
        """The requests that COS got, from number `since` on."""
        listed = self._ask("GET", "/requests", query={"since": since})["requests"]
        return [Request(**{**each, **{name: datetime.fromisoformat(each[name]) for name in TIMES}}) for each in listed]

    def mark(self) -> int:
        """The number that the next request will have: what to give `requests` later."""
        number: int = self._ask("GET", "/requests", query={"since": 1 << 60})["next"]
        return number

    def add_credentials(
        self,
        *,
        secret_id: str | None = None,
        secret_key: str | None = None,
        policy: dict[str, Any] | None = None,
        expires_in_seconds: float | None = None,
        token: str | None = None,
        uin: str | None = None,
    ) -> Credentials:
        """
        Let more credentials in, made up where they are not given; without a policy they may do everything.

        uin: of another account, which owns nothing here; for roles that trust it.
        """
        given = {
            "secret_id": secret_id,
            "secret_key": secret_key,
            "policy": policy,
            "expires_in_seconds": expires_in_seconds,
            "token": token,
            "uin": uin,
        }
        added = self._ask("POST", "/credentials", given)
        return Credentials(added["secret_id"], added["secret_key"], added["token"])

    def credentials(self) -> list[Credentials]:
        """All credentials that are let in, those of instances among them, or would be were they not out of date."""
        listed = self.credentials_with_policies()
        return [Credentials(each["secret_id"], each["secret_key"], each["token"]) for each in listed]

    def credentials_with_policies(self) -> list[dict[str, Any]]:
        """The same, each with its policy."""
        listed: list[dict[str, Any]] = self._ask("GET", "/credentials")["credentials"]
        return listed

    def set_role_policy(self, policy: dict[str, Any]) -> None:
        """Let the function's role, and the instances that start from now on, do what the policy says; until a reset."""
        self._ask("POST", "/role", {"policy": policy})

    def reset(self, *buckets: str) -> None:
        """Start over with empty buckets, the same ones or those given; credentials stay."""
        self._ask("POST", "/reset", {"buckets": list(buckets)} if buckets else {})

    def stop(self) -> str:
        """Stop it, and return what it printed to its standard error. Stopping twice is harmless."""
        self._door.close()
        if self._process.poll() is None:
            self._process.terminate()
        _close(self._process)
        if self._errors.closed:
            return ""
        with self._errors as errors:
            errors.seek(0)
            return errors.read().decode(errors="replace")

    def _state(self, bucket: str, prefix: str) -> dict[str, Any]:
        state: dict[str, Any] = self._ask("GET", "/state", query={"bucket": bucket, "prefix": prefix})
        return state

    def _ask(
        self,
        method: str,
        path: str,
        body: object = None,
        query: dict[str, Any] | None = None,
        timeout_seconds: float = 60,
    ) -> Any:
        target = path + ("?" + urlencode(query, errors="surrogateescape") if query else "")
        status, answer = self._door.ask(method, target, None if body is None else json.dumps(body), timeout_seconds)
        if status != 200:
            raise ControlError(answer["error"])
        return answer


class _ControlDoor:
    """Connections to the control door, used again: a test asks it dozens of times. For any number of threads."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._idle: list[http.client.HTTPConnection] = []

    def ask(self, method: str, target: str, body: str | None, timeout_seconds: float) -> tuple[int, Any]:
        """Send one request; returns the status and the JSON of the response."""
        try:
            connection = self._idle.pop()
        except IndexError:
            return self._ask(self._connect(timeout_seconds), method, target, body)
        connection.sock.settimeout(timeout_seconds)
        try:
            return self._ask(connection, method, target, body)
        except (http.client.RemoteDisconnected, ConnectionError):  # it was idle for so long that the cloud closed it
            return self._ask(self._connect(timeout_seconds), method, target, body)

    def _connect(self, timeout_seconds: float) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._address, timeout=timeout_seconds)

    def _ask(
        self, connection: http.client.HTTPConnection, method: str, target: str, body: str | None
    ) -> tuple[int, Any]:
        try:
            connection.request(method, target, body)
            response = connection.getresponse()
            answer = json.loads(response.read())
        except BaseException:
            connection.close()
            raise
        if connection.sock is not None:
            self._idle.append(connection)
        return response.status, answer

    def close(self) -> None:
        """Close the connections that are not in use."""
        while self._idle:
            self._idle.pop().close()


def _close(process: "subprocess.Popen[bytes]") -> None:
    """Wait until a process that is stopping has ended, and close its pipes."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _held_upload(given: dict[str, Any]) -> HeldUpload:
    last_part = given["last_part"]
    times = {
        "initiated": datetime.fromisoformat(given["initiated"]),
        "last_part": datetime.fromisoformat(last_part) if last_part else None,
    }
    return HeldUpload(**{**given, **times})
