"""
The errors of the store over the SDK. COS is a script of responses; the SDK is the real one.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.errors import CosRejected, NoSuchUpload, RequestRejected, Stopped, StoreError, Unavailable
from cos_sweeper.core.model import BEGINNING, Cursor, Upload
from cos_sweeper.core.retry import ATTEMPTS
from cos_sweeper.core.settings import Credentials, ReportLocation
from cos_sweeper.cos.sdk_session import Exchange
from cos_sweeper.cos.sdk_store import Clients, CosStore
from cos_sweeper.net.response import Response, TransportError
from tests.fixtures import PHOTOS, FakeClock

UPLOAD = Upload(PHOTOS, "k", "1")
REPORTS = ReportLocation(PHOTOS, "reports/")
ROLE = Credentials("AKIDexample", "example", "token")
SENT_AT = datetime(2026, 11, 22, 12, 0, 0, 900_000, tzinfo=timezone.utc)
EMPTY_PAGE = (
    b"<ListMultipartUploadsResult><Bucket>photos-1250000000</Bucket><EncodingType>url</EncodingType><KeyMarker/>"
    b"<UploadIdMarker/><MaxUploads>1000</MaxUploads><Prefix/><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>"
)


class FakeNetwork:
    """What is behind the SDK: the same answer to every request, after a while. urls: what was asked for."""

    def __init__(self, answer: Response | Exception, take: Callable[[], None] = lambda: None) -> None:
        self.answer = answer
        self._take = take
        self.urls: list[str] = []

    async def send(
        self,
        _method: str,
        url: str,
        _headers: Mapping[str, Any],
        _body: bytes | None,
        _seconds: float,
        _within: float | None,
    ) -> Response:
        self.urls.append(url)
        self._take()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def error(status: int, code: str, message: str = "", **headers: str) -> Response:
    inside = f"<Code>{code}</Code><Message>{message}</Message><RequestId>in-the-body</RequestId>"
    body = f"<Error>{inside}</Error>".encode()
    return Response(status, headers, body)


def store_over(
    network: FakeNetwork,
    clock: FakeClock | None = None,
    *,
    ends: float = 60.0,
    now: Callable[[], datetime] = lambda: SENT_AT,
) -> CosStore:
    clock = clock or FakeClock()
    deadline = Deadline(clock, ends, ends, ends)
    return CosStore(Clients(ROLE), network, deadline, now=now, sleep=clock.sleep, reports=REPORTS)  # type: ignore[arg-type]


def failure(answer: Response | Exception) -> tuple[StoreError, int]:
    """What an abort raises, and after how many requests."""
    network = FakeNetwork(answer)
    with pytest.raises(StoreError) as caught:
        asyncio.run(store_over(network).abort(UPLOAD))
    return caught.value, len(network.urls)


@pytest.mark.parametrize(
    ("answer", "kind", "code", "requests"),
    [
        (error(199, "Odd"), CosRejected, "Odd", 1),
        (error(300, "Odd"), CosRejected, "Odd", 1),
        (error(404, "NoSuchUpload"), NoSuchUpload, "NoSuchUpload", 1),
        (error(404, "NoSuchBucket"), CosRejected, "NoSuchBucket", 1),
        (error(499, "Odd"), CosRejected, "Odd", 1),
        (error(500, "NoSuchUpload"), Unavailable, "NoSuchUpload", ATTEMPTS),
        (error(400, "RequestTimeout"), Unavailable, "RequestTimeout", ATTEMPTS),
        (error(400, "SlowDown"), Unavailable, "SlowDown", ATTEMPTS),
        (error(429, "Odd"), Unavailable, "Odd", ATTEMPTS),
        (error(409, "Odd"), Unavailable, "Odd", 1),
        (error(403, "ExpiredToken"), Stopped, "ExpiredToken", 1),
        (error(403, "InvalidAccessKeyId"), Stopped, "InvalidAccessKeyId", 1),
        (error(403, "RequestTimeTooSkewed"), Stopped, "RequestTimeTooSkewed", 1),
        (error(403, "AccessDenied"), CosRejected, "AccessDenied", 1),
        (error(403, "AccessDenied", message="Request has expired"), Stopped, "AccessDenied", 1),
        (error(404, "x"), CosRejected, "x", 1),
        (error(404, "x" * 64), CosRejected, "x" * 64, 1),
        (error(404, "x" * 65), CosRejected, "Http404", 1),
        (error(404, "two words"), CosRejected, "Http404", 1),
        (error(404, ""), CosRejected, "Http404", 1),
        (TransportError("ReadTimeout", "late"), Unavailable, "ReadTimeout", ATTEMPTS),
        (TransportError("BadCertificate", "expired"), Unavailable, "BadCertificate", 1),
        (ValueError("no request"), CosRejected, "NotSent", 1),
    ],
    ids=lambda value: f"{value.status_code}" if isinstance(value, Response) else None,
)
def test_response_has_a_meaning_and_is_retried_accordingly(
    answer: Response | Exception, kind: type[StoreError], code: str, requests: int
) -> None:
    raised, requested = failure(answer)

    assert (type(raised), raised.code, requested) == (kind, code, requests)


def test_request_is_not_sent_after_cos_stopped_accepting_the_credentials() -> None:
    network = FakeNetwork(error(403, "ExpiredToken"))
    store = store_over(network)

    calls: list[Coroutine[Any, Any, object]] = [
        store.parts(UPLOAD, 0),
        store.abort(UPLOAD),
        store.page(PHOTOS, BEGINNING, ""),
    ]
    for call in calls:
        with pytest.raises(Stopped):
            asyncio.run(call)

    assert len(network.urls) == 1


@pytest.mark.parametrize(("status", "is_good"), [(199, False), (200, True), (299, True), (300, False)])
def test_report_is_stored_with_any_2xx(status: int, *, is_good: bool) -> None:
    store = store_over(FakeNetwork(error(status, "Odd")))

    if is_good:
        asyncio.run(store.put_report(PHOTOS, "reports/a.json", b"{}"))
    else:
        with pytest.raises(CosRejected):
            asyncio.run(store.put_report(PHOTOS, "reports/a.json", b"{}"))


@pytest.mark.parametrize("status", [200, 203, 205])
def test_receipt_comes_with_a_204_and_nothing_else(status: int) -> None:
    assert failure(Response(status, {}, b""))[0].code == "NotAnAbort"
    receipt = asyncio.run(store_over(FakeNetwork(Response(204, {"x-cos-request-id": "id"}, b""))).abort(UPLOAD))
    assert receipt.request_id == "id"


def test_request_id_is_the_headers_or_else_the_bodys() -> None:
    ids = [failure(error(403, "x", **headers))[0].request_id for headers in ({"x-cos-request-id": "header's"}, {})]

    assert ids == ["header's", "in-the-body"]


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("Sun, 22 Nov 2026 11:59:59 GMT", -1.9),
        ("Sun, 22 Nov 2026 12:00:00 GMT", 0),
        ("Sun, 22 Nov 2026 12:00:01 GMT", 0),
        ("Sun, 22 Nov 2026 12:00:02 GMT", 0),
        ("Sun, 22 Nov 2026 12:00:05 GMT", 3),
        ("", None),
        ("yesterday", None),
    ],
)
def test_skew_is_the_part_that_the_exchange_does_not_explain(date: str, seconds: float | None) -> None:
    moments = iter([SENT_AT, datetime(2026, 11, 22, 12, 0, 2, tzinfo=timezone.utc)])
    network = FakeNetwork(Response(200, {"date": date}, EMPTY_PAGE))

    page = asyncio.run(store_over(network, now=lambda: next(moments)).page(PHOTOS, Cursor(), ""))

    assert page.skew == (None if seconds is None else timedelta(seconds=seconds))


def test_date_of_the_same_second_is_no_skew() -> None:
    on_the_second = SENT_AT.replace(microsecond=0)
    network = FakeNetwork(Response(200, {"date": "Sun, 22 Nov 2026 11:59:59 GMT"}, EMPTY_PAGE))

    page = asyncio.run(store_over(network, now=lambda: on_the_second).page(PHOTOS, Cursor(), ""))

    assert page.skew == timedelta(0)


@pytest.mark.parametrize(
    "upload", [Upload(PHOTOS, "", "1"), Upload(PHOTOS, "/k", "1"), Upload(PHOTOS, "k", "")], ids=str
)
def test_upload_that_would_address_something_else_is_not_sent(upload: Upload) -> None:
    network = FakeNetwork(Response(204, {}, b""))
    store = store_over(network)

    calls: list[Coroutine[Any, Any, object]] = [store.abort(upload), store.parts(upload, 0)]
    for call in calls:
        with pytest.raises(RequestRejected):
            asyncio.run(call)

    assert network.urls == []


@pytest.mark.parametrize(("left", "minimum", "maximum"), [(0.0, 0, 0), (0.4, 20, 20), (0.95, 40, 20 * ATTEMPTS)])
def test_retry_needs_half_a_second_after_the_pause(left: float, minimum: int, maximum: int) -> None:
    network, clock = FakeNetwork(error(500, "InternalError")), FakeClock()

    async def note(seconds: float) -> None:
        """The pauses are random, and take no time here."""
        clock.waits.append(seconds)

    store = CosStore(Clients(ROLE), network, Deadline(clock, left, left, left), sleep=note)  # type: ignore[arg-type]

    for _ in range(20):
        with pytest.raises(Unavailable):
            asyncio.run(store.abort(UPLOAD))

    assert minimum <= len(network.urls) <= maximum


@pytest.mark.parametrize(
    ("code", "is_too_much"), [("SlowDown", True), ("ServiceUnavailable", True), ("InternalError", False)]
)
def test_bucket_that_says_slow_down_is_requested_slower(code: str, *, is_too_much: bool) -> None:
    clock = FakeClock()
    network = FakeNetwork(error(503, code), lambda: clock.advance(10))

    with pytest.raises(Unavailable):
        asyncio.run(store_over(network, clock, ends=1000).abort(UPLOAD))

    # Each request takes ten seconds, and between attempts there is a pause in any case.
    assert (len(clock.waits) > ATTEMPTS - 1) == is_too_much


def test_ended_requests_do_not_count_for_the_rate() -> None:
    clock, sent = FakeClock(), list[float]()

    def take() -> None:
        sent.append(clock.now)
        clock.advance(10)

    network = FakeNetwork(Response(204, {}, b""), take)
    store = store_over(network, clock, ends=10_000)
    for _ in range(100):
        asyncio.run(store.abort(UPLOAD))
    network.answer = error(503, "SlowDown")
    with pytest.raises(Unavailable):
        asyncio.run(store.abort(UPLOAD))

    # One was under way when it was too much, so the slowest pace it is; a pause alone is of 0.4 seconds at most.
    assert sent[101] - (sent[100] + 10) > 0.49


def test_scheme_is_https_unless_plain_http_is_requested() -> None:
    network = FakeNetwork(Response(204, {}, b""))
    clock = FakeClock()
    plain = CosStore(Clients(ROLE, plain_http=True), network, Deadline(clock, 1, 1, 1))  # type: ignore[arg-type]

    asyncio.run(store_over(network).abort(UPLOAD))
    asyncio.run(plain.abort(UPLOAD))

    assert [url.partition(":")[0] for url in network.urls] == ["https", "http"]


def test_request_goes_to_its_bucket_in_its_region_and_get_service_to_the_service() -> None:
    network = FakeNetwork(Response(200, {}, EMPTY_PAGE))
    store = store_over(network)

    asyncio.run(store.page(PHOTOS, Cursor(), ""))
    with pytest.raises(Unavailable):
        asyncio.run(store.buckets(""))

    assert [url.split("/")[2] for url in network.urls] == [
        "photos-1250000000.cos.ap-guangzhou.myqcloud.com",
        "service.cos.myqcloud.com",
    ]


def test_region_is_configured_once() -> None:
    clients = Clients(ROLE)
    exchange = Exchange(FakeNetwork(Response(204, {}, b"")), 1.0)  # type: ignore[arg-type]

    first, second, other = (clients.client(region, exchange).get_conf() for region in ("ap-a", "ap-a", "ap-b"))

    assert first is second
    assert other is not first


def test_loggers_of_the_sdk_alone_are_silenced() -> None:
    assert logging.getLogger("qcloud_cos.cos_client").disabled
    assert not logging.getLogger("urllib3").disabled


def test_input_that_the_sdk_rejects_is_reported_by_the_exceptions_type() -> None:
    network = FakeNetwork(Response(200, {}, b""))
    anywhere, until = ReportLocation(PHOTOS, ""), Deadline(FakeClock(), 1, 1, 1)
    store = CosStore(Clients(ROLE), network, until, reports=anywhere)  # type: ignore[arg-type]

    with pytest.raises(CosRejected) as caught:
        asyncio.run(store.put_report(PHOTOS, "", b"{}"))

    assert (caught.value.code, caught.value.detail, network.urls) == ("NotSent", "CosClientError", [])


def test_sdk_call_that_sends_nothing_is_an_error() -> None:
    class Idle(Clients):
        def client(self, _region: str, _exchange: Exchange) -> Any:
            return SimpleNamespace(put_object=lambda **_: None)

    clock = FakeClock()
    network = FakeNetwork(Response(200, {}, b""))
    store = CosStore(Idle(ROLE), network, Deadline(clock, 1, 1, 1), reports=REPORTS)  # type: ignore[arg-type]

    with pytest.raises(CosRejected) as caught:
        asyncio.run(store.put_report(PHOTOS, "reports/a.json", b"{}"))

    assert caught.value.code == "NotSent"


@pytest.mark.parametrize(("ends", "waits_for"), [(1000.0, 25.0), (15.0, 15.0)], ids=["its turn", "the end of the run"])
def test_request_waits_for_its_slot_however_long_the_queue_is(ends: float, waits_for: float) -> None:
    clock = FakeClock()
    network = FakeNetwork(error(503, "SlowDown"), lambda: clock.advance(1000))
    store = store_over(network, clock, ends=1e9)
    with pytest.raises(Unavailable):
        asyncio.run(store.abort(UPLOAD, 1.0))
    began = clock.now
    store._deadline = Deadline(clock, began + ends, began + ends, began + ends)
    # Two requests a second is the slowest pace; so many wait already.
    for _ in range(49):
        store._limiter(PHOTOS).reserve(began)
    clock.waits.clear()

    with pytest.raises(Unavailable):
        asyncio.run(store.abort(UPLOAD))

    assert clock.waits[0] == pytest.approx(waits_for, abs=0.1)


@pytest.mark.parametrize(
    ("answer", "is_none"),
    [
        (error(404, "NoSuchLifecycleConfiguration"), True),
        (error(400, "NoSuchLifecycleConfiguration"), False),
        (error(404, "NoSuchBucket"), False),
        (error(404, "ObjectLockConfigurationNotFoundError"), False),
        (error(404, ""), False),
        (Response(204, {}, b""), False),
    ],
    ids=["none", "another_status", "no_bucket", "no_lock", "no_code", "empty_204"],
)
def test_bucket_has_no_lifecycle_rules_only_where_cos_says_so(answer: Response, *, is_none: bool) -> None:
    store = store_over(FakeNetwork(answer))

    if is_none:
        assert asyncio.run(store.lifecycle(PHOTOS)) == ()
    else:
        with pytest.raises(StoreError):
            asyncio.run(store.lifecycle(PHOTOS))


@pytest.mark.parametrize("code", ["ObjectLockConfigurationNotFoundError", "NoSuchObjectLockConfiguration"])
def test_bucket_without_object_lock_configuration_is_not_locked(code: str) -> None:
    assert asyncio.run(store_over(FakeNetwork(error(404, code))).object_lock(PHOTOS)) is False
