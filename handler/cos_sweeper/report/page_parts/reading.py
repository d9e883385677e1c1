"""
What every view of a report begins with, on the page and in a terminal.
"""

from cos_sweeper.report.page_parts import answers, groups
from cos_sweeper.report.page_parts.groups import Json


class Reading:
    """
    A report that is read. aborts_nothing: it is of an inventory or a dry run. currency: '' without prices.

    totals: by name; lower bounds where a part of the chain is missing.
    """

    def __init__(self, report: Json) -> None:
        self.report = report
        self.is_inventory = report["kind"] == "inventory"
        self.aborts_nothing = self.is_inventory or bool(report["dry_run"])
        self.currency = report["price"]["currency"] if report["price"] else ""
        self.totals = {name: groups.read(sum_) for name, sum_ in report["totals"].items()}
        if answers.is_lower_bound(report):
            self.totals = {name: sum_.least() for name, sum_ in self.totals.items()}
