"""
Clients that nobody here wrote, in front of the emulator, and the function in front of a server that nobody here wrote.

Prints a line for each client and operation; exit code 1 when one is not as expected.
"""

import sys
from collections.abc import Sequence

from tests.emulator.public import Cloud
from tests.foreign import aws, boto, coscmd, go, moto, node_sdk, python_sdk, rclone, s3cmd
from tests.foreign.checks import BUCKET, REGION, Client, Row, rows

CLIENTS: tuple[Client, ...] = (
    node_sdk.CLIENT,
    python_sdk.CLIENT,
    coscmd.CLIENT,
    rclone.CLIENT,
    boto.CLIENT,
    s3cmd.CLIENT,
    aws.CLIENT,
    go.SDK,
    go.COSCLI,
    moto.CLIENT,
)


def main(names: list[str]) -> int:
    """Run the clients whose names begin with one of these, or all."""
    chosen = [each for each in CLIENTS if not names or each.name.startswith(tuple(names))]
    with Cloud.start(f"{BUCKET}@{REGION}", accept_aws_signatures=True) as cloud:
        done = [_printed(row) for client in chosen for row in rows(client, cloud)]
    last_line, exit_code = summary(done)
    print(last_line)
    return exit_code


def _printed(row: Row) -> Row:
    print(line(row), flush=True)
    return row


def summary(done: Sequence[Row]) -> tuple[str, int]:
    """The last line of the table, and the exit code: 1 where a row is not as expected, or nothing was run."""
    wrong = [row for row in done if row.problem and row.is_installed]
    missing = [row for row in done if not row.is_installed]
    last = (
        f"operations: {len(done) - len(missing)}, not as expected: {len(wrong)}, clients not installed: {len(missing)}"
    )
    return last, 1 if wrong or len(missing) == len(done) else 0


def line(row: Row) -> str:
    """A row as it is printed."""
    if not row.is_installed:
        return f"{row.client:<26} !!! NOT INSTALLED: {row.problem}"
    return f"{row.client:<26} {row.operation:<62} {'NOT AS EXPECTED: ' + row.problem if row.problem else 'as expected'}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
