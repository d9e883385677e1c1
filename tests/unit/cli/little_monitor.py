"""
A Cloud Monitor on 127.0.0.1 that answers as a test says.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fake_server import Server, always

METRICS = ("StdMultipartNumber", "ArcMultipartNumber")


@dataclass
class LittleMonitor:
    """
    points: metric and bucket → timestamps and values. errors: the codes of the next answers to an action or a metric.

    asked: the body of each request, with its action.
    """

    points: dict[tuple[str, str], tuple[list[Any], list[Any]]] = field(default_factory=dict)
    errors: dict[str, list[str]] = field(default_factory=dict)
    periods: tuple[Any, ...] = (60, 300, 3600)
    asked: list[dict[str, Any]] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)

    def server(self) -> Server:
        return Server(*[[always(self._answer)]] * 9)

    @property
    def actions(self) -> Mapping[str, int]:
        return Counter(one["Action"] for one in self.asked)

    def _answer(self, request: bytes) -> bytes:
        head, _, body = request.partition(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
        action = next(value.decode() for name, value in fields.items() if name.lower() == b"x-tc-action")
        asked = {"Action": action, **json.loads(body)}
        self.sent.append(request)
        self.asked.append(asked)
        shown = json.dumps({"Response": {"RequestId": "r-1", **self._response(asked)}}).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
            len(shown),
            shown,
        )

    def _response(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        for name in (asked["Action"], asked.get("MetricName", "")):
            if self.errors.get(name):
                return {"Error": {"Code": self.errors[name].pop(0), "Message": "no"}}
        if asked["Action"] == "DescribeBaseMetrics":
            return {"MetricSet": [self._metric(name) for name in (*METRICS, "StdStorage")]}
        return {"DataPoints": [self._point(asked["MetricName"], one) for one in asked["Instances"]]}

    def _metric(self, name: str) -> dict[str, Any]:
        meaning = {"En": "Number of fragments", "Zh": "…"}
        return {"MetricName": name, "Period": list(self.periods), "Unit": "count", "Meaning": meaning}

    def _point(self, metric: str, instance: Mapping[str, Any]) -> dict[str, Any]:
        bucket = instance["Dimensions"][1]["Value"]
        times, values = self.points.get((metric, bucket), ([], []))
        return {"Dimensions": instance["Dimensions"], "Timestamps": times, "Values": values}
