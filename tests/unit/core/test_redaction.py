"""
Secrets are taken out of texts and of JSON of any shape.
"""

import pytest

from cos_sweeper.core.redaction import HIDDEN, Redactor


@pytest.mark.parametrize(
    "text",
    [
        "q-sign-algorithm=sha1&q-ak=AKIDother&q-signature=abc123",
        "Authorization: abc123",
        "{'authorization': 'abc123'}",
        "x-cos-security-token: abc123",
        "Authorization: Bearer abc123",
    ],
)
def test_signatures_and_tokens_that_are_not_known_are_hidden(text: str) -> None:
    cleaned = Redactor(()).redact(text)

    assert "abc123" not in cleaned
    assert HIDDEN in cleaned


SHAPES = ["text", 5, 0.5, True, None, [], ["text", 5], {}, {"value": "text"}, [[{"value": ["text"]}]]]


@pytest.mark.parametrize("name", ["token", "Authorization", "SecretKey", "x-cos-security-token", "Cookie", "PASSWORD"])
@pytest.mark.parametrize("value", SHAPES, ids=repr)
def test_value_of_any_shape_under_the_name_of_a_secret_is_hidden(name: str, value: object) -> None:
    cleaned = Redactor(()).redact_all({"deep": [{name: value, "key": "k"}]})

    assert cleaned == {"deep": [{name: HIDDEN, "key": "k"}]}


def test_number_under_the_code_of_an_error_is_kept_in_a_report() -> None:
    report = {"failures_by_code": {"ExpiredToken": 3, "SignatureDoesNotMatch": 1}, "token": "text", "tokens": ["text"]}

    cleaned = Redactor(()).redact_all(report, keep_numbers=True)

    assert cleaned == {"failures_by_code": report["failures_by_code"], "token": HIDDEN, "tokens": HIDDEN}
