"""
What `explain` shows of one upload: the verdicts, then the evidence, line by line.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from rich.text import Text

from cos_sweeper.cli import evidence as rules
from cos_sweeper.cli import spans
from cos_sweeper.cli.account_view import gap, kept_reason
from cos_sweeper.cli.evidence import Evidence
from cos_sweeper.cli.looking import Found, iso, moment, outcome_text
from cos_sweeper.cli.session import Session
from cos_sweeper.cli.tables import Column, Table, shown_key
from cos_sweeper.cli.words import pair, t
from cos_sweeper.core import key_text
from cos_sweeper.core.model import Keep, RejectedRequest
from cos_sweeper.core.outcomes import Deferred, Failed
from cos_sweeper.core.policy import COMMITTERS_PATH, Policy, keep_by_key, time_in
from cos_sweeper.report.page_parts import numbers, words

NEWEST_PARTS = 5


@dataclass(frozen=True, slots=True)
class Explained:
    """
    An upload with its evidence. swept: the policy of a sweep; named: that of an event that names it, None where no
    upload id was given. readings: the keys that its text can mean.
    """

    evidence: Evidence
    swept: Policy
    named: Policy | None
    readings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    reason: why it is kept, '' where it would be aborted. changes: from when on it would be aborted, None where time
    alone changes nothing.
    """

    reason: str
    changes: datetime | None

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {"would_abort": not self.reason, "reason": self.reason, "would_abort_from": iso(self.changes)}


def verdict(explained: Explained, policy: Policy, *, is_named: bool = False) -> Verdict:
    """What the policy decides now, and when that changes."""
    evidence = explained.evidence
    decided = (rules.by_name if is_named else rules.by_sweep)(evidence, policy, evidence.as_of)
    changes = rules.changes_at(evidence, policy, is_named=is_named)
    return Verdict(decided.reason if isinstance(decided, Keep) else "", changes)


def shown(explained: Explained, session: Session) -> Iterator[Text | Table]:
    """All of it."""
    upload = explained.evidence.listed.upload
    yield Text(shown_key(f"{upload.bucket}/{upload.key}"), "strong")
    yield Text(shown_key(upload.upload_id), "quiet")
    yield from _verdicts(explained)
    yield Text()
    yield _evidence(explained, session)
    parts = _newest_parts(explained.evidence)
    if parts.rows:
        yield Text()
        yield parts
    yield Text()


def _verdicts(explained: Explained) -> Iterator[Text]:
    outcome = explained.evidence.outcome
    if isinstance(outcome, (Deferred, Failed, RejectedRequest)):
        yield Text(t("It could not be judged: {why}.", why=outcome_text(outcome)), "warn")
        return
    yield _sentence(t("A sweep"), verdict(explained, explained.swept), explained.evidence.as_of)
    if explained.named is not None:
        found = verdict(explained, explained.named, is_named=True)
        yield _sentence(t("An event or `abort` that names its id"), found, explained.evidence.as_of, explained.named)


def _sentence(who: str, found: Verdict, as_of: datetime, named: Policy | None = None) -> Text:
    """named: the policy of an event that names the upload, which knows no age."""
    if not found.reason:
        return Text(_why_aborted(who, named), "left")
    known = words.REASONS.get(found.reason)
    text = [t("{who} keeps it: {reason}.", who=who, reason=kept_reason(found.reason))]
    if found.changes is not None:
        text.append(
            t(
                "Would be aborted from {moment} UTC on ({span}) if nothing arrives.",
                moment=moment(_up(found.changes)),
                span=t("in {time}", time=spans.days((found.changes - as_of).total_seconds())),
            )
        )
    else:
        text += [pair(known[1])] if known else []
        text.append(t("Time alone does not change that."))
    return Text(gap().join(text), "good")


def _why_aborted(who: str, named: Policy | None) -> str:
    if named is None:
        return t("{who} aborts it: it is abandoned.", who=who)
    if not named.min_idle:
        return t("{who} aborts it, and looks neither at its age nor at its parts.", who=who)
    minutes = f"{named.min_idle.total_seconds() / 60:g}"
    return t(
        "{who} aborts it: no part arrived for {minutes} min (EVENT_MIN_IDLE_MINUTES). Its age does not count.",
        who=who,
        minutes=minutes,
    )


def _up(time: datetime) -> datetime:
    """The next whole minute."""
    whole = time.replace(second=0, microsecond=0)
    return whole if whole == time else whole + timedelta(minutes=1)


def _evidence(explained: Explained, session: Session) -> Table:
    table = Table(t("Evidence (times in UTC)"), (Column(t("fact")), Column(t("value"), is_elastic=True)))
    for name, value in (*_times(explained), *_key(explained, session), *_limits(explained, session)):
        table.add(name, value)
    return table


def _times(explained: Explained) -> Iterator[tuple[str, str]]:
    evidence = explained.evidence
    listed, activity, as_of = evidence.listed, evidence.activity, evidence.as_of
    if evidence.page is None:
        yield t("in the listing"), t("no, so its start is unknown")
    else:
        yield t("started, as listed"), shown_key(listed.initiated_text) or t("nothing")
        yield t("started, as read"), _ago(listed.initiated, as_of) if listed.initiated else t("unreadable")
    if listed.earliest is not None:
        yield t("or, in China's time"), _ago(listed.earliest, as_of)
    in_id = time_in(listed.upload.upload_id)
    yield t("time in the upload id"), _ago(in_id, as_of) if in_id else t("none")
    if evidence.parts:
        yield t("parts"), f"{numbers.count(activity.parts)}, {numbers.size(activity.bytes)}"
        yield t("newest part"), _ago(activity.newest, as_of) if activity.newest else t("none")
    else:
        yield t("parts"), t("not read")
    last = evidence.last_active
    yield t("idle"), spans.days((as_of - last).total_seconds()) if last else t("unknown")
    yield t("our clock"), _second(datetime.now(timezone.utc))
    skew = evidence.skew
    cos = _second(evidence.cos_date) if evidence.cos_date else t("COS sent no date")
    if skew is not None:
        cos += t(" (differs by {n} s)", n=f"{skew.total_seconds():+.0f}")
    yield t("COS's clock"), cos
    yield t("ages are measured from"), _second(as_of)


def _key(explained: Explained, session: Session) -> Iterator[tuple[str, str]]:
    listed = explained.evidence.listed
    if len(explained.readings) > 1:
        yield t("the key can mean"), " | ".join(shown_key(one) for one in explained.readings)
    if listed.initiator:
        yield t("started by"), shown_key(listed.initiator)
    if listed.storage_class:
        yield t("storage class"), shown_key(listed.storage_class)
    prefixes = session.settings.prefixes
    yield "PREFIXES", _matching(explained, prefixes, session, "PREFIXES") if prefixes else t("all keys")
    excluded = session.settings.exclude_prefixes
    yield "EXCLUDE_PREFIXES", _matching(explained, excluded, session, "EXCLUDE_PREFIXES") if excluded else t("none")
    found = [match.group() for key in explained.readings if (match := COMMITTERS_PATH.search(key))]
    if found:
        included = t(" (INCLUDE_COMMITTERS is true)") if explained.swept.include_committers else ""
        yield t("committer's path"), shown_key(found[0]) + included
    else:
        yield t("committer's path"), t("no")


def _matching(explained: Explained, prefixes: tuple[str, ...], session: Session, name: str) -> str:
    is_exclusion = name == "EXCLUDE_PREFIXES"
    matching = [one for one in prefixes if any(_begins(key, one, is_exclusion) for key in explained.readings)]
    origin = session.config.origin(name)
    if matching:
        return t("{prefix} matches ({origin})", prefix=shown_key(matching[0]), origin=origin)
    return t("none of {n} matches ({origin})", n=len(prefixes), origin=origin)


def _begins(key: str, prefix: str, is_exclusion: bool) -> bool:  # noqa: FBT001
    """As the policy compares: an exclusion in both Unicode forms."""
    if not is_exclusion:
        return key.startswith(prefix)
    none = timedelta(0)
    return keep_by_key(key, Policy(none, none, exclude_prefixes=(prefix,), include_committers=True)) is not None


def _limits(explained: Explained, session: Session) -> Iterator[tuple[str, str]]:
    evidence, policy = explained.evidence, explained.swept
    ages = [("MIN_AGE_HOURS", policy.min_age, evidence.started)]
    last = evidence.last_active
    ages.append(("MIN_IDLE_HOURS", policy.min_idle, last))
    for name, span, since in ages:
        value = spans.whole(span.total_seconds() / 3600)
        until = t(", until {moment}", moment=_second(since + span)) if since else ""
        yield name, t("{value} ({origin})", value=value, origin=session.config.origin(name)) + until
    if explained.named is not None:
        minutes = t("{n} min", n=f"{explained.named.min_idle.total_seconds() / 60:g}")
        origin = session.config.origin("EVENT_MIN_IDLE_MINUTES")
        yield "EVENT_MIN_IDLE_MINUTES", t("{value} ({origin})", value=minutes, origin=origin)


def _newest_parts(evidence: Evidence) -> Table:
    columns = (Column(t("part"), is_number=True), Column(t("size"), is_number=True), Column(t("arrived")))
    table = Table(t("Newest parts (times in UTC)"), columns)
    oldest = datetime.min.replace(tzinfo=timezone.utc)
    ordered = sorted(evidence.every_part, key=lambda part: (part.last_modified or oldest, part.number), reverse=True)
    for part in ordered[:NEWEST_PARTS]:
        arrived = _ago(part.last_modified, evidence.as_of) if part.last_modified else t("unreadable")
        table.add(numbers.count(part.number), numbers.size(part.size), arrived)
    if len(ordered) > NEWEST_PARTS:
        table.note = t("{n} more", n=numbers.count(len(ordered) - NEWEST_PARTS))
    return table


def _ago(time: datetime, as_of: datetime) -> str:
    if time > as_of:
        return t("{moment} (in the future)", moment=_second(time))
    return t("{moment} ({span} ago)", moment=_second(time), span=spans.days((as_of - time).total_seconds()))


def _second(time: datetime) -> str:
    return f"{time.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S}"


def as_json(explained: Explained) -> dict[str, Any]:
    """For `--json`."""
    evidence = explained.evidence
    listed, activity = evidence.listed, evidence.activity
    return {
        **Found(listed, evidence.outcome).as_json(),
        "in_listing": evidence.page is not None,
        "initiated_as_listed": listed.initiated_text,
        "initiated_earliest": iso(listed.earliest),
        "time_in_upload_id": iso(time_in(listed.upload.upload_id)),
        "storage_class": listed.storage_class,
        "bytes": activity.bytes if evidence.parts else None,
        "parts": activity.parts if evidence.parts else None,
        "last_part": iso(activity.newest),
        "as_of": iso(evidence.as_of),
        "cos_date": iso(evidence.cos_date),
        "clock_skew_seconds": None if evidence.skew is None else evidence.skew.total_seconds(),
        "readings": [key_text.shown(one) for one in explained.readings],
        "sweep": verdict(explained, explained.swept).as_json(),
        "event": verdict(explained, explained.named, is_named=True).as_json() if explained.named else None,
    }
