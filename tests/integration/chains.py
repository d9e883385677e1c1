"""
The deployed function as a test of several runs holds it: real processes that invoke each other in the emulator.

What is read here is what an operator can read: executions, their events, responses and log lines, and COS's requests.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.emulator.public import Cloud, HeldUpload, InvocationRecord, Request, Seeded
from tests.fixtures import ABORTING
from tests.function import LOGS, PHOTOS, event, role_policy

ENVIRONMENT = {"BUCKETS": f"{PHOTOS},{LOGS}", **ABORTING}
PHOTO_BUCKET, LOG_BUCKET = (bucket.partition("@")[0] for bucket in (PHOTOS, LOGS))
OUTCOMES = (
    "kept",
    "would_abort",
    "aborted",
    "still_receiving",
    "already_gone",
    "already_gone_unchecked",
    "listed_but_not_found",
    "rejected",
    "failed",
    "deferred",
)
# Executions that are no run: one asks whether the function may invoke itself, one raises for a chain that failed.
PROBE, CHAIN_FAILED, CHECKPOINT = "cos_sweeper_probe", "cos_sweeper_chain_failed", "cos_sweeper_checkpoint"
PATIENCE_SECONDS = 120


@dataclass(slots=True)
class Chain:
    """The deployed function in front of the emulator."""

    cloud: Cloud
    settings: dict[str, str] = field(default_factory=dict)

    def set_up(self, *, seconds: float = 60, after_runs: int = 0, **settings: str | None) -> None:
        """Deploy it with a time limit and with settings on top of the usual ones; None takes one away."""
        more: dict[str, Any] = {"after_runs": after_runs} if after_runs else {}
        if not after_runs:
            self.settings |= {name: value for name, value in settings.items() if value is not None}
            self.cloud.set_role_policy(role_policy({**ENVIRONMENT, **self.settings}))
        self.cloud.scf_settings(time_limit_ms=int(seconds * 1000), retry_wait_ms=10, env=settings, **more)

    def sweep(self, **narrowing: Any) -> list[InvocationRecord]:
        """Fire the timer, and wait until everything that follows from it is over. Returns the runs."""
        self.cloud.fire_timer(**narrowing)
        return self.finish()

    def send(self, event: object) -> list[InvocationRecord]:
        """Send an asynchronous event, and wait until everything that follows from it is over. Returns the runs."""
        self.cloud.invoke(event)
        return self.finish()

    def finish(self) -> list[InvocationRecord]:
        """Wait until nothing is under way. Returns the runs."""
        assert self.cloud.wait_idle(PATIENCE_SECONDS)
        return self.runs()

    def runs(self) -> list[InvocationRecord]:
        """The executions that are runs, in the order in which they ended."""
        return [one for one in self.cloud.invocations() if not {PROBE, CHAIN_FAILED} & set(one.event)]

    def failures(self) -> list[InvocationRecord]:
        """The executions that do nothing but raise."""
        return [one for one in self.cloud.invocations() if CHAIN_FAILED in one.event]

    def aborts(self) -> list[Request]:
        """The aborts that COS acknowledged."""
        requests = self.requests("AbortMultipartUpload")
        return [one for one in requests if one.status == 204]

    def requests(self, operation: str, bucket: str = "") -> list[Request]:
        """What COS was asked for."""
        requests = self.cloud.requests()
        return [one for one in requests if one.operation == operation and bucket in ("", one.bucket)]

    def left(self) -> list[HeldUpload]:
        """The uploads of both buckets."""
        return [one for bucket in (PHOTO_BUCKET, LOG_BUCKET) for one in self.cloud.uploads(bucket)]

    def lines(self, event: str) -> list[dict[str, Any]]:
        """The log lines of all executions with this event."""
        output = [line for one in self.cloud.invocations() for line in one.log.splitlines()]
        return [line for line in map(json.loads, output) if line["event"] == event]


def totals(runs: list[InvocationRecord]) -> Counter[str]:
    """The outcomes of the runs of a chain, added up; without those that are 0."""
    counted: Counter[str] = Counter()
    for run in runs:
        counted.update({name: run.answer[name] for name in OUTCOMES if run.answer[name]} if run.answer else {})
    return counted


def gone(runs: list[InvocationRecord]) -> int:
    """Uploads that are gone, whether the run that aborted them heard of it or a later one found them gone."""
    counted = totals(runs)
    return counted["aborted"] + counted["already_gone"] + counted["already_gone_unchecked"]


def statuses(runs: list[InvocationRecord]) -> list[str]:
    """What each run says of itself, or how it ended where it says nothing."""
    return [run.answer["status"] if run.answer else run.end for run in runs]


def uploads_of(bucket: str, seeded: list[Seeded]) -> dict[str, Any]:
    """The event that names these uploads."""
    return {"uploads": [{"bucket": bucket, "key": one.key, "uploadId": one.upload_id} for one in seeded]}


def kafka(bucket: str, seeded: list[Seeded]) -> dict[str, Any]:
    """A CKafka batch with a message for each of these uploads."""
    bodies = [json.dumps(one) for one in uploads_of(bucket, seeded)["uploads"]]
    return {"Records": [{"Ckafka": {"topic": "t", "offset": n, "msgBody": body}} for n, body in enumerate(bodies)]}


def post(bucket: str, seeded: list[Seeded]) -> dict[str, Any]:
    """An HTTP request that names these uploads."""
    return {**event("http_function_url"), "body": json.dumps(uploads_of(bucket, seeded))}
