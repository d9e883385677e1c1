"""
Each permission by itself: credentials are made, for half an hour, that lack exactly it; and once that have exactly the
documented policy. Making them needs a permanent key of a user who may call sts:GetFederationToken.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from cos_sweeper.core import actions
from cos_sweeper.core.coverage import LIFECYCLE_ACTION, OBJECT_LOCK_ACTION
from cos_sweeper.core.model import Upload
from cos_sweeper.core.settings import Credentials, Settings
from cos_sweeper.scf import cam_policy
from tests.verify import api
from tests.verify.checks import engine
from tests.verify.checks.aborts import NO_ID
from tests.verify.client import Client, Reply, Signer
from tests.verify.outcome import CannotTell, Check, Outcome, judge
from tests.verify.world import World

SECONDS = 1800
Ask = Callable[[Client, World], Awaitable[Reply]]


async def narrowed(world: World, statements: list[dict[str, Any]]) -> Credentials:
    """Credentials with this policy. Raises CannotTell."""
    if world.options.credentials.token:
        raise CannotTell("narrower credentials can only be made with a permanent key, and this is a temporary one")
    policy = quote(json.dumps({"version": "2.0", "statement": statements}), safe="")
    params = {"Name": "cos-sweeper-verify", "Policy": policy, "DurationSeconds": SECONDS}
    try:
        response = await api.call(world, "sts", "GetFederationToken", params)
    except api.ApiError as exc:
        raise CannotTell(f"these credentials may not make narrower ones (sts:GetFederationToken: {exc.code})") from exc
    given = response["Credentials"]
    return Credentials(given["TmpSecretId"], given["TmpSecretKey"], given["Token"])


def without(action: str, ask: Ask) -> Callable[[World], Awaitable[Outcome]]:
    """A check: with everything but this action, its request answers 403 AccessDenied."""

    async def check(world: World) -> Outcome:
        place = _resource(world)
        everything = {"effect": "allow", "action": ["name/cos:*"], "resource": [f"{place}*"]}
        but = {"effect": "deny", "action": [action], "resource": [f"{place}*"]}
        denied = world.client_of(await narrowed(world, [everything, but]))
        allowed = world.client_of(await narrowed(world, [everything]))
        refusal, answer = await ask(denied, world), await ask(allowed, world)
        seen = f"without it: {refusal}; with it: {answer}"
        return judge((refusal.status, refusal.code) == (403, "AccessDenied") and answer.code != "AccessDenied", seen)

    return check


async def documented_policy(world: World) -> Outcome:
    """The role's policy for this bucket and prefix, to the letter, is enough for a sweep."""
    settings = Settings(buckets=(world.bucket,), prefixes=(world.prefix,), dry_run=False)
    policy = cam_policy.policy(settings, f"qcs::scf:{world.bucket.region}:uin/0:namespace/default/function/none")
    # Of the function itself there is none here.
    statements = [one for one in policy["statement"] if one["action"] != ["scf:InvokeFunction"]]
    credentials = await narrowed(world, statements)
    await engine.prepare(world, "policy/")
    return await engine.swept(world, "policy/", credentials)


async def token_of_another(world: World) -> Outcome:
    """A wrong token, where the given credentials have none."""
    place = _resource(world)
    read = {"effect": "allow", "action": [actions.LIST_UPLOADS], "resource": [f"{place}*"]}
    first, second = await narrowed(world, [read]), await narrowed(world, [read])
    mixed = Credentials(first.secret_id, first.secret_key, second.token)
    params = {"uploads": "", "prefix": world.folder}
    reply = await world.client.send("GET", "", params, signer=Signer(mixed), may_be_denied=True)
    return judge(reply.status in (400, 403), str(reply))


def _resource(world: World) -> str:
    bucket = world.bucket
    return f"qcs::cos:{bucket.region}:uid/{bucket.name.rpartition('-')[2]}:{bucket.name}/"


def _nothing(world: World) -> Upload:
    return Upload(world.bucket, f"{world.folder}permissions/a", NO_ID)


async def _list(client: Client, world: World) -> Reply:
    return await client.send("GET", "", {"uploads": "", "prefix": world.folder}, may_be_denied=True)


async def _parts(client: Client, world: World) -> Reply:
    nothing = _nothing(world)
    return await client.send("GET", nothing.key, {"uploadId": nothing.upload_id}, may_be_denied=True)


async def _abort(client: Client, world: World) -> Reply:
    nothing = _nothing(world)
    return await client.send("DELETE", nothing.key, {"uploadId": nothing.upload_id}, may_be_denied=True)


async def _lifecycle(client: Client, _: World) -> Reply:
    return await client.send("GET", "", {"lifecycle": ""}, may_be_denied=True)


async def _object_lock(client: Client, _: World) -> Reply:
    return await client.send("GET", "", {"object-lock": ""}, may_be_denied=True)


async def _objects(client: Client, world: World) -> Reply:
    return await client.send("GET", "", {"prefix": world.folder}, may_be_denied=True)


async def _object(client: Client, world: World) -> Reply:
    return await client.send("GET", f"{world.folder}permissions/a", may_be_denied=True)


def _check(name: str, action: str, ask: Ask) -> Check:
    short = action.rpartition(":")[2]
    return Check(
        f"permission-{name}", f"Without {short} its request answers 403 AccessDenied.", without(action, ask), 2
    )


CHECKS = (
    _check("list", actions.LIST_UPLOADS, _list),
    _check("parts", actions.LIST_PARTS, _parts),
    _check("abort", actions.ABORT, _abort),
    _check("lifecycle", LIFECYCLE_ACTION, _lifecycle),
    _check("object-lock", OBJECT_LOCK_ACTION, _object_lock),
    _check("objects", "name/cos:GetBucket", _objects),
    _check("object", "name/cos:GetObject", _object),
    Check(
        "permission-policy",
        "The documented policy, narrowed to a prefix, is enough for a sweep.",
        documented_policy,
        40,
    ),
    Check("permission-token", "A token of other credentials is refused.", token_of_another, 1),
)
