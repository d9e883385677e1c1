"""
What the account costs: memory above an empty one, and processor time of one upload.

Runs in a process of its own and prints one line of JSON. Uploads come in the order of a listing, as in a sweep.
"""

import json
import sys
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone

from cos_sweeper.core.account import Account, Observation
from cos_sweeper.core.model import Bucket
from cos_sweeper.core.outcomes import PartsSeen
from cos_sweeper.core.policy import STARTED_RECENTLY, Policy
from tests.bench import load
from tests.bench.figures import peak_bytes

UPLOADS, PREFIXES, INITIATORS = 1_000_000, 100_000, 10_000
PAGE = 1000
BUCKET = Bucket(load.BUCKET, load.REGION)
NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
POLICY = Policy(timedelta(days=7), timedelta(days=3))
MIB = 1 << 20


def abandoned(number: int, *, scattered: bool) -> Observation:
    """One of the abandoned uploads. scattered: every directory has uploads of many initiators."""
    prefix = number * PREFIXES // UPLOADS
    who = (number * 7919 if scattered else prefix * 31) % INITIATORS
    started = NOW - timedelta(days=8 + number % 300)
    return Observation(
        BUCKET,
        f"data/team-{prefix // 1000:03}/job-{prefix:06}/part-{number}.bin",
        "STANDARD",
        f"qcs::cam::uin/100000000001:uin/{100_000_000_000 + who}",
        started,
        PartsSeen(number % 1000 * MIB + number, 3, started + timedelta(hours=number % 50)),
        "aborted",
        "",
        "freed",
        f"{number:064x}",
    )


def kept(number: int) -> Observation:
    """One of the uploads that the listing alone keeps."""
    started = NOW - timedelta(hours=number % 168)
    return Observation(
        BUCKET, "data/part.bin", "STANDARD", "qcs::cam", started, None, "kept", STARTED_RECENTLY, "kept", "1"
    )


def tell(*, scattered: bool) -> None:
    """Fill an account, write it and show it; print what that took."""
    account = Account()
    empty = peak_bytes()
    abandoned_us, slowest = _filled(
        account, lambda numbers: (abandoned(number, scattered=scattered) for number in numbers)
    )
    began = time.process_time()
    for _ in account.lines():
        pass
    written = time.process_time()
    result = account.as_json(POLICY)
    shown = time.process_time()
    peak = peak_bytes() - empty
    if result["totals"]["freed"]["uploads"] != UPLOADS:
        raise AssertionError("the account lost uploads")
    kept_us, _ = _filled(Account(), lambda numbers: map(kept, numbers))
    print(
        json.dumps(
            {
                "peak_bytes": peak,
                "abandoned_us": abandoned_us,
                "kept_us": kept_us,
                "slowest_page_ms": slowest,
                "lines_s": written - began,
                "json_s": shown - written,
            }
        )
    )


def _filled(account: Account, made: Callable[[range], Iterable[Observation]]) -> tuple[float, float]:
    """Add all uploads; µs for each, and ms for the page that took longest. Making them up is not counted."""
    spent = slowest = 0.0
    for start in range(0, UPLOADS, PAGE):
        page = list(made(range(start, start + PAGE)))
        began = time.process_time()
        for one in page:
            account.add(one, NOW)
        took = time.process_time() - began
        spent, slowest = spent + took, max(slowest, took)
    return spent / UPLOADS * 1e6, slowest * 1e3


if __name__ == "__main__":
    tell(scattered=sys.argv[1:] == ["scattered"])
