"""
Time spans as short text.
"""

DAY_SECONDS = 86_400
HOUR_SECONDS = 3600


def days(seconds: float) -> str:
    """A time span in days; hours where it is shorter than two."""
    if seconds < 2 * DAY_SECONDS:
        return f"{max(0, seconds) / HOUR_SECONDS:.0f} h"
    return f"{seconds / DAY_SECONDS:,.0f} d"


def whole(hours: float) -> str:
    """Hours as days where they are whole days."""
    return f"{hours / 24:g} d" if hours % 24 == 0 and hours else f"{hours:g} h"
