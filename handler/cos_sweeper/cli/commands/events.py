"""
`events`: an example event for each trigger, for the console's test button.
"""

from typing import TYPE_CHECKING

import click

from cos_sweeper.cli.event_templates import KEY, TRIGGERS, UPLOAD_ID
from cos_sweeper.cli.framework import ALL_BUCKETS, BUCKET, EXCLUDE_BUCKET, Argument, Option, new_command

if TYPE_CHECKING:
    from cos_sweeper.cli.session import Session

TRIGGER = Argument(
    "trigger",
    "Of which trigger; without it all are listed.",
    required=False,
    metavar="[TRIGGER]",
    type=click.Choice(list(TRIGGERS)),
)
OF_KEY = Option(["--key"], default=KEY, metavar="KEY", help="The key in the event. [one that is not there]")
OF_UPLOAD = Option(
    ["--upload-id"], default=UPLOAD_ID, metavar="ID", help="The upload id in the event. [one that is not there]"
)


@new_command(
    "events",
    "An example event for each trigger, for the console's test button.",
    details=(
        "The buckets are those of the settings. An event aborts nothing as it comes: it is a dry run, or it names an "
        "upload that is not there."
    ),
    examples=(
        "cos-sweeper events",
        "cos-sweeper events timer --bucket photos-1250000000@ap-guangzhou",
        "cos-sweeper events direct > event.json && scf invoke --path event.json",
    ),
    params=(TRIGGER, BUCKET, ALL_BUCKETS, EXCLUDE_BUCKET, OF_KEY, OF_UPLOAD),
)
def command(session: "Session", trigger: str | None, key: str, upload_id: str) -> int:
    """Print one event, or list all."""
    from cos_sweeper.cli import event_examples

    return event_examples.show(session, trigger, key, upload_id)
