"""
A report.json that is none: what is in a directory can be anything.
"""

import json

import pytest

from tests.command import Command
from tests.emulator.public import Cloud
from tests.function import PHOTOS


@pytest.mark.parametrize("part", ["totals", "settings", "matrix", "prefixes", "buckets", "left_by_reason", "warnings"])
def test_report_with_a_part_that_is_null_is_no_defect(part: str, cloud: Cloud, command: Command) -> None:
    cloud.seed(PHOTOS.partition("@")[0], "a", hours_since_start=400)
    assert command("inventory", "--bucket", PHOTOS, "--records", "out").exit_code == 0
    (path,) = (command.folder / "out").glob("*/report.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), part: None}))

    whole = [command("report", *more, "--records", "out") for more in (["latest"], ["latest", "--html", "x.html"], [])]

    assert not any("defect" in ran.stderr for ran in whole)
    assert all(ran.exit_code in (0, 1, 3) for ran in whole)
