"""
`survey`: COS's own count of fragments, from Cloud Monitor, without a listing.
"""

from typing import TYPE_CHECKING

from cos_sweeper.cli.framework import ALL_BUCKETS, BUCKET, EXCLUDE_BUCKET, new_command

if TYPE_CHECKING:
    from cos_sweeper.cli.session import Session


@new_command(
    "survey",
    "Which buckets to look at first: COS's own count of fragments. Lists nothing.",
    details=(
        "Asks Cloud Monitor, ten buckets in a request. What it counts is documented in two ways, as uploads and as "
        "parts, so it is good for an order of buckets and not for an account. `inventory` counts exactly."
    ),
    examples=("cos-sweeper survey --all-buckets", "cos-sweeper survey --all-buckets --json | jq '.buckets[0]'"),
    params=(BUCKET, ALL_BUCKETS, EXCLUDE_BUCKET),
)
def command(session: "Session") -> int:
    """Ask, and show the counts."""
    from cos_sweeper.cli import survey_table

    return survey_table.show(session)
