"""
`drain`: everything unfinished in a bucket that is to be deleted.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from cos_sweeper.cli.framework import (
    DRY_RUN,
    EXCLUDE_BUCKET,
    EXCLUDE_PREFIX,
    RECORDS_HERE,
    BucketArgument,
    Option,
    SettingOption,
    new_command,
)

if TYPE_CHECKING:
    from cos_sweeper.cli.session import Session

CONFIRM = Option(["--confirm"], metavar="BUCKET", help="The bucket's name again: do not ask.")
YES = Option(["--yes", "-y"], is_flag=True, hidden=True, help="Not enough here.")
COMMITTERS = SettingOption(
    "--include-committers",
    "INCLUDE_COMMITTERS",
    is_flag=True,
    help="Also where Hadoop, Spark and others write running jobs.",
)


@new_command(
    "drain",
    "Abort everything unfinished in a bucket that is to be deleted. No age protects an upload.",
    details=(
        "COS deletes a bucket only when it has no unfinished upload, either. This is the one command for which age and "
        "idle time do not count: uploads in progress are aborted, too. BUCKETS, PREFIXES and exclusions hold. It asks "
        "for the bucket's name, repeats until the listing is empty, and records into a directory, never into REPORT: "
        "cos-sweeper-records, or --records."
    ),
    examples=(
        "cos-sweeper drain old-1250000000@ap-guangzhou",
        "cos-sweeper drain old-1250000000@ap-guangzhou --dry-run",
        "cos-sweeper drain old-1250000000@ap-guangzhou --confirm old-1250000000",
    ),
    params=(BucketArgument(), CONFIRM, YES, DRY_RUN, EXCLUDE_BUCKET, EXCLUDE_PREFIX, COMMITTERS, RECORDS_HERE),
)
def command(session: "Session", *, bucket: str, confirm: str | None, yes: bool, records: Path | None) -> int:
    """Show, ask, abort."""
    from cos_sweeper.cli import draining

    del bucket  # the session has it
    return draining.drain(session, confirm, yes=yes, records=records)
