"""
`lifecycle --add-rule` as a person sees it: what is refused, the change, the question, and what came of it.
"""

import difflib
import math
import os
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from enum import Enum
from pathlib import Path
from typing import Any

from rich.text import Text

from cos_sweeper.cli import exits, lifecycle_edit, rule_addition
from cos_sweeper.cli.account_view import gap
from cos_sweeper.cli.interrupt import Stopped
from cos_sweeper.cli.lifecycle_edit import NewRule, Refused
from cos_sweeper.cli.lifecycle_store import SdkLifecycleStore
from cos_sweeper.cli.local_folder import OWNER_ONLY
from cos_sweeper.cli.problems import Misused, Problem, problem_of
from cos_sweeper.cli.rule_addition import Changed, Different, Edit, NotWritten, Outcome, Written
from cos_sweeper.cli.session import Session
from cos_sweeper.cli.tables import shown_key
from cos_sweeper.cli.words import sentence, t
from cos_sweeper.core.coverage import evaluate
from cos_sweeper.core.errors import StoreError
from cos_sweeper.core.model import Bucket
from cos_sweeper.core.policy import may_hold_excluded
from cos_sweeper.core.settings import Settings

WRITE_PERMISSION = "name/cos:PutBucketLifecycle"
DIFF_STYLES = {"+": "good", "-": "bad", "@": "quiet"}


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for. prefix: '' for the whole bucket; rule_id: '' for a free one; old: for the old documents."""

    days: int
    prefix: str
    rule_id: str
    old: Path
    is_sure: bool


class Result(Enum):
    """What came of one bucket, with the exit code."""

    WRITTEN = ("written", exits.COMPLETE)
    ALREADY_COVERED = ("already_covered", exits.COMPLETE)
    DECLINED = ("declined", exits.INTERRUPTED)
    NOT_ASKED = ("not_asked", exits.USAGE)
    REFUSED = ("refused", exits.FAILED)
    CHANGED = ("changed", exits.FAILED)
    NOT_WRITTEN = ("not_written", exits.FAILED)
    DIFFERENT = ("different", exits.FAILED)


@dataclass(frozen=True, slots=True)
class _Done:
    """
    sentence: what came of it; next_step: '' for none. file: of the old document; seconds: the window; change: the diff.
    """

    bucket: Bucket
    result: Result
    sentence: str
    next_step: str = ""
    rule: NewRule | None = None
    file: Path | None = None
    seconds: float | None = None
    change: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        rule = self.rule
        return {
            "bucket": str(self.bucket),
            "result": self.result.value[0],
            "detail": self.sentence,
            "change": list(self.change),
            "rule": None if rule is None else {"id": rule.rule_id, "prefix": rule.prefix, "days": rule.days},
            "old_document": None if self.file is None else str(self.file),
            "window_seconds": None if self.seconds is None else round(self.seconds, 3),
        }


def add(session: Session, wish: Wish) -> int:
    """Add the rule to every bucket that is chosen, one after the other. Returns the exit code."""
    if session.is_dry_run:
        raise Misused(
            t("DRY_RUN is true ({origin}), and it wins: no rule is written.", origin=session.config.origin("DRY_RUN")),
            t("Without `--add-rule` the command shows which rules there are."),
        )
    check(session.settings, wish)
    buckets = session.run(session.buckets())
    if not buckets:
        raise Misused(t("There is no bucket to work on."), t("`cos-sweeper check` shows which buckets are allowed."))
    if wish.rule_id and len(buckets) > 1 and not wish.is_sure:
        session.console.say(t("The rule gets this id in each of the {n} buckets.", n=len(buckets)))
    done: list[_Done] = []
    for bucket in buckets:
        if session.interrupt.is_set:
            break
        done.append(_bucket(session, bucket, wish, is_first=not any(one.rule for one in done)))
        _tell(session, done[-1])
    session.console.data({"buckets": [one.as_json() for one in done]})
    if any(one.result is Result.NOT_ASKED for one in done):
        session.console.problem(
            Misused(
                t("Nothing was written: nobody can be asked, this is no terminal."), t("Give `--yes` if you are sure.")
            )
        )
    code = exits.worst(*(one.result.value[1] for one in done))
    return exits.INTERRUPTED if session.interrupt.is_set else code


def check(settings: Settings, wish: Wish) -> None:
    """Raise Misused for a rule that would abort what the settings keep."""
    try:
        _ = NewRule(wish.rule_id or lifecycle_edit.DEFAULT_ID, wish.prefix, wish.days).xml
    except Refused as exc:
        raise Misused(_sentence(exc)) from exc
    for one in settings.exclude_prefixes:
        if may_hold_excluded(wish.prefix, one):
            raise Misused(
                t("The rule would abort uploads under {prefix}, which EXCLUDE_PREFIXES keeps.", prefix=shown_key(one)),
                t("A rule cannot leave out a prefix. Give a `--prefix` beside it."),
            )
    if settings.prefixes and not any(wish.prefix.startswith(one) for one in settings.prefixes):
        raise Misused(
            t("The rule would abort uploads outside PREFIXES."),
            t("Give a `--prefix` under one of: {prefixes}", prefixes=", ".join(map(shown_key, settings.prefixes))),
        )
    minimum = math.ceil(settings.min_age / timedelta(days=1))
    if wish.days < minimum:
        raise Misused(
            t("The rule would abort uploads that MIN_AGE_HOURS keeps."),
            t("Give {n} days or more, or lower MIN_AGE_HOURS.", n=minimum),
        )


def _bucket(session: Session, bucket: Bucket, wish: Wish, *, is_first: bool) -> _Done:
    store = SdkLifecycleStore(session.store())
    try:
        why, edit = session.run(_planned(session, store, bucket, wish))
        if edit is None:
            return _Done(bucket, Result.ALREADY_COVERED, why)
        _show(session, edit, why, is_first=is_first)
        if not wish.is_sure and not session.console.is_interactive:
            return _with_change(_Done(bucket, Result.NOT_ASKED, t("Nothing was written."), rule=edit.rule), edit)
        session.say_where()
        if not wish.is_sure and not session.console.confirm(t("Write these rules to {bucket}?", bucket=bucket)):
            return _with_change(_Done(bucket, Result.DECLINED, t("Nothing was written."), rule=edit.rule), edit)
        file = _keep(edit, wish.old)
        outcome = _written(session, store, edit, file)
        return _with_change(_told(edit, outcome, file), edit)
    except Refused as exc:
        return _Done(
            bucket, Result.REFUSED, _sentence(exc), t("Add the rule in COS's console, where it can be checked.")
        )
    except StoreError as exc:
        problem = problem_of(exc)
        return _Done(bucket, Result.NOT_WRITTEN, problem.sentence, problem.next_step)


def _written(session: Session, store: SdkLifecycleStore, edit: Edit, file: Path | None) -> Outcome:
    try:
        return session.run(rule_addition.write(store, edit, time.monotonic, session.interrupt.sleep))
    except Stopped:
        session.console.say(
            t("The rules of {bucket} may have been written: look at them.", bucket=edit.bucket) + gap() + _old(file),
            "warn",
        )
        session.console.next_step(t("`{command}` shows them.", command=f"cos-sweeper lifecycle --bucket {edit.bucket}"))
        raise


def _old(file: Path | None) -> str:
    return t("The old rules are in {file}.", file=file) if file else t("The bucket had no rules before.")


async def _planned(session: Session, store: SdkLifecycleStore, bucket: Bucket, wish: Wish) -> tuple[str, Edit | None]:
    """
    The change, and a warning or ''. No change: why it is not needed. Raises Refused, StoreError.
    """
    warning = ""
    try:
        if await session.store().object_lock(bucket):
            raise Refused(t("Object Lock is enabled, and COS does not carry out lifecycle rules in such a bucket"))
    except StoreError as exc:
        warning = t(
            "Whether Object Lock is enabled could not be read ({code}). If it is, COS rejects the rule.", code=exc.code
        )
    before = await store.read(bucket)
    found = evaluate(bucket, () if before is None else lifecycle_edit.rules(before), object_lock=False)
    whole = [] if found.days is None else [("", found.days)]
    for prefix, days in (*whole, *((one.prefix, one.days) for one in found.prefixes)):
        if wish.prefix.startswith(prefix) and days <= wish.days:
            return t("Nothing to write: a rule already aborts these uploads after {n} days.", n=days), None
    return warning, rule_addition.edit(bucket, before, wish.prefix, wish.days, wish.rule_id)


def _show(session: Session, edit: Edit, warning: str, *, is_first: bool) -> None:
    """The change, and what a rule does not know. With `--json` on stderr: the person who is asked must see it."""
    console, rule = session.console, edit.rule
    shown = [Text(str(edit.bucket), "heading"), *diff(edit)]
    for line in shown if console.is_json else ():
        console.say(line)
    console.show(*shown)
    console.say()
    where = t("keys under {prefix}", prefix=shown_key(rule.prefix)) if rule.prefix else t("every key")
    console.say(t("COS then aborts uploads of {where}, {n} days after their start.", where=where, n=rule.days))
    if is_first:
        console.say(
            t(
                "A rule does not know when the last part arrived: it aborts uploads that are still receiving parts, "
                "too, and those of committers of Hadoop, Spark and others."
            ),
            "warn",
        )
    if warning:
        console.say(warning, "warn")


def diff(edit: Edit) -> list[Text]:
    """The change of the document, one element in a line."""
    before, after = lifecycle_edit.lines(edit.before), lifecycle_edit.lines(edit.after)
    lines = difflib.unified_diff(before, after, t("now"), t("then"), lineterm="")
    return [Text(shown_key(line), DIFF_STYLES.get(line[0], "")) for line in lines]


def _with_change(done: _Done, edit: Edit) -> _Done:
    return replace(done, change=tuple(line.plain for line in diff(edit)))


def _keep(edit: Edit, folder: Path) -> Path | None:
    """Keep the old document in a new file. Raises Problem. None: the bucket has no document."""
    if edit.before is None:
        return None
    path = folder / f"{edit.bucket.name}-{datetime.now(timezone.utc):%Y%m%dT%H%M%S%fZ}.xml"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
        with os.fdopen(descriptor, "wb") as file:
            file.write(edit.before)
            file.flush()
            os.fsync(file.fileno())
    except OSError as exc:
        raise Problem(
            t("The old rules cannot be kept: {path}: {why}.", path=path, why=exc.strerror),
            t("Nothing was written. Give another directory with `--old DIR`."),
        ) from None
    return path


def _told(edit: Edit, outcome: Outcome, file: Path | None) -> _Done:
    bucket, rule = edit.bucket, edit.rule
    kept = _old(file)
    match outcome:
        case Written(seconds, is_exact):
            sentence = (
                t("Written and read back, byte for byte.")
                if is_exact
                else t("Written and read back: the same rules, in COS's own layout.")
            )
            window = t(
                "Nothing else changed in between, as far as COS shows; {n} ms were not covered.",
                n=math.ceil(seconds * 1000),
            )
            return _Done(bucket, Result.WRITTEN, f"{sentence} {window} {kept}", "", rule, file, seconds)
        case Changed():
            return _Done(
                bucket,
                Result.CHANGED,
                t("Another program changed the rules in the meantime. Nothing was written."),
                t("Run the command again and look at the new change."),
                rule,
                file,
            )
        case NotWritten(code, is_certain):
            sentence = t("COS did not store the rules ({code}). The bucket has what it had.", code=code)
            return _Done(bucket, Result.NOT_WRITTEN, sentence, _after_failure(code, is_certain=is_certain), rule, file)
        case Different(lost, code):
            return _Done(bucket, Result.DIFFERENT, _different(lost, code), kept, rule, file)


def _after_failure(code: str, *, is_certain: bool) -> str:
    if not is_certain:
        return t("Look at the rules again in a minute: a request without an answer may still arrive.")
    return t("These credentials need {permissions}.", permissions=WRITE_PERMISSION) if code == "AccessDenied" else ""


def _different(lost: int | None, code: str) -> str:
    if lost is None:
        reason = t(" ({code})", code=code) if code else ""
        return t("The rules were sent, but what the bucket has now could not be read{reason}.", reason=reason)
    if lost:
        return t("The bucket now has other rules than were written, and {n} of the old ones are missing.", n=lost)
    return t("The bucket now has other rules than were written. All old ones are there.")


def _tell(session: Session, done: _Done) -> None:
    code = done.result.value[1]
    style = "good" if code == exits.COMPLETE else "warn" if code in (exits.INTERRUPTED, exits.USAGE) else "bad"
    session.console.show(Text.assemble((f"{done.bucket}: ", "strong"), (done.sentence, style)))
    if done.next_step:
        session.console.next_step(done.next_step)


def _sentence(error: Exception) -> str:
    text = str(error)
    return sentence(f"{text[:1].upper()}{text[1:]}")
