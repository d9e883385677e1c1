"""
What is understood of an event, and what is refused in it with which reason.
"""

import base64
import gzip
import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cos_sweeper.core.model import AbortRequest, CompletedObject, RejectedRequest, SweepRequest
from cos_sweeper.scf.events import MAX_HTTP_UPLOADS, MAX_UNPACKED_BYTES, Source, decode, http_request
from tests.function import event, timer

GOOD = {"bucket": "b-1250000000", "key": "k", "uploadId": "1"}
NOT_BASE64 = [(False, False), ("false", False), (None, False), ("", False)]


def refusals(raw: object) -> list[str]:
    requests = decode(raw).requests
    return [ask.reason for ask in requests if isinstance(ask, RejectedRequest)]


def cls(data: bytes) -> dict[str, Any]:
    return {"clslogs": {"data": base64.b64encode(data).decode()}}


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("direct", Source.ASYNCHRONOUS),
        ("timer", Source.ASYNCHRONOUS),
        ("cos_completed", Source.ASYNCHRONOUS),
        ("cmq", Source.ASYNCHRONOUS),
        ("cls", Source.ASYNCHRONOUS),
        ("eventbridge", Source.ASYNCHRONOUS),
        ("ckafka", Source.CKAFKA),
        ("http_function_url", Source.HTTP),
        ("http_api_gateway", Source.HTTP),
    ],
)
def test_the_source_of_an_event_decides_its_answer(name: str, source: Source) -> None:
    assert decode(event(name)).source is source


def test_the_sdks_spellings_are_understood() -> None:
    (ask,) = decode(event("direct_sdk_spelling")).requests

    assert isinstance(ask, AbortRequest)
    assert (ask.bucket, ask.key, ask.region) == ("photos-1250000000", "raw/2026/4.mp4", "ap-guangzhou")


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({}, "`bucket` is missing"),
        ({"bucket": "b-1"}, "`key` is missing"),
        (GOOD | {"key": 7}, "`key` is a number"),
        (GOOD | {"uploadId": None}, "`uploadId` is nothing"),
        (GOOD | {"uploadId": ""}, "`uploadId` is empty"),
        (GOOD | {"Key": "other"}, "`key` and `Key` have different values"),
        (GOOD | {"UploadID": "2"}, "`uploadId` and `UploadID` have different values"),
        (GOOD | {"bucketName": "other"}, "`bucket` and `bucketName` have different values"),
        (GOOD | {"region": ["ap-guangzhou"]}, "`region` is a list"),
        ({"uploads": {}}, "`uploads` is not a list"),
        ({"uploads": [[]]}, "the upload is a list"),
        ({"uploads": [{"uploads": [GOOD]}]}, "`bucket` is missing"),
        ([], "the event is a list"),
        ("x", "the event is a string"),
        (None, "the event is nothing"),
        (True, "the event is a boolean"),
        ({"Records": []}, "holds no message"),
        ({"Records": [{}]}, "not a CKafka"),
        ({"Records": [{"Ckafka": {}}]}, "empty or not text"),
        ({"Records": [{"CMQ": {"msgBody": "{"}}]}, "not JSON"),
        ({"Records": [{"CMQ": {"msgBody": "NaN"}}]}, "not JSON"),
        ({"Records": [{"CMQ": {"msgBody": "[" * 100_000}}]}, "not JSON"),
        ({"clslogs": {}}, "not base64"),
        ({"clslogs": {"data": "é"}}, "not base64"),
        (cls(b"rubbish, not an archive"), "not gzip"),
        (cls(gzip.compress(b"{}")[:-4]), "truncated"),
        (cls(gzip.compress(b"\xff")), "not UTF-8"),
        (cls(gzip.compress(b"[]")), "no list of records"),
        (cls(gzip.compress(b" " * (MAX_UNPACKED_BYTES + 1))), "more than 4 MiB"),
        (event("eventbridge") | {"data": 5}, "the message is a number"),
        (event("timer") | {"Message": "dry_run"}, "not JSON"),
        (event("timer") | {"Message": "[]"}, "a list, not a JSON object"),
        (event("timer") | {"Message": "null"}, "nothing, not a JSON object"),
        (timer(dryrun=True), "'dryrun'; the known fields are buckets"),
        (timer(dry_run="true"), "`dry_run` is neither true nor false"),
        (timer(min_age_hours=True), "`min_age_hours` is not a number of hours"),
        (timer(max_aborts=0), "`max_aborts` is not a whole number"),
        (timer(prefixes="raw/"), "`prefixes` is not a list of strings"),
        (timer(buckets=[""]), "`buckets` is not a list of strings"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason(message: Any, reason: str) -> None:
    (told,) = refusals(message)

    assert reason in told


def test_each_record_of_a_batch_stands_on_its_own_and_is_told_apart() -> None:
    batch = decode(event("ckafka_batch")).requests

    assert [type(ask) for ask in batch] == [AbortRequest, RejectedRequest, AbortRequest]
    assert [ask.origin for ask in batch] == ["record 1", "record 2", "record 3"]


@pytest.mark.parametrize(
    "message",
    ["dry_run", "[]", "null", 5, [], '{"dryrun": true}', '{"dry_run": 1}', '{"max_aborts": 1, "max_aborts": 2}', "{"],
    ids=repr,
)
def test_rejected_timer_is_a_sweep_that_did_not_happen(message: object) -> None:
    (ask,) = decode(event("timer") | {"Message": message}).requests

    assert isinstance(ask, RejectedRequest)
    assert ask.sweep


def test_rejected_message_is_no_sweep() -> None:
    text = json.dumps(timer(dryrun=True))
    others: list[Any] = [
        {"Records": [{"CMQ": {"msgBody": text}}, {"Ckafka": {"msgBody": text}}, {}]},
        {"httpMethod": "POST", "body": text},
        {"specversion": "1.0", "data": timer(dryrun=True)},
        {"Type": "timer"},
        GOOD | {"key": 7},
        {"uploads": [GOOD] * 10_001},
        cls(b"rubbish"),
    ]

    requests = [ask for raw in others for ask in decode(raw).requests if isinstance(ask, RejectedRequest)]

    assert len(requests) == 9
    assert not any(ask.sweep for ask in requests)


def test_a_timer_narrows_by_its_message() -> None:
    (ask,) = decode(event("timer_narrowed")).requests

    assert ask == SweepRequest(
        buckets=("photos-1250000000",),
        prefixes=("logs/",),
        min_age=timedelta(hours=96),
        min_idle=timedelta(hours=48),
        max_aborts=1000,
        dry_run=False,
    )


def test_a_timer_without_a_message_sweeps_as_the_settings_say() -> None:
    assert decode(timer()).requests == (SweepRequest(),)
    assert decode({"Type": "Timer"}).requests == (SweepRequest(),)


def test_a_completed_object_is_known_by_its_key_behind_appid_and_bucket() -> None:
    (ask,) = decode(event("cos_completed")).requests

    assert ask == CompletedObject(
        "photos-1250000000", "raw/2026/猫.mp4", datetime(2018, 12, 19, 7, 49, 30, tzinfo=timezone.utc), "record 1"
    )


@pytest.mark.parametrize(
    ("key", "url", "keys"),
    [
        ("100%25.mp4", "http://b.example/100%2525.mp4", ("100%25.mp4",)),
        ("100%25.mp4", "http://b.example/100%25.mp4", ("100%25.mp4", "100%.mp4")),
        ("100%25.mp4", None, ("100%25.mp4", "100%.mp4")),
        ("100%.mp4", "http://b.example/100%25.mp4", ("100%.mp4",)),
        ("100%.mp4", "http://b.example/100%.mp4", ("100%.mp4",)),
        ("a%20b", "http://b.example/a%20b", ("a%20b", "a b")),
        ("a%20b", "http://b.example/a b", ("a b",)),
        ("a%20b", "http://b.example/a+b", ("a b",)),
        ("a+b", "http://b.example/a%2Bb", ("a+b",)),
        ("a+b", "http://b.example/a%20b", ("a b",)),
        ("a+b", "http://b.example/a+b", ("a+b", "a b")),
        ("a+b", "http://[", ("a+b", "a b")),
        ("a+b", None, ("a+b", "a b")),
        ("a b+c", "http://b.example/a b+c", ("a b+c",)),
        ("猫+c", "http://b.example/猫+c", ("猫+c", "猫 c")),
        ("猫%20c", "http://b.example/猫%20c", ("猫%20c", "猫 c")),
        ("猫%20c", "http://b.example/猫 c", ("猫 c",)),
        ("a b%20c", None, ("a b%20c",)),
        ("a\t%20c", None, ("a\t%20c",)),
        ("a\x7f%20c", None, ("a\x7f%20c",)),
        ("%E7%8C%AB", "http://b.example/%E7%8C%AB", ("%E7%8C%AB", "猫")),
        ("%e7%8c%ab", "http://b.example/%E7%8C%AB", ("猫",)),
        ("%E7%8C%AB", "http://b.example/猫", ("猫",)),
        ("a%2Bb", "http://b.example/a+b?versionId=1", ("a+b",)),
        ("a%2g%20b", None, ("a%2g%20b",)),
        ("plain", None, ("plain",)),
        ("plain", "http://b.example/other", ("plain",)),
    ],
)
def test_completed_key_is_read_as_every_key_that_its_url_leaves_possible(
    key: str, url: str | None, keys: tuple[str, ...]
) -> None:
    raw = event("cos_completed")
    raw["Records"][0]["cos"]["cosObject"] |= {"key": f"/1250000000/photos/{key}", "url": url}

    (ask,) = decode(raw).requests

    assert isinstance(ask, CompletedObject)
    assert (ask.key, *ask.other_keys) == keys


@pytest.mark.parametrize(
    ("key", "url", "keys"),
    [
        ("raw%2F%E7%8C%AB.mp4", None, ("raw/猫.mp4",)),
        ("raw%2fa%20b", None, ("raw/a b",)),
        ("raw%2Fa+b", None, ("raw/a+b", "raw/a b")),
        ("raw%2Fa+b", "http://b.example/raw/a%20b", ("raw/a b",)),
    ],
)
def test_completed_key_whose_slashes_are_encoded_is_encoded(key: str, url: str | None, keys: tuple[str, ...]) -> None:
    raw = event("cos_completed")
    raw["Records"][0]["cos"]["cosObject"] |= {"key": f"%2F1250000000%2fphotos%2F{key}", "url": url}

    (ask,) = decode(raw).requests

    assert isinstance(ask, CompletedObject)
    assert (ask.key, *ask.other_keys) == keys


@pytest.mark.parametrize(
    "change",
    [{"eventName": None}, {"eventName": ""}, {"eventName": 5}, {"eventTime": "today"}, {"eventTime": -1}],
    ids=str,
)
def test_broken_events_of_cos_are_refused(change: dict[str, Any]) -> None:
    raw = event("cos_completed")
    raw["Records"][0]["event"] |= change

    assert len(refusals(raw)) == 1


def test_a_message_cannot_pass_for_a_timer() -> None:
    text = json.dumps(timer())

    for raw in (
        {"Records": [{"CMQ": {"msgBody": text}}]},
        {"httpMethod": "POST", "body": text},
        {"specversion": "1.0", "data": timer()},
    ):
        assert not [ask for ask in decode(raw).requests if isinstance(ask, SweepRequest)]


def test_an_http_request_names_no_more_uploads_than_an_answer_can_tell_of() -> None:
    body = json.dumps({"uploads": [GOOD] * (MAX_HTTP_UPLOADS + 1)})

    assert "send several" in refusals({"httpMethod": "POST", "body": body})[0]


def test_header_names_are_read_in_any_case() -> None:
    request = http_request({"httpMethod": "post", "headers": {"AUTHORIZATION": "Bearer x"}})

    assert request is not None
    assert (request.method, request.headers["authorization"]) == ("POST", "Bearer x")


@pytest.mark.parametrize(
    "given",
    [
        {"headers": {"Authorization": ["Bearer x"]}},
        {"headers": {"Authorization": ["Bearer x", "Bearer x"], "authorization": "Bearer x"}},
        {"headers": [["Authorization", "Bearer x"], "no", ["no"]]},
        {"headers": None, "multiValueHeaders": {"Authorization": ["Bearer x"]}},
        {"headers": {"Authorization": "Bearer x"}, "multiValueHeaders": {"AUTHORIZATION": ["Bearer x"]}},
        {"headers": {"Authorization": None}, "multiValueHeaders": {"Authorization": ["Bearer x"]}},
    ],
    ids=str,
)
def test_header_has_one_value_in_whatever_shape_it_comes(given: dict[str, Any]) -> None:
    request = http_request({"httpMethod": "POST", **given})

    assert request is not None
    assert (dict(request.headers), request.ambiguous) == ({"authorization": "Bearer x"}, frozenset())


@pytest.mark.parametrize(
    "given",
    [
        {"headers": {"Authorization": ["Bearer x", "Bearer y"]}},
        {"headers": {"Authorization": "Bearer x", "authorization": "Bearer y"}},
        {"headers": {"Authorization": "Bearer x"}, "multiValueHeaders": {"Authorization": ["Bearer y", "Bearer x"]}},
        {"headers": [["Authorization", "Bearer x"], ["Authorization", "Bearer y"]]},
        {"headers": {"Authorization": ["Bearer x", 5]}},
        {"headers": {"Authorization": ["Bearer x", ["Bearer x"]]}},
        {"headers": {"Authorization": {"Bearer x": 1}}},
    ],
    ids=str,
)
def test_header_with_two_values_has_none(given: dict[str, Any]) -> None:
    request = http_request({"httpMethod": "POST", **given})

    assert request is not None
    assert (dict(request.headers), request.ambiguous) == ({}, frozenset({"authorization"}))


@pytest.mark.parametrize(("flag", "is_base64"), [(True, True), ("true", True), ("TRUE", True), *NOT_BASE64], ids=repr)
def test_body_is_base64_when_its_flag_says_so(flag: object, *, is_base64: bool) -> None:
    text = json.dumps(GOOD)
    body = base64.b64encode(text.encode()).decode() if is_base64 else text

    (ask,) = decode({"httpMethod": "POST", "body": body, "isBase64Encoded": flag}).requests

    assert isinstance(ask, AbortRequest)


@pytest.mark.parametrize("flag", ["yes", "true ", 1, 0, [], {}], ids=repr)
def test_base64_flag_that_is_neither_true_nor_false_is_refused(flag: object) -> None:
    body = {"httpMethod": "POST", "body": json.dumps(GOOD), "isBase64Encoded": flag}

    assert refusals(body) == ["`isBase64Encoded` is neither true nor false"]


def test_cos_records_in_an_eventbridge_envelope_are_read_and_others_are_not() -> None:
    records = event("cos_completed")["Records"]
    queued = {"CMQ": {"msgBody": json.dumps(GOOD)}}

    one, text, several = (
        decode({"specversion": "1.0", "data": data}).requests
        for data in (records[0], json.dumps(records[0]), {"Records": [queued, *records, 5]})
    )

    assert [type(ask) for ask in (*one, *text, *several)] == [
        CompletedObject,
        CompletedObject,
        RejectedRequest,
        CompletedObject,
        RejectedRequest,
    ]
    assert [ask.origin for ask in (*one, *several)] == ["event", "record 1", "record 2", "record 3"]


@pytest.mark.parametrize(
    "given", [{}, {"headers": {"Authorization": []}}, {"headers": {"Authorization": None}}], ids=str
)
def test_header_without_a_value_is_not_there(given: dict[str, Any]) -> None:
    request = http_request({"httpMethod": "POST", **given})

    assert request is not None
    assert (dict(request.headers), request.ambiguous) == ({}, frozenset())


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(
                [
                    "Records",
                    "Ckafka",
                    "CMQ",
                    "cos",
                    "event",
                    "msgBody",
                    "clslogs",
                    "data",
                    "specversion",
                    "Type",
                    "Message",
                    "uploads",
                    "bucket",
                    "httpMethod",
                    "body",
                    "headers",
                    "cosBucket",
                    "cosObject",
                    "eventName",
                    "eventTime",
                ]
            ),
            inner,
        )
    ),
    max_leaves=20,
)


@given(raw=values)
def test_no_event_whatsoever_raises_or_goes_without_an_ask(raw: Any) -> None:
    decoded = decode(raw)

    assert decoded.requests or decoded.ignored
