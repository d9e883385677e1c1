"""
The store over the official SDK. The only module that imports `qcloud_cos`, and the one that knows its traps.

A response is judged by what came over the wire, not by what the SDK makes of it: the SDK takes 3xx for success, drops
the status and the request id of an abort, and evaluates listings as Python.
"""

import asyncio
import logging
import random
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, TypeVar

from qcloud_cos import CosConfig, CosS3Auth, CosS3Client

from cos_sweeper.core import actions
from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.errors import CosRejected, NoSuchUpload, RequestRejected, Stopped, StoreError, Unavailable
from cos_sweeper.core.keys import validate_key
from cos_sweeper.core.model import Bucket, BucketsPage, Cursor, Page, PartsPage, Upload
from cos_sweeper.core.redaction import HIDDEN
from cos_sweeper.core.retry import RetryPolicy, retry
from cos_sweeper.core.settings import Credentials, ReportLocation
from cos_sweeper.cos import xml
from cos_sweeper.cos.error_codes import THROTTLED, Meaning, meaning
from cos_sweeper.cos.rate_limiter import RateLimiter
from cos_sweeper.cos.sdk_session import Exchange, SilentHeaders
from cos_sweeper.cos.store import Receipt, ReportsPage
from cos_sweeper.net.client import Connections
from cos_sweeper.net.response import Response, TransportError
from cos_sweeper.net.sdk_bridge import run_in_greenlet

if TYPE_CHECKING:
    from cos_sweeper.core.coverage import LifecycleRule

T = TypeVar("T")

RETRIES = RetryPolicy()
# With less than this left after a pause, another attempt would only be cut off.
WORTH_TRYING_SECONDS = 0.5
SERVICE_HOST = "service.cos.myqcloud.com"
ERROR_CODE = re.compile(r"[A-Za-z0-9.]{1,64}")
# As of a request. What a server sends back in place of a code or an id is written into logs and records.
SIGNATURE = re.compile(r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{40}(?![0-9A-Fa-f])")
CONTENT_RANGE = re.compile(r"bytes 0-[0-9]+/([0-9]{1,18})")
CONTENT_TYPES = {"html": "text/html; charset=utf-8", "gz": "application/gzip"}
# How COS says that a bucket has no such configuration. For Object Lock it is not documented; other stores send these.
NO_CONFIGURATION = {
    "lifecycle": {"NoSuchLifecycleConfiguration"},
    "object-lock": {"ObjectLockConfigurationNotFoundError", "NoSuchObjectLockConfiguration"},
}
SECOND, NO_SKEW = timedelta(seconds=1), timedelta(0)
# Any region will do for the one request that has none.
NO_REGION = "ap-guangzhou"

# At DEBUG the SDK logs the token and the signing key, at ERROR whole answers that may echo them. A disabled logger logs
# nothing, whatever level or handler is set.
for _name in [name for name in logging.root.manager.loggerDict if name.split(".")[0] == "qcloud_cos"]:
    logging.getLogger(_name).disabled = True


class Clients:
    """The SDK's configuration for each region, as long as the credentials stay the same."""

    def __init__(self, credentials: Credentials, *, plain_http: bool = False) -> None:
        self.credentials = credentials
        self._scheme = "http" if plain_http else "https"
        self._configs: dict[str, CosConfig] = {}

    def client(self, region: str, exchange: Exchange) -> CosS3Client:
        """A client for one request. Its own retry is off: it sleeps whole seconds and knows no deadline."""
        return CosS3Client(self._config(region), retry=0, session=exchange)

    def _config(self, region: str) -> CosConfig:
        config = self._configs.get(region)
        if config is None:
            config = CosConfig(
                Region=region,
                SecretId=self.credentials.secret_id,
                SecretKey=self.credentials.secret_key,
                Token=self.credentials.token,
                Scheme=self._scheme,
            )
            self._configs[region] = config
        return config


class CosStore:
    """
    A Store over COS, for one run.

    now: the wall clock, UTC. sleep: waits so many seconds, and lets other tasks go on. reports: the one place whose
    objects are written, read and listed.
    """

    def __init__(
        self,
        clients: Clients,
        connections: Connections,
        deadline: Deadline,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        reports: ReportLocation | None = None,
    ) -> None:
        self._reports = reports
        self._clients = clients
        self._connections = connections
        self._deadline = deadline
        self._now = now
        self._sleep = sleep
        self._limiters: dict[Bucket | None, RateLimiter] = {}
        self._end = _End()

    def until(self, deadline: Deadline) -> "CosStore":
        """The same store with another deadline. If one of them may send no request, the other may not either."""
        other = copy(self)
        other._deadline = deadline
        return other

    def apart(self, deadline: Deadline) -> "CosStore":
        """As `until`, for what is not essential: a refusal of its requests stops no request of this store."""
        other = self.until(deadline)
        other._end = self._end.duplicate()
        return other

    def stop_buckets_alone(self) -> None:
        """A bucket that does not accept the credentials or the clock ends the requests to itself, not to the others."""
        self._end.is_alone = True

    async def buckets(self, marker: str) -> BucketsPage:
        """Get Service: the buckets of every region."""
        params = {"marker": marker, "max-keys": "2000"}
        response = await self._send(None, lambda client: _get(client, None, None, params))
        page = self._read(response, lambda body: xml.buckets_page(body, marker))
        return BucketsPage(page.buckets, page.next, _date(response), page.owner)

    async def page(self, bucket: Bucket, start: Cursor, prefix: str) -> Page:
        """List Multipart Uploads, 1000 at most, keys URL-encoded because XML cannot carry every one."""
        asked = self._now()
        params = {
            "uploads": "",
            "prefix": prefix,
            "key-marker": start.key,
            "upload-id-marker": start.upload_id,
            "max-uploads": "1000",
            "encoding-type": "url",
        }
        with _needs(actions.LIST_UPLOADS):
            response = await self._send(bucket, lambda client: _get(client, bucket, None, params))
        page = self._read(response, lambda body: xml.uploads_page(body, bucket, start))
        date = _date(response)
        return Page(page.listed, page.next, self._skew(date, asked), _request_id(response), date)

    async def parts(self, upload: Upload, after: int, *, for_abort: bool = False) -> PartsPage:
        """List Parts, 1000 at most. It shows only the parts that have arrived completely."""
        _check(upload)
        asked = self._now()
        params = {
            "uploadId": upload.upload_id,
            "part-number-marker": str(after),
            "max-parts": "1000",
            "encoding-type": "url",
        }
        sent = _Sent()
        with _needs(actions.LIST_PARTS):
            response = await self._send(
                upload.bucket,
                lambda client: _get(client, upload.bucket, upload.key, params),
                slots=2 if for_abort else 1,
                sent=sent,
            )
        page = self._read(response, lambda body: xml.parts_page(body, upload, after))
        date = _date(response)
        return PartsPage(page.parts, page.next, self._skew(date, asked), date, sent.at)

    async def abort(self, upload: Upload, within: float | None = None) -> Receipt:
        """Abort Multipart Upload. Nothing but a 204 is an abort."""
        _check(upload)

        def request(client: CosS3Client) -> object:
            return client.abort_multipart_upload(Bucket=upload.bucket.name, Key=upload.key, UploadId=upload.upload_id)

        with _needs(actions.ABORT):
            if within is None:
                response = await self._send(upload.bucket, request)
            else:
                response = await self._attempt(upload.bucket, request, slots=0, within=within)
        if response.status_code != 204:
            raise CosRejected("NotAnAbort", response.status_code, _request_id(response), "only a 204 is an abort")
        return Receipt(_request_id(response))

    def give_back(self, bucket: Bucket) -> None:
        """As the Store says."""
        self._limiter(bucket).give_back(self._deadline.clock())

    def is_throttled(self, bucket: Bucket) -> bool:
        """As the Store says."""
        return self._limiter(bucket).rate(self._deadline.clock()) is not None

    async def pause(self, seconds: float) -> bool:
        """As the Store says."""
        if self._deadline.request_seconds(after=seconds) <= WORTH_TRYING_SECONDS:
            return False
        await self._sleep(seconds)
        return True

    async def lifecycle(self, bucket: Bucket) -> "tuple[LifecycleRule, ...]":
        """Get Bucket Lifecycle."""
        from cos_sweeper.cos import lifecycle_xml

        response = await self._configuration(bucket, "lifecycle")
        return () if response is None else self._read(response, lifecycle_xml.lifecycle_rules)

    async def object_lock(self, bucket: Bucket) -> bool:
        """Get Bucket ObjectLockConfiguration."""
        from cos_sweeper.cos import lifecycle_xml

        response = await self._configuration(bucket, "object-lock")
        return response is not None and self._read(response, lifecycle_xml.object_lock)

    async def _configuration(self, bucket: Bucket, name: str) -> Response | None:
        """A configuration of the bucket; None where COS says that there is none."""
        try:
            response = await self._send(bucket, lambda client: _get(client, bucket, None, {name: ""}))
        except CosRejected as exc:
            if exc.status == 404 and exc.code in NO_CONFIGURATION[name]:
                return None
            raise
        if response.status_code != 200:
            raise CosRejected("NotTheWhole", response.status_code, _request_id(response), "only a 200 has the whole")
        return response

    async def put_report(self, bucket: Bucket, key: str, body: bytes) -> None:
        """Put Object."""
        _check_report(self._reports, bucket, key)
        kind = CONTENT_TYPES.get(key.rpartition(".")[2], "application/json; charset=utf-8")
        await self._send(
            bucket, lambda client: client.put_object(Bucket=bucket.name, Key=key, Body=body, ContentType=kind)
        )

    async def read_report(self, bucket: Bucket, key: str, max_bytes: int) -> bytes | None:
        """Get Object, of which COS sends no more than max_bytes."""
        _check_report(self._reports, bucket, key)
        span = {"Range": f"bytes=0-{max_bytes - 1}"}
        try:
            response = await self._send(bucket, lambda client: _get(client, bucket, key, {}, span))
        except CosRejected as exc:
            if exc.code == "NoSuchKey":
                return None
            raise
        if _size(response) > max_bytes:
            raise CosRejected("ReportTooLarge", response.status_code, _request_id(response))
        return response.content

    async def list_reports(self, bucket: Bucket, prefix: str, after: str) -> ReportsPage:
        """Get Bucket, 1000 objects at most, keys URL-encoded."""
        _check_report(self._reports, bucket, prefix)
        params = {"prefix": prefix, "marker": after, "max-keys": "1000", "encoding-type": "url"}
        response = await self._send(bucket, lambda client: _get(client, bucket, None, params))
        keys, following = self._read(response, lambda body: xml.objects_page(body, prefix, after))
        return ReportsPage(keys, following)

    def _send(
        self,
        bucket: Bucket | None,
        request: Callable[[CosS3Client], object],
        *,
        slots: int = 1,
        sent: "_Sent | None" = None,
    ) -> Awaitable[Response]:
        """
        Send one request through the SDK, and retry where that may help. Raises StoreError for all but a 2xx.

        bucket: None for the one request that is about none.
        """
        return retry(
            RETRIES,
            lambda: self._attempt(bucket, request, slots=slots, sent=sent),
            lambda exc: isinstance(exc, Unavailable) and exc.is_retryable,
            lambda: self._deadline.request_seconds() - WORTH_TRYING_SECONDS,
            self._sleep,
        )

    async def _attempt(
        self,
        bucket: Bucket | None,
        request: Callable[[CosS3Client], object],
        *,
        slots: int = 1,
        within: float | None = None,
        sent: "_Sent | None" = None,
    ) -> Response:
        """Send one request once. slots: of the rate limit to reserve; 0: its slot was reserved before."""
        reason = self._end.reason(bucket)
        if reason is not None:
            raise reason
        limiter = self._limiter(bucket)
        if slots:
            await self._acquire(limiter, slots)
        elif within is not None:
            within = await self._wait_for_its_turn(limiter, within)
        seconds = self._deadline.request_seconds()
        if seconds <= 0:
            raise Unavailable("OutOfTime", detail="no time was left to send the request")
        began = self._deadline.clock()
        if sent is not None:
            sent.at = began
        limiter.sent()
        try:
            return await self._exchange(bucket, request, seconds, within)
        except StoreError as exc:
            now = self._deadline.clock()
            if isinstance(exc, Stopped):
                self._end.add(bucket, exc)
            elif isinstance(exc, Unavailable) and (exc.code in THROTTLED or exc.status == 429):
                limiter.throttled(began, now)
            if slots > 1:
                limiter.give_back(now)
            raise
        finally:
            limiter.ended()

    def _limiter(self, bucket: Bucket | None) -> RateLimiter:
        return self._limiters.get(bucket) or self._limiters.setdefault(bucket, RateLimiter(random.uniform))

    async def _acquire(self, limiter: RateLimiter, slots: int) -> None:
        """Wait for this request's slot, or the end of the run. After a back off, every request reserves a new slot."""
        cuts = None
        while cuts != limiter.back_offs:
            cuts = limiter.back_offs
            now = self._deadline.clock()
            seconds = min(limiter.reserve(now, slots), self._deadline.ends - now)
            if seconds <= 0:
                return
            await self._sleep(seconds)

    async def _wait_for_its_turn(self, limiter: RateLimiter, within: float) -> float:
        """Wait for a slot that was reserved before. Returns how many seconds of `within` are left then."""
        now = self._deadline.clock()
        seconds = limiter.use(now)
        if not 0 < seconds < within:
            return within
        await self._sleep(seconds)
        return within - (self._deadline.clock() - now)

    async def _exchange(
        self, bucket: Bucket | None, request: Callable[[CosS3Client], object], seconds: float, within: float | None
    ) -> Response:
        exchange = Exchange(self._connections, seconds, within)
        region = bucket.region if bucket else NO_REGION
        try:
            await run_in_greenlet(lambda: request(self._clients.client(region, exchange)))
        except Exception as exc:
            # With a response at hand it does not matter what the SDK made of it.
            if exchange.response is None:
                raise _no_response(exchange.error or exc) from exc
        if exchange.response is None:
            raise CosRejected("NotSent", detail="the SDK sent nothing")
        _raise_for_status(exchange.response)
        return exchange.response

    def _read(self, response: Response, read: Callable[[bytes], T]) -> T:
        try:
            return read(response.content)
        except xml.Unreadable as exc:
            raise Unavailable("Unreadable", response.status_code, _request_id(response), str(exc)) from exc

    def _skew(self, date: datetime | None, asked: datetime) -> timedelta | None:
        """
        COS's clock minus ours. Date has whole seconds and was written at some moment between asking and now.
        """
        if date is None:
            return None
        responded = self._now()
        if asked - SECOND <= date <= responded:
            return NO_SKEW
        return date - asked if date < asked else date - responded


class _End:
    """
    Once COS accepts the credentials or the clock no longer, every further request of the run would fail. is_alone: to
    that bucket only, until a second one does the same.
    """

    def __init__(self) -> None:
        self.is_alone = False
        self._reasons: dict[Bucket | None, Stopped] = {}

    def duplicate(self) -> "_End":
        """The same so far."""
        other = _End()
        other.is_alone, other._reasons = self.is_alone, dict(self._reasons)
        return other

    def add(self, bucket: Bucket | None, reason: Stopped) -> None:
        self._reasons.setdefault(bucket, reason)

    def reason(self, bucket: Bucket | None) -> Stopped | None:
        """Why nothing is sent to this bucket any more."""
        if self.is_alone and len(self._reasons) < 2:
            return self._reasons.get(bucket)
        return next(iter(self._reasons.values()), None)


class _Sent:
    """When a request left, for the last time, by the deadline's clock."""

    at: float | None = None


def _date(response: Response) -> datetime | None:
    """COS's clock in its response, to the second; None without a date."""
    return xml.http_date(response.headers.get("date", ""))


def _get(
    client: CosS3Client,
    bucket: Bucket | None,
    key: str | None,
    params: Mapping[str, str],
    headers: Mapping[str, str] | None = None,
) -> object:
    """
    A GET signed and sent by the SDK, without its `eval` of the answer. bucket: None for the service.

    Surrogates in a marker go out as the bytes that they stand for.
    """
    raw = {name: value.encode("utf-8", "surrogateescape") for name, value in params.items()}
    config = client.get_conf()
    url = config.uri(bucket=bucket.name, path=key) if bucket else f"{config._scheme}://{SERVICE_HOST}/"
    return client.send_request(
        method="GET",
        url=url,
        bucket=bucket.name if bucket else None,
        auth=CosS3Auth(config, key, params=raw),
        headers=SilentHeaders(headers or {}),
        params=raw,
    )


def _check(upload: Upload) -> None:
    """The last check before the SDK."""
    reason = validate_key(upload.key, upload.upload_id)
    if reason:
        raise RequestRejected(reason)


def _check_report(reports: ReportLocation | None, bucket: Bucket, key: str) -> None:
    """The last door before the SDK for what is not an upload: only the report prefix lies behind it."""
    if reports is None or bucket != reports.bucket or not key.startswith(reports.prefix):
        raise RequestRejected("only objects under the report prefix are written, read or listed")
    if any(segment in (".", "..") for segment in key.split("/")) or "//" in key:
        raise RequestRejected("the name of the object would address another one")


def _size(response: Response) -> int:
    """Of the whole object, where COS sent a part of it."""
    match = CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
    return int(match[1]) if match else len(response.content)


@contextmanager
def _needs(action: str) -> Iterator[None]:
    """Name the CAM action of the request in its error."""
    try:
        yield
    except StoreError as exc:
        exc.action = action
        raise


def _raise_for_status(response: Response) -> None:
    """Return for a 2xx; otherwise raise what the response means."""
    status = response.status_code
    if 200 <= status < 300:
        return
    code, request_id = _code_of(response), _request_id(response)
    if status < 500 and code == "NoSuchUpload":
        raise NoSuchUpload(code, status, request_id)
    match meaning(status, code, xml.error_message(response.content)):
        case Meaning.RETRY:
            raise Unavailable(code, status, request_id, is_retryable=True)
        case Meaning.LATER:
            raise Unavailable(code, status, request_id)
        case Meaning.STOP:
            raise Stopped(code, status, request_id)
        case _:
            raise CosRejected(code, status, request_id)


def _code_of(response: Response) -> str:
    """COS's code if the response has one. A body can contain anything, so only a word is accepted."""
    code = xml.error(response.content)[0]
    return code if ERROR_CODE.fullmatch(code) and not SIGNATURE.search(code) else f"Http{response.status_code}"


def _request_id(response: Response) -> str:
    return SIGNATURE.sub(HIDDEN, response.headers.get("x-cos-request-id") or xml.error(response.content)[1])


def _no_response(error: Exception) -> StoreError:
    if isinstance(error, TransportError):
        return Unavailable(error.code, detail=error.detail, is_retryable=error.code != "BadCertificate")
    # The SDK rejected its input before anything was sent; its text may repeat that input.
    return CosRejected("NotSent", detail=type(error).__name__)
