"""
Events of every trigger, damaged in every way: each is rejected with a reason, or leads to lawful requests only.
"""

import gzip
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cos_sweeper.core import checkpoint_reader
from cos_sweeper.core.errors import InternalError, SweeperError
from cos_sweeper.core.model import (
    CHECKPOINT,
)
from cos_sweeper.core.settings import Settings
from tests.emulator.public import Cloud
from tests.fixtures import BUCKETS, NOW, TOKEN, aborting_settings
from tests.function import Function, event
from tests.fuzz import targets
from tests.fuzz.sandbox import (
    MAX_CHECKPOINT_BYTES,
    MAX_LINE_BYTES,
    MAX_LISTINGS,
    MAX_REASON_LENGTH,
    MAX_REQUESTS,
    MAX_RESPONSE_BYTES,
    Sandbox,
    cls,
    sweep_checkpoint,
    upload_checkpoint,
)
from tests.fuzz.strategies import (
    ARCHIVES,
    BUCKET,
    CODINGS,
    KEY,
    NAMED,
    UPLOAD_ID,
    Giant,
    Twice,
    built,
    hostile_events,
    text_of,
)
from tests.laws.buckets import furnish
from tests.laws.hostile_events import environments
from tests.laws.requests import is_lawful
from tests.profiles import examples

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
def test_event_is_rejected_with_a_reason_or_leads_to_lawful_requests(
    raw: Any, allowed: Settings, seconds: float
) -> None:
    sandbox = Sandbox(allowed, seconds)

    planned, report, answer = sandbox(built(raw))

    if planned is not None and report is not None:
        message = planned.rejected
        assert planned.listings or planned.targets or message or report.uploads == 0
        assert all(0 < len(one.reason) <= MAX_REASON_LENGTH for one in message)
        assert len(planned.targets) + len(message) <= MAX_REQUESTS + 1
        assert len(planned.listings) <= MAX_LISTINGS
        assert report.uploads == sum(report.counts.values())
    assert answer is None or len(json.dumps(answer)) <= MAX_RESPONSE_BYTES
    assert all(len(line) <= MAX_LINE_BYTES for line in sandbox.lines)
    assert len(set(sandbox.store.aborted)) == len(sandbox.store.aborted)
    assert not (allowed.dry_run and sandbox.store.aborted)
    for text in sandbox.continuations:
        assert len(text.encode()) <= MAX_CHECKPOINT_BYTES
        # The next run reads what a run wrote: no chain ends because it rejects its own checkpoint.
        assert checkpoint_reader.read(json.loads(text)[CHECKPOINT], allowed, BUCKETS, NOW).number > 1


@settings(max_examples=examples(25), suppress_health_check=list(HealthCheck))
@given(raw=hostile_events, environment=environments)
@example(raw={"httpMethod": "POST", "headers": {"x": Giant("lists in lists", 5000)}}, environment={})
@example(raw={CHECKPOINT: {"version": Giant("lists in lists", 5000)}}, environment={})
@example(raw={"bucket": BUCKET, "key": Giant("controls", 100_000), "uploadId": UPLOAD_ID}, environment={})
def test_requests_over_http_are_lawful_and_every_exception_is_ours(
    raw: Any, environment: dict[str, Any], cloud: Cloud, function: Function
) -> None:
    furnish(cloud)

    sent = function(built(raw), **environment)

    assert [request for request in cloud.requests() if not is_lawful(request)] == []
    assert sent.error is None or (isinstance(sent.error, SweeperError) and not isinstance(sent.error, InternalError))
    assert sent.answer is None or sent.answer.get("statusCode") != 500
    assert all(len(line.encode()) <= MAX_LINE_BYTES for line in sent.output.splitlines())


# One thing wrong at a time


def reasons(raw: Any) -> list[str]:
    """Why the function rejects this, or drops it from a checkpoint, after nothing at all was sent."""
    sandbox = Sandbox(aborting_settings(BUCKETS))
    planned, _, _ = sandbox(raw)
    assert planned is not None
    assert sandbox.store.requests == 0
    return [*(rejected.reason for rejected in planned.rejected), *planned.dropped]


def completed(*path: str, value: Any) -> Any:
    """COS's own event with something else in one place of its record."""
    raw = event("cos_completed")
    inner = raw["Records"][0]
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return raw


DEEP = Giant("lists in lists", 5000).built()
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
def test_malformed_event_is_rejected_with_its_reason_and_sends_nothing(raw: Any, reason: str) -> None:
    (message,) = reasons(raw)

    assert reason in message
    assert len(message) <= MAX_REASON_LENGTH


@pytest.mark.parametrize("way", ["message", "uploads", "narrowing"])
def test_duplicate_name_is_rejected_wherever_it_stands(way: str) -> None:
    twice = Twice("key", KEY, "other")
    ways: dict[str, dict[str, Any]] = {
        "message": {"Records": [{"CMQ": {"msgBody": text_of(twice)}}]},
        "uploads": {"specversion": "1.0", "data": text_of({"uploads": [twice]})},
        "narrowing": {"Type": "Timer", "Message": text_of(Twice("max_aborts", 1, 2))},
    }

    (message,) = reasons(ways[way])

    assert "not JSON" in message


def test_header_without_the_right_bearer_token_is_unauthorized() -> None:
    good = f"Bearer {TOKEN}"
    for value in (DEEP, [good, "Bearer x"], [[good]], {good: 1}, None, 7, "Bearer \ud800", f"Basic {TOKEN}", TOKEN):
        raw = {"httpMethod": "POST", "headers": {"authorization": value, "x": DEEP}, "body": json.dumps(NAMED)}

        planned, _, answer = Sandbox(aborting_settings(BUCKETS, http_token=TOKEN))(raw)

        assert planned is None
        assert answer is not None
        assert answer["statusCode"] == 401


@pytest.mark.parametrize("kind", ["letters", "cats", "controls"])
def test_key_as_large_as_an_event_does_not_make_the_response_too_large(kind: str) -> None:
    key = Giant(kind, 900_000).built()

    for raw in ({**NAMED, "key": key}, {**NAMED, "uploadId": key}, {**NAMED, "bucket": key}, {**NAMED, "region": key}):
        planned, _, answer = Sandbox(aborting_settings(BUCKETS))(raw)

        assert planned is not None
        assert len(planned.rejected) == 1
        assert len(json.dumps(answer)) <= 20_000


def test_reason_for_a_thousand_problems_names_a_few() -> None:
    prefixes = [f"/{number:x}" for number in range(1000)]

    (message,) = reasons({"Type": "Timer", "Message": json.dumps({"prefixes": prefixes})})

    assert "'/1' matches nothing" in message
    assert len(message) <= MAX_REASON_LENGTH


def test_upload_that_is_named_twice_is_aborted_once() -> None:
    sandbox = Sandbox(aborting_settings(BUCKETS))

    planned, report, _ = sandbox({"uploads": [NAMED] * 5})

    assert planned is not None
    assert report is not None
    assert (len(planned.targets), report.counts["aborted"], len(sandbox.store.aborted)) == (1, 1, 1)


def test_item_that_a_checkpoint_repeats_is_processed_once() -> None:
    sandbox = Sandbox(aborting_settings(BUCKETS, dry_run=True))
    raw = sweep_checkpoint(dry_run=True)
    todo = [*raw[CHECKPOINT]["todo"], ["upload", 0, BUCKET, KEY, UPLOAD_ID]]

    planned, report, _ = sandbox({CHECKPOINT: raw[CHECKPOINT] | {"todo": todo * 5}})

    assert planned is not None
    assert report is not None
    assert (len(planned.listings), len(planned.targets)) == (2, 1)


@pytest.mark.parametrize("target", sorted(targets.TARGETS))
def test_seeds_of_the_fuzzers_pass_their_targets(target: str) -> None:
    found = targets.TARGETS[target]

    for seed in found.seeds():
        found.run(seed)
        found.run(seed[: len(seed) // 2])
        found.run(seed + seed)
