"""
The moment by which a chain judges ages only ever becomes earlier.
"""

from datetime import timedelta

import pytest

from cos_sweeper.core.clock import CLOCK_TOLERANCE, AsOf
from tests.fixtures import HOUR, NO_SKEW, NOW

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("is_new", [True, False])
def test_as_of_is_lowered_by_an_earlier_date_and_never_raised(is_new: bool) -> None:  # noqa: FBT001 - pytest passes it by name
    as_of = AsOf(NOW, is_new=is_new)

    as_of.lower(NOW + SECOND, SECOND)
    assert as_of.value == NOW
    as_of.lower(NOW - SECOND, -SECOND)
    assert as_of.value == NOW - SECOND
    as_of.lower(NOW, NO_SKEW)
    assert as_of.value == NOW - SECOND


@pytest.mark.parametrize(("is_new", "expected"), [(True, NOW - HOUR), (False, NOW)], ids=["new_chain", "later_run"])
def test_as_of_takes_a_date_that_is_far_off_only_as_the_first_of_a_chain(is_new: bool, expected: object) -> None:  # noqa: FBT001 - pytest passes it by name
    as_of = AsOf(NOW, is_new=is_new)

    as_of.lower(NOW - HOUR, -HOUR)
    as_of.lower(NOW - 2 * HOUR, -2 * HOUR)

    assert as_of.value == expected


def test_as_of_takes_a_date_exactly_at_the_tolerance() -> None:
    as_of = AsOf(NOW, is_new=False)

    as_of.lower(NOW - CLOCK_TOLERANCE, -CLOCK_TOLERANCE)

    assert as_of.value == NOW - timedelta(minutes=5)


def test_as_of_ignores_a_response_without_a_date() -> None:
    as_of = AsOf(NOW, is_new=True)

    as_of.lower(None, None)
    as_of.lower(None, -HOUR)
    as_of.lower(NOW - 2 * HOUR, None)
    as_of.lower(NOW - HOUR, -HOUR)

    assert as_of.value == NOW - HOUR
