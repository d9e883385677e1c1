"""
What may be aborted is recorded once, before the first abort.
"""

import asyncio
from collections.abc import Sequence

from cos_sweeper.core.model import ListedUpload, Upload
from cos_sweeper.engine.intent import Intent
from cos_sweeper.engine.recorder import NoRecorder
from tests.fixtures import NOW, PHOTOS

LISTED = ListedUpload(Upload(PHOTOS, "raw/1", "1"), NOW)


class Recorder(NoRecorder):
    def __init__(self, refusal: str) -> None:
        self.refusal = refusal
        self.recorded: list[ListedUpload] = []

    async def intend(self, candidates: Sequence[ListedUpload]) -> str:
        self.recorded += candidates
        await asyncio.sleep(0)
        return self.refusal


def test_intent_is_written_once_and_every_abort_waits_for_it() -> None:
    async def aborts(*, is_written_ahead: bool) -> tuple[list[str], list[ListedUpload]]:
        recorder = Recorder("the bucket is full")
        intent = Intent(recorder, [LISTED])
        ahead = [intent.write()] if is_written_ahead else []
        refusals = [one for one in await asyncio.gather(*ahead, *(intent.refusal() for _ in range(3))) if one]
        return refusals, recorder.recorded

    async def in_time(*, is_written_ahead: bool) -> tuple[list[str], list[ListedUpload]]:
        task = asyncio.ensure_future(aborts(is_written_ahead=is_written_ahead))
        await asyncio.wait([task], timeout=10)
        task.cancel()
        return await task

    for is_written_ahead in (True, False):
        refusals, recorded = asyncio.run(in_time(is_written_ahead=is_written_ahead))
        assert (refusals, recorded) == (["the bucket is full"] * 3, [LISTED])
