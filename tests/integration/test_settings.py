"""
What an operator sets, through the handler and over real HTTP: what it does, and what stops a run.
"""

from typing import Any

import pytest

from tests.emulator.public import Cloud
from tests.function import PHOTOS, Function, named, timer

BUCKET = PHOTOS.partition("@")[0]


def without_dry_run(function: Function) -> None:
    """The settings without DRY_RUN and without limits."""
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
    ids=["timer without an argument", "timer as shipped", "test event of the documents"],
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


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("SPARE_PREFIXES", "raw/", "EXCLUDE_PREFIXES"),
        ("EXCLUDE_PREFIX", "raw/", "EXCLUDE_PREFIXES"),
        ("EXCLUDED_KEYS", "raw/", "EXCLUDE_PREFIXES"),
        ("EXCLUDE_BUCKET", BUCKET, "EXCLUDE_BUCKETS"),
        ("MIN_IDLE_HOUR", "500", "MIN_IDLE_HOURS"),
        ("MIN_AGE_DAYS", "30", "MIN_AGE_HOURS"),
        ("dry_run", "true", "DRY_RUN"),
        ("DRYRUN", "true", "DRY_RUN"),
        ("MAX_ABORT", "1", "MAX_ABORTS"),
    ],
)
def test_misspelt_setting_stops_the_run_before_any_request(
    name: str, value: str, meant: str, cloud: Cloud, function: Function
) -> None:
    (upload,) = cloud.seed(BUCKET, "raw/a")
    function.settings[name] = value
    before = cloud.mark()

    swept = function(timer())
    named_one = function(named(BUCKET, upload.key, upload.upload_id))

    for result in (swept, named_one):
        assert result.answer is None
        assert name in str(result.error)
        assert meant in str(result.error)
        assert meant in result.lines("run.failed")[0]["reason"]
    assert cloud.requests(before) == []
    assert len(cloud.uploads(BUCKET)) == 1


@pytest.mark.parametrize("name", ["PREFIXES", "EXCLUDE_PREFIXES"])
@pytest.mark.parametrize("value", ["backup/*", "backup/%", "^backup/", "{a,b}/", "[a-z]/", '"backup/"', "a/;backup/"])
def test_prefix_with_a_wildcard_stops_the_run_with_an_explanation(
    name: str, value: str, cloud: Cloud, function: Function
) -> None:
    cloud.seed(BUCKET, "backup/a")
    function.settings[name] = value

    result = function(timer())

    assert f"{name}: " in str(result.error)
    assert "JSON list" in str(result.error)
    assert len(cloud.uploads(BUCKET)) == 1


def test_setting_that_is_no_number_or_word_stops_the_run_and_every_problem_is_named(function: Function) -> None:
    result = function(timer(), VERIFY="some", MAX_ABORTS="many", CHAIN_MAX_HOURS="169", INCLUDE_COMMITTERS="maybe")

    for name in ("VERIFY", "MAX_ABORTS", "CHAIN_MAX_HOURS", "INCLUDE_COMMITTERS"):
        assert f"{name}: " in str(result.error)


def test_environment_of_the_platform_and_of_a_shell_stops_nothing(cloud: Cloud, function: Function) -> None:
    cloud.seed(BUCKET, "raw/a")
    platform = ["_SCF_SERVER_PORT", "SCF_FUNCTIONNAME", "QCLOUD_DRY_RUN", "TENCENTCLOUD_REGION", "USER_CODE_ROOT"]
    shell = ["PYTHONPATH", "LD_LIBRARY_PATH", "HOSTNAME", "LANG", "PORT", "HTTP_PROXY", "COS_BUCKET", "VERSION"]
    function.settings |= dict.fromkeys([*platform, *shell], "x")

    result = function(timer())

    assert result.report["aborted"] == 1
