"""
How much memory a sweep takes, and that it does not grow with the bucket.

Each sweep is a process of its own, over HTTP against the laptop's COS in another process; what is printed is the
kernel's account (`ru_maxrss`) of the sweeping process at its end, the interpreter and the SDK included.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

from tests.cloud.client import Cloud
from tests.function import PHOTOS

ROOT = Path(__file__).parents[2]
LIMIT = 1.2
MIB = 1 << 20


def main() -> int:
    """Measure and print; 1 when the larger sweep takes more than a fifth more than the smaller."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("counts", nargs="*", type=int, default=[5_000, 200_000], help="uploads in the bucket")
    counts = parser.parse_args().counts
    print(f"{'uploads':>10}{'aborted':>10}{'peak memory':>14}{'ratio':>8}")
    peaks: list[int] = []
    for count in counts:
        aborted, peak = measure(count)
        peaks.append(peak)
        print(f"{count:>10}{aborted:>10}{peak / MIB:>10.1f} MiB{peak / peaks[0]:>8.2f}")
    return int(peaks[-1] > LIMIT * peaks[0])


def measure(count: int) -> tuple[int, int]:
    """One sweep of so many abandoned uploads: how many it aborted, and its peak memory in bytes."""
    with Cloud.start(PHOTOS) as cloud:
        cloud.seed(PHOTOS.partition("@")[0], "logs/2026/{n:08}.gz", count=count, parts=2)
        environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join([str(ROOT / "handler"), str(ROOT)]),
            "BUCKETS": PHOTOS,
            "COS_ENDPOINT": cloud.endpoint,
            "TENCENTCLOUD_SECRETID": cloud.role.secret_id,
            "TENCENTCLOUD_SECRETKEY": cloud.role.secret_key,
            "TENCENTCLOUD_SESSIONTOKEN": cloud.role.token or "",
        }
        command = [sys.executable, "-c", "from tests.bench.memory import sweep; sweep()"]
        done = subprocess.run(command, env=environ, cwd=ROOT, check=True, capture_output=True, text=True)
    told = json.loads(done.stdout.splitlines()[-1])
    return told["aborted"], told["peak"]


def sweep() -> None:
    """In the process that is measured: one invocation, then its account as the last line."""
    import index

    answer = index.main_handler({"Type": "Timer", "Message": ""}, {"time_limit_in_ms": 3_600_000})
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"aborted": answer["aborted"], "peak": peak}))


if __name__ == "__main__":
    sys.exit(main())
