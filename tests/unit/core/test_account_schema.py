"""
report.json is as its JSON Schema says.
"""

import json
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cos_sweeper.core.account import Observation
from cos_sweeper.core.policy import Policy
from cos_sweeper.core.price import Price
from tests.laws.accounts import account_of, observations
from tests.profiles import examples
from tests.schema import SCHEMA, VALIDATOR, problems

LIMITS = Policy(min_age=timedelta(days=7), min_idle=timedelta(days=3))


def whole(sums: dict[str, Any]) -> dict[str, Any]:
    """A report.json around the sections of an account."""
    return {
        "schema": 1, "version": "1.0.0", "run_id": "r", "kind": "sweep", "dry_run": False, "status": "complete",
        "began": "2026-11-22T12:00:00+00:00", "as_of": "2026-11-22T12:00:00+00:00",
        "ended": "2026-11-22T12:00:00+00:00", "runs": 1, "shards": {"count": 1, "finished": 1, "missing": []},
        "stopped_because": "", "warnings": [], "not_swept": [],
        "settings": {
            "min_age_hours": 168, "min_idle_hours": 72, "buckets": "*", "prefixes": [], "exclude_prefixes": [],
            "max_aborts": None, "verify": "recent", "record_keys": "plain",
        },
        "price": Price("USD", (("*", 0.5),)).as_json(), **sums,
        "coverage": None, "rule_to_add": "", "history": [], "overlapping": [], "records": [],
    }  # fmt: skip


@settings(max_examples=examples(8))
@given(seen=st.lists(observations(), max_size=20), inventory=st.booleans())
def test_account_is_as_its_schema_says(seen: list[Observation], *, inventory: bool) -> None:
    VALIDATOR.check_schema(SCHEMA)
    account = account_of(seen, inventory=inventory)
    account.add_failed_listing(None, "AccessDenied", {"status": 403, "permanent": True})
    sums = account.as_json(LIMITS, Price("USD", (("STANDARD", 0.5),)))

    assert problems(whole(sums)) == []
    assert problems(whole({**sums, "totals": {}})) != []
    json.dumps(sums, ensure_ascii=False, allow_nan=False).encode()
