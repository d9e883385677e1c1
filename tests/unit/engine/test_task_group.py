"""
Groups of tasks, the gate and waiting within a deadline, also where a cancellation comes together with a completion.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

import pytest

from cos_sweeper.core.deadline import Deadline
from cos_sweeper.engine.task_group import Gate, TaskGroup, done_in_time, together


class Killed(BaseException):
    """Not an Exception, as the end of a process is none."""


def deadline_in(seconds: float) -> Deadline:
    ends = time.monotonic() + seconds
    return Deadline(time.monotonic, ends, ends + 1, ends + 2)


def run(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run it, and hold it to the rule that no task outlives it."""

    async def alone() -> Any:
        try:
            return await work()
        finally:
            assert asyncio.all_tasks() == {asyncio.current_task()}

    return asyncio.run(alone())


# Groups


def test_leaving_a_group_waits_for_all_tasks_also_for_those_that_tasks_start() -> None:
    ended: list[int] = []

    async def work(group: TaskGroup, number: int) -> None:
        await asyncio.sleep(0)
        if number < 3:
            group.start(partial(work, group, number + 1))
        await asyncio.sleep(0)
        ended.append(number)

    async def main() -> None:
        async with TaskGroup() as group:
            group.start(partial(work, group, 0))

    run(main)

    assert ended == [0, 1, 2, 3]


@pytest.mark.parametrize("error", [ValueError("first"), Killed("first"), KeyboardInterrupt("first")])
def test_first_exception_of_a_task_is_raised_after_the_others_were_cancelled(error: BaseException) -> None:
    ends: list[str] = []

    async def fail() -> None:
        await asyncio.sleep(0)
        raise error

    async def wait() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            ends.append("cancelled")

    async def main() -> None:
        async with TaskGroup() as group:
            for work in (wait, fail, wait):
                group.start(work)

    with pytest.raises(type(error), match="first"):
        run(main)
    assert ends == ["cancelled"] * 2


def test_task_that_could_go_on_in_the_same_round_does_not_after_another_one_failed() -> None:
    steps: list[str] = []

    async def fail() -> None:
        await asyncio.sleep(0)
        raise Killed

    async def go_on() -> None:
        await asyncio.sleep(0)
        steps.append("one more request")

    async def main() -> None:
        async with TaskGroup() as group:
            group.start(fail)
            group.start(go_on)

    with pytest.raises(Killed):
        run(main)
    assert steps == []


def test_exception_of_the_body_cancels_the_tasks_and_is_raised() -> None:
    async def main() -> None:
        async with TaskGroup() as group:
            group.start(partial(asyncio.sleep, 60))
            await asyncio.sleep(0)
            raise ValueError("of the body")

    with pytest.raises(ValueError, match="of the body"):
        run(main)


def test_cancelled_group_cancels_its_tasks_and_waits_for_them() -> None:
    ends: list[str] = []

    async def wait() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            ends.append("cancelled")

    async def grouped() -> None:
        async with TaskGroup() as group:
            group.start(wait)
            group.start(wait)

    async def main() -> bool:
        task = asyncio.create_task(grouped())
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert run(main)
    assert ends == ["cancelled"] * 2


def test_cancellation_that_comes_as_the_last_task_ends_is_not_lost() -> None:
    """When the cancellation comes, the group's wait is over already, but its task has not run yet."""

    async def main() -> bool:
        may_end = asyncio.Event()

        async def grouped() -> None:
            async with TaskGroup() as group:
                group.start(wait_for_it)

        async def wait_for_it() -> None:
            await may_end.wait()

        task = asyncio.create_task(grouped())
        await asyncio.sleep(0.01)
        may_end.set()
        results = set()
        for rounds in range(6):
            for _ in range(rounds):
                await asyncio.sleep(0)
            if task.done():
                break
            results.add(task.cancel())
            await asyncio.wait([task])
            return task.cancelled()
        return True

    assert run(main)


@pytest.mark.parametrize("rounds", range(8))
def test_cancellation_in_any_round_ends_in_a_cancelled_or_a_complete_task(rounds: int) -> None:
    async def main() -> tuple[bool, list[int]]:
        ended: list[int] = []

        async def work(number: int) -> None:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            ended.append(number)

        async def grouped() -> None:
            async with TaskGroup() as group:
                for number in range(3):
                    group.start(partial(work, number))

        task = asyncio.create_task(grouped())
        for _ in range(rounds):
            await asyncio.sleep(0)
        was_cancelled = task.cancel()
        await asyncio.wait([task])
        assert task.cancelled() == was_cancelled
        return task.cancelled(), ended

    is_cancelled, ended = run(main)

    assert is_cancelled or ended == [0, 1, 2]


def test_task_that_is_cancelled_by_itself_does_not_vanish_without_a_word() -> None:
    async def lost() -> None:
        raise asyncio.CancelledError

    async def grouped() -> None:
        async with TaskGroup() as group:
            group.start(lost)

    async def main() -> bool:
        task = asyncio.create_task(grouped())
        await asyncio.wait([task])
        return task.cancelled()

    assert run(main)


def test_group_that_ends_starts_nothing_more() -> None:
    began: list[str] = []

    async def late() -> None:
        began.append("late")

    async def stubborn(group: TaskGroup) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            group.start(late)

    async def fail() -> None:
        raise ValueError

    async def main() -> None:
        async with TaskGroup() as group:
            group.start(partial(stubborn, group))
            await asyncio.sleep(0)
            group.start(fail)

    with pytest.raises(ValueError):  # noqa: PT011 - the one above
        run(main)
    assert began == []


# Together


async def after(rounds: int, subject: int | BaseException) -> int:
    for _ in range(rounds):
        await asyncio.sleep(0)
    if isinstance(subject, BaseException):
        raise subject
    return subject


def all_of(*works: tuple[int, int | BaseException]) -> Callable[[], Coroutine[Any, Any, list[int]]]:
    calls: list[Callable[[], Awaitable[int]]] = [partial(after, *work) for work in works]
    return lambda: together(calls)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_results_come_in_order_whichever_ends_first(count: int) -> None:
    assert run(all_of(*((count - number, number) for number in range(count)))) == list(range(count))


def test_first_error_in_order_is_raised_after_all_have_ended() -> None:
    ended: list[str] = []

    async def slow() -> int:
        await asyncio.sleep(0.01)
        ended.append("slow")
        return 1

    first, second = KeyError("first in order"), ValueError("first in time")

    async def main() -> list[int]:
        return await together([partial(after, 3, first), partial(after, 1, second), slow])

    with pytest.raises(KeyError, match="first in order"):
        run(main)
    assert ended == ["slow"]


def test_base_exception_cancels_the_others() -> None:
    with pytest.raises(Killed):
        run(all_of((1, Killed()), (10**6, 1)))


# The gate


def test_gate_lets_in_as_many_as_there_is_room_for_in_the_order_in_which_they_came() -> None:
    inside: list[int] = []
    maximum: list[int] = []

    async def main() -> None:
        gate = Gate(3)

        async def visit(number: int, slots: int) -> None:
            assert await gate.enter(slots)
            inside.append(number)
            maximum.append(3 - gate._free)
            await asyncio.sleep(0.001)
            gate.leave(slots)

        async with TaskGroup() as group:
            for number, slots in enumerate((2, 2, 1, 3, 1)):
                group.start(partial(visit, number, slots))
        assert gate._free == 3

    run(main)

    assert inside == [0, 1, 2, 3, 4]
    assert max(maximum) == 3


def test_gate_that_stays_shut_until_the_deadline_admits_only_the_next_task() -> None:
    async def main() -> list[bool]:
        gate = Gate(2)
        assert gate.try_enter(1)
        large = asyncio.create_task(gate.enter(2, deadline_in(0.02)))
        await asyncio.sleep(0)
        small = asyncio.create_task(gate.enter(1, deadline_in(60)))
        return [await large, await small]

    assert run(main) == [False, True]


@pytest.mark.parametrize("is_let_in_first", [True, False])
@pytest.mark.parametrize("has_deadline", [True, False])
def test_cancelled_visitor_takes_no_room_with_it(*, is_let_in_first: bool, has_deadline: bool) -> None:
    async def main() -> None:
        gate = Gate(1)
        assert gate.try_enter()
        visitor = asyncio.create_task(gate.enter(1, deadline_in(60) if has_deadline else None))
        await asyncio.sleep(0.001)
        if is_let_in_first:
            gate.leave()
            visitor.cancel()
        else:
            visitor.cancel()
            gate.leave()
        await asyncio.wait([visitor])
        assert visitor.cancelled()
        assert (gate._free, len(gate._waiting)) == (1, 0)

    run(main)


# Deadlines


def test_future_that_is_not_done_by_the_deadline_is_left_as_it_is() -> None:
    async def main() -> tuple[bool, bool, bool]:
        future = asyncio.get_running_loop().create_future()
        late = await done_in_time(future, deadline_in(0.01))
        asyncio.get_running_loop().call_soon(future.set_result, None)
        return late, await done_in_time(future, deadline_in(60)), await done_in_time(future, deadline_in(-1))

    assert run(main) == (False, True, True)
