"""
What an event asks for, and the runs that follow from it.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cos_sweeper.model import Upload
from tests.world.door import Run
from tests.world.terms import Rules, Skews, Terms


@dataclass(frozen=True, slots=True)
class Wish:
    """What an event asks for: by which terms, and how many asks in it are to be refused."""

    raw: dict[str, Any]
    terms: tuple[Terms, ...]
    refused: int = 0


@dataclass(slots=True, eq=False)
class Chain:
    """
    Runs that follow from one attempt at one event.

    present: the uploads that were there when it began; since: how many changes there had been. disturbed: why it may
    tell more or less than one outcome for each upload, '' while it must not. waiting: hand-ons not delivered yet.
    """

    wish: Wish
    rules: Rules
    as_of: datetime
    skews: Skews
    present: dict[str, Upload]
    since: int
    run_id: str
    roomy: bool
    disturbed: str = ""
    waiting: int = 0
    runs: list[Run] = field(default_factory=list)
