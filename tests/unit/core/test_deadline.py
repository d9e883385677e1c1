"""
A run's deadlines, by a clock that the test moves.
"""

import pytest

from cos_sweeper.core.deadline import REQUEST_SECONDS, run_deadline
from tests.fixtures import FakeClock


@pytest.mark.parametrize("limit", [1, 3, 60, 900])
def test_deadline_orders_the_end_of_work_the_end_and_the_limit(limit: int) -> None:
    until = run_deadline(FakeClock(), limit, started=0.0)

    assert 0 < until.work_ends < until.ends < until.closes < limit


def test_deadline_counts_from_the_start_of_the_run() -> None:
    clock = FakeClock(1000.0)
    until = run_deadline(clock, 100, started=990.0)

    assert until.closes == 990.0 + 99
    assert not until.passed
    clock.now = until.work_ends
    assert until.passed


def test_request_never_gets_more_time_than_is_left() -> None:
    clock = FakeClock()
    until = run_deadline(clock, 60, started=0.0)

    assert until.request_seconds() == REQUEST_SECONDS
    clock.now = until.ends - 2
    assert until.request_seconds() == 2
    clock.now = until.ends + 5
    assert until.request_seconds() == 0


def test_deadline_leaves_time_for_what_follows_the_sweep() -> None:
    clock = FakeClock()
    until = run_deadline(clock, 60, started=0.0)

    clock.now = until.ends + 1
    assert until.left() == until.closes - clock.now > 0
    clock.now = until.closes + 1
    assert until.left() == 0


def test_storing_an_object_leaves_half_of_the_time_for_what_follows() -> None:
    clock = FakeClock()
    until = run_deadline(clock, 60, started=0.0)

    clock.now = until.ends + 1
    assert until.storing().request_seconds() == until.left() / 2
    clock.now = until.closes + 1
    assert until.storing().request_seconds() == 0
