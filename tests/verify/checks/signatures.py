"""
The Date header, and what COS answers to a signature that is not right. Each of these requests would only read.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from cos_sweeper.cos import xml
from cos_sweeper.cos.error_codes import Meaning, meaning
from tests.verify.client import Reply, Signer
from tests.verify.outcome import CannotTell, Check, Different, Outcome, judge
from tests.verify.world import World

CLOSE = timedelta(seconds=30)
HOUR = 3600


async def date_header(world: World) -> Outcome:
    """On a success and on an error alike; and the two clocks."""
    upload = await world.start("date/a")
    replies = [await world.abort(upload), await world.abort(upload)]
    dates = [xml.http_date(one.headers.get("date", "")) for one in replies]
    if None in dates:
        return Different(", ".join(one.headers.get("date", "no Date")[:40] for one in replies))
    apart = max((abs(date - world.options.now()) for date in dates if date), default=timedelta(0))
    return judge(apart <= CLOSE, f"Date on a 204 and a 404; this machine's clock is {apart.total_seconds():.0f} s off")


async def own_signature(world: World) -> Outcome:
    """One that is made from its description, beside the SDK's."""
    upload = await world.start("signature/a b+中")
    store = await world.store().parts(upload, 0)
    reply = await world.parts(upload, encoding_type="url")
    return judge(reply.status == 200 and not store.parts, f"ours: {reply}; the SDK's: 200")


async def wrong_key(world: World) -> Outcome:
    given = world.options.credentials
    reply = await _ask(world, Signer(replace(given, secret_key=given.secret_key[::-1] + "x")))
    return judge((reply.status, reply.code) == (403, "SignatureDoesNotMatch"), str(reply))


async def unknown_id(world: World) -> Outcome:
    # Of the form of an id, and nobody's.
    given = replace(world.options.credentials, secret_id="AKIDcosSweeperVerifyNobody000000", token="")
    reply = await _ask(world, Signer(given))
    return judge((reply.status, reply.code) == (403, "InvalidAccessKeyId"), str(reply))


async def expired_signature(world: World) -> Outcome:
    now = int(world.options.now().timestamp())
    reply = await _ask(world, Signer(world.options.credentials, now - 2 * HOUR, now - HOUR))
    means = meaning(reply.status, reply.code, reply.message)
    return judge(means is Meaning.STOP, f"{reply}, message {reply.message[:60]!a}")


async def signature_of_the_future(world: World) -> Outcome:
    now = int(world.options.now().timestamp())
    reply = await _ask(world, Signer(world.options.credentials, now + HOUR, now + 2 * HOUR))
    means = meaning(reply.status, reply.code, reply.message)
    return judge(means is Meaning.STOP, f"{reply}, message {reply.message[:60]!a}")


async def wrong_token(world: World) -> Outcome:
    given = world.options.credentials
    if not given.token:
        raise CannotTell("these credentials are permanent: they have no token")
    reply = await _ask(world, Signer(replace(given, token=given.token[::-1])))
    means = meaning(reply.status, reply.code, reply.message)
    return judge(means is Meaning.STOP, str(reply))


async def _ask(world: World, signer: Signer) -> Reply:
    params: Mapping[str, str] = {"uploads": "", "prefix": f"{world.folder}signature/"}
    return await world.client.send("GET", "", params, signer=signer, may_be_denied=True)


CHECKS = (
    Check(
        "date", "Every answer has a Date, an error too; this machine's clock is at most 30 s from it.", date_header, 3
    ),
    Check("sign-own", "A signature made from its description is accepted, and so is the SDK's.", own_signature, 3),
    Check("sign-wrong", "A wrong key answers 403 SignatureDoesNotMatch.", wrong_key, 1),
    Check("sign-unknown", "An unknown id answers 403 InvalidAccessKeyId.", unknown_id, 1),
    Check("sign-expired", "A signature that is over is known as such by its code or message.", expired_signature, 1),
    Check(
        "sign-future",
        "A signature that is not valid yet is known as such by its code or message.",
        signature_of_the_future,
        1,
    ),
    Check("sign-token", "A wrong token is known as such by its code or message.", wrong_token, 1),
)
