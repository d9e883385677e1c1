"""
Cloud Monitor's metrics of COS: how many fragments of each storage class a bucket holds.

What a fragment is, an upload or a part, is documented in two ways, so a test says which. A point counts what is there
now and was there at its time; what has gone since is not remembered. Nothing here knows HTTP.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from tests.emulator.account import Account
from tests.emulator.bucket import Bucket
from tests.emulator.tc3 import ApiError

NAMESPACE = "QCE/COS"
REGION = "ap-guangzhou"
METRICS = {
    "StdMultipartNumber": "STANDARD",
    "MazStdMultipartNumber": "MAZ_STANDARD",
    "IaMultipartNumber": "STANDARD_IA",
    "MazIaMultipartNumber": "MAZ_STANDARD_IA",
    "ItFrequentMultipartNumber": "INTELLIGENT_TIERING",
    "MazItFrequentMultipartNumber": "MAZ_INTELLIGENT_TIERING",
    "ArcMultipartNumber": "ARCHIVE",
    "DeepArcMultipartNumber": "DEEP_ARCHIVE",
}
"""Metric → the storage class of what it counts."""
PERIODS = (60, 300, 3600, 86_400)
UNITS = ("uploads", "parts")
MAX_INSTANCES = 10
MAX_POINTS = 1440
ACTIONS = {
    "DescribeBaseMetrics": frozenset(("Namespace", "MetricName")),
    "GetMonitorData": frozenset(("Namespace", "MetricName", "Instances", "Period", "StartTime", "EndTime")),
}
"""Each action's parameters."""


def describe_base_metrics(given: Mapping[str, Any], unit: str) -> dict[str, Any]:
    """The metrics that there are, and what they count."""
    _check_namespace(given)
    wanted = given.get("MetricName") or ""
    return {"MetricSet": [_metric(name, unit) for name in METRICS if wanted in ("", name)]}


def get_monitor_data(account: Account, given: Mapping[str, Any], unit: str, now: datetime) -> dict[str, Any]:
    """The points of one metric for some buckets: none of a class of which a bucket holds nothing, but STANDARD."""
    _check_namespace(given)
    name = given.get("MetricName")
    if name not in METRICS:
        raise ApiError("InvalidParameterValue", f"There is no metric {name} of {NAMESPACE}.")
    period = given.get("Period", 300)
    if period not in PERIODS:
        raise ApiError("InvalidParameterValue", f"Period must be one of {', '.join(map(str, PERIODS))}.")
    end = _time(given, "EndTime", now)
    start = _time(given, "StartTime", end.replace(hour=0, minute=0, second=0, microsecond=0))
    instances = _instances(given)
    times = list(_times(start, min(end, now), period))
    if len(times) * len(instances) > MAX_POINTS:
        raise ApiError("LimitExceeded", f"A request may ask for {MAX_POINTS} points.")
    return {
        "Period": period,
        "MetricName": name,
        "StartTime": _shown(start),
        "EndTime": _shown(end),
        "DataPoints": [_points(account, each, METRICS[name], unit, times) for each in instances],
    }


def _metric(name: str, unit: str) -> dict[str, Any]:
    meaning = f"Fragments of the storage class {METRICS[name]}: {unit}"
    return {
        "Namespace": NAMESPACE,
        "MetricName": name,
        "MetricEName": name,
        "MetricCName": name,
        "Unit": "count",
        "UnitCname": "个",
        "Period": list(PERIODS),
        "Periods": [{"Period": str(each), "StatType": ["last"]} for each in PERIODS],
        "Meaning": {"En": meaning, "Zh": meaning},
        "Dimensions": [{"Dimensions": ["appid", "bucket"]}],
    }


@dataclass(frozen=True, slots=True)
class _Instance:
    dimensions: Sequence[Mapping[str, str]]
    appid: str
    bucket: str


def _instances(given: Mapping[str, Any]) -> list[_Instance]:
    listed = given.get("Instances")
    if not isinstance(listed, list) or not 1 <= len(listed) <= MAX_INSTANCES:
        raise ApiError("InvalidParameterValue", f"Instances must be a list of 1 to {MAX_INSTANCES}.")
    return [_instance(each) for each in listed]


def _instance(given: Any) -> _Instance:
    try:
        dimensions = given["Dimensions"]
        named = {each["Name"]: each["Value"] for each in dimensions}
        return _Instance(dimensions, **named)
    except (TypeError, KeyError):
        raise ApiError("InvalidParameterValue", "An instance has the dimensions appid and bucket.") from None


def _points(account: Account, instance: _Instance, storage_class: str, unit: str, times: list[int]) -> dict[str, Any]:
    bucket = account.buckets.get(instance.bucket) if instance.appid == account.appid else None
    began = [] if bucket is None else sorted(_moments(bucket, storage_class, unit))
    shown = times if began or (bucket is not None and storage_class == "STANDARD") else []
    values = [sum(moment <= time for moment in began) for time in shown]
    return {"Dimensions": instance.dimensions, "Timestamps": shown, "Values": values}


def _moments(bucket: Bucket, storage_class: str, unit: str) -> Iterator[float]:
    """When each fragment came to be there."""
    for upload in bucket.uploads:
        if upload.storage_class != storage_class:
            continue
        if unit == "uploads":
            yield upload.initiated.timestamp()
        else:
            yield from (part.last_modified.timestamp() for part in upload.parts.by_number.values())


def _times(start: datetime, end: datetime, period: int) -> Iterator[int]:
    """The points' times: whole periods, as COS aligns them."""
    first = -(-int(start.timestamp()) // period) * period
    return iter(range(first, int(end.timestamp()) + 1, period))


def _time(given: Mapping[str, Any], name: str, default: datetime) -> datetime:
    text = given.get(name)
    if text is None:
        return default
    try:
        moment = datetime.fromisoformat(text.removesuffix("Z") + ("+00:00" if text.endswith("Z") else ""))
    except (AttributeError, ValueError):
        raise ApiError("InvalidParameterValue", f"{name} must be a time like 2018-09-22T19:51:23+08:00.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone(timedelta(hours=8)))


def _shown(moment: datetime) -> str:
    return moment.astimezone(timezone(timedelta(hours=8))).isoformat(timespec="seconds")


def _check_namespace(given: Mapping[str, Any]) -> None:
    if given.get("Namespace") != NAMESPACE:
        raise ApiError("InvalidParameterValue", f"The emulator's Cloud Monitor has no namespace but {NAMESPACE}.")
