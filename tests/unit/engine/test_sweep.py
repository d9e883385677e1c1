"""
The loop over a store in memory, where time and trouble come as the test says.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cos_sweeper.core import checkpoint_reader
from cos_sweeper.core import plan as planning
from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.errors import Unavailable
from cos_sweeper.core.model import (
    CHECKPOINT,
    AbortRequest,
    Bucket,
    Cursor,
    Page,
    PartsPage,
    Request,
    SweepRequest,
    Upload,
)
from cos_sweeper.core.redaction import Redactor
from cos_sweeper.core.report import Report, Status
from cos_sweeper.cos.store import Receipt, Store
from cos_sweeper.engine import accounting
from cos_sweeper.engine.continuation import is_probe, run
from cos_sweeper.engine.paginator import every_bucket
from cos_sweeper.report.log import Log
from tests.emulator.public import Account, MemoryStore, Seed, plant
from tests.fixtures import LOGS, NOW, PHOTOS, aborting_settings

NEVER = Deadline(lambda: 0.0, 1.0, 2.0, 3.0)


@pytest.fixture
def account() -> Account:
    account = Account("1250000000")
    for bucket in (PHOTOS, LOGS):
        account.put_bucket(bucket.name, bucket.region, now=NOW)
    return account


def seed(account: Account, key: str, count: int = 1, bucket: Bucket = PHOTOS, idle: float = 100) -> list[Upload]:
    start, last = NOW - timedelta(hours=100), NOW - timedelta(hours=idle)
    subject = Seed(start, last, key=key, count=count, part_numbers=(1, 2), part_size=5)
    return [Upload(bucket, one.key, one.upload_id) for one in plant(account.bucket(bucket.name), subject)]


def memory(account: Account, page_size: int = 10) -> MemoryStore:
    return MemoryStore(account, lambda: NOW, page_size)


def sweep(
    store: Store, *requests: Request, deadline: Deadline = NEVER, lines: list[str] | None = None, **more: object
) -> Report:
    settings = aborting_settings((PHOTOS, LOGS), **{"workers": 3, **more})
    plan = planning.build_plan(requests or (SweepRequest(),), settings, (PHOTOS, LOGS), "run", NOW)
    log = Log((lines if lines is not None else []).append, Redactor(()))
    return asyncio.run(run(plan, store, deadline, log, None))


class Accepting:
    """A link over which every invocation is accepted."""

    def __init__(self, texts: list[str]) -> None:
        self._texts = texts

    async def invoke(self, payloads: Sequence[str], seconds: float = inf) -> list[str]:  # noqa: ARG002
        self._texts += [payload for payload in payloads if not is_probe(json.loads(payload))]
        return [""] * len(payloads)

    def is_permanent(self, _: str) -> bool:
        return True


class Wrapped:
    """A store whose every call goes through a hook first."""

    def __init__(self, inner: MemoryStore, before: Callable[[str, object], Awaitable[None] | None]) -> None:
        self._inner = inner
        self._before = before

    async def _first(self, call: str, subject: object) -> None:
        hook = self._before(call, subject)
        if hook is not None:
            await hook

    async def buckets(self, marker: str) -> object:
        return await self._inner.buckets(marker)

    async def page(self, bucket: Bucket, start: Cursor, prefix: str) -> Page:
        await self._first("page", (bucket, start))
        return await self._inner.page(bucket, start, prefix)

    def give_back(self, bucket: Bucket) -> None:
        self._inner.give_back(bucket)

    def is_throttled(self, bucket: Bucket) -> bool:
        return self._inner.is_throttled(bucket)

    async def pause(self, seconds: float) -> bool:
        return await self._inner.pause(seconds)

    async def parts(self, upload: Upload, after: int, *, for_abort: bool = False) -> PartsPage:  # noqa: ARG002
        await self._first("parts", upload)
        return await self._inner.parts(upload, after)

    async def abort(self, upload: Upload, within: float | None = None) -> Receipt:  # noqa: ARG002
        await self._first("abort", upload)
        return await self._inner.abort(upload)

    async def put_report(self, bucket: Bucket, key: str, body: bytes) -> None:
        await self._inner.put_report(bucket, key, body)


def test_pages_of_all_buckets_are_processed(account: Account) -> None:
    seed(account, "a/{n}", 25)
    seed(account, "b", 12)
    seed(account, "c/{n}", 7, LOGS)
    seed(account, "live/{n}", 5, idle=1)

    report = sweep(memory(account))

    assert report.status is Status.COMPLETE
    assert (report.uploads, report.counts["aborted"], report.counts["kept"]) == (49, 44, 5)
    assert (report.bytes_freed, report.buckets_swept) == (44 * 10, 2)


@given(
    slots=st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=40),
    page_size=st.integers(1, 7),
    workers=st.integers(1, 5),
)
def test_upload_has_exactly_one_outcome_whatever_the_pages_and_workers(
    slots: list[tuple[str, bool]], page_size: int, workers: int
) -> None:
    account = Account("1250000000")
    for bucket in (PHOTOS, LOGS):
        account.put_bucket(bucket.name, bucket.region, now=NOW)
    for key, live in slots:
        seed(account, key, idle=1 if live else 100)
    lines: list[str] = []

    report = sweep(memory(account, page_size), workers=workers, lines=lines)

    alive = sum(live for _, live in slots)
    assert report.counts["kept"] == alive == len(account.bucket(PHOTOS.name).uploads)
    assert report.counts["aborted"] == len(slots) - alive
    assert report.uploads == sum(report.counts.values()) == len(slots)
    assert sum(json.loads(line)["uploads"] for line in lines) == len(slots)


def test_requests_in_flight_are_at_most_the_workers_and_one_page_is_prefetched(account: Account) -> None:
    seed(account, "{n}", 200)
    calls: Counter[str] = Counter()
    ahead: list[int] = []
    in_flight: list[int] = [0]

    async def before(call: str, _: object) -> None:
        calls[call] += 1
        ahead.append(calls["page"] * 10 - calls["abort"])
        in_flight.append(in_flight[-1] + 1)
        await asyncio.sleep(0)
        in_flight.append(in_flight[-1] - 1)

    report = sweep(Wrapped(memory(account), before), workers=3)  # type: ignore[arg-type]

    assert report.counts["aborted"] == 200
    # As many uploads as there are workers, and the listing.
    assert max(in_flight) == 3 + 1
    # One page at hand, one read ahead, and the uploads that are under way.
    assert max(ahead) <= 20 + 3


@pytest.mark.parametrize("stuck", ["same", "back", "cycle_within_a_key"])
def test_marker_that_does_not_advance_ends_the_listing_with_an_error(stuck: str, account: Account) -> None:
    seed(account, "m/{n:02}", 30)
    seed(account, "other", 1, LOGS)
    store = memory(account)
    real = store.page
    calls = [0]

    async def page(bucket: Bucket, start: Cursor, prefix: str) -> Page:
        answer = await real(bucket, start, prefix)
        if bucket == LOGS:
            return answer
        calls[0] += 1
        assert calls[0] < 100
        to = {
            "same": Cursor("m/09", "x"),
            "back": Cursor("am"[calls[0] % 2], "x"),
            "cycle_within_a_key": Cursor("m/09", "xyz"[calls[0] % 3]),
        }
        return Page(answer.listed, to[stuck], answer.skew, "id")

    store.page = page  # type: ignore[method-assign]
    report = sweep(store)

    assert report.status is Status.FAILED
    assert (report.failed, report.buckets_failed, report.buckets_swept) == ({"MarkerStuck": 1}, 1, 1)
    assert report.permanent == 1


def test_out_of_time_the_rest_is_deferred_and_what_is_in_flight_finishes(account: Account) -> None:
    seed(account, "{n:03}", 60)
    clock = [0.0]

    def before(call: str, _: object) -> None:
        clock[0] += 1.0 if call == "abort" else 0.0

    report = sweep(
        Wrapped(memory(account), before),  # type: ignore[arg-type]
        deadline=Deadline(lambda: clock[0], 15.0, 100.0, 101.0),
    )

    assert report.status is Status.PARTIAL
    assert report.stopped_because == "out of time"
    assert report.counts["aborted"] + report.counts["deferred"] == report.uploads < 60
    assert 15 <= report.counts["aborted"] <= 15 + 3
    assert len(account.bucket(PHOTOS.name).uploads) == 60 - report.counts["aborted"]


def test_upload_gone_behind_the_resume_point_is_counted_by_this_run(account: Account) -> None:
    """The next run will not find it. The first upload's parts take until the second one is aborted and time is up."""
    slow, quick = seed(account, "a") + seed(account, "b")
    seed(account, "c", idle=1)
    clock, aborted = [0.0], [False]
    continuations: list[str] = []

    async def before(call: str, subject: object) -> None:
        if call == "parts" and subject == slow:
            while not aborted[0]:
                await asyncio.sleep(0)
        if call == "abort" and subject == quick:
            clock[0] = 20.0
            aborted[0] = True

    inner = MemoryStore(account, lambda: NOW, 1)
    inner.page = memory(account).page  # type: ignore[method-assign]
    plan = planning.build_plan(
        (SweepRequest(buckets=(PHOTOS.name,)),), aborting_settings((PHOTOS,), workers=2), (PHOTOS,), "run", NOW
    )
    report = asyncio.run(
        run(
            plan,
            Wrapped(inner, before),  # type: ignore[arg-type]
            Deadline(lambda: clock[0], 15.0, 100.0, 101.0),
            Log(lambda _: None, Redactor(())),
            Accepting(continuations),
        )
    )

    assert (report.continuations, len(continuations)) == (1, 1)
    assert (report.uploads, report.counts["aborted"], report.bytes_freed) == (1, 1, 10)
    assert len(account.bucket(PHOTOS.name).uploads) == 2


@pytest.mark.parametrize("call", ["page", "parts"])
def test_upload_that_our_time_limit_cuts_off_is_deferred_and_not_failed(call: str, account: Account) -> None:
    seed(account, "{n:03}", 60)
    clock = [0.0]

    def before(requested: str, _: object) -> None:
        clock[0] += 1.0
        if clock[0] > 15.0 and requested == call:
            raise Unavailable("ReadTimeout")

    report = sweep(
        Wrapped(memory(account, 2), before),  # type: ignore[arg-type]
        deadline=Deadline(lambda: clock[0], 15.0, 16.0, 17.0),
    )

    assert (report.status, report.failed, report.stopped_because) == (Status.PARTIAL, {}, "out of time")


def test_run_without_time_sends_no_request_and_reports_it(account: Account) -> None:
    seed(account, "{n}", 3)

    def before(call: str, _: object) -> None:
        raise AssertionError(f"{call} after the deadline")

    report = sweep(
        Wrapped(memory(account), before),  # type: ignore[arg-type]
        AbortRequest(PHOTOS.name, "1", "1"),
        SweepRequest(),
        deadline=Deadline(lambda: 1.0, 1.0, 2.0, 3.0),
    )

    assert report.status is Status.PARTIAL
    assert (report.counts["deferred"], report.stopped_because) == (1, "out of time")


@pytest.mark.parametrize("dry", [True, False])
def test_max_aborts_is_never_passed(dry: bool, account: Account) -> None:  # noqa: FBT001  # pytest passes it by name
    seed(account, "{n:02}", 45)

    report = sweep(memory(account), max_aborts=12, dry_run=dry)

    assert report.status is Status.PARTIAL
    assert report.counts["would_abort" if dry else "aborted"] == 12
    assert report.stopped_because == "the limit of aborts is reached"
    assert len(account.bucket(PHOTOS.name).uploads) == (45 if dry else 33)


def test_upload_that_was_gone_already_does_not_count_against_max_aborts(account: Account) -> None:
    gone = seed(account, "a{n:02}", 5)
    seed(account, "b{n:02}", 5)
    inner = memory(account)

    async def before(call: str, upload: object) -> None:
        if call == "abort" and isinstance(upload, Upload) and upload in gone:
            await inner.abort(upload)

    report = sweep(Wrapped(inner, before), max_aborts=5, workers=1)  # type: ignore[arg-type]

    assert (report.counts["already_gone"], report.counts["aborted"]) == (5, 5)


def test_failing_upload_is_reported_and_the_others_go_on(account: Account) -> None:
    uploads = seed(account, "{n}", 20)

    def before(call: str, upload: object) -> None:
        if call == "parts" and upload == uploads[3]:
            raise Unavailable("SlowDown", 503, "id-3")

    lines: list[str] = []
    report = sweep(Wrapped(memory(account), before), lines=lines)  # type: ignore[arg-type]

    assert (report.counts["failed"], report.counts["aborted"]) == (1, 19)
    assert report.failures[0]["key"] == uploads[3].key
    failed = [json.loads(line) for line in lines if "upload.failed" in line]
    assert [(line["code"], line["status"], line["cos_request_id"]) for line in failed] == [("SlowDown", 503, "id-3")]


def test_defect_in_a_task_is_raised(account: Account) -> None:
    seed(account, "{n}", 20)

    def before(call: str, _: object) -> None:
        if call == "abort":
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        sweep(Wrapped(memory(account), before))  # type: ignore[arg-type]


def test_buckets_with_invalid_names_or_regions_are_left_out() -> None:
    account = Account("1250000000")
    account.put_bucket(PHOTOS.name, PHOTOS.region, now=NOW)
    account.put_bucket("odd-1250000000", "evil.com", now=NOW)

    assert asyncio.run(every_bucket(memory(account), NOW)) == ((PHOTOS,), NOW)


def test_upload_that_is_listed_but_not_found_is_counted_by_the_run_that_lists_it_again(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounting, "MAX_TARGETS", 0)
    (failing,), (ghost,) = seed(account, "a"), seed(account, "b")
    account.bucket(PHOTOS.name).make_ghost(ghost.key, ghost.upload_id, None)
    failures = [Unavailable("SlowDown", 503)]

    def before(call: str, subject: object) -> None:
        if call == "parts" and subject == failing and failures:
            raise failures.pop()

    settings = aborting_settings((PHOTOS,), workers=1)
    store, log, texts = Wrapped(memory(account), before), Log(lambda _: None, Redactor(())), list[str]()
    plan = planning.build_plan((SweepRequest(),), settings, (PHOTOS,), "run", NOW)
    first = asyncio.run(run(plan, store, NEVER, log, Accepting(texts)))  # type: ignore[arg-type]
    left = checkpoint_reader.read(json.loads(texts[-1])[CHECKPOINT], settings, (PHOTOS,), NOW)
    second = asyncio.run(run(left, store, NEVER, log, Accepting([])))  # type: ignore[arg-type]

    assert first.continuations == 1
    counts = [first.counts[name] + second.counts[name] for name in ("listed_but_not_found", "aborted")]
    assert (counts, first.uploads + second.uploads) == ([1, 1], 2)
