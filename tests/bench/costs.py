"""
The sections that are not about aborts alone: what the server can do, a whole sweep, one page, a cold start.
"""

import json
import statistics
import sys
import tempfile
import time

from tests.bench import load, rows, table
from tests.bench.figures import read
from tests.bench.row import SWEEP_SAMPLE
from tests.bench.rows import Contender, Setting
from tests.bench.serving import serving
from tests.bench.terminal import progress
from tests.bench.workshop import Workshop

MIB = 1 << 20
DELAY_MS = 20
ASKED_AT_MOST = 128 / 0.020
PAGE_CPU_MS = 15.0
PAGE_PEAK_BYTES = 5_000_000
ACCOUNT_PEAK_BYTES = 20e6
ACCOUNT_SHARE = 0.05
ACCOUNTS = {"usual": "one initiator for each directory", "scattered": "every initiator in many directories"}
ALLOWED = 500
ALLOWED_UPLOADS = 10_000
ALLOWED_LEAST = 0.9
REFUSED_MOST = 0.02
COLD_ROUNDS = 9
COLD_LIMIT = 1.3
SDK_ALONE = "import qcloud_cos"
FIRST_ABORT = "import index; index.main_handler({event}, {{'time_limit_in_ms': 60000}})"


def ceiling(made: Workshop) -> list[str]:
    """What the responder can do when nothing that asks is worth mentioning, and what the limit makes of that."""
    at_once, late = Setting(0, 64), Setting(DELAY_MS, 800)
    measured = rows.rounds(
        [
            Contender("pipelined, 64 at a time on one connection", rows.python(made, "pipelined", at_once)),
            Contender("64 connections, one at a time on each", rows.python(made, "unsigned", at_once)),
            Contender("the limit, 64 in flight", rows.python(made, "limit", at_once)),
            Contender(f"800 connections, {DELAY_MS} ms answers", rows.python(made, "unsigned", late)),
        ],
        3,
    )
    limit = measured[2]
    lines = table.section(
        "The server's ceiling: requests written once, unsigned, by a client that only counts the answers",
        f"limit is: the limit's part of it; of 6,400: of what 128 in flight, {DELAY_MS} ms each, ask for a second",
    )
    lines += table.grid(
        ("", "requests/s", "limit is", "of 6,400", "server CPU"),
        [
            (
                row.name,
                f"{row.rate:,.0f}",
                f"{limit.rate / row.rate:.2f}" if row.rate and row is not measured[-1] else "",
                f"{row.rate / ASKED_AT_MOST:.1f} ×",
                f"{row.server_cpu_us:.1f} µs",
            )
            for row in measured
        ],
    )
    return lines


def sweep(made: Workshop, uploads: int) -> list[str]:
    """A whole sweep against the time that as many bare requests take."""
    setting = Setting(DELAY_MS, 64)
    sample = [Contender("bare", rows.python(made, "sweep_limit", setting, uploads=SWEEP_SAMPLE, seconds=60))]
    progress("a sweep's requests at the limit")
    before = rows.rounds(sample, 1)[0]
    progress(f"a sweep of {uploads:,} uploads")
    with serving(DELAY_MS, uploads) as served:
        mine = json.loads(_sweep(served.port, uploads))
    after = rows.rounds(sample, 1)[0]
    rate = max(before.rate, after.rate)
    requests = 2 * uploads + -(-uploads // 1000)
    bound = requests / rate
    lines = table.section(
        f"A whole sweep: {uploads:,} uploads listed, their parts listed, aborted; {DELAY_MS} ms answers, 64 in flight",
        f"the limit's {requests:,} requests: reckoned from {2 * SWEEP_SAMPLE:,} of the same mixture, "
        f"{rate:,.0f}/s; its better of two",
    )
    head = ("", "seconds", "of limit", "requests", "CPU/upload", "peak mem.")
    cpu_us = mine["cpu_seconds"] / uploads * 1e6
    lines += table.grid(
        head,
        [
            ("the limit: bare sockets, signed", f"{bound:.1f}", "1.00", f"{requests:,}", "", ""),
            (
                "COS Sweeper",
                f"{mine['seconds']:.1f}",
                f"{mine['seconds'] / bound:.2f}",
                f"{served.requests:,}",
                f"{cpu_us:.0f} µs",
                f"{mine['peak_bytes'] / MIB:.1f} MiB",
            ),
        ],
    )
    return lines


def allowed() -> list[str]:
    """A sweep of a bucket that says SlowDown to all beyond what it allows."""
    progress(f"a bucket that allows {ALLOWED} requests a second")
    with serving(DELAY_MS, ALLOWED_UPLOADS, allowed=ALLOWED) as served:
        figures = read(_sweep(served.port, ALLOWED_UPLOADS))
    rate = (served.requests - served.refused) / figures.seconds
    refused = served.refused / served.requests
    within = rate >= ALLOWED_LEAST * ALLOWED and refused < REFUSED_MOST
    lines = table.section(
        f"A bucket that allows {ALLOWED} requests a second: {ALLOWED_UPLOADS:,} uploads swept, 64 in flight",
        f"limits: {ALLOWED_LEAST:.0%} of what it allows, under {REFUSED_MOST:.0%} refused",
    )
    return lines + table.grid(
        ("", "requests/s", "of allowed", "refused", "within"),
        [("COS Sweeper", f"{rate:,.0f}", f"{rate / ALLOWED:.2f}", f"{refused:.2%}", "yes" if within else "NO")],
    )


def page() -> list[str]:
    """One page of a listing."""
    found = {}
    with serving(0, 1000) as served:
        for row in ("ours", "sdk"):
            progress(f"a page, {row}")
            found[row] = json.loads(rows.output([sys.executable, "-m", "tests.bench.page", row, str(served.port)]))
    mine, sdk = found["ours"], found["sdk"]
    within = mine["cpu_ms"] <= PAGE_CPU_MS and mine["peak_bytes"] <= PAGE_PEAK_BYTES
    lines = table.section(
        "One page of 1,000 uploads: asked for, read, made into values",
        f"limits: {PAGE_CPU_MS:.0f} ms, 5 MB; CPU: of 10 pages, best of 5; peak: of one more, as Python allocates",
    )
    lines += table.grid(
        ("", "CPU/page", "of the SDK", "peak extra", "of the SDK", "within"),
        [
            (
                name,
                f"{each['cpu_ms']:.1f} ms",
                f"{each['cpu_ms'] / sdk['cpu_ms']:.2f}",
                f"{each['peak_bytes'] / 1e6:.1f} MB",
                f"{each['peak_bytes'] / sdk['peak_bytes']:.2f}",
                verdict,
            )
            for name, each, verdict in (
                ("COS Sweeper", mine, "yes" if within else "NO"),
                ("cos-python-sdk-v5, list_multipart_uploads", sdk, ""),
            )
        ],
    )
    return lines


def account(uploads: int) -> list[str]:
    """The account of a sweep, against the sweep."""
    with serving(0, uploads) as served:
        progress(f"a sweep of {uploads:,} uploads")
        swept_us = read(_sweep(served.port, uploads)).cpu_us
    with serving(0, 1000) as served:
        progress("a page")
        listed = json.loads(rows.output([sys.executable, "-m", "tests.bench.page", "ours", str(served.port)]))
    lines = table.section(
        "The account: 1,000,000 uploads, 100,000 prefixes, 10,000 initiators, in the order of the listing",
        f"limits: 20 MB above an empty one, 5 % of a sweep's {swept_us:.0f} µs for each upload; a listed-only upload "
        f"takes {listed['cpu_ms']:.1f} µs",
    )
    cells = []
    for name in ("usual", "scattered"):
        progress(f"an account, {name}")
        took = json.loads(rows.output([sys.executable, "-m", "tests.bench.accounts", name]))
        share = took["abandoned_us"] / swept_us
        is_within = took["peak_bytes"] <= ACCOUNT_PEAK_BYTES and share <= ACCOUNT_SHARE
        cells.append(
            (
                ACCOUNTS[name],
                f"{took['peak_bytes'] / 1e6:.1f} MB",
                f"{took['abandoned_us']:.1f} µs",
                f"{share:.1%}",
                f"{took['kept_us']:.2f} µs",
                f"{took['slowest_page_ms']:.0f} ms",
                f"{took['json_s']:.1f} s",
                "yes" if is_within else "NO",
            )
        )
    head = ("", "peak extra", "abandoned", "of sweep", "kept", "slow page", "report", "within")
    return lines + table.grid(head, cells)


def cold() -> list[str]:
    """A new process up to its first abort, against one that only imports the SDK."""
    key, upload_id = load.uploads(1)[0]
    event = {"bucket": load.BUCKET, "key": key, "uploadId": upload_id}
    took: dict[str, list[tuple[float, float]]] = {"sdk": [], "ours": []}
    with serving(0) as served, tempfile.TemporaryDirectory() as folder:
        # Byte code for both or for neither, whatever happens to lie about.
        own = {"PYTHONPYCACHEPREFIX": folder, "PYTHONDONTWRITEBYTECODE": "", **load.environment(served.port)}
        for number in range(COLD_ROUNDS + 1):
            progress(f"cold starts, round {number}")
            for row, code in (("sdk", SDK_ALONE), ("ours", FIRST_ABORT.format(event=event))):
                took[row].append(_cold(code, own))
    if served.aborts != COLD_ROUNDS + 1:
        raise RuntimeError("a cold start did not abort")
    # The first round compiles, and fills the system's caches.
    whole = {row: statistics.median(each[0] for each in times[1:]) for row, times in took.items()}
    inside = {row: statistics.median(each[1] for each in times[1:]) for row, times in took.items()}
    ratios = whole["ours"] / whole["sdk"], inside["ours"] / inside["sdk"]
    lines = table.section(
        f"Cold start: medians of {COLD_ROUNDS} new processes each, taken in turn",
        f"whole: since the process was started; inside: since its interpreter was ready; limit {COLD_LIMIT}",
    )
    lines += table.grid(
        ("", "whole", "ratio", "inside", "ratio", "within"),
        [
            (SDK_ALONE, f"{whole['sdk'] * 1e3:.0f} ms", "1.00", f"{inside['sdk'] * 1e3:.0f} ms", "1.00", ""),
            (
                "COS Sweeper: import index, and a first abort",
                f"{whole['ours'] * 1e3:.0f} ms",
                f"{ratios[0]:.2f}",
                f"{inside['ours'] * 1e3:.0f} ms",
                f"{ratios[1]:.2f}",
                "yes" if max(ratios) <= COLD_LIMIT else "NO",
            ),
        ],
    )
    return lines


def _sweep(port: int, uploads: int) -> str:
    """The figures of a sweep in a process of its own, as it printed them."""
    return rows.output([sys.executable, "-c", f"from tests.bench import ours; ours.tell_sweep({port}, {uploads}, 64)"])


def _cold(code: str, more: dict[str, str]) -> tuple[float, float]:
    """Seconds until the code is done: since its process was started, and since it was begun. One clock for both."""
    timed = f"import time; began = time.monotonic(); {code}; print(began, time.monotonic())"
    started = time.monotonic()
    began, done = (float(each) for each in rows.output([sys.executable, "-c", timed], more).split())
    return done - started, done - began
