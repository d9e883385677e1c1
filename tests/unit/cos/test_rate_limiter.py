"""
The pace against a bucket that allows so many requests a second, in a time that only events move.
"""

import random
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import NamedTuple

import pytest

from cos_sweeper.cos.rate_limiter import BACK_OFF, RateLimiter


class Event(NamedTuple):
    """At `time`, worker `worker` is `waiting`, `sending`, `answered` or `rejected`."""

    time: float
    number: int
    subject: str
    worker: int
    sent: float = 0.0
    cuts: int | None = None


@dataclass
class Simulation:
    """
    Workers that send one request after the other to a bucket which lets `limit` a second through, `burst` at once.

    answer: seconds until an answer, up to a third more at random. paces: one for each instance of the function.
    """

    limit: float
    burst: float
    answer: float
    workers: int = 64
    instances: int = 1
    seed: int = 0
    accepted: int = 0
    rejected: int = 0
    now: float = 0.0
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.paces = [RateLimiter(self.random.uniform) for _ in range(self.instances)]
        self.tokens = self.burst
        for worker in range(self.workers * self.instances):
            self._at(0.0, "waiting", worker)

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while self.events[0].time < until:
            event = heappop(self.events)
            passed, self.now = event.time - self.now, event.time
            self.tokens = min(self.burst, self.tokens + passed * self.limit)
            getattr(self, f"_{event.subject}")(event, self.paces[event.worker % self.instances])

    def _at(self, time: float, subject: str, worker: int, **more: float | None) -> None:
        heappush(self.events, Event(time, self.random.getrandbits(60), subject, worker, **more))  # type: ignore[arg-type]

    def _waiting(self, event: Event, limiter: RateLimiter) -> None:
        wait = limiter.reserve(self.now)
        self._at(self.now + wait, "sending", event.worker, cuts=limiter.back_offs if wait else None)

    def _sending(self, event: Event, limiter: RateLimiter) -> None:
        if event.cuts not in (None, limiter.back_offs):
            self._at(self.now, "waiting", event.worker)
            return
        limiter.sent()
        subject = "answered" if self.tokens >= 1 else "turned_down"
        self.tokens -= subject == "answered"
        self._at(self.now + self.answer * self.random.uniform(1, 1.33), subject, event.worker, sent=self.now)

    def _answered(self, event: Event, limiter: RateLimiter) -> None:
        self.accepted += 1
        limiter.ended()
        self._at(self.now, "waiting", event.worker)

    def _turned_down(self, event: Event, limiter: RateLimiter) -> None:
        self.rejected += 1
        limiter.throttled(event.sent, self.now)
        limiter.ended()
        self._at(self.now + self.random.uniform(0, 0.4), "waiting", event.worker)


@pytest.mark.sampled(12)
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("burst", "answer", "workers", "instances"),
    [(50, 0.02, 64, 1), (500, 0.02, 64, 1), (5, 0.02, 64, 1), (50, 0.02, 32, 1), (50, 0.1, 128, 1), (50, 0.02, 32, 4)],
    ids=["usual", "large_burst", "no_burst", "few_workers", "slow_answers", "four_instances"],
)
def test_limiter_uses_nine_tenths_of_the_allowed_rate_with_hardly_any_rejection(
    burst: int, answer: float, workers: int, instances: int, seed: int
) -> None:
    bucket = Simulation(500, burst, answer, workers, instances, seed)

    bucket.run(40)

    assert bucket.accepted >= 0.9 * 500 * 40
    assert bucket.rejected <= 0.02 * (bucket.accepted + bucket.rejected)


def test_limiter_never_waits_for_a_bucket_that_throttles_nothing() -> None:
    bucket = Simulation(1e9, 1e9, 0.02)

    bucket.run(10)

    assert bucket.accepted > 0.9 * 64 * 10 / (0.02 * 1.165)
    assert bucket.paces[0].rate(bucket.now) is None


def test_limiter_speeds_up_when_a_bucket_allows_more() -> None:
    bucket = Simulation(200, 20, 0.02)
    bucket.run(20)
    bucket.limit = bucket.burst = 1e9
    bucket.run(20)
    before = bucket.accepted

    bucket.run(10)

    assert bucket.accepted - before > 0.9 * 64 * 10 / (0.02 * 1.165)


def test_limiter_slows_down_when_a_bucket_allows_less() -> None:
    bucket = Simulation(1000, 100, 0.02)
    bucket.run(20)
    bucket.limit, bucket.burst = 200, 20
    bucket.run(5)
    accepted, rejected = bucket.accepted, bucket.rejected

    bucket.run(30)

    assert bucket.accepted - accepted >= 0.9 * 200 * 30
    assert bucket.rejected - rejected <= 0.02 * 200 * 30


def test_rejections_of_requests_from_before_a_back_off_do_not_back_off_again() -> None:
    limiter = RateLimiter(lambda low, high: (low + high) / 2)
    for _ in range(10):
        limiter.sent()

    for _ in range(10):
        limiter.throttled(0.0, 0.1)
        limiter.ended()

    assert limiter.back_offs == 1
    # Ten in a tenth of a second, and a little less from now on.
    assert 80 < (limiter.rate(0.1) or 0) < 100


def test_instances_that_were_rejected_together_go_on_at_different_rates() -> None:
    rates = set()
    for seed in range(10):
        limiter = RateLimiter(random.Random(seed).uniform)
        limiter.sent()
        limiter.throttled(0.0, 0.02)
        rates.add(limiter.rate(0.1))

    assert len(rates) == 10


def test_bucket_that_throttles_everything_is_still_requested_twice_a_second() -> None:
    bucket = Simulation(0, 0, 0.02)
    bucket.run(60)
    rejected = bucket.rejected

    bucket.run(10)

    assert 10 <= bucket.rejected - rejected <= 30


def held_back(seconds_per_slot: float) -> RateLimiter:
    """A pace at which a turn takes so long, right after a cut at 0.0; the first place is one turn later."""
    limiter = RateLimiter(lambda _low, _high: 1.0)
    limiter.sent()
    limiter.throttled(-seconds_per_slot * BACK_OFF, 0.0)
    limiter.ended()
    assert limiter.rate(0.0) == pytest.approx(1 / seconds_per_slot)
    return limiter


def test_slot_that_is_given_back_goes_to_the_next_request() -> None:
    limiter = held_back(0.1)

    first = limiter.reserve(0.0, 2)
    limiter.give_back(0.0)
    second = limiter.reserve(0.0)

    assert [first, second] == pytest.approx([0.1, 0.2])


def test_slots_given_back_are_no_more_than_were_taken_since_the_last_back_off() -> None:
    limiter = held_back(0.1)

    # Of requests that were under way when the pace was cut, and of one whose second turn was used.
    for _ in range(5):
        limiter.give_back(0.0)
    first = limiter.reserve(0.0, 2)
    assert limiter.use(0.0) == pytest.approx(0.1)
    limiter.give_back(0.0)
    second = limiter.reserve(0.0)

    assert [first, second] == pytest.approx([0.1, 0.3])


def test_slots_from_before_a_back_off_are_not_given_back_after_it() -> None:
    limiter = held_back(0.1)
    limiter.reserve(0.0, 2)
    limiter.sent()
    limiter.throttled(0.05, 0.1)
    limiter.ended()
    expected = limiter.reserve(0.1)

    limiter.give_back(0.1)

    assert limiter.reserve(0.1) > expected
