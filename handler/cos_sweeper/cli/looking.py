"""
A look at the uploads of one key: a dry run of the engine that records nothing, and what it found.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from cos_sweeper.cli import account_view
from cos_sweeper.cli.command_line import shell_word
from cos_sweeper.cli.effect import require_effect
from cos_sweeper.cli.problems import problem_of
from cos_sweeper.cli.session import Session
from cos_sweeper.cli.tables import Column, Long, Table, shown_key
from cos_sweeper.cli.words import colon, pair, t
from cos_sweeper.core import key_text
from cos_sweeper.core.errors import CosRejected
from cos_sweeper.core.model import Bucket, ListedUpload, PartsSeen, RejectedRequest, SweepRequest
from cos_sweeper.core.outcomes import Aborted, Deferred, Failed, Kept, Outcome, WouldAbort, fields, name_of
from cos_sweeper.core.plan import ListingTarget, Plan
from cos_sweeper.core.report import Report
from cos_sweeper.cos.store import Store
from cos_sweeper.engine import continuation
from cos_sweeper.report.page_parts import numbers, words


@dataclass(frozen=True, slots=True)
class Found:
    """An upload, and what came of it."""

    listed: ListedUpload
    outcome: Outcome

    @property
    def seen(self) -> PartsSeen | None:
        """Its parts, None where they were not all read."""
        seen: PartsSeen | None = getattr(self.outcome, "seen", None)
        return seen

    @property
    def would_abort(self) -> bool:
        """Whether it is abandoned."""
        return isinstance(self.outcome, WouldAbort)

    @property
    def is_left(self) -> bool:
        """Whether it is still there, although it was to be aborted."""
        return isinstance(self.outcome, (Kept, Deferred, Failed, RejectedRequest)) or name_of(self.outcome) in (
            "still_receiving",
            "listed_but_not_found",
        )

    def completed(self, other: "Found") -> "Found":
        """The same, with what another look at the upload showed."""
        listed, outcome = self.listed, self.outcome
        if listed.initiated is None:
            listed = other.listed
        if isinstance(outcome, Kept) and outcome.seen is None:
            outcome = replace(outcome, seen=other.seen)
        return Found(listed, outcome)

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        upload, seen = self.outcome.upload or self.listed.upload, self.seen
        return {
            "bucket": str(upload.bucket),
            "key": key_text.shown(upload.key),
            "key_encoding": key_text.encoding(upload.key),
            "upload_id": upload.upload_id,
            "initiated": iso(self.listed.initiated),
            "initiator": self.listed.initiator,
            "bytes": seen.bytes if seen else None,
            "parts": seen.parts if seen else None,
            "last_part": iso(seen.newest) if seen else None,
            "outcome": name_of(self.outcome),
            **{
                name: value
                for name, value in fields(self.outcome).items()
                if name in ("reason", "code", "status", "detail", "cos_request_id", "verified")
            },
        }


@dataclass(slots=True)
class FoundUploads:
    """A recorder that keeps every upload with its outcome in memory, and stores nothing."""

    found: list[Found] = field(default_factory=list)
    is_on: bool = True
    name: str = ""

    async def intend(self, candidates: Sequence[ListedUpload]) -> str:  # noqa: ARG002
        """As `Recorder` says."""
        return ""

    def record(self, listed: ListedUpload, outcome: Outcome) -> None:
        """As `Recorder` says."""

    def count(self, listed: ListedUpload, outcome: Outcome) -> None:
        """As `Recorder` says."""
        self.found.append(Found(listed, outcome))

    async def save(self, report: Report, works: Sequence[str]) -> None:
        """As `ChainRecorder` says."""

    # As `Progress` says.

    def page(self, uploads: int) -> None:
        """As `Progress` says."""

    def outcome(self, listed: ListedUpload, outcome: Outcome) -> None:
        """As `Progress` says."""
        self.count(listed, outcome)


async def key_plan(session: Session, bucket: Bucket, key: str, *, dry_run: bool, as_of: datetime | None = None) -> Plan:
    """
    The plan of a sweep of exactly this key. Raises Misused.

    A dry run reads the parts of every upload, as an inventory does.
    """
    planned = await session.plan(SweepRequest(origin="command", inventory=dry_run), dry_run=dry_run, as_of=as_of)
    policy = replace(planned.listings[0].policy, only_key=key, prefixes=session.settings.prefixes)
    return replace(planned, listings=(ListingTarget(bucket, key, policy),))


async def look(session: Session, plan: Plan, store: Store | None = None) -> tuple[list[Found], Report]:
    """Carry out a plan that aborts nothing. Raises StoreError where the listing failed."""
    if not plan.dry_run:
        raise ValueError("a look aborts nothing")
    seen = FoundUploads()
    report = await continuation.run(
        plan, store or session.store(), session.deadline, session.log, None, retries=False, recorder=seen
    )
    raise_for_listing(report)
    return seen.found, report


def require_effect_without_id(session: Session) -> None:
    """Raise Misused for an option that only an upload id gives an effect."""
    next_step = t("It needs UPLOAD_ID. For all uploads of a key: `--min-age-hours` and `--min-idle-hours`.")
    require_effect(session.config, ("EVENT_MIN_IDLE_MINUTES",), next_step)


def say_for_shell(session: Session, key: str) -> None:
    """How to write a key on a command line whose shown form a shell would not read back."""
    if not key.isprintable():
        session.console.say(t("For a shell: {word}", word=shell_word(key)), "quiet")


def unknown() -> str:
    """What is said of an upload id that COS does not know, and that no listing showed."""
    return t("COS knows no such upload: it was completed or aborted, or its key or its id is another one.")


def raise_for_listing(report: Report) -> None:
    """Raise what made a listing fail."""
    error = listing_error(report)
    if error is not None:
        raise error


def listing_error(report: Report) -> CosRejected | None:
    """What made a listing fail, None where all were read."""
    for one in report.failures:
        if "key" not in one:
            return CosRejected(
                str(one.get("code", "")),
                one.get("status"),
                str(one.get("cos_request_id", "")),
                str(one.get("detail", "")),
            )
    return None


def next_step(failed: Failed) -> str:
    """What to do about a failure."""
    if failed.code == words.DENIED and failed.action:
        return t(
            "Allow {action} in {bucket}. `cos-sweeper check` shows every permission.",
            action=failed.action,
            bucket=failed.upload.bucket,
        )
    return problem_of(CosRejected(failed.code, failed.status, failed.request_id)).next_step


def cos_key(key: str) -> str:
    """The key as COS can have it: none begins with a '/', and the SDK drops one."""
    return key[1:] if key.startswith("/") else key


def table(title: str, found: Sequence[Found], maximum: int = 50) -> Table:
    """The uploads of one key, the oldest first."""
    made = Table(
        title,
        (
            Column(t("started (UTC)")),
            Column(t("last part (UTC)")),
            Column(t("size"), is_number=True),
            Column(t("parts"), is_number=True, min_width=90),
            Column(t("what"), is_elastic=True),
            Column(t("upload id")),
        ),
    )
    ordered = sorted(
        found, key=lambda one: (one.listed.initiated is None, one.listed.initiated, one.listed.upload.upload_id)
    )
    for one in ordered[:maximum]:
        seen = one.seen
        made.add(
            moment(one.listed.initiated),
            moment(seen.newest) if seen else "?",
            numbers.size(seen.bytes) if seen else "?",
            numbers.count(seen.parts) if seen else "?",
            outcome_text(one.outcome),
            Long(shown_key(one.listed.upload.upload_id)),
        )
    if len(ordered) > maximum:
        made.note = t("{n} more", n=numbers.count(len(ordered) - maximum))
    return made


def outcome_text(outcome: Outcome) -> str:
    """What came of an upload, with the reason."""
    name = pair(words.OUTCOMES.get(name_of(outcome), (name_of(outcome),) * 2))
    match outcome:
        case Kept():
            return f"{name}{colon()}{account_view.kept_reason(outcome.reason)}"
        case Deferred():
            return f"{name}{colon()}{account_view.left_reason(outcome.reason)}"
        case RejectedRequest():
            return f"{name}{colon()}{outcome.reason}"
        case Failed():
            return f"{name}{colon()}{outcome.code}" + (f" ({outcome.request_id})" if outcome.request_id else "")
        case Aborted(verified=False):
            return t("aborted, not verified")
        case _:
            return name


def moment(time: datetime | None) -> str:
    """A time for people."""
    return f"{time:%Y-%m-%d %H:%M}" if time else "–"


def iso(time: datetime | None) -> str | None:
    """A time for JSON."""
    return time.isoformat(timespec="seconds") if time else None


def size_of(found: Sequence[Found]) -> str:
    """The size of all of them, marked where it is a lower bound."""
    known = [one.seen.bytes for one in found if one.seen]
    return ("≥ " if len(known) < len(found) else "") + numbers.size(sum(known))


def with_known(found: Sequence[Found], known: Sequence[Found]) -> list[Found]:
    """The same, with what another look shows where this one does not: the start, and the parts of what is kept."""
    by_id = {one.listed.upload.upload_id: one for one in known}
    return [one.completed(by_id.get(one.listed.upload.upload_id, one)) for one in found]
