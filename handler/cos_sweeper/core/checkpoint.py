"""
A plan → checkpoints: versioned JSON, each small enough for an asynchronous invocation.

`checkpoint_reader` reads them. Values in, values out.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from zlib import crc32

from cos_sweeper.core.model import CHECKPOINT
from cos_sweeper.core.plan import ListingTarget, Plan, PriorFailures, UploadTarget
from cos_sweeper.core.policy import Policy

VERSION = 3
# SCF accepts 128 KB for an asynchronous event.
MAX_BYTES = 128_000
# At 15 minutes a run this is ten days; a chain that gets here is in a loop.
MAX_RUNS = 1000
MAX_SHARDS = 1000
MAX_ATTEMPTS = 3
MAX_WORK_LENGTH = 150
MAX_COUNT = 10**15


def write(plan: Plan) -> tuple[str, ...]:
    """
    The plan as events of at most MAX_BYTES each: one, or as many as its listings and uploads need.

    The limit of aborts is split among them, so that each may abort the uploads that it names. Only the first carries
    the prior failures, so that nothing counts twice.
    """
    packs = [_Pack(plan)]
    for policy, item in _items(plan):
        if not packs[-1].add(policy, item):
            packs.append(_Pack(plan))
            packs[-1].add(policy, item)
    parts = split(
        plan,
        len(packs),
        [pack.uploads for pack in packs],
        [pack.has_listings for pack in packs],
        [pack.sent for pack in packs],
    )
    failures = [plan.prior_failures] + [PriorFailures()] * (len(packs) - 1)
    return tuple(
        pack.text(replace(part, prior_failures=prior_failures, works=one, predecessor=predecessor))
        for pack, part, prior_failures, (one, predecessor) in zip(
            packs, parts, failures, works(plan, len(packs)), strict=True
        )
    )


def works(plan: Plan, count: int) -> list[tuple[tuple[str, ...], str]]:
    """The works of each of `count` parts of a plan, and whose account it continues: one of several begins its own."""
    if count == 1:
        return [(plan.works, plan.predecessor)]
    first = plan.works[0]
    # They stand in names of objects, so they must stay short.
    first = first if len(first) < MAX_WORK_LENGTH else str(crc32(first.encode()))
    return [((f"{first}.{index}",), "") for index in range(count)]


# Splitting the limit of aborts


def split(
    plan: Plan, count: int, uploads: Sequence[int] = (), has_listings: Sequence[bool] = (), sent: Sequence[int] = ()
) -> list[Plan]:
    """
    Split the plan's limit of aborts into `count` plans; together they never exceed the limit.

    uploads: how many uploads each part names; these are served first. has_listings: which parts have listings; they
    share the rest. sent: how many uploads of each part have an abort of unknown result; the part must count these
    aborts.
    """
    if count == 1:
        return [plan]
    others = split_evenly(max(0, plan.aborted - sum(sent)), count)
    aborted = [other + own for other, own in zip(others, sent or [0] * count, strict=True)]
    remaining = _split_remaining(plan.max_aborts, uploads or [0] * count, has_listings or [True] * count)
    numerator, denominator = plan.fraction
    parts = []
    for rest, used in zip(remaining, aborted, strict=True):
        limit = None if rest is None else rest + used
        if limit is not None and plan.limit:
            fraction = _bounded(numerator * limit, denominator * plan.limit)
        else:
            fraction = _bounded(numerator, denominator * count)
        parts.append(replace(plan, limit=limit, aborted=used, fraction=fraction))
    return parts


def _split_remaining(total: int | None, uploads: Sequence[int], has_listings: Sequence[bool]) -> list[int] | list[None]:
    if total is None:
        return [None] * len(uploads)
    shares = []
    for wanted in uploads:
        shares.append(min(wanted, total))
        total -= shares[-1]
    receivers = [index for index, has_listing in enumerate(has_listings) if has_listing] or list(range(len(uploads)))
    for index, more in zip(receivers, split_evenly(total, len(receivers)), strict=True):
        shares[index] += more
    return shares


def split_evenly(total: int, count: int) -> list[int]:
    """A number as `count` numbers that add up to it and differ by at most one."""
    return [total // count + (index < total % count) for index in range(count)]


def _bounded(numerator: int, denominator: int) -> tuple[int, int]:
    """A fraction of numbers up to MAX_COUNT, rounded down if necessary."""
    if denominator <= MAX_COUNT:
        return numerator, denominator
    return numerator * MAX_COUNT // denominator, MAX_COUNT


# Writing


class _Pack:
    """
    The content of one checkpoint: items of work, and the policies that they use.

    uploads: how many may need an abort each; sent: how many have an abort that is already counted;
    has_listings: whether there are listings.
    """

    def __init__(self, plan: Plan) -> None:
        # The numbers in the head can become a little longer when the split limit and the prior failures are set.
        self._room = MAX_BYTES - len(_event(plan, [], [])) - 200
        self._policies: dict[Policy, int] = {}
        self._policy_texts: list[str] = []
        self._item_texts: list[str] = []
        self.uploads = 0
        self.sent = 0
        self.has_listings = False

    def add(self, policy: Policy, item: list[Any]) -> bool:
        """Add an item. Returns False, and changes nothing, if there is no room. The first item always fits."""
        index = self._policies.get(policy, len(self._policies))
        text = json.dumps([item[0], index, *item[1:]])
        new = [] if policy in self._policies else [_policy_as_json(policy)]
        size = sum(len(one) + 2 for one in (text, *new))
        if self._item_texts and size > self._room:
            return False
        self._room -= size
        self._policies[policy] = index
        self._policy_texts += new
        self._item_texts.append(text)
        self.has_listings = self.has_listings or item[0] == "listing"
        if item[0] == "upload":
            was_sent = bool(item[-1].get("sent"))
            self.sent += was_sent
            self.uploads += not was_sent
        return True

    def text(self, plan: Plan) -> str:
        """The event that carries the checkpoint, as JSON."""
        return _event(plan, self._policy_texts, self._item_texts)


def _items(plan: Plan) -> Iterator[tuple[Policy, list[Any]]]:
    for listing in plan.listings:
        yield (
            listing.policy,
            [
                "listing",
                listing.bucket.name,
                listing.prefix,
                listing.start.key,
                listing.start.upload_id,
                _options(listing),
            ],
        )
    for target in plan.targets:
        upload = target.upload
        yield target.policy, ["upload", upload.bucket.name, upload.key, upload.upload_id, _options(target)]


def _options(item: ListingTarget | UploadTarget) -> dict[str, Any]:
    """The fields that differ from their defaults; most items have none."""
    options: dict[str, Any] = {"attempts": item.attempts, "blocked": item.is_blocked}
    if isinstance(item, ListingTarget):
        options["end"] = [item.end.key, item.end.upload_id] if item.end else None
    else:
        options |= {"sent": item.was_sent, "swept": item.is_swept, "text": item.text, "markers": item.markers[1:]}
        initiated = item.initiated.isoformat() if item.initiated else ""
        options |= {"initiated": initiated, "initiator": item.initiator, "storage_class": item.storage_class}
    return {name: value for name, value in options.items() if value}


def _event(plan: Plan, policies: Sequence[str], items: Sequence[str]) -> str:
    failures = plan.prior_failures
    head = {
        "version": VERSION,
        "run_id": plan.run_id,
        "as_of": plan.as_of.isoformat(),
        "began": (plan.began or plan.as_of).isoformat(),
        "dry_run": plan.dry_run,
        "limit": plan.limit,
        "aborted": plan.aborted,
        "fraction": plan.fraction,
        "number": plan.number,
        "stalled": plan.stalled,
        "inventory": plan.inventory,
        "works": plan.works,
        "predecessor": plan.predecessor,
        "shard": [plan.shard.indexes, plan.shard.count],
        "prior_failures": [failures.transient, failures.permanent, failures.failed],
        "incomplete": failures.incomplete,
    }
    body = f'{json.dumps(head)[1:-1]}, "policies": [{", ".join(policies)}], "todo": [{", ".join(items)}]'
    return f'{{"{CHECKPOINT}": {{{body}}}}}'


def _policy_as_json(policy: Policy) -> str:
    return json.dumps(
        {
            "min_age": policy.min_age.total_seconds(),
            "min_idle": policy.min_idle.total_seconds(),
            "min_idle_unproven": policy.min_idle_unproven.total_seconds(),
            "prefixes": policy.prefixes,
            "exclude_prefixes": policy.exclude_prefixes,
            "include_committers": policy.include_committers,
            "only_key": policy.only_key,
            "started_before": policy.started_before.isoformat() if policy.started_before else None,
        }
    )
