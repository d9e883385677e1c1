"""
Every field of a checkpoint is read within its bounds and rejected beyond them.
"""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cos_sweeper.core import checkpoint, checkpoint_reader
from cos_sweeper.core.errors import RequestRejected
from cos_sweeper.core.model import Cursor, SweepRequest, Upload
from cos_sweeper.core.plan import ListingTarget, Plan, UploadTarget, build_plan
from cos_sweeper.core.settings import Settings
from tests.fixtures import HOUR, NOW, PHOTOS, POLICY, TIMED_ID, aborting_settings

SETTINGS = aborting_settings((PHOTOS,))


def planned(*requests: SweepRequest) -> Plan:
    return build_plan(requests, SETTINGS, (PHOTOS,), "run", NOW)


def checkpoint_of(plan: Plan | None = None, **changes: Any) -> dict[str, Any]:
    (text,) = checkpoint.write(plan or planned(SweepRequest()))
    return {**json.loads(text)["cos_sweeper_checkpoint"], **changes}


def read(raw: object, settings: Settings = SETTINGS) -> Plan:
    return checkpoint_reader.read(raw, settings, (PHOTOS,), NOW)


def test_version_of_the_checkpoint_is_two() -> None:
    assert checkpoint_of()["version"] == 3


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("run_id", ["a", "a" * 64], ["", "a" * 65, "a b", "a\n", 5]),
        ("number", [1, 1000], [0, 1001, True, 1.0]),
        ("stalled", [0, 1000], [-1, 1001, True]),
        (
            "shard",
            [[[0], 1], [[999], 1000], [[0, 3], 4]],
            [[[0], 0], [[1000], 1000], [[0], 1001], [[-1], 4], [[0]], [[], 4], [0, 4], [[True], 4]],
        ),
        ("limit", [0, 10**15, None], [-1, 10**15 + 1, "1", True]),
        ("aborted", [0, 10**15], [-1, 10**15 + 1, None, "1"]),
        ("fraction", [[0, 1], [1, 1], [10**15, 10**15]], [[1, 0], [-1, 1], [1, 10**15 + 1], [1], None, [1, 1, 1]]),
        ("began", [(NOW + timedelta(minutes=5)).isoformat()], ["2026-11-22T12:00:00", 5]),
        (
            "prior_failures",
            [[0, 0, []], [10**15, 10**15, [["x", 10**15]]]],
            [[-1, 0, []], [0, 10**15 + 1, []], [0, 0, [["x", -1]]]],
        ),
        (
            "prior_failures",
            [[0, 0, [["x", 0]]]],
            [[10**15 + 1, 0, []], [0, -1, []], [0, 0, [["x", 10**15 + 1]]], [0, 0, [[5, 1]]]],
        ),
        ("as_of", [(NOW + timedelta(minutes=5)).isoformat()], ["0001-01-01T00:00:00+23:00", 5]),
        ("todo", [[]], [[["listing", 0, PHOTOS.name]], [["listing", 0, 5, "", "", ""]], [[]]]),
    ],
)
def test_checkpoint_field_is_read_up_to_its_bounds_and_no_further(
    field: str, good: list[object], bad: list[object]
) -> None:
    for value in good:
        read(checkpoint_of() | {field: value})
    for value in bad:
        with pytest.raises(RequestRejected):
            read(checkpoint_of() | {field: value})


def test_prior_failures_travel_up_to_what_a_report_can_use() -> None:
    many = [["c" * 65, 1]] + [[f"code-{n}", 1] for n in range(100)]

    prior_failures = read(checkpoint_of(prior_failures=[0, 0, many])).prior_failures

    assert len(prior_failures.failed) == 100
    assert prior_failures.failed[0] == ("c" * 64, 1)


def test_checkpoints_are_filled_and_never_above_the_maximum() -> None:
    named = tuple(UploadTarget(Upload(PHOTOS, f"{n}", TIMED_ID), POLICY) for n in range(3000))

    texts = checkpoint.write(replace(planned(), targets=named))

    assert max(map(len, texts)) <= checkpoint.MAX_BYTES
    assert all(len(text) > 0.99 * checkpoint.MAX_BYTES for text in texts[:-1])
    assert tuple(one for text in texts for one in read(json.loads(text)["cos_sweeper_checkpoint"]).targets) == named


def test_target_too_large_for_a_checkpoint_is_written_all_the_same() -> None:
    rules = replace(POLICY, prefixes=tuple(f"{n:0800}/" for n in range(200)))
    listings = (
        ListingTarget(PHOTOS, "small", POLICY),
        ListingTarget(PHOTOS, "large", rules),
        ListingTarget(PHOTOS, "last", POLICY),
    )

    texts = checkpoint.write(replace(planned(), listings=listings))

    todo = [item for text in texts for item in json.loads(text)["cos_sweeper_checkpoint"]["todo"]]
    assert [prefix for _, _, _, prefix, *_ in todo] == ["small", "large", "last"]


@pytest.mark.parametrize("index", [1, -1, "0", None], ids=repr)
def test_policy_that_does_not_exist_is_named_in_the_reason(index: object) -> None:
    with pytest.raises(RequestRejected, match="policy is not a whole number from 0 to 0"):
        read(checkpoint_of(todo=[["listing", index, PHOTOS.name, "", "", ""]]))


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
def test_policy_with_a_value_of_another_kind_is_rejected(changes: dict[str, Any]) -> None:
    with pytest.raises(RequestRejected):
        read(policy_with(**changes))


@pytest.mark.parametrize("value", [True, "260000", None, 10**10 + 1, -0.5, float("nan")], ids=repr)
@pytest.mark.parametrize("field", ["min_age", "min_idle"])
def test_age_that_is_no_number_of_seconds_is_rejected(field: str, value: object) -> None:
    with pytest.raises(RequestRejected, match="not a number of seconds"):
        read(policy_with(**{field: value}))


def test_longest_ages_of_a_policy_are_ten_thousand_million_seconds() -> None:
    (listing,) = read(policy_with(min_age=10**10, min_idle=10**10)).listings

    assert listing.policy.min_age == listing.policy.min_idle == timedelta(seconds=10**10)


@pytest.mark.parametrize(
    "item", [["listing", 0, PHOTOS.name, 5, "", ""], ["listing", 0, PHOTOS.name, "", 5, ""]], ids=str
)
def test_listing_with_a_value_of_another_kind_is_rejected(item: list[object]) -> None:
    with pytest.raises(RequestRejected):
        read(checkpoint_of(todo=[item]))


@pytest.mark.parametrize(
    ("prefixes", "narrowed"),
    [
        (["raw/"], ["raw/"]),
        (["raw/x", "logs/"], ["raw/x", "logs/"]),
        (["ra"], ["raw/"]),
        (["raw/", "other/"], ["raw/"]),
        ([], ["raw/", "logs/"]),
    ],
    ids=str,
)
def test_prefixes_of_a_checkpoint_are_narrowed_to_the_settings(prefixes: list[str], narrowed: list[str]) -> None:
    built = read(policy_with(prefixes=prefixes), replace(SETTINGS, prefixes=("raw/", "logs/")))

    assert built.dropped == ()
    assert [list(listing.policy.prefixes) for listing in built.listings] == [narrowed]


def test_listing_whose_prefixes_are_outside_the_settings_is_dropped_and_reported() -> None:
    built = read(policy_with(prefixes=["other/"]), replace(SETTINGS, prefixes=("raw/", "logs/")))

    assert (built.listings, len(built.dropped)) == ((), 1)
    assert "outside PREFIXES" in built.dropped[0]


def test_checkpoint_is_read_up_to_the_size_that_is_written() -> None:
    raw = checkpoint_of(more="")
    raw["more"] = "x" * (checkpoint.MAX_BYTES - len(json.dumps(raw)))

    read(raw)
    with pytest.raises(RequestRejected, match="at most"):
        read(raw | {"more": raw["more"] + "x"})


def test_checkpoint_that_is_too_deep_is_rejected() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]

    with pytest.raises(RequestRejected, match="damaged"):
        read(checkpoint_of(more=deep))


def test_targets_that_a_checkpoint_names_twice_are_planned_once() -> None:
    listing, upload = ["listing", 0, PHOTOS.name, "", "", ""], ["upload", 0, PHOTOS.name, "k", TIMED_ID]

    built = read(checkpoint_of(todo=[listing, upload, listing, upload]))

    assert (len(built.listings), len(built.targets)) == (1, 1)


@pytest.mark.parametrize("index", [3, 4, 5], ids=["prefix", "key", "upload_id"])
def test_listing_is_read_from_texts_and_from_surrogates_that_stand_for_bytes(index: int) -> None:
    listing: list[object] = ["listing", 0, PHOTOS.name, "", "", ""]

    listing[index] = "\udcff"
    read(checkpoint_of(todo=[listing]))
    listing[index] = "\ud800"
    with pytest.raises(RequestRejected):
        read(checkpoint_of(todo=[listing]))


@pytest.mark.parametrize(
    ("limit", "aborted", "fraction", "allowed", "left"),
    [
        (4, 0, [1, 1], 4, 4),
        (5, 0, [1, 1], 4, 4),
        (None, 0, [1, 1], 4, 4),
        (None, 0, [1, 1], None, None),
        (3, 1, [1, 1], 4, 2),
        (3, 1, [1, 4], 8, 1),
        (3, 3, [1, 4], 8, 0),
        (3, 2, [2, 1], 4, 1),
        (9, 0, [2, 1], 4, 4),
    ],
)
def test_checkpoint_aborts_no_more_than_it_and_the_current_settings_allow(
    limit: int | None, aborted: int, fraction: list[int], allowed: int | None, left: int | None
) -> None:
    settings = aborting_settings((PHOTOS,), max_aborts=allowed)

    assert read(checkpoint_of(limit=limit, aborted=aborted, fraction=fraction), settings).max_aborts == left


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("attempts", [0, 3], [-1, 4, True]),
        ("blocked", [True, False], [1, None]),
        ("sent", [True, False], [1, None]),
        ("swept", [True, False], [1, None]),
        ("markers", [[], [1, 10**9]], [[0], [10**9 + 1], ["1"], 5]),
    ],
)
def test_optional_field_of_an_upload_is_read_up_to_its_bounds_and_no_further(
    name: str, good: list[object], bad: list[object]
) -> None:
    item = ["upload", 0, PHOTOS.name, "k", TIMED_ID]

    for value in good:
        read(checkpoint_of(todo=[[*item, {name: value}]]))
    for value in bad:
        with pytest.raises(RequestRejected):
            read(checkpoint_of(todo=[[*item, {name: value}]]))


def test_range_of_a_listing_ends_at_texts_and_at_surrogates_that_stand_for_bytes() -> None:
    item = ["listing", 0, PHOTOS.name, "", "", ""]

    (listing,) = read(checkpoint_of(todo=[[*item, {"end": ["k", TIMED_ID]}]])).listings

    assert listing.end == Cursor("k", TIMED_ID)
    for end in (["k", "1", "2"], [5, "1"], ["k", None], ["\ud800", "1"], 5):
        with pytest.raises(RequestRejected):
            read(checkpoint_of(todo=[[*item, {"end": end}]]))


LEFTOVERS = {"only_key": "k", "started_before": NOW.isoformat(), "min_age": 0, "min_idle": 3600}


@pytest.mark.parametrize(("written", "current", "unproven"), [(0, 24, 24), (48, 24, 48), (24, 48, 48)])
def test_stale_sibling_that_travels_as_a_target_keeps_the_policy_of_its_listing(
    written: int, current: int, unproven: int
) -> None:
    settings = replace(SETTINGS, min_idle=current * HOUR)
    raw = policy_with(**LEFTOVERS, min_idle_unproven=written * 3600)
    listing, upload = (
        ["listing", 0, PHOTOS.name, "k", "", ""],
        ["upload", 0, PHOTOS.name, "k", TIMED_ID, {"swept": True}],
    )

    built = read(raw | {"todo": [listing, upload]}, settings)

    policy = built.listings[0].policy
    assert built.targets[0].policy == policy
    assert (policy.min_age, policy.min_idle, policy.min_idle_unproven) == (0 * HOUR, HOUR, unproven * HOUR)


def test_target_that_a_sweep_found_keeps_the_ages_of_a_sweep_and_one_that_an_event_named_does_not() -> None:
    item = ["upload", 0, PHOTOS.name, "k", TIMED_ID]

    named, swept = read(policy_with(min_age=0, min_idle=0) | {"todo": [item, [*item, {"swept": True}]]}).targets

    assert (named.policy.min_age, named.policy.min_idle) == (0 * HOUR, 0 * HOUR)
    assert (swept.policy.min_age, swept.policy.min_idle) == (72 * HOUR, 24 * HOUR)
