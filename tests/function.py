"""
The deployed function as a test holds it: an environment, an event in, an answer or an exception and the log out.
"""

import asyncio
import contextlib
import io
import json
import os
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import index
from cos_sweeper.core.errors import BadSettings
from cos_sweeper.core.settings import load
from cos_sweeper.cos import instance
from cos_sweeper.cos.sdk_store import CosStore
from cos_sweeper.scf import cam_policy
from tests.emulator.public import Cloud, Credentials
from tests.fixtures import ABORTING, TOKEN

EVENTS = Path(__file__).parent / "events"
PHOTOS = "photos-1250000000@ap-guangzhou"
LOGS = "logs-1250000000@ap-singapore"
FUNCTION = cam_policy.function_resource("ap-guangzhou", "100000000001", "default", "cos-sweeper")
USUAL = object()


@dataclass(frozen=True, slots=True)
class Invocation:
    """What came of one invocation. answer: None when it raised."""

    answer: dict[str, Any] | None
    error: Exception | None
    output: str

    @property
    def report(self) -> dict[str, Any]:
        """The report in the response, whatever the trigger."""
        assert self.answer is not None, self.error
        if "statusCode" in self.answer:
            body: dict[str, Any] = json.loads(self.answer["body"])
            return body
        return self.answer

    @property
    def log(self) -> list[dict[str, Any]]:
        """The log, a dict for each line."""
        return [json.loads(line) for line in self.output.splitlines()]

    def lines(self, event: str) -> list[dict[str, Any]]:
        """The log's lines of one event."""
        return [line for line in self.log if line["event"] == event]


@dataclass(slots=True)
class Function:
    """
    Invokes `main_handler` against the emulator, with the role's credentials only.

    The role may do exactly what `permissions` says for the settings of the moment, and none of what is `denied`. waits:
    the seconds of all waits between requests, as long as they would be.
    """

    cloud: Cloud
    settings: dict[str, str] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)
    waits: list[float] = field(default_factory=list)

    def __call__(
        self,
        event: object,
        *,
        seconds: float = 60,
        role: Credentials | None = None,
        context: object = USUAL,
        patience: float = 0.0,
        **settings: Any,
    ) -> Invocation:
        """
        Invoke it. seconds: the time limit that SCF would give. settings: on top of the usual ones, '' to unset.

        patience: the part of each wait between requests that is really waited; none by default.
        """
        role = role or self.cloud.role
        environ = {
            "BUCKETS": f"{PHOTOS},{LOGS}",
            "COS_ENDPOINT": self.cloud.endpoint,
            "TENCENTCLOUD_SECRETID": role.secret_id,
            "TENCENTCLOUD_SECRETKEY": role.secret_key,
            "TENCENTCLOUD_SESSIONTOKEN": role.token or "",
            "HTTP_TOKEN": TOKEN,
            **ABORTING,
            **self.settings,
            **settings,
        }
        self._allow(environ)
        usual = {
            "request_id": "6c4b7bb0-0000-4000-8000-000000000000",
            "time_limit_in_ms": int(seconds * 1000),
            "memory_limit_in_mb": 128,
            "function_name": "cos-sweeper",
        }
        output = io.StringIO()
        store = mock.patch.object(instance, "CosStore", partial(CosStore, sleep=partial(self._wait, patience)))
        with mock.patch.dict(os.environ, environ, clear=True), contextlib.redirect_stdout(output), store:
            try:
                return Invocation(
                    index.main_handler(event, usual if context is USUAL else context), None, output.getvalue()
                )
            except Exception as exc:  # what SCF would see
                return Invocation(None, exc, output.getvalue())

    async def _wait(self, patience: float, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(patience * seconds)

    def _allow(self, environ: dict[str, str]) -> None:
        """The role may do what these settings need, and nothing else."""
        with contextlib.suppress(BadSettings):
            document = role_policy(environ)
            for statement in document["statement"]:
                statement["action"] = [action for action in statement["action"] if action not in self.denied]
            document["statement"] = [statement for statement in document["statement"] if statement["action"]]
            self.cloud.set_role_policy(document)


def role_policy(environ: dict[str, str]) -> dict[str, Any]:
    """What the role may do: what these settings need, and nothing else."""
    return cam_policy.policy(load(environ), FUNCTION, "1250000000")


def event(name: str) -> Any:
    """An event of `tests/events`, as the platform sends it."""
    raw: Any = json.loads((EVENTS / f"{name}.json").read_text("utf-8"))
    return raw


def timer(**narrowing: Any) -> dict[str, Any]:
    """A timer's event; the narrowing goes into its Message."""
    return {**event("timer"), "Message": json.dumps(narrowing) if narrowing else ""}


def named(bucket: str, key: str, upload_id: str) -> dict[str, str]:
    """A failure event that names one upload. bucket: with or without its region."""
    return {"bucket": bucket.partition("@")[0], "key": key, "uploadId": upload_id}
