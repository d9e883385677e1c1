"""
Calls over HTTP: each status, and what a caller without the token learns.
"""

import json
from typing import Any

import pytest

from tests.emulator.public import Cloud
from tests.function import Function, event, named
from tests.integration.http_calls import held, post, seeded, status_of


def test_http_gets_200_for_a_success(cloud: Cloud, function: Function) -> None:
    uploads = seeded(cloud, 2)

    result = function(post(*uploads))

    assert status_of(result.answer) == 200
    assert {detail["outcome"] for detail in result.report["details"]} == {"aborted"}
    assert held(cloud) == []


@pytest.mark.parametrize(
    "body",
    ["", "not JSON", "[]", '{"bucket": "photos-1250000000"}', json.dumps({"uploads": []})],
    ids=["empty", "no_json", "list", "incomplete", "nothing"],
)
def test_http_gets_400_for_a_body_that_cannot_be_used(body: str, function: Function) -> None:
    result = function(post(event("direct")) | {"body": body})

    assert status_of(result.answer) == 400
    assert result.report["rejections"][0]["reason"]


def test_http_gets_401_without_the_token_or_with_a_wrong_one(cloud: Cloud, function: Function) -> None:
    uploads = seeded(cloud, 1)

    answers = [
        function(post(*uploads, token=token)).answer for token in (None, "a-wrong-token-of-32-characters!!", "\ud800")
    ]

    assert [status_of(answer) for answer in answers] == [401, 401, 401]
    assert all("WWW-Authenticate" in answer["headers"] for answer in answers if answer)
    assert len(held(cloud)) == 1


def test_http_gets_403_while_no_token_is_set_and_the_log_names_the_setting(cloud: Cloud, function: Function) -> None:
    uploads = seeded(cloud, 1)

    result = function(post(*uploads), HTTP_TOKEN="")

    assert status_of(result.answer) == 403
    assert "HTTP_TOKEN" in result.lines("http.unauthorized")[0]["reason"]
    assert len(held(cloud)) == 1


def test_http_needs_no_token_when_the_platform_authenticates(cloud: Cloud, function: Function) -> None:
    uploads = seeded(cloud, 1)

    result = function(post(*uploads, token=None), HTTP_TOKEN="", HTTP_AUTH="platform")

    assert status_of(result.answer) == 200


def test_caller_without_the_token_learns_nothing_but_401(function: Function) -> None:
    odd = [
        post(token=None, method="GET"),
        post(token=None) | {"body": " " * (5 << 20)},
        post(token=None) | {"headers": {"content-type": "text/html"}},
        post(token=None) | {"body": "no JSON"},
    ]

    answers = [function(request).answer for request in odd]

    assert {status_of(answer) for answer in answers} == {401}
    assert len({json.dumps(answer) for answer in answers}) == 1


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"status": 503, "code": "SlowDown"}, 503),
        ({"reset": "before"}, 503),
        ({"status": 403, "code": "AccessDenied"}, 502),
        ({"status": 404, "code": "NoSuchBucket"}, 502),
    ],
    ids=["slow_down", "reset", "denied", "no_bucket"],
)
def test_http_gets_503_for_a_transient_and_502_for_a_permanent_failure(
    fault: dict[str, Any], status: int, cloud: Cloud, function: Function
) -> None:
    uploads = seeded(cloud, 1)
    cloud.fault("AbortMultipartUpload", **fault)

    result = function(post(*uploads))

    assert status_of(result.answer) == status


def test_http_status_is_the_worst_of_several_and_the_body_names_each(cloud: Cloud, function: Function) -> None:
    good, denied, busy = seeded(cloud, 3)
    outside = named("elsewhere-1250000000", "k", "1")
    cloud.fault("AbortMultipartUpload", key=denied["key"], status=403, code="AccessDenied")
    cloud.fault("AbortMultipartUpload", key=busy["key"], status=500, code="InternalError")

    one = function(post(good, outside))
    two = function(post(good, outside, denied))
    three = function(post(good, outside, denied, busy))

    assert [status_of(result.answer) for result in (one, two, three)] == [400, 502, 503]
    outcomes = {detail["key"]: detail["outcome"] for detail in three.report["details"]}
    assert outcomes == {good["key"]: "already_gone", denied["key"]: "failed", busy["key"]: "failed"}
    assert "not among BUCKETS" in three.report["rejections"][0]["reason"]
