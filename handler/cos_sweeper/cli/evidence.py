"""
What decides about one upload, and when that will change. Values in, values out.

The rules are `core.policy`'s own: it is asked again for later moments, so nothing here knows a rule.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from cos_sweeper.core import key_readings
from cos_sweeper.core.model import Abort, Keep, ListedUpload, Page, Part, PartsPage, Verdict
from cos_sweeper.core.outcomes import Outcome
from cos_sweeper.core.policy import (
    NOT_LISTED,
    Activity,
    Policy,
    add_parts,
    doubt_of_clock,
    evaluate,
    keep_by_readings,
    measure,
    prefilter,
    time_in,
)

# The first moment after a limit: exactly at the limit an upload is kept.
JUST_AFTER = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    What COS showed of one upload.

    is_listed: whether the listing shows it. page: of the listing it was on, None where it was on none. parts: the pages
    of its parts, in order; () where they were not read. outcome: the engine's. as_of: from which ages are measured.
    """

    listed: ListedUpload
    page: Page | None
    parts: tuple[PartsPage, ...]
    outcome: Outcome
    as_of: datetime

    @property
    def every_part(self) -> list[Part]:
        """Its parts, in order."""
        return [part for page in self.parts for part in page.parts]

    @property
    def activity(self) -> Activity:
        """The same, summed up."""
        return measure(Activity(), self.every_part)

    @property
    def skew(self) -> timedelta | None:
        """COS's clock minus ours, None where COS sent no date."""
        return self.page.skew if self.page else next((page.skew for page in self.parts), None)

    @property
    def cos_date(self) -> datetime | None:
        """COS's clock."""
        return self.page.date if self.page else next((page.date for page in self.parts), None)

    @property
    def started(self) -> datetime | None:
        """The later of the start as listed and the time in the upload id, as the policy takes it."""
        times = [time for time in (self.listed.initiated, time_in(self.listed.upload.upload_id)) if time is not None]
        return max(times) if self.listed.initiated else None

    @property
    def last_active(self) -> datetime | None:
        """Its newest part or its start; None where its parts were not read."""
        known = [time for time in (self.started, self.activity.newest) if time is not None]
        return max(known) if known and self.parts else None


def by_sweep(evidence: Evidence, policy: Policy, at: datetime) -> Verdict:
    """What a sweep would decide at this moment, if nothing arrives until then."""
    if evidence.page is None:
        return Keep(NOT_LISTED)
    start = prefilter(evidence.listed, evidence.page.skew, policy, at)
    return start if isinstance(start, Keep) else _by_parts(evidence, policy, at, is_started=True)


def by_name(evidence: Evidence, policy: Policy, at: datetime) -> Verdict:
    """What an event that names the upload would lead to at this moment, if nothing arrives until then."""
    kept = keep_by_readings(key_readings.of_named(evidence.listed.upload.key), policy)
    if kept:
        return kept
    if not policy.min_idle:
        return Abort(evidence.activity.bytes)
    return _by_parts(evidence, policy, at, is_started=not evidence.activity.parts)


def _by_parts(evidence: Evidence, policy: Policy, at: datetime, *, is_started: bool) -> Verdict:
    start = None
    if is_started and evidence.page is None:
        return Keep(NOT_LISTED)
    if is_started and evidence.page is not None:
        found = prefilter(evidence.listed, evidence.page.skew, policy, at)
        if isinstance(found, Keep):
            return found
        start = found
    doubts = (doubt_of_clock(page.skew) for page in evidence.parts)
    doubt = next((doubt for doubt in doubts if doubt), None)
    if doubt:
        return doubt
    activity = add_parts(Activity(), evidence.every_part, policy, at)
    return activity if isinstance(activity, Keep) else evaluate(start, activity, policy, at)


def changes_at(evidence: Evidence, policy: Policy, *, is_named: bool = False) -> datetime | None:
    """
    From when on the upload would be aborted if nothing arrives; None: time alone changes nothing.

    The past: it would be aborted now.
    """
    decide = by_name if is_named else by_sweep
    if isinstance(decide(evidence, policy, evidence.as_of), Abort):
        return evidence.as_of
    for moment in sorted(_limits(evidence, policy)):
        if moment > evidence.as_of and isinstance(decide(evidence, policy, moment), Abort):
            return moment
    return None


def _limits(evidence: Evidence, policy: Policy) -> set[datetime]:
    """The moments at which a limit of the policy ends."""
    activity = evidence.activity
    starts = [time for time in (evidence.listed.initiated, evidence.started) if time is not None]
    seen = [*starts, *([activity.newest] if activity.newest else [])]
    spans = [(time, policy.min_age) for time in starts] + [(time, policy.min_idle) for time in seen]
    found = set()
    for time, span in spans:
        if time <= datetime.max.replace(tzinfo=timezone.utc) - span - JUST_AFTER:
            found.add(time + span + JUST_AFTER)
    return found
