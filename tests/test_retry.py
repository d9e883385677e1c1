"""
Trying again: how often, after which pauses, and when not.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cos_sweeper.core.retry import ATTEMPTS, FIRST_PAUSE_SECONDS, retry_while

LONGEST = 1.0


class Trouble(Exception):
    """Carries the number of the attempt that it ended."""


@dataclass
class Service:
    """Fails so many times, and then answers. Sleeping uses up what time is left."""

    failures: int
    left: float = 100.0
    attempts: int = 0
    pauses: list[float] = field(default_factory=list)

    def ask(self) -> int:
        self.attempts += 1
        if self.attempts <= self.failures:
            raise Trouble(self.attempts)
        return self.attempts

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.left -= seconds

    def retry_while(self, is_retryable: Callable[[Exception], bool] = lambda _: True, longest: float = LONGEST) -> int:
        return retry_while(self.ask, is_retryable, lambda: self.left, self.sleep, longest)


@pytest.mark.parametrize("failures", range(ATTEMPTS))
def test_the_first_good_attempt_is_the_answer(failures: int) -> None:
    service = Service(failures)

    assert service.retry_while() == failures + 1
    assert (service.attempts, len(service.pauses)) == (failures + 1, failures)


def test_attempts_have_an_end_and_the_last_one_says_why() -> None:
    service = Service(ATTEMPTS + 5)

    with pytest.raises(Trouble) as caught:
        service.retry_while()

    assert caught.value.args == (ATTEMPTS,)
    assert (service.attempts, len(service.pauses)) == (ATTEMPTS, ATTEMPTS - 1)


@pytest.mark.parametrize("number", range(1, ATTEMPTS + 1))
def test_what_does_not_pass_is_raised_at_once(number: int) -> None:
    service = Service(ATTEMPTS + 5)

    with pytest.raises(Trouble) as caught:
        service.retry_while(lambda exc: exc.args != (number,))

    assert caught.value.args == (number,)
    assert (service.attempts, len(service.pauses)) == (number, number - 1)


def test_what_is_no_exception_of_the_attempt_passes_through() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        retry_while(interrupted, lambda _: True, lambda: 100.0, lambda _: None, LONGEST)


@pytest.mark.parametrize("left", [0.0, -1.0])
def test_without_time_left_nothing_is_tried_again(left: float) -> None:
    service = Service(1, left)

    with pytest.raises(Trouble):
        service.retry_while()

    assert (service.attempts, service.pauses) == (1, [])


def test_a_pause_must_leave_time_for_the_attempt() -> None:
    service = Service(1, left=0.0)

    with pytest.raises(Trouble):
        service.retry_while(longest=0.0)

    assert service.attempts == 1


@given(st.floats(0, 3))
def test_no_pause_is_longer_than_the_time_that_is_left(left: float) -> None:
    service = Service(ATTEMPTS, left)

    with pytest.raises(Trouble):
        service.retry_while()

    assert sum(service.pauses) <= left


@given(st.floats(0.01, 10))
def test_pauses_stay_under_a_bound_that_doubles_and_has_an_end(longest: float) -> None:
    service = Service(ATTEMPTS)

    with pytest.raises(Trouble):
        service.retry_while(longest=longest)

    bounds = [min(longest, FIRST_PAUSE_SECONDS * 2**number) for number in range(ATTEMPTS - 1)]
    assert all(0 <= pause <= bound for pause, bound in zip(service.pauses, bounds, strict=True))


def test_pauses_vary_and_use_the_room_they_have() -> None:
    services = [Service(ATTEMPTS) for _ in range(300)]
    for service in services:
        with pytest.raises(Trouble):
            service.retry_while(longest=100.0)

    for number, pauses in enumerate(zip(*(service.pauses for service in services), strict=True)):
        bound = FIRST_PAUSE_SECONDS * 2**number
        assert len(set(pauses)) == len(pauses)
        assert min(pauses) < bound / 4
        assert max(pauses) > bound * 3 / 4
