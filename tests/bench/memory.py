"""
How much memory a sweep takes, and that it does not grow with the bucket.

Each sweep is a process of its own against the bare responder; what is printed is the kernel's account of the sweeping
process at its end, the interpreter and the SDK included.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.figures import Figures, read
from tests.bench.serving import serving
from tests.bench.workshop import ROOT, environment

IN_FLIGHT = 64
MAX_RATIO = 1.1
MAX_MIB = 100
MIB = 1 << 20
WIDE_UPLOADS = 300
WIDE_PARTS = 10_000


def main() -> int:
    """Measure and print; 1 when the larger sweep takes more than a tenth more than the smaller, or too much in all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("counts", nargs="*", type=int, default=[10_000, 1_000_000], help="uploads, all abandoned")
    counts = parser.parse_args().counts
    print(f"{'uploads':>10}{'seconds':>10}{'CPU each':>12}{'peak memory':>14}{'ratio':>8}")
    peaks: list[float] = []
    for count in counts:
        reported = sweep(count)
        peaks.append(reported.peak_bytes / MIB)
        cost = f"{reported.seconds:>10.1f}{reported.cpu_us:>9.0f} µs"
        print(f"{reported.calls:>10}{cost}{peaks[-1]:>10.1f} MiB{peaks[-1] / peaks[0]:>8.2f}", flush=True)
    wide = wide_sweep().peak_bytes / MIB
    print(f"{WIDE_UPLOADS} uploads of {WIDE_PARTS} parts over TLS, with the workers that fit in 128 MB: {wide:.1f} MiB")
    return int(max(peaks) > MAX_RATIO * peaks[0] or max(*peaks, wide) > MAX_MIB)


def wide_sweep() -> Figures:
    """One sweep of uploads with as many parts as COS allows, over TLS."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "tests.bench.certificate", folder], cwd=ROOT, env=environment(), check=True
        )
        with serving(20, WIDE_UPLOADS, Path(folder, "server.pem"), parts=WIDE_PARTS) as served:
            work = (
                f"from tests.bench import ours; ours.tell_wide({served.port}, {WIDE_UPLOADS}, {folder + '/ca.pem'!r})"
            )
            result = subprocess.run(
                [sys.executable, "-c", work], cwd=ROOT, env=environment(), check=True, stdout=subprocess.PIPE, text=True
            )
    return read(result.stdout.splitlines()[-1])


def sweep(count: int) -> Figures:
    """One sweep of so many abandoned uploads, every one of which is aborted, or it raises."""
    with serving(0, count) as served:
        work = f"from tests.bench import ours; ours.tell_sweep({served.port}, {count}, {IN_FLIGHT})"
        result = subprocess.run(
            [sys.executable, "-c", work], cwd=ROOT, env=environment(), check=True, stdout=subprocess.PIPE, text=True
        )
    return read(result.stdout.splitlines()[-1])


if __name__ == "__main__":
    sys.exit(main())
