"""
Records which uploads of a page may be aborted, before the first of these aborts leaves.

So a function that is killed leaves no abort without a record. The record is written while the parts are looked at.
"""

import asyncio
from collections.abc import Sequence

from cos_sweeper.core.model import ListedUpload
from cos_sweeper.engine.recorder import Recorder


class Intent:
    """The uploads of one page that may be aborted. `write` runs in a task of its own, or when the first abort waits."""

    def __init__(self, recorder: Recorder, candidates: Sequence[ListedUpload]) -> None:
        self._recorder = recorder
        self._candidates = candidates
        self._refusal: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._is_written = False

    async def write(self) -> None:
        """Record them, once."""
        if self._is_written:
            return
        self._is_written = True
        refusal = "the record of what may be aborted was not written"
        try:
            refusal = await self._recorder.intend(self._candidates)
        finally:
            if not self._refusal.done():
                self._refusal.set_result(refusal)
            self._candidates = ()

    async def refusal(self) -> str:
        """Why none of them may be aborted, or ''. Waits until the record is written."""
        await self.write()
        if not self._refusal.done():
            await asyncio.wait([self._refusal])
        return self._refusal.result()
