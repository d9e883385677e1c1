"""
The constants, the settings and the clock that tests share.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from cos_sweeper.core.model import Bucket
from cos_sweeper.core.policy import Policy
from cos_sweeper.core.settings import Settings

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

TOKEN = "an-example-token-of-32-characters"

# The settings that most tests are written for: as an environment, and as values.
ABORTING = {"DRY_RUN": "false", "MIN_AGE_HOURS": "72", "MIN_IDLE_HOURS": "24", "MAX_ABORTS": "none"}
ABORTING_VALUES = {"dry_run": False, "min_age": 72 * HOUR, "min_idle": 24 * HOUR, "max_aborts": None}


def aborting_settings(buckets: tuple[Bucket, ...] | None, **more: Any) -> Settings:
    """Settings that abort, for these buckets. more: other fields, on top."""
    return Settings(buckets, **{**ABORTING_VALUES, **more})


@dataclass(slots=True)
class FakeClock:
    """A monotonic clock in seconds that only its test and waiting move. waits: every wait, in order."""

    now: float = 0.0
    waits: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.advance(seconds)
