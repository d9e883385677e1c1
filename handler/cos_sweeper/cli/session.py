"""
What a command works with: settings, credentials, the store and the engine, of one command.

Settings and credentials are read when they are first used, so a command that needs neither asks for neither.
"""

import os
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

from cos_sweeper.cli import credentials as credential_places
from cos_sweeper.cli import exits, private_file, scope
from cos_sweeper.cli.config import Config
from cos_sweeper.cli.console import Console
from cos_sweeper.cli.interrupt import Interrupt
from cos_sweeper.cli.local_folder import KeptFolder, LocalFolder
from cos_sweeper.cli.problems import Misused, Problem
from cos_sweeper.cli.progress import NoProgress, Progress, ProgressRecorder, WatchedStore
from cos_sweeper.cli.trace import Trace
from cos_sweeper.cli.unmatched import Unmatched, unmatched_buckets
from cos_sweeper.cli.words import sentence, t
from cos_sweeper.core import plan as core_plan
from cos_sweeper.core.deadline import Deadline
from cos_sweeper.core.errors import CosRejected
from cos_sweeper.core.model import Bucket, Request, SweepRequest
from cos_sweeper.core.plan import Plan
from cos_sweeper.core.redaction import Redactor
from cos_sweeper.core.report import Report
from cos_sweeper.core.settings import SECRETS, Credentials, Settings, key_mask
from cos_sweeper.core.version import VERSION
from cos_sweeper.cos.instance import InstanceCache
from cos_sweeper.cos.sdk_store import Clients, CosStore
from cos_sweeper.engine import continuation, paginator
from cos_sweeper.net.client import Connections
from cos_sweeper.recording import Recording
from cos_sweeper.report.log import Log
from cos_sweeper.report.report_folder import NamedFolder, ReportFolder
from cos_sweeper.report.report_store import ReportStore

if TYPE_CHECKING:
    from cos_sweeper.cli.shown import Shown

T = TypeVar("T")

DEFAULT_RECORDS = "cos-sweeper-records"
OWNER_ONLY = 0o600


@dataclass(frozen=True, slots=True)
class Swept:
    """
    What a run of the engine did. report_json: report.json, None where nothing could be merged. folder: with what could
    not be stored.
    """

    report: Report
    report_json: dict[str, Any] | None
    folder: KeptFolder


class Session:
    """
    One command. console: where it writes. log: the engine's log, in the file of `--log`, or nowhere.

    interrupt: Ctrl-C, and the deadline of all work.
    """

    def __init__(
        self,
        config: Config,
        console: Console,
        *,
        profile: str | None = None,
        log_file: Path | None = None,
        is_traced: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self.config = config
        self.console = console
        self.interrupt = Interrupt(self._tell_interrupted)
        self._profile = profile
        self._log_path = log_file
        self._log_file: IO[str] | None = None
        self._log_failed = ""
        self._is_traced = is_traced
        self._now = now
        self._instance = InstanceCache()
        self._known: tuple[tuple[Bucket, ...], datetime] | None = None

    def __enter__(self) -> "Session":
        if self._log_path is not None:
            # A file that cannot be written is known before anything is done.
            self.log.info("command.began", version=VERSION)
        return self

    def __exit__(self, *_: object) -> None:
        if "connections" in self.__dict__:
            self.connections.close()
        self._instance.reset()
        if self._is_traced and not self._trace.requests:
            self.console.say(t("No request was sent."))
        if self._log_file is not None:
            with suppress(OSError):
                self._log_file.close()

    # What it is made of

    @cached_property
    def settings(self) -> Settings:
        """The settings. Raises Misused or BadSettings."""
        return self.config.settings

    @property
    def is_dry_run(self) -> bool:
        """Whether an operator set DRY_RUN to true. Then no plan aborts anything."""
        return self.config.is_explicit("DRY_RUN") and self.settings.dry_run

    @cached_property
    def found_credentials(self) -> credential_places.Found:
        """The credentials and where they are from. Raises Misused."""
        return credential_places.find(
            self.config.environ, self._profile, file_profile=self.config.of_command.get("PROFILE")
        )

    @property
    def credentials(self) -> Credentials:
        """The credentials. Raises Misused."""
        return self.found_credentials.credentials

    @cached_property
    def redactor(self) -> Redactor:
        """Removes every secret that this command knows."""
        environ = self.config.merged
        secrets = [environ.get(name) for name in (*SECRETS, *credential_places.SECRET_NAMES)]
        with suppress(Misused):
            own = self.credentials
            secrets += [own.secret_id, own.secret_key, own.token]
        return Redactor(secrets, key_mask(environ))

    @cached_property
    def log(self) -> Log:
        """The engine's log."""
        if self._log_path is None:
            return Log(lambda _: None, self.redactor)
        try:
            descriptor = private_file.create(self._log_path)
        except OSError as exc:
            raise Misused(
                t("{path} cannot be written: {why}.", path=self._log_path, why=exc.strerror), t("Give another file.")
            ) from None
        self._log_file = os.fdopen(descriptor, "w", encoding="utf-8", buffering=1)
        return Log(self._write_log, self.redactor)

    def _write_log(self, line: str) -> None:
        """A log that cannot be written stops no run: its end says so."""
        if self._log_file is None or self._log_failed:
            return
        try:
            self._log_file.write(line + "\n")
        except OSError as exc:
            self._log_failed = exc.strerror or type(exc).__name__

    def log_code(self) -> int:
        """The exit code that the log leads to. Says it where the log is not whole."""
        if not self._log_failed:
            return exits.COMPLETE
        self.console.say(t("{path} cannot be written: {why}.", path=str(self._log_path), why=self._log_failed), "warn")
        return exits.FAILED

    @property
    def deadline(self) -> Deadline:
        """Of all work of this command: far away until Ctrl-C."""
        return self.interrupt.deadline

    @cached_property
    def connections(self) -> Connections:
        """The connections of this command to COS."""
        return self.connections_to(self.config.settings_of_all.cos_port)

    def connections_to(self, port: int | None) -> Connections:
        """Connections whose exchanges `--trace` shows. port: as Connections."""
        return self._trace.connections(port) if self._is_traced else Connections(port)

    @cached_property
    def _trace(self) -> Trace:
        return Trace(self.console.block, self.redactor)

    @cached_property
    def _store(self) -> WatchedStore:
        settings = self.config.settings_of_all
        clients = Clients(self.credentials, plain_http=settings.cos_port is not None)
        store = WatchedStore(
            clients, self.connections, self.deadline, sleep=self.interrupt.sleep, reports=settings.report
        )
        # No later run begins with the other buckets.
        store.stop_buckets_alone()
        store.unmatched = self._unmatched
        return store

    @cached_property
    def _unmatched(self) -> Unmatched:
        return Unmatched(self.config)

    def say_unmatched(self) -> None:
        """After a listing that came to its end: which prefixes of the command line match nothing."""
        if not self.interrupt.is_set:
            for text in self._unmatched.told():
                self.console.say(text, "warn")

    def say_where(self) -> None:
        """Before a question, and before aborts without one: what nobody typed and what decides where they go."""
        for text in self.config.notices():
            self.console.say(text, "warn")

    def store(self, deadline: Deadline | None = None) -> CosStore:
        """COS, with these credentials. deadline: that of the session by default."""
        return self._store if deadline is None else self._store.until(deadline)

    # What it does

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run it on the session's loop, with Ctrl-C. Raises `interrupt.Stopped` after the second one."""
        return self._instance.run(self.interrupt.guard(coroutine))

    async def buckets(self) -> tuple[Bucket, ...]:
        """
        The buckets to work on: those that BUCKETS allows, or of these the ones that `--bucket` names, without
        EXCLUDE_BUCKETS. Raises Misused for a bucket that is not allowed, StoreError.
        """
        return (await self.buckets_as_of())[0]

    async def buckets_as_of(self) -> tuple[tuple[Bucket, ...], datetime]:
        """The same, and the earlier of our clock and COS's."""
        if self._known is None:
            allowed = self.settings.buckets
            now = self._now()
            known, as_of = await self._every_bucket(now) if allowed is None else (allowed, now)
            self._known = scope.chosen(known, self.config), as_of
            for text in unmatched_buckets(self.config, known):
                self.console.say(text, "warn")
        return self._known

    async def _every_bucket(self, now: datetime) -> tuple[tuple[Bucket, ...], datetime]:
        try:
            return await paginator.every_bucket(self.store(), now)
        except CosRejected as exc:
            if exc.code != "AccessDenied":
                raise
            raise Problem(
                t("These credentials may not list the buckets (GetService)."),
                t("Name each bucket: `{command}`.", command="cos-sweeper check --bucket NAME@REGION"),
            ) from exc

    def new_run_id(self) -> str:
        """An id as the function makes them."""
        return f"{self._now():%Y%m%dT%H%M%SZ}-{os.urandom(4).hex()}"

    async def plan(
        self, *requests: Request, dry_run: bool, as_of: datetime | None = None, settings: Settings | None = None
    ) -> Plan:
        """
        The plan of these requests, as the function would make it.

        dry_run: in place of DRY_RUN where no operator set that to true. as_of: of an earlier plan, so that nothing is
        older than it was there. settings: in place of the session's. Raises Misused where a request is beyond the
        settings.
        """
        buckets, now = await self.buckets_as_of()
        used = replace(settings or self.settings, dry_run=dry_run or self.is_dry_run)
        run_id, moment = self.new_run_id(), min(now, as_of or now)
        if not buckets:
            raise Misused(
                t("There is no bucket to work on."), t("`cos-sweeper check` shows which buckets are allowed.")
            )
        planned = core_plan.build_plan(requests, used, buckets, run_id, moment, has_account=True)
        if planned.rejected:
            raise Misused(sentence(planned.rejected[0].reason))
        # Several runs of one command judge by one moment, and each begins when it begins.
        return replace(planned, began=self._now())

    async def sweep_plan(self, *, dry_run: bool, inventory: bool = False, as_of: datetime | None = None) -> Plan:
        """
        The plan of a sweep of the buckets and prefixes that the options name.

        A plan that aborts nothing has no limit of aborts, so it shows everything that is abandoned.
        """
        request = SweepRequest(prefixes=self.config.prefixes, inventory=inventory, origin="command")
        planned = await self.plan(request, dry_run=dry_run, as_of=as_of)
        return replace(planned, limit=None) if planned.dry_run else planned

    def folder(self, records: Path | None = None, *, is_needed: bool) -> NamedFolder | None:
        """
        Where records go: to the directory `records`, else to REPORT, else, if they are needed, to DEFAULT_RECORDS.
        """
        in_file = self.config.of_command.get("RECORDS")
        path = records or (Path(in_file) if in_file else None)
        location = self.settings.report
        if path is None and location is not None:
            until = self.deadline.storing
            return ReportFolder(location, lambda: self.store(until()), reading=lambda: self.store().apart(until()))
        if path is None and not is_needed:
            return None
        return LocalFolder(Path.cwd() / (path or DEFAULT_RECORDS))

    async def sweep(
        self,
        plan: Plan,
        folder: NamedFolder | None,
        progress: Progress | None = None,
        shown: "Shown | None" = None,
    ) -> Swept:
        """
        Run the engine on a plan to its end, or to Ctrl-C, and record it in `folder`; None: nothing is stored.

        shown: nothing but what a question showed is listed.
        """
        self._store.progress, self._store.shown = progress or NoProgress(), shown
        try:
            return await self._sweep(plan, folder, progress)
        finally:
            self._store.shown = None

    async def _sweep(self, plan: Plan, folder: NamedFolder | None, progress: Progress | None) -> Swept:
        is_in_cos = isinstance(folder, ReportFolder)
        settings = self.settings if is_in_cos else replace(self.settings, report=None)
        kept = KeptFolder(folder)
        reports = ReportStore(folder, self.redactor, self.log, delivery=os.urandom(4).hex())
        buckets = await self.buckets()
        recorder = Recording(
            plan, settings, lambda _: kept, buckets, self._store, self.deadline, self.log, self.redactor, reports
        )
        async with recorder:
            report = await continuation.run(
                plan,
                self._store,
                self.deadline,
                self.log,
                None,
                retries=False,
                now=self._now(),
                recorder=ProgressRecorder(recorder, progress or NoProgress()),
            )
            await reports.put_report(report)
            report_json = await recorder.end(report)
        return Swept(report, report_json, kept)

    def _tell_interrupted(self) -> None:
        self.console.say("")
        self.console.say(
            t("Stopping: what is in flight ends, then the account so far. Press Ctrl-C again to stop at once."), "warn"
        )


def place_of(folder: NamedFolder | None, run_id: str) -> str:
    """Where a run is recorded, for people; '' for nowhere."""
    if isinstance(folder, LocalFolder):
        path = folder.path / run_id
        return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
    if isinstance(folder, ReportFolder):
        return f"{folder.location.bucket}/{folder.location.prefix}{run_id}/"
    return ""


def environment() -> Mapping[str, str]:
    """The environment of the process."""
    return dict(os.environ)
