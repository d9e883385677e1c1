"""
The clock that tells how old an idle connection or a looked-up address is.
"""

import time


def now() -> float:
    """Seconds by a clock that goes on while the instance is frozen, where there is one."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
