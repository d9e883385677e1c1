"""
COS's own count comes from Cloud Monitor in few requests; what is not answered is named and never guessed.
"""

import asyncio
from datetime import datetime, timezone

import pytest

from cos_sweeper.cli.monitor import Monitor, MonitorFailed, Survey
from cos_sweeper.core.model import Bucket
from cos_sweeper.core.settings import Credentials
from tests.fixtures import LOGS, NOW, PHOTOS, FakeClock
from tests.unit.cli.little_monitor import LittleMonitor

KEYS = Credentials("AKIDEXAMPLE", "secretExampleKey", "")
HOURS = [int(NOW.timestamp()) - 3600 * hour for hour in (3, 1, 2)]


def survey(monitor: LittleMonitor, *buckets: Bucket, clock: FakeClock | None = None) -> Survey:
    clock = clock or FakeClock()

    async def run(port: int) -> Survey:
        return await Monitor(KEYS, port=port, sleep=clock.sleep).survey(buckets, NOW)

    with monitor.server() as server:
        return asyncio.run(run(server.port))


def test_survey_has_the_latest_count_of_each_class_and_the_most_fragments_first() -> None:
    monitor = LittleMonitor(
        {
            ("StdMultipartNumber", PHOTOS.name): (HOURS, [1, 7, 3]),
            ("StdMultipartNumber", LOGS.name): (HOURS, [90, None, 80]),
            ("ArcMultipartNumber", LOGS.name): (HOURS[:1], [5.0]),
        }
    )

    found = survey(monitor, PHOTOS, LOGS)

    assert [(one.bucket, one.by_class, one.total) for one in found.counts] == [
        (LOGS, (("STANDARD", 80), ("ARCHIVE", 5)), 85),
        (PHOTOS, (("STANDARD", 7),), 7),
    ]
    assert [one.latest for one in found.counts] == [datetime.fromtimestamp(HOURS[i], timezone.utc) for i in (0, 1)]
    assert (found.failed, found.meanings) == ((), ("Number of fragments (count)",))


def test_survey_asks_once_for_each_class_and_ten_buckets_with_the_longest_period() -> None:
    monitor, clock = LittleMonitor(), FakeClock()
    buckets = [Bucket(f"b{number}-1250000000", "ap-guangzhou") for number in range(21)]

    found = survey(monitor, *buckets, clock=clock)

    assert monitor.actions == {"DescribeBaseMetrics": 1, "GetMonitorData": 2 * 3}
    assert found.requests == 7
    assert clock.waits == [0.06] * 6
    asked = monitor.asked[1]
    assert [len(one["Instances"]) for one in monitor.asked[1:4]] == [10, 10, 1]
    assert (asked["Period"], asked["StartTime"], asked["EndTime"]) == (
        3600,
        "2026-11-21T12:00:00+00:00",
        "2026-11-22T12:00:00+00:00",
    )
    assert asked["Instances"][0]["Dimensions"] == [
        {"Name": "appid", "Value": "1250000000"},
        {"Name": "bucket", "Value": "b0-1250000000"},
    ]


def test_bucket_without_data_has_no_count_and_comes_last() -> None:
    monitor = LittleMonitor({("StdMultipartNumber", PHOTOS.name): (HOURS, [0, 0, 0])})

    found = survey(monitor, LOGS, PHOTOS)

    assert [(one.bucket, one.by_class, one.latest is None) for one in found.counts] == [
        (PHOTOS, (("STANDARD", 0),), False),
        (LOGS, (), True),
    ]


@pytest.mark.parametrize("values", [[-1, -1, -1], ["7", "7", "7"], [float("inf")] * 3, [None] * 3, []])
def test_value_that_is_no_count_is_no_data(values: list[object]) -> None:
    monitor = LittleMonitor({("StdMultipartNumber", PHOTOS.name): (HOURS, values)})

    assert survey(monitor, PHOTOS).counts[0].by_class == ()


def test_request_that_may_succeed_is_sent_again() -> None:
    monitor = LittleMonitor(
        {("StdMultipartNumber", PHOTOS.name): (HOURS, [1, 7, 3])},
        {"StdMultipartNumber": ["RequestLimitExceeded", "InternalError"]},
    )

    assert survey(monitor, PHOTOS).counts[0].total == 7
    assert monitor.actions["GetMonitorData"] == 4


def test_class_that_is_not_answered_is_named_beside_the_others() -> None:
    monitor = LittleMonitor(
        {("ArcMultipartNumber", PHOTOS.name): (HOURS, [1, 7, 3])}, {"StdMultipartNumber": ["InvalidParameterValue"]}
    )

    found = survey(monitor, PHOTOS)

    assert found.failed == (("StdMultipartNumber", "InvalidParameterValue"),)
    assert found.counts[0].by_class == (("ARCHIVE", 7),)


@pytest.mark.parametrize(
    "errors",
    [
        {"DescribeBaseMetrics": ["UnauthorizedOperation.CamNoAuth"]},
        {"StdMultipartNumber": ["AuthFailure.UnauthorizedOperation"]},
    ],
)
def test_missing_permission_ends_the_survey_at_once(errors: dict[str, list[str]]) -> None:
    monitor = LittleMonitor(errors=errors)

    with pytest.raises(MonitorFailed) as caught:
        survey(monitor, PHOTOS, LOGS)

    assert caught.value.is_denied
    assert caught.value.request_id == "r-1"
    assert len(monitor.asked) == (1 if "DescribeBaseMetrics" in errors else 2)


def test_survey_without_any_answer_fails() -> None:
    errors = {name: ["InvalidParameter"] for name in ("StdMultipartNumber", "ArcMultipartNumber")}

    with pytest.raises(MonitorFailed, match="InvalidParameter"):
        survey(LittleMonitor(errors=errors), PHOTOS)


@pytest.mark.parametrize(("periods", "period"), [((), 300), ((60, 86400, 604800), 86400), (("60",), 60)])
def test_period_is_the_longest_one_up_to_a_day(periods: tuple[object, ...], period: int) -> None:
    monitor = LittleMonitor(periods=periods)

    survey(monitor, PHOTOS)

    assert monitor.asked[1]["Period"] == period
