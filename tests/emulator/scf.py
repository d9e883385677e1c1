"""
SCF's HTTP door: the Invoke API, from a request to its answer, and the service behind it.

How events are run is `dispatch`, how a request proves whose it is `tc3`, what it may say `invoke`.
"""

import asyncio
import json
import time
import uuid
from collections import deque
from collections.abc import Callable
from typing import Any

from aiohttp import web

from tests.emulator.cam import GET_FUNCTION, INVOKE
from tests.emulator.delivery import reset, silent
from tests.emulator.dispatch import Dispatcher, Throttled
from tests.emulator.errors import CosError
from tests.emulator.faults import Fault, Faults, Mangle, Raw, Refuse, Reset
from tests.emulator.function import Function, Setup, resource_name
from tests.emulator.invocations import Invocation, InvocationRecord, Kind
from tests.emulator.invoke import accepted, check_headers, described, ran, read_parameters, read_request, throttled
from tests.emulator.state import State
from tests.emulator.tc3 import ApiError, authenticate
from tests.emulator.wire import Call, as_bytes, read_call

MAX_BODY_BYTES = 10 << 20


class Scf:
    """One function in one region: its queue and its instances, until a reset replaces them."""

    def __init__(self, state: State, function: Function, setup: Setup, endpoints: dict[str, str]) -> None:
        self.state = state
        self.function = function
        self.faults = Faults()
        self.rate = Rate()
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
        self.rate = Rate()
        await self.dispatcher.close()
        self.dispatcher = self._new()

    async def close(self) -> None:
        """Kill every instance."""
        await self.dispatcher.close()


class InvokeDoor:
    """Answers Invoke requests out of a service."""

    def __init__(self, scf: Scf) -> None:
        self._scf = scf

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
        except ApiError as rejected:
            answer = {"Error": {"Code": rejected.code, "Message": rejected.message}}
        except (web.RequestPayloadError, ConnectionError):
            answer = None
        if answer is None:
            return reset(request)
        if isinstance(answer, web.Response):
            return answer
        if fault is not None and isinstance(fault.effect, Mangle):
            return await silent(request)
        # Exactly this content type: the SDK looks for errors in no other.
        payload = json.dumps({"Response": {**answer, "RequestId": str(uuid.uuid4())}})
        return web.Response(body=payload.encode(), headers={"Content-Type": "application/json"})

    async def _answer(self, call: Call, body: bytes, fault: Fault | None) -> dict[str, Any] | web.Response | None:
        """The answer, or `None` where there is to be none."""
        match fault.effect if fault is not None else None:
            case Refuse(error):
                raise ApiError(error.code, error.message)
            case Mangle(error=CosError()):
                return {}
            case Raw(text, status, headers):
                return web.Response(body=as_bytes(text), status=status, headers=headers)
            case Reset(after=False):
                return None
            case Reset():
                await self._invoke(call, body)
                return None
        if call.header("x-tc-action") == "GetFunction":
            self._admit(call, body, GET_FUNCTION)
            return described(self._scf.function, self._scf.dispatcher.setup)
        return {"Result": await self._invoke(call, body)}

    async def _invoke(self, call: Call, body: bytes) -> dict[str, Any]:
        wanted = read_request(self._admit(call, body, INVOKE))
        if wanted.is_event:
            return accepted(self._scf.accept(wanted.event, "async"))
        try:
            return ran(await self._scf.call(wanted.event), tail=wanted.tail)
        except Throttled:
            return throttled()

    def _admit(self, call: Call, body: bytes, action: str) -> dict[str, str]:
        """Whose request it is, whether they may, and its parameters."""
        state, function = self._scf.state, self._scf.function
        credentials = authenticate(call, body, "scf", state.credentials, state.clock.now())
        check_headers(call)
        if not self._scf.rate.take(self._scf.dispatcher.setup.invoke_rate, time.monotonic()):
            raise ApiError("RequestLimitExceeded", "Your current request frequency exceeds the limit.")
        given = read_parameters(body)
        name, namespace, region = given["FunctionName"], given["Namespace"], call.header("x-tc-region")
        if not credentials.policy.allows(action, resource_name(region, namespace, name)):
            raise ApiError("UnauthorizedOperation", f"You are not authorized to perform {action} on {name}.")
        if region != function.region or name != function.name:
            raise ApiError("ResourceNotFound.FunctionName", f"The function {name} is not found.")
        if namespace != function.namespace:
            raise ApiError("ResourceNotFound.Namespace", f"The namespace {namespace} is not found.")
        return given


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
