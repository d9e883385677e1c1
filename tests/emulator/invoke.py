"""
What an Invoke request wants, and its response. Also the response to GetFunction.

Values only: no HTTP, no process. Whether the caller may is `scf`.
"""

import json
import math
import uuid
from dataclasses import dataclass
from typing import Any

from tests.emulator.function import Function, Setup
from tests.emulator.invocations import FunctionError, InvocationRecord
from tests.emulator.tc3 import ApiError
from tests.emulator.wire import Call

MAX_EVENT_BYTES = {"Event": 128 << 10, "RequestResponse": 6 << 20}
MAX_ROUTING_KEY_BYTES = 1024
TAIL_BYTES = 4 << 10
STATUS_CODES = {"raised": 430, "timed_out": 433, "died": 439}
ACTIONS = ("Invoke", "GetFunction")
PARAMETERS = frozenset(
    ("FunctionName", "InvocationType", "Qualifier", "ClientContext", "Namespace", "RoutingKey", "LogType")
)
# GetFunction has this one, too.
SHOW_CODE = "ShowCode"


@dataclass(frozen=True, slots=True)
class InvokeRequest:
    """What an Invoke request asks for. `event` is JSON text."""

    event: str
    is_event: bool
    tail: bool


def check_headers(call: Call) -> None:
    """Reject what is no request for one of the actions."""
    if call.header("content-type").partition(";")[0].strip() != "application/json":
        raise ApiError("UnsupportedProtocol", "The Content-Type of a POST is application/json.")
    for name in ("x-tc-action", "x-tc-version", "x-tc-region"):
        if not call.header(name):
            raise ApiError("MissingParameter", f"The request lacks the {name} header.")
    if call.header("x-tc-action") not in ACTIONS:
        raise ApiError("InvalidAction", f"There is no action {call.header('x-tc-action')} here, only Invoke.")
    if call.header("x-tc-version") != "2018-04-16":
        raise ApiError("NoSuchVersion", f"There is no version {call.header('x-tc-version')} of SCF's API.")


def read_parameters(body: bytes) -> dict[str, str]:
    """Read the parameters by name; `FunctionName` is among them, and `Namespace` has its default."""
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        raise ApiError("InvalidParameter", "The request's body is not JSON.") from None
    if not isinstance(given, dict):
        raise ApiError("InvalidParameter", "The request's body is not a JSON object.")
    if unknown := set(given) - PARAMETERS - {SHOW_CODE}:
        raise ApiError("UnknownParameter", f"There is no parameter {', '.join(sorted(unknown))}.")
    if wrong := sorted(name for name, value in given.items() if not _is_text(value)):
        raise ApiError("InvalidParameterValue", f"{', '.join(wrong)} must be text.")
    if not given.get("FunctionName"):
        raise ApiError("MissingParameter", "The request lacks the parameter FunctionName.")
    return {**given, "Namespace": given.get("Namespace") or "default"}


def read_request(given: dict[str, str]) -> InvokeRequest:
    """What the parameters ask of the function."""
    kind = _choice(given, "InvocationType", "RequestResponse", "Event")
    tail = _choice(given, "LogType", "None", "Tail") == "Tail"
    if given.get("Qualifier", "$LATEST") not in ("$LATEST", "$DEFAULT", ""):
        raise ApiError("ResourceNotFound.Qualifier", f"There is no version or alias {given['Qualifier']}.")
    event, routing_key = given.get("ClientContext") or "{}", given.get("RoutingKey") or "{}"
    _check_routing_key(routing_key)
    if len(event.encode()) > MAX_EVENT_BYTES[kind]:
        raise ApiError("InvalidParameter.Payload", f"ClientContext is larger than {MAX_EVENT_BYTES[kind]} bytes.")
    _read_json(event, "ClientContext")
    return InvokeRequest(event, kind == "Event", tail)


def described(function: Function, setup: Setup) -> dict[str, Any]:
    """The response to GetFunction, in part."""
    variables = [{"Key": name, "Value": value} for name, value in setup.variables.items()]
    return {
        "FunctionName": function.name,
        "Namespace": function.namespace,
        "Runtime": "Python3.10",
        "Handler": "index.main_handler",
        "Timeout": math.ceil(setup.time_limit_ms / 1000),
        "MemorySize": function.memory_mb,
        "Environment": {"Variables": variables},
        "Status": "Active",
    }


def accepted(request_id: str) -> dict[str, Any]:
    """The response to an asynchronous invocation: its id."""
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


def ran(run: InvocationRecord, *, tail: bool) -> dict[str, Any]:
    """The response to a synchronous one: its result, and the end of its log if wanted."""
    return {
        **accepted(run.request_id),
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


def throttled() -> dict[str, Any]:
    """The response when no instance was free."""
    request_id = str(uuid.uuid4())
    error = FunctionError("ResourceLimitReached", "Every instance that the function may have is busy")
    return {**accepted(request_id), **_failed(request_id, error, 432)}


def _failed(request_id: str, error: FunctionError, status_code: int) -> dict[str, Any]:
    payload = {
        "errorCode": -1,
        "errorMessage": f"{error.type}: {error.message}",
        "requestId": request_id,
        "stackTrace": error.trace,
        "statusCode": status_code,
    }
    return {"InvokeResult": -1, "ErrMsg": json.dumps(payload)}


def _is_text(value: object) -> bool:
    """Whether it is text that can be written down: JSON's escapes may name half of a character."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _choice(given: dict[str, str], name: str, *choices: str) -> str:
    """One of a few texts, the first of them without one."""
    value = given.get(name) or choices[0]
    if value not in choices:
        raise ApiError("InvalidParameterValue", f"{name} must be one of {', '.join(choices)}, not {value}.")
    return value


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
