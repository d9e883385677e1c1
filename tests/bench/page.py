"""
What one page of a listing costs: processor time over many of them, and the peak of what one needs besides.

The process of one row: `ours` or `sdk`, the port of a responder whose bucket has a page of uploads.
"""

import gc
import json
import sys
import time
import tracemalloc
from collections.abc import Callable

BATCHES = 5
PAGES = 10


def main() -> None:
    """Print milliseconds and bytes as one line of JSON."""
    row, port = sys.argv[1], int(sys.argv[2])
    print(json.dumps(measure(_page(row, port))))


def measure(page: Callable[[], object]) -> dict[str, float]:
    """Time first, the best batch, with nothing watching; then memory, as Python's allocators account for it."""
    cpu_seconds = min(_cpu_seconds(page) for _ in range(BATCHES))
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    page()
    peak = tracemalloc.get_traced_memory()[1] - before
    return {"cpu_ms": cpu_seconds / PAGES * 1e3, "peak_bytes": peak}


def _cpu_seconds(page: Callable[[], object]) -> float:
    began = time.process_time()
    for _ in range(PAGES):
        page()
    return time.process_time() - began


def _page(row: str, port: int) -> Callable[[], object]:
    if row == "ours":
        from tests.bench import ours

        return ours.page(port)
    from tests.bench import peers

    return peers.sdk_page(port)


if __name__ == "__main__":
    main()
