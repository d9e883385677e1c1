"""
COS's own count of fragments for people, and what it does not say.
"""

from datetime import datetime, timezone
from typing import Any

from rich.text import Text

from cos_sweeper.cli import exits
from cos_sweeper.cli.monitor import PERMISSIONS, Monitor, MonitorFailed, Survey
from cos_sweeper.cli.problems import UNREACHABLE, Misused, Problem
from cos_sweeper.cli.session import Session
from cos_sweeper.cli.tables import Bar, Column, Table, shown_key
from cos_sweeper.cli.words import t
from cos_sweeper.core.settings import LOCAL_ENDPOINT
from cos_sweeper.report.page_parts import numbers

FIRST = 3
# As COS_ENDPOINT and INVOKE_ENDPOINT: a server on this machine in place of Cloud Monitor.
ENDPOINT = "MONITOR_ENDPOINT"


def show(session: Session) -> int:
    """Ask Cloud Monitor and show what it says. Returns the exit code. Raises Problem."""
    console = session.console
    buckets = session.run(session.buckets())
    if not buckets:
        raise Misused(t("There is no bucket to work on."), t("`cos-sweeper check` shows which buckets are allowed."))
    port = _port(session.config.environ.get(ENDPOINT, "").strip())
    monitor = Monitor(
        session.credentials,
        session.deadline.request_seconds,
        port=port,
        sleep=session.interrupt.sleep,
        connections=session.connections_to(port),
    )
    try:
        found = session.run(monitor.survey(buckets, datetime.now(timezone.utc)))
    except MonitorFailed as exc:
        if session.interrupt.is_set:
            return exits.INTERRUPTED
        raise _problem(exc) from exc
    console.data(_as_json(found))
    console.show(_table(found))
    if not console.is_json:
        console.say(_two_ways(), "warn")
    for text in found.meanings:
        console.say(t("Cloud Monitor describes it as: {text}", text=shown_key(text)))
    console.say(t("{n} requests to Cloud Monitor.", n=found.requests))
    for name, code in found.failed:
        console.say(t("{metric} was not answered for every bucket: {code}.", metric=name, code=code), "bad")
    first = [one for one in found.counts if one.total][:FIRST]
    for one in first:
        console.next_step(f"`cos-sweeper inventory --bucket {one.bucket}`")
    if session.interrupt.is_set:
        return exits.INTERRUPTED
    return exits.PARTIAL if found.failed else exits.COMPLETE


def _table(found: Survey) -> Table:
    whole = max((one.total for one in found.counts), default=0)
    table = Table(
        t("COS's own count of fragments"),
        [
            Column(t("bucket")),
            Column(t("fragments"), is_number=True),
            Column(""),
            Column(t("by class"), min_width=100),
            Column(t("as of (UTC)"), min_width=76),
        ],
    )
    for one in found.counts:
        classes = ", ".join(f"{name} {numbers.count(count)}" for name, count in one.by_class if count)
        table.add(
            str(one.bucket),
            numbers.count(one.total) if one.by_class else Text(t("no data"), "quiet"),
            Bar((("left", one.total),), whole),
            classes,
            f"{one.latest:%Y-%m-%d %H:%M}" if one.latest else "",
        )
    return table


def _as_json(found: Survey) -> dict[str, Any]:
    return {
        "source": "Cloud Monitor",
        "unit": "fragments",
        "unit_note": _two_ways(),
        "described_as": list(found.meanings),
        "requests": found.requests,
        "failed": [{"metric": name, "code": code} for name, code in found.failed],
        "buckets": [
            {
                "bucket": str(one.bucket),
                "fragments": one.total if one.by_class else None,
                "by_class": dict(one.by_class),
                "as_of": f"{one.latest:%Y-%m-%dT%H:%M:%SZ}" if one.latest else None,
            }
            for one in found.counts
        ],
    }


def _two_ways() -> str:
    """What the numbers do not say."""
    return t(
        "Its unit is documented in two ways: one page of COS's documentation counts unfinished uploads, another one "
        "their parts. So the order of the buckets is a hint, and the numbers are not those of an inventory."
    )


def _port(endpoint: str) -> int | None:
    match = LOCAL_ENDPOINT.fullmatch(endpoint)
    if endpoint and not match:
        raise Misused(t("MONITOR_ENDPOINT is not `http://127.0.0.1:PORT`."), t("Remove it to use the cloud."))
    return int(match[1]) if match else None


def _problem(error: MonitorFailed) -> Problem:
    of_request = t(" (request id {id})", id=error.request_id) if error.request_id else ""
    sentence = t("Cloud Monitor answered {code}{of_request}.", code=error.code, of_request=of_request)
    if error.code in UNREACHABLE:
        sentence = t("Cloud Monitor could not be reached: {code}.", code=error.code)
    if error.is_denied:
        return Problem(sentence, t("These credentials need {permissions}.", permissions=", ".join(PERMISSIONS)))
    return Problem(sentence, t("Try again later, or count exactly: `cos-sweeper inventory`."))
