"""
The rate of requests to one bucket.

There is no limit until COS throttles a request. From then on there is a rate: each throttled response lowers it (back
off), and then it grows as in TCP's CUBIC (RFC 9438): fast at first, slowly near the rate at which COS throttled, and
ever faster beyond it. Nothing here waits: the caller passes times, in seconds by one clock, and gets seconds to wait.
"""

from collections.abc import Callable

# The factor by which a throttled response lowers the rate.
BACK_OFF = 0.85
# A throttled response so soon after a back off shows that the rate is still far too high.
SOON_SECONDS = 0.1
DEEP_BACK_OFF = 0.7
JITTER = 0.05
# The time from a back off until the rate at which COS throttled. After five times this, there is no limit any more.
GROW_BACK_SECONDS = 3.0
# Requests a second; the rate never falls below this.
SLOWEST = 2.0


class RateLimiter:
    """
    The rate limit of the requests to one bucket.

    uniform: a random number between two others, so that instances that were throttled together do not return together.
    back_offs: how many times the rate was lowered.
    """

    def __init__(self, uniform: Callable[[float, float], float]) -> None:
        self._uniform = uniform
        self.back_offs = 0
        self._in_flight = 0
        # None while there is no limit.
        self._backed_off_at: float | None = None
        # The rate at which COS throttled, in requests a second, and the part of it that is left after the back off.
        self._peak = 0.0
        self._factor = 0.0
        self._next = 0.0
        # Slots reserved since the last back off for requests that are not sent yet.
        self._reserved = 0

    def reserve(self, now: float, slots: int = 1) -> float:
        """
        Reserve slots; return the seconds until the first. A back off before then makes them void: see `back_offs`.

        slots: for requests that follow one another. Before each request but the first, `use` returns how long to wait.
        """
        rate = self.rate(now)
        if rate is None:
            return 0.0
        slot = max(now, self._next)
        self._next = slot + slots / rate
        self._reserved += slots - 1
        return slot - now

    def use(self, now: float) -> float:
        """Seconds until a request may be sent in a slot that was reserved together with the slot before it."""
        self._reserved = max(0, self._reserved - 1)
        rate = self.rate(now)
        return 0.0 if rate is None else 1 / rate

    def give_back(self, now: float) -> None:
        """
        Return a reserved slot whose request will not be sent.

        No more slots are returned than were reserved since the last back off: earlier ones are void, and without a
        limit none are reserved.
        """
        rate = self.rate(now)
        if rate is not None and self._reserved:
            self._reserved -= 1
            self._next = max(now, self._next - 1 / rate)

    def sent(self) -> None:
        """Count a request that is sent now."""
        self._in_flight += 1

    def ended(self) -> None:
        """Count a request that was answered or given up."""
        self._in_flight -= 1

    def throttled(self, sent: float, now: float) -> None:
        """Back off: COS throttled a request that was sent at `sent` and has not ended yet."""
        if self._backed_off_at is not None and sent < self._backed_off_at:
            return  # sent before the last back off, so it shows nothing about the rate since then
        actual = self._in_flight / max(now - sent, 0.001)
        rate = self.rate(now)
        is_soon = self._backed_off_at is not None and now - self._backed_off_at < SOON_SECONDS
        self._peak = max(SLOWEST, actual if rate is None else min(rate, 2 * actual))
        self._factor = (DEEP_BACK_OFF if is_soon else BACK_OFF) * self._uniform(1 - JITTER, 1 + JITTER)
        self._backed_off_at = now
        self._reserved = 0
        self._next = now + 1 / max(SLOWEST, self._peak * self._factor)
        self.back_offs += 1

    def rate(self, now: float) -> float | None:
        """Requests a second; None while there is no limit."""
        if self._backed_off_at is None:
            return None
        progress = (now - self._backed_off_at) / GROW_BACK_SECONDS - 1
        if progress > 4:
            self._backed_off_at = None
            self._reserved = 0
            return None
        return max(SLOWEST, self._peak * (1 + (1 - self._factor) * progress**3))
