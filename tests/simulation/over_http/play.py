"""
Plays a world: the real handler against the emulator over HTTP, with a platform that delivers events as a world says.

Nothing here judges. What was sent, reported and left is recorded for `verdict`.
"""

import json
import random
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from cos_sweeper import app
from tests.emulator.public import Cloud, Request
from tests.fixtures import TOKEN
from tests.function import Function, Invocation, named, timer
from tests.simulation.over_http import oracle
from tests.simulation.over_http.world import (
    BUCKETS,
    NAMES,
    SETTINGS,
    CompletedEvent,
    NamedEvent,
    Planted,
    Step,
    SweepEvent,
    World,
)

MAILBOX = Path(__file__).parent / "mailbox"
APPID = "1250000000"
MAX_RUNS = 60
OVERLAP = timedelta(seconds=0.5)
ATTEMPTS = {"http": 1, "ckafka": 4}
"""How often the platform tries; everything else is an asynchronous event, which SCF tries three times."""
USUAL_ATTEMPTS = 3


@contextmanager
def running_cloud() -> Iterator[Cloud]:
    """An emulator whose SCF takes events in and does nothing with them."""
    with Cloud.start(*BUCKETS, function=MAILBOX, concurrency=1, retries=0) as cloud:
        try:
            yield cloud
        finally:
            app.instance.reset()


@dataclass(frozen=True, slots=True)
class Run:
    """
    One invocation of the function. parent: the number of the run whose checkpoint it got.

    begin, end: the numbers of its requests in the journal; where others ran at the same time, `ended` tells them.
    """

    number: int
    parent: int | None
    attempt: int
    environment: dict[str, str]
    invocation: Invocation
    begin: int
    end: int
    started: datetime
    ended: datetime | None = None

    def sent(self, request: Request) -> bool:
        """Whether a request may be its own."""
        if self.ended is not None:
            return self.started - OVERLAP <= request.arrived <= self.ended + OVERLAP
        return self.begin <= request.number < self.end


@dataclass(frozen=True, slots=True)
class Played:
    """
    A step and all that came of it.

    uploads: by upload id, all that there were, with every part that ever arrived. gone: the ids of ghosts. left: the
    ids that are still there at the end. clock: how far COS's clock is ahead of the function's. delivery_faults:
    what the platform did to the chain.
    """

    step: Step
    event: oracle.Event
    runs: tuple[Run, ...]
    requests: tuple[Request, ...]
    uploads: Mapping[str, oracle.Upload]
    ghosts: frozenset[str]
    left: frozenset[str]
    clock: timedelta
    delivery_faults: "DeliveryFaults"


@dataclass(slots=True)
class DeliveryFaults:
    """
    Accepted events that were not delivered, or delivered twice; runs that were killed; rejected Invoke requests.

    endless: the chain had not ended when it was given up.
    """

    lost: int = 0
    doubled: int = 0
    killed: int = 0
    rejected: int = 0
    endless: bool = False

    @property
    def excuses(self) -> int:
        """How often something happened after which the limit may be passed."""
        return self.doubled + self.killed + self.rejected


class Chain(Protocol):
    """One event and its chain on a platform."""

    runs: list[Run]
    delivery_faults: DeliveryFaults

    def go(self, raw: Any) -> None:
        """Deliver the event, and then whatever was continued, until nothing is left."""


StartChain = Callable[["Player", Step, str, timedelta], Chain]
Arrivals = dict[str, frozenset[oracle.Arrival]]


class Player:
    """Plays one world, step by step."""

    def __init__(self, cloud: Cloud, world: World, start_chain: "StartChain | None" = None) -> None:
        self.cloud = cloud
        self.function = Function(cloud)
        self._start_chain = start_chain or LocalChain
        self.settings = {**dict.fromkeys(SETTINGS, ""), **dict(world.settings)}
        self._chance = random.Random(world.seed)
        self._planted: dict[int, tuple[Planted, str]] = {}
        cloud.reset(*BUCKETS)
        app.instance.reset()

    def play(self, step: Step) -> Played:
        """Play a step. Afterwards COS behaves again."""
        cloud = self.cloud
        self.settings.update(step.settings)
        cloud.keep_bodies()
        clock = timedelta(minutes=step.clock_minutes)
        cloud.clock(offset_seconds=clock.total_seconds())
        for each in step.plant:
            self._plant(each, clock)
        for crowd in step.crowds:
            cloud.seed(crowd.bucket, crowd.key, count=crowd.count, hours_since_start=crowd.hours)
        raw, event, door = self._event(step, clock)
        before, ghosts, arrivals = self._held(), self._ghosts(), self._arrivals()
        cloud.dialect(**dict(step.dialect))
        cloud.gone_markers(step.gone_markers)  # type: ignore[arg-type]
        for fault in step.faults:
            position = {} if fault.number is None else self._position(fault.number)
            if position is not None:
                cloud.fault(**fault.fields, **position)
        since = cloud.mark()
        chain = self._start_chain(self, step, door, clock)
        chain.go(raw)
        cloud.heal()
        cloud.dialect()
        cloud.gone_markers("accept")
        left, arrived = self._held(), self._arrivals()
        uploads = {
            upload_id: replace(
                upload, arrivals=tuple(arrivals.get(upload_id, frozenset()) | arrived.get(upload_id, frozenset()))
            )
            for upload_id, upload in {**ghosts, **left, **before}.items()
        }
        return Played(
            step=step,
            event=event,
            runs=tuple(chain.runs),
            requests=tuple(cloud.requests(since)),
            uploads=uploads,
            ghosts=frozenset(ghosts),
            left=frozenset(left),
            clock=clock,
            delivery_faults=chain.delivery_faults,
        )

    # What there is

    def _plant(self, upload: Planted, clock: timedelta) -> None:
        cloud, now = self.cloud, datetime.now(timezone.utc) + clock
        started = now - timedelta(hours=upload.hours)
        hexadecimal = f"{self._chance.getrandbits(256):064x}"
        shifted = started + timedelta(hours=upload.id_shift or 0)
        upload_id = f"{int(shifted.timestamp()):010d}{hexadecimal}" if upload.id_shift is not None else hexadecimal[:40]
        even = bool(upload.even_parts)
        cloud.seed(
            upload.bucket,
            upload.key,
            upload_id=upload_id,
            parts=upload.even_parts,
            part_size=upload.part_size,
            hours_since_start=upload.hours,
            hours_since_last_part=upload.parts[-1] if even else None,
        )
        for hours in () if even else upload.parts:
            cloud.clock(offset_seconds=(clock - timedelta(hours=hours)).total_seconds())
            cloud.upload_part(upload.bucket, upload.key, upload_id, size=upload.part_size)
        cloud.clock(offset_seconds=clock.total_seconds())
        if upload.state == "ghost":
            cloud.ghost(upload.bucket, upload.key, upload_id)
        elif upload.state != "open":
            cloud.begin_complete(upload.bucket, upload.key, upload_id, upload.state)  # type: ignore[arg-type]
        self._planted[upload.number] = (upload, upload_id)

    def _position(self, number: int) -> dict[str, str] | None:
        """Where a fault strikes; `None` where its upload is not in this world."""
        planted = self._planted.get(number)
        return {"bucket": planted[0].bucket, "key": planted[0].key} if planted else None

    def _held(self) -> dict[str, oracle.Upload]:
        completing = {upload_id for upload, upload_id in self._planted.values() if upload.state in ("204", "409")}
        return {
            each.upload_id: oracle.Upload(
                bucket, each.key, each.upload_id, each.initiated, completing=each.upload_id in completing
            )
            for bucket in NAMES
            for each in self.cloud.uploads(bucket)
        }

    def _ghosts(self) -> dict[str, oracle.Upload]:
        return {
            each.upload_id: oracle.Upload(bucket, each.key, each.upload_id, each.initiated)
            for bucket in NAMES
            for each in self.cloud.ghosts(bucket)
        }

    def _arrivals(self) -> Arrivals:
        found: dict[str, set[oracle.Arrival]] = {}
        for bucket in NAMES:
            for each in self.cloud.arrivals(bucket):
                found.setdefault(each.upload_id, set()).add(oracle.Arrival(each.number, each.size, each.time))
        return {upload_id: frozenset(arrivals) for upload_id, arrivals in found.items()}

    # Events

    def _event(self, step: Step, clock: timedelta) -> tuple[Any, oracle.Event, str]:
        """The event as the platform sends it, what it asks for, and through which door it comes."""
        match step.event:
            case SweepEvent(None):
                return {**timer(), "Message": "{min_age: yes}"}, oracle.Nothing(), "timer"
            case SweepEvent(narrowing):
                return timer(**(narrowing or {})), _sweep(narrowing or {}), "timer"
            case CompletedEvent(number):
                return self._completed(number, clock)
            case NamedEvent(door, numbers, spelling):
                targets = tuple(self._target(each, spelling) for each in numbers if each in self._planted)
                return _through(door, targets), oracle.UploadTarget(targets), door

    def _completed(self, number: int, clock: timedelta) -> tuple[Any, oracle.Event, str]:
        if number not in self._planted:
            return {}, oracle.Nothing(), "cos"
        upload, upload_id = self._planted[number]
        if any(each.upload_id == upload_id for each in self.cloud.uploads(upload.bucket)):
            self.cloud.complete(upload.bucket, upload.key, upload_id)
        at = (datetime.now(timezone.utc) + clock).replace(microsecond=0)
        return _cos_event(upload.bucket, upload.key, at), oracle.Completed(upload.bucket, upload.key, at), "cos"

    def _target(self, number: int, spelling: str) -> oracle.Target:
        upload, upload_id = self._planted[number]
        spelt = {"as_is": upload.key, "percent": quote(upload.key), "slash": f"/{upload.key}"}
        return oracle.Target(upload.bucket, spelt[spelling], upload_id)


class LocalChain:
    """An event, its retries and its continuations, one run after the other in this process."""

    def __init__(self, player: Player, step: Step, door: str, clock: timedelta) -> None:
        self.runs: list[Run] = []
        self.delivery_faults = DeliveryFaults()
        self._player = player
        self._step = step
        self._clock = clock
        self._attempts = ATTEMPTS.get(door, USUAL_ATTEMPTS)
        self._deliveries = deque(step.platform_faults.deliveries)
        self._changes = dict(step.platform_faults.settings)
        self._records_seen = player.cloud.scf()["next"]

    def go(self, raw: Any) -> None:
        """One run after the other, until nothing is left."""
        skip, count = self._step.platform_faults.rejected_invokes
        if count:
            self._player.cloud.invoke_fault(status=200, code="InternalError", skip=skip, count=count)
        waiting: deque[tuple[Any, int | None, int]] = deque([(raw, None, 1)])
        while waiting:
            if len(self.runs) == MAX_RUNS:
                self.delivery_faults.endless = True
                break
            event, parent, attempt = waiting.popleft()
            run, continued = self._run(event, parent, attempt)
            add = waiting.extendleft if self._step.platform_faults.reverse else waiting.extend
            add((each, run.number, 1) for each in self._delivered(continued))
            attempts = self._attempts if parent is None else USUAL_ATTEMPTS
            if run.invocation.error is not None and attempt < attempts:
                waiting.append((event, parent, attempt + 1))
        self.delivery_faults.rejected = len(self.runs) if count else 0

    def _run(self, event: Any, parent: int | None, attempt: int) -> tuple[Run, list[Any]]:
        cloud, number = self._player.cloud, len(self.runs)
        self._player.settings.update(self._changes.get(number, ()))
        environment = dict(self._player.settings)
        begin, started = cloud.mark(), datetime.now(timezone.utc) + self._clock
        variables: dict[str, Any] = {**environment, "INVOKE_ENDPOINT": cloud.invoke_endpoint}
        invocation = self._player.function(
            event,
            seconds=self._step.seconds,
            context=_context(number, self._step.seconds),
            **variables,
        )
        continued = self._continued()
        run = Run(number, parent, attempt, environment, invocation, begin, cloud.mark(), started)
        self.runs.append(run)
        return run, continued

    def _continued(self) -> list[Any]:
        """The events that the platform accepted since this was asked last."""
        cloud = self._player.cloud
        cloud.wait_idle()
        records = cloud.invocations(self._records_seen)
        self._records_seen += len(records)
        return [record.event for record in records]

    def _delivered(self, accepted: Sequence[Any]) -> list[Any]:
        delivered = []
        for each in accepted:
            times = self._deliveries.popleft() if self._deliveries else 1
            self.delivery_faults.lost += times == 0
            self.delivery_faults.doubled += times == 2
            delivered += [each] * times
        return delivered


def _context(number: int, seconds: float) -> dict[str, Any]:
    return {
        "request_id": f"6c4b7bb0-0000-4000-8000-{number:012d}",
        "time_limit_in_ms": int(seconds * 1000),
        "memory_limit_in_mb": 128,
        "function_name": "cos-sweeper",
        "function_version": "$LATEST",
        "namespace": "default",
        "tencentcloud_region": "ap-guangzhou",
        "tencentcloud_appid": APPID,
        "tencentcloud_uin": "100000000001",
    }


def _sweep(narrowing: Mapping[str, Any]) -> oracle.Sweep:
    hours = {name: narrowing[name] * oracle.HOUR for name in ("min_age_hours", "min_idle_hours") if name in narrowing}
    buckets, prefixes = narrowing.get("buckets"), narrowing.get("prefixes")
    return oracle.Sweep(
        buckets=None if buckets is None else frozenset(buckets),
        prefixes=None if prefixes is None else tuple(prefixes),
        min_age=hours.get("min_age_hours"),
        min_idle=hours.get("min_idle_hours"),
        max_aborts=narrowing.get("max_aborts"),
        dry_run=narrowing.get("dry_run", False),
    )


def _through(door: str, targets: Sequence[oracle.Target]) -> Any:
    """An event that names these uploads."""
    each = [named(target.bucket, target.key, target.upload_id) for target in targets]
    together: dict[str, Any] = each[0] if len(each) == 1 else {"uploads": each}
    match door:
        case "ckafka":
            return {"Records": [{"Ckafka": _ckafka(offset, one)} for offset, one in enumerate(each)]}
        case "cmq":
            return {"Records": [{"CMQ": _cmq(one)} for one in each]}
        case "http":
            headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
            return {"httpMethod": "POST", "path": "/", "headers": headers, "body": json.dumps(together)}
        case "eventbridge":
            return {
                "specversion": "1.0",
                "id": "1",
                "type": "app:failed",
                "source": "uploader",
                "time": "1615430559146",
                "datacontenttype": "application/json;charset=utf-8",
                "data": together,
            }
        case _:
            return together


def _ckafka(offset: int, one: dict[str, str]) -> dict[str, Any]:
    return {"topic": "t", "partition": 1, "offset": offset, "msgKey": "None", "msgBody": json.dumps(one)}


def _cmq(one: dict[str, str]) -> dict[str, Any]:
    return {
        "type": "topic",
        "topicOwner": "120000000",
        "topicName": "t",
        "subscriptionName": "s",
        "publishTime": "2026-01-01T00:00:00.000Z",
        "msgId": "1",
        "requestId": "1",
        "msgBody": json.dumps(one),
        "msgTag": "a,b",
    }


def _cos_event(bucket: str, key: str, at: datetime) -> Any:
    name = bucket.removesuffix(f"-{APPID}")
    return {
        "Records": [
            {
                "cos": {
                    "cosSchemaVersion": "1.0",
                    "cosObject": {
                        "url": f"http://{bucket}.cos.ap-guangzhou.myqcloud.com/{quote(key)}",
                        "meta": {"x-cos-request-id": "NWMxOWY4MGFf"},
                        "vid": "",
                        "key": f"/{APPID}/{name}/{key}",
                        "size": 1029,
                    },
                    "cosBucket": {"region": "gz", "name": name, "appid": APPID},
                    "cosNotificationId": "unkown",
                },
                "event": {
                    "eventName": "cos:ObjectCreated:CompleteMultipartUpload",
                    "eventVersion": "1.0",
                    "eventTime": int(at.timestamp()),
                    "eventSource": "qcs::cos",
                    "requestParameters": {"requestSourceIP": "203.0.113.10", "requestHeaders": {}},
                    "eventQueue": "q",
                    "reservedInfo": "",
                    "reqid": 179398952,
                },
            }
        ]
    }
