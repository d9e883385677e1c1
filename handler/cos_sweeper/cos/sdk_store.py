"""
The store over the official SDK. The only module that imports `qcloud_cos`, and the one that knows its traps.

An answer is judged by what came over the wire, not by what the SDK makes of it: the SDK takes 3xx for success, drops
the status and the request id of an abort, and evaluates listings as Python.
"""

import logging
import random
import re
from collections.abc import Callable, Mapping
from copy import copy
from datetime import datetime, timedelta, timezone
from typing import TypeVar

from qcloud_cos import CosConfig, CosS3Auth, CosS3Client

from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.errors import CosRejected, NoSuchUpload, RequestRejected, Stopped, StoreError, Unavailable
from cos_sweeper.core.keys import validate_key
from cos_sweeper.core.model import Bucket, BucketsPage, Cursor, Page, PartsPage, Upload
from cos_sweeper.core.retry import retry_while
from cos_sweeper.core.settings import Credentials
from cos_sweeper.cos import xml
from cos_sweeper.cos.error_codes import THROTTLED, Meaning, meaning
from cos_sweeper.cos.rate_limiter import RateLimiter
from cos_sweeper.cos.sdk_session import Exchange
from cos_sweeper.cos.store import Receipt
from cos_sweeper.net import turns
from cos_sweeper.net.client import Connections
from cos_sweeper.net.connection import Answer, TransportError

T = TypeVar("T")

LONGEST_PAUSE_SECONDS = 4.0
# With less than this left after a pause, another attempt would only be cut off.
WORTH_TRYING_SECONDS = 0.5
SERVICE_HOST = "service.cos.myqcloud.com"
ERROR_CODE = re.compile(r"[A-Za-z0-9.]{1,64}")
# Any region will do for the one request that has none.
NO_REGION = "ap-guangzhou"

# At DEBUG the SDK logs the token and the signing key, at ERROR whole answers that may echo them. A disabled logger
# stays silent whatever level or handler anybody sets.
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

    now: the wall clock, UTC. sleep: waits so many seconds, and lets other tasks go on.
    """

    def __init__(
        self,
        clients: Clients,
        connections: Connections,
        deadline: Deadline,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
        sleep: Callable[[float], None] = turns.sleep,
    ) -> None:
        self._clients = clients
        self._connections = connections
        self._deadline = deadline
        self._now = now
        self._sleep = sleep
        self._limiters: dict[Bucket | None, RateLimiter] = {}
        self._end = _End()

    def until(self, deadline: Deadline) -> "CosStore":
        """The same store with another deadline. Where no request may leave one of them, none leaves the other."""
        other = copy(self)
        other._deadline = deadline
        return other

    def buckets(self, marker: str) -> BucketsPage:
        """Get Service: the buckets of every region."""
        params = {"marker": marker, "max-keys": "2000"}
        answer = self._send(None, lambda client: _get(client, None, None, params))
        page = self._read(answer, lambda body: xml.buckets_page(body, marker))
        return BucketsPage(page.buckets, page.next, _date(answer))

    def page(self, bucket: Bucket, start: Cursor, prefix: str) -> Page:
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
        answer = self._send(bucket, lambda client: _get(client, bucket, None, params))
        page = self._read(answer, lambda body: xml.uploads_page(body, bucket, start))
        return Page(page.listed, page.next, self._skew(answer, asked), _request_id(answer), _date(answer))

    def parts(self, upload: Upload, after: int, *, for_abort: bool = False) -> PartsPage:
        """List Parts, 1000 at most. It shows the parts that have arrived whole, and none that is on its way."""
        _check(upload)
        asked = self._now()
        params = {
            "uploadId": upload.upload_id,
            "part-number-marker": str(after),
            "max-parts": "1000",
            "encoding-type": "url",
        }
        sent = _Sent()
        answer = self._send(
            upload.bucket,
            lambda client: _get(client, upload.bucket, upload.key, params),
            turns_taken=2 if for_abort else 1,
            sent=sent,
        )
        page = self._read(answer, lambda body: xml.parts_page(body, upload, after))
        return PartsPage(page.parts, page.next, self._skew(answer, asked), _date(answer), sent.at)

    def abort(self, upload: Upload, within: float | None = None) -> Receipt:
        """Abort Multipart Upload. Nothing but a 204 is an abort."""
        _check(upload)

        def request(client: CosS3Client) -> object:
            return client.abort_multipart_upload(Bucket=upload.bucket.name, Key=upload.key, UploadId=upload.upload_id)

        if within is None:
            answer = self._send(upload.bucket, request)
        else:
            answer = self._attempt(upload.bucket, request, turns_taken=0, within=within)
        if answer.status_code != 204:
            raise CosRejected("NotAnAbort", answer.status_code, _request_id(answer), "an abort is answered with 204")
        return Receipt(_request_id(answer))

    def give_back(self, bucket: Bucket) -> None:
        """As the Store says."""
        self._limiter(bucket).give_back(self._deadline.clock())

    def pause(self, seconds: float) -> bool:
        """As the Store says."""
        if self._deadline.request_seconds(after=seconds) <= WORTH_TRYING_SECONDS:
            return False
        self._sleep(seconds)
        return True

    def put_report(self, bucket: Bucket, key: str, body: bytes) -> None:
        """Put Object."""
        self._send(
            bucket,
            lambda client: client.put_object(
                Bucket=bucket.name, Key=key, Body=body, ContentType="application/json; charset=utf-8"
            ),
        )

    def _send(
        self,
        bucket: Bucket | None,
        request: Callable[[CosS3Client], object],
        *,
        turns_taken: int = 1,
        sent: "_Sent | None" = None,
    ) -> Answer:
        """
        Send one request through the SDK, again where that may help. Raises StoreError for all but a 2xx.

        bucket: None for the one request that is about none.
        """
        return retry_while(
            lambda: self._attempt(bucket, request, turns_taken=turns_taken, sent=sent),
            lambda exc: isinstance(exc, Unavailable) and exc.is_retryable,
            lambda: self._deadline.request_seconds() - WORTH_TRYING_SECONDS,
            self._sleep,
            LONGEST_PAUSE_SECONDS,
        )

    def _attempt(
        self,
        bucket: Bucket | None,
        request: Callable[[CosS3Client], object],
        *,
        turns_taken: int = 1,
        within: float | None = None,
        sent: "_Sent | None" = None,
    ) -> Answer:
        """Send one request once. turns_taken: under the rate limit; 0: its turn was taken before."""
        if self._end.reason is not None:
            raise self._end.reason
        limiter = self._limiter(bucket)
        if turns_taken:
            self._acquire(limiter, turns_taken)
        elif within is not None:
            within = self._wait_for_its_turn(limiter, within)
        seconds = self._deadline.request_seconds()
        if seconds <= 0:
            raise Unavailable("OutOfTime", detail="no time was left to send the request")
        began = self._deadline.clock()
        if sent is not None:
            sent.at = began
        limiter.sent()
        try:
            return self._exchange(bucket, request, seconds, within)
        except StoreError as exc:
            now = self._deadline.clock()
            if isinstance(exc, Stopped):
                self._end.reason = exc
            elif isinstance(exc, Unavailable) and (exc.code in THROTTLED or exc.status == 429):
                limiter.throttled(began, now)
            if turns_taken > 1:
                limiter.give_back(now)
            raise
        finally:
            limiter.ended()

    def _limiter(self, bucket: Bucket | None) -> RateLimiter:
        return self._limiters.get(bucket) or self._limiters.setdefault(bucket, RateLimiter(random.uniform))

    def _acquire(self, limiter: RateLimiter, turns_taken: int) -> None:
        """Until it is this request's turn, or the run's time is over. After a cut, everybody queues anew."""
        cuts = None
        while cuts != limiter.back_offs:
            cuts = limiter.back_offs
            now = self._deadline.clock()
            seconds = min(limiter.reserve(now, turns_taken), self._deadline.ends - now)
            if seconds <= 0:
                return
            self._sleep(seconds)

    def _wait_for_its_turn(self, limiter: RateLimiter, within: float) -> float:
        """A turn that was taken before comes one request later. How many seconds of `within` are left then."""
        now = self._deadline.clock()
        seconds = limiter.use(now)
        if not 0 < seconds < within:
            return within
        self._sleep(seconds)
        return within - (self._deadline.clock() - now)

    def _exchange(
        self, bucket: Bucket | None, request: Callable[[CosS3Client], object], seconds: float, within: float | None
    ) -> Answer:
        exchange = Exchange(self._connections, seconds, within)
        try:
            request(self._clients.client(bucket.region if bucket else NO_REGION, exchange))
        except Exception as exc:
            # With an answer at hand it does not matter what the SDK made of it.
            if exchange.answer is None:
                raise _no_answer(exchange.trouble or exc) from exc
        if exchange.answer is None:
            raise CosRejected("NotSent", detail="the SDK sent nothing")
        _raise_for_status(exchange.answer)
        return exchange.answer

    def _read(self, answer: Answer, read: Callable[[bytes], T]) -> T:
        try:
            return read(answer.content)
        except xml.Unreadable as exc:
            raise Unavailable("Unreadable", answer.status_code, _request_id(answer), str(exc)) from exc

    def _skew(self, answer: Answer, asked: datetime) -> timedelta | None:
        """
        COS's clock minus ours. Date has whole seconds and was written at some moment between asking and now.
        """
        date = _date(answer)
        if date is None:
            return None
        answered = self._now()
        if asked - timedelta(seconds=1) <= date <= answered:
            return timedelta(0)
        return date - asked if date < asked else date - answered


class _End:
    """Once the credentials or the clock are not accepted, every further request of the run would be one in vain."""

    reason: Stopped | None = None


class _Sent:
    """When a request left, for the last time, by the deadline's clock."""

    at: float | None = None


def _date(answer: Answer) -> datetime | None:
    """COS's clock when it answered, to the second; None where it did not say."""
    return xml.http_date(answer.headers.get("date", ""))


def _get(client: CosS3Client, bucket: Bucket | None, key: str | None, params: Mapping[str, str]) -> object:
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
        headers={},
        params=raw,
    )


def _check(upload: Upload) -> None:
    """The last door before the SDK."""
    reason = validate_key(upload.key, upload.upload_id)
    if reason:
        raise RequestRejected(reason)


def _raise_for_status(answer: Answer) -> None:
    """Return for a 2xx, raise what the answer means otherwise."""
    status = answer.status_code
    if 200 <= status < 300:
        return
    code, request_id = _code_of(answer), _request_id(answer)
    if status < 500 and code == "NoSuchUpload":
        raise NoSuchUpload(code, status, request_id)
    match meaning(status, code, xml.error_message(answer.content)):
        case Meaning.RETRY:
            raise Unavailable(code, status, request_id, is_retryable=True)
        case Meaning.LATER:
            raise Unavailable(code, status, request_id)
        case Meaning.STOP:
            raise Stopped(code, status, request_id)
        case _:
            raise CosRejected(code, status, request_id)


def _code_of(answer: Answer) -> str:
    """COS's code where the answer carries one. Anything can stand in a body, so only a word is taken."""
    code = xml.error(answer.content)[0]
    return code if ERROR_CODE.fullmatch(code) else f"Http{answer.status_code}"


def _request_id(answer: Answer) -> str:
    return answer.headers.get("x-cos-request-id") or xml.error(answer.content)[1]


def _no_answer(trouble: Exception) -> StoreError:
    if isinstance(trouble, TransportError):
        return Unavailable(trouble.code, detail=trouble.detail, is_retryable=trouble.code != "BadCertificate")
    # The SDK refused its input before anything was sent; its text may repeat that input.
    return CosRejected("NotSent", detail=type(trouble).__name__)
