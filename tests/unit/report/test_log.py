"""
One flat line of JSON, short enough, without a secret.
"""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cos_sweeper.core.redaction import Redactor
from cos_sweeper.report.log import MAX_LINE_BYTES, Log, Value

SECRETS = ("AKIDexample0123456789", "key/with+signs==", "token.of.the.role")


def written(event: str = "a.happened", **fields: Value) -> str:
    lines: list[str] = []
    Log(lines.append, Redactor(SECRETS), request_id="r-1").info(event, **fields)
    (line,) = lines
    return line


def test_line_is_flat_json_with_its_level_and_what_was_bound() -> None:
    line = json.loads(written(bucket="b", aborted=3, dry_run=False, status=None))

    assert line == {
        "level": "info",
        "event": "a.happened",
        "request_id": "r-1",
        "bucket": "b",
        "aborted": 3,
        "dry_run": "false",
        "status": "",
    }


@pytest.mark.parametrize(
    ("fact", "field"),
    [
        (True, "true"),
        (False, "false"),
        (None, ""),
        (0, 0),
        (-(10**18), -(10**18)),
        (0.25, 0.25),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (float("-inf"), "-inf"),
        ("", ""),
        ("true", "true"),
        (timedelta(hours=1), "1:00:00"),
    ],
)
def test_field_is_a_text_or_a_number(fact: Value, field: object) -> None:
    line = json.loads(written(fact=fact))

    assert line["fact"] == field
    assert type(line["fact"]) is type(field)


@pytest.mark.parametrize("fact", [[], ["a"], {}, {"a": 1}, {1: 2}, (1,), {1}], ids=repr)
def test_list_or_object_is_never_in_a_line(fact: Any) -> None:
    line = json.loads(written(fact=fact, other=1))

    assert "fact" not in line
    assert line["other"] == 1


def test_text_made_of_another_value_shows_no_secret() -> None:
    assert SECRETS[0] not in written(fact=ValueError(SECRETS[0]))  # type: ignore[arg-type]


@given(key=st.text(max_size=850), other=st.text(max_size=200))
@example(key="猫" * 283, other="x" * 20_000)
@example(key="\x01" * 850, other="\x01" * 20_000)
def test_line_is_shorter_than_the_platforms_limit(key: str, other: str) -> None:
    line = written(key=key, other=other)

    assert "\n" not in line
    assert len(line.encode()) <= MAX_LINE_BYTES
    assert json.loads(line)["event"] == "a.happened"


@pytest.mark.parametrize("secret", [*SECRETS, "key%2Fwith%2Bsigns%3D%3D"])
@pytest.mark.parametrize("padding", [0, 7990, 20_000])
def test_secret_is_hidden_also_where_a_long_line_is_cut(secret: str, padding: int) -> None:
    line = written(reason="x" * padding + f"<Header>{secret}</Header>")

    assert secret not in line
    assert not any(secret[:length] in line for length in range(8, len(secret)))
