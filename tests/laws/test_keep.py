"""
Keep: what the policy keeps is never aborted, and any doubt keeps.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.emulator.public import Cloud
from tests.fixtures import TOKEN
from tests.function import Function, timer
from tests.laws.buckets import BUCKET, left, uploads_listing
from tests.profiles import examples

ages = st.sampled_from([0.5, 2, 30, 71, 73, 90, 1000])
idles = st.sampled_from([0.1, 0.9, 2, 23, 25, 47, 49, 500])
keys = st.sampled_from(["raw/a", "raw/b", "logs/a", "logs/keep/a", "keep", "猫/x y+z"])


@dataclass(frozen=True)
class Case:
    """An upload as a client left it. idle: hours since the newest part, None without parts."""

    key: str
    age: float
    idle: float | None

    def is_abandoned(self, min_age: float, min_idle: float, prefixes: list[str], excluded: list[str]) -> bool:
        """The policy, written a second time."""
        if any(self.key.startswith(one) for one in excluded) or not any(self.key.startswith(one) for one in prefixes):
            return False
        idle = self.age if self.idle is None else min(self.idle, self.age)
        return self.age > min_age and idle > min_idle


cases = st.lists(st.builds(Case, keys, ages, st.one_of(st.none(), idles)), max_size=8)


def plant(cloud: Cloud, found: list[Case]) -> dict[str, Case]:
    """The cases, as uploads, by their ids."""
    cloud.reset()
    planted: dict[str, Case] = {}
    for case in found:
        last = None if case.idle is None else min(case.idle, case.age)
        parts = 0 if case.idle is None else 3
        (upload,) = cloud.seed(BUCKET, case.key, hours_since_start=case.age, hours_since_last_part=last, parts=parts)
        planted[upload.upload_id] = case
    return planted


@settings(max_examples=examples(60))
@given(
    found=cases,
    min_age=st.sampled_from([1, 24, 72]),
    min_idle=st.sampled_from([1, 24, 48]),
    prefixes=st.sampled_from([[""], ["raw/"], ["raw/", "logs/"]]),
    excluded=st.sampled_from([[], ["keep"], ["logs/keep", "raw/b"]]),
)
def test_keep_holds_for_every_upload_that_the_policy_keeps(
    found: list[Case],
    min_age: int,
    min_idle: int,
    prefixes: list[str],
    excluded: list[str],
    cloud: Cloud,
    function: Function,
) -> None:
    planted = plant(cloud, found)
    expected = {
        upload_id for upload_id, case in planted.items() if not case.is_abandoned(min_age, min_idle, prefixes, excluded)
    }

    result = function(
        timer(),
        MIN_AGE_HOURS=str(min_age),
        MIN_IDLE_HOURS=str(min_idle),
        PREFIXES=",".join(prefixes),
        EXCLUDE_PREFIXES=",".join(excluded),
    )

    assert result.error is None
    assert left(cloud) == expected


@pytest.mark.parametrize(
    "numbers",
    [[*range(1, 1501)], [*range(2, 1501), 1], [*range(1, 1000), 1001, 1000]],
    ids=["newest_on_the_second_page", "newest_has_the_lowest_number", "newest_ends_the_first_page"],
)
def test_keep_holds_for_a_live_upload_wherever_its_fresh_part_stands(
    numbers: list[int], cloud: Cloud, function: Function
) -> None:
    cloud.seed(BUCKET, "a/{n}", count=20, hours_since_start=1000)
    (live,) = cloud.seed(
        BUCKET, "a/10x", part_numbers=numbers, hours_since_start=1000, hours_since_last_part=0.5, part_size=5
    )
    cloud.seed(BUCKET, "a/10x", count=3, hours_since_start=1000)

    result = function(timer())

    assert result.report["aborted"] == 23
    assert left(cloud) == {live.upload_id}


@pytest.mark.parametrize("operation", ["ListMultipartUploads", "ListParts"])
@pytest.mark.parametrize("body", ["malformed", "truncated", "empty"])
def test_keep_holds_for_uploads_that_cannot_be_read(
    operation: str, body: str, cloud: Cloud, function: Function
) -> None:
    cloud.seed(BUCKET, "{n}", count=3)
    cloud.fault(operation, body=body)

    result = function(timer())

    assert result.error is not None
    assert len(left(cloud)) == 3


@pytest.mark.parametrize("year", [2020, 2099])
def test_keep_holds_for_every_upload_while_our_clock_is_skewed(year: int, cloud: Cloud, function: Function) -> None:
    """COS would turn such requests away; should it not, no age can be trusted all the same."""
    cloud.seed(BUCKET, "{n}", count=3)
    date = {"Date": f"Wed, 01 Jan {year} 00:00:00 GMT"}
    cloud.fault("ListMultipartUploads", raw=uploads_listing(cloud), headers=date)

    result = function(timer(buckets=[BUCKET]))

    assert result.report["kept_by_reason"] == {"the clocks of the function and of COS differ": 3}
    assert len(left(cloud)) == 3


@pytest.mark.parametrize(
    ("initiated", "reason"),
    [
        ("2016-01-01T00:00:00.000Z", "its start time and the time in its upload id differ"),
        ("2099-01-01T00:00:00.000Z", "its start time and the time in its upload id differ"),
        ("Mon Jan  1 00:00:00 2016", "its start time and the time in its upload id differ"),
    ],
    ids=["older", "in_the_future", "older_in_words"],
)
def test_keep_holds_for_an_upload_whose_age_is_disputed(
    initiated: str, reason: str, cloud: Cloud, function: Function
) -> None:
    cloud.seed(BUCKET, "{n}", count=2)
    cloud.fault("ListMultipartUploads", raw=uploads_listing(cloud, initiated=initiated), headers={})

    result = function(timer(buckets=[BUCKET]))

    assert result.report["kept_by_reason"] == {reason: 2}
    assert len(left(cloud)) == 2


def test_keep_holds_for_an_upload_whose_age_cannot_be_read(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "a", upload_id="not-a-timed-id")
    cloud.fault("ListMultipartUploads", raw=uploads_listing(cloud, initiated="yesterday"), headers={})

    result = function(timer(buckets=[BUCKET]))

    assert result.report["kept_by_reason"] == {"its start time cannot be read": 1}
    assert left(cloud) == {"not-a-timed-id"}


def planted(cloud: Cloud) -> Iterator[str]:
    yield from (cloud.role.secret_id, cloud.role.secret_key, cloud.role.token or "", TOKEN)
