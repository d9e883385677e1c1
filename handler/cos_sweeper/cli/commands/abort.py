"""
`abort`: one upload, or all uploads of one key.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from cos_sweeper.cli.framework import (
    EXCLUDE_BUCKET,
    EXCLUDE_PREFIX,
    POLICY,
    RECORDS,
    Argument,
    BucketArgument,
    Option,
    SettingOption,
    new_command,
)

if TYPE_CHECKING:
    from cos_sweeper.cli.session import Session

YES = Option(["--yes", "-y"], is_flag=True, help="Do not ask.")
EVENT_IDLE = SettingOption(
    "--event-min-idle-minutes",
    "EVENT_MIN_IDLE_MINUTES",
    metavar="MINUTES",
    help="With UPLOAD_ID: keep it if a part arrived since then. [0]",
)


@new_command(
    "abort",
    "Abort one upload, or all uploads of one key, after showing them and asking.",
    details=(
        "With UPLOAD_ID the rules are those of an event that names the upload. Without it they are those of a sweep, "
        "so younger uploads of the key are kept. Exit code 3: an upload is still there."
    ),
    examples=(
        "cos-sweeper abort photos-1250000000@ap-guangzhou raw/cat.mp4",
        "cos-sweeper abort photos-1250000000@ap-guangzhou raw/cat.mp4 1585130821cbb7df1d11846c --yes",
    ),
    params=(
        BucketArgument(),
        Argument("key", "the key, as COS has it; bytes that are not UTF-8 as the shell passes them"),
        Argument("upload_id", "one upload; without it all of the key", required=False),
        YES,
        EXCLUDE_BUCKET,
        EXCLUDE_PREFIX,
        *POLICY,
        EVENT_IDLE,
        RECORDS,
    ),
)
def command(
    session: "Session", *, bucket: str, key: str, upload_id: str | None, yes: bool, records: Path | None
) -> int:
    """Look, ask, abort."""
    from cos_sweeper.cli import aborting

    del bucket  # the session has it
    return aborting.abort(session, key, upload_id, yes=yes, records=records)
