"""
Uploads named one by one: the spellings, the fields, and how many fit in one event.
"""

import base64
import gzip
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from cos_sweeper.core.model import (
    AbortRequest,
    Ignored,
    RejectedRequest,
    Request,
)
from cos_sweeper.scf.events import decode
from tests.fixtures import ABORT_MESSAGE
from tests.unit.scf.decoding import completed, only, reason


def excess(requests: Sequence[Request]) -> list[str]:
    reasons = [request.reason for request in requests if isinstance(request, RejectedRequest)]
    return [reason for reason in reasons if "are beyond the limit" in reason]


def batch(*sizes: int) -> dict[str, Any]:
    """A queue's batch of records with so many uploads each."""
    texts = [json.dumps({"uploads": [{}] * size} if size > 1 else {}) for size in sizes]
    return {"Records": [{"CMQ": {"msgBody": text}} for text in texts]}


def test_event_holds_ten_thousand_uploads_and_no_more() -> None:
    exactly, above = (decode({"uploads": [ABORT_MESSAGE] * count}).requests for count in (10_000, 10_001))

    assert [type(request) for request in exactly] == [AbortRequest] * 10_000
    assert [type(request) for request in above] == [AbortRequest] * 10_000 + [RejectedRequest]
    assert above[-1] == RejectedRequest(
        "1 of 10001 uploads are beyond the limit of 10000 uploads in one event; send them in another event",
        origin="event, upload 10001 to 10001",
    )


@pytest.mark.parametrize(
    ("sizes", "read", "over"),
    [
        ((9_990, *[1] * 20), [9_980, *[1] * 20], ["10 of 9990 uploads"]),
        ((*[1] * 20, 9_990), [*[1] * 20, 9_980], ["10 of 9990 uploads"]),
        ((*[1] * 10, 9_980, *[1] * 10), [*[1] * 10, 9_980, *[1] * 10], []),
        ((9_000, 9_000), [9_000, 1_000], ["8000 of 9000 uploads"]),
        ((9_999, 5, 1), [9_998, 1, 1], ["1 of 9999 uploads", "4 of 5 uploads"]),
        ([1] * 10_050, [1] * 10_000, ["50 of 10050 records"]),
    ],
    ids=["large_first", "large_last", "just_fits", "two_large", "two_over", "records"],
)
def test_records_beyond_the_limit_take_no_other_records_place(
    sizes: Sequence[int], read: list[int], over: list[str]
) -> None:
    requests = decode(batch(*sizes)).requests

    by_record = Counter(
        request.origin.split(",")[0] for request in requests if "are beyond" not in getattr(request, "reason", "")
    )
    assert list(by_record.values()) == read
    assert [reason.partition(" are beyond")[0] for reason in excess(requests)] == over


def test_records_beyond_the_limit_are_reported_in_few_groups() -> None:
    requests = decode(batch(*[3] * 5_000)).requests

    groups = excess(requests)
    assert len(requests) == 10_000 + len(groups)
    assert len(groups) == 21
    assert groups[-1].startswith("another 4960 uploads in 2480 records are beyond")
    assert requests[-1].origin == "further records"


@pytest.mark.parametrize("carrier", ["cls", "eventbridge"])
def test_records_inside_one_event_share_its_limit(carrier: str) -> None:
    if carrier == "cls":
        contents = [record["CMQ"]["msgBody"] for record in batch(9_990, *[1] * 20)["Records"]]
        packed = gzip.compress(json.dumps({"records": [{"content": text} for text in contents]}).encode())
        raw: dict[str, Any] = {"clslogs": {"data": base64.b64encode(packed).decode()}}
        over = ["10 of 9990 uploads"]
    else:
        raw = {"specversion": "1.0", "data": {"Records": completed()["Records"] * 10_010}}
        over = ["10 of 10010 records"]

    requests = decode(raw).requests

    assert len(requests) == 10_001
    assert [reason.partition(" are beyond")[0] for reason in excess(requests)] == over


def test_records_that_are_ignored_or_empty_leave_their_place_to_others() -> None:
    put = completed({"eventName": "cos:ObjectCreated:Put"})["Records"] * 20

    decoded = decode({"Records": put + batch(10_000)["Records"]})

    assert (len(decoded.requests), len(decoded.ignored)) == (10_000, 20)


def test_upload_that_is_malformed_does_not_stop_the_next() -> None:
    requests = decode({"uploads": [5, {}, ABORT_MESSAGE, ABORT_MESSAGE | {"key": ""}, ABORT_MESSAGE]}).requests

    assert [type(request) for request in requests] == [
        RejectedRequest,
        RejectedRequest,
        AbortRequest,
        RejectedRequest,
        AbortRequest,
    ]
    assert [request.origin for request in requests] == [f"event, upload {n}" for n in range(1, 6)]


@pytest.mark.parametrize("text", ["", " \n", None, 5, ABORT_MESSAGE], ids=repr)
def test_queue_message_that_is_empty_or_no_text_is_rejected(text: object) -> None:
    assert reason({"Records": [{"CMQ": {"msgBody": text}}]}) == "the message is empty or not text"


@pytest.mark.parametrize("uploads", [[], {}, None, "x"], ids=repr)
def test_uploads_that_are_no_list_or_an_empty_one_are_rejected(uploads: object) -> None:
    assert reason({"uploads": uploads}) == "`uploads` is not a list, or it is empty"


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (ABORT_MESSAGE | {"Bucket": "other"}, "`bucket` and `Bucket` have different values"),
        (ABORT_MESSAGE | {"Key": 5}, "not a string"),
        (ABORT_MESSAGE | {"key": ""}, "`key` is empty"),
        (ABORT_MESSAGE | {"region": 5}, "`region` is a number"),
        (ABORT_MESSAGE | {"region": "ap-x", "Region": "ap-y"}, "`region` and `Region` have different values"),
    ],
    ids=["bucket", "second_spelling", "empty", "region", "regions"],
)
def test_field_that_stands_twice_or_is_no_text_is_rejected(message: dict[str, Any], problem: str) -> None:
    assert problem in reason(message)


@pytest.mark.parametrize(
    ("more", "region"),
    [({}, None), ({"region": ""}, None), ({"Region": "ap-x"}, "ap-x"), ({"region": "ap-x", "Region": "ap-x"}, "ap-x")],
    ids=["none", "empty", "other_spelling", "both"],
)
def test_region_may_be_missing_and_has_either_spelling(more: dict[str, str], region: str | None) -> None:
    request = only(ABORT_MESSAGE | more)

    assert isinstance(request, AbortRequest)
    assert request.region == region


def test_empty_event_is_rejected() -> None:
    assert reason({"Records": []}) == "the event holds no message"
    assert reason(json.loads("{}")).startswith("`bucket` is missing")


@pytest.mark.parametrize("name", ["s3:TestEvent", "cos:TestEvent"])
def test_test_event_is_ignored(name: str) -> None:
    decoded = decode({"Service": "Amazon S3", "Event": name, "Bucket": "b-1250000000"})

    assert (decoded.requests, decoded.ignored) == ((), (Ignored("a test event", "event"),))


@pytest.mark.parametrize("name", ["TestEvent", "s3:TestEvents", ":TestEvent", "s3 :TestEvent", 5, None], ids=repr)
def test_event_that_only_looks_like_a_test_event_is_rejected(name: object) -> None:
    assert reason({"Event": name, "Bucket": "b-1250000000"}).startswith("`key` is missing")


@pytest.mark.parametrize("name", ["uploadId", "UploadID", "upload_id"])
def test_test_event_that_names_an_upload_is_no_test_event(name: str) -> None:
    raw = {"Event": "s3:TestEvent", "bucket": "b-1250000000", "key": "k", name: "1"}

    assert only(raw) == AbortRequest("b-1250000000", "k", "1")


def test_spelling_that_is_wrong_is_named() -> None:
    problem = reason({"bucket": "b-1250000000", "key": "k", "Key": 5, "uploadId": "1"})

    assert problem == "`Key` is a number, not a string"


@pytest.mark.parametrize(
    "named",
    [
        {"Bucket": "b-1250000000", "Key": "k", "UploadID": "1"},
        {"Bucket": "b-1250000000", "Key": "k", "UploadId": "1"},
        {"bucketName": "b-1250000000", "key": "k", "uploadID": "1"},
        {"bucket_name": "b-1250000000", "KEY": "k", "upload_id": "1"},
        {"BUCKET-NAME": "b-1250000000", "key": "k", "upload-id": "1"},
        {"bucket": "b-1250000000", "key": "k", "uploadid": "1"},
        ABORT_MESSAGE
        | {"Bucket": "b-1250000000", "bucketName": "b-1250000000", "Key": "k", "UploadId": "1", "UPLOAD_ID": "1"},
    ],
    ids=lambda named: ",".join(named),
)
def test_upload_may_be_named_in_the_spelling_of_any_sdk(named: dict[str, str]) -> None:
    assert only(named) == AbortRequest("b-1250000000", "k", "1")


@pytest.mark.parametrize(
    "name", ["uploadsId", "uploadIdentifier", "u" + "_" * 9 + "ploadId", "uploadİd", "ＵploadId", "id"]
)
def test_upload_id_is_not_read_from_other_names(name: str) -> None:
    assert reason({"bucket": "b-1250000000", "key": "k", name: "1"}).startswith("`uploadId` is missing")


def test_name_with_a_letter_that_only_looks_like_another_is_no_spelling() -> None:
    assert reason({"bucket": "b-1250000000", "\N{KELVIN SIGN}ey": "k", "uploadId": "1"}).startswith("`key` is missing")


def test_name_of_sixteen_characters_may_be_a_spelling() -> None:
    named = {"bucket": "b-1250000000", "key": "k", "u" + "_" * 8 + "ploadId": "1"}

    assert only(named) == AbortRequest("b-1250000000", "k", "1")


@pytest.mark.parametrize("name", ["regionName", "region_name", "REGION"])
def test_region_may_be_named_in_the_spelling_of_any_sdk(name: str) -> None:
    assert only(ABORT_MESSAGE | {name: "ap-x"}) == AbortRequest("b-1250000000", "k", "1", "ap-x")
