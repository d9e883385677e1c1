"""
What happened in a world, in figures.
"""

from dataclasses import asdict, dataclass

from cos_sweeper.core.outcomes import Kept
from tests.simulation.in_memory.store import Run


@dataclass(slots=True)
class Tally:
    """Decisions are the outcomes that runs reported, one for each upload that a run evaluated."""

    worlds: int = 0
    steps: int = 0
    events: int = 0
    chains: int = 0
    runs: int = 0
    deaths: int = 0
    faults: int = 0
    requests: int = 0
    decisions: int = 0
    kept: int = 0
    aborts: int = 0

    def of_run(self, run: Run) -> None:
        """A run ended."""
        self.runs += 1
        self.decisions += len(run.outcomes)
        self.kept += sum(isinstance(outcome, Kept) for outcome, _ in run.outcomes)
        self._of_any(run)

    def of_death(self, run: Run) -> None:
        """A run died; its outcomes are in no report."""
        self.deaths += 1
        self.runs += 1
        self._of_any(run)

    def line(self) -> str:
        """All of it, for people."""
        return ", ".join(f"{count:,} {name}" for name, count in asdict(self).items())

    def _of_any(self, run: Run) -> None:
        self.requests += sum(run.requests.values())
        self.aborts += len(run.freed) + len(run.lost)
        self.faults += sum(run.struck.values()) + len(run.broken)
