"""
A plan and where to go on ⇄ versioned JSON, small enough for an asynchronous invocation.

A checkpoint is an event like any other: whoever may invoke the function can write one. So it is read with mistrust, and
what it asks for is held against the settings of the day; it can narrow them, never widen them.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from cos_sweeper.errors import Refusal
from cos_sweeper.messages import kind_of
from cos_sweeper.model import CHECKPOINT, Bucket, Cursor, Upload
from cos_sweeper.plan import LEFTOVERS_MIN_IDLE, Named, Past, Plan, Scan, Share
from cos_sweeper.policy import Policy
from cos_sweeper.settings import Settings
from cos_sweeper.store import why_unaddressable

VERSION = 1
# SCF takes 128 KB for an asynchronous event.
MAX_BYTES = 128_000
# At 15 minutes a run this is ten days; whoever gets here goes round in circles.
MAX_RUNS = 1000
MAX_SHARES = 1000
RUN_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


def write(plan: Plan) -> tuple[str, ...]:
    """
    The plan as JSON texts of at most MAX_BYTES each: one, or as many as its scans and uploads need.

    What is left of MAX_ABORTS is dealt out among them, and the past goes with the first, so that nothing counts twice.
    """
    packs = [_Pack(plan)]
    for policy, item in _todo(plan):
        if not packs[-1].add(policy, item):
            packs.append(_Pack(plan))
            packs[-1].add(policy, item)
    allowances = deal(plan.max_aborts, len(packs))
    pasts = [plan.past] + [Past()] * (len(packs) - 1)
    return tuple(
        pack.text(replace(plan, max_aborts=allowance, past=past))
        for pack, allowance, past in zip(packs, allowances, pasts, strict=True)
        if allowance != 0
    )


def deal(most: int | None, among: int) -> list[int | None]:
    """A limit of aborts, dealt out so that the parts never exceed the whole. None: no limit."""
    if most is None:
        return [None] * among
    return [most // among + (place < most % among) for place in range(among)]


def read(raw: object, settings: Settings, buckets: Sequence[Bucket], now: datetime) -> Plan:
    """
    Read a checkpoint and hold it against the settings. Raises Refusal with the reason.

    now: UTC. buckets: the allow-list, as for any request.
    """
    try:
        size = len(json.dumps(raw))
        if size > MAX_BYTES:
            raise Refusal(f"the checkpoint has {size} bytes; this function writes {MAX_BYTES} at most")
        return _Reader(settings, {bucket.name: bucket for bucket in buckets}, now).plan(_object(raw, "the checkpoint"))
    except (KeyError, TypeError, ValueError, OverflowError, IndexError, RecursionError) as exc:
        raise Refusal(f"the checkpoint is damaged: {type(exc).__name__}") from exc


# Writing


class _Pack:
    """What goes into one checkpoint: things to do, and the policies that they need."""

    def __init__(self, plan: Plan) -> None:
        # The counts of a head may grow a little when the limit and the past are put in.
        self._room = MAX_BYTES - len(_envelope(plan, [], [])) - 100
        self._policies: dict[Policy, int] = {}
        self._texts: list[str] = []
        self._items: list[str] = []

    def add(self, policy: Policy, item: list[str]) -> bool:
        """Take one more thing in; False, and nothing is changed, when there is no room. The first always has room."""
        place = self._policies.get(policy, len(self._policies))
        text = json.dumps([item[0], place, *item[1:]])
        new = [] if policy in self._policies else [_policy_as_json(policy)]
        size = sum(len(one) + 2 for one in (text, *new))
        if self._items and size > self._room:
            return False
        self._room -= size
        self._policies[policy] = place
        self._texts += new
        self._items.append(text)
        return True

    def text(self, plan: Plan) -> str:
        """The checkpoint."""
        return _envelope(plan, self._texts, self._items)


def _todo(plan: Plan) -> Iterator[tuple[Policy, list[str]]]:
    for scan in plan.scans:
        yield scan.policy, ["scan", scan.bucket.name, scan.prefix, scan.start.key, scan.start.upload_id]
    for named in plan.named:
        upload = named.upload
        yield named.policy, ["upload", upload.bucket.name, upload.key, upload.upload_id]


def _envelope(plan: Plan, policies: Sequence[str], items: Sequence[str]) -> str:
    head = {
        "version": VERSION,
        "run_id": plan.run_id,
        "as_of": plan.as_of.isoformat(),
        "dry_run": plan.dry_run,
        "max_aborts": plan.max_aborts,
        "number": plan.number,
        "share": [plan.share.index, plan.share.of],
        "past": [plan.past.transient, plan.past.lasting, plan.past.failed],
    }
    body = f'{json.dumps(head)[1:-1]}, "policies": [{", ".join(policies)}], "todo": [{", ".join(items)}]'
    return f'{{"{CHECKPOINT}": {{{body}}}}}'


def _policy_as_json(policy: Policy) -> str:
    return json.dumps(
        {
            "min_age": policy.min_age.total_seconds(),
            "min_idle": policy.min_idle.total_seconds(),
            "prefixes": policy.prefixes,
            "exclude_prefixes": policy.exclude_prefixes,
            "only_key": policy.only_key,
            "started_before": policy.started_before.isoformat() if policy.started_before else None,
        }
    )


# Reading


class _Reader:
    def __init__(self, settings: Settings, buckets: Mapping[str, Bucket], now: datetime) -> None:
        self._settings = settings
        self._buckets = buckets
        self._now = now

    def plan(self, raw: Mapping[str, Any]) -> Plan:
        if raw.get("version") != VERSION:
            raise Refusal(f"the checkpoint has version {str(raw.get('version'))[:20]!r}; this function reads {VERSION}")
        policies = [self._policy(_object(one, "a policy")) for one in raw["policies"]]
        scans: list[Scan] = []
        named: list[Named] = []
        for kind, place, name, *rest in raw["todo"]:
            bucket, policy = self._bucket(name), policies[_whole(place, 0, len(policies) - 1, "a policy")]
            if kind == "scan":
                scans.append(self._scan(bucket, policy, *rest))
            elif kind == "upload":
                named.append(self._named(bucket, policy, *rest))
            else:
                raise Refusal("the checkpoint has something to do that this function does not know")
        transient, lasting, failed = raw["past"]
        return Plan(
            run_id=_matching(raw["run_id"], RUN_ID, "the run id"),
            as_of=self._as_of(raw["as_of"]),
            dry_run=self._dry_run(raw["dry_run"]),
            max_aborts=self._max_aborts(raw["max_aborts"]),
            workers=self._settings.workers,
            verify=self._settings.verify,
            named=tuple(dict.fromkeys(named)),
            scans=tuple(dict.fromkeys(scans)),
            refused=(),
            number=_whole(raw["number"], 1, MAX_RUNS, "the number of the run"),
            share=_share(*raw["share"]),
            past=Past(
                _whole(transient, 0, 10**15, "a count"),
                _whole(lasting, 0, 10**15, "a count"),
                tuple((_text(code)[:64], _whole(count, 0, 10**15, "a count")) for code, count in failed[:100]),
            ),
        )

    def _as_of(self, text: object) -> datetime:
        """Ages are never judged by a moment that has not come, whatever the clock of an earlier run said."""
        return min(_moment(text), self._now)

    def _dry_run(self, dry: object) -> bool:
        if not isinstance(dry, bool):
            raise Refusal("the checkpoint's `dry_run` is neither true nor false")
        if self._settings.dry_run and not dry:
            raise Refusal("the checkpoint is of a run for real, and DRY_RUN is true now")
        return dry

    def _max_aborts(self, most: object) -> int | None:
        allowed = self._settings.max_aborts
        if most is None and allowed is None:
            return None
        return _whole(most, 0, 10**12 if allowed is None else allowed, "`max_aborts` under MAX_ABORTS")

    def _policy(self, raw: Mapping[str, Any]) -> Policy:
        """Its prefixes must lie within the settings' own; what the settings exclude is excluded in any case."""
        allowed = self._settings.prefixes
        prefixes, spared = _texts(raw["prefixes"]), _texts(raw["exclude_prefixes"])
        outside = [one for one in prefixes if allowed and not one.startswith(allowed)]
        if outside or (allowed and not prefixes):
            raise Refusal("the checkpoint's prefixes are wider than PREFIXES")
        only_key, before = raw["only_key"], raw["started_before"]
        return Policy(
            min_age=_span(raw["min_age"]),
            min_idle=_span(raw["min_idle"]),
            prefixes=prefixes,
            exclude_prefixes=tuple(dict.fromkeys((*spared, *self._settings.exclude_prefixes))),
            only_key=None if only_key is None else _text(only_key),
            started_before=None if before is None else min(_moment(before), self._now),
            min_idle_unproven=self._settings.min_idle if only_key is not None else timedelta(0),
            include_committers=self._settings.include_committers,
        )

    def _scan(self, bucket: Bucket, policy: Policy, prefix: object, key: object, upload_id: object) -> Scan:
        """A sweep keeps the settings' ages; the leftovers of a completed object have an age and a key of their own."""
        settings = self._settings
        floors = settings.min_age, settings.min_idle
        if policy.only_key is not None and policy.started_before is not None:
            floors = timedelta(0), max(settings.event_min_idle, LEFTOVERS_MIN_IDLE)
        if policy.min_age < floors[0] or policy.min_idle < floors[1]:
            raise Refusal("the checkpoint's ages are below MIN_AGE_HOURS, MIN_IDLE_HOURS or EVENT_MIN_IDLE_MINUTES")
        return Scan(bucket, _sendable(prefix), policy, Cursor(_sendable(key), _sendable(upload_id)))

    def _named(self, bucket: Bucket, policy: Policy, key: object, upload_id: object) -> Named:
        if policy.min_idle < self._settings.event_min_idle:
            raise Refusal("the checkpoint's idle time is below EVENT_MIN_IDLE_MINUTES")
        upload = Upload(bucket, _text(key), _text(upload_id))
        reason = why_unaddressable(upload.key, upload.upload_id)
        if reason:
            raise Refusal(reason)
        return Named(upload, policy)

    def _bucket(self, name: object) -> Bucket:
        bucket = self._buckets.get(_text(name))
        if bucket is None:
            raise Refusal(f"the checkpoint's bucket {str(name)[:80]!r} is not among BUCKETS")
        return bucket


def _object(raw: object, what: str) -> Mapping[str, Any]:
    if not isinstance(raw, dict):
        raise Refusal(f"{what} is {kind_of(raw)}, not an object")
    return raw


def _share(index: object, of: object) -> Share:
    many = _whole(of, 1, MAX_SHARES, "the number of shares")
    return Share(_whole(index, 0, many - 1, "the share"), many)


def _whole(value: object, least: int, most: int, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise Refusal(f"the checkpoint's {what} is not a whole number from {least} to {most}")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Refusal(f"the checkpoint has {kind_of(value)} where a text should be")
    return value


def _sendable(value: object) -> str:
    """A text of which a listing can be asked; bytes that are not UTF-8 stand there as surrogates. Raises ValueError."""
    _text(value).encode("utf-8", "surrogateescape")
    return _text(value)


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Refusal(f"the checkpoint has {kind_of(value)} where a list should be")
    return tuple(_text(item) for item in value)


def _matching(value: object, form: re.Pattern[str], what: str) -> str:
    if not form.fullmatch(_text(value)):
        raise Refusal(f"the checkpoint's {what} is malformed")
    return _text(value)


def _span(value: object) -> timedelta:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 10**10:
        raise Refusal("the checkpoint has no number where a number of seconds should be")
    return timedelta(seconds=value)


def _moment(value: object) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise Refusal("the checkpoint has a time without a zone")
    return moment.astimezone(timezone.utc)
