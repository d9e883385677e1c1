"""
Shapes of HTTP events: whether a body is base64, and headers of every form.
"""

import base64
import json
from typing import Any

import pytest

from tests.emulator.public import Cloud
from tests.fixtures import TOKEN
from tests.function import Function
from tests.integration.shapes import BEARER, JSON_TYPE, held, message, post, rejected


@pytest.mark.parametrize("flag", [True, "true", "True", "TRUE"], ids=repr)
def test_base64_flag_may_be_text(flag: object, cloud: Cloud, function: Function) -> None:
    text = base64.b64encode(json.dumps(message(cloud)).encode()).decode()

    result = function(post(text, isBase64Encoded=flag))

    assert result.report["aborted"] == 1


@pytest.mark.parametrize("flag", [False, "false", "False", None, ""], ids=repr)
def test_body_without_the_base64_flag_is_text(flag: object, cloud: Cloud, function: Function) -> None:
    result = function(post(message(cloud), isBase64Encoded=flag))

    assert result.report["aborted"] == 1


@pytest.mark.parametrize("flag", ["yes", 1, 0, [], {}, "true "], ids=repr)
def test_base64_flag_with_another_value_is_rejected(flag: object, cloud: Cloud, function: Function) -> None:
    result = function(post(message(cloud), isBase64Encoded=flag))

    assert rejected(result) == "`isBase64Encoded` is neither true nor false"
    assert held(cloud) == ["raw/1.mp4"]


LET_IN: dict[str, dict[str, Any]] = {
    "lists": {"headers": {"content-type": [JSON_TYPE], "authorization": [BEARER]}},
    "only_multi": {"multiValueHeaders": {"Content-Type": [JSON_TYPE], "Authorization": [BEARER]}},
    "only_multi_beside_none": {
        "headers": None,
        "multiValueHeaders": {"Content-Type": [JSON_TYPE], "Authorization": [BEARER]},
    },
    "both": {
        "headers": {"Content-Type": JSON_TYPE, "Authorization": BEARER},
        "multiValueHeaders": {"Content-Type": [JSON_TYPE], "Authorization": [BEARER]},
    },
    "mixed": {"headers": {"Content-Type": JSON_TYPE}, "multiValueHeaders": {"Authorization": [BEARER, BEARER]}},
    "pairs": {"headers": [["Content-Type", JSON_TYPE], ["Authorization", BEARER]]},
}
WRONG = "Bearer another-token-of-32-characters!!"
TURNED_AWAY: dict[str, dict[str, Any]] = {
    "list": {"headers": {"content-type": JSON_TYPE, "authorization": [WRONG, BEARER]}},
    "list_other_way": {"headers": {"content-type": JSON_TYPE, "authorization": [BEARER, WRONG]}},
    "cases": {"headers": {"content-type": JSON_TYPE, "authorization": WRONG, "Authorization": BEARER}},
    "multi": {
        "headers": {"content-type": JSON_TYPE, "authorization": BEARER},
        "multiValueHeaders": {"authorization": [WRONG, BEARER]},
    },
    "multi_other_way": {
        "headers": {"content-type": JSON_TYPE, "authorization": WRONG},
        "multiValueHeaders": {"authorization": [BEARER]},
    },
    "pairs": {"headers": [["content-type", JSON_TYPE], ["authorization", BEARER], ["authorization", WRONG]]},
    "empty": {"headers": {"content-type": JSON_TYPE, "authorization": ["", BEARER]}},
    "no_text": {"headers": {"content-type": JSON_TYPE, "authorization": [BEARER, 5]}},
    "nested": {"headers": {"content-type": JSON_TYPE, "authorization": [[BEARER]]}},
    "object": {"headers": {"content-type": JSON_TYPE, "authorization": {BEARER: BEARER}}},
    "joined": {"headers": {"content-type": JSON_TYPE, "authorization": f"{WRONG}, {BEARER}"}},
    "none": {"headers": {"content-type": JSON_TYPE, "authorization": []}},
}


@pytest.mark.parametrize("shape", LET_IN)
def test_headers_of_any_shape_let_a_caller_with_the_token_in(shape: str, cloud: Cloud, function: Function) -> None:
    request = {name: value for name, value in post(message(cloud)).items() if name != "headers"}

    result = function({**request, **LET_IN[shape]})

    assert result.answer is not None
    assert result.answer["statusCode"] == 200
    assert held(cloud) == []


@pytest.mark.parametrize("shape", TURNED_AWAY)
def test_authorization_headers_that_differ_are_unauthorized(shape: str, cloud: Cloud, function: Function) -> None:
    request = {name: value for name, value in post(message(cloud)).items() if name != "headers"}

    result = function({**request, **TURNED_AWAY[shape]})

    assert result.answer is not None
    assert (result.answer["statusCode"], result.report) == (401, {"error": "unauthorized"})
    assert held(cloud) == ["raw/1.mp4"]
    assert TOKEN not in result.output


def test_authorization_headers_that_differ_are_named_in_the_log(function: Function) -> None:
    result = function(post("{}", headers={"authorization": [WRONG, BEARER]}))

    assert result.lines("http.unauthorized")[0]["reason"] == "several different values of the header Authorization"


def test_content_types_that_differ_are_no_content_type(cloud: Cloud, function: Function) -> None:
    result = function(
        post(message(cloud), headers={"authorization": BEARER, "content-type": [JSON_TYPE, "text/plain"]})
    )

    assert result.answer is not None
    assert result.answer["statusCode"] == 415
    assert result.lines("http.unauthorized")[0]["reason"] == "several different values of the header Content-Type"
    assert held(cloud) == ["raw/1.mp4"]
