"""
A timer's message narrows a sweep, within bounds.
"""

import json
from datetime import timedelta
from typing import Any

import pytest

from cos_sweeper.core.model import RejectedRequest, SweepRequest
from cos_sweeper.scf.events import decode
from tests.fixtures import ABORT_MESSAGE
from tests.function import event, timer
from tests.unit.scf.decoding import cls, only, reason


@pytest.mark.parametrize(
    "message",
    ["dry_run", "[]", "null", 5, [], '{"dryrun": true}', '{"dry_run": 1}', '{"max_aborts": 1, "max_aborts": 2}', "{"],
    ids=repr,
)
def test_rejected_timer_is_a_sweep_that_did_not_happen(message: object) -> None:
    (request,) = decode(event("timer") | {"Message": message}).requests

    assert isinstance(request, RejectedRequest)
    assert request.sweep


def test_rejected_message_is_no_sweep() -> None:
    text = json.dumps(timer(dryrun=True))
    others: list[Any] = [
        {"Records": [{"CMQ": {"msgBody": text}}, {"Ckafka": {"msgBody": text}}, {}]},
        {"httpMethod": "POST", "body": text},
        {"specversion": "1.0", "data": timer(dryrun=True)},
        {"Type": "timer"},
        ABORT_MESSAGE | {"key": 7},
        {"uploads": [ABORT_MESSAGE] * 10_001},
        cls(b"rubbish"),
    ]

    requests = [request for raw in others for request in decode(raw).requests if isinstance(request, RejectedRequest)]

    assert len(requests) == 9
    assert not any(request.sweep for request in requests)


def test_timer_narrows_by_its_message() -> None:
    (request,) = decode(event("timer_narrowed")).requests

    assert request == SweepRequest(
        buckets=("photos-1250000000",),
        prefixes=("logs/",),
        min_age=timedelta(hours=96),
        min_idle=timedelta(hours=48),
        max_aborts=1000,
        dry_run=False,
    )


def test_timer_without_a_message_sweeps_by_the_settings() -> None:
    assert decode(timer()).requests == (SweepRequest(),)
    assert decode({"Type": "Timer"}).requests == (SweepRequest(),)


def test_message_of_a_queue_is_never_a_timer() -> None:
    text = json.dumps(timer())

    for raw in (
        {"Records": [{"CMQ": {"msgBody": text}}]},
        {"httpMethod": "POST", "body": text},
        {"specversion": "1.0", "data": timer()},
    ):
        assert not [request for request in decode(raw).requests if isinstance(request, SweepRequest)]


@pytest.mark.parametrize(
    ("narrowing", "field", "value"),
    [
        ({"min_age_hours": 0}, "min_age", timedelta(0)),
        ({"min_age_hours": 1_000_000}, "min_age", timedelta(hours=1_000_000)),
        ({"min_idle_hours": 0.5}, "min_idle", timedelta(minutes=30)),
        ({"max_aborts": 1}, "max_aborts", 1),
        ({"dry_run": True}, "dry_run", True),
        ({"buckets": ["b", "a", "b"]}, "buckets", ("b", "a")),
        ({"prefixes": ["b"]}, "prefixes", ("b",)),
    ],
    ids=str,
)
def test_timer_narrows_within_bounds(narrowing: dict[str, Any], field: str, value: object) -> None:
    request = only(timer(**narrowing))

    assert isinstance(request, SweepRequest)
    assert getattr(request, field) == value


@pytest.mark.parametrize(
    ("name", "values", "problem"),
    [
        ("min_age_hours", [-0.5, 1_000_000.5, True, False, "5", None, [5]], "is not a number of hours"),
        ("max_aborts", [0, -1, True, 1.0, "5", None], "is not a whole number from 1 to 1000000000000"),
        ("dry_run", [0, 1, "true", None], "is neither true nor false"),
        ("buckets", [[], "b", [""], ["b", 5], ["b", ""], None, {"b": 1}], "is not a list of strings"),
    ],
)
def test_timer_with_a_value_out_of_bounds_is_rejected(name: str, values: list[object], problem: str) -> None:
    for value in values:
        assert reason(timer(**{name: value})).startswith(f"`{name}` {problem}")


@pytest.mark.parametrize("message", [None, "", "  ", "{}", {}], ids=repr)
def test_timer_without_narrowing_sweeps_by_the_settings(message: object) -> None:
    assert only(event("timer") | {"Message": message}) == SweepRequest()


@pytest.mark.parametrize("message", [[], 0, False, "5", "[]", '"text"'], ids=repr)
def test_timer_with_another_message_is_rejected(message: object) -> None:
    assert "not a JSON object" in reason(event("timer") | {"Message": message})


@pytest.mark.parametrize("name", ["buckets", "prefixes"])
def test_timer_names_have_four_kilobytes_together(name: str) -> None:
    assert isinstance(only(timer(**{name: ["a" * 2048, "b" * 2048]})), SweepRequest)
    assert "longer than 4096 characters" in reason(timer(**{name: ["a" * 2048, "b" * 2049]}))


def test_timer_max_aborts_has_a_maximum() -> None:
    assert only(timer(max_aborts=10**12)) == SweepRequest(max_aborts=10**12)
    assert "`max_aborts`" in reason(timer(max_aborts=10**12 + 1))
