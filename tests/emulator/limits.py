"""
What a bucket rejects because of load: requests beyond a rate, or all of them by never answering.

Deciding only; `cos` carries it out. Time comes in as seconds on a clock that only goes forward.
"""

from dataclasses import dataclass, field

from tests.emulator.errors import CosError, slow_down


class TokenBucket:
    """So many requests a second in the long run, and `burst` of them at once after a pause."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._filled_at: float | None = None

    def take(self, now: float) -> bool:
        """Whether there is room for one more request. One that is rejected uses nothing up."""
        if self._filled_at is not None:
            self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


@dataclass(frozen=True, slots=True)
class Rate:
    """A limit for one bucket. burst: requests that it takes at once. error: the answer to those beyond."""

    requests_per_second: float
    burst: float
    error: CosError = field(default_factory=slow_down)


class Limits:
    """The limits in force, by bucket."""

    def __init__(self) -> None:
        self._rates: dict[str, tuple[TokenBucket, CosError]] = {}
        self._hanging: set[str] = set()

    def throttle(self, bucket: str, rate: Rate | None) -> None:
        """Let a bucket take no more requests than this, or as many as come."""
        self._rates.pop(bucket, None)
        if rate is not None:
            self._rates[bucket] = TokenBucket(rate.requests_per_second, rate.burst), rate.error

    def hang(self, bucket: str, *, on: bool) -> None:
        """Let a bucket answer nothing from now on, or answer again. A request that hangs already stays so."""
        if on:
            self._hanging.add(bucket)
        else:
            self._hanging.discard(bucket)

    def hangs(self, bucket: str) -> bool:
        """Whether a request to this bucket gets no response."""
        return bucket in self._hanging

    def take(self, bucket: str, now: float) -> CosError | None:
        """The answer to one more request now, if the bucket does not take it."""
        tokens, error = self._rates.get(bucket, (None, None))
        return None if tokens is None or tokens.take(now) else error

    def clear(self) -> None:
        """Lift all limits."""
        self._rates.clear()
        self._hanging.clear()
