"""
`python -m tests.simulation.over_http.soak --minutes 5 --seed 1`: random worlds against the oracle.

Exits with 1, the seed and the smallest story that was found when the oracle disagrees.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

from tests.emulator.public import Cloud
from tests.simulation.over_http.deployed import DeployedChain, running_deployed
from tests.simulation.over_http.play import Played, Player, running_cloud
from tests.simulation.over_http.verdict import Disagreement, check
from tests.simulation.over_http.world import KINDS, NamedEvent, PlatformFaults, Step, SweepEvent, World, make_world

MAX_REPLAYS = 60
RARE = {0: "late", 5: "paged", 10: "short", 20: "deployed"}
"""The kinds of the worlds of every 25th seed; they take long."""


@dataclass(slots=True)
class Tally:
    """What was done."""

    worlds: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, played: Played) -> None:
        """Count a step."""
        self.counts["events"] += 1
        self.counts["runs"] += len(played.runs)
        self.counts["retries"] += sum(run.attempt > 1 for run in played.runs)
        self.counts["requests"] += len(played.requests)
        self.counts["faults"] += len(played.step.faults)
        self.counts["aborts sent"] += sum(each.operation == "AbortMultipartUpload" for each in played.requests)
        self.counts["uploads dropped"] += sum(each.dropped_bytes is not None for each in played.requests)
        self.counts["uploads left"] += len(played.left)

    def __str__(self) -> str:
        return f"{self.worlds} worlds, " + ", ".join(f"{count} {name}" for name, count in self.counts.items())


@contextmanager
def running_clouds() -> Iterator["Clouds"]:
    """The emulators that worlds are played in, started when the first world needs them."""
    with ExitStack() as stack:
        yield Clouds(stack)


class Clouds:
    """An emulator for chains in this process, and one to which the function is deployed."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._local: Cloud | None = None
        self._deployed: Cloud | None = None

    def player(self, world: World) -> Player:
        """A player for a world, in a fresh cloud."""
        if world.kind == "deployed":
            self._deployed = self._deployed or self._stack.enter_context(running_deployed())
            return Player(self._deployed, world, DeployedChain)
        self._local = self._local or self._stack.enter_context(running_cloud())
        return Player(self._local, world)


def play(
    clouds: Clouds, world: World, tally: Tally | None = None, ignored: Sequence[str] = ()
) -> list[tuple[int, Disagreement]]:
    """Play a world until the oracle disagrees; returns what it disagrees with, and at which step."""
    player = clouds.player(world)
    for number, step in enumerate(_with_calm_end(world.steps)):
        played = player.play(step)
        if tally is not None:
            tally.add(played)
        found = [each for each in check(played) if not each.rule.startswith(tuple(ignored))]
        if found:
            return [(number, each) for each in found]
    return []


def _with_calm_end(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps, and a sweep on a quiet night after them."""
    return (*steps, Step(SweepEvent()))


def shrink(clouds: Clouds, world: World, rule: str) -> World:
    """A world with less in it, in which the oracle still disagrees by the same rule."""
    replays = 0
    smaller = True
    while smaller:
        smaller = False
        for candidate in _smaller(world):
            if replays >= MAX_REPLAYS:
                return world
            replays += 1
            if any(found.rule == rule for _, found in play(clouds, candidate)):
                world, smaller = candidate, True
                break
    return world


def _smaller(world: World) -> Iterator[World]:
    """Worlds with one thing less, the largest things first."""
    for position in range(len(world.steps)):
        kept = world.steps[:position] + world.steps[position + 1 :]
        if position + 1 < len(world.steps):
            # What was planted stays, for others refer to it.
            heir = kept[position]
            kept = (
                *kept[:position],
                replace(heir, plant=world.steps[position].plant + heir.plant),
                *kept[position + 1 :],
            )
        if kept:
            yield replace(world, steps=kept)
    for position, step in enumerate(world.steps):
        for lighter in _lighter(step):
            yield replace(world, steps=(*world.steps[:position], lighter, *world.steps[position + 1 :]))
    for position, (_, value) in enumerate(world.settings):
        if value and world.settings[position][0] not in ("BUCKETS", "DRY_RUN"):
            yield replace(world, settings=world.settings[:position] + world.settings[position + 1 :])


def _lighter(step: Step) -> Iterator[Step]:
    count = len(step.plant)
    for size in (count // 2, count // 4, 1):
        if size:
            for start in range(0, count, size):
                yield replace(step, plant=step.plant[:start] + step.plant[start + size :])
    for position in range(len(step.crowds)):
        yield replace(step, crowds=step.crowds[:position] + step.crowds[position + 1 :])
    for position in range(len(step.faults)):
        yield replace(step, faults=step.faults[:position] + step.faults[position + 1 :])
    plain: list[Callable[[Step], Step]] = [
        lambda each: replace(each, platform_faults=PlatformFaults()),
        lambda each: replace(each, dialect=()),
        lambda each: replace(each, gone_markers="accept"),
        lambda each: replace(each, clock_minutes=0.0),
        lambda each: replace(each, settings=()),
    ]
    for make in plain:
        if make(step) != step:
            yield make(step)
    if isinstance(step.event, NamedEvent) and len(step.event.numbers) > 1:
        for number in step.event.numbers:
            numbers = tuple(each for each in step.event.numbers if each != number)
            yield replace(step, event=replace(step.event, numbers=numbers))


def story(world: World) -> str:
    """A world in words."""
    lines = [f"seed {world.seed}, settings { {name: value for name, value in world.settings if value} }"]
    for position, step in enumerate(world.steps):
        lines.append(f"step {position}: {step.event}")
        lines += [f"    planted {each}" for each in step.plant]
        lines += [f"    planted {each}" for each in step.crowds]
        lines += [f"    fault {each}" for each in step.faults]
        if step.settings:
            lines.append(f"    settings {dict(step.settings)}")
        if not step.platform_faults.is_none:
            lines.append(f"    {step.platform_faults}")
        if step.dialect or step.gone_markers != "accept" or step.clock_minutes:
            lines.append(
                f"    dialect {dict(step.dialect)}, gone markers {step.gone_markers}, clock {step.clock_minutes} min"
            )
    return "\n".join(lines)


def main() -> int:
    """Play worlds until the time is over or the oracle disagrees."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1, help="of the first world; the next ones count on")
    parser.add_argument("--worlds", type=int, help="play so many instead")
    parser.add_argument("--keep-going", action="store_true", help="go on after a disagreement, and count them by rule")
    parser.add_argument("--no-shrink", action="store_true")
    parser.add_argument("--kind", choices=KINDS, help="only worlds of this kind")
    parser.add_argument(
        "--ignore", action="append", default=[], help="a rule, or its beginning, that is known to be broken"
    )
    asked = parser.parse_args()
    tally, found_rules, until = Tally(), Counter[str](), time.monotonic() + asked.minutes * 60
    examples: dict[str, list[int]] = {}
    seed = asked.seed
    with running_clouds() as clouds:
        while time.monotonic() < until if asked.worlds is None else tally.worlds < asked.worlds:
            world = make_world(seed, asked.kind or RARE.get(seed % 25, "usual"))
            found = play(clouds, world, tally, asked.ignore)
            tally.worlds += 1
            if found:
                rule = found[0][1].rule
                found_rules[rule] += 1
                examples.setdefault(rule, []).append(seed)
                if not asked.keep_going:
                    smallest = world if asked.no_shrink else shrink(clouds, world, rule)
                    show(clouds, smallest, found)
                    return 1
            seed += 1
    sys.stdout.write(f"{tally}\n")
    for rule, count in found_rules.most_common():
        sys.stdout.write(f"{count} times {rule}: seeds {examples[rule][:12]}\n")
    return 1 if found_rules else 0


def show(clouds: Clouds, world: World, first_found: list[tuple[int, Disagreement]]) -> None:
    """Print what was found."""
    again = play(clouds, world) or first_found
    sys.stdout.write(f"seed {world.seed}: the oracle disagrees\n")
    for position, each in again:
        sys.stdout.write(f"  step {position}: {each}\n")
    sys.stdout.write(story(world) + "\n")


if __name__ == "__main__":
    sys.exit(main())
