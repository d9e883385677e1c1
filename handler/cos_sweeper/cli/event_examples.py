"""
The example events for people: a list of them, or one as JSON.
"""

import json
from datetime import datetime, timezone

import click

from cos_sweeper.cli import event_templates, exits, output
from cos_sweeper.cli.event_templates import KEY, TRIGGERS, UPLOAD_ID, Example
from cos_sweeper.cli.problems import Misused
from cos_sweeper.cli.session import Session
from cos_sweeper.cli.tables import Column, Table
from cos_sweeper.cli.words import t
from cos_sweeper.core.keys import validate_key

# Triggers whose example names an upload, or at least a key.
OF_UPLOADS = tuple(name for name in TRIGGERS if name not in ("timer", "inventory"))
# A timer's argument has 4 KB; a few names show the form.
MAX_BUCKETS = 5


def show(session: Session, trigger: str | None, key: str, upload_id: str) -> int:
    """Print one event as JSON, or list all. Raises Misused."""
    console = session.console
    why = validate_key(key, upload_id)
    if why:
        raise Misused(f"{why[:1].upper()}{why[1:]}.")
    if trigger not in OF_UPLOADS and not (trigger is None and console.is_json) and (key, upload_id) != (KEY, UPLOAD_ID):
        raise Misused(
            t("`--key` and `--upload-id` have no effect here."), t("Name a trigger whose event names an upload.")
        )
    if trigger is None and not console.is_json:
        console.show(_table())
        console.next_step("`cos-sweeper events timer`")
        return exits.COMPLETE
    example = _example(session, key, upload_id)
    if trigger is None:
        console.data({name: event_templates.event(name, example) for name in TRIGGERS})
        return exits.COMPLETE
    text = json.dumps(event_templates.event(trigger, example), indent=2, ensure_ascii=False)
    # What a terminal would obey is escaped as JSON has it, so the event is the same.
    output.mark_data()
    click.echo("".join(one if one.isprintable() or one == "\n" else json.dumps(one)[1:-1] for one in text))
    _note(session, trigger, example)
    return exits.COMPLETE


def _note(session: Session, trigger: str, example: Example) -> None:
    """What the person who sends the event must know."""
    console = session.console
    if (example.key, example.upload_id) != (KEY, UPLOAD_ID) and trigger not in ("timer", "inventory"):
        console.say(t("While DRY_RUN is false, the function acts on this event for real."), "warn")
    if trigger == "http" and example.has_token:
        console.say(t("Put the value of HTTP_TOKEN in place of {token}.", token=event_templates.TOKEN))
    if trigger == "inventory" and session.settings.report is None:
        console.say(t("An inventory needs REPORT: its account is stored there."), "warn")
    if trigger == "cmq":
        console.say(t("Tencent Cloud has closed CMQ; the shape is still read."))


def _example(session: Session, key: str, upload_id: str) -> Example:
    buckets = session.run(session.buckets())
    if not buckets:
        raise Misused(t("There is no bucket to work on."), t("`cos-sweeper check` shows which buckets are allowed."))
    has_token = not session.settings.http_platform_auth
    return Example(buckets[:MAX_BUCKETS], datetime.now(timezone.utc), key, upload_id, has_token)


def _about() -> dict[str, str]:
    """What each example is."""
    return {
        "timer": t("A sweep of these buckets, as a dry run."),
        "inventory": t("An inventory of these buckets. It aborts nothing."),
        "direct": t("One upload, by a direct invocation."),
        "ckafka": t("One upload, as a message of CKafka."),
        "cmq": t("One upload, as a message of CMQ."),
        "cls": t("One upload, as a log line of CLS."),
        "eventbridge": t("One upload, as an event of EventBridge."),
        "cos": t("An object was completed: its stale siblings."),
        "http": t("One upload, by the Function URL."),
    }


def _table() -> Table:
    table = Table(t("Example events"), [Column(t("trigger")), Column(t("what it is"), is_elastic=True)])
    for name, text in _about().items():
        table.add(name, text)
    return table
