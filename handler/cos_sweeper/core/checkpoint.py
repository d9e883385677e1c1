"""
A plan and where to go on ⇄ versioned JSON, small enough for an asynchronous invocation.

A checkpoint is an event like any other: whoever may invoke the function can write one. So it is read with mistrust: the
current settings hold as well, and of two limits the stricter one counts. What the settings exclude by now is dropped
and reported, and the rest goes on.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from cos_sweeper.core.errors import RequestRejected
from cos_sweeper.core.json_text import kind_of
from cos_sweeper.core.keys import validate_key
from cos_sweeper.core.model import CHECKPOINT, Bucket, Cursor, Upload
from cos_sweeper.core.plan import SIBLINGS_MIN_IDLE, ListingTarget, Plan, PriorFailures, Shard, UploadTarget
from cos_sweeper.core.policy import Policy
from cos_sweeper.core.settings import Settings

VERSION = 2
# SCF takes 128 KB for an asynchronous event.
MAX_BYTES = 128_000
# At 15 minutes a run this is ten days; whoever gets here goes round in circles.
MAX_RUNS = 1000
MAX_SHARDS = 1000
MAX_ATTEMPTS = 3
MAX_COUNT = 10**15
RUN_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


class OutOfScope(RequestRejected):
    """The current settings exclude something that a checkpoint asks for: it is dropped, and the rest goes on."""


def write(plan: Plan) -> tuple[str, ...]:
    """
    The plan as JSON texts of at most MAX_BYTES each: one, or as many as its scans and uploads need.

    Its limit of aborts is split among them, so that each may abort the uploads that it names, and the past goes with
    the first, so that nothing counts twice.
    """
    packs = [_Pack(plan)]
    for policy, item in _todo(plan):
        if not packs[-1].add(policy, item):
            packs.append(_Pack(plan))
            packs[-1].add(policy, item)
    parts = split(
        plan,
        len(packs),
        [pack.uploads for pack in packs],
        [pack.has_scans for pack in packs],
        [pack.sent for pack in packs],
    )
    pasts = [plan.prior_failures] + [PriorFailures()] * (len(packs) - 1)
    return tuple(
        pack.text(replace(part, prior_failures=prior_failures))
        for pack, part, prior_failures in zip(packs, parts, pasts, strict=True)
    )


def split(
    plan: Plan, among: int, uploads: Sequence[int] = (), has_scans: Sequence[bool] = (), sent: Sequence[int] = ()
) -> list[Plan]:
    """
    The plan with its limit of aborts in so many parts, which never exceed the whole.

    uploads: how many each part names: those come first. has_scans: which parts have listings: the rest is theirs.
    sent: how many of the aborts so far are of unknown result, and told by which part: it has to count them.
    """
    if among == 1:
        return [plan]
    others = deal(max(0, plan.aborted - sum(sent)), among)
    aborted = [count + mine for count, mine in zip(others, sent or [0] * among, strict=True)]
    left = _split_left(plan.max_aborts, uploads or [0] * among, has_scans or [True] * among)
    top, bottom = plan.fraction
    parts = []
    for most, count in zip(left, aborted, strict=True):
        limit = None if most is None else most + count
        mine = (top * limit, bottom * plan.limit) if limit is not None and plan.limit else (top, bottom * among)
        parts.append(replace(plan, limit=limit, aborted=count, fraction=_short(*mine)))
    return parts


def _split_left(most: int | None, uploads: Sequence[int], has_scans: Sequence[bool]) -> list[int] | list[None]:
    if most is None:
        return [None] * len(uploads)
    parts = []
    for wanted in uploads:
        parts.append(min(wanted, most))
        most -= parts[-1]
    takers = [place for place, one in enumerate(has_scans) if one] or list(range(len(uploads)))
    for place, more in zip(takers, deal(most, len(takers)), strict=True):
        parts[place] += more
    return parts


def deal(most: int, among: int) -> list[int]:
    """A number in so many parts."""
    return [most // among + (place < most % among) for place in range(among)]


def read(raw: object, settings: Settings, buckets: Sequence[Bucket], now: datetime) -> Plan:
    """
    Read a checkpoint and hold it against the settings. Raises RequestRejected with the reason when it cannot be read.

    now: UTC. buckets: the allow-list, as for any request.
    """
    try:
        size = len(json.dumps(raw))
        if size > MAX_BYTES:
            raise RequestRejected(f"the checkpoint has {size} bytes; this function writes {MAX_BYTES} at most")
        return _Reader(settings, {bucket.name: bucket for bucket in buckets}, now).plan(_object(raw, "the checkpoint"))
    except (KeyError, TypeError, ValueError, OverflowError, IndexError, RecursionError) as exc:
        raise RequestRejected(f"the checkpoint is damaged: {type(exc).__name__}") from exc


def _short(top: int, bottom: int) -> tuple[int, int]:
    """A fraction in numbers that stay small, rounded down where it must be rounded."""
    return (top, bottom) if bottom <= MAX_COUNT else (top * MAX_COUNT // bottom, MAX_COUNT)


# Writing


class _Pack:
    """
    What goes into one checkpoint: things to do, and the policies that they need.

    uploads: that may need an abort each; sent: whose abort is counted already; has_scans: whether there are listings.
    """

    def __init__(self, plan: Plan) -> None:
        # The numbers of a head may grow a little when the limit and the past are put in.
        self._room = MAX_BYTES - len(_envelope(plan, [], [])) - 200
        self._policies: dict[Policy, int] = {}
        self._texts: list[str] = []
        self._items: list[str] = []
        self.uploads = 0
        self.sent = 0
        self.has_scans = False

    def add(self, policy: Policy, item: list[Any]) -> bool:
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
        self.has_scans = self.has_scans or item[0] == "scan"
        if item[0] == "upload":
            was_sent = bool(item[-1].get("sent"))
            self.sent += was_sent
            self.uploads += not was_sent
        return True

    def text(self, plan: Plan) -> str:
        """The checkpoint."""
        return _envelope(plan, self._texts, self._items)


def _todo(plan: Plan) -> Iterator[tuple[Policy, list[Any]]]:
    for scan in plan.scans:
        yield scan.policy, ["scan", scan.bucket.name, scan.prefix, scan.start.key, scan.start.upload_id, _more(scan)]
    for named in plan.named:
        upload = named.upload
        yield named.policy, ["upload", upload.bucket.name, upload.key, upload.upload_id, _more(named)]


def _more(item: ListingTarget | UploadTarget) -> dict[str, Any]:
    """What is out of the ordinary; most items have nothing of it."""
    told: dict[str, Any] = {"attempts": item.attempts, "blocked": item.is_blocked}
    if isinstance(item, ListingTarget):
        told["end"] = [item.end.key, item.end.upload_id] if item.end else None
    else:
        told |= {"sent": item.was_sent, "swept": item.is_swept, "text": item.text, "markers": item.markers[1:]}
    return {name: value for name, value in told.items() if value}


def _envelope(plan: Plan, policies: Sequence[str], items: Sequence[str]) -> str:
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
        "share": [plan.shard.indexes, plan.shard.count],
        "past": [plan.prior_failures.transient, plan.prior_failures.permanent, plan.prior_failures.failed],
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


# Reading


class _Reader:
    def __init__(self, settings: Settings, buckets: Mapping[str, Bucket], now: datetime) -> None:
        self._settings = settings
        self._buckets = buckets
        self._now = now

    def plan(self, raw: Mapping[str, Any]) -> Plan:
        if raw.get("version") not in (1, VERSION):
            raise RequestRejected(
                f"the checkpoint has version {str(raw.get('version'))[:20]!r}; this function reads {VERSION}"
            )
        policies = [self._policy(_object(one, "a policy")) for one in raw["policies"]]
        named, scans, dropped = self._items(raw["todo"], policies)
        transient, permanent, failed = raw["past"]
        limits = self._limits(raw)
        return Plan(
            run_id=_matching(raw["run_id"], RUN_ID, "run id"),
            as_of=self._not_in_future(raw["as_of"]),
            began=self._not_in_future(raw.get("began", raw["as_of"])),
            dry_run=_flag(raw["dry_run"], "`dry_run`") or self._settings.dry_run,
            workers=self._settings.workers,
            verify=self._settings.verify,
            named=_as_counted(dict.fromkeys(named), limits["aborted"], limits["limit"]),
            scans=tuple(dict.fromkeys(scans)),
            rejected=(),
            dropped=tuple(dict.fromkeys(dropped)),
            number=_whole(raw["number"], 1, MAX_RUNS, "number of the run"),
            stalled=_whole(raw.get("stalled", 0), 0, MAX_RUNS, "number of runs that got nowhere"),
            prior_failures=PriorFailures(
                _whole(transient, 0, MAX_COUNT, "count"),
                _whole(permanent, 0, MAX_COUNT, "count"),
                tuple((_text(code)[:64], _whole(count, 0, MAX_COUNT, "count")) for code, count in failed[:100]),
            ),
            **limits,
        )

    def _items(
        self, todo: Sequence[Any], policies: Sequence[Policy | str]
    ) -> tuple[list[UploadTarget], list[ListingTarget], list[str]]:
        named: list[UploadTarget] = []
        scans: list[ListingTarget] = []
        dropped: list[str] = []
        for kind, place, name, *rest in todo:
            policy = policies[_whole(place, 0, len(policies) - 1, "policy")]
            more = rest.pop() if rest and isinstance(rest[-1], dict) else {}
            try:
                if isinstance(policy, str):
                    raise OutOfScope(policy)
                if kind == "scan":
                    scans.append(self._scan(self._bucket(name), policy, more, *rest))
                elif kind == "upload":
                    named.append(self._named(self._bucket(name), policy, more, *rest))
                else:
                    raise RequestRejected("the checkpoint has something to do that this function does not know")
            except OutOfScope as exc:
                # The key of an upload, so that who asked for it can be told; a listing has none.
                place = f"{_text(name)[:80]}/{_text(rest[0])}" if kind == "upload" else _text(name)[:80]
                dropped.append(f"{place}: {exc}")
        return named, scans, dropped

    def _not_in_future(self, text: object) -> datetime:
        """Ages are never judged by a moment that has not come, whatever the clock of an earlier run said."""
        return min(_moment(text), self._now)

    def _limits(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """
        What is left of MAX_ABORTS: the limit that this branch had or its part of the current one, less what it aborted.

        The first version had what was left under `max_aborts`, and no parts.
        """
        if raw["version"] == 1:
            places, of = [raw["share"][0]], raw["share"][1]
            limit, aborted, top, bottom = raw["max_aborts"], 0, 1, _whole(of, 1, MAX_SHARDS, "number of shares")
        else:
            (places, of), limit, aborted = raw["share"], raw["limit"], raw["aborted"]
            top, bottom = raw["fraction"]
        top, bottom = _whole(top, 0, MAX_COUNT, "fraction"), _whole(bottom, 1, MAX_COUNT, "fraction")
        limits = [] if limit is None else [_whole(limit, 0, MAX_COUNT, "limit of aborts")]
        if self._settings.max_aborts is not None:
            limits.append(self._settings.max_aborts * min(top, bottom) // bottom)
        return {
            "limit": min(limits, default=None),
            "aborted": _whole(aborted, 0, MAX_COUNT, "number of aborts"),
            "fraction": (top, bottom),
            "shard": _share(places, of),
        }

    def _policy(self, raw: Mapping[str, Any]) -> Policy | str:
        """
        A policy under the settings as well, or why nothing is left of it.

        Its ages are raised by `_of_listing` and `_named`: which settings hold depends on what it is for.
        """
        wanted, allowed = _texts(raw["prefixes"]), self._settings.prefixes
        prefixes = [
            max(one, other, key=len)
            for one in wanted or ("",)
            for other in allowed or ("",)
            if one.startswith(other) or other.startswith(one)
        ]
        if not prefixes:
            return "its prefixes are outside PREFIXES"
        only_key, before = raw["only_key"], raw["started_before"]
        excluded = _texts(raw["exclude_prefixes"] if "exclude_prefixes" in raw else raw["spare_prefixes"])
        committers = _flag(raw.get("include_committers", False), "`include_committers`")
        return Policy(
            min_age=_span(raw["min_age"]),
            min_idle=_span(raw["min_idle"]),
            min_idle_unproven=_span(raw.get("min_idle_unproven", 0)),
            prefixes=tuple(dict.fromkeys(one for one in prefixes if one)),
            exclude_prefixes=tuple(dict.fromkeys((*excluded, *self._settings.exclude_prefixes))),
            include_committers=committers and self._settings.include_committers,
            only_key=None if only_key is None else _text(only_key),
            started_before=None if before is None else min(_moment(before), self._now),
        )

    def _scan(
        self, bucket: Bucket, policy: Policy, more: Mapping[str, Any], prefix: object, key: object, upload_id: object
    ) -> ListingTarget:
        end = more.get("end")
        return ListingTarget(
            bucket,
            _sendable(prefix),
            self._of_listing(policy),
            Cursor(_sendable(key), _sendable(upload_id)),
            Cursor(*(_sendable(one) for one in end)) if end else None,
            **_history(more),
        )

    def _named(
        self, bucket: Bucket, policy: Policy, more: Mapping[str, Any], key: object, upload_id: object
    ) -> UploadTarget:
        upload = Upload(bucket, _text(key), _text(upload_id))
        reason = validate_key(upload.key, upload.upload_id)
        if reason:
            raise RequestRejected(reason)
        is_swept = _flag(more.get("swept", False), "`swept`")
        if is_swept:
            policy = self._of_listing(policy)
        else:
            policy = replace(policy, min_idle=max(policy.min_idle, self._settings.event_min_idle))
        markers = [_whole(one, 1, 10**9, "marker") for one in more.get("markers", ())]
        return UploadTarget(
            upload,
            policy,
            was_sent=_flag(more.get("sent", False), "`sent`"),
            is_swept=is_swept,
            markers=(0, *sorted(set(markers))[:1000]),
            text=_sendable(more.get("text", "")),
            **_history(more),
        )

    def _of_listing(self, policy: Policy) -> Policy:
        """A sweep keeps the settings' ages; stale siblings of a completed object have ages and a key of their own."""
        settings = self._settings
        if policy.only_key is not None and policy.started_before is not None:
            return replace(
                policy,
                min_idle=max(policy.min_idle, settings.event_min_idle, SIBLINGS_MIN_IDLE),
                min_idle_unproven=max(policy.min_idle_unproven, settings.min_idle),
            )
        return replace(
            policy, min_age=max(policy.min_age, settings.min_age), min_idle=max(policy.min_idle, settings.min_idle)
        )

    def _bucket(self, name: object) -> Bucket:
        bucket = self._buckets.get(_text(name))
        if bucket is None:
            excluded = name in self._settings.exclude_buckets
            raise OutOfScope("excluded by EXCLUDE_BUCKETS" if excluded else "no longer among BUCKETS")
        return bucket


def _as_counted(named: Iterable[UploadTarget], aborted: int, limit: int | None) -> tuple[UploadTarget, ...]:
    """No more of them with an abort that was sent, and needs no other, than there were aborts within the limit."""
    left = aborted if limit is None else min(aborted, limit)
    counted = []
    for one in named:
        left -= one.was_sent
        counted.append(replace(one, was_sent=False) if one.was_sent and left < 0 else one)
    return tuple(counted)


def _history(more: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "attempts": _whole(more.get("attempts", 0), 0, MAX_ATTEMPTS, "number of attempts"),
        "is_blocked": _flag(more.get("blocked", False), "`blocked`"),
    }


def _object(raw: object, what: str) -> Mapping[str, Any]:
    if not isinstance(raw, dict):
        raise RequestRejected(f"{what} is {kind_of(raw)}, not an object")
    return raw


def _share(places: object, of: object) -> Shard:
    many = _whole(of, 1, MAX_SHARDS, "number of shares")
    if not isinstance(places, list) or not places:
        raise RequestRejected("the checkpoint has no list of shares")
    return Shard(tuple(sorted({_whole(place, 0, many - 1, "share") for place in places})), many)


def _flag(value: object, what: str) -> bool:
    if not isinstance(value, bool):
        raise RequestRejected(f"the checkpoint's {what} is neither true nor false")
    return value


def _whole(value: object, minimum: int, maximum: int, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
        raise RequestRejected(f"the checkpoint's {what} is not a whole number from {minimum} to {maximum}")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise RequestRejected(f"the checkpoint has {kind_of(value)} where a text should be")
    return value


def _sendable(value: object) -> str:
    """A text of which a listing can be asked; bytes that are not UTF-8 stand there as surrogates. Raises ValueError."""
    _text(value).encode("utf-8", "surrogateescape")
    return _text(value)


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise RequestRejected(f"the checkpoint has {kind_of(value)} where a list should be")
    return tuple(_text(item) for item in value)


def _matching(value: object, form: re.Pattern[str], what: str) -> str:
    if not form.fullmatch(_text(value)):
        raise RequestRejected(f"the checkpoint's {what} is malformed")
    return _text(value)


def _span(value: object) -> timedelta:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 10**10:
        raise RequestRejected("the checkpoint has no number where a number of seconds should be")
    return timedelta(seconds=value)


def _moment(value: object) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise RequestRejected("the checkpoint has a time without a zone")
    return moment.astimezone(timezone.utc)
