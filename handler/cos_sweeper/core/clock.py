"""
The moment by which a chain judges every age.

It is the earlier of our clock and COS's at the start of the chain, and from then on it is only ever lowered. So a clock
that is ahead, ours or COS's, makes uploads younger and never older, and one that is put right makes up for it.
"""

from datetime import datetime, timedelta

# COS rejects requests whose clock is more than 15 minutes off; ages are in doubt well before that.
CLOCK_TOLERANCE = timedelta(minutes=5)


class AsOf:
    """
    The moment, as it is known so far.

    value: UTC. is_new: whether this run begins its chain, so that COS's first date counts whatever it is. A later date
    counts while it agrees with our clock: one answer with a wrong date must not keep everything from then on.
    """

    def __init__(self, value: datetime, *, is_new: bool) -> None:
        self.value = value
        self._takes_any = is_new

    def lower(self, date: datetime | None, skew: timedelta | None) -> None:
        """Take in what one answer says. date: COS's clock; skew: that minus ours; None where COS did not say."""
        if date is None or skew is None:
            return
        if self._takes_any or abs(skew) <= CLOCK_TOLERANCE:
            self.value = min(self.value, date)
        self._takes_any = False
