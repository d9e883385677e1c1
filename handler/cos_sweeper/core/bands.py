"""
Bands of age and of idle time, and the policies that are compared.

An upload exactly at an edge is in the band below it, because a policy keeps an upload that is exactly at its limit. So
the uploads that a policy would abort are all those in the bands above its two limits.
"""

from bisect import bisect_left
from datetime import datetime, timedelta

AGE_DAYS = (1, 3, 7, 14, 30, 90)
IDLE_DAYS = (1, 3, 7, 30)
AGES = tuple(timedelta(days=days) for days in AGE_DAYS)
IDLES = tuple(timedelta(days=days) for days in IDLE_DAYS)
# The policies that are compared. Idle time 0: age alone decides, as in a lifecycle rule.
POLICY_AGE_DAYS = (1, 3, 7, 14, 30)
POLICY_IDLE_DAYS = (0, 1, 3, 7)
# An upload whose newest part is at most this old is active: a client is probably still sending it.
ACTIVE = timedelta(days=3)
# The band of an upload whose start or whose parts are unknown.
UNKNOWN = -1


def age_band(started: datetime | None, as_of: datetime) -> int:
    """The band of an upload's age, 0 the youngest, UNKNOWN without a start."""
    return UNKNOWN if started is None else bisect_left(AGES, as_of - started)


def idle_band(started: datetime | None, newest: datetime | None, as_of: datetime) -> int:
    """The band of the time since the newest part, or since the start if that is later or there is no part."""
    known = [moment for moment in (started, newest) if moment is not None]
    return bisect_left(IDLES, as_of - max(known)) if known else UNKNOWN


def is_active(newest: datetime | None, as_of: datetime) -> bool:
    """Whether a part arrived in the last three days."""
    return newest is not None and as_of - newest <= ACTIVE


def first_band(days: int, edges: tuple[int, ...]) -> int:
    """The lowest band above a limit of so many days; days: one of the edges, or 0 for all bands."""
    return edges.index(days) + 1 if days else 0
