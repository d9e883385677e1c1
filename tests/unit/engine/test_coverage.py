"""
Reading the coverage of buckets, over HTTP against the emulator and from a store that fails.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from cos_sweeper.core.coverage import (
    LIFECYCLE_ACTION,
    OBJECT_LOCK_ACTION,
    Coverage,
    LifecycleRule,
    State,
    rule_to_add,
)
from cos_sweeper.core.deadline import Deadline, run_deadline
from cos_sweeper.core.errors import CosRejected, Unavailable
from cos_sweeper.core.model import Bucket
from cos_sweeper.core.settings import Credentials, ReportLocation
from cos_sweeper.cos import instance
from cos_sweeper.cos.sdk_store import Clients, CosStore
from cos_sweeper.engine import coverage
from cos_sweeper.net.client import Connections
from tests.emulator.public import Cloud, send
from tests.fixtures import BUCKETS, HOUR, LOGS, PHOTOS, FakeClock
from tests.function import role_policy

T = TypeVar("T")

RULES = f"<LifecycleConfiguration>{rule_to_add(HOUR)}</LifecycleConfiguration>".encode()
LOCK = b"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>"
UNTIL = run_deadline(FakeClock(), 60, 0.0)
REQUESTS = {"GetBucketLifecycle", "GetBucketObjectLockConfiguration"}
Read = Callable[..., tuple[Coverage, ...]]


async def no_wait(_: float) -> None:
    """The pauses between attempts, shortened."""


@pytest.fixture
def read(cloud: Cloud) -> Iterator[Read]:
    """Reads through the official SDK, with the role's credentials and the permissions of the generated policy."""
    environ = {"BUCKETS": ",".join(map(str, BUCKETS)), "REPORT": f"{PHOTOS}/reports"}
    cloud.set_role_policy(role_policy(environ))
    role = Credentials(cloud.role.secret_id, cloud.role.secret_key, cloud.role.token or "")
    connections, loop = Connections(cloud.port), asyncio.new_event_loop()
    reports = ReportLocation(PHOTOS, "reports/")
    store = CosStore(Clients(role, plain_http=True), connections, UNTIL, sleep=no_wait, reports=reports)

    def run(buckets: Iterable[Bucket] = BUCKETS, deadline: Deadline = UNTIL) -> tuple[Coverage, ...]:
        found = loop.run_until_complete(coverage.read(store.apart(deadline), buckets, deadline))
        # Whatever happened, what is essential can still be sent.
        loop.run_until_complete(store.put_report(PHOTOS, "reports/a", b"{}"))
        return found

    yield run
    connections.close()
    instance.close(loop)


def put(cloud: Cloud, bucket: Bucket, name: str, body: bytes) -> None:
    sent = send(cloud, "PUT", bucket.name, params={name: ""}, credentials=cloud.owner, region=bucket.region, body=body)
    assert sent.status == 200


def test_coverage_of_each_bucket_is_read_by_two_requests(cloud: Cloud, read: Read) -> None:
    put(cloud, LOGS, "lifecycle", RULES)
    before = cloud.mark()

    found = read([PHOTOS, LOGS, PHOTOS])

    assert [(one.bucket, one.state, one.days) for one in found] == [
        (PHOTOS, State.ABSENT, None),
        (LOGS, State.WHOLE_BUCKET, 30),
    ]
    requests = [one for one in cloud.requests(before) if one.method != "PUT"]
    assert sorted((one.bucket, one.operation) for one in requests) == sorted(
        (bucket.name, operation) for bucket in BUCKETS for operation in REQUESTS
    )
    assert {(one.method, one.raw_path) for one in requests} == {("GET", "/")}
    assert {one.raw_query for one in requests} == {"lifecycle=", "object-lock="}


def test_bucket_with_object_lock_is_told_apart(cloud: Cloud, read: Read) -> None:
    put(cloud, PHOTOS, "object-lock", LOCK)
    put(cloud, LOGS, "object-lock", LOCK)
    put(cloud, LOGS, "lifecycle", RULES)

    assert [one.state for one in read()] == [State.OBJECT_LOCK, State.OBJECT_LOCK]


@pytest.mark.parametrize(
    ("denied", "state"),
    [(LIFECYCLE_ACTION, State.UNREADABLE), (OBJECT_LOCK_ACTION, State.ABSENT)],
)
def test_missing_permission_is_named(denied: str, state: State, cloud: Cloud, read: Read) -> None:
    document = role_policy({"BUCKETS": str(PHOTOS), "REPORT": f"{PHOTOS}/reports"})
    for statement in document["statement"]:
        statement["action"] = [action for action in statement["action"] if action != denied]
    cloud.set_role_policy(document)

    (found,) = read([PHOTOS])

    assert found.state is state
    assert f"(AccessDenied): the role needs the permission {denied}." in found.detail


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"status": 503, "code": "SlowDown"}, "SlowDown"),
        ({"status": 404, "code": "NoSuchBucket"}, "NoSuchBucket"),
        ({"status": 301, "redirect": "http://127.0.0.1:1/"}, "Http301"),
        ({"reset": "before"}, "ConnectionReset"),
        ({"body": "malformed"}, "Unreadable"),
        ({"body": "empty"}, "Unreadable"),
        ({"body": "foreign"}, "Unreadable"),
    ],
    ids=lambda value: str(value),
)
def test_failure_makes_one_bucket_unreadable_and_fails_nothing(
    fault: dict[str, Any], code: str, cloud: Cloud, read: Read
) -> None:
    put(cloud, PHOTOS, "lifecycle", RULES)
    put(cloud, LOGS, "lifecycle", RULES)
    cloud.fault("GetBucketLifecycle", bucket=PHOTOS.name, **fault)

    found = read()

    assert [one.state for one in found] == [State.UNREADABLE, State.WHOLE_BUCKET]
    assert f"could not be read ({code})" in found[0].detail


def test_rejected_credentials_stop_the_reading_and_not_the_report(cloud: Cloud, read: Read) -> None:
    cloud.fault("GetBucketLifecycle", status=403, code="ExpiredToken")

    assert [one.state for one in read()] == [State.UNREADABLE] * 2
    assert [one.key for one in cloud.objects(PHOTOS.name)] == ["reports/a"]


def test_failure_that_passes_is_retried(cloud: Cloud, read: Read) -> None:
    cloud.fault("GetBucketLifecycle", status=503, code="SlowDown", count=2)
    cloud.fault("GetBucketObjectLockConfiguration", status=500, code="InternalError", count=2)

    assert [one.detail for one in read()] == ["The bucket has no lifecycle rules."] * 2


def test_nothing_is_requested_where_no_time_is_left(cloud: Cloud, read: Read) -> None:
    over = Deadline(FakeClock(10.0), 10.0, 10.0, 20.0)

    found = read(deadline=over)

    assert [one.state for one in found] == [State.UNREADABLE] * 2
    assert "(OutOfTime)" in found[0].detail
    assert REQUESTS.isdisjoint(one.operation for one in cloud.requests())


# From a store of the test


@dataclass(slots=True)
class FailingStore:
    """Answers what it is given. at_once, most: how many requests are under way now, and were at most."""

    answers: Callable[[Bucket], tuple[LifecycleRule, ...]]
    at_once: int = 0
    most: int = 0
    asked: list[Bucket] = field(default_factory=list)

    async def lifecycle(self, bucket: Bucket) -> tuple[LifecycleRule, ...]:
        self.asked.append(bucket)
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        return self.answers(bucket)

    async def object_lock(self, _: Bucket) -> bool:
        raise CosRejected("MethodNotAllowed", 405)


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)


def many(count: int) -> list[Bucket]:
    return [Bucket(f"b{n}-1250000000", "ap-guangzhou") for n in range(count)]


def test_few_buckets_are_read_at_once_and_not_more_than_the_limit() -> None:
    store = FailingStore(lambda _: ())

    found = run(coverage.read(store, many(250), UNTIL))

    assert [one.bucket for one in found] == many(250)
    assert [one.state for one in found] == [State.ABSENT] * 200 + [State.UNREADABLE] * 50
    assert "(TooManyBuckets)" in found[-1].detail
    assert store.asked == many(200)
    assert store.most == coverage.AT_ONCE


@pytest.mark.parametrize("error", [Unavailable("ReadTimeout"), ValueError("a defect"), RecursionError()])
def test_no_error_of_a_store_gets_out(error: Exception) -> None:
    def fail(bucket: Bucket) -> tuple[LifecycleRule, ...]:
        if bucket == PHOTOS:
            raise error
        return ()

    found = run(coverage.read(FailingStore(fail), BUCKETS, UNTIL))

    assert [one.state for one in found] == [State.UNREADABLE, State.ABSENT]
    assert "a defect" not in found[0].detail
    assert "(MethodNotAllowed)" in found[1].detail


def test_reading_of_no_bucket_is_empty() -> None:
    assert run(coverage.read(FailingStore(lambda _: ()), (), UNTIL)) == ()


def test_deadline_for_reading_ends_with_the_work_and_soon() -> None:
    clock = FakeClock()
    deadline = Deadline(clock, 100.0, 110.0, 116.0)

    assert coverage.reading(deadline) == Deadline(clock, 20.0, 20.0, 20.0)
    clock.now = 95.0
    assert coverage.reading(deadline) == Deadline(clock, 100.0, 100.0, 100.0)
