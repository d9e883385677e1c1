"""
Wire: only lawful requests leave, and no redirect is followed.
"""

from typing import Any

import pytest
from hypothesis import example, given, settings

from tests.emulator.public import Cloud
from tests.function import PHOTOS, Function, timer
from tests.laws.buckets import BUCKET, furnish
from tests.laws.hostile_events import REPORTS, UPLOAD_ID, environments, events
from tests.laws.requests import COVERAGE, is_lawful
from tests.profiles import examples


@settings(max_examples=examples(100))
@given(raw=events, environment=environments)
@example(raw={"bucket": BUCKET, "key": "raw/cat.mp4", "uploadId": ""}, environment={})
@example(raw={"bucket": BUCKET, "key": "/", "uploadId": UPLOAD_ID}, environment={})
@example(raw={"bucket": BUCKET, "key": "a/..", "uploadId": UPLOAD_ID}, environment={})
@example(raw=timer(), environment={"BUCKETS": "*", "REPORT": f"{PHOTOS}/{REPORTS}"})
def test_wire_carries_lawful_requests_only(
    raw: Any, environment: dict[str, Any], cloud: Cloud, function: Function
) -> None:
    furnish(cloud)

    function(raw, **environment)

    assert [request for request in cloud.requests() if not is_lawful(request)] == []


@settings(max_examples=examples(30))
@given(environment=environments)
def test_wire_carries_reads_of_configurations_only_for_a_report(
    environment: dict[str, Any], cloud: Cloud, function: Function
) -> None:
    furnish(cloud)

    function(timer(), **environment)

    if "REPORT" not in environment or environment.get("LIFECYCLE_COVERAGE") == "False":
        assert COVERAGE.keys().isdisjoint(request.operation for request in cloud.requests())


@pytest.mark.parametrize("operation", ["GetService", "ListMultipartUploads", "ListParts", "AbortMultipartUpload"])
def test_wire_never_follows_a_redirect(operation: str, cloud: Cloud, function: Function) -> None:
    furnish(cloud)
    cloud.fault(operation, redirect=f"{cloud.endpoint}/{BUCKET}/raw/cat.mp4", status=307)

    result = function(timer(), BUCKETS="*")

    assert result.error is not None
    assert [request for request in cloud.requests() if not is_lawful(request)] == []
    assert operation in {request.operation for request in cloud.requests()}
