"""
What the report knows of lifecycle rules beyond their coverage: whether they work, and what the rule to add would abort.
"""

import re
from datetime import timedelta

from cos_sweeper.report.page_parts import numbers
from cos_sweeper.report.page_parts.groups import Json

DAYS = re.compile(r"<DaysAfterInitiation>(\d+)</DaysAfterInitiation>")
# COS runs a rule once a day, and may take a day more.
GRACE = timedelta(days=2)
# An upload is active for so many days after its newest part.
ACTIVE_DAYS = 3


def days_of(rule: str) -> int | None:
    """After how many days the rule aborts, None where it does not say."""
    match = DAYS.search(rule)
    return int(match[1]) if match else None


def active_at(report: Json, days: int | None) -> int | None:
    """How many uploads that still receive parts a rule of so many days would have aborted; None where not known."""
    policies, matrix = report["policies"], report["matrix"]
    if days in policies["age_days"] and 0 in policies["idle_days"]:
        cell = policies["cells"][policies["age_days"].index(days)][policies["idle_days"].index(0)]
        if cell is not None:
            return int(cell["active"])
    # A sweep has read the parts of the uploads that are older than its own limit.
    if days is None or days not in matrix["age_days"] or days * 24 < report["settings"]["min_age_hours"]:
        return None
    columns = sum(edge <= ACTIVE_DAYS for edge in matrix["idle_days"])
    rows = matrix["cells"][matrix["age_days"].index(days) + 1 :]
    return sum(int(cell["uploads"]) for row in rows for cell in row[:columns])


def oldest_beyond(report: Json, row: Json) -> float | None:
    """
    The age in seconds of an upload that a rule of this bucket should have aborted long ago; None where none is known.

    row: of the coverage.
    """
    as_of = numbers.moment(report["as_of"])
    rules = [("", row["days"])] if row["state"] == "whole_bucket" else []
    rules += [(one["prefix"], one["days"]) for one in row["prefixes"]]
    ages = []
    for upload in (*report["oldest"], *report["largest"]):
        began = numbers.moment(upload["initiated"])
        if upload["bucket"] != row["bucket"] or as_of is None or began is None:
            continue
        limits = [days for prefix, days in rules if days is not None and upload["key"].startswith(prefix)]
        if limits and as_of - began > timedelta(days=min(limits)) + GRACE:
            ages.append((as_of - began).total_seconds())
    return max(ages, default=None)
