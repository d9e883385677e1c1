"""
`drain` step by step: everything unfinished in a bucket that is to be deleted.

The one place where no age, idle time or clock keeps an upload. BUCKETS, PREFIXES, EXCLUDE_… and INCLUDE_COMMITTERS bind
it, and each abort is verified. It is the engine's sweep, run after run, until the listing is empty or a run aborts
nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from rich.text import Text

from cos_sweeper.cli import exits, looking, showing, spans
from cos_sweeper.cli.account_view import AccountView, size, uploads
from cos_sweeper.cli.effect import require_effect
from cos_sweeper.cli.local_folder import LocalFolder, require_writable
from cos_sweeper.cli.problems import Misused, problem_of
from cos_sweeper.cli.progress import Counted
from cos_sweeper.cli.session import DEFAULT_RECORDS, Session, Swept
from cos_sweeper.cli.shown import Shown
from cos_sweeper.cli.tables import Table, shown_key
from cos_sweeper.cli.words import t
from cos_sweeper.core.errors import CosRejected
from cos_sweeper.core.model import BEGINNING, Bucket, ListedUpload
from cos_sweeper.core.outcomes import AT_LIMIT, Outcome, WouldAbort
from cos_sweeper.core.plan import Plan
from cos_sweeper.core.policy import COMMITTERS, EXCLUDED
from cos_sweeper.core.settings import Settings
from cos_sweeper.report.page_parts import groups

# Runs that end by themselves and leave something. A bucket that fills up as fast as it is emptied is still in use.
MAX_RUNS = 10


def drain(session: Session, confirm: str | None, *, yes: bool, records: Path | None) -> int:
    """Do it. Returns the exit code."""
    console, config = session.console, session.config
    is_dry = config.is_explicit("DRY_RUN") and session.settings.dry_run
    require_effect(
        config,
        ("MIN_AGE_HOURS", "MIN_IDLE_HOURS", "EVENT_MIN_IDLE_MINUTES", "VERIFY", "REPORT"),
        t("`drain` knows no age, verifies each abort and records into `--records DIR`. `sweep` keeps young uploads."),
    )
    (bucket,) = session.run(session.buckets())
    _require_answer(session, bucket, confirm, yes=yes, is_dry=is_dry)
    shown, young = Shown(), _Young(session.settings)
    plan = session.run(_plan(session, dry_run=True))
    look, seen = showing.swept(session, plan, None, t("Looking"), shown, young)
    looking.raise_for_listing(look.report)
    console.say(t("Age, idle time and clocks keep nothing here: what is still being uploaded goes, too."), "warn")
    if is_dry:
        console.say(
            t("DRY_RUN is true ({origin}), and it wins: nothing is aborted.", origin=config.origin("DRY_RUN")), "warn"
        )
    _show(session, (*_what_goes(session, bucket, look.report_json or {}, seen), *young.shown()), on_stdout=is_dry)
    if session.interrupt.is_set:
        return exits.INTERRUPTED
    if is_dry or not AccountView(look.report_json or {}).totals["left"].uploads:
        rest = session.run(_rest(session, bucket))
        _data(session, bucket, [], look, is_empty=not rest)
        return _end_of_look(session, bucket, rest, look, is_plan=is_dry and confirm is None)
    if confirm is None:
        showing.bound(session, shown)
    session.say_where()
    if confirm is None and console.typed(t("Type {name} to abort all of it", name=bucket.name)) != bucket.name:
        console.say(t("Nothing was aborted."))
        return exits.INTERRUPTED
    folder = _folder(session, records)
    require_writable(folder)
    # Without a question nothing is shown to anybody, so what arrives meanwhile goes, too.
    return _Drain(session, bucket, folder, shown.answered() if confirm is None else None).run()


def _require_answer(session: Session, bucket: Bucket, confirm: str | None, *, yes: bool, is_dry: bool) -> None:
    how = t("Give `--confirm {name}`.", name=bucket.name)
    if confirm is not None and confirm not in (bucket.name, str(bucket)):
        raise Misused(t("`--confirm {text}` is not the name of the bucket.", text=confirm), how)
    if confirm is None and yes:
        raise Misused(t("`--yes` is not enough here, because nothing keeps an upload."), how)
    if confirm is None and not is_dry and not session.console.is_interactive:
        raise Misused(t("Nobody can be asked: this is no terminal."), how)


async def _plan(session: Session, *, dry_run: bool) -> Plan:
    """The plan of a sweep of the bucket, with a policy that has no ages."""
    planned = await session.sweep_plan(dry_run=dry_run)
    none = timedelta(0)
    listings = [
        replace(one, policy=replace(one.policy, min_age=none, min_idle=none, is_drain=True)) for one in planned.listings
    ]
    limit = None if dry_run else planned.limit
    return replace(planned, listings=tuple(listings), verify="all", limit=limit)


def _folder(session: Session, records: Path | None) -> LocalFolder:
    """A directory: REPORT may be in the bucket that is to be deleted."""
    in_file = session.config.of_command.get("RECORDS")
    return LocalFolder(Path.cwd() / (records or in_file or DEFAULT_RECORDS))


async def _rest(session: Session, bucket: Bucket) -> bool:
    """Whether the bucket still has an unfinished upload, under any prefix."""
    page = await session.store().page(bucket, BEGINNING, "")
    return bool(page.listed) or page.next is not None


@dataclass(slots=True)
class _Drain:
    session: Session
    bucket: Bucket
    folder: LocalFolder
    # What the answer is about, None where none was given.
    shown: Shown | None = None
    results: list[Swept] = field(default_factory=list)

    def run(self) -> int:
        """Run after run, until nothing is left or nothing progresses."""
        session, console = self.session, self.session.console
        codes: list[int] = []
        while True:
            plan = session.run(_plan(session, dry_run=False))
            result, _ = showing.swept(session, plan, self.folder, t("Aborting"), shown=self.shown)
            self.results.append(result)
            showing.aborted(session, result.report_json or {}, ())
            codes.append(showing.after(session, result))
            if session.interrupt.is_set:
                rest = True
                break
            rest = session.run(_rest(session, self.bucket))
            if not rest or not self._goes_on(result) or (self.shown is not None and self.shown.is_done):
                break
        self._total()
        if self.shown is not None and not session.interrupt.is_set:
            showing.difference(session, self.shown)
        _data(session, self.bucket, self.results, None, is_empty=not rest)
        if session.interrupt.is_set:
            console.next_step(t("The same command goes on: what is left is found again."))
            return exits.INTERRUPTED
        # What an earlier run could not do, a later one did or the end says.
        return exits.worst(_end(session, self.bucket, rest, result), exits.COMPLETE if not rest else codes[-1])

    def _goes_on(self, result: Swept) -> bool:
        limited = sum(one.report.stopped_because == AT_LIMIT for one in self.results)
        return bool(result.report.counts["aborted"]) and len(self.results) - limited < MAX_RUNS

    def _total(self) -> None:
        if len(self.results) > 1:
            reports = [one.report_json or {} for one in self.results]
            freed = groups.total(groups.read(one["totals"]["freed"]) for one in reports)
            text = t(
                "{runs} runs: {n} aborted, {size} freed.",
                runs=len(reports),
                n=uploads(freed.uploads),
                size=size(freed),
            )
            self.session.console.show("", Text(text, "strong"))


class _Young:
    """Counts what a sweep would keep because it is young or in use."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._as_of = datetime.now(timezone.utc)
        self.uploads = 0

    def outcome(self, listed: ListedUpload, outcome: Outcome) -> None:
        """As `Watch` says."""
        if isinstance(outcome, WouldAbort):
            newest = outcome.seen.newest if outcome.seen else None
            ages = ((listed.initiated, self._settings.min_age), (newest, self._settings.min_idle))
            self.uploads += any(time is not None and self._as_of - time <= span for time, span in ages)

    def shown(self) -> Iterator[Text]:
        """That there are some."""
        if self.uploads:
            yield Text(
                t(
                    "A sweep would keep {n} of these: younger than {age}, or a part arrived within {idle}.",
                    n=uploads(self.uploads),
                    age=spans.whole(self._settings.min_age.total_seconds() / 3600),
                    idle=spans.whole(self._settings.min_idle.total_seconds() / 3600),
                ),
                "warn",
            )


def _show(session: Session, items: Iterable[Text | Table], *, on_stdout: bool) -> None:
    for item in items:
        # The question goes where a person reads it, also with --json.
        if on_stdout:
            session.console.show(item)
        else:
            session.console.say(item)


def _what_goes(session: Session, bucket: Bucket, report: dict[str, Any], seen: Counted) -> Iterator[Text | Table]:
    view = AccountView(report)
    found = view.totals["left"]
    yield Text(
        t("{bucket}: {n} would go, {size}.", bucket=bucket, n=uploads(found.uploads), size=size(found)), "strong"
    )
    if found.uploads:
        yield Text()
        yield view.prefixes()
        yield Text()
        yield showing.times(seen)
    for table in (view.uploads("oldest"), view.kept(), view.failures()):
        if table.rows:
            yield Text()
            yield table
    if session.settings.prefixes:
        prefixes = ", ".join(shown_key(one) for one in session.settings.prefixes)
        origin = session.config.origin("PREFIXES")
        yield Text(t("PREFIXES ({origin}) allows only {prefixes}.", origin=origin, prefixes=prefixes), "warn")


def _end_of_look(session: Session, bucket: Bucket, rest: bool, look: Swept, *, is_plan: bool) -> int:  # noqa: FBT001
    """The end where nothing is aborted. is_plan: no abort is asked for."""
    config, console = session.config, session.console
    if not AccountView(look.report_json or {}).totals["left"].uploads:
        return exits.worst(_end(session, bucket, rest, look), exits.COMPLETE)
    for line in _what_binds(session, look):
        console.next_step(line)
    if config.by_option("DRY_RUN"):
        line = f"cos-sweeper drain {bucket}"
        console.next_step(t("`{command}` asks for the bucket's name, and aborts this.", command=line))
        return exits.COMPLETE if is_plan else exits.PARTIAL
    origin = config.origin("DRY_RUN")
    console.next_step(t("DRY_RUN ({origin}) is true. With false, the same command aborts this.", origin=origin))
    return exits.PARTIAL


def _end(session: Session, bucket: Bucket, rest: bool, result: Swept) -> int:  # noqa: FBT001
    """Say whether the bucket is empty of unfinished uploads, and if not, why. Raises what made the listing fail."""
    if not rest:
        session.console.show(t("{bucket} has no unfinished upload any more.", bucket=bucket))
        return exits.COMPLETE
    looking.raise_for_listing(result.report)
    table = AccountView(result.report_json or {}).kept()
    if table.rows and not result.report.dry_run:
        session.console.say(table)
    session.console.say(t("{bucket} still has unfinished uploads.", bucket=bucket), "warn")
    for line in _why(session, result):
        session.console.next_step(line)
    return exits.PARTIAL


def _why(session: Session, result: Swept) -> Iterator[str]:
    """What binds this command, or what to do."""
    yield from _what_binds(session, result) or [
        t("Run the same command again. If uploads keep arriving, find the client that still writes.")
    ]


def _what_binds(session: Session, result: Swept) -> list[str]:
    report, config = result.report, session.config
    why = []
    if EXCLUDED in report.kept:
        why.append(t("EXCLUDE_PREFIXES ({origin}) binds this command, too.", origin=config.origin("EXCLUDE_PREFIXES")))
    if COMMITTERS in report.kept:
        why.append(t("Committers' paths are kept here, too; `--include-committers` takes them."))
    if session.settings.prefixes:
        why.append(t("PREFIXES ({origin}) binds this command, too.", origin=config.origin("PREFIXES")))
    if report.counts["rejected"]:
        why.append(t("Some keys cannot be sent to COS. A lifecycle rule ends them: `cos-sweeper lifecycle`."))
    failures = [one for one in report.failures if "key" in one]
    if failures:
        why.append(problem_of(CosRejected(str(failures[0]["code"]), failures[0].get("status"))).next_step)
    return why


def _data(session: Session, bucket: Bucket, results: list[Swept], look: Swept | None, *, is_empty: bool) -> None:
    runs = [one.report_json for one in results]
    session.console.data(
        {"bucket": str(bucket), "is_empty": is_empty, "plan": look.report_json if look else None, "runs": runs}
    )
