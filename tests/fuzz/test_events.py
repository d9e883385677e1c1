"""
Raw events of every trigger, spoiled in every way: a refusal with its reason or lawful requests, within bounds.

Nothing is timed: memory is what was allocated, work is what was called.
"""

import asyncio
import base64
import gzip
import json
import sys
import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from types import FrameType, TracebackType
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cos_sweeper.core import checkpoint, checkpoint_reader, plan
from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.errors import InternalError, RequestRejected, RunFailed, SweeperError
from cos_sweeper.core.model import (
    CHECKPOINT,
    Bucket,
    Cursor,
    Page,
    PartsPage,
    RejectedRequest,
    ResumeRequest,
    SweepRequest,
    Upload,
)
from cos_sweeper.core.plan import Plan
from cos_sweeper.core.redaction import Redactor
from cos_sweeper.core.report import Report
from cos_sweeper.core.settings import Settings
from cos_sweeper.cos.store import Receipt
from cos_sweeper.engine import continuation
from cos_sweeper.report.log import Log
from cos_sweeper.scf import http_auth, responses
from cos_sweeper.scf.events import Source, decode, http_request
from tests.emulator.public import Cloud, MemoryStore, Seed, plant
from tests.fixtures import BUCKETS, NOW, TOKEN, aborting_settings
from tests.function import Function, event
from tests.fuzz import targets
from tests.fuzz.strategies import (
    ARCHIVES,
    BUCKET,
    CODINGS,
    KEY,
    NAMED,
    UPLOAD_ID,
    Giant,
    Twice,
    hostile_events,
    made,
    text_of,
)
from tests.laws.buckets import furnish
from tests.laws.hostile_events import environments
from tests.laws.requests import is_lawful
from tests.profiles import examples
from tests.scf_in_memory import MemoryScf

MIB = 1 << 20
# What docs/limits.md promises.
MOST_ASKS = 10_000
MOST_HTTP = 1_000
MAX_LISTINGS = 10_000
MOST_CHECKPOINT_BYTES = 128_000
MOST_LINE_BYTES = 8_000
# SCF: no event is larger, no answer may be.
MOST_ANSWER_BYTES = 6_000_000
# A reason is a sentence, or a few.
MOST_REASON_LENGTH = 4_000
# Of the function's 128 MB a run takes 50 as it is.
MOST_ALLOCATED = 64 * MIB
# Calls, of C and of Python: a few for each character of what may be said, not a square of it.
MOST_CALLS = 3_000_000


# The function in memory


@dataclass(slots=True)
class Watched:
    """A store that holds every request against the Wire law, before it would be sent; each takes a second."""

    inner: MemoryStore
    allowed: tuple[Bucket, ...]
    requests: int = 0
    aborted: list[Upload] = field(default_factory=list)

    async def page(self, bucket: Bucket, start: Cursor, prefix: str) -> Page:
        self.requests += 1
        assert bucket in self.allowed
        for text in (start.key, start.upload_id, prefix):
            text.encode("utf-8", "surrogateescape")
        return await self.inner.page(bucket, start, prefix)

    def give_back(self, bucket: Bucket) -> None:
        self.inner.give_back(bucket)

    def is_throttled(self, bucket: Bucket) -> bool:
        return self.inner.is_throttled(bucket)

    async def pause(self, seconds: float) -> bool:
        return await self.inner.pause(seconds)

    async def parts(self, upload: Upload, after: int, *, for_abort: bool = False) -> PartsPage:  # noqa: ARG002
        self._hold(upload)
        return await self.inner.parts(upload, after)

    async def abort(self, upload: Upload, within: float | None = None) -> Receipt:  # noqa: ARG002
        self._hold(upload)
        receipt = await self.inner.abort(upload)
        self.aborted.append(upload)
        return receipt

    def _hold(self, upload: Upload) -> None:
        """The rule of `validate_key`, said once more in other words."""
        self.requests += 1
        assert upload.bucket in self.allowed
        assert upload.upload_id.isascii()
        assert not set(upload.upload_id) & set(" \n\r\t\0?&#%")
        assert 0 < len(upload.upload_id) <= 256
        assert 0 < len(upload.key.encode()) <= 850
        assert not upload.key.startswith("/")
        assert upload.key.split("/")[-1] not in (".", "..")


@dataclass(slots=True)
class Sandbox:
    """What `index` does with an event, without the network: who may come in, what is asked, planned, done, answered."""

    allowed: Settings
    seconds: float = 10**6
    handed: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    store: Watched = field(init=False)

    def __post_init__(self) -> None:
        scf = MemoryScf(self.allowed)
        for bucket in (0, 1):
            for key in (KEY, "a/..", "猫", "logs/old", "k" * 850):
                scf.seed(key, bucket=bucket)
            start, last = NOW - timedelta(hours=100), NOW - timedelta(hours=90)
            plant(scf.account.bucket(BUCKETS[bucket].name), Seed(start, last, KEY, 1, upload_id=UPLOAD_ID))
        self.store = Watched(MemoryStore(scf.account, lambda: NOW, page_size=3), BUCKETS)

    def __call__(self, raw: Any) -> tuple[Plan | None, Report | None, dict[str, Any] | None]:
        """Invoke it. No plan where nobody was let in; no answer where the trigger is to try again."""
        request = http_request(raw)
        denied = http_auth.authorize(request, self.allowed) if request else None
        if denied:
            return None, None, responses.error_response(denied)
        decoded = decode(raw)
        made = self._plan(decoded.requests)
        time = Deadline(lambda: float(self.store.requests), self.seconds, self.seconds + 50.0, self.seconds + 60.0)
        log = Log(self.lines.append, Redactor(()))
        retries = decoded.source is Source.ASYNCHRONOUS
        run = continuation.run(made, self.store, time, log, self, fan_out=self.allowed.fan_out, retries=retries)  # type: ignore[arg-type]
        report = asyncio.run(run)
        try:
            return made, report, responses.response(decoded.source, report)
        except RunFailed:
            return made, report, None

    def _plan(self, requests: Sequence[Any]) -> Plan:
        """What cannot be read of a checkpoint is a `RejectedRequest` here; the function raises it with its reason."""
        try:
            if len(requests) == 1 and isinstance(requests[0], ResumeRequest):
                return checkpoint_reader.read(requests[0].checkpoint, self.allowed, BUCKETS, NOW)
        except RequestRejected as exc:
            requests = (RejectedRequest(str(exc)),)
        return plan.build_plan(requests, self.allowed, BUCKETS, "run-1", NOW)

    async def invoke(self, payloads: Sequence[str], _seconds: float = 0) -> list[str]:
        """As the Invoker of a chain: all is accepted."""
        self.handed += [payload for payload in payloads if not continuation.is_probe(json.loads(payload))]
        return [""] * len(payloads)

    def is_permanent(self, _: str) -> bool:
        return False


sandboxes = st.builds(
    Settings,
    buckets=st.just(BUCKETS),
    event_min_idle=st.sampled_from([timedelta(0), timedelta(minutes=5)]),
    prefixes=st.sampled_from([(), ("raw/",)]),
    exclude_prefixes=st.sampled_from([(), ("raw/cat",)]),
    dry_run=st.booleans(),
    max_aborts=st.sampled_from([None, 2]),
    fan_out=st.sampled_from([1, 3]),
    http_token=st.just(TOKEN),
)


@settings(max_examples=examples(400), suppress_health_check=list(HealthCheck))
@given(raw=hostile_events, allowed=sandboxes, seconds=st.sampled_from([0, 2, 10**6]))
def test_whatever_an_event_holds_it_ends_in_a_refusal_with_a_reason_or_in_lawful_requests(
    raw: Any, allowed: Settings, seconds: float
) -> None:
    sandbox = Sandbox(allowed, seconds)

    planned, report, answer = sandbox(made(raw))

    if planned is not None and report is not None:
        told = planned.rejected
        assert planned.listings or planned.targets or told or report.uploads == 0
        assert all(0 < len(one.reason) <= MOST_REASON_LENGTH for one in told)
        assert len(planned.targets) + len(told) <= MOST_ASKS + 1
        assert len(planned.listings) <= MAX_LISTINGS
        assert report.uploads == sum(report.counts.values())
    assert answer is None or len(json.dumps(answer)) <= MOST_ANSWER_BYTES
    assert all(len(line) <= MOST_LINE_BYTES for line in sandbox.lines)
    assert len(set(sandbox.store.aborted)) == len(sandbox.store.aborted)
    assert not (allowed.dry_run and sandbox.store.aborted)
    for text in sandbox.handed:
        assert len(text.encode()) <= MOST_CHECKPOINT_BYTES
        # What a run hands on, the next one takes: a chain does not end in a refusal of its own words.
        assert checkpoint_reader.read(json.loads(text)[CHECKPOINT], allowed, BUCKETS, NOW).number > 1


@settings(max_examples=examples(25), suppress_health_check=list(HealthCheck))
@given(raw=hostile_events, environment=environments)
@example(raw={"httpMethod": "POST", "headers": {"x": Giant("lists in lists", 5000)}}, environment={})
@example(raw={CHECKPOINT: {"version": Giant("lists in lists", 5000)}}, environment={})
@example(raw={"bucket": BUCKET, "key": Giant("controls", 100_000), "uploadId": UPLOAD_ID}, environment={})
def test_over_http_too_only_lawful_requests_leave_and_no_exception_but_ours(
    raw: Any, environment: dict[str, Any], cloud: Cloud, function: Function
) -> None:
    furnish(cloud)

    done = function(made(raw), **environment)

    assert [request for request in cloud.requests() if not is_lawful(request)] == []
    assert done.error is None or (isinstance(done.error, SweeperError) and not isinstance(done.error, InternalError))
    assert done.answer is None or done.answer.get("statusCode") != 500
    assert all(len(line.encode()) <= MOST_LINE_BYTES for line in done.output.splitlines())


# Memory: what unpacks to a thousand times its size, or takes thirty times its text once it is read


def cls(data: bytes) -> dict[str, Any]:
    return {"clslogs": {"data": base64.b64encode(data).decode()}}


def packed(begin: str, filler: str, end: str, length: int) -> dict[str, Any]:
    """A CLS batch of this many bytes once it is unpacked."""
    text = begin + filler * (length // len(filler.encode())) + end
    return cls(gzip.compress(text.encode(), 1))


@lru_cache
def bombs() -> dict[str, Any]:
    """Events of at most 6 MB; those that come to a function on their own have 128 KB at most, and these have."""
    found: dict[str, Any] = {}
    for length in (3 * MIB, 15 * MIB):
        size = f"in {length // MIB} MiB"
        found |= {
            f"spaces {size}": packed("", " ", "", length),
            f"lists {size}": packed('{"records":[', "[],", "0]}", length),
            f"objects {size}": packed('{"records":[', "{},", "0]}", length),
            f"objects that hold something {size}": packed('{"records":[', '{"":0},', "0]}", length),
            f"numbers {size}": packed('{"records":[', "1e9,", "0]}", length),
            f"depth {size}": packed('{"records":', "[", "", length),
            f"one long text {size}": packed('{"records":[{"content":"🐈', "a", '"}]}', length),
            f"escapes {size}": packed('{"records":[{"content":"🐈', "\\n", '"}]}', length),
            f"records {size}": packed('{"records":[', '{"content":"{}"},', "0]}", length),
        }
    found["far beyond any bound"] = cls(gzip.compress(b"\0" * (80 * MIB), 1))
    found["a message of lists"] = {"Records": [{"Ckafka": {"msgBody": '{"uploads":[' + "[]," * (2 * MIB - 9) + "0]}"}}]}
    found["a body of objects"] = {
        "httpMethod": "POST",
        "headers": {"authorization": f"Bearer {TOKEN}"},
        "body": base64.b64encode(b'{"uploads":[' + b"{}," * (4 * MIB // 3) + b"0]}").decode(),
        "isBase64Encoded": True,
    }
    return found


@pytest.mark.parametrize("name", sorted(bombs()))
def test_no_event_takes_more_memory_than_the_function_has(name: str) -> None:
    bomb = bombs()[name]
    tracemalloc.start()
    try:
        requests = decode(bomb).requests
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak <= MOST_ALLOCATED, f"{peak / MIB:.0f} MiB"
    assert all(isinstance(ask, RejectedRequest) for ask in requests)
    assert len(requests) <= MOST_ASKS


def test_as_many_uploads_as_are_promised_fit_in_one_event_of_each_kind() -> None:
    wordy = {**NAMED, "region": "ap-guangzhou", "at": "2026-11-22T12:00:00Z", "by": "uploader-17", "why": "time-out"}
    text = json.dumps(wordy)
    records = [{"timestamp": "1605578090000000", "content": text} for _ in range(MOST_ASKS)]

    for raw in (
        {"uploads": [wordy] * MOST_ASKS},
        {"specversion": "1.0", "data": json.dumps({"uploads": [wordy] * MOST_ASKS})},
        {"Records": [{"Ckafka": {"msgBody": text}} for _ in range(MOST_ASKS)]},
        cls(gzip.compress(json.dumps({"topic_id": "t", "records": records}).encode(), 1)),
    ):
        requests = decode(raw).requests

        assert len(requests) == MOST_ASKS
        assert not any(isinstance(ask, RejectedRequest) for ask in requests)


# Work: counted, and cut off


class TooMuch(BaseException):
    """More calls than there may be."""


class Work:
    """Counts calls, of Python and of C, and stops what makes too many."""

    def __init__(self, most: int) -> None:
        self.left = most

    def __enter__(self) -> "Work":
        sys.setprofile(self._count)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        sys.setprofile(None)

    def _count(self, frame: FrameType, what: str, arg: object) -> None:  # noqa: ARG002 - what `sys.setprofile` gives
        self.left -= what in ("call", "c_call")
        if self.left < 0:
            raise TooMuch


def names(count: int) -> list[str]:
    return [f"{number:06}" for number in range(count)]


def sweep_checkpoint(**changes: Any) -> dict[str, Any]:
    """A valid checkpoint of a sweep, changed."""
    (text,) = checkpoint.write(plan.build_plan((SweepRequest(),), aborting_settings(BUCKETS), BUCKETS, "run-1", NOW))
    raw: dict[str, Any] = json.loads(text)
    raw[CHECKPOINT] |= changes
    return raw


def upload_checkpoint(count: int) -> dict[str, Any]:
    return sweep_checkpoint(todo=[["upload", 0, BUCKET, f"{number}", UPLOAD_ID] for number in range(count)])


FLOODS: dict[str, Any] = {
    "records": {"Records": [{}] * 400_000},
    "uploads": {"uploads": [NAMED] * 400_000},
    "uploads by the record": {"Records": [{"CMQ": {"msgBody": json.dumps({"uploads": [NAMED] * 9_000})}}] * 4},
    "a record each": {"Records": [{"CMQ": {"msgBody": json.dumps(NAMED)}}] * 12_000},
    "prefixes": {"Type": "Timer", "Message": json.dumps({"prefixes": names(20_000)})},
    "prefixes in an object": {"Type": "Timer", "Message": {"prefixes": names(20_000)}},
    "bad prefixes": {"Type": "Timer", "Message": {"prefixes": [f"/{name}" for name in names(20_000)]}},
    "buckets": {"Type": "Timer", "Message": {"buckets": names(200_000)}},
    "listings in a checkpoint": sweep_checkpoint(todo=[["listing", 0, BUCKET, name, "", ""] for name in names(50_000)]),
    "uploads in a checkpoint": upload_checkpoint(50_000),
    "policies in a checkpoint": sweep_checkpoint(policies=sweep_checkpoint()[CHECKPOINT]["policies"] * 20_000),
}


@pytest.mark.parametrize("name", sorted(FLOODS))
def test_no_event_makes_more_work_than_its_size_calls_for(name: str) -> None:
    sandbox = Sandbox(aborting_settings(BUCKETS), seconds=0)

    with Work(MOST_CALLS):
        planned, _, _ = sandbox(FLOODS[name])

    assert planned is not None
    assert len(planned.targets) + len(planned.rejected) <= MOST_ASKS + 1
    assert len(planned.listings) <= MAX_LISTINGS
    assert all(len(refused.reason) <= MOST_REASON_LENGTH for refused in planned.rejected)


def test_a_sweep_of_more_listings_than_fit_in_its_checkpoints_is_refused() -> None:
    buckets = tuple(Bucket(f"b{name}-1250000000", "ap-guangzhou") for name in names(101))
    letters = tuple(chr(0x4E00 + number) for number in range(100))

    many = plan.build_plan((SweepRequest(prefixes=letters),), aborting_settings(buckets), buckets, "run-1", NOW)
    enough = plan.build_plan(
        (SweepRequest(prefixes=letters),), aborting_settings(buckets[:100]), buckets[:100], "run-1", NOW
    )

    assert (len(many.listings), "101 buckets times 100 prefixes" in many.rejected[0].reason) == (0, True)
    assert (len(enough.listings), enough.rejected) == (MAX_LISTINGS, ())


def test_http_takes_no_more_uploads_than_an_answer_can_tell_of() -> None:
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
    longest = {"bucket": BUCKET, "key": "猫" * 283, "uploadId": "x" * 256}
    sandbox = Sandbox(aborting_settings(BUCKETS, http_token=TOKEN))

    uploads = [{**longest, "uploadId": f"{number:0256}"} for number in range(MOST_HTTP + 1)]
    enough = {"httpMethod": "POST", "headers": headers, "body": json.dumps({"uploads": uploads[1:]})}
    planned, _, answer = sandbox(enough)
    (refusal,) = decode({**enough, "body": json.dumps({"uploads": uploads})}).requests

    assert planned is not None
    assert len(planned.targets) == MOST_HTTP
    assert len(json.dumps(answer)) <= MOST_ANSWER_BYTES
    assert isinstance(refusal, RejectedRequest)


# One thing wrong at a time


def reasons(raw: Any) -> list[str]:
    """Why the function refuses this, or drops it from a checkpoint, after nothing at all was sent."""
    sandbox = Sandbox(aborting_settings(BUCKETS))
    planned, _, _ = sandbox(raw)
    assert planned is not None
    assert sandbox.store.requests == 0
    return [*(refused.reason for refused in planned.rejected), *planned.dropped]


def completed(*place: str, value: Any) -> Any:
    """COS's own event with something else in one place of its record."""
    raw = event("cos_completed")
    inner = raw["Records"][0]
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    return raw


DEEP = Giant("lists in lists", 5000).made()
BATCH = json.dumps({"records": [{"content": json.dumps(NAMED)}]}).encode()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (completed("event", "eventName", value=DEEP), "`eventName` is a list"),
        (completed("cos", "cosBucket", "name", value=DEEP), "`name` is a list"),
        (completed("cos", "cosBucket", "appid", value=DEEP), "`appid` is a list"),
        (completed("cos", "cosBucket", "appid", value="9" * 100_000), "does not begin with"),
        ({CHECKPOINT: DEEP}, "the checkpoint is"),
        (sweep_checkpoint(version=DEEP), "the checkpoint is damaged"),
        (sweep_checkpoint(todo=DEEP), "the checkpoint is damaged"),
        ({**NAMED, "key": DEEP}, "`key` is a list"),
        (completed("cos", "cosObject", "key", value="/1250000000/photos/a/.."), "last segment"),
        (completed("cos", "cosObject", "key", value="/1250000000/photos/" + "k" * 851), "the key has 851 bytes"),
        (cls(ARCHIVES["two in one"](BATCH)), "continues after the end"),
        (cls(ARCHIVES["rubbish behind"](BATCH)), "continues after the end"),
        (cls(ARCHIVES["wrong checksum"](BATCH)), "not gzip"),
        (cls(ARCHIVES["wrong length"](BATCH)), "not gzip"),
        (cls(ARCHIVES["cut short"](BATCH)), "truncated"),
        (cls(ARCHIVES["zlib"](BATCH)), "not gzip"),
        (cls(b""), "truncated"),
        (cls(gzip.compress(b'{"records": 5}')), "no list of records"),
        (cls(gzip.compress(b'{"records": {}}')), "no list of records"),
        ({"clslogs": {"data": CODINGS["cut"](gzip.compress(BATCH))}}, "not base64"),
        ({"clslogs": {"data": CODINGS["lone surrogate"](gzip.compress(BATCH))}}, "not base64"),
        ({"Type": "Timer", "Message": '{"dry_run": true, "dry_run": false}'}, "not JSON"),
        ({"Type": "Timer", "Message": '{"max_aborts": 1000000000001}'}, "`max_aborts` is not a whole number from 1"),
        ({"Type": "Timer", "Message": '{"prefixes": ["\\ud800"]}'}, "matches nothing"),
        ({"Type": "Timer", "Message": json.dumps({"prefixes": ["k" * 5000]})}, "`prefixes` is longer"),
        ({"Type": "Timer", "Message": '{"min_age_hours": 1e999}'}, "not a number of hours"),
        ({"Type": "Timer", "Message": '{"min_age_hours": NaN}'}, "not JSON"),
        ({"specversion": "1.0", "data": '{"bucket": -Infinity}'}, "not JSON"),
        (sweep_checkpoint(todo=[["listing", 0, BUCKET, "\ud800", "", ""]]), "the checkpoint is damaged"),
        (sweep_checkpoint(todo=[["listing", 0, BUCKET, "", "\ud800", ""]]), "the checkpoint is damaged"),
        (sweep_checkpoint(todo=[["listing", 0, BUCKET, "", "k", "\ud800"]]), "the checkpoint is damaged"),
        (sweep_checkpoint(todo=5), "damaged: TypeError"),
        (sweep_checkpoint(prior_failures=[0, 0, 5]), "damaged: TypeError"),
        (sweep_checkpoint(shard=None), "damaged: TypeError"),
        (sweep_checkpoint(todo=[["upload", 0, BUCKET, "/", UPLOAD_ID]]), "the key is empty"),
        (sweep_checkpoint(todo=[["upload", 0, BUCKET, KEY, UPLOAD_ID + "\n"]]), "the upload id is malformed"),
        (sweep_checkpoint(todo=[["upload", 0, "photos-1250000001", KEY, UPLOAD_ID]]), "no longer among BUCKETS"),
        (sweep_checkpoint(todo=[["listing", 0, BUCKET + "\n", "", "", ""]]), "no longer among BUCKETS"),
        (sweep_checkpoint(shard=[0, 1]), "no list of shards"),
        (sweep_checkpoint(shard=[DEEP, 1]), "the checkpoint is damaged"),
        (sweep_checkpoint(fraction=[1, 0]), "fraction is not a whole number"),
        (sweep_checkpoint(fraction=1), "damaged: TypeError"),
        (sweep_checkpoint(limit=-1), "limit of aborts is not a whole number"),
        (sweep_checkpoint(aborted=None), "number of aborts is not a whole number"),
        (sweep_checkpoint(stalled="1"), "runs without progress is not a whole number"),
        (sweep_checkpoint(todo=[["upload", 0, BUCKET, KEY, UPLOAD_ID, {"attempts": 4}]]), "number of attempts"),
        (sweep_checkpoint(todo=[["upload", 0, BUCKET, KEY, UPLOAD_ID, {"markers": 5}]]), "damaged: TypeError"),
        (
            sweep_checkpoint(todo=[["listing", 0, BUCKET, "", "", "", {"end": ["k", "\ud800"]}]]),
            "the checkpoint is damaged",
        ),
        (sweep_checkpoint(run_id="run-1\n"), "run id is malformed"),
        (sweep_checkpoint(run_id="k" * 65), "run id is malformed"),
        (upload_checkpoint(2_000), "the checkpoint has"),
        ({**NAMED, "uploadId": UPLOAD_ID + "\n"}, "the upload id is malformed"),
        ({**NAMED, "uploadId": "x" * 257}, "the upload id is malformed"),
        ({**NAMED, "uploadId": "１２３"}, "the upload id is malformed"),
        ({**NAMED, "key": "k" * 851}, "the key has 851 bytes"),
        ({**NAMED, "key": "猫" * 284}, "the key has 852 bytes"),
        ({**NAMED, "key": "\ud800"}, "not valid UTF-8"),
        ({**NAMED, "key": "//k"}, "starts with '/'"),
        ({**NAMED, "key": "a/.."}, "last segment"),
        ({**NAMED, "key": "."}, "last segment"),
        ({**NAMED, "bucket": BUCKET + "\n"}, "not among BUCKETS"),
        ({**NAMED, "bucket": "photos-1250000001"}, "not among BUCKETS"),
        ({**NAMED, "bucket": "*"}, "not among BUCKETS"),
        ({**NAMED, "region": "ap-guangzhou\n"}, "is in ap-guangzhou"),
        ({**NAMED, "region": "ap-guangzhou.evil.com"}, "is in ap-guangzhou"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_said_and_nothing_is_sent(raw: Any, reason: str) -> None:
    (told,) = reasons(raw)

    assert reason in told
    assert len(told) <= MOST_REASON_LENGTH


@pytest.mark.parametrize("way", ["message", "uploads", "narrowing"])
def test_a_name_that_stands_twice_is_refused_wherever_it_stands(way: str) -> None:
    twice = Twice("key", KEY, "other")
    ways: dict[str, dict[str, Any]] = {
        "message": {"Records": [{"CMQ": {"msgBody": text_of(twice)}}]},
        "uploads": {"specversion": "1.0", "data": text_of({"uploads": [twice]})},
        "narrowing": {"Type": "Timer", "Message": text_of(Twice("max_aborts", 1, 2))},
    }

    (told,) = reasons(ways[way])

    assert "not JSON" in told


def test_no_header_but_the_bearers_token_lets_anybody_in() -> None:
    good = f"Bearer {TOKEN}"
    for value in (DEEP, [good, "Bearer x"], [[good]], {good: 1}, None, 7, "Bearer \ud800", f"Basic {TOKEN}", TOKEN):
        raw = {"httpMethod": "POST", "headers": {"authorization": value, "x": DEEP}, "body": json.dumps(NAMED)}

        planned, _, answer = Sandbox(aborting_settings(BUCKETS, http_token=TOKEN))(raw)

        assert planned is None
        assert answer is not None
        assert answer["statusCode"] == 401


@pytest.mark.parametrize("kind", ["letters", "cats", "controls"])
def test_a_key_as_large_as_an_event_does_not_make_an_answer_that_is_too_large(kind: str) -> None:
    key = Giant(kind, 900_000).made()

    for raw in ({**NAMED, "key": key}, {**NAMED, "uploadId": key}, {**NAMED, "bucket": key}, {**NAMED, "region": key}):
        planned, _, answer = Sandbox(aborting_settings(BUCKETS))(raw)

        assert planned is not None
        assert len(planned.rejected) == 1
        assert len(json.dumps(answer)) <= 20_000


def test_of_a_thousand_things_that_are_wrong_a_few_are_told() -> None:
    prefixes = [f"/{number:x}" for number in range(1000)]

    (told,) = reasons({"Type": "Timer", "Message": json.dumps({"prefixes": prefixes})})

    assert "'/1' matches nothing" in told
    assert len(told) <= MOST_REASON_LENGTH


def test_an_upload_that_is_named_twice_is_aborted_once() -> None:
    sandbox = Sandbox(aborting_settings(BUCKETS))

    planned, report, _ = sandbox({"uploads": [NAMED] * 5})

    assert planned is not None
    assert report is not None
    assert (len(planned.targets), report.counts["aborted"], len(sandbox.store.aborted)) == (1, 1, 1)


def test_what_a_checkpoint_says_twice_is_done_once() -> None:
    sandbox = Sandbox(aborting_settings(BUCKETS, dry_run=True))
    raw = sweep_checkpoint(dry_run=True)
    todo = [*raw[CHECKPOINT]["todo"], ["upload", 0, BUCKET, KEY, UPLOAD_ID]]

    planned, report, _ = sandbox({CHECKPOINT: raw[CHECKPOINT] | {"todo": todo * 5}})

    assert planned is not None
    assert report is not None
    assert (len(planned.listings), len(planned.targets)) == (2, 1)


@pytest.mark.parametrize("target", sorted(targets.TARGETS))
def test_every_seed_of_the_fuzzers_passes_its_target(target: str) -> None:
    found = targets.TARGETS[target]

    for seed in found.seeds():
        found.run(seed)
        found.run(seed[: len(seed) // 2])
        found.run(seed + seed)
