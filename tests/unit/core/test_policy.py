"""
Which uploads are abandoned, case by case.
"""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cos_sweeper.core import policy
from cos_sweeper.core.model import (
    Abort,
    Keep,
    ListedUpload,
    NeedsParts,
    Part,
    Upload,
)
from cos_sweeper.core.policy import Activity, Policy, add_parts, evaluate, prefilter, time_in
from tests.fixtures import HOUR, NO_SKEW, NOW, PHOTOS, POLICY, TIMED_ID


def listed(started: datetime | None, key: str = "k", upload_id: str = "any") -> ListedUpload:
    return ListedUpload(Upload(PHOTOS, key, upload_id), started)


def timed_id(started: datetime) -> str:
    return f"{int(started.timestamp()):010d}" + "a" * 64


@pytest.mark.parametrize(
    ("age", "verdict"),
    [
        (72 * HOUR + timedelta(seconds=1), NeedsParts(NOW - 72 * HOUR - timedelta(seconds=1))),
        (72 * HOUR, Keep(policy.STARTED_RECENTLY)),
        (HOUR, Keep(policy.STARTED_RECENTLY)),
        (-HOUR, Keep(policy.STARTED_RECENTLY)),
    ],
    ids=["older", "exactly_at_the_limit", "younger", "in_the_future"],
)
def test_age_counts_from_the_start_and_exactly_at_the_limit_is_kept(age: timedelta, verdict: object) -> None:
    assert prefilter(listed(NOW - age), NO_SKEW, POLICY, NOW) == verdict


@pytest.mark.parametrize(
    ("in_listing", "in_id", "verdict"),
    [
        (NOW - 100 * HOUR, NOW - 100 * HOUR, NeedsParts(NOW - 100 * HOUR)),
        (NOW - 100 * HOUR, NOW - 99 * HOUR, NeedsParts(NOW - 99 * HOUR, NOW - 100 * HOUR)),
        (NOW - 100 * HOUR, NOW - 98 * HOUR, Keep(policy.AGE_DISPUTED)),
        (NOW - 98 * HOUR, NOW - 100 * HOUR, Keep(policy.AGE_DISPUTED)),
        (None, NOW - 100 * HOUR, Keep(policy.AGE_UNKNOWN)),
        (NOW - 100 * HOUR, None, NeedsParts(NOW - 100 * HOUR)),
        (None, None, Keep(policy.AGE_UNKNOWN)),
        (NOW - 72.5 * HOUR, NOW - 71.5 * HOUR, Keep(policy.STARTED_RECENTLY)),
    ],
    ids=["agree", "an_hour_apart", "id_later", "id_earlier", "only_id", "only_listing", "neither", "later_one_counts"],
)
def test_start_in_the_listing_and_in_the_upload_id_must_agree(
    in_listing: datetime | None, in_id: datetime | None, verdict: object
) -> None:
    upload_id = timed_id(in_id) if in_id else "of-another-shape"

    assert prefilter(listed(in_listing, upload_id=upload_id), NO_SKEW, POLICY, NOW) == verdict


@pytest.mark.parametrize(
    ("key", "verdict"),
    [("raw/a", None), ("raw/keep/a", policy.EXCLUDED), ("logs/a", policy.OUTSIDE), ("raw", policy.OUTSIDE)],
)
def test_excluded_prefixes_win_over_prefixes(key: str, verdict: str | None) -> None:
    rules = replace(POLICY, prefixes=("raw/",), exclude_prefixes=("raw/keep",))

    screened = prefilter(listed(NOW - 100 * HOUR, key), NO_SKEW, rules, NOW)

    assert screened == (Keep(verdict) if verdict else NeedsParts(NOW - 100 * HOUR))


COMPOSED, DECOMPOSED = "caf\u00e9/", "cafe\u0301/"


@pytest.mark.parametrize(
    ("prefix", "key", "excluded"),
    [
        (COMPOSED, COMPOSED + "a", True),
        (COMPOSED, DECOMPOSED + "a", True),
        (DECOMPOSED, COMPOSED + "a", True),
        (DECOMPOSED, DECOMPOSED + "a", True),
        ("\u1e69/", "s\u0307\u0323/a", True),
        ("s\u0307\u0323/", "\u1e63\u0307/a", True),
        ("\uac00/", "\u1100\u1161/a", True),
        ("\u212b/", "A\u030a/a", True),
        ("\u212a/", "K/a", True),
        (COMPOSED, "cafe/a", False),
        ("caf\u00e8/", COMPOSED + "a", False),
        (COMPOSED, COMPOSED + "\udcff\ud800", True),
        (COMPOSED, DECOMPOSED + "\udcff\ud800", True),
        ("\udcff", "\udcffe\u0301", True),
        ("\udcff", "\udcfee\u0301", False),
    ],
)
def test_excluded_prefix_is_compared_in_every_form_of_its_letters(prefix: str, key: str, excluded: bool) -> None:  # noqa: FBT001
    rules = replace(POLICY, exclude_prefixes=("other/", prefix))

    assert policy.keep_by_key(key, rules) == (Keep(policy.EXCLUDED) if excluded else None)


COMMITTERS = [
    "__magic/job-1/tasks/a.parquet",
    "t/__magic/a",
    "t/__magic_job-0b9b/tasks/attempt_1/__base/a",
    "t/_temporary/0/_temporary/attempt_1/part-0",
    "_temporary/a",
    "t/_temporary-8c1d/a",
    "t/_temporary_$folder$",
    "t/.spark-staging-0b9b/d=1/part-0",
    "t/.spark-staging/d=1",
    "t/.hive-staging_hive_2026-11-22_1-1/-ext-10000/000000_0",
    "t/.hive-staging/a",
    "t/-ext-10000/000000_0",
    "t/_task_tmp.-ext-10002/_tmp.000000_0",
    "t/_tmp.000000_0",
    "t/.staging_1790000000000/task-0/a",
    "t/_impala_insert_staging/4e/a.parq",
    "t/.distcp.tmp.attempt_1_m_000000_0",
    "猫/_temporary/\udcff",
]


@pytest.mark.parametrize(
    ("prefix", "excluded", "may_hold"),
    [
        ("", "a", True),
        ("a/b/", "a/", True),
        ("a/", "b/", False),
        ("cafe\u0301/", "caf\xe9/", True),
        ("caf\xe9/", "cafe\u0301/x", True),
        ("cafe", "caf\xe9/", True),
        ("a\u0301", "a\u0323\u0301x", True),
        ("cafe/", "caf\xe9/", False),
    ],
)
def test_prefix_that_may_hold_an_excluded_key_is_known_in_every_form(
    prefix: str,
    excluded: str,
    may_hold: bool,  # noqa: FBT001
) -> None:
    assert policy.may_hold_excluded(prefix, excluded) is may_hold


@pytest.mark.parametrize("key", COMMITTERS)
def test_key_under_a_committers_path_is_kept_until_committers_are_included(key: str) -> None:
    assert policy.keep_by_key(key, POLICY) == Keep(policy.COMMITTERS)
    assert policy.keep_by_key(key, replace(POLICY, only_key=key)) == Keep(policy.COMMITTERS)
    assert policy.keep_by_key(key, replace(POLICY, include_committers=True)) is None


@pytest.mark.parametrize(
    "key",
    [
        *("a", "x__magic/a", "__magician/a", "__magic.txt", "_temporaryfiles/a", "my_temporary/a", "t/tmp.a"),
        *("x_tmp.a/b", "hive-staging/a", ".staging/a", "t/-ext-1/a", "-ext-100001/a", "distcp.tmp.a", "t/part-0.orc"),
    ],
)
def test_ordinary_key_is_under_no_committers_path(key: str) -> None:
    assert policy.keep_by_key(key, POLICY) is None


def test_exclusion_and_scope_are_named_before_a_committer() -> None:
    key = "raw/_temporary/a"

    assert policy.keep_by_key(key, replace(POLICY, exclude_prefixes=("raw/",))) == Keep(policy.EXCLUDED)
    assert policy.keep_by_key(key, replace(POLICY, prefixes=("logs/",))) == Keep(policy.OUTSIDE)
    assert policy.keep_by_key(key, replace(POLICY, only_key="raw/a")) == Keep(policy.OTHER_KEY)


@pytest.mark.parametrize(
    ("skew", "kept"),
    [
        (timedelta(minutes=5), None),
        (timedelta(minutes=6), policy.CLOCK_SKEWED),
        (timedelta(minutes=-6), policy.CLOCK_SKEWED),
        (None, policy.CLOCK_UNKNOWN),
    ],
    ids=["small", "ahead", "behind", "missing"],
)
def test_doubtful_clock_keeps_everything(skew: timedelta | None, kept: str | None) -> None:
    screened = prefilter(listed(NOW - 1000 * HOUR), skew, POLICY, NOW)

    assert screened == (Keep(kept) if kept else NeedsParts(NOW - 1000 * HOUR))


@pytest.mark.parametrize(
    ("in_id", "expected"),
    [
        (NOW - 100 * HOUR, NeedsParts(NOW - 100 * HOUR, NOW - 108 * HOUR)),
        (NOW - 108 * HOUR, NeedsParts(NOW - 100 * HOUR, NOW - 108 * HOUR)),
        (NOW - 104 * HOUR, Keep(policy.AGE_DISPUTED)),
        (None, NeedsParts(NOW - 100 * HOUR, NOW - 108 * HOUR)),
    ],
    ids=["id_agrees_with_utc", "id_agrees_with_china", "id_agrees_with_neither", "no_id"],
)
def test_time_without_zone_is_read_as_the_later_one(in_id: datetime | None, expected: object) -> None:
    upload = Upload(PHOTOS, "k", timed_id(in_id) if in_id else "any")

    screened = prefilter(ListedUpload(upload, NOW - 100 * HOUR, "", NOW - 108 * HOUR), NO_SKEW, POLICY, NOW)

    assert screened == expected


SIBLING = Policy(min_age=timedelta(0), min_idle=HOUR, only_key="k", started_before=NOW, min_idle_unproven=72 * HOUR)


@pytest.mark.parametrize(
    ("hours_ago", "earliest", "kept"),
    [
        ([10, 9, 8], 10, None),
        ([10, 9, 3], 10, policy.PAUSES_TOO_LONG),
        ([10, 9, 8], 13, policy.PAUSES_TOO_LONG),
        ([8, 10, 9], 10, None),
        ([6, 5, 4], 6, policy.PAUSES_TOO_LONG),
        ([6.5, 5.5, 4.5], 6.5, None),
        ([10, 9.9, 0.9], 10, policy.PART_RECENT),
        ([80, 71], 80, policy.TOO_FEW_PARTS),
        ([80, 73], 80, None),
        ([], 71, policy.TOO_FEW_PARTS),
        ([], 73, None),
    ],
)
def test_stale_sibling_must_be_idle_for_four_times_its_longest_pause(
    hours_ago: list[float], earliest: float, kept: str | None
) -> None:
    parts = [Part(NOW - hours * HOUR, 1) for hours in hours_ago]
    start = NeedsParts(NOW - max([*hours_ago, earliest if not hours_ago else 0]) * HOUR, NOW - earliest * HOUR)

    seen = add_parts(Activity(), parts, SIBLING, NOW)
    verdict = seen if isinstance(seen, Keep) else evaluate(start, seen, SIBLING, NOW)

    assert verdict == (Keep(kept) if kept else Abort(len(parts)))


def test_stale_siblings_have_exactly_the_completed_key_and_are_older() -> None:
    rules = replace(POLICY, min_age=timedelta(0), only_key="a", started_before=NOW - 5 * HOUR)

    verdicts = [
        prefilter(listed(NOW - 6 * HOUR, "a"), NO_SKEW, rules, NOW),
        prefilter(listed(NOW - 5 * HOUR, "a"), NO_SKEW, rules, NOW),
        prefilter(listed(NOW - 6 * HOUR, "ab"), NO_SKEW, rules, NOW),
    ]

    assert verdicts == [NeedsParts(NOW - 6 * HOUR), Keep(policy.STARTED_LATER), Keep(policy.OTHER_KEY)]


@pytest.mark.parametrize(
    ("idle", "verdict"),
    [
        (24 * HOUR + timedelta(seconds=1), Abort(7)),
        (24 * HOUR, Keep(policy.PART_RECENT)),
        (-HOUR, Keep(policy.PART_RECENT)),
    ],
    ids=["longer", "exactly_at_the_limit", "in_the_future"],
)
def test_part_within_the_idle_time_keeps_the_upload(idle: timedelta, verdict: object) -> None:
    parts = [Part(NOW - 90 * HOUR, 3), Part(NOW - idle, 4)]

    seen = add_parts(Activity(), parts, POLICY, NOW)

    assert (seen if isinstance(seen, Keep) else evaluate(NeedsParts(NOW - 100 * HOUR), seen, POLICY, NOW)) == verdict


def test_start_counts_as_last_activity_of_an_upload_without_parts() -> None:
    assert evaluate(NeedsParts(NOW - 25 * HOUR), Activity(), POLICY, NOW) == Abort(0)
    assert evaluate(NeedsParts(NOW - 24 * HOUR), Activity(), POLICY, NOW) == Keep(policy.PART_RECENT)
    assert evaluate(None, Activity(), POLICY, NOW) == Keep(policy.IDLE_UNKNOWN)


def test_part_whose_time_cannot_be_read_keeps_the_upload_unless_no_idle_time_is_set() -> None:
    parts = [Part(NOW - 90 * HOUR, 3), Part(None, 4)]
    at_once = replace(POLICY, min_idle=timedelta(0))

    assert add_parts(Activity(), parts, POLICY, NOW) == Keep(policy.PART_UNREADABLE)
    assert add_parts(Activity(), parts, at_once, NOW) == Activity(NOW - 90 * HOUR, 7, parts=len(parts))
    assert evaluate(None, Activity(NOW, 7), at_once, NOW) == Abort(7)


moments = st.integers(-100, 400).map(lambda hours: NOW - hours * HOUR)


@given(pages=st.lists(st.lists(st.builds(Part, moments, st.integers(0, 9)), max_size=4), max_size=4), started=moments)
def test_parts_in_any_order_and_on_any_page_come_to_the_same_verdict(
    pages: list[list[Part]], started: datetime
) -> None:
    def verdict(pages: list[list[Part]]) -> Keep | Abort:
        activity = Activity()
        for page in pages:
            seen = add_parts(activity, page, POLICY, NOW)
            if isinstance(seen, Keep):
                return seen
            activity = seen
        return evaluate(NeedsParts(started), activity, POLICY, NOW)

    whole = [part for page in pages for part in page]
    seen = [started, *(part.last_modified or NOW for part in whole)]
    expected: Keep | Abort = Abort(sum(part.size for part in whole))
    if NOW - max(seen) <= POLICY.min_idle:
        expected = Keep(policy.PART_RECENT)

    assert verdict(pages) == verdict([whole[::-1]]) == expected


AT_ONCE = replace(POLICY, min_idle=timedelta(0))


def test_upload_id_that_only_begins_like_a_timed_one_has_no_time() -> None:
    assert time_in(TIMED_ID) is not None
    assert time_in(TIMED_ID + "a") is None


def test_fresh_part_ends_the_reading_of_parts() -> None:
    assert isinstance(add_parts(Activity(), [Part(NOW - HOUR, 3)], POLICY, NOW), Keep)


def test_newest_part_counts_wherever_it_stands() -> None:
    old, newer = Part(NOW - 90 * HOUR, 3), Part(NOW - 80 * HOUR, 4)

    for parts in ([old, newer], [newer, old]):
        assert add_parts(Activity(), parts, POLICY, NOW) == Activity(NOW - 80 * HOUR, 7, parts=len(parts))


def test_missing_or_future_part_is_no_doubt_without_an_idle_time() -> None:
    assert evaluate(None, Activity(), AT_ONCE, NOW) == Abort(0)
    assert add_parts(Activity(), [Part(NOW + HOUR, 4)], AT_ONCE, NOW) == Activity(NOW + HOUR, 4, parts=1)


def test_reading_that_is_excluded_keeps_and_one_inside_the_prefixes_is_enough() -> None:
    rules = replace(POLICY, prefixes=("raw/",), exclude_prefixes=("raw/keep",))
    expected = {
        ("raw/a", "raw/b"): None,
        ("logs/a", "raw/a"): None,
        ("raw/a", "raw/keep"): Keep(policy.EXCLUDED),
        ("logs/a", "raw/keep"): Keep(policy.EXCLUDED),
        ("logs/a", "b"): Keep(policy.OUTSIDE),
    }

    assert {keys: policy.keep_by_readings(keys, rules) for keys in expected} == expected


def test_reading_that_is_another_key_keeps_only_when_every_reading_is() -> None:
    rules = replace(POLICY, only_key="a b")

    assert policy.keep_by_readings(("a+b", "a b"), rules) is None
    assert policy.keep_by_readings(("a+b", "a"), rules) == Keep(policy.OTHER_KEY)


@pytest.mark.parametrize(("text", "kept"), [("raw%2Fkeep", policy.EXCLUDED), ("raw%2Fa", None)])
def test_listed_upload_is_kept_when_a_reading_of_its_key_is_excluded(text: str, kept: str | None) -> None:
    rules = replace(POLICY, exclude_prefixes=("raw/keep",))

    verdict = prefilter(replace(listed(NOW - 100 * HOUR, text), text=text), NO_SKEW, rules, NOW)

    assert verdict == (Keep(kept) if kept else NeedsParts(NOW - 100 * HOUR))


def test_activity_of_two_pages_is_that_of_both() -> None:
    early, late = Activity(NOW - HOUR, 2, (NOW - HOUR,)), Activity(NOW, 3, (NOW,))

    assert early.plus(late) == Activity(NOW, 5, (NOW - HOUR, NOW))
    assert late.plus(early).newest == NOW
    assert Activity().plus(late) == late.plus(Activity()) == late


def test_doubts_are_the_reasons_that_say_that_something_is_unknown() -> None:
    assert set(policy.DOUBTS) == {
        policy.AGE_UNKNOWN,
        policy.AGE_DISPUTED,
        policy.CLOCK_SKEWED,
        policy.CLOCK_UNKNOWN,
        policy.PART_UNREADABLE,
        policy.IDLE_UNKNOWN,
    }


def test_stale_sibling_with_an_unknown_start_is_kept() -> None:
    activity = Activity(NOW - 100 * HOUR, 3, (NOW - 100 * HOUR,) * 3)

    assert evaluate(None, activity, SIBLING, NOW) == Keep(policy.IDLE_UNKNOWN)
    assert evaluate(None, activity, POLICY, NOW) == Abort(3)


def test_upload_of_a_sweep_is_not_held_to_the_pauses_of_its_parts() -> None:
    activity = Activity(NOW - 25 * HOUR, 3, (NOW - 99 * HOUR, NOW - 25 * HOUR))

    assert evaluate(NeedsParts(NOW - 100 * HOUR), activity, POLICY, NOW) == Abort(3)


def test_part_without_a_time_ends_no_reading_where_no_idle_time_is_set() -> None:
    parts = [Part(None, 4), Part(NOW - 90 * HOUR, 3)]

    assert add_parts(Activity(), parts, AT_ONCE, NOW) == Activity(NOW - 90 * HOUR, 7, parts=len(parts))


def test_listed_upload_is_kept_when_its_likeliest_key_is_outside_the_prefixes() -> None:
    rules = replace(POLICY, prefixes=("raw/",))

    verdict = prefilter(replace(listed(NOW - 100 * HOUR, "raw%2Fa"), text="raw%2Fa"), NO_SKEW, rules, NOW)

    assert verdict == Keep(policy.OUTSIDE)


def test_stale_sibling_whose_start_has_one_reading_is_held_to_its_pauses() -> None:
    activity = Activity(NOW - 8 * HOUR, 3, (NOW - 10 * HOUR, NOW - 9 * HOUR, NOW - 8 * HOUR))

    assert evaluate(NeedsParts(NOW - 10 * HOUR), activity, SIBLING, NOW) == Abort(3)
    assert evaluate(NeedsParts(NOW - 13 * HOUR), activity, SIBLING, NOW) == Keep(policy.PAUSES_TOO_LONG)


@pytest.mark.parametrize(
    "initiated", [None, NOW, NOW - 100 * HOUR, NOW + HOUR], ids=["unknown", "now", "old", "future"]
)
@pytest.mark.parametrize("skew", [None, NO_SKEW, 9 * HOUR], ids=["no_date", "equal", "skewed"])
def test_policy_that_drains_keeps_by_the_key_alone(initiated: datetime | None, skew: timedelta | None) -> None:
    drain = Policy(timedelta(0), timedelta(0), ("raw/",), ("raw/keep",), is_drain=True)

    verdicts = {
        key: prefilter(ListedUpload(Upload(PHOTOS, key, "1585130821" + "a" * 64), initiated), skew, drain, NOW)
        for key in ("raw/a", "raw/keep/a", "logs/a", "raw/_temporary/a")
    }

    assert isinstance(verdicts.pop("raw/a"), NeedsParts)
    assert all(isinstance(verdict, Keep) for verdict in verdicts.values())
