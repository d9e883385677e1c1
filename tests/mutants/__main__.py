"""
Breaks every single guard of the code, one at a time, and says which the tests do not miss.

    python -m tests.mutants [MODULE …] [--jobs N] [--sample N] [--list]
"""

import argparse
import os
import random
import sys
from collections.abc import Iterable

from tests.mutants.making import Mutant, mutants
from tests.mutants.results import HARMLESS, harmless, is_well, lines_of, shown
from tests.mutants.running import PACKAGE, ROOT, TESTS, Ended, NotGreen, run


def main() -> int:
    """Exit status: 0 when nearly all are noticed and the others explained, 1 otherwise, 2 when the tests are red."""
    arguments = _arguments()
    chosen = [mutant for module in arguments.modules or TESTS for mutant in _mutants_of(module)]
    if arguments.sample is not None and arguments.sample < len(chosen):
        kept = set(random.Random(0).sample(range(len(chosen)), arguments.sample))
        chosen = [mutant for path, mutant in enumerate(chosen) if path in kept]
    if arguments.list:
        _write(shown(mutant) for mutant in chosen)
        return 0
    known = harmless(HARMLESS.read_text("utf-8"))
    try:
        tested = run(chosen, arguments.jobs, _print)
    except NotGreen as exc:
        sys.stderr.write(f"the tests are not green without any mutant:\n{exc}\n")
        return 2
    _write(lines_of(tested, known))
    return 0 if is_well(tested, known) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__.strip().splitlines()[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(TESTS)}; all of them by default")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="as many processes at once")
    parser.add_argument("--sample", type=int, help="only so many mutants, the same ones each time")
    parser.add_argument("--list", action="store_true", help="show the mutants and run nothing")
    arguments = parser.parse_args()
    unknown = [module for module in arguments.modules if module not in TESTS]
    if unknown:
        parser.error(f"no tests are known for {', '.join(unknown)}")
    return arguments


def _mutants_of(module: str) -> list[Mutant]:
    return mutants(module, (ROOT / PACKAGE / f"{module}.py").read_text("utf-8"))


def _print(tested: Ended) -> None:
    """Show the progress."""
    sys.stderr.write(f"survived: {shown(tested.mutant)}\n" if tested.survived else ".")
    sys.stderr.flush()


def _write(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
