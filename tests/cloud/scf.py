"""
SCF's HTTP door: the Invoke API, from a request to its answer, and the service behind it.

How events are run is `dispatch`, how a request proves whose it is `tc3`.
"""

import asyncio
import json
import math
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.cloud.cam import INVOKE
from tests.cloud.delivery import reset
from tests.cloud.dispatch import Dispatcher, Throttled
from tests.cloud.faults import Fault, Faults, Raw, Refuse, Reset
from tests.cloud.function import Function, Setup, resource_name
from tests.cloud.invocations import FunctionError, Invocation, InvocationRecord, Kind
from tests.cloud.state import State
from tests.cloud.tc3 import ApiError, authenticate
from tests.cloud.wire import Call, as_bytes, read_call

MAX_BODY_BYTES = 10 << 20
MAX_EVENT_BYTES = {"Event": 128 << 10, "RequestResponse": 6 << 20}
MAX_ROUTING_KEY_BYTES = 1024
TAIL_BYTES = 4 << 10
STATUS_CODES = {"raised": 430, "timed_out": 433, "died": 439}
PARAMETERS = frozenset(
    ("FunctionName", "InvocationType", "Qualifier", "ClientContext", "Namespace", "RoutingKey", "LogType")
)


class Scf:
    """One function in one region: its queue and its instances, until a reset replaces them."""

    def __init__(self, state: State, function: Function, setup: Setup, endpoints: dict[str, str]) -> None:
        self.state = state
        self.function = function
        self.faults = Faults()
        self._new: Callable[[], Dispatcher] = lambda: Dispatcher(state, function, setup, endpoints)
        self.dispatcher = self._new()

    def accept(self, event: str, kind: Kind) -> str:
        """Take an asynchronous event in; returns its request id."""
        invocation = Invocation(str(uuid.uuid4()), kind, event)
        self.dispatcher.accept(invocation)
        return invocation.request_id

    async def call(self, event: str) -> InvocationRecord:
        """Run a synchronous event; returns how that went. Raises `Throttled`."""
        return await self.dispatcher.call(Invocation(str(uuid.uuid4()), "sync", event))

    async def reset(self) -> None:
        """Start over, set up as at the start: no instances, nothing queued, nothing remembered."""
        self.faults.clear()
        await self.dispatcher.close()
        self.dispatcher = self._new()

    async def close(self) -> None:
        """Kill every instance."""
        await self.dispatcher.close()


class InvokeDoor:
    """Answers Invoke requests out of a service."""

    def __init__(self, scf: Scf) -> None:
        self._scf = scf
        self._rate = Rate()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, or do to it what a fault wants. The HTTP status of an error is 200 as well."""
        call = read_call(request.method, request.raw_path, request.headers.items())
        if (call.method, call.raw_path) != ("POST", "/"):
            return web.Response(status=404, text="The API takes POST / only.\n")
        fault = self._scf.faults.strike("Invoke", "", "")
        if fault is not None and fault.delay_ms:
            await asyncio.sleep(fault.delay_ms / 1000)
        try:
            answer = await self._answer(call, await _read_body(request), fault)
        except ApiError as refused:
            answer = {"Error": {"Code": refused.code, "Message": refused.message}}
        except (web.RequestPayloadError, ConnectionError):
            answer = None
        if answer is None:
            return reset(request)
        if isinstance(answer, web.Response):
            return answer
        # Exactly this content type: the SDK looks for errors in no other.
        told = json.dumps({"Response": {**answer, "RequestId": str(uuid.uuid4())}})
        return web.Response(body=told.encode(), headers={"Content-Type": "application/json"})

    async def _answer(self, call: Call, body: bytes, fault: Fault | None) -> dict[str, Any] | web.Response | None:
        """The answer, or `None` where there is to be none."""
        match fault.effect if fault is not None else None:
            case Refuse(error):
                raise ApiError(error.code, error.message)
            case Raw(text, status, headers):
                return web.Response(body=as_bytes(text), status=status, headers=headers)
            case Reset(after=False):
                return None
            case Reset():
                await self._invoke(call, body)
                return None
        return {"Result": await self._invoke(call, body)}

    async def _invoke(self, call: Call, body: bytes) -> dict[str, Any]:
        asked = self._admit(call, body)
        if asked.is_event:
            return _result(self._scf.accept(asked.event, "async"))
        try:
            return _told(await self._scf.call(asked.event), tail=asked.tail)
        except Throttled:
            return _throttled()

    def _admit(self, call: Call, body: bytes) -> "Asked":
        """Whose request it is, whether they may, and what they ask for."""
        state, function = self._scf.state, self._scf.function
        credentials = authenticate(call, body, "scf", state.credentials, state.clock.now())
        _check_headers(call)
        if not self._rate.take(self._scf.dispatcher.setup.invoke_rate, time.monotonic()):
            raise ApiError("RequestLimitExceeded", "Your current request frequency exceeds the limit.")
        given = _read_parameters(body)
        name, namespace, region = _required(given, "FunctionName"), _namespace(given), call.header("x-tc-region")
        if not credentials.policy.allows(INVOKE, resource_name(region, namespace, name)):
            raise ApiError("UnauthorizedOperation", f"You are not authorized to perform {INVOKE} on {name}.")
        if region != function.region or name != function.name:
            raise ApiError("ResourceNotFound.FunctionName", f"The function {name} is not found.")
        if namespace != function.namespace:
            raise ApiError("ResourceNotFound.Namespace", f"The namespace {namespace} is not found.")
        return _read_asked(given)


@dataclass(frozen=True, slots=True)
class Asked:
    """What an Invoke request asks for. `event` is JSON text."""

    event: str
    is_event: bool
    tail: bool


class Rate:
    """So many a second, whichever second one looks at."""

    def __init__(self) -> None:
        self._taken: deque[float] = deque()

    def take(self, limit: int, now: float) -> bool:
        """Whether there is room for one more. now: in seconds, on any clock that only goes forward."""
        while self._taken and now - self._taken[0] >= 1:
            self._taken.popleft()
        if len(self._taken) >= limit:
            return False
        self._taken.append(now)
        return True


async def _read_body(request: web.BaseRequest) -> bytes:
    body = bytearray()
    async for received in request.content.iter_any():
        body += received
        if len(body) > MAX_BODY_BYTES:
            raise ApiError("RequestSizeLimitExceeded", "The request is larger than 10 MB.")
    return bytes(body)


def _check_headers(call: Call) -> None:
    if call.header("content-type").partition(";")[0].strip() != "application/json":
        raise ApiError("UnsupportedProtocol", "The Content-Type of a POST is application/json.")
    for name in ("x-tc-action", "x-tc-version", "x-tc-region"):
        if not call.header(name):
            raise ApiError("MissingParameter", f"The request lacks the {name} header.")
    if call.header("x-tc-action") != "Invoke":
        raise ApiError("InvalidAction", f"There is no action {call.header('x-tc-action')} here, only Invoke.")
    if call.header("x-tc-version") != "2018-04-16":
        raise ApiError("NoSuchVersion", f"There is no version {call.header('x-tc-version')} of SCF's API.")


def _read_parameters(body: bytes) -> dict[str, str]:
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        raise ApiError("InvalidParameter", "The request's body is not JSON.") from None
    if not isinstance(given, dict):
        raise ApiError("InvalidParameter", "The request's body is not a JSON object.")
    if unknown := set(given) - PARAMETERS:
        raise ApiError("UnknownParameter", f"There is no parameter {', '.join(sorted(unknown))}.")
    if wrong := sorted(name for name, value in given.items() if not _is_text(value)):
        raise ApiError("InvalidParameterValue", f"{', '.join(wrong)} must be text.")
    return given


def _is_text(value: object) -> bool:
    """Whether it is text that can be written down: JSON's escapes may name half of a character."""
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)


def _required(given: dict[str, str], name: str) -> str:
    if not given.get(name):
        raise ApiError("MissingParameter", f"The request lacks the parameter {name}.")
    return given[name]


def _namespace(given: dict[str, str]) -> str:
    return given.get("Namespace") or "default"


def _choice(given: dict[str, str], name: str, *choices: str) -> str:
    """One of a few texts, the first of them without one."""
    value = given.get(name) or choices[0]
    if value not in choices:
        raise ApiError("InvalidParameterValue", f"{name} must be one of {', '.join(choices)}, not {value}.")
    return value


def _read_asked(given: dict[str, str]) -> Asked:
    kind = _choice(given, "InvocationType", "RequestResponse", "Event")
    tail = _choice(given, "LogType", "None", "Tail") == "Tail"
    if given.get("Qualifier", "$LATEST") not in ("$LATEST", "$DEFAULT", ""):
        raise ApiError("ResourceNotFound.Qualifier", f"There is no version or alias {given['Qualifier']}.")
    event, routing_key = given.get("ClientContext") or "{}", given.get("RoutingKey") or "{}"
    _check_routing_key(routing_key)
    if len(event.encode()) > MAX_EVENT_BYTES[kind]:
        raise ApiError("InvalidParameter.Payload", f"ClientContext is larger than {MAX_EVENT_BYTES[kind]} bytes.")
    _read_json(event, "ClientContext")
    return Asked(event, kind == "Event", tail)


def _check_routing_key(text: str) -> None:
    given = _read_json(text, "RoutingKey")
    if (
        len(text.encode()) > MAX_ROUTING_KEY_BYTES
        or not isinstance(given, dict)
        or not all(isinstance(value, str) for value in given.values())
    ):
        raise ApiError("InvalidParameterValue", "RoutingKey is a JSON object of texts, of 1024 bytes at the most.")


def _read_json(text: str, name: str) -> Any:
    """JSON as its standard has it, which knows no NaN and no Infinity."""

    def refuse(constant: str) -> Any:
        raise ValueError(constant)

    try:
        return json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        raise ApiError("InvalidParameterValue", f"{name} is not JSON.") from None


def _result(request_id: str) -> dict[str, Any]:
    """What the caller is told of an asynchronous invocation: its id."""
    return {
        "FunctionRequestId": request_id,
        "InvokeResult": 0,
        "ErrMsg": "",
        "RetMsg": "",
        "Log": "",
        "Duration": 0,
        "MemUsage": 0,
        "BillDuration": 0,
    }


def _told(run: InvocationRecord, *, tail: bool) -> dict[str, Any]:
    """What the caller is told of a synchronous one: how it went, and the end of its log if wanted."""
    return {
        **_result(run.request_id),
        "Log": run.log.encode()[-TAIL_BYTES:].decode("utf-8", "ignore") if tail else "",
        "Duration": run.duration_ms,
        "MemUsage": run.memory_bytes or 0,
        "BillDuration": math.ceil(run.duration_ms),
        **(
            _failed(run.request_id, run.error, STATUS_CODES[run.end])
            if run.error
            else {"RetMsg": json.dumps(run.answer)}
        ),
    }


def _throttled() -> dict[str, Any]:
    request_id = str(uuid.uuid4())
    error = FunctionError("ResourceLimitReached", "Every instance that the function may have is busy")
    return {**_result(request_id), **_failed(request_id, error, 432)}


def _failed(request_id: str, error: FunctionError, status_code: int) -> dict[str, Any]:
    told = {
        "errorCode": -1,
        "errorMessage": f"{error.type}: {error.message}",
        "requestId": request_id,
        "stackTrace": error.trace,
        "statusCode": status_code,
    }
    return {"InvokeResult": -1, "ErrMsg": json.dumps(told)}
