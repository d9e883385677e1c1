"""
What the checks work with: one bucket, one prefix, uploads that are made there, listings as they came.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import partial
from typing import TypeVar
from urllib.parse import unquote

from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.model import Bucket, Upload
from cos_sweeper.core.redaction import Redactor
from cos_sweeper.core.settings import Credentials, ReportLocation
from cos_sweeper.cos import xml
from cos_sweeper.cos.sdk_store import Clients, CosStore
from tests.verify.bounds import Bounds
from tests.verify.client import Client, Reply
from tests.verify.outcome import Contradicted, Unanswered
from tests.verify.sender import SECONDS_BETWEEN, Sender

T = TypeVar("T")

MANY = 1001
AT_ONCE = 8
ATTEMPTS = 3
ENCODED = {"encoding-type": "url"}
PART = b"verified by COS Sweeper\n"
# The store of one check never runs out of time; each of its requests has its own limit.
FOREVER = 1e9


@dataclass(frozen=True, slots=True)
class Options:
    """
    What to verify, and with what.

    many: uploads of one key. function: REGION/NAME or REGION/NAMESPACE/NAME, '' for none.
    cos_port, api_ports: of servers on this machine; the cloud's where there is none. seconds_between: requests.
    """

    bucket: Bucket
    credentials: Credentials = field(repr=False)
    many: int = MANY
    function: str = ""
    cos_port: int | None = None
    api_ports: Mapping[str, int] = field(default_factory=dict)
    seconds_between: float = SECONDS_BETWEEN
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(timezone.utc)

    @property
    def is_local(self) -> bool:
        """Whether COS is a server on this machine: then nothing goes to the cloud."""
        return self.cos_port is not None


@dataclass(frozen=True, slots=True)
class Listing:
    """A listing's root elements, and its uploads' elements, as texts. text: the whole document."""

    fields: Mapping[str, str]
    uploads: Sequence[Mapping[str, str]]
    text: str

    @property
    def keys(self) -> list[str]:
        """The keys, decoded."""
        return [unquote(one.get("Key", "")) for one in self.uploads]

    @property
    def ids(self) -> list[str]:
        """The upload ids."""
        return [one.get("UploadId", "") for one in self.uploads]


class World:
    """
    private: texts that no table may show, and what stands for them. turn: counts the attempts of all checks.
    """

    def __init__(self, options: Options, prefix: str, sender: Sender | None = None) -> None:
        self.options = options
        self.bounds = Bounds(options.bucket, prefix)
        self.sender = sender or Sender(self.bounds, options.cos_port, options.sleep, options.seconds_between)
        self.client = self.client_of(options.credentials)
        self.private: dict[str, str] = {options.bucket.name.rpartition("-")[2]: "<appid>"}
        self.made_objects = False
        self.turn = 0
        given = options.credentials
        self._redactor = Redactor([given.secret_id, given.secret_key, given.token])

    @property
    def bucket(self) -> Bucket:
        """The one bucket."""
        return self.options.bucket

    @property
    def prefix(self) -> str:
        """Everything that this run makes is below it."""
        return self.bounds.prefix

    @property
    def folder(self) -> str:
        """Where the check of the moment makes what it makes: an earlier attempt left nothing there."""
        return f"{self.prefix}{self.turn}/"

    def client_of(self, credentials: Credentials) -> Client:
        """Requests of one's own, with these credentials."""
        clock = lambda: self.options.now().timestamp()  # noqa: E731 - the wall clock of the options, in seconds
        return Client(self.sender, self.bucket, credentials, plain_http=self.options.is_local, clock=clock)

    def store(self, reports: str = "", credentials: Credentials | None = None) -> CosStore:
        """The function's own store. reports: where its objects are, in the folder if it is not given."""
        clients = Clients(credentials or self.options.credentials, plain_http=self.options.is_local)
        location = ReportLocation(self.bucket, reports or f"{self.folder}report/")
        deadline = Deadline(time.monotonic, *[time.monotonic() + FOREVER] * 3)
        store = CosStore(
            clients, self.sender, deadline, sleep=self.options.sleep, reports=location, now=self.options.now
        )
        store.stop_buckets_alone()
        return store

    async def close(self) -> None:
        """Close the connections."""
        self.sender.close()
        await asyncio.sleep(0)

    # Uploads

    async def start(self, name: str) -> Upload:
        """Start an upload of the key `name` in the folder."""
        return await self.start_at(self.folder + name)

    async def start_at(self, key: str, client: Client | None = None) -> Upload:
        """Start an upload of exactly this key."""
        reply = await (client or self.client).send("POST", key, {"uploads": ""})
        return Upload(self.bucket, key, _upload_id(self.expect(reply, "Initiate Multipart Upload")))

    async def start_many(self, names: Sequence[str]) -> list[Upload]:
        """Start one upload for each name, some at a time, each of them again where COS does not answer."""
        return await some_at_a_time([partial(self.persist, partial(self.start, name)) for name in names])

    async def abort_many(self, uploads: Sequence[Upload]) -> list[Reply]:
        """Abort them, some at a time."""
        return await some_at_a_time([partial(self.persist, partial(self.abort, one)) for one in uploads])

    async def part(self, upload: Upload, number: int = 1, body: bytes = PART) -> str:
        """Upload a part; returns its ETag."""
        params = {"partNumber": str(number), "uploadId": upload.upload_id}
        reply = self.expect(await self.client.send("PUT", upload.key, params, body), "Upload Part")
        return reply.headers.get("etag", "")

    async def complete(self, upload: Upload, etag: str) -> Reply:
        """Complete an upload of one part: an object stays."""
        self.made_objects = True
        body = f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part>"
        document = f"{body}</CompleteMultipartUpload>".encode()
        reply = await self.client.send("POST", upload.key, {"uploadId": upload.upload_id}, document)
        # COS answers 200 before it knows, so an error may stand in the document.
        if b"<Error>" in reply.body:
            raise Contradicted(f"Complete Multipart Upload: 200, and in the body {xml.error(reply.body)[0]}")
        return self.expect(reply, "Complete Multipart Upload")

    async def abort(self, upload: Upload) -> Reply:
        """Abort an upload; whatever COS answers."""
        return await self.client.send("DELETE", upload.key, {"uploadId": upload.upload_id})

    async def parts(self, upload: Upload, **params: str) -> Reply:
        """List the parts of an upload; whatever COS answers."""
        given = {name.replace("_", "-"): value for name, value in params.items()}
        return await self.client.send("GET", upload.key, {"uploadId": upload.upload_id, **given})

    async def listing(self, name: str = "", **params: str) -> Listing:
        """List uploads of keys that begin with `name`, in the folder. params: `key_marker` for `key-marker`."""
        return await self.listing_at(self.folder + name, **params)

    async def listing_at(self, prefix: str, **params: str) -> Listing:
        """List uploads of keys that begin with exactly this."""
        given = {name.replace("_", "-"): value for name, value in params.items()}
        query = {"uploads": "", "prefix": prefix, **ENCODED, **given}
        reply = await self.client.send("GET", "", query)
        return read_listing(self.expect(reply, "List Multipart Uploads").body)

    # What COS says

    def expect(self, reply: Reply, operation: str) -> Reply:
        """The reply, where it is a 2xx. Raises Contradicted."""
        if not 200 <= reply.status < 300:
            raise Contradicted(f"{operation}: {reply}")
        return reply

    async def persist(self, request: Callable[[], Awaitable[T]]) -> T:
        """Send a request again where COS does not answer. Raises Unanswered in the end."""
        for attempt in range(1, ATTEMPTS):
            try:
                return await request()
            except Unanswered:
                await self.options.sleep(float(attempt))
        return await request()

    def hide(self, text: str, stands_for: str) -> None:
        """Let no table show this text."""
        if text:
            self.private[text] = stands_for

    def hidden(self, text: str) -> str:
        """The text without what no table may show."""
        text = self._redactor.redact(text)
        for secret, shown in sorted(self.private.items(), key=lambda pair: -len(pair[0])):
            text = text.replace(secret, shown)
        return text


def read_listing(body: bytes) -> Listing:
    """Read a ListMultipartUploadsResult. Raises Contradicted for anything else."""
    try:
        root = xml.parse(body, "ListMultipartUploadsResult")
    except xml.Unreadable as exc:
        raise Contradicted(str(exc)) from exc
    uploads = [
        {**{child.tag: child.text or "" for child in one}, "Initiator": one.findtext("Initiator/ID", "")}
        for one in root.iterfind("Upload")
    ]
    fields = {child.tag: child.text or "" for child in root if child.tag != "Upload"}
    return Listing(fields, uploads, body.decode("utf-8", "replace"))


async def some_at_a_time(requests: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """
    The results of all. When one raises, no further one is sent, and those under way end before this raises.
    """
    results: dict[int, T] = {}
    waiting, errors = deque(enumerate(requests)), list[Exception]()

    async def work() -> None:
        while waiting and not errors:
            index, request = waiting.popleft()
            try:
                results[index] = await request()
            except Exception as exc:
                errors.append(exc)

    tasks = [asyncio.ensure_future(work()) for _ in range(AT_ONCE)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if errors:
        raise errors[0]
    return [results[index] for index in range(len(requests))]


def _upload_id(reply: Reply) -> str:
    try:
        found = xml.parse(reply.body, "InitiateMultipartUploadResult").findtext("UploadId", "")
    except xml.Unreadable as exc:
        raise Contradicted(f"Initiate Multipart Upload: {exc}") from exc
    if not found:
        raise Contradicted("Initiate Multipart Upload: no UploadId")
    return found
