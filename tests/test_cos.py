"""
The SDK's traps, each on what COS received, answered or still holds.
"""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cos_sweeper.core.deadline import Deadline, run_deadline
from cos_sweeper.core.errors import CosRejected, NoSuchUpload, StoreError, Unavailable
from cos_sweeper.core.model import Bucket, Cursor, Upload
from cos_sweeper.core.retry import ATTEMPTS
from cos_sweeper.core.settings import Credentials
from cos_sweeper.cos.sdk_store import Clients, CosStore
from cos_sweeper.net import connection
from cos_sweeper.net.client import Connections
from tests.emulator.client import Cloud
from tests.function import PHOTOS, Function, named, timer

BUCKET = Bucket(*PHOTOS.split("@"))

ADDRESSABLE = {
    "spaces": "a b/ c ",
    "plus": "a+b",
    "percent": "a%2Fb%",
    "question_mark": "a?b=c",
    "hash": "a#b",
    "chinese": "目录/猫.jpg",
    "astral": "🐈",
    "control_characters": "a\x01\t\n\r\x7fb",
    "dot_segment_inside": "a/./b",
    "dots_segment_inside": "a/../b",
    "leading_dots": "../b",
    "double_slash_inside": "a//b",
    "trailing_slash": "a/",
    "backslash": "a\\b",
    "quotes_and_angles": "'\"<&>",
    "looks_like_a_query": "k?uploadId=1&x",
    "longest": "k" * 850,
}
FORBIDDEN = {
    "leading_slash": "/a",
    "slash": "/",
    "dot": ".",
    "dots": "..",
    "ends_in_dot": "a/.",
    "ends_in_dots": "a/..",
}


@pytest.mark.parametrize("key", ADDRESSABLE.values(), ids=ADDRESSABLE)
def test_an_unusual_key_is_aborted_and_nothing_else(key: str, cloud: Cloud, function: Function) -> None:
    (swept,) = cloud.seed(BUCKET.name, key)
    bystanders = {
        cloud.seed(BUCKET.name, other, hours_since_last_part=1)[0].upload_id for other in ("a", "b", "k", "a/b")
    }

    by_sweep = function(timer(buckets=[BUCKET.name]))
    (failed,) = cloud.seed(BUCKET.name, key)
    by_event = function(named(BUCKET.name, key, failed.upload_id))

    assert (by_sweep.report["aborted"], by_event.report["aborted"]) == (1, 1)
    assert {upload.upload_id for upload in cloud.uploads(BUCKET.name)} == bystanders
    assert swept.key == key


@pytest.mark.parametrize("key", FORBIDDEN.values(), ids=FORBIDDEN)
def test_a_forbidden_key_is_refused_and_nothing_is_touched(key: str, cloud: Cloud, function: Function) -> None:
    (upload,) = cloud.seed(BUCKET.name, key)
    cloud.seed(BUCKET.name, "a", hours_since_last_part=1)

    by_sweep = function(timer(buckets=[BUCKET.name]))
    by_event = function(named(BUCKET.name, key, upload.upload_id))

    # One leading '/' of an event's key is dropped: it names another upload, which is not there.
    name = "already_gone" if key == FORBIDDEN["leading_slash"] else "rejected"
    assert (by_sweep.report["rejected"], by_event.report[name]) == (1, 1)
    assert len(cloud.uploads(BUCKET.name)) == 2
    assert "AbortMultipartUpload" not in {request.operation for request in cloud.requests()}


class Clock:
    """A clock that only waiting moves."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.seconds += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def over(cloud: Cloud, clock: Clock) -> Iterator[Callable[[Deadline], CosStore]]:
    role = Credentials(cloud.role.secret_id, cloud.role.secret_key, cloud.role.token or "")
    connections = Connections(cloud.port)
    yield lambda until: CosStore(Clients(role, plain_http=True), connections, until, sleep=clock.sleep)
    connections.close()


@pytest.fixture
def store(over: Callable[[Deadline], CosStore], clock: Clock) -> CosStore:
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
def test_what_may_pass_is_tried_again_with_growing_uneven_waits(
    fault: dict[str, Any], cloud: Cloud, clock: Clock, store: CosStore
) -> None:
    upload = upload_in(cloud)
    cloud.fault("AbortMultipartUpload", count=ATTEMPTS - 1, **fault)

    store.abort(upload)

    assert cloud.uploads(BUCKET.name) == []
    assert len(clock.waits) == ATTEMPTS - 1
    assert len(set(clock.waits)) == ATTEMPTS - 1


@pytest.mark.parametrize("status", [400, 403, 404, 405, 451])
def test_a_refusal_is_not_tried_again(status: int, cloud: Cloud, clock: Clock, store: CosStore) -> None:
    upload = upload_in(cloud)
    cloud.fault("AbortMultipartUpload", status=status, code="SomeRefusal")

    with pytest.raises(CosRejected) as caught:
        store.abort(upload)

    assert (caught.value.code, caught.value.status) == ("SomeRefusal", status)
    assert caught.value.request_id
    assert clock.waits == []


def test_attempts_have_an_end(cloud: Cloud, store: CosStore) -> None:
    upload = upload_in(cloud)
    cloud.fault("AbortMultipartUpload", status=503, code="SlowDown")
    before = cloud.mark()

    with pytest.raises(Unavailable) as caught:
        store.abort(upload)

    assert caught.value.code == "SlowDown"
    assert len(cloud.requests(before)) == ATTEMPTS


def test_no_attempt_is_made_that_could_not_end_in_time(
    cloud: Cloud, clock: Clock, over: Callable[[Deadline], CosStore]
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
def test_nothing_but_a_204_is_an_abort(fault: dict[str, Any], cloud: Cloud, store: CosStore) -> None:
    upload = upload_in(cloud)
    cloud.fault("AbortMultipartUpload", **fault)

    with pytest.raises(CosRejected):
        store.abort(upload)


def test_a_lost_answer_that_is_asked_for_again_says_the_upload_is_gone(cloud: Cloud, store: CosStore) -> None:
    upload = upload_in(cloud)
    cloud.fault("AbortMultipartUpload", reset="after", count=1)

    with pytest.raises(NoSuchUpload):
        store.abort(upload)

    assert cloud.uploads(BUCKET.name) == []


@pytest.mark.parametrize(
    ("raw", "said"),
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
def test_an_unreadable_listing_is_a_failure_with_what_was_seen(
    raw: str, said: str, cloud: Cloud, store: CosStore
) -> None:
    cloud.fault("ListMultipartUploads", raw=raw, status=200)

    with pytest.raises(Unavailable) as caught:
        store.page(BUCKET, Cursor(), "")

    assert caught.value.code == "Unreadable"
    assert said in caught.value.detail
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
def test_an_incomplete_error_document_is_read_as_far_as_it_goes(
    raw: str, code: str, cloud: Cloud, store: CosStore
) -> None:
    upload = upload_in(cloud)
    cloud.fault("AbortMultipartUpload", raw=raw, status=404)

    with pytest.raises(StoreError) as caught:
        store.abort(upload)

    assert caught.value.code == code
    assert isinstance(caught.value, NoSuchUpload) == (code == "NoSuchUpload")


@pytest.mark.parametrize("body", ["endless", "drip"])
def test_an_answer_that_does_not_end_in_time_is_given_up(
    body: str, cloud: Cloud, clock: Clock, over: Callable[[Deadline], CosStore]
) -> None:
    cloud.fault("ListMultipartUploads", body=body)

    with pytest.raises(Unavailable) as caught:
        over(Deadline(clock, 0.3, 0.3, 0.3)).page(BUCKET, Cursor(), "")

    assert caught.value.code == "Timeout"


def test_an_answer_that_is_too_large_is_given_up(
    cloud: Cloud, store: CosStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MAX_ANSWER_BYTES", 5000)
    cloud.fault("ListMultipartUploads", raw=" " * 5001, status=200)

    with pytest.raises(Unavailable) as caught:
        store.page(BUCKET, Cursor(), "")

    assert caught.value.code == "AnswerTooLarge"


def test_the_token_travels_with_every_request_and_is_signed(cloud: Cloud, store: CosStore) -> None:
    upload = upload_in(cloud)

    store.abort(upload)

    (request,) = [one for one in cloud.requests() if one.operation == "AbortMultipartUpload"]
    assert (request.status, request.secret_id) == (204, cloud.role.secret_id)


def test_the_sdk_logs_nothing_at_any_level(cloud: Cloud, store: CosStore, caplog: pytest.LogCaptureFixture) -> None:
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
