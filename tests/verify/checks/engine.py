"""
The function's own engine, on uploads that were made for it: a dry run, a named upload, a sweep.

Its policy has no ages, because these uploads are seconds old; no setting leads to such a policy.
"""

from dataclasses import replace
from datetime import timedelta

from cos_sweeper.core.deadline import run_deadline
from cos_sweeper.core.model import AbortRequest, Upload
from cos_sweeper.core.plan import ListingTarget, Plan, build_plan
from cos_sweeper.core.policy import Policy
from cos_sweeper.core.redaction import Redactor
from cos_sweeper.core.report import Report
from cos_sweeper.core.settings import Credentials, Settings
from cos_sweeper.engine import continuation
from cos_sweeper.engine.verification import STILL_THERE
from cos_sweeper.report.log import Log
from tests.verify.outcome import CannotTell, Check, Outcome, Unanswered, judge
from tests.verify.world import World

NAMES = ("a b", "a+b", "a%2Fb", "中文", "a//b", "x/a", "x/a", "x/b")
LIMIT_SECONDS = 120.0
# Whole seconds: an upload that starts in the second of the sweep has no age.
OLDER_SECONDS = 2.1


async def dry_run(world: World) -> Outcome:
    made = await _uploads(world, "engine-dry/")
    report = await run(world, _sweep(world, "engine-dry/", dry_run=True))
    left = set((await world.listing("engine-dry/")).ids)
    are_there = {one.upload_id for one in made} <= left
    seen = f"{_counts(report)}; {'all' if are_there else 'not all'} are still there"
    return judge(report.counts["would_abort"] == len(left) and are_there, seen)


async def named_upload(world: World) -> Outcome:
    """As an event that names it."""
    name = "engine-named/a b+中"
    upload, other = await world.start(name), await world.start(name)
    await world.part(upload)
    request = AbortRequest(world.bucket.name, upload.key, upload.upload_id)
    settings = Settings(buckets=(world.bucket,), prefixes=(world.prefix,), dry_run=False)
    report = await run(world, build_plan([request], settings, [world.bucket], "verify", world.options.now()))
    left = (await world.listing("engine-named/")).ids
    is_other = left == [other.upload_id]
    seen = f"{_counts(report)}, {report.verified} verified; left: {'the other one' if is_other else len(left)}"
    return judge(report.counts["aborted"] == report.verified == 1 and is_other, seen)


async def sweep(world: World) -> Outcome:
    await _uploads(world, "engine-sweep/")
    return await swept(world, "engine-sweep/")


async def swept(world: World, name: str, credentials: Credentials | None = None) -> Outcome:
    """Sweep what `_uploads` made, with these credentials, and see what is left."""
    found = len((await world.listing(name)).ids)
    report = await run(world, _sweep(world, name, dry_run=False), credentials)
    left = len((await world.listing(name)).ids)
    seen = f"{_counts(report)}, {report.verified} verified; {left} left"
    return judge(report.counts["aborted"] == report.verified == found >= len(NAMES) and not left, seen)


async def prepare(world: World, name: str) -> None:
    """Make what `swept` sweeps."""
    await _uploads(world, name)


async def run(world: World, plan: Plan, credentials: Credentials | None = None) -> Report:
    """Let the engine carry out a plan. Raises CannotTell where it could not, Unanswered where answers were lost."""
    clock = world.options.clock
    deadline = run_deadline(clock, LIMIT_SECONDS, clock())
    store = world.store(credentials=credentials).until(deadline)
    log = Log(lambda _: None, Redactor([]))
    report = await continuation.run(plan, store, deadline, log, None, retries=False, now=world.options.now())
    doubt = next((reason for reason in report.kept if "clock" in reason), "")
    if doubt:
        raise CannotTell(f"the engine keeps every upload: {doubt}")
    if credentials is None and "AccessDenied" in report.failed:
        raise CannotTell("the engine needs a permission that these credentials lack (403 AccessDenied)")
    if credentials is None and report.unverified:
        raise CannotTell(f"{report.unverified} aborts could not be verified: List Parts was not answered")
    # An upload that is still there after a 204 is no lost answer, but what this is about.
    if (report.transient and STILL_THERE not in report.failed) or report.counts["already_gone"]:
        raise Unanswered(", ".join(report.failed) or "an answer was lost")
    return report


def _sweep(world: World, name: str, *, dry_run: bool) -> Plan:
    settings = Settings(buckets=(world.bucket,), dry_run=dry_run, verify="all", workers=4)
    plan = build_plan([], settings, [world.bucket], "verify", world.options.now())
    policy = Policy(min_age=timedelta(0), min_idle=timedelta(0), prefixes=(world.prefix,))
    return replace(
        plan, dry_run=dry_run, limit=100, listings=(ListingTarget(world.bucket, world.folder + name, policy),)
    )


async def _uploads(world: World, folder: str) -> list[Upload]:
    made = await world.start_many([folder + name for name in NAMES])
    await world.part(made[0])
    await world.options.sleep(OLDER_SECONDS)
    return made


def _counts(report: Report) -> str:
    found = [f"{count} {name.replace('_', ' ')}" for name, count in report.counts.items() if count]
    found += [f"kept: {reason}" for reason in report.kept]
    return ", ".join([*found, *report.failed]) or "nothing"


CHECKS = (
    Check("engine-dry-run", "A dry run of a sweep finds every upload and aborts none.", dry_run, 30),
    Check(
        "engine-named", "An upload that an event names is aborted and verified, and its sibling stays.", named_upload, 8
    ),
    Check("engine-sweep", "A sweep aborts and verifies every upload, whatever its key.", sweep, 40),
)
