"""
How many aborts are left under MAX_ABORTS.

An abort is taken before it is sent, and given back when it was not needed. Until that is certain, a task that finds
none left waits: so the limit is neither passed nor left unused.
"""

import asyncio
from collections.abc import Awaitable, Callable


class AbortBudget:
    """
    The aborts of one run.

    maximum: None without a limit. before_first: awaited before the first one is taken: why none may be, or ''. taken:
    so far. why_not: why none may be taken, such as what `before_first` returned, or ''.
    """

    def __init__(self, maximum: int | None, before_first: Callable[[], Awaitable[str]] | None = None) -> None:
        self._left = maximum
        self._before_first = before_first
        self._is_probing = False
        self._uncertain = 0
        self._changed = asyncio.Event()
        self.taken = 0
        self.why_not = ""

    @property
    def left(self) -> int | None:
        """How many are left, None without a limit."""
        return self._left

    @property
    def spent(self) -> bool:
        """Nothing is left, and nothing will be given back."""
        return self._left == 0 and not self._uncertain

    async def take(self) -> bool:
        """Take one; False when none is left, or none may be taken. Waits until that is certain."""
        if self._before_first is not None:
            probe, self._before_first, self._is_probing = self._before_first, None, True
            # Where this raises, the run ends, and the tasks that wait here never go on.
            self.forbid(await probe())
            self._is_probing = False
            self._wake()
        while self._is_probing or (self._left == 0 and self._uncertain and not self.why_not):
            await self._changed.wait()
        if self._left == 0 or self.why_not:
            return False
        if self._left is not None:
            self._left -= 1
        self.taken += 1
        self._uncertain += 1
        return True

    def forbid(self, why: str) -> None:
        """No further one may be taken."""
        self.why_not = self.why_not or why
        self._wake()

    def use(self) -> None:
        """Count one that was taken as used: it is not given back."""
        self._uncertain -= 1
        self._wake()

    def give_back(self) -> None:
        """Return one that was taken and not needed."""
        self._uncertain -= 1
        if self._left is not None:
            self._left += 1
        self.taken -= 1
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed.clear()
