"""
What COS answers about the bucket itself, the account, and objects below the prefix. The bucket is only read.
"""

from cos_sweeper.core import initiator
from cos_sweeper.cos.sdk_store import NO_CONFIGURATION
from tests.verify.checks.aborts import require_objects
from tests.verify.outcome import CannotTell, Check, Outcome, judge
from tests.verify.world import World


async def no_lifecycle(world: World) -> Outcome:
    return await _configuration(world, "lifecycle")


async def no_object_lock(world: World) -> Outcome:
    return await _configuration(world, "object-lock")


async def _configuration(world: World, name: str) -> Outcome:
    reply = await world.client.send("GET", "", {name: ""})
    if reply.status == 200:
        raise CannotTell("the bucket has this configuration")
    return judge(reply.status == 404 and reply.code in NO_CONFIGURATION[name], str(reply))


async def service(world: World) -> Outcome:
    """Every page, until the bucket is there."""
    store, marker, owner, regions, count = world.store(), "", "", set(), 0
    while True:
        page = await store.buckets(marker)
        count += len(page.buckets)
        owner = owner or page.owner
        regions |= {one.region for one in page.buckets if one.name == world.bucket.name}
        if page.next is None:
            break
        marker = page.next
    account, user = initiator.account_and_user(owner)
    world.hide(account, "<account>")
    world.hide(user, "<user>")
    seen = f"this bucket in {', '.join(regions) or 'no region'}; owner {owner or 'missing'}"
    return judge(regions == {world.bucket.region} and account, seen)


async def report_objects(world: World) -> Outcome:
    """What a report needs: written, read up to a limit, listed after a name."""
    await require_objects(world)
    world.made_objects = True
    store, place = world.store(), f"{world.folder}report/"
    for name in ("a b+中.json", "b.json"):
        await store.put_report(world.bucket, place + name, b"{}")
    body = await store.read_report(world.bucket, f"{place}a b+中.json", 2)
    missing = await store.read_report(world.bucket, f"{place}nothing", 2)
    listed = (await store.list_reports(world.bucket, place, f"{place}a b+中.json")).keys
    seen = f"read {body!r}, missing {missing!r}, after the first: {len(listed)} of 1"
    return judge(body == b"{}" and missing is None and listed == (f"{place}b.json",), seen)


CHECKS = (
    Check(
        "lifecycle-none", "A bucket without lifecycle rules answers 404 NoSuchLifecycleConfiguration.", no_lifecycle, 1
    ),
    Check(
        "object-lock-none",
        "A bucket without Object Lock answers 404 with one of the two codes that are known.",
        no_object_lock,
        1,
    ),
    Check("service", "Get Service shows the bucket with its region, and whose it is.", service, 1),
    Check(
        "report-objects", "Objects of a report are written, read by range and listed after a name.", report_objects, 8
    ),
)
