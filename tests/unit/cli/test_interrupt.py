"""
Ctrl-C: the first one ends the work in order, the second one at once.
"""

import asyncio
import os
import signal

import pytest

from cos_sweeper.cli.interrupt import CLOSING_SECONDS, FAR_SECONDS, Interrupt, MovableDeadline, Stopped
from cos_sweeper.core.deadline import REQUEST_SECONDS
from tests.fixtures import FakeClock


def test_deadline_is_far_away_until_it_is_moved_to_now() -> None:
    clock = FakeClock(100.0)
    deadline = MovableDeadline(clock)
    before = deadline.passed, deadline.left()

    deadline.end_now()

    assert before == (False, FAR_SECONDS)
    assert (deadline.passed, deadline.request_seconds(), deadline.left()) == (True, REQUEST_SECONDS, CLOSING_SECONDS)


def test_first_ctrl_c_ends_pauses_and_lets_the_work_end() -> None:
    said: list[str] = []
    interrupt = Interrupt(lambda: said.append("stopping"))

    async def work() -> str:
        os.kill(os.getpid(), signal.SIGINT)
        await interrupt.sleep(3600)
        return "the account so far"

    assert asyncio.run(interrupt.guard(work())) == "the account so far"
    assert (interrupt.is_set, interrupt.deadline.passed, said) == (True, True, ["stopping"])


def test_second_ctrl_c_stops_at_once_and_what_ends_the_work_still_runs() -> None:
    ended: list[str] = []
    interrupt = Interrupt(lambda: None)

    async def work() -> None:
        try:
            interrupt.press()
            interrupt.press()
            await asyncio.Event().wait()
        finally:
            ended.append("records are written")

    with pytest.raises(Stopped):
        asyncio.run(interrupt.guard(work()))

    assert ended == ["records are written"]


def test_work_after_ctrl_c_begins_with_a_deadline_that_has_passed() -> None:
    interrupt = Interrupt(lambda: None)
    interrupt.press()

    async def work() -> bool:
        await interrupt.sleep(0)
        return interrupt.deadline.passed

    assert asyncio.run(interrupt.guard(work()))


def test_signals_are_as_before_afterwards() -> None:
    before = signal.getsignal(signal.SIGINT)

    asyncio.run(Interrupt(lambda: None).guard(asyncio.sleep(0)))

    assert signal.getsignal(signal.SIGINT) is before
