"""
One sweep, spread over more and more instances.

For each FAN_OUT: an emulator of its own, seeded anew, every answer of COS delayed, one timer fired, and the chain
run to its end. All instances and the cloud share this machine's cores, so what is shown is how the work divides and
what it costs, not how fast it would be where every instance has a core of its own.
"""

import argparse
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass

from tests.emulator.public import Cloud
from tests.fixtures import ABORTING, HANDLER
from tests.function import PHOTOS

BUCKET = PHOTOS.partition("@")[0]
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Load:
    """What is swept: uploads in all, those of them that are abandoned, the delay of each answer, the time limit."""

    uploads: int
    abandoned: int
    delay_ms: int
    limit_seconds: int


@dataclass(frozen=True, slots=True)
class Result:
    """What it took. peak_bytes: of the largest instance."""

    seconds: float
    runs: int
    instances: int
    requests: int
    peak_bytes: int


def main() -> int:
    """Measure and print a line for each FAN_OUT."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uploads", type=int, default=1_000_000)
    parser.add_argument("--abandoned", type=float, default=0.1, help="share of the uploads that are to be aborted")
    parser.add_argument("--delay-ms", type=int, default=20)
    parser.add_argument("--limit-seconds", type=int, default=120, help="the function's time limit")
    parser.add_argument("--fan-out", type=int, nargs="*", default=[1, 2, 4, 8])
    given = parser.parse_args()
    load = Load(given.uploads, int(given.uploads * given.abandoned), given.delay_ms, given.limit_seconds)
    print(f"{load.uploads} uploads, {load.abandoned} of them abandoned; every answer {load.delay_ms} ms late;")
    print(f"time limit {load.limit_seconds} s; {os.cpu_count()} cores for the instances and the cloud together")
    print(f"{'FAN_OUT':>8}{'seconds':>9}{'ratio':>7}{'instances':>11}{'runs':>6}{'requests':>10}{'peak memory':>13}")
    first = 0.0
    for fan_out in given.fan_out:
        result = measure(load, fan_out)
        first = first or result.seconds
        print(
            f"{fan_out:>8}{result.seconds:>9.0f}{first / result.seconds:>7.2f}{result.instances:>11}{result.runs:>6}"
            f"{result.requests:>10}{result.peak_bytes / MIB:>9.0f} MiB",
            flush=True,
        )
    return 0


def measure(load: Load, fan_out: int) -> Result:
    """One sweep from the timer to the end of its last run."""
    env = {"BUCKETS": PHOTOS, "FAN_OUT": str(fan_out), **ABORTING}
    limit_ms, concurrency = load.limit_seconds * 1000, 2 * fan_out + 1
    with Cloud.start(PHOTOS, function=HANDLER, env=env, time_limit_ms=limit_ms, concurrency=concurrency) as cloud:
        cloud.seed(BUCKET, "logs/{n:08}.gz", count=load.abandoned, parts=2)
        cloud.seed(BUCKET, "raw/{n:08}.mov", count=load.uploads - load.abandoned, hours_since_start=5)
        cloud.fault(delay_ms=load.delay_ms)
        began = time.monotonic()
        cloud.fire_timer()
        while not cloud.wait_idle(300):
            pass
        seconds = time.monotonic() - began
        runs = cloud.invocations()
        reported: Counter[str] = Counter()
        for run in runs:
            reported.update({"aborted": run.answer["aborted"], "kept": run.answer["kept"]} if run.answer else {})
        if reported != {"aborted": load.abandoned, "kept": load.uploads - load.abandoned}:
            raise SystemExit(
                f"the runs' reports do not add up: {dict(reported)}, ends {Counter(run.end for run in runs)}"
            )
        return Result(
            seconds,
            len(runs),
            len({run.pid for run in runs}),
            sum(cloud.totals()["operations"].values()),
            max(run.memory_bytes or 0 for run in runs),
        )


if __name__ == "__main__":
    sys.exit(main())
