"""
What an abort and a swept upload cost in this checkout and in another one, measured in turn.

The other one needs the same calls in `tests.bench.ours`. Both use this interpreter, its packages and this responder.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import rows, table
from tests.bench.figures import Figures, read
from tests.bench.serving import serving
from tests.bench.terminal import progress, show
from tests.bench.workshop import ROOT, environment

MIB = 1 << 20
SECONDS = 2.0
UPLOADS = 5000


@dataclass(frozen=True, slots=True)
class Case:
    """uploads: in the bucket that is swept; 0 where uploads are only aborted."""

    name: str
    delay_ms: int
    in_flight: int = 64
    tls: bool = False
    uploads: int = 0


CASES = (
    Case("sweep, answers at once", 0, uploads=UPLOADS),
    Case("sweep, answers after 20 ms", 20, uploads=UPLOADS),
    Case("aborts, answers at once", 0),
    Case("aborts, answers after 20 ms", 20),
    Case("aborts over TLS, answers after 20 ms", 20, tls=True),
    Case("aborts over TLS, 20 ms, 256 in flight", 20, 256, tls=True),
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, help="the other checkout")
    parser.add_argument("--rounds", type=int, default=5, help="how often each case is measured in each checkout")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.executable, "-m", "tests.bench.certificate", name], cwd=ROOT, env=environment(), check=True)
        show(
            table.section(
                f"CPU, calls a second, peak memory: the best of {given.rounds}; Python {sys.version.split()[0]}"
            )
        )
        for case in CASES:
            progress(case.name)
            show(_lines(case, _measured(case, (given.other.resolve(), ROOT), given.rounds, folder)))


def _measured(case: Case, trees: Sequence[Path], rounds: int, folder: Path) -> list[list[Figures]]:
    """The figures of each checkout. Which one begins changes from round to round."""
    found: list[list[Figures]] = [[] for _ in trees]
    for number in range(rounds):
        for place in sorted(range(len(trees)), reverse=bool(number % 2)):
            found[place].append(_once(case, trees[place], folder))
    return found


def _once(case: Case, tree: Path, folder: Path) -> Figures:
    with serving(case.delay_ms, case.uploads, folder / "server.pem" if case.tls else None) as served:
        ca = str(folder / "ca.pem") if case.tls else None
        work = (
            f"ours.tell_sweep({served.port}, {case.uploads}, {case.in_flight})"
            if case.uploads
            else f"print(ours.aborts({served.port}, {case.in_flight}, {SECONDS}, {ca!r}).line())"
        )
        paths = {"PYTHONPATH": f"{tree / 'handler'}:{tree}"}
        return read(rows.output([sys.executable, "-c", f"from tests.bench import ours; {work}"], paths, tree))


def _lines(case: Case, found: Sequence[Sequence[Figures]]) -> list[str]:
    """The best of the rounds stands for each: what else the machine does only ever makes one worse."""
    (cpu, rate, peak), (own_cpu, own_rate, own_peak) = (
        (min(one.cpu_us for one in some), max(one.rate for one in some), min(one.peak_bytes for one in some))
        for some in found
    )
    return table.grid(
        (case.name, "the other", "this", "change"),
        [
            ("  CPU of one", f"{cpu:.0f} µs", f"{own_cpu:.0f} µs", f"{own_cpu / cpu - 1:+.1%}"),
            ("  a second", f"{rate:,.0f}", f"{own_rate:,.0f}", f"{own_rate / rate - 1:+.1%}"),
            ("  peak memory", f"{peak / MIB:.1f} MiB", f"{own_peak / MIB:.1f} MiB", f"{(own_peak - peak) / MIB:+.1f}"),
        ],
    )


if __name__ == "__main__":
    main()
