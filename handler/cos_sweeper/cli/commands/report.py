"""
`report`: stored reports and records.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cos_sweeper.cli.framework import HTML, Argument, Option, new_command, suggest

if TYPE_CHECKING:
    from cos_sweeper.cli.session import Session

FIND = Option(["--find"], metavar="KEY", help="What the records say of the uploads of this key.")
LIST = Option(["--list", "is_list"], is_flag=True, help="One line for each upload of the run, for other programs.")
FROM = Option(
    ["--records"],
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Runs are in this directory. [REPORT, or cos-sweeper-records]",
)


@new_command(
    "report",
    "The report of an earlier run, as tables, page or JSON. Without a run: which there are.",
    details=(
        "Reads REPORT in COS, or a directory. Merges what the runs of a chain stored; where a chain ended without a "
        "report, it is completed and stored. With --find it looks a key up in the records of one run, or of all. A "
        "line of --list has bucket, key, upload id, bytes, start, last part, outcome and reason, with tabs between "
        "them; with --json it is a JSON object."
    ),
    examples=(
        "cos-sweeper report",
        "cos-sweeper report latest --html account.html",
        "cos-sweeper report cos-sweeper-records/20261126T011804Z-9e036f22 --json",
        "cos-sweeper report latest --list | cut -f 1-3",
        "cos-sweeper report --find raw/cat.mp4",
    ),
    params=(
        Argument(
            "run",
            "the id of a run, `latest`, or a directory",
            required=False,
            metavar="[RUN|DIR]",
            shell_complete=suggest("runs"),
        ),
        FIND,
        LIST,
        HTML,
        FROM,
    ),
)
def command(
    session: "Session", *, run: str | None, find: str | None, is_list: bool, html: Path | None, records: Path | None
) -> int:
    """Read and show."""
    from cos_sweeper.cli import reporting

    return reporting.report(session, reporting.Wishes(run, find, html, records, is_list=is_list))
