"""
What the account is told of one upload.

A named tuple, not a dataclass: a sweep makes one for every upload of a listing, and it costs a quarter.
"""

from datetime import datetime
from typing import Any, NamedTuple

from cos_sweeper.core.model import Bucket, PartsSeen


class Observation(NamedTuple):
    """
    One upload and its outcome, once in an account.

    key: as records may show it (hashed if the operator wants that). seen: None if not all of its parts were read, or
    if the time of a part cannot be read. group: one of `sums.GROUPS`, or `gone`. reason: of what was kept or left, or
    the error code of a failure. example, for failures: status, cos_request_id, detail, permanent and action.
    """

    bucket: Bucket
    key: str
    storage_class: str
    initiator: str
    started: datetime | None
    seen: PartsSeen | None
    outcome: str
    reason: str
    group: str
    upload_id: str = ""
    example: dict[str, Any] | None = None
