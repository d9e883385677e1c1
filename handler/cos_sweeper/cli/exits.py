"""
The exit codes of the command. They are documented and do not change.
"""

from collections.abc import Mapping

COMPLETE = 0
FAILED = 1
USAGE = 2
PARTIAL = 3
INTERRUPTED = 130

# A report's status → the exit code.
OF_STATUS: Mapping[str, int] = {"complete": COMPLETE, "failed": FAILED, "rejected": USAGE, "partial": PARTIAL}
# The worst first.
ORDER = (INTERRUPTED, USAGE, FAILED, PARTIAL, COMPLETE)


def worst(*codes: int) -> int:
    """The code of several steps."""
    return min(codes, key=ORDER.index, default=COMPLETE)
