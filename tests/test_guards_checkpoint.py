"""
Guards of the checkpoint that no other test would miss, found by breaking every one of them (`python -m tests.mutants`).
"""

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from cos_sweeper import checkpoint
from cos_sweeper.errors import Refusal
from cos_sweeper.model import Bucket, SweepBuckets, Upload
from cos_sweeper.plan import Named, Plan, Scan, make
from cos_sweeper.policy import Policy
from cos_sweeper.settings import Settings
from tests.aborting import aborting_settings

NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)
RULES = Policy(min_age=72 * HOUR, min_idle=24 * HOUR)
PHOTOS = Bucket("photos-1250000000", "ap-guangzhou")
TIMED_ID = "1585130821" + "a" * 64
SETTINGS = aborting_settings((PHOTOS,))


def planned(*asks: SweepBuckets) -> Plan:
    return make(asks, SETTINGS, (PHOTOS,), "run", NOW)


def checkpoint_of(plan: Plan | None = None, **changes: Any) -> dict[str, Any]:
    (text,) = checkpoint.write(plan or planned(SweepBuckets()))
    return {**json.loads(text)["cos_sweeper_checkpoint"], **changes}


def read(raw: object, settings: Settings = SETTINGS) -> Plan:
    return checkpoint.read(raw, settings, (PHOTOS,), NOW)


def test_the_version_is_the_one_that_waiting_checkpoints_have() -> None:
    assert checkpoint_of()["version"] == 1


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("run_id", ["a", "a" * 64], ["", "a" * 65, "a b", "a\n", 5]),
        ("number", [1, 1000], [0, 1001, True, 1.0]),
        ("share", [[0, 1], [999, 1000]], [[0, 0], [1000, 1000], [0, 1001], [-1, 4], [0]]),
        ("max_aborts", [0, 10**12, None], [-1, 10**12 + 1, "1"]),
        (
            "past",
            [[0, 0, []], [10**15, 10**15, [["x", 10**15]]]],
            [[-1, 0, []], [0, 10**15 + 1, []], [0, 0, [["x", -1]]]],
        ),
        (
            "past",
            [[0, 0, [["x", 0]]]],
            [[10**15 + 1, 0, []], [0, -1, []], [0, 0, [["x", 10**15 + 1]]], [0, 0, [[5, 1]]]],
        ),
        ("as_of", [(NOW + timedelta(minutes=5)).isoformat()], ["0001-01-01T00:00:00+23:00", 5]),
        ("todo", [[]], [[["scan", 0, PHOTOS.name]], [["scan", 0, 5, "", "", ""]], [[]]]),
    ],
)
def test_what_a_checkpoint_says_is_taken_up_to_its_bounds_and_no_further(
    field: str, good: list[object], bad: list[object]
) -> None:
    for value in good:
        read(checkpoint_of() | {field: value})
    for value in bad:
        with pytest.raises(Refusal):
            read(checkpoint_of() | {field: value})


def test_of_what_failed_only_as_much_travels_as_a_report_can_use() -> None:
    many = [["c" * 65, 1]] + [[f"code-{n}", 1] for n in range(100)]

    past = read(checkpoint_of(past=[0, 0, many])).past

    assert len(past.failed) == 100
    assert past.failed[0] == ("c" * 64, 1)


def test_many_small_things_to_do_fill_each_checkpoint_and_none_too_far() -> None:
    named = tuple(Named(Upload(PHOTOS, f"{n}", TIMED_ID), RULES) for n in range(3000))

    texts = checkpoint.write(replace(planned(), named=named))

    assert max(map(len, texts)) <= checkpoint.MAX_BYTES
    assert all(len(text) > 0.99 * checkpoint.MAX_BYTES for text in texts[:-1])
    assert tuple(one for text in texts for one in read(json.loads(text)["cos_sweeper_checkpoint"]).named) == named


def test_a_thing_too_large_for_a_checkpoint_is_written_all_the_same_and_not_lost() -> None:
    rules = replace(RULES, prefixes=tuple(f"{n:0800}/" for n in range(200)))
    scans = (Scan(PHOTOS, "small", RULES), Scan(PHOTOS, "large", rules), Scan(PHOTOS, "last", RULES))

    texts = checkpoint.write(replace(planned(), scans=scans))

    todo = [thing for text in texts for thing in json.loads(text)["cos_sweeper_checkpoint"]["todo"]]
    assert [prefix for _, _, _, prefix, _, _ in todo] == ["small", "large", "last"]


@pytest.mark.parametrize("place", [1, -1, "0", None], ids=repr)
def test_a_policy_that_is_not_there_is_named_as_what_is_wrong(place: object) -> None:
    with pytest.raises(Refusal, match="a policy is not a whole number from 0 to 0"):
        read(checkpoint_of(todo=[["scan", place, PHOTOS.name, "", "", ""]]))


def policy_with(**changes: Any) -> dict[str, Any]:
    raw = checkpoint_of()
    return raw | {"policies": [raw["policies"][0] | changes]}


@pytest.mark.parametrize(
    "changes",
    [
        {"prefixes": "raw"},
        {"prefixes": [5]},
        {"prefixes": None},
        {"exclude_prefixes": "keep"},
        {"exclude_prefixes": [None]},
        {"only_key": 5},
        {"started_before": 5},
    ],
    ids=str,
)
def test_a_policy_with_a_value_of_another_kind_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Refusal):
        read(policy_with(**changes))


@pytest.mark.parametrize("value", [True, "260000", None, 10**10 + 1, -0.5, float("nan")], ids=repr)
@pytest.mark.parametrize("field", ["min_age", "min_idle"])
def test_an_age_that_is_no_number_of_seconds_is_refused_as_that(field: str, value: object) -> None:
    with pytest.raises(Refusal, match="no number where a number of seconds should be"):
        read(policy_with(**{field: value}))


def test_the_longest_ages_of_a_policy_are_ten_thousand_million_seconds() -> None:
    (scan,) = read(policy_with(min_age=10**10, min_idle=10**10)).scans

    assert scan.policy.min_age == scan.policy.min_idle == timedelta(seconds=10**10)


@pytest.mark.parametrize("item", [["scan", 0, PHOTOS.name, 5, "", ""], ["scan", 0, PHOTOS.name, "", 5, ""]], ids=str)
def test_a_scan_with_a_value_of_another_kind_is_refused(item: list[object]) -> None:
    with pytest.raises(Refusal):
        read(checkpoint_of(todo=[item]))


@pytest.mark.parametrize(
    ("prefixes", "is_within"),
    [(["raw/"], True), (["raw/x", "logs/"], True), (["ra"], False), (["raw/", "other/"], False), ([], False)],
    ids=str,
)
def test_every_prefix_of_a_checkpoint_lies_within_the_settings(prefixes: list[str], *, is_within: bool) -> None:
    raw, settings = policy_with(prefixes=prefixes), replace(SETTINGS, prefixes=("raw/", "logs/"))

    if is_within:
        assert read(raw, settings).scans[0].policy.prefixes == tuple(prefixes)
    else:
        with pytest.raises(Refusal, match="wider than PREFIXES"):
            read(raw, settings)


def test_a_checkpoint_is_read_up_to_the_size_that_is_written() -> None:
    raw = checkpoint_of(more="")
    raw["more"] = "x" * (checkpoint.MAX_BYTES - len(json.dumps(raw)))

    read(raw)
    with pytest.raises(Refusal, match="at most"):
        read(raw | {"more": raw["more"] + "x"})


def test_a_checkpoint_that_is_too_deep_is_refused() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]

    with pytest.raises(Refusal, match="damaged"):
        read(checkpoint_of(more=deep))


def test_what_a_checkpoint_says_twice_is_done_once() -> None:
    scan, upload = ["scan", 0, PHOTOS.name, "", "", ""], ["upload", 0, PHOTOS.name, "k", TIMED_ID]

    made = read(checkpoint_of(todo=[scan, upload, scan, upload]))

    assert (len(made.scans), len(made.named)) == (1, 1)


@pytest.mark.parametrize("place", [3, 4, 5], ids=["prefix", "key", "upload_id"])
def test_a_scan_is_asked_for_in_texts_or_in_bytes_that_stand_for_one(place: int) -> None:
    scan: list[object] = ["scan", 0, PHOTOS.name, "", "", ""]

    scan[place] = "\udcff"
    read(checkpoint_of(todo=[scan]))
    scan[place] = "\ud800"
    with pytest.raises(Refusal):
        read(checkpoint_of(todo=[scan]))


def test_a_checkpoint_aborts_no_more_than_the_settings_of_the_day_allow() -> None:
    lower = aborting_settings((PHOTOS,), max_aborts=4)

    assert read(checkpoint_of(max_aborts=4), lower).max_aborts == 4
    for more in (5, None):
        with pytest.raises(Refusal, match="max_aborts"):
            read(checkpoint_of(max_aborts=more), lower)
