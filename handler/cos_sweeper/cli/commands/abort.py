"""
`abort`: one upload, or all uploads of one key.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from cos_sweeper.cli.framework import (
    DRY_RUN,
    EVENT_IDLE,
    EXCLUDE_BUCKET,
    EXCLUDE_PREFIX,
    POLICY,
    RECORDS,
    UPLOADS_OF_KEY,
    Option,
    new_command,
)

if TYPE_CHECKING:
    from cos_sweeper.cli.session import Session

YES = Option(["--yes", "-y"], is_flag=True, help="Do not ask.")


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
        *UPLOADS_OF_KEY,
        YES,
        DRY_RUN,
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
