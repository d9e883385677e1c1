"""
A report.json as a chain ends with it, and what makes it another one.
"""

from typing import Any

NOTHING: dict[str, Any] = {"uploads": 0, "bytes": 0, "size_unknown": 0, "per_month": None}
GROUPS = ("open", "found", "freed", "left", "failed", "kept")
RUN_ID = "20261122T120000Z-0123abcd"


def measure(uploads: int, size: int = 0, **others: Any) -> dict[str, Any]:
    return {**NOTHING, "uploads": uploads, "bytes": size, **others}


def report(**changes: Any) -> dict[str, Any]:
    """A complete sweep that found nothing, changed. A group's name changes its total."""
    totals = {name: changes.pop(name, NOTHING) for name in GROUPS}
    return {
        "schema": 1,
        "version": "1.0.0",
        "run_id": RUN_ID,
        "kind": "sweep",
        "dry_run": False,
        "status": "complete",
        "began": "2026-11-22T12:00:00+00:00",
        "as_of": "2026-11-22T12:00:00+00:00",
        "ended": "2026-11-22T12:01:00+00:00",
        "runs": 1,
        "shards": {"count": 1, "finished": 1, "missing": []},
        "stopped_because": "",
        "warnings": [],
        "not_swept": [],
        "price": None,
        "totals": totals,
        "buckets": [{"bucket": "photos-1250000000@ap-guangzhou"}],
        "failures": [],
        **changes,
    }


def failure(code: str, uploads: int = 1, **example: Any) -> dict[str, Any]:
    return {"code": code, "uploads": uploads, "bytes": 0, "permanent": True, "examples": [example]}
