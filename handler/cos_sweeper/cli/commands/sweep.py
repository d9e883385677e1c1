"""
`sweep`: what a sweep would abort, and with `--abort` the sweep itself.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from cos_sweeper.cli.framework import DRY_RUN, HTML, POLICY, PRICE, RECORDS, SCOPE, Option, SettingOption, new_command

if TYPE_CHECKING:
    from cos_sweeper.cli.session import Session

ABORT = Option(["--abort"], is_flag=True, help="Abort what is abandoned, after showing it and asking.")
YES = Option(["--yes", "-y"], is_flag=True, help="Do not ask.")
UNTIL_EMPTY = Option(
    ["--until-empty"], is_flag=True, help="Run again after each MAX_ABORTS, until nothing abandoned is left."
)
LIMITS = (
    SettingOption(
        "--max-aborts", "MAX_ABORTS", metavar="N", help="At most so many aborts in one run; `none`: no limit. [10000]"
    ),
    SettingOption("--verify", "VERIFY", metavar="MODE", help="Look again after an abort: all, recent, none. [recent]"),
    SettingOption("--workers", "WORKERS", metavar="N", help="Uploads that are looked at at the same time. [32]"),
)


@new_command(
    "sweep",
    "What would be aborted: a plan. With --abort, abort it.",
    details="Without --abort nothing is aborted. The rules, the limits and the records are those of the function.",
    examples=(
        "cos-sweeper sweep --bucket photos-1250000000@ap-guangzhou",
        "cos-sweeper sweep --bucket photos-1250000000@ap-guangzhou --prefix raw/ --abort",
        "cos-sweeper sweep --all-buckets --min-age-hours 720 --abort --yes --until-empty",
    ),
    params=(ABORT, YES, UNTIL_EMPTY, DRY_RUN, *SCOPE, *POLICY, *PRICE, *LIMITS, HTML, RECORDS),
)
def command(
    session: "Session", *, abort: bool, yes: bool, until_empty: bool, html: Path | None, records: Path | None
) -> int:
    """Plan, ask, abort."""
    from cos_sweeper.cli import sweeping

    return sweeping.sweep(session, sweeping.Wishes(abort, yes, until_empty, html, records))
