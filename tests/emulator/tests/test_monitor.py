"""
Cloud Monitor's count of fragments, out of what the buckets hold.
"""

from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException

from tests.emulator.client import Cloud, ControlError
from tests.emulator.tests.api_calls import api, code

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcfromtimestamp:DeprecationWarning")

BUCKET, OTHER = "photos-1250000000", "logs-1250000000"
HOUR = timedelta(hours=1)
LAST = datetime.now(timezone.utc).replace(minute=0, second=0, microsecond=0)
"""The last whole hour."""


def instance(bucket: str, appid: str = "1250000000") -> dict[str, Any]:
    return {"Dimensions": [{"Name": "appid", "Value": appid}, {"Name": "bucket", "Value": bucket}]}


def asked(*buckets: str, **more: Any) -> dict[str, Any]:
    return {
        "Namespace": "QCE/COS",
        "MetricName": "StdMultipartNumber",
        "Period": 3600,
        "StartTime": (LAST - 2 * HOUR).isoformat(),
        "EndTime": LAST.astimezone(timezone(8 * HOUR)).isoformat(),
        "Instances": [instance(bucket) for bucket in buckets or (BUCKET,)],
        **more,
    }


def values(cloud: Cloud, *buckets: str, **more: Any) -> list[list[int]]:
    points = api(cloud, "monitor", "GetMonitorData", asked(*buckets, **more))["DataPoints"]
    return [each["Values"] for each in points]


@pytest.fixture
def held(cloud: Cloud) -> Cloud:
    """Two uploads since the day before, of three parts each, and one of another class since the last half hour."""
    half = (datetime.now(timezone.utc) - LAST) / HOUR + 0.5
    cloud.seed(BUCKET, count=2, parts=3, hours_since_start=24, hours_since_last_part=half)
    cloud.seed(BUCKET, "archived", storage_class="ARCHIVE", hours_since_start=half)
    return cloud


def test_fragments_are_uploads_or_parts_as_a_test_says(held: Cloud) -> None:
    as_uploads = values(held)
    held.fragments_are("parts")
    as_parts = values(held)
    held.reset()

    assert as_uploads == [[2, 2, 2]]
    # Of each upload one part came at the start, one in the middle, one in the last half hour.
    assert as_parts == [[4, 4, 6]]
    assert values(held) == [[0, 0, 0]]


def test_points_are_of_their_class_and_their_bucket(held: Cloud) -> None:
    assert values(held, BUCKET, OTHER, "unknown-1250000000") == [[2, 2, 2], [0, 0, 0], []]
    assert values(held, BUCKET, OTHER, MetricName="ArcMultipartNumber") == [[0, 0, 1], []]
    assert values(held, Instances=[instance(BUCKET, "1259999999")]) == [[]]


def test_points_stand_at_whole_periods_up_to_now(held: Cloud) -> None:
    answer = api(held, "monitor", "GetMonitorData", asked(EndTime=(LAST + 48 * HOUR).isoformat(), Period=300))
    (points,) = answer["DataPoints"]
    now = datetime.now(timezone.utc).timestamp()

    assert (answer["MetricName"], answer["Period"]) == ("StdMultipartNumber", 300)
    assert points["Dimensions"] == instance(BUCKET)["Dimensions"]
    first, last = points["Timestamps"][0], points["Timestamps"][-1]
    assert points["Timestamps"] == list(range(first, last + 1, 300))
    assert (first, now - 301 < last <= now) == ((LAST - 2 * HOUR).timestamp(), True)
    assert len(points["Values"]) == len(points["Timestamps"])


def test_upload_that_was_aborted_counts_no_more(held: Cloud) -> None:
    (first, *_) = held.uploads(BUCKET, "upload")

    held.abort(BUCKET, first.key, first.upload_id)

    assert values(held) == [[1, 1, 1]]


def test_metrics_are_described_with_their_periods_and_what_they_count(cloud: Cloud) -> None:
    described = api(cloud, "monitor", "DescribeBaseMetrics", {"Namespace": "QCE/COS"})["MetricSet"]
    (one,) = api(cloud, "monitor", "DescribeBaseMetrics", {"Namespace": "QCE/COS", "MetricName": "IaMultipartNumber"})[
        "MetricSet"
    ]

    assert len(described) == 8
    assert one in described
    assert (one["Period"], one["Meaning"]["En"]) == (
        [60, 300, 3600, 86_400],
        "Fragments of the storage class STANDARD_IA: uploads",
    )


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"Namespace": "QCE/CVM"}, "InvalidParameterValue"),
        ({"MetricName": "StdStorage"}, "InvalidParameterValue"),
        ({"Period": 7}, "InvalidParameterValue"),
        ({"Instances": []}, "InvalidParameterValue"),
        ({"Instances": [instance(BUCKET)] * 11}, "InvalidParameterValue"),
        ({"Instances": [{"Dimensions": [{"Name": "bucket", "Value": BUCKET}]}]}, "InvalidParameterValue"),
        ({"StartTime": "yesterday"}, "InvalidParameterValue"),
        ({"StartTime": (LAST - 25 * HOUR).isoformat(), "Period": 60}, "LimitExceeded"),
        ({"Surprise": 1}, "UnknownParameter"),
    ],
)
def test_request_for_data_that_is_wrong_is_rejected(given: dict[str, Any], problem: str, held: Cloud) -> None:
    assert code(held, "monitor", "GetMonitorData", asked(**given)) == problem


def test_permission_is_needed(cloud: Cloud) -> None:
    statement = {"effect": "allow", "action": "monitor:GetMonitorData", "resource": "*"}
    caller = cloud.add_credentials(policy={"version": "2.0", "statement": [statement]})

    assert api(cloud, "monitor", "GetMonitorData", asked(), caller)["MetricName"] == "StdMultipartNumber"
    assert code(cloud, "monitor", "DescribeBaseMetrics", {"Namespace": "QCE/COS"}, caller) == "UnauthorizedOperation"


def test_request_that_is_delayed_over_a_reset_touches_nothing_after_it(cloud: Cloud) -> None:
    cloud.api_fault("DescribeBaseMetrics", delay_ms=1000, count=1)

    def ask() -> bool:
        return "MetricSet" in api(cloud, "monitor", "DescribeBaseMetrics", {"Namespace": "QCE/COS"})

    with ThreadPoolExecutor(2) as pool:
        # Whichever comes first is delayed, so as soon as one is answered the other is waiting.
        answered, waiting = wait([pool.submit(ask) for _ in range(2)], return_when=FIRST_COMPLETED)
        cloud.reset()

        assert [each.result() for each in answered] == [True]
        with pytest.raises(TencentCloudSDKException, match="ClientNetworkError"):
            waiting.pop().result()
    assert cloud.api_requests() == []


def test_fault_strikes_an_action_or_one_of_its_metrics(cloud: Cloud) -> None:
    cloud.api_fault("GetMonitorData", metric="IaMultipartNumber", status=400, code="InternalError", count=1)

    assert values(cloud, StartTime=None, EndTime=None) != [[]]
    assert code(cloud, "monitor", "GetMonitorData", asked(MetricName="IaMultipartNumber")) == "InternalError"
    assert values(cloud, MetricName="IaMultipartNumber") == [[]]
    cloud.api_fault("DescribeBaseMetrics", reset="before")
    assert code(cloud, "monitor", "DescribeBaseMetrics", {"Namespace": "QCE/COS"}) == "ClientNetworkError"
    cloud.heal()
    assert api(cloud, "monitor", "DescribeBaseMetrics", {"Namespace": "QCE/COS"})["MetricSet"]
    with pytest.raises(ControlError, match="of the API"):
        cloud.api_fault("GetMonitorData", ignore=True)
    with pytest.raises(ControlError, match="'action' must be one of"):
        cloud.api_fault("ListParts", delay_ms=1)
