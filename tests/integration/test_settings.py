"""
What an operator sets, through the handler and over real HTTP: what it does, and what stops a run.
"""

from typing import Any

import pytest

from tests.cloud.client import Cloud
from tests.function import PHOTOS, Function, named, timer

BUCKET = PHOTOS.partition("@")[0]


def without_dry_run(function: Function) -> None:
    """The settings as they are when nobody sets DRY_RUN and the limits."""
    function.settings |= {"DRY_RUN": "", "MIN_AGE_HOURS": "", "MIN_IDLE_HOURS": ""}


def test_named_upload_is_not_aborted_until_dry_run_is_switched_off(cloud: Cloud, function: Function) -> None:
    (upload,) = cloud.seed(BUCKET, "raw/failed.mov")
    without_dry_run(function)
    failure = named(BUCKET, upload.key, upload.upload_id)

    dry = function(failure)
    held = cloud.uploads(BUCKET)
    real = function(failure, DRY_RUN="false")

    assert (dry.report["dry_run"], dry.report["would_abort"], dry.report["aborted"]) == (True, 1, 0)
    assert [each.upload_id for each in held] == [upload.upload_id]
    assert (real.report["dry_run"], real.report["aborted"]) == (False, 1)


@pytest.mark.parametrize(
    "event",
    [timer(), {**timer(), "Message": "{}"}, {"Type": "Timer", "Message": "{}"}],
    ids=["timer without an argument", "timer as shipped", "test event of the README"],
)
def test_sweep_is_a_dry_run_with_a_week_and_three_days_by_default(
    event: dict[str, Any], cloud: Cloud, function: Function
) -> None:
    cloud.seed(BUCKET, "abandoned", hours_since_start=169, hours_since_last_part=73)
    cloud.seed(BUCKET, "young", hours_since_start=167, hours_since_last_part=73)
    cloud.seed(BUCKET, "busy", hours_since_start=169, hours_since_last_part=71)
    without_dry_run(function)

    report = function(event).report

    assert (report["dry_run"], report["would_abort"], report["kept"]) == (True, 1, 2)
    assert len(cloud.uploads(BUCKET)) == 3
