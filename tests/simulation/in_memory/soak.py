"""
The world of `test_world`, larger and for as long as you like: `python -m tests.simulation.in_memory.soak --minutes 10`.

Each round has a seed of its own, which is printed when a law is broken. Ctrl-C ends it with the figures so far.
"""

import argparse
import sys
import time
import traceback
from collections.abc import Callable
from random import SystemRandom
from typing import ClassVar

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.simulation.in_memory.machine import World
from tests.simulation.in_memory.tally import Tally

WORLDS_A_ROUND = 25
STEPS_A_WORLD = 60
SECONDS_A_LINE = 10


class LargeWorld(World):
    """Crowds of up to hundreds of uploads, some thousands together."""

    scale = 40
    crowd = 2400
    tally = Tally()


class Watched(LargeWorld):
    """A world that prints its progress now and then."""

    failure_events: ClassVar[float] = time.monotonic()
    is_broken: ClassVar[bool] = False

    def teardown(self) -> None:
        # The exit status must show a broken law also when the search for a simpler example is interrupted.
        Watched.is_broken = Watched.is_broken or isinstance(sys.exc_info()[1], Exception)
        super().teardown()
        if time.monotonic() - Watched.failure_events >= SECONDS_A_LINE:
            Watched.failure_events = time.monotonic()
            say(self.tally.line())


def a_round(number: int) -> None:
    """Some worlds, one after the other. Raises what breaks a law, with what led to it."""
    how = settings(
        max_examples=WORLDS_A_ROUND,
        stateful_step_count=STEPS_A_WORLD,
        database=None,
        derandomize=False,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    run: Callable[..., None] = run_state_machine_as_test  # it has no types of its own
    try:
        run(seed(number)(Watched), settings=how)
    except Exception:
        say(f"a law was broken in the round of --seed {number}")
        raise


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Run until enough; 1 when a law was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.in_memory.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, help="for so long")
    parser.add_argument("--decisions", type=int, help="until so many uploads were judged")
    parser.add_argument("--seed", type=int, help="of the first round; any if left out")
    asked = parser.parse_args()
    minutes = 10.0 if asked.minutes is None and asked.decisions is None else asked.minutes
    began, tally = time.monotonic(), LargeWorld.tally

    def is_enough() -> bool:
        in_time = minutes is not None and time.monotonic() - began >= 60 * minutes
        return in_time or (asked.decisions is not None and tally.decisions >= asked.decisions)

    number = SystemRandom().randrange(1 << 31) if asked.seed is None else asked.seed
    try:
        while not is_enough():
            a_round(number)
            number += 1
    except KeyboardInterrupt:
        pass
    except Exception as exc:
        Watched.is_broken = True
        say(traceback.format_exc())
        # What led to it stands in the notes, which only later Pythons print by themselves.
        if sys.version_info < (3, 11):
            say("\n".join(getattr(exc, "__notes__", ())))
    say(f"{tally.line()}, {time.monotonic() - began:.0f} seconds")
    return int(Watched.is_broken)


if __name__ == "__main__":
    sys.exit(main())
