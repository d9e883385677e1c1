"""
What can become of an asynchronous event that SCF has accepted: delivered, delivered twice, or lost.

Deciding only. Chance comes from a seeded generator, so that a run can be repeated.
"""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mishap:
    """
    What goes wrong, with which probability. Of the accepted events the first `skip` are spared, and after `count`
    mishaps (`None`: never) it is over.
    """

    duplicate: float = 0.0
    lose: float = 0.0
    skip: int = 0
    count: int | None = None
    seed: int = 0


class Mishaps:
    """Decides how often each accepted event is delivered."""

    def __init__(self, mishap: Mishap | None = None) -> None:
        self.arm(mishap or Mishap())
        self.clear()

    def arm(self, mishap: Mishap) -> None:
        """Let this happen from now on, in place of what did."""
        self._mishap = mishap
        self._random = random.Random(mishap.seed)
        self._skip = mishap.skip
        self._left = mishap.count

    def clear(self) -> None:
        """Count from 0 again."""
        self.duplicated = 0
        self.lost = 0

    def deliveries(self) -> int:
        """How often the next accepted event is delivered: 0, 1 or 2 times."""
        if self._skip:
            self._skip -= 1
            return 1
        if self._left == 0:
            return 1
        chance = self._random.random()
        if chance < self._mishap.lose:
            self.lost += 1
        elif chance < self._mishap.lose + self._mishap.duplicate:
            self.duplicated += 1
        else:
            return 1
        self._left = None if self._left is None else self._left - 1
        return 0 if chance < self._mishap.lose else 2
