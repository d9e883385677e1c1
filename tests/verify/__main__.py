"""
Verifies against a real bucket what docs/facts.md relies on: `make verify BUCKET=name-appid REGION=region`.

Credentials come from where the terminal command takes them; never from an option.
"""

import argparse
import asyncio
import math
import os
import sys
import textwrap
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from cos_sweeper.cli import credentials as credential_places
from cos_sweeper.cli.problems import Misused
from cos_sweeper.core.model import Bucket
from cos_sweeper.core.settings import BUCKET_NAME, LOCAL_ENDPOINT, REGION
from tests.verify import monitor_later, table
from tests.verify.bounds import PREFIX, Bounds, new_prefix
from tests.verify.checks.all import CHECKS
from tests.verify.cleanup import Cleaned, clean
from tests.verify.outcome import Check, Result
from tests.verify.running import verify
from tests.verify.sender import SECONDS_BETWEEN
from tests.verify.world import MANY, Options, World

ROUND_TRIP_SECONDS = 0.05
# Of all checks together.
PAUSES_SECONDS = 20


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Read the options, ask, run, show. Returns the exit code."""
    given = _arguments(arguments)
    try:
        options = _options(given, environ)
    except Misused as exc:
        print(f"error: {exc}" + (f"\n→ {exc.next_step}" if exc.next_step else ""), file=sys.stderr)
        return table.NOT_RUN
    if given.ready:
        return table.ALL_AS_EXPECTED
    if given.clean is not None:
        return _clean(options, given.clean)
    if given.monitor:
        return monitor_later.main(options, given.monitor)
    checks = [one for one in CHECKS if not given.only or one.name in given.only]
    if not checks:
        print(f"there is no such check: {', '.join(given.only)}", file=sys.stderr)
        return table.NOT_RUN
    prefix = new_prefix()
    print(_plan(options, checks, prefix), file=sys.stderr)
    if not given.yes and not _confirmed():
        print("Nothing was sent.", file=sys.stderr)
        return table.INTERRUPTED
    return _verify(options, checks, prefix, given)


def _verify(options: Options, checks: Sequence[Check], prefix: str, given: argparse.Namespace) -> int:
    began, world = time.monotonic(), World(options, prefix)
    run = asyncio.run(verify(world, checks, _Progress(len(checks))))
    account = table.account_of(world, run, time.monotonic() - began)
    colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    print(table.as_json(account) if given.json else table.as_text(account, colours=colours))
    if given.markdown:
        Path(given.markdown).write_text(table.as_markdown(account), "utf-8")
        print(f"\nFor a bug report: {given.markdown}", file=sys.stderr)
    if account.left or run.interrupted:
        print(f"\nThis takes away what may be left:\n{_clean_command(options, prefix)}", file=sys.stderr)
    return account.exit_code


class _Progress:
    """How far it is, on one line of a terminal."""

    def __init__(self, checks: int) -> None:
        self._checks = checks
        self._done = 0

    def __call__(self, result: Result) -> None:
        self._done += 1
        if sys.stderr.isatty():
            end = "" if self._done < self._checks else "\r\033[K"
            print(f"\r\033[K{self._done}/{self._checks} {result.check.name}{end}", end="", file=sys.stderr, flush=True)


def _clean(options: Options, prefix: str) -> int:
    """Take away what a run that was killed left."""
    if not PREFIX.fullmatch(prefix):
        print("CLEAN is a prefix that an earlier run printed: cos-sweeper-verify/<16 hex digits>/", file=sys.stderr)
        return table.NOT_RUN
    world = World(options, prefix)
    done = asyncio.run(_cleaned(world))
    print(f"{done.uploads} uploads aborted, {done.objects} objects deleted below {prefix}")
    for one in done.left:
        print(f"LEFT: {world.hidden(one)}")
    return table.SOMETHING_LEFT if done.left else table.ALL_AS_EXPECTED


async def _cleaned(world: World) -> Cleaned:
    try:
        return await clean(world)
    finally:
        await world.close()


def _plan(options: Options, checks: Sequence[Check], prefix: str) -> str:
    """What is going to happen."""
    requests = sum(one.requests for one in checks) + 10
    minutes = math.ceil((requests * max(options.seconds_between, ROUND_TRIP_SECONDS / 2) + PAUSES_SECONDS) / 60)
    bounds = Bounds(options.bucket, prefix)
    texts = (
        f"This sends about {requests:,} requests to {bounds.bucket} in about {minutes} min, and stores some MB for "
        "that long. All of it costs less than 0.01 USD.",
        f"What it makes is below {prefix} and is taken away at the end. No other key is touched, and the bucket is "
        "only read.",
        "It completes an upload and stores two small objects for a moment. Triggers and replication of the bucket see "
        "them, so take a bucket that is for tests. If this is killed, the following cleans up:",
    )
    return "\n".join(
        [*(textwrap.fill(one, table.terminal_width()) for one in texts), _clean_command(options, prefix), ""]
    )


def _clean_command(options: Options, prefix: str) -> str:
    return f"  make verify BUCKET={options.bucket.name} REGION={options.bucket.region} \\\n    CLEAN={prefix}"


def _confirmed() -> bool:
    if not sys.stdin.isatty():
        print("Nobody can be asked: this is no terminal. Give YES=1.", file=sys.stderr)
        return False
    print("Go on? [y/N]: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _options(given: argparse.Namespace, environ: Mapping[str, str]) -> Options:
    """Raises Misused."""
    if not BUCKET_NAME.fullmatch(given.bucket or "") or not REGION.fullmatch(given.region or ""):
        raise Misused("Give BUCKET=name-appid and REGION=ap-guangzhou.")
    endpoint = environ.get("COS_ENDPOINT", "").strip()
    local = LOCAL_ENDPOINT.fullmatch(endpoint)
    if endpoint and local is None:
        raise Misused("COS_ENDPOINT is http://127.0.0.1:<port>, or not set.")
    found = credential_places.find(environ)
    return Options(
        bucket=Bucket(given.bucket, given.region),
        credentials=found.credentials,
        many=given.many,
        function=given.function,
        cos_port=int(local[1]) if local else None,
        seconds_between=0.0 if local else SECONDS_BETWEEN,
    )


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.verify", description=__doc__)
    parser.add_argument("--bucket", help="name-appid")
    parser.add_argument("--region", help="such as ap-guangzhou")
    parser.add_argument("--function", default="", help="REGION/NAME of a deployed function, to look at that, too")
    parser.add_argument("--only", action="append", default=[], help="only this check; may be given again")
    parser.add_argument("--many", type=int, default=MANY, help=argparse.SUPPRESS)
    parser.add_argument("--ready", action="store_true", help="send nothing: only whether all that it needs is given")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--json", action="store_true", help="JSON on stdout")
    parser.add_argument("--markdown", metavar="FILE", help="also as Markdown, for a bug report")
    parser.add_argument("--clean", metavar="PREFIX", help="take away what a run that was killed left")
    parser.add_argument("--monitor", metavar="start|FILE", help="begin, or end, the check that needs a day")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], dict(os.environ)))
