"""
How much the tests try out: enough for every change or, with TEST_PROFILE=nightly in the environment, many times more.
"""

import os
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

PROFILES = ("usual", "nightly")
NIGHTLY_TIMES = 20
PROFILE = os.environ.get("TEST_PROFILE") or "usual"
if PROFILE not in PROFILES:
    raise ValueError(f"TEST_PROFILE is {PROFILE!r}; it must be one of {', '.join(PROFILES)}")
IS_NIGHTLY = PROFILE == "nightly"


def examples(usual: int) -> int:
    """How many made-up examples a test tries; usual: with every change."""
    return usual * NIGHTLY_TIMES if IS_NIGHTLY else usual


def sample(cases: Sequence[T], usual: int) -> list[T]:
    """So many of the cases, evenly spaced, or all where there are no more."""
    count = min(usual, len(cases))
    return [cases[place * len(cases) // count] for place in range(count)]
