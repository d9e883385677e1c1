"""
The lifecycle coverage of all buckets for people: what is proven, and what to do.
"""

import math
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from rich.text import Text

from cos_sweeper.cli import command_line, exits
from cos_sweeper.cli.session import Session
from cos_sweeper.cli.tables import Column, Table, shown_key
from cos_sweeper.cli.words import t
from cos_sweeper.core.coverage import RULE_DAYS, Coverage, State
from cos_sweeper.core.settings import Settings
from cos_sweeper.engine import coverage as reading

MAX_PREFIXES = 3
STYLES = {State.WHOLE_BUCKET: "good", State.UNREADABLE: "bad", State.OBJECT_LOCK: "warn"}
# A rule that is added does what these lack.
MENDABLE = (State.PREFIXES, State.DISABLED, State.TAG_FILTERED, State.ABSENT)


def show(session: Session) -> int:
    """Read the coverage and show it. Returns the exit code."""
    found = session.run(_read(session))
    session.console.data(_as_json(found))
    session.console.show(_table(found))
    covered = sum(one.state is State.WHOLE_BUCKET for one in found)
    session.console.show(Text(t("{n} of {m} buckets have a rule for every upload.", n=covered, m=len(found)), "strong"))
    mendable = next((one for one in found if one.state in MENDABLE), None)
    unread = [one for one in found if one.state is State.UNREADABLE]
    if unread:
        session.console.next_step(t("`cos-sweeper check` shows why rules cannot be read."))
    if mendable is not None:
        session.console.next_step(f"`{add_command(mendable, session.settings)}`")
    if session.interrupt.is_set:
        return exits.INTERRUPTED
    if unread:
        return exits.FAILED if len(unread) == len(found) else exits.PARTIAL
    return exits.COMPLETE


def add_command(found: Coverage, settings: Settings) -> str:
    """The command that adds the recommended rule. With prefixes or exclusions in the settings it needs a prefix."""
    days = max(RULE_DAYS, math.ceil(settings.min_age / timedelta(days=1)))
    prefix = " --prefix PREFIX" if settings.prefixes or settings.exclude_prefixes else ""
    return command_line.command(f"cos-sweeper lifecycle --add-rule {days}{prefix} --bucket {found.bucket}")


async def _read(session: Session) -> tuple[Coverage, ...]:
    buckets = await session.buckets()
    found: list[Coverage] = []
    for start in range(0, len(buckets), reading.MAX_COVERED_BUCKETS):
        batch = buckets[start : start + reading.MAX_COVERED_BUCKETS]
        found += await reading.read(session.store(), batch, session.deadline)
    return tuple(found)


def _table(found: Sequence[Coverage]) -> Table:
    table = Table(
        t("Lifecycle rules for unfinished uploads"),
        [Column(t("bucket")), Column(t("rule")), Column(t("what to do"), is_elastic=True)],
    )
    for one in found:
        table.add(str(one.bucket), Text(_state(one), STYLES.get(one.state, "warn")), _next_step(one))
    return table


def _state(found: Coverage) -> str:
    match found.state:
        case State.WHOLE_BUCKET:
            return t("every upload, after {n} days", n=found.days)
        case State.PREFIXES:
            return t("some prefixes only")
        case State.DISABLED:
            return t("disabled")
        case State.TAG_FILTERED:
            return t("for tags, so for no upload")
        case State.ABSENT:
            return t("none")
        case State.UNREADABLE:
            return t("not known")
        case State.OBJECT_LOCK:
            return t("Object Lock")


def _next_step(found: Coverage) -> str:
    shown = ", ".join(
        t("{prefix} after {n} days", prefix=shown_key(one.prefix), n=one.days) for one in found.prefixes[:MAX_PREFIXES]
    )
    more = len(found.prefixes) - MAX_PREFIXES
    prefixes = shown + (t(" and {n} more", n=more) if more > 0 else "")
    match found.state:
        case State.WHOLE_BUCKET:
            return t("Nothing. Earlier: {prefixes}.", prefixes=prefixes) if prefixes else t("Nothing.")
        case State.PREFIXES:
            return t("Covered: {prefixes}. For all other keys add a rule.", prefixes=prefixes)
        case State.DISABLED:
            return t("Enable the rule in COS's console, or add one. {detail}", detail=found.detail)
        case State.TAG_FILTERED | State.ABSENT:
            return t("Add a rule.")
        case State.UNREADABLE:
            return found.detail
        case State.OBJECT_LOCK:
            return t("Sweep it: COS may carry out no rule here.")


def _as_json(found: Sequence[Coverage]) -> dict[str, Any]:
    counts = Counter(one.state.value for one in found)
    return {
        "counts": {state.value: counts[state.value] for state in State},
        "coverage": [{**one.as_json(), "next_step": _next_step(one)} for one in found],
    }
