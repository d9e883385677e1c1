"""
A rejected event is stored without secrets, and otherwise as it came.
"""

import base64
import gzip
import json
from typing import Any

import pytest

from tests.emulator.public import Cloud
from tests.fixtures import TOKEN
from tests.function import PHOTOS, Function, event
from tests.integration.objects import stored
from tests.integration.shapes import BEARER, BOM, ENVELOPE, JSON_TYPE, cls, completed, message, post

SECRET = "s3cr3t-value"
HIDDEN_SHAPES: dict[str, Any] = {
    "text": SECRET,
    "list": [SECRET],
    "object": {"value": SECRET},
    "deep": [{"values": [[SECRET]]}],
    "number": 918273645,
}


def texts_of(cloud: Cloud) -> str:
    """All that is stored in the report bucket, what is packed unpacked, as one text."""
    found = stored(cloud, PHOTOS, "reports/rejected/")
    assert found
    text = json.dumps(found, ensure_ascii=False)
    for document in found.values():
        raw = document["event"]
        if isinstance(raw, dict) and "clslogs" in raw:
            text += gzip.decompress(base64.b64decode(raw["clslogs"]["data"])).decode()
    return text


@pytest.mark.parametrize("shape", HIDDEN_SHAPES)
@pytest.mark.parametrize(
    "way", ["direct", "ckafka", "broken_text", "cmq", "cls", "cls_broken_text", "eventbridge", "http", "http_base64"]
)
def test_secret_of_any_shape_is_stored_hidden(way: str, shape: str, cloud: Cloud, function: Function) -> None:
    failed = {"bucket": "", "note": "kept", "Token": HIDDEN_SHAPES[shape]}
    text = json.dumps(failed)
    ways = {
        "direct": failed,
        "ckafka": {"Records": [{"Ckafka": {"topic": "t", "msgBody": text}}]},
        "broken_text": {"Records": [{"Ckafka": {"topic": "t", "msgBody": text[:-1] + ",}"}}]},
        "cmq": {"Records": [{"CMQ": {"topicName": "t", "msgBody": BOM + text}}]},
        "cls": cls(json.dumps({"records": [{"content": text}]})),
        "cls_broken_text": cls(json.dumps({"records": [{"content": f"ERROR {text}"}]})),
        "eventbridge": {**ENVELOPE, "data": text},
        "http": post(text),
        "http_base64": post(base64.b64encode(text.encode()).decode(), isBase64Encoded="true"),
    }

    function(ways[way], REPORT=f"{PHOTOS}/reports")

    written = texts_of(cloud)
    assert "kept" in written
    assert SECRET not in written
    assert "918273645" not in written


def test_reason_that_quotes_a_secret_is_stored_without_it(cloud: Cloud, function: Function) -> None:
    function({"bucket": f"b-{TOKEN}", "key": TOKEN, "uploadId": "1"}, REPORT=f"{PHOTOS}/reports")

    written = texts_of(cloud)
    assert "is not among BUCKETS" in written
    assert TOKEN not in written


@pytest.mark.parametrize("shape", ["plain", "lists", "multi"])
def test_headers_of_a_rejected_http_event_are_not_stored(shape: str, cloud: Cloud, function: Function) -> None:
    headers: dict[str, str] = {"Content-Type": JSON_TYPE, "Authorization": BEARER, "X-Client": "h3ader", "Cookie": "c"}
    lists = {name: [value] for name, value in headers.items()}
    request = event("http_api_gateway") | {"isBase64Encoded": False, "body": '{"note": "kept"}'}
    request["headers"] = {"plain": headers, "lists": lists, "multi": None}[shape]
    request["multiValueHeaders"] = lists if shape == "multi" else {}
    request["headerParameters"] = {"X-Client": "h3ader"}
    request["requestContext"]["authorizer"] = {"principal": "h3ader"}

    result = function(request, REPORT=f"{PHOTOS}/reports")

    (document,) = stored(cloud, PHOTOS, "reports/rejected/").values()
    assert result.report["rejected"] == 1
    assert document["event"] == {"httpMethod": "POST", "body": '{"note": "kept"}', "isBase64Encoded": False}


def test_headers_in_a_rejected_cos_event_are_not_stored(cloud: Cloud, function: Function) -> None:
    raw = completed(
        eventTime="yesterday", requestParameters={"requestHeaders": {"X-Client": "h3ader"}, "other": "kept"}
    )

    function(raw, REPORT=f"{PHOTOS}/reports")

    written = texts_of(cloud)
    assert "h3ader" not in written
    assert "requestHeaders" not in written
    assert "kept" in written


@pytest.mark.parametrize("way", ["ckafka", "cls", "eventbridge"])
def test_stored_event_without_secrets_is_stored_as_it_came_and_can_be_sent_again(
    way: str, cloud: Cloud, function: Function
) -> None:
    text = json.dumps(message(cloud), indent=1)
    ways = {
        "ckafka": {"Records": [{"Ckafka": {"topic": "t", "msgBody": text}}]},
        "cls": cls(json.dumps({"records": [{"content": text}]})),
        "eventbridge": {**ENVELOPE, "data": text},
    }
    function(ways[way], REPORT=f"{PHOTOS}/reports", BUCKETS="logs-1250000000@ap-singapore")
    (document,) = stored(cloud, PHOTOS, "reports/rejected/").values()

    result = function(document["event"])

    assert way == "cls" or document["event"] == ways[way]
    assert result.report["aborted"] == 1
