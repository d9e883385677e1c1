"""
Runs the emulator on 127.0.0.1: a port for COS, one for the control door, one for STS and Cloud Monitor and, with a
function, one for SCF; says one line of JSON when it is ready.
"""

import argparse
import asyncio
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.emulator.cam import FULL_ACCESS, Credentials, read_policy
from tests.emulator.contents import DEFAULT_KEEP_BYTES
from tests.emulator.fields import BadInput
from tests.emulator.function import Function, Setup
from tests.emulator.serving import Ports, serve
from tests.emulator.state import State, make_credentials

EPILOG = """\
When it is ready it prints one line of JSON: the endpoints, the buckets, the owner's credentials (permanent, may do
everything) and the role's (temporary, may do exactly what the sweeper needs). SIGTERM or SIGINT stops it.

A bucket is known by the first label of Host (photos-1250000000.cos.ap-guangzhou.myqcloud.com,
photos-1250000000.localhost:9000) or by the first segment of the path (127.0.0.1:9000/photos-1250000000/key).

With --function there is an SCF beside COS, which takes Invoke requests of API 3.0. Each instance of the function is a
process of its own, with the environment that SCF gives, the role's credentials in it; COS_ENDPOINT and INVOKE_ENDPOINT
lead back to this cloud unless --env says otherwise. Timers are fired, instances killed and invocations read at the
control door.
"""


def main(arguments: list[str]) -> int:
    """Run until told to stop; returns the exit code."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    try:
        function = _function(options)
        setup = _setup(options)
        state = State(
            options.bucket,
            keep_requests=options.keep_requests,
            accept_aws_signatures=options.accept_aws_signatures,
            function=function.resource if function else None,
            keep_bytes=options.keep_bytes,
            credentials=options.credentials,
        )
        asyncio.run(serve(state, function, setup, _ports(options)))
    except (BadInput, OSError) as wrong:
        parser.error(str(wrong))
    return 0


def make_parser() -> argparse.ArgumentParser:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.emulator",
        description="An emulator of Tencent Cloud COS and SCF, in memory, on 127.0.0.1 only.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--cos-port", type=_port, default=9000, metavar="PORT", help="COS's port; 0: any (default: 9000)"
    )
    parser.add_argument(
        "--control-port",
        type=_port,
        default=9001,
        metavar="PORT",
        help="the control door's port; 0: any (default: 9001)",
    )
    parser.add_argument(
        "--api-port",
        type=_port,
        default=0,
        metavar="PORT",
        help="the port of STS and Cloud Monitor; 0: any (default: 0)",
    )
    parser.add_argument(
        "--proxy-port",
        type=_port,
        metavar="PORT",
        help="a port for an HTTP proxy that leads the cloud's own host names here; 0: any (default: none)",
    )
    parser.add_argument(
        "--bucket", action="append", default=[], metavar="NAME-APPID@REGION", help="a bucket to start with; repeatable"
    )
    parser.add_argument(
        "--accept-aws-signatures", action="store_true", help="let requests signed in AWS's way in, unchecked"
    )
    parser.add_argument(
        "--keep-requests", type=_count, default=100_000, metavar="N", help="requests to remember (default: 100000)"
    )
    parser.add_argument(
        "--keep-bytes",
        type=_count,
        default=DEFAULT_KEEP_BYTES,
        metavar="N",
        help=f"content of objects and parts to keep; of more only size and checksums (default: {DEFAULT_KEEP_BYTES})",
    )
    parser.add_argument(
        "--credentials",
        action="append",
        default=[],
        type=_credentials,
        metavar="ID:KEY[:TOKEN]",
        help="credentials that may do everything, with a token temporary ones; repeatable. The first are the owner's",
    )
    parser.add_argument(
        "--tls", type=Path, metavar="FILE", help="speak https on COS's port, and write the CA to trust to this file"
    )
    parser.add_argument("--stop-at-eof", action="store_true", help="stop also when standard input ends")
    _add_scf_options(parser.add_argument_group("SCF"))
    return parser


def _add_scf_options(group: "argparse._ArgumentGroup") -> None:
    setup = Setup()
    options: list[tuple[str, Callable[[str], Any], object, str, str]] = [
        ("--scf-port", _port, 9002, "PORT", "the Invoke API's port; 0: any"),
        ("--function-name", str, "cos-sweeper", "NAME", "the function's name"),
        ("--namespace", str, "default", "NAME", "the function's namespace"),
        ("--region", str, "ap-guangzhou", "REGION", "the function's region"),
        ("--python", str, "", "COMMAND", "starts Python in an instance, without the libraries of this one"),
        ("--memory-mb", _positive, 128, "MB", "the memory limit that the context tells; not enforced"),
        ("--time-limit-ms", _positive, setup.time_limit_ms, "MS", "an invocation is killed after this"),
        ("--concurrency", _positive, setup.concurrency, "N", "instances at a time"),
        ("--retries", _count, setup.retries, "N", "how often a failed asynchronous event is tried again"),
        ("--retry-wait-ms", _count, setup.retry_wait_ms, "MS", "how long it waits before that"),
        (
            "--role-seconds",
            _positive,
            int(setup.credentials_seconds),
            "SECONDS",
            "how long an instance's credentials hold",
        ),
    ]
    group.add_argument(
        "--function", type=Path, metavar="DIR", help="the function's code, with index.py in it; without: no SCF"
    )
    group.add_argument(
        "--env",
        action="append",
        default=[],
        type=_variable,
        metavar="NAME=VALUE",
        help="a variable of the function; repeatable",
    )
    for name, read, default, metavar, payload in options:
        shown = "" if default == "" else f" (default: {default})"
        group.add_argument(name, type=read, default=default, metavar=metavar, help=payload + shown)


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port number")
    return int(text)


def _count(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 up")
    return int(text)


def _positive(text: str) -> int:
    if _count(text) == 0:
        raise argparse.ArgumentTypeError("0 is too few")
    return int(text)


def _credentials(text: str) -> Credentials:
    secret_id, _, rest = text.partition(":")
    secret_key, _, token = rest.partition(":")
    if not (secret_id and secret_key):
        raise argparse.ArgumentTypeError("credentials are given as ID:KEY or ID:KEY:TOKEN")
    return make_credentials(read_policy(FULL_ACCESS), secret_id=secret_id, secret_key=secret_key, token=token or None)


def _variable(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _function(options: argparse.Namespace) -> Function | None:
    if options.function is None:
        return None
    return Function(
        options.function.resolve(),
        options.function_name,
        options.namespace,
        options.region,
        options.memory_mb,
        tuple(shlex.split(options.python)),
    )


def _ports(options: argparse.Namespace) -> Ports:
    return Ports(
        cos=options.cos_port,
        control=options.control_port,
        api=options.api_port,
        scf=options.scf_port,
        proxy=options.proxy_port,
        authority=options.tls,
        stops_at_eof=options.stop_at_eof,
    )


def _setup(options: argparse.Namespace) -> Setup:
    return Setup(
        time_limit_ms=options.time_limit_ms,
        concurrency=options.concurrency,
        retries=options.retries,
        retry_wait_ms=options.retry_wait_ms,
        credentials_seconds=options.role_seconds,
        variables=dict(options.env),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
