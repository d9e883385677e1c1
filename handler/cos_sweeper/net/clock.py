"""
The clock that tells how old an idle connection or a looked-up address is.
"""

import time

# None where the system has none, such as macOS.
BOOT_CLOCK: int | None = getattr(time, "CLOCK_BOOTTIME", None)


def now() -> float:
    """Seconds by a clock that goes on while the instance is frozen, where there is one."""
    return time.monotonic() if BOOT_CLOCK is None else time.clock_gettime(BOOT_CLOCK)
