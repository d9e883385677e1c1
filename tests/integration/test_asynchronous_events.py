"""
Every trigger's event through the whole function: what is aborted, what SCF and CKafka get back.
"""

import json
from typing import Any

import pytest

from cos_sweeper.core.errors import RunFailed
from cos_sweeper.core.model import AbortRequest, CompletedObject, SweepRequest
from cos_sweeper.scf.events import decode
from tests.emulator.public import Cloud
from tests.function import EVENTS, Function, event, timer
from tests.integration.http_calls import BUCKET, held

LONG_AGO = 24.0 * 365 * 10
ASYNCHRONOUS = ["direct", "timer", "cos_completed", "cmq", "cls", "eventbridge"]


def plant(cloud: Cloud, raw: Any) -> None:
    """Put the uploads there that an event is about: old, idle, a part each."""
    for request in decode(raw).requests:
        match request:
            case AbortRequest():
                cloud.seed(request.bucket, request.key, upload_id=request.upload_id)
            case CompletedObject():
                cloud.seed(request.bucket, request.key, count=2, hours_since_start=LONG_AGO)
            case SweepRequest():
                cloud.seed(BUCKET, "logs/{n}", count=2)


@pytest.mark.parametrize("name", sorted(path.stem for path in EVENTS.glob("*.json")))
def test_event_of_every_shape_aborts_its_uploads_and_nothing_else(name: str, cloud: Cloud, function: Function) -> None:
    plant(cloud, event(name))
    abandoned = len(held(cloud))
    other = cloud.seed(BUCKET, "raw/2026/other.mp4", hours_since_last_part=1)

    result = function(event(name))

    assert result.error is None
    assert result.report["status"] == ("rejected" if name == "ckafka_batch" else "complete")
    if name == "timer_dry_run":
        assert result.report["would_abort"] == abandoned
        assert len(held(cloud)) == abandoned + 1
    else:
        assert result.report["aborted"] == abandoned
        assert [upload.upload_id for upload in held(cloud)] == [other[0].upload_id]


REFUSED = {
    "direct": event("direct") | {"bucket": "elsewhere-1250000000"},
    "timer": timer(min_age_hours=1),
    "cos_completed": json.loads(json.dumps(event("cos_completed")).replace("1545205770", '"yesterday"')),
    "cmq": {"Records": [{"CMQ": {"msgBody": "not JSON"}}]},
    "cls": {"clslogs": {"data": "bm90IGd6aXA="}},
    "eventbridge": event("eventbridge") | {"data": {"bucket": BUCKET, "key": "k", "uploadId": ""}},
}


@pytest.mark.parametrize("name", ASYNCHRONOUS)
def test_asynchronous_trigger_gets_the_reasons_of_a_rejection_and_is_not_retried(
    name: str, cloud: Cloud, function: Function
) -> None:
    before = cloud.mark()

    result = function(REFUSED[name])

    assert result.lines("request.rejected")[0]["reason"]
    assert cloud.requests(before) == []
    if name == "timer":
        # A sweep that does not happen must be noticed.
        assert "SweepRejected" in str(result.error)
        return
    assert result.error is None
    assert (result.report["rejected"], result.report["status"]) == (1, "rejected")
    assert result.lines("request.rejected")[0]["reason"] == result.report["rejections"][0]["reason"]


@pytest.mark.parametrize("name", ASYNCHRONOUS)
@pytest.mark.parametrize(("status", "code"), [(503, "SlowDown"), (403, "AccessDenied")], ids=["for_now", "for_good"])
def test_asynchronous_trigger_gets_an_exception_when_cos_fails(
    status: int, code: str, name: str, cloud: Cloud, function: Function
) -> None:
    plant(cloud, event(name))
    cloud.fault("AbortMultipartUpload", status=status, code=code)
    abandoned = len(held(cloud))

    result = function(event(name))

    assert isinstance(result.error, RunFailed)
    assert f"{abandoned} failed" in str(result.error)
    assert f"{code} ×{abandoned}" in str(result.error)
    assert len(held(cloud)) == abandoned
    assert [line["code"] for line in result.lines("upload.failed")] == [code] * abandoned


def test_rejected_message_of_a_ckafka_batch_is_logged_and_the_partition_goes_on(
    cloud: Cloud, function: Function
) -> None:
    plant(cloud, event("ckafka_batch"))

    result = function(event("ckafka_batch"))

    assert result.error is None
    assert (result.report["aborted"], result.report["rejected"]) == (2, 1)
    assert result.lines("request.rejected")[0]["origin"] == "record 2"
    assert held(cloud) == []


def test_ckafka_gets_an_exception_for_a_transient_failure(cloud: Cloud, function: Function) -> None:
    plant(cloud, event("ckafka_batch"))
    cloud.fault("AbortMultipartUpload", key="raw/2026/21.mp4", status=500, code="InternalError")

    result = function(event("ckafka_batch"))

    assert isinstance(result.error, RunFailed)
    assert [upload.key for upload in held(cloud)] == ["raw/2026/21.mp4"]


def test_ckafka_goes_on_past_a_permanent_failure(cloud: Cloud, function: Function) -> None:
    plant(cloud, event("ckafka_batch"))
    cloud.fault("AbortMultipartUpload", key="raw/2026/21.mp4", status=403, code="AccessDenied")

    result = function(event("ckafka_batch"))

    assert result.error is None
    assert result.report["status"] == "failed"
    assert (result.report["aborted"], result.report["failed"]) == (1, 1)
    assert result.lines("upload.failed")[0]["code"] == "AccessDenied"
