"""
What `check` finds out: by requests that change nothing.

Whether an abort is allowed shows a request to abort an upload that cannot exist: its id is random, and its time is the
year 1970. COS answers NoSuchUpload where it would be allowed, and AccessDenied where not.
"""

import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any

from cos_sweeper.cli.problems import problem_of
from cos_sweeper.cli.session import Session
from cos_sweeper.cli.words import t
from cos_sweeper.core import initiator
from cos_sweeper.core.clock import CLOCK_TOLERANCE
from cos_sweeper.core.coverage import Coverage, State
from cos_sweeper.core.errors import NoSuchUpload, StoreError
from cos_sweeper.core.model import BEGINNING, Bucket, Upload
from cos_sweeper.core.settings import ReportLocation
from cos_sweeper.cos.sdk_store import CosStore
from cos_sweeper.engine import coverage
from cos_sweeper.engine.task_group import Gate, together

GOOD, WARN, BAD, NONE = "good", "warn", "bad", "none"
AT_ONCE = 8
MAX_BUCKETS = 200
CLOSE = timedelta(seconds=30)
NO_TIME = "0000000000"
LIST, PARTS, ABORT, LIFECYCLE = "ListMultipartUploads", "ListParts", "AbortMultipartUpload", "GetBucketLifecycle"
OPERATIONS = (LIST, PARTS, ABORT)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. state: GOOD, WARN, BAD or NONE (not known, or not needed). advice: what to do, or ''."""

    name: str
    state: str
    text: str
    advice: str = ""

    def as_json(self) -> dict[str, str]:
        """For `--json`."""
        return {"check": self.name, "state": self.state, "text": self.text, "advice": self.advice}


@dataclass(slots=True)
class BucketFindings:
    """One bucket. by_operation: '' where it is allowed, else COS's error code."""

    bucket: Bucket
    by_operation: dict[str, str] = field(default_factory=dict)
    uploads: int | None = None
    has_more: bool = False
    coverage: Coverage | None = None

    @property
    def denied(self) -> list[str]:
        """The operations that a sweep needs and may not do."""
        return [name for name, code in self.by_operation.items() if code]

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "bucket": str(self.bucket),
            "permissions": {name: code or "allowed" for name, code in self.by_operation.items()},
            "lifecycle": self.coverage.as_json() if self.coverage else None,
        }


@dataclass(slots=True)
class Account:
    """The answer to Get Service. error: why there is none."""

    buckets: list[Bucket] = field(default_factory=list)
    owner: str = ""
    date: datetime | None = None
    error: StoreError | None = None


async def account(session: Session) -> Account:
    """Get Service: whose the credentials are, COS's clock, the buckets."""
    found, marker = Account(), ""
    try:
        while True:
            page = await session.store().buckets(marker)
            found.buckets += page.buckets
            found.owner, found.date = found.owner or page.owner, found.date or page.date
            if page.next is None:
                return found
            marker = page.next
    except StoreError as exc:
        found.error = exc
    return found


def of_credentials(session: Session, found: Account) -> Finding:
    """Whose they are, and where they are from."""
    name, origin = t("credentials"), session.found_credentials.origin
    error = found.error
    if error is not None and error.code != "AccessDenied":
        return Finding(name, BAD, t("{error}, from {origin}", error=str(error), origin=origin), _next_step(error))
    uin, _ = initiator.account_and_user(found.owner)
    whose = t("account {uin}, ", uin=uin or found.owner) if found.owner else ""
    kind = t("temporary") if session.credentials.token else t("permanent")
    return Finding(name, GOOD, t("{whose}{kind}, from {origin}", whose=whose, kind=kind, origin=origin))


def of_clock(found: Account, now: datetime) -> Finding:
    """Our clock against COS's."""
    name = t("clock")
    if found.date is None:
        return Finding(name, NONE, t("COS sent no date"))
    skew = found.date - now
    text = t("{n} s apart from COS", n=round(abs(skew.total_seconds())))
    if abs(skew) > CLOCK_TOLERANCE:
        return Finding(name, BAD, text, t("Set the clock of this machine: with this difference every upload is kept."))
    return Finding(name, WARN if abs(skew) > CLOSE else GOOD, text)


def of_service(session: Session, found: Account) -> Finding:
    """Whether the buckets can be listed, and how many are in scope."""
    name = t("buckets")
    if found.error is None:
        return Finding(name, GOOD, t("{n} can be listed", n=len(found.buckets)))
    is_needed = session.config.settings_of_all.buckets is None
    advice = t("Allow name/cos:GetService, or name the buckets in BUCKETS or with `--bucket`.") if is_needed else ""
    return Finding(name, BAD if is_needed else NONE, t("cannot be listed: {error}", error=str(found.error)), advice)


async def of_buckets(session: Session, buckets: Sequence[Bucket]) -> list[BucketFindings]:
    """What may be done in each bucket, and what its lifecycle rules cover."""
    gate, settings = Gate(AT_ONCE), session.config.settings_of_all
    prefix = (session.config.prefixes or settings.prefixes or ("",))[0]
    found = await together([partial(_of_bucket, session.store(), one, prefix, gate) for one in buckets])
    until = coverage.reading(session.deadline)
    covered = await coverage.read(session.store().apart(until), buckets, until)
    for one, its_coverage in zip(found, covered, strict=True):
        one.coverage = its_coverage
    return found


async def _of_bucket(store: CosStore, bucket: Bucket, prefix: str, gate: Gate) -> BucketFindings:
    found = BucketFindings(bucket)
    nothing = Upload(bucket, f"{prefix}cos-sweeper-check", NO_TIME + os.urandom(32).hex())
    await gate.enter()
    try:

        async def list_uploads() -> None:
            page = await store.page(bucket, BEGINNING, prefix)
            found.uploads, found.has_more = len(page.listed), page.next is not None

        found.by_operation[LIST] = await _code(list_uploads)
        found.by_operation[PARTS] = await _code(lambda: store.parts(nothing, 0))
        found.by_operation[ABORT] = await _code(lambda: store.abort(nothing))
    finally:
        gate.leave()
    return found


async def of_report(session: Session, location: ReportLocation) -> Finding:
    """Whether reports can be read. Writing is not tried, because it would leave an object."""
    name, place = "REPORT", f"{location.bucket}/{location.prefix}"
    store = session.store()
    for request in (
        lambda: store.list_reports(location.bucket, location.prefix, ""),
        lambda: store.read_report(location.bucket, f"{location.prefix}cos-sweeper-check", 1),
    ):
        code = await _code(request)
        if code:
            advice = t("Allow name/cos:GetBucket, GetObject and PutObject under this prefix.")
            return Finding(name, BAD, t("{place} cannot be read: {code}", place=place, code=code), advice)
    return Finding(name, GOOD, t("{place} can be read; writing was not tried", place=place))


async def _code(request: Callable[[], Awaitable[object]]) -> str:
    """'' where the request is allowed, else the code of the error."""
    try:
        await request()
    except NoSuchUpload:
        return ""
    except StoreError as exc:
        return exc.code
    return ""


NO_BUCKET, DENIED = "NoSuchBucket", "AccessDenied"
# Codes that `advice_for` explains.
ADVISED = (NO_BUCKET, DENIED)


def advice_for(found: Sequence[BucketFindings]) -> list[str]:
    """What to do about the buckets, each thing once."""
    said: dict[str, None] = {}
    for operation in OPERATIONS:
        denied = [str(one.bucket) for one in found if one.by_operation.get(operation) == DENIED]
        if denied:
            text = t("Allow name/cos:{operation} in {buckets}.", operation=operation, buckets=_few(denied))
            said[text] = None
    for code in (NO_BUCKET,):
        wrong = [str(one.bucket) for one in found if code in one.by_operation.values()]
        if wrong:
            said[t("There is no such bucket: {buckets}. Check the name and the region.", buckets=_few(wrong))] = None
    uncovered = [str(one.bucket) for one in found if one.coverage and one.coverage.state in _UNCOVERED]
    if uncovered:
        text = t("No lifecycle rule limits unfinished uploads in {buckets}.", buckets=_few(uncovered))
        said[text] = None
    return list(said)


_UNCOVERED = (State.ABSENT, State.DISABLED, State.TAG_FILTERED)


def _few(names: Sequence[str]) -> str:
    more = t(" and {n} more", n=len(names) - 3) if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _next_step(error: StoreError) -> str:
    return problem_of(error).next_step


def utc_now() -> datetime:
    """Our clock."""
    return datetime.now(timezone.utc)
