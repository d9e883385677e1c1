"""
What an event asks for, and the runs that follow from it.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cos_sweeper.core.model import Upload
from cos_sweeper.scf.events import Source
from tests.simulation.in_memory.store import Run
from tests.simulation.in_memory.terms import Rules, Terms


@dataclass(frozen=True, slots=True)
class Expectation:
    """What an event should lead to: under which terms, and how many of its requests are rejected."""

    raw: dict[str, Any]
    terms: tuple[Terms, ...]
    rejected: int = 0
    is_sweep: bool = False

    @property
    def named(self) -> tuple[Upload, ...]:
        """The uploads that it names, in its order."""
        return tuple(terms.upload for terms in self.terms if terms.upload is not None)


@dataclass(slots=True, eq=False)
class Chain:
    """
    Runs that follow from one attempt at one event.

    source: where the event came from. as_of: when it began, by our clock. present: the uploads that were there when
    it began; since: how many changes there had been. twice: why an outcome may be reported more than once, '' while it
    must not. lost: why an outcome may be in no report. narrowed: the settings changed since it began. waiting:
    continuations not delivered yet. failure_events: how many events that only raise were accepted; raised: how many
    runs raised.
    """

    expectation: Expectation
    source: Source
    rules: Rules
    as_of: datetime
    present: dict[str, Upload]
    since: int
    run_id: str
    roomy: bool
    twice: str = ""
    lost: str = ""
    narrowed: bool = False
    waiting: int = 0
    failure_events: int = 0
    raised: int = 0
    runs: list[Run] = field(default_factory=list)
