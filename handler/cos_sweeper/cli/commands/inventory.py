"""
`inventory`: the account of all unfinished uploads.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from cos_sweeper.cli.framework import HTML, POLICY, PRICE, RECORDS, SCOPE, new_command
from cos_sweeper.cli.words import t

if TYPE_CHECKING:
    from cos_sweeper.cli.session import Session


@new_command(
    "inventory",
    "What is unfinished: by bucket, prefix, age and owner. Aborts nothing.",
    details="Lists every unfinished upload and reads its parts, so that sizes are exact.",
    examples=(
        "cos-sweeper inventory --bucket photos-1250000000@ap-guangzhou",
        "cos-sweeper inventory --all-buckets --html account.html",
        "cos-sweeper inventory --all-buckets --price-per-gb-month 0.118 --currency CNY",
        "cos-sweeper inventory --all-buckets --json | jq .totals",
    ),
    params=(*SCOPE, *POLICY, *PRICE, HTML, RECORDS),
)
def command(session: "Session", html: Path | None, records: Path | None) -> int:
    """Sweep as an inventory, and show the account."""
    from cos_sweeper.cli import showing

    showing.require_place(html)
    plan = session.run(session.sweep_plan(dry_run=True, inventory=True))
    result, _ = showing.swept(session, plan, session.folder(records, is_needed=False), t("Looking"))
    showing.account(session, result.report_json or {})
    code = showing.after(session, result, html, "inventory")
    if result.report_json and result.report_json["totals"]["left"]["uploads"] and not session.interrupt.is_set:
        session.console.next_step(t("`cos-sweeper sweep` shows what it would abort, and aborts nothing."))
    return code
