"""
What decides about an upload now, and from when on it would be aborted.
"""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cos_sweeper.cli import evidence
from cos_sweeper.cli.evidence import Evidence
from cos_sweeper.core.model import Abort, Keep, ListedUpload, Page, Part, PartsPage, Upload
from cos_sweeper.core.outcomes import Kept
from cos_sweeper.core.policy import (
    AGE_UNKNOWN,
    CLOCK_SKEWED,
    COMMITTERS,
    EXCLUDED,
    NOT_LISTED,
    PART_RECENT,
    STARTED_RECENTLY,
    Policy,
)
from tests.fixtures import HOUR, NO_SKEW, NOW, PHOTOS, POLICY

spans = st.integers(0, 400).map(lambda hours: timedelta(hours=hours))
TICK = timedelta(microseconds=1)


def seen(
    started: datetime | None,
    *parts: datetime,
    key: str = "a",
    skew: timedelta = NO_SKEW,
    is_listed: bool = True,
) -> Evidence:
    upload = Upload(PHOTOS, key, "id")
    return Evidence(
        ListedUpload(upload, started),
        Page((), None, skew, "", NOW) if is_listed else None,
        (PartsPage(tuple(Part(time, 5, number) for number, time in enumerate(parts, 1)), None, skew, NOW),),
        Kept(upload, ""),
        NOW,
    )


def reason(found: Abort | Keep) -> str:
    return found.reason if isinstance(found, Keep) else ""


@given(age=spans, idle=st.none() | spans, min_age=spans, min_idle=spans.filter(bool))
def test_change_is_the_first_moment_at_which_the_policy_aborts(
    age: timedelta, idle: timedelta | None, min_age: timedelta, min_idle: timedelta
) -> None:
    policy = Policy(min_age, min_idle)
    found = seen(NOW - age, *([] if idle is None else [NOW - min(age, idle)]))

    changes = evidence.changes_at(found, policy)

    assert changes is not None
    assert isinstance(evidence.by_sweep(found, policy, changes), Abort)
    if changes > NOW:
        assert isinstance(evidence.by_sweep(found, policy, changes - TICK), Keep)
    else:
        assert isinstance(evidence.by_sweep(found, policy, NOW), Abort)


@pytest.mark.parametrize(
    ("found", "policy", "why", "changes"),
    [
        (seen(NOW - 10 * HOUR), POLICY, STARTED_RECENTLY, 62 * HOUR),
        (seen(NOW - 100 * HOUR, NOW - 20 * HOUR), POLICY, PART_RECENT, 4 * HOUR),
        (seen(NOW - 70 * HOUR, NOW - HOUR), POLICY, STARTED_RECENTLY, 23 * HOUR),
        (seen(NOW - 100 * HOUR, key="x/_temporary/y"), POLICY, COMMITTERS, None),
        (seen(NOW - 100 * HOUR), Policy(HOUR, HOUR, exclude_prefixes=("a",)), EXCLUDED, None),
        (seen(NOW - 100 * HOUR, skew=HOUR), POLICY, CLOCK_SKEWED, None),
        (seen(None), POLICY, AGE_UNKNOWN, None),
        (seen(NOW - 100 * HOUR, is_listed=False), POLICY, NOT_LISTED, None),
    ],
    ids=["young", "active", "young_and_active", "committer", "excluded", "clock", "no_start", "not_listed"],
)
def test_sweep_is_explained_with_its_reason_and_the_change(
    found: Evidence, policy: Policy, why: str, changes: timedelta | None
) -> None:
    assert reason(evidence.by_sweep(found, policy, NOW)) == why
    assert evidence.changes_at(found, policy) == (None if changes is None else NOW + changes + TICK)


@pytest.mark.parametrize(
    ("found", "min_idle", "why", "changes"),
    [
        (seen(NOW - HOUR, NOW), timedelta(0), "", timedelta(0)),
        (seen(NOW - 5 * HOUR, NOW - HOUR), 2 * HOUR, PART_RECENT, HOUR + TICK),
        (seen(NOW - 5 * HOUR, NOW - 3 * HOUR, is_listed=False), 2 * HOUR, "", timedelta(0)),
        (seen(NOW - HOUR), 2 * HOUR, PART_RECENT, HOUR + TICK),
        (seen(NOW - 5 * HOUR, is_listed=False), 2 * HOUR, NOT_LISTED, None),
        (seen(NOW - 5 * HOUR, NOW - 3 * HOUR, skew=HOUR), 2 * HOUR, CLOCK_SKEWED, None),
    ],
    ids=["no_floor", "active", "unlisted_with_part", "no_part", "unlisted_without_part", "clock"],
)
def test_named_upload_is_explained_by_the_rules_of_an_event(
    found: Evidence, min_idle: timedelta, why: str, changes: timedelta | None
) -> None:
    policy = Policy(timedelta(0), min_idle)

    assert reason(evidence.by_name(found, policy, NOW)) == why
    assert evidence.changes_at(found, policy, is_named=True) == (None if changes is None else NOW + changes)
