"""
The bridge: a synchronous function that waits as a coroutine does.
"""

import asyncio
import gc
import warnings
import weakref
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cos_sweeper.net.sdk_bridge import run_in_greenlet, wait_for


class Broken(Exception):
    """What goes wrong in these tests."""


async def broken() -> None:
    await asyncio.sleep(0)
    raise Broken


async def later(value: int) -> int:
    await asyncio.sleep(0)
    return value


def run(function: Callable[[], object]) -> object:
    return asyncio.run(run_in_greenlet(function))


def test_function_that_never_waits_returns_its_result() -> None:
    assert run(lambda: 1) == 1


def test_function_gets_the_results_of_its_waits() -> None:
    assert run(lambda: [wait_for(later(1)), wait_for(later(2))]) == [1, 2]


def test_none_is_a_result() -> None:
    assert run(lambda: wait_for(asyncio.sleep(0))) is None


def test_function_that_ends_with_an_awaitable_returns_it_unawaited() -> None:
    async def returned() -> bool:
        future = asyncio.get_running_loop().create_future()
        return await run_in_greenlet(lambda: future) is future

    assert asyncio.run(returned())


def test_exception_of_the_function_is_raised() -> None:
    def function() -> None:
        wait_for(later(1))
        raise Broken

    with pytest.raises(Broken):
        run(function)


def test_exception_of_a_wait_is_raised_in_the_function() -> None:
    def function() -> int:
        try:
            wait_for(broken())
        except Broken:
            return wait_for(later(1))
        return 0

    assert run(function) == 1


def test_other_tasks_go_on_while_a_function_waits() -> None:
    log: list[str] = []

    async def main() -> None:
        event = asyncio.Event()

        def waits() -> None:
            wait_for(event.wait())
            log.append("waited")

        def sets() -> None:
            log.append("set")
            event.set()

        await asyncio.gather(run_in_greenlet(waits), run_in_greenlet(sets))

    asyncio.run(main())

    assert log == ["set", "waited"]


def test_cancellation_passes_through_a_function_that_catches_exceptions() -> None:
    log: list[str] = []

    def function() -> None:
        try:
            wait_for(asyncio.sleep(3600))
        except Exception:
            log.append("caught")
        finally:
            log.append("ended")

    async def main() -> None:
        task = asyncio.ensure_future(run_in_greenlet(function))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())

    assert log == ["ended"]


def test_cancelled_function_may_wait_for_its_clean_up() -> None:
    log: list[int] = []

    def function() -> None:
        try:
            wait_for(asyncio.sleep(3600))
        finally:
            log.append(wait_for(later(1)))

    async def main() -> None:
        task = asyncio.ensure_future(run_in_greenlet(function))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())

    assert log == [1]


def test_closed_coroutine_ends_its_function() -> None:
    log: list[str] = []

    def function() -> None:
        try:
            wait_for(asyncio.sleep(0))
        finally:
            log.append("ended")

    coroutine = run_in_greenlet(function)
    coroutine.send(None)
    coroutine.close()

    assert log == ["ended"]


def test_bridge_within_a_bridge_waits_in_the_outer_one() -> None:
    assert run(lambda: wait_for(run_in_greenlet(lambda: wait_for(later(1)) + 1))) == 2


def test_wait_outside_of_the_bridge_is_an_error() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeError):
            wait_for(later(1))
        gc.collect()


def test_result_is_not_kept_after_the_end() -> None:
    class Result:
        pass

    async def main() -> bool:
        result = await run_in_greenlet(lambda: (wait_for(later(1)), Result())[1])
        reference = weakref.ref(result)
        del result
        gc.collect()
        return reference() is None

    assert asyncio.run(main())


@given(st.lists(st.lists(st.sampled_from(["wait", "raise", "bridge"]), max_size=5), max_size=8))
def test_functions_that_interleave_come_to_their_own_results(plans: list[list[str]]) -> None:
    def work(number: int, plan: list[str]) -> list[int]:
        results = []
        for step in plan:
            if step == "raise":
                with pytest.raises(Broken):
                    wait_for(broken())
            elif step == "bridge":
                results.append(wait_for(run_in_greenlet(lambda: wait_for(later(number)))))
            else:
                results.append(wait_for(later(number)))
        return results

    async def main() -> list[list[int]]:
        return await asyncio.gather(
            *(run_in_greenlet(lambda n=n, plan=plan: work(n, plan)) for n, plan in enumerate(plans))  # type: ignore[misc]
        )

    expected = [[number] * sum(step != "raise" for step in plan) for number, plan in enumerate(plans)]
    assert asyncio.run(main()) == expected
