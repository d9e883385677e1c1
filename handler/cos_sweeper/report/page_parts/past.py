"""
The runs of the past as bars with one scale.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cos_sweeper.report.page_parts import numbers
from cos_sweeper.report.page_parts.groups import Json

# How many bars of the history have a label, on a screen and on a phone.
LABELS, FEW_LABELS = 15, 6


@dataclass(frozen=True, slots=True)
class Night:
    """A run: what it freed, and below it what it left, in SVG's percent.

    is_whole: it ended. is_shown: its bar has a label; is_few: on a phone, too.
    """

    run: Json
    x: str
    middle: str
    width: str
    top: str
    freed: str
    left_top: str
    left: str
    label: str
    date: str
    is_whole: bool
    is_shown: bool
    is_few: bool


class Past:
    """The history of a report, oldest first."""

    def __init__(self, runs: Sequence[Json]) -> None:
        largest = max((run["found_bytes"] for run in runs), default=0)
        self.unit = numbers.unit_for([largest])
        self.nights = [self._night(number, len(runs), run, largest) for number, run in enumerate(runs)]

    def _night(self, number: int, count: int, run: Json, largest: int) -> Night:
        found, freed = run["found_bytes"], min(run["freed_bytes"], run["found_bytes"])
        moment = numbers.moment(run["as_of"])
        return Night(
            run,
            numbers.percent(number + 0.08, count),
            numbers.percent(number + 0.5, count),
            numbers.percent(0.84, count),
            numbers.percent(largest - found, largest),
            numbers.percent(freed, largest),
            numbers.percent(largest - found + freed, largest),
            numbers.percent(found - freed, largest),
            self.unit.show(found),
            f"{moment:%m-%d}" if moment else "",
            run["status"] != "running",
            (count - 1 - number) % -(-count // LABELS) == 0,
            (count - 1 - number) % -(-count // FEW_LABELS) == 0,
        )

    @property
    def growth(self) -> str:
        """
        By how much each run finds more than the one before while none of them aborts; '' where it does not grow.

        A run that did not end is a step, too.
        """
        whole = [(number, night.run) for number, night in enumerate(self.nights) if night.is_whole]
        if len(whole) < 3 or any(run["freed_bytes"] for _, run in whole[:-1]):
            return ""
        (first, oldest), (last, newest) = whole[0], whole[-1]
        change = (newest["found_bytes"] - oldest["found_bytes"]) // (last - first)
        return numbers.size(change) if change > 0 else ""
