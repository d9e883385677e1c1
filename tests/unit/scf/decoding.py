"""
What the tests of events and messages share: events, and what is decoded of them.
"""

import base64
from typing import Any

from cos_sweeper.core.model import (
    RejectedRequest,
)
from cos_sweeper.scf.events import decode
from tests.function import event


def only(raw: object) -> object:
    (request,) = decode(raw).requests
    return request


def reason(raw: object) -> str:
    request = only(raw)
    assert isinstance(request, RejectedRequest)
    return request.reason


def completed(event_changes: dict[str, Any] | None = None, **cos: Any) -> dict[str, Any]:
    raw: dict[str, Any] = event("cos_completed")
    raw["Records"][0]["event"] |= event_changes or {}
    raw["Records"][0]["cos"] |= cos
    return raw


def rejections(raw: object) -> list[str]:
    requests = decode(raw).requests
    return [request.reason for request in requests if isinstance(request, RejectedRequest)]


def cls(data: bytes) -> dict[str, Any]:
    return {"clslogs": {"data": base64.b64encode(data).decode()}}
