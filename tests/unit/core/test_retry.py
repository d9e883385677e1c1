"""
Retrying: how often, after which pauses, and when not.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cos_sweeper.core.retry import ATTEMPTS, RetryPolicy, retry

POLICY = RetryPolicy(longest_pause_seconds=1.0)


class Failure(Exception):
    """Carries the number of the attempt that it ended."""


@dataclass
class Service:
    """Fails so many times, and then answers. Sleeping uses up what time is left."""

    failures: int
    left: float = 100.0
    attempts: int = 0
    pauses: list[float] = field(default_factory=list)

    async def attempt(self) -> int:
        self.attempts += 1
        if self.attempts <= self.failures:
            raise Failure(self.attempts)
        return self.attempts

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.left -= seconds

    def retry(self, is_retryable: Callable[[Exception], bool] = lambda _: True, policy: RetryPolicy = POLICY) -> int:
        return asyncio.run(retry(policy, self.attempt, is_retryable, lambda: self.left, self.sleep))


@pytest.mark.parametrize("failures", range(ATTEMPTS))
def test_first_good_attempt_is_the_result(failures: int) -> None:
    service = Service(failures)

    assert service.retry() == failures + 1
    assert (service.attempts, len(service.pauses)) == (failures + 1, failures)


def test_attempts_are_bounded_and_the_last_error_is_raised() -> None:
    service = Service(ATTEMPTS + 5)

    with pytest.raises(Failure) as caught:
        service.retry()

    assert caught.value.args == (ATTEMPTS,)
    assert (service.attempts, len(service.pauses)) == (ATTEMPTS, ATTEMPTS - 1)


@pytest.mark.parametrize("number", range(1, ATTEMPTS + 1))
def test_error_that_is_not_retryable_is_raised_at_once(number: int) -> None:
    service = Service(ATTEMPTS + 5)

    with pytest.raises(Failure) as caught:
        service.retry(lambda exc: exc.args != (number,))

    assert caught.value.args == (number,)
    assert (service.attempts, len(service.pauses)) == (number, number - 1)


def test_interrupt_is_not_retried() -> None:
    class Interrupted(BaseException):
        pass

    service = Service(0)

    async def interrupted() -> None:
        service.attempts += 1
        raise Interrupted

    with pytest.raises(Interrupted):
        asyncio.run(retry(POLICY, interrupted, lambda _: True, lambda: 100.0, service.sleep))

    assert service.attempts == 1


@pytest.mark.parametrize("left", [0.0, -1.0])
def test_retry_needs_time(left: float) -> None:
    service = Service(1, left)

    with pytest.raises(Failure):
        service.retry()

    assert (service.attempts, service.pauses) == (1, [])


def test_pause_must_leave_time_for_the_attempt() -> None:
    service = Service(1, left=0.0)

    with pytest.raises(Failure):
        service.retry(policy=RetryPolicy(longest_pause_seconds=0.0))

    assert service.attempts == 1


@given(st.floats(0, 3))
def test_pauses_fit_into_the_time_left(left: float) -> None:
    service = Service(ATTEMPTS, left)

    with pytest.raises(Failure):
        service.retry()

    assert sum(service.pauses) <= left


@given(st.floats(0.01, 10))
def test_pauses_stay_under_a_bound_that_doubles_up_to_a_maximum(longest: float) -> None:
    service = Service(ATTEMPTS)

    with pytest.raises(Failure):
        service.retry(policy=RetryPolicy(longest_pause_seconds=longest))

    bounds = [min(longest, POLICY.first_pause_seconds * 2**number) for number in range(ATTEMPTS - 1)]
    assert all(0 <= pause <= bound for pause, bound in zip(service.pauses, bounds, strict=True))


def test_pauses_vary_over_the_whole_range() -> None:
    services = [Service(ATTEMPTS) for _ in range(300)]
    for service in services:
        with pytest.raises(Failure):
            service.retry(policy=RetryPolicy(longest_pause_seconds=100.0))

    for number, pauses in enumerate(zip(*(service.pauses for service in services), strict=True)):
        bound = POLICY.first_pause_seconds * 2**number
        assert len(set(pauses)) == len(pauses)
        assert min(pauses) < bound / 4
        assert max(pauses) > bound * 3 / 4


def test_policy_sets_the_number_of_attempts() -> None:
    service = Service(ATTEMPTS)

    with pytest.raises(Failure):
        service.retry(policy=RetryPolicy(attempts=2))

    assert service.attempts == 2
