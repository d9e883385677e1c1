"""
The HTTP door of STS and Cloud Monitor, both of which speak Tencent Cloud's API 3.0: from a request to its answer.

How a request proves whose it is is `tc3`, what an action does is `sts` and `monitor`.
"""

import asyncio
import json
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.emulator import monitor, sts
from tests.emulator.cam import ANY_RESOURCE, Credentials
from tests.emulator.delivery import reset, silent
from tests.emulator.faults import Fault, Faults, Mangle, Raw, Refuse, Reset
from tests.emulator.state import State
from tests.emulator.tc3 import ApiError, authenticate, read_claim
from tests.emulator.wire import Call, as_bytes, read_call

API_DOMAIN = "tencentcloudapi.com"
VERSIONS = {"sts": "2018-08-13", "monitor": "2018-07-24"}
ACTIONS = {"AssumeRole": "sts", "DescribeBaseMetrics": "monitor", "GetMonitorData": "monitor"}
"""Action → its service."""
MAX_BODY_BYTES = 10 << 20
MAX_REQUESTS = 10_000


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """A request that came, and what was answered. code: empty without an error."""

    service: str
    action: str
    parameters: Any
    secret_id: str
    code: str
    request_id: str


class Api:
    """The services behind the door: what a reset takes back."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.faults = Faults()
        self.reset()

    def reset(self) -> None:
        """Start over: no roles, no faults, fragments are uploads."""
        self.faults.clear()
        self.roles: dict[str, sts.Role] = {}
        self.unit = "uploads"
        self.requests: deque[ApiRequest] = deque(maxlen=MAX_REQUESTS)

    def carry_out(self, action: str, caller: Credentials, given: Mapping[str, Any]) -> dict[str, Any]:
        """Do what an action asks for; a refusal is raised."""
        now = self.state.clock.now()
        if action == "AssumeRole":
            lent, answer = sts.assume_role(self.roles, caller, given, now)
            self.state.lend(lent)
            return answer
        if unknown := sorted(set(given) - monitor.ACTIONS[action]):
            raise ApiError("UnknownParameter", f"There is no parameter {', '.join(unknown)}.")
        if not caller.policy.allows(f"monitor:{action}", ANY_RESOURCE):
            raise ApiError("UnauthorizedOperation", f"You are not authorized to perform monitor:{action}.")
        if action == "DescribeBaseMetrics":
            return monitor.describe_base_metrics(given, self.unit)
        return monitor.get_monitor_data(self.state.account, given, self.unit, now)


class ApiDoor:
    """Answers the requests of API 3.0 out of the services."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, or do to it what a fault wants. The HTTP status of an error is 200 as well."""
        call = read_call(request.method, request.raw_path, request.headers.items())
        if (call.method, call.raw_path) != ("POST", "/"):
            return web.Response(status=404, text="The API takes POST / only.\n")
        body, request_id = await _read(request), str(uuid.uuid4())
        action, given = call.header("x-tc-action"), _json_of(body)
        metric = given.get("MetricName") if isinstance(given, dict) else None
        fault = self._api.faults.strike(action, "", metric if isinstance(metric, str) else "")
        account = self._api.state.account
        if fault is not None and fault.delay_ms:
            await asyncio.sleep(fault.delay_ms / 1000)
            if self._api.state.account is not account:  # a reset: what came before it touches nothing after it
                return reset(request)
        try:
            answer = self._answer(call, body, given, fault)
        except ApiError as rejected:
            answer = {"Error": {"Code": rejected.code, "Message": rejected.message}}
        self._note(call, given, answer, request_id)
        match fault.effect if fault is not None else None:
            case Reset():
                return reset(request)
            case Mangle():
                return await silent(request)
            case Raw(text, status, headers):
                return web.Response(body=as_bytes(text), status=status, headers=headers)
        payload = json.dumps({"Response": {**answer, "RequestId": request_id}})
        return web.Response(body=payload.encode(), headers={"Content-Type": "application/json"})

    def _answer(self, call: Call, body: bytes, given: Any, fault: Fault | None) -> dict[str, Any]:
        """The answer; empty where a fault takes it away before anything is done."""
        match fault.effect if fault is not None else None:
            case Refuse(error):
                raise ApiError(error.code, error.message)
            case Raw() | Reset(after=False):
                return {}
        state = self._api.state
        service = _service(call)
        caller = authenticate(call, body, service, state.credentials, state.clock.now())
        action = _action(call, service)
        if not isinstance(given, dict):
            raise ApiError("InvalidParameter", "The request's body is not a JSON object.")
        return self._api.carry_out(action, caller, given)

    def _note(self, call: Call, given: Any, answer: Mapping[str, Any], request_id: str) -> None:
        try:
            claim = read_claim(call)
            service, secret_id = claim.service, claim.secret_id
        except ApiError:
            service = secret_id = ""
        action, code = call.header("x-tc-action"), answer.get("Error", {}).get("Code", "")
        self._api.requests.append(ApiRequest(service, action, given, secret_id, code, request_id))


def _service(call: Call) -> str:
    """The service that the host names, or else the signature."""
    host = call.header("host").partition(":")[0].lower()
    return host.partition(".")[0] if host.endswith(API_DOMAIN) else read_claim(call).service


def _action(call: Call, service: str) -> str:
    if call.header("content-type").partition(";")[0].strip() != "application/json":
        raise ApiError("UnsupportedProtocol", "The Content-Type of a POST is application/json.")
    for name in ("x-tc-action", "x-tc-version", "x-tc-region"):
        if not call.header(name):
            raise ApiError("MissingParameter", f"The request lacks the {name} header.")
    action = call.header("x-tc-action")
    if ACTIONS.get(action) != service:
        raise ApiError("InvalidAction", f"The emulator's {service or 'API'} has no action {action}.")
    if call.header("x-tc-version") != VERSIONS[service]:
        raise ApiError("NoSuchVersion", f"There is no version {call.header('x-tc-version')} of {service}.")
    if service == "monitor" and call.header("x-tc-region") != monitor.REGION:
        raise ApiError("UnsupportedRegion", f"COS reports to Cloud Monitor in {monitor.REGION} only.")
    return action


async def _read(request: web.BaseRequest) -> bytes:
    return b"".join([received async for received in request.content.iter_any()])[:MAX_BODY_BYTES]


def _json_of(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
