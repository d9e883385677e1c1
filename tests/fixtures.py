"""
The constants and the clock that tests share.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cos_sweeper.core.model import Bucket
from cos_sweeper.core.policy import Policy

ROOT = Path(__file__).parents[1]
HANDLER = ROOT / "handler"

NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)
PHOTOS = Bucket("photos-1250000000", "ap-guangzhou")
LOGS = Bucket("logs-1250000000", "ap-singapore")
BUCKETS = (PHOTOS, LOGS)

# An upload id as COS makes them: it begins with the time of its upload.
TIMED_ID = "1585130821" + "a" * 64
ABORT_MESSAGE = {"bucket": "b-1250000000", "key": "k", "uploadId": "1"}

POLICY = Policy(min_age=72 * HOUR, min_idle=24 * HOUR)
# COS's clock minus ours.
NO_SKEW = timedelta(0)


@dataclass(slots=True)
class FakeClock:
    """A monotonic clock in seconds that only its test moves."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now
