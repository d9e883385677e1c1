"""
COS's own count of fragments, from Cloud Monitor. The only module that imports its SDK.

A request has one metric, one for each storage class, and a batch of buckets. Cloud Monitor documents a batch of 10 and
of 50 instances, and 20 and 50 requests a second; the smaller one holds here.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar

from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.monitor.v20180724 import models
from tencentcloud.monitor.v20180724.monitor_client import MonitorClient

from cos_sweeper.core.errors import SweeperError
from cos_sweeper.core.model import Bucket
from cos_sweeper.core.retry import RetryPolicy, retry
from cos_sweeper.core.settings import Credentials
from cos_sweeper.net.client import Connections
from cos_sweeper.net.sdk_bridge import run_in_greenlet
from cos_sweeper.scf.invoker import HttpAdapter

T = TypeVar("T")

NAMESPACE = "QCE/COS"
# COS reports every bucket there, wherever the bucket is.
REGION = "ap-guangzhou"
# Metric → the storage class of the fragments.
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
PERMISSIONS = ("monitor:DescribeBaseMetrics", "monitor:GetMonitorData")
BATCH = 10
SECONDS_BETWEEN = 0.06
REQUEST_SECONDS = 15.0
RETRIES = RetryPolicy()
DAY = timedelta(days=1)
# A request may ask for 1440 points: of ten buckets these are 100 each.
MAX_POINTS = 100
DENIED = ("AuthFailure", "UnauthorizedOperation")
# The last ones are what the adapter raises where no response came.
TEMPORARY = (
    *("RequestLimitExceeded", "InternalError", "FailedOperation.InternalError", "ResourceUnavailable"),
    *("ConnectTimeout", "ConnectionFailed", "ReadTimeout", "DnsTimeout"),
)

# At DEBUG the SDK logs whole requests, the token among them.
logging.getLogger("tencentcloud_sdk_common").disabled = True


class MonitorFailed(SweeperError):
    """Cloud Monitor did not answer. code: its error code, or one of ours."""

    def __init__(self, code: str, request_id: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.request_id = request_id

    @property
    def is_denied(self) -> bool:
        """Whether the credentials lack a permission, or are not accepted."""
        return self.code.startswith(DENIED)


@dataclass(frozen=True, slots=True)
class Count:
    """Fragments of one bucket. by_class: () where Cloud Monitor has none; latest: the oldest of the points used."""

    bucket: Bucket
    by_class: tuple[tuple[str, int], ...]
    latest: datetime | None

    @property
    def total(self) -> int:
        """Of all classes."""
        return sum(number for _, number in self.by_class)


@dataclass(frozen=True, slots=True)
class Survey:
    """
    counts: of every bucket, the most fragments first. failed: metric and code of what was not answered. meanings: what
    the API says a metric counts, each text once, with its unit. requests: how many were sent.
    """

    counts: tuple[Count, ...]
    failed: tuple[tuple[str, str], ...]
    meanings: tuple[str, ...]
    requests: int


@dataclass(frozen=True, slots=True)
class _Metric:
    name: str
    period: int
    meaning: str


class Monitor:
    """Cloud Monitor. left: seconds until the command must be over. port: of a server on this machine."""

    def __init__(
        self,
        credentials: Credentials,
        left: Callable[[], float] = lambda: math.inf,
        *,
        port: int | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        connections: Connections | None = None,
    ) -> None:
        self._left = left
        self._sleep = sleep
        self._http = HttpAdapter(port, left, REQUEST_SECONDS, connections)
        self._client = _client(credentials, port)
        self._client.request = self._http
        self._requests = 0

    async def survey(self, buckets: Sequence[Bucket], now: datetime) -> Survey:
        """The latest count of each bucket. Raises MonitorFailed if there is no answer at all."""
        try:
            metrics = await self._metrics()
            found: dict[str, dict[str, tuple[datetime, int]]] = {bucket.name: {} for bucket in buckets}
            failed: dict[str, str] = {}
            for metric in metrics:
                for batch in _batches(buckets):
                    try:
                        points = await self._points(metric, batch, now)
                    except MonitorFailed as exc:
                        if exc.is_denied:
                            raise
                        failed[metric.name] = exc.code
                        continue
                    for name, point in points.items():
                        found[name][METRICS[metric.name]] = point
            if metrics and len(failed) == len(metrics) and not any(found.values()):
                raise MonitorFailed(next(iter(failed.values())))
        finally:
            self._http.close()
        counts = sorted((_count(bucket, found[bucket.name]) for bucket in buckets), key=_order)
        meanings = tuple(dict.fromkeys(one.meaning for one in metrics if one.meaning))
        return Survey(tuple(counts), tuple(failed.items()), meanings, self._requests)

    async def _metrics(self) -> list[_Metric]:
        """Those of METRICS that Cloud Monitor offers, each with its longest period."""
        request = models.DescribeBaseMetricsRequest()
        request.Namespace = NAMESPACE
        response = await self._ask(lambda: self._client.DescribeBaseMetrics(request))
        offered = {one.MetricName: one for one in response.MetricSet or []}
        metrics = [
            _Metric(name, _period(offered[name]), _meaning(offered[name])) for name in METRICS if name in offered
        ]
        if not metrics:
            raise MonitorFailed("NoSuchMetric")
        return metrics

    async def _points(self, metric: _Metric, batch: Sequence[Bucket], now: datetime) -> dict[str, tuple[datetime, int]]:
        """The latest point of each bucket that has one."""
        request = models.GetMonitorDataRequest()
        request.Namespace, request.MetricName, request.Period = NAMESPACE, metric.name, metric.period
        request.StartTime, request.EndTime = _time(now - _span(metric.period)), _time(now)
        request.Instances = [_instance(bucket) for bucket in batch]
        response = await self._ask(lambda: self._client.GetMonitorData(request))
        names = {bucket.name for bucket in batch}
        latest: dict[str, tuple[datetime, int]] = {}
        for one in response.DataPoints or []:
            name = next((each.Value for each in one.Dimensions or [] if each.Name == "bucket"), "")
            point = _latest(one.Timestamps or [], one.Values or [])
            if name in names and point is not None:
                latest[name] = point
        return latest

    async def _ask(self, call: Callable[[], T]) -> T:
        """Send one request; again where that may help. Raises MonitorFailed."""
        try:
            return await retry(RETRIES, lambda: self._once(call), _is_temporary, self._left, self._sleep)
        except TencentCloudSDKException as exc:
            raise MonitorFailed(str(exc.code) or "Unknown", str(exc.requestId or "")) from exc

    async def _once(self, call: Callable[[], T]) -> T:
        if self._requests:
            await self._sleep(SECONDS_BETWEEN)
        self._requests += 1
        return await run_in_greenlet(call)


def _client(credentials: Credentials, port: int | None) -> MonitorClient:
    http = HttpProfile(reqTimeout=int(REQUEST_SECONDS))
    if port is not None:
        http = HttpProfile(protocol="http", endpoint=f"127.0.0.1:{port}", reqTimeout=int(REQUEST_SECONDS))
    credential = Credential(credentials.secret_id, credentials.secret_key, credentials.token or None)
    return MonitorClient(credential, REGION, ClientProfile(httpProfile=http))


def _batches(buckets: Sequence[Bucket]) -> Iterator[Sequence[Bucket]]:
    return (buckets[start : start + BATCH] for start in range(0, len(buckets), BATCH))


def _instance(bucket: Bucket) -> Any:
    instance = models.Instance()
    instance.Dimensions = []
    for name, value in (("appid", bucket.name.rpartition("-")[2]), ("bucket", bucket.name)):
        dimension = models.Dimension()
        dimension.Name, dimension.Value = name, value
        instance.Dimensions.append(dimension)
    return instance


def _period(offered: Any) -> int:
    """The longest that is offered, up to a day: the fewest points. 300 is the API's default."""
    periods = [int(one) for one in offered.Period or [] if str(one).isdigit()]
    return max((one for one in periods if 0 < one <= DAY.total_seconds()), default=300)


def _span(period: int) -> timedelta:
    """How far back to look: a day, and three points at least."""
    return min(max(DAY, timedelta(seconds=3 * period)), timedelta(seconds=MAX_POINTS * period))


def _meaning(offered: Any) -> str:
    """What the API says that a metric counts, in English, and the unit that it has there."""
    text = (offered.Meaning.En if offered.Meaning else "") or offered.MetricEName or ""
    unit = offered.Unit or ""
    return f"{text.strip()} ({unit.strip()})" if text and unit else text.strip() or unit.strip()


def _latest(times: Sequence[float], values: Sequence[float | None]) -> tuple[datetime, int] | None:
    points = [
        (time, value)
        for time, value in zip(times, values)  # noqa: B905 - a server may send more of one than of the other
        if isinstance(time, (int, float)) and isinstance(value, (int, float)) and 0 <= value < math.inf
    ]
    try:
        time, value = max(points)
        return datetime.fromtimestamp(time, timezone.utc), round(value)
    except (ValueError, OverflowError, OSError):
        return None


def _count(bucket: Bucket, found: Mapping[str, tuple[datetime, int]]) -> Count:
    by_class = tuple((name, found[name][1]) for name in METRICS.values() if name in found)
    return Count(bucket, by_class, min((when for when, _ in found.values()), default=None))


def _order(count: Count) -> tuple[bool, int, str]:
    """The most fragments first, those without data last."""
    return not count.by_class, -count.total, count.bucket.name


def _time(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def _is_temporary(exc: Exception) -> bool:
    return isinstance(exc, TencentCloudSDKException) and str(exc.code).startswith(TEMPORARY)
