"""
What a benchmark shows: sections when they are there, and meanwhile, to whoever is watching, what is being measured.
"""

import sys
from collections.abc import Sequence

CLEAR = "\r\033[K"


def progress(kind: str) -> None:
    """Say what is being measured. Nothing of it stays, and none of it goes into a file."""
    if sys.stderr.isatty():
        print(f"{CLEAR}… {kind}", end="", file=sys.stderr, flush=True)


def show(lines: Sequence[str]) -> None:
    """Print a section."""
    if sys.stderr.isatty():
        print(CLEAR, end="", file=sys.stderr, flush=True)
    print("\n".join(lines), flush=True)
