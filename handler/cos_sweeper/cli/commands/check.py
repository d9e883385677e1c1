"""
`check`: settings, credentials and permissions, each line good or with what to do.
"""

from typing import TYPE_CHECKING

from cos_sweeper.cli.framework import POLICY, SCOPE, Option, new_command, suggest

if TYPE_CHECKING:
    from cos_sweeper.cli.session import Session

FUNCTION = Option(
    ["--function"],
    metavar="REGION/NAME",
    help="Also the time limit and the memory of this deployed function.",
    shell_complete=suggest("regions", suffix="/"),
)


@new_command(
    "check",
    "What works and what to do: settings, credentials, permissions, clock, lifecycle rules.",
    details=(
        "Every request reads, but one: the permission to abort is found out by a request for an upload that cannot "
        "exist."
    ),
    examples=(
        "cos-sweeper check",
        "cos-sweeper check --bucket photos-1250000000@ap-guangzhou",
        "cos-sweeper check --all-buckets --function ap-guangzhou/cos-sweeper",
    ),
    params=(FUNCTION, *SCOPE, *POLICY),
)
def command(session: "Session", function: str | None) -> int:
    """Find it out and show it."""
    from cos_sweeper.cli import check_view

    return check_view.check(session, function)
