"""
Tasks: whose turn it is, what comes of them, and that none outlives its crew.
"""

import gc
import socket
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cos_sweeper.net.turns import NEVER, READABLE, WRITABLE, Crew, in_thread, sleep, wait

# Further away than any test is long.
FAR = 3600.0


class Pair:
    """Two ends of a connection: what is told to one can be heard at the other."""

    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair()

    def tell(self) -> None:
        self.theirs.send(b"x")

    def hear(self, seconds: float = FAR) -> bool:
        """Wait to hear something; whether that was in time."""
        if not wait(self.ours, READABLE, time.monotonic() + seconds):
            return False
        self.ours.recv(1)
        return True

    def close(self) -> None:
        self.ours.close()
        self.theirs.close()


@contextmanager
def pairs(number: int) -> Iterator[list[Pair]]:
    made = [Pair() for _ in range(number)]
    yield made
    for pair in made:
        pair.close()


@pytest.fixture
def pair() -> Iterator[Pair]:
    with closing(Pair()) as pair:
        yield pair


# One after the other


def test_a_task_begins_at_once_and_goes_on_up_to_a_wait(pair: Pair) -> None:
    told: list[str] = []

    def work() -> None:
        told.append("begun")
        pair.hear()
        told.append("heard")

    with Crew() as crew:
        task = crew.start(work)
        told.append("started")
        pair.tell()
        task.result()

    assert told == ["begun", "started", "heard"]


def test_a_task_that_never_waits_is_over_when_it_has_started() -> None:
    with Crew() as crew:
        task = crew.start(lambda: 1)

        assert task.result() == 1


def test_while_one_waits_the_others_go_on() -> None:
    told: list[str] = []

    with pairs(2) as (first, second), Crew() as crew:

        def waits_first() -> str:
            first.hear()
            told.append("first")
            return "first"

        def waits_second() -> str:
            second.hear()
            told.append("second")
            first.tell()
            return "second"

        tasks = [crew.start(waits_first), crew.start(waits_second)]
        second.tell()
        results = [task.result() for task in tasks]

    assert told == ["second", "first"]
    assert results == ["first", "second"]


def test_nobody_is_interrupted_between_two_waits() -> None:
    told: list[int] = []

    def work(name: int) -> None:
        for _ in range(3):
            told.append(name)
            told.append(name)
            sleep(0)

    with Crew() as crew:
        for task in [crew.start(lambda name=name: work(name)) for name in range(4)]:  # type: ignore[misc]
            task.result()

    assert told == [name for _ in range(3) for name in range(4) for _ in range(2)]


def test_a_result_may_be_none_and_may_be_asked_for_again() -> None:
    with Crew() as crew:
        task = crew.start(lambda: sleep(0))

        assert [task.result(), task.result()] == [None, None]


def test_one_crew_may_follow_another(pair: Pair) -> None:
    results = []
    for _ in range(2):
        with Crew() as crew:
            task = crew.start(pair.hear)
            pair.tell()
            results.append(task.result())

    assert results == [True, True]


def test_a_task_may_wait_for_one_socket_after_another_and_for_both_events() -> None:
    def work() -> list[bool]:
        until = time.monotonic() + FAR
        return [wait(pair.ours, event, until) for pair in both for event in (WRITABLE, READABLE, WRITABLE)]

    with pairs(2) as both, Crew() as crew:
        for pair in both:
            pair.tell()

        assert crew.start(work).result() == [True] * 6


# Exceptions


class Broken(Exception):
    """What goes wrong in these tests."""


def broken() -> None:
    raise Broken


def test_an_exception_before_the_first_wait_reaches_who_started_the_task() -> None:
    with Crew() as crew, pytest.raises(Broken):
        crew.start(broken)


def test_an_exception_after_a_wait_reaches_who_waits_for_the_task() -> None:
    def work() -> None:
        sleep(0)
        broken()

    with Crew() as crew:
        task = crew.start(work)
        with pytest.raises(Broken):
            task.result()


def test_an_exception_in_one_task_reaches_who_waits_for_another(pair: Pair) -> None:
    def work() -> None:
        sleep(0)
        broken()

    with Crew() as crew:
        task = crew.start(pair.hear)
        crew.start(work)
        with pytest.raises(Broken):
            task.result()


@pytest.mark.parametrize("seconds", [FAR, 0.0], ids=["heard", "too_late"])
def test_an_exception_after_hearing_or_not_hearing_reaches_who_waits(seconds: float, pair: Pair) -> None:
    def work() -> None:
        pair.hear(seconds)
        broken()

    with Crew() as crew:
        crew.start(work)
        if seconds:
            pair.tell()
        with pytest.raises(Broken):
            crew.turn()


def test_what_a_task_catches_reaches_nobody() -> None:
    def work() -> str:
        try:
            sleep(0)
            broken()
        except Broken:
            sleep(0)
        return "caught"

    with Crew() as crew:
        assert crew.start(work).result() == "caught"


def test_an_exception_leaves_the_other_tasks_able_to_go_on() -> None:
    def work() -> None:
        sleep(0)
        broken()

    with pairs(1) as (pair,), Crew() as crew:
        task = crew.start(pair.hear)
        crew.start(work)
        with pytest.raises(Broken):
            crew.turn()
        pair.tell()

        assert task.result()


# The end


def test_leaving_the_crew_ends_what_is_left(pair: Pair) -> None:
    told: list[str] = []

    def work(name: str, rest: Callable[[], object]) -> None:
        try:
            rest()
            told.append(f"{name} went on")
        finally:
            told.append(f"{name} ended")

    with Crew() as crew:
        crew.start(lambda: work("hearing", pair.hear))
        crew.start(lambda: work("sleeping", lambda: sleep(FAR)))
        crew.start(lambda: work("resting", lambda: sleep(0)))
        crew.start(lambda: work("done", lambda: None))

    assert sorted(told) == ["done ended", "done went on", "hearing ended", "resting ended", "sleeping ended"]


def test_an_exception_out_of_the_crew_ends_what_is_left_and_goes_on(pair: Pair) -> None:
    told: list[str] = []

    def work() -> None:
        try:
            pair.hear()
        finally:
            told.append("ended")

    def piece_of_work() -> None:
        with Crew() as crew:
            crew.start(work)
            raise Broken

    with pytest.raises(Broken):
        piece_of_work()

    assert told == ["ended"]


def test_nothing_that_catches_ordinary_exceptions_outlives_its_crew(pair: Pair) -> None:
    told: list[str] = []

    def work() -> None:
        try:
            pair.hear()
        except Exception:
            told.append("caught")

    with Crew() as crew:
        crew.start(work)

    assert told == []


def test_what_goes_wrong_at_one_tasks_end_spares_none_of_the_others() -> None:
    told: list[str] = []

    def work(name: str) -> None:
        try:
            sleep(FAR)
        finally:
            told.append(name)
            broken()

    def piece_of_work() -> None:
        with Crew() as crew:
            for name in ("first", "second", "third"):
                crew.start(lambda name=name: work(name))  # type: ignore[misc]

    with pytest.raises(Broken):
        piece_of_work()

    assert sorted(told) == ["first", "second", "third"]


def lowest_free_file() -> int:
    with socket.socket() as sock:
        return sock.fileno()


def test_a_crew_leaves_no_file_open(pair: Pair) -> None:
    before = lowest_free_file()

    with Crew() as crew:
        crew.start(pair.hear)
        crew.start(lambda: in_thread(lambda: None, time.monotonic() + FAR)).result()

    assert lowest_free_file() <= before


def test_what_came_of_a_task_is_forgotten_by_the_crew_when_it_has_ended() -> None:
    class Result:
        pass

    def work() -> Result:
        sleep(0)
        return Result()

    with Crew() as crew:
        there = weakref.ref(crew.start(work).result())
        gc.collect()

        assert there() is None


def test_a_turn_without_anybody_waiting_is_an_error(pair: Pair) -> None:
    with Crew() as crew:
        with pytest.raises(RuntimeError):
            crew.turn()
        task = crew.start(pair.hear)
        pair.tell()
        task.result()
        with pytest.raises(RuntimeError):
            crew.turn()


# Time


def test_who_sleeps_less_wakes_first() -> None:
    told: list[float] = []
    begun = time.monotonic()

    def work(seconds: float) -> None:
        sleep(begun + seconds - time.monotonic())
        told.append(seconds)

    with Crew() as crew:
        for task in [crew.start(lambda seconds=seconds: work(seconds)) for seconds in (0.06, 0.0, 0.04, 0.02)]:  # type: ignore[misc]
            task.result()

    assert told == [0.0, 0.02, 0.04, 0.06]


def test_who_sleeps_is_not_woken_before_however_much_goes_on(pair: Pair) -> None:
    def work() -> float:
        until = time.monotonic() + 0.02
        sleep(0.02)
        return time.monotonic() - until

    def chatter() -> None:
        while True:
            pair.tell()
            pair.hear()

    with Crew() as crew:
        task = crew.start(work)
        crew.start(chatter)

        assert task.result() >= 0


def test_a_rest_lets_everybody_have_a_turn_and_only_one() -> None:
    told: list[int] = []

    def work(name: int) -> None:
        while True:
            told.append(name)
            sleep(0)

    with Crew() as crew:
        for name in range(3):
            crew.start(lambda name=name: work(name))  # type: ignore[misc]
        crew.turn()
        crew.turn()

    assert told == [0, 1, 2] * 3


def test_who_rests_again_and_again_does_not_keep_others_from_hearing(pair: Pair) -> None:
    told: list[str] = []

    def restless() -> None:
        while True:
            told.append("rest")
            sleep(0)

    with Crew() as crew:
        task = crew.start(pair.hear)
        crew.start(restless)
        pair.tell()
        for _ in range(3):
            crew.turn()

        assert task.dead


def test_who_hears_again_and_again_does_not_keep_others_from_waking() -> None:
    def chatter() -> None:
        while True:
            pair.tell()
            pair.hear()

    def late() -> bool:
        return other.hear(0.02)

    with pairs(2) as (pair, other), Crew() as crew:
        sleeper, waiter = crew.start(lambda: sleep(0.02)), crew.start(late)
        crew.start(chatter)
        sleeper.result()

        assert waiter.result() is False


def test_a_wait_ends_when_the_socket_is_ready_or_at_its_limit() -> None:
    with pairs(2) as (told, silent), Crew() as crew:
        tasks = [crew.start(told.hear), crew.start(lambda: silent.hear(0.02))]
        told.tell()

        assert [task.result() for task in tasks] == [True, False]


def test_what_is_ready_at_its_limit_is_ready(pair: Pair) -> None:
    with Crew() as crew:
        pair.tell()

        assert crew.start(lambda: pair.hear(0.0)).result()


@pytest.mark.parametrize("order", [(FAR, 0.02, 0.04), (0.04, FAR, 0.02), (0.02, 0.04, FAR)])
def test_each_waits_up_to_its_own_limit(order: tuple[float, ...]) -> None:
    with pairs(3) as made, Crew() as crew:
        tasks = {
            seconds: crew.start(lambda pair=pair, seconds=seconds: pair.hear(seconds))  # type: ignore[misc]
            for pair, seconds in zip(made, order, strict=True)
        }
        in_time = [tasks[seconds].result() for seconds in (0.02, 0.04)]
        still_waiting = not tasks[FAR].dead
        made[order.index(FAR)].tell()

        assert (in_time, still_waiting, tasks[FAR].result()) == ([False, False], True, True)


def test_a_limit_holds_again_after_one_was_met(pair: Pair) -> None:
    def work() -> list[bool]:
        return [pair.hear(0.01), pair.hear(0.01), pair.hear(0.01)]

    with Crew() as crew:
        assert crew.start(work).result() == [False, False, False]


def test_a_limit_holds_for_who_waits_while_others_sleep_long(pair: Pair) -> None:
    with Crew() as crew:
        crew.start(lambda: sleep(FAR))

        assert crew.start(lambda: pair.hear(0.02)).result() is False


def test_a_wait_may_have_no_limit(pair: Pair) -> None:
    def work() -> bool:
        return wait(pair.ours, READABLE, NEVER)

    with Crew() as crew:
        task = crew.start(work)
        pair.tell()

        assert task.result()


# Outside a task


def test_outside_a_task_a_wait_blocks_until_the_socket_is_ready_or_its_limit(pair: Pair) -> None:
    too_late = wait(pair.ours, READABLE, time.monotonic() + 0.02)
    teller = threading.Timer(0.02, pair.tell)
    teller.start()
    ready = pair.hear()
    teller.join()

    assert (too_late, ready) == (False, True)
    assert wait(pair.ours, WRITABLE, time.monotonic() - 1)


def test_outside_a_task_a_sleep_blocks() -> None:
    until = time.monotonic() + 0.02

    sleep(0.02)

    assert time.monotonic() >= until


def test_beside_a_crew_a_wait_blocks_and_lets_nobody_go_on(pair: Pair) -> None:
    told: list[str] = []

    def work() -> None:
        sleep(0)
        told.append("went on")

    with Crew() as crew:
        crew.start(work)
        pair.hear(0.0)
        sleep(0)

    assert told == []


# Threads


@pytest.mark.parametrize("in_a_task", [False, True], ids=["alone", "in_a_task"])
def test_what_can_only_block_returns_its_result(in_a_task: bool) -> None:  # noqa: FBT001
    def work() -> int:
        return in_thread(threading.get_ident, time.monotonic() + FAR)

    with Crew() as crew:
        ident = crew.start(work).result() if in_a_task else work()

    assert ident != threading.get_ident()


@pytest.mark.parametrize("in_a_task", [False, True], ids=["alone", "in_a_task"])
def test_what_can_only_block_raises_its_exception(in_a_task: bool) -> None:  # noqa: FBT001
    def work() -> None:
        with pytest.raises(Broken):
            in_thread(broken, time.monotonic() + FAR)

    with Crew() as crew:
        if in_a_task:
            crew.start(work).result()
        else:
            work()


@pytest.mark.parametrize("in_a_task", [False, True], ids=["alone", "in_a_task"])
def test_what_blocks_for_too_long_is_given_up(in_a_task: bool) -> None:  # noqa: FBT001
    go_on, over = threading.Event(), threading.Event()

    def blocking() -> None:
        go_on.wait()
        over.set()

    def work() -> None:
        with pytest.raises(TimeoutError):
            in_thread(blocking, time.monotonic() + 0.02)

    with Crew() as crew:
        if in_a_task:
            crew.start(work).result()
        else:
            work()
    go_on.set()

    assert over.wait(5)


def test_while_one_waits_for_a_thread_the_others_go_on() -> None:
    go_on = threading.Event()

    def work() -> bool:
        return in_thread(lambda: go_on.wait(5), time.monotonic() + FAR)

    with Crew() as crew:
        task = crew.start(work)
        crew.start(go_on.set)

        assert task.result()


def test_a_task_that_is_ended_while_it_waits_for_a_thread_leaves_it_to_its_end() -> None:
    go_on, over = threading.Event(), threading.Event()

    def blocking() -> None:
        go_on.wait()
        over.set()

    with Crew() as crew:
        crew.start(lambda: in_thread(blocking, time.monotonic() + FAR))
    go_on.set()

    assert over.wait(5)


# A law


STEPS = st.sampled_from(["rest", "nap", "hear", "write", "miss", "raise", "thread"])


def take(step: str, pair: Pair) -> object:
    """One step of a task, and whether it came out as it must."""
    match step:
        case "rest":
            sleep(0)
        case "nap":
            sleep(0.0005)
        case "hear":
            pair.tell()
            return pair.hear()
        case "write":
            return wait(pair.ours, WRITABLE, time.monotonic() + FAR)
        case "miss":
            return not pair.hear(0.0)
        case "raise":
            with pytest.raises(Broken):
                broken()
        case "thread":
            return in_thread(lambda: True, time.monotonic() + FAR)
    return True


@given(st.lists(st.lists(STEPS, max_size=6), max_size=8))
def test_however_tasks_take_turns_each_comes_to_its_own_result(plans: list[list[str]]) -> None:
    with pairs(len(plans)) as made, Crew() as crew:

        def work(number: int) -> tuple[int, list[object]]:
            return number, [take(step, made[number]) for step in plans[number]]

        tasks = [crew.start(lambda number=number: work(number)) for number in range(len(plans))]  # type: ignore[misc]
        results = [task.result() for task in tasks]

    assert results == [(number, [True] * len(plan)) for number, plan in enumerate(plans)]


@given(st.lists(st.lists(STEPS, min_size=1, max_size=4), min_size=1, max_size=6), st.integers(0, 8))
def test_whenever_a_crew_is_left_every_task_comes_to_an_end(plans: list[list[str]], turns: int) -> None:
    ended: list[int] = []

    with pairs(len(plans)) as made, Crew() as crew:

        def work(number: int) -> None:
            try:
                for step in plans[number]:
                    take(step, made[number])
                sleep(FAR)
            finally:
                ended.append(number)

        for number in range(len(plans)):
            crew.start(lambda number=number: work(number))  # type: ignore[misc]
        for _ in range(turns):
            crew.start(lambda: sleep(0))
            crew.turn()
        crew.__exit__(None, None, None)

    assert sorted(ended) == list(range(len(plans)))
