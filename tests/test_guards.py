"""
Guards that no other test would miss, found by breaking every one of them (`python -m tests.mutants`).
"""

import base64
import gzip
import json
import zlib
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from cos_sweeper.core.model import (
    Abort,
    AbortRequest,
    Bucket,
    CompletedObject,
    Keep,
    Part,
    RejectedRequest,
    ResumeRequest,
    SweepRequest,
)
from cos_sweeper.core.plan import Plan, build_plan
from cos_sweeper.core.policy import Activity, Policy, add_parts, evaluate, time_in
from cos_sweeper.scf.events import Source, decode, http_request
from tests.aborting import aborting_settings

NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)
RULES = Policy(min_age=72 * HOUR, min_idle=24 * HOUR)
AT_ONCE = replace(RULES, min_idle=timedelta(0))
PHOTOS = Bucket("photos-1250000000", "ap-guangzhou")
TIMED_ID = "1585130821" + "a" * 64
GOOD = {"bucket": PHOTOS.name, "key": "k", "uploadId": "1"}


# Policy


def test_an_id_that_only_begins_like_a_timed_one_tells_no_time() -> None:
    assert time_in(TIMED_ID) is not None
    assert time_in(TIMED_ID + "a") is None


def test_a_fresh_part_ends_the_reading_of_parts() -> None:
    assert isinstance(add_parts(Activity(), [Part(NOW - HOUR, 3)], RULES, NOW), Keep)


def test_the_newest_part_counts_wherever_it_stands() -> None:
    old, newer = Part(NOW - 90 * HOUR, 3), Part(NOW - 80 * HOUR, 4)

    for parts in ([old, newer], [newer, old]):
        assert add_parts(Activity(), parts, RULES, NOW) == Activity(NOW - 80 * HOUR, 7)


def test_without_an_idle_time_neither_a_missing_part_nor_one_of_the_future_is_a_doubt() -> None:
    assert evaluate(None, Activity(), AT_ONCE, NOW) == Abort(0)
    assert add_parts(Activity(), [Part(NOW + HOUR, 4)], AT_ONCE, NOW) == Activity(NOW + HOUR, 4)


# Plan


def planned(*requests: Any, **settings: Any) -> Plan:
    return build_plan(requests, aborting_settings((PHOTOS,), **settings), (PHOTOS,), "run", NOW)


def test_a_checkpoint_among_other_asks_is_refused() -> None:
    plan = planned(ResumeRequest({}, "record 1"))

    assert [refused.origin for refused in plan.rejected] == ["record 1"]


def test_what_is_exactly_as_the_settings_have_it_does_not_widen_them() -> None:
    plan = planned(SweepRequest(min_age=72 * HOUR, min_idle=24 * HOUR, max_aborts=10), max_aborts=10)

    assert plan.rejected == ()
    assert len(plan.scans) == 1


def test_a_wanted_prefix_wider_than_the_allowed_ones_is_narrowed_to_them() -> None:
    plan = planned(SweepRequest(prefixes=("raw/",)), prefixes=("raw/x/", "raw/y/", "logs/"))

    assert plan.rejected == ()
    assert [scan.prefix for scan in plan.scans] == ["raw/x/", "raw/y/"]


def test_leftovers_have_no_age_of_their_own() -> None:
    (scan,) = planned(CompletedObject(PHOTOS.name, "k", NOW - HOUR)).scans

    assert scan.policy.min_age == timedelta(0)


def test_the_region_of_a_named_upload_may_be_told_if_it_is_the_buckets() -> None:
    assert len(planned(AbortRequest(PHOTOS.name, "k", "1", PHOTOS.region)).named) == 1


def test_what_a_sweep_leaves_open_is_as_the_settings_have_it() -> None:
    plan = planned(SweepRequest(), dry_run=True, max_aborts=10, min_age=80 * HOUR, min_idle=40 * HOUR)

    assert (plan.dry_run, plan.max_aborts) == (True, 10)
    assert (plan.scans[0].policy.min_age, plan.scans[0].policy.min_idle) == (80 * HOUR, 40 * HOUR)


@pytest.mark.parametrize(("count", "prefixes", "is_made"), [(100, 100, True), (137, 73, False)])
@pytest.mark.parametrize("is_named", [True, False])
def test_a_sweep_is_of_ten_thousand_listings_at_most(
    count: int, prefixes: int, *, is_named: bool, is_made: bool
) -> None:
    buckets = [Bucket(f"b{n:03}-1250000000", "ap-guangzhou") for n in range(count)]
    settings = aborting_settings(tuple(buckets), prefixes=tuple(f"{n:03}/" for n in range(prefixes)))
    ask = SweepRequest(tuple(bucket.name for bucket in buckets) if is_named else None)

    plan = build_plan((ask,), settings, buckets, "run", NOW)

    assert (len(plan.scans), len(plan.rejected)) == ((10_000, 0) if is_made else (0, 1))


def test_of_everything_that_is_wrong_with_a_sweep_twenty_things_are_said() -> None:
    (refused,) = planned(SweepRequest(prefixes=tuple(f"/{n}" for n in range(50)))).rejected

    assert refused.reason.count("matches nothing") == 20


def test_of_a_refused_upload_no_more_is_told_than_a_key_can_have() -> None:
    (refused,) = planned(AbortRequest(PHOTOS.name, "k" * 900, "x y" * 300)).rejected

    assert refused.upload is not None
    assert (len(refused.upload.key), len(refused.upload.upload_id)) == (850, 850)


# Triggers


def refusals(raw: object) -> list[str]:
    return [ask.reason for ask in decode(raw).requests if isinstance(ask, RejectedRequest)]


def over_http(body: object, **more: object) -> dict[str, Any]:
    return {"httpMethod": "POST", "headers": {"Content-Type": "application/json"}, "body": body, **more}


def test_a_thousand_uploads_fit_in_one_request_and_one_more_does_not() -> None:
    thousand, more = (json.dumps({"uploads": [GOOD] * count}) for count in (1000, 1001))

    assert len(decode(over_http(thousand)).requests) == 1000
    assert len(refusals(over_http(more))) == len(decode(over_http(more)).requests) == 1


@pytest.mark.parametrize(("body", "size"), [("", 0), ("猫", 3), ("\ud800", 3), (None, 0), ({}, 0)], ids=repr)
def test_the_size_of_a_body_is_in_bytes_and_none_where_there_is_no_text(body: object, size: int) -> None:
    request = http_request(over_http(body))

    assert request is not None
    assert request.size == size


def test_a_header_that_is_no_text_is_none() -> None:
    request = http_request({"httpMethod": "POST", "headers": {"Authorization": 5, "Accept": "x"}})

    assert request is not None
    assert request.headers == {"accept": "x"}


def test_one_ckafka_record_makes_the_whole_batch_ckafkas() -> None:
    raw = {"Records": [{"CMQ": {"msgBody": json.dumps(GOOD)}}, {"Ckafka": {"msgBody": json.dumps(GOOD)}}]}

    assert decode(raw).source is Source.CKAFKA


@pytest.mark.parametrize("record", ["text", 5, None, [], {"cos": "text"}, {"Ckafka": []}, {"CMQ": 5}], ids=repr)
def test_a_record_that_is_none_is_refused(record: object) -> None:
    assert refusals({"Records": [record]}) == ["the record is not a CKafka, CMQ or COS record"]


def test_what_a_run_handed_on_is_a_checkpoint_whatever_else_the_event_holds() -> None:
    assert decode({"cos_sweeper_checkpoint": {"version": 1}, "Type": "Timer"}).requests == (
        ResumeRequest({"version": 1}, "event"),
    )


@pytest.mark.parametrize("extra", [{"data": {}}, {"specversion": "1.0"}], ids=["data", "specversion"])
def test_a_message_with_one_field_that_eventbridge_has_too_is_a_message(extra: dict[str, Any]) -> None:
    (ask,) = decode(GOOD | extra).requests

    assert isinstance(ask, AbortRequest)


def test_a_body_in_base64_is_unpacked_only_where_the_gateway_says_so() -> None:
    packed = base64.b64encode(json.dumps(GOOD).encode()).decode()

    (ask,) = decode(over_http(packed, isBase64Encoded=True)).requests

    assert isinstance(ask, AbortRequest)
    for flag in (False, "false", None):
        assert refusals(over_http(packed, isBase64Encoded=flag)) == ["the message is not JSON"]


def cls(data: bytes) -> dict[str, Any]:
    return {"clslogs": {"data": base64.b64encode(data).decode()}}


def test_a_cls_batch_is_gzip_and_nothing_like_it() -> None:
    batch = json.dumps({"records": [{"content": json.dumps(GOOD)}, "text", None]}).encode()
    # As much as makes an encoder look back over its whole window, which a smaller one would not reach.
    padded = json.dumps({"records": [{"content": json.dumps(GOOD)}], "rest": "".join(map(str, range(20_000)))})

    assert [type(ask) for ask in decode(cls(gzip.compress(batch))).requests] == [
        AbortRequest,
        RejectedRequest,
        RejectedRequest,
    ]
    assert [type(ask) for ask in decode(cls(gzip.compress(padded.encode()))).requests] == [AbortRequest]
    assert refusals(cls(zlib.compress(batch))) == ["the data is not gzip"]
    for more in (b"more", gzip.compress(batch)):
        assert len(refusals(cls(gzip.compress(batch) + more))) == 1


@pytest.mark.parametrize(
    "data",
    [GOOD, json.dumps(GOOD), {"msgBody": json.dumps(GOOD), "topic": "t"}],
    ids=["message", "text", "envelope"],
)
def test_eventbridge_brings_a_message_its_text_or_an_envelope_around_it(data: object) -> None:
    (ask,) = decode({"specversion": "1.0", "data": data}).requests

    assert isinstance(ask, AbortRequest)
