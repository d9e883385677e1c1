"""
What REPORT adds to a run: records, the account of the chain, the page, and the message about it.

Puts the parts of `report` together, as `app` does with the whole. Imported only where a run is recorded: by the
function under REPORT, by the terminal command also in a directory.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from cos_sweeper.core import coverage as core_coverage
from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.model import Bucket
from cos_sweeper.core.plan import Plan
from cos_sweeper.core.price import Price
from cos_sweeper.core.redaction import Redactor
from cos_sweeper.core.report import Report
from cos_sweeper.core.run_facts import EVENT, INVENTORY, SWEEP, RunFacts
from cos_sweeper.core.settings import Settings
from cos_sweeper.cos.sdk_store import CosStore
from cos_sweeper.engine import coverage
from cos_sweeper.report import notifier, page
from cos_sweeper.report.completion import Completion
from cos_sweeper.report.log import Log
from cos_sweeper.report.report_folder import Folder
from cos_sweeper.report.report_store import ReportStore
from cos_sweeper.report.run_recorder import Identity, RunRecorder

HOUR_SECONDS = 3600
# Makes the folder that a run is recorded in, with what says how long one object may take.
FolderMaker = Callable[[Callable[[], Deadline]], Folder]


class Recording(RunRecorder):
    """
    Records one run of a plan, and finishes the reports of its chain.

    folder: where it is recorded. buckets: that the settings allow.
    """

    def __init__(
        self,
        plan: Plan,
        settings: Settings,
        folder: FolderMaker,
        buckets: Sequence[Bucket],
        store: CosStore,
        deadline: Deadline,
        log: Log,
        redactor: Redactor,
        reports: ReportStore,
    ) -> None:
        self._reports = reports
        self._settings = settings
        self._buckets = buckets
        self._store = store
        # By the deadline's clock; set while the continuation waits.
        self._save_ends: float | None = None
        place = folder(self._storing)
        super().__init__(
            place,
            log,
            Identity(plan.run_id, plan.works, str(plan.shard), plan.number, reports.delivery, plan.predecessor),
            facts(plan, settings, buckets),
            deadline,
            clean=redactor.redact,
            redacted=reports.redacted,
            completion=Completion(place, log, left=deadline.left, now=_now, render=page.render),
            now=_now,
            mask=settings.key_mask,
            chain_max=settings.chain_max,
            sections=self._more,
        )

    async def save(self, report: Report, works: Sequence[str]) -> None:
        """Store the run's report, too. All of it takes at most half of the time that is left for the continuation."""
        deadline = self._deadline
        self._save_ends = deadline.clock() + deadline.left() / 2
        try:
            await asyncio.gather(self._reports.put_report(report), super().save(report, works))
        finally:
            self._save_ends = None

    def _storing(self) -> Deadline:
        """The deadline for one object."""
        own = self._deadline.storing()
        if self._save_ends is None:
            return own
        ends = min(own.ends, self._save_ends)
        return Deadline(own.clock, ends, ends, ends)

    async def end(self, report: Report) -> dict[str, Any] | None:
        """
        Finish, and send a message about each chain that ends or is completed here.

        Returns report.json, None where this run does not end its chain or could not write it.
        """
        report_json = await self.finish(report)
        ended = self.completed + ([report_json] if report_json and not report_json["shards"]["missing"] else [])
        for one in ended:
            await notifier.notify(self._settings, one, self._deadline, self._log)
        return report_json

    async def _more(self) -> Mapping[str, Any]:
        """What the lifecycle rules of the buckets cover."""
        settings = self._settings
        if settings.lifecycle_coverage is False:
            return {}
        until = coverage.reading(self._deadline)
        found = await coverage.read(self._store.apart(until), self._buckets, until)
        rule = core_coverage.rule_to_add(settings.min_age, settings.prefixes, settings.exclude_prefixes)
        return {"coverage": [_masked(one.as_json(), settings.key_mask.prefix) for one in found], "rule_to_add": rule}


def facts(plan: Plan, settings: Settings, buckets: Sequence[Bucket]) -> RunFacts:
    """What a report has to know of a run of this plan."""
    policies = [one.policy for one in plan.listings] + [one.policy for one in plan.targets]
    policy = policies[0] if policies else None
    min_age, min_idle = (policy.min_age, policy.min_idle) if policy else (settings.min_age, settings.min_idle)
    # A piece of a sweep stays one, even where nothing of it is left to do.
    is_sweep = plan.sweeps or bool(plan.predecessor) or plan.works != ("0",)
    return RunFacts(
        INVENTORY if plan.inventory else SWEEP if is_sweep else EVENT,
        plan.dry_run,
        plan.began or plan.as_of,
        plan.as_of,
        {
            "min_age_hours": min_age.total_seconds() / HOUR_SECONDS,
            "min_idle_hours": min_idle.total_seconds() / HOUR_SECONDS,
            "buckets": "*" if settings.buckets is None else [str(one) for one in buckets],
            "prefixes": list(policy.prefixes if policy else settings.prefixes),
            "exclude_prefixes": list(settings.exclude_prefixes),
            "max_aborts": settings.max_aborts,
            "verify": settings.verify,
            "record_keys": settings.record_keys,
        },
        Price(settings.currency, settings.price_per_gb_month) if settings.price_per_gb_month else None,
    )


def _masked(covered: dict[str, Any], mask: Callable[[str], str]) -> dict[str, Any]:
    prefixes = [{**one, "prefix": mask(one["prefix"])} for one in covered["prefixes"]]
    return {**covered, "prefixes": prefixes}


def _now() -> datetime:
    return datetime.now(timezone.utc)
