"""
The settings that most tests are written for: aborts, without a limit, after shorter times than the shipped ones.
"""

from datetime import timedelta
from typing import Any

from cos_sweeper.core.model import Bucket
from cos_sweeper.core.settings import Settings

# The environment; and the same as values.
ABORTING = {"DRY_RUN": "false", "MIN_AGE_HOURS": "72", "MIN_IDLE_HOURS": "24", "MAX_ABORTS": "none"}
VALUES = {"dry_run": False, "min_age": timedelta(hours=72), "min_idle": timedelta(hours=24), "max_aborts": None}


def aborting_settings(buckets: tuple[Bucket, ...] | None, **more: Any) -> Settings:
    """Settings for these buckets; more: other fields, on top."""
    return Settings(buckets, **{**VALUES, **more})
