"""
`explain`: all evidence about the uploads of a key, and which rule decides.
"""

from typing import TYPE_CHECKING

from cos_sweeper.cli.framework import (
    EVENT_IDLE,
    EXCLUDE_BUCKET,
    EXCLUDE_PREFIX,
    POLICY,
    UPLOADS_OF_KEY,
    new_command,
)

if TYPE_CHECKING:
    from cos_sweeper.cli.session import Session


@new_command(
    "explain",
    "Why an upload is kept or would be aborted, with all evidence, and when that changes.",
    details=(
        "Only reads. Without UPLOAD_ID it explains every upload of the key, by the rules of a sweep; with it also what "
        "an event that names the upload would do."
    ),
    examples=(
        "cos-sweeper explain photos-1250000000@ap-guangzhou raw/cat.mp4",
        "cos-sweeper explain photos-1250000000@ap-guangzhou raw/cat.mp4 1585130821cbb7df1d11846c --json",
    ),
    params=(
        *UPLOADS_OF_KEY,
        EXCLUDE_BUCKET,
        EXCLUDE_PREFIX,
        *POLICY,
        EVENT_IDLE,
    ),
)
def command(session: "Session", *, bucket: str, key: str, upload_id: str | None) -> int:
    """Look and explain."""
    from cos_sweeper.cli import explaining

    del bucket  # the session has it
    return explaining.explain(session, key, upload_id)
