"""
COS's HTTP door: from a request to its answer, with the checks in COS's order.

What an operation does is `operations`, how an answer is written or spoilt is `delivery`.
"""

import asyncio
import base64
import hashlib
import itertools
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from email.utils import format_datetime

from aiohttp import web

from tests.emulator import documents
from tests.emulator.aws import Unchunker, as_aws, is_aws_signed, is_chunked
from tests.emulator.bodies import awaits_continue, read_body
from tests.emulator.cam import ANY_RESOURCE, Policy, action_name, resource_name
from tests.emulator.contents import ContentGone
from tests.emulator.delivery import deliver, reset, silent, spoilable
from tests.emulator.errors import CosError, access_denied, no_such_bucket
from tests.emulator.faults import Fault, Mangle, Raw, Redirect, Refuse, Reset
from tests.emulator.job import DEFAULT_REGION, XML, Job, OperationResponse
from tests.emulator.journal import Request
from tests.emulator.listing import order
from tests.emulator.operations import carry_out, pretend
from tests.emulator.routing import Target, route
from tests.emulator.signature import authenticate, claimed_id
from tests.emulator.state import State
from tests.emulator.stored import Upload
from tests.emulator.wire import Call, as_bytes, read_call

LISTINGS = frozenset(("ListMultipartUploads", "ListParts"))
UNREADABLE_DATE = "yesterday"
GET_BUCKET = action_name("GetBucket")
Carry = Callable[[Job], OperationResponse]
May = Callable[[str, str, str], bool]
"""Whether whoever signed a request may do this operation in this bucket with this key."""


class Door:
    """Answers COS's requests out of a state."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._request_ids = _RequestIds()
        self._date = _DateHeader()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, or do to it what a fault wants."""
        arrived = self._state.clock.now()
        call = read_call(request.method, request.raw_path, request.headers.items())
        target = route(call)
        if self._state.limits.hangs(target.bucket):
            self._note(_Exchange(call, target, arrived, "hang"))
            return await silent(request)
        fault = self._state.faults.strike(target.operation, target.bucket, target.key)
        receiver = self._receiver(target, fault)
        self._let_part_arrive(target, fault, receiver, after=False)
        if fault is not None and fault.delay_ms and not await self._same_after(fault.delay_ms / 1000):
            return reset(request)
        effect = fault.effect if fault is not None else None
        request_id = self._request_ids.new(self._state.clock.now())
        held = self._held_bytes(target)
        answer = await self._answer(request, call, target, fault, request_id)
        dropped = held if self._held_bytes(target) is None else None
        self._let_part_arrive(target, fault, receiver, after=True)
        common = self._common_headers(request_id, fault) if answer else ()
        name, date = fault.name if fault else "", dict(common).get("Date", "")
        mangle = effect if isinstance(effect, Mangle) else None
        self._note(
            _Exchange(call, target, arrived, name, answer, request_id, date, dropped, body_is_whole=mangle is None)
        )
        if answer is None:
            return reset(request)
        given = {name for name, _ in answer.headers}
        headers = (*answer.headers, *(each for each in common if each[0] not in given))
        if is_aws_signed(call):
            headers = as_aws(headers)
        if awaits_continue(request, call):
            headers = (*headers, ("Connection", "close"))
        try:
            return await deliver(request, replace(answer, headers=headers), mangle)
        except (ConnectionError, ContentGone):  # the client left, or a reset took the content away
            return reset(request)

    async def _same_after(self, seconds: float) -> bool:
        """Wait. False where a reset came meanwhile: what was asked before it touches nothing after it."""
        account = self._state.account
        await asyncio.sleep(seconds)
        return self._state.account is account

    def _held_bytes(self, target: Target) -> int | None:
        """The size of the upload that an abort names, if it is there."""
        bucket = self._state.account.buckets.get(target.bucket)
        if target.operation != "AbortMultipartUpload" or bucket is None:
            return None
        upload = bucket.uploads.get((order(target.key), target.upload_id))
        return upload.parts.bytes if upload else None

    async def _answer(
        self, request: web.BaseRequest, call: Call, target: Target, fault: Fault | None, request_id: str
    ) -> OperationResponse | None:
        """The answer, or `None` where there is to be none: the connection was lost, or is to be reset."""
        effect = fault.effect if fault is not None else None
        try:
            match effect:
                case Refuse(error):
                    raise error
                case Mangle(error=CosError() as error):
                    raise error
                case Raw(body, status, headers):
                    return OperationResponse(status, as_bytes(body), headers)
                case Redirect(location, status):
                    return OperationResponse(status, headers=(("Location", location),))
                case Reset(after=False):
                    return None
            answer = await self._truth(request, call, target, pretend if fault and fault.ignore else carry_out)
        except CosError as rejected:
            answer = _rejection(call, rejected, request_id)
        except (web.RequestPayloadError, ConnectionError):
            return None
        match effect:
            case Reset():
                return None
            case Mangle():
                return spoilable(answer)
        return answer

    async def _truth(self, request: web.BaseRequest, call: Call, target: Target, carry_out: Carry) -> OperationResponse:
        """Check a request in COS's order, take its body in and carry it out."""
        if too_many := self._state.limits.take(target.bucket, time.monotonic()):
            raise too_many
        may = self._admit(call, target)
        takes = target.row.takes if target.row else "nothing"
        body = await read_body(request, call, takes, self._state.contents, self._unframing(call))
        return carry_out(Job(self._state.account, call, target, body, self._state.clock.now(), may))

    def _receiver(self, target: Target, fault: Fault | None) -> Upload | None:
        """The upload at which a fault lets a part arrive, if it is there."""
        part = fault.part if fault is not None else None
        bucket = self._state.account.buckets.get(target.bucket)
        if part is None or bucket is None:
            return None
        key, upload_id = (part.key, part.upload_id) if part.key else (target.key, target.upload_id)
        return bucket.uploads.get((order(key), upload_id))

    def _let_part_arrive(self, target: Target, fault: Fault | None, receiver: Upload | None, *, after: bool) -> None:
        """Carry out what a fault says of a part, if this is the moment. receiver: its upload as it was before."""
        part = fault.part if fault is not None else None
        if part is None or receiver is None or part.after != after:
            return
        now, key, upload_id = self._state.clock.now(), receiver.key, receiver.upload_id
        with suppress(CosError):  # the bucket is gone
            bucket = self._state.account.bucket(target.bucket)
            if bucket.uploads.get((order(key), upload_id)) is not None:
                bucket.receive_part(key, upload_id, part.number, size=part.size, now=now)
            elif part.if_gone != "lost":
                revives = part.if_gone == "revives"
                bucket.receive_late_part(receiver, part.number, size=part.size, now=now, revives=revives)

    def _admit(self, call: Call, target: Target) -> May:
        """Whose request it is, whether it is one at all, whether its bucket is there, and whether they may."""
        is_aws = self._state.accept_aws_signatures and is_aws_signed(call)
        needs_none = target.row is not None and not target.row.is_signed
        policy = None
        if not (is_aws or needs_none):
            policy = authenticate(call, self._state.credentials, self._state.clock.now()).policy
        if target.rejection is not None:
            raise target.rejection
        resource = self._resource(target)
        action = action_name(target.operation)
        if action == GET_BUCKET:
            # COS holds a listing of objects against the prefix that it asks for.
            resource += call.param("prefix")
        if policy is None:
            return lambda *_: True
        # What is deleted together is held against the policy key by key.
        if target.operation != "DeleteMultipleObjects" and not policy.allows(action, resource):
            raise access_denied()
        return self._may(policy)

    def _may(self, policy: Policy) -> May:
        """Whether a policy allows an operation on an object of a bucket."""
        account = self._state.account
        return lambda operation, bucket, key: policy.allows(
            action_name(operation), resource_name(account.bucket(bucket).region, bucket, key)
        )

    def _resource(self, target: Target) -> str:
        """The name of what a request is about; NoSuchBucket when that is not there, or is in another region."""
        if not target.bucket:
            return ANY_RESOURCE
        if target.operation == "PutBucket":
            return resource_name(target.region or DEFAULT_REGION, target.bucket)
        region = self._state.account.bucket(target.bucket).region
        if target.region not in ("", region):
            raise no_such_bucket()
        return resource_name(region, target.bucket, target.key)

    def _unframing(self, call: Call) -> Unchunker | None:
        framed = self._state.accept_aws_signatures and is_aws_signed(call) and is_chunked(call)
        return Unchunker() if framed else None

    def _common_headers(self, request_id: str, fault: Fault | None) -> tuple[tuple[str, str], ...]:
        common = (("Server", "tencent-cos"), ("x-cos-request-id", request_id))
        if fault is not None and fault.date == "missing":
            return common
        now = self._state.clock.now()
        if fault is not None and fault.date_offset:
            date = format_datetime(now + fault.date_offset, usegmt=True)
        else:
            date = UNREADABLE_DATE if fault is not None and fault.date else self._date.at(now)
        return (*common, ("Date", date))

    def _note(self, exchange: "_Exchange") -> None:
        journal, call, target, answer = self._state.journal, exchange.call, exchange.target, exchange.answer
        listed = journal.keep_bodies and exchange.body_is_whole and target.operation in LISTINGS
        journal.add(
            Request(
                number=journal.next_number,
                time=self._state.clock.now(),
                method=call.method,
                raw_path=call.raw_path,
                raw_query=call.raw_query,
                host=call.header("host"),
                operation=target.operation,
                bucket=target.bucket,
                key=target.key,
                upload_id=target.upload_id,
                status=answer.status if answer else None,
                code=answer.code if answer else "",
                request_id=exchange.request_id,
                secret_id=claimed_id(call),
                fault=exchange.fault,
                arrived=exchange.arrived,
                date=exchange.date,
                dropped_bytes=exchange.dropped_bytes,
                body=answer.body.decode("utf-8", "replace") if answer and listed else "",
            )
        )


@dataclass(frozen=True, slots=True)
class _Exchange:
    """A request and what came of it, for the journal."""

    call: Call
    target: Target
    arrived: datetime
    fault: str
    answer: OperationResponse | None = None
    request_id: str = ""
    date: str = ""
    dropped_bytes: int | None = None
    body_is_whole: bool = False


def _rejection(call: Call, rejected: CosError, request_id: str) -> OperationResponse:
    trace_id = base64.b64encode(hashlib.sha256(request_id.encode()).digest()).decode()
    resource = call.header("host").partition(":")[0] + call.raw_path
    return OperationResponse(
        status=rejected.status,
        body=documents.error(rejected, resource, request_id, trace_id),
        headers=(*XML, ("x-cos-trace-id", trace_id)),
        code=rejected.code,
    )


class _RequestIds:
    """Request ids in the shape of COS's: base64 of the time, of where, and of a number that is never used twice."""

    def __init__(self) -> None:
        self._where = secrets.token_hex(3)
        self._numbers = itertools.count(1)

    def new(self, now: datetime) -> str:
        text = f"{int(now.timestamp()):08x}_{self._where}_{next(self._numbers):08x}"
        return base64.b64encode(text.encode()).decode()


class _DateHeader:
    """The Date header's text, made once a second."""

    def __init__(self) -> None:
        self._second = datetime.min.replace(tzinfo=timezone.utc)
        self._text = ""

    def at(self, now: datetime) -> str:
        second = now.replace(microsecond=0)
        if second != self._second:
            self._second, self._text = second, format_datetime(second, usegmt=True)
        return self._text
