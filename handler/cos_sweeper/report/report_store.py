"""
Where reports and rejected events are stored: objects under REPORT.

What cannot be stored is logged; the run goes on.
"""

import json
from typing import TYPE_CHECKING, Any

from cos_sweeper.core.errors import StoreError
from cos_sweeper.core.redaction import Redactor
from cos_sweeper.core.report import Report
from cos_sweeper.report.log import Log

if TYPE_CHECKING:
    from cos_sweeper.report.report_folder import NamedFolder


class ReportStore:
    """
    Stores what one run reports.

    folder: None when reports are not stored. delivery: tells this delivery of an event from others. A run's report has
    one name: it is stored before the continuation is invoked, and again at the end.
    """

    def __init__(self, folder: "NamedFolder | None", redactor: Redactor, log: Log, delivery: str) -> None:
        self._folder = folder
        self.redactor = redactor
        self._log = log
        self.delivery = delivery

    @property
    def is_on(self) -> bool:
        """Whether anything is stored."""
        return self._folder is not None

    def redacted(self, report: Report) -> dict[str, Any]:
        """A report as JSON, without secrets."""
        payload: dict[str, Any] = self.redactor.redact_report(report.as_json())
        return payload

    async def put_report(self, report: Report) -> dict[str, Any]:
        """Store a report. Returns it as JSON, without secrets."""
        payload = self.redacted(report)
        shard = str(report.shard).replace("/", "-of-").replace(",", "+")
        name = f"{report.run_id}/runs/{shard}.run-{report.number}.{self.delivery}.json"
        await self._put("report.store_failed", name, json.dumps(payload, indent=1).encode())
        return payload

    async def put_event(self, name: str, body: bytes) -> None:
        """Store an event that can be sent again. name: under the report prefix."""
        await self._put("rejected_event.store_failed", name, body)

    async def _put(self, failure: str, name: str, body: bytes) -> None:
        if self._folder is None:
            return
        try:
            await self._folder.put(name, body)
        except StoreError as exc:
            self._log.error(failure, **self._folder.address(name), code=exc.code, status=exc.status)
