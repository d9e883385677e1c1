"""
Cloud Monitor's count of fragments, and a deployed function.
"""

from typing import Any

from cos_sweeper.cli.monitor import Monitor, MonitorFailed
from cos_sweeper.core import initiator
from cos_sweeper.core.model import PROBE
from cos_sweeper.scf.cam_policy import function_resource
from tests.verify import api
from tests.verify.checks.permissions import narrowed
from tests.verify.outcome import AsExpected, CannotTell, Check, Different, NotChecked, Outcome, judge
from tests.verify.world import World

RUNTIME = "Python3.10"
ACTIVE = "Active"


async def fragments(world: World) -> Outcome:
    port = api.require(world, "monitor")
    monitor = Monitor(world.options.credentials, port=port, sleep=world.options.sleep)
    try:
        survey = await monitor.survey([world.bucket], world.options.now())
    except MonitorFailed as exc:
        raise CannotTell(f"Cloud Monitor: {exc.code}") from exc
    (count,) = survey.counts
    meaning = "; ".join(survey.meanings)[:120]
    if count.latest is None:
        raise CannotTell(f"there is no count of this bucket yet; it is said to be: {meaning}")
    seen = f"{count.total} fragments at {count.latest:%Y-%m-%d %H:%M} UTC; said to be: {meaning}"
    return judge(count.by_class, seen)


async def unit_of_fragments(_: World) -> Outcome:
    return NotChecked("needs a day: begin with MONITOR=start, and read it later")


async def limit_of_function(world: World) -> Outcome:
    found = await _function(world)
    seconds, memory, runtime = found.get("Timeout"), found.get("MemorySize"), found.get("Runtime")
    seen = f"{runtime}, {seconds} s, {memory} MB, role {'set' if found.get('Role') else 'not set'}"
    return judge(isinstance(seconds, int) and 0 < seconds <= 900 and runtime == RUNTIME, seen)


async def invocation(world: World) -> Outcome:
    """The event does nothing. Another function could do anything with it, so its handler is looked at."""
    found = await _function(world)
    if found.get("Handler") != "index.main_handler":
        raise CannotTell("this is another function: its handler is not index.main_handler")
    response = await _invoke(world, None)
    request_id = (response.get("Result") or {}).get("FunctionRequestId", "")
    return judge(request_id, "accepted" if request_id else "no id in the response")


async def statement_of_invocation(world: World) -> Outcome:
    """Whether the function may invoke itself: tried with credentials that have the documented statement alone."""
    found = await _function(world)
    if found.get("Handler") != "index.main_handler":
        raise CannotTell("this is another function: its handler is not index.main_handler")
    region, namespace, name = _name(world)
    uin, user = initiator.account_and_user((await world.store().buckets("")).owner)
    if not uin:
        raise CannotTell("the account's UIN is not known: Get Service did not answer it")
    world.hide(uin, "<account>")
    world.hide(user, "<user>")
    resource = function_resource(region, uin, namespace, name)
    allow = {"effect": "allow", "action": ["scf:InvokeFunction"], "resource": [resource]}
    credentials = await narrowed(world, [allow])
    try:
        await _invoke(world, credentials)
    except api.ApiError as exc:
        return Different(f"with the documented statement alone: {exc.code}")
    return AsExpected("accepted with the documented statement alone")


async def _function(world: World) -> dict[str, Any]:
    region, namespace, name = _name(world)
    params = {"FunctionName": name, "Namespace": namespace, "ShowCode": "FALSE"}
    try:
        return await api.call(world, "scf", "GetFunction", params, region=region)
    except api.ApiError as exc:
        raise CannotTell(f"scf:GetFunction: {exc.code}") from exc


async def _invoke(world: World, credentials: Any) -> dict[str, Any]:
    region, namespace, name = _name(world)
    event = f'{{"{PROBE}": "verify"}}'
    params = {
        "FunctionName": name,
        "Namespace": namespace,
        "Qualifier": "$LATEST",
        "InvocationType": "Event",
        "ClientContext": event,
    }
    return await api.call(world, "scf", "Invoke", params, region=region, credentials=credentials)


def _name(world: World) -> tuple[str, str, str]:
    """Region, namespace and name. Raises CannotTell without one."""
    parts = world.options.function.split("/")
    if not world.options.function:
        raise CannotTell("no FUNCTION was given")
    if len(parts) not in (2, 3) or not all(parts):
        raise CannotTell("FUNCTION is REGION/NAME or REGION/NAMESPACE/NAME")
    return parts[0], parts[1] if len(parts) == 3 else "default", parts[-1]


CHECKS = (
    Check("monitor-count", "Cloud Monitor has a count of the bucket's fragments.", fragments, 9),
    Check("monitor-unit", "Whether a fragment is an upload or a part.", unit_of_fragments, 0),
    Check("function-limit", "GetFunction says the time limit, the memory and the runtime.", limit_of_function, 1),
    Check("function-invoke", "An asynchronous Invoke of the function is accepted.", invocation, 2),
    Check(
        "function-itself",
        "The documented statement is enough for the function to invoke itself.",
        statement_of_invocation,
        3,
    ),
)
