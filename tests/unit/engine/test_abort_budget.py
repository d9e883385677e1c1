"""
The limit of aborts among tasks that take, use and give back.
"""

import asyncio
from collections.abc import Callable
from functools import partial

import pytest

from cos_sweeper.engine.abort_budget import AbortBudget
from cos_sweeper.engine.task_group import TaskGroup


async def rounds(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


def takes(budget: AbortBudget, ends: list[Callable[[], None]]) -> list[bool]:
    """Tasks that take one abort each, a round apart; each that got one ends in its given way, a little later."""
    got: list[bool] = []

    async def take(number: int) -> None:
        await rounds(number)
        is_taken = await budget.take()
        got.append(is_taken)
        if is_taken:
            await rounds(10)
            ends[number]()

    async def main() -> None:
        async with TaskGroup() as group:
            for number in range(len(ends)):
                group.start(partial(take, number))

    asyncio.run(main())
    return got


def test_task_that_finds_none_left_waits_for_one_that_is_given_back() -> None:
    budget = AbortBudget(1)

    assert takes(budget, [budget.give_back, budget.use]) == [True, True]
    assert (budget.left, budget.taken, budget.spent) == (0, 1, True)


def test_task_that_finds_the_budget_empty_is_rejected_once_no_abort_can_be_returned() -> None:
    budget = AbortBudget(1)

    assert takes(budget, [budget.use, budget.use, budget.use]) == [True, False, False]
    assert (budget.left, budget.taken, budget.spent) == (0, 1, True)


def test_budget_without_a_limit_makes_no_task_wait() -> None:
    budget = AbortBudget(None)

    assert takes(budget, [budget.give_back, budget.use]) == [True, True]
    assert (budget.left, budget.taken, budget.spent) == (None, 1, False)


@pytest.mark.parametrize(("reason", "got"), [("", [True] * 3), ("it may not", [False] * 3)])
def test_probe_runs_once_before_the_first_abort_and_the_others_wait_for_it(reason: str, got: list[bool]) -> None:
    requested: list[str] = []

    async def probe() -> str:
        requested.append("once")
        await rounds(20)
        return reason

    budget = AbortBudget(None, probe)

    assert takes(budget, [budget.use] * 3) == got
    assert (requested, budget.why_not) == (["once"], reason)


def test_probe_that_raises_lets_no_task_continue() -> None:
    async def probe() -> str:
        await rounds(5)
        raise ZeroDivisionError

    budget, ends = AbortBudget(None, probe), list[str]()

    with pytest.raises(ZeroDivisionError):
        takes(budget, [lambda: ends.append("aborted")] * 3)
    assert (ends, budget.taken) == ([], 0)
