"""
The moment from which a chain of runs measures every age.

It is the earlier of our clock and COS's at the start of the chain, and later it is only lowered. So a clock that is
ahead, ours or COS's, makes uploads younger and never older; if it is corrected during the chain, the correction counts.
"""

from datetime import datetime, timedelta

# COS rejects a request whose time differs by more than 15 minutes; ages are unreliable well before that.
CLOCK_TOLERANCE = timedelta(minutes=5)


class AsOf:
    """
    The moment, as far as it is known.

    value: UTC. is_new: this run is the first of its chain, so COS's first date always counts. A later date counts only
    if it agrees with our clock: one response with a wrong date must not keep every later upload.
    """

    def __init__(self, value: datetime, *, is_new: bool) -> None:
        self.value = value
        self._takes_any = is_new

    def lower(self, date: datetime | None, skew: timedelta | None) -> None:
        """Use the date of one response. date: COS's clock; skew: that minus ours; both None if COS sent no date."""
        if date is None or skew is None:
            return
        if self._takes_any or abs(skew) <= CLOCK_TOLERANCE:
            self.value = min(self.value, date)
        self._takes_any = False
