"""
Time spans as short text.
"""

from cos_sweeper.cli.words import t

DAY_SECONDS = 86_400
HOUR_SECONDS = 3600


def days(seconds: float) -> str:
    """A time span in days; hours where it is shorter than two."""
    if seconds < 2 * DAY_SECONDS:
        return _hours(f"{max(0, seconds) / HOUR_SECONDS:.0f}")
    return _days(f"{seconds / DAY_SECONDS:,.0f}")


def whole(hours: float) -> str:
    """Hours as days where they are whole days."""
    return _days(f"{hours / 24:g}") if hours % 24 == 0 and hours else _hours(f"{hours:g}")


def _days(number: str) -> str:
    return t("{n}\u00a0d", n=number)


def _hours(number: str) -> str:
    return t("{n}\u00a0h", n=number)
