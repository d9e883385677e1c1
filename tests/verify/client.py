"""
Requests to COS as a program of one's own would send them: signed here, answers as they came.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from cos_sweeper.core.model import Bucket
from cos_sweeper.core.settings import Credentials
from cos_sweeper.cos import xml
from cos_sweeper.cos.error_codes import Meaning, meaning
from cos_sweeper.net.response import Response, TransportError
from tests.verify.outcome import CannotTell, Unanswered
from tests.verify.sender import Sender
from tests.verify.signing import Request, authorization

REQUEST_SECONDS = 20.0
VALID_SECONDS = 3600
NOT_IMPLEMENTED = 501
# A clock that is a little ahead makes no signature of the future.
EARLY_SECONDS = 60
THROTTLED = {"SlowDown", "ServiceUnavailable", "RequestLimitExceeded", "TooManyRequests", "RequestTimeout"}


@dataclass(frozen=True, slots=True)
class Reply:
    """A response. code: of its error document, or ''."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """COS's error code, or ''."""
        return xml.error(self.body)[0] if self.status >= 300 else ""

    @property
    def message(self) -> str:
        """COS's error message, or ''."""
        return xml.error_message(self.body) if self.status >= 300 else ""

    def __str__(self) -> str:
        return f"{self.status} {self.code}".strip()


@dataclass(frozen=True, slots=True)
class Signer:
    """With what a request is signed. start, end: Unix seconds, None for now and the usual time."""

    credentials: Credentials
    start: int | None = None
    end: int | None = None


class Client:
    """Sends requests to one bucket. clock: Unix seconds."""

    def __init__(
        self,
        sender: Sender,
        bucket: Bucket,
        credentials: Credentials,
        *,
        plain_http: bool,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.sender = sender
        self._host = f"{bucket.name}.cos.{bucket.region}.myqcloud.com"
        self._scheme = "http" if plain_http else "https"
        self._credentials = credentials
        self._clock = clock

    async def send(
        self,
        method: str,
        key: str = "",
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        *,
        signer: Signer | None = None,
        may_be_denied: bool = False,
    ) -> Reply:
        """
        Send one request. Raises Unanswered, and CannotTell where it is not permitted, unless may_be_denied.
        """
        url, headers = self._signed(method, key, params or {}, signer or Signer(self._credentials))
        if method == "POST":
            headers |= {"Content-Type": "application/xml"} if body else {"Content-Length": "0"}
        try:
            # With a time in which it must leave, a request is not sent again over another connection.
            response = await self.sender.send(method, url, headers, body, REQUEST_SECONDS, REQUEST_SECONDS)
        except TransportError as exc:
            raise Unanswered(exc.code) from exc
        return _reply(response, method, params or {}, may_be_denied=may_be_denied)

    async def send_in_two(
        self, key: str, params: Mapping[str, str], body: bytes, between: Callable[[], Awaitable[object]]
    ) -> Reply:
        """Put a body that stops halfway, and goes on after `between`. Raises as `send`."""
        url, headers = self._signed("PUT", key, params, Signer(self._credentials))
        try:
            response = await self.sender.send_in_two("PUT", url, headers, body, between)
        except TransportError as exc:
            raise Unanswered(exc.code) from exc
        return _reply(response, "PUT", params, may_be_denied=False)

    def _signed(self, method: str, key: str, params: Mapping[str, str], signer: Signer) -> tuple[str, dict[str, str]]:
        headers = {"x-cos-security-token": signer.credentials.token} if signer.credentials.token else {}
        now = int(self._clock())
        start = now - EARLY_SECONDS if signer.start is None else signer.start
        end = now + VALID_SECONDS if signer.end is None else signer.end
        request = Request(method, f"/{key}", params, {**headers, "host": self._host})
        query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in params.items())
        url = f"{self._scheme}://{self._host}/{quote(key, safe='/-_.~')}" + (f"?{query}" if query else "")
        return url, {**headers, "Authorization": authorization(request, signer.credentials, start, end)}


def _reply(response: Response, method: str, params: Mapping[str, str], *, may_be_denied: bool) -> Reply:
    reply = Reply(response.status_code, response.headers, response.content)
    if (reply.status >= 500 and reply.status != NOT_IMPLEMENTED) or reply.status == 429 or reply.code in THROTTLED:
        raise Unanswered(str(reply))
    if may_be_denied:
        return reply
    if meaning(reply.status, reply.code, reply.message) is Meaning.STOP:
        raise CannotTell(f"COS does not accept the credentials or this machine's clock ({reply})")
    if reply.code == "AccessDenied":
        what = next((name for name in params if name != "prefix"), "object")
        raise CannotTell(f"these credentials may not {method} ?{what} here (403 AccessDenied)")
    return reply
