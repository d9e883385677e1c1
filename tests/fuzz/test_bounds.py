"""
Events as large as they can be: within bounds of memory, work and response.

Nothing is timed: memory is what was allocated, work is what was called.
"""

import base64
import gzip
import json
import sys
import tracemalloc
from functools import lru_cache
from types import FrameType, TracebackType
from typing import Any

import pytest

from cos_sweeper.core import plan
from cos_sweeper.core.model import (
    CHECKPOINT,
    Bucket,
    RejectedRequest,
    SweepRequest,
)
from cos_sweeper.scf.events import decode
from tests.fixtures import BUCKETS, NOW, TOKEN, aborting_settings
from tests.fuzz.sandbox import (
    MAX_ALLOCATED,
    MAX_CALLS,
    MAX_HTTP_UPLOADS,
    MAX_LISTINGS,
    MAX_REASON_LENGTH,
    MAX_REQUESTS,
    MAX_RESPONSE_BYTES,
    MIB,
    Sandbox,
    cls,
    names,
    sweep_checkpoint,
    upload_checkpoint,
)
from tests.fuzz.strategies import (
    BUCKET,
    NAMED,
)

# Memory: what unpacks to a thousand times its size, or takes thirty times its text once it is read


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
def test_event_takes_less_memory_than_the_function_has(name: str) -> None:
    bomb = bombs()[name]
    tracemalloc.start()
    try:
        requests = decode(bomb).requests
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak <= MAX_ALLOCATED, f"{peak / MIB:.0f} MiB"
    assert all(isinstance(request, RejectedRequest) for request in requests)
    assert len(requests) <= MAX_REQUESTS


def test_event_of_each_kind_takes_as_many_uploads_as_documented() -> None:
    wordy = {**NAMED, "region": "ap-guangzhou", "at": "2026-11-22T12:00:00Z", "by": "uploader-17", "why": "time-out"}
    text = json.dumps(wordy)
    records = [{"timestamp": "1605578090000000", "content": text} for _ in range(MAX_REQUESTS)]

    for raw in (
        {"uploads": [wordy] * MAX_REQUESTS},
        {"specversion": "1.0", "data": json.dumps({"uploads": [wordy] * MAX_REQUESTS})},
        {"Records": [{"Ckafka": {"msgBody": text}} for _ in range(MAX_REQUESTS)]},
        cls(gzip.compress(json.dumps({"topic_id": "t", "records": records}).encode(), 1)),
    ):
        requests = decode(raw).requests

        assert len(requests) == MAX_REQUESTS
        assert not any(isinstance(request, RejectedRequest) for request in requests)


# Work: counted, and cut off


class TooMuch(BaseException):
    """More calls than there may be."""


class Work:
    """Counts calls, of Python and of C, and stops what makes too many."""

    def __init__(self, maximum: int) -> None:
        self.left = maximum

    def __enter__(self) -> "Work":
        sys.setprofile(self._count)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        sys.setprofile(None)

    def _count(self, frame: FrameType, kind: str, arg: object) -> None:  # noqa: ARG002 - what `sys.setprofile` gives
        self.left -= kind in ("call", "c_call")
        if self.left < 0:
            raise TooMuch


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
def test_work_of_an_event_is_proportional_to_its_size(name: str) -> None:
    sandbox = Sandbox(aborting_settings(BUCKETS), seconds=0)

    with Work(MAX_CALLS):
        planned, _, _ = sandbox(FLOODS[name])

    assert planned is not None
    assert len(planned.targets) + len(planned.rejected) <= MAX_REQUESTS + 1
    assert len(planned.listings) <= MAX_LISTINGS
    assert all(len(rejected.reason) <= MAX_REASON_LENGTH for rejected in planned.rejected)


def test_sweep_of_more_listings_than_fit_in_its_checkpoints_is_rejected() -> None:
    buckets = tuple(Bucket(f"b{name}-1250000000", "ap-guangzhou") for name in names(101))
    letters = tuple(chr(0x4E00 + number) for number in range(100))

    many = plan.build_plan((SweepRequest(prefixes=letters),), aborting_settings(buckets), buckets, "run-1", NOW)
    enough = plan.build_plan(
        (SweepRequest(prefixes=letters),), aborting_settings(buckets[:100]), buckets[:100], "run-1", NOW
    )

    assert (len(many.listings), "101 buckets times 100 prefixes" in many.rejected[0].reason) == (0, True)
    assert (len(enough.listings), enough.rejected) == (MAX_LISTINGS, ())


def test_http_request_has_no_more_uploads_than_a_response_can_report() -> None:
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
    longest = {"bucket": BUCKET, "key": "猫" * 283, "uploadId": "x" * 256}
    sandbox = Sandbox(aborting_settings(BUCKETS, http_token=TOKEN))

    uploads = [{**longest, "uploadId": f"{number:0256}"} for number in range(MAX_HTTP_UPLOADS + 1)]
    enough = {"httpMethod": "POST", "headers": headers, "body": json.dumps({"uploads": uploads[1:]})}
    planned, _, answer = sandbox(enough)
    (rejection,) = decode({**enough, "body": json.dumps({"uploads": uploads})}).requests

    assert planned is not None
    assert len(planned.targets) == MAX_HTTP_UPLOADS
    assert len(json.dumps(answer)) <= MAX_RESPONSE_BYTES
    assert isinstance(rejection, RejectedRequest)
