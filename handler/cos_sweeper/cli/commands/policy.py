"""
`policy`: what the function's role may do, and who may take it.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cos_sweeper.cli.framework import ALL_BUCKETS, BUCKET, EXCLUDE_BUCKET, Option, SettingOption, new_command, suggest

if TYPE_CHECKING:
    from cos_sweeper.cli.session import Session

SERVERLESS = Option(
    ["--serverless"],
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Take settings, region, name, namespace and role from this serverless.yml.",
)
TCCLI = Option(["--tccli", "is_calls"], is_flag=True, help="As calls of tccli, for a shell.")
UPDATE = Option(["--update", "is_update"], is_flag=True, help="With --tccli: the call for a role that is there.")
CHECK = Option(
    ["--check"],
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="POLICY",
    help="Whether the --serverless file can be deployed, and this policy, printed earlier, is enough.",
)
ABORT = SettingOption("--abort", "DRY_RUN", "false", is_flag=True, help="The function may abort: DRY_RUN is false.")
ONLY = Option(["--only"], type=click.Choice(("policy", "trust")), help="One of the two documents alone.")
REGION = Option(
    ["--region"], default="", metavar="REGION", help="Where the function runs.", shell_complete=suggest("regions")
)
NAME = Option(["--name"], default="", metavar="NAME", help="The function's name. [cos-sweeper]")
NAMESPACE = Option(["--namespace"], default="", metavar="NAME", help="The function's namespace. [default]")
ROLE = Option(["--role"], default="", metavar="NAME", help="The role's name. [cos-sweeper]")
UIN = Option(["--uin"], default="", metavar="UIN", help="The account's id, which is not its APPID.")
APPID = Option(["--appid"], default="", metavar="APPID", help="The account's APPID, for BUCKETS `*`.")


@new_command(
    "policy",
    "The smallest policy and the trust of the function's role, for these settings.",
    details="Prints JSON, or with --tccli the calls that create the role. Sends nothing.",
    examples=(
        "cos-sweeper policy --serverless serverless.yml --uin 100000000001",
        "cos-sweeper policy --serverless serverless.yml --uin 100000000001 --tccli",
        "cos-sweeper policy --region ap-guangzhou --abort --only policy > policy.json",
        "cos-sweeper policy --serverless serverless.yml --check policy.json",
    ),
    params=(
        *(BUCKET, ALL_BUCKETS, EXCLUDE_BUCKET, SERVERLESS, ABORT, TCCLI, UPDATE, ONLY, CHECK),
        *(REGION, NAME, NAMESPACE, ROLE, UIN, APPID),
    ),
)
def command(
    session: "Session",
    serverless: Path | None,
    only: str | None,
    check: Path | None,
    region: str,
    name: str,
    namespace: str,
    role: str,
    uin: str,
    appid: str,
    *,
    is_calls: bool,
    is_update: bool,
) -> int:
    """Print the documents."""
    from cos_sweeper.cli import deployment_check, policy_documents

    given = policy_documents.Names(name, region, namespace, role, uin, appid)
    if check is not None:
        return deployment_check.check(session, serverless, check, given)
    return policy_documents.show(session, serverless, given, only, is_calls=is_calls, is_update=is_update)
