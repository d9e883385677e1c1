"""
report.json → report.html: one file for a person, which opens without a network.

What makes the page is imported when a page is made, so a run without `REPORT` loads none of it.
"""

from collections.abc import Mapping
from typing import Any

MAX_BYTES = 2 * 1024 * 1024


def render(report: Mapping[str, Any]) -> bytes:
    """The page as UTF-8, at most MAX_BYTES: a larger one shows fewer rows, and says how many it leaves out."""
    from cos_sweeper.report.page_parts import document

    return document.fitting(report, MAX_BYTES)
