"""
What the objects under the report prefix tell of all chains.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from cos_sweeper.report.record import Record
from cos_sweeper.report.record_reader import RecordReader
from tests.emulator.public import Cloud
from tests.function import PHOTOS
from tests.integration.objects import contents

REPORTS = "reports"


@dataclass(slots=True)
class Stored:
    """The objects under the report prefix, by their names below it."""

    objects: dict[str, bytes]

    async def get(self, name: str) -> bytes | None:
        return self.objects.get(name)

    async def names(self, prefix: str, after: str = "", pages: int = 1000) -> list[str]:  # noqa: ARG002
        return sorted(name for name in self.objects if name.startswith(prefix) and name > after)

    @property
    def run_ids(self) -> list[str]:
        return sorted({name.partition("/")[0] for name in self.objects} - {"history"})


@dataclass(slots=True)
class Told:
    """
    What the objects tell. reports: report.json of each chain; last: the record of an upload that counts, of the last
    chain that has one; outcomes: all that its records say.
    """

    stored: Stored
    reports: dict[str, dict[str, Any]] = field(default_factory=dict)
    last: dict[str, Record] = field(default_factory=dict)
    outcomes: dict[str, set[str]] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Whether every chain of the history has a report."""
        entries = [json.loads(body) for name, body in self.stored.objects.items() if name.startswith("history/")]
        return all(one["status"] != "running" for one in entries)


async def told(cloud: Cloud) -> Told:
    start = f"{REPORTS}/"
    objects = {key[len(start) :]: body for key, body in contents(cloud, PHOTOS, start).items()}
    result = Told(Stored(objects))
    for run_id in result.stored.run_ids:
        if f"{run_id}/report.json" in objects:
            result.reports[run_id] = json.loads(objects[f"{run_id}/report.json"])
        reader = RecordReader(result.stored, run_id)
        async for one in reader.uploads():
            result.last[one.upload_id] = one
        async for one in reader.every():
            result.outcomes.setdefault(one.upload_id, set()).add(one.outcome)
        assert reader.problems == []
    return result
