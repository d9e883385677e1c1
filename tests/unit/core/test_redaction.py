"""
Secrets are taken out of texts and of JSON of any shape.
"""

import base64
import json
import re
from collections.abc import Callable
from html import escape
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cos_sweeper.core.key_mask import KeyMask
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

    cleaned = Redactor(()).redact_report(report)

    assert cleaned == {"failures_by_code": report["failures_by_code"], "token": HIDDEN, "tokens": HIDDEN}


def twice(write: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: write(write(text))


def in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


WAYS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "percent": lambda text: quote(text, safe=""),
    "percent, small letters": lambda text: re.sub("%..", lambda match: match[0].lower(), quote(text, safe="")),
    "percent, slashes kept": quote,
    "percent, every character": lambda text: re.sub(r"[^A-Za-z0-9]", lambda match: f"%{ord(match[0]):02X}", text),
    "percent, twice": twice(lambda text: quote(text, safe="")),
    "form": quote_plus,
    "JSON": json.dumps,
    "JSON, twice": twice(json.dumps),
    "JSON with escaped slashes": lambda text: json.dumps(text).replace("/", "\\/"),
    "JSON of a form": lambda text: json.dumps(quote_plus(text)),
    "repr": repr,
    "XML": escape,
    "XML, twice": twice(escape),
    "entities, every character": lambda text: "".join(f"&#{ord(one)};" for one in text),
    "hexadecimal entities, every character": lambda text: "".join(f"&#x{ord(one):X};" for one in text),
    "JSON, every character": lambda text: "".join(f"\\u{ord(one):04x}" for one in text),
    "JSON, every character, twice": lambda text: json.dumps("".join(f"\\u{ord(one):04X}" for one in text)),
    "a URL, every character": lambda text: "".join(f"%{ord(one):02x}" for one in text),
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal, large letters": lambda text: text.encode().hex().upper(),
    "Base64": in_base64,
    "Base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "Base64 in a URL": lambda text: quote(in_base64(text), safe=""),
}
# What a setting accepts: sixteen printable characters or more. In them a piece that no text has by chance.
secrets = st.text([chr(code) for code in range(0x21, 0x7F)], min_size=4, max_size=60).map(
    lambda text: f"{text[:3]}Zq7xWv9kJ2mB{text[3:]}"
)


@pytest.mark.parametrize("way", WAYS)
@given(secret=secrets)
def test_secret_is_hidden_however_it_is_written(way: str, secret: str) -> None:
    written = WAYS[way](secret)

    cleaned = Redactor([f" {secret}\n"]).redact(f"before {written} after")

    assert (cleaned[:7], cleaned[-6:]) == ("before ", " after")
    pieces = {written[place : place + 8] for place in range(len(written) - 7)}
    assert [piece for piece in pieces if piece in cleaned] == []


@pytest.mark.parametrize("text", ["a&#65;b", "%41%zz", "\\u0041", "100%", "&amp;#65;", "\\" * 50 + "x41"])
def test_coded_text_without_a_secret_stays_as_it_is(text: str) -> None:
    assert Redactor(["a-secret-of-some-length"]).redact(text) == text


@given(before=st.text(st.characters(max_codepoint=126), max_size=5), secret=secrets, after=st.text(max_size=5))
def test_secret_inside_of_a_text_in_base64_is_hidden(before: str, secret: str, after: str) -> None:
    written = in_base64(before + secret + after)

    cleaned = Redactor([secret]).redact(written)

    # Four characters are three bytes, and at either end one may be of both.
    around = len(in_base64(before)) + len(in_base64(after)) + 4
    assert HIDDEN in cleaned
    assert len(cleaned) - len(HIDDEN) <= around


@given(secret=secrets, cut=st.integers(0, 80), write=st.sampled_from([str, quote, repr, json.dumps, in_base64]))
def test_secret_that_is_cut_shows_at_most_its_first_half(secret: str, cut: int, write: Callable[[str], str]) -> None:
    """Reasons quote what they reject, and cut it before it is redacted."""
    written = write(secret)

    cleaned = Redactor([secret]).redact(f"{written[:cut]} is no bucket")

    half = write(secret[: min(24, max(12, (len(secret) + 1) // 2)) + 3])
    assert len(cleaned) <= len(half) + len(HIDDEN) + len(" is no bucket")


@given(secret=secrets, longer=secrets)
def test_secret_that_is_a_part_of_another_leaves_no_rest_of_it(secret: str, longer: str) -> None:
    both = longer + secret + longer

    assert Redactor([secret, both]).redact(f"<{both}>") == f"<{HIDDEN}>"


HOOK = "https://alerts.example.com/hooks/in/T012/B345/Zq7xWv9kJ2mB+0f3b2a6c?channel=ops&key=Wm4%2Fp8Rt6Yc1Ln5"


@pytest.mark.parametrize(
    "text",
    [
        HOOK,
        "POST /hooks/in/T012/B345/Zq7xWv9kJ2mB+0f3b2a6c?channel=ops&key=Wm4%2Fp8Rt6Yc1Ln5 HTTP/1.1",
        "/hooks/in/T012/B345/Zq7xWv9kJ2mB+0f3b2a6c",
        "hooks/in/T012/B345/Zq7xWv9kJ2mB+0f3b2a6c",
        "Zq7xWv9kJ2mB+0f3b2a6c",
        "Zq7xWv9kJ2mB%2B0f3b2a6c",
        "Wm4%2Fp8Rt6Yc1Ln5",
        "Wm4/p8Rt6Yc1Ln5",
        quote(HOOK, safe=""),
        json.dumps(HOOK).replace("/", "\\/"),
        in_base64(HOOK),
    ],
)
def test_url_of_a_webhook_and_its_secret_parts_are_hidden(text: str) -> None:
    cleaned = Redactor([HOOK]).redact(f"<{text}>")

    assert HIDDEN in cleaned
    assert not any(piece in cleaned for piece in ("Zq7x", "f3b2", "Wm4", "p8Rt", in_base64(HOOK)[20:40]))


def test_key_is_masked_in_a_report_and_not_in_an_event() -> None:
    redactor = Redactor((), KeyMask("an-example-secret-of-keys"))
    value = {"rows": [{"key": "raw/cat.mp4", "prefix": "raw/", "top_prefix": "raw/", "reason": "plain"}]}

    (row,) = redactor.redact_report(value)["rows"]

    assert redactor.redact_all(value) == value
    assert row["key"].startswith(row["prefix"])
    assert row["prefix"] == row["top_prefix"] == redactor.mask.prefix("raw/")
    assert row["reason"] == "plain"
    assert redactor.redact_field("key", "raw/cat.mp4") == row["key"]


def test_text_of_a_few_letters_is_no_secret() -> None:
    assert Redactor(["a", " b "]).redact("a bad setting") == "a bad setting"
