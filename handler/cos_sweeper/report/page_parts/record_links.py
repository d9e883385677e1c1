"""
Which commands stand beside the numbers of a report, and whether they print as many lines.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property

from cos_sweeper.report.page_parts import commands, groups, words
from cos_sweeper.report.page_parts.groups import GROUPS, Json, Sum


class RecordLinks:
    """The records of a report. totals: its groups as sums."""

    one = Sum(uploads=1)  # what a link to a single record is about

    def __init__(self, report: Json, totals: Mapping[str, Sum]) -> None:
        self.report, self.totals = report, totals
        self.is_inventory = report["kind"] == "inventory"

    def lines(self, names: Sequence[str], *texts: str) -> str:
        """The command for the records of these groups that have each of the texts."""
        outcomes = [one for name in names for one in commands.OUTCOMES[name] if one in self.report["outcomes"]]
        return commands.lines(outcomes, *texts) if outcomes else ""

    def lines_of_shown(self, *texts: str) -> str:
        """The same for what the pictures of prefixes and initiators show."""
        return self.lines(GROUPS if self.is_inventory else groups.FOUND, *texts)

    def lines_of_reason(self, reason: str) -> str:
        """The command for what was kept for this reason; '' where a sweep writes no records of it."""
        if not self.has_lines(reason):
            return ""
        if reason == words.NEW_PART:
            return commands.lines_with_any((commands.field("reason", reason), '"outcome":"still_receiving"'))
        return commands.lines(("kept",), commands.field("reason", reason))

    def has_lines(self, reason: str) -> bool:
        """Whether uploads that are kept for this reason have records."""
        return self.is_inventory or reason in words.STILL_IN_USE

    @cached_property
    def kept_with_lines(self) -> Sum:
        """What was kept and has records."""
        return groups.total(
            groups.read(sum_) for reason, sum_ in self.report["kept_by_reason"].items() if self.has_lines(reason)
        )

    @cached_property
    def without_lines(self) -> int:
        """How many uploads have no record."""
        return self.totals["kept"].uploads - self.kept_with_lines.uploads

    def is_exact(self, sum_: Sum) -> bool:
        """Whether each of these uploads has a record: one that is still there has none if its parts were not read."""
        return self.is_inventory or not sum_.size_unknown or not self.totals["left"].size_unknown
