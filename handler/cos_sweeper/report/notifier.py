"""
Sends the message about a finished chain to NOTIFY_URL.

One POST, and another one where the first failed. TLS is verified and no redirect is followed. Of the answer only its
status and its code are read, and nothing else of it is logged. A message that is not accepted fails no run.
"""

import time
from collections.abc import Callable
from typing import Any

from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.settings import Settings
from cos_sweeper.net.client import Connections
from cos_sweeper.net.response import TransportError
from cos_sweeper.report.log import Log
from cos_sweeper.report.notification import Message, error_code, is_due, message

ATTEMPTS = 2
# From looking up the host's name to the last byte of the answer.
ATTEMPT_SECONDS = 5.0
REPORT_NAME = "report.html"


async def notify(
    settings: Settings,
    report: dict[str, Any],
    deadline: Deadline,
    log: Log,
    *,
    connections: Connections | None = None,
    clock: Callable[[], float] = time.time,
) -> bool:
    """
    Tell NOTIFY_URL about a chain that has ended, where NOTIFY asks for it. Returns whether the receiver took it.

    report: report.json, redacted. connections: to use instead of new ones. clock: the time, Unix, for signatures.
    """
    if settings.notify_url is None or settings.report is None or not is_due(report, settings.notify):
        return False
    object_name = f"{settings.report.bucket}/{settings.report.prefix}{report['run_id']}/{REPORT_NAME}"
    used = connections or Connections()
    try:
        for attempt in range(1, ATTEMPTS + 1):
            sent = message(report, object_name, settings.notify_url, settings.notify_secret, clock())
            status, code = await _send(used, sent, min(ATTEMPT_SECONDS, deadline.left()))
            if not code:
                log.info("notification.sent", service=sent.service.value, status=status, attempts=attempt)
                return True
    finally:
        if connections is None:
            used.close()
    log.error("notification.failed", service=sent.service.value, status=status, code=code, attempts=attempt)
    return False


async def _send(connections: Connections, sent: Message, seconds: float) -> tuple[int | None, str]:
    """Send it once. Returns the status, None without an answer, and the code of the failure, '' for none."""
    if seconds <= 0:
        return None, "OutOfTime"
    try:
        response = await connections.send("POST", sent.url, sent.headers, sent.body, seconds)
    except TransportError as exc:
        return None, exc.code
    if not 200 <= response.status_code < 300:
        return response.status_code, f"Http{response.status_code}"
    return response.status_code, error_code(sent.service, response.content)
