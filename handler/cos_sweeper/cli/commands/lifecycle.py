"""
`lifecycle`: which buckets have a rule that aborts uploads, and one more rule where it is missing.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cos_sweeper.cli.framework import ALL_BUCKETS, BUCKET, EXCLUDE_BUCKET, EXCLUDE_PREFIX, Option, new_command
from cos_sweeper.cli.words import t

if TYPE_CHECKING:
    from cos_sweeper.cli.session import Session

MAX_DAYS = 3650
OLD_DIR = "cos-sweeper-lifecycle"


def _days(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Days as COS takes them."""
    if value is None or (value.isascii() and value.isdecimal() and len(value) < 6 and 1 <= int(value) <= MAX_DAYS):
        return None if value is None else int(value)
    raise click.BadParameter(t("write a whole number from 1 to {n}", n=MAX_DAYS), ctx, param)


ADD_RULE = Option(
    ["--add-rule", "days"],
    callback=_days,
    metavar="DAYS",
    help="Add a rule that aborts uploads this many days after their start. Shows the change and asks.",
)
PREFIX = Option(["--prefix", "prefix"], default="", metavar="PREFIX", help="The rule is for keys that begin so. [all]")
RULE_ID = Option(["--id", "rule_id"], default="", metavar="ID", help="The id of the rule. [one that is free]")
OLD = Option(
    ["--old", "old"],
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Keep the old rules in a file in this directory. [cos-sweeper-lifecycle]",
)
YES = Option(["--yes", "-y", "is_sure"], is_flag=True, help="Write without asking.")


@new_command(
    "lifecycle",
    "Which buckets have a lifecycle rule for unfinished uploads; --add-rule adds one.",
    details=(
        "COS replaces all rules of a bucket at each write. --add-rule changes no other byte of them, refuses where "
        "that is not certain, reads the rules again directly before and after, and keeps the old ones in a file."
    ),
    examples=(
        "cos-sweeper lifecycle --all-buckets",
        "cos-sweeper lifecycle --add-rule 30 --bucket photos-1250000000@ap-guangzhou",
        "cos-sweeper lifecycle --add-rule 14 --prefix tmp/ --bucket photos-1250000000@ap-guangzhou --yes",
    ),
    params=(BUCKET, ALL_BUCKETS, EXCLUDE_BUCKET, EXCLUDE_PREFIX, ADD_RULE, PREFIX, RULE_ID, OLD, YES),
)
def command(session: "Session", days: int | None, prefix: str, rule_id: str, old: Path | None, *, is_sure: bool) -> int:
    """Show the coverage, or add a rule."""
    from cos_sweeper.cli import coverage_table, rule_session
    from cos_sweeper.cli.problems import Misused

    if days is not None:
        return rule_session.add(
            session, rule_session.Wish(days, prefix, rule_id, old or Path(OLD_DIR), is_sure=is_sure)
        )
    if prefix or rule_id or old or is_sure:
        raise Misused(t("`--prefix`, `--id`, `--old` and `--yes` need `--add-rule`."), t("Give `--add-rule DAYS`."))
    return coverage_table.show(session)
