"""
Whether a bucket's lifecycle rules abort incomplete uploads: rules in, coverage out.

Coverage is claimed only where it is proven. What else a rule says, or does not say, makes the claim weaker and never
stronger. A rule counts whole days from the start of an upload and knows no idle time.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any

from cos_sweeper.core.keys import MAX_KEY_BYTES, validate_prefix
from cos_sweeper.core.model import Bucket

LIFECYCLE_ACTION = "name/cos:GetBucketLifecycle"
# Inferred: the documents call the operation GET Bucket ObjectLockConfiguration, and CAM's table of actions is quoted
# with this name. A wrong name leaves the configuration unread, which only makes `detail` say so.
OBJECT_LOCK_ACTION = "name/cos:GetBucketObjectLock"
# The recommended rule is the net below the sweep, so it waits longer than most sweeps do.
RULE_DAYS = 30
MAX_COVERED_PREFIXES_SHOWN = 100
MAX_RULES_NAMED = 3
MAX_ID_LENGTH = 60


class State(Enum):
    """What the rules of a bucket do for incomplete uploads."""

    WHOLE_BUCKET = "whole_bucket"
    PREFIXES = "prefixes"
    DISABLED = "disabled"
    TAG_FILTERED = "tag_filtered"
    ABSENT = "absent"
    UNREADABLE = "unreadable"
    OBJECT_LOCK = "object_lock"


@dataclass(frozen=True, slots=True)
class LifecycleRule:
    """
    One rule as COS has it.

    aborts: whether it has an action for incomplete uploads; days: of that action, since the start of an upload. prefix:
    '' for the whole bucket. doubt: why days or prefix cannot be relied on, '' if they can.
    """

    rule_id: str
    status: str
    aborts: bool = False
    days: int = 0
    prefix: str = ""
    has_tags: bool = False
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Unread:
    """What COS did not answer. code: its error code, or one of ours; status: None without a response."""

    code: str
    status: int | None = None


@dataclass(frozen=True, slots=True)
class CoveredPrefix:
    """An enabled rule aborts every upload whose key begins with `prefix`, `days` whole days after its start."""

    prefix: str
    days: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """
    What is proven of one bucket.

    days: of the rule for the whole bucket, None without one. prefixes: what is covered besides, or earlier than that.
    detail: what an operator should know, '' if the state says all. It holds no key and no prefix.
    """

    bucket: Bucket
    state: State
    days: int | None = None
    prefixes: tuple[CoveredPrefix, ...] = ()
    detail: str = ""

    def as_json(self) -> dict[str, Any]:
        """The bucket's entry in the report, with a bounded number of prefixes."""
        hidden = len(self.prefixes) - MAX_COVERED_PREFIXES_SHOWN
        more = f"{hidden} more prefixes are covered." if hidden > 0 else ""
        return {
            "bucket": str(self.bucket),
            "state": self.state.value,
            "days": self.days,
            "prefixes": [
                {"prefix": one.prefix, "days": one.days} for one in self.prefixes[:MAX_COVERED_PREFIXES_SHOWN]
            ],
            "detail": _text(self.detail, more),
        }


def evaluate(bucket: Bucket, rules: Sequence[LifecycleRule] | Unread, *, object_lock: bool | Unread) -> Coverage:
    """
    What the rules of a bucket cover. rules: all of them, () for none. object_lock: whether it is enabled.

    The most favourable enabled rule wins. An unread Object Lock configuration counts as none.
    """
    if isinstance(rules, Unread):
        unread = Coverage(bucket, State.UNREADABLE, detail=_why_unread("lifecycle rules", rules, LIFECYCLE_ACTION))
        return _locked(unread) if object_lock is True else unread
    covered = _without_redundant(_proven(rules))
    if covered and not covered[0].prefix:
        found = Coverage(bucket, State.WHOLE_BUCKET, covered[0].days, covered[1:])
    elif covered:
        detail = _text("Keys outside these prefixes are not covered.", _about_others(rules))
        found = Coverage(bucket, State.PREFIXES, None, covered, detail)
    else:
        found = _without_coverage(bucket, rules, object_lock if isinstance(object_lock, Unread) else None)
    return _locked(found) if object_lock is True else found


def rule_to_add(min_age: timedelta, prefixes: Sequence[str] = (), exclude_prefixes: Sequence[str] = ()) -> str:
    """
    The XML of the rules that suit the settings: '' if no rule can do without what must be excluded.

    They belong beside the rules that a bucket has. prefixes: () for all keys.
    """
    days = max(RULE_DAYS, math.ceil(min_age / timedelta(days=1)))
    safe = [
        prefix
        for prefix in prefixes or ("",)
        if not any(one.startswith(prefix) or prefix.startswith(one) for one in exclude_prefixes)
    ]
    return "\n".join(_rule_xml(number, prefix, days) for number, prefix in enumerate(safe, 1))


# Rules


def _kind(rule: LifecycleRule) -> State | None:
    """What one rule amounts to; None if it does not abort uploads."""
    if not rule.aborts:
        return None
    if rule.has_tags:
        return State.TAG_FILTERED
    if rule.status.lower() == "disabled":
        return State.DISABLED
    if _doubt(rule):
        return State.UNREADABLE
    return State.PREFIXES if rule.prefix else State.WHOLE_BUCKET


def _doubt(rule: LifecycleRule) -> str:
    """Why a rule may not do what it seems to do, or ''."""
    if rule.doubt:
        return rule.doubt
    if rule.status != "Enabled":
        return "its Status is neither Enabled nor Disabled"
    if rule.days < 1:
        return "its number of days is not known"
    return _why_no_key(rule.prefix)


def _why_no_key(prefix: str) -> str:
    why = validate_prefix(prefix)
    if not why and len(prefix.encode("utf-8", "surrogateescape")) > MAX_KEY_BYTES:
        why = f"keys have at most {MAX_KEY_BYTES} bytes"
    return f"no key can begin with its prefix: {why}" if why else ""


def _proven(rules: Iterable[LifecycleRule]) -> Iterable[CoveredPrefix]:
    return (
        CoveredPrefix(rule.prefix, rule.days) for rule in rules if _kind(rule) in (State.WHOLE_BUCKET, State.PREFIXES)
    )


def _without_redundant(found: Iterable[CoveredPrefix]) -> tuple[CoveredPrefix, ...]:
    """Ordered, without those under a shorter or equal prefix that is covered at least as early."""
    kept: list[CoveredPrefix] = []
    # In this order a prefix comes directly before the ones that it contains. What contains the next one is on `path`,
    # each earlier by its days than the one before it.
    path: list[CoveredPrefix] = []
    for one in sorted(found, key=lambda each: (each.prefix, each.days)):
        while path and not one.prefix.startswith(path[-1].prefix):
            path.pop()
        if not path or one.days < path[-1].days:
            kept.append(one)
            path.append(one)
    return tuple(kept)


def _without_coverage(bucket: Bucket, rules: Sequence[LifecycleRule], unread_lock: Unread | None) -> Coverage:
    """No rule is proven to abort anything: the state that says most, and what stands in the way."""
    kinds = {_kind(rule) for rule in rules}
    order = (State.UNREADABLE, State.DISABLED, State.TAG_FILTERED)
    state = next((one for one in order if one in kinds), State.ABSENT)
    if state is not State.ABSENT:
        about = _about_others(rules)
    elif rules:
        about = f"None of the bucket's {len(rules)} lifecycle rules aborts incomplete uploads."
    else:
        about = "The bucket has no lifecycle rules."
    lock = _why_unread("Object Lock configuration", unread_lock, OBJECT_LOCK_ACTION) if unread_lock else ""
    return Coverage(bucket, state, detail=_text(about, lock))


def _locked(found: Coverage) -> Coverage:
    """COS's documents differ on whether rules work in such a bucket, so nothing is claimed of them."""
    about = "Object Lock is enabled, so COS may not carry out lifecycle rules in this bucket."
    if found.state in (State.WHOLE_BUCKET, State.PREFIXES):
        about += " It has an enabled rule that aborts uploads; whether COS carries it out is not proven."
    elif found.state is State.UNREADABLE:
        about = _text(about, found.detail)
    return Coverage(found.bucket, State.OBJECT_LOCK, detail=about)


# Sentences


def _about_others(rules: Sequence[LifecycleRule]) -> str:
    """What the rules that abort uploads, and are not proven to cover anything, lack."""
    by_kind: dict[State | None, list[LifecycleRule]] = {}
    for rule in rules:
        by_kind.setdefault(_kind(rule), []).append(rule)
    return _text(
        *_sentences(by_kind.get(State.UNREADABLE, []), _about_doubtful),
        *_sentences(by_kind.get(State.DISABLED, []), _about_disabled),
        *_sentences(by_kind.get(State.TAG_FILTERED, []), _about_tagged),
    )


def _sentences(rules: Sequence[LifecycleRule], about: Callable[[LifecycleRule], str]) -> list[str]:
    more = len(rules) - MAX_RULES_NAMED
    last = [f"{more} more rule{'s are' if more > 1 else ' is'} of that kind."] if more > 0 else []
    return [about(rule) for rule in rules[:MAX_RULES_NAMED]] + last


def _about_doubtful(rule: LifecycleRule) -> str:
    return f"It is not clear which uploads {_name(rule)} aborts: {_doubt(rule)}."


def _about_disabled(rule: LifecycleRule) -> str:
    if rule.doubt or rule.days < 1:
        return f"{_name(rule, start=True)} is disabled."
    where = "under a prefix" if rule.prefix else "in the whole bucket"
    days = f"{rule.days} day{'s' if rule.days > 1 else ''}"
    return f"{_name(rule, start=True)} would abort uploads {where} after {days}, but it is disabled."


def _about_tagged(rule: LifecycleRule) -> str:
    return f"{_name(rule, start=True)} has a tag filter, and incomplete uploads have no tags."


def _name(rule: LifecycleRule, *, start: bool = False) -> str:
    article = "The" if start else "the"
    shown = "".join(one if one.isprintable() else "?" for one in rule.rule_id[:MAX_ID_LENGTH])
    return f'{article} rule "{shown}"' if shown else f"{'A' if start else 'a'} rule without an id"


def _why_unread(what: str, unread: Unread, action: str) -> str:
    because = f"The {what} could not be read ({unread.code})"
    # Http403: COS said no code. Other codes of a 403 are about the credentials or the clock.
    if unread.code in ("AccessDenied", "Http403"):
        return f"{because}: the role needs the permission {action}."
    return f"{because}."


def _text(*sentences: str) -> str:
    return " ".join(one for one in sentences if one)


def _rule_xml(number: int, prefix: str, days: int) -> str:
    escaped = prefix.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    inside = f"<Prefix>{escaped}</Prefix>" if prefix else ""
    name = "abort-incomplete-uploads" + (f"-{number}" if number > 1 else "")
    return (
        f"<Rule><ID>{name}</ID><Filter>{inside}</Filter><Status>Enabled</Status><AbortIncompleteMultipartUpload>"
        f"<DaysAfterInitiation>{days}</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>"
    )
