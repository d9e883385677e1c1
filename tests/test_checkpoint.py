"""
What travels from one run to the next, and that it fits.
"""

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cos_sweeper import checkpoint, plan
from cos_sweeper.checkpoint import MAX_BYTES, deal, read, write
from cos_sweeper.errors import Refusal
from cos_sweeper.model import CHECKPOINT, Bucket, Cursor, SweepBuckets, Upload
from cos_sweeper.plan import Named, Past, Plan, Scan, Share
from cos_sweeper.policy import Policy
from cos_sweeper.settings import Settings
from tests.aborting import aborting_settings

NOW = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=timezone.utc)
PHOTOS = Bucket("photos-1250000000", "ap-guangzhou")
SETTINGS = aborting_settings((PHOTOS,))
RULES = Policy(timedelta(hours=72), timedelta(hours=24))
ID = "1585130821" + "a" * 64


def sweeping(**changes: Any) -> Plan:
    made = plan.make((SweepBuckets(),), SETTINGS, (PHOTOS,), "run-1", NOW)
    return replace(made, **changes)


def reread(texts: tuple[str, ...], settings: Settings = SETTINGS, now: datetime = NOW) -> list[Plan]:
    return [read(json.loads(text)[CHECKPOINT], settings, (PHOTOS,), now) for text in texts]


def raw(**changes: Any) -> dict[str, Any]:
    (text,) = write(sweeping())
    return {**json.loads(text)[CHECKPOINT], **changes}


def test_a_plan_comes_back_as_it_went() -> None:
    leftovers = replace(
        RULES, min_age=timedelta(0), only_key="猫", started_before=NOW, min_idle_unproven=timedelta(hours=24)
    )
    went = sweeping(
        scans=(Scan(PHOTOS, "raw/", RULES, Cursor("raw/猫\udcff", ID)), Scan(PHOTOS, "猫", leftovers)),
        named=(Named(Upload(PHOTOS, "k", ID), RULES),),
        dry_run=True,
        max_aborts=7,
        number=3,
        share=Share(2, 5),
        past=Past(1, 2, (("SlowDown", 3),)),
    )

    (came,) = reread(write(went))

    assert came == went


@pytest.mark.parametrize(
    "character", ["k", "猫", "🐈", "\x01", '"', "\udcff"], ids=["ascii", "cjk", "astral", "control", "quote", "bytes"]
)
def test_however_much_there_is_to_do_and_however_long_the_keys_each_checkpoint_fits(character: str) -> None:
    key = character * (850 // len(character.encode("utf-8", "surrogateescape")))
    prefixes = tuple(key[:length] for length in range(1, 5))
    buckets = [Bucket(f"{'b' * 40}{n:03}-1250000000", "ap-guangzhou") for n in range(200)]
    scans = tuple(Scan(one, key, replace(RULES, prefixes=prefixes), Cursor(key, ID)) for one in buckets)
    named = tuple(
        Named(Upload(one, "k" * 850, ID), replace(RULES, min_idle=timedelta(n))) for n, one in enumerate(buckets)
    )
    went = sweeping(scans=scans, named=named, max_aborts=10_000)

    texts = write(went)

    settings = replace(SETTINGS, buckets=tuple(buckets))
    came = [read(json.loads(text)[CHECKPOINT], settings, buckets, NOW) for text in texts]
    assert max(len(text.encode()) for text in texts) <= MAX_BYTES < 128 * 1024
    assert tuple(scan for one in came for scan in one.scans) == scans
    assert tuple(each for one in came for each in one.named) == named
    assert sum(one.max_aborts or 0 for one in came) == 10_000


def test_the_past_travels_once_even_when_the_work_is_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "MAX_BYTES", 1500)
    named = tuple(Named(Upload(PHOTOS, f"{n}" * 300, ID), RULES) for n in range(1, 9))

    came = reread(write(sweeping(named=named, past=Past(5, 1, (("SlowDown", 6),)))))

    assert len(came) > 2
    assert [one.past for one in came] == [Past(5, 1, (("SlowDown", 6),))] + [Past()] * (len(came) - 1)


@given(most=st.none() | st.integers(0, 1000), among=st.integers(1, 50))
def test_a_limit_is_dealt_out_without_a_rest(most: int | None, among: int) -> None:
    dealt = deal(most, among)

    assert len(dealt) == among
    assert dealt == [None] * among if most is None else sum(part or 0 for part in dealt) == most


def test_where_no_abort_is_left_there_is_nothing_to_hand_on() -> None:
    assert write(sweeping(max_aborts=0)) == ()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": 2}, "version '2'"),
        ({"version": None}, "version 'None'"),
        ({"run_id": "../../x"}, "run id is malformed"),
        ({"as_of": "2026-11-22T12:00:00"}, "without a zone"),
        ({"as_of": "yesterday"}, "damaged"),
        ({"number": 0}, "number of the run"),
        ({"number": checkpoint.MAX_RUNS + 1}, "number of the run"),
        ({"share": [4, 4]}, "share"),
        ({"share": [0, 0]}, "share"),
        ({"dry_run": None}, "`dry_run`"),
        ({"max_aborts": -1}, "max_aborts"),
        ({"max_aborts": True}, "max_aborts"),
        ({"todo": [["delete", 0, PHOTOS.name, "k", ID]]}, "does not know"),
        ({"todo": [["scan", 7, PHOTOS.name, "", "", ""]]}, "policy"),
        ({"todo": [["scan", -1, PHOTOS.name, "", "", ""]]}, "policy"),
        ({"todo": [["scan", 0, "other-1250000000", "", "", ""]]}, "not among BUCKETS"),
        ({"todo": [["upload", 0, PHOTOS.name, "/", ID]]}, "the key is empty"),
        ({"todo": [["upload", 0, PHOTOS.name, "k", ""]]}, "upload id is empty"),
        ({"todo": 5}, "damaged"),
        ({"policies": [{}]}, "damaged"),
        ({"policies": "x"}, "not an object"),
    ],
)
def test_what_is_wrong_with_a_checkpoint_is_said(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refusal) as caught:
        read(raw(**changes), SETTINGS, (PHOTOS,), NOW)

    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("tightened", "reason"),
    [
        ({"min_age": timedelta(hours=73)}, "MIN_AGE_HOURS"),
        ({"min_idle": timedelta(hours=25)}, "MIN_IDLE_HOURS"),
        ({"prefixes": ("raw/",)}, "PREFIXES"),
        ({"dry_run": True}, "DRY_RUN"),
        ({"max_aborts": 10}, "MAX_ABORTS"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_chain_ends_when_the_settings_have_been_tightened_meanwhile(tightened: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refusal) as caught:
        reread(write(sweeping()), replace(SETTINGS, **tightened))

    assert reason in str(caught.value)


@pytest.mark.parametrize("included", [False, True])
def test_committers_are_included_in_a_continuation_as_the_settings_say_now(included: bool) -> None:  # noqa: FBT001
    (came,) = reread(write(sweeping()), replace(SETTINGS, include_committers=included))

    assert came.scans[0].policy.include_committers == included


def test_a_prefix_that_is_excluded_since_is_excluded_from_here_on() -> None:
    (came,) = reread(write(sweeping()), replace(SETTINGS, exclude_prefixes=("keep/",)))

    assert came.scans[0].policy.exclude_prefixes == ("keep/",)


def test_another_instances_clock_may_be_a_little_ahead() -> None:
    (came,) = reread(write(sweeping()), now=NOW - timedelta(seconds=2))

    assert came.as_of == NOW - timedelta(seconds=2)


LEFTOVERS = Policy(
    timedelta(0),
    timedelta(hours=1),
    only_key="k",
    started_before=NOW - timedelta(hours=1),
    min_idle_unproven=timedelta(hours=24),
)


def test_leftovers_of_an_object_have_ages_of_their_own_and_no_future() -> None:
    future = replace(LEFTOVERS, started_before=NOW + timedelta(days=1))

    (came,) = reread(write(sweeping(scans=(Scan(PHOTOS, "k", LEFTOVERS), Scan(PHOTOS, "k", future)))))

    assert [scan.policy for scan in came.scans] == [LEFTOVERS, replace(LEFTOVERS, started_before=NOW)]


@pytest.mark.parametrize(
    "policy",
    [
        replace(LEFTOVERS, started_before=None),
        replace(LEFTOVERS, only_key=None),
        replace(LEFTOVERS, min_idle=timedelta(minutes=59)),
    ],
    ids=["any_start", "any_key", "hardly_idle"],
)
def test_what_is_not_quite_leftovers_is_held_to_the_ages_of_a_sweep(policy: Policy) -> None:
    with pytest.raises(Refusal) as caught:
        reread(write(sweeping(scans=(Scan(PHOTOS, "k", policy),))))

    assert "ages are below" in str(caught.value)


def test_a_named_upload_waits_for_the_idle_time_of_the_day() -> None:
    named = (Named(Upload(PHOTOS, "k", ID), replace(RULES, min_idle=timedelta(minutes=4))),)

    with pytest.raises(Refusal) as caught:
        reread(write(sweeping(scans=(), named=named)), replace(SETTINGS, event_min_idle=timedelta(minutes=5)))

    assert "EVENT_MIN_IDLE_MINUTES" in str(caught.value)
