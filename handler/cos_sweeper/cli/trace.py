"""
`--trace`: every HTTP request and its response, as one block each.

It stands where the HTTP client sends: what is shown is what goes over the connection, whoever asked for it.
"""

import re
import time
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timezone

from rich.text import Text

from cos_sweeper.cli import trace_text
from cos_sweeper.cli.words import t
from cos_sweeper.core.redaction import Redactor
from cos_sweeper.net.client import Connections, Origin
from cos_sweeper.net.connection import Connection
from cos_sweeper.net.response import Response, ResponseReader, TransportError

CONNECTING, RECEIVING = "connecting", "receiving"
API_REQUEST_ID = re.compile(rb'"RequestId"\s*:\s*"([^"]+)"')
API_ERROR = re.compile(rb'"Error"\s*:')
TRY_LATER = (408, 429)
# Signatures and tokens of earlier requests that are hidden where a server repeats them.
MAX_SENT = 64
PORTS = {("http", 80), ("https", 443)}


class Reader(ResponseReader):
    """A reader that keeps the head as it came."""

    __slots__ = ("raw",)

    def __init__(self) -> None:
        super().__init__()
        self.raw = bytearray()

    def feed(self, data: memoryview | bytes) -> None:
        """As ResponseReader."""
        if not self._in_body:
            self.raw += data
        super().feed(data)

    @property
    def head(self) -> bytes:
        """The head, with those before it that only say that it is on its way."""
        end = place = 0
        while (place := self.raw.find(b"\r\n\r\n", end)) >= 0:
            is_interim = re.match(rb"HTTP/\S+ 1\d\d", self.raw[end:place])
            end = place + 4
            if not is_interim:
                return bytes(self.raw[:place])
        return bytes(self.raw)

    @property
    def body(self) -> bytes:
        """What came of the body so far."""
        return bytes(self._body)


@dataclass(slots=True)
class Sending:
    """
    One request on its way. began: when this attempt did, by time.monotonic. phase: what it waits for. is_shown: there
    is nothing to show of it that was not shown.
    """

    origin: Origin
    request: bytes
    began: float
    phase: str = CONNECTING
    connected_in: float | None = None
    is_shown: bool = False


_sending: ContextVar[Sending] = ContextVar("sending")


class Trace:
    """
    Shows what is sent and received. show: gets a title and the lines of a block. requests: how many were shown.
    """

    def __init__(self, show: Callable[[Text], None], redactor: Redactor) -> None:
        self._show = show
        self._redactor = redactor
        self._sent: deque[str] = deque(maxlen=MAX_SENT)
        self._failures: dict[tuple[Origin, bytes, bytes], int] = {}
        self.requests = 0

    def connections(self, port: int | None) -> Connections:
        """Connections that are shown here."""
        return TracedConnections(self, port)

    def block(self, sending: Sending, reader: Reader | None, result: Response | BaseException) -> None:
        """Show one request, and what came of it."""
        if sending.is_shown:
            return
        sending.is_shown = True
        self.requests += 1
        masks = trace_text.masks_of(sending.request, self._redactor, self._sent)
        lines = [f"> {line}" for line in trace_text.request_lines(sending.request, masks)]
        if reader is not None and reader.raw:
            received = [*trace_text.head_lines(reader.head, masks), "", *trace_text.body_lines(reader.body, masks)]
            lines += [f"< {line}" for line in received]
        title = f"[{self.requests}] {_title(sending)} · {' · '.join(_outcome(sending, result))}"
        details = " · ".join(self._details(sending, result))
        text = "\n".join(line.rstrip(" ") for line in lines)
        self._show(Text.assemble((trace_text.escaped(masks.text(title)), "strong"), f"\n    {details}\n{text}\n"))

    def _details(self, sending: Sending, result: Response | BaseException) -> list[str]:
        now = datetime.now(timezone.utc)
        parts = [
            f"{now:%H:%M:%S}.{now.microsecond // 1000:03d} UTC",
            t("attempt {n}", n=self._attempt(sending, result)),
        ]
        if sending.connected_in is not None:
            parts.append(t("new connection in {n} ms", n=round(sending.connected_in * 1000)))
        elif sending.phase == RECEIVING:
            parts.append(t("kept connection"))
        return parts

    def _attempt(self, sending: Sending, result: Response | BaseException) -> int:
        """How often the same was sent since it last succeeded."""
        head, _, body = sending.request.partition(b"\r\n\r\n")
        what = sending.origin, head.partition(b"\r\n")[0], body
        attempt = self._failures.pop(what, 0) + 1
        if not isinstance(result, Response) or _may_be_repeated(result):
            self._failures[what] = attempt
        return attempt


class TracedConnections(Connections):
    """Connections whose exchanges are shown."""

    def __init__(self, trace: Trace, port: int | None) -> None:
        super().__init__(port)
        self._trace = trace

    async def _send(self, origin: Origin, request: bytes, ends: float, leaves_by: float | None) -> Response:
        sending = Sending(origin, request, time.monotonic())
        token = _sending.set(sending)
        try:
            return await super()._send(origin, request, ends, leaves_by)
        except BaseException as exc:
            self._trace.block(sending, None, exc)
            raise
        finally:
            _sending.reset(token)

    async def _connect(self, origin: Origin, ends: float) -> Connection:
        sending = _sending.get()
        # Where an exchange came before, this is the next attempt.
        sending.is_shown, sending.phase, sending.began = False, CONNECTING, time.monotonic()
        connection = await super()._connect(origin, ends)
        sending.connected_in = time.monotonic() - sending.began
        return connection

    async def _exchange(self, origin: Origin, used: Connection, request: bytes, ends: float) -> Response:
        sending, reader = _sending.get(), Reader()
        sending.phase = RECEIVING
        used.new_reader = lambda: reader
        try:
            response = await super()._exchange(origin, used, request, ends)
        except BaseException as exc:
            self._trace.block(sending, reader, exc)
            raise
        self._trace.block(sending, reader, response)
        return response


def _title(sending: Sending) -> str:
    """Method and host. The request line follows."""
    scheme, host, port = sending.origin
    suffix = "" if (scheme, port) in PORTS else f":{port}"
    return f"{sending.request.partition(b' ')[0].decode('ascii')} {scheme}://{host}{suffix}"


def _outcome(sending: Sending, result: Response | BaseException) -> list[str]:
    milliseconds = f"{round((time.monotonic() - sending.began) * 1000)} ms"
    if isinstance(result, Response):
        request_id = _request_id(result)
        return [
            str(result.status_code),
            milliseconds,
            *([t("request id {id}", id=request_id)] if request_id else []),
        ]
    if isinstance(result, TransportError):
        return [t("no response: {code}", code=str(result)), _phase(sending, result.code), milliseconds]
    return [t("no response: cancelled"), _phase(sending, ""), milliseconds]


def _phase(sending: Sending, code: str) -> str:
    if code == "TooLate":
        return t("while connecting; nothing was sent")
    if code.startswith("Dns"):
        return t("while the name was looked up; nothing was sent")
    if code == "BadCertificate" or sending.phase == CONNECTING:
        return t("while connecting; nothing was sent")
    return t("after the request was sent")


def _request_id(response: Response) -> str:
    given = response.headers.get("x-cos-request-id")
    found = API_REQUEST_ID.search(response.content) if given is None else None
    return given or (found[1].decode("utf-8", "replace") if found else "")


def _may_be_repeated(response: Response) -> bool:
    status = response.status_code
    return status >= 500 or status in TRY_LATER or API_ERROR.search(response.content) is not None
