"""
`docs/report.schema.json`, as a check.
"""

import json
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from tests.fixtures import ROOT

SCHEMA = json.loads((ROOT / "docs/report.schema.json").read_text("utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=FormatChecker())


def problems(report: dict[str, Any]) -> list[str]:
    """Where a report.json is not as the schema says, [] if it is."""
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(report)]
