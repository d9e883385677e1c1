"""
Every trigger's envelope is opened, or rejected with its reason.
"""

import base64
import gzip
import json
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cos_sweeper.core.model import (
    AbortRequest,
    CompletedObject,
    RejectedRequest,
    ResumeRequest,
)
from cos_sweeper.scf.events import MAX_UNPACKED_BYTES, Source, decode, http_request
from tests.fixtures import ABORT_MESSAGE
from tests.function import event, timer
from tests.unit.scf.decoding import cls, rejections

NOT_BASE64 = [(False, False), ("false", False), (None, False), ("", False)]


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
def test_source_is_that_of_the_trigger(name: str, source: Source) -> None:
    assert decode(event(name)).source is source


def test_spellings_of_the_sdks_are_read() -> None:
    (request,) = decode(event("direct_sdk_spelling")).requests

    assert isinstance(request, AbortRequest)
    assert (request.bucket, request.key, request.region) == ("photos-1250000000", "raw/2026/4.mp4", "ap-guangzhou")


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({}, "`bucket` is missing"),
        ({"bucket": "b-1"}, "`key` is missing"),
        (ABORT_MESSAGE | {"key": 7}, "`key` is a number"),
        (ABORT_MESSAGE | {"uploadId": None}, "`uploadId` is nothing"),
        (ABORT_MESSAGE | {"uploadId": ""}, "`uploadId` is empty"),
        (ABORT_MESSAGE | {"Key": "other"}, "`key` and `Key` have different values"),
        (ABORT_MESSAGE | {"UploadID": "2"}, "`uploadId` and `UploadID` have different values"),
        (ABORT_MESSAGE | {"bucketName": "other"}, "`bucket` and `bucketName` have different values"),
        (ABORT_MESSAGE | {"region": ["ap-guangzhou"]}, "`region` is a list"),
        ({"uploads": {}}, "`uploads` is not a list"),
        ({"uploads": [[]]}, "the upload is a list"),
        ({"uploads": [{"uploads": [ABORT_MESSAGE]}]}, "`bucket` is missing"),
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
def test_event_that_cannot_be_used_is_rejected_with_its_reason(message: Any, reason: str) -> None:
    (given,) = rejections(message)

    assert reason in given


def test_records_of_a_batch_are_independent_and_have_their_origins() -> None:
    batch = decode(event("ckafka_batch")).requests

    assert [type(request) for request in batch] == [AbortRequest, RejectedRequest, AbortRequest]
    assert [request.origin for request in batch] == ["record 1", "record 2", "record 3"]


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
def test_body_is_base64_where_its_flag_is_true(flag: object, *, is_base64: bool) -> None:
    text = json.dumps(ABORT_MESSAGE)
    body = base64.b64encode(text.encode()).decode() if is_base64 else text

    (request,) = decode({"httpMethod": "POST", "body": body, "isBase64Encoded": flag}).requests

    assert isinstance(request, AbortRequest)


@pytest.mark.parametrize("flag", ["yes", "true ", 1, 0, [], {}], ids=repr)
def test_base64_flag_that_is_neither_true_nor_false_is_rejected(flag: object) -> None:
    body = {"httpMethod": "POST", "body": json.dumps(ABORT_MESSAGE), "isBase64Encoded": flag}

    assert rejections(body) == ["`isBase64Encoded` is neither true nor false"]


def test_cos_records_in_an_eventbridge_envelope_are_read_and_others_are_not() -> None:
    records = event("cos_completed")["Records"]
    queued = {"CMQ": {"msgBody": json.dumps(ABORT_MESSAGE)}}

    one, text, several = (
        decode({"specversion": "1.0", "data": data}).requests
        for data in (records[0], json.dumps(records[0]), {"Records": [queued, *records, 5]})
    )

    assert [type(request) for request in (*one, *text, *several)] == [
        CompletedObject,
        CompletedObject,
        RejectedRequest,
        CompletedObject,
        RejectedRequest,
    ]
    assert [request.origin for request in (*one, *several)] == ["event", "record 1", "record 2", "record 3"]


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
def test_event_of_any_shape_becomes_requests_or_is_ignored(raw: Any) -> None:
    decoded = decode(raw)

    assert decoded.requests or decoded.ignored


def over_http(body: object, **more: object) -> dict[str, Any]:
    return {"httpMethod": "POST", "headers": {"Content-Type": "application/json"}, "body": body, **more}


def test_http_request_holds_a_thousand_uploads_and_no_more() -> None:
    thousand, more = (json.dumps({"uploads": [ABORT_MESSAGE] * count}) for count in (1000, 1001))

    assert len(decode(over_http(thousand)).requests) == 1000
    (reason,) = rejections(over_http(more))
    assert "send several" in reason
    assert len(decode(over_http(more)).requests) == 1


@pytest.mark.parametrize(("body", "size"), [("", 0), ("猫", 3), ("\ud800", 3), (None, 0), ({}, 0)], ids=repr)
def test_size_of_a_body_is_in_bytes_and_zero_without_text(body: object, size: int) -> None:
    request = http_request(over_http(body))

    assert request is not None
    assert request.size == size


def test_header_that_is_no_text_is_dropped() -> None:
    request = http_request({"httpMethod": "POST", "headers": {"Authorization": 5, "Accept": "x"}})

    assert request is not None
    assert request.headers == {"accept": "x"}


def test_batch_with_one_ckafka_record_is_ckafkas() -> None:
    raw = {
        "Records": [{"CMQ": {"msgBody": json.dumps(ABORT_MESSAGE)}}, {"Ckafka": {"msgBody": json.dumps(ABORT_MESSAGE)}}]
    }

    assert decode(raw).source is Source.CKAFKA


@pytest.mark.parametrize("record", ["text", 5, None, [], {"cos": "text"}, {"Ckafka": []}, {"CMQ": 5}], ids=repr)
def test_record_of_no_known_kind_is_rejected(record: object) -> None:
    assert rejections({"Records": [record]}) == ["the record is not a CKafka, CMQ or COS record"]


def test_checkpoint_is_read_whatever_else_the_event_holds() -> None:
    assert decode({"cos_sweeper_checkpoint": {"version": 1}, "Type": "Timer"}).requests == (
        ResumeRequest({"version": 1}, "event"),
    )


@pytest.mark.parametrize("extra", [{"data": {}}, {"specversion": "1.0"}], ids=["data", "specversion"])
def test_message_with_one_field_of_eventbridge_is_a_message(extra: dict[str, Any]) -> None:
    (request,) = decode(ABORT_MESSAGE | extra).requests

    assert isinstance(request, AbortRequest)


def test_cls_batch_is_read_from_one_gzip_member_only() -> None:
    batch = json.dumps({"records": [{"content": json.dumps(ABORT_MESSAGE)}, "text", None]}).encode()
    # As much as makes an encoder look back over its whole window, which a smaller one would not reach.
    padded = json.dumps({"records": [{"content": json.dumps(ABORT_MESSAGE)}], "rest": "".join(map(str, range(20_000)))})

    assert [type(request) for request in decode(cls(gzip.compress(batch))).requests] == [
        AbortRequest,
        RejectedRequest,
        RejectedRequest,
    ]
    assert [type(request) for request in decode(cls(gzip.compress(padded.encode()))).requests] == [AbortRequest]
    assert rejections(cls(zlib.compress(batch))) == ["the data is not gzip"]
    for more in (b"more", gzip.compress(batch)):
        assert len(rejections(cls(gzip.compress(batch) + more))) == 1


@pytest.mark.parametrize(
    "data",
    [ABORT_MESSAGE, json.dumps(ABORT_MESSAGE), {"msgBody": json.dumps(ABORT_MESSAGE), "topic": "t"}],
    ids=["message", "text", "envelope"],
)
def test_eventbridge_data_is_a_message_its_text_or_an_envelope(data: object) -> None:
    (request,) = decode({"specversion": "1.0", "data": data}).requests

    assert isinstance(request, AbortRequest)
