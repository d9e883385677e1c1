"""
What can become of an asynchronous event that SCF has accepted: delivered, delivered twice, or lost.

Deciding only. Chance comes from a seeded generator, so that a run can be repeated.
"""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeliveryFault:
    """
    What goes wrong, with which probability. Of the accepted events the first `skip` are spared, and after `count`
    faults (`None`: never) it is over.
    """

    duplicate: float = 0.0
    lose: float = 0.0
    skip: int = 0
    count: int | None = None
    seed: int = 0


class DeliveryFaults:
    """Decides how often each accepted event is delivered."""

    def __init__(self, fault: DeliveryFault | None = None) -> None:
        self.arm(fault or DeliveryFault())
        self.clear()

    def arm(self, fault: DeliveryFault) -> None:
        """Let this happen from now on, in place of what did."""
        self._fault = fault
        self._random = random.Random(fault.seed)
        self._skip = fault.skip
        self._left = fault.count

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
        if chance < self._fault.lose:
            self.lost += 1
        elif chance < self._fault.lose + self._fault.duplicate:
            self.duplicated += 1
        else:
            return 1
        self._left = None if self._left is None else self._left - 1
        return 0 if chance < self._fault.lose else 2
