"""
Which version ran: the report and the log say it.
"""

import re
from pathlib import Path

from tests.function import Function, timer

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_report_and_last_log_line_name_the_version_of_the_project(function: Function) -> None:
    (stated,) = re.findall(r'(?m)^version = "(.*)"$', PROJECT.read_text("utf-8"))

    result = function(timer())

    assert result.report["version"] == stated
    assert [line["version"] for line in result.lines("run.finished")] == [stated]
