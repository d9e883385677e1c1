"""
A checkpoint → a plan, within the current settings.

Anyone who may invoke the function can write a checkpoint, so it is not trusted: the current settings hold as well, and
of two limits the stricter one counts. Items that the settings exclude are dropped and reported; the rest continues.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from cos_sweeper.core.checkpoint import MAX_ATTEMPTS, MAX_BYTES, MAX_COUNT, MAX_RUNS, MAX_SHARDS, VERSION
from cos_sweeper.core.errors import RequestRejected
from cos_sweeper.core.json_text import kind_of
from cos_sweeper.core.keys import validate_key
from cos_sweeper.core.model import Bucket, Cursor, Upload
from cos_sweeper.core.plan import RUN_ID, SIBLINGS_MIN_IDLE, ListingTarget, Plan, PriorFailures, Shard, UploadTarget
from cos_sweeper.core.policy import Policy
from cos_sweeper.core.settings import Settings

WORK = re.compile(r"(?=.{1,200}\Z)[0-9]+(\.[0-9]+)*")
PREDECESSOR = re.compile(r"[A-Za-z0-9.+-]{0,300}")
# Of the listing's texts about an upload; they only go to the account.
MAX_TEXT = 256


class OutOfScope(RequestRejected):
    """The current settings exclude an item of a checkpoint: it is dropped, and the rest continues."""


def read(raw: object, settings: Settings, buckets: Sequence[Bucket], now: datetime) -> Plan:
    """
    Read a checkpoint and apply the current settings. Raises RequestRejected if it cannot be read.

    now: UTC. buckets: the allow-list, as for any request.
    """
    try:
        size = len(json.dumps(raw))
        if size > MAX_BYTES:
            raise RequestRejected(f"the checkpoint has {size} bytes; this function writes at most {MAX_BYTES}")
        return _Reader(settings, {bucket.name: bucket for bucket in buckets}, now).plan(_object(raw, "the checkpoint"))
    except (KeyError, TypeError, ValueError, OverflowError, IndexError, RecursionError) as exc:
        raise RequestRejected(f"the checkpoint is damaged: {type(exc).__name__}") from exc


class _Reader:
    """Reads the items of one checkpoint under the current settings."""

    def __init__(self, settings: Settings, buckets: Mapping[str, Bucket], now: datetime) -> None:
        self._settings = settings
        self._buckets = buckets
        self._now = now

    def plan(self, raw: Mapping[str, Any]) -> Plan:
        raw = _as_current(raw)
        policies = [self._policy(_object(one, "a policy")) for one in raw["policies"]]
        targets, listings, dropped = self._items(raw["todo"], policies)
        transient, permanent, failed = raw["prior_failures"]
        is_inventory = _flag(raw.get("inventory", False), "`inventory`")
        limits = self._limits(raw)
        return Plan(
            run_id=_matching(raw["run_id"], RUN_ID, "run id"),
            as_of=self._not_in_future(raw["as_of"]),
            began=self._not_in_future(raw.get("began", raw["as_of"])),
            dry_run=_flag(raw["dry_run"], "`dry_run`") or self._settings.dry_run or is_inventory,
            workers=self._settings.workers,
            verify=self._settings.verify,
            targets=_as_counted(dict.fromkeys(targets), limits["aborted"], limits["limit"]),
            listings=tuple(dict.fromkeys(listings)),
            rejected=(),
            dropped=tuple(dict.fromkeys(dropped)),
            number=_whole(raw["number"], 1, MAX_RUNS, "number of the run"),
            stalled=_whole(raw.get("stalled", 0), 0, MAX_RUNS, "number of runs without progress"),
            inventory=is_inventory,
            works=tuple(dict.fromkeys(_matching(one, WORK, "work") for one in raw.get("works", ("0",))[:MAX_SHARDS]))
            or ("0",),
            predecessor=_matching(raw.get("predecessor", ""), PREDECESSOR, "predecessor"),
            mask=self._settings.key_mask,
            prior_failures=PriorFailures(
                _whole(transient, 0, MAX_COUNT, "count"),
                _whole(permanent, 0, MAX_COUNT, "count"),
                tuple((_text(code)[:64], _whole(count, 0, MAX_COUNT, "count")) for code, count in failed[:100]),
                _flag(raw.get("incomplete", False), "`incomplete`"),
            ),
            **limits,
        )

    def _items(
        self, todo: Sequence[Any], policies: Sequence[Policy | str]
    ) -> tuple[list[UploadTarget], list[ListingTarget], list[str]]:
        targets: list[UploadTarget] = []
        listings: list[ListingTarget] = []
        dropped: list[str] = []
        for kind, policy_index, name, *rest in todo:
            policy = policies[_whole(policy_index, 0, len(policies) - 1, "policy")]
            options = rest.pop() if rest and isinstance(rest[-1], dict) else {}
            try:
                if isinstance(policy, str):
                    raise OutOfScope(policy)
                if kind == "listing":
                    listings.append(self._listing(self._bucket(name), policy, options, *rest))
                elif kind == "upload":
                    targets.append(self._target(self._bucket(name), policy, options, *rest))
                else:
                    raise RequestRejected("the checkpoint has a kind of item that this function does not know")
            except OutOfScope as exc:
                # With the key of an upload, so that its caller can be informed; a listing has no key.
                shown = f"/{self._settings.key_mask.key(_text(rest[0]))}" if kind == "upload" else ""
                item = f"{_text(name)[:80]}{shown}"
                dropped.append(f"{item}: {exc}")
        return targets, listings, dropped

    def _not_in_future(self, text: object) -> datetime:
        """No age is measured from a future moment, whatever the clock of an earlier run said."""
        return min(_moment(text), self._now)

    def _limits(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """
        The limit of aborts, the aborts so far, and the shard of this branch of the chain.

        The limit is the smaller of the branch's limit and its part of the current MAX_ABORTS.
        """
        (indexes, count), limit, aborted = raw["shard"], raw["limit"], raw["aborted"]
        numerator, denominator = raw["fraction"]
        numerator = _whole(numerator, 0, MAX_COUNT, "fraction")
        denominator = _whole(denominator, 1, MAX_COUNT, "fraction")
        limits = [] if limit is None else [_whole(limit, 0, MAX_COUNT, "limit of aborts")]
        if self._settings.max_aborts is not None and raw.get("inventory") is not True:
            limits.append(self._settings.max_aborts * min(numerator, denominator) // denominator)
        return {
            "limit": min(limits, default=None),
            "aborted": _whole(aborted, 0, MAX_COUNT, "number of aborts"),
            "fraction": (numerator, denominator),
            "shard": _shard(indexes, count),
        }

    def _policy(self, raw: Mapping[str, Any]) -> Policy | str:
        """
        A policy within the current settings, or the reason why they exclude it.

        `_for_listing` and `_named` raise its ages later: which settings hold depends on the item that uses the policy.
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
        excluded = _texts(raw["exclude_prefixes"])
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

    def _listing(
        self, bucket: Bucket, policy: Policy, options: Mapping[str, Any], prefix: object, key: object, upload_id: object
    ) -> ListingTarget:
        end = options.get("end")
        return ListingTarget(
            bucket,
            _sendable(prefix),
            self._for_listing(policy),
            Cursor(_sendable(key), _sendable(upload_id)),
            Cursor(*(_sendable(one) for one in end)) if end else None,
            **_attempts(options),
        )

    def _target(
        self, bucket: Bucket, policy: Policy, options: Mapping[str, Any], key: object, upload_id: object
    ) -> UploadTarget:
        upload = Upload(bucket, _text(key), _text(upload_id))
        reason = validate_key(upload.key, upload.upload_id)
        if reason:
            raise RequestRejected(reason)
        is_swept = _flag(options.get("swept", False), "`swept`")
        if is_swept:
            policy = self._for_listing(policy)
        else:
            policy = replace(policy, min_idle=max(policy.min_idle, self._settings.event_min_idle))
        markers = [_whole(one, 1, 10**9, "marker") for one in options.get("markers", ())]
        return UploadTarget(
            upload,
            policy,
            was_sent=_flag(options.get("sent", False), "`sent`"),
            is_swept=is_swept,
            markers=(0, *sorted(set(markers))[:1000]),
            initiated=_moment(options["initiated"]) if "initiated" in options else None,
            initiator=_text(options.get("initiator", ""))[:MAX_TEXT],
            storage_class=_text(options.get("storage_class", ""))[:MAX_TEXT],
            text=_sendable(options.get("text", "")),
            **_attempts(options),
        )

    def _for_listing(self, policy: Policy) -> Policy:
        """Raise the ages to those of the settings. Stale siblings of a completed object have their own minimum."""
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


def _as_current(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """The checkpoint in the words of the current version; the version before it has other names for the same."""
    if raw.get("version") == VERSION:
        return raw
    if raw.get("version") != VERSION - 1:
        version = str(raw.get("version"))[:20]
        reads = f"this function reads {VERSION - 1} and {VERSION}"
        raise RequestRejected(f"the checkpoint has version {version!r}; {reads}")
    todo = [["listing" if kind == "scan" else kind, *rest] for kind, *rest in raw["todo"]]
    return {**raw, "shard": raw["share"], "prior_failures": raw["past"], "todo": todo}


def _as_counted(targets: Iterable[UploadTarget], aborted: int, limit: int | None) -> tuple[UploadTarget, ...]:
    """
    Accept `was_sent` for no more uploads than the checkpoint counts as aborted within the limit.

    Such an upload needs no further abort from the budget, so a forged checkpoint could exceed the limit.
    """
    remaining = aborted if limit is None else min(aborted, limit)
    counted = []
    for one in targets:
        remaining -= one.was_sent
        counted.append(replace(one, was_sent=False) if one.was_sent and remaining < 0 else one)
    return tuple(counted)


def _works(given: Sequence[object]) -> tuple[str, ...]:
    """Each piece of work once."""
    return tuple(dict.fromkeys(_matching(one, WORK, "work") for one in given[:MAX_SHARDS])) or ("0",)


def _attempts(options: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "attempts": _whole(options.get("attempts", 0), 0, MAX_ATTEMPTS, "number of attempts"),
        "is_blocked": _flag(options.get("blocked", False), "`blocked`"),
    }


def _object(raw: object, what: str) -> Mapping[str, Any]:
    if not isinstance(raw, dict):
        raise RequestRejected(f"{what} is {kind_of(raw)}, not an object")
    return raw


def _shard(indexes: object, count: object) -> Shard:
    total = _whole(count, 1, MAX_SHARDS, "number of shards")
    if not isinstance(indexes, list) or not indexes:
        raise RequestRejected("the checkpoint has no list of shards")
    return Shard(tuple(sorted({_whole(index, 0, total - 1, "shard") for index in indexes})), total)


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
        raise RequestRejected(f"the checkpoint has {kind_of(value)} in place of a string")
    return value


def _sendable(value: object) -> str:
    """A text that a listing request can carry; surrogates stand for bytes that are not UTF-8. Raises ValueError."""
    _text(value).encode("utf-8", "surrogateescape")
    return _text(value)


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise RequestRejected(f"the checkpoint has {kind_of(value)} in place of a list")
    return tuple(_text(item) for item in value)


def _matching(value: object, form: re.Pattern[str], what: str) -> str:
    if not form.fullmatch(_text(value)):
        raise RequestRejected(f"the checkpoint's {what} is malformed")
    return _text(value)


def _span(value: object) -> timedelta:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 10**10:
        raise RequestRejected("the checkpoint has a time span that is not a number of seconds")
    return timedelta(seconds=value)


def _moment(value: object) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise RequestRejected("the checkpoint has a time without a time zone")
    return moment.astimezone(timezone.utc)
