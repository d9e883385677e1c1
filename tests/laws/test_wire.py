"""
Wire: only lawful requests leave, and no redirect is followed.
"""

import asyncio
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.redaction import Redactor
from cos_sweeper.core.settings import load
from cos_sweeper.report.log import Log
from cos_sweeper.report.notifier import notify
from tests.emulator.public import Cloud
from tests.fake_server import Server, always
from tests.function import PHOTOS, Function, timer
from tests.laws.buckets import BUCKET, furnish
from tests.laws.hostile_events import REPORTS, UPLOAD_ID, environments, events
from tests.laws.requests import COVERAGE, is_lawful, is_message
from tests.profiles import examples
from tests.unit.report.reports import failure, measure, report


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


ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 307 R\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 302 R\r\nLocation: http://127.0.0.1:1/elsewhere\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 503 No\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n",
]


@settings(max_examples=examples(30))
@given(answer=st.sampled_from(ANSWERS), key=st.text(), uploads=st.integers(0, 9), is_dry_run=st.booleans())
def test_wire_carries_at_most_two_messages_to_the_webhook_and_nothing_else(
    answer: bytes, key: str, uploads: int, *, is_dry_run: bool
) -> None:
    told = report(found=measure(uploads), failures=[failure(key, uploads, key=key)], dry_run=is_dry_run)
    deadline = Deadline(time.monotonic, *[time.monotonic() + 30] * 3)
    with Server(*[[always(lambda _: answer)]] * 3) as server:
        url = f"http://127.0.0.1:{server.port}/hook?key=value"
        environ = {"BUCKETS": PHOTOS, "REPORT": f"{PHOTOS}/r", "NOTIFY_URL": url, "COS_ENDPOINT": "http://127.0.0.1:1"}
        is_taken = asyncio.run(notify(load(environ), told, deadline, Log(lambda _: None, Redactor(()))))

    requests = [request for peer in server.peers for request in peer.requests]
    assert is_taken == (answer == ANSWERS[0])
    assert len(requests) == (1 if is_taken else 2)
    assert [request for request in requests if not is_message(request, url)] == []
