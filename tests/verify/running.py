"""
A run: the checks one after the other, and the clean-up, whatever happens in between.
"""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from cos_sweeper.core.errors import RequestRejected, Stopped, StoreError, Unavailable
from tests.verify.cleanup import Cleaned, clean
from tests.verify.outcome import (
    CannotTell,
    Check,
    Contradicted,
    Different,
    NotChecked,
    Outcome,
    OutOfBounds,
    Result,
    Unanswered,
)
from tests.verify.world import ATTEMPTS, World

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# After so many checks in a row without an answer the rest is not tried: each would wait as long.
MAX_UNANSWERED = 4


@dataclass(slots=True)
class Run:
    """What came of a run. interrupted: a signal ended it. defect: '' or why it ended although nobody asked for it."""

    results: list[Result] = field(default_factory=list)
    cleaned: Cleaned = field(default_factory=Cleaned)
    interrupted: bool = False
    defect: str = ""


async def verify(world: World, checks: Sequence[Check], tell: Callable[[Result], object] = lambda _: None) -> Run:
    """Carry out the checks, and clean up. tell: is called with each result as soon as it is there."""
    run, signals = Run(), _Signals()
    with signals:
        try:
            run.interrupted = not await signals.finish(_check_all(world, checks, run, tell))
        except Exception as exc:
            # The text of an exception may quote a request.
            run.defect = world.sender.violation or type(exc).__name__
        if not await signals.finish(_clean(world, run)):
            run.interrupted = True
            run.cleaned.left.append("the clean-up was interrupted")
    await world.close()
    done = {one.check.name for one in run.results}
    why = "the run was interrupted" if run.interrupted else "the run ended early"
    run.results += [Result(one, NotChecked(why)) for one in checks if one.name not in done]
    return run


async def _clean(world: World, run: Run) -> None:
    if world.sender.may_have_made:
        run.cleaned = await clean(world, objects=world.made_objects)


async def _check_all(world: World, checks: Sequence[Check], run: Run, tell: Callable[[Result], object]) -> None:
    unanswered = 0
    for check in checks:
        if unanswered >= MAX_UNANSWERED:
            outcome: Outcome = NotChecked("COS answered nothing before, so this was not tried")
        else:
            outcome, is_answered = await outcome_of(world, check)
            unanswered = 0 if is_answered else unanswered + 1
        run.results.append(Result(check, outcome))
        tell(run.results[-1])


async def outcome_of(world: World, check: Check) -> tuple[Outcome, bool]:
    """What comes of one check, and whether COS answered. A check without an answer is tried again, from its start."""
    why = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            await world.options.sleep(2.0 * attempt)
        try:
            world.turn += 1
            outcome = await check.run(world)
            _raise_violation(world)
            return outcome, True
        except CannotTell as exc:
            return NotChecked(str(exc)), True
        except Contradicted as exc:
            return Different(str(exc)), True
        except Stopped as exc:
            return _of_error(exc), True
        except (Unanswered, Unavailable) as exc:
            why = str(exc)
        except (StoreError, RequestRejected) as exc:
            _raise_violation(world)
            return _of_error(exc), True
    return NotChecked(f"COS did not answer: {why}"), False


def _raise_violation(world: World) -> None:
    if world.sender.violation:
        raise OutOfBounds(world.sender.violation)


def _of_error(exc: StoreError | RequestRejected) -> Outcome:
    if isinstance(exc, Stopped):
        return NotChecked(f"COS does not accept the credentials or this machine's clock ({exc.code})")
    if isinstance(exc, StoreError) and exc.code == "AccessDenied":
        return NotChecked(f"these credentials lack {exc.action or 'a permission'} (403 AccessDenied)")
    return Different(f"the function's store: {exc}")


class _Signals:
    """A signal ends the step that is under way, and the next one begins. A context around all steps."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None
        self._handled: list[signal.Signals] = []

    def __enter__(self) -> "_Signals":
        for one in SIGNALS:
            with suppress(NotImplementedError, RuntimeError, ValueError):  # outside of the main thread
                asyncio.get_running_loop().add_signal_handler(one, self.press)
                self._handled.append(one)
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._handled:
            asyncio.get_running_loop().remove_signal_handler(one)

    def press(self) -> None:
        """A signal came."""
        if self._task is not None:
            self._task.cancel()

    async def finish(self, step: Coroutine[Any, Any, None]) -> bool:
        """Carry out a step; False where a signal ended it. Raises what the step raises."""
        self._task = asyncio.ensure_future(step)
        try:
            await self._task
        except asyncio.CancelledError:
            return False
        finally:
            self._task = None
        return True
