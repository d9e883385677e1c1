"""
The SDK's traps, each on what COS received, answered or still holds.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cos_sweeper.core.deadline import Deadline, run_deadline
from cos_sweeper.core.errors import CosRejected, NoSuchUpload, StoreError, Unavailable
from cos_sweeper.core.model import Bucket, Cursor, Page, Upload
from cos_sweeper.core.retry import ATTEMPTS
from cos_sweeper.core.settings import Credentials
from cos_sweeper.cos import instance
from cos_sweeper.cos.sdk_store import Clients, CosStore
from cos_sweeper.cos.store import Receipt
from cos_sweeper.net import response
from cos_sweeper.net.client import Connections
from tests.emulator.public import Cloud
from tests.fixtures import FakeClock
from tests.function import PHOTOS

BUCKET = Bucket(*PHOTOS.split("@"))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


class SyncStore:
    """A store whose methods run on a loop of their own."""

    def __init__(self, store: CosStore, loop: asyncio.AbstractEventLoop) -> None:
        self._store = store
        self._loop = loop

    def abort(self, upload: Upload) -> Receipt:
        return self._loop.run_until_complete(self._store.abort(upload))

    def page(self, bucket: Bucket, start: Cursor, prefix: str) -> Page:
        return self._loop.run_until_complete(self._store.page(bucket, start, prefix))


@pytest.fixture
def over(cloud: Cloud, clock: FakeClock) -> Iterator[Callable[[Deadline], SyncStore]]:
    role = Credentials(cloud.role.secret_id, cloud.role.secret_key, cloud.role.token or "")
    connections = Connections(cloud.port)
    loop = asyncio.new_event_loop()
    yield lambda until: SyncStore(CosStore(Clients(role, plain_http=True), connections, until, sleep=clock.sleep), loop)
    connections.close()
    instance.close(loop)


@pytest.fixture
def store(over: Callable[[Deadline], SyncStore], clock: FakeClock) -> SyncStore:
    return over(run_deadline(clock, 60, 0.0))


def upload_in(cloud: Cloud) -> Upload:
    (seeded,) = cloud.seed(BUCKET.name)
    return Upload(BUCKET, seeded.key, seeded.upload_id)


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500, "code": "InternalError"},
        {"status": 503, "code": "SlowDown"},
        {"status": 400, "code": "RequestTimeout"},
        {"reset": "before"},
        {"body": "truncated", "status": 503, "code": "SlowDown"},
    ],
    ids=["500", "503", "request_timeout", "reset", "truncated"],
)
def test_transient_error_is_retried_after_growing_uneven_pauses(
    fault: dict[str, Any], cloud: Cloud, clock: FakeClock, store: SyncStore
) -> None:
    upload = upload_in(cloud)
    cloud.fault("AbortMultipartUpload", count=ATTEMPTS - 1, **fault)

    store.abort(upload)

    assert cloud.uploads(BUCKET.name) == []
    assert len(clock.waits) == ATTEMPTS - 1
    assert len(set(clock.waits)) == ATTEMPTS - 1


@pytest.mark.parametrize("status", [400, 403, 404, 405, 451])
def test_rejection_is_not_retried(status: int, cloud: Cloud, clock: FakeClock, store: SyncStore) -> None:
    upload = upload_in(cloud)
    cloud.fault("AbortMultipartUpload", status=status, code="SomeRefusal")

    with pytest.raises(CosRejected) as caught:
        store.abort(upload)

    assert (caught.value.code, caught.value.status) == ("SomeRefusal", status)
    assert caught.value.request_id
    assert clock.waits == []


def test_attempts_are_bounded(cloud: Cloud, store: SyncStore) -> None:
    upload = upload_in(cloud)
    cloud.fault("AbortMultipartUpload", status=503, code="SlowDown")
    before = cloud.mark()

    with pytest.raises(Unavailable) as caught:
        store.abort(upload)

    assert caught.value.code == "SlowDown"
    assert len(cloud.requests(before)) == ATTEMPTS


def test_attempt_that_could_not_end_in_time_is_not_made(
    cloud: Cloud, clock: FakeClock, over: Callable[[Deadline], SyncStore]
) -> None:
    upload = upload_in(cloud)
    cloud.fault("AbortMultipartUpload", status=503, code="SlowDown")
    before = cloud.mark()

    with pytest.raises(Unavailable):
        over(Deadline(clock, 0.1, 0.4, 0.5)).abort(upload)
    with pytest.raises(Unavailable) as caught:
        over(Deadline(clock, 0.0, 0.0, 0.1)).abort(upload)

    assert len(cloud.requests(before)) == 1
    assert clock.waits == []
    assert caught.value.code == "OutOfTime"


@pytest.mark.parametrize(
    "fault",
    [
        {"raw": "", "status": 200},
        {"raw": "", "status": 202},
        {"redirect": "http://127.0.0.1:1/", "status": 301},
        {"redirect": "http://127.0.0.1:1/", "status": 307},
    ],
    ids=["200", "202", "301", "307"],
)
def test_abort_is_a_204_and_nothing_else(fault: dict[str, Any], cloud: Cloud, store: SyncStore) -> None:
    upload = upload_in(cloud)
    cloud.fault("AbortMultipartUpload", **fault)

    with pytest.raises(CosRejected):
        store.abort(upload)


def test_lost_response_to_an_abort_makes_the_retry_say_no_such_upload(cloud: Cloud, store: SyncStore) -> None:
    upload = upload_in(cloud)
    cloud.fault("AbortMultipartUpload", reset="after", count=1)

    with pytest.raises(NoSuchUpload):
        store.abort(upload)

    assert cloud.uploads(BUCKET.name) == []


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ("", "not XML"),
        ("<html>busy</html>", "<html>"),
        ("<ListPartsResult/>", "<ListPartsResult>"),
        ("<ListMultipartUploadsResult></ListMultipartUploadsResult>", "IsTruncated"),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><ListMultipartUploadsResult/>", "DOCTYPE"),
        (
            "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated></ListMultipartUploadsResult>",
            "does not advance",
        ),
        ("<ListMultipartUploadsResult><Bucket>x-1</Bucket></ListMultipartUploadsResult>", "another bucket"),
    ],
    ids=["empty", "html", "another_answer", "no_end_told", "entities", "no_marker", "another_bucket"],
)
def test_unreadable_listing_is_an_error_with_what_was_seen(
    raw: str, problem: str, cloud: Cloud, store: SyncStore
) -> None:
    cloud.fault("ListMultipartUploads", raw=raw, status=200)

    with pytest.raises(Unavailable) as caught:
        store.page(BUCKET, Cursor(), "")

    assert caught.value.code == "Unreadable"
    assert problem in caught.value.detail
    assert caught.value.request_id


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("", "Http404"),
        ("<Error><Code>NoSuchUpload</Code></Error>", "NoSuchUpload"),
        ("<Error><Code>a sentence, not a code</Code></Error>", "Http404"),
        ("{}", "Http404"),
    ],
    ids=["empty", "without_the_rest", "no_word", "json"],
)
def test_incomplete_error_document_is_read_as_far_as_it_goes(
    raw: str, code: str, cloud: Cloud, store: SyncStore
) -> None:
    upload = upload_in(cloud)
    cloud.fault("AbortMultipartUpload", raw=raw, status=404)

    with pytest.raises(StoreError) as caught:
        store.abort(upload)

    assert caught.value.code == code
    assert isinstance(caught.value, NoSuchUpload) == (code == "NoSuchUpload")


@pytest.mark.parametrize("body", ["endless", "drip"])
def test_response_that_does_not_end_times_out(
    body: str, cloud: Cloud, clock: FakeClock, over: Callable[[Deadline], SyncStore]
) -> None:
    cloud.fault("ListMultipartUploads", body=body)

    with pytest.raises(Unavailable) as caught:
        over(Deadline(clock, 0.3, 0.3, 0.3)).page(BUCKET, Cursor(), "")

    assert caught.value.code == "ReadTimeout"


def test_response_that_is_too_large_is_an_error(
    cloud: Cloud, store: SyncStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(response, "MAX_RESPONSE_BYTES", 5000)
    cloud.fault("ListMultipartUploads", raw=" " * 5001, status=200)

    with pytest.raises(Unavailable) as caught:
        store.page(BUCKET, Cursor(), "")

    assert caught.value.code == "ResponseTooLarge"


def test_token_travels_with_every_request_and_is_signed(cloud: Cloud, store: SyncStore) -> None:
    upload = upload_in(cloud)

    store.abort(upload)

    (request,) = [one for one in cloud.requests() if one.operation == "AbortMultipartUpload"]
    assert (request.status, request.secret_id) == (204, cloud.role.secret_id)


def test_sdk_logs_nothing_at_any_level(cloud: Cloud, store: SyncStore, caplog: pytest.LogCaptureFixture) -> None:
    names = [name for name in logging.root.manager.loggerDict if name.startswith("qcloud_cos")]
    upload = upload_in(cloud)
    cloud.fault("AbortMultipartUpload", status=403, code="SignatureDoesNotMatch", count=1)

    with caplog.at_level(logging.DEBUG):
        for name in names:
            logging.getLogger(name).setLevel(logging.DEBUG)
        with pytest.raises(CosRejected):
            store.abort(upload)

    assert len(names) > 3
    assert [record for record in caplog.records if record.name.startswith("qcloud_cos")] == []
