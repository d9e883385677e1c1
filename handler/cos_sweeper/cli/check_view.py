"""
`check` as a person reads it: the findings line by line, the buckets as a table, and the next step.
"""

from typing import Any

from rich.text import Text

from cos_sweeper.cli import checking, exits
from cos_sweeper.cli.checking import BAD, GOOD, NONE, WARN, BucketFindings, Finding
from cos_sweeper.cli.problems import UNREACHABLE, Misused
from cos_sweeper.cli.session import Session
from cos_sweeper.cli.tables import Cell, Column, Table
from cos_sweeper.cli.words import colon, pair, t
from cos_sweeper.core.errors import BadSettings, StoreError
from cos_sweeper.core.model import Bucket
from cos_sweeper.core.settings import Settings
from cos_sweeper.report.page_parts import numbers, words

MARKS = {GOOD: "✓", WARN: "!", BAD: "✗", NONE: "–"}
STYLES = {GOOD: "good", WARN: "warn", BAD: "bad", NONE: "quiet"}
SHORT_SECONDS, ENOUGH_MB = 60, 128
ALWAYS = ("BUCKETS", "MIN_AGE_HOURS", "MIN_IDLE_HOURS", "MAX_ABORTS", "DRY_RUN", "REPORT")


def check(session: Session, function: str | None) -> int:
    """Show everything. Returns the exit code."""
    console, found = session.console, _Found()
    console.show(Text(t("Settings"), "heading"), settings_table(session))
    try:
        settings = session.config.settings_of_all
    except BadSettings as exc:
        for problem in exc.problems:
            found.show(session, Finding(t("settings"), BAD, problem))
        session.console.data(found.as_json(session))
        return exits.USAGE
    console.show("", Text(t("Access"), "heading"))
    try:
        account = session.run(checking.account(session))
    except Misused as exc:
        found.show(session, Finding(t("credentials"), BAD, exc.sentence, exc.next_step))
        session.console.data(found.as_json(session))
        return exits.USAGE
    found.show(session, checking.of_credentials(session, account))
    found.show(session, _endpoint(settings))
    if found.is_bad:
        # Every other request would fail in the same way.
        console.data(found.as_json(session))
        return exits.FAILED
    found.show(session, checking.of_clock(account, checking.utc_now()))
    found.show(session, checking.of_service(session, account))
    if settings.report is not None:
        found.show(session, session.run(checking.of_report(session, settings.report)))
    if function:
        found.show(session, _function(session, function))
    _check_buckets(session, found, account.buckets)
    console.data(found.as_json(session))
    _say_next(session, found)
    return exits.FAILED if found.is_bad else exits.COMPLETE


def settings_table(session: Session) -> Table:
    """What is set and where, and the defaults that matter most."""
    config = session.config
    table = Table("", (Column(t("setting")), Column(t("value"), is_elastic=True), Column(t("from"), is_elastic=True)))
    for name in sorted({*config.given, *ALWAYS}, key=lambda name: (name not in ALWAYS, name)):
        given = config.given.get(name)
        if given is not None:
            table.add(name, given.shown, given.shown_origin)
        else:
            table.add(Text(name, "quiet"), Text(_default(name), "quiet"), Text(t("default"), "quiet"))
    return table


def _default(name: str) -> str:
    plain = Settings(None)
    return {
        "BUCKETS": t("not set"),
        "MIN_AGE_HOURS": f"{plain.min_age.total_seconds() / 3600:g}",
        "MIN_IDLE_HOURS": f"{plain.min_idle.total_seconds() / 3600:g}",
        "MAX_ABORTS": str(plain.max_aborts),
        "DRY_RUN": t("not set: `sweep` plans, `sweep --abort` aborts"),
        "REPORT": t("not set: records go to a directory"),
    }[name]


class _Found:
    """All findings so far."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.buckets: list[BucketFindings] = []
        self.total_buckets = 0

    @property
    def is_bad(self) -> bool:
        """Whether something that a sweep needs does not work."""
        return any(one.state == BAD for one in self.findings) or any(one.denied for one in self.buckets)

    def show(self, session: Session, finding: Finding) -> None:
        """Add a finding, and show it at once."""
        self.findings.append(finding)
        mark, style = MARKS[finding.state], STYLES[finding.state]
        session.console.item(mark, style, Text.assemble((finding.name, "strong"), colon(), finding.text))
        if finding.advice:
            session.console.next_step(finding.advice, is_result=True)

    def as_json(self, session: Session) -> dict[str, Any]:
        """For `--json`."""
        given = session.config.given.values()
        return {
            "settings": {one.name: {"value": one.shown, "from": one.origin} for one in given},
            "checks": [one.as_json() for one in self.findings],
            "buckets": [one.as_json() for one in self.buckets],
            "good": not self.is_bad,
        }


def _endpoint(settings: Settings) -> Finding:
    name = t("endpoint")
    if settings.cos_port is not None:
        return Finding(name, WARN, t("http://127.0.0.1:{port}, an emulator and not the cloud", port=settings.cos_port))
    return Finding(name, GOOD, "https://<bucket>.cos.<region>.myqcloud.com")


def _function(session: Session, text: str) -> Finding:
    from cos_sweeper.cli import deployed

    found, name = session.run(deployed.describe(session, deployed.name_of(text))), t("function")
    if isinstance(found, str):
        return Finding(name, WARN, f"{text}: {found}", _about_function(found))
    shown = t(
        "{name}: {seconds} s, {mb} MB, {runtime}",
        name=text,
        seconds=found.seconds,
        mb=found.memory_mb,
        runtime=found.runtime,
    )
    if found.seconds < SHORT_SECONDS:
        return Finding(name, WARN, shown, t("Raise its time limit; 900 s are best for sweeps."))
    if found.memory_mb < ENOUGH_MB:
        return Finding(name, WARN, shown, t("Raise its memory to 128 MB at least."))
    return Finding(name, GOOD, shown)


def _about_function(code: str) -> str:
    """What to do about an error of SCF."""
    if code in UNREACHABLE or "Network" in code:
        return t("SCF could not be reached. Check the network, and the region.")
    if code.startswith("ResourceNotFound"):
        return t("Write REGION/NAMESPACE/NAME as the console shows them.")
    if code.startswith(("UnauthorizedOperation", "AuthFailure")):
        return t("Reading it needs scf:GetFunction.")
    return t("Try again later.")


# Buckets


def _check_buckets(session: Session, found: _Found, listed: list[Bucket]) -> None:
    buckets = _buckets(session, listed)
    found.total_buckets = len(buckets)
    found.buckets = session.run(checking.of_buckets(session, buckets[: checking.MAX_BUCKETS])) if buckets else []
    if not found.buckets:
        return
    session.console.show("", Text(t("Buckets"), "heading"), buckets_table(found.buckets))
    if len(buckets) > checking.MAX_BUCKETS:
        session.console.show(
            Text(t("{n} more buckets were not checked.", n=len(buckets) - checking.MAX_BUCKETS), "warn")
        )
    for text in checking.advice_for(found.buckets):
        session.console.next_step(text, is_result=True)


def _buckets(session: Session, listed: list[Bucket]) -> list[Bucket]:
    """Those in scope; without BUCKETS all that can be listed."""
    if not session.config.is_explicit("BUCKETS"):
        return listed
    try:
        return list(session.run(session.buckets()))
    except StoreError:
        # BUCKETS is `*`, and the line about the buckets says why they cannot be listed.
        return []


def buckets_table(found: list[BucketFindings]) -> Table:
    """Permissions and rules of each bucket."""
    table = Table(
        "",
        (
            Column(t("bucket"), is_elastic=True),
            Column(t("list")),
            Column(t("parts")),
            Column(t("abort")),
            Column(t("unfinished"), is_number=True),
            Column(t("lifecycle rule")),
        ),
    )
    for one in found:
        table.add(str(one.bucket), *(_mark(one, name) for name in checking.OPERATIONS), _uploads(one), _rule(one))
    return table


def _mark(one: BucketFindings, operation: str) -> Cell:
    code = one.by_operation.get(operation)
    if code is None:
        return Text(MARKS[NONE], "quiet")
    # What is advised about says the code's meaning, and a code takes the width of the bucket's name.
    shown = MARKS[BAD] if code in checking.ADVISED else code
    return Text(shown, "bad") if code else Text(MARKS[GOOD], "good")


def _uploads(one: BucketFindings) -> str:
    if one.uploads is None:
        return "?"
    return ("≥ " if one.has_more else "") + numbers.count(one.uploads)


def _rule(one: BucketFindings) -> Cell:
    if one.coverage is None:
        return ""
    state = one.coverage.state.value
    tone, name, _ = words.COVERAGE.get(state, ("warn", (state, state), ("", "")))
    days = t(", {n} d", n=one.coverage.days) if one.coverage.days is not None else ""
    return Text(pair(name) + days, {"ok": "good", "bad": "warn"}.get(tone, "warn"))


def _say_next(session: Session, found: _Found) -> None:
    if found.is_bad or not found.buckets:
        return
    config = session.config
    if config.only:
        scope = "".join(f" --bucket {one.bucket}" for one in found.buckets)
    else:
        buckets = config.given.get("BUCKETS")
        scope = " --all-buckets" if buckets is None or buckets.origin == "--all-buckets" else ""
    command = f"cos-sweeper inventory{scope}"
    session.console.next_step(t("`{command}` shows what is unfinished, and aborts nothing.", command=command))
