"""
A COS of a hundred lines in the test's own process, for what the emulator does not do: a test decides at each request.

It knows ListMultipartUploads, ListParts and AbortMultipartUpload, checks no signature, and has one bucket, PHOTOS.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from types import TracebackType
from typing import Any, cast
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import escape

from aiohttp import web

from cos_sweeper import app
from tests.emulator.public import Cloud, Credentials
from tests.function import PHOTOS, Function

BUCKET = PHOTOS.partition("@")[0]
OPERATIONS = {"GET": "ListParts", "DELETE": "AbortMultipartUpload"}


@dataclass(frozen=True, slots=True)
class Part:
    """A part that has arrived. hours: so long ago."""

    number: int
    hours: float = 100.0
    size: int = 1 << 20
    etag: str = '"e"'


@dataclass(frozen=True, slots=True)
class Seen:
    """A request. number: how many of the same operation and key came before it."""

    operation: str
    key: str
    upload_id: str
    marker: int
    number: int


@dataclass(frozen=True, slots=True)
class Reply:
    """A response. code: of an error, whose document is made from it unless there is a body."""

    status: int = 200
    body: str = ""
    code: str = ""


NO_SUCH_UPLOAD = Reply(404, code="NoSuchUpload")
# What a test does at a request before it is carried out: None to go on, or the reply that is sent instead.
Hook = Callable[[Seen], Reply | None]


class LittleCos:
    """
    A running server. As a context: it has stopped at the end.

    uploads: the parts of each by key and id; hours: when they began. hook: what a test does at each request. slow:
    seconds before a request is answered. page_size: of List Parts. headers: on top of the usual ones of a response.
    seen: every request. most: requests at a time.
    """

    def __init__(self, hook: Hook = lambda _: None) -> None:
        self.hook = hook
        self.slow: Callable[[Seen], float] = lambda _: 0.0
        self.uploads: dict[tuple[str, str], list[Part]] = {}
        self.hours = 100.0
        self.page_size = 1000
        self.headers: dict[str, str] = {}
        self.seen: list[Seen] = []
        self.maximum = 0
        self.endpoint = ""
        self.role = Credentials("AKIDlittle", "secret-of-the-little-cos", "token-of-the-little-cos")
        self._now = datetime.now(timezone.utc)
        self._counts: Counter[tuple[str, str]] = Counter()
        self._at_once = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> "LittleCos":
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        app.instance.reset()
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def function(self) -> Function:
        """The function in front of it."""
        return Function(cast(Cloud, self))

    def set_role_policy(self, policy: dict[str, Any]) -> None:
        """Every request is allowed here."""

    def put(self, key: str, *parts: Part, upload_id: str = "an-id-of-no-form") -> None:
        """Begin an upload and let its parts arrive."""
        self.uploads[key, upload_id] = list(parts)

    def order(self, key: str) -> list[str]:
        """The operations on one key, in the order in which they arrived."""
        return [one.operation for one in self.seen if one.key == key]

    async def _serve(self) -> None:
        self._runner = web.ServerRunner(web.Server(self._handle))
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, backlog=4096)
        await site.start()
        port = self._runner.addresses[0][1]
        self.endpoint = f"http://127.0.0.1:{port}"

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        raw_path, _, query = request.raw_path.partition("?")
        params = {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}
        operation = "ListMultipartUploads" if "uploads" in params else OPERATIONS[request.method]
        key = unquote(raw_path[1:])
        marker = int(params.get("part-number-marker") or 0)
        seen = Seen(operation, key, params.get("uploadId", ""), marker, self._counts[operation, key])
        self._counts[operation, key] += 1
        self.seen.append(seen)
        self._at_once += 1
        self.maximum = max(self.maximum, self._at_once)
        try:
            reply = self.hook(seen) or self._carry_out(seen)
            await asyncio.sleep(self.slow(seen))
        finally:
            self._at_once -= 1
        return self._response(reply)

    def _carry_out(self, seen: Seen) -> Reply:
        if seen.operation == "ListMultipartUploads":
            return Reply(body=self._listing())
        parts = self.uploads.get((seen.key, seen.upload_id))
        if parts is None:
            return NO_SUCH_UPLOAD
        if seen.operation == "AbortMultipartUpload":
            del self.uploads[seen.key, seen.upload_id]
            return Reply(204)
        return Reply(body=self._parts([one for one in parts if one.number > seen.marker]))

    def _listing(self) -> str:
        entries = "".join(
            f"<Upload><Key>{escape(key)}</Key><UploadId>{upload_id}</UploadId>"
            f"<Initiated>{self._ago(self.hours)}</Initiated></Upload>"
            for key, upload_id in sorted(self.uploads, key=lambda one: one[0])
        )
        head = f"<Bucket>{BUCKET}</Bucket><IsTruncated>false</IsTruncated>"
        return f"<ListMultipartUploadsResult>{head}{entries}</ListMultipartUploadsResult>"

    def _parts(self, parts: list[Part]) -> str:
        page, is_truncated = parts[: self.page_size], len(parts) > self.page_size
        marker = f"<NextPartNumberMarker>{page[-1].number}</NextPartNumberMarker>" if is_truncated else ""
        entries = "".join(
            f"<Part><PartNumber>{one.number}</PartNumber><LastModified>{self._ago(one.hours)}</LastModified>"
            f"<ETag>{one.etag}</ETag><Size>{one.size}</Size></Part>"
            for one in page
        )
        head = f"<IsTruncated>{str(is_truncated).lower()}</IsTruncated>{marker}"
        return f"<ListPartsResult>{head}{entries}</ListPartsResult>"

    def _ago(self, hours: float) -> str:
        return f"{self._now - timedelta(hours=hours):%Y-%m-%dT%H:%M:%S}.000Z"

    def _response(self, reply: Reply) -> web.Response:
        error = f"<Error><Code>{reply.code}</Code><RequestId>r</RequestId></Error>"
        now = format_datetime(datetime.now(timezone.utc), usegmt=True)
        body = error if reply.code else reply.body
        return web.Response(
            status=reply.status,
            body=body.encode("utf-8", "surrogateescape"),
            headers={"Date": now, "x-cos-request-id": "r", **self.headers},
        )
