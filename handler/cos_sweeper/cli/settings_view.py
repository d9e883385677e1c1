"""
All settings for people: one line each.
"""

from dataclasses import dataclass

from rich.text import Text

from cos_sweeper.cli import exits
from cos_sweeper.cli.problems import Misused, problem_of
from cos_sweeper.cli.session import Session
from cos_sweeper.cli.tables import Column, Table
from cos_sweeper.cli.words import t
from cos_sweeper.core.errors import BadSettings


@dataclass(frozen=True, slots=True)
class Described:
    """default: as it would be written, '' for none. form: how it is written. meaning: one line."""

    default: str
    form: str
    meaning: str


def described() -> dict[str, Described]:
    """Every setting, in the order of the documentation."""
    bucket, flag, hours = "name-appid@region", "true | false", t("hours")
    local = "http://127.0.0.1:PORT"
    rows = (
        ("BUCKETS", "", f"{bucket},… | *", t("the buckets that may be worked on")),
        ("MIN_AGE_HOURS", "168", hours, t("a sweep keeps an upload that is younger")),
        ("MIN_IDLE_HOURS", "72", hours, t("a sweep keeps an upload that got a part since then")),
        ("EVENT_MIN_IDLE_MINUTES", "0", t("minutes"), t("the same for an upload that is named by its id")),
        ("EXCLUDE_BUCKETS", "", "name-appid,…", t("buckets that are never touched")),
        ("PREFIXES", "", t("prefix,… or a JSON list"), t("only keys that begin so")),
        ("EXCLUDE_PREFIXES", "", t("prefix,… or a JSON list"), t("never keys that begin so")),
        ("INCLUDE_COMMITTERS", "false", flag, t("also where Hadoop, Spark and others write running jobs")),
        ("DRY_RUN", "true", flag, t("abort nothing; here it is false unless it is set")),
        ("MAX_ABORTS", "10000", t("a number or `none`"), t("the most aborts of one run")),
        ("VERIFY", "recent", "all | recent | none", t("which aborts are looked at again")),
        ("CHAIN_MAX_HOURS", "23", "1-168", t("how long the runs of one sweep of the function may take")),
        ("WORKERS", "32", "1-256", t("uploads that are looked at at the same time")),
        ("FAN_OUT", "1", "1-100", t("instances of the function that share a sweep")),
        ("REPORT", "", f"{bucket}/prefix", t("where records and reports are stored in COS")),
        ("PRICE_PER_GB_MONTH", "", t("a number, or JSON by storage class"), t("what a stored GB costs a month")),
        ("CURRENCY", "", "CNY | USD | …", t("the currency of the price")),
        ("LIFECYCLE_COVERAGE", t("on with reports"), flag, t("whether lifecycle rules are read for the report")),
        ("HTTP_AUTH", "token", "token | platform", t("who may call the function by HTTP")),
        ("HTTP_TOKEN", "", t("a secret"), t("the token of these calls")),
        ("NOTIFY_URL", "", t("a secret"), t("a webhook that hears of the end of a sweep")),
        ("NOTIFY", "problems", "problems | always", t("when it hears of it")),
        ("NOTIFY_SECRET", "", t("a secret"), t("signs these messages")),
        ("RECORD_KEYS", "plain", "plain | hash", t("how keys are shown and recorded")),
        ("RECORD_KEYS_SECRET", "", t("a secret"), t("the secret of the hashes")),
        ("COS_ENDPOINT", "", local, t("a local COS, for tests")),
        ("INVOKE_ENDPOINT", "", local, t("a local SCF, for tests")),
    )
    return {name: Described(*texts) for name, *texts in rows}


def show(session: Session) -> int:
    """Show them all. Returns the exit code."""
    config, console, every = session.config, session.console, described()
    heads = (t("value"), t("from"), t("form"), t("meaning"))
    columns = [Column(t("setting")), *(Column(head, is_elastic=True) for head in heads)]
    table = Table("", columns)
    for name, about in every.items():
        given = config.given.get(name)
        value = Text(given.shown, "strong") if given else Text(about.default or t("not set"), "quiet")
        table.add(name, value, config.origin(name), about.form, about.meaning)
    console.show(table)
    console.data(
        {
            name: {
                "value": config.given[name].shown if name in config.given else None,
                "from": config.origin(name),
                "default": about.default or None,
                "form": about.form,
                "meaning": about.meaning,
            }
            for name, about in every.items()
        }
    )
    try:
        _ = config.settings_of_all
    except BadSettings as exc:
        console.problem(Misused(problem_of(exc).sentence))
        return exits.USAGE
    return exits.COMPLETE
