"""
The results of the mutants; and the survivors that are known to be harmless.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.making import Mutant
from tests.mutants.running import Ended

HARMLESS = Path(__file__).parent / "harmless.txt"
MIN_KILLED = 0.9

Key = tuple[str, str, str]


def harmless(text: str) -> dict[Key, str]:
    """
    The survivors that are judged harmless, each with the reason.

    Blocks with an empty line between them: the function, the old line, one change or more, and `because …`. What comes
    before the first empty line is about the file itself.
    """
    known: dict[Key, str] = {}
    for block in text.split("\n\n")[1:]:
        where, old, *changes, reason = block.strip().splitlines()
        if not changes or not reason.startswith("because "):
            raise ValueError(f"not a function, a line, changes and a reason: {block!r}")
        known.update(((where, old.strip(), change.strip()), reason.removeprefix("because ")) for change in changes)
    return known


@dataclass(frozen=True, slots=True)
class Totals:
    """A module's mutants, counted."""

    mutants: int
    killed: int
    hung: int
    explained: int
    unexplained: int


def total(tested: Iterable[Ended], known: Mapping[Key, str]) -> Totals:
    """Count them."""
    every = list(tested)
    survived = [one for one in every if one.survived]
    explained = sum(one.mutant.key in known for one in survived)
    hung = sum(one.result == "hung" for one in every)
    return Totals(len(every), len(every) - len(survived), hung, explained, len(survived) - explained)


def shown(mutant: Mutant) -> str:
    """A mutant as one line."""
    return f"{mutant.module}:{mutant.line}  {mutant.old}\n    {mutant.change}"


def lines_of(tested: list[Ended], known: Mapping[Key, str]) -> Iterator[str]:
    """The table by module, and what is left to work off."""
    modules = list(dict.fromkeys(one.mutant.module for one in tested))
    yield f"{'module':12}{'mutants':>9}{'killed':>9}{'of them hung':>14}{'harmless':>10}{'not explained':>15}"
    for module in [*modules, "all"]:
        one = total((one for one in tested if module in ("all", one.mutant.module)), known)
        yield f"{module:12}{one.mutants:9}{one.killed:9}{one.hung:14}{one.explained:10}{one.unexplained:15}"
    survived = [one.mutant for one in tested if one.survived]
    explained = [mutant for mutant in survived if mutant.key in known]
    if explained:
        yield "\nsurvived, harmless:"
        yield from (f"{shown(mutant)}\n    because {known[mutant.key]}" for mutant in explained)
    noticed = {one.mutant.key for one in tested if not one.survived}
    superfluous = [key for key in known if key in noticed and key not in {mutant.key for mutant in survived}]
    if superfluous:
        yield "\nsaid to be harmless, but noticed:"
        yield from ("  ".join(key) for key in superfluous)
    unexplained = [mutant for mutant in survived if mutant.key not in known]
    if unexplained:
        yield "\nsurvived, not explained:"
        yield from (f"{shown(mutant)}\n    in {mutant.where}" for mutant in unexplained)


def is_well(tested: list[Ended], known: Mapping[Key, str]) -> bool:
    """Enough are killed, and every survivor has a reason."""
    one = total(tested, known)
    return one.killed >= MIN_KILLED * one.mutants and not one.unexplained
