"""
`abort` step by step: a look at what the key has, the question, the abort, and what came of each upload.

With an upload id the rules are those of an event that names the upload, without one those of a sweep.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from rich.text import Text

from cos_sweeper.cli import exits, looking, showing
from cos_sweeper.cli.account_view import gap, kept_reason, uploads
from cos_sweeper.cli.command_line import shell_word
from cos_sweeper.cli.effect import require_effect
from cos_sweeper.cli.local_folder import require_writable
from cos_sweeper.cli.looking import Found, FoundUploads
from cos_sweeper.cli.problems import Misused
from cos_sweeper.cli.progress import Both
from cos_sweeper.cli.session import Session, Swept, place_of
from cos_sweeper.cli.shown import Shown
from cos_sweeper.cli.tables import shown_key
from cos_sweeper.cli.words import t
from cos_sweeper.core.keys import validate_key
from cos_sweeper.core.model import AbortRequest, Bucket, RejectedRequest
from cos_sweeper.core.outcomes import AlreadyGone, Failed, Kept, WouldAbort
from cos_sweeper.core.plan import Plan
from cos_sweeper.report.page_parts import numbers

# A last part that is younger makes the question a warning.
RECENT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to abort. upload_id: None for all uploads of the key."""

    bucket: Bucket
    key: str
    upload_id: str | None

    @property
    def shown(self) -> str:
        """Bucket and key, and the whole id where one is named."""
        place = shown_key(f"{self.bucket}/{self.key}")
        return place if self.upload_id is None else f"{place} {shown_key(self.upload_id)}"

    @property
    def words(self) -> str:
        """The same for a command line."""
        words = [str(self.bucket), self.key, *([self.upload_id] if self.upload_id else [])]
        return ("-- " if self.key.startswith("-") else "") + " ".join(map(shell_word, words))


def _drains(bucket: Bucket) -> str:
    return t("`{command}` aborts every upload of the bucket.", command=f"cos-sweeper drain {bucket}")


def abort(session: Session, key: str, upload_id: str | None, *, yes: bool, records: Path | None) -> int:
    """Do it. Returns the exit code."""
    console, config = session.console, session.config
    _require_effect(session, upload_id)
    is_dry = config.is_explicit("DRY_RUN") and session.settings.dry_run
    if not yes and not is_dry:
        console.require_person()
    wanted = _wanted(session, key, upload_id)
    if is_dry:
        console.say(
            t("DRY_RUN is true ({origin}), and it wins: nothing is aborted.", origin=config.origin("DRY_RUN")), "warn"
        )
    plan = session.run(_plan(session, wanted, dry_run=True))
    found, report = session.run(looking.look(session, plan))
    session.say_unmatched()
    wanted = _as_found(session, wanted, found)
    found, by_sweep = _with_sweep(session, wanted, found)
    going = [one for one in found if one.would_abort]
    if going and not is_dry:
        # The question goes where a person reads it, also with --json.
        if not yes:
            console.say(wanted.shown, "strong")
            console.say(looking.table("", found))
        _warn(session, going, by_sweep, report.as_of)
    elif found:
        console.show(Text(wanted.shown, "strong"), looking.table("", found))
    looking.say_for_shell(session, wanted.key)
    if session.interrupt.is_set:
        return exits.INTERRUPTED
    if not going or is_dry:
        code = _nothing(session, wanted, found)
        is_asked_for = bool(going and is_dry and not yes and config.by_option("DRY_RUN"))
        if is_asked_for:
            line = f"cos-sweeper abort {wanted.words}"
            console.next_step(t("`{command}` asks, and aborts this.", command=line))
        return exits.worst(code, exits.PARTIAL if is_dry and not is_asked_for else exits.COMPLETE)
    session.say_where()
    if not yes and not _confirmed(session, going):
        console.say(t("Nothing was aborted."))
        return exits.INTERRUPTED
    # Every age is judged by the moment of the look, so that nothing becomes abandoned in between.
    return _abort(session, wanted, found, min(plan.as_of, report.as_of), records)


def _require_effect(session: Session, upload_id: str | None) -> None:
    if upload_id is None:
        looking.require_effect_without_id(session)
        return
    next_step = t("With UPLOAD_ID no age protects an upload; `--event-min-idle-minutes` keeps one that got a part.")
    require_effect(session.config, ("MIN_AGE_HOURS", "MIN_IDLE_HOURS"), next_step)


def _wanted(session: Session, key: str, upload_id: str | None) -> Wanted:
    (bucket,) = session.run(session.buckets())
    cos_key = looking.cos_key(key)
    if upload_id is not None:
        why_not = validate_key(cos_key, upload_id)
        if why_not:
            raise Misused(t("This upload cannot be addressed: {why}.", why=why_not))
    elif not cos_key:
        raise Misused(t("The key is empty."), _drains(bucket))
    if cos_key != key:
        session.console.say(t("No key in COS begins with '/': it is dropped."), "quiet")
    return Wanted(bucket, cos_key, upload_id)


def _as_found(session: Session, wanted: Wanted, found: list[Found]) -> Wanted:
    """With the key under which COS knows the upload: that of a named upload can be read in several ways."""
    if wanted.upload_id is None:
        return wanted
    there = (one.outcome.upload for one in found if isinstance(one.outcome, (WouldAbort, Kept)))
    key = next((one.key for one in there if one is not None), wanted.key)
    if key != wanted.key:
        session.console.say(t("COS has this upload under another key: {key}", key=shown_key(key)), "warn")
    return replace(wanted, key=key)


async def _plan(session: Session, wanted: Wanted, *, dry_run: bool, as_of: datetime | None = None) -> Plan:
    if wanted.upload_id is None:
        return await looking.key_plan(session, wanted.bucket, wanted.key, dry_run=dry_run, as_of=as_of)
    request = AbortRequest(wanted.bucket.name, wanted.key, wanted.upload_id, wanted.bucket.region, "command")
    return await session.plan(request, dry_run=dry_run, as_of=as_of)


def _with_sweep(session: Session, wanted: Wanted, found: list[Found]) -> tuple[list[Found], Found | None]:
    """
    With an upload id the engine needs no listing; a person wants to see the age, and what a sweep would do.

    Returns the uploads and, with an upload id, what a sweep would do.
    """
    if wanted.upload_id is None or session.interrupt.is_set:
        return found, None
    plan = session.run(looking.key_plan(session, wanted.bucket, wanted.key, dry_run=True))
    by_sweep = session.run(looking.look(session, plan))[0]
    named = next((one for one in by_sweep if one.listed.upload.upload_id == wanted.upload_id), None)
    return looking.with_known(found, by_sweep), named


def _nothing(session: Session, wanted: Wanted, found: list[Found]) -> int:
    """Say why nothing is aborted."""
    console = session.console
    console.data(_json(wanted, found))
    left = [one for one in found if one.is_left]
    if not left:
        gone = wanted.upload_id is not None and any(isinstance(one.outcome, AlreadyGone) for one in found)
        if gone:
            # No listing showed it, so it may never have existed.
            console.say(looking.unknown(), "warn")
            return exits.PARTIAL
        if not found:
            console.show(t("This key has no unfinished upload in {bucket}.", bucket=wanted.bucket))
        return exits.COMPLETE
    console.say(t("Nothing was aborted: {n} left.", n=uploads(len(left))))
    return _what_next(session, wanted, left)


def _what_next(session: Session, wanted: Wanted, left: list[Found]) -> int:
    """Say what to do about uploads that are still there."""
    console, outcomes = session.console, [one.outcome for one in left]
    failed = next((one for one in outcomes if isinstance(one, Failed)), None)
    if failed is not None:
        console.next_step(looking.next_step(failed))
    if any(isinstance(one, RejectedRequest) for one in outcomes):
        console.next_step(t("Some keys cannot be sent to COS. A lifecycle rule ends them: `cos-sweeper lifecycle`."))
    if any(isinstance(one, Kept) for one in outcomes):
        line = f"cos-sweeper explain {wanted.words}"
        console.next_step(t("`{command}` says which rule decides, and when that changes.", command=line))
    return exits.FAILED if failed is not None else exits.PARTIAL


def _warn(session: Session, going: list[Found], by_sweep: Found | None, as_of: datetime) -> None:
    """Say what speaks against the abort, whether a question follows or not."""
    say = session.console.say
    last = max((one.seen.newest for one in going if one.seen and one.seen.newest), default=None)
    if last is not None and as_of - last < RECENT:
        ago = numbers.count(max(0, round((as_of - last).total_seconds() / 60)))
        say(t("A part arrived {n} min ago: the upload may be alive.", n=ago), "warn")
    if by_sweep is not None and isinstance(by_sweep.outcome, Kept):
        say(t("A sweep would keep it: {reason}.", reason=kept_reason(by_sweep.outcome.reason)), "warn")


def _confirmed(session: Session, going: list[Found]) -> bool:
    question = t("Abort {n}, {size}?", n=uploads(len(going)), size=looking.size_of(going))
    return session.console.confirm(f"{question}{gap()}{t('This cannot be undone.')}")


def _abort(session: Session, wanted: Wanted, known: list[Found], as_of: datetime, records: Path | None) -> int:
    console, folder, done = session.console, session.folder(records, is_needed=True), FoundUploads()
    require_writable(folder)
    plan = session.run(_plan(session, wanted, dry_run=False, as_of=as_of))
    shown = Shown()
    for one in known:
        shown.outcome(one.listed, one.outcome)
    result = session.run(session.sweep(plan, folder, Both(done, shown.answered()), shown))
    found = looking.with_known(done.found, known)
    console.show(Text(wanted.shown, "strong"), looking.table("", found))
    showing.difference(session, shown)
    console.data(_json(wanted, found))
    left = [one for one in found if one.is_left]
    if left:
        console.say(t("{n} left.", n=uploads(len(left))), "warn")
    return _after(session, result, _what_next(session, wanted, left) if left else exits.COMPLETE)


def _after(session: Session, result: Swept, code: int) -> int:
    place = place_of(result.folder.inner, result.report.run_id)
    if result.folder.failed is not None:
        session.console.say(t("Not everything could be stored: {why}", why=str(result.folder.failed)), "warn")
        code = exits.worst(code, exits.PARTIAL)
    elif place:
        session.console.say(t("Records: {place}", place=place), "quiet")
    if session.interrupt.is_set:
        return exits.INTERRUPTED
    return exits.worst(code, exits.OF_STATUS[result.report.status.value])


def _json(wanted: Wanted, found: list[Found]) -> dict[str, object]:
    return {"bucket": str(wanted.bucket), "uploads": [one.as_json() for one in found]}
