"""
How fast one bucket may be asked.

As fast as it answers, until it says that this is too much. From then on at a rate: cut at every refusal, then growing
back as TCP's CUBIC does (RFC 9438), quickly at first, hardly at all around the rate that was too much, and ever faster
beyond it. Nothing here waits: times come in, in seconds by any one clock, and waits go out.
"""

from collections.abc import Callable

CUT = 0.85
# A refusal so soon after a cut says that the cut was not nearly enough.
SOON_SECONDS = 0.1
DEEP_BACK_OFF = 0.7
JITTER = 0.05
# From a cut to the rate that was too much; five times as long, and nothing is held back any more.
GROW_BACK_SECONDS = 3.0
SLOWEST = 2.0


class RateLimiter:
    """
    The pace of the requests to one bucket.

    uniform: a random number between two others, so that instances that were refused together do not return together.
    """

    def __init__(self, uniform: Callable[[float, float], float]) -> None:
        self._uniform = uniform
        self.back_offs = 0
        self._in_flight = 0
        # While nothing is held back, the time of the cut is None. Rates are requests a second.
        self._cut_at: float | None = None
        self._too_much = 0.0
        self._left_after_cut = 0.0
        self._next = 0.0
        # Turns taken since the last cut for requests that were not sent yet.
        self._to_come = 0

    def reserve(self, now: float, turns: int = 1) -> float:
        """
        Seconds until the place in the row that is taken with this. A cut in between makes it void: see `back_offs`.

        turns: of requests that follow one upon the other. For each but the first `use` says how long to wait.
        """
        rate = self.rate(now)
        if rate is None:
            return 0.0
        place = max(now, self._next)
        self._next = place + turns / rate
        self._to_come += turns - 1
        return place - now

    def use(self, now: float) -> float:
        """Seconds until a request may go out in the turn that was taken for it with the one before it."""
        self._to_come = max(0, self._to_come - 1)
        rate = self.rate(now)
        return 0.0 if rate is None else 1 / rate

    def give_back(self, now: float) -> None:
        """
        A request that a turn was taken for will not be sent.

        Never more is given back than was taken since the last cut: turns from before it are void, and while nothing was
        held back none were taken.
        """
        rate = self.rate(now)
        if rate is not None and self._to_come:
            self._to_come -= 1
            self._next = max(now, self._next - 1 / rate)

    def sent(self) -> None:
        """A request goes out now."""
        self._in_flight += 1

    def ended(self) -> None:
        """It was answered, or given up."""
        self._in_flight -= 1

    def throttled(self, sent: float, now: float) -> None:
        """COS said that it is too much, to a request that was sent then and has not ended yet."""
        if self._cut_at is not None and sent < self._cut_at:
            return  # sent before the cut, so it says nothing of the rate since
        actual = self._in_flight / max(now - sent, 0.001)
        rate = self.rate(now)
        soon = self._cut_at is not None and now - self._cut_at < SOON_SECONDS
        self._too_much = max(SLOWEST, actual if rate is None else min(rate, 2 * actual))
        self._left_after_cut = (DEEP_BACK_OFF if soon else CUT) * self._uniform(1 - JITTER, 1 + JITTER)
        self._cut_at = now
        self._to_come = 0
        self._next = now + 1 / max(SLOWEST, self._too_much * self._left_after_cut)
        self.back_offs += 1

    def rate(self, now: float) -> float | None:
        """Requests a second; None while nothing is held back."""
        if self._cut_at is None:
            return None
        way = (now - self._cut_at) / GROW_BACK_SECONDS - 1
        if way > 4:
            self._cut_at = None
            self._to_come = 0
            return None
        return max(SLOWEST, self._too_much * (1 + (1 - self._left_after_cut) * way**3))
